//! The relay as a whole: start, serve, stop.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use axum::{
    Router,
    extract::{State, WebSocketUpgrade},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use protocol::limits::MAX_FRAME_BYTES;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::timeout,
};
use tracing::{info, warn};
use vault::SigningIdentity;

#[cfg(unix)]
use crate::upkeep::control::{Control, Facts};
use crate::{
    args::{Creation, ServeArgs},
    clock, connection,
    hub::Hub,
    log::{ChangeLog, LogError, OpenError, RedbLog},
    logging::Short,
    writer::{Chain, Writer},
};

/// How long clients have to hear a farewell and finish when the relay stops.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Room above a frame's limit, so that a frame which is a little too large is refused by name.
const OVERSIZE_ROOM_BYTES: usize = 64 * 1024;

/// What a relay needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder for its database.
    pub data: PathBuf,
    /// Where to listen: host and port, port 0 for any.
    pub listen: String,
    /// Which workspaces may begin.
    pub creation: Creation,
    /// How many clients may be connected at once.
    pub max_connections: u32,
}

impl From<&ServeArgs> for Config {
    fn from(args: &ServeArgs) -> Self {
        Config {
            data: args.data.clone(),
            listen: args.listen.clone(),
            creation: args.creation(),
            max_connections: args.max_connections,
        }
    }
}

/// Says why a relay could not start, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log could not be opened.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The log was opened, but not read.
    #[error("cannot read the relay's file: {source}; restore it from a backup")]
    Unreadable {
        /// What is wrong.
        source: LogError,
    },
    /// The log was opened, and the disk takes nothing.
    #[error(
        "cannot read or write the relay's file: {source}; nothing that was stored is lost: make space or repair the \
         disk, then start the relay again"
    )]
    Disk {
        /// What the system said.
        source: io::Error,
    },
    /// The address is not free.
    #[error(
        "{listen} is in use by another program; stop that one, or choose another address with --listen"
    )]
    AddressInUse {
        /// The address.
        listen: String,
    },
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {listen}: {source}; --listen takes an address of this machine and a port, as in 127.0.0.1:7373"
    )]
    Listen {
        /// The address.
        listen: String,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread.
    #[error("cannot start the writer's thread: {source}")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

/// Says why a relay stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The log failed; what was acknowledged is safe, the rest will be sent again.
    #[error(
        "the relay's log failed and nothing more could be stored: {}; what was acknowledged is safe: make space or repair \
         the disk, then start the relay again",
        Chain(source)
    )]
    Log {
        /// What is wrong.
        source: LogError,
    },
    /// The socket that accepts clients failed.
    #[error("the relay can no longer accept clients: {source}")]
    Accept {
        /// What the system said.
        source: io::Error,
    },
}

/// A relay that listens.
#[derive(Debug)]
pub struct Relay {
    listener: TcpListener,
    address: SocketAddr,
    hub: Arc<Hub>,
    writer: JoinHandle<Result<(), LogError>>,
    #[cfg(unix)]
    control: Option<Control>,
    stop: watch::Sender<bool>,
    max_connections: u32,
}

#[derive(Debug)]
struct App {
    hub: Arc<Hub>,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    connections: AtomicU64,
}

