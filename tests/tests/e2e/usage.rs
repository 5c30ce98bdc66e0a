//! How the command line answers: help, exit codes, ids.

use handschlag_tests::harness::{Person, scratch};

use crate::surroundings::{alone, has_way_out, text};

#[test]
fn help_needs_no_home() {
    let folder = scratch();
    let person = Person::at("nobody", &folder.path().join("home"));
    let help = person.ok(&["--help"]);
    for command in ["init", "join", "capture", "convert", "merged", "rpc"] {
        assert!(help.contains(command), "{command} in {help}");
    }
    assert!(person.ok(&["capture", "--help"]).contains("--follow-up"));
    let json = person.json(&["--help"]);
    assert!(
        json["commands"]
            .as_array()
            .is_some_and(|commands| commands.len() > 40),
        "{json}"
    );
    assert!(!person.home().exists(), "help makes no home");
}

#[test]
fn exit_codes_tell_refused_from_misused() {
    let alone = alone();
    let person = &alone.person;
    let only_here = || person.json(&["status"])["only_here"].clone();
    let before = only_here();
    for refused in [
        &["show", "99999999"][..],
        &["convert", "AF-1999-A-0001"],
        &["undo", "ffffffffffffffff"],
        &["sync"],
        &["init", "--workspace", "Noch eine", "--user", "Rep A"],
        &["import", "there-is-no-such-file.vcf"],
    ] {
        has_way_out(&person.refused(refused));
    }
    for misused in [
        &["frobnicate"][..],
        &["capture", "--no-such-flag"],
        &["list", "no-such-kind"],
        &["set"],
        &["postpone", "1234", "someday"],
        &["offer", "1234", "--item", "Anlage;many"],
        &[
            "capture",
            "--company",
            "Nord GmbH",
            "--follow-up",
            "someday",
        ],
        &["disqualify", "1234"],
    ] {
        person.misused(misused);
    }
    assert_eq!(person.run(&[]).code, Some(2), "no command is wrong usage");
    assert_eq!(only_here(), before, "nothing of it changed anything");
    let nobody = Person::at("nobody", &alone.folder.path().join("none"));
    for command in [
        &["list", "inquiry"][..],
        &["capture", "--company", "Nord GmbH"],
        &["home"],
    ] {
        has_way_out(&nobody.refused(command));
    }
}

#[test]
fn numbers_and_ends_of_ids_name_records() {
    let alone = alone();
    let person = &alone.person;
    let printed = person.run(&[
        "capture",
        "--company",
        "Nordwind Pumpen GmbH",
        "--priority",
        "B",
    ]);
    let id = printed.stdout.trim_end_matches('\n').to_owned();
    assert_eq!(
        printed.stdout,
        format!("{id}\n"),
        "capture prints the id alone"
    );
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    let other = person.ok(&["capture", "--company", "Südwind GmbH"]);
    let event = person.ok(&["create", "event", "name=Hannover Messe"]);
    assert_eq!(event.len(), 32);
    let number = text(&person.json(&["show", &id]), "number");
    let (start, end) = (apart(&id, &other, false), apart(&id, &other, true));
    for name in [
        &id,
        &number,
        &number.to_lowercase(),
        &id.to_uppercase(),
        &start,
        &end,
    ] {
        assert_eq!(text(&person.json(&["show", name]), "id"), id, "{name}");
    }
    // Both begin alike, since both were made within hours.
    let error = person.refused(&["show", &id[..5]]);
    has_way_out(&error);
    let shown = person.ok(&["list", "inquiry"]);
    assert!(
        shown.contains(&id[24..]),
        "output shows the last 8 digits: {shown}"
    );
    let converted = person.json(&["convert", &number]);
    assert!(
        converted["operations"]
            .as_array()
            .is_some_and(|all| all.len() == 1),
        "{converted}"
    );
    person.ok(&["undo", &text(&converted, "operation")[..12]]);
    assert_eq!(person.json(&["list", "customer"])["total"], 0);
}

/// Gives the shortest beginning or end by which an id is told from another, and at least 8 digits of it.
fn apart(id: &str, other: &str, from_end: bool) -> String {
    let part = |text: &str, length: usize| match from_end {
        true => text[text.len() - length..].to_owned(),
        false => text[..length].to_owned(),
    };
    let length = (8..=id.len()).find(|length| part(id, *length) != part(other, *length));
    part(id, length.expect("two ids are different"))
}

#[test]
fn help_is_the_same_in_every_home() {
    let alone = alone();
    let home = alone.person.home().display().to_string();
    let help = alone.person.ok(&["capture", "--help"]);
    assert!(help.contains("HANDSCHLAG_HOME"), "{help}");
    assert!(!help.contains(&home), "{help}");
    let missing = alone.person.run(&["show"]);
    assert_eq!(missing.code, Some(2));
    assert!(!missing.stderr.contains("--home"), "{missing:?}");
}
