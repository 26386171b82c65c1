//! A pack against what its snapshot gives again: what it was made with, and where two packs differ.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::bag::{MANIFEST, TAG_MANIFEST};
use super::sample::Sample;
use super::{Error, PACK, custody};
use crate::checks::Verdicts;
use crate::files;
use crate::snapshot::manifest::Tool;

/// What `pack.json` says of how a pack was made, beside its configuration and the knowledge of the program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Made {
    /// The program that wrote it.
    pub tool: Tool,
    /// The time at which ages were counted.
    pub as_of: Timestamp,
    /// What was selected.
    pub selection: Selected,
    /// The pack root of the earlier pack that it was made with, if there was one.
    pub prior_pack_root: Option<String>,
    /// The snapshot.
    pub snapshot: Part,
    /// Who can do what with every key.
    pub access: Part,
    /// The tables as one workbook.
    pub workbook: Part,
    /// The sample that was drawn, if one was.
    pub sample: Option<Sample>,
}

/// What was selected, as far as no configuration file says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Selected {
    /// Whose verdicts were given.
    pub verdicts: Verdicts,
    /// Ids of the user's own frameworks, in their order.
    pub own_frameworks: Vec<String>,
}

/// A part that a pack may leave out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Part {
    /// Whether it is there.
    pub included: bool,
}

/// How the pack at `folder` was made.
///
/// # Errors
/// [`Error::Files`] when there is no `pack.json`, [`Error::Unreadable`] when it is not one of this version.
pub fn made(folder: &Path) -> Result<Made, Error> {
    let path = folder.join(PACK);
    let bytes = files::read(&path)?;
    serde_json::from_slice(&bytes).map_err(|failed| Error::Unreadable { path, reason: failed.to_string() })
}

/// A file in which two packs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    path: String,
    here: Option<String>,
    again: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.here, &self.again) {
            (Some(here), Some(again)) => {
                write!(f, "`{}` has SHA-256 {here}, rendered again it has {again}", self.path)
            }
            (Some(_), None) => write!(f, "`{}` is not rendered from the snapshot", self.path),
            (None, _) => write!(f, "`{}` is rendered from the snapshot and is not in the pack", self.path),
        }
    }
}

/// Every file in which an intact pack differs from the one that was rendered again, sorted by path.
///
/// # Errors
/// [`Error::Files`] when a list of digests cannot be read.
pub fn differences(folder: &Path, again: &Path) -> Result<Vec<Difference>, Error> {
    let (here, again) = (digests(folder)?, digests(again)?);
    let mut paths: Vec<&String> = here.keys().chain(again.keys()).collect();
    paths.sort();
    paths.dedup();
    let difference = |path: &String| {
        let (here, again) = (here.get(path).cloned(), again.get(path).cloned());
        (here != again).then(|| Difference { path: path.clone(), here, again })
    };
    Ok(paths.into_iter().filter_map(difference).collect())
}

/// The digest of every file but the list of the files beside `data/` and what tells of the run that made the pack, by path.
fn digests(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut all = BTreeMap::new();
    for list in [MANIFEST, TAG_MANIFEST] {
        let (listed, _) = files::parse_digest_list(list, &files::read(&folder.join(list))?);
        let listed = listed.into_iter().filter(|(path, _)| !path.starts_with(custody::FOLDER));
        all.extend(listed.map(|(path, listed)| (path, listed.sha256)));
    }
    Ok(all)
}
