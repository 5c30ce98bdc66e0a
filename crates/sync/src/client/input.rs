//! What happens to a session.

use protocol::{Blob, Cursor, Cut, EnvelopeHash, FeedId, RosterHash};

use super::Missing;

#[expect(unused_imports, reason = "for the links of the documentation")]
use super::{Output, Session};

/// What happens to a session.
#[derive(Debug, Clone)]
pub enum Input {
    /// The WebSocket is open.
    Opened,
    /// A binary message came.
    Frame(Vec<u8>),
    /// The WebSocket is closed, by whomever.
    Closed,
    /// The own feed has grown.
    LocalHead {
        /// The sequence of its last envelope.
        sequence: u64,
        /// The hash of that envelope.
        hash: EnvelopeHash,
    },
    /// Answers [`Output::ReadOutbox`]: own envelopes with their sequences, contiguous.
    Outbox {
        /// The envelopes.
        envelopes: Vec<(u64, Vec<u8>)>,
    },
    /// Answers [`Output::Apply`]: the batch and its cursor are durable.
    Applied {
        /// The cursor of that batch.
        cursor: Cursor,
    },
    /// Answers [`Output::ReadRoster`]: all entries from the first.
    Roster {
        /// The entries.
        entries: Vec<Blob>,
    },
    /// Answers [`Output::ReadHeads`]: the last envelope of every feed, the own one included, up to which all are here.
    ///
    /// What waits for an earlier envelope of its feed is not counted, what is in quarantine is.
    Heads {
        /// One cut for each feed that has written.
        heads: Vec<Cut>,
    },
    /// Answers [`Output::ReadHashes`]: the hash of the envelope at each place, in the order of the question.
    Hashes {
        /// The hashes; none where nothing is stored.
        hashes: Vec<Option<EnvelopeHash>>,
    },
    /// Answers [`Output::ReadMissing`]: envelopes that the relay lacks, in the order in which they were received here.
    Missing {
        /// The envelopes, as many as were asked for or fewer.
        envelopes: Vec<Blob>,
        /// The place in the received order after which to go on; none at the end.
        ///
        /// There may be no envelopes and a place all the same, when nothing that the relay lacks was found up to it.
        next: Option<u64>,
    },
    /// Answers [`Output::Carried`]: the envelopes are durable.
    Carried,
    /// Asks the relay for a piece of any feed; answered by [`Output::Carried`], or [`Output::Held`] for what is held.
    ///
    /// The answer ends with the envelope `to`, or with [`Output::WantEnded`] when the relay has no more.
    Want {
        /// The feed.
        feed: FeedId,
        /// The first sequence, from 1.
        from: u64,
        /// The last sequence.
        to: u64,
    },
    /// Brings the relay what it lacks of the roster, whoever signed it: entries that follow each other.
    ///
    /// Meant for a relay that [`Output::Roster`] shows to have less of the same roster, or a branch that does not count;
    /// then the entries are ours from where the branches part. What the relay has is skipped. Taken, they are not
    /// answered; when the relay's branch is the one that counts, [`Output::RosterMoved`] is the answer. Given before the
    /// answer to [`Output::ReadHeads`], they arrive before anything is carried.
    BringRoster {
        /// The entries.
        entries: Vec<Blob>,
    },
    /// Offers the relay pieces of others' feeds that it lacks though its roster knows their devices, from earlier sessions
    /// in which it did not; at most one piece a feed.
    ///
    /// [`Output::ReadMissing`] asks for them. What the relay has is skipped, and what it does not take is offered again when
    /// its roster changes. In an exchange nothing needs to be offered.
    Offer {
        /// The pieces.
        missing: Vec<Missing>,
    },
    /// Adds to the roster; answered by [`Output::RosterAppended`], [`Output::RosterMoved`] or [`Output::CutRefused`].
    AppendRoster {
        /// The head on which the entries build.
        expected_head: RosterHash,
        /// The entries, signed.
        entries: Vec<Blob>,
    },
    /// Time has passed; wanted at [`Session::deadline`].
    Tick,
    /// The shell wants to end the session.
    Leave,
}
