//! AWS CLI output → snapshot: recognises each file by what it holds, and puts it where a collection would have.

mod answer;
mod operations;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use crate::model::Arn;
use crate::snapshot::{
    self, Account, AccountOutcome, Collector, Journal, Manifest, ORGANIZATION, Scope, SnapshotFile, Source, Writer,
};
use answer::Answer;

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The snapshot.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// The disk.
    #[error(transparent)]
    Files(#[from] crate::files::Error),
    /// It is not JSON.
    #[error("failed to parse `{}`: {reason}; import what the AWS CLI prints with `--output json`", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Line and column, and what was expected there.
        reason: String,
    },
    /// It is JSON, but no answer that a snapshot holds.
    #[error(
        "`{}` is no answer that a snapshot holds: its members are {members}; known are the answers of {known}",
        path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it holds.
        members: String,
        /// What would be known.
        known: String,
    },
    /// It has the members of an answer, but not its form.
    #[error(
        "`{}` has the members of an answer of {operation}, but not its form: {reason}; import what the AWS CLI prints, unchanged",
        path.display()
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The operation.
        operation: &'static str,
        /// The place, and what was expected there.
        reason: String,
    },
    /// The answer is about several keys, users or Regions where one call answers for one.
    #[error("`{}` names the {what} `{first}` and, at `{place}`, `{second}`; import one file for each", path.display())]
    Mixed {
        /// The file.
        path: PathBuf,
        /// What should be one: key, user, Region.
        what: &'static str,
        /// The first.
        first: String,
        /// Another one.
        second: String,
        /// Where the other one stands.
        place: String,
    },
    /// Another answer to the same question was imported before.
    #[error(
        "`{}` and `{first}`, which was imported before, are different answers of {subject}; to replace it, begin a new import in an empty folder; pages of one list must be in one file, as the AWS CLI prints them without `--max-items` and `--no-paginate`",
        path.display()
    )]
    Second {
        /// The file.
        path: PathBuf,
        /// Name of the file that was imported before.
        first: String,
        /// Operation, key or user, Region.
        subject: String,
    },
    /// What should name a Region cannot be one.
    #[error("`{value}`, the Region of `{}`, is not the name of a Region such as `eu-central-1`", path.display())]
    NotARegion {
        /// The file.
        path: PathBuf,
        /// What stands in its ARNs or in `--region`.
        value: String,
    },
    /// The answer does not say what it is about, and no flag does.
    #[error("`{}` holds the answer of {operation}, which does not name its {what}; pass `{flag}`", path.display())]
    Unnamed {
        /// The file.
        path: PathBuf,
        /// The operation.
        operation: &'static str,
        /// What is missing: key, user, Region.
        what: &'static str,
        /// The flag that names it.
        flag: &'static str,
    },
    /// The answer is of another account.
    #[error(
        "`{}` is of account {found} (`{place}`), not of {expected}; name the right one with `--account`",
        path.display()
    )]
    OtherAccount {
        /// The file.
        path: PathBuf,
        /// What its ARNs say.
        found: String,
        /// Where the first of them stands.
        place: String,
        /// What `--account` says.
        expected: String,
    },
    /// Something that is no account id.
    #[error("`{value}` is not an account id of 12 digits")]
    NotAnAccount {
        /// What was given.
        value: String,
    },
    /// `--finish` without anything imported.
    #[error("`{}` holds no unfinished import; import files into it first", path.display())]
    NothingToFinish {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a collection.
    #[error("`{}` holds an unfinished collection, not an import; go on with `keyproof collect --resume`", path.display())]
    Collection {
        /// The folder.
        path: PathBuf,
    },
}

/// What the flags say about files that do not say it themselves.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Account of the files.
    pub account_id: String,
    /// Region.
    pub region: Option<String>,
    /// Key id.
    pub key_id: Option<String>,
    /// Name of the key policy.
    pub policy_name: String,
    /// User name.
    pub user_name: Option<String>,
}

/// Adds files to the import at `folder`, which is begun if there is none.
///
/// # Errors
/// When a file is no answer of the AWS CLI, does not name what it is about, answers otherwise what was answered before, or the
/// snapshot cannot be written.
pub fn add(folder: &Path, files: &[PathBuf], hints: &Hints, now: Timestamp) -> Result<usize, Error> {
    if !shape::is_account_id(&hints.account_id) {
        return Err(Error::NotAnAccount { value: hints.account_id.escape_debug().to_string() });
    }
    // All files are understood before the first is written.
    let answers: Vec<Answer> = files.iter().map(|file| Answer::read(file, hints)).collect::<Result<_, _>>()?;
    let writer = match Writer::resume(folder)? {
        Some(writer) if writer.journal().source == Source::Import => writer,
        Some(_) => return Err(Error::Collection { path: folder.to_path_buf() }),
        None => Writer::create(folder, Journal { source: Source::Import, scope: Scope::default(), started: now })?,
    };
    let mut open: BTreeMap<String, SnapshotFile> = BTreeMap::new();
    for answer in &answers {
        let path = answer.place(&hints.account_id);
        let file = match open.entry(path.clone()) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let existing = writer.reopen(&path)?;
                entry.insert(existing.unwrap_or_else(|| SnapshotFile::new(&hints.account_id, answer.region.as_deref())))
            }
        };
        answer.put(file, now)?;
    }
    for (path, file) in &open {
        writer.put(path, file)?;
    }
    Ok(answers.len())
}

