//! Converting, disqualifying, undoing a conversion.

use model::merged::Rule;
use model::record::Standing;
use model::{Kind, RecordId, Value};

use crate::acts::*;
use crate::peers::Peers;

fn assert_one_of_each(peers: &Peers) {
    for kind in [Kind::Customer, Kind::ContactPerson, Kind::SalesProject] {
        assert_eq!(peers.of_kind(0, kind).len(), 1, "{kind}");
    }
}

#[test]
fn two_devices_convert_the_same_inquiry() {
    let mut peers = Peers::new(30, 2);
    let inquiry = shared_inquiry(&mut peers);
    let task = peers.make(0, task(inquiry));
    peers.act(0, convert(inquiry));
    peers.act(1, convert(inquiry));
    peers.heal();
    assert_one_of_each(&peers);
    peers.assert_nothing_merged();
    let project = RecordId::sales_project_of(inquiry);
    let (customer, contact) = (
        RecordId::customer_of(inquiry),
        RecordId::contact_of(inquiry),
    );
    assert_eq!(peers.view(1, project).reference("customer"), Some(customer));
    assert_eq!(peers.view(1, project).reference("contact"), Some(contact));
    assert_eq!(peers.view(1, customer).labelled("phone").len(), 1);
    assert_eq!(peers.view(1, contact).labelled("email").len(), 1);
    assert_eq!(peers.status(1, inquiry), "converted");
    // Long texts stay on the inquiry; copied twice they would double.
    assert_eq!(peers.view(1, inquiry).note, "Met at the stand.");
    assert_eq!(peers.view(1, customer).note, "");
    assert_eq!(peers.view(1, project).note, "");
    // The task is seen from the sales project without being copied.
    assert_eq!(peers.of_kind(1, Kind::Activity), [task]);
    let view = peers.view(1, project);
    let step = peers.see(1, |world| model::home::next_step(world, &view));
    assert_eq!(step.map(|step| step.id), Some(task));
}

#[test]
fn two_devices_convert_an_inquiry_that_one_had_edited() {
    let mut peers = Peers::new(31, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, set(inquiry, "company", "Mueller AG"));
    peers.act(0, convert(inquiry));
    peers.act(1, convert(inquiry));
    peers.heal();
    assert_one_of_each(&peers);
    let customer = RecordId::customer_of(inquiry);
    let entry = peers.entry(Rule::Conflict, customer, Some("name"));
    peers.choose(1, &entry, |value| {
        *value == Some(Value::Text("Mueller AG".into()))
    });
    assert_eq!(peers.text(0, customer, "name"), "Mueller AG");
}

#[test]
fn converted_here_disqualified_there() {
    let mut peers = Peers::new(32, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, disqualify(inquiry));
    peers.act(1, convert(inquiry));
    peers.heal();
    assert_eq!(peers.status(0, inquiry), "converted");
    assert_one_of_each(&peers);
    let entry = peers.only_entry(Rule::Conflict);
    assert_eq!(texts(&entry), ["converted", "disqualified"]);
    peers.acknowledge(0, &entry);
    peers.assert_nothing_merged();
}

#[test]
fn into_a_new_customer_here_an_existing_one_there() {
    let mut peers = Peers::new(33, 2);
    let inquiry = shared_inquiry(&mut peers);
    let existing = peers.make(1, customer("Mueller, known"));
    peers.sync();
    let name = peers.text(0, existing, "name");
    peers.act(0, convert(inquiry));
    peers.act(1, convert_into(inquiry, existing));
    peers.heal();
    let (project, contact) = (
        RecordId::sales_project_of(inquiry),
        RecordId::contact_of(inquiry),
    );
    assert_eq!(peers.of_kind(0, Kind::SalesProject), [project]);
    assert_eq!(peers.of_kind(0, Kind::ContactPerson), [contact]);
    assert_eq!(peers.view(0, project).reference("customer"), Some(existing));
    assert_eq!(peers.view(0, contact).reference("customer"), Some(existing));
    let shown = peers
        .view(0, inquiry)
        .conversion()
        .cloned()
        .expect("it is converted");
    assert_eq!((shown.customer, shown.contact), (existing, contact));
    let entry = peers.entry(Rule::ConvertedApart, inquiry, Some("conversion"));
    assert_eq!(
        entry.merge,
        Some((RecordId::customer_of(inquiry), existing))
    );
    // Filled fields of the existing customer are as they were.
    assert_eq!(peers.text(0, existing, "name"), name);
    // Following the proposal settles all of it.
    peers.act(0, merge(RecordId::customer_of(inquiry), existing));
    peers.heal();
    assert!(
        peers
            .merged()
            .iter()
            .all(|one| one.rule != Rule::ConvertedApart)
    );
    assert_eq!(peers.of_kind(1, Kind::Customer), [existing]);
}

