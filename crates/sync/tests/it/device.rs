//! What a device has on its disk, and what it does for its session.

use std::collections::BTreeMap;

use protocol::{
    BatchId, Blob, Cursor, Cut, Envelope, EnvelopeHash, FeedId, Nonce, Part, RecordId, Role,
};
use sync::client::{self, Item, Missing, Start};
use vault::{
    DeviceKeys, EnvelopeDraft, InviteSecret, InviteTerms, KeyRing, Roster, SealedEnvelope,
    seal_envelope,
};

/// Random numbers from a seed (splitmix64).
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.roll().to_le_bytes()[..chunk.len()]);
        }
    }

    pub(crate) fn keys(&mut self) -> DeviceKeys {
        DeviceKeys::generate(&mut |bytes: &mut [u8]| self.fill(bytes))
    }

    pub(crate) fn nonce(&mut self) -> Nonce {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        Nonce::from_bytes(bytes)
    }
}

/// When invites of the tests end, ms since 1970.
pub(crate) const INVITES_END_MS: u64 = 10_000_000;

/// Appends an invite to a roster as its first device, and returns the secret.
pub(crate) fn invite(
    roster: &Roster,
    by: &DeviceKeys,
    role: Role,
    dice: &mut Dice,
) -> (Vec<u8>, InviteSecret) {
    let ring = KeyRing::open(roster, &by.sealing);
    let mut fill = |bytes: &mut [u8]| dice.fill(bytes);
    let secret = InviteSecret::generate(&mut fill);
    let terms = InviteTerms {
        member: None,
        role,
        uses: 1,
        expires_ms: INVITES_END_MS,
        reserved: Vec::new(),
    };
    let entry = roster
        .sign_invite(&by.signing, &ring, &secret, &terms, 1, &mut fill)
        .expect("may invite");
    (entry, secret)
}

/// Signs the entry by which a device joins.
pub(crate) fn join(
    roster: &Roster,
    secret: &InviteSecret,
    keys: &DeviceKeys,
    dice: &mut Dice,
) -> Vec<u8> {
    roster
        .sign_join(secret, keys, 2, &mut |bytes: &mut [u8]| dice.fill(bytes))
        .expect("may join")
}

/// An envelope in the order in which a device got it, its own at the time when it wrote them.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) cut: Cut,
    pub(crate) bytes: Blob,
}

/// What a device has on its disk.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) keys: DeviceKeys,
    pub(crate) roster: Roster,
    pub(crate) feed: Vec<SealedEnvelope>,
    pub(crate) acknowledged: u64,
    pub(crate) cursor: Option<Cursor>,
    /// All envelopes, of all feeds.
    pub(crate) received: Vec<Received>,
    /// What the sessions of this device said that tests look at.
    pub(crate) said: Vec<client::Output>,
}

impl Device {
    pub(crate) fn new(keys: DeviceKeys, roster: Roster) -> Self {
        Device {
            keys,
            roster,
            feed: Vec::new(),
            acknowledged: 0,
            cursor: None,
            received: Vec::new(),
            said: Vec::new(),
        }
    }

    pub(crate) fn head(&self) -> (u64, EnvelopeHash) {
        let hash = self
            .feed
            .last()
            .map_or(EnvelopeHash::ZERO, |last| last.hash);
        (self.feed.len() as u64, hash)
    }

    /// Writes one envelope to the own feed.
    pub(crate) fn write(&mut self, dice: &mut Dice) {
        let (sequence, previous) = self.head();
        let draft = EnvelopeDraft {
            workspace: self.roster.workspace(),
            sequence: sequence + 1,
            previous,
            roster_head: self.roster.head(),
            cursor: self.cursor,
            batch: Some(BatchId::from_bytes([3; 16])),
        };
        let part = Part::Record {
            record: RecordId::from_bytes([sequence as u8; 16]),
            changes: vec![vec![sequence as u8; 40 + dice.below(200)].into()],
        };
        let ring = KeyRing::open(&self.roster, &self.keys.sealing);
        let mut fill = |bytes: &mut [u8]| dice.fill(bytes);
        let sealed = seal_envelope(&draft, &[part], &self.keys, &ring, &mut fill);
        let sealed = sealed.expect("seals");
        self.received.push(Received {
            cut: Cut {
                feed: self.keys.feed(),
                sequence: sequence + 1,
                hash: sealed.hash,
            },
            bytes: sealed.bytes.clone().into(),
        });
        self.feed.push(sealed);
    }

