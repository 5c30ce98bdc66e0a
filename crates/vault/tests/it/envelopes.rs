//! Envelopes out and in.

use proptest::prelude::*;
use protocol::{
    Blob, Cut, Envelope, EnvelopeHash, Header, Part, RecordId, Revocation, Role, RoleChange, What,
    limits::{MAX_FILE_BYTES, MAX_TRANSACTION_BYTES},
};
use vault::{
    EnvelopeDraft, EnvelopeError, KeyName, KeyRing, OpenError, Roster, SealError, SealedEnvelope,
    Weight, open_parts, rescue, rewrap, seal_envelope, sign_envelope, verify_envelope,
    verify_for_keeping, verify_for_passing, verify_run, weigh_envelope,
};

use crate::world::{Counting, TIME_MS, World, cut_at, keys, parts, sign_as};

/// A version that these programs do not read.
const NEWER: u32 = protocol::ENVELOPE_VERSION + 1;

fn draft(roster: &Roster) -> EnvelopeDraft {
    EnvelopeDraft {
        workspace: roster.workspace(),
        sequence: 1,
        previous: EnvelopeHash::ZERO,
        roster_head: roster.head(),
        cursor: None,
        batch: None,
    }
}

fn feed_of(world: &mut World, author: &vault::DeviceKeys, count: usize) -> Vec<SealedEnvelope> {
    let mut feed: Vec<SealedEnvelope> = Vec::new();
    for _ in 0..count {
        let next = world.seal(author, feed.last());
        feed.push(next);
    }
    feed
}

#[test]
fn what_is_sealed_comes_back() {
    let mut world = World::new();
    let device = world.add(2, Role::Member);
    let owner = world.owner.clone();
    let sealed = world.seal(&owner, None);
    let verified = verify_envelope(&sealed.bytes, &world.roster).expect("verified");
    assert_eq!(verified.hash(), sealed.hash);
    assert_eq!(verified.envelope(), &sealed.envelope);
    let ring = KeyRing::open(&world.roster, &device.sealing);
    assert_eq!(open_parts(&verified, &ring), Ok(parts()));
    assert_eq!(
        open_parts(&verified, &KeyRing::default()),
        Err(OpenError::MissingKey {
            key: KeyName::of(&sealed.envelope.header)
        })
    );
}

#[test]
fn an_erased_part_is_passed_over() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let mut envelope = world.seal(&owner, None).envelope;
    envelope.parts[0] = None;
    let verified = verify_envelope(&envelope.encode(), &world.roster).expect("verified");
    assert_eq!(
        open_parts(&verified, &world.ring),
        Ok(parts()[1..].to_vec())
    );
}

#[test]
fn a_sealed_part_moves_to_another_feed() {
    let mut world = World::new();
    let device = world.add(2, Role::Member);
    let owner = world.owner.clone();
    let sealed = world.seal(&owner, None);
    let parts_before: Vec<Blob> = sealed.envelope.parts.iter().flatten().cloned().collect();
    let key = KeyName::of(&sealed.envelope.header);
    let moved = sign_envelope(&draft(&world.roster), key, parts_before, &device).expect("signed");
    let verified = verify_envelope(&moved.bytes, &world.roster).expect("verified");
    assert_eq!(open_parts(&verified, &world.ring), Ok(parts()));
}

