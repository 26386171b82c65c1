//! The Python programs of the tests, in the environment that `scripts/test` sets up.

use std::path::Path;
use std::process::Command;

/// A program below `tests/`.
pub(crate) fn python(script: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let interpreter = root.join(".venv/bin/python");
    assert!(interpreter.exists(), "{} is missing: run `scripts/test --environment`", interpreter.display());
    let mut command = Command::new(interpreter);
    command.arg(root.join("tests").join(script));
    command
}
