//! Rows about converting, and about undoing a conversion or a win.

use model::merged::Rule;
use model::{Intent, RecordId, Value};

use super::Cast;
use super::stage::*;
use crate::sim::acts::*;
use crate::sim::dice::Dice;

/// What converting an inquiry derives: customer, contact person, sales project.
fn derived(inquiry: RecordId) -> [RecordId; 3] {
    [
        RecordId::customer_of(inquiry),
        RecordId::contact_of(inquiry),
        RecordId::sales_project_of(inquiry),
    ]
}

/// Checks that an inquiry is converted, and that what it became is there, with one number for all of it.
fn assert_converted(cast: &Cast<'_>, inquiry: RecordId) {
    assert_eq!(cast.status(0, inquiry), "converted");
    let conversion = cast.view(0, inquiry).conversion().cloned();
    assert!(conversion.is_some(), "{inquiry} became nothing");
    let number = cast.text(0, inquiry, "number");
    let (_, tail) = number.split_once('-').expect("a number");
    for id in derived(inquiry) {
        let view = cast.view(0, id);
        assert!(view.is_alive(), "{} {id} is {:?}", view.kind, view.standing);
        // A contact person has none.
        let own = view.text("number");
        assert!(own.is_empty() || own.ends_with(tail), "{own} of {number}");
        let copied = view.note.contains("Met at the stand.");
        assert!(!copied, "long texts stay on the inquiry");
    }
}

pub(super) fn converted_twice(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let sides = on.iter().map(|_| side(convert(inquiry)));
    Stage::new(sides.collect(), move |cast, _| {
        assert_converted(cast, inquiry);
        let [customer, contact, project] = derived(inquiry);
        let view = cast.view(0, project);
        assert_eq!(view.reference("customer"), Some(customer));
        assert_eq!(view.reference("contact"), Some(contact));
        assert_eq!(cast.view(0, customer).labelled("phone").len(), 1);
        for id in derived(inquiry).into_iter().chain([inquiry]) {
            assert_nothing_listed(cast, id);
        }
    })
}

pub(super) fn disqualified(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let mut there = vec![
        say(disqualify(inquiry)),
        say(add(inquiry, "phone", "+49 30 9")),
        say(note(inquiry, "No budget this year.")),
    ];
    let first = dice.below(3);
    there.swap(0, first);
    let sides = vec![side(convert(inquiry)), there];
    Stage::new(sides, move |cast, _| {
        assert_converted(cast, inquiry);
        let entry = cast.entry(Rule::Conflict, inquiry, Some("status"));
        assert_eq!(texts(&entry), ["converted", "disqualified"]);
        let view = cast.view(0, inquiry);
        assert_eq!(view.labelled("phone").len(), 2);
        assert!(view.note.contains("No budget this year."));
    })
}

/// Checks what conversions into several customers come to: this pair, and the other customer to merge into it.
fn assert_apart(
    cast: &Cast<'_>,
    inquiry: RecordId,
    (customer, contact): (RecordId, RecordId),
    other: RecordId,
) {
    assert_eq!(cast.status(0, inquiry), "converted");
    let project = RecordId::sales_project_of(inquiry);
    for id in [project, contact] {
        assert_eq!(cast.view(0, id).reference("customer"), Some(customer));
    }
    assert_eq!(cast.view(0, project).reference("contact"), Some(contact));
    let shown = cast.view(0, inquiry).conversion().cloned();
    let shown = shown.expect("it is converted");
    assert_eq!((shown.customer, shown.contact), (customer, contact));
    let entry = cast.entry(Rule::ConvertedApart, inquiry, Some("conversion"));
    assert_eq!(entry.merge, Some((other, customer)));
}

pub(super) fn new_and_existing(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let existing = cast.make(on[0], customer("Mueller, known"));
    let sides = vec![
        side(convert(inquiry)),
        side(convert_into(inquiry, existing)),
    ];
    Stage::new(sides, move |cast, _| {
        let [new, contact, _] = derived(inquiry);
        assert_apart(cast, inquiry, (existing, contact), new);
        assert_eq!(cast.text(0, existing, "name"), "Mueller, known");
    })
}

