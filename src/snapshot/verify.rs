//! Integrity of a snapshot: every byte against the digest list, and the digest list against the manifest.

use std::collections::BTreeSet;
use std::path::Path;

use super::manifest::Manifest;
use super::{DIGESTS, Error, MANIFEST};
pub use crate::files::Damage;
use crate::files::{self, Digests, Listed};

/// Everything in which the snapshot at `folder` disagrees with its own records; empty if it is intact.
///
/// # Errors
/// [`Error::NotASnapshot`] when there is no manifest, [`Error::Files`] when something cannot be read.
pub fn verify(folder: &Path) -> Result<Vec<Damage>, Error> {
    if !folder.join(MANIFEST).is_file() {
        return Err(Error::NotASnapshot { path: folder.to_path_buf() });
    }
    let list = folder.join(DIGESTS);
    if !list.is_file() {
        return Ok(vec![Damage::NoList { list: DIGESTS }]);
    }
    let (digests, mut damage) = files::parse_digest_list(DIGESTS, &files::read(&list)?);
    damage.extend(files::compare_with_digests(folder, &digests, |path| path == DIGESTS)?);
    let manifest = files::read(&folder.join(MANIFEST))?;
    match serde_json::from_slice::<Manifest>(&manifest) {
        Ok(manifest) => damage.extend(disagreements(&manifest, &digests)),
        Err(failed) => damage.push(Damage::Disagreement {
            path: MANIFEST.to_owned(),
            records: format!("it cannot be parsed: {failed}"),
        }),
    }
    Ok(damage)
}

/// Files on which the manifest and the digest list differ.
pub(super) fn disagreements(manifest: &Manifest, digests: &Digests) -> Vec<Damage> {
    let mut damage = Vec::new();
    for file in &manifest.files {
        match digests.get(&file.path) {
            Some(listed) if listed.sha256 == file.sha256 => {}
            Some(Listed { line, .. }) => damage.push(Damage::Disagreement {
                path: file.path.clone(),
                records: format!("`{MANIFEST}` and line {line} of `{DIGESTS}` name different digests"),
            }),
            None => damage.push(Damage::Disagreement {
                path: file.path.clone(),
                records: format!("`{MANIFEST}` names it, `{DIGESTS}` does not"),
            }),
        }
    }
    let named: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    for path in digests.keys() {
        if path != MANIFEST && !named.contains(path.as_str()) {
            damage.push(Damage::Disagreement {
                path: path.clone(),
                records: format!("`{DIGESTS}` names it, `{MANIFEST}` does not"),
            });
        }
    }
    damage
}
