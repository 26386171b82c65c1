//! Waivers and samples, as a user has them: refused, looked through, applied, and made again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::demo::demo;
use crate::program::{audit, files, findings, json, keyproof, run, text, told};

fn snapshot() -> PathBuf {
    demo().join("snapshots/2026-Q3")
}

/// The waivers of the demonstration.
fn waivers() -> PathBuf {
    demo().join("waivers.toml")
}

/// An audit of one check of the demonstration, without the lists of access.
fn small(pack: &Path) -> Command {
    let mut command = audit(&snapshot(), pack);
    command.args(["--no-access", "--allow-incomplete", "--check", "iam-user-console-mfa,kms-key-rotation-enabled"]);
    command
}

fn check(file: &Path) -> Command {
    let mut command = keyproof();
    command.args(["waiver", "check"]).arg(file).arg("--snapshot").arg(snapshot());
    command
}

/// How each waiver stands, by id.
fn standings(command: &mut Command) -> BTreeMap<String, (String, String)> {
    let output = run(command.args(["--format", "json"]), 0);
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let row = |it: &Value| (text(it, "id").to_owned(), (text(it, "standing").to_owned(), it["notes"].to_string()));
    rows.iter().map(row).collect()
}

#[test]
fn a_check_says_how_each_waiver_stands_at_a_time() {
    let now = standings(&mut check(&waivers()));
    let standing = |id: &str| now[id].0.as_str();
    assert_eq!(
        ["W-2025-31", "W-2026-14", "W-2026-16", "W-2026-21"].map(standing),
        ["LAPSED", "ACTIVE", "STALE", "ACTIVE"]
    );
    assert!(now["W-2025-31"].1.contains("It lapsed 2026-08-31: 1 exception FAIL again."), "{now:?}");
    assert!(now["W-2026-14"].1.contains("Its worksheet lacks maintenance."), "{now:?}");
    assert!(now["W-2026-21"].1.contains("It expires within 90 days, on 2026-12-15."), "{now:?}");
    let then = standings(check(&waivers()).args(["--as-of", "2026-08-31T23:59:59Z"]));
    assert_eq!(then["W-2025-31"].0, "ACTIVE");
    let after = standings(check(&waivers()).args(["--as-of", "2026-09-01T00:00:00Z"]));
    assert_eq!(after["W-2025-31"].0, "LAPSED");
    let before = standings(check(&waivers()).args(["--as-of", "2026-07-14T23:59:59Z"]));
    assert_eq!(before["W-2026-14"].0, "NOT YET EFFECTIVE");
}

/// A waiver that is in order, but for what is put in the place of one of its lines.
fn waiver(old: &str, new: &str) -> String {
    let good = "[[waiver]]\nid = \"W-1\"\nkind = \"risk_acceptance\"\n\
        match = { check = \"iam-user-console-mfa\", account = \"123456789012\" }\nowner = \"ann\"\napprover = \"bob\"\n\
        approved_on = 2026-09-01\nexpires_on = 2026-12-31\njustification = \"because\"\n";
    assert!(good.contains(old), "{old}");
    good.replace(old, new)
}

#[test]
fn a_file_that_may_not_be_is_refused_with_line_and_remedy_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("w.toml");
    let twice = waiver("", "") + &waiver("", "");
    let cases: [(String, &[&str]); 11] = [
        (waiver("owner = \"ann\"", "owner = \"Bob\""), &["line 6", "somebody else must approve"]),
        (waiver("expires_on = 2026-12-31", "expires_on = 2027-12-31"), &["line 8", "365 are the most"]),
        (waiver("expires_on = 2026-12-31", "expires_on = \"2026-12-31\""), &["line 8", "without quotes"]),
        (waiver("expires_on = 2026-12-31\n", ""), &["expires_on", "without quotes"]),
        (waiver("iam-user-console-mfa", "iam-user-consol-mfa"), &["line 4", "did you mean `iam-user-console-mfa`?"]),
        (waiver("\nowner", "\nframeworks = [\"pci-dss-4.0.2\"]\nowner"), &["line 5", "pci-dss-4.0.1"]),
        (waiver("account = \"123456789012\"", "resource_arn = \"*\""), &["line 4", "is no ARN"]),
        (waiver("check = \"iam-user-console-mfa\"", "check = \"*\""), &["line 4", "one waiver for each"]),
        (waiver("account", "tags = [\"a=b\"], account"), &["line 4", "whoever may tag"]),
        (waiver("justification", "justificaton"), &["line 9", "justificaton"]),
        (twice, &["line 11", "another waiver has this id"]),
    ];
    for (content, words) in cases {
        std::fs::write(&file, &content).expect("a file");
        let pack = folder.path().join("pack");
        for mut command in [check(&file), {
            let mut it = small(&pack);
            it.arg("--waivers").arg(&file);
            it
        }] {
            let message = told(&run(&mut command, 1));
            assert!(words.iter().all(|word| message.contains(word)), "{words:?} in:\n{message}\nof:\n{content}");
            assert!(message.starts_with("error: ") && message.contains("w.toml"), "{message}");
        }
        assert!(!pack.exists() || files(&pack).is_empty(), "{content}");
    }
    let message = told(&run(check(&folder.path().join("none.toml")).args(["--format", "csv"]), 1));
    assert!(message.contains("none.toml"), "{message}");
}

