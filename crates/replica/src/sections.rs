//! Bytes in sections, each after its length: how derived rows lie in memory and in the store.

/// Joins sections, each after its length.
pub(crate) fn sections(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        // Records are bounded far below what this holds.
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Finds one section by its place, from 0.
pub(crate) fn nth_section(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let mut rest = bytes;
    for _ in 0..at {
        let (length, after) = rest.split_first_chunk::<4>()?;
        rest = after.get(u32::from_be_bytes(*length) as usize..)?;
    }
    let (length, after) = rest.split_first_chunk::<4>()?;
    after.get(..u32::from_be_bytes(*length) as usize)
}

/// Finds all sections, however many; none when the bytes end inside one.
pub(crate) fn each_section(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        found.push(part);
        rest = after;
    }
    Some(found)
}

/// Exactly `N` sections, measured but not read.
pub(crate) struct Sections<'a, const N: usize>([&'a [u8]; N]);

impl<'a, const N: usize> Sections<'a, N> {
    /// Finds the sections; none when there are not as many, or bytes are left over.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut parts = [&[][..]; N];
        for part in &mut parts {
            let (length, after) = rest.split_first_chunk::<4>()?;
            (*part, rest) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        }
        rest.is_empty().then_some(Self(parts))
    }

    /// Gives a section.
    pub(crate) fn get(&self, at: usize) -> &'a [u8] {
        self.0[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_again_and_nothing_else_is() {
        let bytes = sections(&[b"one", b"", b"three"]);
        let parts = Sections::<3>::new(&bytes).expect("there are three");
        assert_eq!(
            [parts.get(0), parts.get(1), parts.get(2)],
            [&b"one"[..], b"", b"three"]
        );
        for (at, part) in [&b"one"[..], b"", b"three"].into_iter().enumerate() {
            assert_eq!(nth_section(&bytes, at), Some(part));
        }
        assert_eq!(nth_section(&bytes, 3), None);
        assert!(Sections::<2>::new(&bytes).is_none(), "bytes are left over");
        assert!(Sections::<4>::new(&bytes).is_none(), "one is missing");
        for length in 0..bytes.len() {
            assert!(
                Sections::<3>::new(&bytes[..length]).is_none(),
                "cut at {length}"
            );
        }
    }
}
