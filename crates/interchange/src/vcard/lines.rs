//! Bytes of a vCard file to its logical lines: unfolded, quoted-printable breaks joined, blank lines gone.

/// Is one logical line with the physical line on which it begins, counted from 1.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) bytes: Vec<u8>,
    /// Is where the first colon stands.
    colon: Option<usize>,
    encoding: Transfer,
}

/// Says how the value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transfer {
    Plain,
    QuotedPrintable,
    Base64,
}

impl Line {
    fn new(number: usize, bytes: &[u8]) -> Self {
        let mut line = Self {
            number,
            bytes: Vec::new(),
            colon: None,
            encoding: Transfer::Plain,
        };
        line.append(bytes);
        line
    }

    fn append(&mut self, more: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(more);
        if self.colon.is_none()
            && let Some(position) = more.iter().position(|byte| *byte == b':')
        {
            self.colon = Some(start + position);
            self.encoding = transfer(&self.bytes[..start + position]);
        }
    }

    /// Tells whether the value goes on in the next physical line although that is not indented.
    fn has_soft_break(&self) -> bool {
        self.encoding == Transfer::QuotedPrintable && self.bytes.ends_with(b"=")
    }

    /// Tells whether this line is the given one, such as `BEGIN:VCARD`, whatever its case and spaces.
    pub(super) fn is(&self, keyword: &[u8]) -> bool {
        is(&self.bytes, keyword)
    }
}

fn is(bytes: &[u8], keyword: &[u8]) -> bool {
    // Most lines differ in the first letter, so the spaces are looked at last.
    let bytes = bytes.trim_ascii();
    if !bytes
        .first()
        .is_some_and(|first| first.eq_ignore_ascii_case(&keyword[0]))
        || bytes.len() > 40
    {
        return false;
    }
    let letters = bytes
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(u8::to_ascii_uppercase);
    letters.eq(keyword.iter().copied())
}

/// Says how the value is written, from the text before the first colon.
pub(super) fn transfer(head: &[u8]) -> Transfer {
    let mut found = Transfer::Plain;
    for parameter in head.split(|byte| *byte == b';').skip(1) {
        let value = parameter
            .rsplit(|byte| *byte == b'=')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        let is_encoding = parameter.len() > value.len()
            && parameter[..8.min(parameter.len())].eq_ignore_ascii_case(b"ENCODING");
        if value.eq_ignore_ascii_case(b"QUOTED-PRINTABLE")
            || (is_encoding && value.eq_ignore_ascii_case(b"Q"))
        {
            found = Transfer::QuotedPrintable;
        } else if value.eq_ignore_ascii_case(b"BASE64")
            || ((is_encoding || parameter == value) && value.eq_ignore_ascii_case(b"B"))
        {
            found = Transfer::Base64;
        }
    }
    found
}

/// Splits a file into its logical lines.
///
/// Real files end their lines by LF, CR LF, CR CR LF or CR, put blank lines anywhere, continue base64 without indenting
/// it, and end a quoted-printable value in the middle of an escape.
pub(super) fn logical_lines(bytes: &[u8]) -> impl Iterator<Item = Line> {
    let end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let mut physical = bytes.split(move |byte| *byte == end).zip(1..);
    let mut current: Option<Line> = None;
    std::iter::from_fn(move || {
        for (raw, number) in physical.by_ref() {
            let raw = raw
                .strip_suffix(b"\r")
                .map_or(raw, |raw| &raw[..trailing(raw)]);
            if let Some(line) = &mut current {
                if line.has_soft_break() && !is(raw, b"END:VCARD") && !is(raw, b"BEGIN:VCARD") {
                    line.bytes.pop();
                    line.append(raw);
                    continue;
                }
                if let [b' ' | b'\t', rest @ ..] = raw {
                    line.append(rest);
                    continue;
                }
                if line.encoding == Transfer::Base64 && !raw.contains(&b':') {
                    line.append(raw);
                    continue;
                }
            }
            if raw.trim_ascii().is_empty() {
                continue;
            }
            if let Some(done) = current.replace(Line::new(number, raw)) {
                return Some(done);
            }
        }
        current.take()
    })
}

/// Returns the length without further carriage returns at the end.
fn trailing(raw: &[u8]) -> usize {
    raw.iter()
        .rposition(|byte| *byte != b'\r')
        .map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &[(usize, &str)]) {
        let found: Vec<(usize, String)> = logical_lines(input.as_bytes())
            .map(|line| {
                (
                    line.number,
                    String::from_utf8(line.bytes).expect("the samples are UTF-8"),
                )
            })
            .collect();
        let found: Vec<(usize, &str)> = found
            .iter()
            .map(|(number, text)| (*number, text.as_str()))
            .collect();
        assert_eq!(found, expected, "{input:?}");
    }

    #[test]
    fn lines_are_unfolded() {
        check("A:1\r\n 2\r\n\t3\r\n\r\nB:4", &[(1, "A:123"), (5, "B:4")]);
        check("A:1\r\r\n 2\r\r\nB:3\r\r\n", &[(1, "A:12"), (3, "B:3")]);
        check("A:1\r 2\rB:3", &[(1, "A:12"), (3, "B:3")]);
        check("", &[]);
    }

    #[test]
    fn quoted_printable_goes_on_after_its_sign() {
        check(
            "A;ENCODING=QUOTED-PRINTABLE:x=\r\n=41=\r\n\r\nB:1",
            &[(1, "A;ENCODING=QUOTED-PRINTABLE:x=41"), (4, "B:1")],
        );
        check(
            "A;QUOTED-PRINTABLE:x=\nEND:VCARD",
            &[(1, "A;QUOTED-PRINTABLE:x="), (2, "END:VCARD")],
        );
        check("A:x=\nB:1", &[(1, "A:x="), (2, "B:1")]);
    }

    #[test]
    fn base64_needs_no_indent() {
        check(
            "PHOTO;BASE64:ab\ncd\n\nB:1",
            &[(1, "PHOTO;BASE64:abcd"), (4, "B:1")],
        );
        check(
            "PHOTO;ENCODING=b:ab\ncd\nB:1",
            &[(1, "PHOTO;ENCODING=b:abcd"), (3, "B:1")],
        );
    }
}
