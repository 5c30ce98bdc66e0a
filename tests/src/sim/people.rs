//! What devices and people do by themselves: follow the relay, join again after a crash, use an invite.

use engine::interface::{Answer, CallId, Failure, Request};
use store::FaultBackend;

use super::count::PEOPLE;
use super::person::Purpose;
use super::world::World;

/// How many devices there are at most.
pub(crate) const MOST_DEVICES: usize = 8;

impl World {
    /// Asks an engine for something that may take its time.
    pub(crate) fn request(&mut self, device: usize, request: Request, purpose: Option<Purpose>) {
        let one = &mut self.devices[device];
        if let Some(call) = one.call(request) {
            if let Some(purpose) = purpose {
                one.pending.insert(call, purpose);
            }
            self.after_input(device, "asking");
        }
    }

    /// Does what a device does when it has started: it follows the relay, or goes on joining.
    pub(crate) fn greet(&mut self, device: usize) {
        let one = &self.devices[device];
        if one.replica().is_some() {
            self.devices[device].link = None;
            self.request(device, Request::Follow { on: true }, None);
        } else if let Some(link) = one.link.clone() {
            self.request(device, Request::Join { link }, Some(Purpose::Join));
        }
    }

    /// Takes the answer to a request.
    pub(crate) fn answered(
        &mut self,
        device: usize,
        call: CallId,
        answer: Result<Answer, Failure>,
    ) {
        let Some(purpose) = self.devices[device].pending.remove(&call) else {
            return;
        };
        self.tell(|| match &answer {
            Ok(_) => format!("device {device}: {purpose:?} is done"),
            Err(failure) => format!("device {device}: {purpose:?} failed: {failure}"),
        });
        let failed = answer.as_ref().err().map(|failure| failure.code.clone());
        match (purpose, answer) {
            (Purpose::Invite { is_second_device }, Ok(Answer::Invited(invited))) => {
                self.counts.hit(
                    PEOPLE,
                    if is_second_device {
                        "second device invited"
                    } else {
                        "member invited"
                    },
                );
                if self.devices.len() < MOST_DEVICES {
                    self.join(invited.link);
                }
            }
            (Purpose::Join, Ok(_)) => {
                self.counts.hit(PEOPLE, "joined");
                self.greet(device);
            }
            (Purpose::Join, Err(failure)) => {
                // While the relay is away a person tries again; a link that has ended is of no use.
                if failure.code == "relay-away" || failure.code == "timeout" {
                    let pause = self.dice.between(1_000, 60_000);
                    self.plan(pause, super::world::Event::Greet(device));
                } else {
                    self.counts
                        .hit(PEOPLE, format!("joining failed: {}", failure.code));
                    self.devices[device].link = None;
                }
            }
            (Purpose::Role(member, role), Ok(_)) => {
                self.counts.hit(PEOPLE, format!("role changed to {role}"));
                if role == model::Role::Guest {
                    self.silence(member);
                }
            }
            (Purpose::Revoke(revoked), Ok(_)) => {
                self.counts.hit(PEOPLE, "device revoked");
                self.seal(revoked, "it was sealed on a revoked device");
            }
            (Purpose::Accept, Ok(_)) => self.counts.hit(PEOPLE, "held accepted"),
            (Purpose::Relay, Ok(_)) => self.counts.hit(PEOPLE, "moved to another relay"),
            (purpose, _) => {
                let purpose = match purpose {
                    Purpose::Invite { .. } => "inviting",
                    Purpose::Role(..) => "changing a role",
                    Purpose::Revoke(_) => "revoking",
                    Purpose::Accept => "accepting",
                    Purpose::Relay => "moving to another relay",
                    Purpose::Join => "joining",
                };
                let why = failed.unwrap_or_else(|| "another answer".to_owned());
                self.counts.hit(PEOPLE, format!("{purpose} failed: {why}"));
            }
        }
    }

    /// Lets a new device join by a link.
    pub(crate) fn join(&mut self, link: String) -> usize {
        let device = self.add_device(FaultBackend::new(), None);
        self.devices[device].link = Some(link);
        let started = self.devices[device].start();
        assert!(started.is_ok(), "an empty home does not open: {started:?}");
        self.ledger.disk_replaced(device, |_| false);
        self.greet(device);
        device
    }

    /// Lets go of what the devices of a member had not sent when he lost the right to write.
    fn silence(&mut self, member: model::RecordId) {
        for device in 0..self.devices.len() {
            if self.devices[device].member() == Some(member) {
                self.seal(device, "its member may only read");
            }
        }
    }

    /// Lets go of what a device had not sent.
    pub(super) fn seal(&mut self, device: usize, why: &'static str) {
        let count = self.ledger.let_go_of_unsent(device, why);
        self.counts
            .add(PEOPLE, format!("transactions let go of: {why}"), count);
    }
}
