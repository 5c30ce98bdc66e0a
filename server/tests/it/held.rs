//! What revoked devices push, over real sockets and restarts.

use protocol::{Cut, CutMoved, Envelope, Refusal, Revocation, What};
use sync::client::{Input, Output};

use crate::{
    client::Client,
    sockets::{OPEN, Running},
    workspace::{Device, workspace},
};

fn revoke(admin: &Device, device: &Device, cut: Option<Cut>) -> Input {
    admin.sign(What::Revoke(Revocation {
        feeds: vec![device.keys.feed()],
        cuts: cut.into_iter().collect(),
    }))
}

fn held_up_to(output: Option<Output>) -> Vec<u64> {
    match output {
        Some(Output::HeldFeeds { feeds }) => feeds.iter().map(|cut| cut.sequence).collect(),
        other => panic!("expected the held feeds, got {other:?}"),
    }
}

const fn shows(output: &Output) -> bool {
    matches!(output, Output::HeldFeeds { .. })
}

#[tokio::test]
async fn what_a_revoked_device_sends_is_held_over_a_restart_and_accepted_piece_by_piece() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let relay = Running::on(folder.path(), OPEN).await;
    let mut devices = workspace(80, 2);
    let [a, b] = &mut devices[..] else {
        unreachable!("there are two")
    };
    let mut at_a = Client::connect(relay.address, a).await;
    at_a.settle(a).await;
    let mut at_b = Client::connect(relay.address, b).await;
    b.write(300);
    b.write(300);
    at_b.wrote(b);
    at_b.settle(b).await;

    // A cut that is not the head of the log is answered with that head.
    at_a.tell(revoke(a, b, None));
    let is_refused = |output: &Output| matches!(output, Output::CutRefused { .. });
    let refused = at_a.until(a, is_refused).await;
    let heads = vec![b.own_cut().expect("has written")];
    assert_eq!(
        refused,
        Some(Output::CutRefused {
            heads: heads.clone()
        })
    );
    at_a.tell(revoke(a, b, heads.first().copied()));
    let is_appended = |output: &Output| matches!(output, Output::RosterAppended { .. });
    assert!(at_a.until(a, is_appended).await.is_some());

    // The device goes on, and hears that what it sends is kept apart.
    for _ in 0..4 {
        b.write(300);
    }
    at_b.wrote(b);
    let is_held = |output: &Output| {
        matches!(
            output,
            Output::Acknowledged {
                sequence: 6,
                is_held: true,
                ..
            }
        )
    };
    assert!(at_b.until(b, is_held).await.is_some());
    let seen = at_a
        .until(a, |output| {
            matches!(output, Output::HeldFeeds { feeds } if feeds.iter().any(|cut| cut.sequence == 6))
        })
        .await;
    assert_eq!(held_up_to(seen), [6]);
    let log_before = at_a.log.len();
    relay.stop().await;

    let relay = Running::on(folder.path(), OPEN).await;
    let mut at_a = Client::resume(relay.address, a).await;
    assert_eq!(held_up_to(at_a.until(a, shows).await), [6], "durable");
    let feed = b.keys.feed();
    at_a.tell(Input::Want {
        feed,
        from: 3,
        to: 6,
    });
    let is_piece = |output: &Output| matches!(output, Output::Held { .. });
    let Some(Output::Held { envelopes, .. }) = at_a.until(a, is_piece).await else {
        panic!("is shown");
    };
    let cuts: Vec<Cut> = envelopes
        .iter()
        .map(|bytes| {
            let envelope = Envelope::decode(bytes).expect("decodes");
            Cut {
                feed,
                sequence: envelope.header.sequence,
                hash: envelope.hash(),
            }
        })
        .collect();
    assert_eq!(cuts.last().copied(), b.own_cut());
    let shown = std::cell::RefCell::new(None);
    for accepted in [cuts[1], cuts[3]] {
        at_a.tell(a.sign(What::CutMoved(CutMoved { cut: accepted })));
        // Unsettled by what comes with the log, then settled again; the list comes before, between or after.
        let settled = at_a.until(a, |output| {
            if shows(output) {
                shown.replace(Some(output.clone()));
            }
            *output == Output::Settled
        });
        assert!(settled.await.is_some());
        let newest = a.heads().into_iter().find(|cut| cut.feed == feed);
        assert_eq!(newest, Some(accepted), "it comes with the log");
    }
    let last = match shown.take() {
        Some(list) => Some(list),
        None => at_a.until(a, shows).await,
    };
    assert_eq!(held_up_to(last), [0; 0], "nothing is held any more");
    assert_eq!(log_before, 2);

    // The device itself is let in, and gets nothing but the roster.
    let mut at_b = Client::resume(relay.address, b).await;
    let is_in = |output: &Output| matches!(output, Output::Established(_));
    let Some(Output::Established(established)) = at_b.until(b, is_in).await else {
        panic!("is let in");
    };
    assert_eq!(established.log_sequence, 0);
    at_b.settle(b).await;
    assert_eq!(b.roster.head(), a.roster.head());
    at_b.tell(Input::Want {
        feed: a.keys.feed(),
        from: 1,
        to: 1,
    });
    let is_refusal = |output: &Output| matches!(output, Output::Refused { .. });
    let refused = at_b.until(b, is_refusal).await;
    assert!(
        matches!(
            refused,
            Some(Output::Refused {
                code: Refusal::Revoked,
                ..
            })
        ),
        "{refused:?}"
    );
    relay.stop().await;
}

#[tokio::test]
async fn members_are_not_shown_what_is_held() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let relay = Running::on(folder.path(), OPEN).await;
    let mut devices = workspace(81, 3);
    let [a, b, member] = &mut devices[..] else {
        unreachable!("there are three")
    };
    let mut at_a = Client::connect(relay.address, a).await;
    at_a.settle(a).await;
    at_a.tell(revoke(a, b, None));
    let is_appended = |output: &Output| matches!(output, Output::RosterAppended { .. });
    assert!(at_a.until(a, is_appended).await.is_some());
    b.write(300);
    let mut at_b = Client::connect(relay.address, b).await;
    at_b.settle(b).await;
    let mut at_member = Client::connect(relay.address, member).await;
    at_member.settle(member).await;
    let said = at_member.fence(member).await;
    assert!(!said.iter().any(shows), "{said:?}");
    at_member.tell(Input::Want {
        feed: b.keys.feed(),
        from: 1,
        to: 1,
    });
    let is_refusal = |output: &Output| matches!(output, Output::Refused { .. });
    let refused = at_member.until(member, is_refusal).await;
    assert!(
        matches!(
            refused,
            Some(Output::Refused {
                code: Refusal::RoleForbids,
                ..
            })
        ),
        "{refused:?}"
    );
    relay.stop().await;
}
