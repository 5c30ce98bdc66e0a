//! Undo, side effects of intents, numbers, roles and refusals over real replicas.

use model::intent::{Assignment, Undo};
use model::record::Standing;
use model::{Intent, Kind, RecordId, Role, Value, number};

use crate::acts::*;
use crate::peers::{Peers, WORKSPACE};

fn refused(peers: &mut Peers, at: usize, intent: Intent) -> (&'static str, Option<String>) {
    let refusal = peers.try_act(at, intent).expect_err("it is refused");
    (refusal.code(), refusal.way_out())
}

#[test]
fn undo_without_an_argument_undoes_the_devices_own_last_and_undo_can_be_undone() {
    let mut peers = Peers::new(80, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "website", "a.example"));
    peers.sync();
    peers.act(1, set(inquiry, "company", "By another"));
    peers.sync();
    peers.act(0, undo());
    let undone = peers.last_of(0);
    assert_eq!(peers.text(0, inquiry, "website"), "");
    assert_eq!(peers.text(0, inquiry, "company"), "By another");
    peers.act(0, undo_of(undone));
    peers.heal();
    assert_eq!(peers.text(1, inquiry, "website"), "a.example");
    peers.assert_nothing_merged();
}

#[test]
fn undo_again_and_again_goes_back_step_by_step() {
    let mut peers = Peers::new(47, 2);
    let record = peers.make(0, capture("Mueller"));
    for priority in ["A", "B", "C"] {
        peers.act(0, set(record, "priority", priority));
    }
    for before in ["B", "A", ""] {
        peers.act(0, undo());
        assert_eq!(peers.text(0, record, "priority"), before);
    }
    // What somebody else wrote is not taken back, also where it is the same.
    peers.act(0, set(record, "priority", "B"));
    peers.act(0, set(record, "priority", "C"));
    peers.sync();
    peers.act(1, set(record, "priority", "B"));
    peers.sync();
    assert!(peers.try_act(0, undo()).is_err());
    assert_eq!(peers.text(0, record, "priority"), "B");
    peers.heal();
}

#[test]
fn undo_reverts_only_what_is_still_as_it_was_written_and_names_the_rest() {
    let mut peers = Peers::new(81, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(
        0,
        Intent::Edit {
            record: inquiry,
            fields: vec![
                Assignment::set("website", "a.example"),
                Assignment::set("job_title", "Buyer"),
            ],
        },
    );
    let edit = peers.last_of(0);
    peers.sync();
    peers.act(1, set(inquiry, "website", "b.example"));
    peers.sync();
    let answer = peers.act(0, undo_of(edit));
    peers.heal();
    assert_eq!(peers.text(1, inquiry, "website"), "b.example");
    assert_eq!(peers.text(1, inquiry, "job_title"), "");
    assert!(
        answer.notices.iter().any(|one| one.contains("website")),
        "{answer:?}"
    );
    assert_eq!(refused(&mut peers, 0, undo_of(edit)).0, "all-changed");
}

#[test]
fn undo_is_refused_when_others_worked_and_names_them() {
    let mut peers = Peers::new(82, 2);
    let (inquiry, project) = shared_project(&mut peers);
    let conversion = peers.last_of(0);
    peers.act(1, note(RecordId::customer_of(inquiry), "Likes tea."));
    peers.sync();
    // The other's note counts, also when the record was edited again since.
    peers.act(
        0,
        set(RecordId::customer_of(inquiry), "website", "a.example"),
    );
    let refusal = peers
        .try_act(0, undo_of(conversion))
        .expect_err("others worked");
    assert_eq!(refusal.code(), "others-worked");
    assert!(refusal.to_string().contains("Member 2"), "{refusal}");
    assert!(refusal.way_out().is_some());
    assert!(peers.view(0, project).is_alive());
    // Another member may not undo it, an owner may undo what others did.
    assert_eq!(refused(&mut peers, 1, undo_of(conversion)).0, "not-yours");
    peers.act(1, set(inquiry, "website", "b.example"));
    let edit = peers.last_of(1);
    peers.sync();
    peers.act(0, undo_of(edit));
    peers.heal();
    assert_eq!(peers.text(1, inquiry, "website"), "");
}

#[test]
fn two_devices_of_one_member_that_both_converted_keep_one_when_the_other_is_undone() {
    let mut peers = Peers::with_roles(83, &[(0, Role::Owner), (0, Role::Owner)]);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, convert(inquiry));
    peers.act(1, convert(inquiry));
    peers.sync();
    let _ = peers.try_act(0, undo());
    peers.heal();
    assert_eq!(peers.status(1, inquiry), "converted");
    for kind in [Kind::Customer, Kind::ContactPerson, Kind::SalesProject] {
        assert_eq!(peers.of_kind(1, kind).len(), 1, "{kind}");
    }
}

