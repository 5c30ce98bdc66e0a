//! Envelopes: decoded, verified in all ways, opened.

use protocol::{
    Cursor, Cut, EnvelopeHash, FeedId, Header, Part, RosterHash, limits::MAX_FILE_BYTES,
    limits::MAX_TRANSACTION_BYTES,
};
use vault::{
    Weight, open_parts, verify_envelope, verify_for_keeping, verify_for_passing, verify_run,
    weigh_envelope,
};

use super::{
    Target, frames,
    keys::{Company, frame, part_hashes, seal, who},
    script::Script,
};

pub(super) const TARGET: Target = Target {
    name: "envelopes",
    about: "envelopes: decoded, verified, weighed, their parts opened",
    run,
    seeds,
    rounds: 1_500,
};

/// The most parts that a script seals.
const MAX_PARTS: usize = 6;

/// Reads the first byte as the way: 0 takes the rest as an envelope, anything else as a script that makes a run.
fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    if script.byte() == 0 {
        check(&[script.rest().to_vec()]);
        return;
    }
    let mut before: Option<Header> = None;
    let mut all: Vec<Vec<u8>> = Vec::new();
    while !script.is_over() && all.len() < 4 {
        let (header, bytes, signer) = make(&mut script, before);
        let taken = weigh_envelope(&bytes, &Company::get().roster);
        assert!(
            taken.is_err() || signer == header.feed,
            "a forged one is taken"
        );
        before = Some(header);
        all.push(bytes);
    }
    check(&all);
}

/// Makes an envelope that is right but for what the script says, and tells who signed it.
fn make(script: &mut Script<'_>, before: Option<Header>) -> (Header, Vec<u8>, FeedId) {
    let company = Company::get();
    let hand = script.below(who::COUNT);
    let mut header = company.header(hand);
    if let Some(before) = &before {
        header.sequence = script.near(before.sequence.wrapping_add(1));
        header.previous = EnvelopeHash::of(&before.encode());
    }
    spoil(script, &mut header);
    let parts = (0..script.below(MAX_PARTS))
        .map(|_| part(script, &header))
        .collect::<Vec<_>>();
    header.parts = part_hashes(&parts);
    if script.seldom() {
        header.parts.pop();
    }
    let mut parts: Vec<Option<Vec<u8>>> = parts.into_iter().map(Some).collect();
    if script.seldom() && !parts.is_empty() {
        let at = script.below(parts.len());
        parts[at] = None;
    }
    let signer = if script.seldom() {
        script.below(who::COUNT)
    } else {
        hand
    };
    let bytes = company.hands[signer].envelope(&header, parts);
    (header, bytes, company.hands[signer].keys.feed())
}

fn spoil(script: &mut Script<'_>, header: &mut Header) {
    let company = Company::get();
    match script.below(16) {
        0 => header.version = script.number() as u32,
        1 => header.min_reader = script.number() as u32,
        2 => header.workspace = protocol::WorkspaceId::from_bytes([script.byte(); 32]),
        3 => header.feed = company.hands[script.below(who::COUNT)].keys.feed(),
        4 => header.sequence = script.near(header.sequence),
        5 => header.previous = EnvelopeHash::from_bytes([script.byte(); 32]),
        6 => header.roster_head = RosterHash::from_bytes([script.byte(); 32]),
        7 => header.key_epoch = script.near(1) as u32,
        8 => header.key_id = protocol::KeyId::from_bytes(script.array()),
        9 => header.batch = Some(protocol::BatchId::from_bytes(script.array())),
        10 => {
            header.cursor = Some(Cursor {
                relay: protocol::RelayKey::from_bytes([script.byte(); 32]),
                epoch: protocol::LogEpoch::from_bytes([script.byte(); 16]),
                sequence: script.number(),
                running: protocol::LogHash::from_bytes([script.byte(); 32]),
            });
        }
        11 => {
            let mut old = company.header(script.below(who::COUNT));
            if script.seldom() {
                old.parts = vec![protocol::PartHash::from_bytes([script.byte(); 32])];
            }
            header.min_reader = 2;
            header.rescued = Some(protocol::Rescued {
                header: match script.seldom() {
                    true => script.some().to_vec().into(),
                    false => old.encode().into(),
                },
                signature: protocol::Signature::ZERO,
            });
        }
        _ => {}
    }
}

