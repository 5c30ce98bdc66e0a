//! The bytes of a backup: a line that names it, then frames, each with checks of its own.
//!
//! ```text
//! "handschlag backup 1" 0x00
//! frame: tag u8 | length u32 | check of this head (4) | bytes | check of all (16)
//! ```
//!
//! Both checks are the first bytes of `H("handschlag backup 1", number of the frame u64, tag, length[, bytes])`. Since
//! the head has its own, a reader that meets damaged bytes still finds the next frame; and since the number of the frame
//! goes into both, frames that are missing or have changed places are found too.

use std::io::{self, Read, Write};

use protocol::{
    domain::BACKUP,
    hash,
    limits::{MAX_ENVELOPE_BYTES, MAX_ROSTER_ENTRY_BYTES},
};

use super::item::{Counts, Item, NotAnItem};

/// How every backup begins; the number of the format and a zero byte follow.
const NAME: &[u8] = b"handschlag backup ";

/// The number of the format that is written, and the newest that is read.
const FORMAT: &[u8] = b"1\0";

/// The most bytes of one frame: an envelope and what the log says of it.
const MAX_FRAME: usize = MAX_ENVELOPE_BYTES + 256;

// A roster entry is never the largest.
const _: () = assert!(MAX_ROSTER_ENTRY_BYTES < MAX_ENVELOPE_BYTES);

const HEAD_LEN: usize = 9;
const HEAD_CHECK: usize = 4;
const BODY_CHECK: usize = 16;

/// Says why a backup could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source of the bytes failed.
    #[error("it cannot be read: {source}")]
    Io {
        /// What the system said.
        source: io::Error,
    },
    /// The bytes do not begin as those of a backup.
    #[error("it is not a backup of a relay")]
    Foreign,
    /// A newer version wrote it.
    #[error("a newer handschlag-relay wrote this backup ({what}); use that version or a later one")]
    Newer {
        /// What this version does not know.
        what: String,
    },
    /// The bytes end before the backup does.
    #[error("it ends at byte {at}, before the backup is complete")]
    Truncated {
        /// Where.
        at: u64,
    },
    /// The bytes where the next frame should begin are no head of a frame, so nothing behind them can be found.
    #[error("byte {at} and what follows cannot be read: the bytes were changed")]
    Lost {
        /// Where.
        at: u64,
    },
    /// Something follows the end.
    #[error("bytes follow the end of the backup at byte {at}")]
    LeftOver {
        /// Where.
        at: u64,
    },
}

/// Writes a backup, frame by frame.
#[derive(Debug)]
pub(super) struct FrameWriter<W> {
    to: W,
    number: u64,
    counts: Counts,
}

impl<W: Write> FrameWriter<W> {
    /// Begins a backup.
    ///
    /// # Errors
    /// The bytes cannot be written.
    pub(super) fn begin(mut to: W) -> io::Result<Self> {
        to.write_all(NAME)?;
        to.write_all(FORMAT)?;
        Ok(FrameWriter {
            to,
            number: 0,
            counts: Counts::default(),
        })
    }

    /// Writes an item.
    ///
    /// # Errors
    /// The bytes cannot be written, or are more than a frame holds.
    pub(super) fn write(&mut self, item: &Item) -> io::Result<()> {
        let (tag, bytes) = item.encode();
        let length = u32::try_from(bytes.len()).ok();
        let length = length.filter(|length| *length as usize <= MAX_FRAME);
        let length = length.ok_or_else(|| {
            io::Error::other(format!("{} bytes are too many for a frame", bytes.len()))
        })?;
        let head = head(tag, length);
        self.to.write_all(&head)?;
        self.to
            .write_all(&check::<HEAD_CHECK>(self.number, &head, &[]))?;
        self.to.write_all(&bytes)?;
        self.to
            .write_all(&check::<BODY_CHECK>(self.number, &head, &bytes))?;
        self.number += 1;
        self.counts.add(item);
        Ok(())
    }

    /// Writes the end and gives back where it was written, and how much it was.
    ///
    /// # Errors
    /// The bytes cannot be written.
    pub(super) fn finish(mut self) -> io::Result<(W, Counts)> {
        self.write(&Item::End(self.counts))?;
        self.to.flush()?;
        Ok((self.to, self.counts))
    }
}

