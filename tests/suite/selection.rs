//! An audit of a selection: what stays is the same, what is left out is stated, and what names nothing is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::demo::demo;
use crate::program::{audit, files, findings, json, keyproof, run, text, told};

/// The account with most keys of the demonstration.
const PAYMENTS: &str = "123456789012";

fn snapshot() -> PathBuf {
    demo().join("snapshots/2026-Q3")
}

/// An audit of the demonstration, without the lists of access.
fn narrowed(pack: &Path, flags: &[&str]) -> Command {
    let mut command = audit(&snapshot(), pack);
    command.args(["--no-access", "--allow-incomplete", "--waivers"]).arg(demo().join("waivers.toml"));
    command.arg("--prior").arg(demo().join("packs/2026-Q2")).args(flags);
    command
}

/// The lines of all findings of the demonstration.
fn whole() -> BTreeSet<String> {
    lines(&demo().join("packs/2026-Q3"))
}

fn lines(pack: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(pack.join("data/json/findings.ndjson")).expect("findings");
    text.lines().map(str::to_owned).collect()
}

/// Severity of every check, by id.
fn severities() -> BTreeMap<String, String> {
    let listed = run(keyproof().args(["check", "list", "--format", "json"]), 0);
    let checks: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    checks.iter().map(|check| (text(check, "id").to_owned(), text(check, "severity").to_owned())).collect()
}

#[test]
fn a_selection_keeps_the_very_lines_that_a_rule_keeps() {
    let severities = severities();
    let check = |it: &Value| text(it, "check_id").to_owned();
    let is_severe = |it: &Value| ["critical", "high"].contains(&severities[text(it, "check_id")].as_str());
    let of_fsbp = |it: &Value| {
        let controls = it["controls"].as_array().expect("controls");
        controls.iter().any(|control| control.as_str().is_some_and(|it| it.starts_with("aws-fsbp:")))
    };
    let below = |it: &Value| {
        let path = text(it, "ou_path");
        path == "Root/Workloads" || path.starts_with("Root/Workloads/")
    };
    type Rule<'a> = &'a dyn Fn(&Value) -> bool;
    let cases: [(&[&str], Rule<'_>); 10] = [
        (&["--check", "iam-root-mfa,kms-key-unused"], &|it| {
            ["iam-root-mfa", "kms-key-unused"].contains(&check(it).as_str())
        }),
        (&["--skip-check", "iam-root-mfa", "--skip-check", "kms-key-unused"], &|it| {
            !["iam-root-mfa", "kms-key-unused"].contains(&check(it).as_str())
        }),
        (&["--severity", "high"], &is_severe),
        (&["--framework", "aws-fsbp"], &of_fsbp),
        (&["--service", "account,organizations"], &|it| {
            let (id, kind) = (check(it), text(it, "resource_type"));
            let of_documents = id.starts_with("policy-") && kind == "AWS::Organizations::Policy";
            id.starts_with("account-") || id.starts_with("org-") || of_documents
        }),
        (&["--account", PAYMENTS], &|it| text(it, "account_id") == PAYMENTS),
        (&["--account", "payments-prod"], &|it| text(it, "account_id") == PAYMENTS),
        (&["--ou", "Workloads"], &below),
        (&["--ou", "Root/Workloads", "--severity", "high"], &|it| below(it) && is_severe(it)),
        (&["--account", PAYMENTS, "--framework", "aws-fsbp", "--service", "kms"], &|it| {
            text(it, "account_id") == PAYMENTS && of_fsbp(it) && check(it).starts_with("kms-")
        }),
    ];
    let whole = whole();
    let folder = tempfile::tempdir().expect("a folder");
    for (number, (flags, keeps)) in cases.into_iter().enumerate() {
        let pack = folder.path().join(number.to_string());
        run(&mut narrowed(&pack, flags), 0);
        let kept = |line: &&String| keeps(&serde_json::from_str(line).expect("a line of JSON"));
        let expected: BTreeSet<String> = whole.iter().filter(kept).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < whole.len(), "{flags:?} keeps {} lines", expected.len());
        let found = lines(&pack);
        let differ = found.symmetric_difference(&expected).next();
        assert!(differ.is_none(), "{flags:?}: {} lines, not {}: {differ:?}", found.len(), expected.len());
        run(keyproof().arg("verify").arg(&pack), 0);
    }
}