pub(super) fn two_existing(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let one = cast.make(on[0], customer("One"));
    let two = cast.make(on[0], customer("Two"));
    let mut pairs = [one, two].map(|id| (id, cast.make(on[0], contact(id, "Person"))));
    let smaller = if one < two { pairs[0] } else { pairs[1] };
    let other = one.max(two);
    let named = dice.below(2) == 0;
    if dice.below(2) == 0 {
        pairs.reverse();
    }
    let sides = pairs.map(|(customer, contact)| {
        side(if named {
            convert_to(inquiry, customer, contact)
        } else {
            convert_into(inquiry, customer)
        })
    });
    Stage::new(sides.into(), move |cast, _| {
        let derived = RecordId::contact_of(inquiry);
        let contact = if named { smaller.1 } else { derived };
        assert_apart(cast, inquiry, (smaller.0, contact), other);
    })
}

pub(super) fn partner_and_project(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let sides = vec![side(partner(inquiry)), side(convert(inquiry))];
    Stage::new(sides, move |cast, _| {
        assert_converted(cast, inquiry);
        let [customer, _, project] = derived(inquiry);
        assert_eq!(cast.text(0, customer, "category"), "customer");
        let shown = cast.view(0, inquiry).conversion().cloned();
        assert_eq!(shown.and_then(|one| one.sales_project), Some(project));
        cast.entry(Rule::ConvertedApart, inquiry, Some("conversion"));
        let entry = cast.entry(Rule::Conflict, customer, Some("category"));
        assert_eq!(texts(&entry), ["customer", "partner"]);
    })
}

fn work_under(inquiry: RecordId, dice: &mut Dice) -> Intent {
    let [customer, person, project] = derived(inquiry);
    match dice.below(8) {
        0 => set(customer, "website", "x.example"),
        1 => note(person, "Likes tea."),
        2 => task(project),
        3 => task(customer),
        4 => draft(project, &[item("Press", 100)]),
        5 => phase(project, "negotiation"),
        6 => contact(customer, "Other"),
        _ => win(project, None),
    }
}

pub(super) fn conversion_undone(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    cast.act(on[0], convert(inquiry));
    let undo = undo_of(cast.last_of(on[0]));
    let sides = vec![side(undo), side(work_under(inquiry, dice))];
    Stage::new(sides, move |cast, _| {
        assert_converted(cast, inquiry);
        cast.entry(Rule::UndoneButStands, inquiry, None);
    })
}

pub(super) fn win_undone(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let project = cast.make(on[0], convert(inquiry));
    let order = cast.make(on[0], win(project, None));
    let undo = undo_of(cast.last_of(on[0]));
    let delivery = RecordId::project_of(project);
    let work = match dice.below(3) {
        0 => task(delivery),
        1 => set(order, "reference", "4711"),
        _ => note(delivery, "Deliver in May."),
    };
    let sides = vec![side(undo), side(work)];
    Stage::new(sides, move |cast, _| {
        assert_eq!(cast.status(0, project), "won");
        for id in [order, delivery] {
            assert!(cast.view(0, id).is_alive());
        }
        cast.entry(Rule::UndoneButStands, project, None);
    })
}

pub(super) fn pinned(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let project = cast.make(on[0], convert(inquiry));
    let conversion = cast.last_of(on[0]);
    let is_won = dice.below(2) == 0;
    let mut made = conversion;
    let there = if is_won {
        let order = cast.make(on[0], win(project, None));
        made = cast.last_of(on[0]);
        let reference = None;
        side(Intent::ConfirmOrder { order, reference })
    } else {
        vec![
            say(draft(project, &[item("Press", 100)])),
            Box::new(|made: &[RecordId]| send(made[0])) as Press,
        ]
    };
    let host = on[0];
    Stage::new(vec![side(undo_of(made)), there], move |cast, _| {
        assert_converted(cast, inquiry);
        let (at, status) = match is_won {
            true => (project, "won"),
            false => (inquiry, "converted"),
        };
        assert_eq!(cast.status(0, at), status);
        cast.entry(Rule::UndoneButStands, at, None);
        // What was sent or confirmed holds all that it rests on.
        for operation in [made, conversion] {
            // Somebody else may not undo it anyway.
            let Some(Err(refusal)) = cast.try_act_as(host, undo_of(operation)) else {
                continue;
            };
            let code = refusal.code.as_str();
            let is_held = ["pinned", "undone-already", "others-worked", "work-under"];
            assert!(is_held.contains(&code), "{code}: {refusal}");
        }
        let view = cast.view(0, project);
        assert!(
            view.list("pinned")
                .any(|(_, one)| *one != Value::Flag(false))
        );
    })
}
