//! Who ran the audit, where and with which program: the one part of a pack that its snapshot does not give. It lies beside `data/`, so
//! that the bytes of the evidence stay those of the snapshot, and is written on request only.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::Error;
use super::table::Table;
use crate::files;
use crate::snapshot::Snapshot;
use crate::snapshot::manifest::Tool;

/// Where the files lie in a pack.
pub(super) const FOLDER: &str = "custody/";

/// Through whose hands the evidence went.
const LIST: &str = "custody/custody.csv";

/// The run of this program, for who must repeat it.
const LOG: &str = "custody/run-log.ndjson";

/// The columns of the list.
const COLUMNS: [&str; 7] = ["time", "action", "actor", "host", "root_before", "root_after", "note"];

/// A run of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    /// When it began.
    pub started: Timestamp,
    /// The name by which the operating system knows who ran it.
    pub user: String,
    /// The name of the machine.
    pub host: String,
    /// What was typed, word by word, the program itself first.
    pub command_line: Vec<String>,
    /// SHA-256 of the program's file.
    pub program_sha256: String,
}

/// Writes both files of a sealed pack, and gives their paths and digests.
pub(super) fn write(
    folder: &Path,
    custody: &Custody,
    snapshot: &Snapshot,
    pack_root: &str,
) -> Result<[(String, String); 2], Error> {
    let manifest = snapshot.manifest();
    let Custody { started, user, host, command_line, program_sha256 } = custody;
    let collector = manifest.collector.arn.as_deref().unwrap_or_default();
    let mut list = Table::outside(&folder.join(LIST), COLUMNS)?;
    let collected = manifest.window.end.to_string();
    list.row(&[&collected, "collected", collector, "", "", snapshot.root(), "snapshot root after"])?;
    let note = "snapshot root before, pack root after; the next line is for whom the pack is handed to";
    list.row(&[&started.to_string(), "audited", user, host, snapshot.root(), pack_root, note])?;
    let list = list.finish()?;
    let tool = Tool::this();
    let run = json!({
        "event": "audited",
        "time": started,
        "user": user,
        "host": host,
        "command_line": command_line,
        "program": {
            "name": tool.name,
            "version": tool.version,
            "sha256": program_sha256,
            "operating_system": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
        },
        "snapshot_root": snapshot.root(),
        "pack_root": pack_root,
    });
    let log = files::write_atomic(&folder.join(LOG), format!("{run}\n").as_bytes())?;
    Ok([(LIST.to_owned(), list.sha256), (LOG.to_owned(), log.sha256)])
}