#[test]
fn hostile_words_of_a_waiver_reach_terminal_and_table_as_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("w.toml");
    let hostile =
        "frameworks = []\nevidence = [{ path = \"\\u001b[2J\\u202Egone\", sha256 = \"SUM\" }]\nowner = \"=cmd|'/C x'\"";
    std::fs::write(&file, waiver("owner = \"ann\"", &hostile.replace("SUM", &"0f".repeat(32)))).expect("a file");
    let output = run(check(&file).args(["--format", "table"]), 0);
    let shown = told(&output);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']) && shown.contains("\\u{1b}[2J\\u{202e}gone"), "{shown}");
    let pack = folder.path().join("pack");
    run(small(&pack).arg("--waivers").arg(&file), 0);
    let table = std::fs::read_to_string(pack.join("data/csv/waivers.csv")).expect("a table");
    assert!(table.contains(",'=cmd|'/C x',bob,") && table.contains(",Y\r\n"), "{table}");
    std::fs::write(&file, waiver("id = \"W-1\"", "id = \"\\u001b[2J\"")).expect("a file");
    let message = told(&run(&mut check(&file), 1));
    assert!(!message.contains('\u{1b}') && message.contains("letters, digits"), "{message}");
}

#[test]
fn a_waiver_waives_what_it_means_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = |name: &str| folder.path().join(name);
    run(&mut small(&pack("without")), 0);
    let output = run(small(&pack("with")).arg("--waivers").arg(waivers()), 0);
    assert!(told(&output).contains("waiver W-2025-31 is LAPSED") && told(&output).contains("Waivers    1 ACTIVE"));
    // A flag beats the file, and the file is sought from its own folder.
    let config = folder.path().join("deeper/keyproof.toml");
    std::fs::create_dir_all(config.parent().expect("a folder")).expect("a folder");
    std::fs::copy(waivers(), folder.path().join("deeper/w.toml")).expect("a file");
    std::fs::write(&config, "[audit]\nwaivers = 'w.toml'\n").expect("a file");
    run(small(&pack("configured")).arg("--config").arg(&config), 0);
    assert!(files(&pack("with")) == files(&pack("configured")));
    std::fs::write(&config, "[audit]\nwaivers = 'none.toml'\n").expect("a file");
    run(small(&pack("flag")).arg("--config").arg(&config).arg("--waivers").arg(waivers()), 0);
    let (before, after) = (findings(&pack("without")), findings(&pack("with")));
    let mut changed = Vec::new();
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old["fingerprint"], new["fingerprint"]);
        if old["status"] != new["status"] {
            assert_eq!((text(old, "status"), text(new, "status")), ("FAIL", "WAIVED"));
            assert_eq!(text(new, "underlying_status"), "FAIL");
            changed.push((text(&new["waiver"], "id"), text(new, "resource_arn")));
        }
    }
    let key = "arn:aws:kms:us-east-1:123456789012:key/81225de9-3395-43ea-a5d7-f7f12a4beafb";
    assert_eq!(changed, [("W-2026-14", key)]);
    let lapsed = after.iter().find(|it| it["waiver"]["state"] == "lapsed").expect("a lapsed waiver");
    assert!(
        text(lapsed, "status") == "FAIL" && text(lapsed, "reason").ends_with("[waiver W-2025-31 lapsed 2026-08-31]")
    );
    let roots = ["without", "with"].map(|name| json(&pack(name).join("data/pack.json"))["input_root"].clone());
    assert_ne!(roots[0], roots[1]);
}

