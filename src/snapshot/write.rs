//! Writing a snapshot: file by file with a journal, so that an interrupted collection resumes, and the manifest last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file::SnapshotFile;
use super::manifest::{Account, Collector, Coverage, FileEntry, Manifest, Scope, Source, Tool, Window};
use super::{DIGESTS, Error, MANIFEST, SCHEMA_VERSION};
use crate::files;

/// Name of the journal inside an unfinished snapshot; it is removed once the manifest stands.
const JOURNAL: &str = "journal.ndjson";

/// Compression level: a higher one costs the collector time and saves the auditor little.
const ZSTD_LEVEL: i32 = 6;

/// The first line of a journal: what an unfinished snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// How it comes about.
    pub source: Source,
    /// What was asked for. A resumed collection must ask for the same.
    pub scope: Scope,
    /// When it began.
    pub started: Timestamp,
}

/// A line for each finished file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Unit {
    file: FileEntry,
    coverage: Vec<Coverage>,
    window: Option<Window>,
}

/// Writes one snapshot.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    journal: Journal,
    units: Mutex<BTreeMap<String, Unit>>,
    _lock: files::Lock,
}

impl Writer {
    /// Begins a snapshot in an empty or missing folder.
    ///
    /// # Errors
    /// When the folder holds something or cannot be written.
    pub fn create(folder: &Path, journal: Journal) -> Result<Self, Error> {
        files::output_folder(folder)?;
        let writer = Self::locked(folder, journal)?;
        writer.append(&writer.journal)?;
        Ok(writer)
    }

    /// Makes sure that a snapshot can be begun in `folder`, before anything is asked of AWS for it.
    ///
    /// # Errors
    /// When the folder holds something or cannot be written.
    pub fn check(folder: &Path) -> Result<(), Error> {
        Ok(files::output_folder(folder)?)
    }

    /// Goes on with an unfinished snapshot, or says that there is none (`None`: no journal in the folder). Files whose bytes no
    /// longer match their journal line are forgotten, to be written again.
    ///
    /// # Errors
    /// When the journal cannot be read or its first line is not one.
    pub fn resume(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(JOURNAL);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = files::read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let parse = |reason: String| Error::Parse { path: path.clone(), reason };
        let first = lines.next().unwrap_or_default();
        let journal = serde_json::from_str(first).map_err(|failed| parse(format!("line 1: {failed}")))?;
        let writer = Self::locked(folder, journal)?;
        let mut units = BTreeMap::new();
        // The last line may be cut off by a crash: such a line is a file that was not finished.
        for unit in lines.filter_map(|line| serde_json::from_str::<Unit>(line).ok()) {
            if files::sha256_of_file(&folder.join(&unit.file.path)).is_ok_and(|digest| digest == unit.file.sha256) {
                units.insert(unit.file.path.clone(), unit);
            }
        }
        *writer.units.lock().unwrap_or_else(PoisonError::into_inner) = units;
        Ok(Some(writer))
    }

    fn locked(folder: &Path, journal: Journal) -> Result<Self, Error> {
        let lock = files::Lock::acquire(folder, ".lock")?;
        Ok(Self { folder: folder.to_path_buf(), journal, units: Mutex::default(), _lock: lock })
    }

    /// What this snapshot is of.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The ledger rows of a file that is already written, if it is.
    pub fn finished(&self, path: &str) -> Option<Vec<Coverage>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).get(path).map(|unit| unit.coverage.clone())
    }

    /// Writes a file (compressed if its name says so) and its journal line. A second file of the same path replaces the first.
    ///
    /// # Errors
    /// When the file cannot be encoded or written.
    pub fn put(&self, path: &str, file: &SnapshotFile) -> Result<(), Error> {
        let json = file.to_json()?;
        let encode = |failed: std::io::Error| Error::Encode { path: path.to_owned(), reason: failed.to_string() };
        let stored = if path.ends_with(".zst") {
            zstd::encode_all(json.as_slice(), ZSTD_LEVEL).map_err(encode)?
        } else {
            json.clone()
        };
        let written = files::write_atomic(&self.folder.join(path), &stored)?;
        let times = || file.calls().iter().map(|call| call.time);
        let unit = Unit {
            file: FileEntry {
                path: path.to_owned(),
                sha256: written.sha256,
                bytes: written.bytes,
                json_bytes: json.len() as u64,
            },
            coverage: Coverage::of_calls(file.account_id(), file.region(), file.calls()),
            window: times().min().zip(times().max()).map(|(start, end)| Window { start, end }),
        };
        self.append(&unit)?;
        self.units.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), unit);
        Ok(())
    }

    /// Takes up a file that is already written, to add to it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn reopen(&self, path: &str) -> Result<Option<SnapshotFile>, Error> {
        if self.finished(path).is_none() {
            return Ok(None);
        }
        let place = self.folder.join(path);
        let stored = files::read(&place)?;
        let parse = |failed: std::io::Error| Error::Parse { path: place.clone(), reason: failed.to_string() };
        let json = if path.ends_with(".zst") { zstd::decode_all(stored.as_slice()).map_err(parse)? } else { stored };
        SnapshotFile::reopen(&json).map(Some)
    }

    /// The paths of the files that are written, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The same snapshot with another scope.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.journal.scope = scope;
        self
    }

    fn append(&self, line: &impl Serialize) -> Result<(), Error> {
        let encode = |failed: serde_json::Error| Error::Encode { path: JOURNAL.to_owned(), reason: failed.to_string() };
        let line = serde_json::to_string(line).map_err(encode)?;
        Ok(files::append_line(&self.folder.join(JOURNAL), &line)?)
    }

    /// Writes the manifest and the digest list. After this the snapshot is immutable.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn finish(
        self,
        partition: &str,
        organization_id: Option<String>,
        collector: Collector,
        mut accounts: Vec<Account>,
    ) -> Result<Manifest, Error> {
        let units = self.units.into_inner().unwrap_or_else(PoisonError::into_inner);
        let windows = || units.values().filter_map(|unit| unit.window.as_ref());
        let window = Window {
            start: windows().map(|window| window.start).min().unwrap_or(self.journal.started),
            end: windows().map(|window| window.end).max().unwrap_or(self.journal.started),
        };
        let coverage: Vec<Coverage> = units.values().flat_map(|unit| unit.coverage.iter().cloned()).collect();
        let mut api_calls = BTreeMap::new();
        for row in &coverage {
            *api_calls.entry(row.api.clone()).or_insert(0) += row.calls;
        }
        accounts.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            tool: Tool::this(),
            source: self.journal.source,
            partition: partition.to_owned(),
            organization_id,
            collector,
            scope: self.journal.scope,
            window,
            accounts,
            api_calls,
            coverage,
            files: units.into_values().map(|unit| unit.file).collect(),
        };
        write_manifest(&self.folder, &manifest)?;
        files::remove(&self.folder.join(JOURNAL))?;
        Ok(manifest)
    }
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let encode = |failed: serde_json::Error| Error::Encode { path: MANIFEST.to_owned(), reason: failed.to_string() };
    let mut json = serde_json::to_vec_pretty(manifest).map_err(encode)?;
    json.push(b'\n');
    let mut digests = vec![(MANIFEST.to_owned(), crate::digest::sha256(&json))];
    digests.extend(manifest.files.iter().map(|file| (file.path.clone(), file.sha256.clone())));
    // The digest list first: once the manifest stands, the snapshot is complete.
    files::write_atomic(&folder.join(DIGESTS), files::digest_list(&digests).as_bytes())?;
    files::write_atomic(&folder.join(MANIFEST), &json)?;
    Ok(())
}