/// The tags of every key, user and role that was read, by ARN.
fn tags() -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut tags: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for (path, bytes) in files(&snapshot()).into_iter().filter(|(path, _)| path.ends_with(".zst")) {
        let file: Value = serde_json::from_slice(&zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("JSON");
        let pair = |tag: &Value, key: &str, value: &str| (text(tag, key).to_owned(), text(tag, value).to_owned());
        for list in ["UserDetailList", "RoleDetailList"] {
            for it in file["GetAccountAuthorizationDetails"][list].as_array().into_iter().flatten() {
                let of_it = it["Tags"].as_array().into_iter().flatten().map(|tag| pair(tag, "Key", "Value"));
                tags.entry(text(it, "Arn").to_owned()).or_default().extend(of_it);
            }
        }
        for key in file["ListKeys"]["Keys"].as_array().into_iter().flatten() {
            let answer = &file["ListResourceTags"][text(key, "KeyId")]["Tags"];
            if let Some(answer) = answer.as_array() {
                let of_it = answer.iter().map(|tag| pair(tag, "TagKey", "TagValue"));
                tags.entry(text(key, "KeyArn").to_owned()).or_default().extend(of_it);
            }
        }
        assert!(path.starts_with("accounts/"));
    }
    tags
}

#[test]
fn tags_select_resources_that_carry_them_and_keep_those_whose_tags_were_not_read() {
    let (tags, whole) = (tags(), whole());
    let folder = tempfile::tempdir().expect("a folder");
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    type Carries<'a> = &'a dyn Fn(&BTreeSet<(String, String)>) -> bool;
    let cases: [(&[&str], Carries<'_>); 3] = [
        (&["--tag", "Owner=claims"], &|tags| tags.contains(&pair("Owner", "claims"))),
        (&["--tag", "DataClass"], &|tags| tags.iter().any(|(key, _)| key == "DataClass")),
        (&["--tag", "Owner=claims", "--tag", "DataClass=phi"], &|tags| {
            tags.contains(&pair("Owner", "claims")) && tags.contains(&pair("DataClass", "phi"))
        }),
    ];
    for (number, (flags, carries)) in cases.into_iter().enumerate() {
        let pack = folder.path().join(number.to_string());
        let output = run(&mut narrowed(&pack, flags), 0);
        let found = lines(&pack);
        assert!(found.is_subset(&whole), "{flags:?} changed a finding");
        let arn =
            |line: &String| -> Value { serde_json::from_str::<Value>(line).expect("JSON")["resource_arn"].take() };
        let (with, others): (BTreeSet<String>, BTreeSet<String>) =
            found.into_iter().partition(|line| arn(line).as_str().and_then(|arn| tags.get(arn)).is_some_and(carries));
        let expected: BTreeSet<String> = whole
            .iter()
            .filter(|line| arn(line).as_str().and_then(|arn| tags.get(arn)).is_some_and(carries))
            .cloned()
            .collect();
        assert!(!with.is_empty());
        assert_eq!(with, expected, "{flags:?}");
        // What else stays: keys whose tags were denied, and lists that could not be read.
        for line in &others {
            let it: Value = serde_json::from_str(line).expect("JSON");
            let is_unread =
                text(&it, "resource_arn").contains(":key/") && !tags.contains_key(text(&it, "resource_arn"));
            let is_list = text(&it, "status") == "ERROR" && text(&it, "resource_arn").ends_with(":root");
            assert!(is_unread || is_list, "{flags:?}: {it}");
        }
        let by_tag = &json(&pack.join("data/pack.json"))["selection"]["left_out"]["by_tag"];
        assert_eq!(by_tag["kept"], others.len(), "{flags:?}");
        let unknown: u64 = by_tag["not_known"].as_object().expect("checks").values().filter_map(Value::as_u64).sum();
        let all = by_tag["without"].as_u64().expect("a number") + unknown;
        assert_eq!(all, (whole.len() - with.len() - others.len()) as u64, "{flags:?}: every result is counted");
        for word in [format!("keeps {} results", others.len()), format!("leaves out {unknown} results")] {
            assert!(told(&output).contains(&word), "{word}:\n{}", told(&output));
        }
    }
}

#[test]
fn what_was_left_out_is_stated_wherever_one_looks() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    let flags = ["--account", PAYMENTS, "--severity", "high", "--service", "iam,kms", "--skip-check", "iam-root-mfa"];
    let output = run(&mut narrowed(&pack, &flags), 0);
    let ran: BTreeSet<String> = findings(&pack).iter().map(|it| text(it, "check_id").to_owned()).collect();
    let all = severities().len();
    let about = json(&pack.join("data/pack.json"));
    let left_out = about["selection"]["left_out"]["checks"].as_array().expect("checks").len();
    assert_eq!(about["selection"]["checks"].as_array().expect("checks").len() + left_out, all);
    let words = [
        format!("accounts {PAYMENTS}"),
        "checks of severity high or worse".to_owned(),
        "services iam, kms".to_owned(),
        "no checks iam-root-mfa".to_owned(),
        format!("{left_out} of {all} checks"),
        "11 of 12 accounts".to_owned(),
    ];
    let stated = |place: &str, text: &str| {
        for word in &words {
            assert!(text.contains(word.as_str()), "{place} does not say: {word}");
        }
    };
    stated("standard output", &String::from_utf8_lossy(&output.stdout));
    let mut pages = 0;
    for (path, bytes) in files(&pack).into_iter().filter(|(path, _)| path.ends_with(".html")) {
        stated(&path, &String::from_utf8_lossy(&bytes));
        pages += 1;
    }
    assert!(pages > ran.len());
    let page = |path: &str| std::fs::read_to_string(pack.join(path)).expect("a page");
    for path in ["data/report/index.html", "data/report/methodology.html"] {
        assert!(page(path).contains("This pack is narrowed to"), "{path}");
    }
    assert!(page("data/report/index.html").contains("This pack is about 1 account."));
    assert!(page("bag-info.txt").contains("narrowed by a selection"));
    let asked = &about["selection"]["asked"];
    assert_eq!((&asked["severity"], &asked["accounts"][0]), (&Value::from("high"), &Value::from(PAYMENTS)));
    assert!(!ran.contains("iam-root-mfa"));
}

