//! Answers as text for a person: aligned columns, short ids, dates as words.

use std::fmt::Display;

use engine::interface::Named;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub(crate) mod admin;
pub(crate) mod done;
pub(crate) mod history;
pub(crate) mod home;
pub(crate) mod list;
pub(crate) mod merged;
pub(crate) mod record;
mod table;
pub(crate) mod workspace;

/// How many digits of an id people see.
const SHORT: usize = 8;

/// Replaces what could steer a terminal or turn the direction of text: contacts and colleagues write what is shown here.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' => '\n',
            '\t' | '\r' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        })
        .collect()
}

/// Gives the last digits of an id.
pub(crate) fn short(id: &impl Display) -> String {
    let text = id.to_string();
    let start = text.len().saturating_sub(SHORT);
    text.get(start..).unwrap_or(&text).to_owned()
}

/// Gives the first digits of an id that is named by its beginning.
pub(crate) fn short_start(id: &impl Display) -> String {
    let text = id.to_string();
    text.get(..SHORT).unwrap_or(&text).to_owned()
}

/// Puts a text on one line of at most so many columns of the terminal.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.width() <= max {
        return line;
    }
    // One column is for the mark. A letter may take two, and what stands upon it none.
    let room = max.saturating_sub(1);
    let mut taken = 0;
    let mut cut: String = line
        .chars()
        .take_while(|letter| {
            taken += letter.width().unwrap_or(0);
            taken <= room
        })
        .collect();
    cut.push('…');
    cut
}

/// Gives what a record's title says beside its kind, number and id; nothing where it only repeats them.
pub(crate) fn title(record: &Named) -> &str {
    let title = record.title.trim();
    let kind = record.kind.map_or("", |kind| kind.title());
    let only_id = title
        .strip_prefix(kind)
        .is_some_and(|rest| rest.trim() == record.id.short());
    if title == record.number || only_id {
        ""
    } else {
        title
    }
}

/// Names a record in a sentence: its title, its number, the end of its id.
pub(crate) fn named(record: &Named) -> String {
    let kind = record.kind.map_or("not here yet", |kind| kind.title());
    let title = match title(record) {
        "" => kind.to_owned(),
        title => one_line(title, 60),
    };
    let number = match record.number.as_str() {
        "" => String::new(),
        number => format!(" {number}"),
    };
    format!("{title}{number} {}", record.id.short())
}

/// Writes a number of bytes as people read it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024.. => format!("{} KiB", bytes.div_ceil(1024)),
    }
}

/// Indents every line.
fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}").trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_lines_are_joined() {
        assert_eq!(one_line("a\n  b", 10), "a b");
        assert_eq!(one_line("abcdefgh", 5), "abcd…");
        assert_eq!(one_line("äöü", 3), "äöü");
        assert_eq!(one_line("a\u{308}b\u{308}c", 2), "a\u{308}…");
        assert_eq!(one_line("山田商事", 8), "山田商事");
        assert_eq!(one_line("山田商事", 6), "山田…");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[31m\tb\u{202e}\nc"),
            "a\u{fffd}[31m b\u{fffd}\nc"
        );
    }
}
