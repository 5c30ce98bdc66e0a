//! SHA-256 with a domain in front.

use sha2::{Digest, Sha256};

/// Names the one purpose of a hash, a signature or a derived key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domain(&'static str);

impl Domain {
    pub(crate) const fn new(text: &'static str) -> Self {
        Domain(text)
    }

    /// Returns the text without the zero byte that follows it in hashes and signatures.
    pub const fn as_str(&self) -> &'static str {
        self.0
    }
}

/// Computes `H(domain, parts...)` of `docs/formats.md`: SHA-256 over the domain, a zero byte and the parts.
pub fn hash(domain: Domain, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(domain.0.as_bytes());
    hasher.update([0]);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Builds the bytes that are signed, or bound as associated data: the domain, a zero byte and the parts.
pub fn message(domain: Domain, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes =
        Vec::with_capacity(domain.0.len() + 1 + parts.iter().map(|p| p.len()).sum::<usize>());
    bytes.extend_from_slice(domain.0.as_bytes());
    bytes.push(0);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}
