//! What a session says.

use std::sync::Arc;

use protocol::{
    Blob, Cursor, Cut, Envelope, EnvelopeHash, FeedId, LogEpoch, Refusal, RelayKey, RosterHash,
};

use super::Broken;
#[expect(unused_imports, reason = "for the links of the documentation")]
use super::Input;

/// What the relay said when it let the client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Established {
    /// The session version in use.
    pub version: u32,
    /// The relay.
    pub relay: RelayKey,
    /// The life of its log.
    pub epoch: LogEpoch,
    /// The newest sequence of its log.
    pub log_sequence: u64,
    /// The relay's clock when it answered, ms since 1970.
    pub relay_now_ms: u64,
}

/// What a log that does not continue the client's cursor means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogReplaced {
    /// The cursor that the log does not hold.
    pub cursor: Cursor,
    /// The relay that answered.
    pub relay: RelayKey,
    /// The life of its log.
    pub epoch: LogEpoch,
    /// The newest sequence of its log.
    pub log_sequence: u64,
    /// Where the relay has this device's feed.
    pub own: Option<Cut>,
}

/// One item of the log for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An envelope of somebody else.
    Envelope {
        /// When the relay received it, ms since 1970.
        received_ms: u64,
        /// Its bytes as they came.
        bytes: Blob,
        /// The same, read; no signature was checked.
        envelope: Box<Envelope>,
    },
    /// An envelope of this device, by its name.
    Own {
        /// When the relay received it, ms since 1970.
        received_ms: u64,
        /// Its sequence in the own feed.
        sequence: u64,
        /// Its hash.
        hash: EnvelopeHash,
    },
}

/// A piece of a feed that the relay lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The feed.
    pub feed: FeedId,
    /// The first sequence that is missing.
    pub from: u64,
    /// The last sequence that is missing.
    pub to: u64,
}

/// An envelope that came apart from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedEnvelope {
    /// Its bytes as they came.
    pub bytes: Blob,
    /// The same, read; no signature was checked.
    pub envelope: Box<Envelope>,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The cursor up to which everything that the log holds is here.
    pub cursor: Cursor,
    /// Where each feed stands in the log at that place.
    pub relay: Vec<Cut>,
    /// The feeds of which the relay did not take all that is here, with the place up to which that is: it does not know
    /// the device, or cuts the feed before. Feeds that forked are named by [`Output::Forked`].
    pub not_taken: Vec<Cut>,
}

/// How much is missing on either side, as far as this session knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Own envelopes that the relay does not have durably.
    pub to_send: u64,
    /// Entries of the log that are not applied.
    pub to_fetch: u64,
}

