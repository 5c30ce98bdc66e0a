//! Entries of the roster, signed by those who may and by those who may not, and branches of it.

use std::collections::BTreeSet;

use protocol::{
    AcceptedDevice, Body, Cut, CutMoved, Device, DeviceAdded, DeviceCode, Entry, EnvelopeHash,
    FeedId, Founding, Invite, InviteEnded, InviteKey, KeyCheck, KeyEpoch, Revocation, Role,
    RoleChange, RosterHash, Salt, SealingKey, SignerKey, What, Wrap, WrappedKey, domain,
};
use vault::{Comparison, InviteSecret, InviteTerms, Roster, Side, Standing, Target as Aim};

use super::{
    Target, frames,
    keys::{Company, FILL, Hand, INVITES_END_MS, NOW_MS, who},
    script::Script,
};

pub(super) const TARGET: Target = Target {
    name: "rosters",
    about: "roster entries: decoded, appended, read from nothing; branches that meet",
    run,
    seeds,
    rounds: 500,
};

/// The most entries that a script tries.
const MAX_ENTRIES: usize = 24;

/// Grows two rosters from one beginning by what a script says, and lets them meet.
fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    if script.byte() == 0 {
        let _ = Roster::begin(script.rest());
        return;
    }
    let company = Company::get();
    let mut branches = [company.roster.clone(), company.roster.clone()];
    let mut tried = 0;
    while !script.is_over() && tried < MAX_ENTRIES {
        tried += 1;
        let at = usize::from(script.seldom());
        let roster = &mut branches[at];
        for entry in make(&mut script, roster) {
            append(roster, &entry);
        }
    }
    for roster in &branches {
        check(roster);
    }
    meet(branches);
}

/// Appends an entry: refused, it changes nothing.
fn append(roster: &mut Roster, entry: &[u8]) {
    let (head, count) = (roster.head(), roster.entries().len());
    let before = roster.clone();
    match roster.append(entry) {
        Ok(()) => {
            may_be_signed(&before, entry);
            assert_eq!(roster.entries().len(), count + 1);
            let hash = Entry::decode(entry).expect("was read").hash();
            assert_eq!(roster.head(), hash);
            assert_eq!(roster.entries_after(&head).map(<[_]>::len), Some(1));
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!((roster.head(), roster.entries().len()), (head, count));
        }
    }
}

/// Whoever signed an entry that was taken had the right to.
fn may_be_signed(before: &Roster, entry: &[u8]) {
    let entry = Entry::decode(entry).expect("was read");
    let body = Body::decode(&entry.body).expect("was read");
    let message = protocol::hash(domain::ROSTER, &[&entry.body]);
    let mut hands = Company::get().hands.iter();
    if let Some(hand) = hands.find(|hand| hand.keys.signing.key() == body.author) {
        let signature = hand.sign(domain::SIGN_ROSTER, &[&message]);
        assert_eq!(signature, entry.signature, "a forged entry is taken");
    }
    let author = FeedId::from_bytes(*body.author.as_bytes());
    match before.device(&author) {
        Some(device) => {
            assert!(
                !before.is_revoked(&author),
                "a revoked device signed {body:?}"
            );
            let is_own =
                matches!(&body.what, What::Device(added) if added.device.continues == Some(author));
            assert!(
                is_own || device.role.may_administer(),
                "{} signed {body:?}",
                device.role.as_str()
            );
        }
        None => {
            assert!(
                matches!(body.what, What::Device(_)),
                "a stranger signed {body:?}"
            );
            let mut invites = before.invites();
            let is_known = |key: &[u8]| key == body.author.as_bytes();
            assert!(
                invites.any(|invite| is_known(invite.signing.as_bytes())),
                "nobody signed {body:?}"
            );
        }
    }
}

