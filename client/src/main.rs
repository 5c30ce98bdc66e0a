//! The command line, natively.

use std::process::ExitCode;

const _: () = assert!(
    !engine::IS_SABOTAGED,
    "the feature `sabotage` breaks the engine on purpose, for tests alone: build the client without it"
);

fn main() -> ExitCode {
    handschlag::native::main()
}
