//! Command line of keyproof.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyproof::commands::main().into()
}
