//! A pack with pseudonyms: the same numbers, and no name that a level keeps back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::demo::demo;
use crate::program::{audit, files, findings, json, keyproof, lasting_folder, run, text, told};
use crate::python::python;

/// A redacted pack, and which name has which pseudonym.
type Redacted = (PathBuf, BTreeMap<String, String>);

/// The redacted packs of the later quarter of the demo, by level.
fn packs() -> &'static BTreeMap<&'static str, Redacted> {
    static PACKS: LazyLock<BTreeMap<&'static str, Redacted>> = LazyLock::new(|| {
        let folder = lasting_folder("redacted");
        fs::create_dir_all(&folder).expect("a folder");
        ["auditor", "public"].map(|level| (level, redacted(&folder, "2026-Q3", level, "secret", &[]))).into()
    });
    &PACKS
}

/// A redacted pack of a quarter of the demo.
fn redacted(folder: &Path, quarter: &str, level: &str, key: &str, more: &[&str]) -> Redacted {
    let (pack, map) = (folder.join(format!("{quarter} {level}")), folder.join(format!("{quarter} {level}.csv")));
    let mut command = audit(&demo().join("snapshots").join(quarter), &pack);
    command.args(["--allow-incomplete", "--redact", level, "--redaction-key"]).arg(folder.join(key));
    command.args(more).arg("--redaction-map").arg(&map).arg("--waivers").arg(demo().join("waivers.toml"));
    run(&mut command, 0);
    let bytes = fs::read(map).expect("a map");
    let mut reader = csv::Reader::from_reader(bytes.strip_prefix("\u{feff}".as_bytes()).expect("a mark"));
    let row = |row: csv::StringRecord| {
        // Cells that look like formulas carry an apostrophe.
        let raw = |cell: &str| if &row[3] == "Y" { cell.trim_start_matches('\'').to_owned() } else { cell.to_owned() };
        (raw(&row[1]), raw(&row[2]))
    };
    (pack, reader.records().map(|it| row(it.expect("a row"))).collect())
}

/// The texts of a pack, by path; those of digests, images and the like have none of names.
fn texts(pack: &Path) -> BTreeMap<String, String> {
    files(pack)
        .into_iter()
        .filter(|(path, _)| !path.ends_with(".tsq"))
        .map(|(path, bytes)| (path, String::from_utf8(bytes).expect("text")))
        .collect()
}

fn counts(pack: &Path) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for finding in findings(pack) {
        *counts.entry((text(&finding, "check_id").to_owned(), text(&finding, "status").to_owned())).or_default() += 1;
    }
    counts
}

#[test]
fn no_name_that_is_kept_back_stands_anywhere_in_a_redacted_pack() {
    let users = ["breakglass-1", "breakglass-2"];
    for (level, least, gone) in [
        ("auditor", 40, &["arn:aws:iam::111122223333:user/breakglass-1"][..]),
        ("public", 300, &["111122223333", "o-exampleorgid", "OrganizationAccountAccessRole"][..]),
    ] {
        let (pack, map) = &packs()[level];
        assert!(map.len() >= least, "{level}: {}", map.len());
        assert!(users.iter().all(|user| map.contains_key(*user)));
        let texts = texts(pack);
        // Whatever the map has is nowhere, but for words that the report itself says and what is a part of another name.
        let said = said();
        let own = words(&said);
        let kept_back: Vec<&String> =
            map.keys().filter(|it| it.chars().count() > 7 && !is_plain(it) && !own.contains(it.as_str())).collect();
        for (path, text) in &texts {
            let (found, in_path) = (words(text), words(path));
            for value in &kept_back {
                let is_one_word = value.chars().all(is_of_names);
                let stands = if is_one_word { found.contains(value.as_str()) } else { text.contains(value.as_str()) };
                assert!(!stands && !in_path.contains(value.as_str()), "{level}: {value} in {path}");
            }
        }
        for value in gone {
            assert!(texts.iter().all(|(path, text)| !text.contains(value) && !path.contains(value)), "{value}");
        }
        assert!(!pack.join("data/snapshot").exists() && !pack.join("data/inputs").exists());
        run(keyproof().arg("verify").arg(pack), 0);
        run(python("formats/bag.py").arg(pack), 0);
        assert!(told(&run(keyproof().arg("verify").arg(pack).arg("--reproduce"), 1)).contains("without its snapshot"));
        // The numbers are those of the pack with all names, and it says from which pack it comes.
        let whole = demo().join("packs/2026-Q3");
        assert_eq!(counts(pack), counts(&whole));
        let (about, all) = (json(&pack.join("data/pack.json")), json(&whole.join("data/pack.json")));
        assert_eq!(about["redaction"]["level"], level);
        assert_eq!(about["snapshot"]["root"], all["snapshot"]["root"]);
        assert_ne!(about["input_root"], all["input_root"]);
        let table = fs::read_to_string(pack.join("data/csv/redactions.csv")).expect("a table");
        assert!(table.contains("names of users and sessions") && table.contains("data/snapshot"), "{table}");
        assert_eq!(texts["data/report/index.html"].matches("Redacted.").count(), 1);
    }
}

