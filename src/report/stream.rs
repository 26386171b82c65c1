//! A file of JSON or lines that is written piece by piece, so that memory does not follow the number of findings.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::Error;
use super::bag::Bag;
use super::redaction::Redaction;
use crate::files::{self, AtomicFile};

/// A file of the payload in the making.
pub(super) struct Stream {
    path: &'static str,
    place: PathBuf,
    file: AtomicFile,
    redaction: Option<Arc<Redaction>>,
}

impl Stream {
    /// Begins the file at a path inside the bag.
    pub(super) fn create(bag: &Bag, path: &'static str) -> Result<Self, Error> {
        Ok(Self { path, place: bag.place(path), file: bag.begin(path)?, redaction: bag.redaction().cloned() })
    }

    /// Writes a text as it is.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Error> {
        self.bytes(text.as_bytes())
    }

    /// Writes a value as JSON, without spaces.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let encode =
            |failed: serde_json::Error| Error::Encode { path: self.path.to_owned(), reason: failed.to_string() };
        let json = match &self.redaction {
            Some(redaction) => {
                serde_json::to_value(value).and_then(|value| serde_json::to_vec(&redaction.value(value)))
            }
            None => serde_json::to_vec(value),
        };
        // A file takes small pieces badly.
        self.bytes(&json.map_err(encode)?)
    }

    /// Writes a value as one line of NDJSON.
    pub(super) fn line(&mut self, value: &impl Serialize) -> Result<(), Error> {
        self.json(value)?;
        self.text("\n")
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.file.write_all(bytes).map_err(files::error("write", &self.place))?)
    }

    /// Ends the file and notes it in the bag.
    pub(super) fn finish(self, bag: &mut Bag) -> Result<(), Error> {
        let written = self.file.commit()?;
        bag.add(self.path, written);
        Ok(())
    }
}
