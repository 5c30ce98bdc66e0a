//! A hostile relay at a client: frames in any order, right and wrong, and a device that answers what its session asks.

use std::collections::VecDeque;

use protocol::{
    Blob, Bye, Carry, Challenge, Cursor, Cut, EnvelopeHash, FeedId, Frame, Heads, HeadsPurpose,
    Held, Log, LogEpoch, LogHash, LogItem, LogPlace, LogStart, Nonce, Refusal, Refused, RosterGrew,
    RosterMoved, Stored, Want, Welcome, limits::MAX_FRAME_BYTES, log_start,
};
use sync::client::{APPLY_BYTES, APPLY_ITEMS, Input, Output, Session, Start};
use vault::{SessionTerms, SigningIdentity};

use super::{
    Target, frames,
    keys::{Company, NOW_MS, who, write},
    rosters,
    script::Script,
};

pub(super) const TARGET: Target = Target {
    name: "session",
    about: "sequences of frames from a hostile relay at a client",
    run,
    seeds,
    rounds: 1_500,
};

/// The most things that a script does.
const MAX_STEPS: usize = 80;

/// The life of the log that the relay claims to have.
const EPOCH: LogEpoch = LogEpoch::from_bytes([3; 16]);

fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut client = Client::new(&mut script);
    let mut steps = 0;
    while !script.is_over() && steps < MAX_STEPS && !client.session.is_ended() {
        steps += 1;
        client.step(&mut script);
    }
    client.tell(Input::Closed);
    assert!(client.session.is_ended());
}

/// A device with its session, and the relay that lies to it.
struct Client {
    relay: SigningIdentity,
    session: Session,
    nonce: Nonce,
    feed: Vec<vault::SealedEnvelope>,
    others: Vec<vault::SealedEnvelope>,
    work: VecDeque<Output>,
    cursor: Option<Cursor>,
    golden: Vec<Vec<u8>>,
    now_ms: u64,
}

impl Client {
    fn new(script: &mut Script<'_>) -> Self {
        let company = Company::get();
        let hand = &company.hands[who::MEMBER];
        let relay = SigningIdentity::from_seed(&[77; 32]);
        let feed = write(&company.roster, hand, 4);
        let own = script.below(5);
        let cursor = script.seldom().then(|| Cursor {
            relay: relay.relay(),
            epoch: EPOCH,
            sequence: script.number(),
            running: LogHash::from_bytes([script.byte(); 32]),
        });
        let nonce = Nonce::from_bytes([1; 32]);
        let start = Start {
            workspace: company.roster.workspace(),
            identity: hand.keys.signing.clone(),
            nonce,
            roster_head: company.roster.head(),
            own_head: own
                .checked_sub(1)
                .map_or((0, EnvelopeHash::ZERO), |at| (own as u64, feed[at].hash)),
            acknowledged: script.below(own + 1) as u64,
            cursor,
        };
        let mut client = Self {
            relay,
            session: Session::new(start),
            nonce,
            others: write(&company.roster, &company.hands[who::OWNER], 4),
            feed: feed[..own].to_vec(),
            work: VecDeque::new(),
            cursor,
            golden: frames::golden(include_str!("../../../protocol/tests/golden/frames.txt")),
            now_ms: NOW_MS,
        };
        client.tell(Input::Opened);
        // Mostly he begins as he should.
        if !script.seldom() {
            let frame = client.challenge(script);
            client.hear(frame);
        }
        client
    }

    /// Gives the session an input, and looks at what follows.
    fn tell(&mut self, input: Input) {
        self.session.handle(self.now_ms, input);
        let mut is_closed = false;
        while let Some(output) = self.session.poll() {
            assert!(!is_closed, "{output:?} follows the end");
            match &output {
                Output::Send(bytes) => {
                    assert!(bytes.len() <= MAX_FRAME_BYTES);
                    Frame::decode(bytes).expect("the client speaks the protocol");
                    continue;
                }
                Output::Close => is_closed = true,
                Output::Apply {
                    first,
                    items,
                    cursor,
                } => {
                    let before = self.cursor.map_or(0, |cursor| cursor.sequence);
                    assert_eq!(*first, before + 1, "the log goes on from the cursor");
                    assert!(!items.is_empty() && items.len() <= APPLY_ITEMS);
                    assert_eq!(cursor.sequence, before + items.len() as u64);
                    self.cursor = Some(*cursor);
                }
                Output::Acknowledged { sequence, .. } => {
                    assert!(*sequence <= self.feed.len() as u64, "more than was written");
                }
                Output::ReadOutbox { max_bytes, .. } | Output::ReadMissing { max_bytes, .. } => {
                    assert!(*max_bytes <= APPLY_BYTES);
                }
                Output::Compared(compared) => self.cursor = Some(compared.cursor),
                _ => {}
            }
            self.work.push_back(output);
        }
        assert!(!is_closed || self.session.is_ended());
    }

