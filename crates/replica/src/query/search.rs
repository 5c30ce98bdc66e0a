//! Search: records that contain all words of a text, in any field.

use model::fold::{fold_name, fold_phone};
use model::record::Standing;

use super::{Asked, standing_word};
use crate::answers::Hit;
use crate::digest::Digest;

/// Finds records that contain all words, the best first: what is called so, then what mentions it, the newest first.
pub fn search(asked: &Asked<'_>, text: &str, limit: usize) -> Vec<Hit> {
    let folded = fold_name(text);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let phone = phone_of(text);
    let mut found: Vec<(u8, &Digest)> = asked
        .replica
        .digests()
        .iter()
        .filter(|digest| matches!(digest.standing, Standing::Alive | Standing::Archived))
        .filter_map(|digest| {
            rank(digest, &folded, &words, phone.as_deref()).map(|rank| (rank, digest.as_ref()))
        })
        .collect();
    found.sort_by_key(|(rank, digest)| (*rank, std::cmp::Reverse(digest.changed_ms), digest.id));
    found.truncate(limit);
    found
        .into_iter()
        .map(|(_, digest)| Hit {
            record: asked.named(digest.id),
            standing: standing_word(&digest.standing).to_owned(),
            found_in: found_in(digest, &words, phone.as_deref()),
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

/// Ranks a record: 0 its number, 1 its title, 2 begins its title, 3 words of its title, 4 in the title, 5 elsewhere; none where
/// words are missing.
fn rank(digest: &Digest, folded: &str, words: &[&str], phone: Option<&str>) -> Option<u8> {
    let everywhere = words.iter().all(|word| digest.haystack.contains(word));
    if !everywhere && !phone.is_some_and(|digits| digest.haystack.contains(digits)) {
        return None;
    }
    let title = digest.haystack.lines().next().unwrap_or("");
    Some(
        if !digest.number.is_empty() && fold_name(&digest.number) == folded {
            0
        } else if title == folded {
            1
        } else if title.starts_with(folded) {
            2
        } else if words.iter().all(|word| is_word_of(word, title)) {
            3
        } else if words.iter().all(|word| title.contains(word)) {
            4
        } else {
            5
        },
    )
}

fn is_word_of(word: &str, title: &str) -> bool {
    title
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|one| one == word)
}

fn found_in(digest: &Digest, words: &[&str], phone: Option<&str>) -> String {
    let hit = |line: &&str| {
        words.iter().any(|word| line.contains(word)) || phone.is_some_and(|one| line.contains(one))
    };
    digest
        .haystack
        .lines()
        .find(hit)
        .unwrap_or("")
        .chars()
        .take(120)
        .collect()
}
