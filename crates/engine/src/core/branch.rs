//! The relay's branch of somebody else's feed that has another one here: it is asked for piece by piece.
//!
//! The home of that device was copied, and both copies wrote. Its device mends that by itself when it comes; until then
//! other work may build on what only one of the branches has.
//!
//! Where the branches part is not known, so pieces are asked for backwards from the end, until one joins what is here.

use std::collections::BTreeSet;

use protocol::{Cut, Envelope, EnvelopeHash, FeedId};
use store::{EnvelopeKey, Reading};
use sync::client::Input;

use super::Core;
use super::device::{read_head, write_head};
use super::problem::Problem;
use super::receive::{self, forked_name};
use super::relay::Wanted;

/// How many envelopes of a branch are asked for at once.
const PIECE: u64 = if cfg!(test) { 8 } else { 1_024 };

impl Core {
    /// Asks for the last piece of a branch that is not here yet.
    pub(super) fn ask_for_branch(&mut self, end: Cut) -> Result<Option<Input>, Problem> {
        let write = self.store.write()?;
        let note = write_head(end.sequence, end.hash);
        write.set_meta(&forked_name(&end.feed), &note)?;
        write.commit()?;
        Ok(Some(self.want_branch(end)))
    }

    fn want_branch(&mut self, end: Cut) -> Input {
        self.link.wants.push_back(Wanted::Branch(end));
        Input::Want {
            feed: end.feed,
            from: end.sequence.saturating_sub(PIECE) + 1,
            to: end.sequence,
        }
    }

    /// Asks again for branches that did not come before the last session ended, from where they are missing.
    pub(super) fn ask_for_branches(&mut self) -> Result<(), Problem> {
        let read = self.store.read()?;
        let mut missing = Vec::new();
        for (feed, _) in read.feeds()? {
            let feed = FeedId::from_bytes(feed);
            let note = read.meta(&forked_name(&feed))?;
            // Once all has come the note is empty.
            let end = note.and_then(|note| read_head(&note).ok());
            if let Some((sequence, hash)) = end {
                missing.push(Cut {
                    feed,
                    sequence,
                    hash,
                });
            }
        }
        drop(read);
        for end in missing {
            let want = self.want_branch(end);
            self.session_input(want);
        }
        Ok(())
    }

    /// Looks whether an envelope is the last one of a piece that was asked for.
    pub(super) fn branch_came(&mut self, feed: FeedId, to: u64) -> Result<(), Problem> {
        let is_last = |one: &Wanted| matches!(one, Wanted::Branch(end) if (end.feed, end.sequence) == (feed, to));
        let Some(at) = self.link.wants.iter().position(is_last) else {
            return Ok(());
        };
        if let Some(Wanted::Branch(end)) = self.link.wants.remove(at) {
            self.piece_came(end)?;
        }
        if self.link.is_settled {
            self.finish_errands();
        }
        Ok(())
    }

    /// Goes on after a piece of a branch: with the one before it, until it joins what is here.
    pub(super) fn piece_came(&mut self, end: Cut) -> Result<(), Problem> {
        match walk_back(&self.store.read()?, end)? {
            // Where nothing came the relay has no more, and asking again would not end.
            Walk::Lacks(missing) if missing.sequence < end.sequence => {
                if let Some(want) = self.ask_for_branch(missing)? {
                    self.session_input(want);
                }
                Ok(())
            }
            _ => self.branch_is_here(&end.feed),
        }
    }

    /// Notes that all is here of a branch that the relay has, so that it is not asked for again.
    ///
    /// What came before the envelopes that it follows could not be told from the feed's own branch; now it can.
    fn branch_is_here(&mut self, feed: &FeedId) -> Result<(), Problem> {
        let write = self.store.write()?;
        write.set_meta(&forked_name(feed), &[])?;
        let is_any = receive::name_by_branch(&write, feed)?;
        write.commit()?;
        if is_any {
            self.retry_waiting()?;
        }
        Ok(())
    }
}

/// What is found on the way back along a branch of a feed.
pub(super) enum Walk {
    /// The first envelope that is not here.
    Lacks(Cut),
    /// All is here, up to the branch that has the feed's name.
    Joins {
        /// The last sequence that both have; 0 when they have nothing in common.
        at: u64,
        /// The envelopes after that.
        beyond: BTreeSet<EnvelopeHash>,
    },
}

/// Goes back from an envelope of a branch, until it joins the one that has the feed's name here, or something is missing.
pub(super) fn walk_back(source: &impl Reading, end: Cut) -> Result<Walk, Problem> {
    let head = match source.feed(end.feed.as_bytes())? {
        Some(bytes) => read_head(&bytes)?.0,
        None => 0,
    };
    let mut beyond = BTreeSet::new();
    let mut at = end;
    while at.sequence > 0 {
        let of_feed = at_place(source, end.feed.as_bytes(), &at)?;
        // The feed's own branch has no gap up to its head.
        if of_feed.is_some() && at.sequence <= head {
            break;
        }
        let here = match of_feed {
            Some(here) => Some(here),
            None => at_place(source, at.hash.as_bytes(), &at)?,
        };
        let Some(here) = here else {
            return Ok(Walk::Lacks(at));
        };
        beyond.insert(at.hash);
        at.sequence -= 1;
        at.hash = here.header.previous;
    }
    Ok(Walk::Joins {
        at: at.sequence,
        beyond,
    })
}

/// Reads the envelope of a branch that is kept under a name, held ones included.
fn at_place(read: &impl Reading, name: &[u8; 32], at: &Cut) -> Result<Option<Envelope>, Problem> {
    let key = EnvelopeKey {
        feed: *name,
        sequence: at.sequence,
    };
    let counting = read.envelope(&key.feed, key.sequence)?;
    for bytes in counting.into_iter().chain(read.held_envelope(key)?) {
        let envelope = Envelope::decode(&bytes).map_err(Problem::damaged)?;
        if envelope.hash() == at.hash {
            return Ok(Some(envelope));
        }
    }
    Ok(None)
}
