//! The pages as a browser shows them: wide in light and dark, narrow, without scripts and printed, and their numbers, each counted again.
//! The pictures stay in the build's folder.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::demo::demo;
use crate::formats::hostile;
use crate::program::{audit, files, keyproof, lasting_folder, paths, relative, run, text, told};
use crate::python::python;

/// One page of every kind, by its path below the report.
const PAGES: [&str; 18] = [
    "index.html",
    "scope.html",
    "completeness.html",
    "remediation.html",
    "waivers.html",
    "requests.html",
    "sample.html",
    "methodology.html",
    "accounts/index.html",
    "accounts/123456789012.html",
    "checks/kms-key-policy-public.html",
    "evidence/123456789012.html",
    "frameworks/hipaa-security-rule.html",
    "keys/index.html",
    // A key of a family, and one of which little could be read.
    "keys/123456789012/eu-central-1/mrk-4f0bf5e3cc82d1f27e4877f3642d20fb.html",
    "keys/123456789012/eu-central-1/847c47d1-ad51-4004-af60-17a6b9ab9305.html",
    "access/decrypt-matrix.html",
    "access/123456789012.html",
];

/// What is seen of pages below a folder, each in five ways.
fn seen(folder: &Path, pages: &[&str], shots: &Path) -> Vec<Value> {
    std::fs::create_dir_all(shots).expect("a folder");
    let mut command = python("pages/look.py");
    command.arg("--report").arg(folder).arg("--shots").arg(shots).args(pages);
    let seen: Vec<Value> = serde_json::from_slice(&run(&mut command, 0).stdout).expect("JSON");
    assert_eq!(seen.len(), pages.len() * 5, "each page is seen in five ways");
    seen
}

/// What stands wrong on pages below a folder.
fn faults(folder: &Path, pages: &[&str], shots: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for one in &seen(folder, pages, shots) {
        let place = format!("{} ({})", text(one, "page"), text(one, "way"));
        if one["overflow"] != 0 {
            faults.push(format!("{place}: {} pixels wider than the screen", one["overflow"]));
        }
        if text(one, "way") == "print" && one["printed"] == 0 {
            faults.push(format!("{place}: no PDF"));
        }
        for kind in ["violations", "messages"] {
            let told = one[kind].as_array().expect("a list");
            faults.extend(told.iter().map(|it| format!("{place}: {it}")));
        }
    }
    faults
}

