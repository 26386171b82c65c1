//! Credential reports as AWS writes them, or wrote them once: columns in any order, cells without an answer, columns that were not
//! there yet.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use serde_json::json;

use crate::program::{audit, findings, keyproof, run, text};

const ACCOUNT: &str = "111122223333";

/// Columns, and the cells of the root user, of one who never used his password, of one with a key, of one without credentials.
const REPORT: [[&str; 5]; 13] = [
    ["user", "<root_account>", "Alice", "Bob", "Nobody"],
    [
        "user_creation_time",
        "2020-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z",
    ],
    ["password_enabled", "not_supported", "true", "false", "false"],
    ["password_last_used", "no_information", "no_information", "N/A", "N/A"],
    ["password_last_changed", "not_supported", "2024-01-02T00:00:00Z", "N/A", "N/A"],
    ["mfa_active", "false", "false", "false", "false"],
    ["access_key_1_active", "false", "false", "true", "false"],
    ["access_key_1_last_rotated", "N/A", "N/A", "2024-01-01T00:00:00Z", "N/A"],
    ["access_key_1_last_used_date", "N/A", "N/A", "N/A", "N/A"],
    ["access_key_2_active", "false", "false", "false", "false"],
    ["access_key_2_last_used_date", "N/A", "N/A", "N/A", "N/A"],
    ["cert_1_active", "false", "false", "false", "false"],
    ["cert_2_active", "false", "false", "false", "false"],
];

/// What is said with a report of these columns, by check and resource.
fn said(columns: &[[&str; 5]]) -> BTreeMap<(String, String), (String, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let line = |row: usize| columns.iter().map(|column| column[row]).collect::<Vec<_>>().join(",");
    let csv = (0..5).map(line).collect::<Vec<_>>().join("\n");
    let user = |name: &&str| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
        json!({"Path": "/", "UserName": name, "UserId": format!("AIDA{name}"), "Arn": arn, "CreateDate": "2024-01-01T00:00:00Z",
            "GroupList": [], "AttachedManagedPolicies": []})
    };
    let users: Vec<_> = ["Alice", "Bob", "Nobody"].iter().map(user).collect();
    let no_root = json!({"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0, "AccountPasswordPresent": 0});
    let content = base64::engine::general_purpose::STANDARD.encode(csv);
    let files = [
        json!({"UserDetailList": users, "GroupDetailList": [], "RoleDetailList": [], "Policies": []}),
        json!({"SummaryMap": no_root}),
        json!({"Content": content, "ReportFormat": "text/csv", "GeneratedTime": "2026-09-30T00:00:00Z"}),
    ];
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    let mut command = keyproof();
    command.args(["import", "--account", ACCOUNT, "--finish", "--allow-incomplete", "--out"]).arg(&snapshot);
    for (number, file) in files.iter().enumerate() {
        let path = folder.path().join(format!("{number}.json"));
        std::fs::write(&path, file.to_string()).expect("a file");
        command.arg(path);
    }
    run(&mut command, 0);
    judged(&snapshot, &pack)
}

fn judged(snapshot: &Path, pack: &Path) -> BTreeMap<(String, String), (String, String)> {
    run(audit(snapshot, pack).args(["--as-of", "2026-10-01T00:00:00Z"]), 4);
    let of = |finding: &serde_json::Value, member: &str| text(finding, member).to_owned();
    let found = findings(pack).into_iter();
    found.map(|it| ((of(&it, "check_id"), of(&it, "resource_name")), (of(&it, "status"), of(&it, "reason")))).collect()
}

#[test]
fn columns_are_read_by_name_and_cells_without_an_answer_are_no_use() {
    let found = said(&REPORT);
    let mut turned = REPORT;
    turned.reverse();
    assert_eq!(said(&turned), found, "another order of columns");
    let status = |check: &str, name: &str| found[&(check.to_owned(), name.to_owned())].0.as_str();
    assert_eq!(status("iam-user-console-mfa", "Alice"), "FAIL");
    assert_eq!(status("iam-user-console-mfa", "Nobody"), "NOT_APPLICABLE");
    assert_eq!(status("iam-credentials-unused", "Alice"), "FAIL");
    assert_eq!(status("iam-credentials-unused", "Bob"), "FAIL");
    assert_eq!(status("iam-credentials-unused", "Nobody"), "PASS");
    for check in ["iam-root-access-key", "iam-root-mfa", "iam-root-recent-use"] {
        assert_eq!(status(check, ACCOUNT), "PASS", "{check}: the root user has no credentials");
    }
    assert_eq!(status("iam-password-policy", ACCOUNT), "ERROR", "it was not imported");
}

#[test]
fn a_column_that_was_not_there_yet_is_named_and_costs_no_other_answer() {
    let (whole, short) = (said(&REPORT), said(&REPORT[..11]));
    let differing: Vec<_> = whole.iter().filter(|(place, answer)| short.get(place) != Some(answer)).collect();
    assert_eq!(differing.len(), 4, "the root user and three others");
    for ((check, name), (status, _)) in differing {
        assert_eq!((check.as_str(), status.as_str()), ("iam-signing-certificate", "PASS"), "{name}");
        let (status, reason) = &short[&(check.clone(), name.clone())];
        assert_eq!(status, "ERROR");
        assert!(reason.contains("it has no column cert_1_active"), "{reason}");
    }
}
