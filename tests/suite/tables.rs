//! The tables of what there is, against the answers of AWS in the snapshot, and against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use keyproof::digest::sha256;
use serde_json::{Value, json};

use crate::demo::demo;
use crate::formats::table;
use crate::program::{audit, findings, json as read_json, run, text};

type Row = BTreeMap<String, String>;

const NOT_KNOWN: &str = "not known: ";

fn packs() -> [PathBuf; 2] {
    ["packs/2026-Q2", "packs/2026-Q3"].map(|pack| demo().join(pack))
}

/// Every file of answers in the snapshot of a pack: account, Region if it has one, content.
fn answers(pack: &Path) -> Vec<(String, Option<String>, Value)> {
    let manifest = read_json(&pack.join("data/snapshot/manifest.json"));
    let files = manifest["files"].as_array().expect("files").iter().map(|file| text(file, "path").to_owned());
    let of_accounts = files.filter(|path| path.starts_with("accounts/"));
    let read = |path: String| {
        let bytes = fs::read(pack.join("data/snapshot").join(&path)).expect("a file");
        let content = serde_json::from_slice(&zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("JSON");
        let parts: Vec<&str> = path.split('/').collect();
        let region = parts.get(3).map(|file| file.trim_end_matches(".json.zst").to_owned());
        (parts[1].to_owned(), region, content)
    };
    of_accounts.map(read).collect()
}

fn members(value: &Value) -> Vec<(String, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value)).collect()
}

fn items<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    value[name].as_array().into_iter().flatten().collect()
}

/// What a column holds in the rows that stand for something that was read, each with its account; no value twice.
fn known(rows: &[Row], column: &str) -> BTreeSet<(String, String)> {
    let rows = rows.iter().filter(|row| !row[column].starts_with(NOT_KNOWN));
    let mut seen = BTreeSet::new();
    for row in rows {
        assert!(seen.insert((row["account_id"].clone(), row[column].clone())), "twice: {row:?}");
    }
    seen
}

#[test]
fn the_tables_list_what_aws_answered_and_nothing_else() {
    for pack in packs() {
        let answers = answers(&pack);
        let listed = |pick: &dyn Fn(&Value) -> Vec<String>| -> BTreeSet<(String, String)> {
            let of = |(account, _, value): &(String, Option<String>, Value)| {
                let picked = pick(value).into_iter();
                picked.map(|it| (account.clone(), it)).collect::<Vec<_>>()
            };
            answers.iter().flat_map(of).collect()
        };
        let details = |list: &'static str| {
            listed(&|value| {
                let all = items(&value["GetAccountAuthorizationDetails"], list);
                all.into_iter().map(|it| text(it, "Arn").to_owned()).collect()
            })
        };
        assert_eq!(known(&table(&pack, "users.csv"), "user_arn"), details("UserDetailList"));
        assert_eq!(known(&table(&pack, "roles.csv"), "role_arn"), details("RoleDetailList"));
        let keys = listed(&|value| {
            let users = members(&value["ListAccessKeys"]);
            let keys = users.iter().flat_map(|(_, it)| items(it, "AccessKeyMetadata"));
            keys.map(|key| text(key, "AccessKeyId").to_owned()).collect()
        });
        assert_eq!(known(&table(&pack, "access_keys.csv"), "access_key_id"), keys);
        let keys = listed(&|value| {
            items(&value["ListKeys"], "Keys").into_iter().map(|key| text(key, "KeyArn").to_owned()).collect()
        });
        assert_eq!(known(&table(&pack, "kms_keys.csv"), "key_arn"), keys);
        let grants = listed(&|value| {
            let grants = members(&value["ListGrants"]);
            let grants = grants.iter().flat_map(|(_, it)| items(it, "Grants"));
            grants.map(|grant| text(grant, "GrantId").to_owned()).collect()
        });
        assert_eq!(known(&table(&pack, "kms_grants.csv"), "grant_id"), grants);
        assert!(keys.len() > 50 && grants.len() > 10, "{} {}", keys.len(), grants.len());
    }
}

