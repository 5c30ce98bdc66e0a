//! Plays short histories that are aimed at rows of the merge table, several at once and amid random work on other
//! records.

use std::cell::RefCell;
use std::collections::BTreeMap;

use model::RecordId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::SCENES;
use super::stage::{Played, Stage};
use crate::acts;
use crate::judge;
use crate::peers::{Dice, Peers};
use crate::wishes::{Aims, wish};

/// How often each row must have been met in a run of all parts.
pub(super) const LEAST_HITS: u32 = 20;

/// How many scenes are played in one history: a workspace is founded once for all of them, and each is random other
/// work to the others.
const AT_ONCE: usize = 11;

/// Every how many histories all devices are also opened again, rebuilt from nothing and compared change by change.
///
/// Rebuilding costs as much as the rest of a history, and the long histories of `random` do it each time.
const DEEP: u64 = 10;

/// How many tests share the histories, so that they are played side by side.
const PARTS: u32 = 2;

/// The seed unless `HANDSCHLAG_SEED` names another.
const SEED: u64 = 20_261_123;

/// Who does some random other work, and the number from which all that is random in it follows.
type Work = (u8, u32);

/// A scene by its place in [`SCENES`], and the number from which all that is random in it follows.
type Aimed = (usize, u32);

#[derive(Debug, Clone)]
struct History {
    seed: u64,
    scenes: Vec<Aimed>,
    work: Vec<Work>,
}

enum Event {
    Press {
        scene: usize,
        side: usize,
        at: usize,
    },
    Work(Work),
}

/// Puts the devices into an order of its own.
fn shuffled(count: usize, dice: &mut Dice) -> Vec<usize> {
    let mut left: Vec<usize> = (0..count).collect();
    (0..count)
        .map(|_| left.remove(dice.below(left.len())))
        .collect()
}

/// Orders what the sides do: each side by itself in its order, all of them mixed.
fn mixed(stages: &[(Stage, Played)], scenes: &[Aimed], work: &[Work]) -> Vec<Event> {
    let mut events: Vec<(u64, Event)> = Vec::new();
    for (scene, ((stage, _), (_, number))) in stages.iter().zip(scenes).enumerate() {
        // The moment of a press depends on its own scene alone, so that leaving out another does not move it.
        let mut dice = Dice::new(!u64::from(*number));
        for (side, presses) in stage.sides.iter().enumerate() {
            let mut moments: Vec<u64> = presses.iter().map(|_| dice.next()).collect();
            moments.sort_unstable();
            let press = |at| Event::Press { scene, side, at };
            events.extend(moments.into_iter().zip((0..).map(press)));
        }
    }
    for one in work {
        events.push((Dice::new(!u64::from(one.1)).next(), Event::Work(*one)));
    }
    events.sort_by_key(|(moment, _)| *moment);
    events.into_iter().map(|(_, event)| event).collect()
}

/// Does something random that keeps away from the records of the scenes.
fn work_elsewhere(peers: &mut Peers, aims: &mut Aims, (who, number): Work) {
    let mut dice = Dice::new(u64::from(number));
    let who = usize::from(who) % peers.all.len();
    if dice.below(12) == 0 {
        return peers.reopen(who);
    }
    let theme = dice.next();
    let Some(intent) = wish(peers, who, theme, Some(aims), &mut dice) else {
        return;
    };
    if let Some(answer) = judge::carry(peers, who, intent) {
        aims.add(&answer.records, peers.last_of(who));
    }
}

fn press(peers: &mut Peers, (stage, played): &mut (Stage, Played), side: usize, at: usize) {
    let intent = stage.sides[side][at](&played.made[side]);
    let who = played.devices[side];
    let answer = peers.act(who, intent.clone());
    if peers.is_told {
        println!("{who}: {intent:?}");
    }
    // What answers with no record made none.
    let made = answer.records.first().copied();
    played.made[side].push(made.unwrap_or(RecordId::from_bytes([0; 16])));
}

/// Sets all scenes on devices that know the same, and plays them on devices that do not hear of each other.
fn play(history: &History, is_told: bool) -> (Peers, Vec<(Stage, Played)>) {
    let mut dice = Dice::new(history.seed);
    let count = if dice.below(3) == 0 { 3 } else { 2 };
    let mut peers = Peers::new(history.seed, count);
    let mut aims = Aims::default();
    for intent in [acts::capture("Elsewhere"), acts::customer("Elsewhere too")] {
        let made = peers.make(0, intent);
        aims.add(&[made], peers.last_of(0));
    }
    let (before, rest) = history.work.split_at(history.work.len() / 4);
    for work in before {
        work_elsewhere(&mut peers, &mut aims, *work);
        peers.sync();
    }
    let mut stages: Vec<(Stage, Played)> = Vec::new();
    for (scene, number) in &history.scenes {
        let mut dice = Dice::new(u64::from(*number));
        let devices = shuffled(count, &mut dice);
        let stage = (SCENES[*scene].set)(&mut peers, &devices, &mut dice);
        let made = vec![Vec::new(); stage.sides.len()];
        stages.push((stage, Played { devices, made }));
    }
    peers.sync();
    peers.is_told = is_told;
    let (amid, after) = rest.split_at(rest.len() / 2);
    for event in mixed(&stages, &history.scenes, amid) {
        match event {
            Event::Press { scene, side, at } => press(&mut peers, &mut stages[scene], side, at),
            Event::Work(work) => work_elsewhere(&mut peers, &mut aims, work),
        }
    }
    // Now they hear of each other bit by bit, and work on.
    for work in after {
        let (from, to) = (dice.below(count), dice.below(count));
        if from != to {
            peers.deliver(from, to, 1 + dice.below(8));
        }
        work_elsewhere(&mut peers, &mut aims, *work);
    }
    peers.sync_all(history.seed);
    (peers, stages)
}

