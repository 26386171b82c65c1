//! What a reader of the CSV files must know: `COLUMNS.md` for people, `datapackage.json` (Frictionless Data Package) for programs.

use serde_json::{Value, json};

use super::Error;
use super::bag::Bag;
use super::completeness;
use super::evidence;
use super::findings::FINDINGS_COLUMNS;
use super::pack::Options;
use super::{about, controls, facts, keys, poam, redaction, requests, sample, scope, waivers_page};
use crate::finding::{Severity, Status};

/// Where the text for people lies in a pack or comparison.
const COLUMNS: &str = "data/csv/COLUMNS.md";

/// Where the description for programs lies.
const PACKAGE: &str = "data/csv/datapackage.json";

/// The rules of every file.
const RULES: &str = "\
RFC 4180: commas, CRLF, one header row; UTF-8 with a byte order mark. Times are RFC 3339, UTC. Several values in one cell are\n\
separated by ` | `. `datapackage.json` says the same to programs (Frictionless Data Package).\n\n\
A fact that could not be read is written as `not known: ` and why, alone or as the last of several values; a row whose name is\n\
`not known: …` stands for all that could not be listed. An empty cell says that there is nothing. `never` says that AWS has no\n\
record of a use.\n\n\
A cell that a spreadsheet could take for a formula has an apostrophe in front, and so has a cell that begins with one;\n\
`csv_escaped` is then `Y`. To get the raw value where it is `Y`, take one leading apostrophe off every cell that has one.\n";

/// The last column of every file.
const ESCAPED: (&str, &str) = ("csv_escaped", "Y if a cell of the row has an apostrophe in front, else empty");

/// A file, and what stands in it.
pub(super) struct File {
    /// Its name.
    pub(super) name: &'static str,
    /// What a row is.
    pub(super) content: &'static str,
    /// The column that no two rows have alike, if there is one.
    pub(super) key: Option<&'static str>,
    /// Its columns but the last, each with what stands there.
    pub(super) columns: Vec<(&'static str, &'static str)>,
}

/// The files of a pack.
pub(super) fn of_pack(options: &Options<'_>) -> Vec<File> {
    let findings = File {
        name: "findings.csv",
        content: "One row a finding; `json/findings.ndjson` holds the raw values.",
        key: Some("fingerprint"),
        columns: FINDINGS_COLUMNS.iter().map(|(name, content, _)| (*name, *content)).collect(),
    };
    let plan = File {
        name: poam::NAME,
        content: "What to mend: one row for each check and account with a FAIL, in the columns of FedRAMP's plan.",
        key: Some("POAM ID"),
        columns: poam::columns(),
    };
    let scope = File {
        name: scope::NAME,
        content: "Every account that the snapshot lists: in or out, and why.",
        key: Some("account_id"),
        columns: scope::columns(),
    };
    let waivers = File {
        name: "waivers.csv",
        content: "One row a waiver, in the order of `inputs/waivers.toml`; none if no file was given.",
        key: None,
        columns: waivers_page::COLUMNS.iter().map(|(name, content, _)| (*name, *content)).collect(),
    };
    let requests = File {
        name: "request_list.csv",
        content: "One row a thing that is still to be asked for, by framework and control.",
        key: None,
        columns: requests::COLUMNS.to_vec(),
    };
    let [about, controls] = overviews();
    let [ties, gaps] = of_completeness();
    let mut files = vec![about, findings, evidence::described(), controls, plan, scope, ties, gaps, waivers, requests];
    files.extend(facts::files());
    if options.redaction.is_some() {
        files.push(File {
            name: redaction::NAME,
            content: "One row a class of values: what was kept back of this pack, and why.",
            key: Some("class"),
            columns: redaction::COLUMNS.to_vec(),
        });
    }
    if options.sample.is_some() {
        files.push(File {
            name: "sample.csv",
            content: "One row an item of the sample, in the order of the draw, to be signed.",
            key: None,
            columns: sample::COLUMNS.iter().map(|(name, content, _)| (*name, *content)).collect(),
        });
    }
    if options.with_access {
        let review =
            File { name: keys::REVIEW, content: keys::REVIEW_CONTENT, key: None, columns: keys::review_columns() };
        files.push(review);
        files.extend(keys::FILES.map(|(name, content)| File { name, content, key: None, columns: keys::columns() }));
    }
    files
}

