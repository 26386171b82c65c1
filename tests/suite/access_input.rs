//! What `keyproof access` is asked: filters alone and together, families of keys, and organizations that are odd.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::access::lines;
use crate::demo::demo;
use crate::program::{keyproof, run, text, told};

fn access(snapshot: &Path, arguments: &[&str]) -> Output {
    let mut command = keyproof();
    command.arg("access").args(arguments).arg("--snapshot").arg(snapshot);
    run(&mut command, 0)
}

fn rows(snapshot: &Path, arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "ndjson"]).collect();
    lines(&access(snapshot, &arguments).stdout)
}

fn of_demo() -> PathBuf {
    demo().join("snapshots/2026-Q3")
}

/// The rows of a matrix under filters are those of the whole matrix that a rule keeps.
fn filtered(whole: &[Value], arguments: &[&str], keeps: impl Fn(&Value) -> bool) -> Vec<Value> {
    let arguments: Vec<&str> = ["matrix"].iter().chain(arguments).copied().collect();
    let found = rows(&of_demo(), &arguments);
    let expected: Vec<&Value> = whole.iter().filter(|row| keeps(row)).collect();
    assert!(!expected.is_empty() && expected.len() < whole.len(), "{arguments:?} keeps {} rows", expected.len());
    assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{arguments:?}");
    found
}

#[test]
fn filters_keep_rows_of_the_whole_and_compose() {
    let whole = rows(&of_demo(), &["matrix"]);
    let of_key = |row: &Value, account: &str| text(row, "key_arn").split(':').nth(4) == Some(account);
    filtered(&whole, &["--account", "123456789012"], |row| of_key(row, "123456789012"));
    filtered(&whole, &["--account", "123456789012,333344445555"], |row| {
        of_key(row, "123456789012") || of_key(row, "333344445555")
    });
    filtered(&whole, &["--access", "conditional,via_service"], |row| {
        ["conditional", "via_service"].contains(&text(row, "access"))
    });
    let settlement = "1e1d2dbe-ebf4-4273-aee8-58378a5736e7";
    let is_settlement = |row: &Value| text(row, "key_arn").ends_with(settlement);
    for name in ["alias/settlement", "alias/batch", settlement] {
        filtered(&whole, &["--key", name], is_settlement);
    }
    filtered(&whole, &["--alias", "alias/settlement"], is_settlement);
    // An alias that AWS gives in every account and Region names many keys.
    let managed = rows(&of_demo(), &["matrix", "--alias", "alias/aws/ebs"]);
    let keys: BTreeSet<&str> = managed.iter().map(|row| text(row, "key_arn")).collect();
    assert!(keys.len() > 5, "{keys:?}");
    filtered(&whole, &["--alias", "alias/aws/ebs"], |row| keys.contains(text(row, "key_arn")));
    filtered(&whole, &["--alias", "alias/aws/ebs", "--account", "123456789012"], |row| {
        keys.contains(text(row, "key_arn")) && of_key(row, "123456789012")
    });
    let below = "Root/Workloads/Prod/Cardholder data";
    filtered(&whole, &["--ou", below], |row| of_key(row, "123456789012"));
    filtered(&whole, &["--ou", below, "--access", "conditional"], |row| {
        of_key(row, "123456789012") && text(row, "access") == "conditional"
    });
    let can = rows(&of_demo(), &["can", "arn:aws:iam::123456789012:role/KeyOperators", "--alias", "alias/settlement"]);
    assert!(!can.is_empty() && can.iter().all(is_settlement));
}

#[test]
fn what_a_filter_leaves_out_is_said() {
    let said = |arguments: &[&str]| String::from_utf8(access(&of_demo(), arguments).stderr).expect("text");
    let key = said(&["matrix", "--key", "alias/settlement", "--access", "conditional"]);
    assert!(key.contains("filters leave 99 keys out of 100"), "{key}");
    assert!(key.contains("--access leaves out 9 rows"), "{key}");
    let nothing = said(&["matrix", "--alias", "alias/settlement", "--account", "333344445555"]);
    assert!(nothing.contains("no key passes every filter"), "{nothing}");
    // A key whose tags could not be read may have any.
    let tag = said(&["matrix", "--tag", "DataClass=audits"]);
    assert!(tag.contains("has the tag `DataClass=audits`; did you mean `DataClass=audit`?"), "{tag}");
    assert!(tag.contains("--tag keeps 1 key, whose tags were not read"), "{tag}");
    let who = access(&of_demo(), &["who-can", "kms:Decrypt", "alias/settlement", "--access", "conditional"]);
    assert!(told(&who).contains("Nobody in the way that --access asks for."), "{}", told(&who));
    assert!(told(&who).contains("--access leaves out 9 rows"), "{}", told(&who));
}

#[test]
fn help_says_what_every_filter_does() {
    for (command, filters) in [
        ("matrix", &["--action", "--account", "--ou", "--key", "--alias", "--tag", "--access"][..]),
        ("can", &["--action", "--account", "--ou", "--key", "--alias", "--tag", "--access"]),
        ("who-can", &["--access", "--include-denied"]),
    ] {
        let help = told(&run(keyproof().args(["access", command, "--help"]), 0));
        for filter in filters {
            assert!(help.contains(filter), "{command} has no {filter}");
        }
    }
}