#[test]
fn into_two_existing_customers() {
    for seed in 34..36 {
        let mut peers = Peers::new(seed, 2);
        let inquiry = shared_inquiry(&mut peers);
        let (one, two) = (
            peers.make(0, customer("One")),
            peers.make(1, customer("Two")),
        );
        peers.sync();
        // The smaller customer has the larger contact person: neither may be paired with the other's.
        let of_one = peers.make(1, contact(one, "A"));
        let of_two = peers.make(0, contact(two, "B"));
        assert_eq!(one < two, of_one > of_two);
        peers.sync();
        peers.act(0, convert_to(inquiry, one, of_one));
        peers.act(1, convert_to(inquiry, two, of_two));
        peers.heal();
        let project = RecordId::sales_project_of(inquiry);
        let (customer, contact) = if one < two {
            (one, of_one)
        } else {
            (two, of_two)
        };
        let view = peers.view(1, project);
        assert_eq!(peers.of_kind(0, Kind::SalesProject), [project]);
        assert_eq!(view.reference("customer"), Some(customer));
        assert_eq!(view.reference("contact"), Some(contact));
        let shown = peers
            .view(1, inquiry)
            .conversion()
            .cloned()
            .expect("it is converted");
        assert_eq!((shown.customer, shown.contact), (customer, contact));
        let entry = peers.entry(Rule::ConvertedApart, inquiry, Some("conversion"));
        let other = if customer == one { two } else { one };
        assert_eq!(entry.merge, Some((other, customer)));
        peers.choose(
            0,
            &entry,
            |value| matches!(value, Some(Value::Conversion(one)) if one.customer == other),
        );
        let view = peers.view(1, project);
        assert_eq!(view.reference("customer"), Some(other));
        peers.assert_nothing_merged();
    }
}

#[test]
fn partner_here_sales_project_there() {
    let mut peers = Peers::new(41, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, partner(inquiry));
    peers.act(1, convert(inquiry));
    peers.heal();
    assert_one_of_each(&peers);
    let customer = RecordId::customer_of(inquiry);
    assert_eq!(peers.text(0, customer, "category"), "customer");
    let project = RecordId::sales_project_of(inquiry);
    assert!(peers.view(0, project).is_alive());
    let shown = peers
        .view(0, inquiry)
        .conversion()
        .cloned()
        .expect("it is converted");
    assert_eq!(shown.sales_project, Some(project));
    let entry = peers.entry(Rule::ConvertedApart, inquiry, Some("conversion"));
    peers.acknowledge(0, &entry);
    let entry = peers.entry(Rule::Conflict, customer, Some("category"));
    assert_eq!(texts(&entry), ["customer", "partner"]);
    peers.acknowledge(0, &entry);
    peers.assert_nothing_merged();
}

fn assert_whole(peers: &Peers, inquiry: RecordId) {
    assert_one_of_each(peers);
    assert_eq!(peers.status(0, inquiry), "converted");
    let shown = peers
        .view(0, inquiry)
        .conversion()
        .cloned()
        .expect("it stands");
    assert_eq!(
        shown.sales_project,
        Some(RecordId::sales_project_of(inquiry))
    );
    peers.entry(Rule::UndoneButStands, inquiry, None);
}

/// Makes what somebody does under what an inquiry was converted into.
type Work = fn(RecordId) -> model::Intent;

#[test]
fn conversion_undone_here_work_under_it_there() {
    let work: [(&str, Work); 7] = [
        ("edit of the customer", |inquiry| {
            set(RecordId::customer_of(inquiry), "website", "x.example")
        }),
        ("note at the contact person", |inquiry| {
            note(RecordId::contact_of(inquiry), "Likes tea.")
        }),
        ("task for the sales project", |inquiry| {
            task(RecordId::sales_project_of(inquiry))
        }),
        ("task for the customer", |inquiry| {
            task(RecordId::customer_of(inquiry))
        }),
        ("draft offer", |inquiry| {
            draft(RecordId::sales_project_of(inquiry), &[item("Press", 100)])
        }),
        ("phase", |inquiry| {
            phase(RecordId::sales_project_of(inquiry), "negotiation")
        }),
        ("another contact person", |inquiry| {
            contact(RecordId::customer_of(inquiry), "Other")
        }),
    ];
    for (at, (what, work)) in work.into_iter().enumerate() {
        let mut peers = Peers::new(42, 2);
        let (inquiry, _) = shared_project(&mut peers);
        peers.act(0, undo());
        assert_eq!(peers.status(0, inquiry), "new");
        assert!(peers.of_kind(0, Kind::SalesProject).is_empty());
        peers.act(1, work(inquiry));
        peers.heal();
        println!("{what}");
        for kind in [Kind::Customer, Kind::SalesProject] {
            assert_eq!(peers.of_kind(0, kind).len(), 1, "{kind} with {what}");
        }
        assert_eq!(
            peers.of_kind(0, Kind::ContactPerson).len(),
            1 + usize::from(at == 6),
            "{what}"
        );
        assert_eq!(peers.status(0, inquiry), "converted", "{what}");
        let entry = peers.entry(Rule::UndoneButStands, inquiry, None);
        peers.acknowledge(1, &entry);
        // Work goes on, and does not take the list's other lines away unseen.
        let before = peers.merged();
        peers.act(1, set(RecordId::customer_of(inquiry), "vat_id", "DE1"));
        peers.act(
            1,
            set(RecordId::sales_project_of(inquiry), "revenue", "100"),
        );
        peers.heal();
        assert!(peers.merged().len() >= before.len(), "{what}");
        assert_eq!(peers.status(0, inquiry), "converted", "{what}");
    }
}

