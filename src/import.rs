//! AWS CLI output → snapshot: recognises each file by what it holds, and puts it where a collection would have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::Arn;
use crate::snapshot::{
    self, Account, AccountOutcome, Call, Collector, Journal, Manifest, ORGANIZATION, Outcome, Scope, SnapshotFile,
    Source, Writer, iam_path, kms_path,
};

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
    #[error("`{}` is of account {found}, not of {expected}; name the right one with `--account`", path.display())]
    OtherAccount {
        /// The file.
        path: PathBuf,
        /// What its ARNs say.
        found: String,
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

/// Which file of the snapshot an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Iam,
    Kms,
    Organization,
}

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The account, Region or organization.
    Whole,
    /// A key, named by this member of the answer or of its first item.
    Key(&'static [&'static str]),
    /// A key and one of its policies.
    KeyPolicy,
    /// A user, named by this member of the first item.
    User(&'static [&'static str]),
}

/// An operation whose answer can be imported.
struct Operation {
    name: &'static str,
    service: &'static str,
    /// The members that only this operation's answer has.
    members: &'static [&'static str],
    /// The lists of the answer.
    lists: &'static [&'static str],
    room: Room,
    subject: Subject,
}

const fn operation(
    service: &'static str,
    name: &'static str,
    members: &'static [&'static str],
    lists: &'static [&'static str],
    room: Room,
    subject: Subject,
) -> Operation {
    Operation { name, service, members, lists, room, subject }
}

/// What can be imported, told apart by members. The first that fits is taken.
const OPERATIONS: &[Operation] = &[
    operation(
        "iam",
        "GetAccountAuthorizationDetails",
        &["UserDetailList", "RoleDetailList"],
        &["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"],
        Room::Iam,
        Subject::Whole,
    ),
    operation("iam", "GetAccountSummary", &["SummaryMap"], &[], Room::Iam, Subject::Whole),
    operation("iam", "GetAccountPasswordPolicy", &["PasswordPolicy"], &[], Room::Iam, Subject::Whole),
    operation("iam", "GetCredentialReport", &["Content", "ReportFormat"], &[], Room::Iam, Subject::Whole),
    operation(
        "iam",
        "ListVirtualMFADevices",
        &["VirtualMFADevices"],
        &["VirtualMFADevices"],
        Room::Iam,
        Subject::Whole,
    ),
    operation(
        "iam",
        "ListMFADevices",
        &["MFADevices"],
        &["MFADevices"],
        Room::Iam,
        Subject::User(&["MFADevices", "UserName"]),
    ),
    operation(
        "iam",
        "ListAccessKeys",
        &["AccessKeyMetadata"],
        &["AccessKeyMetadata"],
        Room::Iam,
        Subject::User(&["AccessKeyMetadata", "UserName"]),
    ),
    operation(
        "iam",
        "ListServerCertificates",
        &["ServerCertificateMetadataList"],
        &["ServerCertificateMetadataList"],
        Room::Iam,
        Subject::Whole,
    ),
    operation("account", "ListRegions", &["Regions"], &["Regions"], Room::Iam, Subject::Whole),
    operation("kms", "ListKeys", &["Keys"], &["Keys"], Room::Kms, Subject::Whole),
    operation("kms", "ListAliases", &["Aliases"], &["Aliases"], Room::Kms, Subject::Whole),
    operation("kms", "DescribeKey", &["KeyMetadata"], &[], Room::Kms, Subject::Key(&["KeyMetadata", "KeyId"])),
    operation("kms", "ListKeyPolicies", &["PolicyNames"], &["PolicyNames"], Room::Kms, Subject::Key(&[])),
    operation("kms", "GetKeyPolicy", &["Policy"], &[], Room::Kms, Subject::KeyPolicy),
    operation("kms", "GetKeyRotationStatus", &["KeyRotationEnabled"], &[], Room::Kms, Subject::Key(&["KeyId"])),
    operation(
        "kms",
        "ListKeyRotations",
        &["Rotations"],
        &["Rotations"],
        Room::Kms,
        Subject::Key(&["Rotations", "KeyId"]),
    ),
    operation("kms", "ListGrants", &["Grants"], &["Grants"], Room::Kms, Subject::Key(&["Grants", "KeyId"])),
    operation("kms", "ListResourceTags", &["Tags"], &["Tags"], Room::Kms, Subject::Key(&[])),
    operation("organizations", "DescribeOrganization", &["Organization"], &[], Room::Organization, Subject::Whole),
    operation("organizations", "ListRoots", &["Roots"], &["Roots"], Room::Organization, Subject::Whole),
    operation("organizations", "ListAccounts", &["Accounts"], &["Accounts"], Room::Organization, Subject::Whole),
];

