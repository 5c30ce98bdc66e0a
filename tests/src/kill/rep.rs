//! One client: a home, the processes that work on it, and who kills them.

use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use super::joining::{self, code};
use super::ledger::{Act, Ledger};
use super::{Counts, NAMES, World, moment};
use crate::harness::{Dice, LIMIT, Output, Person, Rpc, Running};

/// The longest life of a command that is killed.
const LIFE_MS: usize = 250;

/// A process that owns the home for a while, or was there after one that does.
pub(super) enum Owner {
    Rpc(Rpc),
    Watch(Running),
}

impl Owner {
    fn kill(self) {
        match self {
            Self::Rpc(rpc) => rpc.kill(),
            Self::Watch(running) => running.kill(),
        }
    }
}

/// A client.
pub(super) struct Rep<'w> {
    world: &'w World<'w>,
    at: usize,
    pub(super) person: Person,
    pub(super) dice: Dice,
    pub(super) ledger: Ledger,
    pub(super) counts: Counts,
    pub(super) owner: Option<Owner>,
    link: Option<String>,
    has_joined: bool,
    tokens: usize,
    /// Inquiries and sales projects to work on.
    pub(super) inquiries: Vec<String>,
    pub(super) projects: Vec<String>,
}

impl<'w> Rep<'w> {
    pub(super) fn new(world: &'w World<'w>, at: usize, dice: Dice) -> Self {
        Self {
            world,
            at,
            person: Person::at(NAMES[at], &world.folder.join(format!("home-{at}"))),
            dice,
            ledger: Ledger::default(),
            counts: Counts::default(),
            owner: None,
            link: None,
            has_joined: at == 0,
            tokens: 0,
            inquiries: Vec::new(),
            projects: Vec::new(),
        }
    }

    pub(super) fn is_founder(&self) -> bool {
        self.at == 0
    }

    /// Joins and works until the time is over.
    pub(super) fn work(&mut self) {
        if !self.has_joined {
            let (dice, counts) = (&mut self.dice, &mut self.counts);
            self.link = joining::link(self.world, NAMES[self.at], dice, counts);
            if let Some(link) = &self.link {
                self.has_joined = joining::join(self.world, &self.person, link, dice, counts);
            }
        }
        while self.has_joined && !self.world.is_over() {
            self.step();
        }
        self.kill_owner();
    }

    /// Ends what still runs, and joins if there was no time for it; gives the person.
    pub(super) fn heal(mut self) -> Person {
        self.kill_owner();
        if !self.has_joined {
            let invite = ["invite", "--user", NAMES[self.at], "--role", "member"];
            let link = self.link.unwrap_or_else(|| self.world.founder.ok(&invite));
            let output = self.person.run(&["join", &link, "--json"]);
            let is_in = output.code == Some(0) || code(&output) == "has-workspace";
            assert!(is_in, "{} joins: {output:?}", NAMES[self.at]);
        }
        self.person
    }

    /// Opens an owner that lives beside commands, or ends the one that does.
    pub(super) fn change_owner(&mut self) {
        match self.owner.take() {
            None if self.dice.below(3) == 0 => {
                let watching = self.person.start(&["sync", "--watch", "--json"]);
                self.owner = Some(Owner::Watch(watching));
            }
            None => {
                let mut rpc = Rpc::open(&self.person);
                rpc.ok(serde_json::json!({"request": "follow", "on": true}));
                self.owner = Some(Owner::Rpc(rpc));
            }
            Some(Owner::Rpc(rpc)) if self.dice.below(3) == 0 => rpc.finish(),
            Some(owner) => {
                owner.kill();
                self.counts.add("killed owner");
            }
        }
    }

    pub(super) fn kill_owner(&mut self) {
        if let Some(owner) = self.owner.take() {
            owner.kill();
            self.counts.add("killed owner");
        }
    }

    /// Gives a text that nobody else has.
    pub(super) fn token(&mut self) -> String {
        self.tokens += 1;
        format!("Zeichen-{}-{}-", self.at, self.tokens)
    }

    /// Gives a random one of what is known.
    pub(super) fn one_of(dice: &mut Dice, known: &[String]) -> Option<String> {
        (!known.is_empty()).then(|| known[dice.below(known.len())].clone())
    }

    /// Runs a command, and kills it or the home's owner on the way if the dice say so; gives what it acknowledged.
    ///
    /// Refusals must be among those that the rules make when several work on the same.
    pub(super) fn act(&mut self, args: &[&str], refusals: &[&str]) -> Option<Value> {
        let what = args[0];
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let life = moment(&mut self.dice, LIFE_MS);
        let output = match self.dice.below(8) {
            0..2 => self.person.run_or_kill(&args, life),
            2..5 if self.owner.is_some() => self.run_while_the_owner_dies(&args),
            _ => self.person.run(&args),
        };
        match output.code {
            Some(0) => self.counts.add(format!("acknowledged {what}")),
            Some(1) => {
                let code = code(&output);
                assert!(
                    refusals.contains(&code.as_str()),
                    "{args:?} is not to be refused by {code}: {output:?}"
                );
                self.counts.add(format!("refused {what}: {code}"));
                return None;
            }
            None => self.counts.add(format!("killed {what}")),
            Some(_) => panic!("{args:?} is used as it should be: {output:?}"),
        }
        let done: Value = match serde_json::from_str(&output.stdout) {
            Ok(done) => done,
            // It was killed before it had said anything.
            Err(_) if output.code.is_none() => return None,
            Err(error) => panic!("{args:?} prints JSON: {error}"),
        };
        self.enter(&done);
        Some(done)
    }

    /// Runs a command and kills the home's owner meanwhile: the command goes on with another one.
    fn run_while_the_owner_dies(&mut self, args: &[&str]) -> Output {
        let life = moment(&mut self.dice, LIFE_MS);
        let (done, is_done) = mpsc::channel();
        let person = &self.person;
        let owner = self.owner.take();
        let output = thread::scope(|scope| {
            scope.spawn(move || drop(done.send(person.run(args))));
            let early = is_done.recv_timeout(life).ok();
            if let Some(owner) = owner {
                owner.kill();
            }
            early.unwrap_or_else(|| is_done.recv_timeout(LIMIT).expect("the command ends"))
        });
        self.counts.add("killed owner under a command");
        output
    }

    /// Takes the records that an answer says were made into the ledger.
    pub(super) fn enter(&mut self, done: &Value) {
        for named in done["named"].as_array().into_iter().flatten() {
            let text = |name: &str| named[name].as_str().map(str::to_owned);
            if let (Some(id), Some(kind)) = (text("id"), text("kind")) {
                let known = match kind.as_str() {
                    "inquiry" => Some(&mut self.inquiries),
                    "sales-project" => Some(&mut self.projects),
                    _ => None,
                };
                if let Some(known) = known.filter(|known| !known.contains(&id)) {
                    known.push(id.clone());
                }
                let number = text("number");
                self.ledger.add(Act::Made { id, kind, number });
            }
        }
    }

    pub(super) fn wrote(&mut self, id: &str, token: String) {
        let id = id.to_owned();
        self.ledger.add(Act::Wrote { id, token });
    }
}