/// Writes the manifest of the import at `folder`.
///
/// # Errors
/// When nothing was imported, or the manifest cannot be written.
pub fn finish(folder: &Path) -> Result<Manifest, Error> {
    let writer = match Writer::resume(folder)? {
        Some(writer) if writer.journal().source == Source::Import => writer,
        Some(_) => return Err(Error::Collection { path: folder.to_path_buf() }),
        None => return Err(Error::NothingToFinish { path: folder.to_path_buf() }),
    };
    let paths = writer.paths();
    let parts = |path: &str| -> Vec<String> { path.split('/').map(str::to_owned).collect() };
    let mut ids = BTreeSet::new();
    let mut regions = BTreeSet::new();
    for path in &paths {
        if let [folder, account, rest @ ..] = parts(path).as_slice()
            && folder == "accounts"
        {
            ids.insert(account.clone());
            if let [kms, region] = rest
                && kms == "kms"
            {
                regions.extend(region.strip_suffix(".json.zst").map(str::to_owned));
            }
        }
    }
    let organization = writer.reopen(ORGANIZATION)?;
    let names = organization.as_ref().map(account_names).unwrap_or_default();
    let account = |id: &String| Account {
        account_id: id.clone(),
        name: names.get(id).cloned().unwrap_or_default(),
        status: String::new(),
        outcome: AccountOutcome::Imported,
        session_arn: None,
        reason: None,
    };
    let mut accounts: Vec<Account> = ids.iter().map(account).collect();
    accounts.extend(names.iter().filter(|(id, _)| !ids.contains(*id)).map(|(id, name)| Account {
        name: name.clone(),
        outcome: AccountOutcome::NotEntered,
        reason: Some("no file of this account was imported".to_owned()),
        ..account(id)
    }));
    let partition = partition(&writer, &paths)?;
    let organization_id = organization.as_ref().and_then(organization_id);
    let mut scope = writer.journal().scope.clone();
    scope.regions = regions.into_iter().collect();
    Ok(writer.with_scope(scope).finish(&partition, organization_id, Collector::default(), accounts)?)
}

/// The partition that the imported ARNs name; `aws` where none does.
fn partition(writer: &Writer, paths: &[String]) -> Result<String, Error> {
    for path in paths {
        let file = writer.reopen(path)?;
        for operation in ["GetAccountAuthorizationDetails", "ListKeys", "DescribeOrganization"] {
            let response = file.as_ref().and_then(|file| file.response(operation, &[]));
            let value = response.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
            if let Some(partition) = value.as_ref().and_then(any_partition) {
                return Ok(partition);
            }
        }
    }
    Ok("aws".to_owned())
}

fn any_partition(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Arn::parse(text).map(|arn| arn.partition.to_owned()),
        Value::Array(items) => items.iter().find_map(any_partition),
        Value::Object(object) => object.values().find_map(any_partition),
        _ => None,
    }
}

fn account_names(organization: &SnapshotFile) -> BTreeMap<String, String> {
    let answer = organization.response("ListAccounts", &[]).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let accounts = answer.as_ref().and_then(|answer| answer.get("Accounts")?.as_array());
    let entry = |account: &Value| {
        let id = account.get("Id")?.as_str()?.to_owned();
        Some((id, account.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned()))
    };
    accounts.into_iter().flatten().filter_map(entry).collect()
}