#[test]
fn the_inventory_of_keys_says_what_aws_said_and_its_digests_are_those_of_the_policies() {
    let pack = &packs()[1];
    let rows: BTreeMap<String, Row> =
        table(pack, "kms_keys.csv").into_iter().map(|row| (row["key_arn"].clone(), row)).collect();
    let (mut policies, mut rotating, mut silent) = (0, 0, 0);
    for (_, region, answers) in answers(pack) {
        for key in items(&answers["ListKeys"], "Keys") {
            let (id, row) = (text(key, "KeyId"), &rows[text(key, "KeyArn")]);
            assert_eq!(Some(&row["region"]), region.as_ref());
            let described = &answers["DescribeKey"][id]["KeyMetadata"];
            for (column, member) in [("key_spec", "KeySpec"), ("key_state", "KeyState"), ("origin", "Origin")] {
                match described[member].as_str() {
                    Some(said) => assert_eq!(row[column], said),
                    None => {
                        assert!(row[column].starts_with("not known: kms:DescribeKey"), "{row:?}");
                        silent += 1;
                    }
                }
            }
            if let Some(policy) = answers["GetKeyPolicy"][id]["default"]["Policy"].as_str() {
                assert_eq!(row["policy_sha256"], sha256(policy.as_bytes()), "{row:?}");
                policies += 1;
            } else {
                assert!(row["policy_sha256"].contains(NOT_KNOWN), "{row:?}");
            }
            match answers["GetKeyRotationStatus"][id]["KeyRotationEnabled"].as_bool() {
                Some(enabled) => {
                    assert_eq!(row["rotation"], if enabled { "on" } else { "off" });
                    assert_eq!(enabled, !row["rotation_period_days"].is_empty(), "{row:?}");
                    rotating += u32::from(enabled);
                }
                None => assert!(["none: ", NOT_KNOWN].iter().any(|it| row["rotation"].starts_with(it)), "{row:?}"),
            }
            let grants = items(&answers["ListGrants"][id], "Grants").len().to_string();
            assert!(row["grants"] == grants || row["grants"].contains(NOT_KNOWN), "{row:?}");
        }
    }
    assert!(policies > 50 && rotating > 5 && silent > 0, "{policies} {rotating} {silent}");
}

#[test]
fn the_rows_are_as_many_as_the_tie_outs_count() {
    for pack in packs() {
        let completeness = read_json(&pack.join("data/json/completeness.json"));
        let count = |rows: &[Row], column: &str, account: &str, region: &str| {
            let of = |row: &&Row| {
                row["account_id"] == account
                    && (region.is_empty() || row["region"] == region)
                    && !row[column].starts_with(NOT_KNOWN)
            };
            rows.iter().filter(of).count()
        };
        let [users, roles, keys] = ["users.csv", "roles.csv", "kms_keys.csv"].map(|name| table(&pack, name));
        let mut compared = BTreeSet::new();
        for tie in items(&completeness, "tie_outs") {
            let (account, region) = (text(tie, "account_id"), text(tie, "region"));
            let (kind, rows) = match text(tie, "subject") {
                "users: iam:GetAccountSummary, and iam:GetAccountAuthorizationDetails" => {
                    ("users", count(&users, "user_arn", account, ""))
                }
                "roles: iam:GetAccountSummary, and iam:GetAccountAuthorizationDetails" => {
                    ("roles", count(&roles, "role_arn", account, ""))
                }
                "keys: kms:ListKeys, and kms:DescribeKey answered for" => {
                    ("keys", count(&keys, "key_arn", account, region))
                }
                _ => continue,
            };
            assert_eq!(tie["expected"], json!(rows), "{tie}");
            compared.insert((kind, account.to_owned()));
        }
        assert!(compared.len() >= 24, "{compared:?}");
    }
}