#[test]
fn a_batch_is_undone_as_one_also_where_it_wrote_a_field_twice() {
    let mut peers = Peers::new(84, 2);
    let inquiry = shared_inquiry(&mut peers);
    let batch = peers.fresh_intent();
    for name in ["One", "Two"] {
        peers.act(0, set(inquiry, "company", name));
        peers.put_in_batch(0, batch);
    }
    let made = peers.make(0, capture("Imported"));
    peers.put_in_batch(0, batch);
    peers.sync();
    let what = Undo::Batch(batch);
    peers.act(0, Intent::Undo { what });
    peers.heal();
    assert_eq!(peers.text(1, inquiry, "company"), "Mueller Praezision GmbH");
    assert_eq!(peers.view(1, made).standing, Standing::Undone);
}

#[test]
fn a_notes_edit_is_undone_while_its_characters_are_untouched() {
    let mut peers = Peers::new(85, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, note(inquiry, "First."));
    let first = peers.last_of(0);
    peers.act(0, note(inquiry, "Second."));
    peers.act(0, undo_of(first));
    peers.heal();
    assert_eq!(peers.view(1, inquiry).note, "Met at the stand.\nSecond.");
    peers.act(0, note(inquiry, "Third."));
    let third = peers.last_of(0);
    peers.act(0, set(inquiry, "note", "All new."));
    assert_eq!(refused(&mut peers, 0, undo_of(third)).0, "all-changed");
    peers.act(0, note(inquiry, "Fourth."));
    let fourth = peers.last_of(0);
    peers.act(0, undo_of(fourth));
    assert_eq!(refused(&mut peers, 0, undo_of(fourth)).0, "undone-already");
}

#[test]
fn sending_moves_to_offer_sent_only_from_before_it_and_a_chance_set_by_hand_stays() {
    let mut peers = Peers::new(86, 1);
    let (_, project) = shared_project(&mut peers);
    let chance = |peers: &Peers| peers.view(0, project).status().and_then(|one| one.chance);
    assert_eq!(chance(&peers), Some(20));
    peers.act(0, phase(project, "needs-clarified"));
    assert_eq!(chance(&peers), Some(35));
    let by_hand = Intent::MovePhase {
        sales_project: project,
        phase: "needs-clarified".to_owned(),
        chance: Some(60),
        reason: None,
        seen: None,
    };
    peers.act(0, by_hand);
    shared_offer(&mut peers, project);
    assert_eq!(
        (peers.status(0, project).as_str(), chance(&peers)),
        ("offer-sent", Some(60))
    );
    peers.act(0, phase(project, "negotiation"));
    shared_offer(&mut peers, project);
    assert_eq!(peers.status(0, project), "negotiation");
}

#[test]
fn winning_takes_what_is_told_else_the_accepted_else_the_sent_else_the_revenue() {
    let award = |peers: &Peers, order| match peers.view(0, order).value("award").cloned() {
        Some(Value::Award(award)) => award,
        other => panic!("an award is expected: {other:?}"),
    };
    let mut peers = Peers::new(87, 1);
    let (_, project) = shared_project(&mut peers);
    peers.act(0, set(project, "revenue", "1000 EUR"));
    let order = peers.make(0, win(project, None));
    assert_eq!(
        award(&peers, order).amount.map(|one| one.minor),
        Some(100_000)
    );
    peers.act(0, undo());
    let (_, first) = shared_offer(&mut peers, project);
    let (_, second) = shared_offer(&mut peers, project);
    let (code, way_out) = refused(&mut peers, 0, win(project, None));
    assert_eq!(code, "which-offer");
    assert!(way_out.is_some());
    peers.act(0, accept(second));
    peers.act(0, win(project, None));
    assert_eq!(award(&peers, order).issued, Some(second));
    assert_eq!(
        refused(&mut peers, 0, win(project, Some(first))).0,
        "already-won"
    );
}