    /// Where every feed stands.
    pub(crate) fn heads(&self) -> BTreeMap<FeedId, Cut> {
        let heads = self.received.iter().map(|one| (one.cut.feed, one.cut));
        heads.collect()
    }

    fn at(&self, feed: FeedId, sequence: u64) -> Option<&Received> {
        let mut received = self.received.iter();
        received.find(|one| one.cut.feed == feed && one.cut.sequence == sequence)
    }

    /// Keeps an envelope, which must follow what is here.
    fn keep(&mut self, bytes: &Blob, envelope: &Envelope) {
        let header = &envelope.header;
        let cut = Cut {
            feed: header.feed,
            sequence: header.sequence,
            hash: envelope.hash(),
        };
        if let Some(known) = self.at(cut.feed, cut.sequence) {
            assert_eq!(known.cut.hash, cut.hash, "a fork must not come here");
            return;
        }
        let before = self
            .heads()
            .get(&cut.feed)
            .map_or((0, EnvelopeHash::ZERO), |head| (head.sequence, head.hash));
        assert_eq!(
            (cut.sequence - 1, header.previous),
            before,
            "feeds come in order"
        );
        self.received.push(Received {
            cut,
            bytes: bytes.clone(),
        });
        if cut.feed == self.keys.feed() {
            self.feed.push(SealedEnvelope {
                envelope: envelope.clone(),
                hash: cut.hash,
                bytes: bytes.to_vec(),
            });
        }
    }

    pub(crate) fn start(&self, dice: &mut Dice) -> Start {
        Start {
            workspace: self.roster.workspace(),
            identity: self.keys.signing.clone(),
            nonce: dice.nonce(),
            roster_head: self.roster.head(),
            own_head: self.head(),
            acknowledged: self.acknowledged,
            cursor: self.cursor,
        }
    }

    /// Does what a session asks for; returns what to tell it.
    pub(crate) fn act(&mut self, output: client::Output) -> Vec<client::Input> {
        self.said.push(output.clone());
        match output {
            client::Output::ReadRoster => vec![client::Input::Roster {
                entries: self.roster.entries().to_vec(),
            }],
            client::Output::ReadOutbox { after_sequence, .. } => {
                let rest = self.feed.iter().skip(after_sequence as usize).take(3);
                let envelopes = rest.map(|e| (e.envelope.header.sequence, e.bytes.clone()));
                vec![client::Input::Outbox {
                    envelopes: envelopes.collect(),
                }]
            }
            client::Output::ReadHeads => vec![client::Input::Heads {
                heads: self.heads().into_values().collect(),
            }],
            client::Output::ReadHashes { places } => {
                let hashes = places.iter().map(|(feed, at)| self.at(*feed, *at));
                vec![client::Input::Hashes {
                    hashes: hashes.map(|found| found.map(|one| one.cut.hash)).collect(),
                }]
            }
            client::Output::ReadMissing { missing, after, .. } => {
                vec![self.read_missing(&missing, after as usize)]
            }
            client::Output::Apply {
                first,
                items,
                cursor,
            } => {
                self.apply(first, items);
                self.cursor = Some(cursor);
                vec![client::Input::Applied { cursor }]
            }
            client::Output::Carried { envelopes } => {
                let before = self.head();
                for one in &envelopes {
                    self.keep(&one.bytes, &one.envelope);
                }
                let (sequence, hash) = self.head();
                let grew = client::Input::LocalHead { sequence, hash };
                let grew = (before.0 < sequence).then_some(grew);
                grew.into_iter().chain([client::Input::Carried]).collect()
            }
            client::Output::Compared(compared) => {
                self.cursor = Some(compared.cursor);
                Vec::new()
            }
            client::Output::Acknowledged { sequence, .. } => {
                self.acknowledged = sequence;
                Vec::new()
            }
            client::Output::Roster { entries } | client::Output::RosterMoved { entries, .. } => {
                self.take_roster(&entries).into_iter().collect()
            }
            client::Output::Broken(broken) => panic!("broken: {broken}"),
            _ => Vec::new(),
        }
    }