#[test]
fn a_forked_tail_moves_to_the_feed_that_continues_it() {
    let mut world = World::new();
    let old = world.add(2, Role::Member);
    let owner = world.owner.clone();
    let mut tail = feed_of(&mut world, &old, 3);
    let batch = Some(protocol::BatchId::from_bytes([8; 16]));
    let of_import = EnvelopeDraft {
        sequence: 4,
        previous: tail[2].hash,
        batch,
        ..draft(&world.roster)
    };
    let sealed = seal_envelope(&of_import, &parts(), &old, &world.ring, &mut Counting(77));
    tail.push(sealed.expect("sealed"));
    tail[2].envelope.parts[1] = None;
    tail[2].bytes = tail[2].envelope.encode();
    // Meanwhile the workspace has another key; the tail keeps its own.
    let entry = world
        .roster
        .sign_key_epoch(&owner.signing, TIME_MS, &mut Counting(40))
        .expect("signed");
    world.roster.append(&entry).expect("appended");
    world.ring.update(&world.roster, &owner.sealing);
    let new = keys(8);
    let cut = cut_at(&tail[0]);
    let entry = world
        .roster
        .sign_successor(&old, cut, &new, TIME_MS, &mut Counting(0))
        .expect("signed");
    world.roster.append(&entry).expect("appended");

    let mut place = draft(&world.roster);
    for before in &tail[1..] {
        let verified = verify_envelope(&before.bytes, &world.roster).expect("verified");
        let moved = rewrap(&verified, &place, &new).expect("wrapped");
        place.sequence += 1;
        place.previous = moved.hash;
        let (header, was) = (&moved.envelope.header, &before.envelope.header);
        assert_eq!(header.feed, new.feed());
        assert_eq!(header.roster_head, world.roster.head());
        assert_eq!(header.parts, was.parts);
        assert_eq!(
            (header.key_epoch, header.key_id, header.batch),
            (was.key_epoch, was.key_id, was.batch)
        );
        assert_eq!(moved.envelope.parts, before.envelope.parts);
        assert_ne!(moved.hash, before.hash);
        let again = verify_envelope(&moved.bytes, &world.roster).expect("verified");
        for ring in [&world.ring, &KeyRing::open(&world.roster, &old.sealing)] {
            assert_eq!(open_parts(&again, ring), open_parts(&verified, ring));
            assert!(open_parts(&again, ring).is_ok());
        }
        assert_eq!(
            rewrap(&verified, &place, &new)
                .expect("wrapped")
                .envelope
                .parts,
            moved.envelope.parts
        );
    }
    assert_eq!(place.sequence, 4);
    assert_eq!(tail[3].envelope.header.batch, batch);
}

#[test]
fn an_envelope_whose_place_is_taken_goes_on_in_the_feed_of_another() {
    let mut world = World::new();
    let (author, rescuer) = (world.add(2, Role::Member), world.add(3, Role::Member));
    let lost = feed_of(&mut world, &author, 2).remove(1);
    let verified = verify_envelope(&lost.bytes, &world.roster).expect("verified");
    let draft = draft(&world.roster);
    let rescued = rescue(&verified, &draft, &rescuer).expect("rescued");
    let carried = verify_envelope(&rescued.bytes, &world.roster).expect("verified");
    assert_eq!(
        (carried.cut().feed, carried.cut().sequence),
        (rescuer.feed(), 1)
    );
    let inner = carried
        .envelope()
        .rescued()
        .expect("sound")
        .expect("one is rescued");
    assert_eq!(inner.encode(), lost.bytes);
    // Its feed may change hands again, and what it rescued goes with it.
    let moved = rewrap(&carried, &draft, &keys(9)).expect("wrapped");
    let inner = moved
        .envelope
        .rescued()
        .expect("sound")
        .expect("one is rescued");
    assert_eq!(inner.encode(), lost.bytes);
    assert_eq!(
        rescue(&carried, &draft, &author),
        Err(SealError::NotToRescue)
    );
}

#[test]
fn limits_are_checked_before_sealing() {
    let world = World::new();
    let seal = |parts: &[Part]| {
        seal_envelope(
            &draft(&world.roster),
            parts,
            &world.owner,
            &world.ring,
            &mut Counting(0),
        )
    };
    let record = |bytes: usize| Part::Record {
        record: RecordId::ZERO,
        changes: vec![vec![0; bytes].into()],
    };
    let sealed = seal(&[record(MAX_TRANSACTION_BYTES)]).expect("as large as may be");
    let verified = verify_envelope(&sealed.bytes, &world.roster).expect("verified");
    assert!(open_parts(&verified, &world.ring).is_ok());
    let half = MAX_TRANSACTION_BYTES / 2 + 1;
    assert!(matches!(
        seal(&[record(half), record(half)]),
        Err(SealError::TooMuch { .. })
    ));
    let file = |byte: u8| Part::file(vec![byte; MAX_FILE_BYTES]);
    assert!(seal(&[file(1)]).is_ok());
    assert!(matches!(
        seal(&[file(1), file(2)]),
        Err(SealError::TooMuch { .. })
    ));
    assert_eq!(
        seal_envelope(
            &draft(&world.roster),
            &[],
            &world.owner,
            &KeyRing::default(),
            &mut Counting(0)
        ),
        Err(SealError::NoKey)
    );
}

