//! The table of rooms: which part of `src/` may use which other, and what no part may do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A room, and the rooms it may use. The page of `src/lib.rs` says the same, with the reasons.
const ROOMS: [(&str, &[&str]); 19] = [
    ("digest", &[]),
    ("files", &["digest"]),
    ("policy", &[]),
    ("model", &["policy"]),
    ("access", &["model", "policy"]),
    ("snapshot", &["model", "policy", "files", "digest"]),
    ("collect", &["snapshot", "files", "digest"]),
    ("import", &["snapshot", "model", "files", "digest"]),
    ("finding", &["model", "digest"]),
    ("checks", &["model", "access", "policy", "finding"]),
    ("frameworks", &[]),
    ("waivers", &["finding", "policy", "digest"]),
    ("audit", &["snapshot", "checks", "access", "model", "frameworks", "finding", "waivers", "digest"]),
    ("diff", &["audit", "snapshot", "checks", "frameworks", "access", "model", "policy", "finding", "waivers"]),
    (
        "report",
        &[
            "policy",
            "model",
            "access",
            "snapshot",
            "finding",
            "checks",
            "frameworks",
            "waivers",
            "audit",
            "diff",
            "files",
            "digest",
        ],
    ),
    ("demo", &["snapshot", "model", "digest"]),
    ("config", ANY),
    ("cli", ANY),
    ("commands", ANY),
];
const ANY: &[&str] = &["*"];

/// A crate that only some rooms may name.
const CRATES: [(&str, &[&str]); 12] = [
    ("aws_config", &["collect"]),
    ("aws_sdk_", &["collect"]),
    ("aws_smithy_", &["collect"]),
    ("aws_types", &["collect"]),
    ("tokio", &["collect"]),
    ("indicatif", &["collect", "commands"]),
    ("clap", &["cli", "commands", "main"]),
    ("tera", &["report"]),
    ("tempfile", &["files"]),
    ("ssh_key", &["report"]),
    ("zip::", &["report"]),
    ("rpassword", &["commands"]),
];

#[test]
fn rooms_use_only_the_rooms_below_them() {
    assert_eq!(faults(&src()), Vec::<String>::new());
}

#[test]
fn an_edge_that_is_planted_is_found() {
    for (file, line, fault) in [
        ("policy/mod.rs", "use crate::model::Account;", "`policy` uses `model`"),
        ("policy/deep/er.rs", "use crate::{policy::glob, files::write};", "`policy` uses `files`"),
        ("model/mod.rs", "fn f() { super::checks::all(); }", "`model` uses `checks`"),
        ("model/iam.rs", "pub(crate) use super::super::report::Page;", "`model` uses `report`"),
        ("files.rs", "use super::snapshot;", "`files` uses `snapshot`"),
        ("unheard_of.rs", "use crate::policy;", "`unheard_of` is not in the table"),
        ("audit/mod.rs", "use aws_sdk_kms::Client;", "the crate `aws_sdk_`"),
        ("checks/one.rs", "let runtime = tokio::runtime::Runtime::new();", "the crate `tokio`"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, format!("//! One.\n{line}\n")).expect("a file");
        let found = faults(folder.path());
        assert!(matches!(found.as_slice(), [one] if one.contains(fault)), "`{line}` in {file}: {found:?}");
    }
}

#[test]
fn what_is_no_edge_is_let_be() {
    for (file, text) in [
        ("policy/mod.rs", "// use crate::model::Account;"),
        ("policy/mod.rs", "/// See [`crate::model::Account`]."),
        ("policy/mod.rs", "use crate::policy::document;"),
        ("policy/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::model::Account;\n}"),
        ("policy/deep/er.rs", "use super::super::policy::document;"),
        ("model/mod.rs", "use crate::policy::Document;"),
        ("commands/audit.rs", "use crate::{audit, report};"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, format!("//! One.\n{text}\n")).expect("a file");
        assert_eq!(faults(folder.path()), Vec::<String>::new(), "`{text}` in {file}");
    }
}

#[test]
fn every_file_says_first_what_it_knows() {
    let silent: Vec<_> = sources(&src()).into_iter().filter(|(_, text)| !text.starts_with("//! ")).collect();
    assert!(
        silent.is_empty(),
        "no `//!` line at the top: {:?}",
        silent.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );
}

#[test]
fn main_is_thin() {
    let main = fs::read_to_string(src().join("main.rs")).expect("src/main.rs");
    assert!(main.lines().count() <= 25, "main.rs has {} lines", main.lines().count());
}

#[test]
fn the_analysts_program_has_neither_sdk_nor_runtime() {
    let tree = |features: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none"])
            .args(features)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let of_collector = |tree: &str| {
        let names = tree.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned());
        names.filter(|name| name == "tokio" || name == "hyper" || name.starts_with("aws-")).collect::<BTreeSet<_>>()
    };
    assert_eq!(of_collector(&tree(&["--no-default-features"])), BTreeSet::new());
    // The search finds what there is.
    assert!(of_collector(&tree(&[])).contains("aws-sdk-kms"));
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every use of a room or crate that the tables do not allow.
fn faults(src: &Path) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (path, text) in sources(src) {
        let parts: Vec<&str> = path.split('/').collect();
        let room = parts[0].trim_end_matches(".rs");
        if ["main", "lib"].contains(&room) {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            found.insert(format!("{path}: the room `{room}` is not in the table"));
            continue;
        };
        let code = code(&text);
        for used in rooms_used(&code, depth(&parts)) {
            if used != room && *allowed != ANY && !allowed.contains(&used.as_str()) && is_room(&used) {
                found.insert(format!("{path}: `{room}` uses `{used}`"));
            }
        }
        for (name, rooms) in CRATES {
            let named = code
                .match_indices(name)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            if named && !rooms.contains(&room) {
                found.insert(format!("{path}: `{room}` uses the crate `{name}`"));
            }
        }
    }
    found.into_iter().collect()
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|(room, _)| *room == name)
}

/// How many `super::` lead from a file to the root of the crate.
fn depth(parts: &[&str]) -> usize {
    if parts.last() == Some(&"mod.rs") { parts.len() - 1 } else { parts.len() }
}

/// The first segments after `crate::`, or after as many `super::` as lead to the root.
fn rooms_used(code: &str, depth: usize) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&root) {
            // More `super::` before it lead elsewhere; so does a longer name that ends alike.
            if code[..at].ends_with("super::") || code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            used.extend(first_segments(&code[at + root.len()..]));
        }
    }
    used
}

/// `a::b` → a; `{a, b::{c, d}}` → a, b.
fn first_segments(path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let mut segments = Vec::new();
    let (mut level, mut start) = (0_usize, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level > 0 => level -= 1,
            ',' | '}' if level == 0 => {
                segments.push(word(list[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    segments
}

/// The code without comments and without the tests under it.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    text[..tests]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Every Rust file under a folder: its path with `/`, and its text; files of tests are left out.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).expect("a Rust file");
                let relative = path.strip_prefix(folder).expect("a file of this folder");
                found.push((relative.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    found
}
