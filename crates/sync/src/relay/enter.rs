//! How a client gets in: hello, challenge, proof, welcome.

use std::sync::Arc;

use protocol::{
    Challenge, Cut, Hello, LogHash, Prove, Refusal, RosterMore, SESSION_VERSIONS, SignerKey,
    Welcome, WorkspaceId,
};
use vault::{Roster, SessionTerms};

use super::{
    Connection, NotCreated, Output, PROOF_MS, Peer,
    connection::{Creating, Entering, State, Working},
    follow::Follow,
    holds,
    judge::{Access, No, admit, begin_roster, check_return, grow, stranger},
};
use crate::LogHead;

/// How often what a client brings of the roster to get in is judged anew because the roster had moved.
const MAX_ATTEMPTS: u32 = 8;

impl Connection {
    pub(super) fn hello(&mut self, hello: Hello) -> Result<(), No> {
        let spoken = |version: &&u32| hello.versions.contains(version);
        let Some(version) = SESSION_VERSIONS.iter().find(spoken).copied() else {
            return Err(No::new(
                Refusal::Version,
                format_args!("this relay speaks {SESSION_VERSIONS:?}"),
            ));
        };
        self.outputs.push_back(Output::OpenWorkspace {
            workspace: hello.workspace,
            key: hello.key,
        });
        self.state = State::Opening { hello, version };
        Ok(())
    }

    pub(super) fn challenge(&mut self, known: Option<Arc<Roster>>, is_stranger: bool) {
        let State::Opening { hello, version } = &self.state else {
            return;
        };
        let (hello, version) = (hello.clone(), *version);
        let terms = SessionTerms {
            relay: self.relay.relay(),
            workspace: hello.workspace,
            client_nonce: hello.nonce,
            relay_nonce: self.nonce,
        };
        self.send(Challenge {
            version,
            relay: terms.relay,
            nonce: terms.relay_nonce,
            signature: terms.sign_challenge(&self.relay),
            known: known.is_some(),
        });
        self.state = State::Challenged(Box::new(Entering {
            hello,
            terms,
            known,
            is_stranger,
        }));
    }

    pub(super) fn prove(&mut self, now_ms: u64, mut prove: Prove) -> Result<(), No> {
        let State::Challenged(entering) = &self.state else {
            return Ok(());
        };
        let entering = entering.clone();
        let (key, workspace) = (entering.hello.key, entering.hello.workspace);
        if entering.terms.verify_proof(&key, &prove.signature).is_err() {
            return Err(No::new(
                Refusal::Signature,
                "the proof's signature is false",
            ));
        }
        if let Some(roster) = &entering.known {
            return self.admitted(now_ms, workspace, key, Arc::clone(roster), prove);
        }
        let Some(entries) = prove.entries.take() else {
            if entering.is_stranger {
                return Err(stranger());
            }
            return Err(No::new(
                Refusal::WorkspaceUnknown,
                "this relay does not know the workspace",
            ));
        };
        let roster = begin_roster(workspace, &entries)?;
        let more = prove.more;
        self.state = State::Gathering(Box::new((*entering, prove, roster)));
        self.gathered(now_ms, more)
    }

    /// Takes the next piece of a roster; each is verified as it comes, and the roster's own limits bound them all.
    pub(super) fn gather(&mut self, now_ms: u64, next: RosterMore) -> Result<(), No> {
        let State::Gathering(gathering) = &mut self.state else {
            return Ok(());
        };
        grow(&mut gathering.2, &next.entries)?;
        self.gathered(now_ms, next.more)
    }

