//! Editing by hand, activities, files.

use super::Told;
use crate::id::FileHash;
use crate::intent::{Assignment, Input, Intent, MAX_FILE_BYTES, NewActivity};
use crate::note::MAX_NOTE_EDIT;
use crate::role::Role;
use crate::trial::*;
use crate::value::{Planned, Value};
use crate::world::World;

pub(super) fn walk(told: &mut Told) {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    walk_fields(told, &mut device);
    walk_values(told, &mut device);
    walk_standing(told, &mut device);
    let text = String::new();
    let done = device.try_act(Intent::AppendNote {
        record: inquiry,
        text,
    });
    told.refused(done, "missing", "the text is missing", "say what");
    let long = "x".repeat(MAX_NOTE_EDIT + 1);
    let done = device.try_act(set(inquiry, "note", &*long));
    told.refused(
        done,
        "too-large",
        "more than one transaction",
        "smaller steps",
    );
    let mut rep = device.other(2, Role::Member);
    let settings = device.settings_id();
    for guarded in [settings, member(1)] {
        let done = rep.try_act(set(guarded, "name", "Other"));
        told.refused(
            done,
            "role",
            "may not change members or settings",
            "handschlag members",
        );
    }
    let records = vec![inquiry, settings];
    let fields = vec![Assignment::set("name", "Other")];
    let done = rep.try_act(Intent::EditMany { records, fields });
    told.refused(done, "role", "your role member", "ask an admin");
}

fn walk_fields(told: &mut Told, device: &mut Device) {
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let project = device.project("Nord Pumpen GmbH");
    let (_, issued) = device.sent(project);
    let order = device.make(win(project));
    for (record, field, way) in [
        (inquiry, "number", "numbers are given"),
        (inquiry, "status", "handschlag disqualify"),
        (inquiry, "captured-by", "it follows"),
        (inquiry, "file", "handschlag attach"),
        (project, "status", "handschlag phase"),
        (order, "status", "handschlag confirm"),
        (issued, "name", "handschlag send"),
    ] {
        let says = format!("'{}' is not set by hand", field.replace('-', " "));
        told.refused(
            device.try_act(set(record, field, "x")),
            "not-by-hand",
            &says,
            way,
        );
    }
    for field in ["colour", "life", "aside"] {
        let says = format!("inquiry has no field '{field}'");
        let done = device.try_act(set(inquiry, field, "x"));
        told.refused(done, "no-such-field", &says, "job_title");
    }
    let done = device.try_act(edit(inquiry, Assignment::add("job_title", "x")));
    told.refused(
        done,
        "not-a-list",
        "nothing can be added to it",
        "set ID job_title=",
    );
    for field in ["company", "note"] {
        let done = device.try_act(edit(inquiry, Assignment::remove(field, "x")));
        told.refused(
            done,
            "not-a-list",
            "nothing can be removed from it",
            "handschlag set",
        );
    }
    let way = format!("handschlag show {}", inquiry.short());
    for change in [
        Assignment::remove("tag", "hot"),
        Assignment::set("phone/0000000000000000", "1"),
        Assignment::set(&format!("custom/{}", "x".repeat(60)), "1"),
    ] {
        let done = device.try_act(edit(inquiry, change));
        told.refused(done, "no-such-entry", "is not among the entries of", &way);
    }
}

fn walk_values(told: &mut Told, device: &mut Device) {
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let settings = device.settings_id();
    device.act(set(
        settings,
        "define/size",
        "Size;inquiry;choice;small,large",
    ));
    let flag = || Input::Value(Value::Flag(true));
    for (record, change, says) in [
        (
            inquiry,
            Assignment::set("priority", "D"),
            "one of A, B, C is expected",
        ),
        (
            inquiry,
            Assignment::set("priority", Value::Text("D".into())),
            "of another form",
        ),
        (
            inquiry,
            Assignment::set("company", flag()),
            "of another form",
        ),
        (
            inquiry,
            Assignment::set("note", flag()),
            "a text is expected",
        ),
        (
            inquiry,
            Assignment::add("phone", "none"),
            "a phone number has digits",
        ),
        (inquiry, Assignment::set("custom", "x"), "name the entry"),
        (inquiry, Assignment::set("custom/size", "huge"), "small"),
        (
            inquiry,
            Assignment::remove("tag", flag()),
            "name the entry by its text",
        ),
        (
            settings,
            Assignment::set("prefix/AF", "A-B"),
            "up to six letters",
        ),
    ] {
        told.refused(device.try_act(edit(record, change)), "bad-value", says, "");
    }
    let done = device.try_act(set(inquiry, "responsible", "nobody"));
    told.refused(done, "bad-id", "'nobody' is not an id", "handschlag search");
    let done = device.try_act(set(inquiry, "event", &*member(1).to_string()));
    told.refused(
        done,
        "wrong-kind",
        "is no event, it is of kind member",
        "handschlag list",
    );
    let nothing = crate::id::RecordId::from_bytes([0xee; 16]);
    let done = device.try_act(set(inquiry, "responsible", Value::Reference(nothing)));
    told.refused(
        done,
        "no-such-record",
        "there is no record eeeeeeee",
        "handschlag search",
    );
    let project = device.project("Nord Pumpen GmbH");
    device.act(win(project));
    let delivery = crate::id::RecordId::project_of(project);
    let done = device.try_act(set(delivery, "status", "asleep"));
    told.refused(
        done,
        "no-such-status",
        "there are planned, running, done",
        "",
    );
}

