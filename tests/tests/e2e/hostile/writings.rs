//! What a member with a changed client writes, at somebody's real client.

use handschlag_tests::harness::{Admission, Person, RelayProcess, scratch};
use handschlag_tests::hostile::keys::{Company, INVITES_END_MS, frame, part_hashes, seal, who};
use handschlag_tests::hostile::wire::Wire;
use model::plan::{NoteEdit, RecordWrites};
use model::register::Register;
use model::{IntentId, Kind, RecordId, Value};
use protocol::{EnvelopeHash, Frame, Header, Part};
use replica::Document;
use replica::gate::draft::Draft;
use vault::{InviteLink, RelayOrigin};

/// The clock of the hostile device, ms since 1970.
const NOW_MS: i64 = 1_795_420_800_000;

/// A hostile device of a member, whose feed is in order whatever its envelopes hold.
struct Hostile {
    wire: Wire,
    last: Option<Header>,
    count: u8,
}

impl Hostile {
    fn actor(hand: usize) -> [u8; 20] {
        let prefix = vault::actor_prefix(&Company::get().hands[hand].keys.feed());
        let mut actor = [1; 20];
        actor[..12].copy_from_slice(&prefix);
        actor
    }

    /// Seals clear bytes as a part, compressed or not, and pushes them as the next envelope.
    fn push(&mut self, clear: &[u8], is_compressed: bool) {
        let company = Company::get();
        let hand = &company.hands[who::MEMBER];
        let mut header = company.header(who::MEMBER);
        if let Some(last) = &self.last {
            header.sequence = last.sequence + 1;
            header.previous = EnvelopeHash::of(&last.encode());
        }
        let framed = match is_compressed {
            true => frame(1, &miniz_oxide::deflate::compress_to_vec(clear, 9)),
            false => frame(0, clear),
        };
        let part = seal(&header.workspace, &framed);
        header.parts = part_hashes(std::slice::from_ref(&part));
        self.wire.push(&[hand.envelope(&header, vec![Some(part)])]);
        let sequence = header.sequence;
        self.wire.hear_where(
            |frame| matches!(frame, Frame::Stored(stored) if stored.cut.sequence == sequence),
        );
        self.last = Some(header);
    }

    fn push_change(&mut self, record: RecordId, change: Vec<u8>) {
        let record = protocol::RecordId::from_bytes(*record.as_bytes());
        let changes = vec![change.into()];
        self.push(&Part::Record { record, changes }.encode(), true);
    }

    /// An inquiry of a company of this name, as an honest client would write it.
    fn inquiry(&mut self, company: &str, hand: usize) -> (RecordId, Vec<u8>) {
        self.count += 1;
        let id = RecordId::fresh(NOW_MS, [self.count; 10]);
        let operation = IntentId::fresh(NOW_MS, [self.count; 10]);
        let name = Value::Text(company.to_owned());
        let register = Register::new(operation.stamp(), Some(name.to_map()));
        let writes = RecordWrites {
            id,
            kind: Kind::Inquiry,
            registers: [("company".to_owned(), register)].into(),
            note: Some(NoteEdit::Become("x".repeat(50))),
        };
        let mut document = Document::new(id);
        let written = document.write(Self::actor(hand), NOW_MS, operation, &writes);
        (id, written.expect("it writes").bytes)
    }
}

/// Lets a person join the company, whose owner is played by hand.
fn joined(relay: &RelayProcess, home: &std::path::Path) -> Person {
    let company = Company::get();
    let link = InviteLink {
        origin: RelayOrigin::parse(&relay.url()).expect("is an origin"),
        workspace: company.roster.workspace(),
        secret: company.invite.clone(),
    };
    let person = Person::at("Rep B", home);
    person.ok(&["join", &link.to_text()]);
    person
}

#[test]
fn what_a_hostile_member_writes_is_set_aside_and_holds_up_nobody() {
    assert!(u64::try_from(NOW_MS).is_ok_and(|now_ms| now_ms < INVITES_END_MS));
    let folder = scratch();
    let relay = RelayProcess::start(folder.path(), Admission::Open);
    let url = relay.url();
    let address = url.strip_prefix("http://").expect("is an origin");
    let company = Company::get();
    let (wire, _) = Wire::enter(address, &company.hands[who::MEMBER], &company.roster);
    let mut hostile = Hostile {
        wire,
        last: None,
        count: 0,
    };

    // First something honest, then everything that is not, then something honest again.
    let (id, change) = hostile.inquiry("Ehrlich AG", who::MEMBER);
    hostile.push_change(id, change);
    hostile.push(b"this is no part", false);
    hostile.push(&vec![0; 64 << 20], true);
    let (id, change) = hostile.inquiry("Fremd AG", who::OWNER);
    hostile.push_change(id, change);
    let (id, change) = hostile.inquiry("Lose AG", who::MEMBER);
    let mut draft = Draft::of(&change);
    draft.deps[0].0 = [9; 32];
    hostile.push_change(id, draft.bytes());
    let mut draft = Draft::of(&change);
    for (spec, bytes) in &mut draft.columns {
        *spec |= 8;
        *bytes = miniz_oxide::deflate::compress_to_vec(&vec![0; 16 << 20], 9);
    }
    hostile.push_change(id, draft.bytes());
    let (other, _) = hostile.inquiry("Andere AG", who::MEMBER);
    hostile.push_change(other, change);
    hostile.push_change(other, vec![0xff; 2000]);
    let (id, change) = hostile.inquiry("Zuletzt AG", who::MEMBER);
    hostile.push_change(id, change);

    let person = joined(&relay, &folder.path().join("rep-b"));
    person.ok(&["sync"]);
    let list = person.ok(&["list", "inquiry"]);
    for shown in ["Ehrlich AG", "Zuletzt AG"] {
        assert!(list.contains(shown), "{shown} is there:\n{list}");
    }
    for hidden in ["Fremd AG", "Lose AG", "Andere AG"] {
        assert!(!list.contains(hidden), "{hidden} is not there:\n{list}");
    }
    let status = person.json(&["status"]);
    let count = |name: &str| status[name].as_array().map_or(0, Vec::len);
    assert_eq!(
        (count("quarantined"), count("waiting")),
        (6, 1),
        "{status:#}"
    );
    for one in status["quarantined"].as_array().into_iter().flatten() {
        assert!(
            one["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{one}"
        );
    }

    // The person works on, and what he writes reaches the others.
    person.ok(&["capture", "--company", "Neu AG"]);
    person.ok(&["sync"]);
    assert_eq!(person.json(&["status"])["only_here"], 0);
    let (mut owner, welcome) = Wire::enter(address, &company.hands[who::OWNER], &company.roster);
    assert!(welcome.sequence > 9);
    owner.hear_where(|frame| matches!(frame, Frame::Log(log) if !log.items.is_empty()));
}
