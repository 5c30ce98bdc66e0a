//! The sizes and counts that every side keeps to.
//!
//! They are part of the protocol: a sender checks them before it seals, a receiver before it allocates.

/// The most bytes of changes, before compression, that one transaction may carry without its file parts.
pub const MAX_TRANSACTION_BYTES: usize = 256 * 1024;

/// The most bytes of one file.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The most bytes of one part in clear: a whole file, or all changes of a transaction, with room for the framing.
pub const MAX_PART_BYTES: usize = MAX_FILE_BYTES + 64 * 1024;

/// The most bytes of one sealed part: an incompressible part, its frame, its padding, nonce and tag.
pub const MAX_SEALED_PART_BYTES: usize = MAX_PART_BYTES + 128;

/// The most parts of one envelope.
pub const MAX_PARTS: usize = 4096;

/// The most changes of one part.
pub const MAX_CHANGES_PER_PART: usize = 4096;

/// The most bytes of a header that rescues no other envelope: the hashes of 4096 parts and some room for keys of newer
/// versions.
pub const MAX_PLAIN_HEADER_BYTES: usize = MAX_PARTS * 34 + 8 * 1024;

/// The most bytes of a header: its own, and the header of the envelope that it rescues.
pub const MAX_HEADER_BYTES: usize = 2 * MAX_PLAIN_HEADER_BYTES;

/// The most bytes of one envelope: a file, a full transaction, and what sealing adds to 4096 parts.
pub const MAX_ENVELOPE_BYTES: usize = 2 * 1024 * 1024;

/// The most bytes of one frame.
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;

/// The bytes of envelopes after which a sender closes a frame and begins the next.
///
/// One envelope above it still travels, alone in its frame.
pub const BATCH_BYTES: usize = 1024 * 1024;

/// The most envelopes of one frame, pushed, carried or from the log.
pub const MAX_BATCH_ENVELOPES: usize = 4096;

/// The most bytes of one roster entry: keys of some 1,500 wraps.
pub const MAX_ROSTER_ENTRY_BYTES: usize = 256 * 1024;

/// The most roster entries of one frame; the rest follows in further roster frames.
pub const MAX_ROSTER_ENTRIES_PER_FRAME: usize = 4096;

/// The most entries of a roster.
pub const MAX_ROSTER_ENTRIES: usize = 65_536;

/// The most bytes of a roster, all entries together; so many can be offered to a relay that lost it.
pub const MAX_ROSTER_BYTES: usize = 64 * 1024 * 1024;

/// The most device entries by which the devices of one lineage, not being admins', let in their own successors.
///
/// The count begins anew with a device that an invite or an admin lets in.
pub const MAX_SUCCESSORS: u32 = 64;

/// The most devices that one invite lets in.
pub const MAX_INVITE_USES: u32 = 1024;

/// The most key epochs that one entry carries.
pub const MAX_KEY_EPOCHS: usize = 1024;

/// The most wraps of one key epoch.
pub const MAX_WRAPS: usize = 2048;

/// The most codes that one invite reserves.
pub const MAX_RESERVED_CODES: usize = 4096;

/// The most cuts that one roster entry names.
pub const MAX_ENTRY_CUTS: usize = 1024;

/// The most cuts of one heads frame; a comparison of more feeds goes on in the next frame.
pub const MAX_HEADS: usize = 16_384;

/// The most heads of one comparison: no feed is without its device entry in the roster.
pub const MAX_COMPARED_HEADS: usize = MAX_ROSTER_ENTRIES;

/// The most bytes of a text meant for a log.
pub const MAX_TEXT_BYTES: usize = 1024;

/// The most session versions that a client offers.
pub const MAX_VERSIONS: usize = 16;

/// The most bytes that the relay keeps apart for a revoked feed.
pub const MAX_HELD_BYTES_PER_FEED: u64 = 64 * 1024 * 1024;

/// The deepest nesting of CBOR that is read.
pub const MAX_DEPTH: usize = 8;
