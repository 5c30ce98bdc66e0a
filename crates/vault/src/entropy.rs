//! Randomness as an argument.

use std::convert::Infallible;

use hpke::rand_core::{TryCryptoRng, TryRng};

/// Fills bytes with randomness fit for keys; only the shells own a real source.
///
/// Closures `FnMut(&mut [u8])` are such sources.
pub trait Entropy {
    /// Fills all of the bytes.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Entropy for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// Draws an array of random bytes.
pub(crate) fn draw<const N: usize>(entropy: &mut (impl Entropy + ?Sized)) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// Lets an [`Entropy`] serve where the cipher crates want their own trait.
pub(crate) struct Source<'e, E: Entropy + ?Sized>(pub(crate) &'e mut E);

impl<E: Entropy + ?Sized> TryRng for Source<'_, E> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(draw(self.0)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(draw(self.0)))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl<E: Entropy + ?Sized> TryCryptoRng for Source<'_, E> {}
