//! `keyproof waiver check`: how each waiver of a file stands, before an audit rests on it. `keyproof waiver import-mutelist`: a
//! beginning of such a file.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::console::Console;
use super::framework::{self, Library};
use super::selection::{either, unknown_check};
use super::{Exit, print, rows};
use crate::audit::{self, EVERYTHING, Summary, WaiverResult};
use crate::checks::{CHECKS, Check};
use crate::cli::WaiverCommand;
use crate::config::Config;
use crate::files;
use crate::snapshot::{self, Snapshot};
use crate::waivers::{self, Known, Waiver, Waivers};

/// The columns of the rows.
const COLUMNS: [&str; 11] = [
    "id",
    "standing",
    "exceptions",
    "waived",
    "expires_on",
    "days_left",
    "notes",
    "kind",
    "line",
    "match",
    "frameworks",
];

pub(super) fn run(command: &WaiverCommand, config: &Config, console: &Console) -> anyhow::Result<Exit> {
    match command {
        WaiverCommand::Check { file, snapshot, as_of, framework_file, format } => {
            let library = framework::library(either(framework_file, &config.audit.framework_files))?;
            let waivers = read(file, &library)?;
            let summary =
                audited(&waivers, &library, &Snapshot::open(snapshot)?, as_of.or(config.audit.as_of), config)?;
            warn_of_documents(file, &waivers, console);
            let rows: Vec<_> = waivers.all.iter().zip(&summary.waivers).map(|(waiver, it)| row(waiver, it)).collect();
            rows::print(*format, &COLUMNS, &rows)
        }
        WaiverCommand::ImportMutelist { file } => import(file, console),
    }
}

/// Begins a file of waivers from a mute list.
fn import(file: &Path, console: &Console) -> anyhow::Result<Exit> {
    let name = file.display().to_string();
    let text = String::from_utf8(files::read(file)?)
        .map_err(|failed| waivers::Error::Malformed { file: name.clone(), reason: failed.to_string() })?;
    let begun = waivers::begin(&name, &text, &checks_in_prowler)?;
    console.note(&format!(
        "begun: {}; not taken over: {}; write in what LACKS says, then `keyproof waiver check`",
        begun.waivers, begun.left_out
    ));
    print(begun.text.as_bytes())
}

/// The checks that a check of Prowler is known as here.
fn checks_in_prowler(name: &str) -> Vec<&'static str> {
    let is_it = |check: &&&'static Check| {
        check.elsewhere.iter().any(|it| it.strip_prefix("Prowler ").is_some_and(|it| it == name))
    };
    CHECKS.iter().filter(is_it).map(|check| check.id).collect()
}

/// Reads a file of waivers.
pub(super) fn read(path: &Path, library: &Library) -> anyhow::Result<Waivers> {
    let name = path.display().to_string();
    let text = String::from_utf8(files::read(path)?)
        .map_err(|failed| waivers::Error::Malformed { file: name.clone(), reason: failed.to_string() })?;
    let framework = |id: &str| library.find(id).err().map(|failed| failed.to_string());
    Ok(waivers::parse(&name, &text, Known { check: &unknown_check, framework: &framework })?)
}

/// What the checks that the waivers name find in a snapshot.
fn audited(
    waivers: &Waivers,
    library: &Library,
    snapshot: &Snapshot,
    as_of: Option<Timestamp>,
    config: &Config,
) -> anyhow::Result<Summary> {
    let verdicts = config.audit.verdicts.unwrap_or_default();
    let parameters = config.parameters.clone().under(verdicts)?;
    // The check of a fingerprint is not known before it is met.
    let is_meant = |check: &&'static Check| {
        waivers.all.iter().any(|waiver| waiver.scope.check().is_none_or(|meant| meant == check.id))
    };
    let checks: Vec<&'static Check> = CHECKS.iter().copied().filter(is_meant).collect();
    let options = audit::Options {
        checks: &checks,
        parameters: &parameters,
        verdicts,
        frameworks: &library.frameworks,
        selection: &EVERYTHING,
        waivers,
        as_of,
        first_seen: None,
        timings: None,
    };
    Ok(audit::run::<snapshot::Error>(snapshot, options, |_| Ok(()))?)
}

fn row(waiver: &Waiver, it: &WaiverResult) -> Vec<Value> {
    vec![
        json!(waiver.id),
        json!(it.standing.words()),
        json!(it.exceptions),
        json!(it.waived),
        json!(waiver.expires_on),
        json!(it.days_left),
        json!(it.notes),
        json!(waiver.kind),
        json!(waiver.line),
        json!(waiver.scope.words()),
        json!(waiver.frameworks),
    ]
}

/// Says of documents that waivers rest on whether they lie where the file says, and are what it says.
fn warn_of_documents(file: &Path, waivers: &Waivers, console: &Console) {
    let folder: PathBuf = file.parent().map(Path::to_path_buf).unwrap_or_default();
    for waiver in &waivers.all {
        for document in &waiver.evidence {
            let what = match files::sha256_of_file(&folder.join(&document.path)) {
                Ok(digest) if digest == document.sha256 => continue,
                Ok(_) => "is another document than the one that was approved: its SHA-256 differs".to_owned(),
                Err(failed) => format!("cannot be read: {failed}"),
            };
            console.warn(&format!("line {}, waiver {}: {} {what}", waiver.line, waiver.id, document.path));
        }
    }
}
