//! The one writer: everything that waits becomes one durable commit, then all of it is answered.
//!
//! An answer leaves only after the commit, so what a client was told is on the disk. Followers hear of it after the
//! commit too. The more waits, the more one fsync carries.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use protocol::RosterHash;
use sync::relay::cut_of;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error};
use vault::Roster;

use crate::{
    log::{ChangeLog, LogError, Write, Written},
    logging::Short,
    space::Space,
};

/// How many jobs may wait for the next commit; who brings more waits with them.
const QUEUE_JOBS: usize = 1024;

/// The bytes of envelopes after which a commit takes no more jobs.
const COMMIT_BYTES: usize = 16 * 1024 * 1024;

/// One thing to write, and who hears of it.
#[derive(Debug)]
pub(crate) struct Job {
    /// What to write.
    pub(crate) write: Write,
    /// The workspace whose followers hear of it.
    pub(crate) space: Option<Arc<Space>>,
    /// The roster once the write is durable, when it changes the roster.
    pub(crate) roster: Option<Arc<Roster>>,
    /// The head of the roster by which envelopes were verified.
    pub(crate) judged_by: Option<RosterHash>,
    /// Whether the roster of now does not let the envelopes be taken.
    pub(crate) is_refused: bool,
    /// Gets the outcome; dropped without one when the log has failed.
    pub(crate) answer: oneshot::Sender<Written>,
}

/// The way to the writer's thread.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    /// None ends the thread, once all before it is written.
    jobs: mpsc::Sender<Option<Job>>,
}

impl Writer {
    /// Starts the thread; it returns the error that ended it, if one did, and calls `failed` before.
    pub(crate) fn start(
        log: Arc<dyn ChangeLog>,
        failed: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<(Writer, JoinHandle<Result<(), LogError>>)> {
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS);
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let ended = write_all(&*log, queue);
                if let Err(failure) = &ended {
                    error!(error = %Chain(failure), "the log has failed; the relay stops");
                    failed();
                }
                ended
            })?;
        Ok((Writer { jobs }, thread))
    }

    /// Queues a job, in order; waits while the queue is full.
    pub(crate) async fn queue(&self, job: Job) {
        // A writer that has ended drops the job, and with it the answer: the asker then sees that the log has failed.
        drop(self.jobs.send(Some(job)).await);
    }

    /// Ends the thread once it has written what is queued.
    pub(crate) async fn stop(&self) {
        drop(self.jobs.send(None).await);
    }
}

fn write_all(log: &dyn ChangeLog, mut queue: mpsc::Receiver<Option<Job>>) -> Result<(), LogError> {
    let mut is_last = false;
    while !is_last && let Some(Some(first)) = queue.blocking_recv() {
        let jobs = gather(first, || match queue.try_recv() {
            Ok(None) => {
                is_last = true;
                None
            }
            next => next.ok().flatten(),
        });
        commit(log, jobs)?;
    }
    Ok(())
}

/// Takes what goes into one commit with the first job, as long as there is a next one.
///
/// What comes after a change of a roster is judged by the new one, so that change ends a commit.
pub(crate) fn gather(first: Job, mut next: impl FnMut() -> Option<Job>) -> Vec<Job> {
    let mut bytes = size(&first.write);
    let mut jobs = vec![first];
    while bytes < COMMIT_BYTES
        && jobs.len() < QUEUE_JOBS
        && !jobs.last().is_some_and(changes_roster)
        && let Some(next) = next()
    {
        bytes += size(&next.write);
        jobs.push(next);
    }
    jobs
}

