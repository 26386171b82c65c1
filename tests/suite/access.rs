//! `keyproof access` on the demonstration and on a collected organization: against `keyproof evaluate`, against its own single decisions, on any number of threads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use keyproof::access::{Classes, Directory, Estate, Row};
use keyproof::demo::{Size, generate_sized};
use keyproof::policy::{Access, Action};
use keyproof::snapshot::Snapshot;
use serde_json::Value;

use crate::assembly::{Assembly, Question};
use crate::demo::demo;
use crate::program::{keyproof, run, text, told};

const ACTIONS: [&str; 6] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
];

/// Contexts tried for a cell that they decide, and for one that says that they do not. Fewer where there are no more.
const OF_CONDITIONAL: usize = 24;
const OF_OTHERS: usize = 2;

/// Numbers that look drawn and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }
}

pub(crate) fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn matrix(snapshot: &Path, actions: &[&str], format: &str) -> Command {
    let mut command = keyproof();
    command.args(["access", "matrix", "--action", &actions.join(","), "--format", format, "--snapshot"]).arg(snapshot);
    command
}

/// The decisions of `keyproof evaluate` on lines.
fn evaluated(asked: &[String]) -> Vec<String> {
    let mut child =
        keyproof().arg("evaluate").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("keyproof starts");
    let mut input = child.stdin.take().expect("a pipe");
    let all = asked.join("\n");
    let writer = std::thread::spawn(move || input.write_all(all.as_bytes()).expect("keyproof reads"));
    let output = child.wait_with_output().expect("keyproof ends");
    writer.join().expect("all was written");
    assert!(output.status.success(), "{}", told(&output));
    lines(&output.stdout).iter().map(|answer| text(answer, "decision").to_owned()).collect()
}