fn judge_history(history: &History, is_told: bool, hits: &mut BTreeMap<&'static str, u32>) {
    let (mut peers, stages) = play(history, is_told);
    let is_deep = is_told || history.seed.is_multiple_of(DEEP);
    if is_deep {
        peers.assert_equal();
        judge::transactions_are_whole(&peers);
    } else {
        peers.assert_alike();
    }
    judge::no_write_is_lost(&peers);
    judge::conversions_are_whole(&peers);
    judge::no_number_is_issued_twice(&peers);
    judge::count_rows(&peers, hits);
    for ((stage, played), (scene, _)) in stages.iter().zip(&history.scenes) {
        let row = SCENES[*scene].row;
        if is_told {
            println!("judging '{row}'");
        }
        let judged = std::panic::AssertUnwindSafe(|| (stage.judge)(&mut peers, played));
        if let Err(panic) = std::panic::catch_unwind(judged) {
            println!("the row '{row}' does not hold");
            std::panic::resume_unwind(panic);
        }
        *hits.entry(row).or_default() += 1;
    }
    peers.assert_alike();
    if is_deep {
        peers.acknowledge_all(1);
    }
}

/// Plays one history that failed, as the failure names it, and tells what happens in it.
#[test]
fn an_aimed_history_is_told() {
    let Ok(text) = std::env::var("HANDSCHLAG_AIMED") else {
        return;
    };
    let mut words = text.split_whitespace();
    let seed = words.next().and_then(|word| word.parse().ok());
    let mut history = History {
        seed: seed.expect("a seed"),
        scenes: Vec::new(),
        work: Vec::new(),
    };
    for word in words {
        if let Some((scene, number)) = word.split_once(':') {
            let scene = scene.parse().expect("scene:number");
            history
                .scenes
                .push((scene, number.parse().expect("scene:number")));
        } else {
            let (who, number) = word.split_once(',').expect("who,number");
            let who = who.parse().expect("who,number");
            history
                .work
                .push((who, number.parse().expect("who,number")));
        }
    }
    judge_history(&history, true, &mut BTreeMap::new());
}

fn line(history: &History) -> String {
    let scenes = history.scenes.iter();
    let scenes = scenes.map(|(scene, number)| format!(" {scene}:{number}"));
    let work = history.work.iter();
    let work = work.map(|(who, number)| format!(" {who},{number}"));
    format!("{}{}", history.seed, scenes.chain(work).collect::<String>())
}

/// Names the scenes of a history so that each comes equally often, in ever other company.
fn scenes_of(history: usize) -> Vec<usize> {
    let strides = [1, 2, 4, 5, 7, 8, 10, 13, 14, 16];
    let places = history * AT_ONCE..(history + 1) * AT_ONCE;
    places
        .map(|place| {
            let round = place / SCENES.len();
            (place * strides[round % strides.len()] + round) % SCENES.len()
        })
        .collect()
}

fn histories(scenes: Vec<usize>) -> impl Strategy<Value = History> {
    // Shrinking leaves scenes and work out; numbers stay what they are.
    let scene = |scene| {
        let number = any::<u32>().no_shrink();
        (Just(scene), number, proptest::bool::weighted(1.0))
    };
    let scenes: Vec<_> = scenes.into_iter().map(scene).collect();
    let work = vec((0_u8..3, any::<u32>().no_shrink()), 0..10);
    (any::<u64>().no_shrink(), scenes, work).prop_map(|(seed, scenes, work)| {
        let kept = scenes.into_iter().filter(|(_, _, is_played)| *is_played);
        let scenes = kept.map(|(scene, number, _)| (scene, number)).collect();
        History { seed, scenes, work }
    })
}

#[test]
fn every_row_of_the_merge_table_holds_in_random_histories() {
    play_part(0);
}

#[test]
fn every_row_of_the_merge_table_holds_in_more_random_histories() {
    play_part(1);
}

fn play_part(part: u32) {
    let seed = std::env::var("HANDSCHLAG_SEED").ok();
    let seed: u64 = seed.and_then(|text| text.parse().ok()).unwrap_or(SEED);
    println!("seed {seed}: HANDSCHLAG_SEED={seed} plays it again");
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 60,
        ..Config::default()
    };
    let hits = RefCell::new(BTreeMap::new());
    let least = LEAST_HITS.div_ceil(PARTS);
    let count = (SCENES.len() * least as usize).div_ceil(AT_ONCE);
    let first = part as usize * count;
    for number in first..first + count {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&u64::to_be_bytes(seed));
        bytes[8..16].copy_from_slice(&u64::to_be_bytes(number as u64));
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        let result = runner.run(&histories(scenes_of(number)), |history| {
            judge_history(&history, false, &mut hits.borrow_mut());
            Ok(())
        });
        match result {
            Ok(()) => {}
            Err(TestError::Fail(reason, history)) => {
                let rows = history.scenes.iter().map(|(scene, _)| SCENES[*scene].row);
                let rows: Vec<&str> = rows.collect();
                let line = line(&history);
                panic!("{reason}\nin {rows:?}\nHANDSCHLAG_AIMED='{line}' tells it");
            }
            Err(error) => panic!("{error}"),
        }
    }
    let hits = hits.into_inner();
    println!("rows met: {hits:#?}");
    for row in SCENES.iter().map(|scene| scene.row).chain(judge::ROWS) {
        let count = hits.get(row).copied().unwrap_or(0);
        assert!(
            count >= least,
            "'{row}' was met {count} times only: {hits:#?}"
        );
    }
}