#[test]
fn a_control_of_which_a_test_was_left_out_gets_no_conclusion() {
    let folder = tempfile::tempdir().expect("a folder");
    let determinations = |name: &str, flags: &[&str]| {
        let pack = folder.path().join(name);
        run(&mut narrowed(&pack, flags), 0);
        let mut of_control = BTreeMap::new();
        for framework in json(&pack.join("data/pack.json"))["frameworks"].as_array().expect("frameworks") {
            for control in framework["controls"].as_array().expect("controls") {
                let left_out = [&control["tests_left_out"], &control["tests_in_part"]];
                let left_out = left_out.into_iter().filter_map(Value::as_u64).sum::<u64>();
                let name = format!("{} {}", text(framework, "id"), text(control, "id"));
                of_control.insert(name, (text(control, "determination").to_owned(), left_out));
            }
        }
        of_control
    };
    let concludes = ["NO EXCEPTIONS NOTED", "NO ITEMS IN POPULATION", "EXCEPTIONS UNDER APPROVED WAIVER"];
    let of_account = determinations("whole", &["--account", PAYMENTS]);
    let concluded = |it: &BTreeMap<String, (String, u64)>| {
        it.values().filter(|(words, _)| concludes.contains(&words.as_str())).count()
    };
    assert!(concluded(&of_account) > 10, "something is concluded that a selection could take away");
    assert!(of_account.values().all(|(_, left_out)| *left_out == 0));
    for (name, flags) in [
        ("severity", vec!["--severity", "high"]),
        ("skip", vec!["--skip-check", "iam-root-mfa,iam-password-policy,iam-user-console-mfa"]),
        ("service", vec!["--service", "kms"]),
        ("tag", vec!["--tag", "Owner=settlement"]),
    ] {
        let flags: Vec<&str> = ["--account", PAYMENTS].into_iter().chain(flags).collect();
        let narrowed = determinations(name, &flags);
        assert!(concluded(&narrowed) < concluded(&of_account), "{name}");
        assert!(narrowed.values().any(|(_, left_out)| *left_out > 0), "{name}");
        for (control, (words, left_out)) in &narrowed {
            assert!(*left_out == 0 || !concludes.contains(&words.as_str()), "{name}: {control} {words}");
            // Fewer resources may well be without exceptions; fewer tests never make a control better.
            let before = &of_account[control].0;
            let is_better = concludes.contains(&words.as_str()) && !concludes.contains(&before.as_str());
            assert!(!is_better || name == "tag", "{name}: {control}");
        }
    }
    let page = folder.path().join("skip/data/report/frameworks/cis-aws-7.0.0.html");
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("1 of 1 mapped tests was left out of this run."), "the page of a framework does not say so");
}