#[test]
fn one_counter_serves_all_series_and_what_is_derived_takes_the_same_number() {
    let mut peers = Peers::new(88, 2);
    let (inquiry, project) = shared_project(&mut peers);
    let (_, issued) = shared_offer(&mut peers, project);
    let other = peers.make(1, capture("By another device"));
    peers.sync();
    let of = |id: RecordId| peers.text(1, id, "number");
    let texts = [
        of(inquiry),
        of(RecordId::customer_of(inquiry)),
        of(project),
        of(issued),
        of(other),
    ];
    let wanted = [
        "AF-2026-A-0001",
        "KD-2026-A-0001",
        "VP-2026-A-0001",
        "AN-2026-A-0002",
        "AF-2026-B-0001",
    ];
    assert_eq!(texts, wanted);
    assert!(number::parse(&texts[0]).is_some());
    // After a restart the counter goes on.
    peers.reopen(0);
    let next = peers.make(0, capture("After a restart"));
    assert_eq!(peers.text(0, next, "number"), "AF-2026-A-0003");
}

#[test]
fn a_double_press_is_one() {
    let mut peers = Peers::new(89, 2);
    let inquiry = shared_inquiry(&mut peers);
    let id = peers.fresh_intent();
    let first = peers
        .try_act_as(0, id, convert(inquiry))
        .expect("it is converted");
    let count = peers.all[0].outbox.len();
    let second = peers
        .try_act_as(0, id, convert(inquiry))
        .expect("the same answer");
    assert_eq!(first, second);
    assert_eq!(peers.all[0].outbox.len(), count);
    // Another press of the same button is told what became of the first.
    let (code, way_out) = refused(&mut peers, 0, convert(inquiry));
    assert_eq!(code, "already-converted");
    assert!(way_out.is_some());
}

#[test]
fn roles_are_kept() {
    let roles = [(0, Role::Owner), (1, Role::Member), (2, Role::Guest)];
    let mut peers = Peers::with_roles(90, &roles);
    let inquiry = shared_inquiry(&mut peers);
    let settings = RecordId::settings_of(&WORKSPACE);
    for intent in [capture("X"), note(inquiry, "x"), convert(inquiry), undo()] {
        assert_eq!(refused(&mut peers, 2, intent).0, "role");
    }
    let many = Intent::EditMany {
        records: vec![inquiry, settings],
        fields: vec![Assignment::add("tag", "x")],
    };
    let owner = peers.members[0];
    let forbidden = [
        set(settings, "currency", "CHF"),
        many,
        note(settings, "x"),
        set(owner, "name", "Somebody else"),
    ];
    for intent in forbidden {
        let (code, way_out) = refused(&mut peers, 1, intent);
        assert_eq!(code, "role");
        assert!(way_out.is_some());
    }
    let own = peers.members[1];
    peers.act(1, set(own, "phone", "+49 1"));
    peers.act(0, set(settings, "currency", "CHF"));
    peers.heal();
}

#[test]
fn many_changes_of_one_record_are_compacted_and_stay_the_same() {
    let mut peers = Peers::new(91, 2);
    let inquiry = shared_inquiry(&mut peers);
    for round in 0..40 {
        peers.act(round % 2, set(inquiry, "company", &format!("Name {round}")));
        peers.sync();
    }
    peers.reopen(1);
    peers.act(1, set(inquiry, "website", "x.example"));
    peers.heal();
    peers.act(1, undo());
    peers.heal();
    peers.assert_nothing_merged();
}
