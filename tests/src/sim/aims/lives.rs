//! Rows about archiving, merging records and answering activities.

use jiff::civil::date;
use model::merged::Rule;
use model::record::Standing;
use model::{Intent, RecordId, Value, home};

use super::Cast;
use super::stage::*;
use crate::sim::acts::*;
use crate::sim::dice::Dice;

pub(super) fn archived_and_edited(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let record = match dice.below(2) {
        0 => cast.make(on[0], capture("Mueller")),
        _ => cast.make(on[0], customer("Mueller")),
    };
    let what = dice.below(3);
    let edit = match what {
        0 => set(record, "website", "x.example"),
        1 => add(record, "tag", "hot"),
        _ => note(record, "Likes tea."),
    };
    Stage::new(vec![side(archive(record)), side(edit)], move |cast, _| {
        let view = cast.view(0, record);
        assert!(view.is_alive(), "{:?}", view.standing);
        assert!(match what {
            0 => view.text("website") == "x.example",
            1 => view
                .list("tag")
                .any(|(_, tag)| *tag == Value::Text("hot".to_owned())),
            _ => view.note.contains("Likes tea."),
        });
        cast.entry(Rule::ArchivedAndEdited, record, Some("life"));
    })
}

fn customers<const N: usize>(cast: &mut Cast<'_>, on: &[usize]) -> [RecordId; N] {
    std::array::from_fn(|at| cast.make(on[0], customer(["One", "Two", "Three"][at])))
}

pub(super) fn loser_edited(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let [mut one, mut two] = customers(cast, on);
    if dice.below(2) == 0 {
        std::mem::swap(&mut one, &mut two);
    }
    let name = cast.text(on[0], two, "name");
    let here = vec![
        say(merge(two, one)),
        say(set(one, "website", "one.example")),
    ];
    let there = vec![
        say(set(two, "website", "two.example")),
        say(set(two, "vat_id", "DE2")),
        say(add(two, "tag", "hot")),
        say(note(two, "Likes tea.")),
        say(contact(two, "Person")),
    ];
    Stage::new(vec![here, there], move |cast, played| {
        let view = cast.view(0, one);
        assert_eq!(cast.view(0, two).standing, Standing::Merged(one));
        assert_eq!(view.text("vat_id"), "DE2");
        assert_eq!(view.list("tag").count(), 1);
        assert!(view.note.contains("Likes tea."));
        let person = played.made[1][4];
        assert_eq!(cast.view(0, person).reference("customer"), Some(one));
        let aside = cast.entry(Rule::Aside, one, Some("name"));
        assert!(texts(&aside).contains(&name));
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let wanted = [
            (text("one.example"), played.author(0)),
            (text("two.example"), played.author(1)),
        ];
        assert_chosen_by_one_press(cast, (one, "website"), played.devices[1], &wanted);
    })
}

pub(super) fn merged_apart(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let [one, two, three] = customers(cast, on);
    let loser = [one, two, three][dice.below(3)];
    let into: Vec<RecordId> = [one, two, three]
        .into_iter()
        .filter(|id| *id != loser)
        .collect();
    let sides = into.iter().map(|into| side(merge(loser, *into))).collect();
    Stage::new(sides, move |cast, _| {
        let smallest = into[0].min(into[1]);
        let standing = cast.view(0, loser).standing;
        assert_eq!(standing, Standing::Merged(smallest));
        let entry = cast.entry(Rule::MergedApart, loser, Some("merged_into"));
        assert!(into.iter().all(|id| entry.records.contains(id)));
    })
}

pub(super) fn merged_in_a_circle(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let all: [RecordId; 3] = customers(cast, on);
    let ring = all[..on.len().min(3)].to_vec();
    let next = |at: usize| ring[(at + 1) % ring.len()];
    let sides = (0..ring.len()).map(|at| side(merge(ring[at], next(at))));
    let sides = sides.collect();
    Stage::new(sides, move |cast, _| {
        let smallest = *ring.iter().min().expect("a ring has records");
        for id in &ring {
            let standing = if *id == smallest {
                Standing::Alive
            } else {
                Standing::Merged(smallest)
            };
            assert_eq!(cast.view(0, *id).standing, standing);
        }
    })
}

