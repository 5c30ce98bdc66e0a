//! What a file is: by its content first, by its name second.

use crate::charset;
use crate::table;

/// Is how much of a file is looked at, in bytes.
const LOOKED_AT_BYTES: usize = 64 * 1024;

/// Is a format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Is vCard 2.1, 3.0 or 4.0, usually `.vcf`.
    Vcard,
    /// Is a table of text with a line of column names, separated by comma, semicolon or tab.
    Csv,
}

/// Says why a file is not one of the formats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// Refuses an empty file.
    #[error("the file is empty; export the contacts again")]
    Empty,
    /// Refuses everything else.
    #[error("it is neither vCard (.vcf) nor CSV (.csv) with a first line of column names; {hint}")]
    Unknown {
        /// Says what the person can do.
        hint: &'static str,
    },
}

/// Says what a file is.
///
/// A line `BEGIN:VCARD` makes it vCard, a first line with a known column name makes it CSV; else a text goes by the
/// ending of its name: `.vcf`, `.vcard`, or `.csv`, `.tsv`, `.txt`.
///
/// # Errors
///
/// The file is empty, or something else, which is said as far as it is known.
pub fn detect(name: &str, bytes: &[u8]) -> Result<Format, DetectError> {
    let start = &bytes[..bytes.len().min(LOOKED_AT_BYTES)];
    let text = charset::decode_file(start);
    if text.trim().is_empty() {
        return Err(DetectError::Empty);
    }
    let unknown = |hint| Err(DetectError::Unknown { hint });
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"\xD0\xCF\x11\xE0") {
        return unknown(
            "it looks like a spreadsheet or an archive: open it and save it as CSV (UTF-8)",
        );
    }
    let is_begin = |line: &str| {
        let letters: String = line
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect();
        letters.eq_ignore_ascii_case("BEGIN:VCARD")
    };
    if text.lines().any(is_begin) || text.split('\r').any(is_begin) {
        return Ok(Format::Vcard);
    }
    if text.contains('\0') || start.starts_with(b"%PDF") {
        return unknown("it is not a text; export the contacts as vCard or CSV");
    }
    if text
        .trim_start()
        .to_ascii_uppercase()
        .starts_with("BEGIN:VCALENDAR")
    {
        return unknown("it is a calendar; export the contacts instead");
    }
    if table::has_known_column(&text) {
        return Ok(Format::Csv);
    }
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default();
    match ending.as_str() {
        "vcf" | "vcard" => Ok(Format::Vcard),
        "csv" | "tsv" | "txt" => Ok(Format::Csv),
        _ => unknown("export the contacts as one of these"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_comes_before_the_name() {
        let check = |name: &str, bytes: &[u8], expected: Option<Format>| {
            assert_eq!(detect(name, bytes).ok(), expected, "{name} {bytes:?}")
        };
        check(
            "contacts.csv",
            b"BEGIN:VCARD\r\nEND:VCARD\r\n",
            Some(Format::Vcard),
        );
        check("contacts", b"\r\nbegin : vCard\n", Some(Format::Vcard));
        check(
            "contacts.vcf",
            b"Vorname;Nachname\nMax;Muster\n",
            Some(Format::Csv),
        );
        check(
            "contacts",
            b"\xFF\xFEB\0E\0G\0I\0N\0:\0V\0C\0A\0R\0D\0\n\0",
            Some(Format::Vcard),
        );
        check("odd.vcf", b"hello", Some(Format::Vcard));
        check("odd.TSV", b"hello", Some(Format::Csv));
        check("letter.doc", b"hello", None);
        check("table.csv", b"PK\x03\x04....", None);
        check("scan.csv", b"%PDF-1.7", None);
        check("dates.csv", b"BEGIN:VCALENDAR\n", None);
        check("empty.vcf", b" \r\n", None);
        check("", b"", None);
    }

    #[test]
    fn a_refusal_says_what_is_supported() {
        let text = detect("table.xlsx", b"PK\x03\x04")
            .map_err(|error| error.to_string())
            .expect_err("an archive is no CSV");
        assert!(
            text.contains("vCard (.vcf)")
                && text.contains("CSV (.csv)")
                && text.contains("save it as CSV"),
            "{text}"
        );
    }
}
