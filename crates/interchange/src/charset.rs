//! Bytes to text: byte order mark, else valid UTF-8, else the declared charset, else Windows-1252.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Starts a sequence that switches charsets in ISO-2022-JP, which is valid UTF-8 by accident.
const ESC: u8 = 0x1B;

/// Returns the bytes as UTF-8 if a byte order mark says what they are, without the mark; other bytes stay as they are.
///
/// UTF-16 without a mark is told by the zero beside the first character, which is ASCII in vCard and CSV.
/// What is broken in UTF-16 (a lone surrogate) is left out rather than shown as a replacement character.
pub(crate) fn without_mark(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (encoding, rest) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => return Cow::Borrowed(rest),
        [0xFF, 0xFE, rest @ ..] => (UTF_16LE, rest),
        [0xFE, 0xFF, rest @ ..] => (UTF_16BE, rest),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (UTF_16LE, bytes),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => (UTF_16BE, bytes),
        _ => return Cow::Borrowed(bytes),
    };
    let (text, broken) = encoding.decode_without_bom_handling(rest);
    let text = if broken {
        text.replace(char::REPLACEMENT_CHARACTER, "")
    } else {
        text.into_owned()
    };
    Cow::Owned(text.into_bytes())
}

/// Decodes a whole file, line by line, since files that were put together from several hold several charsets.
pub(crate) fn decode_file(bytes: &[u8]) -> String {
    let bytes = without_mark(bytes);
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| decode(line, None))
        .collect()
}

/// Decodes a text of which the charset may be declared.
///
/// What is valid UTF-8 is UTF-8 whatever is declared, since exporters that write UTF-8 under another name are common
/// and the reverse does not happen by accident.
/// Bytes that are UTF-8 but for a few (a character cut by a length limit) keep their good part.
/// A replacement character that the source itself holds is left out: it stands for nothing that could be restored.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> String {
    let declared = declared.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&ESC) => text.to_owned(),
        valid => declared
            .filter(|encoding| *encoding != UTF_8)
            .and_then(|encoding| {
                encoding.decode_without_bom_handling_and_without_replacement(bytes)
            })
            .or_else(|| valid.ok().map(Cow::Borrowed))
            .map_or_else(|| decode_mixed(bytes), Cow::into_owned),
    };
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return text.replace(char::REPLACEMENT_CHARACTER, "");
    }
    text
}

/// Decodes bytes that are not UTF-8 as a whole, as Windows-1252 or, where most of it is UTF-8, piece by piece.
fn decode_mixed(bytes: &[u8]) -> String {
    let mut sequences = 0;
    let mut strays = 0;
    for chunk in bytes.utf8_chunks() {
        sequences += chunk
            .valid()
            .chars()
            .filter(|letter| !letter.is_ascii())
            .count();
        strays += chunk.invalid().len();
    }
    if sequences <= strays {
        return WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        text.push_str(chunk.valid());
        // What a length limit left of a character is no character: the beginning of one at the end of the text, or
        // the end of one right behind another. Any other stray byte is a Windows-1252 character.
        let is_remnant = match chunk.invalid() {
            [0x80..=0xBF] => text.ends_with(|letter: char| !letter.is_ascii()),
            _ => chunks.peek().is_none(),
        };
        if !is_remnant {
            text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
        }
    }
    text
}

/// Decodes quoted-printable bytes; what is not a valid escape stays as it is.
pub(crate) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'=' {
            if let [high, low, after @ ..] = tail
                && let (Some(high), Some(low)) = (hex(*high), hex(*low))
            {
                decoded.push(high << 4 | low);
                rest = after;
                continue;
            }
            if tail.is_empty() {
                continue;
            }
        }
        decoded.push(*first);
    }
    decoded
}

/// Returns the value of a hexadecimal digit.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_charset_gives_the_umlauts() {
        let expected = "Müller Größe";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| {
            expected.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        let marked = |mark: &[u8], rest: Vec<u8>| [mark, &rest].concat();
        for bytes in [
            expected.as_bytes().to_vec(),
            marked(&[0xEF, 0xBB, 0xBF], expected.into()),
            marked(&[0xFF, 0xFE], utf16(u16::to_le_bytes)),
            marked(&[0xFE, 0xFF], utf16(u16::to_be_bytes)),
            utf16(u16::to_le_bytes),
            b"M\xFCller Gr\xF6\xDFe".to_vec(),
        ] {
            assert_eq!(decode_file(&bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn a_declared_charset_counts_where_the_bytes_are_not_utf8() {
        assert_eq!(decode(b"\x93\xFA\x96{", Some("Shift_JIS")), "日本");
        assert_eq!(decode(b"\x1B$BF|K\\\x1B(B", Some("ISO-2022-JP")), "日本");
        assert_eq!(decode("Größe".as_bytes(), Some("windows-1252")), "Größe");
        assert_eq!(decode(b"Gr\xF6\xDFe", Some("utf-8")), "Größe");
        assert_eq!(decode(b"Gr\xF6\xDFe", Some("nonsense")), "Größe");
    }

    #[test]
    fn a_cut_character_does_not_spoil_the_rest() {
        assert_eq!(
            decode("ÑÑÑÑ".as_bytes().split_last().expect("not empty").1, None),
            "ÑÑÑ"
        );
        assert_eq!(
            decode(
                &[b"\xC3\x91\xC3\x91".as_slice(), b"\x80"].concat(),
                Some("UTF-8")
            ),
            "ÑÑ"
        );
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_escape() {
        assert_eq!(
            quoted_printable(b"L=E4mm=0D=0A1=1 =zz ="),
            b"L\xE4mm\r\n1=1 =zz "
        );
    }
}
