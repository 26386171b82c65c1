//! The only room that writes to disk: private folders, atomic files, digests of what was written.

#![expect(clippy::disallowed_methods, reason = "this room owns the disk")]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::digest;

mod durable;

pub use durable::Durable;

/// What went wrong on disk, with the path and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("failed to {action} `{}`: {source}{}", path.display(), remedy(source))]
    Io {
        /// What was attempted, as a verb: `read`, `write`, `create`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why, in the system's words.
        source: io::Error,
    },
    /// An output folder already holds something.
    #[error("output folder `{}` is not empty; name another one, or remove it first", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// An output folder is something else, such as a file.
    #[error("`{}` exists and is not a folder; name another output folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// An output folder lies in a folder that is read.
    #[error("output folder `{}` lies in `{}`, which would be changed by it; name another folder", path.display(), input.display())]
    Inside {
        /// The output folder.
        path: PathBuf,
        /// The folder that is read.
        input: PathBuf,
    },
    /// A file that is to be written is there already.
    #[error("`{}` exists; move it away first", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// Another process holds the lock of the folder.
    #[error("`{}` is in use by another keyproof process; wait for it, or name another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    /// Whether it says that there is nothing at the path.
    pub fn is_absence(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    }
}

/// What to do about a refusal of the operating system, where its words do not say it.
fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room there, or name a folder on another disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; change who may use it, or name another place"
        }
        _ => "",
    }
}

/// Turns an [`io::Error`] into one that names the path.
pub fn error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { action, path: path.to_path_buf(), source }
}

/// Lower-case hexadecimal SHA-256 of a file, read in pieces.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(error("read", path))?;
    let mut digest = digest::Running::default();
    io::copy(&mut file, &mut digest).map_err(error("read", path))?;
    Ok(digest.finish())
}

/// Reads a whole file.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(error("read", path))
}

/// Makes `path` ready to receive output: parents are made, an existing empty folder is used, anything else is refused.
/// The folder is readable by its owner only (0700).
///
/// # Errors
/// [`Error::NotEmpty`], [`Error::NotAFolder`] or [`Error::Io`].
pub fn output_folder(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => return Err(Error::NotAFolder { path: path.to_path_buf() }),
        Ok(_) if !is_empty(path)? => return Err(Error::NotEmpty { path: path.to_path_buf() }),
        Ok(_) | Err(_) => {}
    }
    private_folder(path)
}

/// Refuses an output folder that lies in one of the folders that are read: what was read would not be as it was.
///
/// # Errors
/// [`Error::Inside`].
pub fn keep_out_of(out: &Path, inputs: &[&Path]) -> Result<(), Error> {
    // The folder itself need not exist yet, so its nearest existing parent is asked.
    let existing = out.ancestors().find_map(|folder| folder.canonicalize().ok());
    let existing = existing.or_else(|| Path::new(".").canonicalize().ok());
    for input in inputs {
        if let (Some(existing), Ok(input)) = (&existing, input.canonicalize())
            && existing.starts_with(&input)
        {
            return Err(Error::Inside { path: out.to_path_buf(), input });
        }
    }
    Ok(())
}

/// Whether a folder holds nothing.
///
/// # Errors
/// [`Error::Io`] when it cannot be listed.
pub fn is_empty(path: &Path) -> Result<bool, Error> {
    Ok(fs::read_dir(path).map_err(error("list", path))?.next().is_none())
}

/// Makes a folder and its missing parents, each with mode 0700; an existing folder gets that mode too.
///
/// # Errors
/// [`Error::Io`].
pub fn private_folder(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(error("create folder", path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(error("restrict access to", path))?;
    }
    Ok(())
}

/// What was written: enough for a manifest line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Lower-case hexadecimal SHA-256 of the file.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Replaces `path` by `bytes` in one step: a reader sees the old file or the new one, never half of it. Mode 0600.
///
/// # Errors
/// [`Error::Io`] naming the path.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<Written, Error> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(error("write", path))?;
    file.commit()
}

/// A file that is written piece by piece and appears under its name only when it is [committed](AtomicFile::commit).
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    writer: BufWriter<File>,
    partial: TempPath,
    digest: digest::Running,
    bytes: u64,
    /// Who makes it durable, if it need not be so as soon as it is committed.
    later: Option<durable::Queue>,
}