#[test]
fn only_what_a_selected_check_reads_of_a_selected_account_makes_an_audit_incomplete() {
    let folder = tempfile::tempdir().expect("a folder");
    let exit = |name: &str, flags: &[&str]| {
        let pack = folder.path().join(name);
        let output = audit(&snapshot(), &pack).arg("--no-access").args(flags).output().expect("keyproof starts");
        (output.status.code(), told(&output).matches("not read in account").count())
    };
    assert_eq!(exit("whole", &[]).0, Some(4));
    // Keys of the account were denied, and another account could not be entered.
    assert_eq!(exit("user", &["--account", PAYMENTS, "--check", "iam-root-mfa"]), (Some(0), 0));
    let (code, gaps) = exit("key", &["--account", PAYMENTS, "--check", "kms-key-unused"]);
    assert!(code == Some(4) && gaps > 0, "{gaps} gaps");
    assert_eq!(
        exit("fail", &["--account", PAYMENTS, "--check", "iam-user-no-group", "--fail-on", "critical"]).0,
        Some(0)
    );
}

#[test]
fn what_names_nothing_is_refused_with_the_nearest_name_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&[&str], i32, &[&str]); 14] = [
        (
            &["--check", "iam-root-mfaa"],
            2,
            &["--check", "`iam-root-mfaa`", "did you mean `iam-root-mfa`", "check list"],
        ),
        (&["--skip-check", "kms-key-unusde"], 2, &["--skip-check", "did you mean `kms-key-unused`"]),
        (&["--framework", "pci-dss-4.0.2"], 2, &["--framework", "did you mean `pci-dss-4.0.1`", "framework list"]),
        (&["--account", "123456789011"], 2, &["--account", "`123456789011`", "did you mean `123456789012`"]),
        (&["--account", "payment-prod"], 2, &["--account", "did you mean `payments-prod`"]),
        (&["--ou", "Wrokloads"], 2, &["--ou", "`Wrokloads`", "did you mean `Workloads`"]),
        (&["--tag", "=claims"], 2, &["`=claims`", "KEY=VALUE"]),
        (&["--severity", "hihg"], 2, &["hihg", "high"]),
        (&["--service", "s3"], 2, &["s3", "organizations"]),
        (&["--check", "iam-root-mfa", "--service", "kms"], 2, &["leaves no check", "iam-root-mfa", "kms"]),
        (&["--check", "iam-root-mfa", "--skip-check", "iam-root-mfa"], 2, &["leaves no check"]),
        (&["--account", PAYMENTS, "--ou", "Sandbox"], 2, &["leaves no account", PAYMENTS, "Sandbox"]),
        (&["--framework-file", "no-such-file.toml"], 1, &["no-such-file.toml"]),
        (&["--check", "\u{1b}[2Jx"], 2, &["\\u{1b}[2Jx"]),
    ];
    for (flags, code, words) in cases {
        let pack = folder.path().join("pack");
        let output = run(&mut narrowed(&pack, flags), code);
        assert!(output.stdout.is_empty() && !pack.exists(), "{flags:?}");
        for word in words {
            assert!(told(&output).contains(word), "{flags:?} does not tell {word}:\n{}", told(&output));
        }
    }
    let config = folder.path().join("keyproof.toml");
    for (line, words) in [
        ("checks = ['iam-root-mfaa']", ["`checks` under [audit]", "did you mean `iam-root-mfa`"]),
        ("services = ['s3']", ["line 2", "s3"]),
        ("severity = 'hihg'", ["line 2", "hihg"]),
        ("chekcs = []", ["line 2", "chekcs"]),
    ] {
        std::fs::write(&config, format!("[audit]\n{line}\n")).expect("a file");
        let output = run(narrowed(&folder.path().join("pack"), &[]).arg("--config").arg(&config), 1);
        for word in words {
            assert!(told(&output).contains(word), "{line} does not tell {word}:\n{}", told(&output));
        }
    }
}

