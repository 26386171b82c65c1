//! The demonstration: the whole job without AWS, without another program, without a network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::program::{audit, files, findings, json, keyproof, lasting_folder, paths, relative, run, text, told};

/// The written demonstration, once for all tests.
pub(crate) fn demo() -> &'static Path {
    static DEMO: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = lasting_folder("demo");
        let output = run(keyproof().args(["demo", "--out"]).arg(&folder), 0);
        assert!(told(&output).contains("index.html"), "where to look is not told:\n{}", told(&output));
        folder
    });
    &DEMO
}

const SNAPSHOTS: [&str; 2] = ["snapshots/2026-Q2", "snapshots/2026-Q3"];
const PACKS: [&str; 2] = ["packs/2026-Q2", "packs/2026-Q3"];
const CHANGES: &str = "changes/2026-Q2--2026-Q3";

#[test]
fn everything_it_writes_verifies() {
    for folder in SNAPSHOTS.iter().chain(&PACKS) {
        run(keyproof().arg("verify").arg(demo().join(folder)), 0);
    }
    assert!(demo().join("index.html").is_file());
    assert!(demo().join(CHANGES).is_dir());
}

#[test]
fn it_is_an_organization_of_documentation_accounts() {
    let manifest = json(&demo().join(SNAPSHOTS[1]).join("manifest.json"));
    let accounts = manifest["accounts"].as_array().expect("accounts");
    assert!(accounts.len() >= 8, "{} accounts", accounts.len());
    for account in accounts {
        // Four digits, three times over or in pairs, as in AWS's own examples; or one of its running numbers.
        let id = text(account, "account_id");
        let is_repeated =
            id[..4].chars().all(|it| id.starts_with(it)) || ["123456789012", "012345678901"].contains(&id);
        assert!(id.len() == 12 && is_repeated, "{id} may be somebody's account");
    }
    let regions: BTreeSet<&str> = manifest["coverage"]
        .as_array()
        .expect("coverage")
        .iter()
        .filter(|row| row["api"] == "kms:ListKeys" && row["outcome"] == "collected")
        .filter_map(|row| row["region"].as_str())
        .collect();
    assert!(regions.len() >= 3, "{regions:?}");
}

#[test]
fn its_packs_are_what_an_audit_of_its_snapshots_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    for (snapshot, pack) in SNAPSHOTS.iter().zip(PACKS) {
        let again = folder.path().join(pack);
        let mut command = audit(&demo().join(snapshot), &again);
        command.args(["--allow-incomplete", "--waivers"]).arg(demo().join("waivers.toml"));
        if pack == PACKS[1] {
            command.arg("--prior").arg(demo().join(PACKS[0]));
        }
        run(&mut command, 0);
        let (first, second) = (findings(&demo().join(pack)), findings(&again));
        assert_eq!(first, second, "{pack}");
    }
}

#[test]
fn the_pages_and_tables_in_reports_are_those_of_the_demo() {
    let kept = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/demo"));
    assert!(kept.len() >= 20, "{}", kept.len());
    for (path, bytes) in kept {
        let written = std::fs::read(demo().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(written == bytes, "reports/demo/{path} is of an earlier version: `scripts/reports` makes it again");
    }
}

#[test]
fn an_earlier_demo_is_replaced_by_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let again = folder.path().join("demo");
    let first = files(demo());
    for (path, bytes) in &first {
        let target = again.join(path);
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        std::fs::write(target, bytes).expect("a file");
    }
    std::fs::write(again.join("packs/2026-Q2/left-over.txt"), "old").expect("a file");
    run(keyproof().env("RAYON_NUM_THREADS", "1").env("TZ", "Asia/Tokyo").args(["demo", "--out"]).arg(&again), 0);
    let second = files(&again);
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (path, bytes) in first {
        assert!(second[&path] == bytes, "{path} differs from run to run");
    }
}

#[test]
fn a_folder_that_holds_anything_else_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("letter.txt"), "dear").expect("a file");
    run(keyproof().args(["demo", "--out"]).arg(folder.path()), 1);
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn organization_policies_are_judged_once_with_the_account_that_manages_the_organization() {
    for pack in PACKS {
        let found = findings(&demo().join(pack));
        let policies = found.iter().filter(|it| text(it, "resource_type") == "AWS::Organizations::Policy");
        let mut judged = BTreeSet::new();
        for finding in policies {
            assert_eq!(text(finding, "account_id"), "111122223333");
            let once = judged.insert((text(finding, "check_id"), text(finding, "resource_arn")));
            assert!(once, "{finding}");
            let evidence = finding["evidence"].as_array().expect("evidence");
            assert!(
                evidence.iter().any(|it| it["file"].as_str().is_some_and(|it| it.contains("organization.json"))),
                "{finding}"
            );
        }
        let of = |name: &str| judged.iter().filter(|(check, arn)| *check == name && arn.contains("p-")).count();
        // Six service control policies and a resource control policy of the company; those of AWS are not judged.
        assert_eq!((of("policy-unknown-action"), of("policy-unknown-principal")), (7, 1));
        assert!(judged.iter().all(|(_, arn)| !arn.contains("::aws:policy/")));
    }
}

#[test]
fn each_check_finds_what_it_says_that_the_demonstration_shows() {
    let found: Vec<serde_json::Value> = PACKS.iter().flat_map(|pack| findings(&demo().join(pack))).collect();
    let listed = run(keyproof().args(["check", "list", "--format", "json"]), 0);
    let checks: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let mut wrong = Vec::new();
    for check in checks.as_array().expect("an array") {
        let id = text(check, "id");
        let texts = |member: &str| -> Vec<&str> {
            check[member].as_array().expect("an array").iter().map(|it| it.as_str().expect("a text")).collect()
        };
        // A waived exception is one that the check found.
        let given = |it: &'_ serde_json::Value| it.get("underlying_status").unwrap_or(&it["status"]).to_string();
        let seen: BTreeSet<String> = found.iter().filter(|it| text(it, "check_id") == id).map(given).collect();
        let seen: BTreeSet<&str> = seen.iter().map(|it| it.trim_matches('"')).collect();
        let (declared, left_out) = (texts("statuses"), texts("not_in_demo"));
        let rules_give = |it: &&&str| **it != "ERROR" && !declared.contains(it);
        wrong.extend(seen.iter().filter(rules_give).map(|it| format!("{id} does not declare {it}")));
        for status in ["PASS", "FAIL"] {
            let is_left_out = left_out.iter().any(|it| it.starts_with(&format!("{status}: ")));
            if seen.contains(status) != (declared.contains(&status) && !is_left_out) {
                wrong.push(format!("{status} of {id}: shown {}", seen.contains(status)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn its_pages_need_no_network_and_lead_nowhere_in_vain() {
    for path in paths(demo()).into_iter().filter(|path| path.extension().is_some_and(|it| it == "html")) {
        let name = relative(&path, demo());
        let page = std::fs::read_to_string(&path).expect("a page");
        for loads in [
            "src=\"http",
            "src=\"//",
            "@import",
            "url(http",
            "url(//",
            "<script src",
            "<iframe",
            "<link rel=\"stylesheet\" href=\"http",
        ] {
            assert!(!page.contains(loads), "{name} loads something: {loads}");
        }
        for target in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            if target.starts_with("https://") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap_or_default();
            let file = path.parent().expect("a folder").join(file);
            assert!(file.exists(), "{name} links to {target}, which is not there");
        }
    }
}
