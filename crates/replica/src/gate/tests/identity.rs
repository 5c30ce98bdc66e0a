//! The first change of an actor names the record that it is for.

use model::plan::identity;
use model::register::Register;
use model::{IntentId, Kind, RecordId};

use super::*;

fn id(byte: u8) -> RecordId {
    RecordId::from_bytes([byte; 16])
}

fn naming(record: RecordId) -> Register {
    identity(
        Kind::Customer,
        record,
        IntentId::from_bytes([5; 16]).stamp(),
    )
}

/// Writes registers as one change, and asks for which of two records it passes.
fn passes(
    document: &mut Automerge,
    registers: &[(&str, Vec<u8>)],
) -> Vec<Result<Verdict, Rejection>> {
    let before = document.clone();
    let mut transaction = document.transaction();
    for (key, value) in registers {
        transaction.put(ROOT, *key, value.clone()).expect("it puts");
    }
    transaction.commit();
    let change = document.get_last_local_change().expect("it was made");
    let change = parse(change.raw_bytes(), &Limits::default()).expect("it parses");
    [id(1), id(2)]
        .map(|record| check(&change, &[prefix(1)], record, &before))
        .to_vec()
}

#[test]
fn a_first_change_fits_into_the_document_of_its_record_alone() {
    let one = naming(id(1)).as_bytes().to_vec();
    let other = naming(id(2)).as_bytes().to_vec();
    let name = ("name", vec![1]);
    let refused = |record| Err(Rejection::OtherRecord { record });

    let mut document = new_document().with_actor(actor(1, 0));
    assert_eq!(
        passes(&mut document, &[name, ("record", one.clone())]),
        [Ok(Verdict::Ready), refused(id(2))]
    );
    // What follows depends on the first, so it need not name the record again.
    assert_eq!(
        passes(&mut document, &[("name", vec![2])]),
        [Ok(Verdict::Ready), Ok(Verdict::Ready)]
    );
    // Another incarnation begins anew.
    document.set_actor(actor(1, 1));
    assert_eq!(
        passes(&mut document, &[("name", vec![3])]),
        [Err(Rejection::NamesNoRecord), Err(Rejection::NamesNoRecord)]
    );
    for value in [vec![0xa0], vec![7]] {
        let mut document = new_document().with_actor(actor(1, 0));
        assert_eq!(
            passes(&mut document, &[("record", value)]),
            [refused(id(1)), refused(id(2))]
        );
    }
    let mut document = new_document().with_actor(actor(1, 0));
    assert_eq!(
        passes(&mut document, &[("record", one), ("record", other)]),
        [refused(id(1)), refused(id(2))]
    );
}
