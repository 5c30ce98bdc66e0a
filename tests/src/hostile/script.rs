//! Reads bytes as a row of decisions.

/// Bytes that are read as decisions; where they end, every further decision is 0.
///
/// So any bytes are a script, a change of one byte changes one decision, and mutation finds its way.
#[derive(Debug, Clone)]
pub struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    /// Reads bytes from their beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Tells whether all decisions have been made.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads one byte.
    pub fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// Reads a choice among so many (at least one, at most 256), by one byte.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }

    /// Reads an answer to a question that is mostly answered with no: one of 8 bytes says yes.
    pub fn seldom(&mut self) -> bool {
        self.byte() % 8 == 7
    }

    /// Chooses one of a list.
    ///
    /// # Panics
    ///
    /// The list is empty.
    pub fn pick<'b, T>(&mut self, list: &'b [T]) -> &'b T {
        let at = usize::from(self.byte()) % list.len();
        &list[at]
    }

    /// Reads a number: mostly a small one, else one at the edge of what numbers can be, else any.
    pub fn number(&mut self) -> u64 {
        const EDGES: [u64; 8] = [
            0x7f,
            0x1_0000,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
            0x7fff_ffff_ffff_ffff,
            0x8000_0000_0000_0000,
            0xffff_ffff_ffff_ffff,
        ];
        match self.byte() {
            small @ 0..=219 => u64::from(small) % 64,
            edge @ 220..=243 => EDGES[usize::from(edge) % 8],
            _ => u64::from_be_bytes(self.array()),
        }
    }

    /// Reads a number near another one: equal in half of all cases.
    pub fn near(&mut self, number: u64) -> u64 {
        match self.byte() {
            0..=127 => number,
            128..=159 => number.wrapping_add(1),
            160..=191 => number.wrapping_sub(1),
            192..=207 => 0,
            _ => self.number(),
        }
    }

    /// Reads an array.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// Reads so many bytes, or those that are left.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Reads some bytes, their number first (one byte).
    pub fn some(&mut self) -> &'a [u8] {
        let count = usize::from(self.byte());
        self.take(count)
    }

    /// Reads all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Reads a short text, damaged characters replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.some()).into_owned()
    }
}
