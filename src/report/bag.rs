//! A folder whose every byte is accounted for: a bag by RFC 8493, checked with `sha256sum -c` and nothing of ours.
//!
//! `manifest-sha256.txt` lists what lies under `data/` and is written last, so that a folder with it is complete;
//! `tagmanifest-sha256.txt` lists the files beside `data/`, the manifest among them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::Error;
use super::redaction::Redaction;
use super::signature::{self, SIGNATURE};
use super::timestamp::{self, REPLY, REQUEST};
use crate::digest;
use crate::files::{self, AtomicFile, Damage, Durable, Written};

/// Name of the list of everything under `data/`.
pub const MANIFEST: &str = "manifest-sha256.txt";

/// Name of the list of the files beside `data/`.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";

/// What to do without this program.
const VERIFY: &str = include_str!("verify.txt");

/// A bag in the making, into which several threads may write at once.
#[derive(Debug)]
pub(super) struct Bag {
    folder: PathBuf,
    payload: Mutex<BTreeMap<String, Written>>,
    /// Without a manifest nobody takes the folder for a bag, so that the payload need not be durable before.
    durable: Durable,
    /// What is kept back of everything that is written into it.
    redaction: Option<Arc<Redaction>>,
}

/// A bag that is written whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 of `manifest-sha256.txt`, which covers every file under `data/`.
    pub root: String,
    /// Number of files under `data/`.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Bag {
    /// Begins a bag in a missing or empty folder.
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        files::output_folder(folder)?;
        let durable = Durable::start().map_err(files::error("write", folder))?;
        Ok(Self { folder: folder.to_path_buf(), payload: Mutex::default(), durable, redaction: None })
    }

    /// The same bag, of whose tables, lines and JSON files something is kept back.
    pub(super) fn redacted(self, redaction: Option<Arc<Redaction>>) -> Self {
        Self { redaction, ..self }
    }

    /// What is kept back.
    pub(super) fn redaction(&self) -> Option<&Arc<Redaction>> {
        self.redaction.as_ref()
    }

    /// Where a file of the payload lies on disk; `path` is relative to the bag.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Begins a file of the payload, to be [added](Self::add) once it is committed.
    pub(super) fn begin(&self, path: &str) -> Result<AtomicFile, Error> {
        Ok(self.durable.create(&self.place(path))?)
    }

    /// Notes a file of the payload that was written.
    pub(super) fn add(&self, path: &str, written: Written) {
        self.payload.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), written);
    }

    /// A file of the payload, once it was added.
    pub(super) fn written(&self, path: &str) -> Option<Written> {
        self.payload.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// Writes a file of the payload.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = match &self.redaction {
            Some(redaction) => Cow::Owned(redaction.text(path)),
            None => Cow::Borrowed(path),
        };
        let mut file = self.begin(&path)?;
        file.write_all(bytes).map_err(files::error("write", &self.place(&path)))?;
        self.add(&path, file.commit()?);
        Ok(())
    }

    /// Writes a file of the payload as JSON that people can read.
    pub(super) fn put_json(&self, path: &str, value: &impl Serialize) -> Result<(), Error> {
        let encode = |failed: serde_json::Error| Error::Encode { path: path.to_owned(), reason: failed.to_string() };
        let mut file = self.begin(path)?;
        match &self.redaction {
            Some(redaction) => {
                let value = redaction.value(serde_json::to_value(value).map_err(encode)?);
                serde_json::to_writer_pretty(&mut file, &value).map_err(encode)?;
            }
            None => serde_json::to_writer_pretty(&mut file, value).map_err(encode)?,
        }
        file.write_all(b"\n").map_err(files::error("write", &self.place(path)))?;
        self.add(path, file.commit()?);
        Ok(())
    }

    /// Copies a file into the payload, and says what was copied.
    pub(super) fn copy(&self, from: &Path, path: &str) -> Result<Written, Error> {
        let mut file = self.begin(path)?;
        files::pour(from, &mut file, &self.place(path))?;
        let written = file.commit()?;
        self.add(path, written.clone());
        Ok(written)
    }

    /// Writes the tag files and, last, the manifest. `about` are the lines of `bag-info.txt` before the digests; `beside` writes what
    /// lies beside `data/` and names the root of the bag, and gives the paths and digests of that.
    pub(super) fn seal(
        self,
        about: &[(&str, String)],
        beside: impl FnOnce(&Path, &str) -> Result<Vec<(String, String)>, Error>,
    ) -> Result<Sealed, Error> {
        self.durable.finish()?;
        let payload = self.payload.into_inner().unwrap_or_else(PoisonError::into_inner);
        let digests: Vec<(String, String)> =
            payload.iter().map(|(path, written)| (path.clone(), written.sha256.clone())).collect();
        let manifest = files::digest_list(&digests);
        let bytes = payload.values().map(|written| written.bytes).sum();
        let sealed = Sealed { root: digest::sha256(manifest.as_bytes()), files: digests.len(), bytes };
        let mut info: String = about.iter().map(|(label, value)| format!("{label}: {value}\n")).collect();
        info += &format!("Payload-Oxum: {}.{}\nPack-Root-SHA256: {}\n", sealed.bytes, sealed.files, sealed.root);
        let request = timestamp::request(manifest.as_bytes())?;
        let tags: [(&str, &[u8]); 4] = [
            ("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"),
            ("bag-info.txt", info.as_bytes()),
            ("VERIFY.txt", VERIFY.as_bytes()),
            (REQUEST, &request),
        ];
        let mut tag_digests = beside(&self.folder, &sealed.root)?;
        tag_digests.push((MANIFEST.to_owned(), sealed.root.clone()));
        for (name, bytes) in tags {
            let written = files::write_atomic(&self.folder.join(name), bytes)?;
            tag_digests.push((name.to_owned(), written.sha256));
        }
        files::write_atomic(&self.folder.join(TAG_MANIFEST), files::digest_list(&tag_digests).as_bytes())?;
        files::write_atomic(&self.folder.join(MANIFEST), manifest.as_bytes())?;
        Ok(sealed)
    }
}

