//! Joining a workspace by an invite link: the device signs itself in, then takes over what there is.

use protocol::{Blob, Refusal as Refused};
use store::Reading;
use sync::client::Input;
use vault::{DeviceKeys, InviteLink, Roster};

use super::device::{META_JOINING, META_RELAY};
use super::exchange::{ERRAND_MS, Errand, MAX_SIGNINGS};
use super::problem::Problem;
use super::{Caller, Core};
use crate::interface::Failure;

/// A device on its way into a workspace.
pub(super) struct Joining {
    pub(super) caller: Caller,
    pub(super) deadline_ms: i64,
    pub(super) link: InviteLink,
    pub(super) keys: DeviceKeys,
    pub(super) is_in_roster: bool,
    pub(super) had_keys: bool,
    pub(super) roster: Option<Roster>,
    pub(super) signings: u32,
}

impl Core {
    /// Begins to join a workspace by its link.
    pub(super) fn begin_join(&mut self, caller: Caller, link: &str) -> Result<(), Failure> {
        self.refuse_second_workspace()?;
        if self.link.joining.is_some() {
            return Err(Failure::new(
                "joining",
                "this home is joining a workspace already",
                Some("wait for that to end"),
            ));
        }
        let link = InviteLink::parse(link).map_err(|error| {
            Failure::new(
                "bad-link",
                error.to_string(),
                Some("copy the whole link, from http to its end"),
            )
        })?;
        let (keys, had_keys) = self.joining_keys(&link)?;
        let deadline_ms = self.around.now_ms() + ERRAND_MS;
        self.link.joining = Some(Joining {
            caller,
            deadline_ms,
            link,
            keys,
            is_in_roster: false,
            had_keys,
            roster: None,
            signings: 0,
        });
        Ok(())
    }

    /// Gives the keys to join with: those of an attempt with this invite that was cut off, maybe after the relay had
    /// taken the device, else new ones.
    pub(super) fn joining_keys(
        &mut self,
        link: &InviteLink,
    ) -> Result<(DeviceKeys, bool), Problem> {
        let invite = link.secret.key();
        let before = self.store.read()?.meta(META_JOINING)?;
        let kept = self.kept_keys()?;
        if let (Some(bytes), true) = (kept, before.as_deref() == Some(invite.as_bytes())) {
            return Ok((
                DeviceKeys::from_bytes(&bytes).map_err(Problem::damaged)?,
                true,
            ));
        }
        let keys = self.make_keys(META_JOINING, invite.as_bytes())?;
        Ok((keys, false))
    }

    /// Tries again as a device when the invite is used up, maybe by this very device before it was cut off.
    pub(super) fn join_as_device(&mut self, code: Refused) -> bool {
        match &mut self.link.joining {
            Some(joining)
                if joining.had_keys && !joining.is_in_roster && code == Refused::InviteSpent =>
            {
                joining.is_in_roster = true;
                true
            }
            _ => false,
        }
    }

    /// Builds the roster of the workspace that is being joined, and signs this device in.
    pub(super) fn join_with(&mut self, entries: &[Blob]) -> Result<Option<Input>, Problem> {
        let Some(joining) = self.link.joining.as_mut() else {
            return Ok(None);
        };
        let was_signed = joining.roster.is_some();
        match joining.roster.as_mut() {
            Some(roster) => {
                for entry in entries {
                    roster.append(entry).map_err(Problem::roster)?;
                }
            }
            None => {
                let roster = Roster::from_entries(entries).map_err(Problem::roster)?;
                if roster.workspace() != joining.link.workspace {
                    return Err(Problem::roster("it is that of another workspace"));
                }
                joining.roster = Some(roster);
            }
        }
        let is_in = joining
            .roster
            .as_ref()
            .is_some_and(|roster| roster.device(&joining.keys.feed()).is_some());
        if is_in && !was_signed {
            self.adopt()?;
            return Ok(None);
        }
        if was_signed {
            Ok(None)
        } else {
            self.sign_join()
        }
    }

    pub(super) fn sign_join(&mut self) -> Result<Option<Input>, Problem> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let Some(joining) = self.link.joining.as_mut() else {
            return Ok(None);
        };
        let Some(roster) = &joining.roster else {
            return Ok(None);
        };
        joining.signings += 1;
        if joining.signings > MAX_SIGNINGS {
            return Err(Problem::roster(
                "it grew each time this device signed itself in; try again",
            ));
        }
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let entry = roster
            .sign_join(&joining.link.secret, &joining.keys, now_ms, &mut fill)
            .map_err(Problem::roster)?;
        Ok(Some(Input::AppendRoster {
            expected_head: roster.head(),
            entries: vec![entry.into()],
        }))
    }

    /// Makes this home that of a device of the workspace: roster and relay in one commit; then takes over what there is.
    pub(super) fn adopt(&mut self) -> Result<(), Problem> {
        let Some(joining) = self.link.joining.take() else {
            return Ok(());
        };
        let Some(roster) = joining.roster else {
            return Ok(());
        };
        let write = self.store.write()?;
        for entry in roster.entries() {
            write.append_roster(entry)?;
        }
        write.set_meta(META_RELAY, joining.link.origin.to_string().as_bytes())?;
        write.clear_meta(META_JOINING)?;
        write.commit()?;
        self.load()?;
        self.hang_up();
        self.link.errands.push(Errand::Joined {
            caller: joining.caller,
            deadline_ms: joining.deadline_ms,
        });
        self.is_changed = true;
        Ok(())
    }
}
