//! The private socket on which a relay that runs answers the commands of its own machine.
//!
//! `relay.sock` in the data directory, 0600. Who connects says one line and gets one answer:
//!
//! | line | answer |
//! |---|---|
//! | `status` | one line of JSON ([`Status`]) |
//! | `backup` | the bytes of a backup (`frames.rs`) of what is durable when it is asked for |
//!
//! An answer comes from a snapshot, so neither writer nor clients wait for it; one who does not read his answer loses
//! it after [`WRITE_LIMIT`], since the snapshot keeps old pages in the file as long as it lives.

use std::{
    fs,
    io::{self, BufReader, BufWriter, Read, Write},
    net::SocketAddr,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, PermissionsExt, symlink},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use protocol::RelayKey;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};
use tracing::{debug, info, warn};

use super::{
    UpkeepError,
    emit::{EmitError, emit},
    frames::FrameWriter,
    item::Item,
    status::{Counter, Status},
};
use crate::{clock, log::RedbLog};

/// The name of the socket in the data directory.
const SOCKET_NAME: &str = "relay.sock";

/// The folder in which the socket is made before it gets its name.
const NEST_NAME: &str = "relay.sock.new";

/// The most bytes that the path of a socket may have; systems take 103 to 107.
const MAX_PATH_BYTES: usize = 100;

/// How many may be answered at once; others wait.
const MAX_ASKERS: usize = 4;

/// The most bytes of a question.
const MAX_QUESTION_BYTES: u64 = 64;

/// The most bytes of a status.
const MAX_STATUS_BYTES: u64 = 64 * 1024 * 1024;

/// How long nobody is accepted after one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How long one who connects may take to ask.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// How long a piece of an answer may take to leave.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// How long an asker waits for a relay that says nothing: it may count a long log first.
const READ_LIMIT: Duration = Duration::from_secs(300);

/// How long a relay that stops waits for answers to break off.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The bytes that are gathered for one write.
const BUFFER_BYTES: usize = 256 * 1024;

const STATUS: &[u8] = b"status\n";
const BACKUP: &[u8] = b"backup\n";

/// What a relay knows of itself beside its log.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its key.
    pub(crate) relay: RelayKey,
    /// The places for clients, of which each takes one.
    pub(crate) places: Arc<Semaphore>,
    /// How many there are.
    pub(crate) max_connections: u32,
}

/// The socket of a relay, and what it answers from.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
    log: Arc<RedbLog>,
}

impl Control {
    /// Listens in the data directory, whose log this process has open; replaces a socket that an earlier relay left.
    ///
    /// The socket gets its name when nobody else may use it any more.
    pub(crate) fn bind(data: &Path, log: Arc<RedbLog>) -> io::Result<Control> {
        let nest = data.join(NEST_NAME);
        match fs::remove_dir_all(&nest) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::DirBuilder::new().mode(0o700).create(&nest)?;
        let listener = through_short_path(&nest, "s", |path| UnixListener::bind(path))?;
        fs::set_permissions(nest.join("s"), fs::Permissions::from_mode(0o600))?;
        let path = data.join(SOCKET_NAME);
        fs::rename(nest.join("s"), &path)?;
        fs::remove_dir(&nest)?;
        listener.set_nonblocking(true)?;
        Ok(Control {
            listener,
            path,
            log,
        })
    }

    /// Answers until the relay stops.
    pub(crate) async fn serve(self, facts: Facts, mut stop: watch::Receiver<bool>) {
        let Control {
            listener,
            path,
            log,
        } = self;
        let listener = match tokio::net::UnixListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return warn!(%error, "backup and status cannot be asked for"),
        };
        let counter = Arc::new(Counter::default());
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut answers = JoinSet::new();
        loop {
            let asked = tokio::select! {
                asked = listener.accept(), if answers.len() < MAX_ASKERS => asked,
                Some(_) = answers.join_next(), if !answers.is_empty() => continue,
                // An error means that the relay is gone.
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let stream = match asked.and_then(|(stream, _)| stream.into_std()) {
                Ok(stream) => stream,
                Err(error) => {
                    debug!(%error, "nobody is there to be answered");
                    // The system may be short of something, and would say so at once again.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let answer = Answer {
                log: Arc::clone(&log),
                counter: Arc::clone(&counter),
                facts: facts.clone(),
                is_stopping: Arc::clone(&is_stopping),
            };
            answers.spawn_blocking(move || {
                if let Err(error) = answer.give(stream) {
                    warn!(%error, "an answer on the control socket was broken off");
                }
            });
        }
        // The log is still open, so no other relay's socket can have this name.
        drop(fs::remove_file(&path));
        is_stopping.store(true, Ordering::Relaxed);
        let all = async { while answers.join_next().await.is_some() {} };
        if timeout(STOP_LIMIT, all).await.is_err() {
            warn!("an answer on the control socket did not end in time");
        }
    }
}

/// What is needed to answer one who asks.
struct Answer {
    log: Arc<RedbLog>,
    counter: Arc<Counter>,
    facts: Facts,
    is_stopping: Arc<AtomicBool>,
}

impl Answer {
    fn give(&self, stream: UnixStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(ASK_LIMIT))?;
        stream.set_write_timeout(Some(WRITE_LIMIT))?;
        let question = read_line(&stream, MAX_QUESTION_BYTES)?;
        let to = BufWriter::with_capacity(BUFFER_BYTES, stream);
        match question.as_slice() {
            STATUS => self.status(to),
            BACKUP => self.backup(to),
            _ => Err(io::Error::other("the question is none of this version")),
        }
    }