    /// Gives a frame, unless the session leaves frames in the socket.
    fn hear(&mut self, frame: impl Into<Frame>) {
        if self.session.wants_frames() {
            self.tell(Input::Frame(frame.into().encode()));
        }
    }

    /// Does for the session what it asked for first.
    fn act(&mut self, script: &mut Script<'_>) {
        let Some(output) = self.work.pop_front() else {
            return;
        };
        let own = Company::get().hands[who::MEMBER].keys.feed();
        let input = match output {
            Output::ReadRoster => Input::Roster {
                entries: Company::get().roster.entries().to_vec(),
            },
            Output::ReadOutbox { after_sequence, .. } => Input::Outbox {
                envelopes: (1..)
                    .zip(&self.feed)
                    .skip(after_sequence as usize)
                    .take(2)
                    .map(|(at, one)| (at, one.bytes.clone()))
                    .collect(),
            },
            Output::ReadHeads => Input::Heads {
                heads: self
                    .feed
                    .last()
                    .map(|last| last.envelope.cut())
                    .into_iter()
                    .collect(),
            },
            Output::ReadHashes { places } => Input::Hashes {
                hashes: places
                    .iter()
                    .map(|(feed, at)| {
                        let at = usize::try_from(*at).ok()?.checked_sub(1)?;
                        let known = if *feed == own {
                            &self.feed
                        } else {
                            &self.others
                        };
                        known.get(at).map(|one| one.hash)
                    })
                    .collect(),
            },
            Output::ReadMissing { after, .. } => Input::Missing {
                envelopes: self
                    .feed
                    .iter()
                    .map(|one| one.bytes.clone().into())
                    .collect(),
                next: script.seldom().then_some(after.saturating_add(1)),
            },
            Output::Apply { cursor, .. } => Input::Applied { cursor },
            Output::Carried { .. } => Input::Carried,
            _ => return,
        };
        self.tell(input);
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.below(16) {
            0..=3 => self.act(script),
            4 => self.own_doing(script),
            5 => {
                self.now_ms += script.number() % 40_000;
                self.tell(Input::Tick);
            }
            6 => {
                let bytes = script.some().to_vec();
                if self.session.wants_frames() {
                    self.tell(Input::Frame(bytes));
                }
            }
            7 => {
                let mut bytes = script.pick::<Vec<u8>>(&self.golden).clone();
                let at = usize::from(script.byte()) % bytes.len();
                bytes[at] = script.byte();
                if self.session.wants_frames() {
                    self.tell(Input::Frame(bytes));
                }
            }
            _ => {
                let frame = self.say(script);
                self.hear(frame);
            }
        }
    }

    /// What the device does by itself.
    fn own_doing(&mut self, script: &mut Script<'_>) {
        let roster = &Company::get().roster;
        let input = match script.below(6) {
            0 | 1 => {
                let all = write(roster, &Company::get().hands[who::MEMBER], 6);
                let count = (self.feed.len() + 1).min(6);
                self.feed = all[..count].to_vec();
                Input::LocalHead {
                    sequence: count as u64,
                    hash: self.feed[count - 1].hash,
                }
            }
            2 => Input::Want {
                feed: self.cut(script).feed,
                from: script.number().max(1),
                to: script.number().max(1),
            },
            3 => Input::AppendRoster {
                expected_head: roster.head(),
                entries: rosters::make(script, roster)
                    .into_iter()
                    .map(Blob::from)
                    .collect(),
            },
            4 => Input::BringRoster {
                entries: roster.entries()[..script.below(4)].to_vec(),
            },
            _ => Input::Leave,
        };
        self.tell(input);
    }

    fn challenge(&self, script: &mut Script<'_>) -> Frame {
        let terms = SessionTerms {
            relay: self.relay.relay(),
            workspace: Company::get().roster.workspace(),
            client_nonce: self.nonce,
            relay_nonce: Nonce::from_bytes([5; 32]),
        };
        let is_false = script.seldom();
        let signer = if is_false {
            &Company::get().hands[who::STRANGER].keys.signing
        } else {
            &self.relay
        };
        Frame::Challenge(Challenge {
            version: script.near(1) as u32 % 3,
            relay: terms.relay,
            nonce: terms.relay_nonce,
            signature: terms.sign_challenge(signer),
            known: !script.seldom(),
        })
    }

