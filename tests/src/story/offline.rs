//! What the three do while nobody can reach the relay.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::agreement::rows;
use super::cast::Cast;
use super::told::Stage;
use crate::harness::{Person, RealData, written_cards};

/// The fair that A and B are at.
pub(super) const FAIR: &str = "Hannover Messe";
/// What C's number is after the edit.
pub(super) const PHONE: &str = "+49 511 9988776";
/// What C adds to the note.
pub(super) const NOTE: &str = "hat nach Ersatzteilen gefragt";
/// Why C disqualifies.
pub(super) const REASON: &str = "kein Bedarf vor Ostern";
/// What B's call is about.
pub(super) const CALL: &str = "Preis der Anlage besprochen";

/// An inquiry that all three have.
pub(super) struct Inquiry {
    pub(super) id: String,
    pub(super) number: String,
}

/// What was done while everyone was alone.
pub(super) struct Work {
    pub(super) inquiry: Inquiry,
    pub(super) customer: Made,
    pub(super) contact: Made,
    pub(super) sales_project: Made,
    /// The issued offer.
    pub(super) issued: String,
    /// How A's machine showed the issued offer when it was sent.
    pub(super) as_sent: Value,
    /// The activities that A, B and C each have to do.
    pub(super) own: [String; 3],
    /// How many contacts A and B imported.
    pub(super) imported: [usize; 2],
}

/// A record that a conversion made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) number: String,
}

/// Lets A capture an inquiry and everyone get it.
pub(super) fn capture(stage: &mut Stage<'_>, cast: &Cast) -> Inquiry {
    stage.chapter("A captures an inquiry, and all get it");
    let args = [
        "capture",
        "--company",
        stage.secret("Nordwind Pumpen GmbH"),
        "--contact",
        stage.secret("Grete Überwasser"),
        "--origin",
        "trade-fair",
        "--phone",
        stage.secret("mobile:+49 170 1234567"),
        "--email",
        stage.secret("grete@nordwind.example"),
        "--note",
        stage.secret("sucht zwei Anlagen X-200"),
        "--priority",
        "A",
        "--follow-up",
        "+3d 9:30",
    ];
    for word in ["+49 170 1234567", "Überwasser", "Nordwind"] {
        stage.secrets.add(word);
    }
    let id = cast.a.ok(&args);
    assert!(
        id.len() == 32 && id.chars().all(|letter| letter.is_ascii_hexdigit()),
        "capture prints the id alone: {id}"
    );
    stage.did(&cast.a, &args, &id);
    let call = stage.secret("Erstes Gespräch am Stand");
    stage.does(&cast.a, &["call", &id, call]);
    cast.meet(stage);
    let number = |who: &Person| {
        let shown = who.json(&["show", &id]);
        text(&shown, "number")
    };
    let number = [number(&cast.a), number(&cast.b), number(&cast.c)];
    assert!(
        number
            .iter()
            .all(|one| *one == number[0] && one.starts_with("AF-")),
        "{number:?}"
    );
    let [number, ..] = number;
    Inquiry { id, number }
}

/// Lets everyone work while the relay is away.
pub(super) fn work(
    stage: &mut Stage<'_>,
    cast: &mut Cast,
    folder: &Path,
    inquiry: Inquiry,
) -> Work {
    stage.chapter("All are offline");
    cast.relay.stop();
    let imported = import(stage, cast, folder);

    stage.chapter("A and B convert the same inquiry, neither knows of the other");
    let by_a = convert(stage, &cast.a, &inquiry);
    let by_b = convert(stage, &cast.b, &inquiry);
    assert_eq!(
        by_a, by_b,
        "both conversions make the same records with the same numbers"
    );
    let [customer, contact, sales_project] = by_a;

    let (issued, as_sent) = offer(stage, &cast.a, &sales_project);
    stage.chapter("B negotiates, C disqualifies");
    stage.does(&cast.b, &["phase", &sales_project.number, "negotiation"]);
    let call = stage.secret(CALL);
    stage.does(&cast.b, &["call", &sales_project.number, call]);
    disqualify(stage, &cast.c, &inquiry);
    let own = plans(stage, cast, &sales_project, &inquiry);

    for who in cast.people() {
        let status = who.json(&["status"]);
        assert!(status["only_here"].as_u64() > Some(0), "{status}");
        let failure = who.refused(&["sync", "--timeout", "2"]);
        assert!(failure["way_out"].is_string(), "{failure}");
    }
    stage.holds(
        "each can say how many changes are only on the own device, and sync says what is missing",
    );
    Work {
        inquiry,
        customer,
        contact,
        sales_project,
        issued,
        as_sent,
        own,
        imported,
    }
}

