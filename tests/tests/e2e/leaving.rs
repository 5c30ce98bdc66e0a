//! People who go, and what they leave.

use serde_json::Value;

use crate::surroundings::{company, has_way_out, ids, synced, text};

fn code_of(who: &handschlag_tests::harness::Person) -> String {
    text(&who.json(&["status"])["workspace"], "device")
}

#[test]
fn a_device_that_is_revoked_while_it_is_away_loses_nothing_and_learns_nothing() {
    let company = company();
    let a = &company.owner;
    let (b, c) = (
        company.joins("Rep B", "b", "member"),
        company.joins("Rep C", "c", "member"),
    );
    let sent = b.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    synced(&b);
    synced(a);
    let code = code_of(&b);
    // B works offline while A revokes its device.
    let unsent = b.ok(&["capture", "--company", "Spaeter GmbH"]);
    let revoked = a.json(&["revoke", &code]);
    let device = &revoked["devices"][0];
    assert_eq!(
        (&device["code"], &device["is_revoked"]),
        (&code.clone().into(), &true.into())
    );
    let told = a.refused(&["revoke", &code]);
    assert_eq!(text(&told, "code"), "revoked-already");
    has_way_out(&told);
    let secret = a.ok(&["capture", "--company", "Geheim GmbH"]);
    synced(a);

    // B meets the relay: it is told, what it tried is held, and it locks.
    let error = b.refused(&["sync"]);
    assert_eq!(text(&error, "code"), "revoked");
    assert!(
        text(&error, "reason").contains("Rep A (device A)"),
        "{error}"
    );
    has_way_out(&error);
    for command in [
        &["list", "inquiry"][..],
        &["show", &sent],
        &["capture", "--company", "Nie GmbH"],
        &["members"],
        &["export"],
    ] {
        assert_eq!(text(&b.refused(command), "code"), "revoked");
    }
    assert_eq!(b.json(&["status"])["own_held"], 1);

    // A sees what is held and in it, also without the relay; nobody else has it.
    synced(a);
    assert_eq!(a.json(&["status"])["held"], 1);
    let held = a.json(&["held"]);
    let one = &held[0]["transactions"][0];
    assert_eq!(text(&held[0], "name"), "Rep B");
    assert_eq!(text(&one["records"][0], "id"), unsent, "{held}");
    let line = |line: &Value| line["field"] == "company" && line["after"] == "Spaeter GmbH";
    assert!(
        one["lines"].as_array().expect("lines").iter().any(line),
        "{held}"
    );
    assert!(a.ok(&["held"]).contains("Spaeter GmbH"));
    synced(&c);
    let mut before = [sent.clone(), secret.clone()];
    before.sort();
    let listed = |who: &handschlag_tests::harness::Person| {
        let mut all = ids(who, "inquiry");
        all.sort();
        all
    };
    assert_eq!(listed(&c), before);
    assert_eq!(text(&c.refused(&["held"]), "code"), "role");

    // Accepted, it is everywhere.
    let accepted = a.json(&["accept-held", &code]);
    assert_eq!(
        (&accepted["held"], &accepted["name"]),
        (&0.into(), &"Rep B".into())
    );
    synced(a);
    synced(&c);
    assert!(listed(&c).contains(&unsent));
    handschlag_tests::story::all_agree(&[a, &c]);
    assert_eq!(a.json(&["held"]), serde_json::json!([]));
    // B still is locked, and its store holds nothing of what came later.
    assert_eq!(text(&b.refused(&["sync"]), "code"), "revoked");
    assert_eq!(text(&b.refused(&["show", &secret]), "code"), "revoked");
    let members = a.ok(&["members"]);
    assert!(members.contains("revoked"), "{members}");
}