impl AtomicFile {
    /// Begins a file; its folder is made if missing.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            private_folder(folder)?;
        }
        // It is created with mode 0600.
        let (file, partial) = tempfile::Builder::new()
            .prefix(PARTIAL.0)
            .suffix(PARTIAL.1)
            .tempfile_in(folder)
            .map_err(error("create a file in", folder))?
            .into_parts();
        Ok(Self {
            path: path.to_path_buf(),
            writer: BufWriter::with_capacity(1 << 16, file),
            partial,
            digest: digest::Running::default(),
            bytes: 0,
            later: None,
        })
    }

    /// Gives the file its name. It is durable then, unless somebody [else](Durable) makes it so.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn commit(self) -> Result<Written, Error> {
        let Self { path, writer, partial, digest, bytes, later } = self;
        let file = writer.into_inner().map_err(|failed| error("write", &path)(failed.into_error()))?;
        if later.is_none() {
            file.sync_all().map_err(error("write", &path))?;
        }
        if let Some(queue) = later {
            queue.take(file, &path).map_err(error("write", &path))?;
        }
        partial.persist(&path).map_err(|failed| error("write", &path)(failed.error))?;
        Ok(Written { sha256: digest.finish(), bytes })
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(buffer)?;
        self.digest.write_all(buffer.get(..written).unwrap_or_default())?;
        let before = self.bytes;
        self.bytes += written as u64;
        if let Some(queue) = &self.later
            && before / durable::STRIDE < self.bytes / durable::STRIDE
        {
            queue.take(self.writer.get_ref().try_clone()?, &self.path)?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// How the name of an uncommitted file begins and ends.
const PARTIAL: (&str, &str) = (".keyproof-", ".partial");

/// Whether a path is that of a file which was never committed, left behind by a process that was killed.
pub fn is_partial(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(PARTIAL.0) && name.ends_with(PARTIAL.1)
}

/// A private folder for work in between, in the system's place for such; it goes when dropped.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Makes the folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create() -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("keyproof-").tempdir();
        folder.map(Self).map_err(error("create a folder in", Path::new("the folder for temporary files")))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Refuses a path at which there is something.
///
/// # Errors
/// [`Error::Exists`].
pub fn refuse_existing(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(Error::Exists { path: path.to_path_buf() }),
        Err(_) => Ok(()),
    }
}

/// Size of a file in bytes.
///
/// # Errors
/// [`Error::Io`].
pub fn size(path: &Path) -> Result<u64, Error> {
    Ok(fs::metadata(path).map_err(error("read", path))?.len())
}

/// Writes the content of a file into what becomes the file at `to`.
///
/// # Errors
/// [`Error::Io`] naming the one that cannot be read or the other that cannot be written.
pub fn pour(from: &Path, into: &mut impl Write, to: &Path) -> Result<(), Error> {
    let mut source = BufReader::with_capacity(1 << 16, File::open(from).map_err(error("read", from))?);
    loop {
        let piece = source.fill_buf().map_err(error("read", from))?;
        if piece.is_empty() {
            return Ok(());
        }
        into.write_all(piece).map_err(error("write", to))?;
        let length = piece.len();
        source.consume(length);
    }
}

/// Hands on each line of a file with its number, from 1, without holding more than one of them.
///
/// # Errors
/// [`Error::Io`] naming the file, and those of `take`.
pub fn each_line<E: From<Error>>(path: &Path, mut take: impl FnMut(usize, &[u8]) -> Result<(), E>) -> Result<(), E> {
    let file = File::open(path).map_err(error("read", path))?;
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut number) = (Vec::new(), 0);
    while lines.read_until(b'\n', &mut line).map_err(error("read", path))? > 0 {
        number += 1;
        take(number, line.strip_suffix(b"\n").unwrap_or(&line))?;
        line.clear();
    }
    Ok(())
}

/// Appends one line to a journal and makes it durable before returning. A line that was cut off before, by a full disk or a crash,
/// is ended first, so that it does not swallow this one.
///
/// # Errors
/// [`Error::Io`].
pub fn append_line(path: &Path, line: &str) -> Result<(), Error> {
    let mut options = fs::OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(error("write", path))?;
    let end = if ends_within_a_line(&mut file).map_err(error("read", path))? { "\n" } else { "" };
    file.write_all(format!("{end}{line}\n").as_bytes()).map_err(error("write", path))?;
    file.sync_data().map_err(error("write", path))
}

fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(io::SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Removes a file if it exists.
///
/// # Errors
/// [`Error::Io`].
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(failed) if failed.kind() != io::ErrorKind::NotFound => Err(error("remove", path)(failed)),
        _ => Ok(()),
    }
}

/// Removes a folder and all that it holds, if it exists.
///
/// # Errors
/// [`Error::Io`].
pub fn remove_folder(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(failed) if failed.kind() != io::ErrorKind::NotFound => Err(error("remove", path)(failed)),
        _ => Ok(()),
    }
}

/// Every regular file below `folder`, as paths relative to it with `/` between the parts, sorted bytewise. Anything that
/// is neither a folder nor a regular file (a link, a socket) is an error: evidence is made of plain files.
///
/// # Errors
/// [`Error::Io`].
pub fn list(folder: &Path) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(prefix) = pending.pop() {
        let current = folder.join(&prefix);
        for entry in fs::read_dir(&current).map_err(error("list", &current))? {
            let entry = entry.map_err(error("list", &current))?;
            let name = entry.file_name().into_string().map_err(|name| {
                let source = io::Error::new(io::ErrorKind::InvalidData, "the name is not UTF-8");
                error("list", &current.join(name))(source)
            })?;
            let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let kind = entry.file_type().map_err(error("list", &entry.path()))?;
            if kind.is_dir() {
                pending.push(relative);
            } else if kind.is_file() {
                found.push(relative);
            } else {
                let source = io::Error::new(io::ErrorKind::InvalidData, "neither a file nor a folder");
                return Err(error("read", &entry.path())(source));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a digest list in the form of `sha256sum -c`, sorted by path.
pub fn digest_list(digests: &[(String, String)]) -> String {
    let mut lines: Vec<String> = digests.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
    lines.sort_by(|a, b| a.get(66..).cmp(&b.get(66..)));
    lines.concat()
}

/// One way in which a folder disagrees with its digest list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// A file's bytes have another digest than the list says.
    Changed {
        /// The file, relative to the folder.
        path: String,
        /// Name of the list.
        list: &'static str,
        /// Its line, from 1.
        line: usize,
        /// What the list says.
        expected: String,
        /// What the file has.
        actual: String,
    },
    /// The list names a file that is not there.
    Missing {
        /// The file.
        path: String,
        /// Name of the list.
        list: &'static str,
        /// Its line, from 1.
        line: usize,
    },
    /// A digest list itself is not there.
    NoList {
        /// Its name.
        list: &'static str,
    },
    /// The folder holds a file that the list does not name.
    Unlisted {
        /// The file.
        path: String,
    },
    /// A line of the list is none.
    Malformed {
        /// Name of the list.
        list: &'static str,
        /// Its line, from 1.
        line: usize,
    },
    /// Two records of the same file disagree.
    Disagreement {
        /// The file.
        path: String,
        /// Which records.
        records: String,
    },
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed { path, list, line, expected, actual } => {
                write!(f, "`{path}` has SHA-256 {actual}, line {line} of `{list}` says {expected}")
            }
            Self::Missing { path, list, line } => write!(f, "`{path}` is missing, line {line} of `{list}` names it"),
            Self::NoList { list } => write!(f, "`{list}` is missing"),
            Self::Unlisted { path } => write!(f, "`{path}` is in no digest list"),
            Self::Malformed { list, line } => {
                write!(f, "line {line} of `{list}` is not `<sha256>  <path>` with a path inside the folder")
            }
            Self::Disagreement { path, records } => write!(f, "`{path}`: {records}"),
        }
    }
}

/// What a digest list says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Name of the list.
    pub list: &'static str,
    /// Its line, from 1.
    pub line: usize,
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
}

/// Digest lists as read, by path.
pub type Digests = std::collections::BTreeMap<String, Listed>;