/// Judges jobs by the rosters of now, writes them in one durable step, then tells followers and answers.
///
/// # Errors
/// The log fails; then nothing of it counts, and nobody is answered.
pub(crate) fn commit(log: &dyn ChangeLog, mut jobs: Vec<Job>) -> Result<(), LogError> {
    jobs.iter_mut().for_each(judge_by_now);
    let (jobs, outdated): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| !job.is_refused);
    for job in outdated {
        drop(job.answer.send(Written::Outdated));
    }
    if jobs.is_empty() {
        return Ok(());
    }
    let (writes, waiting): (Vec<Write>, Vec<_>) = jobs
        .into_iter()
        .map(|job| (job.write, (job.space, job.roster, job.answer)))
        .unzip();
    debug!(jobs = waiting.len(), "commit");
    let outcomes = log.commit(writes)?;
    for (written, (space, roster, answer)) in outcomes.into_iter().zip(waiting) {
        if let (
            Written::Damaged { what }
            | Written::Carried {
                damaged: Some(what),
                ..
            },
            Some(space),
        ) = (&written, &space)
        {
            error!(workspace = %Short(space.id.as_bytes()), what, "a workspace is damaged");
        }
        if let Some(space) = space {
            space.publish(&written, roster);
        }
        // Nobody waits for it any more when the client is gone.
        drop(answer.send(written));
    }
    Ok(())
}

fn changes_roster(job: &Job) -> bool {
    matches!(job.write, Write::Roster { .. })
}

/// Judges envelopes by the roster of now that were verified under an earlier one: where their feeds are cut.
///
/// A space's roster is published by this thread alone, so here it is the durable one.
fn judge_by_now(job: &mut Job) {
    let (Some(space), Some(judged_by)) = (&job.space, &job.judged_by) else {
        return;
    };
    let roster = space.now().roster;
    if roster.head() == *judged_by {
        return;
    }
    match &mut job.write {
        Write::Append { run, cut, .. } => match cut_of(&roster, &run.feed) {
            Some(now) => *cut = now,
            None => job.is_refused = true,
        },
        Write::Carry { runs, .. } => {
            runs.retain_mut(|judged| match cut_of(&roster, &judged.run.feed) {
                Some(now) => {
                    judged.cut = now;
                    true
                }
                None => false,
            });
        }
        Write::Create { .. } | Write::Roster { .. } => {}
    }
}

fn size(write: &Write) -> usize {
    match write {
        Write::Append { run, .. } => run.bytes(),
        Write::Carry { runs, .. } => runs.iter().map(|judged| judged.run.bytes()).sum(),
        Write::Create { roster, .. } => roster.iter().map(|piece| piece.bytes.len()).sum(),
        Write::Roster { entries, .. } => entries.iter().map(|piece| piece.bytes.len()).sum(),
    }
}

