//! Makes many files durable on a thread of its own, so that those who write them do not wait for the disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};

use super::{AtomicFile, Error, error};

/// Bytes after which what was written of a file is taken to the disk: at the end of a large file little is left to wait for.
pub(super) const STRIDE: u64 = 1 << 26;

/// Files that may wait, each an open one. Who writes faster than the disk waits for it.
const WAITING: usize = 64;

/// A file and its name, or the end.
type Message = Option<(File, PathBuf)>;

/// Files in the making that are durable together: once [`finish`](Self::finish) says so, and not before.
#[derive(Debug)]
pub struct Durable {
    queue: Queue,
    thread: JoinHandle<Result<(), Error>>,
}

/// Where files wait to be made durable.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    files: SyncSender<Message>,
    /// Why the first file could not be made durable: nobody need write more.
    failed: Arc<OnceLock<String>>,
}

impl Durable {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn start() -> io::Result<Self> {
        let (files, waiting) = sync_channel(WAITING);
        let queue = Queue { files, failed: Arc::default() };
        let failed = queue.failed.clone();
        let thread = Builder::new().name("durable".to_owned()).spawn(move || make_durable(&waiting, &failed))?;
        Ok(Self { queue, thread })
    }

    /// Begins a file that has its name once it is committed, and is durable with the others.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(&self, path: &Path) -> Result<AtomicFile, Error> {
        Ok(AtomicFile { later: Some(self.queue.clone()), ..AtomicFile::create(path)? })
    }

    /// Waits until every committed file is durable. One that is not committed before cannot be any more.
    ///
    /// # Errors
    /// [`Error::Io`] naming the first file that could not be made durable.
    pub fn finish(self) -> Result<(), Error> {
        // A thread that is gone says why when it is joined.
        let _ = self.queue.files.send(None);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Queue {
    /// Takes a file, some or all of whose bytes are written.
    ///
    /// # Errors
    /// When another could not be made durable, or no more are taken.
    pub(super) fn take(&self, file: File, path: &Path) -> io::Result<()> {
        if let Some(failed) = self.failed.get() {
            return Err(io::Error::other(format!("it is of no use, because of another file: {failed}")));
        }
        let sent = self.files.send(Some((file, path.to_path_buf())));
        sent.map_err(|_| io::Error::other("the files that belong with it are finished"))
    }
}

/// Goes on after a failure, so that nobody waits for a thread that is gone, and says it at the end.
fn make_durable(files: &Receiver<Message>, failed: &OnceLock<String>) -> Result<(), Error> {
    let mut result = Ok(());
    while let Ok(Some((file, path))) = files.recv() {
        if let Err(found) = file.sync_data()
            && result.is_ok()
        {
            let found = error("write", &path)(found);
            failed.get_or_init(|| found.to_string());
            result = Err(found);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn files_have_their_names_when_committed_and_none_can_be_after_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let durable = Durable::start().unwrap();
        let late = durable.create(&folder.path().join("late")).unwrap();
        // More than may wait, so that the thread is seen to take them.
        for number in 0..3 * WAITING {
            let path = folder.path().join(format!("deep/{number}"));
            let mut file = durable.create(&path).unwrap();
            file.write_all(b"abc").unwrap();
            assert_eq!(file.commit().unwrap().bytes, 3);
            assert_eq!(super::super::read(&path).unwrap(), b"abc");
        }
        durable.finish().unwrap();
        assert!(late.commit().unwrap_err().to_string().contains("finished"));
        assert!(!folder.path().join("late").exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_first_file_that_cannot_be_made_durable_is_named_at_once_and_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let durable = Durable::start().unwrap();
        // A pipe cannot be synchronized.
        let (_reader, writer) = io::pipe().unwrap();
        let pipe = std::os::fd::OwnedFd::from(writer);
        durable.queue.take(File::from(pipe), Path::new("first")).unwrap();
        let refused = loop {
            let file = durable.create(&folder.path().join("second")).unwrap();
            if let Err(refused) = file.commit() {
                break refused.to_string();
            }
        };
        assert!(refused.contains("second`") && refused.contains("`first`"), "{refused}");
        assert!(durable.finish().unwrap_err().to_string().contains("`first`"));
    }
}