#[test]
fn a_configuration_selects_as_flags_do_and_a_pack_holds_the_one_that_makes_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let [by_flags, by_file, again, beaten] = ["flags", "file", "again", "beaten"].map(|name| folder.path().join(name));
    let config = folder.path().join("keyproof.toml");
    let written = "[audit]\nchecks = ['kms-key-unused', 'kms-key-rotation-enabled', 'iam-root-mfa']\n\
                   skip_checks = ['iam-root-mfa']\nframeworks = ['cis-aws-7.0.0', 'pci-dss-4.0.1']\nseverity = 'low'\n\
                   services = ['kms']\naccounts = ['payments-prod']\norganizational_units = ['Workloads']\n\
                   tags = ['DataClass']\n";
    std::fs::write(&config, written).expect("a file");
    let flags = [
        "--check=kms-key-unused,kms-key-rotation-enabled,iam-root-mfa",
        "--skip-check=iam-root-mfa",
        "--framework=pci-dss-4.0.1,cis-aws-7.0.0",
        "--severity=low",
        "--service=kms",
        "--account=payments-prod",
        "--ou=Workloads",
        "--tag=DataClass",
    ];
    run(&mut narrowed(&by_flags, &flags), 0);
    run(narrowed(&by_file, &[]).arg("--config").arg(&config), 0);
    assert_eq!(files(&by_flags), files(&by_file));
    let own = by_flags.join("data/keyproof.toml");
    assert!(std::fs::read_to_string(&own).expect("a file").contains("accounts = [\"123456789012\"]"));
    run(narrowed(&again, &[]).arg("--config").arg(&own), 0);
    assert_eq!(files(&by_flags), files(&again));
    run(narrowed(&beaten, &["--check", "kms-key-rotation-enabled"]).arg("--config").arg(&config), 0);
    let ran = &json(&beaten.join("data/pack.json"))["selection"]["checks"];
    assert_eq!(*ran, serde_json::json!(["kms-key-rotation-enabled"]), "a flag beats the file");
    let root = |pack: &Path| json(&pack.join("data/pack.json"))["input_root"].clone();
    assert_ne!(root(&by_flags), root(&beaten), "the input root holds the selection");
}

#[test]
fn access_to_the_keys_of_a_selected_account_counts_principals_of_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    run(audit(&snapshot(), &pack).args(["--allow-incomplete", "--check", "iam-root-mfa", "--account", PAYMENTS]), 0);
    let rows = |pack: &Path, name: &str| -> BTreeSet<Vec<String>> {
        let bytes = std::fs::read(pack.join("data/csv").join(name)).expect("a table");
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
    };
    for name in ["key_access.csv", "key_admins.csv", "external_access.csv"] {
        let (all, own) = (rows(&demo().join("packs/2026-Q3"), name), rows(&pack, name));
        let of_keys = |row: &&Vec<String>| row.iter().any(|cell| cell.contains(&format!(":{PAYMENTS}:key/")));
        let expected: BTreeSet<Vec<String>> = all.iter().filter(of_keys).cloned().collect();
        assert!(!own.is_empty() && own.len() < all.len(), "{name}: {} of {}", own.len(), all.len());
        assert_eq!(own, expected, "{name}");
    }
}

#[test]
fn timings_name_phases_and_checks_on_standard_error_and_reach_no_byte_of_the_pack() {
    let folder = tempfile::tempdir().expect("a folder");
    let [with, without] = ["with", "without"].map(|name| folder.path().join(name));
    let flags = ["--allow-incomplete", "--check", "iam-root-mfa,kms-key-unused", "--account", PAYMENTS];
    let output = run(audit(&snapshot(), &with).args(flags).arg("--timings"), 0);
    run(audit(&snapshot(), &without).args(flags), 0);
    assert_eq!(files(&with), files(&without));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["reading", "checks", "administrators", "access", "writing", "iam-root-mfa", "kms-key-unused"] {
        let rows = told.lines().filter(|line| line.split_whitespace().next() == Some(part)).count();
        assert_eq!(rows, 1, "{part}:\n{told}");
    }
    assert!(!String::from_utf8_lossy(&output.stdout).contains("reading"));
}

/// A framework of the house.
const OWN: &str = r#"id = "acme-keys"
title = "Acme key policy"
version = "3"
publisher = "Acme"
notice = "Internal."

[[control]]
id = "K-1"
title = "The root user has MFA"

