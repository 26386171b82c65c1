//! Opening a snapshot, and turning its files into the model, one account at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::answers::Answers;
use super::manifest::{self, AccountOutcome, FileEntry, Manifest};
use super::v1::{IamFile, KmsFile, OrganizationFile};
use super::verify::disagreements;
use super::{
    DIGESTS, Error, IN_A_PACK, MANIFEST, ORGANIZATION, SCHEMA_VERSION, iam, iam_path, kms, kms_path, organization,
};
use crate::files;
use crate::model::{self, Gap, GapKind, Provenance};

/// Largest JSON that a file of a snapshot may hold. A compressed file that claims more is not read.
const MAX_JSON_BYTES: u64 = 1 << 30;

/// How much zstd can shrink the JSON of an account; a file that claims more is not one.
const MAX_RATIO: u64 = 500;

/// An opened snapshot. Its files are read on demand, and each is checked against its digest.
#[derive(Debug)]
pub struct Snapshot {
    folder: PathBuf,
    manifest: Manifest,
    root: String,
    files: BTreeMap<String, FileEntry>,
}

impl Snapshot {
    /// Opens the snapshot at `folder`.
    ///
    /// # Errors
    /// When there is no manifest, it is damaged, of a newer version, or names paths outside the snapshot.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let bytes = match files::read(&path) {
            Err(failed) if failed.is_absence() => return Err(not_a_snapshot(folder)),
            bytes => bytes?,
        };
        let root = crate::digest::sha256(&bytes);
        let parse = |reason: String| Error::Parse { path: path.clone(), reason };
        let version: Version = serde_json::from_slice(&bytes).map_err(|failed| parse(failed.to_string()))?;
        if version.schema_version > SCHEMA_VERSION {
            return Err(Error::TooNew { path, found: version.schema_version });
        }
        let list = folder.join(DIGESTS);
        if !list.is_file() {
            return Err(Error::Missing { path: list });
        }
        let (digests, damage) = files::parse_digest_list(DIGESTS, &files::read(&list)?);
        match digests.get(MANIFEST) {
            Some(listed) if listed.sha256 == root => {}
            expected => {
                let expected = expected.map_or_else(|| "nothing".to_owned(), |listed| listed.sha256.clone());
                return Err(Error::Damaged { path, expected, actual: root });
            }
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|failed| parse(failed.to_string()))?;
        check_names(&path, &manifest)?;
        if let Some(damage) = damage.into_iter().chain(disagreements(&manifest, &digests)).next() {
            return Err(Error::Parse { path: list, reason: format!("{damage}; `keyproof verify` names every damage") });
        }
        let files = manifest.files.iter().map(|file| (file.path.clone(), file.clone())).collect();
        Ok(Self { folder: folder.to_path_buf(), manifest, root, files })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The snapshot root: SHA-256 of `manifest.json`, which covers every file.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The decompressed JSON of a file, or nothing when the snapshot has no such file.
    ///
    /// # Errors
    /// When the file is missing, damaged or cannot be decompressed.
    pub fn json(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(entry) = self.files.get(path) else { return Ok(None) };
        let place = self.folder.join(path);
        if !place.is_file() {
            return Err(Error::Missing { path: place });
        }
        let stored = files::read(&place)?;
        let actual = crate::digest::sha256(&stored);
        if actual != entry.sha256 {
            return Err(Error::Damaged { path: place, expected: entry.sha256.clone(), actual });
        }
        if Path::new(path).extension().is_none_or(|extension| extension != "zst") {
            return Ok(Some(stored));
        }
        let parse = |reason: String| Error::Parse { path: place.clone(), reason };
        if entry.json_bytes > MAX_JSON_BYTES.min((stored.len() as u64).saturating_mul(MAX_RATIO)) {
            return Err(parse(format!(
                "the manifest claims {} bytes of JSON in it, more than are read",
                entry.json_bytes
            )));
        }
        let size = usize::try_from(entry.json_bytes).unwrap_or(usize::MAX);
        let json = zstd::bulk::decompress(&stored, size).map_err(|failed| parse(failed.to_string()))?;
        if json.len() != size {
            return Err(parse(format!("it holds {} bytes of JSON, the manifest says {size}", json.len())));
        }
        Ok(Some(json))
    }

    fn parsed<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Error> {
        let Some(json) = self.json(path)? else { return Ok(None) };
        serde_json::from_slice(&json)
            .map(Some)
            .map_err(|failed| Error::Parse { path: self.folder.join(path), reason: failed.to_string() })
    }

    fn digest(&self, path: &str) -> String {
        self.files.get(path).map(|file| file.sha256.clone()).unwrap_or_default()
    }

    /// The organization, none for an account outside any, or why it is not known.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn organization(&self) -> Result<model::Fact<Option<model::Organization>>, Error> {
        let Some(file) = self.parsed::<OrganizationFile>(ORGANIZATION)? else {
            return Ok(Err(Gap::not_collected("organizations:DescribeOrganization", &[])));
        };
        let mut organization = organization::read(file);
        if let Ok(Some(organization)) = &mut organization {
            organization.provenance.file(ORGANIZATION.into(), self.digest(ORGANIZATION));
        }
        Ok(organization)
    }

    /// Everything that the snapshot holds of one account.
    ///
    /// # Errors
    /// When a file is damaged or cannot be parsed.
    pub fn account(
        &self,
        account: &manifest::Account,
        organization: &model::Fact<Option<model::Organization>>,
    ) -> Result<model::Account, Error> {
        let mut provenance = Provenance::default();
        let path = iam_path(&account.account_id);
        let file = self.parsed::<IamFile>(&path)?.unwrap_or_default();
        let answers = Answers::new(path.as_str().into(), file.calls.clone());
        provenance.file(path.as_str().into(), self.digest(&path));
        answers.record(&mut provenance);
        let clock_ahead_seconds = file.clock_ahead_seconds;
        let entered = entered(account, &answers);
        let listed_regions = enabled_regions(&answers, file.list_regions.as_ref());
        let (regions, regions_gap) = match &entered {
            Err(gap) => (BTreeMap::new(), Some(gap.clone())),
            Ok(()) => self.regions(account, listed_regions, &mut provenance)?,
        };
        let iam = match &entered {
            Err(gap) => model::Iam::missing(gap),
            Ok(()) => iam::read(file, &answers),
        };
        Ok(model::Account {
            id: account.account_id.clone(),
            name: account.name.clone(),
            partition: self.manifest.partition.clone(),
            ou_path: match organization {
                Ok(Some(organization)) => organization.ou_path(&account.account_id),
                Ok(None) => Ok(String::new()),
                Err(gap) => Err(gap.clone()),
            },
            entered,
            iam,
            regions,
            regions_gap,
            clock_ahead_seconds,
            provenance,
        })
    }

    /// The Regions that should be there: those asked for, else those that the account has enabled.
    fn regions(
        &self,
        account: &manifest::Account,
        listed: model::Fact<Vec<String>>,
        provenance: &mut Provenance,
    ) -> Result<(BTreeMap<String, model::Kms>, Option<Gap>), Error> {
        let (expected, gap) = match listed {
            _ if !self.manifest.scope.regions.is_empty() => (self.manifest.scope.regions.clone(), None),
            Ok(regions) => (regions, None),
            Err(gap) => (self.collected_regions(&account.account_id), Some(gap)),
        };
        let mut regions = BTreeMap::new();
        for region in expected {
            let path = kms_path(&account.account_id, &region);
            let kms = match self.parsed::<KmsFile>(&path)? {
                None => kms::missing(&Gap::not_collected("kms:ListKeys", &[])),
                Some(file) => {
                    let answers = Answers::new(path.as_str().into(), file.calls.clone());
                    provenance.file(path.as_str().into(), self.digest(&path));
                    answers.record(provenance);
                    kms::read(file, &region, &answers)
                }
            };
            regions.insert(region, kms);
        }
        Ok((regions, gap))
    }

    fn collected_regions(&self, account_id: &str) -> Vec<String> {
        let folder = format!("accounts/{account_id}/kms/");
        let names = self.files.keys().filter_map(|path| path.strip_prefix(&folder)?.strip_suffix(".json.zst"));
        names.map(str::to_owned).collect()
    }
}

