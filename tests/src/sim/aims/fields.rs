//! Rows about the fields of one record.

use model::intent::Assignment;
use model::merged::Rule;
use model::{Intent, RecordId, Value};

use super::Cast;
use super::stage::*;
use crate::sim::acts::*;
use crate::sim::dice::Dice;

fn text(value: &str) -> Option<Value> {
    Some(Value::Text(value.to_owned()))
}

fn known(cast: &mut Cast<'_>, on: &[usize]) -> RecordId {
    cast.make(on[0], customer("Mueller Praezision GmbH"))
}

pub(super) fn different_fields(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let record = known(cast, on);
    let edits = [("website", "a.example"), ("vat_id", "DE1")];
    let sides = edits.map(|(field, value)| side(set(record, field, value)));
    Stage::new(sides.into(), move |cast, _| {
        for (field, value) in edits {
            assert_eq!(cast.text(0, record, field), value);
        }
        assert_nothing_listed(cast, record);
    })
}

pub(super) fn same_field(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let record = known(cast, on);
    let field = ["website", "name", "vat_id"][dice.below(3)];
    let words = ["One", "Two", "Three"];
    let sides = (0..on.len()).map(|at| side(set(record, field, words[at])));
    let by = dice.below(on.len());
    Stage::new(sides.collect(), move |cast, played| {
        let sides = 0..played.devices.len();
        let wanted: Vec<_> = sides
            .map(|at| (text(words[at]), played.author(at)))
            .collect();
        assert_chosen_by_one_press(cast, (record, field), by, &wanted);
    })
}

pub(super) fn same_value(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let record = known(cast, on);
    let sides = on.iter().map(|_| side(set(record, "website", "a.example")));
    Stage::new(sides.collect(), move |cast, _| {
        assert_eq!(cast.text(0, record, "website"), "a.example");
        assert_nothing_listed(cast, record);
    })
}

pub(super) fn notes(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let record = known(cast, on);
    cast.act(on[0], set(record, "note", "Met at the stand."));
    let first = match dice.below(2) {
        0 => note(record, "Bought a press."),
        // What is written anew is compared with what stood there: only what differs is written.
        _ => set(record, "note", "Bought a press. Met at the stand."),
    };
    let sides = vec![side(first), side(note(record, "Likes tea."))];
    Stage::new(sides, move |cast, _| {
        let note = cast.view(0, record).note;
        for line in ["Met at the stand.", "Bought a press.", "Likes tea."] {
            assert_eq!(note.matches(line).count(), 1, "{line} in {note}");
        }
        assert_nothing_listed(cast, record);
    })
}

pub(super) fn lists(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let record = known(cast, on);
    let other = cast.make(on[0], customer("Another"));
    let link = other.to_string();
    let edits = |number: &str, tag: &str, mail: &str| {
        vec![
            say(add(record, "phone", "+49 30 1")),
            say(add(record, "phone", number)),
            say(add(record, "email", mail)),
            say(add(record, "tag", tag)),
            say(add(record, "link", &link)),
        ]
    };
    let mut sides = vec![
        edits("+49 30 2", "hot", "a@example.com"),
        edits("+49 30 3", "press", "b@example.com"),
    ];
    // Whoever gave less came first or last.
    let shorter = dice.below(2);
    let _ = sides[shorter].remove(0);
    Stage::new(sides, move |cast, _| {
        let view = cast.view(0, record);
        assert_eq!(view.labelled("phone").len(), 3, "{:?}", view.fields);
        assert_eq!(view.labelled("email").len(), 2);
        assert_eq!(view.list("tag").count(), 2);
        assert_eq!(view.references("link"), [other]);
        assert_nothing_listed(cast, record);
    })
}

pub(super) fn line_items(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let inquiry = cast.make(on[0], capture("Mueller"));
    let project = cast.make(on[0], convert(inquiry));
    let offer = cast.make(on[0], draft(project, &[item("Press", 10_000)]));
    let items = ["Belt;1;piece;10", "Oil;2;litre;5", "Cloth;3;piece;1"];
    let sides = (0..on.len()).map(|at| side(add(offer, "item", items[at])));
    let count = on.len();
    Stage::new(sides.collect(), move |cast, _| {
        assert_eq!(cast.view(0, offer).items().len(), 1 + count);
        assert_nothing_listed(cast, offer);
    })
}

