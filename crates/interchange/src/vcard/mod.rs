//! vCard 2.1, 3.0 and 4.0: a file to its cards.
//!
//! calcard reads single properties; what it does not do is done here: places in the file, charsets, quoted-printable as
//! it is found in the wild, cards without an end, cards within cards, text between cards.

pub(crate) mod fields;
mod lines;
mod property;
#[cfg(test)]
mod tests;

use crate::card::{Imported, MAX_CARD_LINES, MAX_ENTRIES, MAX_FILE_BYTES, Problem, ReadError};
use crate::charset;
use crate::draft::{Draft, one_line};
use lines::{Line, logical_lines};
use property::Property;

/// Begins a card.
const BEGIN: &[u8] = b"BEGIN:VCARD";
/// Ends a card.
const END: &[u8] = b"END:VCARD";
/// Is the number of characters of a wrong line that a problem shows.
const SHOWN_CHARS: usize = 60;

/// Reads a vCard file with any number of cards.
///
/// A card that is broken is reported with its place, and the others arrive. A card without its end arrives as far as
/// it goes, with a problem. What is understood of each card is described at [`crate::Card`].
///
/// # Errors
///
/// The file is too large, holds too many cards, or no card at all.
pub fn read_vcards(bytes: &[u8]) -> Result<Imported, ReadError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ReadError::FileTooLarge {
            bytes: bytes.len(),
            limit: MAX_FILE_BYTES,
        });
    }
    let bytes = charset::without_mark(bytes);
    let mut cards = Cards::default();
    for line in logical_lines(&bytes) {
        cards.take(line);
        if cards.imported.entries > MAX_ENTRIES {
            return Err(ReadError::TooManyEntries { limit: MAX_ENTRIES });
        }
    }
    cards.close(Some(
        "the file ends within this card; it was taken as far as it goes, check what is missing",
    ));
    if cards.imported.entries == 0 {
        return Err(ReadError::NoCards);
    }
    Ok(cards.imported)
}

/// Sorts logical lines into cards.
#[derive(Default)]
struct Cards {
    imported: Imported,
    open: Option<Open>,
    /// Tells that the line before was outside of a card too, so that a run of them is one problem.
    in_garbage: bool,
}

/// Is a card of which the end has not come.
struct Open {
    line: usize,
    /// Counts the lines so far.
    lines: usize,
    properties: Vec<Property>,
    /// Holds the lines that are no properties.
    strays: Vec<(usize, String)>,
    /// Holds the lines of the card of an agent, and how deep it is.
    nested: Vec<Line>,
    depth: usize,
}

impl Open {
    /// Tells whether the line before announces a card within this one.
    fn expects_nested(&self) -> bool {
        match self.nested.last() {
            Some(line) if self.depth > 0 => {
                Property::read(line).is_ok_and(|property| announces_card(&property))
            }
            _ => self.properties.last().is_some_and(announces_card),
        }
    }

    fn take(&mut self, line: &Line) {
        self.lines += 1;
        if self.lines > MAX_CARD_LINES {
            return;
        }
        match Property::read(line) {
            Ok(property) => self.properties.push(property),
            Err(text) => self.strays.push((line.number, text)),
        }
    }

    /// Makes a property of the lines of an agent's card.
    fn end_nested(&mut self) {
        let lines: Vec<String> = self
            .nested
            .drain(..)
            .map(|line| charset::decode(&line.bytes, None))
            .collect();
        if let Some(agent) = self.properties.last_mut() {
            agent.value = lines.join("\n").replace('\\', "\\\\").replace('\n', "\\n");
        }
    }
}

fn announces_card(property: &Property) -> bool {
    property.name == "AGENT" && property.value.trim().is_empty()
}

impl Cards {
    fn take(&mut self, line: Line) {
        let (begins, ends) = (line.is(BEGIN), line.is(END));
        match &mut self.open {
            Some(open) if begins && open.expects_nested() => {
                open.depth += 1;
                open.nested.push(line);
            }
            None if begins => self.begin(line.number),
            Some(_) if begins => {
                self.close(Some("this card has no END:VCARD; it was taken as far as the next one, check what is missing"));
                self.begin(line.number);
            }
            Some(open) if open.depth > 0 => {
                open.lines += 1;
                if ends || open.lines <= MAX_CARD_LINES {
                    open.nested.push(line);
                }
                open.depth -= usize::from(ends);
                if open.depth == 0 {
                    open.end_nested();
                }
            }
            Some(_) if ends => self.close(None),
            Some(open) => open.take(&line),
            None => self.report_garbage(&line),
        }
    }

    fn begin(&mut self, line: usize) {
        self.in_garbage = false;
        self.imported.entries += 1;
        self.open = Some(Open {
            line,
            lines: 0,
            properties: Vec::new(),
            strays: Vec::new(),
            nested: Vec::new(),
            depth: 0,
        });
    }

    /// Ends the open card, if there is one.
    fn close(&mut self, problem: Option<&str>) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        if open.depth > 0 {
            open.end_nested();
        }
        let mut draft = Draft::new(open.line, self.imported.entries);
        if let Some(problem) = problem {
            draft.warn(open.line, problem);
        }
        if open.lines > MAX_CARD_LINES {
            let text = format!(
                "this card has {} lines, of which the first {MAX_CARD_LINES} were read; check what is missing",
                open.lines
            );
            draft.warn(open.line, text);
        }
        draft.is_company = fields::is_shown_as_company(&open.properties);
        fields::fill(&mut draft, &open.properties);
        for (line, text) in open.strays {
            draft.warn(
                line,
                format!(
                    "the line \"{}\" is no vCard property; it was kept in the note",
                    shown(&text)
                ),
            );
            draft.keep_line(&text);
        }
        self.imported.add(draft.finish());
    }

    fn report_garbage(&mut self, line: &Line) {
        if std::mem::replace(&mut self.in_garbage, true) {
            return;
        }
        let text = format!(
            "the text \"{}\" stands outside of a card and was not read; if it belongs to one, move it before its END:VCARD",
            shown(&charset::decode(&line.bytes, None))
        );
        let entry = self.imported.entries;
        self.imported.report(Problem {
            line: line.number,
            entry,
            skipped: false,
            text,
        });
    }
}

/// Returns the beginning of a text, on one line.
pub(crate) fn shown(text: &str) -> String {
    let start: String = text.chars().take(SHOWN_CHARS * 4).collect();
    let line = one_line(&start);
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