/// As much of a manifest as is needed to refuse a newer one with the right words.
#[derive(serde::Deserialize)]
struct Version {
    schema_version: u32,
}

/// The Regions that the account has enabled. Every account has some, and only `DISABLED` proves that one has no keys.
fn enabled_regions(answers: &Answers, listed: Option<&super::v1::EnabledRegions>) -> model::Fact<Vec<String>> {
    const API: &str = "account:ListRegions";
    let listing = answers.listing(API, &[], "Regions", listed.and_then(|listed| listed.regions.clone()));
    let enabled = listing.whole()?.iter().filter(|region| region.region_opt_status.as_deref() != Some("DISABLED"));
    let enabled: Vec<String> = enabled.filter_map(|region| region.region_name.clone()).collect();
    if enabled.is_empty() { Err(Gap::malformed(API, &[], "it names no enabled Region")) } else { Ok(enabled) }
}

/// Whether the account could be entered, by the manifest and by the recorded `sts:AssumeRole`.
fn entered(account: &manifest::Account, answers: &Answers) -> model::Fact<()> {
    match account.outcome {
        AccountOutcome::AssumedRole | AccountOutcome::Caller | AccountOutcome::Imported => Ok(()),
        AccountOutcome::NotEntered | AccountOutcome::Excluded | AccountOutcome::Inactive => {
            Err(answers.gap("sts:AssumeRole", &[]).unwrap_or_else(|| Gap {
                kind: GapKind::NotCollected,
                message: account.reason.clone(),
                ..Gap::not_collected("sts:AssumeRole", &[])
            }))
        }
    }
}

/// What to say of a folder without a manifest.
fn not_a_snapshot(folder: &Path) -> Error {
    let (path, inside) = (folder.to_path_buf(), folder.join(IN_A_PACK));
    if inside.join(MANIFEST).is_file() { Error::Within { path, inside } } else { Error::NotASnapshot { path } }
}

/// Refuses paths and ids that would reach outside the snapshot.
fn check_names(path: &Path, manifest: &Manifest) -> Result<(), Error> {
    let hostile = |value: &str, expected| Error::Hostile {
        path: path.to_path_buf(),
        value: value.escape_debug().to_string(),
        expected,
    };
    for file in &manifest.files {
        if !files::is_inside(&file.path) {
            return Err(hostile(&file.path, "a path inside the snapshot"));
        }
    }
    for account in &manifest.accounts {
        if account.account_id.len() != 12 || !account.account_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(hostile(&account.account_id, "an account id of 12 digits"));
        }
    }
    for region in &manifest.scope.regions {
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(hostile(region, "a Region"));
        }
    }
    Ok(())
}
