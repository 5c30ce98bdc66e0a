//! Rows about archiving, merging records and answering activities.

use jiff::civil::date;
use model::merged::Rule;
use model::record::Standing;
use model::{Intent, RecordId, Value, home};

use super::stage::*;
use crate::acts::*;
use crate::peers::{Dice, Peers};

pub(crate) fn archived_and_edited(peers: &mut Peers, on: &[usize], dice: &mut Dice) -> Stage {
    let record = match dice.below(2) {
        0 => peers.make(on[0], capture("Mueller")),
        _ => peers.make(on[0], customer("Mueller")),
    };
    let what = dice.below(3);
    let edit = match what {
        0 => set(record, "website", "x.example"),
        1 => add(record, "tag", "hot"),
        _ => note(record, "Likes tea."),
    };
    Stage::new(vec![side(archive(record)), side(edit)], move |peers, _| {
        let view = peers.view(0, record);
        assert!(view.is_alive(), "{:?}", view.standing);
        assert!(match what {
            0 => view.text("website") == "x.example",
            1 => view
                .list("tag")
                .any(|(_, tag)| *tag == Value::Text("hot".to_owned())),
            _ => view.note.contains("Likes tea."),
        });
        peers.entry(Rule::ArchivedAndEdited, record, Some("life"));
    })
}

fn customers<const N: usize>(peers: &mut Peers, on: &[usize]) -> [RecordId; N] {
    std::array::from_fn(|at| peers.make(on[0], customer(["One", "Two", "Three"][at])))
}

pub(crate) fn loser_edited(peers: &mut Peers, on: &[usize], dice: &mut Dice) -> Stage {
    let [mut one, mut two] = customers(peers, on);
    if dice.below(2) == 0 {
        std::mem::swap(&mut one, &mut two);
    }
    let name = peers.text(on[0], two, "name");
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
    Stage::new(vec![here, there], move |peers, played| {
        let view = peers.view(0, one);
        assert_eq!(peers.view(0, two).standing, Standing::Merged(one));
        assert_eq!(view.text("vat_id"), "DE2");
        assert_eq!(view.list("tag").count(), 1);
        assert!(view.note.contains("Likes tea."));
        let person = played.made[1][4];
        assert_eq!(peers.view(0, person).reference("customer"), Some(one));
        let aside = peers.entry(Rule::Aside, one, Some("name"));
        assert!(texts(&aside).contains(&name));
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let wanted = [
            (text("one.example"), played.author(0)),
            (text("two.example"), played.author(1)),
        ];
        assert_chosen_by_one_press(peers, (one, "website"), played.devices[1], &wanted);
    })
}

pub(crate) fn merged_apart(peers: &mut Peers, on: &[usize], dice: &mut Dice) -> Stage {
    let [one, two, three] = customers(peers, on);
    let loser = [one, two, three][dice.below(3)];
    let into: Vec<RecordId> = [one, two, three]
        .into_iter()
        .filter(|id| *id != loser)
        .collect();
    let sides = into.iter().map(|into| side(merge(loser, *into))).collect();
    Stage::new(sides, move |peers, _| {
        let smallest = into[0].min(into[1]);
        let standing = peers.view(0, loser).standing;
        assert_eq!(standing, Standing::Merged(smallest));
        let entry = peers.entry(Rule::MergedApart, loser, Some("merged_into"));
        assert!(into.iter().all(|id| entry.records.contains(id)));
    })
}

pub(crate) fn merged_in_a_circle(peers: &mut Peers, on: &[usize], _: &mut Dice) -> Stage {
    let all: [RecordId; 3] = customers(peers, on);
    let ring = all[..on.len().min(3)].to_vec();
    let next = |at: usize| ring[(at + 1) % ring.len()];
    let sides = (0..ring.len()).map(|at| side(merge(ring[at], next(at))));
    let sides = sides.collect();
    Stage::new(sides, move |peers, _| {
        let smallest = *ring.iter().min().expect("a ring has records");
        for id in &ring {
            let standing = if *id == smallest {
                Standing::Alive
            } else {
                Standing::Merged(smallest)
            };
            assert_eq!(peers.view(0, *id).standing, standing);
        }
    })
}

pub(crate) fn merged_and_converted(peers: &mut Peers, on: &[usize], _: &mut Dice) -> Stage {
    let one = peers.make(on[0], capture("Mueller"));
    let two = peers.make(on[0], capture("Mueller GmbH"));
    let there = vec![say(convert(one)), say(convert(two))];
    Stage::new(vec![side(merge(two, one)), there], move |peers, _| {
        assert_eq!(peers.status(0, one), "converted");
        let list = listed(peers, one);
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
fn shared_follow_up(peers: &mut Peers, on: &[usize]) -> RecordId {
    let record = peers.make(on[0], customer("Mueller"));
    let member = peers.members[on[1]];
    peers.make(on[0], follow_up(record, member))
}

fn complete(activity: RecordId, all: bool) -> Intent {
    Intent::Complete { activity, all }
}

fn postpone(activity: RecordId) -> Intent {
    let until = on(date(2026, 12, 1));
    Intent::Postpone { activity, until }
}

fn done_for(peers: &Peers, activity: RecordId, device: usize) -> bool {
    home::is_done(&peers.view(0, activity), peers.members[device])
}

pub(crate) fn done_per_person(peers: &mut Peers, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(peers, on);
    let sides = vec![side(complete(activity, false)), side(postpone(activity))];
    Stage::new(sides, move |peers, played| {
        assert!(done_for(peers, activity, played.devices[0]));
        assert!(!done_for(peers, activity, played.devices[1]));
        let view = peers.view(0, activity);
        let due = |side: usize| home::due(&view, peers.members[played.devices[side]]);
        assert_eq!(due(1), Some(&on_first_of_december()));
        assert_ne!(due(0), Some(&on_first_of_december()));
        assert_nothing_listed(peers, activity);
    })
}

fn on_first_of_december() -> model::value::Planned {
    on(date(2026, 12, 1))
}

pub(crate) fn done_for_all_and_postponed(peers: &mut Peers, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(peers, on);
    let sides = vec![side(complete(activity, true)), side(postpone(activity))];
    Stage::new(sides, move |peers, _| {
        for device in 0..peers.all.len() {
            assert!(done_for(peers, activity, device));
        }
        assert_nothing_listed(peers, activity);
    })
}

pub(crate) fn reopened_and_done(peers: &mut Peers, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(peers, on);
    peers.act(on[0], complete(activity, true));
    let here = vec![say(Intent::Reopen { activity })];
    let there = vec![say(complete(activity, true))];
    Stage::new(vec![here, there], move |peers, _| {
        for device in 0..peers.all.len() {
            assert!(!done_for(peers, activity, device));
        }
        assert_nothing_listed(peers, activity);
    })
}

pub(crate) fn done_and_postponed_again(peers: &mut Peers, on: &[usize], _: &mut Dice) -> Stage {
    let activity = shared_follow_up(peers, on);
    peers.act(on[0], complete(activity, true));
    let sides = vec![
        side(note(activity, "Waits for May.")),
        side(postpone(activity)),
    ];
    Stage::new(sides, move |peers, played| {
        assert!(!done_for(peers, activity, played.devices[1]));
        let view = peers.view(0, activity);
        let member = peers.members[played.devices[1]];
        assert_eq!(home::due(&view, member), Some(&on_first_of_december()));
        assert_nothing_listed(peers, activity);
    })
}