    /// Waits for the next piece, or begins the workspace when that was the last.
    fn gathered(&mut self, now_ms: u64, more: bool) -> Result<(), No> {
        let State::Gathering(gathering) = &self.state else {
            return Ok(());
        };
        if more {
            // A roster has an end, and each piece brings it nearer, so this cannot go on for ever.
            self.deadline = Some(now_ms.saturating_add(PROOF_MS));
            return Ok(());
        }
        let (entering, prove, roster) = &**gathering;
        admit(roster, entering.hello.key, now_ms)?;
        let entries = roster.entries().to_vec();
        let create = Output::CreateWorkspace {
            workspace: roster.workspace(),
            entries: entries.clone(),
        };
        self.state = State::Creating(Box::new(Creating {
            entering: entering.clone(),
            prove: prove.clone(),
            entries,
            attempts: 0,
            newest: None,
        }));
        self.outputs.push_back(create);
        Ok(())
    }

    pub(super) fn created(&mut self, now_ms: u64, roster: Arc<Roster>) -> Result<(), No> {
        let State::Creating(creating) = &mut self.state else {
            return Ok(());
        };
        let Hello { key, workspace, .. } = creating.entering.hello;
        if roster.device(&key.into()).is_some() || roster.invite(&key.into()).is_some() {
            let (prove, newest) = (creating.prove.clone(), creating.newest.take());
            self.admitted(now_ms, workspace, key, roster, prove)?;
            return newest.map_or(Ok(()), |newest| self.roster_grew(now_ms, newest));
        }
        // Somebody else's roster is there, which may lack what this client has of it.
        creating.attempts += 1;
        if creating.attempts > MAX_ATTEMPTS {
            return Err(stranger());
        }
        let (entries, grown, effects) = check_return(&roster, &creating.entries, key, now_ms)?;
        self.outputs.push_back(Output::AppendRoster {
            expected: roster.head(),
            keep: None,
            entries,
            roster: grown,
            effects,
        });
        Ok(())
    }

    fn admitted(
        &mut self,
        now_ms: u64,
        workspace: WorkspaceId,
        key: SignerKey,
        roster: Arc<Roster>,
        prove: Prove,
    ) -> Result<(), No> {
        let is_device = admit(&roster, key, now_ms)? != Access::Joins;
        let peer = Peer {
            workspace,
            key,
            is_device,
        };
        let mut follow = Follow::new(key, roster);
        follow.roster_known(&prove.roster_head);
        follow.held_changed(Arc::clone(&self.held));
        self.outputs.push_back(Output::FindPlace {
            feed: is_device.then(|| key.into()),
            cursor: prove.cursor.map(|cursor| cursor.sequence),
        });
        self.state = State::Placing(Box::new((peer, prove, follow)));
        Ok(())
    }

    pub(super) fn place(
        &mut self,
        now_ms: u64,
        head: LogHead,
        running: Option<LogHash>,
        own: Option<Cut>,
    ) -> Result<(), No> {
        let State::Placing(placing) = std::mem::replace(&mut self.state, State::Ended) else {
            return Ok(());
        };
        let (peer, prove, mut follow) = *placing;
        let access = admit(follow.roster(), peer.key, now_ms)?;
        let relay = self.relay.relay();
        let cursor = prove.cursor.filter(|c| holds(&head, relay, running, c));
        let entries = follow.take_entries();
        let (sequence, continues) = match access {
            Access::Reads => (head.sequence, cursor.is_some()),
            // The roster alone: nothing is compared, and nothing is read on.
            Access::Apart => (0, true),
            Access::Joins => (0, false),
        };
        // A client whose cursor the log does not hold compares heads first.
        if access == Access::Reads && (continues || prove.cursor.is_none()) {
            follow.log_from(cursor.map_or(0, |cursor| cursor.sequence), sequence);
        }
        self.send(Welcome {
            entries,
            epoch: head.epoch,
            sequence,
            continues,
            own,
            now_ms,
            log_start: None,
        });
        self.deadline = None;
        self.state = State::Working(Box::new(Working::new(peer, follow)));
        Ok(())
    }
}

pub(super) fn not_created(why: NotCreated) -> No {
    match why {
        NotCreated::NotAllowed => No::new(
            Refusal::WorkspaceUnknown,
            "this relay does not know the workspace and does not let it begin",
        ),
        NotCreated::OverQuota => No::new(
            Refusal::Quota,
            "this relay holds as many workspaces as it may",
        ),
    }
}
