//! How a log decides about pushes and about the growth of a roster, whatever it is kept in.

use protocol::{Cut, EnvelopeHash, FeedId};

use crate::{Appended, Effects, Fit, Judged, Verified, divide, fit};

/// What a log knows of the feeds of one workspace, while it decides.
pub trait Feeds {
    /// What can go wrong while looking.
    type Error;

    /// Returns where a feed stands in the log.
    ///
    /// # Errors
    /// What is kept cannot be read.
    fn head(&self, feed: &FeedId) -> Result<Option<Cut>, Self::Error>;

    /// Returns up to where envelopes of a feed are held, and their size in bytes.
    ///
    /// # Errors
    /// What is kept cannot be read.
    fn held(&self, feed: &FeedId) -> Result<Option<(Cut, u64)>, Self::Error>;

    /// Returns the hash of an envelope in the log or among what is held.
    ///
    /// # Errors
    /// What is kept cannot be read.
    fn hash_at(&self, feed: &FeedId, sequence: u64) -> Result<Option<EnvelopeHash>, Self::Error>;
}

/// What is to be done with a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is taken.
    Take {
        /// What is new in the log.
        log: Vec<Verified>,
        /// What is new among what is held, behind `log`.
        held: Vec<Verified>,
        /// The outcome once that is done.
        outcome: Appended,
    },
    /// Nothing of it is taken.
    Refuse(Appended),
}

/// Returns where a feed stands, what is held of it included.
///
/// # Errors
/// Passes on what the feeds return.
pub fn feed_end<F: Feeds>(feeds: &F, feed: &FeedId) -> Result<Option<Cut>, F::Error> {
    match feeds.held(feed)? {
        Some((end, _)) => Ok(Some(end)),
        None => feeds.head(feed),
    }
}

/// Decides what of a run goes to the log and what is held, of which there may be `held_limit` bytes in the feed.
///
/// # Errors
/// Passes on what the feeds return.
pub fn decide<F: Feeds>(feeds: &F, judged: Judged, held_limit: u64) -> Result<Decision, F::Error> {
    let Judged { run, cut } = judged;
    let feed = run.feed;
    let held_before = feeds.held(&feed)?;
    let end = match held_before {
        Some((end, _)) => Some(end),
        None => feeds.head(&feed)?,
    };
    let skip = match fit(end.as_ref(), &run, |sequence| {
        feeds.hash_at(&feed, sequence)
    })? {
        Fit::Continues { skip } => skip,
        Fit::Fork => return Ok(Decision::Refuse(Appended::Fork(end))),
        Fit::Gap => return Ok(Decision::Refuse(Appended::Gap(end))),
    };
    let new: Vec<Verified> = run.envelopes.into_iter().skip(skip).collect();
    let last = new.last().map(|last| Cut {
        feed,
        sequence: last.sequence,
        hash: last.hash,
    });
    let Some((log, held)) = divide(new, cut.as_ref()) else {
        return Ok(Decision::Refuse(Appended::Fork(end)));
    };
    if held_before.is_some() && !log.is_empty() {
        // The log would go on behind what is held, and leave that out.
        return Ok(Decision::Refuse(Appended::Gap(feeds.head(&feed)?)));
    }
    let bytes_before = held_before.map_or(0, |(_, bytes)| bytes);
    let bytes: usize = held.iter().map(|envelope| envelope.bytes.len()).sum();
    if !held.is_empty() && bytes_before.saturating_add(bytes as u64) > held_limit {
        return Ok(Decision::Refuse(Appended::HeldFull(end)));
    }
    let Some(end) = last.or(end) else {
        // A run is never empty; one that is changes nothing.
        return Ok(Decision::Refuse(Appended::Gap(None)));
    };
    let outcome = if held_before.is_some() || !held.is_empty() {
        Appended::Held(end)
    } else {
        Appended::Stored(end)
    };
    Ok(Decision::Take { log, held, outcome })
}

/// Checks that the cuts of a growing roster are where they may be; none when they are, else the heads to tell.
///
/// A feed that is newly cut must be cut at its head in the log, one whose cut moves at an envelope that is here. A roster
/// that is brought back is taken whatever the log has: less, and the rest is still to be carried, or more, which readers
/// hold as behind a cut.
///
/// # Errors
/// Passes on what the feeds return.
pub fn differing<F: Feeds>(feeds: &F, effects: &Effects) -> Result<Option<Vec<Cut>>, F::Error> {
    if !effects.is_exact {
        return Ok(None);
    }
    let mut heads = Vec::new();
    let mut differs = false;
    for cut in &effects.cuts {
        let head = feeds.head(&cut.feed)?;
        let (sequence, hash) =
            head.map_or((0, EnvelopeHash::ZERO), |head| (head.sequence, head.hash));
        differs |= (cut.sequence, cut.hash) != (sequence, hash);
        heads.extend(head);
    }
    for release in &effects.releases {
        if let Some(to) = release.to.filter(|_| release.is_move) {
            differs |= feeds.hash_at(&to.feed, to.sequence)? != Some(to.hash);
        }
        heads.extend(feed_end(feeds, &release.feed)?);
    }
    Ok(differs.then_some(heads))
}

/// Parts what is held of a feed into what a release lets into the log and what stays held.
///
/// When the release names another envelope than the one that is held there, all of it stays.
pub fn release(held: Vec<Verified>, to: Option<&Cut>) -> (Vec<Verified>, Vec<Verified>) {
    let is_named = |cut: &Cut| {
        let mut at = held.iter().filter(|held| held.sequence == cut.sequence);
        at.all(|held| held.hash == cut.hash)
    };
    if !to.is_none_or(is_named) {
        return (Vec::new(), held);
    }
    divide(held, to).unwrap_or_default()
}
