//! `keyproof policy coverage` and `keyproof policy compare`.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use super::console::Console;
use super::lines::{self, Input};
use super::{Exit, print};
use crate::cli::{LineFormat, LinesArgs, PolicyCommand};
use crate::policy::{self, Document, Line, coverage};

pub(super) fn run(command: &PolicyCommand, console: &Console) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Coverage(args) => run_coverage(args, console),
        PolicyCommand::Compare(args) => match lines::open(args.file.as_deref())? {
            Input::LonePolicy(_) => anyhow::bail!("a comparison needs two policies: one line with `id`, `a` and `b`"),
            Input::Lines(input) => answered(input, console, "policy coverage", policy::compare_line),
        },
    }
}

fn run_coverage(args: &LinesArgs, console: &Console) -> anyhow::Result<Exit> {
    let text = match lines::open(args.file.as_deref())? {
        Input::Lines(input) => return answered(input, console, "policy compare", policy::coverage_line),
        Input::LonePolicy(text) => text,
    };
    let for_people = match args.format {
        Some(format) => format == LineFormat::Table,
        None => io::stdout().is_terminal(),
    };
    if for_people {
        let document = Document::parse(std::str::from_utf8(&text)?)?;
        return print(told(&document)?.as_bytes());
    }
    let mut line = br#"{"id":null,"policy":"#.to_vec();
    line.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    line.push(b'}');
    answered(io::Cursor::new(line), console, "policy compare", policy::coverage_line)
}

fn answered(
    input: impl io::BufRead,
    console: &Console,
    other: &str,
    answer: impl Fn(usize, &[u8]) -> Line + Sync,
) -> anyhow::Result<Exit> {
    let tally = lines::answer(input, io::BufWriter::new(io::stdout().lock()), answer)?;
    if tally.skipped > 0 {
        console.note(&format!("Skipped lines that are meant for `keyproof {other}`: {}.", tally.skipped));
    }
    if tally.errors > 0 {
        console.warn(&format!("lines that are not valid, with `error` in their answers: {}", tally.errors));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
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
    Ok(super::console::harmless(&text))
}
