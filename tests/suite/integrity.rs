//! Every byte is accounted for, and the same snapshot gives the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::findings::job;
use crate::program::{audit, files, keyproof, run, told};

fn verify(path: &Path) -> Command {
    let mut command = keyproof();
    command.arg("verify").arg(path);
    command
}

fn copy_of(folder: &Path, into: &Path) -> PathBuf {
    let copy = into.join("copy");
    for (path, bytes) in files(folder) {
        let target = copy.join(path);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::write(target, bytes).expect("a file");
    }
    copy
}

/// `sha256sum -c` over the digest list of a folder.
fn sha256sum(folder: &Path, list: &str) -> std::process::Output {
    Command::new("sha256sum")
        .args(["--check", "--quiet", "--strict", list])
        .current_dir(folder)
        .output()
        .expect("sha256sum")
}

#[test]
fn what_was_written_verifies() {
    for folder in [&job().snapshot, &job().pack] {
        run(&mut verify(folder), 0);
    }
    let listed = sha256sum(&job().pack, "manifest-sha256.txt");
    assert!(listed.status.success(), "{}", told(&listed));
    let listed = sha256sum(&job().snapshot, "manifest.sha256");
    assert!(listed.status.success(), "{}", told(&listed));
}

#[test]
fn a_flipped_byte_in_any_file_is_named() {
    for folder in [&job().snapshot, &job().pack] {
        let scratch = tempfile::tempdir().expect("a folder");
        let copy = copy_of(folder, scratch.path());
        for (path, bytes) in files(folder) {
            // First, middle and last byte: magic numbers, content, trailing line ends.
            for at in [0, bytes.len() / 2, bytes.len() - 1] {
                let mut spoilt = bytes.clone();
                spoilt[at] ^= 1;
                fs::write(copy.join(&path), spoilt).expect("a file");
                let output = run(&mut verify(&copy), 1);
                assert!(
                    told(&output).contains(&path),
                    "byte {at} of {path} was flipped; verify told:\n{}",
                    told(&output)
                );
            }
            fs::write(copy.join(&path), bytes).expect("a file");
        }
        run(&mut verify(&copy), 0);
    }
}

#[test]
fn sha256sum_agrees_with_verify() {
    let scratch = tempfile::tempdir().expect("a folder");
    let copy = copy_of(&job().pack, scratch.path());
    let path = copy.join("data/json/findings.ndjson");
    let text = fs::read_to_string(&path).expect("findings").replacen("FAIL", "PASS", 1);
    fs::write(&path, text).expect("a file");
    assert!(!sha256sum(&copy, "manifest-sha256.txt").status.success());
    run(&mut verify(&copy), 1);
}

#[test]
fn missing_and_unlisted_files_are_named() {
    for folder in [&job().snapshot, &job().pack] {
        let scratch = tempfile::tempdir().expect("a folder");
        let copy = copy_of(folder, scratch.path());
        for (path, bytes) in files(folder) {
            fs::remove_file(copy.join(&path)).expect("a file");
            let output = run(&mut verify(&copy), 1);
            assert!(told(&output).contains(&path), "{path} was removed; verify told:\n{}", told(&output));
            fs::write(copy.join(&path), bytes).expect("a file");
        }
        fs::write(copy.join("added.txt"), "more").expect("a file");
        let output = run(&mut verify(&copy), 1);
        assert!(told(&output).contains("added.txt"), "{}", told(&output));
    }
}

#[test]
fn an_incomplete_pack_that_is_intact_verifies() {
    use crate::aws::{collect, organization};
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    let scope = organization().scope();
    scope.order(serde_json::json!({"operation": "AssumeRole", "match": "777788889999", "kind": "deny"}));
    let mut command = collect(&scope, &organization().truth, &snapshot);
    run(command.args(["--account", "777788889999,111122223333"]), 4);
    run(&mut audit(&snapshot, &pack), 4);
    run(&mut verify(&snapshot), 0);
    run(&mut verify(&pack), 0);
}

#[test]
fn threads_time_zones_and_places_do_not_change_a_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = files(&job().pack);
    for (threads, zone, language) in [("1", "Asia/Kolkata", "de_DE.UTF-8"), ("8", "America/St_Johns", "C")] {
        let pack = folder.path().join(threads);
        let mut command = audit(&job().snapshot, &pack);
        command.env("RAYON_NUM_THREADS", threads).env("TZ", zone).env("LC_ALL", language).current_dir(folder.path());
        run(&mut command, 0);
        let again = files(&pack);
        assert_eq!(again.keys().collect::<Vec<_>>(), first.keys().collect::<Vec<_>>());
        for (path, bytes) in &first {
            assert!(again[path] == *bytes, "{path} differs with {threads} threads in {zone}");
        }
    }
}

#[test]
fn the_pack_holds_the_snapshot_byte_for_byte() {
    let inside = files(&job().pack.join("data/snapshot"));
    assert!(inside == files(&job().snapshot));
}

#[test]
fn fail_on_changes_the_exit_code_and_no_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    run(audit(&job().snapshot, &pack).args(["--fail-on", "critical"]), 3);
    assert!(files(&pack) == files(&job().pack));
}
