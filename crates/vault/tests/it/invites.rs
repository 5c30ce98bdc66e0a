//! Invite links, relay addresses, key files and session proofs.

use proptest::prelude::*;
use protocol::{Nonce, WorkspaceId};
use vault::{
    DeviceKeys, InviteLink, InviteLinkError, KeyFileError, OriginError, RelayOrigin, SessionTerms,
    SigningIdentity,
};

use crate::world::{keys, secret};

fn link() -> InviteLink {
    InviteLink {
        origin: RelayOrigin::parse("https://relay.example:8443").expect("an origin"),
        workspace: WorkspaceId::from_bytes([6; 32]),
        secret: secret(5),
    }
}

#[test]
fn links_come_back() {
    let text = link().to_text();
    let parsed = InviteLink::parse(&format!("  {text}\n")).expect("a link");
    assert_eq!(parsed.to_text(), text);
    assert_eq!(parsed.secret.key(), secret(5).key());
    assert_ne!(parsed.secret.key(), secret(6).key());
}

#[test]
fn broken_links_say_what_is_wrong() {
    let good = link().to_text();
    let error = |text: &str| InviteLink::parse(text).expect_err("broken");
    assert_eq!(error("hello"), InviteLinkError::NotALink);
    assert_eq!(error("https://relay.example/"), InviteLinkError::NotALink);
    assert_eq!(
        error(&good.replace("#1.", "#2.")),
        InviteLinkError::Version {
            version: "2".into()
        }
    );
    assert_eq!(
        error("https://relay.example/join#1.abc"),
        InviteLinkError::Pieces { parts: 2 }
    );
    assert_eq!(
        error("https://relay.example/join#1.abc.def"),
        InviteLinkError::Workspace { chars: 3 }
    );
    assert_eq!(
        error(&good[..good.len() - 1]),
        InviteLinkError::Secret { chars: 42 }
    );
    assert_eq!(
        error(&good.replace("https", "ftp")),
        InviteLinkError::Origin(OriginError::Scheme)
    );
}

#[test]
fn origins_are_normalised() {
    for (text, origin, ws) in [
        (
            "https://Relay.Example",
            "https://relay.example",
            "wss://relay.example/sync",
        ),
        (
            "wss://relay.example/",
            "https://relay.example",
            "wss://relay.example/sync",
        ),
        (
            "ws://127.0.0.1:8080",
            "http://127.0.0.1:8080",
            "ws://127.0.0.1:8080/sync",
        ),
        (
            "http://[::1]:8080",
            "http://[::1]:8080",
            "ws://[::1]:8080/sync",
        ),
    ] {
        let parsed = RelayOrigin::parse(text).expect(text);
        assert_eq!(parsed.to_string(), origin);
        assert_eq!(parsed.ws_url(), ws);
    }
    for text in [
        "relay.example",
        "ftp://relay.example",
        "https://",
        "https://:80",
        "https://user@relay.example",
        "https://relay.example/path",
        "https://relay.example?x",
        "https://relay.example:0",
        "https://relay.example:70000",
        "https://relay.example:",
        "https://[::1",
        "https://[::1]x",
        "https://a b",
    ] {
        assert!(RelayOrigin::parse(text).is_err(), "{text}");
    }
}

#[test]
fn secrets_are_never_shown() {
    let shown = format!("{:?} {:?} {:?}", link(), secret(5), keys(1));
    assert!(!shown.contains("0505"), "{shown}");
    assert!(!shown.contains("[5"), "{shown}");
    assert!(!shown.contains("[1,"), "{shown}");
    assert!(!shown.contains("BQUF"), "{shown}");
}

#[test]
fn key_files_come_back() {
    let bytes = keys(1).to_bytes();
    let read = DeviceKeys::from_bytes(&bytes).expect("a key file");
    assert_eq!(read.feed(), keys(1).feed());
    assert_eq!(read.sealing.key(), keys(1).sealing.key());
    assert!(matches!(
        DeviceKeys::from_bytes(&bytes[..bytes.len() - 1]),
        Err(KeyFileError::WrongLength { .. })
    ));
    assert_eq!(
        DeviceKeys::from_bytes(b"something else").map(|_| ()),
        Err(KeyFileError::NotAKeyFile)
    );
}

#[test]
fn a_session_binds_relay_workspace_and_nonces() {
    let relay = SigningIdentity::from_seed(&[30; 32]);
    let device = keys(1);
    let terms = SessionTerms {
        relay: relay.relay(),
        workspace: WorkspaceId::from_bytes([6; 32]),
        client_nonce: Nonce::from_bytes([7; 32]),
        relay_nonce: Nonce::from_bytes([8; 32]),
    };
    let challenge = terms.sign_challenge(&relay);
    let proof = terms.sign_proof(&device.signing);
    assert_eq!(terms.verify_challenge(&challenge), Ok(()));
    assert_eq!(terms.verify_proof(&device.signing.key(), &proof), Ok(()));
    assert!(terms.verify_proof(&relay.key(), &proof).is_err());
    assert!(terms.verify_challenge(&proof).is_err());
    let other = Nonce::from_bytes([9; 32]);
    for changed in [
        SessionTerms {
            relay: keys(2).signing.relay(),
            ..terms
        },
        SessionTerms {
            workspace: WorkspaceId::ZERO,
            ..terms
        },
        SessionTerms {
            client_nonce: other,
            ..terms
        },
        SessionTerms {
            relay_nonce: other,
            ..terms
        },
    ] {
        let checked = changed.verify_challenge(&challenge);
        assert!(checked.is_err());
        assert!(changed.verify_proof(&device.signing.key(), &proof).is_err());
    }
}

proptest! {
    #[test]
    fn any_text_is_harmless(text in ".{0,80}", fragment in "[a-zA-Z0-9_.-]{0,100}") {
        let _ = InviteLink::parse(&text);
        let _ = InviteLink::parse(&format!("https://relay.example/join#1.{fragment}"));
        let _ = RelayOrigin::parse(&text);
    }
}
