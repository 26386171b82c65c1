//! A command line whose grammar is right and whose words are not: a name that nothing has, a value that cannot be.

use std::fmt::Display;

/// What is wrong with a word of the command line. The same in a configuration file is an error of the file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misuse(String);

/// The error that says so.
pub(super) fn misuse(words: impl Display) -> anyhow::Error {
    Misuse(words.to_string()).into()
}

/// Whether an error is one of the command line.
pub(super) fn is_misuse(failed: &anyhow::Error) -> bool {
    failed.chain().any(|cause| cause.is::<Misuse>())
}