#[test]
fn envelopes_that_open_to_too_much_are_refused() {
    let world = World::new();
    let (name, key) = world.ring.newest().expect("a key");
    let half = Part::Record {
        record: RecordId::ZERO,
        changes: vec![vec![0; MAX_TRANSACTION_BYTES / 2 + 1].into()],
    };
    let sealed: Blob = vault::seal_part(
        &half,
        &world.roster.workspace(),
        name.number,
        key,
        &mut Counting(0),
    )
    .into();
    let envelope = sign_envelope(
        &draft(&world.roster),
        name,
        vec![sealed.clone(), sealed],
        &world.owner,
    )
    .expect("signed");
    let verified = verify_envelope(&envelope.bytes, &world.roster).expect("verified");
    assert!(matches!(
        open_parts(&verified, &world.ring),
        Err(OpenError::TooLarge { .. })
    ));
}

#[test]
fn who_may_not_write_is_refused() {
    let mut world = World::new();
    let guest = world.add(2, Role::Guest);
    let stranger = keys(9);
    let by_guest = world.seal(&guest, None);
    assert!(matches!(
        verify_envelope(&by_guest.bytes, &world.roster),
        Err(EnvelopeError::RoleForbids { .. })
    ));
    let by_stranger = world.seal(&stranger, None);
    let error = verify_envelope(&by_stranger.bytes, &world.roster).expect_err("unknown");
    assert!(matches!(error, EnvelopeError::UnknownDevice { .. }));
    assert!(error.waits());
    let other = Roster::found(&keys(7), TIME_MS, &mut Counting(3))
        .expect("founded")
        .0;
    let owner = world.owner.clone();
    let elsewhere = world.seal(&owner, None);
    assert!(matches!(
        verify_envelope(&elsewhere.bytes, &other),
        Err(EnvelopeError::OtherWorkspace { .. })
    ));
}

#[test]
fn a_cut_ends_a_feed() {
    let mut world = World::new();
    let device = world.add(2, Role::Member);
    let owner = world.owner.clone();
    let feed = feed_of(&mut world, &device, 3);
    let mut fork = world.seal(&device, Some(&feed[0]));
    assert_ne!(fork.hash, feed[1].hash, "sealed with other nonces");
    let what = What::Revoke(Revocation {
        feeds: vec![device.feed()],
        cuts: vec![cut_at(&feed[1])],
    });
    world.sign(&owner, what).expect("revoked");
    assert!(verify_envelope(&feed[0].bytes, &world.roster).is_ok());
    assert!(verify_envelope(&feed[1].bytes, &world.roster).is_ok());
    for beyond in [&feed[2], &fork] {
        assert!(matches!(
            verify_envelope(&beyond.bytes, &world.roster),
            Err(EnvelopeError::Revoked { .. })
        ));
    }
    let run: Vec<_> = feed.iter().map(|e| &e.bytes).collect();
    assert_eq!(
        verify_run(&run, &world.roster).expect_err("beyond").index,
        2
    );
    fork.bytes.clear();
    assert!(verify_envelope(&fork.bytes, &world.roster).is_err());
}