/// By which numbers nothing is missing, and what is.
fn of_completeness() -> [File; 2] {
    let ties = File {
        name: completeness::COMPLETENESS,
        content: "By which numbers the populations are known to be whole: one row for each pair that must agree.",
        key: None,
        columns: completeness::COLUMNS.to_vec(),
    };
    let gaps = File {
        name: completeness::GAPS,
        content: "What could not be read and a check needs: one row for each account, Region and API.",
        key: Some("gap"),
        columns: completeness::GAP_COLUMNS.to_vec(),
    };
    [ties, gaps]
}

/// How the pack came about, and what may be said of the controls.
fn overviews() -> [File; 2] {
    let about = File {
        name: about::NAME,
        content: "How the lists of this pack came about: what was read, when, by whom, with what; one row a fact.",
        key: None,
        columns: about::COLUMNS.to_vec(),
    };
    let controls = File {
        name: controls::NAME,
        content: "What the framework pages say: one row for each control and check that is mapped to it; `json/controls.json` has the same.",
        key: None,
        columns: controls::columns(),
    };
    [about, controls]
}

/// Describes files that are in the bag.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(bag: &Bag, files: &[File]) -> Result<(), Error> {
    bag.put(COLUMNS, text(files).as_bytes())?;
    let resources: Vec<Value> = files.iter().map(|file| resource(bag, file)).collect();
    let package = json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "keyproof",
        "resources": resources,
    });
    bag.put_json(PACKAGE, &package)
}

fn text(files: &[File]) -> String {
    let mut text = format!("# Columns\n\n{RULES}");
    for File { name, content, columns, .. } in files {
        text += &format!("\n## {name}\n\n{content}\n\n| column | content |\n| --- | --- |\n");
        for (name, content) in columns.iter().chain([&ESCAPED]) {
            text += &format!("| {name} | {content} |\n");
        }
    }
    text
}

fn resource(bag: &Bag, file: &File) -> Value {
    let fields: Vec<Value> =
        file.columns.iter().chain([&ESCAPED]).map(|(name, content)| field(name, content)).collect();
    let mut schema = json!({ "fields": fields, "missingValues": [""] });
    if let Some(key) = file.key {
        schema["primaryKey"] = json!([key]);
    }
    let mut resource = json!({
        "name": file.name.trim_end_matches(".csv"),
        "path": file.name,
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "description": file.content,
        "dialect": { "delimiter": ",", "lineTerminator": "\r\n", "quoteChar": "\"", "doubleQuote": true },
        "schema": schema,
    });
    if let Some(written) = bag.written(&format!("data/csv/{}", file.name)) {
        resource["bytes"] = json!(written.bytes);
        resource["hash"] = json!(format!("sha256:{}", written.sha256));
    }
    resource
}

/// A column as programs read it. A column of one name has one type in every file.
fn field(name: &str, content: &str) -> Value {
    let mut field = json!({ "name": name, "type": "string", "description": content });
    match name {
        "first_seen" | "created" | "collected_at" | "Original Detection Date" | "Status Date" => {
            field["type"] = json!("datetime")
        }
        "status" | "underlying_status" | "old_status" | "new_status" => {
            field["constraints"] = json!({ "enum": Status::ALL.map(Status::word) });
        }
        "severity" => field["constraints"] = json!({ "enum": Severity::ALL.map(Severity::word) }),
        "account_id" | "key_account_id" => field["constraints"] = json!({ "pattern": "[0-9]{12}" }),
        "csv_escaped" => field["constraints"] = json!({ "enum": ["Y"] }),
        _ => {}
    }
    field
}
