//! How a session gets in: hello, challenge, proof, welcome.

use protocol::{
    Blob, Challenge, Cursor, Cut, Hello, LogHash, Prove, RelayKey, RosterMore, SESSION_VERSIONS,
    Welcome,
    limits::{MAX_ROSTER_ENTRIES_PER_FRAME, MAX_ROSTER_ENTRY_BYTES},
};
use vault::SessionTerms;

use super::{
    Broken, Established, HANDSHAKE_MS, LogReplaced, OFFER_BYTES_PER_MS, Output, Session,
    exchange::Exchange, inbox::Inbox, session::State, work::Work,
};

/// The bytes of entries after which a piece of a roster that is offered is full.
///
/// Small, so that a slow line brings each piece within the relay's patience.
const OFFER_BYTES: usize = MAX_ROSTER_ENTRY_BYTES;

/// What the relay said about itself in the challenge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proven {
    version: u32,
    terms: SessionTerms,
}

impl Session {
    pub(super) fn greet(&mut self, now_ms: u64) {
        if !matches!(self.state, State::Fresh) {
            return;
        }
        self.send(Hello {
            versions: SESSION_VERSIONS.to_vec(),
            workspace: self.start.workspace,
            key: self.start.identity.key(),
            nonce: self.start.nonce,
        });
        self.deadline = Some(now_ms.saturating_add(HANDSHAKE_MS));
        self.state = State::Greeted;
    }

    pub(super) fn prove(&mut self, challenge: &Challenge) -> Result<(), Broken> {
        let version = challenge.version;
        if !SESSION_VERSIONS.contains(&version) {
            return Err(Broken::Version { version });
        }
        let terms = SessionTerms {
            relay: challenge.relay,
            workspace: self.start.workspace,
            client_nonce: self.start.nonce,
            relay_nonce: challenge.nonce,
        };
        if terms.verify_challenge(&challenge.signature).is_err() {
            return Err(Broken::RelaySignature);
        }
        let proven = Proven { version, terms };
        if challenge.known {
            self.send_proof(proven, None, false);
        } else {
            self.state = State::RosterAsked(proven);
            self.outputs.push_back(Output::ReadRoster);
        }
        Ok(())
    }

    /// Offers the roster to a relay that does not know the workspace, in as many pieces as it needs.
    pub(super) fn offer(&mut self, now_ms: u64, entries: Vec<Blob>) {
        let State::RosterAsked(proven) = self.state else {
            return;
        };
        let bytes: usize = entries.iter().map(|entry| entry.len()).sum();
        let patience_ms = HANDSHAKE_MS + bytes as u64 / OFFER_BYTES_PER_MS;
        self.deadline = Some(now_ms.saturating_add(patience_ms));
        let mut pieces = pieces_of(entries).into_iter();
        let first = pieces.next();
        self.send_proof(proven, first, pieces.len() > 0);
        self.send_more(pieces);
    }

    /// Brings a relay that lets this client in what it lacks of the roster.
    pub(super) fn bring(&mut self, entries: Vec<Blob>) {
        if matches!(self.state, State::Working(_)) {
            self.send_more(pieces_of(entries).into_iter());
        }
        // What is carried from now on is judged by the roster with these.
        if let State::Working(work) = &mut self.state {
            work.roster_moved();
        }
    }

    fn send_more(&mut self, pieces: impl ExactSizeIterator<Item = Vec<Blob>>) {
        let mut left = pieces.len();
        for entries in pieces {
            left -= 1;
            self.send(RosterMore {
                entries,
                more: left > 0,
            });
        }
    }

    fn send_proof(&mut self, proven: Proven, entries: Option<Vec<Blob>>, more: bool) {
        self.send(Prove {
            signature: proven.terms.sign_proof(&self.start.identity),
            roster_head: self.start.roster_head,
            cursor: self.start.cursor,
            entries,
            more,
        });
        self.state = State::Proved(proven);
    }

    pub(super) fn establish(&mut self, proven: Proven, welcome: Welcome) -> Result<(), Broken> {
        self.deadline = None;
        let relay = proven.terms.relay;
        if let Some(start) = welcome.log_start {
            let held = self.start.cursor.filter(|_| welcome.continues);
            let have = held.map_or(0, |cursor| cursor.sequence);
            if have.saturating_add(1) < start.sequence {
                return Err(Broken::LogCut {
                    have,
                    begins: start.sequence,
                });
            }
        }
        self.outputs.push_back(Output::Established(Established {
            version: proven.version,
            relay,
            epoch: welcome.epoch,
            log_sequence: welcome.sequence,
            relay_now_ms: welcome.now_ms,
        }));
        let own = welcome.own.filter(|cut| cut.sequence > 0);
        let (cursor, replaced) = self.cursor_for(relay, &welcome, own);
        if let Some(replaced) = replaced {
            self.outputs.push_back(Output::LogReplaced(replaced));
        }
        if !welcome.entries.is_empty() {
            self.outputs.push_back(Output::Roster {
                entries: welcome.entries,
            });
        }
        let exchange = replaced.map(|_| Exchange::new(self.start.identity.key().into()));
        let inbox = Inbox::new(cursor, welcome.sequence);
        let work = Work::new(self.start.own_head, own, inbox, exchange);
        let is_ahead = work.own_place() > self.start.own_head.0;
        if work.own_place() != self.start.acknowledged && !is_ahead {
            self.acknowledge(own.as_ref(), false);
        }
        self.state = State::Working(Box::new(work));
        Ok(())
    }

    /// Returns the cursor behind which the relay sends its log: the client's, or the beginning when there is none.
    ///
    /// When the log does not hold the client's cursor, it tells of that: heads are compared first.
    fn cursor_for(
        &self,
        relay: RelayKey,
        welcome: &Welcome,
        own: Option<Cut>,
    ) -> (Cursor, Option<LogReplaced>) {
        let anywhere = Cursor {
            relay,
            epoch: welcome.epoch,
            sequence: 0,
            running: LogHash::ZERO,
        };
        let beginning = Inbox::beginning(&self.start.workspace, anywhere);
        let Some(cursor) = self.start.cursor else {
            return (beginning, None);
        };
        let is_this = cursor.relay == relay && cursor.epoch == welcome.epoch;
        if welcome.continues && is_this {
            return (cursor, None);
        }
        // A revoked device is shown no log of any relay.
        if welcome.continues && welcome.sequence == 0 {
            return (beginning, None);
        }
        let replaced = LogReplaced {
            cursor,
            relay,
            epoch: welcome.epoch,
            log_sequence: welcome.sequence,
            own,
        };
        (beginning, Some(replaced))
    }
}

/// Cuts a roster into pieces for one frame each.
fn pieces_of(entries: Vec<Blob>) -> Vec<Vec<Blob>> {
    let mut pieces: Vec<Vec<Blob>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        match pieces.last_mut() {
            Some(piece)
                if bytes + entry.len() <= OFFER_BYTES
                    && piece.len() < MAX_ROSTER_ENTRIES_PER_FRAME =>
            {
                bytes += entry.len();
                piece.push(entry);
            }
            _ => {
                bytes = entry.len();
                pieces.push(vec![entry]);
            }
        }
    }
    pieces
}
