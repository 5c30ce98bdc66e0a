//! The command line over the native engine.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use engine::interface::{Answer, Event, Failure, Request};
use engine::native;

use crate::connection::Connection;
use crate::desk::Terminal;
use crate::moment::Moment;

/// How long one wait for an event lasts before the next begins; any length would do.
const WAIT: Duration = Duration::from_secs(3600);

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    // None is locked: `rpc` reads stdin and writes to stdout by itself.
    let mut input = io::BufReader::new(io::stdin());
    let (mut out, mut err) = (io::BufWriter::new(io::stdout()), io::stderr());
    let terminal = Terminal {
        input: &mut input,
        columns: columns(),
        is_watched: io::stdout().is_terminal() && err.is_terminal(),
        out: &mut out,
        err: &mut err,
    };
    let code = crate::run(std::env::args_os(), Moment::read(), terminal, &mut open);
    ExitCode::from(code)
}

/// Gives the width of the terminal that stdout is.
fn columns() -> Option<usize> {
    let stdout = console::Term::stdout();
    let size = stdout.is_term().then(|| stdout.size_checked())?;
    // A terminal that does not know its width says 0.
    size.map(|(_, columns)| usize::from(columns))
        .filter(|columns| *columns > 0)
}

fn open(home: Option<&Path>) -> Result<Box<dyn Connection>, Failure> {
    let connection = match home {
        Some(home) => native::open(home)?,
        None => native::open(&native::default_home()?)?,
    };
    Ok(Box::new(connection))
}

impl Connection for native::Connection {
    fn call(
        &mut self,
        request: Request,
        on_progress: &mut dyn FnMut(Event),
    ) -> Result<Answer, Failure> {
        self.call_with(request, on_progress)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is a shell: it is here that its ids get their randomness"
    )]
    fn random(&mut self) -> [u8; 10] {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).expect("the system has a source of randomness");
        bytes
    }

    fn next_event(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = native::Connection::next_event(self, WAIT)? {
                return Ok(Some(event));
            }
        }
    }

    fn serve_lines(
        self: Box<Self>,
        input: Box<dyn BufRead + Send>,
        output: Box<dyn Write + Send>,
    ) -> io::Result<()> {
        native::Connection::serve_lines(&self, input, output)
    }
}