/// Parses the digest list of a name; lines that are none, and paths that leave the folder or stand twice, are damage.
pub fn parse_digest_list(list: &'static str, bytes: &[u8]) -> (Digests, Vec<Damage>) {
    let mut digests = Digests::new();
    let mut damage = Vec::new();
    let text = String::from_utf8_lossy(bytes);
    for (index, row) in text.split_terminator('\n').enumerate() {
        let line = index + 1;
        match row.split_once("  ") {
            Some((digest, path))
                if digest.len() == 64
                    && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                    && is_inside(path)
                    && !digests.contains_key(path) =>
            {
                digests.insert(path.to_owned(), Listed { list, line, sha256: digest.to_owned() });
            }
            _ => damage.push(Damage::Malformed { list, line }),
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        damage.push(Damage::Malformed { list, line: text.lines().count() });
    }
    (digests, damage)
}

/// Whether a relative path stays inside its folder on any operating system.
pub fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', ':', '\0', '\n', '\r'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// Compares a folder with its digest list, leaving out the files that the list cannot name (the list itself, signatures).
///
/// # Errors
/// [`Error::Io`] when the folder or a file cannot be read.
pub fn compare_with_digests(
    folder: &Path,
    digests: &Digests,
    is_exempt: impl Fn(&str) -> bool,
) -> Result<Vec<Damage>, Error> {
    let mut damage = Vec::new();
    let present: std::collections::BTreeSet<String> = list(folder)?.into_iter().collect();
    for (path, Listed { list, line, sha256 }) in digests {
        let (path, expected) = (path.clone(), sha256.clone());
        if !present.contains(&path) {
            damage.push(Damage::Missing { path, list, line: *line });
            continue;
        }
        let actual = sha256_of_file(&folder.join(&path))?;
        if actual != expected {
            damage.push(Damage::Changed { path, list, line: *line, expected, actual });
        }
    }
    for path in present {
        if !digests.contains_key(&path) && !is_exempt(&path) {
            damage.push(Damage::Unlisted { path });
        }
    }
    Ok(damage)
}

/// An exclusive lock on a folder, released when dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks `folder` by a lock file of the given name inside it.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process holds it, [`Error::Io`] otherwise.
    pub fn acquire(folder: &Path, name: &str) -> Result<Self, Error> {
        let path = folder.join(name);
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(error("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file, path }),
            Err(fs::TryLockError::WouldBlock) => Err(Error::Locked { path: folder.to_path_buf() }),
            Err(fs::TryLockError::Error(source)) => Err(error("lock", &path)(source)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock file that stays behind is harmless: the lock itself ends with the handle.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_has_the_digest_that_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/file");
        let written = write_atomic(&path, b"abc").unwrap();
        assert_eq!(written.bytes, 3);
        assert_eq!(written.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256_of_file(&path).unwrap(), written.sha256);
    }

    #[test]
    fn an_uncommitted_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(&folder.path().join("x")).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert!(is_empty(folder.path()).unwrap());
    }

    #[test]
    fn a_line_that_was_cut_off_does_not_swallow_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        append_line(&path, "one").unwrap();
        fs::write(&path, "one\ntw").unwrap();
        append_line(&path, "three").unwrap();
        append_line(&path, "four").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntw\nthree\nfour\n");
    }

    #[test]
    fn a_full_disk_is_told_with_its_remedy() {
        let failed = error("write", Path::new("snapshot/x"))(io::ErrorKind::StorageFull.into()).to_string();
        assert!(failed.contains("`snapshot/x`") && failed.contains("make room"), "{failed}");
    }

    #[test]
    fn an_output_folder_that_holds_something_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        output_folder(&out).unwrap();
        output_folder(&out).unwrap();
        write_atomic(&out.join("x"), b"").unwrap();
        assert!(matches!(output_folder(&out), Err(Error::NotEmpty { .. })));
        assert!(matches!(output_folder(&out.join("x")), Err(Error::NotAFolder { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn folders_and_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        output_folder(&out).unwrap();
        write_atomic(&out.join("x"), b"").unwrap();
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(out.join("x")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::acquire(folder.path(), ".lock").unwrap();
        assert!(matches!(Lock::acquire(folder.path(), ".lock"), Err(Error::Locked { .. })));
        drop(first);
        Lock::acquire(folder.path(), ".lock").unwrap();
    }

    #[test]
    fn an_output_folder_inside_an_input_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("snapshot");
        private_folder(&input).unwrap();
        for out in [input.clone(), input.join("pack"), input.join("a/b"), input.join("../snapshot/c")] {
            assert!(matches!(keep_out_of(&out, &[&input]), Err(Error::Inside { .. })), "{}", out.display());
        }
        for out in [folder.path().join("pack"), folder.path().join("snapshot-pack"), folder.path().to_path_buf()] {
            keep_out_of(&out, &[&input]).unwrap();
        }
    }

    #[test]
    fn listing_is_sorted_and_relative() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b", "a/z", "a/b/c"] {
            write_atomic(&folder.path().join(path), b"").unwrap();
        }
        assert_eq!(list(folder.path()).unwrap(), ["a/b/c", "a/z", "b"]);
    }
}
