//! Hostile and broken peers at real processes: nobody else notices, and no memory is filled.

mod attacks;
mod writings;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use handschlag_tests::harness::{Admission, RelayProcess, scratch};
use handschlag_tests::hostile::keys::{Company, who, write};
use handschlag_tests::hostile::wire::Wire;
use protocol::Frame;

use attacks::ATTACKS;

/// How much the relay may grow while it is attacked, in MiB: what bounded queues and buffers of some dozens of
/// connections may hold, and far less than what the attackers send.
const MAX_GROWTH_MIB: u64 = 256;

/// How long an honest push may take while the relay is attacked, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many envelopes the honest device can write.
const ENVELOPES: u64 = 400;

/// Gives the memory that a process holds, in MiB.
#[cfg(target_os = "linux")]
fn resident_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("is a number")
        / 1024
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn resident_mib(_: u32) -> u64 {
    0
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long others wait is what is measured"
)]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn hostile_peers_neither_stop_the_relay_nor_hold_up_others_nor_fill_its_memory() {
    let folder = scratch();
    let mut relay = RelayProcess::start(folder.path(), Admission::Open);
    let url = relay.url();
    let address = url.strip_prefix("http://").expect("is an origin");
    let company = Company::get();
    let owner = &company.hands[who::OWNER];
    let feed = write(&company.roster, owner, ENVELOPES);
    let (mut honest, _) = Wire::enter(address, owner, &company.roster);
    let mut pushed = 0;
    let mut push = |honest: &mut Wire| {
        let one = &feed[pushed];
        pushed += 1;
        let begun = now();
        honest.push(std::slice::from_ref(&one.bytes));
        let is_it =
            |frame: &Frame| matches!(frame, Frame::Stored(stored) if stored.cut.hash == one.hash);
        honest.hear_where(is_it);
        begun.elapsed()
    };
    push(&mut honest);
    let before = resident_mib(relay.id());
    let mut most = before;
    let mut slowest = Duration::ZERO;
    for (name, attack) in ATTACKS {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let attacking = scope.spawn(|| {
                attack(address);
                is_over.store(true, Ordering::Relaxed);
            });
            let mut pushes = 0;
            while pushes < 3 || (!is_over.load(Ordering::Relaxed) && pushes < 25) {
                let took = push(&mut honest);
                assert!(took < PATIENCE, "{name}: an honest push took {took:?}");
                slowest = slowest.max(took);
                pushes += 1;
            }
            if let Err(panic) = attacking.join() {
                eprintln!("the attack was {name}");
                std::panic::resume_unwind(panic);
            }
        });
        let now = resident_mib(relay.id());
        most = most.max(now);
        assert!(
            now.saturating_sub(before) < MAX_GROWTH_MIB,
            "{name}: the relay grew from {before} to {now} MiB"
        );
    }
    println!(
        "the relay held {before} MiB before, {most} at most; the slowest honest push took {slowest:?}"
    );
    // Everybody finds all of it afterwards, and the relay ends as it should.
    let (_, welcome) = Wire::enter(address, &company.hands[who::ADMIN], &company.roster);
    assert!(welcome.sequence >= pushed as u64);
    relay.stop();
}
