//! One logical line to a property: charset and quoted-printable undone here, parameters and structure by calcard.

use calcard::common::IanaString;
use calcard::vcard::{VCard, VCardParameterName, VCardParameterValue, VCardValue};

use super::lines::{Line, Transfer, transfer};
use crate::charset;

/// Is one property of a card.
#[derive(Debug)]
pub(super) struct Property {
    /// Is the physical line on which it begins.
    pub(super) line: usize,
    /// Is the group in lower case ("item1"), or "".
    pub(super) group: String,
    /// Is the name in upper case.
    pub(super) name: String,
    /// Tells that the value is base64.
    pub(super) is_binary: bool,
    /// Lists the parameters but for charset, encoding and value type.
    parameters: Vec<String>,
    /// Is the value as Unicode text on one line, still escaped as in vCard 3 and 4.
    pub(super) value: String,
}

/// Is a property whose value was taken apart.
pub(super) struct Parsed {
    /// Lists the components; those of several values have them joined by ", ".
    pub(super) values: Vec<String>,
    /// Lists the TYPE parameters and the bare ones of vCard 2.1, in lower case.
    pub(super) types: Vec<String>,
}

impl Property {
    /// Reads a logical line; gives the whole text back if it does not begin like a property.
    pub(super) fn read(line: &Line) -> Result<Self, String> {
        let whole = || charset::decode(&line.bytes, None);
        let colon = colon_outside_quotes(&line.bytes).ok_or_else(whole)?;
        let (head, value) = (&line.bytes[..colon], &line.bytes[colon + 1..]);
        let encoding = transfer(head);
        let head = charset::decode(head, None);
        let mut parts = split_outside_quotes(&head);
        let name = parts.remove(0).trim();
        let (group, name) = name.rsplit_once('.').unwrap_or(("", name));
        let is_word = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        if name.is_empty() || !is_word(name) || !is_word(group) {
            return Err(whole());
        }
        let mut declared = None;
        let mut parameters = Vec::new();
        for part in parts {
            let (key, text) = part.split_once('=').unwrap_or(("", part));
            let (key, text) = (key.trim(), text.trim());
            let is_bare_charset =
                key.is_empty() && encoding_rs::Encoding::for_label(text.as_bytes()).is_some();
            if key.eq_ignore_ascii_case("CHARSET") || is_bare_charset {
                declared = Some(text.trim_matches('"'));
            } else if !is_encoding_or_value(key, text) {
                parameters.push(part.trim().to_owned());
            }
        }
        let value = match encoding {
            Transfer::QuotedPrintable => escaped(&charset::decode(
                &charset::quoted_printable(value),
                declared,
            )),
            Transfer::Base64 => String::new(),
            Transfer::Plain => charset::decode(value, declared),
        };
        let value = on_one_line(&value);
        let is_binary = encoding == Transfer::Base64;
        Ok(Self {
            line: line.number,
            group: group.to_lowercase(),
            name: name.to_uppercase(),
            is_binary,
            parameters,
            value,
        })
    }

    /// Takes the value apart as that of the property `name`, which need not be its own.
    pub(super) fn parse_as(&self, name: &str) -> Parsed {
        let mut text = String::with_capacity(self.value.len() + 64);
        text.push_str("BEGIN:VCARD\n");
        text.push_str(name);
        for parameter in &self.parameters {
            text.push(';');
            text.push_str(parameter);
        }
        text.push(':');
        text.push_str(&self.value);
        text.push_str("\nEND:VCARD\n");
        let entry = VCard::parse(&text)
            .ok()
            .and_then(|card| card.entries.into_iter().next());
        let Some(entry) = entry else {
            return Parsed {
                values: vec![self.text()],
                types: Vec::new(),
            };
        };
        let values: Option<Vec<String>> = entry.values.into_iter().map(text_of).collect();
        let values = values.unwrap_or_else(|| vec![self.text()]);
        let types = entry.params.into_iter().filter_map(|parameter| {
            match (parameter.name, parameter.value) {
                (VCardParameterName::Type, VCardParameterValue::Type(kind)) => {
                    Some(kind.as_str().to_lowercase())
                }
                (VCardParameterName::Type, VCardParameterValue::Text(text)) => {
                    Some(text.to_lowercase())
                }
                (VCardParameterName::Other(name), VCardParameterValue::Null) => {
                    Some(name.to_lowercase())
                }
                _ => None,
            }
        });
        Parsed {
            values,
            types: types.collect(),
        }
    }

    /// Returns the whole value as one text, without escapes.
    pub(super) fn text(&self) -> String {
        unescaped(&self.value)
    }
}

fn text_of(value: VCardValue) -> Option<String> {
    match value {
        VCardValue::Text(text) => Some(text),
        VCardValue::Component(parts) => {
            let parts: Vec<&str> = parts
                .iter()
                .map(|part| part.trim())
                .filter(|part| !part.is_empty())
                .collect();
            Some(parts.join(", "))
        }
        _ => None,
    }
}

/// Tells whether a parameter only says how the value is written, which is over by now.
fn is_encoding_or_value(key: &str, text: &str) -> bool {
    let words = ["QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"];
    key.eq_ignore_ascii_case("ENCODING")
        || key.eq_ignore_ascii_case("VALUE")
        || (key.is_empty() && words.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

/// Finds the colon that ends the parameters; an open quote does not hide all colons.
fn colon_outside_quotes(bytes: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    let outside = bytes.iter().position(|byte| {
        is_quoted ^= *byte == b'"';
        *byte == b':' && !is_quoted
    });
    outside.or_else(|| bytes.iter().position(|byte| *byte == b':'))
}

fn split_outside_quotes(head: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = head.split(|letter| {
        is_quoted ^= letter == '"';
        letter == ';' && !is_quoted
    });
    parts.collect()
}

/// Escapes what quoted-printable may hold literally but a vCard 3 or 4 value may not.
fn escaped(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.replace("\\n", "\\\\n")
        .replace("\\N", "\\\\N")
        .replace('\n', "\\n")
}

/// Removes control characters and doubles the backslashes that escape nothing, as in a Windows path.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                line.push('\\');
                match letters.peek().copied() {
                    Some(next @ ('n' | 'N' | ';' | ',' | ':' | '\\' | '"')) => {
                        line.push(next);
                        letters.next();
                    }
                    _ => line.push('\\'),
                }
            }
            '\t' => line.push('\t'),
            letter if letter.is_control() => {}
            letter => line.push(letter),
        }
    }
    line
}

/// Undoes the escapes of a value.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => plain.push('\n'),
                Some(next) => plain.push(next),
                None => plain.push('\\'),
            },
            letter => plain.push(letter),
        }
    }
    plain
}
