//! `keyproof policy`: `coverage` and `compare` here, `lint` beside.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use super::console::Console;
use super::ndjson::{self, Input};
use super::{Exit, policy_lint, print};
use crate::cli::{LineFormat, LinesArgs, PolicyCommand};
use crate::policy::{self, Document, Line, coverage};

pub(super) fn run(command: &PolicyCommand, console: &Console) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Coverage(args) => run_coverage(args, console),
        PolicyCommand::Compare(args) => match Input::open(args.file.as_deref())?.lone_policy()? {
            Ok(_) => anyhow::bail!("a comparison needs two policies: one line with `id`, `a` and `b`"),
            Err(input) => ndjson::stream(input, console, policy::compare_line),
        },
        PolicyCommand::Lint(args) => policy_lint::run(args, console),
    }
}

fn run_coverage(args: &LinesArgs, console: &Console) -> anyhow::Result<Exit> {
    let text = match Input::open(args.file.as_deref())?.lone_policy()? {
        Ok(text) => text,
        Err(input) => return ndjson::stream(input, console, policy::coverage_line),
    };
    let for_people = match args.format {
        Some(format) => format == LineFormat::Table,
        None => io::stdout().is_terminal(),
    };
    let text = std::str::from_utf8(&text)?;
    if for_people {
        return print(told(&Document::parse(text)?)?.as_bytes());
    }
    let line = format!(r#"{{"id":null,"policy":{text}}}"#);
    match policy::coverage_line(1, line.as_bytes()) {
        Line::Answer(answer) => print(format!("{answer}\n").as_bytes()),
        Line::Error(error) => {
            print(format!("{error}\n").as_bytes())?;
            Ok(Exit::Failed)
        }
        Line::Skipped | Line::Blank => Ok(Exit::Done),
    }
}

/// The coverage of one policy, for people.
fn told(document: &Document) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for action in ["kms:Decrypt", "kms:ReEncryptFrom"] {
        let coverage = coverage(document, "aws", action);
        writeln!(text, "{action:<18} {}{}", coverage.level, if coverage.conditional { " (conditional)" } else { "" })?;
        if let Some(witness) = &coverage.witness {
            writeln!(text, "  opens, for one   {witness}")?;
        }
        if !coverage.statements.is_empty() {
            let named = coverage.statements.iter().map(|index| {
                let sid = document.statements.get(*index).and_then(|statement| statement.sid.as_deref());
                sid.map_or_else(|| index.to_string(), |sid| format!("{index} ({sid})"))
            });
            writeln!(text, "  by statement     {}", named.collect::<Vec<_>>().join(", "))?;
        }
        for note in &coverage.notes {
            writeln!(text, "  note             {note}")?;
        }
    }
    Ok(super::console::harmless_lines(&text))
}
