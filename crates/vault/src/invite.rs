//! Invite links: how a device gets in.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use protocol::{Domain, InviteKey, MemberId, WorkspaceId, domain};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    SealingIdentity, SigningIdentity,
    entropy::{Entropy, draw},
    names::member_of,
};

/// The secret of an invite; whoever holds it may join while the invite is open.
#[derive(Clone)]
pub struct InviteSecret(Zeroizing<[u8; 32]>);

impl InviteSecret {
    /// Takes the 32 secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        InviteSecret(Zeroizing::new(bytes))
    }

    /// Draws a new secret.
    pub fn generate(entropy: &mut (impl Entropy + ?Sized)) -> Self {
        InviteSecret::from_bytes(draw(entropy))
    }

    /// Derives the identity that signs the entries of joining devices.
    pub fn signing(&self) -> SigningIdentity {
        SigningIdentity::from_seed(&self.derive(domain::INVITE_SIGN))
    }

    /// Derives the identity for which the workspace keys are wrapped.
    pub fn sealing(&self) -> SealingIdentity {
        SealingIdentity::from_seed(&self.derive(domain::INVITE_SEAL))
    }

    /// Returns the public key that names the invite in the roster.
    pub fn key(&self) -> InviteKey {
        self.signing().invite()
    }

    /// Returns the id of the member that this invite makes when it is not for an existing one.
    pub fn new_member(&self) -> MemberId {
        member_of(&self.signing().key())
    }

    fn derive(&self, domain: Domain) -> Zeroizing<[u8; 32]> {
        let mut seed = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, &*self.0)
            .expand(domain.as_str().as_bytes(), &mut *seed)
            .expect("HKDF-SHA256 gives up to 8160 bytes");
        seed
    }
}

impl fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteSecret")
    }
}

/// Says why a text is not the address of a relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The address does not begin with one of the four schemes.
    #[error("the address of a relay begins with https://, http://, wss:// or ws://")]
    Scheme,
    /// The host is missing or has characters that no host has.
    #[error("the address of a relay needs a host name or an IP address: {host:?}")]
    Host {
        /// What stands in its place.
        host: String,
    },
    /// The port is not one.
    #[error("{port:?} is not a port")]
    Port {
        /// What stands in its place.
        port: String,
    },
    /// Something follows the host and port.
    #[error("the address of a relay ends after host and port, without {rest:?}")]
    Rest {
        /// What follows.
        rest: String,
    },
}

/// The address of a relay: scheme, host and port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayOrigin {
    secure: bool,
    authority: String,
}

impl RelayOrigin {
    /// Reads an address; `ws` stands for `http` and `wss` for `https`, and a slash may follow.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(OriginError::Scheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(OriginError::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, after) = rest.split_at(end);
        check_authority(authority)?;
        if !matches!(after, "" | "/") {
            return Err(OriginError::Rest { rest: after.into() });
        }
        Ok(RelayOrigin {
            secure,
            authority: authority.to_ascii_lowercase(),
        })
    }

    /// Returns the address where the session's WebSocket is: `ws://host/sync` or `wss://host/sync`.
    pub fn ws_url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}/sync", self.authority)
    }

    /// Tells whether the transport is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

impl fmt::Display for RelayOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

fn check_authority(authority: &str) -> Result<(), OriginError> {
    let bad_host = || OriginError::Host {
        host: authority.into(),
    };
    let after_host = if let Some(inner) = authority.strip_prefix('[') {
        let (address, after) = inner.split_once(']').ok_or_else(bad_host)?;
        address
            .parse::<std::net::Ipv6Addr>()
            .map_err(|_| bad_host())?;
        after
    } else {
        let (host, after) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        let well_formed = !host.is_empty()
            && host.len() <= 253
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if !well_formed {
            return Err(bad_host());
        }
        after
    };
    match after_host.strip_prefix(':') {
        None if after_host.is_empty() => Ok(()),
        Some(port)
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port != 0) =>
        {
            Ok(())
        }
        Some(port) => Err(OriginError::Port { port: port.into() }),
        None => Err(bad_host()),
    }
}

/// Says why a text is not an invite link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteLinkError {
    /// The text has no `/join#` in it.
    #[error("this is not an invite link: one looks like https://relay.example/join#1.…")]
    NotALink,
    /// The link is of another version.
    #[error("this invite link is of version {version:?}, this program reads version 1")]
    Version {
        /// The version.
        version: String,
    },
    /// The link does not consist of version, workspace and secret.
    #[error("this invite link is cut off or has too much: {parts} pieces instead of 3")]
    Pieces {
        /// How many there are.
        parts: usize,
    },
    /// The workspace id is not 43 characters of base64url.
    #[error("the workspace id of this invite link is damaged ({chars} characters instead of 43)")]
    Workspace {
        /// How many characters it has.
        chars: usize,
    },
    /// The secret is not 43 characters of base64url.
    #[error("the secret of this invite link is damaged ({chars} characters instead of 43)")]
    Secret {
        /// How many characters it has.
        chars: usize,
    },
    /// The part before `/join` is not the address of a relay.
    #[error("the relay of this invite link: {0}")]
    Origin(#[from] OriginError),
}

/// An invite as it is handed over.
#[derive(Debug, Clone)]
pub struct InviteLink {
    /// The relay.
    pub origin: RelayOrigin,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The secret.
    pub secret: InviteSecret,
}

impl InviteLink {
    /// Reads a link; space around it is ignored.
    pub fn parse(text: &str) -> Result<Self, InviteLinkError> {
        let (origin, fragment) = text
            .trim()
            .split_once("/join#")
            .ok_or(InviteLinkError::NotALink)?;
        let pieces: Vec<&str> = fragment.split('.').collect();
        if pieces[0] != "1" {
            return Err(InviteLinkError::Version {
                version: pieces[0].chars().take(16).collect(),
            });
        }
        let [_, workspace, secret] = pieces[..] else {
            return Err(InviteLinkError::Pieces {
                parts: pieces.len(),
            });
        };
        let origin = RelayOrigin::parse(origin)?;
        let workspace = workspace.parse().map_err(|_| InviteLinkError::Workspace {
            chars: workspace.chars().count(),
        })?;
        let secret = BASE64URL_NOPAD
            .decode(secret.as_bytes())
            .map(Zeroizing::new)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok())
            .map(InviteSecret::from_bytes)
            .ok_or_else(|| InviteLinkError::Secret {
                chars: secret.chars().count(),
            })?;
        Ok(InviteLink {
            origin,
            workspace,
            secret,
        })
    }

    /// Writes the link, secret included; that is why there is no `Display`.
    pub fn to_text(&self) -> String {
        format!(
            "{}/join#1.{}.{}",
            self.origin,
            self.workspace,
            BASE64URL_NOPAD.encode(&*self.secret.0)
        )
    }
}