/// A frame that was read.
#[derive(Debug)]
pub(super) struct FrameRead {
    /// Where it begins.
    pub(super) at: u64,
    /// Whether its bytes are those that were written.
    pub(super) is_intact: bool,
    /// What it says; none when its damaged bytes say nothing.
    pub(super) item: Option<Item>,
}

/// Reads a backup, frame by frame; holds one at a time.
#[derive(Debug)]
pub(super) struct FrameReader<R> {
    from: R,
    at: u64,
    number: u64,
    has_ended: bool,
}

impl<R: Read> FrameReader<R> {
    /// Begins to read a backup.
    ///
    /// # Errors
    /// The bytes are no backup, or one of a newer version.
    pub(super) fn begin(from: R) -> Result<Self, ReadError> {
        let mut reader = FrameReader {
            from,
            at: 0,
            number: 0,
            has_ended: false,
        };
        let mut name = [0; NAME.len()];
        let mut format = [0; FORMAT.len()];
        let read = reader.fill(&mut name)?;
        if read < name.len() && NAME.starts_with(&name[..read]) {
            return Err(ReadError::Truncated { at: read as u64 });
        }
        if name != NAME {
            return Err(ReadError::Foreign);
        }
        reader.exact(&mut format)?;
        if format != FORMAT {
            let digits = format.iter().take_while(|byte| byte.is_ascii_digit());
            let number: String = digits.map(|byte| char::from(*byte)).collect();
            return Err(match number.as_str() {
                "" => ReadError::Foreign,
                _ => ReadError::Newer {
                    what: format!("format {number}"),
                },
            });
        }
        Ok(reader)
    }

    /// Reads the next frame; none after the end.
    ///
    /// # Errors
    /// The bytes end too early, go on after the end, or cannot be parted into frames any more.
    pub(super) fn read(&mut self) -> Result<Option<FrameRead>, ReadError> {
        let at = self.at;
        if self.has_ended {
            return match self.fill(&mut [0])? {
                0 => Ok(None),
                _ => Err(ReadError::LeftOver { at }),
            };
        }
        let mut head = [0; HEAD_LEN - HEAD_CHECK];
        let mut said = [0; HEAD_CHECK];
        self.exact(&mut head)?;
        self.exact(&mut said)?;
        let [tag, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if said != check::<HEAD_CHECK>(self.number, &head, &[]) || length > MAX_FRAME {
            return Err(ReadError::Lost { at });
        }
        let mut bytes = vec![0; length];
        let mut said = [0; BODY_CHECK];
        self.exact(&mut bytes)?;
        self.exact(&mut said)?;
        let is_intact = said == check::<BODY_CHECK>(self.number, &head, &bytes);
        self.number += 1;
        let item = match Item::decode(tag, &bytes) {
            Err(NotAnItem::Tag(tag)) => {
                return Err(ReadError::Newer {
                    what: format!("an item of kind {tag}"),
                });
            }
            Err(NotAnItem::Length) if is_intact => return Err(ReadError::Lost { at }),
            read => read.ok(),
        };
        self.has_ended = matches!(item, Some(Item::End(_) | Item::Failed { .. }));
        Ok(Some(FrameRead {
            at,
            is_intact,
            item,
        }))
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), ReadError> {
        if self.fill(bytes)? < bytes.len() {
            return Err(ReadError::Truncated { at: self.at });
        }
        Ok(())
    }

    /// Reads until the bytes are full or there are no more; returns how many were read.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, ReadError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.from.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ReadError::Io { source }),
            }
        }
        self.at += filled as u64;
        Ok(filled)
    }
}

fn head(tag: u8, length: u32) -> [u8; HEAD_LEN - HEAD_CHECK] {
    let [a, b, c, d] = length.to_be_bytes();
    [tag, a, b, c, d]
}

fn check<const N: usize>(number: u64, head: &[u8], bytes: &[u8]) -> [u8; N] {
    let whole = hash(BACKUP, &[&number.to_be_bytes(), head, bytes]);
    let mut first = [0; N];
    first.copy_from_slice(&whole[..N]);
    first
}
