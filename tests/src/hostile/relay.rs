//! A hostile member, guest, stranger or revoked device at a relay, beside an honest device.
//!
//! He says what he likes in any order, signed with real keys. The relay never panics, keeps its bounds, stores only what
//! is true, and goes on serving the honest device as if he were not there.

mod shell;

use protocol::{
    Blob, Bye, Carry, Cursor, Cut, EnvelopeHash, Frame, Heads, HeadsPurpose, Hello, LogPlace,
    Nonce, Prove, Push, RosterAppend, RosterHash, RosterMore, SignerKey, Want, domain,
};
use sync::relay::{Input, MAX_PENDING, MAX_WANTS};
use vault::{SessionTerms, SigningIdentity};

use self::shell::{Relay, Shell};
use super::{
    Target, frames,
    keys::{Company, NOW_MS, who, write},
    rosters,
    script::Script,
};

pub(super) const TARGET: Target = Target {
    name: "relay",
    about: "sequences of frames from a hostile member at the relay, beside an honest device",
    run,
    seeds,
    rounds: 400,
};

/// The most things that a script does.
const MAX_STEPS: usize = 60;

fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut relay = Relay::new();
    let mut honest = Honest::enter(&mut relay);
    let mut hostile = Hostile::new(&mut script, &relay);
    let mut steps = 0;
    while !script.is_over() && steps < MAX_STEPS {
        steps += 1;
        hostile.step(&mut script, &mut relay);
        relay.spread(&mut [&mut hostile.shell, &mut honest.shell]);
        assert!(hostile.shell.requests() <= 2 * (MAX_PENDING + MAX_WANTS));
    }
    relay.settle(&mut [&mut hostile.shell, &mut honest.shell]);
    honest.works_on(&mut relay, &mut hostile.shell);
    relay.check();
}

/// Proves to be somebody.
fn proof(challenge: &protocol::Challenge, nonce: Nonce, identity: &SigningIdentity) -> Prove {
    let terms = SessionTerms {
        relay: challenge.relay,
        workspace: Company::get().roster.workspace(),
        client_nonce: nonce,
        relay_nonce: challenge.nonce,
    };
    Prove {
        signature: terms.sign_proof(identity),
        roster_head: Company::get().roster.head(),
        cursor: None,
        entries: None,
        more: false,
    }
}

fn hello(key: SignerKey, nonce: Nonce) -> Hello {
    Hello {
        versions: vec![1],
        workspace: Company::get().roster.workspace(),
        key,
        nonce,
    }
}

/// The owner's device, which does what everybody does.
struct Honest {
    shell: Shell,
    feed: Vec<vault::SealedEnvelope>,
}

impl Honest {
    fn enter(relay: &mut Relay) -> Self {
        let company = Company::get();
        let owner = &company.hands[who::OWNER];
        let mut shell = relay.connect();
        let nonce = Nonce::from_bytes([1; 32]);
        let said = hello(owner.keys.signing.key(), nonce);
        shell.frame(NOW_MS, said.into());
        relay.settle(&mut [&mut shell]);
        let Some(Frame::Challenge(challenge)) = shell.heard.pop() else {
            panic!("the owner is challenged");
        };
        let prove = proof(&challenge, nonce, &owner.keys.signing);
        shell.frame(NOW_MS, prove.into());
        relay.settle(&mut [&mut shell]);
        let is_in = shell
            .heard
            .iter()
            .any(|frame| matches!(frame, Frame::Welcome(_)));
        assert!(is_in, "the owner is let in");
        let feed = write(&company.roster, owner, 4);
        let mut honest = Self { shell, feed };
        honest.push(relay, 0, 2);
        honest
    }

    fn push(&mut self, relay: &mut Relay, from: usize, to: usize) {
        let envelopes = self.feed[from..to]
            .iter()
            .map(|one| one.bytes.clone().into());
        let envelopes = envelopes.collect();
        self.shell.frame(NOW_MS, Push { envelopes }.into());
        relay.settle(&mut [&mut self.shell]);
        let last = &self.feed[to - 1];
        let is_stored = |frame: &Frame| matches!(frame, Frame::Stored(stored) if stored.cut.hash == last.hash && !stored.held);
        assert!(
            self.shell.heard.iter().any(is_stored),
            "what the owner pushes is stored: {:?}",
            self.shell.heard
        );
    }

    /// Pushes and reads as before, whatever the other one did.
    fn works_on(&mut self, relay: &mut Relay, other: &mut Shell) {
        self.push(relay, 2, 4);
        relay.spread(&mut [other, &mut self.shell]);
        relay.settle(&mut [other, &mut self.shell]);
        let items = |frame: &Frame| match frame {
            Frame::Log(log) => log.items.len(),
            _ => 0,
        };
        let read: usize = self.shell.heard.iter().map(items).sum();
        assert_eq!(read, relay.log_length(), "the owner reads all of the log");
        let refused = |frame: &&Frame| matches!(frame, Frame::Refused(_) | Frame::Bye(_));
        assert_eq!(self.shell.heard.iter().find(refused), None);
    }
}

