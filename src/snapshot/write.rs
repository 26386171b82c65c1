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

/// Name of the file by which a process claims an unfinished snapshot.
const LOCK: &str = ".lock";

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
    missing: Vec<Coverage>,
    _lock: files::Lock,
}

impl Writer {
    /// Begins a snapshot in an empty or missing folder.
    ///
    /// # Errors
    /// When the folder holds something or cannot be written.
    pub fn create(folder: &Path, journal: Journal) -> Result<Self, Error> {
        files::output_folder(folder)?;
        let lock = files::Lock::acquire(folder, LOCK)?;
        let writer = Self::locked(folder, journal, BTreeMap::new(), lock);
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
        // Locked before it is read: another process may be adding lines.
        let lock = files::Lock::acquire(folder, LOCK)?;
        let bytes = files::read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        if !text.contains('\n') {
            // The first line itself was cut off: nothing was begun.
            return Ok(None);
        }
        let mut lines = text.lines();
        let parse = |reason: String| Error::Parse { path: path.clone(), reason };
        let first = lines.next().unwrap_or_default();
        let journal = serde_json::from_str(first).map_err(|failed| parse(format!("line 1: {failed}")))?;
        let mut units = BTreeMap::new();
        // The last line may be cut off by a crash: such a line is a file that was not finished.
        for unit in lines.filter_map(|line| serde_json::from_str::<Unit>(line).ok()) {
            let path = &unit.file.path;
            if files::is_inside(path)
                && files::sha256_of_file(&folder.join(path)).is_ok_and(|digest| digest == unit.file.sha256)
            {
                units.insert(unit.file.path.clone(), unit);
            }
        }
        Ok(Some(Self::locked(folder, journal, units, lock)))
    }

    fn locked(folder: &Path, journal: Journal, units: BTreeMap<String, Unit>, lock: files::Lock) -> Self {
        Self { folder: folder.to_path_buf(), journal, units: Mutex::new(units), missing: Vec::new(), _lock: lock }
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
    /// When the path leaves the snapshot, or the file cannot be encoded or written.
    pub fn put(&self, path: &str, file: &SnapshotFile) -> Result<(), Error> {
        let place = self.place(path)?;
        let json = file.to_json()?;
        let encode = |failed: std::io::Error| Error::Encode { path: path.to_owned(), reason: failed.to_string() };
        let stored = if path.ends_with(".zst") {
            zstd::encode_all(json.as_slice(), ZSTD_LEVEL).map_err(encode)?
        } else {
            json.clone()
        };
        let times = || file.calls().iter().map(|call| call.time);
        let unit = Unit {
            file: FileEntry {
                path: path.to_owned(),
                sha256: crate::digest::sha256(&stored),
                bytes: stored.len() as u64,
                json_bytes: json.len() as u64,
            },
            coverage: Coverage::of_calls(file.account_id(), file.region(), file.calls()),
            window: times().min().zip(times().max()).map(|(start, end)| Window { start, end }),
        };
        // The line first: whenever the process is killed, the file on disk matches a line, the old one or the new one.
        self.append(&unit)?;
        files::write_atomic(&place, &stored)?;
        self.units.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), unit);
        Ok(())
    }

    /// Takes up a file that is already written, to add to it.
    ///
    /// # Errors
    /// When the path leaves the snapshot, or the file cannot be read, or it stands there and matches no line of the journal.
    pub fn reopen(&self, path: &str) -> Result<Option<SnapshotFile>, Error> {
        let place = self.place(path)?;
        if self.finished(path).is_none() {
            return if place.exists() { Err(Error::Unmatched { path: place }) } else { Ok(None) };
        }
        let stored = files::read(&place)?;
        let parse = |failed: std::io::Error| Error::Parse { path: place.clone(), reason: failed.to_string() };
        let json = if path.ends_with(".zst") { zstd::decode_all(stored.as_slice()).map_err(parse)? } else { stored };
        SnapshotFile::reopen(&json).map(Some)
    }

    /// The paths of the files that are written, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Makes sure that every file in the folder matches its journal line, so that none is left out of the manifest unseen.
    ///
    /// # Errors
    /// [`Error::Unmatched`] for the first file that does not.
    pub fn check_files(&self) -> Result<(), Error> {
        let units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = |path: &str| matches!(path, JOURNAL | LOCK | MANIFEST | DIGESTS) || files::is_partial(path);
        let found = files::list(&self.folder)?;
        match found.into_iter().find(|path| !is_ours(path) && !units.contains_key(path)) {
            Some(path) => Err(Error::Unmatched { path: self.folder.join(path) }),
            None => Ok(()),
        }
    }

    fn place(&self, path: &str) -> Result<PathBuf, Error> {
        if files::is_inside(path) {
            return Ok(self.folder.join(path));
        }
        let value = path.escape_debug().to_string();
        Err(Error::Hostile { path: self.folder.clone(), value, expected: "path inside the snapshot" })
    }

    /// The same snapshot with ledger rows for calls that were never made. They are added to the rows of the files.
    #[must_use]
    pub fn with_missing(mut self, missing: Vec<Coverage>) -> Self {
        self.missing = missing;
        self
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
        let mut coverage: Vec<Coverage> = units.values().flat_map(|unit| unit.coverage.iter().cloned()).collect();
        for row in self.missing {
            add(&mut coverage, row);
        }
        let mut api_calls = BTreeMap::new();
        for row in coverage.iter().filter(|row| row.calls > 0) {
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
        // A process that was killed may have left files that it had not finished.
        for path in files::list(&self.folder)?.iter().filter(|path| files::is_partial(path)) {
            files::remove(&self.folder.join(path))?;
        }
        write_manifest(&self.folder, &manifest)?;
        files::remove(&self.folder.join(JOURNAL))?;
        Ok(manifest)
    }
}

