//! The pack of an earlier quarter: its root goes into the new one, and findings that it has keep the time they were first seen.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bag::MANIFEST;
use super::{Error, FINDINGS, PACK, verify};
use crate::audit::FirstSeen;
use crate::files;
use crate::snapshot::Snapshot;
use crate::snapshot::manifest::Window;

/// The times at which findings of the pack were first seen, as far as an earlier pack knows them.
pub(super) const FIRST_SEEN: &str = "data/inputs/first_seen.ndjson";

/// What is taken from an earlier pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prior {
    /// Its pack root.
    pub root: String,
    /// When its findings were first seen.
    pub first_seen: FirstSeen,
}

/// What `pack.json` says of where and when its snapshot was collected.
#[derive(Deserialize)]
struct About {
    organization: OrganizationId,
    snapshot: Collected,
}

#[derive(Deserialize)]
struct OrganizationId {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Collected {
    window: Window,
}

/// A line of [`FIRST_SEEN`], and what is read of a line of `findings.ndjson`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) fingerprint: String,
    pub(super) first_seen: Timestamp,
}

impl Prior {
    /// Reads an earlier pack, which must be intact, of the same organization and not later than a snapshot.
    ///
    /// # Errors
    /// [`Error::NotAPack`], [`Error::Damaged`] with the first place, [`Error::Unreadable`] when a file is not what a pack holds,
    /// [`Error::NotEarlier`].
    pub fn read(folder: &Path, snapshot: &Snapshot) -> Result<Self, Error> {
        if let Some(place) = verify(folder)?.first() {
            return Err(Error::Damaged { path: folder.to_path_buf(), place: place.to_string() });
        }
        let path = folder.join(PACK);
        let About { organization, snapshot: Collected { window } } = serde_json::from_slice(&files::read(&path)?)
            .map_err(|failed| Error::Unreadable { path, reason: failed.to_string() })?;
        let manifest = snapshot.manifest();
        let refused = |reason: String| Err(Error::NotEarlier { path: folder.to_path_buf(), reason });
        if organization.id != manifest.organization_id {
            let named = |id: &Option<String>| id.clone().unwrap_or_else(|| "no organization".to_owned());
            let (it, this) = (named(&organization.id), named(&manifest.organization_id));
            return refused(format!("it is of {it}, the snapshot of {this}"));
        }
        if window.end > manifest.window.end {
            return refused(format!("it is of {}, the snapshot of {}", window.end, manifest.window.end));
        }
        let root = files::sha256_of_file(&folder.join(MANIFEST))?;
        Ok(Self { root, first_seen: first_seen(&folder.join(FINDINGS))? })
    }

    /// What a pack that was made with an earlier one keeps of it.
    ///
    /// # Errors
    /// As [`Prior::read`].
    pub fn kept(folder: &Path, root: &str) -> Result<Self, Error> {
        Ok(Self { root: root.to_owned(), first_seen: first_seen(&folder.join(FIRST_SEEN))? })
    }
}

fn first_seen(path: &Path) -> Result<FirstSeen, Error> {
    let mut all = FirstSeen::default();
    files::each_line(path, |number, line| {
        let Line { fingerprint, first_seen } = serde_json::from_slice(line).map_err(|failed| Error::Unreadable {
            path: path.to_path_buf(),
            reason: format!("line {number}: {failed}"),
        })?;
        all.insert(fingerprint, first_seen);
        Ok::<(), Error>(())
    })?;
    Ok(all)
}
