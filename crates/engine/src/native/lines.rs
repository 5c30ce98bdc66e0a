//! Lines of JSON over streams: bounded, and never half.
//!
//! On the local socket the owner says `{"handschlag":1}` first, or the failure for which it refuses. Then a line in is
//! a [`Call`] and a line out a [`Message`]. The line `{"ending":true}` says that the owner ends: a client sends no more
//! calls, closes its half, and reads on until the owner closes the other one.

use std::io::{self, BufRead, Write};

use serde::Deserialize;

use crate::interface::{Call, CallId, Failure, Message};

/// The most bytes that a line may have; files to import travel in one.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;
/// The version of the interface between processes; processes of different versions do not talk.
pub(super) const INTERFACE_VERSION: u32 = 1;
/// The line by which an owner says that it ends: it answers what it got, and takes no more calls.
pub(super) const ENDING: &[u8] = br#"{"ending":true}"#;

/// The first line of an owner.
#[derive(Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
pub(super) struct Greeting {
    /// The version of its interface.
    pub(super) handschlag: u32,
}

/// What was read in place of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A line, without its end.
    Line,
    /// A line of more than [`MAX_LINE_BYTES`], which was skipped.
    TooLong,
    /// Nothing more will come.
    End,
}

/// Reads a line of at most so many bytes; the last one may lack its end.
pub(super) fn read_line(
    from: &mut impl BufRead,
    line: &mut Vec<u8>,
    max: usize,
) -> io::Result<Read> {
    line.clear();
    let mut is_too_long = false;
    let mut is_anything = false;
    loop {
        let piece = match from.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = piece.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(piece.len(), |end| end + 1);
        is_anything |= used > 0;
        is_too_long |= line.len() + end.unwrap_or(piece.len()) > max;
        if is_too_long {
            line.clear();
        } else {
            line.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
        }
        from.consume(used);
        if end.is_some() || used == 0 {
            return Ok(match (is_too_long, is_anything) {
                (true, _) => Read::TooLong,
                (false, true) => Read::Line,
                (false, false) => Read::End,
            });
        }
    }
}

/// Reads a call from a line; otherwise gives the failure to answer, with the call's number where that can be read.
pub(super) fn parse_call(line: &[u8]) -> Result<Call, Box<Message>> {
    /// What is read of a line that is no call.
    #[derive(Deserialize)]
    struct Numbered {
        id: CallId,
    }
    serde_json::from_slice(line).map_err(|error| {
        let numbered = serde_json::from_slice::<Numbered>(line);
        Box::new(Message::Failure {
            id: numbered.ok().map(|numbered| numbered.id),
            error: Failure::new(
                "malformed-call",
                format!("this line is not a call: {error}"),
                Some("send one JSON object a line, with id and request"),
            ),
        })
    })
}

/// Says that a line was too long to be read.
pub(super) fn line_too_long() -> Message {
    Message::Failure {
        id: None,
        error: Failure::new(
            "line-too-long",
            format!("a line may have at most {MAX_LINE_BYTES} bytes"),
            Some("send less at once, for example one file after the other"),
        ),
    }
}

/// Writes a message as a line and sends it on its way.
pub(super) fn write_message(to: &mut impl Write, message: &Message) -> io::Result<()> {
    write_line(to, line_of(message, MAX_LINE_BYTES)?)
}

/// Makes the line of a message; one that is too long is replaced by the failure of its call.
pub(super) fn line_of(message: &Message, max: usize) -> serde_json::Result<Vec<u8>> {
    let line = serde_json::to_vec(message)?;
    if line.len() <= max {
        return Ok(line);
    }
    let id = match message {
        Message::Answer { id, .. } => Some(*id),
        Message::Failure { id, .. } => *id,
        Message::Event(_) => None,
    };
    let error = Failure::new(
        "answer-too-long",
        format!("the answer would have more than {max} bytes"),
        Some("ask for a smaller window"),
    );
    serde_json::to_vec(&Message::Failure { id, error })
}

/// Writes a line and sends it on its way.
pub(super) fn write_line(to: &mut impl Write, mut line: Vec<u8>) -> io::Result<()> {
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}
