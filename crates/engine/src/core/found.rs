//! Founding a workspace in an empty home.

use model::intent::Intent;
use model::{IntentId, RecordId, Value};
use store::Reading;
use vault::{DeviceKeys, Roster};

use super::Core;
use super::device::{Device, META_FOUNDING, META_JOINING};
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
        if let Err(problem) = &result {
            self.recover(problem);
        }
        Ok(Answer::Founded(result?))
    }

    pub(super) fn refuse_second_workspace(&self) -> Result<(), Failure> {
        if let Some(failure) = &self.broken {
            return Err(failure.clone());
        }
        match &self.device {
            None => Ok(()),
            Some(device) => Err(Failure::new(
                "has-workspace",
                format!(
                    "this home belongs to workspace {} already",
                    device.roster.workspace()
                ),
                Some("use another home for another workspace: handschlag --home DIR ..."),
            )),
        }
    }

    /// Makes keys for this device and keeps them durably, before anything is signed with them.
    ///
    /// `mark` is set in the store before and tells a later attempt what the keys are for. Keys that no mark explains are
    /// those of a device whose store is gone, and are never overwritten.
    pub(super) fn make_keys(&mut self, mark: &str, value: &[u8]) -> Result<DeviceKeys, Problem> {
        let read = self.store.read()?;
        let is_explained =
            read.meta(META_FOUNDING)?.is_some() || read.meta(META_JOINING)?.is_some();
        drop(read);
        if !is_explained && self.kept_keys()?.is_some() {
            return Err(Failure::new(
                "has-keys",
                "this home has the keys of a device, but its store is gone",
                Some("put the store back, or use another home: handschlag --home DIR ...; the keys may still be needed, so they are not overwritten"),
            )
            .into());
        }
        let write = self.store.write()?;
        write.clear_meta(META_FOUNDING)?;
        write.clear_meta(META_JOINING)?;
        write.set_meta(mark, value)?;
        write.commit()?;
        let around = &mut self.around;
        let keys = DeviceKeys::generate(&mut |bytes: &mut [u8]| around.fill_random(bytes));
        self.around.keep_keys(&keys.to_bytes()).map_err(|error| {
            Failure::new(
                "keys",
                format!("the device's keys cannot be kept: {error}"),
                Some("make space on the disk, or see that the home's folder can be written; then try again"),
            )
        })?;
        Ok(keys)
    }

    fn try_found(&mut self, workspace: &str, user: &str) -> Result<Founded, Problem> {
        let keys = self.make_keys(META_FOUNDING, &[])?;
        let now_ms = self.around.now_ms();
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let (roster, _) = Roster::found(&keys, now_ms.max(0).cast_unsigned(), &mut fill)
            .map_err(Problem::roster)?;
        let incarnation = self.random();
        let ids = [
            IntentId::fresh(now_ms, self.random()),
            IntentId::fresh(now_ms, self.random()),
        ];
        let surroundings = self.surroundings();
        // Roster, name and first member are there together or not at all.
        let write = self.store.write()?;
        for entry in roster.entries() {
            write.append_roster(entry)?;
        }
        let Some(mut device) = Device::load(&write, keys, incarnation)? else {
            return Err(Problem::damaged(
                "the roster that was just written is not there",
            ));
        };
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
        for (id, intent) in ids.into_iter().zip(intents) {
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
        write.clear_meta(META_FOUNDING)?;
        write.commit()?;
        self.device = Some(device);
        self.is_changed = true;
        self.founded().map_err(Problem::from)
    }

    /// Says which workspace this device belongs to.
    pub(super) fn founded(&self) -> Result<Founded, Failure> {
        let device = self.device()?;
        let name = |id: RecordId| {
            let known = device.replica.digests().get(id);
            match known.and_then(|digest| digest.value("name")) {
                Some(Value::Text(name)) => name,
                _ => String::new(),
            }
        };
        let identity = device.replica.identity();
        Ok(Founded {
            workspace: device.roster.workspace().to_string(),
            name: name(RecordId::settings_of(&identity.workspace)),
            member: identity.member,
            member_name: name(identity.member),
            device: device.code_of(&device.keys.feed()),
        })
    }

    /// Loads the device again, and remembers why when that fails: a home that cannot be opened is no empty home.
    pub(super) fn reload(&mut self) {
        self.broken = self.load().err().map(Failure::from);
        if self.broken.is_some() {
            self.device = None;
        }
    }

    /// Loads the device after a problem that may have left memory and store apart.
    pub(super) fn recover(&mut self, problem: &Problem) {
        if problem.needs_reload() {
            // What failed is told by the problem itself; that it still fails is told at the next request.
            self.reload();
            self.is_changed = true;
        }
    }
}
