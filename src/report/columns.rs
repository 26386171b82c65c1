//! `COLUMNS.md`: what a reader of the CSV files must know.

use super::findings::FINDINGS_COLUMNS;
use super::pack::Options;
use super::{keys, requests, sample, waivers_page};

/// Where it lies in a pack or comparison.
pub(super) const COLUMNS: &str = "data/csv/COLUMNS.md";

/// The rules of every file.
const RULES: &str = "\
RFC 4180: commas, CRLF, one header row; UTF-8 with a byte order mark. Times are RFC 3339, UTC. Several values in one cell are\n\
separated by ` | `.\n\n\
A cell that a spreadsheet could take for a formula has an apostrophe in front, and so has a cell that begins with one;\n\
`csv_escaped` is then `Y`. To get the raw value where it is `Y`, take one leading apostrophe off every cell that has one.\n";

/// A file: its name, what stands in it, its columns with what stands there.
type File<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>);

/// The text for a pack.
pub(super) fn of_pack(options: &Options<'_>) -> String {
    let findings = FINDINGS_COLUMNS.iter().map(|(name, content, _)| (*name, *content)).collect();
    let waivers = waivers_page::COLUMNS.iter().map(|(name, content, _)| (*name, *content)).collect();
    let mut files: Vec<File<'_>> = vec![
        ("findings.csv", "One row a finding; `json/findings.ndjson` holds the raw values.", findings),
        ("waivers.csv", "One row a waiver, in the order of `inputs/waivers.toml`; none if no file was given.", waivers),
    ];
    let requests = "One row a thing that is still to be asked for, by framework and control.";
    files.push(("request_list.csv", requests, requests::COLUMNS.to_vec()));
    if options.sample.is_some() {
        let columns = sample::COLUMNS.iter().map(|(name, content, _)| (*name, *content)).collect();
        files.push(("sample.csv", "One row an item of the sample, in the order of the draw, to be signed.", columns));
    }
    if options.with_access {
        files.extend(keys::FILES.map(|(file, content)| (file, content, keys::columns())));
    }
    text(&files)
}

/// The text for files with these columns.
pub(super) fn text(files: &[File<'_>]) -> String {
    let mut text = format!("# Columns\n\n{RULES}");
    for (file, content, columns) in files {
        text += &format!("\n## {file}\n\n{content}\n\n| column | content |\n| --- | --- |\n");
        for (name, content) in columns {
            text += &format!("| {name} | {content} |\n");
        }
        text += "| csv_escaped | Y if a cell of the row has an apostrophe in front, else empty |\n";
    }
    text
}
