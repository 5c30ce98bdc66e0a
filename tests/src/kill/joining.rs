//! Founding and joining while processes are killed.

use serde_json::Value;

use super::{Counts, World, moment};
use crate::harness::{Dice, LIMIT, Output, Person};

/// The longest life of a process that is killed while it founds, invites or joins.
const LIFE_MS: usize = 400;

/// How often somebody tries to get in before he stops being killed.
const TRIES: usize = 6;

/// Makes the workspace; the process dies a few times on the way, and another one goes on in the same home.
pub(super) fn found(founder: &Person, url: &str, dice: &mut Dice, counts: &mut Counts) {
    let init = [
        "init",
        "--workspace",
        "Mueller Praezision GmbH",
        "--user",
        founder.name(),
        "--relay",
        url,
    ];
    for tried in 0.. {
        let life = if tried < TRIES {
            moment(dice, LIFE_MS)
        } else {
            LIMIT
        };
        let output = founder.run_or_kill(&init, life);
        let has_it = output.stderr.contains("belongs to workspace");
        match output.code {
            Some(0) => break,
            Some(1) if has_it => {
                // It died after it had made the workspace; the address may be missing.
                founder.ok(&["relay", url]);
                break;
            }
            None => counts.add("killed init"),
            _ => panic!("init is refused: {output:?}"),
        }
    }
    counts.add("acknowledged init");
}

/// Gets a link, as often as it takes; none when the time is over.
pub(super) fn link(
    world: &World<'_>,
    name: &str,
    dice: &mut Dice,
    counts: &mut Counts,
) -> Option<String> {
    while !world.is_over() {
        let link = invite(&world.founder, name, dice, counts);
        if link.is_some() {
            return link;
        }
    }
    None
}

/// Invites once, and gives the link if that was acknowledged.
pub(super) fn invite(
    who: &Person,
    name: &str,
    dice: &mut Dice,
    counts: &mut Counts,
) -> Option<String> {
    let life = if dice.below(2) == 0 {
        moment(dice, LIFE_MS)
    } else {
        LIMIT
    };
    let output = who.run_or_kill(
        &["invite", "--user", name, "--role", "member", "--json"],
        life,
    );
    match output.code {
        Some(0) => {
            counts.add("acknowledged invite");
            let invited: Value = serde_json::from_str(&output.stdout).expect("invite prints JSON");
            return invited["link"].as_str().map(str::to_owned);
        }
        Some(1) => counts.add(format!("refused invite: {}", code(&output))),
        None => counts.add("killed invite"),
        Some(_) => panic!("invite is used as it should be: {output:?}"),
    }
    None
}

/// Joins, as often as it takes; says whether it has before the time was over.
pub(super) fn join(
    world: &World<'_>,
    who: &Person,
    link: &str,
    dice: &mut Dice,
    counts: &mut Counts,
) -> bool {
    while !world.is_over() {
        let life = if dice.below(3) > 0 {
            moment(dice, LIFE_MS)
        } else {
            LIMIT
        };
        let output = who.run_or_kill(&["join", link, "--json"], life);
        match output.code {
            Some(0) => {
                counts.add("acknowledged join");
                return true;
            }
            // It had joined when it was killed.
            Some(1) if code(&output) == "has-workspace" => return true,
            Some(1) => counts.add(format!("refused join: {}", code(&output))),
            None => counts.add("killed join"),
            Some(_) => panic!("join is used as it should be: {output:?}"),
        }
    }
    false
}

/// Gives the code of an error that stands as JSON on stderr, and checks that it says what to do.
pub(super) fn code(output: &Output) -> String {
    let last = output.stderr.trim_end().lines().last().unwrap_or_default();
    let error: Value =
        serde_json::from_str(last).unwrap_or_else(|_| panic!("an error is JSON: {output:?}"));
    let error = &error["error"];
    let way_out = error["way_out"].as_str().unwrap_or_default();
    assert!(!way_out.is_empty(), "an error says what to do: {error}");
    error["code"]
        .as_str()
        .expect("an error has a code")
        .to_owned()
}
