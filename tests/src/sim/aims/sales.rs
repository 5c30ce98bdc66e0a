//! Rows about phases, winning and offers.

use model::merged::Rule;
use model::{RecordId, Value};

use super::Cast;
use super::stage::*;
use crate::sim::acts::*;
use crate::sim::dice::Dice;

fn project(cast: &mut Cast<'_>, on: &[usize]) -> RecordId {
    let inquiry = cast.make(on[0], capture("Mueller"));
    cast.make(on[0], convert(inquiry))
}

/// Drafts and sends an offer; gives the draft and what was issued.
fn sent(cast: &mut Cast<'_>, on: &[usize], project: RecordId, minor: i64) -> (RecordId, RecordId) {
    let offer = cast.make(on[0], draft(project, &[item("Press", minor)]));
    (offer, cast.make(on[0], send(offer)))
}

/// All phases and ends, as one is shown before another.
const FURTHEST: [&str; 7] = [
    "won",
    "negotiation",
    "offer-sent",
    "needs-clarified",
    "qualified",
    "on-hold",
    "lost",
];

pub(super) fn status_moved(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let project = project(cast, on);
    let mut words = FURTHEST.to_vec();
    let mut moved: Vec<&'static str> = on
        .iter()
        .map(|_| words.remove(dice.below(words.len())))
        .collect();
    let sides = moved.iter().map(|word| side(phase(project, word)));
    let sides = sides.collect();
    moved.sort_by_key(|word| FURTHEST.iter().position(|one| one == word));
    Stage::new(sides, move |cast, played| {
        let contested = moved.contains(&"won") && moved.contains(&"lost");
        for at in cast.readers() {
            let view = cast.view(at, project);
            assert_eq!(view.status_word(), moved[0], "{moved:?}");
            assert_eq!(view.contested, contested, "{moved:?}");
        }
        let rule = if contested {
            Rule::Contested
        } else {
            Rule::Conflict
        };
        let entry = cast.entry(rule, project, Some("status"));
        let mut listed = texts(&entry);
        assert_eq!(listed[0], moved[0]);
        listed.sort_by_key(|word| FURTHEST.iter().position(|one| one == word));
        assert_eq!(listed, moved);
        assert_eq!(entry.choices.len(), played.devices.len());
    })
}

pub(super) fn won_and_lost(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let project = project(cast, on);
    let sides = vec![side(win(project, None)), side(phase(project, "lost"))];
    let (decided, shown) = [("won", "open"), ("lost", "on-hold")][dice.below(2)];
    Stage::new(sides, move |cast, played| {
        let order = RecordId::order_of(project);
        assert!(cast.view(0, project).contested);
        assert_eq!(cast.status(0, order), "on-hold");
        let entry = cast.entry(Rule::Contested, project, Some("status"));
        assert_eq!(texts(&entry), ["won", "lost"]);
        let mut choices = entry.choices.iter();
        let choice = choices
            .find(|one| matches!(&one.value, Some(Value::Status(one)) if one.word == decided));
        let value = choice.expect("it may be chosen").id;
        let entry = entry.id;
        let by = played.devices[1];
        cast.act(by, model::Intent::Choose { entry, value });
        cast.sync();
        assert!(!cast.view(0, project).contested);
        assert_eq!(cast.status(0, project), decided);
        assert_eq!(cast.status(0, order), shown);
    })
}

pub(super) fn won_differently(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let project = project(cast, on);
    let offers = [100, 200].map(|minor| sent(cast, on, project, minor).1);
    let sides = offers.map(|issued| side(win(project, Some(issued))));
    Stage::new(sides.into(), move |cast, played| {
        let order = RecordId::order_of(project);
        assert_eq!(played.made[0], played.made[1], "there is one order");
        assert!(cast.view(0, order).is_alive());
        assert!(cast.view(0, RecordId::project_of(project)).is_alive());
        assert_eq!(cast.status(0, project), "won");
        let entry = cast.entry(Rule::Conflict, order, Some("award"));
        let issued = |choice: &model::merged::Choice| match &choice.value {
            Some(Value::Award(award)) => award.issued,
            _ => None,
        };
        let awarded: Vec<_> = entry.choices.iter().filter_map(issued).collect();
        assert!(awarded.len() == 2 && offers.iter().all(|one| awarded.contains(one)));
        cast.entry(Rule::AcceptedTwice, project, None);
    })
}

pub(super) fn sent_by_two(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let project = project(cast, on);
    let offer = cast.make(on[0], draft(project, &[item("Press", 100)]));
    let edited = dice.below(2) == 0;
    let mut there = side(send(offer));
    if edited {
        there.insert(0, say(add(offer, "item", "Belt;1;piece;10")));
    }
    Stage::new(vec![side(send(offer)), there], move |cast, played| {
        let (first, second) = (played.made[0][0], played.made[1][usize::from(edited)]);
        assert_eq!(cast.view(0, first).items().len(), 1);
        let count = 1 + usize::from(edited);
        assert_eq!(cast.view(0, second).items().len(), count);
        let number = |id| cast.text(0, id, "number");
        assert_ne!(number(first), number(second));
        let entry = cast.entry(Rule::SentTwice, offer, None);
        assert!(entry.records.contains(&first) && entry.records.contains(&second));
        assert_eq!(cast.status(0, project), "offer-sent");
    })
}

pub(super) fn sent_and_edited(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let project = project(cast, on);
    let offer = cast.make(on[0], draft(project, &[item("Press", 100)]));
    let belt = add(offer, "item", "Belt;1;piece;10");
    Stage::new(vec![side(send(offer)), side(belt)], move |cast, played| {
        let issued = played.made[0][0];
        assert_eq!(cast.view(0, issued).items().len(), 1);
        assert_eq!(cast.view(0, offer).items().len(), 2);
        assert_nothing_listed(cast, offer);
        assert_nothing_listed(cast, issued);
    })
}

pub(super) fn accepted_and_rejected(cast: &mut Cast<'_>, on: &[usize], dice: &mut Dice) -> Stage {
    let project = project(cast, on);
    let (offer, issued) = sent(cast, on, project, 100);
    let superseded = dice.below(2) == 0;
    let there = if superseded {
        vec![say(add(offer, "item", "Belt;1;piece;10")), say(send(offer))]
    } else {
        side(reject(issued))
    };
    Stage::new(vec![side(accept(issued)), there], move |cast, _| {
        let key = format!("verdict/{issued}");
        let entry = cast.entry(Rule::Conflict, offer, Some(&key));
        let other = if superseded { "superseded" } else { "rejected" };
        assert_eq!(texts(&entry), ["accepted", other]);
        assert!(entry.choices[0].shown);
        assert_eq!(cast.status(0, issued), "accepted");
    })
}

pub(super) fn accepted_twice(cast: &mut Cast<'_>, on: &[usize], _: &mut Dice) -> Stage {
    let project = project(cast, on);
    let offers = [100, 200].map(|minor| sent(cast, on, project, minor).1);
    let sides = offers.map(|issued| side(accept(issued)));
    Stage::new(sides.into(), move |cast, _| {
        let entry = cast.entry(Rule::AcceptedTwice, project, None);
        for issued in offers {
            assert_eq!(cast.status(0, issued), "accepted");
            assert!(entry.records.contains(&issued));
        }
    })
}