[[control.test]]
check = "iam-root-mfa"
strength = "direct"
sources = [{ document = "Acme handbook", rules = ["4.2"] }]

[[control]]
id = "K-2"
title = "Keys are rotated"

[[control.test]]
check = "kms-key-rotation-enabled"
strength = "partial"
sources = [{ document = "Acme handbook", rules = ["4.3"] }]

[[control.test]]
check = "iam-password-policy"
aspect = "no-such-aspect"
strength = "supporting"
sources = [{ document = "Acme handbook", rules = ["4.4"] }]

[[control.test]]
check = "kms-key-unused"
strength = "direct"
proposed = true
"#;

#[test]
fn a_framework_of_the_users_own_is_rolled_up_as_the_others_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, pack) = (folder.path().join("acme.toml"), folder.path().join("pack"));
    std::fs::write(&file, OWN).expect("a file");
    let mut command = narrowed(&pack, &["--framework", "acme-keys", "--account", PAYMENTS, "--framework-file"]);
    let output = run(command.arg(&file), 0);
    assert!(told(&output).contains("acme-keys"), "{}", told(&output));
    let found = findings(&pack);
    let ran: BTreeSet<&str> = found.iter().map(|it| text(it, "check_id")).collect();
    assert_eq!(Vec::from_iter(ran), ["iam-password-policy", "iam-root-mfa", "kms-key-rotation-enabled"]);
    let of_root = found.iter().find(|it| text(it, "check_id") == "iam-root-mfa").expect("a finding");
    let controls: Vec<&str> =
        of_root["controls"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(controls.last() == Some(&"acme-keys:K-1") && controls.len() > 5, "{controls:?}");
    let table = std::fs::read_to_string(pack.join("data/csv/findings.csv")).expect("a table");
    assert!(table.contains("acme-keys:K-2"));
    let page = std::fs::read_to_string(pack.join("data/report/frameworks/acme-keys.html")).expect("a page");
    for word in ["Acme key policy", "Acme handbook", "K-1", "published by nobody, counted for nothing"] {
        assert!(page.contains(word), "{word}");
    }
    let about = json(&pack.join("data/pack.json"));
    let reported = about["frameworks"].as_array().expect("frameworks");
    assert_eq!(reported.len(), 1);
    let control = |at: usize| &reported[0]["controls"][at];
    assert_eq!((text(control(0), "id"), text(control(1), "id")), ("K-1", "K-2"));
    assert_eq!(control(1)["tests"], 2, "proposals count for nothing");
    assert!(control(1)["counts"]["UNDECIDED"].as_u64() > Some(0), "an aspect that no finding has concludes nothing");
    let kept = pack.join("data/frameworks/acme-keys.toml");
    assert_eq!(std::fs::read_to_string(&kept).expect("the file"), OWN);
    let again = folder.path().join("again");
    let mut command = narrowed(&again, &["--framework-file"]);
    run(command.arg(&kept).arg("--config").arg(pack.join("data/keyproof.toml")), 0);
    assert_eq!(files(&pack), files(&again));
    run(keyproof().args(["verify", "--reproduce"]).arg(&pack), 0);

    let listed = run(keyproof().args(["framework", "list", "--format", "json", "--framework-file"]).arg(&file), 0);
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(text(listed.last().expect("a framework"), "id"), "acme-keys");
    let shown =
        run(keyproof().args(["framework", "show", "acme-keys", "--format", "json", "--framework-file"]).arg(&file), 0);
    let shown: Vec<Value> = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!((shown.len(), text(&shown[0], "check")), (3, "iam-root-mfa"));
}

