//! Files of records.

use std::path::PathBuf;

use clap::Args;

/// Flags of `attach`.
#[derive(Debug, Args)]
pub struct Attach {
    /// The record.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The files, at most 1 MiB each.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Another name for the file; only with one FILE.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// Flags of `detach`.
#[derive(Debug, Args)]
pub struct Detach {
    /// The record.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The file, by its name or a unique beginning or end of its hash.
    #[arg(value_name = "FILE-HASH-OR-NAME")]
    pub file: String,
}

/// Flags of `save-file`.
#[derive(Debug, Args)]
pub struct SaveFile {
    /// The record.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The file, by its name or a unique beginning or end of its hash.
    #[arg(value_name = "FILE-HASH-OR-NAME")]
    pub file: String,
    /// Where to: a new file, or a folder that exists; without it, this folder under the file's own name.
    #[arg(long, value_name = "PATH")]
    pub to: Option<PathBuf>,
    /// Write over a file that exists.
    #[arg(long)]
    pub force: bool,
}
