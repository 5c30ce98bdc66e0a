//! CSV: a table with a line of column names to cards.

mod columns;
mod row;
#[cfg(test)]
mod tests;

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::card::{Imported, MAX_COLUMNS, MAX_ENTRIES, MAX_FILE_BYTES, Problem, ReadError};
use crate::charset;
use crate::vcard::shown;
use columns::{Column, Kind, column};

/// Are the delimiters that are tried, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Is how often reading starts again after a quote that was never closed; each costs up to one pass over the file.
const MAX_RESTARTS: usize = 100;

/// Reads a CSV file whose first line names the columns.
///
/// The delimiter is found by the names that are known with it; a line `sep=;` before them is obeyed. Unknown columns go
/// to the note as "name: value". A row with too few cells, or with too many that are not empty, is a problem and left
/// out; rows without any text are passed over and not counted.
///
/// # Errors
///
/// The file is too large or empty, holds too many rows, or no column has a known name.
pub fn read_csv(bytes: &[u8]) -> Result<Imported, ReadError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ReadError::FileTooLarge {
            bytes: bytes.len(),
            limit: MAX_FILE_BYTES,
        });
    }
    let text = charset::decode_file(bytes)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let (start, delimiter) = opening(&text);
    let mut rows = Rows::new(&text, start, delimiter);
    let header = rows.next_row().ok_or(ReadError::Empty)?;
    if header.cells.len() > MAX_COLUMNS {
        return Err(ReadError::TooManyColumns {
            columns: header.cells.len(),
            limit: MAX_COLUMNS,
        });
    }
    let columns = resolved(&header.cells);
    if columns.iter().all(|column| column.kind == Kind::Unknown) {
        let found = header.cells.iter().collect::<Vec<_>>().join(", ");
        return Err(ReadError::NoKnownColumn {
            found: shown(&found),
        });
    }
    let mut imported = Imported::default();
    while let Some(row) = rows.next_row() {
        if row.cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        imported.entries += 1;
        if imported.entries > MAX_ENTRIES {
            return Err(ReadError::TooManyEntries { limit: MAX_ENTRIES });
        }
        match wrong_width(&row, columns.len()) {
            None => imported.add(row::card(&columns, &row.cells, row.line, imported.entries)),
            Some(text) => {
                rows.restart_after(&row);
                imported.add((
                    None,
                    vec![Problem {
                        line: row.line,
                        entry: imported.entries,
                        skipped: true,
                        text,
                    }],
                ));
            }
        }
    }
    Ok(imported)
}

/// Tells whether the text begins with a line in which at least one column has a known name, beside others.
pub(crate) fn has_known_column(text: &str) -> bool {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (start, delimiter) = opening(&text);
    let Some(header) = Rows::new(&text, start, delimiter).next_row() else {
        return false;
    };
    let known = resolved(&header.cells)
        .iter()
        .filter(|column| column.kind != Kind::Unknown)
        .count();
    known > 1 || (known == 1 && header.cells.len() <= 3)
}

/// Says what is wrong with the number of cells, if it is.
fn wrong_width(row: &Row, width: usize) -> Option<String> {
    let found = row.cells.len();
    let has_width = found == width
        || (found > width
            && row
                .cells
                .iter()
                .skip(width)
                .all(|cell| cell.trim().is_empty()));
    // The cell of an open quote can take the rest of the file and give the right number by chance.
    if has_width && !row.has_open_quote {
        return None;
    }
    let why = if row.has_open_quote || row.lines > 1 {
        "a quote in it is probably never closed"
    } else if found > width {
        "a text with the delimiter in it probably lacks its quotes"
    } else {
        "it is probably cut"
    };
    Some(format!(
        "this row has {found} cells where the first line names {width} columns and was left out; {why}: repair it and import it again"
    ))
}

