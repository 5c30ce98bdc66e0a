//! Words that must not stand anywhere in clear, and the search for them in files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The shortest form that is looked for, in bytes: a shorter one appears in sealed bytes by chance.
const BYTES_MIN: usize = 6;

/// Words to look for, each in every form in which it might be stored.
///
/// Looked for are UTF-8 and UTF-16 of both byte orders, also without spaces and as digits alone, whatever the case of
/// ASCII letters.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// What is looked for, lower case, with the word it is a form of.
    forms: BTreeMap<Vec<u8>, String>,
}

impl Secrets {
    /// Adds a word.
    pub fn add(&mut self, word: &str) {
        let word = word.trim();
        let joined: String = word
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect();
        let digits: String = word.chars().filter(char::is_ascii_digit).collect();
        // A number is known by its digits, however it was typed; a text with some digits in it is not.
        let digits = if digits.len() >= 7 {
            digits
        } else {
            String::new()
        };
        for text in [word, &joined, &digits] {
            let utf_16: Vec<u16> = text.encode_utf16().collect();
            let forms = [
                text.as_bytes().to_vec(),
                utf_16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
                utf_16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            ];
            for form in forms.into_iter().filter(|form| form.len() >= BYTES_MIN) {
                self.forms
                    .insert(form.to_ascii_lowercase(), word.to_owned());
            }
        }
    }

    /// Gives how many forms are looked for.
    pub fn count(&self) -> usize {
        self.forms.len()
    }

    /// Names the words that stand in these bytes.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut by_start: HashMap<&[u8], Vec<(&[u8], &str)>> = HashMap::new();
        for (form, word) in &self.forms {
            let (start, rest) = form.split_at(BYTES_MIN);
            by_start.entry(start).or_default().push((rest, word));
        }
        let bytes = bytes.to_ascii_lowercase();
        let mut found: Vec<String> = bytes
            .windows(BYTES_MIN)
            .enumerate()
            .filter_map(|(at, window)| Some((at + BYTES_MIN, by_start.get(window)?)))
            .flat_map(|(end, forms)| {
                let rest = &bytes[end..];
                forms
                    .iter()
                    .filter(move |(form, _)| rest.starts_with(form))
                    .map(|(_, word)| (*word).to_owned())
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// Names the words that stand in a file below a directory or in the name of one, with the file.
    ///
    /// # Panics
    /// When something in it cannot be read.
    pub fn found_below(&self, directory: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).expect("the directory can be read") {
            let entry = entry.expect("the directory can be read");
            let path = entry.path();
            let kind = entry.file_type().expect("a file has a type");
            let mut words = self.found_in(entry.file_name().to_string_lossy().as_bytes());
            if kind.is_dir() {
                found.extend(self.found_below(&path));
            } else if kind.is_file() {
                words.extend(self.found_in(&std::fs::read(&path).expect("the file can be read")));
            }
            found.extend(
                words
                    .iter()
                    .map(|word| format!("'{word}' in {}", path.display())),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, bytes: &[u8], is_found: bool) {
        let mut secrets = Secrets::default();
        secrets.add(word);
        let expected: Vec<String> = is_found.then(|| word.to_owned()).into_iter().collect();
        assert_eq!(secrets.found_in(bytes), expected, "{word}");
    }

    #[test]
    fn words_are_found_in_every_form() {
        check("Nord Pumpen", b"x nord pumpen y", true);
        check("Nord Pumpen", b"NordPumpen", true);
        check(
            "Pumpen",
            &"-Pumpen"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>(),
            true,
        );
        check(
            "Pumpen",
            &"-Pumpen"
                .encode_utf16()
                .flat_map(u16::to_be_bytes)
                .collect::<Vec<_>>(),
            true,
        );
        check("+49 (170) 123-4567", b"..491701234567..", true);
        check("Nord Pumpen", b"Nord Pumpe", false);
        check("Nord", b"Nord", false);
    }
}