#[test]
fn conversion_undone_here_offer_sent_there() {
    let mut peers = Peers::new(43, 2);
    let (inquiry, project) = shared_project(&mut peers);
    let offer = peers.make(1, draft(project, &[item("Press", 100)]));
    peers.act(1, send(offer));
    peers.act(0, undo());
    peers.heal();
    assert_whole(&peers, inquiry);
    assert_eq!(peers.status(0, project), "offer-sent");
    // And it cannot be undone any more.
    let refusal = peers
        .try_act(0, undo_of(peers.all[0].outbox[4].intent))
        .unwrap_err();
    assert_eq!(refusal.code(), "pinned");
}

#[test]
fn conversion_undone_here_converted_there_too() {
    let mut peers = Peers::new(44, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, convert(inquiry));
    peers.act(0, undo());
    peers.act(1, convert(inquiry));
    peers.heal();
    assert_whole(&peers, inquiry);
}

#[test]
fn conversion_undone_and_nobody_worked_is_undone_everywhere() {
    let mut peers = Peers::new(45, 2);
    let (inquiry, project) = shared_project(&mut peers);
    peers.act(0, undo());
    peers.heal();
    assert_eq!(peers.status(1, inquiry), "new");
    assert_eq!(peers.view(1, project).standing, Standing::Undone);
    assert!(peers.of_kind(1, Kind::Customer).is_empty());
    peers.assert_nothing_merged();
    // Converting it again is the same as the first time, and lists nothing.
    peers.act(1, convert(inquiry));
    peers.heal();
    assert_one_of_each(&peers);
    peers.assert_nothing_merged();
    peers.act(1, undo());
    peers.heal();
    assert!(peers.of_kind(0, Kind::Customer).is_empty());
    assert_eq!(peers.status(0, inquiry), "new");
    peers.assert_nothing_merged();
}

#[test]
fn capture_undone_here_edited_there() {
    let mut peers = Peers::new(46, 2);
    let inquiry = shared_inquiry(&mut peers);
    peers.act(0, undo());
    peers.act(1, set(inquiry, "website", "x.example"));
    peers.heal();
    assert!(peers.view(0, inquiry).is_alive());
    let entry = peers.entry(Rule::UndoneButStands, inquiry, None);
    peers.acknowledge(0, &entry);
    peers.assert_nothing_merged();
}

#[test]
fn win_undone_here_order_confirmed_there() {
    let mut peers = Peers::new(47, 2);
    let (_, project) = shared_project(&mut peers);
    let order = peers.make(0, win(project, None));
    peers.sync();
    peers.act(0, undo());
    peers.act(
        1,
        model::Intent::ConfirmOrder {
            order,
            reference: None,
        },
    );
    peers.heal();
    assert_eq!(peers.status(0, project), "won");
    assert!(peers.view(0, order).is_alive());
    assert!(peers.view(0, RecordId::project_of(project)).is_alive());
    assert_eq!(peers.status(0, order), "confirmed");
    peers.entry(Rule::UndoneButStands, project, None);
}

#[test]
fn win_undone_here_work_at_the_delivery_there() {
    let mut peers = Peers::new(48, 2);
    let (_, project) = shared_project(&mut peers);
    let order = peers.make(0, win(project, None));
    peers.sync();
    peers.act(0, undo());
    assert_eq!(peers.status(0, project), "qualified");
    peers.act(1, task(RecordId::project_of(project)));
    peers.heal();
    assert_eq!(peers.status(0, project), "won");
    assert!(peers.view(0, order).is_alive());
    assert!(peers.view(0, RecordId::project_of(project)).is_alive());
    peers.entry(Rule::UndoneButStands, project, None);
}
