//! Relays that lose their disk, come back from a backup, or are replaced: clients fill them again.

use std::fs;
use std::time::Duration;

use handschlag_tests::harness::{Admission, Person, RelayProcess};

use crate::forks::copied;
use crate::surroundings::{Company, company, has_way_out, ids, synced, text};

fn capture(who: &Person, company: &str) -> String {
    who.ok(&["capture", "--company", company])
}

fn inquiries(who: &Person) -> Vec<String> {
    let mut all = ids(who, "inquiry");
    all.sort();
    all
}

/// Checks that people see exactly these inquiries, in any order.
#[track_caller]
fn all_see(people: &[&Person], expected: &[String]) {
    let mut expected = expected.to_vec();
    expected.sort();
    for who in people {
        assert_eq!(inquiries(who), expected, "{} sees", who.name());
    }
}

fn number(who: &Person, id: &str) -> String {
    text(&who.json(&["show", id]), "number")
}

/// Stops a relay and takes its data away.
fn lose_disk(relay: &mut RelayProcess) {
    relay.kill();
    fs::remove_dir_all(relay.data()).expect("the data goes");
    relay.restart();
}

/// Two people who share a contact, and a third who is away for days with one of his own.
struct Fair {
    company: Company,
    b: Person,
    c: Person,
    all: Vec<String>,
}

fn fair() -> Fair {
    let company = company();
    let b = company.joins("Rep B", "b", "member");
    let c = company.joins("Rep C", "c", "member");
    let mut all = vec![
        capture(&company.owner, "Nordwind Pumpen GmbH"),
        capture(&b, "Elbe Maschinenbau AG"),
    ];
    for who in [&company.owner, &b, &c] {
        synced(who);
    }
    all.extend((0..3).map(|day| capture(&c, &format!("Day {day} GmbH"))));
    Fair { company, b, c, all }
}

#[test]
fn a_relay_whose_disk_is_deleted_is_filled_again_by_who_comes() {
    let Fair {
        mut company,
        b,
        c,
        mut all,
    } = fair();
    lose_disk(&mut company.relay);
    // Whoever comes first fills it, also with what others had sent; a new device gets everything.
    all.push(capture(&b, "After the loss GmbH"));
    synced(&b);
    synced(&company.owner);
    let d = company.joins("Rep D", "d", "member");
    synced(&d);
    let of_c = inquiries(&c);
    let shared = inquiries(&b);
    let before: Vec<String> = all
        .iter()
        .filter(|id| shared.contains(id) || !of_c.contains(id))
        .cloned()
        .collect();
    assert_eq!(before.len(), 3, "nothing of who is away yet");
    all_see(&[&b, &company.owner, &d], &before);
    // Codes go on where they were.
    let of_d = capture(&d, "First of D GmbH");
    assert!(number(&d, &of_d).contains("-D-"), "{}", number(&d, &of_d));
    all.push(of_d);
    synced(&d);
    // The one who was away comes back, and everything of him arrives.
    synced(&c);
    for who in [&company.owner, &b, &d, &c] {
        synced(who);
    }
    all_see(&[&company.owner, &b, &c, &d], &all);
}

#[test]
fn nobody_can_claim_a_workspace_while_its_relay_is_empty() {
    let Fair { mut company, b, .. } = fair();
    lose_disk(&mut company.relay);
    let workspace = text(&b.json(&["status"])["workspace"], "workspace");
    // A stranger founds his own workspace, and points an invite of it at this one's name.
    let stranger = company.empty_home("stranger");
    let url = company.relay.url();
    let init = [
        "init",
        "--workspace",
        "Not yours",
        "--user",
        "Stranger",
        "--relay",
    ];
    stranger.ok(&[&init[..], &[&url]].concat());
    let link = stranger.ok(&["invite", "--user", "Another", "--role", "member"]);
    let own = text(&stranger.json(&["status"])["workspace"], "workspace");
    let (head, secret) = link.rsplit_once('.').expect("a link ends with its secret");
    let (origin, _) = head.rsplit_once('.').expect("a link names its workspace");
    let stolen = format!("{origin}.{workspace}.{secret}");
    let victim = company.empty_home("victim");
    assert_ne!(own, workspace);
    let refused = victim.refused(&["join", &stolen]);
    has_way_out(&refused);
    // The workspace's own people come back to it all the same.
    synced(&b);
    synced(&company.owner);
}