    /// Reads a few envelopes at a time, so that pieces are many.
    fn read_missing(&self, missing: &[Missing], after: usize) -> client::Input {
        let mut envelopes = Vec::new();
        let mut next = None;
        for (at, one) in self.received.iter().enumerate().skip(after) {
            if envelopes.len() == 3 || at == after + 10 {
                next = Some(at as u64);
                break;
            }
            let cut = &one.cut;
            let lacks = |piece: &&Missing| {
                piece.feed == cut.feed && (piece.from..=piece.to).contains(&cut.sequence)
            };
            if missing.iter().any(|piece| lacks(&piece)) {
                envelopes.push(one.bytes.clone());
            }
        }
        client::Input::Missing { envelopes, next }
    }

    /// Takes roster entries in; returns what a relay lacks that stands within this roster, or has another branch.
    pub(crate) fn take_roster(&mut self, entries: &[Blob]) -> Option<client::Input> {
        let mut last = self.roster.head();
        let mut theirs: Option<Roster> = None;
        for bytes in entries {
            let entry = protocol::Entry::decode(bytes).expect("decodes");
            let previous = protocol::Body::decode(&entry.body)
                .expect("decodes")
                .previous;
            last = entry.hash();
            if let Some(theirs) = &mut theirs {
                theirs.append(bytes).expect("follows");
            } else if self.roster.entries_after(&last).is_some() {
                continue;
            } else if previous == self.roster.head() {
                self.roster.append(bytes).expect("follows");
            } else {
                let mut branch = Roster::from_entries(self.shared(&previous)).expect("is ours");
                branch.append(bytes).expect("follows");
                theirs = Some(branch);
            }
        }
        if let Some(theirs) = theirs {
            let compared = self.roster.compare(&theirs).expect("of one workspace");
            let vault::Comparison::Parted { at, counts } = compared else {
                panic!("{compared:?}");
            };
            if counts == vault::Side::Theirs {
                self.roster = theirs;
                return None;
            }
            let entries = self.roster.entries()[at..].to_vec();
            return Some(client::Input::BringRoster { entries });
        }
        let rest = self.roster.entries_after(&last).expect("is known");
        (!rest.is_empty()).then(|| client::Input::BringRoster {
            entries: rest.to_vec(),
        })
    }

    /// The entries up to one of them.
    fn shared(&self, last: &protocol::RosterHash) -> &[Blob] {
        let after = self.roster.entries_after(last).expect("is shared");
        let all = self.roster.entries();
        &all[..all.len() - after.len()]
    }

    fn apply(&mut self, first: u64, items: Vec<Item>) {
        let read = self.cursor.map_or(0, |cursor| cursor.sequence);
        assert_eq!(first, read + 1, "the log goes on from the cursor");
        for item in items {
            match item {
                Item::Own { sequence, hash, .. } => {
                    assert_eq!(self.feed[sequence as usize - 1].hash, hash);
                }
                Item::Envelope {
                    envelope, bytes, ..
                } => {
                    assert_eq!(envelope.encode(), *bytes, "read and received are the same");
                    assert_ne!(
                        envelope.header.feed,
                        self.keys.feed(),
                        "own ones come short"
                    );
                    self.keep(&bytes, &envelope);
                }
            }
        }
    }
}