/// Adds files to the import at `folder`, which is begun if there is none.
///
/// # Errors
/// When a file is no answer of the AWS CLI, does not name what it is about, or the snapshot cannot be written.
pub fn add(folder: &Path, files: &[PathBuf], hints: &Hints, now: Timestamp) -> Result<usize, Error> {
    if hints.account_id.len() != 12 || !hints.account_id.bytes().all(|byte| byte.is_ascii_digit()) {
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
        let path = answer.path(&hints.account_id);
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
            let response = file.as_ref().and_then(|file| file.response(operation));
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
    let answer = organization.response("ListAccounts").and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let accounts = answer.as_ref().and_then(|answer| answer.get("Accounts")?.as_array());
    let entry = |account: &Value| {
        let id = account.get("Id")?.as_str()?.to_owned();
        Some((id, account.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned()))
    };
    accounts.into_iter().flatten().filter_map(entry).collect()
}

fn organization_id(organization: &SnapshotFile) -> Option<String> {
    let answer: Value = serde_json::from_str(organization.response("DescribeOrganization")?.get()).ok()?;
    Some(answer.get("Organization")?.get("Id")?.as_str()?.to_owned())
}

/// One file of the AWS CLI, understood.
struct Answer {
    operation: &'static Operation,
    resource: Vec<String>,
    region: Option<String>,
    raw: Box<RawValue>,
    lengths: BTreeMap<String, (usize, usize)>,
    truncated: bool,
    file_name: String,
    digest: String,
}

impl Answer {
    fn read(path: &Path, hints: &Hints) -> Result<Self, Error> {
        let bytes = crate::files::read(path)?;
        let not_json = |reason: String| Error::NotJson { path: path.to_path_buf(), reason };
        let raw: Box<RawValue> = serde_json::from_slice(&bytes).map_err(|failed| not_json(failed.to_string()))?;
        let value: Value = serde_json::from_str(raw.get()).map_err(|failed| not_json(failed.to_string()))?;
        let operation = recognise(&value).ok_or_else(|| unknown(path, &value))?;
        check_account(path, &value, &hints.account_id)?;
        let unnamed = |what, flag| Error::Unnamed { path: path.to_path_buf(), operation: operation.name, what, flag };
        let region = match operation.room {
            Room::Kms => {
                let named = first_arn(&value).and_then(|arn| Arn::parse(&arn).map(|arn| arn.region.to_owned()));
                Some(named.or_else(|| hints.region.clone()).ok_or_else(|| unnamed("Region", "--region REGION"))?)
            }
            Room::Iam | Room::Organization => None,
        };
        let key = |members: &[&str]| {
            let named = member(&value, members).map(key_id);
            named.or_else(|| hints.key_id.clone()).ok_or_else(|| unnamed("key", "--key KEY_ID"))
        };
        let resource = match operation.subject {
            Subject::Whole => Vec::new(),
            Subject::Key(members) => vec![key(members)?],
            Subject::KeyPolicy => {
                let name = value.get("PolicyName").and_then(Value::as_str).unwrap_or(&hints.policy_name);
                vec![key(&[])?, name.to_owned()]
            }
            Subject::User(members) => {
                let named = member(&value, members).or_else(|| hints.user_name.clone());
                vec![named.ok_or_else(|| unnamed("user", "--user NAME"))?]
            }
        };
        let length = |list: &&str| Some(((*list).to_owned(), (0, value.get(*list)?.as_array()?.len())));
        let is_true = |name: &str| value.get(name).and_then(Value::as_bool) == Some(true);
        let truncated =
            is_true("IsTruncated") || is_true("Truncated") || value.get("NextToken").is_some_and(Value::is_string);
        Ok(Self {
            operation,
            resource,
            region,
            lengths: operation.lists.iter().filter_map(length).collect(),
            truncated,
            file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            digest: crate::digest::sha256(&bytes),
            raw,
        })
    }

    /// Where a collection would have put it.
    fn path(&self, account_id: &str) -> String {
        match (self.operation.room, &self.region) {
            (Room::Organization, _) => ORGANIZATION.to_owned(),
            (Room::Kms, Some(region)) => kms_path(account_id, region),
            (Room::Kms | Room::Iam, _) => iam_path(account_id),
        }
    }

    fn put(&self, file: &mut SnapshotFile, now: Timestamp) -> Result<(), Error> {
        let resource: Vec<&str> = self.resource.iter().map(String::as_str).collect();
        file.put(self.operation.name, &resource, &self.raw)?;
        let api = format!("{}:{}", self.operation.service, self.operation.name);
        file.forget(&api, &self.resource);
        let nothing = !self.lengths.is_empty() && self.lengths.values().all(|(_, to)| *to == 0);
        file.record(Call {
            api,
            resource: self.resource.clone(),
            parameters: BTreeMap::from([
                ("file".to_owned(), self.file_name.clone()),
                ("sha256".to_owned(), self.digest.clone()),
            ]),
            page: 1,
            time: now,
            request_id: None,
            outcome: match (self.truncated, nothing) {
                (true, _) => Outcome::Truncated,
                (false, true) => Outcome::Empty,
                (false, false) => Outcome::Collected,
            },
            code: None,
            message: self.truncated.then(|| "the AWS CLI printed one page of several".to_owned()),
            items: self.lengths.clone(),
        });
        Ok(())
    }
}

fn recognise(value: &Value) -> Option<&'static Operation> {
    let object = value.as_object()?;
    OPERATIONS.iter().find(|operation| operation.members.iter().all(|member| object.contains_key(*member)))
}