pub(super) fn cleared(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let record = known(cast, on);
    if dice.below(2) == 0 {
        cast.act(on[0], set(record, "website", "old.example"));
        let sides = vec![
            side(set(record, "website", "")),
            side(set(record, "website", "new.example")),
        ];
        return Stage::new(sides, move |cast, played| {
            assert_eq!(cast.text(0, record, "website"), "new.example");
            let entry = cast.entry(Rule::Conflict, record, Some("website"));
            let wanted = [
                (text("new.example"), played.author(1)),
                (None, played.author(0)),
            ];
            assert_offers(&entry, &wanted);
        });
    }
    cast.act(on[0], add(record, "phone", "+49 30 1"));
    let view = cast.view(on[0], record);
    let key = view.list("phone").next().expect("a phone").0.to_owned();
    let gone = Assignment::remove("phone", "+49 30 1");
    let sides = vec![
        side(edit(record, gone)),
        side(set(record, &key, "+49 30 2")),
    ];
    Stage::new(sides, move |cast, _| {
        let view = cast.view(0, record);
        let numbers: Vec<&str> = view
            .labelled("phone")
            .iter()
            .map(|(_, one)| one.value.as_str())
            .collect();
        assert_eq!(numbers, ["+49 30 2"]);
        let entry = cast.entry(Rule::Conflict, record, Some(&key));
        assert!(entry.choices[0].shown && entry.choices[1].value.is_none());
    })
}

/// Somebody writes what he had before him, over what reached his device in the background.
pub(super) fn unseen(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let record = known(cast, on);
    cast.act(on[0], set(record, "website", "first.example"));
    let view = cast.view(on[0], record);
    let seen: Vec<_> = view.fields["website"]
        .held
        .iter()
        .map(|one| one.id())
        .collect();
    cast.sync();
    cast.act(on[0], set(record, "website", "unseen.example"));
    let both = dice.below(2) == 0;
    if both {
        cast.act(on[1], set(record, "website", "other.example"));
    }
    cast.sync();
    let mine = set_having_seen(record, "website", "mine.example", seen);
    let sides = vec![side(set(record, "vat_id", "DE1")), side(mine)];
    Stage::new(sides, move |cast, played| {
        assert_eq!(cast.text(0, record, "website"), "mine.example");
        let mut wanted = vec![("unseen.example", 0)];
        if both {
            wanted.push(("other.example", 1));
        }
        for (value, side) in wanted {
            let entry = cast.entry_with(Rule::Aside, record, value);
            let mut choices = entry.choices.iter();
            let found = choices.find(|one| one.value == text(value));
            assert_eq!(
                found.map(|one| one.author),
                Some(played.author_before(side))
            );
        }
        // What was set aside may still be chosen.
        let entry = cast.entry_with(Rule::Aside, record, "unseen.example");
        let aside = entry.choices.iter().find(|one| !one.shown);
        let value = aside.expect("it is not shown").id;
        let entry = entry.id;
        cast.act(played.devices[0], Intent::Choose { entry, value });
        cast.sync();
        assert_eq!(cast.text(0, record, "website"), "unseen.example");
    })
}

pub(super) fn undone_and_changed(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let record = known(cast, on);
    let both = Intent::Edit {
        record,
        fields: vec![
            Assignment::set("website", "a.example"),
            Assignment::set("vat_id", "DE1"),
        ],
    };
    cast.act(on[0], both);
    let undo = undo_of(cast.last_of(on[0]));
    let sides = vec![side(undo), side(set(record, "website", "b.example"))];
    Stage::new(sides, move |cast, played| {
        assert_eq!(cast.text(0, record, "website"), "b.example");
        assert_eq!(cast.text(0, record, "vat_id"), "");
        let entry = cast.entry(Rule::Conflict, record, Some("website"));
        let wanted = [
            (text("b.example"), played.author(1)),
            (None, played.author(0)),
        ];
        assert_offers(&entry, &wanted);
    })
}
