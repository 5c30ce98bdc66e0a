//! Phases, winning, offers.

use model::merged::Rule;
use model::{Kind, RecordId, Value};

use crate::acts::*;
use crate::peers::Peers;

#[test]
fn status_moved_on_both_sides() {
    let words = [
        "qualified",
        "needs-clarified",
        "offer-sent",
        "negotiation",
        "won",
        "lost",
        "on-hold",
    ];
    let furthest = [
        "won",
        "negotiation",
        "offer-sent",
        "needs-clarified",
        "qualified",
        "on-hold",
        "lost",
    ];
    // All triples are tested in the model; here each pair goes over two devices, in both orders.
    for (seed, one) in words.into_iter().enumerate() {
        for two in words {
            let mut peers = Peers::new(100 + seed as u64, 2);
            let (_, project) = shared_project(&mut peers);
            peers.act(0, phase(project, one));
            peers.act(1, phase(project, two));
            peers.sync();
            let moved = [one, two];
            let wanted = furthest.iter().find(|word| moved.contains(word)).unwrap();
            for at in 0..2 {
                let view = peers.view(at, project);
                assert_eq!(view.status_word(), *wanted, "{moved:?} at {at}");
                let contested = moved.contains(&"won") && moved.contains(&"lost");
                assert_eq!(view.contested, contested, "{moved:?}");
            }
            let list = peers.merged();
            let listed: Vec<_> = list.iter().filter(|one| one.record == project).collect();
            if one == two {
                assert!(listed.is_empty(), "{moved:?}");
            } else {
                let choices = texts(listed[0]);
                assert_eq!(choices[0], *wanted);
                assert!(
                    choices.len() == 2
                        && moved
                            .iter()
                            .all(|word| choices.contains(&(*word).to_owned()))
                );
            }
        }
    }
}

#[test]
fn a_phase_of_the_workspaces_own_counts_by_the_rank_that_travels_with_it() {
    let mut peers = Peers::new(49, 2);
    let (_, project) = shared_project(&mut peers);
    let settings = RecordId::settings_of(&crate::peers::WORKSPACE);
    peers.act(0, set(settings, "phase/pilot", "Pilot;90;45"));
    peers.sync();
    peers.act(0, phase(project, "pilot"));
    // Meanwhile the rank is changed; the value keeps the one that it was written with.
    peers.act(1, phase(project, "negotiation"));
    peers.act(0, set(settings, "phase/pilot", "Pilot;90;5"));
    peers.heal();
    assert_eq!(peers.status(1, project), "pilot");
}

#[test]
fn won_here_lost_there() {
    let mut peers = Peers::new(50, 2);
    let (_, project) = shared_project(&mut peers);
    let order = peers.make(0, win(project, None));
    peers.act(1, phase(project, "lost"));
    peers.heal();
    assert!(peers.view(0, project).contested);
    assert_eq!(peers.status(1, order), "on-hold");
    let entry = peers.only_entry(Rule::Contested);
    assert_eq!(
        (entry.record, entry.field.as_deref()),
        (project, Some("status"))
    );
    assert_eq!(texts(&entry), ["won", "lost"]);
    peers.choose(
        1,
        &entry,
        |value| matches!(value, Some(Value::Status(one)) if one.word == "won"),
    );
    assert!(!peers.view(0, project).contested);
    assert_eq!(peers.status(0, order), "open");
    peers.assert_nothing_merged();
}

#[test]
fn won_here_lost_there_and_decided_as_lost() {
    let mut peers = Peers::new(51, 2);
    let (_, project) = shared_project(&mut peers);
    let order = peers.make(0, win(project, None));
    peers.act(1, phase(project, "lost"));
    peers.heal();
    let entry = peers.only_entry(Rule::Contested);
    peers.choose(
        1,
        &entry,
        |value| matches!(value, Some(Value::Status(one)) if one.word == "lost"),
    );
    assert_eq!(peers.status(0, project), "lost");
    // An order of what was lost is none to work on.
    assert_eq!(peers.status(0, order), "on-hold");
    peers.assert_nothing_merged();
}

