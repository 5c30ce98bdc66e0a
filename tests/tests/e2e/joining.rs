//! Who gets in, and what those see who come later.

use crate::surroundings::{company, has_way_out, ids, synced, text};

#[test]
fn an_invite_works_once() {
    let company = company();
    let link = company
        .owner
        .ok(&["invite", "--user", "Rep B", "--role", "member"]);
    let first = company.empty_home("first");
    first.ok(&["join", &link]);
    let second = company.empty_home("second");
    let error = second.refused(&["join", &link]);
    assert!(text(&error, "reason").contains("used up"), "{error}");
    has_way_out(&error);
    // The home is as empty as before: another link works.
    let other = company
        .owner
        .ok(&["invite", "--user", "Rep C", "--role", "member"]);
    second.ok(&["join", &other]);
    // The first of them cannot join twice either.
    has_way_out(&first.refused(&["join", &link]));
}

#[test]
fn a_link_that_is_wrong_says_so() {
    let company = company();
    let link = company
        .owner
        .ok(&["invite", "--user", "Rep B", "--role", "member"]);
    let nobody = company.empty_home("nobody");
    let (start, secret) = link.rsplit_once('.').expect("a link ends with its secret");
    let forged = format!("{start}.{}", "A".repeat(secret.len()));
    let of_others = format!("{}/join#1.{}.{secret}", company.relay.url(), "A".repeat(43));
    let cut = &link[..link.len() - 5];
    let closed = link.replace(&company.relay.url(), "http://127.0.0.1:1");
    for wrong in [
        "hello",
        "",
        cut,
        &forged,
        &of_others,
        &closed,
        "https://example.invalid/",
    ] {
        let error = nobody.refused(&["join", wrong]);
        has_way_out(&error);
        assert!(
            !error.to_string().contains(secret),
            "an error never shows the secret: {error}"
        );
    }
    nobody.ok(&["join", &link]);
}

#[test]
fn a_link_may_come_as_mail_shows_it() {
    let company = company();
    for (at, form) in ["<LINK>", "LINK.", "join here: \"LINK\""]
        .iter()
        .enumerate()
    {
        let link = company.owner.ok(&["invite", "--user", "Rep B"]);
        let person = company.empty_home(&at.to_string());
        person.ok(&["join", &form.replace("LINK", &link)]);
    }
}

#[test]
fn a_link_that_leads_astray_says_what_is_wrong_with_it() {
    let company = company();
    let link = company.owner.ok(&["invite", "--user", "Rep B"]);
    let nobody = company.empty_home("nobody");
    let (start, secret) = link.rsplit_once('.').expect("a link ends with its secret");
    let forged = format!("{start}.{}", "A".repeat(secret.len()));
    let error = nobody.refused(&["join", &forged]);
    assert!(text(&error, "reason").contains("no invite"), "{error}");
    let of_others = format!("{}/join#1.{}.{secret}", company.relay.url(), "A".repeat(43));
    let error = nobody.refused(&["join", &of_others]);
    assert!(text(&error, "reason").contains("of this link"), "{error}");
    for cut in [&link[..link.len() - 5], start] {
        let error = nobody.refused(&["join", cut]);
        assert!(text(&error, "way_out").contains("whole link"), "{error}");
    }
}

#[test]
fn a_guest_reads_and_writes_nothing() {
    let company = company();
    let id = company
        .owner
        .ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let guest = company.joins("Gast", "guest", "guest");
    synced(&company.owner);
    synced(&guest);
    assert_eq!(ids(&guest, "inquiry"), [id.as_str()]);
    guest.ok(&["history", &id]);
    for command in [
        &["capture", "--company", "Gastfirma"][..],
        &["set", &id, "priority=A"],
        &["note", &id, "nur so"],
        &["convert", &id],
        &["invite", "--user", "Rep D"],
    ] {
        has_way_out(&guest.refused(command));
    }
    assert_eq!(guest.json(&["status"])["only_here"], 0);
    let member = company.joins("Rep B", "b", "member");
    has_way_out(&member.refused(&["invite", "--user", "Rep D"]));
}

