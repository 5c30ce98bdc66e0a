//! `verify`: walks everything that is kept, and says what is wrong where.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use protocol::{EnvelopeHash, FeedId, WorkspaceId};
use sync::LogEntry;

use super::{
    UpkeepError,
    emit::{EmitError, emit},
    examine::{Examined, Examiner},
    finding::{Fault, Finding, Place},
    frames::FrameReader,
    item::{Item, RelayItem},
    source::{Source, open},
};
use crate::{
    log::{
        FeedOutline, HeldOutline, LogError, OpenError, Snapshot, Totals, Trust, WorkspaceOutline,
    },
    writer::Chain,
};

/// The bytes that are read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Says why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The relay's data could not be got at.
    #[error(transparent)]
    Source(#[from] UpkeepError),
    /// The backup cannot be opened.
    #[error(
        "cannot read {path}: {source}; verify takes a backup, or --data with the data directory of a relay"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What was verified.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// What the workspaces hold.
    pub workspaces: Vec<Examined>,
    /// When the backup was made, ms since 1970; none for a data directory.
    pub made_ms: Option<u64>,
    /// How many things are wrong.
    pub faults: u64,
}

/// Verifies a backup; findings are reported as they are made.
///
/// # Errors
/// The file cannot be opened.
pub fn verify_backup(
    file: &Path,
    report: &mut dyn FnMut(Finding),
) -> Result<Verified, VerifyError> {
    let opened = File::open(file).map_err(|source| VerifyError::File {
        path: file.to_owned(),
        source,
    })?;
    counting(report, |report| {
        let from = BufReader::with_capacity(BUFFER_BYTES, opened);
        let (relay, workspaces) = examine_frames(from, report);
        Ok((relay.map(|relay| relay.made_ms), workspaces))
    })
}

/// Verifies the data of a relay: the directory itself when it is stopped, else what the relay hands out of it.
///
/// The indexes of a directory, which follow from its log, are checked on a stopped relay only.
///
/// # Errors
/// There is no such data, or it cannot be got at.
pub fn verify_data(data: &Path, report: &mut dyn FnMut(Finding)) -> Result<Verified, VerifyError> {
    counting(report, |report| match open(data, Trust::Nothing) {
        #[cfg(unix)]
        Ok(Source::Running(asker)) => {
            let from = asker
                .backup()
                .map_err(|source| UpkeepError::Answer { source })?;
            Ok((None, examine_frames(from, report).1))
        }
        Ok(Source::Stopped(log)) => match log.snapshot() {
            Ok(snapshot) => Ok((None, examine_log(&snapshot, report))),
            Err(error) => {
                report(storage(Chain(&error).to_string()));
                Ok((None, Vec::new()))
            }
        },
        Err(UpkeepError::Open(OpenError::Damaged { path, source })) => {
            let source = Chain(&*source).to_string();
            report(storage(format!("{} is damaged: {source}", path.display())));
            Ok((None, Vec::new()))
        }
        Err(error) => Err(error.into()),
    })
}

type Report<'r> = &'r mut dyn FnMut(Finding);
type Found = (Option<u64>, Vec<Examined>);

fn counting(
    report: Report<'_>,
    verify: impl FnOnce(Report<'_>) -> Result<Found, VerifyError>,
) -> Result<Verified, VerifyError> {
    let mut faults = 0;
    let (made_ms, workspaces) = verify(&mut |finding| {
        faults += 1;
        report(finding);
    })?;
    Ok(Verified {
        workspaces,
        made_ms,
        faults,
    })
}

fn storage(text: String) -> Finding {
    Finding {
        place: Place::default(),
        fault: Fault::Storage { text },
    }
}

/// Examines the bytes of a backup as far as they can be read.
pub(super) fn examine_frames(
    from: impl Read,
    report: Report<'_>,
) -> (Option<RelayItem>, Vec<Examined>) {
    let mut examiner = Examiner::new(report);
    let mut broken = None;
    match FrameReader::begin(from) {
        Ok(mut frames) => loop {
            match frames.read() {
                Ok(Some(frame)) => examiner.frame(frame),
                Ok(None) => break,
                Err(source) => {
                    broken = Some(source);
                    break;
                }
            }
        },
        Err(source) => broken = Some(source),
    }
    if let Some(source) = broken {
        let place = examiner.place();
        examiner.report(place, Fault::File { source });
    }
    examiner.finish()
}

/// Examines a log in its directory, with the indexes that lead through it.
pub(super) fn examine_log(snapshot: &Snapshot, report: Report<'_>) -> Vec<Examined> {
    let mut examiner = Examiner::new(report);
    let mut indexes = Indexes {
        snapshot,
        sums: Totals::default(),
        open: None,
    };
    let walked = emit(snapshot, 0, &mut |item| {
        match item {
            Ok(Item::Workspace(outline)) => {
                indexes.close(&mut examiner);
                examiner.item(Item::Workspace(outline));
                indexes.open(&outline)?;
            }
            Ok(Item::Envelope {
                sequence,
                running,
                entry,
            }) => {
                // The bytes are shared, not copied.
                let known = entry.clone();
                examiner.item(Item::Envelope {
                    sequence,
                    running,
                    entry,
                });
                indexes.envelope(sequence, &known, &mut examiner)?;
            }
            Ok(item) => examiner.item(item),
            Err(row) => examiner.unreadable(row),
        }
        Ok(())
    });
    let walked = walked.map_err(|error| match error {
        EmitError::Log(error) | EmitError::Taker(error) => error,
    });
    indexes.close(&mut examiner);
    if let Err(error) = walked.and_then(|()| indexes.count(&mut examiner)) {
        let place = examiner.place();
        let text = Chain(&error).to_string();
        examiner.report(place, Fault::Storage { text });
    }
    examiner.finish().1
}

/// What the tables beside the log say of a workspace.
struct Beside {
    workspace: WorkspaceId,
    feeds: HashMap<FeedId, FeedOutline>,
    held: Vec<HeldOutline>,
    places: Places,
}

type Places = Box<dyn Fn(u32, u64) -> Result<Option<u64>, LogError>>;

/// Compares the table of feeds and their index with the log.
struct Indexes<'s> {
    snapshot: &'s Snapshot,
    /// What the rows of the workspaces account for.
    sums: Totals,
    open: Option<Beside>,
}

