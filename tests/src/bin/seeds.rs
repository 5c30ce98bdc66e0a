//! Writes the seeds of a fuzz target into a folder, for `cargo xtask fuzz`.

use std::path::PathBuf;
use std::process::ExitCode;

use handschlag_tests::hostile::target;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(folder)) = (args.next(), args.next().map(PathBuf::from)) else {
        eprintln!("usage: seeds TARGET FOLDER");
        return ExitCode::FAILURE;
    };
    for (at, seed) in (target(&name).seeds)().iter().enumerate() {
        if let Err(error) = std::fs::write(folder.join(format!("seed-{at:03}")), seed) {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
