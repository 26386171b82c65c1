//! Streams NDJSON through a pure function of one line: in parallel, with the answers in the order of the input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use rayon::prelude::*;

use super::Exit;
use super::console::Console;
use crate::policy::Line;

/// The longest line that is read, in bytes. Longer ones are answered by an error and skipped over, so that memory stays
/// bounded on any input: a batch holds at most what one read of the buffer gave, and one line more.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Bytes that are read at once, which is also what one parallel step works on.
const BUFFER: usize = 1024 * 1024;

/// What a command reads, with its name for messages.
pub(super) struct Input {
    name: String,
    reader: BufReader<Box<dyn Read>>,
}

impl Input {
    /// Opens a file, or standard input for none and for `-`.
    pub(super) fn open(file: Option<&Path>) -> anyhow::Result<Self> {
        let (name, reader): (_, Box<dyn Read>) = match file.filter(|path| *path != Path::new("-")) {
            Some(path) => {
                let name = format!("`{}`", path.display());
                let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
                (name, Box::new(file))
            }
            None => ("standard input".to_owned(), Box::new(io::stdin())),
        };
        Ok(Self { name, reader: BufReader::with_capacity(BUFFER, reader) })
    }

    /// The same input behind bytes that were already taken off it.
    fn behind(self, taken: Vec<u8>) -> Self {
        let reader: Box<dyn Read> = Box::new(io::Cursor::new(taken).chain(self.reader));
        Self { name: self.name, reader: BufReader::with_capacity(BUFFER, reader) }
    }

    /// The lone policy that the input is, or else the input as it was. A first line that is a whole JSON value without
    /// `Statement` settles it, so that whoever feeds line by line is not kept waiting.
    pub(super) fn lone_policy(mut self) -> anyhow::Result<Result<Vec<u8>, Self>> {
        let mut start = Vec::new();
        let limit = LONGEST_LINE as u64;
        self.reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut start)
            .with_context(|| format!("cannot read {}", self.name))?;
        if serde_json::from_slice::<serde::de::IgnoredAny>(&start).is_ok() && !is_policy(&start) {
            return Ok(Err(self.behind(start)));
        }
        let rest = limit.saturating_sub(start.len() as u64);
        self.reader
            .by_ref()
            .take(rest)
            .read_to_end(&mut start)
            .with_context(|| format!("cannot read {}", self.name))?;
        Ok(if is_policy(&start) { Ok(start) } else { Err(self.behind(start)) })
    }
}

/// Whether the bytes are one JSON object with `Statement`.
fn is_policy(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Policy {
        #[serde(rename = "Statement")]
        _statement: serde::de::IgnoredAny,
    }
    serde_json::from_slice::<Policy>(bytes).is_ok()
}

/// Answers every line by `answer(number, line)` and prints the answers. Lines are counted from 1.
pub(super) fn stream(
    input: Input,
    console: &Console,
    answer: impl Fn(usize, &[u8]) -> Line + Sync,
) -> anyhow::Result<Exit> {
    let Input { name, mut reader } = input;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut count = Count::default();
    loop {
        let lines = batch(&mut reader, count.lines).with_context(|| format!("cannot read {name}"))?;
        if lines.is_empty() {
            break;
        }
        count.lines += lines.len();
        let answers: Vec<Line> = lines.par_iter().map(|line| line.answer(&answer)).collect();
        for answer in answers {
            count.add(&answer);
            if let Line::Answer(text) | Line::Error(text) = answer {
                out.write_all(text.as_bytes())?;
                out.write_all(b"\n")?;
            }
        }
        // Whoever feeds us line by line waits for the answers.
        out.flush()?;
    }
    count.conclude(&name, console)
}

/// One line of input, without its end.
struct Numbered {
    number: usize,
    /// `None` for a line that is too long to be read.
    bytes: Option<Vec<u8>>,
}