const VAULT: &str = "key/mrk-4f0bf5e3cc82d1f27e4877f3642d20fb";

#[test]
fn related_keys_of_a_family_decrypt_for_each_other() {
    let vault = |region: &str| format!("arn:aws:kms:{region}:123456789012:{VAULT}");
    let rows = rows(&of_demo(), &["who-can", "kms:Decrypt", &vault("eu-central-1")]);
    let (own, related): (Vec<&Value>, Vec<&Value>) =
        rows.iter().partition(|row| text(row, "key_arn") == vault("eu-central-1"));
    let notes = |row: &Value| -> Vec<String> { serde_json::from_value(row["notes"].clone()).expect("notes") };
    let operators = own.iter().find(|row| text(row, "principal_arn").ends_with("role/KeyOperators")).expect("a row");
    assert_eq!(notes(operators), ["also under the related keys in eu-west-1 (allowed), us-east-1 (allowed)"]);
    // An instance decrypts by a grant on the replica alone.
    assert_eq!(related.len(), 1, "{related:?}");
    assert_eq!(text(related[0], "key_arn"), vault("eu-west-1"));
    assert!(text(related[0], "principal_arn").ends_with("/i-0553de065e46abb23"));
    let note = format!("what is encrypted under {} is decrypted under this related key", vault("eu-central-1"));
    assert_eq!(notes(related[0]), [note]);

    let answer = told(&access(&of_demo(), &["who-can", "kms:Decrypt", &vault("eu-central-1")]));
    let (_, section) = answer.split_once("RELATED KEYS ").expect("a part on related keys");
    for words in [vault("eu-west-1").as_str(), "/i-0553de065e46abb23  kms:Decrypt: allowed if chosen", "nobody beyond"]
    {
        assert!(section.contains(words), "{words:?} is not in {section}");
    }
    // A denial says so as well.
    let instance = text(related[0], "principal_arn");
    let denied = told(&access(&of_demo(), &["explain", instance, "kms:Decrypt", &vault("eu-central-1")]));
    for words in ["DENIED", "note: also under the related keys in eu-west-1 (allowed if chosen)"] {
        assert!(denied.contains(words), "{words:?} is not in {denied}");
    }
    // What reveals no plaintext stays with its key.
    for (action, key) in [("kms:Encrypt", vault("eu-central-1").as_str()), ("kms:Decrypt", "alias/settlement")] {
        assert!(!told(&access(&of_demo(), &["who-can", action, key])).contains("RELATED KEYS"), "{action} {key}");
    }
}

const ACCOUNT: &str = "111122223333";
const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:eu-central-1:{ACCOUNT}:key/{id}")
}

/// An account with one key and the role `App`, as the AWS CLI prints it.
struct Odd {
    key_id: &'static str,
    key_policy: Value,
    grants: Vec<Value>,
    /// Members of the key's metadata.
    metadata: Value,
    roles: Vec<Value>,
}

fn statement(principal: &str, action: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"})
}

fn role(name: &str) -> Value {
    let trust = json!({"Version": "2012-10-17", "Statement": [statement(ACCOUNT, "sts:AssumeRole")]});
    json!({
        "Path": "/", "RoleName": name, "RoleId": format!("AROA{name:A>16}"),
        "Arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"), "CreateDate": "2026-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust, "InstanceProfileList": [], "RolePolicyList": [],
        "AttachedManagedPolicies": [], "Tags": [],
    })
}

impl Odd {
    fn new(statements: &[Value]) -> Self {
        Self {
            key_id: KEY,
            key_policy: json!({"Version": "2012-10-17", "Statement": statements}),
            grants: vec![],
            metadata: json!({}),
            roles: vec![role("App")],
        }
    }

    /// The snapshot, without an organization.
    fn snapshot(&self, folder: &Path) -> PathBuf {
        let mut metadata = json!({
            "KeyId": self.key_id, "Arn": key_arn(self.key_id), "AWSAccountId": ACCOUNT, "KeyState": "Enabled",
            "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT",
            "Origin": "AWS_KMS", "Enabled": true, "Description": "", "CreationDate": "2026-01-01T00:00:00Z",
        });
        metadata.as_object_mut().expect("members").extend(self.metadata.as_object().expect("members").clone());
        let files = [
            json!({"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": self.roles, "Policies": []}),
            json!({"Keys": [{"KeyId": self.key_id, "KeyArn": key_arn(self.key_id)}]}),
            json!({"KeyMetadata": metadata}),
            json!({"PolicyNames": ["default"]}),
            json!({"Policy": self.key_policy.to_string()}),
            json!({"Grants": self.grants}),
            json!({"Tags": []}),
            json!({"Aliases": []}),
            json!({"Regions": [{"RegionName": "eu-central-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"}]}),
        ];
        let out = folder.join("snapshot");
        let mut command = keyproof();
        command.args(["import", "--account", ACCOUNT, "--region", "eu-central-1", "--key", self.key_id]);
        command.args(["--finish", "--allow-incomplete", "--out"]).arg(&out);
        for (number, file) in files.iter().enumerate() {
            let path = folder.join(format!("{number}.json"));
            std::fs::write(&path, file.to_string()).expect("a file");
            command.arg(path);
        }
        run(&mut command, 0);
        out
    }
}