/// What follows from an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a binary message.
    Send(Vec<u8>),
    /// The relay let the client in.
    Established(Established),
    /// The log does not hold the client's cursor; both sides compare what they have before it is read on.
    LogReplaced(LogReplaced),
    /// Read the heads of all feeds for a comparison.
    ReadHeads,
    /// Read the hashes of envelopes.
    ReadHashes {
        /// The places: feed and sequence, [`super::MAX_PLACES`](super::MAX_PLACES) at most.
        places: Vec<(FeedId, u64)>,
    },
    /// Read envelopes that the relay lacks, in the order in which they were received here.
    ReadMissing {
        /// What the relay lacks, by feed; the same for all pieces of one comparison.
        missing: Arc<[Missing]>,
        /// The place in the received order after which to read; 0 at first.
        after: u64,
        /// How many bytes are wanted; one envelope at least when there is one.
        max_bytes: usize,
        /// The most envelopes.
        max_envelopes: usize,
    },
    /// Store and apply envelopes that the relay carried; no others come before the answer [`Input::Carried`].
    ///
    /// They are of any feeds, the own one too, each feed in order but for pieces that were wanted; no signature was
    /// checked. The cursor stays as it is.
    Carried {
        /// The envelopes.
        envelopes: Vec<CarriedEnvelope>,
    },
    /// Both sides have what the other had, but for what is named here; store the cursor, the log goes on from it.
    Compared(Compared),
    /// The relay's log has these feeds by now, of which it was offered what it lacked ([`Input::Offer`]).
    Taken {
        /// Up to where it has each; feeds of which it has nothing are left out.
        heads: Vec<Cut>,
    },
    /// The relay has more of the own feed than this disk: it was restored from an older copy.
    ///
    /// What is missing comes as [`Output::Carried`]; when it is stored, tell it by [`Input::LocalHead`], and the session
    /// goes on. Nothing is pushed and nothing of the log is handed out before. The device must not write to this feed
    /// again before it knows all of it, and should become a new device that continues this one (design.md, section 6).
    OwnFeedAhead {
        /// Where the relay has the own feed.
        relay: Cut,
    },
    /// The relay shows an admin of which feeds it holds envelopes apart, each up to where: after the welcome when there
    /// are any, and whenever that changes. Ask for them by [`Input::Want`], from behind the feed's cut.
    HeldFeeds {
        /// The feeds; none when nothing is held any more.
        feeds: Vec<Cut>,
    },
    /// Envelopes that the relay holds apart, as an admin wanted them; contiguous, no signature was checked.
    ///
    /// They are shown, not applied: they count when their cut has moved, and then come with the log like any others.
    Held {
        /// The feed.
        feed: FeedId,
        /// The envelopes.
        envelopes: Vec<Blob>,
    },
    /// The relay has no more of a piece that was wanted.
    WantEnded,
    /// A roster append was not taken, because a cut in it is not where it must be; sign again with these.
    ///
    /// For a feed that is newly cut (revoked, or its member may not write any more) this is its head in the log, which
    /// the cut must name; a feed that is not listed never wrote and gets no cut. For a cut that moves this is the last
    /// place that it may name.
    CutRefused {
        /// The heads.
        heads: Vec<Cut>,
    },
    /// Roster entries, to be verified and stored.
    ///
    /// They follow the known head, or, when the relay's roster is another: all that it has (in the welcome, when it does
    /// not know the head), or what follows the entries that both share (when its roster has given way to a branch that
    /// counts). Where the relay has less of the same roster, or a branch that does not count, bring it ours by
    /// [`Input::BringRoster`].
    Roster {
        /// The entries.
        entries: Vec<Blob>,
    },
    /// Read the whole roster for a relay that does not know the workspace.
    ReadRoster,
    /// Read own envelopes after a sequence.
    ReadOutbox {
        /// The sequence.
        after_sequence: u64,
        /// How many bytes are wanted; one envelope at least.
        max_bytes: usize,
    },
    /// The relay has the own feed durably up to here.
    ///
    /// It can be less than was known, when a relay lost something; 0 and zeros mean that it has nothing.
    Acknowledged {
        /// The sequence.
        sequence: u64,
        /// The hash of that envelope.
        hash: EnvelopeHash,
        /// Whether the relay keeps the end apart, since the roster cuts this feed: an admin has to accept it.
        is_held: bool,
    },
    /// Apply items of the log together with the cursor after them; no other batch comes before the answer.
    Apply {
        /// The log sequence of the first item.
        first: u64,
        /// The items; the running hash over them is right, their signatures are not checked.
        items: Vec<Item>,
        /// The cursor after the last item.
        cursor: Cursor,
    },
    /// The relay took the entries of [`Input::AppendRoster`]; they came as [`Output::Roster`] before.
    RosterAppended {
        /// The head after them.
        head: RosterHash,
    },
    /// The roster had grown, so nothing was taken; verify and store these entries, then sign again. Without an append it
    /// answers [`Input::BringRoster`]: the relay's branch counts.
    RosterMoved {
        /// The entries that were missing here.
        entries: Vec<Blob>,
        /// The head after them.
        head: RosterHash,
    },
    /// The relay has all of ours, and we have applied all of its log as of now.
    Settled,
    /// The session was settled and is not any more, or has just been established with work to do.
    Unsettled(Progress),
    /// The relay has another envelope at a place of a feed than this disk: somebody's disk was cloned, or restored and
    /// used.
    ///
    /// When it is the own feed, the session goes on with the roster alone: move what comes after `common` to a new
    /// device that continues this one, and begin a session as that. When it is another's, the exchange goes on without
    /// it, and the relay's branch may be asked for by [`Input::Want`]; its device will find out by itself.
    Forked {
        /// The feed.
        feed: FeedId,
        /// The last place that both have, with sequence 0 when it is none; not known for feeds of others, nor when a
        /// push met the fork, which the next session then looks into.
        common: Option<Cut>,
        /// Where the relay has the feed.
        relay: Cut,
    },
    /// The relay refused; the session ends.
    Refused {
        /// Why.
        code: Refusal,
        /// A text for a log.
        text: String,
        /// Where the feed stands there, if that is the reason.
        cut: Option<Cut>,
    },
    /// The protocol was broken; the session ends.
    Broken(Broken),
    /// Close the WebSocket; the last output of a session.
    Close,
}