/// What the pages say of themselves.
fn said() -> String {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    files(&templates).into_values().map(|bytes| String::from_utf8(bytes).expect("text")).collect()
}

/// A plain word stays in sentences, as `redactions.csv` says.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a letter may stand in a name.
fn is_of_names(letter: char) -> bool {
    letter.is_alphanumeric() || "_+=,.@-".contains(letter)
}

/// The words of a text.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|letter| !is_of_names(letter)).map(|word| word.trim_end_matches(['.', ','])).collect()
}

#[test]
fn links_of_a_redacted_pack_lead_somewhere() {
    for (level, (pack, _)) in packs() {
        let texts = texts(pack);
        let mut followed = 0;
        for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".html")) {
            for href in text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let (file, place) = href.split_once('#').unwrap_or((href, ""));
                // Behind it stands a view of a table.
                let place = place.split('?').next().unwrap_or_default();
                if href.starts_with("#i-") || href.starts_with("http") {
                    continue;
                }
                let base = Path::new(path).parent().expect("a folder");
                let target = if file.is_empty() { path.clone() } else { joined(base, file) };
                let page = texts.get(&target).unwrap_or_else(|| panic!("{path}: {href} ({target})"));
                assert!(place.is_empty() || page.contains(&format!("id=\"{place}\"")), "{path}: {href}");
                followed += 1;
            }
        }
        assert!(followed > 1000, "{level}: {followed}");
    }
}

/// A path from a folder, without its `..`.
fn joined(base: &Path, relative: &str) -> String {
    let mut parts: Vec<&str> = base.iter().filter_map(|part| part.to_str()).collect();
    for part in relative.split('/') {
        if part == ".." { parts.pop().map(drop).unwrap_or_default() } else { parts.push(part) }
    }
    parts.join("/")
}

#[test]
fn a_name_has_the_same_pseudonym_in_every_quarter_and_another_under_another_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = packs()["auditor"].0.with_file_name("secret");
    fs::copy(secret, folder.path().join("secret")).expect("a secret");
    let (_, earlier) = redacted(folder.path(), "2026-Q2", "auditor", "secret", &["--no-access"]);
    let (pack, later) = &packs()["auditor"];
    let both: Vec<&String> = earlier.keys().filter(|value| later.contains_key(*value)).collect();
    assert!(both.len() > 20, "{}", both.len());
    assert!(both.iter().all(|value| earlier[*value] == later[*value]));
    let (other, another) = redacted(folder.path(), "2026-Q2", "public", "other", &[]);
    assert!(both.iter().all(|value| later[*value] != another[*value]));
    let secret = |pack: &Path| json(&pack.join("data/pack.json"))["redaction"]["secret_id"].clone();
    assert_ne!(secret(pack), secret(&other));
    let fingerprints = |pack: &Path| -> BTreeSet<String> {
        findings(pack).iter().map(|it: &Value| text(it, "fingerprint").to_owned()).collect()
    };
    assert!(fingerprints(pack).is_disjoint(&fingerprints(&demo().join("packs/2026-Q3"))));
    assert!(fingerprints(pack).is_disjoint(&fingerprints(&other)));
}

#[test]
fn the_name_of_a_redacted_archive_keeps_back_what_its_pack_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("secret");
    let told = |level: &str| {
        let mut command = audit(&demo().join("snapshots/2026-Q3"), &folder.path().join(level));
        command.args(["--allow-incomplete", "--check", "iam-root-mfa", "--zip", "--redact", level, "--redaction-key"]);
        told(&run(command.arg(&key), 0))
    };
    assert!(told("auditor").contains("pack-o-exampleorgid-2026-Q3-"));
    let told = told("public");
    assert!(told.contains("pack-o-") && !told.contains("o-exampleorgid"), "{told}");
}

#[test]
fn what_cannot_be_redacted_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = demo().join("snapshots/2026-Q3");
    let (out, short) = (folder.path().join("out"), folder.path().join("short"));
    fs::write(&short, "secret").expect("a file");
    let told = |arguments: &[&str], code: i32| {
        let told = told(&run(audit(&snapshot, &out).args(arguments), code));
        assert!(!out.exists());
        told
    };
    assert!(told(&["--redact", "public"], 2).contains("--redaction-key"));
    assert!(told(&["--redact", "most", "--redaction-key", "x"], 2).contains("auditor"));
    let short = short.display().to_string();
    assert!(told(&["--redact", "public", "--redaction-key", &short], 1).contains("holds 6 bytes"));
    assert!(told(&["--redact", "public", "--redaction-key", &short, "--custody"], 2).contains("--custody"));
}