#[test]
fn a_framework_file_that_is_wrong_is_refused_with_file_line_and_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("acme.toml");
    for (from, to, words) in [
        ("iam-root-mfa", "iam-root-mfaa", vec!["line 12, control `K-1`", "did you mean `iam-root-mfa`"]),
        ("\"K-2\"", "\"K-1\"", vec!["line 17, control `K-1`", "listed twice"]),
        ("acme-keys", "cis-aws-7.0.0", vec!["line 1", "`cis-aws-7.0.0`", "give yours another id"]),
        ("acme-keys", "../../x", vec!["line 1", "lower-case letters"]),
        ("\"direct\"", "\"strong\"", vec!["line 13", "strong", "`direct`, `partial`, `supporting`"]),
        ("strength", "strenght", vec!["line 13", "strenght", "strength"]),
        ("notice = \"Internal.\"\n", "", vec!["notice"]),
        ("rules = [\"4.2\"]", "rules = []", vec!["line 12", "names no document or no rule"]),
        ("proposed = true\n", "", vec!["line 32", "either a source or `proposed = true`"]),
        ("[[control]]", "[[control", vec!["line 7"]),
    ] {
        let spoilt = OWN.replacen(from, to, 1);
        assert_ne!(spoilt, OWN, "{from}");
        std::fs::write(&file, spoilt).expect("a file");
        for mut command in [keyproof(), narrowed(&folder.path().join("pack"), &[])] {
            if command.get_args().next().is_none() {
                command.args(["framework", "list"]);
            }
            let output = run(command.arg("--framework-file").arg(&file), 1);
            assert!(output.stdout.is_empty() && told(&output).contains("acme.toml"), "{}", told(&output));
            for word in &words {
                assert!(told(&output).contains(word), "{to:?} does not tell {word}:\n{}", told(&output));
            }
        }
    }
    std::fs::write(&file, [0xff, 0xfe]).expect("a file");
    let output = run(keyproof().args(["framework", "list", "--framework-file"]).arg(&file), 1);
    assert!(told(&output).contains("acme.toml") && told(&output).contains("utf-8"), "{}", told(&output));
    std::fs::write(&file, OWN).expect("a file");
    let twice = run(
        keyproof().args(["framework", "list", "--framework-file"]).arg(&file).arg("--framework-file").arg(&file),
        1,
    );
    assert!(told(&twice).contains("is there already"), "{}", told(&twice));
}

#[test]
fn a_comparison_of_a_selection_says_the_same_of_what_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let [old, new] = ["snapshots/2026-Q2", "snapshots/2026-Q3"].map(|name| demo().join(name));
    let compare = |name: &str, flags: &[&str]| {
        let out = folder.path().join(name);
        let mut command = keyproof();
        command.arg("diff").arg(&old).arg(&new).arg("--out").arg(&out).arg("--allow-incomplete").args(flags);
        command.arg("--waivers").arg(demo().join("waivers.toml"));
        (told(&run(&mut command, 0)), json(&out.join("data/json/changes.json")), out)
    };
    let whole = json(&demo().join("changes/2026-Q2--2026-Q3/data/json/changes.json"));
    let (words, narrowed, out) = compare("narrowed", &["--account", PAYMENTS, "--severity", "high"]);
    let severities = severities();
    let kept = |it: &&Value| {
        text(it, "account_id") == PAYMENTS && ["critical", "high"].contains(&severities[text(it, "check_id")].as_str())
    };
    let expected: Vec<&Value> = whole["findings"].as_array().expect("findings").iter().filter(kept).collect();
    let found: Vec<&Value> = narrowed["findings"].as_array().expect("findings").iter().collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    let of_account = |list: &str, changes: &Value| -> Vec<Value> {
        let all = changes[list].as_array().expect("a list").iter();
        all.filter(|it| text(it, "account_id") == PAYMENTS).cloned().collect()
    };
    for list in ["accounts", "resources"] {
        assert_eq!(narrowed[list], Value::from(of_account(list, &whole)), "{list}");
    }
    let page = std::fs::read_to_string(out.join("data/report/changes.html")).expect("a page");
    for place in [&words, &page, &narrowed["narrowed"].to_string()] {
        assert!(place.contains("checks of severity high or worse") && place.contains(PAYMENTS), "{place}");
    }
    assert!(whole.get("narrowed").is_none());

    let (_, by_hub, out) = compare("hub", &["--verdicts", "security-hub", "--check", "iam-password-policy"]);
    assert_eq!(by_hub["verdicts"], "security-hub");
    assert!(by_hub["settings"].as_array().is_some_and(|settings| !settings.is_empty()));
    let page = std::fs::read_to_string(out.join("data/report/changes.html")).expect("a page");
    assert!(page.contains("AWS Security Hub"));

    let mut command = keyproof();
    command.arg("diff").arg(&old).arg(&new).arg("--out").arg(folder.path().join("bad"));
    let refused = told(&run(command.args(["--account", "999999999999"]), 2));
    assert!(refused.contains("no account `999999999999`"), "{refused}");
}
