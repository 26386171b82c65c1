//! Commands that answer NDJSON: lines in, lines out, in the same order, many at once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::Context;
use rayon::prelude::*;

use crate::policy::Line;

/// The longest line that is read, in bytes. It holds several documents of the largest size that the parser reads.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// How many bytes of input are answered at once: memory stays within a few times this, however long the input.
const BATCH: usize = 4 * 1024 * 1024;

/// What became of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Lines that were not valid.
    pub(super) errors: usize,
    /// Lines meant for another command.
    pub(super) skipped: usize,
}

/// Input of a command: the lines of a file or of standard input, or one policy.
pub(super) enum Input {
    /// Lines.
    Lines(Box<dyn BufRead>),
    /// The whole input is one JSON object with `Statement`.
    LonePolicy(Vec<u8>),
}

/// Opens a file, or standard input when none is named or `-` is.
pub(super) fn open(file: Option<&Path>) -> anyhow::Result<Input> {
    let mut source: Box<dyn Read> = match file.filter(|file| *file != Path::new("-")) {
        None => Box::new(io::stdin()),
        Some(file) => Box::new(File::open(file).with_context(|| format!("cannot read `{}`", file.display()))?),
    };
    let mut start = Vec::new();
    source.by_ref().take(BATCH as u64).read_to_end(&mut start).context("cannot read the input")?;
    if start.len() < BATCH && is_policy(&start) {
        return Ok(Input::LonePolicy(start));
    }
    Ok(Input::Lines(Box::new(BufReader::new(io::Cursor::new(start).chain(source)))))
}

fn is_policy(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Policy {
        #[serde(rename = "Statement")]
        _statement: serde::de::IgnoredAny,
    }
    serde_json::from_slice::<Policy>(bytes).is_ok()
}

/// Answers every line and writes the answers in the order of the lines.
pub(super) fn answer(
    mut input: impl BufRead,
    mut out: impl Write,
    answer: impl Fn(usize, &[u8]) -> Line + Sync,
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut number = 0;
    loop {
        let mut batch = Vec::new();
        let mut size = 0;
        while size < BATCH
            && let Some(line) = read_line(&mut input)?
        {
            number += 1;
            size += line.as_ref().map_or(MAX_LINE, Vec::len) + 1;
            batch.push((number, line));
        }
        if batch.is_empty() {
            return Ok(tally);
        }
        let answers: Vec<Line> = batch
            .par_iter()
            .map(|(number, line)| match line {
                Some(line) => answer(*number, line),
                None => Line::Error(format!(
                    r#"{{"id":null,"error":"line {number}: longer than the {MAX_LINE} bytes that are read"}}"#
                )),
            })
            .collect();
        for line in answers {
            match line {
                Line::Answer(text) => writeln!(out, "{text}")?,
                Line::Error(text) => {
                    tally.errors += 1;
                    writeln!(out, "{text}")?;
                }
                Line::Skipped => tally.skipped += 1,
                Line::Blank => {}
            }
        }
        out.flush()?;
    }
}

/// The next line without its end; inside, `None` stands for one that is too long. At the end of the input, nothing.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Option<Vec<u8>>>> {
    let mut line = Vec::new();
    input.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Some(line)));
    }
    if line.len() <= MAX_LINE {
        return Ok(Some(Some(line)));
    }
    input.skip_until(b'\n')?;
    Ok(Some(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(number: usize, bytes: &[u8]) -> Line {
        match bytes {
            b"" => Line::Blank,
            b"skip" => Line::Skipped,
            b"error" => Line::Error("failed".to_owned()),
            other => Line::Answer(format!("{number} {}", String::from_utf8_lossy(other))),
        }
    }

    #[test]
    fn answers_come_in_the_order_of_the_lines() {
        let input: String = (0..5000).map(|n| format!("line {n}\n")).collect();
        let mut out = Vec::new();
        let tally = answer(input.as_bytes(), &mut out, echo).unwrap();
        let expected: String = (0..5000).map(|n| format!("{} line {n}\n", n + 1)).collect();
        assert_eq!((String::from_utf8(out).unwrap(), tally), (expected, Tally::default()));
    }

    #[test]
    fn faults_and_skipped_lines_are_counted_and_the_last_line_needs_no_end() {
        let mut out = Vec::new();
        let tally = answer("error\n\nskip\nx".as_bytes(), &mut out, echo).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "failed\n4 x\n");
        assert_eq!(tally, Tally { errors: 1, skipped: 1 });
    }

    #[test]
    fn a_line_that_is_too_long_is_an_error_and_the_next_goes_on() {
        let input = format!("{}\nx\n", "a".repeat(MAX_LINE + 10));
        let mut out = Vec::new();
        let tally = answer(input.as_bytes(), &mut out, echo).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("line 1: longer than") && out.ends_with("2 x\n"), "{out}");
        assert_eq!(tally.errors, 1);
    }

    #[test]
    fn one_object_with_statement_is_a_policy() {
        assert!(is_policy(b"{\n \"Version\": \"2012-10-17\",\n \"Statement\": []\n}\n"));
        assert!(!is_policy(b"{\"id\":1,\"policy\":{\"Statement\":[]}}\n"));
        assert!(!is_policy(b"{\"Statement\":[]}\n{\"Statement\":[]}\n"));
    }
}