fn organization_id(organization: &SnapshotFile) -> Option<String> {
    let answer: Value = serde_json::from_str(organization.response("DescribeOrganization", &[])?.get()).ok()?;
    Some(answer.get("Organization")?.get("Id")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GapKind;
    use crate::snapshot::Snapshot;

    const ACCOUNT: &str = "111122223333";
    const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    struct Import {
        folder: tempfile::TempDir,
        hints: Hints,
    }

    impl Import {
        fn new() -> Self {
            let hints = Hints { account_id: ACCOUNT.to_owned(), policy_name: "default".to_owned(), ..Hints::default() };
            Self { folder: tempfile::tempdir().unwrap(), hints }
        }

        fn out(&self) -> PathBuf {
            self.folder.path().join("snapshot")
        }

        fn add(&self, name: &str, json: &Value) -> Result<usize, Error> {
            let path = self.folder.path().join(name);
            crate::files::write_atomic(&path, json.to_string().as_bytes()).unwrap();
            add(&self.out(), &[path], &self.hints, "2026-10-01T00:00:00Z".parse().unwrap())
        }

        fn manifest(&self) -> Manifest {
            finish(&self.out()).unwrap()
        }

        fn finish(&self) -> crate::model::Account {
            self.manifest();
            assert_eq!(snapshot::verify(&self.out()).unwrap(), []);
            let snapshot = Snapshot::open(&self.out()).unwrap();
            let organization = snapshot.organization().unwrap();
            snapshot.account(&snapshot.manifest().accounts[0], &organization).unwrap()
        }
    }

    fn keys() -> Value {
        serde_json::json!({"Keys": [{"KeyId": KEY, "KeyArn": format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY}")}]})
    }

    fn regions(names: &[&str]) -> Value {
        let region = |name: &&str| serde_json::json!({"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"});
        serde_json::json!({"Regions": names.iter().map(region).collect::<Vec<_>>()})
    }

    #[test]
    fn what_was_imported_is_a_fact_and_what_was_not_is_a_gap() {
        let mut import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        import.hints.region = Some("eu-west-1".to_owned());
        import.hints.key_id = Some(KEY.to_owned());
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": []}).to_string();
        import.add("names.json", &serde_json::json!({"PolicyNames": ["default"]})).unwrap();
        import.add("policy.json", &serde_json::json!({"Policy": policy})).unwrap();
        let account = import.finish();
        let keys = account.regions["eu-west-1"].keys.whole().unwrap();
        assert!(keys[0].policies.whole().unwrap()[0].document.is_ok());
        assert_eq!(keys[0].metadata.as_ref().unwrap_err().kind, GapKind::NotCollected);
        assert_eq!(account.iam.users.gap().unwrap().kind, GapKind::NotCollected);
    }

    #[test]
    fn one_page_of_several_is_not_taken_for_the_list() {
        let import = Import::new();
        let mut page = keys();
        page["Truncated"] = Value::Bool(true);
        import.add("keys.json", &page).unwrap();
        let account = import.finish();
        let listing = &account.regions["eu-west-1"].keys;
        assert_eq!(listing.gap().unwrap().kind, GapKind::Truncated);
        assert_eq!(listing.known().len(), 1);
    }

    #[test]
    fn another_answer_to_the_same_question_is_refused_and_the_first_one_stays() {
        let import = Import::new();
        let mut page = keys();
        page["Truncated"] = Value::Bool(true);
        import.add("page-1.json", &page).unwrap();
        let other = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/other");
        let second = serde_json::json!({"Keys": [{"KeyId": "other", "KeyArn": other}]});
        let message = import.add("page-2.json", &second).unwrap_err().to_string();
        for part in ["page-1.json", "page-2.json", "kms:ListKeys", "eu-west-1", "empty folder"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        let listing = import.finish().regions["eu-west-1"].keys.clone();
        assert_eq!(listing.gap().unwrap().kind, GapKind::Truncated);
        assert_eq!(listing.known()[0].id, KEY);
    }

    #[test]
    fn the_same_file_again_changes_nothing() {
        let import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        let place = import.out().join(snapshot::kms_path(ACCOUNT, "eu-west-1"));
        let before = crate::files::read(&place).unwrap();
        import.add("again.json", &keys()).unwrap();
        assert_eq!(crate::files::read(&place).unwrap(), before);
    }

    #[test]
    fn a_region_that_would_leave_the_folder_is_refused() {
        let mut import = Import::new();
        let arn = format!("arn:aws:kms:../../../x:{ACCOUNT}:key/{KEY}");
        let file = serde_json::json!({"Keys": [{"KeyId": KEY, "KeyArn": arn}]});
        let message = import.add("keys.json", &file).unwrap_err().to_string();
        assert!(message.contains("keys.json") && message.contains("../../../x"), "{message}");
        import.hints.region = Some("../../x".to_owned());
        let message = import.add("none.json", &serde_json::json!({"Keys": []})).unwrap_err().to_string();
        assert!(message.contains("none.json") && message.contains("../../x"), "{message}");
        assert!(import.add("regions.json", &regions(&["../x"])).is_err());
        assert!(!import.out().exists());
    }

    #[test]
    fn an_answer_that_is_not_in_form_is_refused_with_its_place() {
        let mut import = Import::new();
        import.hints.region = Some("eu-west-1".to_owned());
        import.hints.key_id = Some(KEY.to_owned());
        let cases = [
            (serde_json::json!({"Keys": "none"}), "line 1"),
            (serde_json::json!({"Keys": null}), "`Keys` is null"),
            (serde_json::json!({"Keys": [{"KeyId": KEY}]}), "`Keys[0].KeyArn` is missing"),
            (serde_json::json!({"SummaryMap": {"Users": "many"}}), "line 1"),
            (serde_json::json!({"KeyRotationEnabled": "yes"}), "line 1"),
            (serde_json::json!({"Policy": 7}), "line 1"),
            (serde_json::json!({"Tags": [{"Key": "a", "Value": "b"}]}), "`Tags[0].TagKey` is missing"),
            (serde_json::json!({"Accounts": [{"Id": "1111"}]}), "`1111` at `Accounts[0].Id`"),
        ];
        for (file, reason) in cases {
            let message = import.add("x.json", &file).unwrap_err().to_string();
            assert!(message.contains("x.json") && message.contains(reason), "{reason}: {message}");
        }
        assert!(!import.out().exists());
    }

    #[test]
    fn namesakes_of_other_services_are_not_taken_for_answers() {
        let mut import = Import::new();
        import.hints.region = Some("eu-west-1".to_owned());
        import.hints.key_id = Some(KEY.to_owned());
        let policy = serde_json::json!({"Policy": {"PolicyName": "p", "Arn": "arn:aws:iam::aws:policy/p"}});
        let regions =
            serde_json::json!({"Regions": [{"RegionName": "eu-west-1", "OptInStatus": "opt-in-not-required"}]});
        for file in [policy, regions] {
            assert!(matches!(import.add("x.json", &file), Err(Error::Unknown { .. })), "{file}");
        }
    }

    #[test]
    fn every_arn_must_be_of_the_account() {
        let import = Import::new();
        let own = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY}");
        let other = own.replace(ACCOUNT, "444455556666");
        let alias = "arn:aws:kms:eu-west-1:444455556666:alias/a";
        let files = [
            serde_json::json!({"Keys": [{"KeyId": KEY, "KeyArn": own}, {"KeyId": KEY, "KeyArn": other}]}),
            serde_json::json!({"Grants": [{"GrantId": "g", "KeyId": other}]}),
            serde_json::json!({"KeyRotationEnabled": true, "KeyId": other}),
            serde_json::json!({"Rotations": [{"KeyId": other}]}),
            serde_json::json!({"Aliases": [{"AliasName": "alias/a", "AliasArn": alias}]}),
            serde_json::json!({"UserDetailList": [], "RoleDetailList": [
                {"RoleName": "r", "Arn": "arn:aws:iam::444455556666:role/r"},
            ]}),
        ];
        for file in files {
            let failed = import.add("x.json", &file).unwrap_err();
            assert!(
                matches!(&failed, Error::OtherAccount { found, .. } if found == "444455556666"),
                "{file}: {failed}"
            );
        }
        let elsewhere = own.replace("eu-west-1", "us-east-1");
        let mixed = serde_json::json!({"Keys": [{"KeyId": KEY, "KeyArn": own}, {"KeyId": KEY, "KeyArn": elsewhere}]});
        assert!(matches!(import.add("x.json", &mixed), Err(Error::Mixed { what: "Region", .. })));
    }

    #[test]
    fn an_arn_in_an_encryption_context_does_not_name_the_region() {
        let import = Import::new();
        let key = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY}");
        let constraints =
            serde_json::json!({"EncryptionContextEquals": {"Arn": "arn:aws:kms:us-east-1:444455556666:key/k"}});
        let grants = serde_json::json!({"Grants": [{"GrantId": "g", "KeyId": key, "Constraints": constraints}]});
        import.add("grants.json", &grants).unwrap();
        import.add("keys.json", &keys()).unwrap();
        let account = import.finish();
        assert_eq!(account.regions["eu-west-1"].keys.known()[0].grants.whole().unwrap().len(), 1);
    }

    #[test]
    fn a_file_that_names_neither_key_nor_region_says_which_flag_would() {
        let import = Import::new();
        let message = import.add("p.json", &serde_json::json!({"Policy": "{}"})).unwrap_err().to_string();
        assert!(message.contains("p.json") && message.contains("--region"), "{message}");
    }

    #[test]
    fn a_file_of_another_account_is_refused() {
        let mut import = Import::new();
        import.hints.account_id = "444455556666".to_owned();
        let message = import.add("keys.json", &keys()).unwrap_err().to_string();
        assert!(message.contains(ACCOUNT) && message.contains("444455556666"), "{message}");
    }

    #[test]
    fn an_unknown_file_is_named_and_nothing_is_written() {
        let import = Import::new();
        let message = import.add("x.json", &serde_json::json!({"Buckets": []})).unwrap_err().to_string();
        assert!(message.contains("x.json") && message.contains("`Buckets`"), "{message}");
        assert!(!import.out().exists());
    }
}
