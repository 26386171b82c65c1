//! AWS CLI output → snapshot: recognises each file by what it holds, and puts it where a collection would have.

mod answer;
mod missing;
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
    /// `--finish` with answers of Organizations alone.
    #[error("`{}` holds no file of any account; import the files of at least one", path.display())]
    NoAccount {
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

/// Writes the manifest of the import at `folder`. Each answer of the APIs in `required` that nobody imported gets a row in the
/// ledger, of outcome `failed` and code `NotImported`.
///
/// # Errors
/// When nothing was imported, or nothing of any account, or the manifest cannot be written.
pub fn finish(folder: &Path, required: &BTreeSet<&str>) -> Result<Manifest, Error> {
    let writer = match Writer::resume(folder)? {
        Some(writer) if writer.journal().source == Source::Import => writer,
        Some(_) => return Err(Error::Collection { path: folder.to_path_buf() }),
        None => return Err(Error::NothingToFinish { path: folder.to_path_buf() }),
    };
    writer.check_files()?;
    let paths = writer.paths();
    let owner = |path: &String| Some(path.strip_prefix("accounts/")?.split_once('/')?.0.to_owned());
    let ids: BTreeSet<String> = paths.iter().filter_map(owner).collect();
    if ids.is_empty() {
        return Err(Error::NoAccount { path: folder.to_path_buf() });
    }
    let organization = writer.reopen(ORGANIZATION)?;
    let listed = organization.as_ref().map(missing::listed_accounts).unwrap_or_default();
    let all: BTreeSet<&String> = ids.iter().chain(listed.keys()).collect();
    let accounts = all.into_iter().map(|id| account(id, ids.contains(id), listed.get(id))).collect();
    let partition = partition(&writer, &paths)?;
    let organization_id = organization.as_ref().and_then(organization_id);
    let missing = missing::rows(&writer, &ids, required)?;
    Ok(writer.with_missing(missing).finish(&partition, organization_id, Collector::default(), accounts)?)
}

/// An account of which files were imported, or that Organizations lists with this name and state.
fn account(id: &str, is_imported: bool, listed: Option<&(String, String)>) -> Account {
    let (name, status) = listed.cloned().unwrap_or_default();
    let (outcome, reason) = match status.as_str() {
        // What was imported is evidence, whatever the state of its account is now.
        _ if is_imported => (AccountOutcome::Imported, None),
        // An account of which AWS does not say its state is taken for one that should be there.
        "ACTIVE" | "" => (AccountOutcome::NotEntered, Some("no file of this account was imported".to_owned())),
        state => (AccountOutcome::Inactive, Some(format!("its state is {}", state.escape_debug()))),
    };
    Account { account_id: id.to_owned(), name, status, outcome, session_arn: None, reason }
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

    const REQUIRED: [&str; 8] = [
        "account:ListRegions",
        "iam:GetAccountAuthorizationDetails",
        "iam:ListAccessKeys",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:ListKeys",
        "organizations:ListAccounts",
    ];

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
            finish(&self.out(), &REQUIRED.into()).unwrap()
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
    fn the_regions_imported_are_not_taken_for_all_regions() {
        let import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        let account = import.finish();
        assert_eq!(account.regions_gap.unwrap().api, "account:ListRegions");

        let import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        import.add("regions.json", &regions(&["eu-west-1", "us-east-1"])).unwrap();
        let account = import.finish();
        assert!(account.regions_gap.is_none());
        assert!(account.regions["eu-west-1"].keys.whole().is_ok());
        assert_eq!(account.regions["us-east-1"].keys.gap().unwrap().kind, GapKind::NotCollected);
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
    fn a_file_that_was_changed_after_it_was_imported_is_not_begun_anew() {
        let import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        let place = import.out().join(snapshot::kms_path(ACCOUNT, "eu-west-1"));
        crate::files::write_atomic(&place, b"something else").unwrap();
        for failed in
            [import.add("keys.json", &keys()).unwrap_err(), finish(&import.out(), &REQUIRED.into()).unwrap_err()]
        {
            assert!(failed.to_string().contains("eu-west-1.json.zst"), "{failed}");
        }
    }

    #[test]
    fn an_import_of_no_account_is_not_finished() {
        let import = Import::new();
        import.add("accounts.json", &serde_json::json!({"Accounts": [{"Id": ACCOUNT}]})).unwrap();
        assert!(matches!(finish(&import.out(), &REQUIRED.into()), Err(Error::NoAccount { .. })));
    }

    #[test]
    fn what_nobody_imported_is_a_gap_in_the_ledger() {
        let import = Import::new();
        let own = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/");
        let listed = ["customer", "managed"].map(|id| serde_json::json!({"KeyId": id, "KeyArn": format!("{own}{id}")}));
        import.add("keys.json", &serde_json::json!({ "Keys": listed })).unwrap();
        for (id, manager) in [("customer", "CUSTOMER"), ("managed", "AWS")] {
            let key = serde_json::json!({"KeyId": id, "Arn": format!("{own}{id}"), "KeyManager": manager});
            import.add(&format!("{id}.json"), &serde_json::json!({ "KeyMetadata": key })).unwrap();
        }
        let user = serde_json::json!({"UserName": "alice", "Arn": format!("arn:aws:iam::{ACCOUNT}:user/alice")});
        import.add("iam.json", &serde_json::json!({"UserDetailList": [user], "RoleDetailList": []})).unwrap();
        import.add("regions.json", &regions(&["eu-west-1", "us-east-1"])).unwrap();
        let manifest = import.manifest();
        let mut missing = Vec::new();
        for row in manifest.coverage.iter().filter(|row| row.is_gap()) {
            assert_eq!((row.calls, row.code.as_deref()), (0, Some("NotImported")), "{row:?}");
            let region = row.region.as_deref().unwrap_or("global");
            missing.extend(row.gaps.iter().map(|gap| format!("{region} {} {}", row.api, gap.resource.join("/"))));
        }
        missing.sort();
        assert_eq!(
            missing,
            [
                "eu-west-1 kms:GetKeyPolicy customer/default",
                "eu-west-1 kms:GetKeyRotationStatus customer",
                "global iam:ListAccessKeys alice",
                "global organizations:ListAccounts ",
                "us-east-1 kms:ListKeys ",
            ]
        );
        assert!(!manifest.api_calls.contains_key("kms:GetKeyPolicy"));
    }

    #[test]
    fn what_was_imported_in_part_is_one_row_of_the_ledger() {
        let import = Import::new();
        let own = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/");
        let listed = ["a", "b"].map(|id| serde_json::json!({"KeyId": id, "KeyArn": format!("{own}{id}")}));
        import.add("keys.json", &serde_json::json!({ "Keys": listed })).unwrap();
        let key = serde_json::json!({"KeyId": "a", "Arn": format!("{own}a"), "KeyManager": "AWS"});
        import.add("a.json", &serde_json::json!({ "KeyMetadata": key })).unwrap();
        let manifest = import.manifest();
        let rows: Vec<_> = manifest.coverage.iter().filter(|row| row.api == "kms:DescribeKey").collect();
        assert_eq!((rows.len(), rows[0].calls, rows[0].outcome), (1, 1, snapshot::Outcome::Failed));
        assert_eq!(rows[0].gaps[0].resource, ["b"]);
    }

    #[test]
    fn a_closed_account_of_which_nothing_was_imported_is_not_missing() {
        let import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        let accounts = serde_json::json!({"Accounts": [
            {"Id": ACCOUNT, "Name": "own", "State": "ACTIVE"},
            {"Id": "222233334444", "State": "PENDING_CLOSURE", "Status": "ACTIVE"},
            {"Id": "444455556666", "Status": "SUSPENDED"},
            {"Id": "555566667777", "Status": "ACTIVE"},
        ]});
        import.add("accounts.json", &accounts).unwrap();
        let accounts = import.manifest().accounts;
        let outcomes: Vec<_> = accounts.iter().map(|it| (it.status.as_str(), it.outcome)).collect();
        assert_eq!(
            outcomes,
            [
                ("ACTIVE", AccountOutcome::Imported),
                ("PENDING_CLOSURE", AccountOutcome::Inactive),
                ("SUSPENDED", AccountOutcome::Inactive),
                ("ACTIVE", AccountOutcome::NotEntered),
            ]
        );
        assert_eq!(accounts[2].reason.as_deref(), Some("its state is SUSPENDED"));
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
    fn what_is_said_of_credentials_and_the_account_is_read() {
        let mut import = Import::new();
        let arn = |resource: &str| format!("arn:aws:iam::{ACCOUNT}:{resource}");
        let user = serde_json::json!({"UserName": "alice", "Arn": arn("user/alice")});
        let role = serde_json::json!({"RoleName": "R", "Arn": arn("role/R"), "CreateDate": "2026-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}, "RoleLastUsed": {}});
        let untold = serde_json::json!({"RoleName": "S", "Arn": arn("role/S")});
        import
            .add("iam.json", &serde_json::json!({"UserDetailList": [user], "RoleDetailList": [role, untold]}))
            .unwrap();
        let policy = serde_json::json!({"PasswordPolicy": {"MinimumPasswordLength": 14, "RequireSymbols": true,
            "ExpirePasswords": false, "MaxPasswordAge": 0, "PasswordReusePrevention": 24}});
        let certificate = serde_json::json!({"ServerCertificateName": "old", "Arn": arn("server-certificate/old"),
            "Expiration": "2026-01-01T00:00:00+00:00"});
        let credential = serde_json::json!({"UserName": "alice", "ServiceSpecificCredentialId": "ACCA",
            "ServiceName": "bedrock.amazonaws.com", "Status": "Active"});
        let contact = serde_json::json!({"AlternateContactType": "SECURITY", "EmailAddress": "s@example.com"});
        let saml = serde_json::json!({"SAMLProviderList": [{"Arn": arn("saml-provider/Idp")}]});
        for (name, json) in [
            ("policy.json", policy),
            ("certificates.json", serde_json::json!({"ServerCertificateMetadataList": [certificate]})),
            ("credentials.json", serde_json::json!({"ServiceSpecificCredentials": [credential]})),
            ("contact.json", serde_json::json!({ "AlternateContact": contact })),
            ("saml.json", saml),
            ("oidc.json", serde_json::json!({"OpenIDConnectProviderList": []})),
            ("features.json", serde_json::json!({"OrganizationId": "o-1", "EnabledFeatures": ["RootSessions"]})),
        ] {
            import.add(name, &json).unwrap();
        }
        import.hints.user_name = Some("bob".to_owned());
        import.add("none.json", &serde_json::json!({"ServiceSpecificCredentials": []})).unwrap();
        let crate::model::Iam { users, roles, .. } = import.finish().iam;
        assert_eq!(users.known()[0].service_specific_credentials.whole().unwrap()[0].service, "bedrock.amazonaws.com");
        assert_eq!(roles.known()[0].last_used, Ok(None));
        assert_eq!(roles.known()[1].last_used.as_ref().unwrap_err().kind, GapKind::Malformed);
        let snapshot = Snapshot::open(&import.out()).unwrap();
        let account = snapshot.account(&snapshot.manifest().accounts[0], &snapshot.organization().unwrap()).unwrap();
        let policy = account.iam.password_policy.unwrap().unwrap();
        assert_eq!((policy.minimum_length, policy.max_age_days, policy.reuse_prevention), (Some(14), None, Some(24)));
        assert_eq!(policy.require_numbers, None);
        assert_eq!(account.iam.server_certificates.whole().unwrap()[0].name, "old");
        assert!(account.iam.security_contact.unwrap().unwrap().email_address.is_some());
        assert_eq!(account.iam.saml_providers.whole().unwrap()[0].arn, arn("saml-provider/Idp"));
        assert!(account.iam.openid_connect_providers.whole().unwrap().is_empty());
        assert_eq!(account.iam.organizations_features.unwrap().enabled, ["RootSessions"]);
    }

    #[test]
    fn what_is_said_of_key_stores_and_of_the_last_use_of_keys_is_read() {
        let mut import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        let arn = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY}");
        let usage = serde_json::json!({
            "KeyId": arn, "KeyCreationDate": "2024-01-01T00:00:00+00:00", "TrackingStartDate": "2026-01-01T00:00:00+00:00",
            "KeyLastUsage": {"Operation": "Decrypt", "Timestamp": "2026-09-01T10:00:00+02:00"},
        });
        import.add("usage.json", &usage).unwrap();
        import.hints.region = Some("eu-west-1".to_owned());
        let store = serde_json::json!({
            "CustomKeyStoreId": "cks-1", "CustomKeyStoreName": "vault", "ConnectionState": "FAILED",
            "ConnectionErrorCode": "CLUSTER_NOT_FOUND",
        });
        import.add("stores.json", &serde_json::json!({ "CustomKeyStores": [store] })).unwrap();
        let account = import.finish();
        let kms = &account.regions["eu-west-1"];
        let stores = kms.custom_key_stores.whole().unwrap();
        assert_eq!(stores[0].connection_error_code.as_deref(), Some("CLUSTER_NOT_FOUND"));
        let last = kms.keys.known()[0].last_usage.as_ref().unwrap();
        assert_eq!(last.operation.as_deref(), Some("Decrypt"));
        assert_eq!(last.last.unwrap().to_string(), "2026-09-01T08:00:00Z");
        assert_eq!(last.tracking_start.unwrap().to_string(), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_key_that_was_never_used_has_no_last_use_and_a_beginning_of_tracking() {
        let import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        let arn = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY}");
        let usage = serde_json::json!({ "KeyId": arn, "TrackingStartDate": "2026-01-01T00:00:00+00:00" });
        import.add("usage.json", &usage).unwrap();
        let account = import.finish();
        let last = account.regions["eu-west-1"].keys.known()[0].last_usage.as_ref().unwrap();
        assert_eq!(last.last, None);
        assert!(last.tracking_start.is_some());
    }

    #[test]
    fn what_is_said_of_delegation_is_read() {
        let import = Import::new();
        import.add("keys.json", &keys()).unwrap();
        let organization = serde_json::json!({"Id": "o-1", "Arn": "arn:aws:organizations::1:organization/o-1",
            "MasterAccountId": ACCOUNT});
        import.add("organization.json", &serde_json::json!({ "Organization": organization })).unwrap();
        let administrators = serde_json::json!({"DelegatedAdministrators": [{"Id": "444455556666"}]});
        import.add("administrators.json", &administrators).unwrap();
        let policy = serde_json::json!({"ResourcePolicy": {"Content": "{\"Statement\": []}"}});
        import.add("resource-policy.json", &policy).unwrap();
        import.finish();
        let organization = Snapshot::open(&import.out()).unwrap().organization().unwrap().unwrap().unwrap();
        let administrators = organization.delegated_administrators.whole().unwrap();
        assert_eq!(administrators[0].account_id, "444455556666");
        assert!(administrators[0].services.gap().is_some(), "nobody asked which services");
        assert!(organization.resource_policy.unwrap().unwrap().document.is_ok());
    }

    #[test]
    fn only_the_management_account_lacks_what_only_it_may_ask() {
        for (management, expected) in [(ACCOUNT, 1), ("444455556666", 0)] {
            let import = Import::new();
            import.add("keys.json", &keys()).unwrap();
            let organization = serde_json::json!({"Id": "o-1", "MasterAccountId": management});
            import.add("organization.json", &serde_json::json!({ "Organization": organization })).unwrap();
            let manifest = finish(&import.out(), &["iam:ListOrganizationsFeatures"].into()).unwrap();
            let rows = manifest.coverage.iter().filter(|row| row.api == "iam:ListOrganizationsFeatures");
            assert_eq!(rows.count(), expected, "{management}");
        }
    }

    #[test]
    fn an_unknown_file_is_named_and_nothing_is_written() {
        let import = Import::new();
        let message = import.add("x.json", &serde_json::json!({"Buckets": []})).unwrap_err().to_string();
        assert!(message.contains("x.json") && message.contains("`Buckets`"), "{message}");
        assert!(!import.out().exists());
    }
}
