//! The signatures with which client and relay prove themselves to each other.

use protocol::{Nonce, RelayKey, Signature, SignerKey, WorkspaceId, domain};

use crate::keys::{BadSignature, SigningIdentity, verify};

/// What both sides of a session know when they sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTerms {
    /// The relay's key.
    pub relay: RelayKey,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The bytes that the client drew.
    pub client_nonce: Nonce,
    /// The bytes that the relay drew.
    pub relay_nonce: Nonce,
}

impl SessionTerms {
    fn challenge_parts(&self) -> [&[u8]; 3] {
        [
            self.workspace.as_bytes(),
            self.client_nonce.as_bytes(),
            self.relay_nonce.as_bytes(),
        ]
    }

    fn proof_parts(&self) -> [&[u8]; 4] {
        [
            self.relay.as_bytes(),
            self.workspace.as_bytes(),
            self.relay_nonce.as_bytes(),
            self.client_nonce.as_bytes(),
        ]
    }

    /// Signs the challenge, as the relay.
    pub fn sign_challenge(&self, relay: &SigningIdentity) -> Signature {
        relay.sign(domain::SIGN_RELAY, &self.challenge_parts())
    }

    /// Checks a challenge, as the client.
    pub fn verify_challenge(&self, signature: &Signature) -> Result<(), BadSignature> {
        let key = SignerKey::from_bytes(*self.relay.as_bytes());
        verify(&key, domain::SIGN_RELAY, &self.challenge_parts(), signature)
    }

    /// Signs the proof, as a device or an invite.
    pub fn sign_proof(&self, client: &SigningIdentity) -> Signature {
        client.sign(domain::SIGN_SESSION, &self.proof_parts())
    }

    /// Checks a proof, as the relay.
    pub fn verify_proof(
        &self,
        client: &SignerKey,
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        verify(client, domain::SIGN_SESSION, &self.proof_parts(), signature)
    }
}
