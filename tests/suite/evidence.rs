//! Provenance: from every finding to what AWS answered, by number, by link, and by a line for the shell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::demo::demo;
use crate::program::{audit, findings, json, paths, relative, run, text};

const PACKS: [&str; 2] = ["packs/2026-Q2", "packs/2026-Q3"];

fn packs() -> Vec<PathBuf> {
    PACKS.iter().map(|pack| demo().join(pack)).collect()
}

/// The items of a pack by number, each with the name of its file without the ending.
fn items(pack: &Path) -> BTreeMap<String, (String, Value)> {
    let mut items = BTreeMap::new();
    for path in paths(&pack.join("data/evidence")) {
        let name = relative(&path, &pack.join("data/evidence")).replace(".ndjson", "");
        let lines = fs::read_to_string(&path).expect("a file of items");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        assert!(lines.is_sorted_by(|a, b| text(a, "ev_id") < text(b, "ev_id")), "{name}");
        for item in lines {
            let before = items.insert(text(&item, "ev_id").to_owned(), (name.clone(), item));
            assert!(before.is_none(), "{before:?} stands twice");
        }
    }
    items
}

/// A file of the snapshot in a pack, decompressed.
fn answers(pack: &Path, file: &str) -> Value {
    let stored = fs::read(pack.join("data/snapshot").join(file)).expect("a file of the snapshot");
    let bytes = if file.ends_with(".zst") { zstd::decode_all(stored.as_slice()).expect("zstd") } else { stored };
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The rows of a table of a pack by column.
fn table(pack: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(pack.join("data/csv").join(name)).expect("a table");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn page(pack: &Path, place: &str) -> String {
    let path = pack.join("data/report").join(place);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a browser makes of a text on a page.
fn unescaped(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    plain.replace("&amp;", "&")
}

#[test]
fn every_finding_leads_to_the_raw_answers_it_rests_on() {
    for pack in packs() {
        let items = items(&pack);
        let manifest = json(&pack.join("data/snapshot/manifest.json"));
        let digests: BTreeMap<&str, &str> = manifest["files"]
            .as_array()
            .expect("files")
            .iter()
            .map(|file| (text(file, "path"), text(file, "sha256")))
            .collect();
        let mut files: BTreeMap<String, Value> = BTreeMap::new();
        let mut pages: BTreeMap<String, String> = BTreeMap::new();
        let mut cited: BTreeMap<String, u64> = BTreeMap::new();
        for finding in findings(&pack) {
            let evidence = finding["evidence"].as_array().expect("evidence");
            // What no API answers rests on none.
            assert!(!evidence.is_empty() || text(&finding, "status") == "MANUAL", "{finding}");
            for it in evidence {
                let (name, item) = items.get(text(it, "ev_id")).unwrap_or_else(|| panic!("no item for {it}"));
                for member in ["file", "sha256", "pointer", "api", "collected_at"] {
                    assert_eq!(it[member], item[member], "{member}");
                }
                let file = text(it, "file");
                let expected = if file == "organization.json" { "organization" } else { text(&finding, "account_id") };
                assert_eq!(name, expected);
                assert_eq!(digests[file], text(it, "sha256"));
                let answer = files.entry(file.to_owned()).or_insert_with(|| answers(&pack, file));
                assert_eq!(answer.pointer(text(it, "pointer")), Some(&item["value"]), "{it}");
                let calls = answer["calls"].as_array().expect("calls");
                let is_behind = |call: &&Value| call["api"] == it["api"] && call["time"] == it["collected_at"];
                let call = calls.iter().find(|call| is_behind(call) && call.get("request_id") == it.get("request_id"));
                assert!(call.is_some(), "no call for {it}");
                assert!(item["request_ids"].as_array().expect("ids").contains(&it["request_id"]), "{item}");
                let page = pages.entry(name.clone()).or_insert_with(|| page(&pack, &format!("evidence/{name}.html")));
                assert!(page.contains(&format!("id=\"{}\"", text(it, "ev_id"))), "{it}");
                *cited.entry(text(it, "ev_id").to_owned()).or_default() += 1;
            }
        }
        let of_findings = |number: &&String| {
            let (_, item) = &items[*number];
            item["file"] != "manifest.json" && item["type"] != "APR"
        };
        let of_findings: Vec<&String> = items.keys().filter(of_findings).collect();
        assert_eq!(of_findings, cited.keys().collect::<Vec<_>>(), "only what is cited");
        let rows = table(&pack, "evidence_index.csv");
        assert_eq!(rows.iter().map(|row| &row["ev_id"]).collect::<BTreeSet<_>>(), items.keys().collect());
        assert_eq!(rows.len(), items.len());
        for row in rows.iter().filter(|row| cited.contains_key(&row["ev_id"])) {
            assert!(row["cited_by"].parse::<u64>().expect("a number") <= cited[&row["ev_id"]], "{row:?}");
            let (place, anchor) = row["page"].split_once('#').expect("a place on a page");
            assert!(page(&pack, place).contains(&format!("id=\"{anchor}\"")), "{row:?}");
        }
    }
}

#[test]
fn each_gap_and_each_waiver_has_a_number_too() {
    for pack in packs() {
        let items = items(&pack);
        let manifest = json(&pack.join("data/snapshot/manifest.json"));
        let gaps = table(&pack, "gaps.csv");
        assert!(!gaps.is_empty());
        for gap in gaps {
            let (_, item) = &items[&gap["ev_id"]];
            assert_eq!(item["type"], "LOG");
            assert_eq!(manifest.pointer(text(item, "pointer")), Some(&item["value"]));
            assert_eq!(
                (text(item, "api"), text(item, "account_id")),
                (gap["api"].as_str(), gap["account_id"].as_str())
            );
        }
        for waiver in table(&pack, "waivers.csv") {
            let (_, item) = &items[&waiver["ev_id"]];
            assert_eq!((text(item, "type"), text(&item["value"], "id")), ("APR", waiver["waiver_id"].as_str()));
        }
    }
}

#[test]
fn the_same_datum_has_the_same_number_in_every_quarter() {
    // By place where places are keyed by names, which stay.
    let by_place = |items: BTreeMap<String, (String, Value)>| -> BTreeMap<String, String> {
        let keyed = ["kms:GetKeyPolicy", "kms:DescribeKey", "organizations:DescribePolicy", "iam:GetCredentialReport"];
        let of_keyed = items.into_values().filter(|(_, item)| keyed.contains(&text(item, "api")));
        let of_keyed = of_keyed.filter(|(_, item)| !text(item, "pointer").starts_with("/calls/"));
        of_keyed.map(|(_, it)| (format!("{} {}", it["file"], it["pointer"]), text(&it, "ev_id").to_owned())).collect()
    };
    let [old, new] = PACKS.map(|pack| by_place(items(&demo().join(pack))));
    let both: BTreeSet<&String> = old.keys().filter(|place| new.contains_key(*place)).collect();
    assert!(both.len() > 100, "{}", both.len());
    for place in both {
        assert_eq!(old[place], new[place], "{place}");
    }
    // Of a list, an access key may stand at another position, and a policy among others.
    let [old, new] = PACKS.map(|pack| items(&demo().join(pack)));
    let named = |(_, item): &(String, Value)| {
        let name = item["value"]["AccessKeyId"].as_str().or(item["value"]["Arn"].as_str())?;
        let is_list = item["api"] == "iam:ListAccessKeys" || item["api"] == "iam:GetAccountAuthorizationDetails";
        is_list.then(|| name.to_owned())
    };
    let by_name = |items: &BTreeMap<String, (String, Value)>| -> BTreeMap<String, (String, Value)> {
        items.iter().filter_map(|(number, it)| Some((named(it)?, (number.clone(), it.1["pointer"].clone())))).collect()
    };
    let (old_names, new_names) = (by_name(&old), by_name(&new));
    let mut moved = 0;
    for (name, (number, pointer)) in &old_names {
        if let Some((again, elsewhere)) = new_names.get(name) {
            assert_eq!(number, again, "{name}");
            moved += u32::from(pointer != elsewhere);
        }
    }
    assert!(moved > 0, "nothing has another position in the second quarter");
}

#[test]
fn the_line_on_a_page_prints_the_value_in_a_shell() {
    let pack = &packs()[1];
    let items = items(pack);
    let policy =
        items.values().find(|(_, it)| it["api"] == "kms:GetKeyPolicy" && it["type"] == "POL").expect("a key policy");
    let scp = items.values().find(|(_, item)| item["api"] == "organizations:DescribePolicy").expect("a policy");
    let gap = items.values().find(|(_, item)| item["file"] == "manifest.json").expect("a gap");
    for (name, item) in [policy, scp, gap] {
        let page = page(pack, &format!("evidence/{name}.html"));
        let number = text(item, "ev_id");
        let (_, of_item) = page.split_once(&format!("id=\"{number}\"")).expect("the item");
        let (of_item, _) = of_item.split_once("</article>").expect("its end");
        let commands = of_item.split("<pre class=\"cmd\" tabindex=\"0\">").skip(1);
        let commands: Vec<String> = commands.filter_map(|rest| Some(unescaped(rest.split_once("</pre>")?.0))).collect();
        let printed = |command: &str| -> Value {
            let mut shell = Command::new("sh");
            let output = shell.args(["-c", command]).current_dir(pack).output().expect("a shell");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && told.is_empty(), "{command}\n{told}\nrun `scripts/test --environment`");
            serde_json::from_slice(&output.stdout).expect("JSON")
        };
        let raw = commands.iter().find(|it| it.contains("data/snapshot/")).expect("a line for the raw answer");
        assert_eq!(printed(raw), item["value"], "{raw}");
        let in_pack = commands.iter().find(|it| it.contains("select(")).expect("a line for the item");
        assert_eq!(printed(in_pack), *item, "{in_pack}");
        if let Some(request_id) = item["request_ids"][0].as_str() {
            let trail = commands.iter().find(|it| it.starts_with("aws cloudtrail")).expect("a line for CloudTrail");
            assert!(trail.contains(request_id), "{trail}");
        }
    }
}

#[test]
fn links_lead_from_findings_to_evidence_and_back() {
    let pack = &packs()[1];
    let finding = findings(pack).into_iter().find(|it| it["status"] == "FAIL").expect("a FAIL");
    let (account, number) = (text(&finding, "account_id"), text(&finding["evidence"][0], "ev_id"));
    let link = format!("href=\"../evidence/{account}.html#{number}\"");
    assert!(page(pack, &format!("accounts/{account}.html")).contains(&link), "{link}");
    assert!(page(pack, &format!("checks/{}.html", text(&finding, "check_id"))).contains(&link), "{link}");
    let mut anchors: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let report = pack.join("data/report");
    let mut links = 0;
    for path in paths(&report).into_iter().filter(|path| relative(path, &report).starts_with("evidence/")) {
        let html = fs::read_to_string(&path).expect("a page");
        for part in html.split("href=\"../accounts/").skip(1) {
            let target = part.split('"').next().expect("the end of the link");
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let of_page = anchors.entry(file.to_owned()).or_insert_with(|| {
                let html = page(pack, &format!("accounts/{file}"));
                html.split(" id=\"").skip(1).filter_map(|id| Some(id.split_once('"')?.0.to_owned())).collect()
            });
            assert!(anchor.is_empty() || of_page.contains(anchor), "{target}");
            links += usize::from(!anchor.is_empty());
        }
    }
    assert!(links > 500, "{links}");
}

#[test]
fn without_the_snapshot_the_evidence_stands_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    let mut command = audit(&demo().join("snapshots/2026-Q3"), &pack);
    run(command.args(["--no-snapshot", "--no-access", "--allow-incomplete", "--account", "111122223333"]), 0);
    assert!(!pack.join("data/snapshot").exists());
    let (whole, part) = (items(&packs()[1]), items(&pack));
    assert!(part.len() > 50);
    for (number, (name, item)) in &part {
        assert_eq!(whole.get(number), Some(&(name.clone(), item.clone())));
    }
}
