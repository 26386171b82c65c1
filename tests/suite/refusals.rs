//! Bad input: a clear message that names what, where and what to do, and the exit code that scripts rely on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::aws::{collect, organization};
use crate::findings::job;
use crate::program::{audit, files, json, keyproof, run, text, told};

const LEGACY: &str = "012345678901";

/// Runs a command that must fail, and demands words of its message.
fn fails(command: &mut std::process::Command, code: i32, words: &[&str]) {
    let output = run(command, code);
    assert!(output.stdout.is_empty(), "nothing but results on standard output: {}", told(&output));
    for word in words {
        assert!(told(&output).contains(word), "{word:?} is not told:\n{}", told(&output));
    }
}

/// A copy of the job's snapshot that may be spoilt.
fn copy_of_snapshot(folder: &Path) -> std::path::PathBuf {
    let copy = folder.join("snapshot");
    for (path, bytes) in files(&job().snapshot) {
        let target = copy.join(path);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::write(target, bytes).expect("a file");
    }
    copy
}

#[test]
fn no_credentials() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    let mut command = collect(&scope, &organization().truth, &folder.path().join("snapshot"));
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    fails(&mut command, 1, &["credentials"]);
    assert!(scope.calls().is_empty());
}

#[test]
fn credentials_that_aws_does_not_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    let mut command = collect(&scope, &organization().truth, &folder.path().join("snapshot"));
    command.env("AWS_ACCESS_KEY_ID", "AKIAUNKNOWNUNKNOWN00");
    fails(&mut command, 1, &["InvalidClientTokenId"]);
}

#[test]
fn credentials_that_have_expired() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    scope.order(json!({"operation": "GetCallerIdentity", "kind": "expired_token"}));
    fails(&mut collect(&scope, &organization().truth, &folder.path().join("snapshot")), 1, &["expired"]);
}

#[test]
fn an_endpoint_that_nobody_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = collect(&organization().scope(), &organization().truth, &folder.path().join("snapshot"));
    fails(command.env("AWS_ENDPOINT_URL", NOBODY), 1, &[NOBODY]);
}

/// The outcome of kms:ListKeys in each Region, in one account.
fn list_keys(snapshot: &Path, account: &str) -> BTreeMap<String, String> {
    let manifest = json(&snapshot.join("manifest.json"));
    let rows = manifest["coverage"].as_array().expect("coverage");
    let mine = rows.iter().filter(|row| row["api"] == "kms:ListKeys" && row["account_id"] == account);
    mine.map(|row| (text(row, "region").to_owned(), text(row, "outcome").to_owned())).collect()
}

#[test]
fn a_region_that_is_not_enabled() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let mut command = collect(&organization().scope(), &organization().truth, &out);
    let output = run(command.args(["--region", "af-south-1", "--account", LEGACY]), 4);
    assert!(told(&output).contains("af-south-1"), "{}", told(&output));
    let listed = list_keys(&out, LEGACY);
    assert_eq!(listed["af-south-1"], "failed");
    assert!(organization().truth.regions.iter().all(|region| listed[region] != "failed"), "{listed:?}");
}

#[test]
fn a_region_that_does_not_exist() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    let command = || collect(&scope, &organization().truth, &out);
    fails(command().args(["--region", "eu-central"]), 1, &["eu-central", "Region"]);
    assert!(scope.calls().is_empty());
    // As far as can be told from its name it may exist, but nobody is there.
    let output = run(command().args(["--account", LEGACY]).env("AWS_ENDPOINT_URL_KMS", NOBODY), 4);
    assert!(told(&output).contains("us-east-1"), "{}", told(&output));
    assert!(list_keys(&out, LEGACY).values().all(|outcome| outcome == "failed"));
}

/// An endpoint that nobody serves. No system gives this port to whoever asks for any port, so that no other test can come to listen
/// there.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn an_output_folder_that_holds_something() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("letter.txt"), "dear").expect("a file");
    let path = folder.path().display().to_string();
    let scope = organization().scope();
    fails(&mut collect(&scope, &organization().truth, folder.path()), 1, &[&path, "empty"]);
    assert!(scope.calls().is_empty(), "nothing is asked of AWS before the place for it is certain");
    fails(&mut audit(&job().snapshot, folder.path()), 1, &[&path, "empty"]);
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn an_output_folder_that_cannot_be_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let out = file.join("snapshot");
    let words = [out.display().to_string()];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    fails(&mut collect(&organization().scope(), &organization().truth, &out), 1, &words);
    fails(&mut audit(&job().snapshot, &out), 1, &words);
}

#[test]
fn a_snapshot_that_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("pack");
    for snapshot in [folder.path().join("nowhere"), folder.path().to_owned()] {
        fails(&mut audit(&snapshot, &out), 1, &[&snapshot.display().to_string()]);
        assert!(!out.exists());
    }
}

#[test]
fn a_pack_in_the_place_of_its_snapshot() {
    let out = tempfile::tempdir().expect("a folder");
    fails(&mut audit(&job().pack, &out.path().join("pack")), 1, &["data/snapshot"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_takes_nothing() {
    let full = fs::File::options().write(true).open("/dev/full").expect("a device");
    let output = run(keyproof().args(["check", "list"]).stdout(full), 1);
    assert!(told(&output).contains("standard output"), "{}", told(&output));
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let mut child = keyproof().arg("man").stdout(std::process::Stdio::piped()).spawn().expect("keyproof starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_snapshot_with_a_flipped_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = copy_of_snapshot(folder.path());
    let name = "accounts/444455556666/iam.json.zst";
    let mut bytes = fs::read(snapshot.join(name)).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(snapshot.join(name), bytes).expect("a file");
    fails(&mut audit(&snapshot, &folder.path().join("pack")), 1, &[name]);
}

#[test]
fn a_snapshot_with_a_missing_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = copy_of_snapshot(folder.path());
    let name = "accounts/444455556666/kms/us-east-1.json.zst";
    fs::remove_file(snapshot.join(name)).expect("a file");
    fails(&mut audit(&snapshot, &folder.path().join("pack")), 1, &[name]);
}

#[test]
fn a_snapshot_of_a_later_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = copy_of_snapshot(folder.path());
    let mut manifest = json(&snapshot.join("manifest.json"));
    manifest["schema_version"] = json!(2);
    fs::write(snapshot.join("manifest.json"), manifest.to_string()).expect("a file");
    fails(&mut audit(&snapshot, &folder.path().join("pack")), 1, &["version", "2"]);
}

#[test]
fn an_unfinished_collection_is_no_snapshot() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = copy_of_snapshot(folder.path());
    fs::remove_file(snapshot.join("manifest.json")).expect("a file");
    fails(&mut audit(&snapshot, &folder.path().join("pack")), 1, &["manifest.json"]);
}

#[test]
fn a_command_line_that_makes_no_sense() {
    fails(keyproof().arg("colect"), 2, &["colect", "collect"]);
    fails(keyproof().args(["audit", "somewhere"]), 2, &["--out"]);
}