/// Whether a context meets a demand as rows say it.
fn meets(context: &BTreeMap<String, Value>, demand: &str) -> bool {
    let found = |key: &str| {
        let found = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let same = |key: &str, value: &str| found(key).as_deref() == Some(value);
    if let Some((key, list)) =
        demand.strip_prefix("every value of ").and_then(|it| it.split_once(" is (letter case ignored) one of "))
    {
        let values = found(key).map(|list| serde_json::from_str::<Vec<String>>(&list).expect("a set"));
        return values
            .is_none_or(|values| values.iter().all(|value| list.split(", ").any(|it| it.eq_ignore_ascii_case(value))));
    }
    let (key, demand) = demand.split_once(" is ").expect("a demand on a key");
    if let Some(value) = demand.strip_prefix("(letter case ignored) ") {
        return found(key).is_some_and(|it| it.eq_ignore_ascii_case(value));
    }
    match demand.strip_suffix(", or absent") {
        Some(_) if found(key).is_none() => true,
        Some(demand) => match demand.strip_prefix("not ") {
            Some(value) => !same(key, value),
            None => same(key, demand),
        },
        None => match (demand, demand.strip_prefix("like ")) {
            ("present", _) => found(key).is_some(),
            _ if demand.starts_with("not ") => found(key).is_some() && !same(key, demand.trim_start_matches("not ")),
            ("absent", _) => found(key).is_none(),
            (_, Some(pattern)) => {
                let (start, end) = pattern.split_once('*').expect("one wildcard");
                found(key).is_some_and(|it| it.starts_with(start) && it.ends_with(end.trim_end_matches('*')))
            }
            _ => same(key, demand),
        },
    }
}

/// What a row claims about one context.
fn allows(row: Option<&Value>, context: &BTreeMap<String, Value>) -> bool {
    let Some(row) = row else { return false };
    let conditions = row["conditions"].as_array().expect("conditions");
    let all = |all: &Value| all.as_str().expect("text").split(" and ").all(|demand| meets(context, demand));
    match text(row, "access") {
        "allowed" => true,
        "possible" => false,
        _ => conditions.iter().any(all),
    }
}

/// A question, the row that answers it, and contexts to try.
type Asked<'a> = (Question<'a>, Option<&'a Value>, Vec<BTreeMap<String, Value>>);

/// Every pair of principal and key, every action: the matrix claims what `evaluate` decides, context by context.
pub(crate) fn agrees_with_evaluate(snapshot: &Path) -> BTreeMap<String, usize> {
    let rows = lines(&run(&mut matrix(snapshot, &ACTIONS, "ndjson"), 0).stdout);
    let name = |row: &Value| ["principal_arn", "key_arn", "action"].map(|member| text(row, member).to_owned());
    let rows: BTreeMap<[String; 3], &Value> = rows.iter().map(|row| (name(row), row)).collect();
    let assembly = Assembly::of(snapshot);
    let mut numbers = Numbers(7);
    let mut seen = BTreeMap::new();
    for principal in &assembly.principals {
        let mut asked: Vec<Asked<'_>> = Vec::new();
        for (key, action) in assembly.keys.iter().flat_map(|key| ACTIONS.map(|action| (key, action))) {
            let row = rows.get(&[principal.arn.clone(), key.arn.clone(), action.to_owned()]).copied();
            let question = assembly.question(principal, key, action);
            let access = row.map_or("denied", |row| text(row, "access"));
            *seen.entry(access.to_owned()).or_default() += 1;
            let count = match access {
                "conditional" | "via_service" | "allowed_if_chosen" => OF_CONDITIONAL,
                _ => OF_OTHERS,
            };
            let contexts = question.contexts(count, |limit| numbers.below(limit));
            asked.push((question, row, contexts));
        }
        let requests =
            asked.iter().flat_map(|(question, _, contexts)| contexts.iter().map(move |it| question.line(0, it)));
        let requests: Vec<String> = requests.collect();
        let mut decisions = evaluated(&requests).into_iter().zip(&requests);
        for (question, row, contexts) in &asked {
            let access = row.map_or("denied", |row| text(row, "access"));
            let mut found = Vec::new();
            for context in contexts {
                let (decision, request) = decisions.next().expect("a decision");
                let is_right = match access {
                    "denied" => decision == "deny",
                    _ => (decision == "allow") == allows(*row, context),
                };
                assert!(is_right, "{decision}, but {row:?}\n{request}");
                found.push(decision);
            }
            let is_known = question.knows_the_key();
            match access {
                "conditional" | "via_service" | "allowed_if_chosen" => {
                    let both = found.iter().any(|it| it == "allow") && found.iter().any(|it| it != "allow");
                    assert!(both, "always {:?}: {row:?}", found.first());
                }
                "possible" if is_known => assert!(found.iter().any(|it| it == "possible"), "{found:?}: {row:?}"),
                _ => {}
            }
        }
    }
    seen
}

#[test]
fn the_matrix_claims_what_evaluate_decides() {
    let seen = agrees_with_evaluate(&demo().join("snapshots/2026-Q3"));
    let all: usize = seen.values().sum();
    assert_eq!(all, 117 * 100 * ACTIONS.len());
    for access in ["allowed", "allowed_if_chosen", "conditional", "denied", "possible", "via_service"] {
        assert!(seen.contains_key(access), "{access} does not occur: {seen:?}");
    }
}

#[cfg(feature = "collect")]
#[test]
fn the_matrix_of_a_collected_organization_claims_what_evaluate_decides() {
    let seen = agrees_with_evaluate(&crate::findings::job().snapshot);
    let assembly = Assembly::of(&crate::findings::job().snapshot);
    let all: usize = seen.values().sum();
    assert_eq!(all, assembly.principals.len() * assembly.keys.len() * ACTIONS.len());
    assert!(all > 15_000, "{all}");
    for access in ["allowed", "conditional", "denied", "possible", "via_service"] {
        assert!(seen.contains_key(access), "{access} does not occur: {seen:?}");
    }
}

#[test]
fn the_matrix_has_the_same_bytes_on_any_number_of_threads() {
    let snapshot = demo().join("snapshots/2026-Q3");
    for format in ["csv", "ndjson", "json"] {
        let [one, eight] = ["1", "8"]
            .map(|threads| run(matrix(&snapshot, &ACTIONS[..2], format).env("RAYON_NUM_THREADS", threads), 0).stdout);
        assert!(one == eight, "{format} differs with the number of threads");
        assert!(one.len() > 10_000, "{format}");
    }
}

fn directory(folder: &Path) -> Directory {
    let snapshot = Snapshot::open(folder).expect("a snapshot");
    let organization = snapshot.organization().expect("an organization");
    let mut directory = Directory::new("aws", Estate::new(organization.clone()));
    for account in &snapshot.manifest().accounts {
        directory.add(&snapshot.account(account, &organization).expect("an account"));
    }
    directory.finished()
}

/// The matrix holds what single decisions say of every pair.
fn agrees_with_single_decisions(snapshot: &Path) {
    let directory = directory(snapshot);
    let actions = ["kms:CreateGrant", "kms:Decrypt"].map(Action::new);
    let mut expanded: Vec<Row> = Vec::new();
    let classes = Classes::new(&directory, &actions);
    let matrix = classes.matrix().expect("decisions");
    let add = |decided: &keyproof::access::Decided<'_>| -> Result<(), ()> {
        expanded.push(directory.row(decided));
        Ok(())
    };
    matrix.expand(|_| true, add).expect("rows");
    let mut single: Vec<Row> = Vec::new();
    for (key, action) in directory.keys().flat_map(|key| actions.iter().map(move |action| (key, action))) {
        let decided = directory.who_can(action, key).expect("decisions");
        let some = decided.iter().filter(|decided| decided.cell.access != Access::Denied);
        single.extend(some.map(|decided| directory.row(decided)));
    }
    let name = |row: &Row| (row.key_arn.clone(), row.principal_arn.clone(), row.principal_type, row.action.clone());
    single.sort_by_key(name);
    expanded.sort_by_key(name);
    assert!(single.len() > 100, "{} rows", single.len());
    assert_eq!(expanded.len(), single.len());
    for (expanded, single) in expanded.iter().zip(&single) {
        assert_eq!(expanded, single);
    }
}