#[test]
fn every_kind_of_page_is_without_barriers_in_every_way_of_looking() {
    let folder = lasting_folder("pages");
    let pack = folder.join("pack");
    let mut command = audit(&demo().join("snapshots/2026-Q3"), &pack);
    command.args(["--allow-incomplete", "--sample", "12", "--seed", "Ann's third quarter", "--waivers"]);
    run(command.arg(demo().join("waivers.toml")), 0);
    let report = pack.join("data/report");
    let kind = |path: &str| path.split_once('/').map_or_else(|| path.to_owned(), |(kind, _)| kind.to_owned());
    let written: Vec<String> = paths(&report).iter().map(|path| relative(path, &report)).collect();
    let written: BTreeSet<String> =
        written.iter().filter(|path| path.ends_with(".html")).map(|path| kind(path)).collect();
    assert_eq!(written, PAGES.iter().map(|path| kind(path)).collect(), "a kind of page that is not looked at");
    let of_pack = faults(&report, &PAGES, &folder.join("pictures"));
    assert!(of_pack.is_empty(), "{}", of_pack.join("\n"));
    let changes = paths(&demo().join("changes")).into_iter().find(|path| path.ends_with("changes.html"));
    let changes = relative(&changes.expect("the page of changes"), demo());
    let others = faults(demo(), &["index.html", &changes], &folder.join("pictures-of-demo"));
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn long_tables_can_be_searched_sorted_and_cited() {
    let page = demo().join("packs/2026-Q3/data/report/accounts/123456789012.html");
    let found: Vec<String> =
        serde_json::from_slice(&run(python("pages/use.py").arg(page), 0).stdout).expect("a list of sentences");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn hostile_names_run_nothing_and_ask_for_nothing() {
    let (folder, pack) = hostile();
    let pages =
        ["index.html", "accounts/111122223333.html", "checks/iam-user-direct-policies.html", "remediation.html"];
    let found = faults(&pack.join("data/report"), &pages, &folder.path().join("pictures"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn pages_that_many_keys_share_are_without_barriers() {
    let folder = tempfile::tempdir().expect("a folder");
    let arn =
        |index: usize| format!("arn:aws:kms:eu-central-1:111122223333:key/{index:08}-0000-4000-8000-000000000000");
    let keys: Vec<Value> =
        (0..2_001).map(|index| json!({ "KeyId": arn(index).rsplit('/').next(), "KeyArn": arn(index) })).collect();
    let (file, snapshot, pack) =
        (folder.path().join("keys.json"), folder.path().join("snapshot"), folder.path().join("pack"));
    std::fs::write(&file, json!({ "Keys": keys }).to_string()).expect("a file");
    run(
        keyproof()
            .args(["import", "--account", "111122223333", "--region", "eu-central-1", "--out"])
            .arg(&snapshot)
            .arg(&file),
        0,
    );
    run(keyproof().args(["import", "--finish", "--allow-incomplete", "--out"]).arg(&snapshot), 0);
    run(audit(&snapshot, &pack).args(["--allow-incomplete", "--check", "kms-key-multi-region"]), 0);
    let report = pack.join("data/report");
    let shared = paths(&report.join("keys/111122223333")).into_iter().next().expect("a page of keys");
    let shared = relative(&shared, &report);
    let found = faults(&report, &[&shared], &folder.path().join("pictures"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_number_on_every_page_is_counted_again() {
    let new = demo().join("packs/2026-Q3");
    let mut command = python("pages/recount.py");
    command.args([new, demo().join("changes/2026-Q2--2026-Q3")]);
    let said: Value = serde_json::from_slice(&run(&mut command, 0).stdout).expect("JSON");
    let faults: Vec<&str> = said["faults"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    for kind in ["count", "controls", "access", "tie", "row", "standing", "change", "fate", "facts", "sentence"] {
        assert!(said["counted"][kind].as_u64() > Some(0), "no number of kind {kind} was met");
    }
}

#[test]
fn a_number_that_is_wrong_or_bare_is_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let from = demo().join("packs/2026-Q3");
    for (path, bytes) in files(&from) {
        let is_needed = path.starts_with("data/json") || path.starts_with("data/csv");
        if is_needed || path == "data/report/remediation.html" {
            let target = folder.path().join(&path);
            std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
            std::fs::write(target, bytes).expect("a file");
        }
    }
    let page = folder.path().join("data/report/remediation.html");
    let text = std::fs::read_to_string(&page).expect("a page");
    let (before, after) = text.split_once("data-count=\"status=FAIL\">").expect("the number of exceptions");
    let bare = after.replacen("</h2>", " 41</h2>", 1);
    std::fs::write(&page, format!("{before}data-count=\"status=FAIL\">1{bare}")).expect("a page");
    let said = run(python("pages/recount.py").arg(folder.path()), 0).stdout;
    let said = String::from_utf8(said).expect("JSON");
    assert!(said.contains("count status=FAIL is ") && said.contains("nobody accounts for 41"), "{said}");
}

#[test]
fn a_page_with_barriers_is_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = "<html><body><img src='gone.png'><div style='width: 3000px'>wide</div></body></html>";
    std::fs::write(folder.path().join("bad.html"), page).expect("a file");
    let found = faults(folder.path(), &["bad.html"], folder.path()).join("\n");
    for fault in ["image-alt", "html-has-lang", "pixels wider than the screen", "ERR_FILE_NOT_FOUND", "a request: "] {
        assert!(found.contains(fault), "{fault} is not in {found}");
    }
    let mut command = python("pages/look.py");
    command.arg("--report").arg(folder.path()).arg("gone.html");
    assert!(told(&run(&mut command, 1)).contains("gone.html"));
}
