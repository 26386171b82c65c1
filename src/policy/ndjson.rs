//! One line of NDJSON: its values with their places, so that every error can name the one it is about.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use super::document::Document;
use super::json;
use super::parse::Problem;

/// What became of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The answer, one line of JSON without its end.
    Answer(String),
    /// `{"id", "error"}`: the line is not valid.
    Error(String),
    /// The line is meant for another command.
    Skipped,
    /// Nothing stands on it.
    Blank,
}

impl Line {
    /// The answer to a line that cannot even be read.
    #[must_use]
    pub fn error(number: usize, what: &str) -> Self {
        let error = Error { id: None, error: format!("line {number}: {what}") };
        Self::Error(serde_json::to_string(&error).unwrap_or_default())
    }
}

/// What is wrong with a line, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// JSON pointer into the line; empty for the line as a whole.
    place: String,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            formatter.write_str(&self.what)
        } else {
            write!(formatter, "at {}: {}", self.place, self.what)
        }
    }
}

#[derive(Serialize)]
struct Error<'a> {
    id: Option<&'a RawValue>,
    error: String,
}

/// Answers one line of input, the `number`-th from 1: `answer` makes the JSON of a valid one. Lines whose `kind` stands in
/// `other_kinds` are skipped.
pub(super) fn line(
    number: usize,
    bytes: &[u8],
    other_kinds: &[&str],
    answer: impl FnOnce(Option<&RawValue>, &Members<'_>) -> Result<String, Fault>,
) -> Line {
    let error = |id: Option<&RawValue>, what: String| {
        let error = Error { id, error: format!("line {number}{what}") };
        Line::Error(serde_json::to_string(&error).unwrap_or_default())
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim(),
        Err(broken) => return error(None, format!(", column {}: not UTF-8", broken.valid_up_to() + 1)),
    };
    if text.is_empty() {
        return Line::Blank;
    }
    let root: &RawValue = match serde_json::from_str(text) {
        Ok(root) => root,
        Err(broken) => {
            return error(
                None,
                format!(", column {}: not valid JSON: {}", broken.column().max(1), json::reason(&broken)),
            );
        }
    };
    let members = match (Node { raw: root, place: String::new() }).members() {
        Ok(members) => members,
        Err(fault) => return error(None, format!(": {fault}")),
    };
    let id = members.get("id").map(|node| node.raw);
    let kind = members.get("kind").and_then(|node| node.text().ok());
    if kind.is_some_and(|kind| other_kinds.contains(&kind.as_str())) {
        return Line::Skipped;
    }
    match answer(id, &members) {
        Ok(answer) => Line::Answer(answer),
        Err(fault) if fault.place.is_empty() => error(id, format!(": {fault}")),
        Err(fault) => error(id, format!(", {fault}")),
    }
}

/// A JSON value, well formed but not read further, and its place in the line.
#[derive(Debug, Clone)]
pub(super) struct Node<'t> {
    raw: &'t RawValue,
    place: String,
}

/// The members of an object, each name once.
#[derive(Debug)]
pub(super) struct Members<'t> {
    place: String,
    list: Vec<(String, &'t RawValue)>,
}

impl<'t> Members<'t> {
    /// The member of that name; absent and `null` are the same.
    pub(super) fn get(&self, name: &str) -> Option<Node<'t>> {
        let node = self.all().find(|(member, _)| *member == name)?.1;
        (node.raw.get() != "null").then_some(node)
    }

    /// The member of that name, which must be there.
    pub(super) fn need(&self, name: &str) -> Result<Node<'t>, Fault> {
        self.get(name).ok_or_else(|| Fault { place: self.place.clone(), what: format!("`{name}` is missing") })
    }

    /// The text of that name, if it is there.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        self.get(name).map(|node| node.text()).transpose()
    }

    /// The truth value of that name, if it is there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.get(name) {
            None => Ok(false),
            Some(node) => match node.raw.get() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(node.fault("expected true or false")),
            },
        }
    }

    /// Every member, `null` ones included.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Node<'t>)> {
        self.list.iter().map(|(name, raw)| {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            (name.as_str(), Node { raw, place: format!("{}/{escaped}", self.place) })
        })
    }
}

impl<'t> Node<'t> {
    /// An error about this value.
    pub(super) fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { place: self.place.clone(), what: what.into() }
    }

    /// The members of an object.
    pub(super) fn members(&self) -> Result<Members<'t>, Fault> {
        if !self.raw.get().starts_with('{') {
            return Err(self.fault(format!("expected an object, found {}", json::sort(self.raw))));
        }
        let list = json::members(self.raw).map_err(|error| self.fault(json::reason(&error)))?;
        let mut seen = BTreeSet::new();
        if let Some((name, _)) = list.iter().find(|(name, _)| !seen.insert(name.as_str())) {
            return Err(self.fault(format!("`{name}` stands twice in one object")));
        }
        Ok(Members { place: self.place.clone(), list })
    }

    /// The items of an array.
    pub(super) fn items(&self) -> Result<Vec<Self>, Fault> {
        if !self.is_list() {
            return Err(self.fault(format!("expected a list, found {}", json::sort(self.raw))));
        }
        let items: Vec<&'t RawValue> =
            serde_json::from_str(self.raw.get()).map_err(|error| self.fault(json::reason(&error)))?;
        let place = |index| format!("{}/{index}", self.place);
        Ok(items.into_iter().enumerate().map(|(index, raw)| Self { raw, place: place(index) }).collect())
    }

    /// The items of an array, or a lone value.
    pub(super) fn one_or_many(&self) -> Result<Vec<Self>, Fault> {
        if self.is_list() { self.items() } else { Ok(vec![self.clone()]) }
    }

    /// A string, no longer than those of a policy document.
    pub(super) fn text(&self) -> Result<String, Fault> {
        self.string().and_then(|string| self.short(string))
    }

    fn string(&self) -> Result<String, Fault> {
        if !self.raw.get().starts_with('"') {
            return Err(self.fault(format!("expected a string, found {}", json::sort(self.raw))));
        }
        serde_json::from_str(self.raw.get()).map_err(|error| self.fault(json::reason(&error)))
    }

    fn short(&self, string: String) -> Result<String, Fault> {
        match string.len() {
            0..=Document::MAX_STRING_BYTES => Ok(string),
            long => Err(self.fault(Problem::LongString(long).to_string())),
        }
    }

    /// A string, or the text of a number or truth value.
    pub(super) fn scalar(&self) -> Result<String, Fault> {
        match self.raw.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => self.short(self.raw.get().to_owned()),
            _ => self.text(),
        }
    }

    /// The length of its text.
    pub(super) fn size(&self) -> usize {
        self.raw.get().len()
    }

    pub(super) fn is_list(&self) -> bool {
        self.raw.get().starts_with('[')
    }

    pub(super) fn is_null(&self) -> bool {
        self.raw.get() == "null"
    }

    /// A policy document: an object, or a string that holds one as the IAM API returns it.
    pub(super) fn document(&self) -> Result<Document, Fault> {
        let parsed = match self.raw.get().starts_with('"') {
            true => Document::parse(&self.string()?),
            false => Document::parse(self.raw.get()),
        };
        parsed
            .map_err(|error| Fault { place: format!("{}{}", self.place, error.place), what: error.problem.to_string() })
    }
}