/// What is archived, undone or merged is not changed; the refusal tells records of one name apart.
fn walk_standing(told: &mut Told, device: &mut Device) {
    let archived = device.inquiry("Nord Pumpen GmbH");
    device.act(Intent::Archive { record: archived });
    let number = device.view(archived).text("number").to_owned();
    let says = format!("Nord Pumpen GmbH, Family ({number}) is archived");
    let way = format!("handschlag restore {}", archived.short());
    told.refused(
        device.try_act(set(archived, "company", "x")),
        "archived",
        &says,
        &way,
    );
    let undone = device.inquiry("Nord Pumpen GmbH");
    device.act(undo_of(device.last()));
    let done = device.try_act(set(undone, "company", "x"));
    let way = format!("handschlag history {}", undone.short());
    told.refused(done, "undone", "what made Nord Pumpen GmbH", &way);
    let (survivor, loser) = (device.inquiry("Nord GmbH"), device.inquiry("Nord GmbH"));
    device.act(Intent::Merge { survivor, loser });
    let number = device.view(survivor).text("number").to_owned();
    let says = format!("was merged into Nord GmbH, Family ({number})");
    let way = format!("handschlag show {}", survivor.short());
    told.refused(
        device.try_act(set(loser, "company", "x")),
        "merged",
        &says,
        &way,
    );
}

pub(super) fn walk_activities(told: &mut Told) {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let new = |activity: &str| NewActivity {
        activity: activity.to_owned(),
        regards: vec![inquiry],
        subject: "prices".to_owned(),
        ..NewActivity::default()
    };
    let (call, task) = (new("call"), new("task"));
    let with = |change: &dyn Fn(&mut NewActivity)| {
        let mut changed = call.clone();
        change(&mut changed);
        changed
    };
    for (new, says) in [
        (new("party"), "one of call, email"),
        (
            with(&|one| one.direction = Some("up".into())),
            "one of in, out",
        ),
        (with(&|one| one.duration_min = Some(-1)), "not negative"),
        (with(&|one| one.reminder_min = Some(-1)), "not negative"),
    ] {
        told.refused(
            device.try_act(Intent::AddActivity(new)),
            "bad-value",
            says,
            "",
        );
    }
    for (new, says, way) in [
        (
            with(&|one| one.regards.clear()),
            "the record it regards",
            "handschlag note ID",
        ),
        (new("follow-up"), "the date of the follow-up", "--on DATE"),
        (
            NewActivity {
                subject: String::new(),
                ..task.clone()
            },
            "the text",
            "say what",
        ),
    ] {
        told.refused(
            device.try_act(Intent::AddActivity(new)),
            "missing",
            says,
            way,
        );
    }
    let gone = device.inquiry("Gone GmbH");
    device.act(undo_of(device.last()));
    let done = device.try_act(Intent::AddActivity(with(&|one| one.regards = vec![gone])));
    told.refused(done, "undone", "Gone GmbH", "handschlag history");
    let done = device.try_act(Intent::Complete {
        activity: inquiry,
        all: false,
    });
    told.refused(done, "wrong-kind", "is no activity", "handschlag list");
    let activity = device.make(Intent::AddActivity(task));
    let done = device.try_act(Intent::Reopen { activity });
    told.refused(done, "not-open", "is open already", "");
    device.act(Intent::Complete {
        activity,
        all: false,
    });
    let done = device.try_act(Intent::Complete {
        activity,
        all: false,
    });
    told.refused(done, "not-open", "is done already", "handschlag reopen");
    let until = Planned {
        date: jiff::civil::date(2026, 11, 22),
        time: None,
        zone: String::new(),
    };
    let done = device.try_act(Intent::Postpone { activity, until });
    told.refused(done, "bad-value", "the date is past", "");
}

pub(super) fn walk_files(told: &mut Told) {
    let mut device = Device::founded();
    let inquiry = device.inquiry("Nord Pumpen GmbH");
    let project = device.project("Nord Pumpen GmbH");
    let (_, issued) = device.sent(project);
    let hash = FileHash::from_bytes([7; 32]);
    let attach = |record, name: &str, media_type: &str, size| Intent::Attach {
        record,
        hash,
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        size,
    };
    for (intent, code, says, way) in [
        (
            attach(inquiry, "a/b", "", 1),
            "bad-file-name",
            "'a/b' is no name",
            "--name NAME",
        ),
        (
            attach(inquiry, "a", "\u{e4}", 1),
            "bad-value",
            "image/png",
            "",
        ),
        (
            attach(inquiry, "a", "", 0),
            "empty-file",
            "a is empty",
            "holds something",
        ),
        (
            attach(inquiry, "a", "", MAX_FILE_BYTES + 1),
            "file-too-large",
            "bytes, at most",
            "smaller",
        ),
        (
            attach(issued, "a", "", 1),
            "not-by-hand",
            "'file'",
            "the offer",
        ),
        (
            Intent::Detach {
                record: inquiry,
                hash,
            },
            "not-attached",
            "no file 07070707",
            "handschlag show",
        ),
    ] {
        told.refused(device.try_act(intent), code, says, way);
    }
    device.act(attach(inquiry, "card.png", "image/png", 1));
    let done = device.try_act(attach(inquiry, "visit.png", "image/png", 1));
    told.refused(done, "attached-already", "as card.png", "handschlag detach");
    let mut rep = device.other(2, Role::Member);
    let done = rep.try_act(attach(member(1), "a", "", 1));
    told.refused(done, "role", "may not change members", "handschlag members");
}

#[test]
fn refusals() {
    walk(&mut Told::default());
}

#[test]
fn refusals_of_activities() {
    walk_activities(&mut Told::default());
}

#[test]
fn refusals_of_files() {
    walk_files(&mut Told::default());
}