/// What holds of every roster, however it grew.
fn check(roster: &Roster) {
    let again = Roster::from_entries(roster.entries()).expect("a roster reads its own entries");
    assert_eq!(again.head(), roster.head());
    assert_eq!(again.workspace(), roster.workspace());
    let owners = roster.devices().filter(|device| device.role == Role::Owner);
    assert!(
        owners
            .into_iter()
            .any(|device| matches!(device.standing(), Standing::Writes)),
        "no owner is left"
    );
    let codes: BTreeSet<String> = roster.devices().map(|one| one.code.to_string()).collect();
    assert_eq!(codes.len(), roster.devices().count(), "a code came twice");
    if let Some(next) = roster.next_code() {
        assert!(!codes.contains(&next.to_string()), "a code is given again");
    }
    for device in roster.devices() {
        let feed = FeedId::from_bytes(*device.signing.as_bytes());
        let prefix = roster.actor_prefix(&feed);
        assert_eq!(roster.feed_by_actor_prefix(&prefix), Some(feed));
        assert!(roster.lineage(&feed).len() <= roster.devices().count());
        assert!(!roster.family(&feed).is_empty());
        let _ = (roster.may_write(&feed), roster.standing(&feed));
        assert!(roster.entries_concerning(&feed, &roster.head()).is_some());
        assert_eq!(again.standing(&feed), roster.standing(&feed));
    }
    let _ = (roster.key_epoch_is_due(), roster.feeds_to_settle());
    let stranger = Company::get().ring(who::STRANGER);
    assert_eq!(stranger.names().count(), 0, "a stranger has a key");
}

/// Two branches agree on which one counts, and keep the same of the other.
fn meet([ours, theirs]: [Roster; 2]) {
    let forth = ours.compare(&theirs);
    let back = theirs.compare(&ours);
    match (forth, back) {
        (Ok(forth), Ok(back)) => assert_eq!(turned(forth), back),
        (forth, back) => assert_eq!(forth.is_err(), back.is_err()),
    }
    let (mut one, mut other) = (ours.clone(), theirs.clone());
    let (met, also) = (one.meet(theirs), other.meet(ours));
    assert_eq!(met.is_ok(), also.is_ok());
    if met.is_err() {
        return;
    }
    assert_eq!(one.head(), other.head());
    assert_eq!(one.lost().len(), other.lost().len());
    for device in one.devices() {
        let feed = FeedId::from_bytes(*device.signing.as_bytes());
        assert_eq!(one.standing(&feed), other.standing(&feed));
        assert_eq!(one.may_write(&feed), other.may_write(&feed));
    }
    // What is kept of a lost branch is read again as it was.
    let mut read = Roster::from_entries(one.entries()).expect("reads");
    for lost in one.lost() {
        read.restore_lost(lost.parted_at(), lost.own_entries())
            .expect("a lost branch reads what it kept");
    }
    assert_eq!(read.lost().len(), one.lost().len());
    let owner = &Company::get().hands[who::OWNER].keys;
    let ring = vault::KeyRing::open(&one, &owner.sealing);
    let heads: Vec<Cut> = one.feeds_to_settle().iter().map(nowhere).collect();
    let signed = one.sign_settlement(&owner.signing, &ring, &heads, NOW_MS, &mut fill_newly);
    if let Ok(entries) = signed {
        for entry in entries {
            one.append(&entry).expect("what is signed is taken");
        }
        check(&one);
    }
}

/// Fills bytes otherwise than the workspace's first key.
fn fill_newly(bytes: &mut [u8]) {
    bytes.fill(FILL + 1);
}

fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Same => Comparison::Same,
        Comparison::OursContinues => Comparison::TheirsContinues,
        Comparison::TheirsContinues => Comparison::OursContinues,
        Comparison::Parted { at, counts } => Comparison::Parted {
            at,
            counts: match counts {
                Side::Ours => Side::Theirs,
                Side::Theirs => Side::Ours,
            },
        },
    }
}

/// Makes entries: as the project signs them, or by hand, or of any bytes.
pub(super) fn make(script: &mut Script<'_>, roster: &Roster) -> Vec<Vec<u8>> {
    match script.below(4) {
        0 => vec![script.some().to_vec()],
        1 => signed(script, roster),
        _ => vec![by_hand(script, roster)],
    }
}