#[test]
fn two_members_may_have_one_name() {
    let company = company();
    let name = company.owner.name();
    let twin = company.joins(name, "twin", "member");
    synced(&company.owner);
    let members = company.owner.json(&["members"]);
    let named: Vec<String> = members
        .as_array()
        .expect("members are a list")
        .iter()
        .filter(|member| member["name"] == name)
        .map(|member| text(member, "id"))
        .collect();
    assert_eq!(named.len(), 2, "{members}");
    let id = twin.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let error = twin.refused(&["set", &id, &format!("responsible={name}")]);
    has_way_out(&error);
    for member in &named {
        twin.ok(&["set", &id, &format!("responsible={member}")]);
        let home = twin.json(&["home", "--member", member]);
        assert_eq!(text(&home["without_next_step"][0], "id"), id, "{home}");
    }
}

#[test]
fn who_joins_late_gets_everything() {
    let company = company();
    let early = company.joins("Rep B", "b", "member");
    let id = company.owner.ok(&[
        "capture",
        "--company",
        "Nordwind Pumpen GmbH",
        "--note",
        "sucht X-200",
    ]);
    company.owner.ok(&["convert", &id]);
    synced(&company.owner);
    synced(&early);
    early.ok(&["call", &id, "Preis besprochen"]);
    synced(&early);
    let late = company.joins("Rep C", "c", "member");
    synced(&late);
    synced(&company.owner);
    synced(&early);
    handschlag_tests::story::all_agree(&[&company.owner, &early, &late]);
    assert_eq!(text(&late.json(&["show", &id]), "note"), "sucht X-200");
    let status = late.json(&["status"]);
    assert_eq!(status["waiting"], serde_json::json!([]), "{status}");
}

#[test]
fn a_second_device_is_the_same_member() {
    let company = company();
    let member = company.joins("Rep B", "b", "member");
    let id = member.ok(&["capture", "--company", "Nordwind Pumpen GmbH"]);
    let task = member.json(&["task", &id, "Angebot schreiben", "--on", "tomorrow"]);
    synced(&member);
    synced(&company.owner);
    let link = company.owner.ok(&["invite", "--member", "Rep B"]);
    let device = company.empty_home("second");
    device.ok(&["join", &link]);
    synced(&device);
    let members = device.json(&["members"]);
    let me = members
        .as_array()
        .and_then(|all| all.iter().find(|one| one["is_me"] == true));
    let me = me.expect("one is oneself");
    assert_eq!(me["name"], "Rep B", "{me}");
    assert_eq!(me["devices"].as_array().map(Vec::len), Some(2), "{me}");

    let later = text(
        &member.json(&["task", &id, "Nachfassen", "--on", "today"]),
        "id",
    );
    synced(&member);
    synced(&company.owner);
    synced(&device);
    let planned = |home: serde_json::Value| -> Vec<String> {
        let activities = home["activities"].as_array().expect("Home has activities");
        activities
            .iter()
            .map(|item| text(&item["record"], "id"))
            .collect()
    };
    let task = text(&task, "id");
    assert_eq!(
        planned(device.json(&["home"])),
        [later.as_str(), task.as_str()]
    );
    // What is done or postponed on one device is so for the member on all devices, and for nobody else.
    device.ok(&["done", &task]);
    member.ok(&["postpone", &later, "+5d"]);
    for who in [&device, &member, &device, &company.owner] {
        synced(who);
    }
    for who in [&device, &member] {
        let home = who.json(&["home"]);
        assert_eq!(planned(home.clone()), [later.as_str()], "{}", who.name());
        assert_eq!(home["activities"][0]["urgency"], "next-seven-days");
    }
    let of_b = company.owner.json(&["home", "--member", "Rep B"]);
    assert_eq!(planned(of_b), [later.as_str()]);
    device.ok(&["done", &later]);
    synced(&device);
    synced(&member);
    assert_eq!(planned(member.json(&["home"])), [""; 0]);
    // Numbers of two devices never meet.
    let here = device.ok(&["capture", "--company", "A GmbH"]);
    let there = member.ok(&["capture", "--company", "B GmbH"]);
    synced(&device);
    synced(&member);
    synced(&device);
    let number = |id: &str| text(&member.json(&["show", id]), "number");
    assert_ne!(number(&here), number(&there));
    assert_eq!(ids(&device, "inquiry").len(), 3);
}