/// One who may do no harm.
struct Hostile {
    shell: Shell,
    hand: usize,
    nonce: Nonce,
    feed: Vec<vault::SealedEnvelope>,
    golden: Vec<Vec<u8>>,
    proofs: Vec<Prove>,
}

impl Hostile {
    fn new(script: &mut Script<'_>, relay: &Relay) -> Self {
        let company = Company::get();
        let hand = 1 + script.below(who::COUNT - 1);
        let feed = match hand {
            who::REVOKED => company.written.clone(),
            who::ADMIN | who::MEMBER => write(&company.roster, &company.hands[hand], 3),
            _ => Vec::new(),
        };
        let mut hostile = Self {
            shell: relay.connect(),
            hand,
            nonce: Nonce::from_bytes([2; 32]),
            feed,
            golden: frames::golden(include_str!("../../../protocol/tests/golden/frames.txt")),
            proofs: Vec::new(),
        };
        // Mostly he gets in first.
        if !script.seldom() {
            let said = hello(hostile.key(script), hostile.nonce);
            hostile.shell.frame(NOW_MS, said.into());
        }
        hostile
    }

    /// The key that he claims to have: his own, or seldom the open invite's.
    fn key(&self, script: &mut Script<'_>) -> SignerKey {
        let company = Company::get();
        match script.below(16) {
            14 => company.hands[script.below(who::COUNT)].keys.signing.key(),
            15 => company.invite.signing().key(),
            _ => company.hands[self.hand].keys.signing.key(),
        }
    }

    fn step(&mut self, script: &mut Script<'_>, relay: &mut Relay) {
        let now_ms = relay.now_ms;
        match script.below(20) {
            0..=2 => relay.answer(&mut self.shell),
            3 => self.shell.written(now_ms),
            4 => relay.now_ms += script.number() % 20_000,
            5 => self.shell.handle(now_ms, Input::Tick),
            6 if script.seldom() => self.shell.handle(now_ms, Input::NotBinary),
            7 => {
                self.shell = relay.connect();
                let said = hello(self.key(script), self.nonce);
                self.shell.frame(now_ms, said.into());
            }
            8 => self.shell.bytes(now_ms, script.some().to_vec()),
            9 => {
                let mut bytes = script.pick::<Vec<u8>>(&self.golden).clone();
                let at = usize::from(script.byte()) % bytes.len();
                bytes[at] = script.byte();
                self.shell.bytes(now_ms, bytes);
            }
            10 | 11 => self.prove(script, relay),
            _ => {
                let frame = self.say(script, relay);
                self.shell.frame(now_ms, frame);
            }
        }
    }

    /// Proves himself, or repeats an old proof, or proves to be another.
    fn prove(&mut self, script: &mut Script<'_>, relay: &mut Relay) {
        relay.settle(&mut [&mut self.shell]);
        let challenge = self.shell.heard.iter().rev().find_map(|frame| match frame {
            Frame::Challenge(challenge) => Some(challenge.clone()),
            _ => None,
        });
        let Some(challenge) = challenge else { return };
        let company = Company::get();
        let mut prove = match script.below(12) {
            0 => proof(
                &challenge,
                self.nonce,
                &company.hands[script.below(who::COUNT)].keys.signing,
            ),
            1 => proof(&challenge, self.nonce, &company.invite.signing()),
            2 if !self.proofs.is_empty() => script.pick::<Prove>(&self.proofs).clone(),
            _ => proof(
                &challenge,
                self.nonce,
                &company.hands[self.hand].keys.signing,
            ),
        };
        match script.below(12) {
            0 => prove.roster_head = RosterHash::from_bytes([script.byte(); 32]),
            1 => prove.roster_head = RosterHash::ZERO,
            2 => {
                prove.cursor = Some(Cursor {
                    relay: challenge.relay,
                    epoch: relay.epoch(),
                    sequence: script.number(),
                    running: relay.running(script.byte()),
                });
            }
            3 => {
                prove.entries = Some(company.roster.entries()[..script.below(3)].to_vec());
                prove.more = script.seldom();
            }
            _ => {}
        }
        self.proofs.push(prove.clone());
        self.shell.frame(relay.now_ms, prove.into());
        if script.below(4) != 0 {
            relay.settle(&mut [&mut self.shell]);
        }
    }