impl Indexes<'_> {
    fn open(&mut self, outline: &WorkspaceOutline) -> Result<(), LogError> {
        let mut feeds = HashMap::new();
        for feed in self.snapshot.feeds(outline.number)? {
            let feed = feed?;
            feeds.insert(feed.head.feed, feed);
        }
        self.sums.roster += u64::from(outline.roster_len);
        self.sums.log += outline.head.sequence;
        self.sums.index += outline.head.sequence;
        self.sums.feeds += feeds.len() as u64;
        let held = self.snapshot.held_feeds(outline.number)?;
        let held = held.collect::<Result<Vec<_>, _>>()?;
        for held in &held {
            let head = feeds.get(&held.end.feed);
            let before = head.map_or(0, |feed| feed.head.sequence);
            self.sums.held += held.end.sequence.saturating_sub(before);
        }
        self.sums.held_feeds += held.len() as u64;
        self.open = Some(Beside {
            workspace: outline.id,
            feeds,
            held,
            places: Box::new(self.snapshot.places(outline.number)?),
        });
        Ok(())
    }

    fn envelope(
        &mut self,
        sequence: u64,
        entry: &LogEntry,
        examiner: &mut Examiner<'_>,
    ) -> Result<(), LogError> {
        let Some(beside) = &self.open else {
            return Ok(());
        };
        let found = match beside.feeds.get(&entry.feed) {
            Some(feed) => (beside.places)(feed.number, entry.sequence)?,
            None => None,
        };
        if found != Some(sequence) {
            let place = Place {
                workspace: Some(beside.workspace),
                sequence: Some(sequence),
                feed: Some(entry.feed),
                feed_sequence: Some(entry.sequence),
                ..Place::default()
            };
            examiner.report(place, Fault::Index);
        }
        Ok(())
    }

    /// Compares the ends of feeds while the examiner still knows them.
    fn close(&mut self, examiner: &mut Examiner<'_>) {
        let Some(beside) = self.open.take() else {
            return;
        };
        let place = |feed| Place {
            workspace: Some(beside.workspace),
            feed: Some(feed),
            ..Place::default()
        };
        for (feed, outline) in beside.feeds {
            let end = examiner.feed(&feed);
            let end = end.map_or((0, EnvelopeHash::ZERO), |cut| (cut.sequence, cut.hash));
            if end != (outline.head.sequence, outline.head.hash) {
                examiner.report(place(feed), Fault::FeedHead);
            }
        }
        for held in beside.held {
            if examiner.held(&held.end.feed) != Some((held.end, held.bytes)) {
                examiner.report(place(held.end.feed), Fault::HeldHead);
            }
        }
    }

    /// Looks for rows that belong to no workspace.
    fn count(&self, examiner: &mut Examiner<'_>) -> Result<(), LogError> {
        let totals = self.snapshot.totals()?;
        for (table, expected, found) in [
            ("roster", self.sums.roster, totals.roster),
            ("log", self.sums.log, totals.log),
            ("feeds", self.sums.feeds, totals.feeds),
            ("feed_index", self.sums.index, totals.index),
            ("held", self.sums.held, totals.held),
            ("held_feeds", self.sums.held_feeds, totals.held_feeds),
        ] {
            if expected != found {
                let fault = Fault::Orphans {
                    table,
                    expected,
                    found,
                };
                examiner.report(Place::default(), fault);
            }
        }
        Ok(())
    }
}
