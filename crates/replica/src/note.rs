//! Writing the note of a record: character by character where it pays, as a whole where that would take too long.

use automerge::transaction::{Transactable, Transaction};
use model::note::common_ends;

use crate::genesis::Text;

/// How many characters may differ, before and after, for the smallest difference to be looked for.
///
/// Finding it takes the square of that; beyond, what lies between the common ends is replaced as one piece.
const MAX_COMPARED: usize = 2_000;

/// Makes the note another text.
pub(crate) fn write(transaction: &mut Transaction<'_>, before: &str, after: &str) {
    const EXISTS: &str = "every document has a note, made by the genesis change";
    let note = Text::Note.object();
    let (prefix, suffix) = common_ends(before, after);
    let deleted = before.chars().count() - prefix - suffix;
    let inserted = after.chars().count() - prefix - suffix;
    if deleted.max(inserted) <= MAX_COMPARED {
        transaction.update_text(&note, after).expect(EXISTS);
        return;
    }
    let middle: String = after.chars().skip(prefix).take(inserted).collect();
    transaction
        .splice_text(&note, prefix, deleted.cast_signed(), &middle)
        .expect(EXISTS);
}

#[cfg(test)]
mod tests {
    use automerge::{ActorId, ReadDoc};

    use super::*;
    use crate::genesis::new_document;

    #[test]
    fn any_text_becomes_any_other() {
        let long: String = ('a'..='z').cycle().take(9_000).collect();
        let other: String = ('a'..='z').rev().cycle().take(8_000).collect();
        let texts = [
            String::new(),
            "Straße 🙂".to_owned(),
            "Stra🙂ße e\u{301}".to_owned(),
            format!("ä{long}ö"),
            format!("ä{other}ö"),
            "aaaa".to_owned(),
            "aa".to_owned(),
            "a".repeat(5_000),
            "Straße e\u{301}".to_owned(),
        ];
        let mut document = new_document().with_actor(ActorId::from([1; 20]));
        for after in texts.iter().chain(texts.iter().rev()) {
            let before = document.text(Text::Note.object()).unwrap();
            let mut transaction = document.transaction();
            write(&mut transaction, &before, after);
            transaction.commit();
            assert_eq!(&document.text(Text::Note.object()).unwrap(), after);
        }
    }
}