fn unknown(path: &Path, value: &Value) -> Error {
    let members = match value {
        Value::Object(object) if object.is_empty() => "none".to_owned(),
        Value::Object(object) => {
            object.keys().take(8).map(|name| format!("`{}`", name.escape_debug())).collect::<Vec<_>>().join(", ")
        }
        _ => "not those of an object".to_owned(),
    };
    let known = OPERATIONS.iter().map(|operation| operation.name).collect::<Vec<_>>().join(", ");
    Error::Unknown { path: path.to_path_buf(), members, known }
}

/// A member of the answer, or of the first item of a list in it.
fn member(value: &Value, members: &[&str]) -> Option<String> {
    let mut place = value;
    if members.is_empty() {
        return None;
    }
    for name in members {
        place = match place {
            Value::Array(items) => items.first()?,
            other => other,
        };
        place = place.get(*name)?;
    }
    place.as_str().map(str::to_owned)
}

/// The id of a key that may be named by ARN.
fn key_id(text: String) -> String {
    match Arn::parse(&text).and_then(|arn| arn.resource.strip_prefix("key/")) {
        Some(id) => id.to_owned(),
        None => text,
    }
}

/// The first ARN of an answer that names a Region.
fn first_arn(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            Arn::parse(text).filter(|arn| arn.service == "kms" && !arn.region.is_empty()).map(|_| text.clone())
        }
        Value::Array(items) => items.iter().find_map(first_arn),
        Value::Object(object) => ["Arn", "KeyArn", "AliasArn", "KeyId"]
            .iter()
            .filter_map(|name| object.get(*name))
            .chain(object.values().filter(|value| !value.is_string()))
            .find_map(first_arn),
        _ => None,
    }
}

/// Refuses an answer whose own ARNs name another account.
fn check_account(path: &Path, value: &Value, expected: &str) -> Result<(), Error> {
    let owners = [
        "/UserDetailList/0/Arn",
        "/RoleDetailList/0/Arn",
        "/GroupDetailList/0/Arn",
        "/KeyMetadata/Arn",
        "/Keys/0/KeyArn",
    ];
    for owner in owners {
        if let Some(arn) = value.pointer(owner).and_then(Value::as_str).and_then(Arn::parse)
            && arn.account_id != expected
        {
            return Err(Error::OtherAccount {
                path: path.to_path_buf(),
                found: arn.account_id.escape_debug().to_string(),
                expected: expected.to_owned(),
            });
        }
    }
    Ok(())
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

        fn finish(&self) -> crate::model::Account {
            finish(&self.out()).unwrap();
            assert_eq!(snapshot::verify(&self.out()).unwrap(), []);
            let snapshot = Snapshot::open(&self.out()).unwrap();
            let organization = snapshot.organization().unwrap();
            snapshot.account(&snapshot.manifest().accounts[0], &organization).unwrap()
        }
    }

    fn keys() -> Value {
        serde_json::json!({"Keys": [{"KeyId": KEY, "KeyArn": format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY}")}]})
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
    fn a_second_answer_replaces_the_first() {
        let import = Import::new();
        let mut page = keys();
        page["Truncated"] = Value::Bool(true);
        import.add("keys.json", &page).unwrap();
        import.add("keys.json", &keys()).unwrap();
        assert!(import.finish().regions["eu-west-1"].keys.whole().is_ok());
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
