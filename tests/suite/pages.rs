//! The pages as a browser shows them: wide in light and dark, narrow, and printed. The pictures stay in the build's folder.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::demo::demo;
use crate::program::{audit, lasting_folder, paths, relative, run, text, told};
use crate::python::python;

/// One page of every kind, by its path below the report.
const PAGES: [&str; 17] = [
    "index.html",
    "scope.html",
    "completeness.html",
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

/// What stands wrong on pages below a folder.
fn faults(folder: &Path, pages: &[&str], shots: &Path) -> Vec<String> {
    std::fs::create_dir_all(shots).expect("a folder");
    let mut command = python("pages/look.py");
    command.arg("--report").arg(folder).arg("--shots").arg(shots).args(pages);
    let seen: Vec<Value> = serde_json::from_slice(&run(&mut command, 0).stdout).expect("JSON");
    assert_eq!(seen.len(), pages.len() * 4, "each page is seen in four ways");
    let mut faults = Vec::new();
    for one in &seen {
        let place = format!("{} ({})", text(one, "page"), text(one, "way"));
        if one["overflow"] != 0 {
            faults.push(format!("{place}: {} pixels wider than the screen", one["overflow"]));
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
fn a_page_with_barriers_is_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = "<html><body><img src='gone.png'><div style='width: 3000px'>wide</div></body></html>";
    std::fs::write(folder.path().join("bad.html"), page).expect("a file");
    let found = faults(folder.path(), &["bad.html"], folder.path()).join("\n");
    for fault in ["image-alt", "html-has-lang", "pixels wider than the screen", "ERR_FILE_NOT_FOUND"] {
        assert!(found.contains(fault), "{fault} is not in {found}");
    }
    let mut command = python("pages/look.py");
    command.arg("--report").arg(folder.path()).arg("gone.html");
    assert!(told(&run(&mut command, 1)).contains("gone.html"));
}
