//! A collection that is interrupted loses nothing: resumed, it ends as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::aws::{Call, Scope, collect, organization};
use crate::findings::{assert_said, expected, expected_of, job, known_findings, said};
use crate::program::{audit, files, run, told};

const LEGACY: &str = "012345678901";
const PAYMENTS: &str = "444455556666";
const SANDBOX: &str = "777788889999";
/// A part of the organization is enough.
const PART: [&str; 3] = [LEGACY, PAYMENTS, SANDBOX];

/// `keyproof collect` of the part.
fn collect_part(scope: &Scope, out: &Path) -> Command {
    let mut command = collect(scope, &organization().truth, out);
    command.args(["--account", &PART.join(",")]);
    command
}

/// Starts a collection and waits until calls of one account hang, so that others are done or under way.
fn caught_in_the_middle(scope: &Scope, out: &Path) -> Child {
    scope.order(json!({"operation": "DescribeKey", "account": LEGACY, "kind": "hold"}));
    let child = collect_part(scope, out).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("keyproof starts");
    scope.wait_until_held(1);
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
}

/// What a snapshot knows, without what is different in every run: times, request ids, pages, and digests of all these.
fn content(snapshot: &Path) -> BTreeMap<String, Value> {
    let without = |mut value: Value| {
        if let Some(members) = value.as_object_mut() {
            for name in ["calls", "GetCredentialReport", "window"] {
                members.remove(name);
            }
        }
        value
    };
    files(snapshot)
        .into_iter()
        .filter(|(path, _)| path.ends_with(".json.zst") || path == "organization.json")
        .map(|(path, bytes)| {
            let text = if path.ends_with(".zst") { zstd::decode_all(bytes.as_slice()).expect("zstd") } else { bytes };
            (path, without(serde_json::from_slice(&text).expect("JSON")))
        })
        .collect()
}

fn resumed(scope: &Scope, out: &Path) {
    scope.forgive();
    scope.release();
    run(collect_part(scope, out).arg("--resume"), 0);
    let (found, mut wanted) = (content(out), content(&job().snapshot));
    wanted.retain(|path, _| !path.contains('/') || PART.iter().any(|account| path.contains(account)));
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (path, value) in &wanted {
        assert!(found[path] == *value, "{path} differs from that of a collection that was not interrupted");
    }
    let pack = out.with_extension("pack");
    run(&mut audit(out, &pack), 0);
    assert_said(&said(&known_findings(&pack)), &expected_of(organization(), &PART));
}

#[test]
fn ctrl_c_leaves_a_collection_that_can_be_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    let child = caught_in_the_middle(&scope, &out);
    signal(&child, "INT");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", told(&output));
    assert!(told(&output).contains("--resume"), "the remedy is not told:\n{}", told(&output));
    assert!(!out.join("manifest.json").exists(), "an unfinished collection must not look like a snapshot");
    resumed(&scope, &out);
}

#[test]
fn a_killed_collection_can_be_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    let mut child = caught_in_the_middle(&scope, &out);
    signal(&child, "KILL");
    child.wait().expect("it ends");
    resumed(&scope, &out);
}

/// A command whose files may not grow beyond so many blocks of 512 bytes: what is left of a disk.
#[cfg(unix)]
fn with_little_room(command: &Command, blocks: usize) -> Command {
    let mut shell = Command::new("sh");
    // Without the trap the signal would kill it; so the system refuses to write on, as it does on a full disk.
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args()).env_clear().stdin(Stdio::null());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_again_and_again_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (out, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    let organization = organization();
    let scope = organization.scope();
    let command = || collect(&scope, &organization.truth, &out);
    let mut finished = 0;
    // The journal is the file that grows: it ends amid a line, twice.
    for (blocks, flag) in [(60, "--quiet"), (80, "--resume")] {
        let output = run(&mut with_little_room(command().arg(flag), blocks), 1);
        for word in ["journal.ndjson", "--resume"] {
            assert!(told(&output).contains(word), "{word} is not told:\n{}", told(&output));
        }
        let files = files(&out).len();
        assert!(files > finished, "{files} files after {finished}");
        finished = files;
    }
    run(command().arg("--resume"), 0);
    run(&mut audit(&out, &pack), 0);
    assert_said(&said(&known_findings(&pack)), &expected(organization));
    let output = run(command().arg("--resume"), 1);
    assert!(told(&output).contains("finished"), "{}", told(&output));
}

#[test]
fn resuming_asks_again_only_for_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    // The last account is cut off by its credentials: all before it is on disk.
    scope.order(json!({"operation": "ListGrants", "account": SANDBOX, "kind": "expired_token"}));
    run(collect_part(&scope, &out).args(["--concurrency", "1"]), 1);
    let before = scope.calls().len();
    scope.forgive();
    run(collect_part(&scope, &out).arg("--resume"), 0);
    let calls = scope.calls();
    let details = |calls: &[Call]| -> BTreeSet<String> {
        let asked = calls.iter().filter(|call| call.operation == "GetAccountAuthorizationDetails");
        asked.map(|call| call.account.clone()).collect()
    };
    let (first, second) = (details(&calls[..before]), details(&calls[before..]));
    assert!(!first.is_empty() && first.is_disjoint(&second), "asked before: {first:?}, asked again: {second:?}");
}

#[test]
fn resuming_another_scope_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    scope.order(json!({"operation": "ListGrants", "kind": "expired_token"}));
    run(&mut collect_part(&scope, &out), 1);
    scope.forgive();
    let output = run(collect_part(&scope, &out).args(["--resume", "--exclude-account", LEGACY]), 1);
    assert!(told(&output).contains("--exclude-account"), "{}", told(&output));
    let output = run(&mut collect_part(&scope, &out), 1);
    assert!(told(&output).contains("--resume"), "{}", told(&output));
}
