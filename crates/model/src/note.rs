//! Notes: the long text of a record, and what may happen to it at once.

use crate::refusal::Refusal;

/// How many characters a note may have.
pub const MAX_NOTE: usize = 100_000;

/// How many characters one intent may take out of a note and put into it, together.
///
/// Each is an operation of the change, of which the gate lets 20,000 pass; the rest is left to registers.
pub const MAX_NOTE_EDIT: usize = 15_000;

/// What happens to a record's note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteEdit {
    /// Text is added on a line of its own.
    Append(String),
    /// The note becomes this text; what differs is written.
    Become(String),
}

impl NoteEdit {
    /// Gives the note that comes of it.
    pub fn applied_to(&self, note: &str) -> String {
        match self {
            Self::Become(text) => text.clone(),
            Self::Append(text) if note.is_empty() => text.clone(),
            Self::Append(text) => format!("{}\n{text}", note.trim_end_matches('\n')),
        }
    }

    /// Refuses a note that grows beyond [`MAX_NOTE`], and an edit beyond [`MAX_NOTE_EDIT`].
    pub(crate) fn check(&self, note: &str) -> Result<(), Refusal> {
        let after = self.applied_to(note);
        let (before_count, after_count) = (note.chars().count(), after.chars().count());
        let (prefix, suffix) = common_ends(note, &after);
        let edited = before_count + after_count - 2 * (prefix + suffix);
        // What is too long already, as two writers at once can make it, may still be made shorter.
        if edited > MAX_NOTE_EDIT || after_count > MAX_NOTE && after_count > before_count {
            return Err(Refusal::TooLarge);
        }
        Ok(())
    }
}

/// Counts the characters that two texts have in common at their beginning and, beyond that, at their end.
pub fn common_ends(one: &str, other: &str) -> (usize, usize) {
    fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
        one.zip(other).take_while(|(a, b)| a == b).count()
    }
    let prefix = common(one.chars(), other.chars());
    let rest = one.chars().count().min(other.chars().count()) - prefix;
    (
        prefix,
        common(one.chars().rev(), other.chars().rev()).min(rest),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_ends_do_not_overlap() {
        for (one, other, ends) in [
            ("aaaa", "aa", (2, 0)),
            ("abä", "acä", (1, 1)),
            ("", "x", (0, 0)),
            ("same", "same", (4, 0)),
        ] {
            assert_eq!(common_ends(one, other), ends, "{one} {other}");
        }
    }

    #[test]
    fn notes_grow_to_their_limit_in_steps() {
        let step = "x".repeat(MAX_NOTE_EDIT);
        assert_eq!(NoteEdit::Become(step.clone()).check(""), Ok(()));
        assert_eq!(
            NoteEdit::Become(step.clone() + "x").check(""),
            Err(Refusal::TooLarge)
        );
        assert_eq!(
            NoteEdit::Become(step.replace('x', "y")).check(&step),
            Err(Refusal::TooLarge)
        );
        let full = "x".repeat(MAX_NOTE);
        let more = NoteEdit::Append("x".to_owned());
        assert_eq!(more.check(&full[..MAX_NOTE - 2]), Ok(()));
        assert_eq!(more.check(&full), Err(Refusal::TooLarge));
        let beyond = full.clone() + &full;
        assert_eq!(
            NoteEdit::Become(beyond[1..].to_owned()).check(&beyond),
            Ok(())
        );
    }
}
