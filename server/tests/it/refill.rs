//! Relays that lost their disk, over real sockets.

use protocol::{Refusal, Role};
use sync::client::{Input, Output};
use vault::{InviteSecret, InviteTerms, KeyRing};

use crate::{
    client::Client,
    sockets::{OPEN, Running},
    workspace::{Device, workspace},
};

const fn is_end(output: &Output) -> bool {
    matches!(output, Output::Compared(_))
}

/// Lets devices meet the relay one after the other, twice, so that the first hears of the last.
async fn meet(relay: &Running, devices: &mut [&mut Device]) {
    for _ in 0..2 {
        for device in devices.iter_mut() {
            let mut client = Client::resume(relay.address, device).await;
            client.settle(device).await;
        }
    }
}

/// An invite that a device makes.
fn invitation(device: &mut Device) -> Input {
    let ring = KeyRing::open(&device.roster, &device.keys.sealing);
    let mut fill = |bytes: &mut [u8]| device.dice.fill(bytes);
    let secret = InviteSecret::generate(&mut fill);
    let terms = InviteTerms {
        member: None,
        role: Role::Member,
        uses: 1,
        expires_ms: u64::MAX,
        reserved: Vec::new(),
    };
    let signing = &device.keys.signing;
    let entry = device
        .roster
        .sign_invite(signing, &ring, &secret, &terms, 9, &mut fill);
    Input::AppendRoster {
        expected_head: device.roster.head(),
        entries: vec![entry.expect("invites").into()],
    }
}

#[tokio::test]
async fn a_relay_with_an_empty_disk_is_filled_while_others_go_on() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let relay = Running::on(folder.path(), OPEN).await;
    let mut devices = workspace(82, 3);
    let [a, b, away] = &mut devices[..] else {
        unreachable!("there are three")
    };
    // Enough that an exchange takes several frames in both directions.
    for _ in 0..30 {
        a.write(100_000);
        b.write(60_000);
        away.write(5_000);
    }
    meet(&relay, &mut [a, b, away]).await;
    a.write(2_000);
    b.write(2_000);
    meet(&relay, &mut [a, b]).await;
    relay.stop().await;

    // Another machine: another key, nothing on the disk. Who was away has written too.
    let folder = tempfile::tempdir().expect("makes a folder");
    let relay = Running::on(folder.path(), OPEN).await;
    away.write(3_000);
    let mut at_away = Client::resume(relay.address, away).await;
    assert!(at_away.until(away, is_end).await.is_some());
    at_away.settle(away).await;
    let mut at_b = Client::resume(relay.address, b).await;
    let mut at_a = Client::resume(relay.address, a).await;
    assert!(at_b.until(b, is_end).await.is_some());
    at_b.settle(b).await;
    assert!(at_a.until(a, is_end).await.is_some());
    at_a.settle(a).await;
    meet(&relay, &mut [a, b, away]).await;
    assert_eq!(away.others.len() + away.feed.len(), 93);
    let mut heads = [a.heads(), b.heads(), away.heads()];
    for heads in &mut heads {
        heads.sort_by_key(|cut| cut.feed);
    }
    assert!(heads[0] == heads[1] && heads[1] == heads[2]);
    relay.stop().await;
}

#[tokio::test]
async fn who_joined_before_the_disk_was_lost_gets_in_while_others_are_connected() {
    for has_moved_on in [false, true] {
        let folder = tempfile::tempdir().expect("makes a folder");
        let relay = Running::on(folder.path(), OPEN).await;
        let mut devices = workspace(84, 2);
        let [a, b] = &mut devices[..] else {
            unreachable!("there are two")
        };
        // The last entry is the one by which the second came in, and nobody else has it.
        let all = b.roster.clone();
        a.roster = all.first(all.entries().len() - 1);
        a.write(300);
        b.write(300);
        let mut at_a = Client::connect(relay.address, a).await;
        at_a.settle(a).await;
        if has_moved_on {
            at_a.tell(invitation(a));
            let is_appended = |output: &Output| matches!(output, Output::RosterAppended { .. });
            assert!(at_a.until(a, is_appended).await.is_some());
        }
        let mut at_b = Client::connect(relay.address, b).await;
        if has_moved_on {
            let is_refusal = |output: &Output| matches!(output, Output::Refused { .. });
            let Some(Output::Refused { code, .. }) = at_b.until(b, is_refusal).await else {
                panic!("it is told why it does not get in");
            };
            assert_eq!(
                code,
                Refusal::NotAMember,
                "and its roster gives way to nobody's"
            );
            let out = at_a.fence(a).await;
            assert!(!out.iter().any(|one| matches!(one, Output::Roster { .. })));
        } else {
            at_b.settle(b).await;
            at_a.settle(a).await;
            let comes = |output: &Output| matches!(output, Output::Apply { .. });
            if a.others.is_empty() {
                assert!(at_a.until(a, comes).await.is_some());
            }
            assert_eq!(a.roster.head(), all.head());
            assert_eq!((a.others.len(), b.others.len()), (1, 1));
        }
        relay.stop().await;
    }
}

#[tokio::test]
async fn a_disk_put_back_to_a_copy_lacks_the_difference_alone() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let copy = tempfile::tempdir().expect("makes a folder");
    let mut devices = workspace(83, 2);
    let [a, b] = &mut devices[..] else {
        unreachable!("there are two")
    };
    let relay = Running::on(folder.path(), OPEN).await;
    for _ in 0..20 {
        a.write(300);
        b.write(300);
    }
    meet(&relay, &mut [a, b]).await;
    relay.stop().await;
    let file = |folder: &tempfile::TempDir| folder.path().join("relay.redb");
    std::fs::copy(file(&folder), file(&copy)).expect("copies");

    let relay = Running::on(folder.path(), OPEN).await;
    for _ in 0..5 {
        a.write(300);
        b.write(300);
    }
    meet(&relay, &mut [a, b]).await;
    relay.stop().await;

    // The same key and the same epoch, but the log does not reach the cursor.
    let relay = Running::on(copy.path(), OPEN).await;
    let mut at_a = Client::resume(relay.address, a).await;
    let Some(Output::Compared(compared)) = at_a.until(a, is_end).await else {
        panic!("is compared");
    };
    assert_eq!(
        (compared.cursor.sequence, compared.not_taken.len()),
        (50, 0)
    );
    relay.stop().await;
}
