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
    /// One value before it is written: a file takes small pieces badly.
    piece: Vec<u8>,
}

impl Stream {
    /// Begins the file at a path inside the bag.
    pub(super) fn create(bag: &Bag, path: &'static str) -> Result<Self, Error> {
        let redaction = bag.redaction().cloned();
        Ok(Self { path, place: bag.place(path), file: bag.begin(path)?, redaction, piece: Vec::new() })
    }

    /// Writes a text as it is.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Error> {
        Ok(self.file.write_all(text.as_bytes()).map_err(files::error("write", &self.place))?)
    }

    /// Writes a value as JSON, without spaces.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Error> {
        self.followed_by(value, b"")
    }

    /// Writes a value as one line of NDJSON.
    pub(super) fn line(&mut self, value: &impl Serialize) -> Result<(), Error> {
        self.followed_by(value, b"\n")
    }

    fn followed_by(&mut self, value: &impl Serialize, end: &[u8]) -> Result<(), Error> {
        self.piece.clear();
        let encode =
            |failed: serde_json::Error| Error::Encode { path: self.path.to_owned(), reason: failed.to_string() };
        match &self.redaction {
            Some(redaction) => {
                let value = redaction.value(serde_json::to_value(value).map_err(encode)?);
                serde_json::to_writer(&mut self.piece, &value).map_err(encode)?;
            }
            None => serde_json::to_writer(&mut self.piece, value).map_err(encode)?,
        }
        self.piece.extend_from_slice(end);
        Ok(self.file.write_all(&self.piece).map_err(files::error("write", &self.place))?)
    }

    /// Ends the file and notes it in the bag.
    pub(super) fn finish(self, bag: &Bag) -> Result<(), Error> {
        let written = self.file.commit()?;
        bag.add(self.path, written);
        Ok(())
    }
}
