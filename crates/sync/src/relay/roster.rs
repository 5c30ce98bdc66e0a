//! How the roster grows on this relay: by new entries of a client, and by what a relay that lost some gets back.

use std::sync::Arc;

use protocol::{
    Blob, Heads, HeadsPurpose, Refusal, RosterAppend, RosterHash, RosterMoved, limits::MAX_HEADS,
};
use vault::Roster;

use crate::Effects;

use super::{
    Appending, Connection, Output, RosterAppended,
    connection::State,
    judge::{Access, Brought, No, admit, check_brought, check_entries, is_admin, reads, stranger},
};

impl Connection {
    pub(super) fn append_roster(&mut self, now_ms: u64, append: RosterAppend) -> Result<(), No> {
        let State::Working(working) = &mut self.state else {
            return Ok(());
        };
        let roster = Arc::clone(working.follow.roster());
        if append.expected_head != roster.head() {
            self.roster_moved();
            return Ok(());
        }
        let (grown, effects) = check_entries(&roster, working.peer.key, &append.entries, now_ms)?;
        working.pending += 1;
        working.appending = Some(Appending::New);
        self.outputs.push_back(Output::AppendRoster {
            expected: append.expected_head,
            keep: None,
            entries: append.entries,
            roster: grown,
            effects,
        });
        Ok(())
    }

    /// Takes back what a client has of the roster behind where this relay stands.
    pub(super) fn bring_roster(&mut self, entries: &[Blob]) -> Result<(), No> {
        let State::Working(working) = &mut self.state else {
            return Ok(());
        };
        let roster = Arc::clone(working.follow.roster());
        match reads(&roster, working.peer.key) {
            // It may have more of the roster than a relay that lost some; others bring that, and its session goes on.
            Err(no) if no.code == Refusal::Revoked => return Ok(()),
            read => read?,
        }
        match check_brought(&roster, entries)? {
            Brought::Known => {}
            Brought::Elsewhere => self.roster_moved(),
            Brought::Continues {
                entries,
                roster: grown,
                effects,
            } => self.take_brought(roster.head(), None, entries, grown, effects),
            // What a member or a guest signs about his own devices must not take away what others signed after it.
            Brought::Replaces { is_weighty, .. }
                if !is_weighty && !is_admin(&roster, working.peer.key) =>
            {
                self.roster_moved();
            }
            Brought::Replaces {
                keep,
                entries,
                roster: grown,
                effects,
                ..
            } => self.take_brought(roster.head(), Some(keep), entries, grown, effects),
        }
        Ok(())
    }

    fn take_brought(
        &mut self,
        expected: RosterHash,
        keep: Option<usize>,
        entries: Vec<Blob>,
        roster: Arc<Roster>,
        effects: Effects,
    ) {
        if let State::Working(working) = &mut self.state {
            working.pending += 1;
            working.appending = Some(Appending::Brought);
        }
        self.outputs.push_back(Output::AppendRoster {
            expected,
            keep,
            entries,
            roster,
            effects,
        });
    }

    pub(super) fn roster_appended(
        &mut self,
        now_ms: u64,
        appended: RosterAppended,
    ) -> Result<(), No> {
        if matches!(self.state, State::Creating(_)) {
            return match appended {
                RosterAppended::Grew(roster) | RosterAppended::Moved(roster) => {
                    self.created(now_ms, roster)
                }
                RosterAppended::CutsDiffer(_) => Err(stranger()),
            };
        }
        let State::Working(working) = &mut self.state else {
            return Ok(());
        };
        working.pending = working.pending.saturating_sub(1);
        let appending = working.appending.take();
        match appended {
            // New entries follow like any that others append; their head is the answer.
            RosterAppended::Grew(roster) => {
                let head = roster.head();
                working.follow.roster_grew(roster);
                if appending == Some(Appending::Brought) {
                    // Who brought them has them.
                    working.follow.roster_known(&head);
                }
                return self.stay(now_ms);
            }
            RosterAppended::Moved(roster) => {
                working.follow.roster_grew(roster);
                self.roster_moved();
            }
            RosterAppended::CutsDiffer(mut heads) => {
                heads.truncate(MAX_HEADS);
                self.send(Heads::of(HeadsPurpose::Revocation, heads));
            }
        }
        Ok(())
    }

    fn roster_moved(&mut self) {
        let Some(follow) = self.follow() else {
            return;
        };
        let piece = follow.take_roster();
        let moved = RosterMoved {
            entries: piece.entries,
            head: piece.head,
        };
        self.send_piece(&moved.into());
    }

    /// Goes on with the grown roster; a device that it revokes gets nothing else from now on.
    pub(super) fn roster_grew(&mut self, now_ms: u64, roster: Arc<Roster>) -> Result<(), No> {
        match &mut self.state {
            State::Challenged(entering) => {
                entering.known = Some(roster);
                return Ok(());
            }
            State::Creating(creating) => {
                creating.newest = Some(roster);
                return Ok(());
            }
            State::Placing(placing) => placing.2.roster_grew(roster),
            State::Working(working) => working.follow.roster_grew(roster),
            _ => return Ok(()),
        }
        self.stay(now_ms)
    }

    /// Judges by the newest roster whether this client may stay, and for what.
    fn stay(&mut self, now_ms: u64) -> Result<(), No> {
        let (peer, follow, exchange) = match &mut self.state {
            State::Placing(placing) => (placing.0, &mut placing.2, None),
            State::Working(working) => (
                working.peer,
                &mut working.follow,
                Some(&mut working.exchange),
            ),
            _ => return Ok(()),
        };
        // An invite that is used up by its own device stays to hear that it worked.
        if peer.is_device && admit(follow.roster(), peer.key, now_ms)? == Access::Apart {
            follow.stop();
            if let Some(exchange) = exchange {
                exchange.stop();
            }
        }
        Ok(())
    }
}
