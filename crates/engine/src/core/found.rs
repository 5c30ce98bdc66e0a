//! Founding a workspace in an empty home.

use model::intent::Intent;
use model::{IntentId, RecordId};
use vault::{DeviceKeys, Roster};

use super::Core;
use super::device::Device;
use super::intents::commit_intent;
use super::problem::Problem;
use crate::interface::{Answer, Failure, Founded};

impl Core {
    /// Makes a workspace: keys first, durably, then roster and the first two transactions in one commit.
    pub(super) fn found(&mut self, workspace: &str, user: &str) -> Result<Answer, Failure> {
        self.refuse_second_workspace()?;
        for (what, text, flag) in [
            ("workspace", workspace, "--workspace"),
            ("user", user, "--user"),
        ] {
            if text.trim().is_empty() {
                let way_out = format!("give {flag} NAME");
                return Err(Failure::new(
                    "missing",
                    format!("the name of the {what} is missing"),
                    Some(&way_out),
                ));
            }
        }
        let result = self.try_found(workspace, user);
        if result.is_err() {
            self.device = None;
        }
        Ok(Answer::Founded(result?))
    }

    pub(super) fn refuse_second_workspace(&self) -> Result<(), Failure> {
        match &self.device {
            None => Ok(()),
            Some(device) => Err(Failure::new(
                "has-workspace",
                format!(
                    "this home belongs to workspace {} already",
                    device.roster.workspace()
                ),
                Some("use another home for another workspace"),
            )),
        }
    }

    /// Makes keys for this device and keeps them durably, before anything is signed with them.
    pub(super) fn make_keys(&mut self) -> Result<DeviceKeys, Problem> {
        let around = &mut self.around;
        let keys = DeviceKeys::generate(&mut |bytes: &mut [u8]| around.fill_random(bytes));
        self.around.keep_keys(&keys.to_bytes()).map_err(|error| {
            Failure::new(
                "keys",
                format!("the device's keys cannot be kept: {error}"),
                Some("check the home's folder"),
            )
        })?;
        Ok(keys)
    }

    fn try_found(&mut self, workspace: &str, user: &str) -> Result<Founded, Problem> {
        let keys = self.make_keys()?;
        let now_ms = self.around.now_ms();
        let around = &mut self.around;
        let (roster, _) = Roster::found(
            &keys,
            now_ms.max(0).cast_unsigned(),
            &mut |bytes: &mut [u8]| {
                around.fill_random(bytes);
            },
        )
        .map_err(Problem::roster)?;
        let incarnation = self.random();
        let write = self.store.write()?;
        for entry in roster.entries() {
            write.append_roster(entry)?;
        }
        write.commit()?;
        let read = self.store.read()?;
        let Some(mut device) = Device::load(&read, keys, incarnation)? else {
            return Err(Problem::damaged(
                "the roster that was just written is not there",
            ));
        };
        drop(read);
        let member = device.replica.identity().member;
        let intents = [
            Intent::FoundWorkspace {
                name: workspace.to_owned(),
            },
            Intent::EnrolMember {
                member,
                name: user.to_owned(),
                email: None,
            },
        ];
        let surroundings = self.surroundings();
        let write = self.store.write()?;
        for intent in intents {
            let id = IntentId::fresh(now_ms, self.random());
            let around = &mut self.around;
            let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
            commit_intent(
                &mut device,
                &write,
                surroundings.clone(),
                id,
                None,
                &intent,
                &mut fill,
            )?;
        }
        write.commit()?;
        self.device = Some(device);
        self.is_changed = true;
        self.founded().map_err(Problem::from)
    }

    /// Says which workspace this device belongs to.
    pub(super) fn founded(&self) -> Result<Founded, Failure> {
        let device = self.device()?;
        let views = device.replica.views();
        let title = |id: RecordId, key: &str| {
            model::record::record(views, id)
                .map(|view| view.text(key).to_owned())
                .unwrap_or_default()
        };
        let identity = device.replica.identity();
        Ok(Founded {
            workspace: device.roster.workspace().to_string(),
            name: title(RecordId::settings_of(&identity.workspace), "name"),
            member: identity.member,
            member_name: title(identity.member, "name"),
            device: device.code_of(&device.keys.feed()),
        })
    }

    /// Loads the device after a problem that may have left memory and store apart.
    pub(super) fn recover(&mut self, problem: &Problem) {
        if problem.needs_reload() {
            // What failed is told by the problem itself; a second failure here shows at the next request.
            if self.load().is_err() {
                self.device = None;
            }
            self.is_changed = true;
        }
    }
}
