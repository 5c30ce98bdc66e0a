//! Reads bytes and LEB128 numbers of a change, refusing every spelling but the shortest.

use super::Rejection;

/// The unread rest of a byte string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.rest.len()
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, Rejection> {
        let (first, rest) = self
            .rest
            .split_first()
            .ok_or(Rejection::Truncated { what })?;
        self.rest = rest;
        Ok(*first)
    }

    /// Takes `count` bytes; borrows, so a wrong count costs nothing.
    pub(super) fn take(&mut self, count: u64, what: &'static str) -> Result<&'a [u8], Rejection> {
        let (taken, rest) = usize::try_from(count)
            .ok()
            .and_then(|count| self.rest.split_at_checked(count))
            .ok_or(Rejection::Truncated { what })?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes `count` bytes of UTF-8.
    pub(super) fn text(&mut self, count: u64, what: &'static str) -> Result<&'a str, Rejection> {
        std::str::from_utf8(self.take(count, what)?).map_err(|_| Rejection::Utf8 { what })
    }

    /// Takes a length and refuses it beyond `limit`, before anything of that length is made.
    pub(super) fn length(&mut self, limit: usize, what: &'static str) -> Result<u64, Rejection> {
        let count = self.unsigned(what)?;
        super::within(count, limit, what)?;
        Ok(count)
    }

    /// Takes an unsigned LEB128 number in its shortest form.
    pub(super) fn unsigned(&mut self, what: &'static str) -> Result<u64, Rejection> {
        let mut value = 0u64;
        for shift in (0..).step_by(7) {
            let byte = self.byte(what)?;
            if shift > 63 || (shift == 63 && byte > 1) || (shift > 0 && byte == 0) {
                return Err(Rejection::Number { what });
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok(value)
    }

    /// Takes a signed LEB128 number in its shortest form.
    pub(super) fn signed(&mut self, what: &'static str) -> Result<i64, Rejection> {
        let mut value = 0i64;
        let mut before = 0u8;
        for shift in (0..).step_by(7) {
            let byte = self.byte(what)?;
            let sign_alone =
                (byte == 0 && before & 0x40 == 0) || (byte == 0x7f && before & 0x40 != 0);
            if shift > 63 || (shift == 63 && byte != 0 && byte != 0x7f) || (shift > 0 && sign_alone)
            {
                return Err(Rejection::Number { what });
            }
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte & 0x40 != 0 && shift < 57 {
                    value |= -1 << (shift + 7);
                }
                break;
            }
            before = byte;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for value in [0, 1, 127, 128, 300, 1 << 40, u64::MAX] {
            let mut bytes = Vec::new();
            super::super::encode::unsigned(value, &mut bytes);
            assert_eq!(Reader::new(&bytes).unsigned("n"), Ok(value));
        }
        for value in [0, 1, -1, 63, 64, -64, -65, 1 << 40, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            super::super::encode::signed(value, &mut bytes);
            assert_eq!(Reader::new(&bytes).signed("n"), Ok(value), "{value}");
        }
        let long = Err(Rejection::Number { what: "n" });
        assert_eq!(Reader::new(&[0x80, 0x00]).unsigned("n"), long);
        assert_eq!(Reader::new(&[0xff; 11]).unsigned("n"), long);
        let signed_long = Err(Rejection::Number { what: "n" });
        assert_eq!(Reader::new(&[0x80, 0x00]).signed("n"), signed_long);
        assert_eq!(Reader::new(&[0xff, 0x7f]).signed("n"), signed_long);
        assert_eq!(Reader::new(&[0xff; 11]).signed("n"), signed_long);
        let short = Err(Rejection::Truncated { what: "n" });
        assert_eq!(Reader::new(&[0x80]).unsigned("n"), short);
    }
}