#[test]
fn what_does_not_count_is_weighed_and_can_be_opened() {
    let mut world = World::new();
    let device = world.add(2, Role::Member);
    let guest = world.add(3, Role::Guest);
    let owner = world.owner.clone();
    let feed = feed_of(&mut world, &device, 2);
    let of_guest = world.seal(&guest, None);
    let of_stranger = world.seal(&keys(9), None);
    let what = What::Revoke(Revocation {
        feeds: vec![device.feed()],
        cuts: vec![cut_at(&feed[0])],
    });
    world.sign(&owner, what).expect("revoked");
    let nothing = Cut {
        feed: guest.feed(),
        sequence: 0,
        hash: EnvelopeHash::ZERO,
    };
    for (sealed, weight, is_held) in [
        (&feed[0], Weight::Counts, false),
        (&feed[1], Weight::Revoked(cut_at(&feed[0])), true),
        (&of_guest, Weight::Silenced(nothing), true),
        (&of_stranger, Weight::Unknown, false),
    ] {
        let (verified, found) = weigh_envelope(&sealed.bytes, &world.roster).expect("is true");
        assert_eq!(found, weight);
        assert_eq!(found.is_held(), is_held);
        assert_eq!(open_parts(&verified, &world.ring), Ok(parts()));
        let counts = verify_envelope(&sealed.bytes, &world.roster).is_ok();
        assert_eq!(counts, weight == Weight::Counts);
        let kept = verify_for_keeping(&sealed.bytes, &world.roster).is_ok();
        assert_eq!(kept, weight != Weight::Unknown);
    }
    // What was weighed once is weighed again when the roster has grown.
    let (verified, _) = weigh_envelope(&feed[1].bytes, &world.roster).expect("is true");
    let entry = world
        .roster
        .sign_cut_moved(&owner.signing, cut_at(&feed[1]), TIME_MS)
        .expect("signed");
    world.roster.append(&entry).expect("moved");
    assert_eq!(verified.weight(&world.roster), Weight::Counts);
}

#[test]
fn a_demotion_to_guest_names_a_cut() {
    let mut world = World::new();
    let device = world.add(2, Role::Member);
    let owner = world.owner.clone();
    let feed = feed_of(&mut world, &device, 2);
    let member = world.roster.device(&device.feed()).expect("known").member;
    let change = |role, cuts: Vec<Cut>| What::Role(RoleChange { member, role, cuts });
    world
        .sign(&owner, change(Role::Guest, vec![cut_at(&feed[0])]))
        .expect("demoted");
    assert!(verify_envelope(&feed[0].bytes, &world.roster).is_ok());
    assert!(matches!(
        verify_envelope(&feed[1].bytes, &world.roster),
        Err(EnvelopeError::RoleForbids { .. })
    ));
    world
        .sign(&owner, change(Role::Member, vec![]))
        .expect("promoted");
    assert!(verify_envelope(&feed[1].bytes, &world.roster).is_ok());
}

#[test]
fn a_run_is_proved_by_its_last_signature() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let feed = feed_of(&mut world, &owner, 4);
    let run: Vec<_> = feed.iter().map(|e| e.bytes.clone()).collect();
    let verified = verify_run(&run, &world.roster).expect("verified");
    assert_eq!(verified[3].cut(), cut_at(&feed[3]));

    let mut without_second = run.clone();
    without_second.remove(1);
    let error = verify_run(&without_second, &world.roster).expect_err("a gap");
    assert_eq!(error.index, 1);
    assert_eq!(error.source, EnvelopeError::NotNext { sequence: 3 });

    let mut unsigned = feed[3].envelope.clone();
    unsigned.signature = feed[2].envelope.signature;
    let mut forged = run.clone();
    forged[3] = unsigned.encode();
    let error = verify_run(&forged, &world.roster).expect_err("forged");
    assert_eq!(error.source, EnvelopeError::Signature { sequence: 4 });

    let none: [Vec<u8>; 0] = [];
    assert_eq!(
        verify_run(&none, &world.roster).expect_err("empty").source,
        EnvelopeError::EmptyRun
    );
}

