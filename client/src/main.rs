//! The command line, natively.

use std::process::ExitCode;

fn main() -> ExitCode {
    handschlag::native::main()
}
