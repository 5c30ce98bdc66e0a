//! Search: records that contain all words of a text, in any field.

use memchr::memmem::Finder;
use model::Value;
use model::fold::{fold_name, fold_phone};
use model::record::{self, Standing};

use super::{Asked, standing_word};
use crate::answers::Hit;
use crate::digest::Digest;

/// How much of the text in which something was found is shown, in characters.
const FOUND_SHOWN: usize = 120;

/// Finds records that contain all words, the best first: what is called so, then what mentions it, the newest first.
pub fn search(asked: &Asked<'_>, text: &str, limit: usize) -> Vec<Hit> {
    let folded = fold_name(text);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let sought = Sought::new(&folded, &words, phone_of(text));
    let mut found: Vec<(u8, &Digest)> = asked
        .replica
        .digests()
        .iter()
        .filter(|digest| matches!(digest.standing(), Standing::Alive | Standing::Archived))
        .filter_map(|digest| Some((sought.rank(digest)?, digest)))
        .collect();
    found
        .sort_by_key(|(rank, digest)| (*rank, std::cmp::Reverse(digest.changed_ms()), digest.id()));
    found.truncate(limit);
    found
        .into_iter()
        .map(|(_, digest)| Hit {
            record: asked.named(digest.id()),
            standing: standing_word(&digest.standing()).to_owned(),
            found_in: sought.found_in(asked, digest),
        })
        .collect()
}

/// Reads the text as a phone number, if it looks like one.
fn phone_of(text: &str) -> Option<String> {
    let is_phone = text
        .chars()
        .all(|letter| letter.is_ascii_digit() || " +-/().".contains(letter));
    let folded = fold_phone(text);
    // A national number is found in an international one without its leading zero.
    let digits = folded.trim_start_matches(['+', '0']).to_owned();
    (is_phone && digits.len() >= 4).then_some(digits)
}

/// What is looked for, prepared once for all records.
struct Sought<'a> {
    folded: &'a str,
    words: Vec<(&'a str, Finder<'a>)>,
    phone: Option<(String, Finder<'static>)>,
}

impl<'a> Sought<'a> {
    fn new(folded: &'a str, words: &[&'a str], phone: Option<String>) -> Self {
        let finder = |digits: String| (digits.clone(), Finder::new(&digits).into_owned());
        Self {
            folded,
            words: words
                .iter()
                .map(|word| (*word, Finder::new(*word)))
                .collect(),
            phone: phone.map(finder),
        }
    }

    /// Ranks a record: 0 its number, 1 its title, 2 begins its title, 3 words of its title, 4 in the title, 5 elsewhere;
    /// none where words are missing.
    fn rank(&self, digest: &Digest) -> Option<u8> {
        let haystack = digest.haystack();
        let has = |finder: &Finder<'_>| finder.find(haystack.as_bytes()).is_some();
        let everywhere = self.words.iter().all(|(_, finder)| has(finder));
        if !everywhere && !self.phone.as_ref().is_some_and(|(_, finder)| has(finder)) {
            return None;
        }
        let title = haystack.lines().next().unwrap_or("");
        let all = |holds: &dyn Fn(&str) -> bool| self.words.iter().all(|(word, _)| holds(word));
        let rank = if !digest.number().is_empty() && fold_name(digest.number()) == self.folded {
            0
        } else if title == self.folded {
            1
        } else if title.starts_with(self.folded) {
            2
        } else if all(&|word| is_word_of(word, title)) {
            3
        } else if all(&|word| title.contains(word)) {
            4
        } else {
            5
        };
        Some(rank)
    }

    /// Counts how much of what is looked for stands in a text.
    fn hits(&self, text: &str) -> usize {
        let folded = fold_name(text);
        let words = self.words.iter().filter(|(word, _)| folded.contains(word));
        let has_phone = self
            .phone
            .as_ref()
            .is_some_and(|(phone, _)| fold_phone(text).contains(phone));
        words.count() + usize::from(has_phone)
    }

    /// Gives the line in which most of it was found, as people wrote it.
    fn found_in(&self, asked: &Asked<'_>, digest: &Digest) -> String {
        let view = record::record(&asked.world, digest.id());
        let fields = view.iter().flat_map(|view| view.fields.values());
        let values = fields
            .filter_map(|settled| settled.shown.as_ref())
            .filter(|value| !matches!(value, Value::Reference(_)))
            .map(|value| asked.text(value));
        let texts = std::iter::once(digest.title().to_owned())
            .chain(values)
            .chain(view.iter().map(|view| view.note.clone()));
        let mut best = (0, String::new());
        for text in texts {
            for line in text.lines() {
                let hits = self.hits(line);
                if hits > best.0 {
                    best = (hits, line.chars().take(FOUND_SHOWN).collect());
                }
            }
        }
        best.1
    }
}

fn is_word_of(word: &str, title: &str) -> bool {
    title
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|one| one == word)
}