#[test]
fn a_newer_envelope_waits() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let mut envelope = world.seal(&owner, None).envelope;
    envelope.header.min_reader = NEWER;
    envelope.header_bytes = envelope.header.encode().into();
    // Nobody makes an envelope wait that its feed did not sign.
    for verify in [verify_envelope, verify_for_passing, verify_for_keeping] {
        let error = verify(&envelope.encode(), &world.roster).expect_err("unsigned");
        assert_eq!(error, EnvelopeError::Signature { sequence: 1 });
        assert!(!error.waits());
    }
    envelope.signature = sign_as(
        1,
        protocol::domain::SIGN_ENVELOPE,
        envelope.hash().as_bytes(),
    );
    let error = verify_envelope(&envelope.encode(), &world.roster).expect_err("newer");
    assert_eq!(error, EnvelopeError::Newer { min_reader: NEWER });
    assert!(error.waits());
    // Who passes it on does not read it.
    let passed = verify_for_passing(&envelope.encode(), &world.roster).expect("is true");
    assert_eq!(passed.newer(), Some(NEWER));
    assert_eq!(
        open_parts(&passed, &world.ring),
        Err(OpenError::Newer { min_reader: NEWER })
    );
    let moved = rewrap(&passed, &draft(&world.roster), &owner).expect("wrapped");
    assert_eq!(moved.envelope.header.min_reader, NEWER);
    let run = [envelope.encode()];
    let error = verify_run(&run, &world.roster).expect_err("newer");
    assert_eq!(error.source, EnvelopeError::Newer { min_reader: NEWER });
}

#[test]
fn junk_signatures_neither_wait_nor_speak_against_a_device() {
    let mut world = World::new();
    let guest = world.add(2, Role::Guest);
    for author in [keys(9), guest] {
        let mut envelope = world.seal(&author, None).envelope;
        envelope.signature = protocol::Signature::ZERO;
        let error = verify_envelope(&envelope.encode(), &world.roster).expect_err("junk");
        assert_eq!(error, EnvelopeError::Signature { sequence: 1 });
        let error = verify_run(&[envelope.encode()], &world.roster).expect_err("junk");
        assert_eq!(error.source, EnvelopeError::Signature { sequence: 1 });
    }
}

#[test]
fn each_changed_field_is_refused() {
    let mut world = World::new();
    let owner = world.owner.clone();
    let good = world.seal(&owner, None).envelope;
    let changes: [fn(&mut Header); 8] = [
        |h| h.version = NEWER,
        |h| h.sequence = 2,
        |h| h.roster_head = protocol::RosterHash::ZERO,
        |h| h.batch = Some(protocol::BatchId::ZERO),
        |h| h.key_epoch = 2,
        |h| h.key_id = protocol::KeyId::ZERO,
        |h| h.parts.swap(0, 1),
        |h| h.parts[0] = protocol::PartHash::ZERO,
    ];
    for change in changes {
        let mut envelope = good.clone();
        change(&mut envelope.header);
        if envelope.header.sequence == 2 {
            envelope.header.previous = EnvelopeHash::from_bytes([1; 32]);
        }
        envelope.header_bytes = envelope.header.encode().into();
        let error = verify_envelope(&envelope.encode(), &world.roster).expect_err("changed");
        assert!(
            matches!(
                error,
                EnvelopeError::Signature { .. } | EnvelopeError::PartHash { .. }
            ),
            "{error}"
        );
    }
    let mut swapped = good.clone();
    swapped.parts.swap(0, 1);
    assert_eq!(
        verify_envelope(&swapped.encode(), &world.roster),
        Err(EnvelopeError::PartHash { index: 0 })
    );
}

proptest! {
    #[test]
    fn any_change_is_refused(
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
        keep in any::<prop::sample::Index>(),
    ) {
        let mut world = World::new();
        let owner = world.owner.clone();
        let sealed = world.seal(&owner, None);
        let mut bytes = sealed.bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(verify_envelope(&bytes, &world.roster).is_err());
        let cut = &sealed.bytes[..keep.index(sealed.bytes.len())];
        prop_assert!(Envelope::decode(cut).is_err());
    }

    #[test]
    fn any_sealed_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let world = World::new();
        let (name, key) = world.ring.newest().expect("a key");
        prop_assert!(vault::open_part(&bytes, &world.roster.workspace(), name.number, key).is_err());
    }
}