    fn say(&self, script: &mut Script<'_>) -> Frame {
        let roster = &Company::get().roster;
        let entries = |script: &mut Script<'_>| -> Vec<Blob> {
            match script.below(3) {
                0 => Vec::new(),
                1 => roster.entries()[script.below(roster.entries().len())..].to_vec(),
                _ => rosters::make(script, roster)
                    .into_iter()
                    .map(Blob::from)
                    .collect(),
            }
        };
        match script.below(14) {
            0 => self.challenge(script),
            1 | 2 => Frame::Welcome(Welcome {
                entries: entries(script),
                epoch: EPOCH,
                sequence: script.number(),
                continues: !script.seldom(),
                own: (script.below(3) != 0).then(|| self.cut(script)),
                now_ms: script.number(),
                log_start: script.seldom().then(|| LogStart {
                    sequence: script.number(),
                    running: LogHash::from_bytes([script.byte(); 32]),
                }),
            }),
            3 => Stored {
                cut: self.cut(script),
                held: script.seldom(),
            }
            .into(),
            4 | 5 => {
                let next = self
                    .cursor
                    .map_or(1, |cursor| cursor.sequence.wrapping_add(1));
                let items = (0..script.below(5)).map(|_| self.item(script)).collect();
                Log {
                    first: script.near(next),
                    items,
                }
                .into()
            }
            6 => RosterGrew {
                entries: entries(script),
                head: roster.head(),
            }
            .into(),
            7 => RosterMoved {
                entries: entries(script),
                head: roster.head(),
            }
            .into(),
            8 => Refused {
                code: Refusal::from_code(script.below(16) as u32),
                text: script.text(),
                cut: script.seldom().then(|| self.cut(script)),
            }
            .into(),
            9 | 10 => Heads {
                heads: (0..script.below(6)).map(|_| self.cut(script)).collect(),
                purpose: (script.below(3) != 0)
                    .then(|| HeadsPurpose::from_code(script.below(6) as u32)),
                position: (script.below(3) != 0).then(|| LogPlace {
                    sequence: script.number(),
                    running: log_start(&roster.workspace(), &EPOCH),
                }),
                more: script.seldom(),
            }
            .into(),
            11 => {
                let envelopes = (0..script.below(5))
                    .map(|_| self.envelope(script))
                    .collect();
                match script.below(3) {
                    0 => Held {
                        feed: self.cut(script).feed,
                        envelopes,
                    }
                    .into(),
                    _ => Carry { envelopes }.into(),
                }
            }
            12 => Want {
                feed: self.cut(script).feed,
                from: script.number(),
                to: script.number(),
            }
            .into(),
            _ => Bye {
                text: script.text(),
            }
            .into(),
        }
    }

    fn envelope(&self, script: &mut Script<'_>) -> Blob {
        let all = if script.below(3) == 0 {
            &self.feed
        } else {
            &self.others
        };
        match all.get(script.below(4)) {
            Some(known) if !script.seldom() => known.bytes.clone().into(),
            _ => script.some().into(),
        }
    }

    fn item(&self, script: &mut Script<'_>) -> LogItem {
        let received_ms = script.number();
        match script.below(3) {
            0 => {
                let cut = self.cut(script);
                LogItem::Own {
                    received_ms,
                    hash: cut.hash,
                    sequence: cut.sequence,
                }
            }
            _ => LogItem::Envelope {
                received_ms,
                envelope: self.envelope(script),
            },
        }
    }

    /// A place in a feed: mostly the own one, mostly true.
    fn cut(&self, script: &mut Script<'_>) -> Cut {
        let company = Company::get();
        let (feed, known) = match script.below(8) {
            0..=4 => (company.hands[who::MEMBER].keys.feed(), &self.feed),
            5 | 6 => (company.hands[who::OWNER].keys.feed(), &self.others),
            _ => (FeedId::from_bytes([script.byte(); 32]), &self.others),
        };
        let sequence = script.near(known.len() as u64);
        let found = usize::try_from(sequence)
            .ok()
            .and_then(|at| known.get(at.checked_sub(1)?));
        Cut {
            feed,
            sequence,
            hash: match found {
                Some(found) if !script.seldom() => found.hash,
                _ => EnvelopeHash::from_bytes([script.byte(); 32]),
            },
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for own in 0..5_u8 {
        // In, welcomed with the right own cut, then one frame of each kind.
        for said in 0..14_u8 {
            let mut script = vec![own, own, 0, 0, 0, 0, 0];
            script.extend([9, 1, 0, 4, 0, 1, 0, 0, 0, 5, 0]);
            script.extend([0, 0, 9, said, 3, 0, 0, 2, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0]);
            script.extend([4, 0, 0, 0, 9, 4, 0, 3, 5, 1, 1, 1, 0, 0, 0, 0, 0]);
            all.push(script);
        }
        // An exchange, since the log does not continue.
        let mut script = vec![own, own, 7, 1, 1, 0, 0, 0, 0, 0];
        script.extend([9, 1, 0, 4, 7, 1, 0, 0, 0, 5, 0]);
        script.extend([
            0, 0, 0, 9, 9, 1, 5, 0, 0, 1, 0, 1, 2, 0, 0, 0, 9, 11, 2, 1, 0, 0, 1, 1, 0, 0,
        ]);
        all.push(script);
    }
    all
}
