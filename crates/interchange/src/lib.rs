//! vCard and CSV in, as plain structs that know nothing of the rest of the project.
//!
//! [`detect`] says what a file is, [`read`] (or [`read_vcards`], [`read_csv`]) turns it into [`Card`]s and [`Problem`]s.
//! The promise is that nothing a person typed is lost: what has no field stands in the note, what was left out or cut is
//! a problem with its line. Left out without a word is only what programs wrote for themselves: pictures, sounds, keys,
//! and bookkeeping such as UID and REV (the list stands in `vcard/fields.rs`).
//!
//! Everything is bounded by the constants here, and bytes of any kind give cards, problems or an error, never a panic.

mod birthday;
mod card;
mod charset;
mod detect;
mod draft;
mod names;
mod phone;
mod table;
mod vcard;
mod write;

pub use card::{
    Card, Imported, Label, Labelled, MAX_CARD_LINES, MAX_COLUMNS, MAX_ENTRIES, MAX_FIELD_CHARS,
    MAX_FILE_BYTES, MAX_NOTE_CHARS, MAX_PROBLEMS, MAX_VALUES, PostalAddress, Problem, ReadError,
};
pub use detect::{DetectError, Format, detect};
pub use phone::fold_phone;
pub use table::read_csv;
pub use vcard::read_vcards;
pub use write::write_vcard;

/// Reads a file of a known format.
///
/// # Errors
///
/// Those of [`read_vcards`] and [`read_csv`].
pub fn read(format: Format, bytes: &[u8]) -> Result<Imported, ReadError> {
    match format {
        Format::Vcard => read_vcards(bytes),
        Format::Csv => read_csv(bytes),
    }
}