#[test]
fn accounts_are_those_of_the_scope_with_the_findings_that_they_have() {
    for pack in packs() {
        let [accounts, scope] = ["accounts.csv", "scope.csv"].map(|name| table(&pack, name));
        let id = |row: &Row| (row["account_id"].clone(), row["in_scope"].clone(), row["account_status"].clone());
        assert_eq!(accounts.iter().map(id).collect::<Vec<_>>(), scope.iter().map(id).collect::<Vec<_>>());
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        for finding in findings(&pack) {
            let key = (text(&finding, "account_id").to_owned(), text(&finding, "status").to_lowercase());
            *counts.entry(key).or_default() += 1;
        }
        for row in &accounts {
            for status in ["pass", "fail", "waived", "undecided", "not_applicable", "error", "manual"] {
                let cell = &row[&format!("findings_{status}")];
                let wanted = counts.remove(&(row["account_id"].clone(), status.to_owned())).unwrap_or(0);
                match row["in_scope"].as_str() {
                    "yes" => assert_eq!(*cell, wanted.to_string(), "{status}: {row:?}"),
                    _ => assert!(cell.starts_with(NOT_KNOWN) && wanted == 0, "{status}: {row:?}"),
                }
            }
        }
        assert!(counts.is_empty(), "{counts:?}");
    }
}

#[test]
fn the_matrix_of_controls_says_what_pages_and_findings_say() {
    for pack in packs() {
        let found = findings(&pack);
        let made = read_json(&pack.join("data/pack.json"));
        let mut determinations: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for framework in items(&made, "frameworks") {
            for control in items(framework, "controls") {
                determinations.insert((text(framework, "id"), text(control, "id")), text(control, "determination"));
            }
        }
        let mut pages: BTreeMap<String, String> = BTreeMap::new();
        let (mut seen, mut recounted) = (BTreeSet::new(), 0);
        for row in table(&pack, "controls_matrix.csv") {
            let key = (row["framework"].as_str(), row["control"].as_str());
            assert_eq!(determinations.get(&key), Some(&row["determination"].as_str()), "{row:?}");
            let page = pages.entry(row["framework"].clone()).or_insert_with(|| {
                let path = pack.join(format!("data/report/frameworks/{}.html", row["framework"]));
                fs::read_to_string(path).expect("a page")
            });
            let said = format!("data-determination=\"{} {}\"", row["framework"], row["determination"]);
            assert!(page.contains(&said) && page.contains(&row["check_id"]), "{row:?}");
            seen.insert((row["framework"].clone(), row["control"].clone()));
            if row["mapping"] == "proposal" || !row["aspect"].is_empty() || row["ran"] != "yes" {
                continue;
            }
            let status = |finding: &Value| {
                let frameworks = finding["waiver"]["frameworks"].as_array();
                let counts = frameworks.is_none_or(|all| all.iter().any(|it| it == row["framework"].as_str()));
                match text(finding, "status") {
                    "WAIVED" if !counts => "fail".to_owned(),
                    status => status.to_lowercase(),
                }
            };
            let of_check = found.iter().filter(|finding| text(finding, "check_id") == row["check_id"]);
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            of_check.for_each(|finding| *counts.entry(status(finding)).or_default() += 1);
            for status in ["pass", "fail", "waived", "undecided", "not_applicable", "error", "manual"] {
                assert_eq!(row[status], counts.get(status).copied().unwrap_or(0).to_string(), "{status}: {row:?}");
            }
            recounted += 1;
        }
        assert_eq!(seen.len(), determinations.len());
        assert!(recounted > 300, "{recounted}");
    }
}

#[test]
fn whoever_is_or_can_become_an_administrator_is_privileged() {
    for pack in packs() {
        let rows = table(&pack, "privileged_principals.csv");
        let rows: BTreeMap<&str, &Row> = rows.iter().map(|row| (row["principal_arn"].as_str(), row)).collect();
        let is_principal = |it: &&Value| ["AWS::IAM::User", "AWS::IAM::Role"].contains(&text(it, "resource_type"));
        let found = findings(&pack);
        let of =
            |check: &'static str| found.iter().filter(is_principal).filter(move |it| text(it, "check_id") == check);
        let (mut administrators, mut escalating) = (0, 0);
        for finding in of("iam-administrator-access").filter(|it| text(it, "status") == "FAIL") {
            let row = rows.get(text(finding, "resource_arn")).unwrap_or_else(|| panic!("{finding}"));
            assert_eq!(row["administrator"], "yes", "{row:?}");
            assert!(text(finding, "reason").ends_with(&row["administrator_by"].replace(" | ", ", ")), "{row:?}");
            administrators += 1;
        }
        for finding in of("iam-administrator-mfa").filter(|it| ["PASS", "FAIL"].contains(&text(it, "status"))) {
            assert_eq!(rows[text(finding, "resource_arn")]["administrator"], "yes", "through groups as well");
        }
        for finding in of("iam-privilege-escalation") {
            let row = rows.get(text(finding, "resource_arn"));
            match text(finding, "status") {
                "FAIL" | "WAIVED" => {
                    assert_eq!(row.expect("a row")["escalation"], "yes");
                    escalating += 1;
                }
                "PASS" => assert!(row.is_none_or(|row| row["administrator"] != "no"), "{finding}"),
                _ => {}
            }
        }
        let roots = rows.values().filter(|row| row["principal_type"] == "root").count();
        let accounts = table(&pack, "accounts.csv").iter().filter(|row| row["in_scope"] == "yes").count();
        assert_eq!(roots, accounts);
        assert!(administrators > 5 && escalating > 0, "{administrators} {escalating}");
    }
}

