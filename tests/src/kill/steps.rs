//! What a client does, step by step.

use serde_json::{Value, json};

use super::joining;
use super::ledger::Act;
use super::rep::{Owner, Rep};
use crate::harness::Rpc;

/// How many calls an owner is sent at once at most.
const BURST: usize = 25;
/// How many records an import brings at most.
const CARDS: usize = 40;
/// How many bytes a file has at most.
const FILE_BYTES: usize = 40_000;
/// How many records of a list are looked at to choose one.
const LOOKED_AT: &str = "60";

/// Why a command that meets the relay may fail while that dies.
const AWAY: [&str; 2] = ["relay-away", "too-late"];

impl Rep<'_> {
    /// Does one thing.
    pub(super) fn step(&mut self) {
        match self.dice.below(24) {
            0..2 => self.change_owner(),
            2..5 => self.capture(),
            5..7 => self.edit(),
            7..9 => self.write_note(),
            9 => self.follow_up(),
            10..12 => self.convert(),
            12..14 => self.offer(),
            14 => self.import(),
            15 => self.attach(),
            16 => self.look(),
            17 => self.win(),
            18 if self.is_founder() => self.invite(),
            19..22 => self.burst(),
            _ => self.meet(),
        }
    }

    fn capture(&mut self) {
        let token = self.token();
        let done = self.act(
            &["capture", "--company", &token, "--contact", "Given Family"],
            &[],
        );
        if let Some(id) = done.as_ref().and_then(|done| done["id"].as_str()) {
            self.wrote(id, token);
        }
    }

    fn edit(&mut self) {
        let Some(id) = Self::one_of(&mut self.dice, &self.inquiries) else {
            return;
        };
        let token = self.token();
        let how = ["website=", "job-title=", "tag+=", "note+="][self.dice.below(4)];
        if self
            .act(&["set", &id, &format!("{how}{token}")], &[])
            .is_some()
        {
            self.wrote(&id, token);
        }
    }

    fn write_note(&mut self) {
        let Some(id) = Self::one_of(&mut self.dice, &self.inquiries) else {
            return;
        };
        let token = self.token();
        if let Some(done) = self.act(&["note", &id, &token], &[]) {
            self.wrote(done["id"].as_str().expect("a note has an id"), token);
        }
    }

    fn follow_up(&mut self) {
        let Some(id) = Self::one_of(&mut self.dice, &self.inquiries) else {
            return;
        };
        let token = self.token();
        if let Some(done) = self.act(&["follow-up", &id, &token, "--on", "+3d"], &[]) {
            let follow_up = done["id"]
                .as_str()
                .expect("a follow-up has an id")
                .to_owned();
            self.wrote(&follow_up, token);
            self.act(&["done", &follow_up], &[]);
        }
    }

    fn convert(&mut self) {
        if let Some(id) = Self::one_of(&mut self.dice, &self.inquiries) {
            self.act(&["convert", &id], &["already-converted"]);
        }
    }

    fn offer(&mut self) {
        let Some(project) = Self::one_of(&mut self.dice, &self.projects) else {
            return;
        };
        let token = self.token();
        let item = format!("{token};2;piece;1250.50;0;19");
        let Some(done) = self.act(&["offer", &project, "--item", &item], &[]) else {
            return;
        };
        let offer = done["id"].as_str().expect("an offer has an id").to_owned();
        self.wrote(&offer, token);
        self.act(&["send", &offer], &["sent-already"]);
    }

    fn win(&mut self) {
        if let Some(project) = Self::one_of(&mut self.dice, &self.projects) {
            self.act(
                &["win", &project],
                &["which-offer", "already-won", "contested"],
            );
        }
    }

    fn import(&mut self) {
        let tokens: Vec<String> = (0..=self.dice.below(CARDS)).map(|_| self.token()).collect();
        let cards: String = tokens
            .iter()
            .map(|token| {
                format!("BEGIN:VCARD\r\nVERSION:3.0\r\nN:Family;Given;;;\r\nFN:Given Family\r\nORG:{token}\r\nEND:VCARD\r\n")
            })
            .collect();
        let file = self.person.home().with_extension("vcf");
        std::fs::write(&file, cards).expect("the cards can be written");
        let file = file.to_str().expect("a path of the test is UTF-8");
        if let Some(done) = self.act(&["import", file], &[]) {
            assert_eq!(
                done["records"].as_array().map(Vec::len),
                Some(tokens.len()),
                "{done}"
            );
            self.ledger.add(Act::Imported { tokens });
        }
    }

    fn attach(&mut self) {
        let Some(id) = Self::one_of(&mut self.dice, &self.inquiries) else {
            return;
        };
        let name = format!("{}.bin", self.token());
        let bytes: Vec<u8> = (0..=self.dice.below(FILE_BYTES))
            .map(|_| self.dice.below(256) as u8)
            .collect();
        let file = self.person.home().with_extension("bin");
        std::fs::write(&file, &bytes).expect("the file can be written");
        let file = file.to_str().expect("a path of the test is UTF-8");
        if self
            .act(&["attach", &id, file, "--name", &name], &[])
            .is_some()
        {
            self.ledger.add(Act::Attached { id, name, bytes });
        }
    }

    /// Looks at what others made, to work on it too.
    fn look(&mut self) {
        for kind in ["inquiry", "sales-project"] {
            let args = ["list", kind, "--sort", "-changed", "--limit", LOOKED_AT];
            let Some(list) = self.act(&args, &[]) else {
                continue;
            };
            let rows = list["rows"].as_array().into_iter().flatten();
            let ids = rows.filter_map(|row| row["id"].as_str().map(str::to_owned));
            let known = if kind == "inquiry" {
                &mut self.inquiries
            } else {
                &mut self.projects
            };
            *known = ids.collect();
        }
    }

    fn meet(&mut self) {
        self.act(&["sync", "--timeout", "3"], &AWAY);
    }

    /// Invites people of whom nobody comes; only the founder may.
    fn invite(&mut self) {
        let name = self.token();
        joining::invite(&self.person, &name, &mut self.dice, &mut self.counts);
    }

    /// Sends an owner many calls, reads some answers, and kills it; the next owner gets what is open once more.
    fn burst(&mut self) {
        if !matches!(self.owner, Some(Owner::Rpc(_))) {
            return;
        }
        let calls: Vec<(String, Value)> =
            (0..=self.dice.below(BURST)).map(|_| self.call()).collect();
        let mut answers = vec![None; calls.len()];
        let Some(Owner::Rpc(mut rpc)) = self.owner.take() else {
            return;
        };
        let read = self.dice.below(calls.len() + 1);
        ask(&mut rpc, &calls, &mut answers, read);
        if self.dice.below(2) == 0 {
            rpc.kill();
            self.counts.add("killed owner in a burst");
            rpc = Rpc::open(&self.person);
        }
        // All once more: what was answered gets the same answer, the rest is done once.
        let before = answers.clone();
        answers.fill(None);
        ask(&mut rpc, &calls, &mut answers, calls.len());
        for ((token, _), (before, answer)) in calls.into_iter().zip(before.into_iter().zip(answers))
        {
            let answer: Value = answer.expect("every call is answered");
            let content = &answer["ok"]["content"];
            assert!(answer["error"].is_null(), "a call is done: {answer}");
            if let Some(before) = before {
                assert_eq!(
                    &before["ok"]["content"], content,
                    "a repeated call has the first answer"
                );
            }
            self.counts.add("acknowledged call of a burst");
            self.enter(content);
            let id = content["named"][0]["id"]
                .as_str()
                .expect("something was made")
                .to_owned();
            self.wrote(&id, token);
        }
        self.owner = Some(Owner::Rpc(rpc));
    }

    /// Makes a call that captures an inquiry or adds a note, under an id of its own, with the text that it writes.
    fn call(&mut self) -> (String, Value) {
        let token = self.token();
        let intent = match Self::one_of(&mut self.dice, &self.inquiries) {
            Some(id) if self.dice.below(2) == 0 => json!({
                "intent": "add-activity", "activity": "note", "regards": [id], "subject": token, "text": "",
            }),
            _ => json!({"intent": "capture", "fields": [{"field": "company", "value": token}]}),
        };
        let id: String = (0..32)
            .map(|_| char::from(b"0123456789abcdef"[self.dice.below(16)]))
            .collect();
        (
            token,
            json!({"request": "do", "intent_id": id, "intent": intent}),
        )
    }
}

/// Sends all calls and reads so many answers, each into the place of its call.
fn ask(rpc: &mut Rpc, calls: &[(String, Value)], answers: &mut [Option<Value>], read: usize) {
    let ids: Vec<u64> = calls
        .iter()
        .map(|(_, call)| rpc.send(call.clone()))
        .collect();
    let mut left = read;
    while left > 0 {
        let message = rpc.next_message().expect("calls are answered");
        let place = ids.iter().position(|id| message["id"] == *id);
        if let Some(place) = place {
            answers[place] = Some(message);
            left -= 1;
        }
    }
}
