//! A pack as one file: a ZIP archive whose bytes depend on the pack alone, not on the clock, the system or the order of the disk.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::Error;
use super::bag::Sealed;
use super::redaction::Redaction;
use crate::files::{self, AtomicFile};
use crate::snapshot::Snapshot;

/// From this size on an entry has the wide form of its sizes, which older programs cannot read.
const WIDE: u64 = 4_000_000_000;

/// Name of a pack as one file, without `.zip`: organization or account, quarter of the snapshot's end, and the first digits of the
/// pack root.
pub fn archive_name(snapshot: &Snapshot, sealed: &Sealed, redaction: Option<&Redaction>) -> String {
    let manifest = snapshot.manifest();
    let account = manifest.accounts.first().map(|account| account.account_id.as_str());
    let subject = manifest.organization_id.as_deref().or(account).unwrap_or("none");
    let subject = redaction.map_or_else(|| subject.to_owned(), |redaction| redaction.text(subject));
    let subject: String = subject.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    let end = manifest.window.end.strftime("%Y-Q%q").to_string();
    format!("pack-{subject}-{end}-{}", sealed.root.get(..12).unwrap_or(&sealed.root))
}

/// Writes everything below `folder` into `<name>.zip` beside it, under a folder of that name. Gives the path.
///
/// # Errors
/// [`Error::Files`] when there is such a file already, or something cannot be read or written.
pub fn archive(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(folder).map_err(files::error("find", folder))?;
    let path = absolute.parent().unwrap_or(&absolute).join(format!("{name}.zip"));
    files::refuse_existing(&path)?;
    let mut zip = ZipWriter::new_stream(AtomicFile::create(&path)?);
    let write = |failed: io::Error| files::error("write", &path)(failed);
    for file in files::list(folder)? {
        let source = folder.join(&file);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o600)
            .large_file(files::size(&source)? >= WIDE);
        zip.start_file(format!("{name}/{file}"), options).map_err(|failed| write(failed.into()))?;
        files::pour(&source, &mut zip, &path)?;
    }
    let mut stream = zip.finish().map_err(|failed| write(failed.into()))?;
    stream.flush().map_err(write)?;
    stream.into_inner().commit()?;
    Ok(path)
}