/// Lets the project sign, which refuses what may not be.
fn signed(script: &mut Script<'_>, roster: &Roster) -> Vec<Vec<u8>> {
    let company = Company::get();
    let hand = &company.hands[script.below(who::COUNT)].keys;
    let ring = vault::KeyRing::open(roster, &hand.sealing);
    let other = company.hands[script.below(who::COUNT)].keys.feed();
    let random = script.byte();
    let mut entropy = |bytes: &mut [u8]| bytes.fill(random);
    let member = roster.device(&other).map(|device| device.member);
    match script.below(6) {
        0 => {
            let secret = InviteSecret::from_bytes([script.byte(); 32]);
            let terms = InviteTerms {
                member: member.filter(|_| script.seldom()),
                role: role(script),
                uses: script.number() as u32,
                expires_ms: INVITES_END_MS,
                reserved: Vec::new(),
            };
            let entry = roster.sign_invite(&hand.signing, &ring, &secret, &terms, 9, &mut entropy);
            entry.into_iter().collect()
        }
        1 => {
            let keys = Hand::new(script.byte() % 100).keys;
            let entry = roster.sign_join(&company.invite, &keys, 9, &mut entropy);
            entry.into_iter().collect()
        }
        2 => {
            let keys = Hand::new(script.byte() % 100).keys;
            let at = Cut {
                feed: hand.feed(),
                ..cut(script)
            };
            let entry = roster.sign_successor(hand, at, &keys, 9, &mut entropy);
            entry.into_iter().collect()
        }
        3 => {
            let aim = match member {
                Some(member) if script.seldom() => Aim::Member(member),
                _ => Aim::Device(other),
            };
            let feeds = roster.feeds_to_revoke(aim).unwrap_or_default();
            let cuts: Vec<Cut> = feeds.iter().map(nowhere).collect();
            roster
                .sign_revocation(&hand.signing, &feeds, &cuts, 9, &mut entropy)
                .unwrap_or_default()
        }
        4 => match member {
            Some(member) => {
                let role = role(script);
                let feeds = roster.feeds_to_silence(&member, role);
                let cuts: Vec<Cut> = feeds.iter().map(nowhere).collect();
                roster
                    .sign_role(&hand.signing, member, role, &cuts, 9)
                    .unwrap_or_default()
            }
            None => Vec::new(),
        },
        _ => {
            let entry = roster.sign_key_epoch(&hand.signing, 9, &mut entropy);
            entry.into_iter().collect()
        }
    }
}

/// The cut of a feed that has nothing.
fn nowhere(feed: &FeedId) -> Cut {
    Cut {
        feed: *feed,
        sequence: 0,
        hash: EnvelopeHash::ZERO,
    }
}

/// Signs whatever the script says, right but for some of it.
fn by_hand(script: &mut Script<'_>, roster: &Roster) -> Vec<u8> {
    let company = Company::get();
    let hand = script.below(who::COUNT);
    let what = what(script, roster);
    let mut body = Body {
        previous: roster.head(),
        ..company.body(hand, what)
    };
    match script.below(16) {
        0 => body.version = script.number() as u32,
        1 => body.workspace = protocol::WorkspaceId::from_bytes([script.byte(); 32]),
        2 => body.previous = RosterHash::from_bytes([script.byte(); 32]),
        3 => body.time_ms = script.number(),
        4 => body.author = company.hands[script.below(who::COUNT)].keys.signing.key(),
        5 => body.author = SignerKey::from_bytes(*company.invite.key().as_bytes()),
        6 => body.min_reader = script.number() as u32,
        _ => {}
    }
    company.hands[hand].entry(body.encode())
}

fn role(script: &mut Script<'_>) -> Role {
    *script.pick(&[Role::Owner, Role::Admin, Role::Member, Role::Guest])
}

fn feed(script: &mut Script<'_>) -> FeedId {
    let number = script.byte();
    match number % 8 {
        7 => FeedId::from_bytes([number; 32]),
        near => Hand::new(near + 1).keys.feed(),
    }
}

fn cut(script: &mut Script<'_>) -> Cut {
    let written = &Company::get().written;
    let sequence = script.number();
    let known = written.get((sequence as usize).wrapping_sub(1));
    Cut {
        feed: feed(script),
        sequence,
        hash: match known {
            Some(known) if !script.seldom() => known.hash,
            _ => EnvelopeHash::from_bytes([script.byte(); 32]),
        },
    }
}

fn device(script: &mut Script<'_>, roster: &Roster) -> Device {
    let keys = Hand::new(script.byte() % 100).keys;
    let members: Vec<protocol::MemberId> = roster.members().map(|(member, _)| member).collect();
    let continues = script.seldom().then(|| cut(script));
    Device {
        signing: keys.feed(),
        sealing: if script.seldom() {
            SealingKey::from_bytes([script.byte(); 32])
        } else {
            keys.sealing.key()
        },
        member: match script.below(4) {
            0 => protocol::MemberId::from_bytes([script.byte(); 16]),
            1 => vault::member_of(&keys.signing.key()),
            _ => *script.pick(&members),
        },
        code: match roster.next_code() {
            Some(code) if !script.seldom() => code,
            _ => code(script),
        },
        role: role(script),
        continues: continues.map(|cut| cut.feed),
        continues_at: continues.filter(|_| !script.seldom()),
    }
}

