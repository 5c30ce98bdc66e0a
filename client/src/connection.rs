//! The engine as commands see it: a connection that answers one request at a time.

use std::io::{self, BufRead, Write};
use std::path::Path;

use engine::interface::{Answer, Event, Failure, Request};

/// A connection to the engine that owns a home.
pub trait Connection {
    /// Asks and waits for the answer; how far a long request is goes to `on_progress`.
    fn call(
        &mut self,
        request: Request,
        on_progress: &mut dyn FnMut(Event),
    ) -> Result<Answer, Failure>;

    /// Draws randomness, for an id.
    fn random(&mut self) -> [u8; 10];

    /// Waits for an event; none when no more will come.
    fn next_event(&mut self) -> Result<Option<Event>, Failure>;

    /// Speaks the interface as JSON lines until the input ends and all is answered.
    fn serve_lines(
        self: Box<Self>,
        input: Box<dyn BufRead + Send>,
        output: Box<dyn Write + Send>,
    ) -> io::Result<()>;
}

/// Opens a connection to the engine of a home, or of the default one; called at most once by a command.
pub type Open<'a> = &'a mut dyn FnMut(Option<&Path>) -> Result<Box<dyn Connection>, Failure>;