    /// Says something of what the protocol knows.
    fn say(&mut self, script: &mut Script<'_>, relay: &Relay) -> Frame {
        let roster = relay.roster();
        match script.below(12) {
            0..=2 => {
                let envelopes = self.envelopes(script);
                Push { envelopes }.into()
            }
            3 | 4 => {
                let envelopes = self.envelopes(script);
                Carry { envelopes }.into()
            }
            5 | 6 => {
                let heads = (0..script.below(6)).map(|_| self.cut(script)).collect();
                let purpose = script
                    .seldom()
                    .then(|| HeadsPurpose::from_code(script.below(6) as u32));
                let position = script.seldom().then(|| LogPlace {
                    sequence: script.number(),
                    running: relay.running(script.byte()),
                });
                let more = script.seldom();
                Heads {
                    heads,
                    purpose,
                    position,
                    more,
                }
                .into()
            }
            7 => {
                let feed = self.cut(script).feed;
                let (from, to) = (script.number(), script.number());
                Want { feed, from, to }.into()
            }
            8 => {
                let expected_head = match script.seldom() {
                    true => RosterHash::from_bytes([script.byte(); 32]),
                    false => roster.head(),
                };
                let entries = rosters::make(script, roster);
                let entries = entries.into_iter().map(Blob::from).collect();
                RosterAppend {
                    expected_head,
                    entries,
                }
                .into()
            }
            9 => {
                let known = roster.entries();
                let from = script.below(known.len() + 1).min(known.len());
                let mut entries: Vec<Blob> = match script.below(2) {
                    0 => known[from..].to_vec(),
                    _ => Vec::new(),
                };
                entries.extend(rosters::make(script, roster).into_iter().map(Blob::from));
                let more = script.seldom();
                RosterMore { entries, more }.into()
            }
            10 => Bye {
                text: script.text(),
            }
            .into(),
            _ => hello(self.key(script), self.nonce).into(),
        }
    }

    /// Some envelopes: his own in order, others', or wrong ones.
    fn envelopes(&mut self, script: &mut Script<'_>) -> Vec<Blob> {
        let company = Company::get();
        let mut all: Vec<Blob> = Vec::new();
        for _ in 0..script.below(5) {
            let next = match script.below(8) {
                0 => script.some().to_vec(),
                1 => script
                    .pick::<vault::SealedEnvelope>(&company.written)
                    .bytes
                    .clone(),
                2 => {
                    let mut header = company.header(script.below(who::COUNT));
                    header.sequence = script.near(self.feed.len() as u64 + 1);
                    header.previous = EnvelopeHash::from_bytes([script.byte(); 32]);
                    header.min_reader = script.near(1) as u32;
                    company.hands[self.hand].envelope(&header, Vec::new())
                }
                3 => {
                    let Some(last) = self.feed.last() else {
                        continue;
                    };
                    let mut header = company.header(self.hand);
                    header.sequence = last.envelope.header.sequence + 1;
                    header.previous = last.hash;
                    company.hands[self.hand].envelope(&header, Vec::new())
                }
                _ if self.feed.is_empty() => continue,
                _ => {
                    let mut bytes = self.feed[all.len() % self.feed.len()].bytes.clone();
                    if script.seldom() {
                        let at = bytes.len() * usize::from(script.byte()) / 256;
                        bytes[at] ^= 1;
                    }
                    bytes
                }
            };
            all.push(next.into());
        }
        all
    }

    fn cut(&self, script: &mut Script<'_>) -> Cut {
        let company = Company::get();
        let feed = match script.below(8) {
            7 => protocol::FeedId::from_bytes([script.byte(); 32]),
            near => company.hands[near % who::COUNT].keys.feed(),
        };
        let sequence = script.number();
        let known = self.feed.get((sequence as usize).wrapping_sub(1));
        Cut {
            feed,
            sequence,
            hash: match known {
                Some(known) if script.below(2) == 0 => known.hash,
                _ => EnvelopeHash::from_bytes([script.byte(); 32]),
            },
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    // Who, then in: the challenge is answered and the proof given.
    let mut all = Vec::new();
    for who in 0..5_u8 {
        let enter = [who, 0, 0, 0, 0, 10, 5, 5, 1];
        for said in 0..12_u8 {
            let say = [12, said, 3, 5, 5, 5, 5, 5, 5, 0, 0, 0, 3, 3];
            all.push(enter.iter().chain(&say).chain(&say).copied().collect());
        }
        let twice = enter.iter().chain(&[
            12, 0, 4, 5, 5, 5, 5, 0, 7, 0, 0, 10, 2, 5, 1, 12, 5, 3, 1, 1, 1, 0, 0, 0,
        ]);
        all.push(twice.copied().collect());
    }
    // Three true envelopes of a member, then one that does not follow them.
    all.push(vec![
        1, 0, 0, 0, 0, 10, 5, 5, 1, 12, 0, 3, 5, 0, 5, 0, 5, 0, 0, 0, 0, 12, 0, 1, 2, 2, 0, 9, 0,
        0, 0, 0, 0,
    ]);
    // A signature of no session, and bytes that are none.
    let hand = &Company::get().hands[who::MEMBER];
    let signature = hand.sign(domain::SIGN_SESSION, &[b"nothing"]);
    let frame = Frame::from(Prove {
        signature,
        roster_head: RosterHash::ZERO,
        cursor: None,
        entries: None,
        more: false,
    });
    let bytes = frame.encode();
    all.push([&[1, 0, 0, 0, 0, 8, bytes.len() as u8][..], &bytes].concat());
    all
}