fn code(script: &mut Script<'_>) -> DeviceCode {
    let letters = ["A", "B", "Z", "A2", "K3", "Z9", "A22", "Z9999"];
    let text = script.pick(&letters);
    text.parse()
        .unwrap_or_else(|_| "B2".parse().expect("is a code"))
}

fn keys(script: &mut Script<'_>) -> Vec<KeyEpoch> {
    (0..script.below(4)).map(|_| key(script)).collect()
}

fn key(script: &mut Script<'_>) -> KeyEpoch {
    let known = protocol::hash(protocol::domain::KEY_CHECK, &[&[FILL; 32]]);
    KeyEpoch {
        number: script.near(1) as u32,
        wraps: (0..script.below(4))
            .map(|_| Wrap {
                recipient: match script.below(3) {
                    0 => SealingKey::from_bytes([script.byte(); 32]),
                    _ => Hand::new(1 + script.byte() % 8).keys.sealing.key(),
                },
                key: WrappedKey::from_bytes([script.byte(); WrappedKey::LEN]),
            })
            .collect(),
        check: match script.below(3) {
            0 => KeyCheck::from_bytes([script.byte(); 32]),
            _ => KeyCheck::from_bytes(known),
        },
    }
}

fn what(script: &mut Script<'_>, roster: &Roster) -> What {
    let members: Vec<protocol::MemberId> = roster.members().map(|(member, _)| member).collect();
    match script.below(10) {
        0 => What::Found(Founding {
            device: device(script, roster),
            salt: Salt::from_bytes(script.array()),
            key: key(script),
        }),
        1 => What::Device(DeviceAdded {
            device: device(script, roster),
            keys: keys(script),
        }),
        2 => What::Invite(Invite {
            signing: InviteKey::from_bytes(*feed(script).as_bytes()),
            sealing: Hand::new(9).keys.sealing.key(),
            member: *script.pick(&members),
            role: role(script),
            uses: script.near(1) as u32,
            expires_ms: script.near(INVITES_END_MS),
            reserved: (0..script.below(4)).map(|_| code(script)).collect(),
            keys: keys(script),
        }),
        3 => What::Role(RoleChange {
            member: *script.pick(&members),
            role: role(script),
            cuts: (0..script.below(4)).map(|_| cut(script)).collect(),
        }),
        4 => What::Revoke(Revocation {
            feeds: (0..script.below(4)).map(|_| feed(script)).collect(),
            cuts: (0..script.below(4)).map(|_| cut(script)).collect(),
        }),
        5 => What::CutMoved(CutMoved { cut: cut(script) }),
        6 => What::KeyEpoch(key(script)),
        7 => What::InviteEnded(InviteEnded {
            invite: match script.below(2) {
                0 => Company::get().invite.key(),
                _ => InviteKey::from_bytes([script.byte(); 32]),
            },
        }),
        8 => What::DeviceAccepted(AcceptedDevice {
            device: device(script, roster),
            cut: cut(script),
            keys: keys(script),
        }),
        _ => What::Unknown {
            tag: script.number().max(9),
            map: vec![0xa1, 0x00, script.byte() % 24],
        },
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let entries = Company::get().roster.entries().iter();
    let mut all: Vec<Vec<u8>> = entries
        .map(|entry| [&[0][..], entry].concat())
        .chain(
            frames::golden(include_str!(
                "../../../crates/vault/tests/golden/workspace.txt"
            ))
            .into_iter()
            .map(|bytes| [&[0][..], &bytes].concat()),
        )
        .collect();
    for what in 0..10_u8 {
        for hand in 0..2 {
            all.push(
                [1].into_iter()
                    .chain([0, 2, hand, what, 3, 3, 9, 3, 3, 3, 1, 1, 1, 9])
                    .collect(),
            );
            all.push(
                [1].into_iter()
                    .chain([0, 1, hand, what, what, 3, 7, 1, hand, 2, what, 3])
                    .collect(),
            );
        }
    }
    all
}
