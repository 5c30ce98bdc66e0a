//! Files in.

use std::path::PathBuf;

use clap::Args;
use model::Kind;

/// Flags of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The files: vCard (.vcf) or CSV.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The event that all contacts get, by its name.
    #[arg(long, value_name = "NAME")]
    pub event: Option<String>,
    /// The origin that all contacts get.
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// What they become: inquiry (as without it) or customer.
    #[arg(long, value_name = "KIND", value_parser = importable)]
    pub kind: Option<Kind>,
}

fn importable(text: &str) -> Result<Kind, String> {
    match text.parse() {
        Ok(kind @ (Kind::Inquiry | Kind::Customer)) => Ok(kind),
        _ => Err("contacts become inquiry or customer".to_owned()),
    }
}