/// A and B import the contacts of one fair: real ones where there are some.
fn import(stage: &mut Stage<'_>, cast: &Cast, folder: &Path) -> [usize; 2] {
    let fair = stage.secret(FAIR);
    stage.chapter("A and B import their contacts of one fair");
    let mut files = match RealData::find() {
        Some(data) => data.cards(),
        None => written_cards(&folder.join("cards"), 6, 20),
    };
    // Both met those of the first file.
    let others = files.split_off(files.len() / 2);
    let mut of_b = others;
    of_b.push(files[0].clone());
    let mut count = |who: &Person, files: &[PathBuf]| {
        let paths: Vec<&str> = files.iter().filter_map(|path| path.to_str()).collect();
        let flags = ["--event", fair, "--origin", "trade-fair"];
        let args: Vec<&str> = ["import"].into_iter().chain(paths).chain(flags).collect();
        let imported = who.json(&args);
        let records = imported["records"].as_array().map_or(0, Vec::len);
        let transactions = imported["transactions"].as_u64().unwrap_or(u64::MAX);
        assert!(records > 10 && transactions < 10, "{imported}");
        let said = format!("{records} contacts in {transactions} transactions");
        stage.did(who, &["import", "*.vcf", "--event", fair], &said);
        records
    };
    [count(&cast.a, &files), count(&cast.b, &of_b)]
}

fn convert(stage: &mut Stage<'_>, who: &Person, inquiry: &Inquiry) -> [Made; 3] {
    let converted = stage.does(who, &["convert", &inquiry.number]);
    let made = |kind: &str| {
        let record = converted["named"]
            .as_array()
            .and_then(|named| named.iter().find(|record| record["kind"] == kind))
            .unwrap_or_else(|| panic!("converting makes a {kind}: {converted}"));
        Made {
            id: text(record, "id"),
            number: record["number"].as_str().unwrap_or_default().to_owned(),
        }
    };
    let [customer, contact, project] = [
        made("customer"),
        made("contact-person"),
        made("sales-project"),
    ];
    let series = inquiry.number.trim_start_matches("AF");
    assert_eq!(customer.number, format!("KD{series}"));
    assert_eq!(project.number, format!("VP{series}"));
    [customer, contact, project]
}

fn offer(stage: &mut Stage<'_>, a: &Person, project: &Made) -> (String, Value) {
    stage.chapter("A sends an offer with three lines and VAT");
    let items = [
        stage.secret("Anlage X-200;2;piece;12500;5;19"),
        stage.secret("Inbetriebnahme;8;hour;120;0;19"),
        stage.secret("Handbuch, gedruckt;3;piece;24.95;0;7"),
    ];
    for word in ["Anlage X-200", "Inbetriebnahme", "Handbuch, gedruckt"] {
        stage.secrets.add(word);
    }
    let args = [
        "offer",
        &project.number,
        "--item",
        items[0],
        "--item",
        items[1],
        "--item",
        items[2],
        "--valid-until",
        "+30d",
    ];
    let drafted = stage.does(a, &args);
    let sent = stage.does(a, &["send", &text(&drafted, "id")]);
    let issued = sent["named"]
        .as_array()
        .and_then(|named| named.iter().find(|record| record["kind"] == "issued-offer"))
        .unwrap_or_else(|| panic!("sending makes an issued offer: {sent}"));
    let issued = text(issued, "id");
    let as_sent = a.json(&["show", &issued]);
    let totals = &as_sent["totals"];
    // 2 x 12500 less 5 %, 8 x 120, 3 x 24.95; 19 % of 24710.00 and 7 % of 74.85.
    assert_eq!(
        (&totals["net"], &totals["gross"]),
        (&2_478_485.into(), &2_948_499.into()),
        "net and gross in cents: {totals}"
    );
    stage.holds("net, VAT per rate and gross are right to the cent");
    (issued, as_sent)
}

fn disqualify(stage: &mut Stage<'_>, c: &Person, inquiry: &Inquiry) {
    let reason = stage.secret(REASON);
    stage.does(c, &["disqualify", &inquiry.number, "--reason", reason]);
    let phone = format!("phone=work:{}", stage.secret(PHONE));
    let note = format!("note+={}", stage.secret(NOTE));
    stage.does(c, &["set", &inquiry.number, &phone, &note]);
}

/// Lets each plan something of his own.
fn plans(stage: &mut Stage<'_>, cast: &Cast, project: &Made, inquiry: &Inquiry) -> [String; 3] {
    let mut plan = |who: &Person, args: &[&str]| text(&stage.does(who, args), "id");
    [
        plan(
            &cast.a,
            &[
                "appointment",
                &project.number,
                "Vorführung im Werk",
                "--on",
                "+4d 10:00",
            ],
        ),
        plan(
            &cast.b,
            &[
                "task",
                &project.number,
                "Angebot nachfassen",
                "--on",
                "tomorrow",
            ],
        ),
        plan(
            &cast.c,
            &[
                "follow-up",
                &inquiry.number,
                "Nach Ostern melden",
                "--on",
                "+10d",
            ],
        ),
    ]
}

/// Gives a text of a JSON value.
#[track_caller]
pub(super) fn text(value: &Value, field: &str) -> String {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("there is a text '{field}' in {value}"))
        .to_owned()
}

/// Gives the only row of a list.
#[track_caller]
pub(super) fn only_row(list: &Value) -> &Value {
    assert_eq!(rows(list).len(), 1, "one and no more: {list:#}");
    &list["rows"][0]
}
