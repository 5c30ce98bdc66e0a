//! Canonical CBOR: one way to write each value, so that equal values have equal hashes.
//!
//! The rules are checked on the bytes alone, without knowing the struct. So a reader refuses what is not canonical and
//! still accepts keys that a newer version added.

use minicbor::{Decode, Encode};

use crate::{DecodeError, limits::MAX_DEPTH};

/// Encodes a value; the derived encoders of this crate write canonical bytes.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to memory cannot fail")
}

/// Decodes one value of at most `limit` bytes, of which `what` is the name in errors.
///
/// Refuses bytes that are too many, not canonical, left over, or of another shape. Unknown keys of maps are ignored.
pub fn decode_canonical<T>(what: &'static str, limit: usize, bytes: &[u8]) -> Result<T, DecodeError>
where
    T: for<'b> Decode<'b, ()>,
{
    check_size(what, limit, bytes)?;
    check(bytes)?;
    minicbor::decode(bytes).map_err(|error| DecodeError::malformed(what, error))
}

pub(crate) fn check_size(
    what: &'static str,
    limit: usize,
    bytes: &[u8],
) -> Result<(), DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLarge {
            what,
            bytes: bytes.len(),
            limit,
        });
    }
    Ok(())
}

pub(crate) fn check_count(
    what: &'static str,
    limit: usize,
    count: usize,
) -> Result<(), DecodeError> {
    if count > limit {
        return Err(DecodeError::TooMany { what, count, limit });
    }
    Ok(())
}

/// Proves that the bytes are exactly one canonical CBOR item.
///
/// That is: definite lengths, shortest integers and lengths, unsigned map keys in ascending order, UTF-8 text, no
/// floats, no tags, no null but as an item of an array, and at most [`MAX_DEPTH`] levels.
pub fn check(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut scan = Scan { bytes, at: 0 };
    scan.item(0, false)?;
    if scan.at != bytes.len() {
        return Err(scan.error("bytes are left over"));
    }
    Ok(())
}

struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    fn error(&self, why: &'static str) -> DecodeError {
        DecodeError::NotCanonical {
            offset: self.at,
            why,
        }
    }

    fn take(&mut self, count: u64) -> Result<&[u8], DecodeError> {
        let rest = self.bytes.len() - self.at;
        match usize::try_from(count) {
            Ok(count) if count <= rest => {
                let from = self.at;
                self.at += count;
                Ok(&self.bytes[from..self.at])
            }
            _ => Err(self.error("the bytes end too early")),
        }
    }

    /// Reads a major type and its argument in the shortest form.
    fn head(&mut self) -> Result<(u8, u64), DecodeError> {
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 0x1f);
        if info < 24 || major == 7 {
            return Ok((major, u64::from(info)));
        }
        if info > 27 {
            return Err(self.error("indefinite or reserved length"));
        }
        let width = 1usize << (info - 24);
        let mut wide = [0; 8];
        wide[8 - width..].copy_from_slice(self.take(width as u64)?);
        let value = u64::from_be_bytes(wide);
        let shortest = match width {
            1 => value >= 24,
            2 => value > u64::from(u8::MAX),
            4 => value > u64::from(u16::MAX),
            _ => value > u64::from(u32::MAX),
        };
        if !shortest {
            return Err(self.error("an integer is not in its shortest form"));
        }
        Ok((major, value))
    }

    fn item(&mut self, depth: usize, null_allowed: bool) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deep"));
        }
        let (major, argument) = self.head()?;
        match major {
            0 | 1 => {}
            2 => {
                self.take(argument)?;
            }
            3 => {
                let text = self.take(argument)?;
                if std::str::from_utf8(text).is_err() {
                    return Err(self.error("a text is not UTF-8"));
                }
            }
            4 => {
                for _ in 0..argument {
                    self.item(depth + 1, true)?;
                }
            }
            5 => {
                let mut before = None;
                for _ in 0..argument {
                    let (major, key) = self.head()?;
                    if major != 0 {
                        return Err(self.error("a map key is not an unsigned integer"));
                    }
                    if before.is_some_and(|before| before >= key) {
                        return Err(self.error("map keys are not ascending"));
                    }
                    before = Some(key);
                    self.item(depth + 1, false)?;
                }
            }
            6 => return Err(self.error("tags are not used")),
            _ => match argument {
                20 | 21 => {}
                22 if null_allowed => {}
                22 => return Err(self.error("null stands only in lists")),
                _ => return Err(self.error("floats and other simple values are not used")),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn canonical_bytes_pass() {
        for bytes in [
            &[0x00][..],
            &[0x18, 0x18],
            &[0x20],
            &[0x41, 0x00],
            &[0x61, b'a'],
            &[0x82, 0xf6, 0xf5],
            &[0xa2, 0x00, 0x00, 0x18, 0x20, 0x80],
        ] {
            assert_eq!(check(bytes), Ok(()), "{bytes:02x?}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (bytes, why) in [
            (&[][..], "empty"),
            (&[0x00, 0x00], "left over"),
            (&[0x18, 0x17], "long integer"),
            (&[0x19, 0x00, 0xff], "long integer"),
            (&[0x58, 0x01, 0x00], "long length"),
            (&[0x5f, 0x41, 0x00, 0xff], "indefinite bytes"),
            (&[0x9f, 0xff], "indefinite array"),
            (&[0xbf, 0xff], "indefinite map"),
            (&[0xa2, 0x01, 0x00, 0x00, 0x00], "descending keys"),
            (&[0xa2, 0x00, 0x00, 0x00, 0x00], "equal keys"),
            (&[0xa1, 0x61, b'a', 0x00], "text key"),
            (&[0xa1, 0x00, 0xf6], "null in a map"),
            (&[0xf6], "null alone"),
            (&[0xf9, 0x00, 0x00], "float"),
            (&[0xf7], "undefined"),
            (&[0xf8, 0xff], "simple value"),
            (&[0xc0, 0x00], "tag"),
            (&[0x61, 0xff], "not UTF-8"),
            (&[0x42, 0x00], "too short"),
            (
                &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                "huge",
            ),
            (&[0x81; 64], "too deep"),
        ] {
            assert!(check(bytes).is_err(), "{why}");
        }
    }
}