impl Relay {
    /// Opens the log in the folder and listens.
    ///
    /// # Errors
    /// The log cannot be opened or the address cannot be listened on.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let log = Arc::new(RedbLog::open(&config.data)?);
        let shared: Arc<dyn ChangeLog> = log.clone();
        let relay = Relay::start_with(shared, config).await?;
        #[cfg(unix)]
        let relay = relay.answering(&config.data, log);
        Ok(relay)
    }

    /// Answers the commands of upkeep while it runs, if the data directory can hold a socket.
    #[cfg(unix)]
    fn answering(mut self, data: &std::path::Path, log: Arc<RedbLog>) -> Self {
        match Control::bind(data, log) {
            Ok(control) => self.control = Some(control),
            Err(error) => warn!(
                %error,
                "no control socket in the data directory: backup, verify and status work on a stopped relay only"
            ),
        }
        self
    }

    /// Listens with a log that is open already; nobody can ask for backup or status then.
    ///
    /// # Errors
    /// The log cannot be read or the address cannot be listened on.
    pub async fn start_with(log: Arc<dyn ChangeLog>, config: &Config) -> Result<Self, StartError> {
        let seed = log
            .seed(clock::random())
            .map_err(|error| match error.into_system() {
                Ok(source) => StartError::Disk { source },
                Err(source) => StartError::Unreadable { source },
            })?;
        let identity = Arc::new(SigningIdentity::from_seed(&seed));
        let listen = config.listen.clone();
        let listener = TcpListener::bind(&listen).await.map_err(|source| {
            let listen = listen.clone();
            match source.kind() {
                io::ErrorKind::AddrInUse => StartError::AddressInUse { listen },
                _ => StartError::Listen { listen, source },
            }
        })?;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Listen { listen, source })?;
        let stop = watch::Sender::new(false);
        let failed = stop.clone();
        let (writer, thread) = Writer::start(Arc::clone(&log), move || {
            failed.send_replace(true);
        })
        .map_err(|source| StartError::Thread { source })?;
        info!(%address, relay = %Short(identity.relay().as_bytes()), "listening");
        Ok(Relay {
            listener,
            address,
            hub: Arc::new(Hub::new(log, writer, identity, config.creation.clone())),
            writer: thread,
            #[cfg(unix)]
            control: None,
            stop,
            max_connections: config.max_connections,
        })
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stopped` is done or the log fails, then says farewell to clients and finishes all commits.
    ///
    /// # Errors
    /// The log failed, or clients could no longer be accepted.
    pub async fn run(self, stopped: impl Future<Output = ()>) -> Result<(), RunError> {
        let Relay {
            listener,
            #[cfg(unix)]
            address,
            hub,
            writer,
            #[cfg(unix)]
            control,
            stop,
            max_connections,
            ..
        } = self;
        let places = Arc::new(Semaphore::new(max_connections as usize));
        #[cfg(unix)]
        let answering = control.map(|control| {
            let facts = Facts {
                address,
                relay: hub.relay().relay(),
                places: Arc::clone(&places),
                max_connections,
            };
            tokio::spawn(control.serve(facts, stop.subscribe()))
        });
        let app = router(Arc::new(App {
            hub: Arc::clone(&hub),
            places: Arc::clone(&places),
            stop: stop.subscribe(),
            connections: AtomicU64::new(1),
        }));
        let listener = listener.tap_io(|stream| {
            // Frames are small and awaited: they must not wait to be joined with later ones.
            drop(stream.set_nodelay(true));
        });
        let told = |mut stop: watch::Receiver<bool>| async move {
            // An error means that the sender is gone, and it outlives this.
            drop(stop.wait_for(|stop| *stop).await);
        };
        let serving = axum::serve(listener, app).with_graceful_shutdown(told(stop.subscribe()));
        let mut serving = pin!(serving.into_future());
        let served = tokio::select! {
            served = &mut serving => Some(served),
            () = stopped => None,
            () = told(stop.subscribe()) => None,
        };
        stop.send_replace(true);
        info!("stopping: clients are told, commits are finished");
        if timeout(STOP_LIMIT, places.acquire_many(max_connections))
            .await
            .is_err()
        {
            warn!("some clients did not leave in time");
        }
        // What has ended is not asked again.
        let accepted = match served {
            Some(served) => served,
            None => timeout(STOP_LIMIT, serving).await.unwrap_or(Ok(())),
        };
        hub.stop_writing().await;
        #[cfg(unix)]
        if let Some(answering) = answering
            && answering.await.is_err()
        {
            warn!("the control socket ended badly");
        }
        let finished = tokio::task::spawn_blocking(move || writer.join());
        if let Ok(Ok(Ok(Err(source)))) = timeout(STOP_LIMIT, finished).await {
            return Err(RunError::Log { source });
        }
        info!("stopped");
        accepted.map_err(|source| RunError::Accept { source })
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/sync", get(sync))
        .route("/healthz", get(health))
        .with_state(app)
}

/// Says that the relay works, and nothing about what it holds.
async fn health(State(app): State<Arc<App>>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    if *app.stop.borrow() {
        let body = r#"{"status":"stopping"}"#;
        return (StatusCode::SERVICE_UNAVAILABLE, json, body).into_response();
    }
    let version = env!("CARGO_PKG_VERSION");
    (json, format!(r#"{{"status":"ok","version":"{version}"}}"#)).into_response()
}

async fn sync(State(app): State<Arc<App>>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = Arc::clone(&app.places).try_acquire_owned() else {
        warn!("a client is turned away: all places are taken");
        let text = "all places are taken; come back later";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let number = app.connections.fetch_add(1, Ordering::Relaxed);
    let (hub, stop) = (Arc::clone(&app.hub), app.stop.clone());
    upgrade
        .max_message_size(MAX_FRAME_BYTES + OVERSIZE_ROOM_BYTES)
        .max_frame_size(MAX_FRAME_BYTES + OVERSIZE_ROOM_BYTES)
        .on_upgrade(move |socket| async move {
            connection::serve(socket, hub, stop, number).await;
            drop(place);
        })
}
