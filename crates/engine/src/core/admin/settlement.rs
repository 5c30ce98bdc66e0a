//! What the roster needs without anybody's decision: what lost branches ask for, and a key that is due.

use protocol::Cut;
use sync::client::Input;

use super::super::Core;
use super::super::exchange::MAX_SIGNINGS;
use super::super::problem::Problem;
use super::Signer;
use super::change::append;

/// What the roster needs without a decision, on its way.
#[derive(Default)]
pub(in crate::core) struct Settling {
    pub(super) heads: Option<Vec<Cut>>,
    signings: u32,
}

impl Core {
    /// Begins what the roster needs without a decision, once for each roster: what lost branches ask for, and a key that
    /// should have come with a revocation.
    pub(in crate::core) fn begin_settlement(&mut self) -> Result<(), Problem> {
        let Some(device) = self.device.as_ref().filter(|device| device.is_admin()) else {
            return Ok(());
        };
        let head = device.roster.head();
        if self.link.settled_for == Some(head) || self.link.settling.is_some() {
            return Ok(());
        }
        self.link.settled_for = Some(head);
        self.link.settling = Some(Settling::default());
        if let Some(input) = self.sign_next()? {
            self.session_input(input);
        }
        Ok(())
    }

    pub(super) fn sign_settlement(&mut self) -> Result<Option<Input>, Problem> {
        let now_ms = self.around.now_ms().max(0).cast_unsigned();
        let Some(settling) = self.link.settling.take() else {
            return Ok(None);
        };
        let (Some(device), true) = (&self.device, settling.signings < MAX_SIGNINGS) else {
            return Ok(None);
        };
        let feeds = device.roster.feeds_to_settle();
        let heads = self.cuts_of(&feeds, settling.heads.as_deref())?;
        let around = &mut self.around;
        let mut fill = |bytes: &mut [u8]| around.fill_random(bytes);
        let (roster, author) = (&device.roster, &device.keys.signing);
        let signed = roster.sign_settlement(author, &device.ring, &heads, now_ms, &mut fill);
        // What this device may not sign is left to another one.
        let Ok(entries) = signed else {
            return Ok(None);
        };
        if entries.is_empty() {
            return Ok(None);
        }
        self.link.signing = Some(Signer::Settlement);
        self.link.settling = Some(Settling {
            signings: settling.signings + 1,
            ..settling
        });
        Ok(Some(append(roster.head(), entries)))
    }

    /// Notes that what the roster needed is in it.
    pub(in crate::core) fn settlement_appended(&mut self) {
        self.link.settling = None;
        self.link.settled_for = self.device.as_ref().map(|device| device.roster.head());
        if self.link.is_settled {
            self.finish_errands();
        }
    }
}
