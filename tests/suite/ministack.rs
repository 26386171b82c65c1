//! A second emulator that shares no code with the first one: what only one of them does is no law of AWS.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::aws::Emulator;
use crate::program::{audit, findings, json, keyproof, run, text};

/// Starts ministack with so many keys in its member account, collects and audits; both exit codes must be this one.
fn job(folder: &Path, keys: usize, code: i32) -> (Emulator, PathBuf, Vec<Value>) {
    let emulator = Emulator::start("ministack_server.py", &["--keys", &keys.to_string()]);
    let (snapshot, pack) = (folder.join("snapshot"), folder.join("pack"));
    let mut command = keyproof();
    command
        .env("AWS_ENDPOINT_URL", emulator.endpoint())
        .env("AWS_ACCESS_KEY_ID", "000000000000")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .args(["collect", "--role-name", text(&emulator.ready, "audit_role")])
        .args(["--region", text(&emulator.ready, "region"), "--out"])
        .arg(&snapshot);
    run(&mut command, code);
    run(&mut audit(&snapshot, &pack), code);
    let found = findings(&pack);
    (emulator, snapshot, found)
}

fn status_of<'a>(found: &'a [Value], check: &str, name: &str) -> BTreeSet<&'a str> {
    let about = |it: &&Value| text(it, "check_id") == check && text(it, "resource_name") == name;
    found.iter().filter(about).map(|it| text(it, "status")).collect()
}

#[test]
fn good_and_bad_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    // Calls that ministack does not know are gaps: of key stores, the last use of keys, certificates and others.
    let (emulator, _, found) = job(folder.path(), 3, 4);
    let check = "iam-managed-policy-kms-decrypt-all-keys";
    assert_eq!(status_of(&found, check, "bad-decrypt"), ["FAIL"].into());
    assert_eq!(status_of(&found, check, "good-encrypt"), ["PASS"].into());
    let rotation = found.iter().filter(|it| text(it, "check_id") == "kms-key-rotation-enabled");
    let keys: u64 = emulator.ready["keys"].as_object().expect("keys").values().filter_map(Value::as_u64).sum();
    assert_eq!(rotation.filter(|it| text(it, "status") == "FAIL").count() as u64, keys);
}

#[test]
fn a_list_that_says_truncated_and_gives_no_marker_is_called_incomplete() {
    let folder = tempfile::tempdir().expect("a folder");
    // More than any page that KMS may be asked for.
    let (emulator, snapshot, found) = job(folder.path(), 1001, 4);
    let member =
        emulator.ready["keys"].as_object().expect("keys").keys().find(|id| *id != "000000000000").expect("a member");
    let manifest = json(&snapshot.join("manifest.json"));
    let row = manifest["coverage"]
        .as_array()
        .expect("coverage")
        .iter()
        .find(|row| row["account_id"] == member.as_str() && row["api"] == "kms:ListKeys");
    assert_eq!(row.expect("a row")["outcome"], "truncated");
    for check in
        ["kms-key-pending-deletion", "kms-key-rotation-enabled", "kms-key-policy-public", "kms-grant-external-account"]
    {
        let errors = found.iter().filter(|it| {
            text(it, "check_id") == check && text(it, "account_id") == member && text(it, "status") == "ERROR"
        });
        assert!(errors.count() >= 1, "{check} does not say that keys are missing");
    }
}
