//! Invite links, addresses of relays and files of keys.

use protocol::{DeviceCode, WorkspaceId};
use vault::{DeviceKeys, InviteLink, RelayOrigin};

use super::Target;

pub(super) const TARGET: Target = Target {
    name: "invites",
    about: "invite links, addresses of relays, codes, ids and files of keys",
    run,
    seeds,
    rounds: 20_000,
};

/// What is read is written the one way that reads as the same again.
fn run(bytes: &[u8]) {
    if let Ok(keys) = DeviceKeys::from_bytes(bytes) {
        assert_eq!(&keys.to_bytes()[..], bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(link) = InviteLink::parse(&text) {
        let written = link.to_text();
        let again = InviteLink::parse(&written).expect("a link that was written reads");
        assert_eq!(again.origin, link.origin);
        assert_eq!(again.workspace, link.workspace);
        assert_eq!(again.secret.key(), link.secret.key());
        assert_eq!(again.to_text(), written);
    }
    if let Ok(origin) = RelayOrigin::parse(&text) {
        assert_eq!(
            RelayOrigin::parse(&origin.to_string()).as_ref(),
            Ok(&origin)
        );
        let url = origin.ws_url();
        assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url:?}");
        assert!(url.ends_with("/sync"));
    }
    if let Ok(code) = text.parse::<DeviceCode>() {
        assert_eq!(code.to_string(), text);
    }
    if let Ok(id) = text.parse::<WorkspaceId>() {
        assert_eq!(id.to_string(), text);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let workspace = WorkspaceId::from_bytes([9; 32]);
    let secret = WorkspaceId::from_bytes([5; 32]);
    let link = |origin: &str| format!("{origin}/join#1.{workspace}.{secret}").into_bytes();
    vec![
        link("https://relay.example"),
        link("http://127.0.0.1:7373"),
        link("wss://[2001:db8::1]:443"),
        b" WS://Relay.Example:80/ ".to_vec(),
        b"https://relay.example/".to_vec(),
        b"K3".to_vec(),
        workspace.to_string().into_bytes(),
        DeviceKeys::from_seeds(&[1; 32], &[2; 32])
            .to_bytes()
            .to_vec(),
    ]
}