#[test]
fn the_matrix_holds_what_single_decisions_say() {
    agrees_with_single_decisions(&demo().join("snapshots/2026-Q3"));
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = folder.path().join("snapshot");
    generate_sized(&snapshot, 5, 1, Size { principals: 50, keys: 15, policies: 25 }).expect("a snapshot");
    agrees_with_single_decisions(&snapshot);
}

/// Who may decrypt with a dozen telling keys, as the organization's author meant it: `tests/access/decrypt.txt`.
#[test]
fn who_can_decrypt_is_whom_the_author_meant() {
    let intended = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/decrypt.txt"));
    let intended = intended.expect("the intentions");
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut key = "";
    for line in intended.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match line.strip_prefix("  ") {
            Some(row) => expected.entry(key).or_default().push(row),
            None => {
                key = line.split(' ').next().unwrap_or_default();
                expected.insert(key, vec![]);
            }
        }
    }
    assert!(expected.len() >= 12, "{} keys", expected.len());
    let mut command = matrix(&demo().join("snapshots/2026-Q3"), &["kms:Decrypt"], "ndjson");
    for key in expected.keys() {
        command.args(["--key", key]);
    }
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in lines(&run(&mut command, 0).stdout) {
        let conditions: Vec<&str> =
            row["conditions"].as_array().expect("conditions").iter().filter_map(Value::as_str).collect();
        let conditions =
            if conditions.is_empty() { String::new() } else { format!(" when {}", conditions.join(" or ")) };
        let words =
            format!("{} {} by {}{conditions}", text(&row, "principal_arn"), text(&row, "access"), text(&row, "path"));
        found.entry(text(&row, "key_arn").to_owned()).or_default().push(words);
    }
    for (key, expected) in expected {
        assert_eq!(found.get(key).cloned().unwrap_or_default(), expected, "{key}");
    }
}

const PAYMENTS: &str = "123456789012";

fn explained(principal: &str, action: &str, key: &str) -> Value {
    let mut command = keyproof();
    command.args(["access", "explain", principal, action, key, "--format", "ndjson", "--snapshot"]);
    let output = run(command.arg(demo().join("snapshots/2026-Q3")), 0);
    lines(&output.stdout).remove(0)
}

#[test]
fn an_explanation_names_what_blocks() {
    let of = |account: &str, role: &str| format!("arn:aws:iam::{account}:role/{role}");
    let vault = "arn:aws:kms:eu-central-1:123456789012:key/mrk-4f0bf5e3cc82d1f27e4877f3642d20fb";
    let cases = [
        (
            of(PAYMENTS, "KeyOperators"),
            "kms:ScheduleKeyDeletion",
            vault,
            "denied by the service control policies of Root/Workloads/Prod/Cardholder data",
            "ProtectKeys",
        ),
        (of(PAYMENTS, "ReceiptPrinter"), "kms:ReEncryptFrom", vault, "no Allow in the permissions boundary", ""),
        (
            of(PAYMENTS, "ChargebackExport"),
            "kms:Decrypt",
            "alias/settlement",
            "denied by the identity policies",
            "NoDecrypt",
        ),
        // Its own policy allows everything, but the key policy leaves nothing to the account.
        (
            of("555566667777", "CaseMigration"),
            "kms:Decrypt",
            "alias/claims/phi-vault",
            "no Allow in the key policy",
            "",
        ),
    ];
    for (principal, action, key, blocked_by, sid) in cases {
        let row = explained(&principal, action, key);
        assert_eq!((text(&row, "access"), text(&row, "blocked_by")), ("denied", blocked_by), "{row}");
        let found = row["statements"].as_array().expect("statements").iter().find_map(|it| it["sid"].as_str());
        assert_eq!(found.unwrap_or_default(), sid, "{row}");
    }
    // The guardrail of the sandbox compares an account id with a word, so that it blocks nobody.
    let row = explained(&of("333344445555", "prototype"), "kms:Decrypt", "alias/lab-one");
    assert_eq!((text(&row, "access"), text(&row, "path")), ("allowed", "role"), "{row}");
}

