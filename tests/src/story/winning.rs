//! Both win: B on the network, A while away.

use serde_json::Value;

use super::agreement::all_agree;
use super::cast::World;
use super::offline::{Work, only_row};
use super::outcome;
use super::told::Stage;
use crate::harness::Dice;

pub(super) fn play(stage: &mut Stage<'_>, world: &mut World<'_>, work: &Work, dice: &mut Dice) {
    stage.chapter("B wins, A wins too while away");
    let number = &work.sales_project.number;
    stage.does(&world.b, &["win", number]);
    stage.does(&world.b, &["sync"]);
    world.relay.stop();
    stage.does(&world.a, &["win", number]);
    world.relay.restart();
    world.meet_in_any_order(stage, dice);
    let seen = all_agree(&world.people());
    stage.holds("lists, records, histories, Merged list and Home are equal on all three");

    let order = only_row(&seen["list order"]);
    let project = only_row(&seen["list project"]);
    let series = work.inquiry.number.trim_start_matches("AF");
    assert_eq!(order["number"], format!("AU{series}"), "{order}");
    assert_eq!(project["number"], format!("PR{series}"), "{project}");
    for row in [order, project] {
        assert_eq!(
            (&row["standing"], &row["in_conflict"]),
            (&"alive".into(), &false.into()),
            "{row}"
        );
    }
    let sales_project = only_row(&seen["list sales-project"]);
    let status = &sales_project["fields"]["status"];
    assert!(
        status.as_str().is_some_and(|status| status.contains("won")),
        "{status}"
    );
    award_is_the_offer(world, work, &order["id"]);
    for who in world.people() {
        outcome::offer_is_as_sent(who, work);
    }
    stage.holds("order and project exist once, the order is about the offer that A sent");
    look(stage, world, work);
}

fn award_is_the_offer(world: &World<'_>, work: &Work, order: &Value) {
    let order = order.as_str().expect("a row has an id");
    for who in world.people() {
        let shown = who.json(&["show", order]);
        let fields = shown["fields"].as_array().expect("a record has fields");
        let award = fields
            .iter()
            .find(|field| field["name"] == "award")
            .unwrap_or_else(|| panic!("an order has an award: {shown:#}"));
        let text = award["value"].to_string();
        assert!(text.contains(&work.issued), "{award:#}");
    }
}

/// Shows what merged, as people look at it.
fn look(stage: &mut Stage<'_>, world: &World<'_>, work: &Work) {
    stage.chapter("What merged");
    stage.sees(&world.a, &["merged"]);
    stage.sees(&world.b, &["show", &work.sales_project.number]);
    stage.sees(&world.b, &["history", &work.sales_project.number]);
    stage.sees(&world.c, &["history", &work.inquiry.number]);
    for who in world.people() {
        stage.sees(who, &["home"]);
    }
}