#[test]
fn won_on_both_sides_with_different_offers() {
    let mut peers = Peers::new(52, 2);
    let (_, project) = shared_project(&mut peers);
    let (_, first) = shared_offer(&mut peers, project);
    let (_, second) = shared_offer(&mut peers, project);
    let order = peers.make(0, win(project, Some(first)));
    peers.act(1, win(project, Some(second)));
    peers.heal();
    assert_eq!(peers.of_kind(0, Kind::Order), [order]);
    assert_eq!(
        peers.of_kind(0, Kind::Project),
        [RecordId::project_of(project)]
    );
    let entry = peers.entry(Rule::Conflict, order, Some("award"));
    assert_eq!(entry.choices.len(), 2);
    peers.entry(Rule::AcceptedTwice, project, None);
    peers.choose(
        0,
        &entry,
        |value| matches!(value, Some(Value::Award(one)) if one.issued == Some(second)),
    );
    assert!(
        matches!(peers.view(1, order).value("award"), Some(Value::Award(one)) if one.issued == Some(second))
    );
}

#[test]
fn the_same_draft_offer_sent_by_two() {
    let mut peers = Peers::new(53, 2);
    let (_, project) = shared_project(&mut peers);
    let offer = peers.make(0, draft(project, &[item("Press", 100)]));
    peers.sync();
    peers.act(1, add(offer, "item", "Belt;1;piece;10"));
    let first = peers.make(0, send(offer));
    let second = peers.make(1, send(offer));
    peers.heal();
    assert_eq!(peers.of_kind(0, Kind::IssuedOffer).len(), 2);
    assert_eq!(peers.view(1, first).items().len(), 1);
    assert_eq!(peers.view(0, second).items().len(), 2);
    assert_ne!(
        peers.text(0, first, "number"),
        peers.text(0, second, "number")
    );
    let entry = peers.only_entry(Rule::SentTwice);
    assert!(entry.records.contains(&first) && entry.records.contains(&second));
    assert_eq!(entry.home(), *entry.records.iter().min().unwrap());
    peers.acknowledge(1, &entry);
    peers.assert_nothing_merged();
    assert_eq!(peers.status(0, project), "offer-sent");
}

#[test]
fn offer_sent_here_draft_edited_there() {
    let mut peers = Peers::new(54, 2);
    let (_, project) = shared_project(&mut peers);
    let offer = peers.make(0, draft(project, &[item("Press", 100)]));
    peers.sync();
    let issued = peers.make(0, send(offer));
    peers.act(1, add(offer, "item", "Belt;1;piece;10"));
    peers.heal();
    assert_eq!(peers.view(1, issued).items().len(), 1);
    assert_eq!(peers.view(1, offer).items().len(), 2);
    peers.assert_nothing_merged();
}

#[test]
fn accepted_here_rejected_or_superseded_there() {
    for superseded in [false, true] {
        let mut peers = Peers::new(55, 2);
        let (_, project) = shared_project(&mut peers);
        let (offer, issued) = shared_offer(&mut peers, project);
        peers.act(0, accept(issued));
        if superseded {
            peers.act(1, add(offer, "item", "Belt;1;piece;10"));
            peers.act(1, send(offer));
        } else {
            peers.act(1, reject(issued));
        }
        peers.heal();
        let key = format!("verdict/{issued}");
        let entry = peers.entry(Rule::Conflict, offer, Some(&key));
        let other = if superseded { "superseded" } else { "rejected" };
        assert_eq!(texts(&entry), ["accepted", other]);
        peers.acknowledge(1, &entry);
        peers.assert_nothing_merged();
    }
}

#[test]
fn two_accepted_offers() {
    let mut peers = Peers::new(56, 2);
    let (_, project) = shared_project(&mut peers);
    let (_, first) = shared_offer(&mut peers, project);
    let (_, second) = shared_offer(&mut peers, project);
    peers.act(0, accept(first));
    peers.act(1, accept(second));
    peers.heal();
    let entry = peers.only_entry(Rule::AcceptedTwice);
    assert!(entry.records.contains(&first) && entry.records.contains(&second));
    let refusal = peers.try_act(0, win(project, None)).unwrap_err();
    assert_eq!(refusal.code(), "which-offer");
    peers.acknowledge(0, &entry);
    peers.assert_nothing_merged();
}
