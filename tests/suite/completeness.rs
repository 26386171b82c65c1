//! Numbers that must agree and do not, and answers of which a part is gone.

use std::path::Path;

use keyproof::demo::{Size, generate_sized};
use keyproof::digest::sha256;
use serde_json::{Value, json};

use crate::program::{audit, json as read, keyproof, run, told};

/// A small snapshot that is whole.
fn generate(snapshot: &Path) {
    generate_sized(snapshot, 1, 1, Size { principals: 8, keys: 2, policies: 2 }).expect("a snapshot");
}

/// Changes the answers of IAM in a snapshot, and makes its manifest fit.
fn spoil(snapshot: &Path, change: impl FnOnce(&mut Value)) {
    let before = std::fs::read(snapshot.join("manifest.json")).expect("a manifest");
    let mut manifest = read(&snapshot.join("manifest.json"));
    let file = manifest["files"].as_array_mut().expect("files").iter_mut();
    let file = file.into_iter().find(|it| it["path"].as_str().is_some_and(|path| path.ends_with("/iam.json.zst")));
    let file = file.expect("the answers of IAM");
    let place = snapshot.join(file["path"].as_str().expect("a path"));
    let text = zstd::decode_all(std::fs::read(&place).expect("a file").as_slice()).expect("zstd");
    let mut answers: Value = serde_json::from_slice(&text).expect("JSON");
    change(&mut answers);
    let text = serde_json::to_vec(&answers).expect("JSON");
    let bytes = zstd::encode_all(text.as_slice(), 0).expect("zstd");
    std::fs::write(&place, &bytes).expect("a file");
    let old = file["sha256"].as_str().expect("a digest").to_owned();
    (file["sha256"], file["bytes"], file["json_bytes"]) =
        (json!(sha256(&bytes)), json!(bytes.len()), json!(text.len()));
    let manifest = serde_json::to_vec(&manifest).expect("JSON");
    std::fs::write(snapshot.join("manifest.json"), &manifest).expect("a file");
    let list = snapshot.join("manifest.sha256");
    let digests = std::fs::read_to_string(&list).expect("a list");
    let digests = digests.replace(&old, &sha256(&bytes)).replace(&sha256(&before), &sha256(&manifest));
    std::fs::write(&list, digests).expect("a file");
}

#[test]
fn an_answer_without_a_recorded_call_makes_the_pack_incomplete_and_the_terminal_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    generate(&snapshot);
    spoil(&snapshot, |answers| {
        let calls = answers["calls"].as_array_mut().expect("calls");
        calls.retain(|call| call["api"] != "iam:GetAccountAuthorizationDetails");
    });
    let message = told(&run(&mut audit(&snapshot, &pack), 4));
    // No call failed, so that no ledger has it.
    assert!(!message.contains("not read in account"), "{message}");
    assert!(message.contains("results that are not known, because something was not read: "), "{message}");
    let table = std::fs::read_to_string(pack.join("data/csv/completeness.csv")).expect("a table");
    assert!(table.contains("iam:GetAccountAuthorizationDetails gave a list that is not whole"), "{table}");
    run(keyproof().args(["verify", "--reproduce"]).arg(&pack), 0);
}

#[test]
fn two_answers_that_disagree_make_the_pack_incomplete_and_say_so_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    generate(&snapshot);
    let whole = told(&run(&mut audit(&snapshot, &folder.path().join("before")), 0));
    assert!(!whole.contains("not known"), "{whole}");
    // One user more by the summary than by the list.
    spoil(&snapshot, |answers| {
        let users = &mut answers["GetAccountSummary"]["SummaryMap"]["Users"];
        *users = json!(users.as_i64().expect("a number") + 1);
    });

    let message = told(&run(&mut audit(&snapshot, &pack), 4));
    assert!(message.contains("1 of the numbers that must agree"), "{message}");
    let table = std::fs::read_to_string(pack.join("data/csv/completeness.csv")).expect("a table");
    let differs: Vec<&str> = table.lines().filter(|line| line.contains(",differs,")).collect();
    assert!(differs.len() == 1 && differs[0].starts_with("T4,\"users: iam:GetAccountSummary"), "{differs:?}");
    assert!(differs[0].contains(",1,differs"), "{differs:?}");
    let page = |name: &str| std::fs::read_to_string(pack.join("data/report").join(name)).expect("a page");
    let cover = page("index.html");
    assert!(cover.contains("INCOMPLETE") && cover.contains("completeness.html#differs"));
    assert!(!cover.contains("No account was audited") && !cover.contains("COMPLETE</span> Everything"), "the cover");
    assert!(page("completeness.html").contains("id=\"differs\""));
    let made = read(&pack.join("data/pack.json"));
    assert_eq!((&made["incomplete"], &made["tie_outs"]["T4"]["differs"]), (&json!(true), &json!(1)));
    // Of populations that may not be whole nothing is concluded.
    assert!(!page("frameworks/hipaa-security-rule.html").contains("data-determination=\"NO EXCEPTIONS NOTED"));
    run(keyproof().args(["verify", "--reproduce"]).arg(&pack), 0);
}
