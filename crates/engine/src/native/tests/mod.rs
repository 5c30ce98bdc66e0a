//! The shell with an engine that only echoes.

mod fake;
mod home;
mod lines;
mod net;
mod process;
mod rpc;
mod sharing;
mod slow;
mod socket;
mod strangers;
mod whole;

use std::path::Path;
use std::time::Duration;

use crate::interface::{Answer, Failure, Request};
use crate::native::connection::Connection;
use crate::native::owner::Options;
use fake::Probe;

/// How long a test waits for what must come; only a broken one waits that long.
const SOON: Duration = Duration::from_secs(20);

fn open(home: &Path, probe: &Probe) -> Connection {
    open_with(home, probe, Options::default()).expect("the home opens")
}

fn open_with(home: &Path, probe: &Probe, options: Options) -> Result<Connection, Failure> {
    Connection::open(home, probe.make(), options)
}

fn get(key: &str) -> Request {
    Request::LocalGet {
        key: key.to_owned(),
    }
}

fn set(key: &str, value: &str) -> Request {
    Request::LocalSet {
        key: key.to_owned(),
        value: Some(value.to_owned()),
    }
}

fn local(value: &str) -> Answer {
    Answer::Local {
        value: Some(value.to_owned()),
    }
}
