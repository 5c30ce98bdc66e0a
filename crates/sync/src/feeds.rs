//! How a log decides about pushes and about the growth of a roster, whatever it is kept in.

use protocol::{Cut, EnvelopeHash, FeedId};

use crate::{Appended, Effects, Fit, Judged, Run, Verified, divide, fit};

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

/// What is to be done with a run, in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is taken.
    Take {
        /// The sequence behind which all that is held of the feed is dropped: another branch, which cannot count.
        drop_behind: Option<u64>,
        /// The sequence up to which what is then held goes to the log.
        let_in: Option<u64>,
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
/// Of a feed that is cut further on than the log has it, nothing goes to the log before the envelope is there that the cut
/// names: it proves all that leads to it. What comes before that is held. Whoever could write another past of the feed,
/// a copy of its device, gets it among what is held at most, and there the true one takes its place: when somebody else
/// carries it, or when it proves itself. What others carry is not limited, since a relay that lost its log needs it.
///
/// # Errors
/// Passes on what the feeds return.
pub fn decide<F: Feeds>(feeds: &F, judged: Judged, held_limit: u64) -> Result<Decision, F::Error> {
    let Judged { run, cut, is_own } = judged;
    let feed = run.feed;
    let head = feeds.head(&feed)?;
    let held_before = feeds.held(&feed)?;
    let end = held_before.map(|(end, _)| end).or(head);
    // The cut, as long as the log has yet to come to it, and whether this run leads there.
    let at = head.map_or(0, |head| head.sequence);
    let ahead = cut.filter(|cut| at < cut.sequence);
    let is_named = |one: &Verified, cut: &Cut| (one.sequence, one.hash) == (cut.sequence, cut.hash);
    let proves = ahead.is_some_and(|cut| run.envelopes.iter().any(|one| is_named(one, &cut)));

    let fits = fit(end.as_ref(), &run, |at| feeds.hash_at(&feed, at))?;
    let (skip, drop_behind) = match fits {
        Fit::Continues { skip } => (skip, None),
        #[cfg(feature = "sabotage")]
        Fit::Fork | Fit::Gap if sabotage::is(sabotage::Break::FeedUnchecked) => (0, None),
        Fit::Gap => return Ok(Decision::Refuse(Appended::Gap(end))),
        Fit::Fork => match joins(feeds, &run, head.as_ref())? {
            Some((skip, joint))
                if held_before.is_some()
                    && ahead.is_some_and(|cut| joint < cut.sequence)
                    && (proves || !is_own) =>
            {
                (skip, Some(joint))
            }
            _ => return Ok(Decision::Refuse(Appended::Fork(end))),
        },
    };
    let new: Vec<Verified> = run.envelopes.into_iter().skip(skip).collect();
    let last = new.last().map(|last| Cut {
        feed,
        sequence: last.sequence,
        hash: last.hash,
    });
    let Some((mut log, mut held)) = divide(new, cut.as_ref()) else {
        return Ok(Decision::Refuse(Appended::Fork(end)));
    };
    let is_unproven = ahead.is_some() && !proves;
    if is_unproven {
        log.append(&mut held);
        held = std::mem::take(&mut log);
    }
    let let_in = ahead.map(|cut| cut.sequence);
    let let_in = let_in.filter(|_| proves && held_before.is_some());
    if held_before.is_some() && let_in.is_none() && !log.is_empty() {
        // The log would go on behind what is held, and leave that out.
        return Ok(Decision::Refuse(Appended::Gap(head)));
    }
    let Some(end) = last.or(end) else {
        // A run is never empty; one that is changes nothing.
        return Ok(Decision::Refuse(Appended::Gap(None)));
    };
    let is_limited = is_own || !is_unproven || cut.is_some_and(|cut| end.sequence > cut.sequence);
    // Whatever was held before is in the log then, or dropped.
    let bytes_before = match held_before {
        Some((_, bytes)) if let_in.is_none() && drop_behind.is_none() => bytes,
        _ => 0,
    };
    let bytes: usize = held.iter().map(|envelope| envelope.bytes.len()).sum();
    if !held.is_empty() && is_limited && bytes_before.saturating_add(bytes as u64) > held_limit {
        let end = held_before.map(|(end, _)| end).or(head);
        return Ok(Decision::Refuse(Appended::HeldFull(end)));
    }
    let is_held = match let_in {
        Some(up_to) => end.sequence > up_to,
        None => held_before.is_some() || !held.is_empty(),
    };
    Ok(Decision::Take {
        drop_behind,
        let_in,
        log,
        held,
        outcome: if is_held {
            Appended::Held(end)
        } else {
            Appended::Stored(end)
        },
    })
}

/// Finds where a run that leads away from what is held joins the feed: how many of its envelopes the log has, and the
/// sequence behind which the run goes on.
fn joins<F: Feeds>(
    feeds: &F,
    run: &Run,
    head: Option<&Cut>,
) -> Result<Option<(usize, u64)>, F::Error> {
    let Some(first) = run.envelopes.first() else {
        return Ok(None);
    };
    let at = head.map_or(0, |head| head.sequence);
    let before = first.sequence.saturating_sub(1);
    if before > at {
        let hash = feeds.hash_at(&run.feed, before)?;
        return Ok((hash == Some(first.previous)).then_some((0, before)));
    }
    Ok(match fit(head, run, |at| feeds.hash_at(&run.feed, at))? {
        Fit::Continues { skip } if skip < run.envelopes.len() => Some((skip, at)),
        _ => None,
    })
}

/// Does with what was held of a feed what a decision says; returns what goes to the log, and what stays held.
pub fn part_held(
    mut held: Vec<Verified>,
    drop_behind: Option<u64>,
    let_in: Option<u64>,
) -> (Vec<Verified>, Vec<Verified>) {
    held.retain(|one| drop_behind.is_none_or(|last| one.sequence <= last));
    let Some(up_to) = let_in else {
        return (Vec::new(), held);
    };
    let rest = held.split_off(held.partition_point(|one| one.sequence <= up_to));
    (held, rest)
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
    #[cfg(feature = "sabotage")]
    if differs && sabotage::is(sabotage::Break::CutUnchecked) {
        return Ok(None);
    }
    Ok(differs.then_some(heads))
}

/// Parts what is held of a feed into what a release lets into the log and what stays held.
///
/// Short of the envelope that the release names nothing is let in: it alone proves what leads to it.
pub fn release(held: Vec<Verified>, to: Option<&Cut>) -> (Vec<Verified>, Vec<Verified>) {
    let is_named = |cut: &Cut| {
        let mut held = held.iter();
        held.any(|one| (one.sequence, one.hash) == (cut.sequence, cut.hash))
    };
    match to {
        None => (held, Vec::new()),
        Some(cut) if is_named(cut) => part_held(held, None, Some(cut.sequence)),
        Some(_) => (Vec::new(), held),
    }
}