#[test]
fn names_that_mean_nothing_get_the_nearest_that_do() {
    let refusals: [(&[&str], i32, &[&str]); 13] = [
        (
            &["who-can", "kms:Decrypt", "alias/settlment"],
            2,
            &["no key `alias/settlment`", "did you mean `alias/settlement`?"],
        ),
        (
            &["who-can", "kms:Decrypt", "alias/aws/ebs"],
            2,
            &["`alias/aws/ebs` names", "keys; give the ARN of one:", "arn:aws:kms:eu-central-1:"],
        ),
        (
            &["who-can", "kms:Decript", "alias/settlement"],
            2,
            &["there is no action `kms:Decript`; did you mean `kms:Decrypt`?"],
        ),
        (&["who-can", "kms:ListKeys", "alias/settlement"], 2, &["`kms:ListKeys` is about no key"]),
        (
            &["can", "arn:aws:iam::123456789012:role/KeyOperator"],
            2,
            &["no principal", "did you mean `arn:aws:iam::123456789012:role/KeyOperators`?"],
        ),
        (
            &["explain", "arn:aws:iam::123456789012:user/nobody.at.all", "kms:Decrypt", "alias/settlement"],
            2,
            &["no principal `arn:aws:iam::123456789012:user/nobody.at.all`"],
        ),
        (&["matrix", "--account", "999988887777"], 2, &["no keys of account `999988887777`"]),
        (&["matrix", "--account", "123456789013"], 2, &["did you mean `123456789012`?"]),
        (&["matrix", "--ou", "Root/Workload"], 2, &["`Root/Workload`; did you mean `Root/Workloads`?"]),
        (&["matrix", "--alias", "alias/aws/ebd"], 2, &["the alias `alias/aws/ebd`; did you mean `alias/aws/ebs`?"]),
        (&["matrix", "--key", "alias/settlment"], 2, &["did you mean `alias/settlement`?"]),
        (&["matrix", "--tag", "team"], 2, &["`team` is no tag: expected KEY=VALUE"]),
        (&["matrix", "--access", "condtional"], 2, &["'condtional'", "conditional"]),
    ];
    for (arguments, code, words) in refusals {
        let mut command = keyproof();
        command.arg("access").args(arguments).arg("--snapshot").arg(demo().join("snapshots/2026-Q3"));
        let output = run(&mut command, code);
        assert!(output.stdout.is_empty(), "{}", told(&output));
        for words in words {
            assert!(told(&output).contains(words), "{words:?} is not told:\n{}", told(&output));
        }
    }
}

/// The classes stand for exactly the rows of the expanded matrix.
#[test]
fn classes_stand_for_the_rows_of_the_matrix() {
    let snapshot = demo().join("snapshots/2026-Q3");
    let actions = ["kms:Decrypt", "kms:CreateGrant", "kms:ScheduleKeyDeletion"];
    let triple = |row: &Value, key: &str, principal: &str| {
        [key, principal, text(row, "principal_type"), text(row, "action"), text(row, "access")].map(str::to_owned)
    };
    let expanded = lines(&run(&mut matrix(&snapshot, &actions, "ndjson"), 0).stdout);
    let expected: BTreeSet<[String; 5]> =
        expanded.iter().map(|row| triple(row, text(row, "key_arn"), text(row, "principal_arn"))).collect();
    let classes = lines(&run(matrix(&snapshot, &actions, "ndjson").arg("--classes"), 0).stdout);
    let members = |row: &Value, name: &str| -> Vec<String> {
        row[name].as_array().expect("members").iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut found = BTreeSet::new();
    for row in &classes {
        for key in members(row, "key_arns") {
            found.extend(members(row, "principal_arns").iter().map(|principal| triple(row, &key, principal)));
        }
    }
    assert_eq!(found.len(), expanded.len());
    assert_eq!(found, expected);
    assert!(classes.len() < expanded.len(), "{} classes for {} rows", classes.len(), expanded.len());
    let csv = run(matrix(&snapshot, &actions, "csv").arg("--classes"), 0).stdout;
    assert_eq!(csv::Reader::from_reader(csv.as_slice()).records().count(), classes.len());
}
