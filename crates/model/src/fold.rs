//! Folding of texts so that what a person takes for equal compares as equal.

/// Folds a name: trimmed, single spaces, lower case, umlauts and accents written out.
pub fn fold_name(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        word.chars()
            .flat_map(char::to_lowercase)
            .for_each(|letter| push_plain(&mut folded, letter));
    }
    folded
}

fn push_plain(folded: &mut String, letter: char) {
    match letter {
        'ä' | 'æ' => folded.push_str("ae"),
        'ö' | 'ø' | 'œ' => folded.push_str("oe"),
        'ü' => folded.push_str("ue"),
        'ß' => folded.push_str("ss"),
        'à' | 'á' | 'â' | 'ã' | 'å' => folded.push('a'),
        'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
        'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
        'ò' | 'ó' | 'ô' | 'õ' => folded.push('o'),
        'ù' | 'ú' | 'û' => folded.push('u'),
        'ç' | 'č' | 'ć' => folded.push('c'),
        'š' | 'ś' => folded.push('s'),
        'ž' | 'ź' | 'ż' => folded.push('z'),
        'ñ' | 'ń' => folded.push('n'),
        'ł' => folded.push('l'),
        'ý' | 'ÿ' => folded.push('y'),
        // A combining mark adds nothing to what was typed on another keyboard as one letter.
        '\u{0300}'..='\u{036f}' => {}
        other => folded.push(other),
    }
}

/// Folds a phone number: digits with a leading `+`; `00` becomes `+`, a zero in brackets behind a country code goes.
///
/// Numbers without a country code stay as they are, since the country is not known.
pub fn fold_phone(text: &str) -> String {
    let text = text.trim().replace("(0)", "");
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_digit() || (letter == '+' && folded.is_empty()) {
            folded.push(letter);
        } else if letter.eq_ignore_ascii_case(&'x') && folded.len() > 4 {
            folded.push('x');
        }
    }
    match folded.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => folded,
    }
}

/// Folds an e-mail address: trimmed, lower case.
pub fn fold_email(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_as_people_read_them() {
        for (one, other) in [
            ("Müller  GmbH", "mueller gmbh"),
            ("Café", "cafe\u{301}"),
            ("STRASSE", "Straße"),
        ] {
            assert_eq!(fold_name(one), fold_name(other));
        }
        assert_ne!(fold_name("Meier"), fold_name("Meyer"));
    }

    #[test]
    fn phones_fold_whatever_separates_their_digits() {
        for text in ["+49 (0) 511 123-45", "0049 511 12345", "+4951112345"] {
            assert_eq!(fold_phone(text), "+4951112345");
        }
        assert_eq!(fold_phone("0511/12345"), "051112345");
    }
}
