//! Standard error: notes, warnings and errors, with hostile names made harmless.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use crate::cli::{Color, Global};
use crate::report::is_hidden;

/// Where commands say what they do. Results go to standard output, never here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Console {
    quiet: bool,
    verbose: u8,
    color: bool,
}

impl Console {
    pub(super) fn new(global: &Global) -> Self {
        #[expect(clippy::disallowed_methods, reason = "commands read the environment")]
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stderr().is_terminal() && !no_color,
        };
        Self { quiet: global.quiet, verbose: global.verbose, color }
    }

    /// Whether only results and errors are wanted.
    #[cfg(feature = "collect")]
    pub(super) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Whether more of what happens is wanted.
    #[cfg(feature = "collect")]
    pub(super) fn is_verbose(self) -> bool {
        self.verbose > 0
    }

    /// Whether someone watches, so that a progress bar makes sense.
    #[cfg(feature = "collect")]
    pub(super) fn is_terminal(self) -> bool {
        io::stderr().is_terminal()
    }

    /// A line for people who watch.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            self.line("", "", text);
        }
    }

    /// A line for people who asked for more.
    pub(super) fn detail(self, text: &str) {
        if self.verbose > 0 && !self.quiet {
            self.line("", "", text);
        }
    }

    /// Something that is not as it should be, although the command goes on.
    pub(super) fn warn(self, text: &str) {
        self.line("warning: ", "\u{1b}[33;1m", text);
    }

    /// Why the command ends: the error and its causes.
    pub(super) fn error(self, failed: &anyhow::Error) {
        let mut text = failed.to_string();
        for cause in failed.chain().skip(1) {
            let cause = cause.to_string();
            // Most errors say their cause themselves.
            if !text.contains(&cause) {
                let _ = write!(text, "\n  because: {cause}");
            }
        }
        self.line("error: ", "\u{1b}[31;1m", &text);
    }

    fn line(self, label: &str, style: &str, text: &str) {
        let text = harmless_lines(text);
        let mut out = io::stderr().lock();
        // Nobody is left to tell when standard error is closed.
        let _ = if self.color && !label.is_empty() {
            writeln!(out, "{style}{label}\u{1b}[0m{text}")
        } else {
            writeln!(out, "{label}{text}")
        };
    }
}

/// A name or a message that a terminal shows in one line: what moves the cursor, hides or reorders text is escaped.
pub(super) fn harmless(text: &str) -> String {
    escaped(text, is_hidden)
}

/// The same for a whole text of ours, whose line ends stay.
pub(super) fn harmless_lines(text: &str) -> String {
    escaped(text, |letter| is_hidden(letter) && letter != '\n')
}

fn escaped(text: &str, is_meant: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_meant(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_move_the_cursor_or_reorder_text_is_escaped() {
        assert_eq!(harmless_lines("a\u{1b}[2Jb\u{202e}c\r\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{d}\n");
        assert_eq!(harmless("a\nwarning: b"), "a\\u{a}warning: b");
    }
}