#[test]
fn machines_are_told_by_the_rule_that_is_stated() {
    let pack = &packs()[1];
    let machines: BTreeSet<String> =
        table(pack, "service_accounts.csv").into_iter().map(|row| row["principal_arn"].clone()).collect();
    for user in table(pack, "users.csv") {
        let is_machine = user["password"] == "no" && !user["access_keys"].is_empty();
        if !user["user_arn"].starts_with(NOT_KNOWN) {
            assert_eq!(machines.contains(&user["user_arn"]), is_machine, "{user:?}");
        }
    }
    for role in table(pack, "roles.csv").iter().filter(|role| !role["role_arn"].starts_with(NOT_KNOWN)) {
        let mut trusted = role["trusted"].split(" | ");
        let is_machine = role["service_linked"] == "yes"
            || trusted.any(|it| it.ends_with(".amazonaws.com") || it.contains("-provider/"));
        assert_eq!(machines.contains(&role["role_arn"]), is_machine, "{role:?}");
    }
    assert!(machines.iter().any(|arn| arn.contains(":user/")), "{machines:?}");
}

#[test]
fn an_account_that_could_not_be_entered_is_not_known_in_every_table() {
    let pack = &packs()[1];
    for name in [
        "users.csv",
        "roles.csv",
        "access_keys.csv",
        "privileged_principals.csv",
        "service_accounts.csv",
        "kms_keys.csv",
        "kms_grants.csv",
    ] {
        let rows = table(pack, name);
        let unread = rows.iter().filter(|row| row["account_id"] == "999988887777");
        let says_why = |row: &Row| row.values().any(|cell| cell.starts_with("not known: sts:AssumeRole was denied"));
        assert!(unread.clone().count() > 0 && unread.clone().all(says_why), "{name}");
    }
}

#[test]
fn a_run_without_the_check_of_escalation_says_that_it_does_not_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    let snapshot = demo().join("snapshots/2026-Q3");
    run(audit(&snapshot, &pack).args(["--check", "iam-root-mfa", "--no-access", "--allow-incomplete"]), 0);
    let rows = table(&pack, "privileged_principals.csv");
    let unasked = rows.iter().filter(|row| row["principal_arn"].contains("was asked of 0 of"));
    assert!(unasked.count() >= 8, "{rows:?}");
    let administrators = rows.iter().filter(|row| row["administrator"] == "yes" && row["principal_type"] != "root");
    let mut administrators = administrators.peekable();
    assert!(administrators.peek().is_some());
    assert!(administrators.all(|row| row["escalation"].starts_with(NOT_KNOWN)), "{rows:?}");
}

#[test]
fn the_page_of_files_names_every_table_and_each_link_leads_somewhere() {
    for pack in packs() {
        let page = fs::read_to_string(pack.join("data/README.html")).expect("a page");
        let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let links: BTreeSet<&str> = links.filter(|link| !link.starts_with('#')).collect();
        for link in &links {
            let file = link.split('#').next().unwrap_or(link);
            assert!(pack.join("data").join(file).exists(), "{link}");
        }
        for file in fs::read_dir(pack.join("data/csv")).expect("a folder") {
            let name = file.expect("a file").file_name().to_string_lossy().into_owned();
            assert!(links.contains(format!("csv/{name}").as_str()), "{name}");
        }
    }
}