/// Makes a sealed part: a right one, or wrong in one of its layers.
fn part(script: &mut Script<'_>, header: &Header) -> Vec<u8> {
    let clear = |script: &mut Script<'_>| match script.below(5) {
        0 => script.some().to_vec(),
        1 => {
            let size = script.number().min(MAX_FILE_BYTES as u64 + 1);
            Part::file(vec![script.byte(); size as usize]).encode()
        }
        2 => {
            let count = script.number().min(5_000) as usize;
            let change = vec![script.byte(); script.below(256)];
            let record = protocol::RecordId::from_bytes([1; 16]);
            let changes = vec![change.into(); count];
            Part::Record { record, changes }.encode()
        }
        3 => vec![script.byte(); script.number().min(1 << 21) as usize],
        _ => {
            let record = protocol::RecordId::from_bytes(script.array());
            let changes = vec![script.some().into()];
            Part::Record { record, changes }.encode()
        }
    };
    let deflated = |bytes: &[u8]| miniz_oxide::deflate::compress_to_vec(bytes, 6);
    let framed = match script.below(8) {
        0 => return script.some().to_vec(),
        1 => script.some().to_vec(),
        2 => frame(script.byte(), &clear(script)),
        3 => frame(1, script.some()),
        4 => {
            let mut framed = frame(1, &deflated(&clear(script)));
            let at = script.below(8).min(framed.len() - 1);
            framed[at] = script.byte();
            framed
        }
        5 => frame(0, &clear(script)),
        _ => frame(1, &deflated(&clear(script))),
    };
    seal(&header.workspace, &framed)
}

/// Takes envelopes in each way that the project has, and holds the answers against each other.
fn check(all: &[Vec<u8>]) {
    let company = Company::get();
    let roster = &company.roster;
    let ring = company.ring(who::MEMBER);
    let stranger = company.ring(who::STRANGER);
    assert!(verify_run::<&[u8]>(&[], roster).is_err());
    let run = verify_run(all, roster);
    if let Ok(run) = &run {
        assert_eq!(run.len(), all.len());
        let first = run[0].cut().sequence;
        for (place, one) in (first..).zip(run) {
            assert_eq!(one.cut().sequence, place);
            assert_eq!(one.cut().feed, run[0].cut().feed);
        }
    }
    for bytes in all {
        let weighed = weigh_envelope(bytes, roster);
        let passing = verify_for_passing(bytes, roster);
        let keeping = verify_for_keeping(bytes, roster);
        let verified = verify_envelope(bytes, roster);
        let Ok((envelope, weight)) = weighed else {
            assert!(passing.is_err() && keeping.is_err() && verified.is_err());
            continue;
        };
        let Cut { sequence, .. } = envelope.cut();
        assert!(sequence > 0);
        assert_eq!(passing.is_ok(), weight == Weight::Counts);
        assert_eq!(keeping.is_ok(), weight != Weight::Unknown);
        if let Ok(Some(old)) = envelope.envelope().rescued() {
            assert_eq!(old.parts, envelope.envelope().parts);
            assert!(old.header.rescued.is_none());
            assert_eq!(protocol::Envelope::decode(&old.encode()), Ok(old));
        }
        let is_newer = envelope.newer().is_some();
        assert_eq!(verified.is_ok(), weight == Weight::Counts && !is_newer);
        let opened = open_parts(&envelope, &ring);
        if let Ok(parts) = &opened {
            assert!(!is_newer);
            let sum = |size: fn(&Part) -> usize| parts.iter().map(size).sum::<usize>();
            assert!(sum(|part| part.transaction_bytes()) <= MAX_TRANSACTION_BYTES);
            let of_files = |part: &Part| match part {
                Part::Record { .. } => 0,
                file => file.encode().len(),
            };
            assert!(parts.iter().map(of_files).sum::<usize>() <= MAX_FILE_BYTES + 4096 * 64);
        }
        assert!(
            open_parts(&envelope, &stranger).is_err(),
            "a stranger reads"
        );
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let company = Company::get();
    let mut all: Vec<Vec<u8>> = company
        .written
        .iter()
        .map(|one| one.bytes.clone())
        .chain(frames::golden(include_str!(
            "../../../protocol/tests/golden/envelopes.txt"
        )))
        .map(|bytes| [&[0][..], &bytes].concat())
        .collect();
    for way in 0..8_u8 {
        for clear in 0..5_u8 {
            all.push(vec![1, 2, 255, 2, way, clear, 40, 3, 60, 7, 7, 7, 7, 7, 7]);
        }
        // A run of one device: nothing spoilt, one right part each.
        all.push(
            [1].into_iter()
                .chain([2, 255, 1, 7, way, 0, 0, 0].repeat(4))
                .collect(),
        );
    }
    // Zeros that inflate to 2 MiB.
    all.push(vec![1, 2, 255, 1, 7, 3, 0, 224, 0, 0, 0]);
    all
}