#[test]
fn who_becomes_a_guest_while_away_is_told_and_goes_on_reading() {
    let company = company();
    let a = &company.owner;
    let b = company.joins("Rep B", "b", "member");
    let first = b.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    synced(&b);
    synced(a);
    let later = b.ok(&["capture", "--company", "Spaeter GmbH"]);
    let changed = a.json(&["role", "Rep B", "guest"]);
    assert_eq!(
        (&changed["name"], &changed["role"]),
        (&"Rep B".into(), &"guest".into())
    );
    let synced_b = b.json(&["sync"]);
    assert_eq!(
        (&synced_b["complete"], &synced_b["held"]),
        (&true.into(), &1.into())
    );
    assert_eq!(b.json(&["status"])["role"], "guest");
    b.ok(&["show", &later]);
    let error = b.refused(&["note", &first, "nur so"]);
    assert_eq!(text(&error, "code"), "role");
    has_way_out(&error);
    synced(a);
    assert_eq!(a.json(&["held"])[0]["reason"], "role");
    assert_eq!(ids(a, "inquiry"), [first.as_str()]);
    // With the role back, all of it counts.
    a.ok(&["role", "Rep B", "member"]);
    synced(a);
    synced(&b);
    b.ok(&["note", &later, "wieder da"]);
    synced(&b);
    synced(a);
    assert_eq!(text(&a.json(&["history", &later])[0], "author"), "Rep B");
    handschlag_tests::story::all_agree(&[a, &b]);
}

#[test]
fn only_admins_decide_and_every_refusal_has_a_way_out() {
    let company = company();
    let b = company.joins("Rep B", "b", "member");
    for command in [
        &["role", "Rep A", "guest"][..],
        &["revoke", "A"],
        &["held"],
        &["accept-held", "A"],
    ] {
        let error = b.refused(command);
        assert_eq!(text(&error, "code"), "role", "{error}");
        has_way_out(&error);
    }
    for (command, code) in [
        (&["role", "Rep A", "guest"][..], "own-role"),
        (&["role", "Rep A", "owner"], "own-role"),
        (&["role", "Rep B", "member"], "same-role"),
        (&["revoke", "A"], "own-device"),
        (&["accept-held", "Z9"], "no-such-device"),
        (&["accept-held", "B"], "nothing-held"),
    ] {
        let error = company.owner.refused(command);
        assert_eq!(text(&error, "code"), code, "{command:?}: {error}");
        has_way_out(&error);
    }
}

#[test]
fn an_admin_who_has_not_synced_names_who_has_just_joined() {
    let company = company();
    let b = company.joins("Rep B", "b", "admin");
    synced(&b);
    company.joins("Rep C", "c", "member");
    // B knows neither name nor code; the relay is met before that is said.
    let changed = b.json(&["role", "Rep C", "guest"]);
    assert_eq!(changed["role"], "guest", "{changed}");
    company.joins("Rep D", "d", "member");
    let link = b.ok(&["invite", "--member", "Rep D"]);
    company.empty_home("d2").ok(&["join", &link]);
    company.joins("Rep E", "e", "member");
    let revoked = b.json(&["revoke", "Rep E"]);
    assert_eq!(text(&revoked, "name"), "Rep E");
    let f = company.joins("Rep F", "f", "member");
    assert_eq!(text(&b.json(&["revoke", &code_of(&f)]), "name"), "Rep F");
    let unknown = b.refused(&["role", "Rep Z", "guest"]);
    assert_eq!(text(&unknown, "code"), "no-such-record");
    has_way_out(&unknown);
}

#[test]
fn without_the_relay_who_is_unknown_may_be_new_there() {
    let mut company = company();
    let b = company.joins("Rep B", "b", "admin");
    synced(&b);
    company.relay.kill();
    for command in [
        &["role", "Rep C", "guest"][..],
        &["revoke", "Z9"],
        &["revoke", "Rep C"],
        &["accept-held", "C"],
        &["invite", "--member", "Rep C"],
    ] {
        let error = b.refused(command);
        let way_out = text(&error, "way_out");
        assert!(way_out.contains("handschlag sync"), "{command:?}: {error}");
    }
}

#[test]
fn members_tells_the_last_contact_beside_the_last_transaction() {
    let company = company();
    let b = company.joins("Rep B", "b", "member");
    b.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    synced(&b);
    synced(&company.owner);
    let members = company.owner.json(&["members"]);
    let device = &members[1]["devices"][0];
    let (last, contact) = (device["last_ms"].as_i64(), device["contact_ms"].as_i64());
    assert!(last.is_some() && last <= contact, "{device}");
    let table = company.owner.ok(&["members"]);
    for column in ["last transaction", "last contact"] {
        assert!(table.contains(column), "{table}");
    }
}