fn app() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/App")
}

#[test]
fn without_the_organization_nothing_is_certain() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = Odd::new(&[statement(&app(), "kms:*")]).snapshot(folder.path());
    let output = access(&snapshot, &["explain", &app(), "kms:Decrypt", KEY, "--format", "ndjson"]);
    assert!(
        told(&output).contains("nothing is certain: the organization's policies are not known"),
        "{}",
        told(&output)
    );
    let row = &lines(&output.stdout)[0];
    assert_eq!(text(row, "access"), "possible", "{row}");
    assert_eq!(lines(&access(&snapshot, &["matrix"]).stdout).iter().filter(|it| it["access"] == "allowed").count(), 0);
}

#[test]
fn a_principal_that_was_deleted_has_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let deleted = "AROAEXAMPLEEXAMPLE123";
    let gone = format!("arn:aws:iam::{ACCOUNT}:role/Gone");
    let snapshot = Odd::new(&[statement(&app(), "kms:*"), statement(deleted, "kms:*"), statement(&gone, "kms:*")]);
    let snapshot = snapshot.snapshot(folder.path());
    let rows = rows(&snapshot, &["who-can", "kms:Decrypt", KEY]);
    let who: Vec<&str> = rows.iter().map(|row| text(row, "principal_arn")).collect();
    assert_eq!(who, [app()]);
    for name in [deleted, gone.as_str()] {
        let mut command = keyproof();
        command.args(["access", "explain", name, "kms:Decrypt", KEY, "--snapshot"]).arg(&snapshot);
        let output = run(&mut command, 2);
        assert!(told(&output).contains(&format!("no principal `{name}`")), "{}", told(&output));
    }
}

#[test]
fn ten_thousand_grants_and_the_largest_key_policy_are_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let delegation = statement(&format!("arn:aws:iam::{ACCOUNT}:root"), "kms:*");
    let mut statements = vec![delegation];
    for number in 0.. {
        let mut padding = statement(ACCOUNT, "kms:DescribeKey");
        padding["Sid"] = json!(format!("padding {number:04}"));
        statements.push(padding);
        if json!({"Version": "2012-10-17", "Statement": statements}).to_string().len() > 32_000 {
            break;
        }
    }
    let mut odd = Odd::new(&statements);
    odd.roles = (0..20).map(|number| role(&format!("Worker{number:02}"))).collect();
    odd.grants = (0..10_000)
        .map(|number| {
            let worker = format!("arn:aws:iam::{ACCOUNT}:role/Worker{:02}", number % 20);
            json!({
                "KeyId": key_arn(KEY), "GrantId": format!("{number:064}"), "GranteePrincipal": worker,
                "IssuingAccount": format!("arn:aws:iam::{ACCOUNT}:root"), "Operations": ["Decrypt"],
                "CreationDate": "2026-01-01T00:00:00Z",
                "Constraints": {"EncryptionContextEquals": {"volume": format!("vol-{number:05}")}},
            })
        })
        .collect();
    let snapshot = odd.snapshot(folder.path());
    let rows = rows(&snapshot, &["who-can", "kms:Decrypt", KEY]);
    let workers: Vec<&Value> = rows.iter().filter(|row| text(row, "principal_type") == "role").collect();
    assert_eq!(workers.len(), 20);
    for row in workers {
        assert_eq!(text(row, "path"), "grant", "{row}");
        assert_eq!(row["grants"].as_array().map(Vec::len), Some(500), "each grant decides under its own context");
    }
}

#[test]
fn a_related_key_that_was_not_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let id = "mrk-1234abcd12ab34cd56ef1234567890ab";
    let replica = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}");
    let mut odd = Odd::new(&[statement(&app(), "kms:*")]);
    odd.key_id = id;
    odd.metadata = json!({"MultiRegion": true, "MultiRegionConfiguration": {
        "MultiRegionKeyType": "PRIMARY", "PrimaryKey": {"Arn": key_arn(id), "Region": "eu-central-1"},
        "ReplicaKeys": [{"Arn": replica, "Region": "us-east-1"}],
    }});
    let snapshot = odd.snapshot(folder.path());
    let words = format!("the related key {replica} was not read: who can use it can decrypt what this key encrypts");
    let row = &rows(&snapshot, &["who-can", "kms:Decrypt", id])[0];
    assert!(row["notes"].to_string().contains(&words), "{row}");
    let output = access(&snapshot, &["who-can", "kms:Decrypt", id]);
    assert!(String::from_utf8_lossy(&output.stderr).contains(&words), "{}", told(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains(&words), "{}", told(&output));
}