impl Numbered {
    fn answer(&self, answer: impl Fn(usize, &[u8]) -> Line) -> Line {
        match &self.bytes {
            Some(bytes) => answer(self.number, bytes),
            None => Line::error(self.number, &format!("longer than the {LONGEST_LINE} bytes that are read")),
        }
    }
}

/// The lines that are there without waiting, at least one unless the input has ended.
fn batch(reader: &mut BufReader<impl Read>, before: usize) -> io::Result<Vec<Numbered>> {
    let mut lines: Vec<Numbered> = Vec::new();
    while lines.is_empty() || !reader.buffer().is_empty() {
        let mut bytes = Vec::new();
        let read = reader.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        let is_whole = bytes.ends_with(b"\n") || read <= LONGEST_LINE;
        if !is_whole {
            skip_line(reader)?;
        }
        lines.push(Numbered { number: before + lines.len() + 1, bytes: is_whole.then_some(bytes) });
    }
    Ok(lines)
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let there = reader.fill_buf()?;
        let end = there.iter().position(|byte| *byte == b'\n');
        let (used, is_over) = (end.map_or(there.len(), |end| end + 1), end.is_some() || there.is_empty());
        reader.consume(used);
        if is_over {
            return Ok(());
        }
    }
}

/// What became of the lines.
#[derive(Default)]
struct Count {
    lines: usize,
    errors: usize,
    skipped: usize,
}

impl Count {
    fn add(&mut self, line: &Line) {
        match line {
            Line::Error(_) => self.errors += 1,
            Line::Skipped => self.skipped += 1,
            Line::Answer(_) | Line::Blank => {}
        }
    }

    fn conclude(&self, name: &str, console: &Console) -> anyhow::Result<Exit> {
        if self.skipped > 0 {
            console
                .note(&format!("Skipped {} of {} lines: another command reads their kind.", self.skipped, self.lines));
        }
        if self.errors > 0 {
            bail!("{} of {} lines of {name} are not valid; their answers say what and where", self.errors, self.lines);
        }
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(input: &[u8]) -> Vec<(usize, Option<usize>)> {
        let mut reader = BufReader::with_capacity(64, input);
        let mut all = Vec::new();
        loop {
            let lines = batch(&mut reader, all.len()).unwrap();
            if lines.is_empty() {
                return all;
            }
            all.extend(lines.into_iter().map(|line| (line.number, line.bytes.map(|bytes| bytes.len()))));
        }
    }

    fn input(text: &str) -> Input {
        let reader: Box<dyn Read> = Box::new(io::Cursor::new(text.as_bytes().to_vec()));
        Input { name: "test".to_owned(), reader: BufReader::new(reader) }
    }

    #[test]
    fn one_object_with_statement_is_a_policy_and_nothing_is_lost_otherwise() {
        let policy = "{\n \"Version\": \"2012-10-17\",\n \"Statement\": []\n}\n";
        assert_eq!(input(policy).lone_policy().unwrap().ok().unwrap(), policy.as_bytes());
        for lines in
            ["{\"id\":1,\"policy\":{\"Statement\":[]}}\n", "{\"Statement\":[]}\n{\"Statement\":[]}\n", "", "x\n{"]
        {
            let mut text = String::new();
            input(lines).lone_policy().unwrap().err().unwrap().reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, lines);
        }
    }

    #[test]
    fn every_line_is_read_whatever_the_buffer() {
        let input = format!("a\n\n{}\nlast", "b".repeat(1000));
        assert_eq!(lengths(input.as_bytes()), [(1, Some(2)), (2, Some(1)), (3, Some(1001)), (4, Some(4))]);
        assert_eq!(lengths(b""), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut input = vec![b'x'; LONGEST_LINE + 5];
        input.extend(b"\nnext\n");
        assert_eq!(lengths(&input), [(1, None), (2, Some(5))]);
        assert_eq!(lengths(&vec![b'x'; LONGEST_LINE + 5]), [(1, None)]);
    }
}
