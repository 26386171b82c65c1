//! Rows that a page holds as data beside its table: its script shows a window of them. A page of elements alone grows too large.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::view::{anchor, shortened};
use super::visible;
use crate::finding::Finding;

/// Rows of texts, as JSON in which each text stands once. It can stand between the tags of a script: see [`in_script`].
#[derive(Debug, Clone)]
pub(super) struct Rows {
    columns: &'static [&'static str],
    places: BTreeMap<String, usize>,
    words: String,
    rows: String,
    number: u64,
    room: usize,
}

/// The columns of findings on the page of an account.
pub(super) const OF_ACCOUNT: &[&str] = &["status", "severity", "check", "region", "resource", "reason", "anchor"];

/// The columns of findings on the page of a check.
pub(super) const OF_CHECK: &[&str] = &["status", "account", "name", "region", "resource", "reason", "anchor"];

impl Rows {
    /// No rows, and room for so many bytes.
    pub(super) fn new(columns: &'static [&'static str], room: usize) -> Self {
        Self { columns, places: BTreeMap::new(), words: String::new(), rows: String::new(), number: 0, room }
    }

    /// How many rows there are.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The bytes that are left.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Keeps a finding if there is room.
    pub(super) fn finding(&mut self, finding: &Finding) {
        let cells: Vec<String> = self
            .columns
            .iter()
            .map(|column| match *column {
                "status" => finding.status.word().to_owned(),
                "severity" => finding.severity.word().to_owned(),
                "check" => finding.check_id.to_owned(),
                "account" => finding.account_id.to_string(),
                "name" => shortened(&finding.account_name),
                "region" => finding.region.to_string(),
                "resource" => shortened(&finding.resource_name),
                "reason" => shortened(&finding.reason),
                _ => anchor(finding),
            })
            .collect();
        self.add(&cells);
    }

    /// Keeps a row with a text for each column if there is room.
    pub(super) fn add(&mut self, cells: &[String]) {
        // Once one is left out all are, so that what is there are the first.
        let size = |cell: &String| if self.places.contains_key(cell) { 8 } else { 12 + 6 * cell.len().min(400) };
        let needed: usize = cells.iter().map(size).sum();
        if needed > self.room {
            self.room = 0;
            return;
        }
        let before = self.words.len() + self.rows.len();
        for cell in cells {
            let place = self.places.get(cell).copied().unwrap_or_else(|| {
                let next = self.places.len();
                self.places.insert(cell.clone(), next);
                self.words.push_str(if next == 0 { "" } else { "," });
                self.words.push_str(&in_script(cell));
                next
            });
            // Writing to a String cannot fail.
            let _ = write!(self.rows, "{}{place}", if self.rows.is_empty() { "" } else { "," });
        }
        self.number += 1;
        self.room = self.room.saturating_sub(self.words.len() + self.rows.len() - before);
    }

    /// The rows as JSON; empty if there are none.
    pub(super) fn json(&self) -> String {
        if self.number == 0 {
            return String::new();
        }
        let columns: Vec<String> = self.columns.iter().map(|column| in_script(column)).collect();
        format!("{{\"columns\":[{}],\"words\":[{}],\"rows\":[{}]}}", columns.join(","), self.words, self.rows)
    }
}

/// A text as a JSON string that ends no script and begins no comment, with what cannot be seen spelt out as everywhere on a page.
fn in_script(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for letter in visible::shown(text).chars() {
        match letter {
            '"' | '\\' => json.extend(['\\', letter]),
            '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' => {
                // Writing to a String cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(letter));
            }
            _ => json.push(letter),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_the_script_and_reads_as_it_is_shown() {
        let hostile = "</script><!--<script>'\"\\ &amp; \u{202e}\u{2028}\0\n";
        let json = in_script(hostile);
        assert!(!json.contains(['<', '>', '&', '\'', '\u{202e}', '\u{2028}', '\0', '\n']), "{json}");
        let read: String = serde_json::from_str(&json).unwrap();
        assert_eq!(read, visible::shown(hostile));
    }

    #[test]
    fn each_text_stands_once_and_the_first_rows_are_kept() {
        let mut rows = Rows::new(&["check", "region"], 400);
        assert_eq!(rows.json(), "");
        for region in ["a", "b", "a"] {
            rows.add(&["one".to_owned(), region.to_owned()]);
        }
        let expected = r#"{"columns":["check","region"],"words":["one","a","b"],"rows":[0,1,0,2,0,1]}"#;
        assert_eq!((rows.json().as_str(), rows.number()), (expected, 3));
        rows.add(&["x".repeat(1_000), "a".to_owned()]);
        rows.add(&["one".to_owned(), "a".to_owned()]);
        assert_eq!((rows.json().as_str(), rows.number(), rows.room()), (expected, 3, 0));
    }
}
