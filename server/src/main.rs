//! The binary `handschlag-relay`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use handschlag_relay::{
    Config, Relay,
    args::{Cli, Command, ServeArgs},
    logging,
    upkeep::tell,
};

#[cfg(feature = "sabotage")]
compile_error!(
    "the feature `sabotage` breaks the relay on purpose, for tests alone: build the binary without it"
);

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let done = match Cli::parse().command {
        Command::Serve(args) => {
            drop(out);
            start(&args).map(|()| true)
        }
        Command::Backup(args) => tell::tell_backup(&args, &mut out).map(|()| true),
        Command::Restore(args) => tell::tell_restore(&args, &mut out).map(|()| true),
        Command::Verify(args) => tell::tell_verify(&args, &mut out),
        Command::Status(args) => tell::tell_status(&args, &mut out).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            // The exit code says it too, should stderr be a file on a full disk.
            drop(writeln!(io::stderr(), "handschlag-relay: {text}"));
            ExitCode::FAILURE
        }
    }
}

fn start(args: &ServeArgs) -> Result<(), String> {
    logging::start(args.log_format);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
        .and_then(|runtime| runtime.block_on(serve(&Config::from(args))))
}

async fn serve(config: &Config) -> Result<(), String> {
    let stopped = stopped().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let relay = Relay::start(config)
        .await
        .map_err(|error| error.to_string())?;
    // Scripts wait for this line; a closed stdout is no reason not to serve.
    let mut stdout = io::stdout().lock();
    drop(writeln!(stdout, "listening on http://{}", relay.address()));
    drop(stdout.flush());
    drop(stdout);
    relay.run(stopped).await.map_err(|error| error.to_string())
}

/// Waits for SIGTERM or SIGINT.
#[cfg(unix)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