#[test]
fn a_relay_from_last_weeks_backup_gets_what_it_lacks() {
    let Fair {
        mut company,
        b,
        c,
        mut all,
    } = fair();
    let backup = company.folder.path().join("last-week.backup");
    let data = company.relay.data().to_owned();
    let (file, folder) = (backup.display().to_string(), data.display().to_string());
    company.relay.command(&["backup", &file, "--data", &folder]);
    all.push(capture(&b, "After the backup GmbH"));
    synced(&b);
    let d = company.joins("Rep D", "d", "member");
    all.push(capture(
        &d,
        "From a device that the backup does not know GmbH",
    ));
    synced(&d);
    synced(&company.owner);
    company.relay.stop();
    fs::remove_dir_all(&data).expect("the data goes");
    company
        .relay
        .command(&["restore", &file, "--data", &folder]);
    company.relay.restart();
    // The owner knows the device that the backup does not.
    synced(&company.owner);
    for who in [&d, &c, &b, &company.owner, &d] {
        synced(who);
    }
    all_see(&[&company.owner, &b, &c, &d], &all);
}

#[test]
fn a_workspace_moves_to_another_relay_and_takes_all_along() {
    let Fair { company, b, c, all } = fair();
    let folder = company.folder.path().join("elsewhere");
    let other = RelayProcess::start(&folder, Admission::Open);
    for who in [&b, &company.owner, &c] {
        who.ok(&["relay", &other.url()]);
    }
    for who in [&company.owner, &b, &c] {
        synced(who);
    }
    all_see(&[&company.owner, &b, &c], &all);
}

#[test]
fn a_wiped_relay_that_a_stale_admin_refilled_gets_back_the_branch_that_counts() {
    let mut company = company();
    let b = company.joins("Rep B", "b", "admin");
    synced(&b);
    synced(&company.owner);
    // C joins, of whom B does not hear; then the relay loses its disk, and B is there before anybody else.
    let c = company.joins("Rep C", "c", "member");
    let of_c = capture(&c, "Nordwind Pumpen GmbH");
    synced(&c);
    synced(&company.owner);
    lose_disk(&mut company.relay);
    synced(&b);
    let link = b.ok(&["invite", "--user", "Rep D"]);
    let d = company.empty_home("d");
    d.ok(&["join", &link]);
    let of_d = capture(&d, "Suedwind Pumpen GmbH");
    synced(&d);
    // The owner's branch counts: C is in it, and D is not until an admin lets it in.
    let a = &company.owner;
    synced(a);
    synced(&c);
    let status = a.json(&["status"]);
    let lost = status["lost_branches"].as_array().expect("a list");
    assert_eq!(lost.len(), 1, "{status}");
    assert_eq!(text(&lost[0], "begun_by"), "B", "{status}");
    assert!(a.ok(&["status"]).contains("lost branch"));
    let members = a.json(&["members"]);
    let devices = members.as_array().expect("members").iter();
    let devices = devices.flat_map(|member| member["devices"].as_array().expect("devices"));
    let held: Vec<&serde_json::Value> = devices
        .filter(|device| device["is_of_lost_branch"] == true)
        .collect();
    assert_eq!(held.len(), 1, "{members}");
    let refused = d.refused(&["sync"]);
    assert!(
        text(&refused, "way_out").contains("accept-held"),
        "{refused}"
    );
    let feed = text(held[0], "feed");
    assert_eq!(a.json(&["accept-held", &feed])["name"], "Rep D");
    synced(&d);
    for who in [a, &b, &c, &d, a] {
        synced(who);
    }
    all_see(&[a, &b, &c, &d], &[of_c, of_d]);
}

#[test]
fn what_colleagues_have_of_a_restored_laptop_comes_back_though_it_filled_the_relay_first() {
    let mut company = company();
    let b = company.joins("Rep B", "b", "member");
    let mut all = vec![capture(&b, "Before the copy GmbH")];
    synced(&b);
    let old = copied(&company, &b, "old");
    all.extend((0..3).map(|day| capture(&b, &format!("Day {day} GmbH"))));
    synced(&b);
    synced(&company.owner);
    // The relay loses its disk and the laptop breaks; from its old copy it goes on, and is there before anybody else.
    drop(b);
    lose_disk(&mut company.relay);
    all.push(capture(&old, "Of the old copy GmbH"));
    synced(&old);
    synced(&company.owner);
    synced(&old);
    let c = company.joins("Rep C", "c", "member");
    synced(&c);
    all_see(&[&company.owner, &old, &c], &all);
    let note = "Built on what the laptop had lost.";
    c.ok(&["note", &all[2], note]);
    for who in [&c, &old, &company.owner] {
        synced(who);
    }
    for who in [&company.owner, &old, &c] {
        assert!(who.ok(&["show", &all[2]]).contains(note), "{}", who.name());
        let status = who.json(&["status"]);
        assert_eq!(status["waiting"], serde_json::json!([]), "{status}");
    }
    company.relay.kill();
    let data = company.relay.data().to_str().expect("is a text");
    let verified = RelayProcess::run_or_kill(&["verify", "--data", data], Duration::from_secs(60));
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
