//! Names of persons as people type them in one piece.

/// Splits a name into given and family name: the family name is the last word, or what stands before a comma.
pub(crate) fn split_name(name: &str) -> (String, String) {
    let tidy = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((family, given)) = name.split_once(',') {
        return (tidy(given), tidy(family));
    }
    let name = tidy(name);
    match name.rsplit_once(' ') {
        Some((given, family)) => (given.to_owned(), family.to_owned()),
        None => (String::new(), name),
    }
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn the_last_word_is_the_family_name() {
        for (name, given, family) in [
            ("Anna Berg", "Anna", "Berg"),
            ("  Anna   Maria  Berg ", "Anna Maria", "Berg"),
            ("Berg", "", "Berg"),
            ("von Berg, Anna", "Anna", "von Berg"),
            ("", "", ""),
        ] {
            assert_eq!(
                split_name(name),
                (given.to_owned(), family.to_owned()),
                "{name}"
            );
        }
    }
}