/// Adds a row to the ledger, or to the row that stands there for the same API, account and Region.
fn add(coverage: &mut Vec<Coverage>, row: Coverage) {
    let key = |row: &Coverage| (row.account_id.clone(), row.region.clone(), row.api.clone());
    let Some(before) = coverage.iter_mut().find(|before| key(before) == key(&row)) else {
        coverage.push(row);
        return;
    };
    if row.outcome > before.outcome {
        before.outcome = row.outcome;
        before.code = row.code;
    }
    before.gaps.extend(row.gaps);
    before.gaps.sort_by(|a, b| a.resource.cmp(&b.resource));
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

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "accounts/111122223333/iam.json.zst";

    fn begun(folder: &Path) -> Writer {
        let started = Timestamp::UNIX_EPOCH;
        Writer::create(folder, Journal { source: Source::Import, scope: Scope::default(), started }).unwrap()
    }

    fn file(number: u32) -> SnapshotFile {
        let mut file = SnapshotFile::new("111122223333", None);
        file.put("GetAccountSummary", &[], &serde_json::json!({ "SummaryMap": { "Users": number } })).unwrap();
        file
    }

    #[test]
    fn a_path_that_leaves_the_snapshot_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let writer = begun(&folder.path().join("snapshot"));
        for path in ["../x.json", "accounts/../../x.json", "/x.json", "a//b", ""] {
            assert!(matches!(writer.put(path, &file(1)), Err(Error::Hostile { .. })), "{path}");
            assert!(matches!(writer.reopen(path), Err(Error::Hostile { .. })), "{path}");
        }
        assert!(!folder.path().join("x.json").exists());
    }

    #[test]
    fn unfinished_files_of_a_killed_process_do_not_damage_the_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let writer = begun(folder.path());
        writer.put(PATH, &file(1)).unwrap();
        for stray in [".keyproof-abc.partial", "accounts/111122223333/.keyproof-def.partial"] {
            files::write_atomic(&folder.path().join(stray), b"half").unwrap();
        }
        writer.finish("aws", None, Collector::default(), Vec::new()).unwrap();
        assert_eq!(super::super::verify(folder.path()).unwrap(), []);
    }

    #[test]
    fn a_process_killed_between_the_journal_and_the_file_loses_nothing_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let writer = begun(folder.path());
        writer.put(PATH, &file(1)).unwrap();
        let before = files::read(&folder.path().join(PATH)).unwrap();
        writer.put(PATH, &file(2)).unwrap();
        files::write_atomic(&folder.path().join(PATH), &before).unwrap();
        drop(writer);
        let writer = Writer::resume(folder.path()).unwrap().unwrap();
        let file = writer.reopen(PATH).unwrap().unwrap();
        assert!(file.response("GetAccountSummary", &[]).unwrap().get().contains("\"Users\":1"));
        writer.check_files().unwrap();
    }

    #[test]
    fn a_journal_that_was_cut_off_loses_one_line_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let writer = begun(folder.path());
        let journal = folder.path().join(JOURNAL);
        let cut = [files::read(&journal).unwrap(), b"{\"file\": {\"pa".to_vec()].concat();
        drop(writer);
        files::write_atomic(&journal, &cut).unwrap();
        Writer::resume(folder.path()).unwrap().unwrap().put(PATH, &file(1)).unwrap();
        let writer = Writer::resume(folder.path()).unwrap().unwrap();
        assert_eq!(writer.paths(), [PATH]);
        drop(writer);
        files::write_atomic(&journal, b"{\"source\": \"imp").unwrap();
        assert!(Writer::resume(folder.path()).unwrap().is_none(), "nothing was begun");
    }

    #[test]
    fn a_file_that_matches_no_line_of_the_journal_is_not_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let writer = begun(folder.path());
        writer.put(PATH, &file(1)).unwrap();
        files::write_atomic(&folder.path().join(PATH), b"something else").unwrap();
        drop(writer);
        let writer = Writer::resume(folder.path()).unwrap().unwrap();
        let message = writer.reopen(PATH).unwrap_err().to_string();
        assert!(message.contains("iam.json.zst") && message.contains("empty folder"), "{message}");
        assert!(matches!(writer.check_files(), Err(Error::Unmatched { .. })));
    }
}