#[test]
fn the_pack_of_the_demonstration_shows_waivers_that_are_active_lapsed_and_stale() {
    let pack = demo().join("packs/2026-Q3");
    let held = std::fs::read(pack.join("data/inputs/waivers.toml")).expect("the file");
    assert_eq!(held, std::fs::read(waivers()).expect("the file"));
    let page = std::fs::read_to_string(pack.join("data/report/waivers.html")).expect("a page");
    for standing in ["ACTIVE", "LAPSED", "STALE"] {
        assert!(page.contains(&format!("data-standing=\"{standing}\"")), "{standing}");
    }
    let changes = json(&demo().join("changes/2026-Q2--2026-Q3/data/json/changes.json"));
    let of = |class: &str| changes["counts"][class].as_u64().expect("a number");
    assert_eq!((of("waiver_ended"), of("waived")), (1, 2));
    let ended = changes["findings"].as_array().expect("changes").iter().find(|it| it["class"] == "waiver_ended");
    assert_eq!(text(ended.expect("one"), "because"), "it fails: waiver W-2025-31 lapsed 2026-08-31");
}

#[test]
fn a_pack_with_waivers_and_a_sample_is_reproduced() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    run(small(&pack).args(["--sample", "5", "--seed", "Ann's 3rd quarter", "--waivers"]).arg(waivers()), 0);
    run(keyproof().arg("verify").arg(&pack), 0);
    let cover = std::fs::read_to_string(pack.join("data/report/index.html")).expect("a page");
    assert!(cover.contains("keyproof verify --reproduce ."));
    run(keyproof().args(["verify", "--reproduce", "."]).current_dir(&pack).env("TZ", "Asia/Tokyo"), 0);
    // Another draw is another pack.
    let again = folder.path().join("again");
    run(small(&again).args(["--sample", "5", "--seed", "Ann's 4th quarter", "--waivers"]).arg(waivers()), 0);
    assert!(files(&pack) != files(&again));
}

#[test]
fn a_mute_list_begins_a_file_that_cannot_be_used_before_somebody_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (list, file) = (folder.path().join("mutelist.yaml"), folder.path().join("w.toml"));
    let content = "Mutelist:\n  Accounts:\n    '123456789012':\n      Checks:\n        kms_cmk_rotation_enabled:\n          \
        Regions: [us-east-1]\n          Resources: [81225de9]\n        's3_*':\n          Regions: ['*']\n          Resources: ['*']\n";
    let import = |content: &str, code: i32| {
        std::fs::write(&list, content).expect("a file");
        run(keyproof().args(["waiver", "import-mutelist"]).arg(&list), code)
    };
    let output = import(content, 0);
    assert!(String::from_utf8_lossy(&output.stderr).contains("begun: 1; not taken over: 1;"));
    let begun = String::from_utf8(output.stdout).expect("text");
    std::fs::write(&file, &begun).expect("a file");
    assert!(told(&run(&mut check(&file), 1)).contains("approved_on"));
    let filled = begun
        .replace("# approved_on = 2026-01-31", "approved_on = 2026-09-01")
        .replace("# expires_on", "expires_on")
        .replace("owner = \"\"", "owner = \"ann\"")
        .replace("approver = \"\"", "approver = \"bob\"")
        .replace("justification = \"\"", "justification = \"because\"");
    std::fs::write(&file, filled).expect("a file");
    assert_eq!(standings(&mut check(&file))["M-1"].0, "ACTIVE");
    // Each line names the one before nine times.
    let bomb: String =
        (1..12).map(|at| format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 9].join(", "))).collect();
    for bad in ["Mutelist:\n  Accounts: 1\n", &format!("a0: &a0 x\n{bomb}"), "\u{1b}[2J: {"] {
        let message = told(&import(bad, 1));
        assert!(message.contains("mutelist.yaml") && !message.contains('\u{1b}'), "{message}");
    }
}

#[test]
fn a_sample_needs_a_seed_that_can_be_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    for (flags, code, words) in [
        (&["--sample", "5"][..], 2, "--seed"),
        (&["--seed", "a"], 2, "--sample"),
        (&["--sample", "0", "--seed", "a"], 2, "0"),
        (&["--sample", "5", "--seed", ""], 2, "cannot be written down"),
        (&["--sample", "5", "--seed", "a\u{202e}b"], 2, "cannot be written down"),
    ] {
        let message = told(&run(small(&pack).args(flags), code));
        assert!(message.contains(words) && !message.contains('\u{202e}'), "{flags:?}: {message}");
        assert!(!pack.exists());
    }
}