    fn status(&self, mut to: impl Write) -> io::Result<()> {
        let snapshot = self.log.snapshot().map_err(io::Error::other)?;
        let status = Status::of(&snapshot, &self.counter).map_err(io::Error::other)?;
        let free = self.facts.places.available_permits() as u64;
        let max_connections = u64::from(self.facts.max_connections);
        let status = Status {
            running: true,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            address: Some(self.facts.address.to_string()),
            connections: Some(max_connections.saturating_sub(free)),
            max_connections: Some(max_connections),
            relay: Some(self.facts.relay),
            ..status
        };
        serde_json::to_writer(&mut to, &status)?;
        to.write_all(b"\n")?;
        to.flush()
    }

    fn backup(&self, to: impl Write) -> io::Result<()> {
        let mut frames = FrameWriter::begin(to)?;
        let snapshot = self.log.snapshot().map_err(io::Error::other)?;
        let emitted = emit(&snapshot, clock::now_ms(), &mut |item| {
            if self.is_stopping.load(Ordering::Relaxed) {
                return Err(io::Error::other("the relay stops"));
            }
            let item = item.map_err(io::Error::other)?;
            frames.write(&item)
        });
        if let Err(error) = emitted {
            let text = match &error {
                EmitError::Log(error) => crate::writer::Chain(error).to_string(),
                EmitError::Taker(error) => error.to_string(),
            };
            // Who asked learns why, if he still listens.
            drop(frames.write(&Item::Failed { text: text.clone() }));
            return Err(io::Error::other(text));
        }
        let (_, counts) = frames.finish()?;
        info!(
            workspaces = counts.workspaces,
            envelopes = counts.envelopes,
            "a backup was made"
        );
        Ok(())
    }
}

/// A connection to the relay that runs.
#[derive(Debug)]
pub(super) struct Asker {
    stream: UnixStream,
}

impl Asker {
    /// Connects to the relay that serves from a data directory; none when none does.
    pub(super) fn connect(data: &Path) -> Result<Option<Asker>, UpkeepError> {
        let failed = |source| UpkeepError::Ask {
            path: data.join(SOCKET_NAME),
            source,
        };
        match through_short_path(data, SOCKET_NAME, |path| UnixStream::connect(path)) {
            Ok(stream) => {
                stream.set_read_timeout(Some(READ_LIMIT)).map_err(failed)?;
                stream.set_write_timeout(Some(ASK_LIMIT)).map_err(failed)?;
                Ok(Some(Asker { stream }))
            }
            Err(error)
                if matches!(
                    error.kind(),
                    // No relay ever, or one that was killed.
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Asks for a backup and returns where its bytes come from.
    pub(super) fn backup(mut self) -> io::Result<impl Read> {
        self.stream.write_all(BACKUP)?;
        Ok(BufReader::with_capacity(BUFFER_BYTES, self.stream))
    }

    /// Asks for the status.
    pub(super) fn status(mut self) -> Result<Status, UpkeepError> {
        let asked = self.stream.write_all(STATUS);
        let line = asked.and_then(|()| read_line(&self.stream, MAX_STATUS_BYTES));
        let status = line.and_then(|line| {
            serde_json::from_slice(&line).map_err(|_| {
                io::Error::other("the relay's answer cannot be read; is it of another version?")
            })
        });
        status.map_err(|source| UpkeepError::Answer { source })
    }
}

/// Reads up to the end of a line, with it.
fn read_line(stream: &UnixStream, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    io::BufRead::read_until(
        &mut BufReader::new(stream.take(max_bytes)),
        b'\n',
        &mut line,
    )?;
    Ok(line)
}

/// Names a file for a call that takes short paths only, through a link that lives as long as the call.
fn through_short_path<T>(
    folder: &Path,
    name: &str,
    act: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let path = folder.join(name);
    if path.as_os_str().as_bytes().len() <= MAX_PATH_BYTES {
        return act(&path);
    }
    let [a, b] = [clock::random::<8>(), clock::random::<8>()].map(u64::from_be_bytes);
    let link_name = format!("handschlag-{a:016x}{b:016x}");
    let room = MAX_PATH_BYTES - link_name.len() - name.len() - 2;
    let place =
        Some(std::env::temp_dir()).filter(|place| place.as_os_str().as_bytes().len() <= room);
    let link = place
        .unwrap_or_else(|| PathBuf::from("/tmp"))
        .join(link_name);
    // Fails where anything has this name, so nobody can have put another link there.
    symlink(std::path::absolute(folder)?, &link)?;
    let done = act(&link.join(name));
    drop(fs::remove_file(&link));
    done
}
