//! Invite links as people paste them.

/// What every invite link has between the relay's address and the workspace.
const MARK: &str = "/join#";

/// Gives the link in what was pasted: without brackets, quotes and what ends a sentence, and without the words around it.
///
/// What has no link in it stays as it is, so that the engine says what is wrong with it.
pub(crate) fn pasted(text: &str) -> String {
    // Some mail programs write the number sign as they would in a path.
    let text = text.trim().replace("/join%23", MARK);
    let Some(word) = text.split_whitespace().find(|word| word.contains(MARK)) else {
        return text;
    };
    let start = ["https://", "http://", "wss://", "ws://"]
        .iter()
        .find_map(|scheme| word.find(scheme))
        .unwrap_or(0);
    // The secret at the end is of letters, digits, - and _.
    let is_of_link = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let link = &word[start..];
    link.trim_end_matches(|letter: char| !is_of_link(letter))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::pasted;

    #[test]
    fn links_are_found_in_what_mail_makes_of_them() {
        let link = "https://relay.example.com/join#1.VEoSYd.1AT7-J_";
        for text in [
            link.to_owned(),
            format!(" {link}\n"),
            format!("<{link}>"),
            format!("<{link}>."),
            format!("\"{link}\","),
            format!("({link})"),
            format!("{link}."),
            format!("{link}\u{200b}"),
            format!("„{link}“"),
            format!("URL:{link}"),
            format!("please join: {link} until monday"),
            link.replace('#', "%23"),
        ] {
            assert_eq!(pasted(&text), link, "{text}");
        }
        for text in ["hello", "", "https://relay.example.com/", "a b"] {
            assert_eq!(pasted(text), text);
        }
    }
}