/// Finds where the names of the columns begin, and the delimiter.
fn opening(text: &str) -> (usize, u8) {
    let first = text.lines().next().unwrap_or_default();
    if let Some([delimiter]) = first.trim().strip_prefix("sep=").map(str::as_bytes) {
        return ((first.len() + 1).min(text.len()), *delimiter);
    }
    // Only a line of names is compared, and a long line of something else need not be.
    let end = text
        .char_indices()
        .nth(100_000)
        .map_or(text.len(), |(end, _)| end);
    let score = |delimiter: &u8| {
        let header = Rows::new(&text[..end], 0, *delimiter).next_row();
        let columns: Vec<Column> = header
            .iter()
            .flat_map(|row| row.cells.iter())
            .map(column)
            .collect();
        (
            columns
                .iter()
                .filter(|column| column.kind != Kind::Unknown)
                .count(),
            columns.len(),
        )
    };
    // Of equals, `max_by_key` takes the last, so the most usual stands there.
    (
        0,
        DELIMITERS
            .into_iter()
            .rev()
            .max_by_key(score)
            .unwrap_or(b','),
    )
}

/// Reads the names of the columns; names that depend on others get their meaning here.
fn resolved(names: &StringRecord) -> Vec<Column> {
    let mut columns: Vec<Column> = names.iter().map(column).collect();
    let has = |kind| columns.iter().any(|column| column.kind == kind);
    let title = if has(Kind::JobTitle) {
        Kind::Salutation
    } else {
        Kind::JobTitle
    };
    let name = if has(Kind::Given) && !has(Kind::Family) {
        Kind::Family
    } else {
        Kind::WholeName
    };
    for column in &mut columns {
        match column.kind {
            Kind::Title => column.kind = title,
            Kind::WholeName if column.name.trim().eq_ignore_ascii_case("name") => {
                column.kind = name
            }
            _ => {}
        }
    }
    columns
}

/// Is one row with its place.
struct Row {
    cells: StringRecord,
    /// Is the line on which it begins, counted from 1.
    line: usize,
    /// Is where it begins.
    start: usize,
    /// Is the number of lines it takes.
    lines: usize,
    /// Tells that it has several lines and an odd number of quotes.
    has_open_quote: bool,
}

/// Reads the rows of a text, with their places.
struct Rows<'a> {
    text: &'a str,
    delimiter: u8,
    reader: Reader<&'a [u8]>,
    /// Is where the reader began.
    base: usize,
    /// Is a place and its line, from which later lines are counted.
    counted: (usize, usize),
    restarts: usize,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, start: usize, delimiter: u8) -> Self {
        let reader = reader(&text[start..], delimiter);
        Self {
            text,
            delimiter,
            reader,
            base: start,
            counted: (0, 1),
            restarts: 0,
        }
    }

    fn next_row(&mut self) -> Option<Row> {
        let mut cells = StringRecord::new();
        let before = self.place();
        // The reader is flexible and the text is Unicode, so there is no error left that could occur.
        if !self.reader.read_record(&mut cells).unwrap_or(false) {
            return None;
        }
        let skipped = self.text[before..]
            .bytes()
            .take_while(|byte| *byte == b'\n')
            .count();
        let start = before + skipped;
        let end = self.place().max(start);
        let line = self.counted.1 + newlines(&self.text[self.counted.0..start]);
        let quotes = self.text[start..end]
            .bytes()
            .filter(|byte| *byte == b'"')
            .count();
        let body = newlines(self.text[start..end].trim_end_matches('\n'));
        self.counted = (start, line);
        Some(Row {
            cells,
            line,
            start,
            lines: body + 1,
            has_open_quote: body > 0 && quotes % 2 == 1,
        })
    }

    /// Goes on at the line after the beginning of a row that took too much.
    fn restart_after(&mut self, row: &Row) {
        if row.lines < 2 || self.restarts >= MAX_RESTARTS {
            return;
        }
        self.restarts += 1;
        if let Some(length) = self.text[row.start..].find('\n') {
            self.base = row.start + length + 1;
            self.reader = reader(&self.text[self.base..], self.delimiter);
        }
    }

    fn place(&self) -> usize {
        let read = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        let mut place = self.base.saturating_add(read).min(self.text.len());
        while !self.text.is_char_boundary(place) {
            place -= 1;
        }
        place
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn reader(text: &str, delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes())
}
