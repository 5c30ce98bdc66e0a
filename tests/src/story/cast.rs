//! The people, their homes and the relay.

use std::path::Path;

use super::told::Stage;
use crate::harness::{Admission, Dice, Person, RelayProcess};

/// The workspace's name.
const WORKSPACE: &str = "Mueller Praezision GmbH";

/// Three people and a relay that may be stopped.
pub(super) struct Cast {
    pub(super) a: Person,
    pub(super) b: Person,
    pub(super) c: Person,
    pub(super) relay: RelayProcess,
}

impl Cast {
    /// Starts a relay, lets A make the workspace, and B and C join it.
    pub(super) fn assemble(stage: &mut Stage<'_>, folder: &Path) -> Self {
        let person = |name: &str, home: &str| Person::at(name, &folder.join("homes").join(home));
        let cast = Self {
            a: person(stage.secret("Vertreterin Alpha"), "a"),
            b: person(stage.secret("Vertreter Bravo"), "b"),
            c: person(stage.secret("Vertreterin Charlie"), "c"),
            relay: RelayProcess::start(&folder.join("relay"), Admission::Open),
        };
        stage.chapter("A makes the workspace, B and C join by their links");
        let url = cast.relay.url();
        let workspace = stage.secret(WORKSPACE);
        let name = cast.a.name();
        let init = [
            "init",
            "--workspace",
            workspace,
            "--user",
            name,
            "--relay",
            &url,
        ];
        stage.does(&cast.a, &init);
        for other in [&cast.b, &cast.c] {
            let args = ["invite", "--user", other.name(), "--role", "member"];
            let link = cast.a.ok(&args);
            assert!(
                link.starts_with(&format!("{url}/join#1.")),
                "a link: {link}"
            );
            stage.did(&cast.a, &args, "prints a link");
            let joined = other.json(&["join", &link]);
            let device = joined["device"].as_str().expect("a device has a code");
            stage.did(other, &["join", "LINK"], &format!("is device {device}"));
        }
        stage.sees(&cast.a, &["members"]);
        cast
    }

    pub(super) fn people(&self) -> [&Person; 3] {
        [&self.a, &self.b, &self.c]
    }

    /// Lets everyone meet the relay until all have all.
    pub(super) fn meet(&self, stage: &mut Stage<'_>) {
        for who in [&self.a, &self.b, &self.c, &self.a, &self.b] {
            stage.does(who, &["sync"]);
        }
    }

    /// Copies homes and relay as they are, and starts the relay on the copy; it must be stopped here.
    pub(super) fn copied_to(&mut self, folder: &Path) -> World<'_> {
        let home = |person: &Person, name: &str| person.moved_to(&folder.join(name));
        let data = folder.join("relay");
        crate::harness::copy_directory(self.relay.data(), &data);
        let (a, b, c) = (home(&self.a, "a"), home(&self.b, "b"), home(&self.c, "c"));
        self.relay.restart_on(&data);
        World {
            a,
            b,
            c,
            relay: &mut self.relay,
        }
    }
}

/// Copies of the people's homes and of the relay.
pub(super) struct World<'r> {
    pub(super) a: Person,
    pub(super) b: Person,
    pub(super) c: Person,
    pub(super) relay: &'r mut RelayProcess,
}

impl World<'_> {
    pub(super) fn people(&self) -> [&Person; 3] {
        [&self.a, &self.b, &self.c]
    }

    /// Stops the relay.
    pub(super) fn end(self) {
        self.relay.stop();
    }

    /// Lets people meet the relay in a random order, some of them several times, until all have all.
    pub(super) fn meet_in_any_order(&self, stage: &mut Stage<'_>, dice: &mut Dice) {
        let mut order: Vec<&Person> = (0..2 + dice.below(4))
            .map(|_| self.people()[dice.below(3)])
            .collect();
        for _ in 0..2 {
            let mut all = self.people();
            dice.shuffle(&mut all);
            order.extend(all);
        }
        for who in order {
            let synced = stage.does(who, &["sync"]);
            assert_eq!(synced["complete"], true, "{synced}");
        }
        for who in self.people() {
            let again = who.json(&["sync"]);
            let traffic = (&again["sent"], &again["received"], &again["only_here"]);
            let nothing = serde_json::json!(0);
            assert_eq!(
                traffic,
                (&nothing, &nothing, &nothing),
                "{}: {again}",
                who.name()
            );
        }
        stage.holds("meeting once more moves nothing");
    }
}