/// Everything in which the pack or comparison at `folder` disagrees with its own lists; empty if it is intact.
///
/// # Errors
/// [`Error::NotAPack`] when there is no manifest, [`Error::Files`] when something cannot be read.
pub fn verify(folder: &Path) -> Result<Vec<Damage>, Error> {
    if !folder.join(MANIFEST).is_file() {
        return Err(Error::NotAPack { path: folder.to_path_buf() });
    }
    let (digests, mut damage) = files::parse_digest_list(MANIFEST, &files::read(&folder.join(MANIFEST))?);
    damage.extend(files::compare_with_digests(folder, &digests, |path| !is_payload(path))?);
    let tags = folder.join(TAG_MANIFEST);
    if !tags.is_file() {
        damage.push(Damage::NoList { list: TAG_MANIFEST });
        return Ok(damage);
    }
    let (tag_digests, tag_damage) = files::parse_digest_list(TAG_MANIFEST, &files::read(&tags)?);
    damage.extend(tag_damage);
    damage.extend(files::compare_with_digests(folder, &tag_digests, |path| {
        is_payload(path) || [TAG_MANIFEST, SIGNATURE, REPLY].contains(&path)
    })?);
    damage.extend(signature::damage(folder)?);
    damage.extend(timestamp::damage(folder)?);
    // Nothing covers the tag manifest: it must not speak of what the payload manifest, and with it the pack root, covers.
    let foreign = digests.keys().filter(|path| !is_payload(path)).map(|path| (path, MANIFEST));
    let foreign = foreign.chain(tag_digests.keys().filter(|path| is_payload(path)).map(|path| (path, TAG_MANIFEST)));
    damage.extend(foreign.map(|(path, list)| Damage::Disagreement {
        path: path.clone(),
        records: format!("`{list}` names it, which is not the list for it"),
    }));
    Ok(damage)
}

fn is_payload(path: &str) -> bool {
    path.starts_with("data/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(folder: &Path) -> Sealed {
        let bag = Bag::create(folder).unwrap();
        bag.put("data/a.txt", b"one").unwrap();
        bag.put("data/b/c.txt", b"two").unwrap();
        bag.seal(&[("Source-Organization", "o-example".to_owned())], |_, _| Ok(Vec::new())).unwrap()
    }

    #[test]
    fn the_tag_manifest_cannot_speak_for_the_payload() {
        let folder = tempfile::tempdir().unwrap();
        bag(folder.path());
        files::write_atomic(&folder.path().join("data/a.txt"), b"forged").unwrap();
        let mut tags = files::read(&folder.path().join(TAG_MANIFEST)).unwrap();
        tags.extend(format!("{}  data/a.txt\n", crate::digest::sha256(b"forged")).into_bytes());
        files::write_atomic(&folder.path().join(TAG_MANIFEST), &tags).unwrap();
        let damage = verify(folder.path()).unwrap();
        assert!(
            damage.iter().any(|it| matches!(it, Damage::Changed { path, .. } if path == "data/a.txt")),
            "{damage:?}"
        );
    }

    #[test]
    fn a_sealed_bag_is_intact_and_names_its_root() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = bag(folder.path());
        assert_eq!((sealed.files, sealed.bytes), (2, 6));
        assert_eq!(verify(folder.path()).unwrap(), []);
        let info = String::from_utf8(files::read(&folder.path().join("bag-info.txt")).unwrap()).unwrap();
        assert!(info.contains(&sealed.root) && info.contains("Payload-Oxum: 6.2"), "{info}");
    }

    #[test]
    fn one_flipped_byte_in_any_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        bag(folder.path());
        for path in files::list(folder.path()).unwrap() {
            let place = folder.path().join(&path);
            let good = files::read(&place).unwrap();
            let mut bad = good.clone();
            bad[0] ^= 1;
            files::write_atomic(&place, &bad).unwrap();
            let damage = verify(folder.path()).unwrap();
            let text: String = damage.iter().map(|it| format!("{it}\n")).collect();
            let named = text.contains(&path) || path == TAG_MANIFEST && !damage.is_empty();
            assert!(named, "{path}: {text}");
            files::write_atomic(&place, &good).unwrap();
        }
        assert_eq!(verify(folder.path()).unwrap(), []);
    }

    #[test]
    fn a_file_too_many_and_a_file_too_few_are_named() {
        let folder = tempfile::tempdir().unwrap();
        bag(folder.path());
        files::write_atomic(&folder.path().join("data/more.txt"), b"x").unwrap();
        files::remove(&folder.path().join("data/a.txt")).unwrap();
        let damage = verify(folder.path()).unwrap();
        assert_eq!(damage.len(), 2, "{damage:?}");
    }
}
