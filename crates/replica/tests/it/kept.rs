//! What is kept of records: rows that open again, rows of another version, what a viewer elsewhere sees.

use jiff::civil::date;
use jiff::tz::TimeZone;
use model::home::Urgency;
use model::{Author, Kind, RecordId};
use replica::answers::ListQuery;
use replica::query::{self, Asked, Devices};
use replica::{Documents, ReplicaError};
use store::{Reading, StoreError};

use crate::acts::{capture, follow_up, set};
use crate::peers::{Peers, TODAY};

struct NoCodes;

impl Devices for NoCodes {
    fn code(&self, _: Author) -> String {
        String::new()
    }
}

fn ask<T>(peers: &Peers, zone: &str, ask: impl FnOnce(&Asked<'_>) -> T) -> T {
    let peer = &peers.all[0];
    let read = peer.store.read().unwrap();
    let asked = Asked {
        replica: &peer.replica,
        world: peer.replica.sight(&read),
        devices: &NoCodes,
        today: TODAY,
        zone: TimeZone::get(zone).unwrap(),
    };
    let answer = ask(&asked);
    asked.world.finish().unwrap();
    answer
}

fn inquiries(limit: usize, offset: usize) -> ListQuery {
    ListQuery {
        kind: Kind::Inquiry,
        filters: Vec::new(),
        sort: None,
        offset,
        limit,
        archived: false,
    }
}

fn titles(peers: &Peers, query: &ListQuery) -> Vec<String> {
    let answer = ask(peers, "UTC", |asked| query::list(asked, query).unwrap());
    let rows = answer.rows.into_iter();
    rows.map(|row| row.record.title).collect()
}

fn all_titles(peers: &Peers) -> Vec<String> {
    titles(peers, &inquiries(100, 0))
}

/// Writes the row of a record as nobody should.
fn write_row(peers: &Peers, record: RecordId, row: &[u8]) {
    let write = peers.all[0].store.write().unwrap();
    write.set_row(record.as_bytes(), row).unwrap();
    write.commit().unwrap();
}

#[test]
fn rows_of_other_rules_are_worked_out_anew_and_kept() {
    let mut peers = Peers::new(1, 1);
    for name in ["Mueller", "Schulze"] {
        peers.make(0, capture(name));
    }
    let before = all_titles(&peers);
    let write = peers.all[0].store.write().unwrap();
    write
        .set_meta("replica/rows", b"of another version")
        .unwrap();
    write.commit().unwrap();

    peers.reopen(0);
    assert!(!peers.all[0].replica.rows_are_kept());
    assert_eq!(all_titles(&peers), before);
    peers.make(0, capture("Kaiser"));
    peers.reopen(0);
    let is_kept = peers.all[0].replica.rows_are_kept();
    assert!(is_kept, "the next start reads what the last one kept");
    assert_eq!(all_titles(&peers).len(), 3);
    peers.assert_equal();
}

#[test]
fn a_row_that_is_damaged_anywhere_is_worked_out_anew() {
    let mut peers = Peers::new(2, 1);
    let record = peers.make(0, capture("Mueller"));
    let whole = peers.all[0].store.read().unwrap().row(record.as_bytes());
    let whole = whole.unwrap().expect("there is a row");
    let cut = (0..whole.len()).step_by(7).map(|length| &whole[..length]);
    for damaged in cut.chain([&b"no row"[..], &[0xff; 200]]) {
        write_row(&peers, record, damaged);
        peers.reopen(0);
        assert!(!peers.all[0].replica.rows_are_kept(), "{damaged:?}");
        assert_eq!(all_titles(&peers), ["Mueller, Erika Muster"]);
    }
    peers.assert_equal();
}

/// Documents on a disk that fails.
struct Failing;

impl Documents for Failing {
    fn kept_view(&self, _: RecordId) -> Result<Option<Vec<u8>>, StoreError> {
        Err(StoreError::Broken)
    }

    fn chunks(&self, _: RecordId) -> Result<Vec<Vec<u8>>, StoreError> {
        Err(StoreError::Broken)
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_answer() {
    let mut peers = Peers::new(4, 1);
    let record = peers.make(0, capture("Mueller"));
    peers.reopen(0);
    let answer = peers.all[0].replica.record(&Failing, record);
    let is_told = matches!(answer, Err(ReplicaError::Store(StoreError::Broken)));
    assert!(is_told, "{answer:?}");
}

#[test]
fn home_groups_by_the_day_of_whoever_looks() {
    let mut peers = Peers::new(5, 1);
    let inquiry = peers.make(0, capture("Mueller"));
    let member = peers.members[0];
    let task = peers.make(0, follow_up(inquiry, member));
    let urgency = |peers: &Peers, zone: &str, day| {
        let answer = ask(peers, zone, |asked| query::home(asked, member, day));
        answer.activities[0].urgency
    };
    // Planned in Berlin for half past midnight of the next day.
    peers.act(0, set(task, "when", "2026-11-24 00:30"));
    assert_eq!(
        urgency(&peers, "Europe/Berlin", TODAY),
        Urgency::NextSevenDays
    );
    assert_eq!(urgency(&peers, "America/New_York", TODAY), Urgency::Today);
    assert_eq!(urgency(&peers, "Asia/Tokyo", TODAY), Urgency::NextSevenDays);
    // A whole day is that day everywhere.
    peers.act(0, set(task, "when", "2026-11-24"));
    for zone in ["Europe/Berlin", "America/New_York", "Asia/Tokyo"] {
        let urgency = urgency(&peers, zone, date(2026, 11, 24));
        assert_eq!(urgency, Urgency::Today, "{zone}");
    }
}

#[test]
fn search_tells_the_line_in_which_most_was_found() {
    let mut peers = Peers::new(6, 1);
    let record = peers.make(0, capture("Mueller"));
    let note = "Called twice.\nWants the Förderanlage for line 39.";
    peers.act(0, set(record, "note", note));
    peers.act(0, set(record, "website", "line.example.com"));
    let search = |text: &str| ask(&peers, "UTC", |asked| query::search(asked, text, 5));
    let hits = search("förderanlage line 39");
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].found_in, "Wants the Förderanlage for line 39.");
    assert!(search("förderanlage line 40").is_empty());
}

#[test]
fn windows_of_a_list_are_pieces_of_the_whole() {
    let mut peers = Peers::new(8, 1);
    for number in 0..23 {
        peers.make(0, capture(&format!("Firm {}", number * 7 % 23)));
    }
    let sorts = [None, Some("title"), Some("company"), Some("number")];
    for field in sorts {
        for descending in [false, true] {
            let sort = field.map(|field| replica::answers::Sort {
                field: field.to_owned(),
                descending,
            });
            let query = |limit, offset| ListQuery {
                sort: sort.clone(),
                ..inquiries(limit, offset)
            };
            let whole = titles(&peers, &query(100, 0));
            assert_eq!(whole.len(), 23);
            let pieces = [0, 5, 10, 15, 20].map(|offset| titles(&peers, &query(5, offset)));
            assert_eq!(pieces.concat(), whole, "{sort:?}");
            assert!(titles(&peers, &query(0, 0)).is_empty());
            assert!(titles(&peers, &query(5, 23)).is_empty());
        }
    }
}

#[test]
fn a_refused_intent_leaves_rows_as_they_were() {
    let mut peers = Peers::new(7, 1);
    peers.make(0, capture("Mueller"));
    let before = all_titles(&peers);
    let nobody = RecordId::from_bytes([7; 16]);
    for intent in [
        set(nobody, "company", "Nobody"),
        capture(&"x".repeat(600_000)),
    ] {
        assert!(peers.try_act(0, intent).is_err());
    }
    assert_eq!(all_titles(&peers), before);
    peers.assert_equal();
}