/// Shows an error with all of its sources in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc as std_mpsc};

    use protocol::{Cut, EnvelopeHash, FeedId, LogHash, WorkspaceId};
    use sync::{Comparison, Effects, LogEntry, Run, Verified};

    use vault::{DeviceKeys, InviteSecret, InviteTerms};

    use super::*;
    use crate::{
        log::{FeedPiece, FeedRange, MemoryLog, RosterPiece, Seed, StoredWorkspace},
        space::Now,
    };

    /// A log that counts its commits and begins the first one when the test says so.
    #[derive(Debug)]
    struct Counting {
        inner: MemoryLog,
        begin: std_mpsc::Receiver<()>,
        sizes: Vec<usize>,
    }

    #[derive(Debug)]
    struct Shared(Mutex<Counting>);

    impl Shared {
        fn lock(&self) -> std::sync::MutexGuard<'_, Counting> {
            self.0.lock().expect("unpoisoned")
        }
    }

    impl ChangeLog for Shared {
        fn seed(&self, fresh: Seed) -> Result<Seed, LogError> {
            Ok(fresh)
        }

        fn workspace(&self, id: &WorkspaceId) -> Result<Option<StoredWorkspace>, LogError> {
            self.lock().inner.workspace(id)
        }

        fn commit(&self, batch: Vec<Write>) -> Result<Vec<Written>, LogError> {
            let mut log = self.lock();
            if log.sizes.is_empty() {
                log.begin.recv().expect("is told");
            }
            log.sizes.push(batch.len());
            log.inner.commit(batch)
        }

        fn read(
            &self,
            id: &WorkspaceId,
            after: u64,
            bytes: usize,
            entries: usize,
        ) -> Result<Vec<LogEntry>, LogError> {
            self.lock().inner.read(id, after, bytes, entries)
        }

        fn running_hash(&self, id: &WorkspaceId, at: u64) -> Result<Option<LogHash>, LogError> {
            self.lock().inner.running_hash(id, at)
        }

        fn feed_head(&self, id: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
            self.lock().inner.feed_head(id, feed)
        }

        fn feed_end(&self, id: &WorkspaceId, feed: &FeedId) -> Result<Option<Cut>, LogError> {
            self.lock().inner.feed_end(id, feed)
        }

        fn compare(&self, id: &WorkspaceId, known: &[Cut]) -> Result<Option<Comparison>, LogError> {
            self.lock().inner.compare(id, known)
        }

        fn read_feed(&self, id: &WorkspaceId, range: FeedRange) -> Result<FeedPiece, LogError> {
            self.lock().inner.read_feed(id, range)
        }
    }

    fn append(sequence: u8) -> (Job, oneshot::Receiver<Written>) {
        let (answer, outcome) = oneshot::channel();
        let envelope = Verified {
            sequence: u64::from(sequence),
            previous: match sequence {
                1 => EnvelopeHash::ZERO,
                _ => EnvelopeHash::from_bytes([sequence - 1; 32]),
            },
            hash: EnvelopeHash::from_bytes([sequence; 32]),
            bytes: vec![0; 10].into(),
        };
        let write = Write::Append {
            workspace: WorkspaceId::ZERO,
            received_ms: 1,
            run: Run {
                feed: FeedId::ZERO,
                envelopes: vec![envelope],
            },
            cut: None,
        };
        let job = Job {
            write,
            space: None,
            roster: None,
            judged_by: None,
            is_refused: false,
            answer,
        };
        (job, outcome)
    }

    /// A roster of two devices, and the entry by which the second is revoked.
    fn rosters() -> (Roster, Roster, FeedId) {
        let founder = DeviceKeys::from_seeds(&[1; 32], &[2; 32]);
        let second = DeviceKeys::from_seeds(&[3; 32], &[4; 32]);
        let mut fill = |bytes: &mut [u8]| bytes.fill(7);
        let (mut roster, ring) = Roster::found(&founder, 0, &mut fill).expect("founds");
        let secret = InviteSecret::from_bytes([5; 32]);
        let terms = InviteTerms {
            member: None,
            role: protocol::Role::Member,
            uses: 1,
            expires_ms: 9,
            reserved: Vec::new(),
        };
        let entry = roster.sign_invite(&founder.signing, &ring, &secret, &terms, 1, &mut fill);
        roster.append(&entry.expect("invites")).expect("follows");
        let entry = roster.sign_join(&secret, &second, 2, &mut fill);
        roster.append(&entry.expect("joins")).expect("follows");
        let what = protocol::What::Revoke(protocol::Revocation {
            feeds: vec![second.feed()],
            cuts: Vec::new(),
        });
        let entry = roster.sign(&founder.signing, what, 3).expect("may");
        let mut grown = roster.clone();
        grown.append(&entry).expect("follows");
        (roster, grown, second.feed())
    }

    #[tokio::test]
    async fn a_push_behind_a_revocation_is_held() {
        let (roster, grown, revoked) = rosters();
        let log = Arc::new(MemoryLog::new());
        let create = Write::Create {
            workspace: roster.workspace(),
            epoch: protocol::LogEpoch::ZERO,
            roster: vec![RosterPiece {
                hash: roster.head(),
                bytes: vec![0].into(),
            }],
            quota: 1,
        };
        let Written::Created(StoredWorkspace { head, .. }) =
            log.commit(vec![create]).expect("commits").remove(0)
        else {
            panic!("begins");
        };
        let before = roster.head();
        let now = Now {
            head,
            roster: Arc::new(roster),
            held: Arc::new([]),
        };
        let space = Arc::new(Space::new(grown.workspace(), now));
        let job = |feed: FeedId| {
            let (mut job, outcome) = append(1);
            if let Write::Append { workspace, run, .. } = &mut job.write {
                *workspace = space.id;
                run.feed = feed;
            }
            job.space = Some(Arc::clone(&space));
            job.judged_by = Some(before);
            (job, outcome)
        };
        let founder = DeviceKeys::from_seeds(&[1; 32], &[2; 32]).feed();
        let (answer, roster_outcome) = oneshot::channel();
        let revocation = Job {
            write: Write::Roster {
                workspace: space.id,
                received_ms: 2,
                expected: before,
                keep: None,
                entries: vec![RosterPiece {
                    hash: grown.head(),
                    bytes: vec![1].into(),
                }],
                effects: Effects::default(),
            },
            space: Some(Arc::clone(&space)),
            roster: Some(Arc::new(grown)),
            judged_by: None,
            is_refused: false,
            answer,
        };
        // All three wait for the same commit, and both pushes were verified before the revocation.
        let (queue, jobs) = mpsc::channel(9);
        let (late, late_outcome) = job(revoked);
        let (other, other_outcome) = job(founder);
        for job in [Some(revocation), Some(late), Some(other), None] {
            queue.send(job).await.expect("has room");
        }
        let shared: Arc<dyn ChangeLog> = log;
        let written = tokio::task::spawn_blocking(move || write_all(&*shared, jobs));
        let grew = roster_outcome.await.expect("is answered");
        assert!(matches!(grew, Written::RosterGrew { .. }), "{grew:?}");
        let outcome = |written| match written {
            Written::Appended { outcome, .. } => outcome,
            other => panic!("expected an append, got {other:?}"),
        };
        let late = outcome(late_outcome.await.expect("is answered"));
        assert!(matches!(late, sync::Appended::Held(_)), "{late:?}");
        let other = outcome(other_outcome.await.expect("is answered"));
        assert!(matches!(other, sync::Appended::Stored(_)), "{other:?}");
        let held: Vec<FeedId> = space.now().held.iter().map(|cut| cut.feed).collect();
        assert_eq!(held, [revoked], "and followers hear of it");
        written.await.expect("ends").expect("ends well");
    }

    #[tokio::test]
    async fn what_waits_becomes_one_commit_and_a_stop_finishes_it() {
        let (begin, begins) = std_mpsc::channel();
        let inner = MemoryLog::new();
        let create = Write::Create {
            workspace: WorkspaceId::ZERO,
            epoch: protocol::LogEpoch::ZERO,
            roster: Vec::new(),
            quota: 1,
        };
        inner.commit(vec![create]).expect("commits");
        let log = Arc::new(Shared(Mutex::new(Counting {
            inner,
            begin: begins,
            sizes: Vec::new(),
        })));
        let shared: Arc<dyn ChangeLog> = log.clone();
        let (writer, thread) = Writer::start(shared, || panic!("fails")).expect("starts");
        let mut outcomes = Vec::new();
        for sequence in 1..=50 {
            let (job, outcome) = append(sequence);
            writer.queue(job).await;
            outcomes.push(outcome);
        }
        writer.stop().await;
        begin.send(()).expect("waits");
        for (at, outcome) in (1..).zip(outcomes) {
            let written = outcome.await.expect("is answered");
            let Written::Appended { outcome, .. } = written else {
                panic!("{written:?}");
            };
            assert!(matches!(outcome, sync::Appended::Stored(cut) if cut.sequence == at));
        }
        thread.join().expect("ends").expect("ends well");
        let sizes = log.lock().sizes.clone();
        // The first takes what is there when the thread wakes, the second all the rest.
        assert!(sizes.len() <= 2, "{sizes:?}");
        assert_eq!(sizes.iter().sum::<usize>(), 50);

        let (job, outcome) = append(51);
        writer.queue(job).await;
        assert!(outcome.await.is_err(), "nobody is left to write it");
    }
}
