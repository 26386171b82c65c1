//! CSV as auditors open it: RFC 4180, UTF-8 with a byte order mark, CRLF, and no cell that a spreadsheet runs.
//!
//! A cell that a spreadsheet could take for a formula gets an apostrophe in front, as does a cell that already begins with
//! one; the row's last column, `csv_escaped`, then says `Y`. So the raw value comes back: where `csv_escaped` is `Y`, one
//! leading apostrophe is taken off every cell that has one.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use super::bag::Bag;
use super::redaction::Redaction;
use crate::files::{self, AtomicFile, Written};
use crate::model::Gap;

/// Between the values of a cell that holds several.
pub(super) const SEPARATOR: &str = " | ";

/// A spreadsheet takes at most 32,767 UTF-16 units a cell.
const MAX_UNITS: usize = 32_000;

/// Ends a cell that was cut.
const CUT: &str = " …[cut; the JSON files of the pack and its snapshot have all]";

/// A CSV file in the making.
pub(super) struct Table {
    path: PathBuf,
    writer: csv::Writer<AtomicFile>,
    redaction: Option<Arc<Redaction>>,
}

impl Table {
    /// Begins a file of a bag with its header; the column `csv_escaped` is added.
    pub(super) fn create<'a>(bag: &Bag, path: &str, header: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        Ok(Self { redaction: bag.redaction().cloned(), ..Self::of(bag.begin(path)?, &bag.place(path), header)? })
    }

    /// Begins a file beside the evidence, of which nothing is kept back.
    pub(super) fn outside<'a>(path: &Path, header: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        Self::of(AtomicFile::create(path)?, path, header)
    }

    fn of<'a>(mut file: AtomicFile, path: &Path, header: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        file.write_all("\u{feff}".as_bytes()).map_err(files::error("write", path))?;
        let writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
        let mut table = Self { path: path.to_path_buf(), writer, redaction: None };
        table.record(header.into_iter().chain(["csv_escaped"]))?;
        Ok(table)
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: &[&str]) -> Result<(), Error> {
        let mut escaped = "";
        let hardened: Vec<Cow<'_, str>> = cells
            .iter()
            .map(|cell| {
                let cell = match &self.redaction {
                    Some(redaction) => Cow::Owned(cut(&redaction.text(cell)).into_owned()),
                    None => cut(cell),
                };
                if is_risky(&cell) {
                    escaped = "Y";
                    Cow::Owned(format!("'{cell}"))
                } else {
                    cell
                }
            })
            .collect();
        self.record(hardened.iter().map(AsRef::as_ref).chain([escaped]))
    }

    fn record<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        Ok(self.writer.write_record(cells).map_err(|failed| files::error("write", &self.path)(failed.into()))?)
    }

    /// Ends the file.
    pub(super) fn finish(self) -> Result<Written, Error> {
        let Self { path, writer, .. } = self;
        let file = writer.into_inner().map_err(|failed| files::error("write", &path)(failed.into_error()))?;
        Ok(file.commit()?)
    }
}

/// What stands in a cell, and on pages, where a fact could not be read.
pub(super) fn not_known(gap: &Gap) -> String {
    format!("not known: {}", gap.reason())
}

/// Whether a spreadsheet could run the cell, or take its first apostrophe for ours.
pub fn is_risky(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '\'', '＝', '＋', '－', '＠'])
}

/// The cell as it was before an apostrophe was put in front; `escaped` is the last cell of its row.
#[cfg(any(feature = "xlsx", test))]
pub(super) fn raw<'a>(cell: &'a str, escaped: &str) -> &'a str {
    if escaped == "Y" { cell.strip_prefix('\'').unwrap_or(cell) } else { cell }
}

/// The cell, cut with a mark if a spreadsheet does not take it whole.
pub(super) fn cut(cell: &str) -> Cow<'_, str> {
    // No text has more UTF-16 units than bytes.
    if cell.len() <= MAX_UNITS {
        return Cow::Borrowed(cell);
    }
    let mut units = 0;
    for (at, letter) in cell.char_indices() {
        units += letter.len_utf16();
        if units > MAX_UNITS {
            return Cow::Owned(format!("{}{CUT}", &cell[..at]));
        }
    }
    Cow::Borrowed(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &[&str] = &[
        "=cmd|'/C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "\0x",
        "'quoted",
        "＝1",
        "plain",
        "",
        "a,b",
        "a\"b",
        "a\r\nb",
        "c | d",
        "\u{202e}x",
        "</script>",
        "ünï",
    ];

    fn written(rows: &[Vec<&str>]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let mut table = Table::outside(&path, ["a", "b"]).unwrap();
        rows.iter().for_each(|row| table.row(row).unwrap());
        let done = table.finish().unwrap();
        let bytes = files::read(&path).unwrap();
        assert_eq!(done.sha256, crate::digest::sha256(&bytes));
        bytes
    }

    #[test]
    fn hostile_cells_come_back_as_they_were_and_none_is_a_formula() {
        let rows: Vec<Vec<&str>> = HOSTILE.iter().flat_map(|a| HOSTILE.iter().map(move |b| vec![*a, *b])).collect();
        let bytes = written(&rows);
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap();
        let mut reader = csv::Reader::from_reader(text);
        assert_eq!(reader.headers().unwrap(), vec!["a", "b", "csv_escaped"]);
        let mut read = 0;
        for (record, row) in reader.records().zip(&rows) {
            let record = record.unwrap();
            for (cell, raw) in record.iter().zip(row) {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝']), "{cell:?}");
                assert_eq!(super::raw(cell, &record[2]), *raw);
            }
            read += 1;
        }
        assert_eq!(read, rows.len());
    }

    #[test]
    fn lines_end_in_crlf_and_long_cells_say_that_they_were_cut() {
        let long = "x".repeat(40_000);
        let bytes = written(&[vec![&long, "y"]]);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("\u{feff}a,b,csv_escaped\r\n"));
        assert!(text.ends_with(",y,\r\n"));
        assert!(text.contains(CUT));
        assert!(text.encode_utf16().count() < 32_767);
    }
}