pub(super) fn merged_and_converted(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let one = cast.make(on[0], capture("Mueller"));
    let two = cast.make(on[0], capture("Mueller GmbH"));
    let there = vec![say(convert(one)), say(convert(two))];
    Stage::new(vec![side(merge(two, one)), there], move |cast, _| {
        assert_eq!(cast.status(0, one), "converted");
        let list = listed(cast, one);
        let proposed: Vec<_> = list
            .iter()
            .filter(|entry| entry.rule == Rule::DerivedApart)
            .filter_map(|entry| entry.merge)
            .collect();
        for role in [
            RecordId::customer_of,
            RecordId::contact_of,
            RecordId::sales_project_of,
        ] {
            let pair = (role(two), role(one));
            assert!(proposed.contains(&pair), "{pair:?} in {proposed:?}");
        }
        assert_eq!(proposed.len(), 3);
    })
}

/// A follow-up that the host made for the member of the second side.
fn shared_follow_up(cast: &mut Cast<'_>, on: &[usize]) -> RecordId {
    let record = cast.make(on[0], customer("Mueller"));
    let member = cast.members[on[1]];
    cast.make(on[0], follow_up(record, member))
}

fn complete(activity: RecordId, all: bool) -> Intent {
    Intent::Complete { activity, all }
}

fn postpone(activity: RecordId) -> Intent {
    let until = on(date(2026, 12, 1));
    Intent::Postpone { activity, until }
}

fn done_for(cast: &Cast<'_>, activity: RecordId, device: usize) -> bool {
    home::is_done(&cast.view(0, activity), cast.members[device])
}

pub(super) fn done_per_person(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(cast, on);
    let sides = vec![side(complete(activity, false)), side(postpone(activity))];
    Stage::new(sides, move |cast, played| {
        assert!(done_for(cast, activity, played.devices[0]));
        assert!(!done_for(cast, activity, played.devices[1]));
        let view = cast.view(0, activity);
        let due = |side: usize| home::due(&view, cast.members[played.devices[side]]);
        assert_eq!(due(1), Some(&on_first_of_december()));
        assert_ne!(due(0), Some(&on_first_of_december()));
        assert_nothing_listed(cast, activity);
    })
}

fn on_first_of_december() -> model::value::Planned {
    on(date(2026, 12, 1))
}

pub(super) fn done_for_all_and_postponed(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(cast, on);
    let sides = vec![side(complete(activity, true)), side(postpone(activity))];
    Stage::new(sides, move |cast, _| {
        for device in cast.readers() {
            assert!(done_for(cast, activity, device));
        }
        assert_nothing_listed(cast, activity);
    })
}

pub(super) fn reopened_and_done(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(cast, on);
    cast.act(on[0], complete(activity, true));
    let here = vec![say(Intent::Reopen { activity })];
    let there = vec![say(complete(activity, true))];
    Stage::new(vec![here, there], move |cast, _| {
        for device in cast.readers() {
            assert!(!done_for(cast, activity, device));
        }
        assert_nothing_listed(cast, activity);
    })
}

pub(super) fn done_and_postponed_again(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(cast, on);
    cast.act(on[0], complete(activity, true));
    let sides = vec![
        side(note(activity, "Waits for May.")),
        side(postpone(activity)),
    ];
    Stage::new(sides, move |cast, played| {
        assert!(!done_for(cast, activity, played.devices[1]));
        let view = cast.view(0, activity);
        let member = cast.members[played.devices[1]];
        assert_eq!(home::due(&view, member), Some(&on_first_of_december()));
        assert_nothing_listed(cast, activity);
    })
}
