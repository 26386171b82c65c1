//! The forms that other programs read, against the schemas of those who define them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::demo::demo;
use crate::program::{audit, findings, json as read_json, keyproof, run, text};
use crate::python::python;

const PACKS: [&str; 2] = ["packs/2026-Q2", "packs/2026-Q3"];

fn packs() -> Vec<PathBuf> {
    PACKS.iter().map(|pack| demo().join(pack)).collect()
}

/// A vendored schema, with its formats asserted.
fn schema(name: &str) -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name);
    validator(&read_json(&path))
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).expect("a schema")
}

fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).take(5).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// How often each status occurs.
fn statuses(pack: &Path) -> BTreeMap<String, usize> {
    findings(pack).iter().fold(BTreeMap::new(), |mut counts, finding| {
        *counts.entry(text(finding, "status").to_owned()).or_default() += 1;
        counts
    })
}

/// What a schema must refuse: a valid value with one member changed.
fn assert_refused(validator: &Validator, valid: &Value, changes: &[(&str, Value)]) {
    assert_eq!(faults(validator, valid), Vec::<String>::new());
    for (pointer, bad) in changes {
        let mut value = valid.clone();
        *value.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} in {valid}")) = bad.clone();
        assert!(!validator.is_valid(&value), "{pointer} = {bad} was let through");
    }
}

#[test]
fn every_finding_is_as_the_schema_in_the_pack_says() {
    for pack in packs() {
        let validator = validator(&read_json(&pack.join("data/json/findings.schema.json")));
        let found = findings(&pack);
        for finding in &found {
            assert_eq!(faults(&validator, finding), Vec::<String>::new(), "{finding}");
        }
        let with_all = found.iter().find(|it| it["evidence"][0]["request_id"].is_string()).expect("a finding");
        let bad = [
            ("/fingerprint", json!("abc")),
            ("/status", json!("OK")),
            ("/account_id", json!("1111222233334")),
            ("/first_seen", json!("2026-09-30")),
            ("/evidence/0/request_id", json!(7)),
        ];
        assert_refused(&validator, with_all, &bad);
        let mut more = with_all.clone();
        more["more"] = json!(1);
        assert!(!validator.is_valid(&more));
        for member in with_all.as_object().expect("an object").keys() {
            let mut less = with_all.clone();
            less.as_object_mut().expect("an object").remove(member);
            assert_eq!(validator.is_valid(&less), member == "aspects", "without {member}");
        }
    }
}

/// The files of a bag that have a schema in it, each with its values.
fn described(bag: &Path) -> Vec<(&'static str, Vec<Value>)> {
    let json = bag.join("data/json");
    let mut files = Vec::new();
    for (schema, file) in [
        ("pack", bag.join("data/pack.json")),
        ("controls", json.join("controls.json")),
        ("completeness", json.join("completeness.json")),
        ("changes", json.join("changes.json")),
    ] {
        if file.exists() {
            files.push((schema, vec![read_json(&file)]));
        }
    }
    if json.join("access.ndjson").exists() {
        files.push(("access", lines(&json.join("access.ndjson"))));
    }
    files
}

#[test]
fn every_json_file_is_as_its_schema_says_and_no_schema_takes_more() {
    let (_folder, hostile) = hostile();
    let changes = demo().join("changes/2026-Q2--2026-Q3");
    let mut seen = BTreeSet::new();
    for bag in packs().into_iter().chain([hostile, changes]) {
        for (name, values) in described(&bag) {
            let validator = validator(&read_json(&bag.join(format!("data/json/{name}.schema.json"))));
            for value in &values {
                assert_eq!(faults(&validator, value), Vec::<String>::new(), "{name} in {}", bag.display());
            }
            let Some(first) = values.first() else { continue };
            let mut more = first.clone();
            more["more"] = json!(1);
            assert!(!validator.is_valid(&more), "{name} takes a member more");
            let optional = ["settings", "verdicts", "narrowed", "waivers_sha256"];
            for member in first.as_object().expect("an object").keys() {
                let mut less = first.clone();
                less.as_object_mut().expect("an object").remove(member);
                assert_eq!(validator.is_valid(&less), optional.contains(&member.as_str()), "{name} without {member}");
            }
            assert!(open_objects(&read_json(&bag.join(format!("data/json/{name}.schema.json")))).is_empty());
            seen.insert(name);
        }
    }
    assert_eq!(seen, BTreeSet::from(["access", "changes", "completeness", "controls", "pack"]));
}

/// The objects of a schema that take members it does not name.
fn open_objects(schema: &Value) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![schema]);
    while let Some(next) = open.pop() {
        if next["type"] == "object" && next["additionalProperties"].is_null() {
            found.push(next.to_string());
        }
        open.extend(next.as_object().into_iter().flat_map(|members| members.values()));
        open.extend(next.as_array().into_iter().flatten());
    }
    found
}

#[test]
fn every_finding_is_a_compliance_finding_of_ocsf() {
    let validator = schema("ocsf_compliance_finding_schema.json");
    for pack in packs() {
        let events = lines(&pack.join("data/interop/ocsf.ndjson"));
        let found = findings(&pack);
        assert_eq!(events.len(), found.len());
        let uids: BTreeSet<&str> = events.iter().map(|event| text(&event["metadata"], "uid")).collect();
        assert_eq!(uids.len(), events.len());
        for (event, finding) in events.iter().zip(&found) {
            assert_eq!(faults(&validator, event), Vec::<String>::new(), "{event}");
            assert_eq!(event["finding_info"]["uid"], finding["fingerprint"]);
            assert_eq!(event["compliance"]["status_code"], finding["status"]);
            let strings = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).expect("a list") };
            let (mapped, current) = (strings(&finding["controls"]), strings(&event["compliance"]["requirements"]));
            let is_current = |control: &String| {
                let id = control.split(':').next().unwrap_or_default();
                !id.starts_with("cis-aws-") && !["pci-dss-4.0", "pci-dss-3.2.1"].contains(&id) || id == "cis-aws-7.0.0"
            };
            assert_eq!(current, mapped.into_iter().filter(is_current).collect::<Vec<_>>());
            let conclusion = match text(finding, "status") {
                "PASS" => 1,
                "ERROR" | "UNDECIDED" => 2,
                "FAIL" | "WAIVED" => 3,
                _ => 99,
            };
            assert_eq!(event["compliance"]["status_id"], conclusion, "{event}");
            // Milliseconds, not seconds: later than 2001 either way, but not before 2020.
            assert!(event["time"].as_i64().expect("a time") > 1_577_836_800_000, "{event}");
        }
        assert_refused(
            &validator,
            &events[0],
            &[("/time", json!("2026")), ("/class_uid", json!(2004)), ("/compliance/status_id", json!(7))],
        );
    }
}

#[test]
fn oscal_assessment_results_are_valid_and_claim_nothing_satisfied() {
    let validator = schema("oscal_assessment-results_schema.json");
    for pack in packs() {
        let document = read_json(&pack.join("data/interop/oscal-ar.json"));
        assert_eq!(faults(&validator, &document), Vec::<String>::new());
        let results = document["assessment-results"]["results"].as_array().expect("results");
        let all = results.last().expect("a result");
        let accounts =
            read_json(&pack.join("data/pack.json"))["counts"]["by_account"].as_object().expect("accounts").len();
        assert_eq!(results.len(), accounts + 1);
        // Each waiver in force that waives something is a risk that somebody answers for.
        let waived: BTreeSet<String> = findings(&pack)
            .iter()
            .filter(|it| it["status"] == "WAIVED")
            .map(|it| text(&it["waiver"], "id").to_owned())
            .collect();
        let risks = all["risks"].as_array().expect("risks");
        assert!(risks.iter().all(|it| it["status"] == "deviation-approved" && it["deadline"].is_string()));
        let of_risks: BTreeSet<String> = risks.iter().map(|it| text(&it["props"][0], "value").to_owned()).collect();
        assert!(!waived.is_empty() && of_risks == waived, "{of_risks:?} {waived:?}");
        // The subjects that fail are the findings that fail, once each.
        let failing = |status: &str| {
            let subjects = results.iter().flat_map(|it| it["observations"].as_array().into_iter().flatten());
            let subjects = subjects.flat_map(|it| it["subjects"].as_array().into_iter().flatten());
            subjects.filter(|it| it["props"][0]["value"] == status).count()
        };
        let counts = statuses(&pack);
        for status in ["FAIL", "ERROR", "UNDECIDED"] {
            assert_eq!(failing(status), counts[status], "{status}");
        }
        let findings = all["findings"].as_array().expect("findings");
        assert!(findings.len() > 20);
        assert!(findings.iter().all(|it| it["target"]["status"]["state"] == "not-satisfied"));
        assert!(findings.iter().any(|it| it["target"]["target-id"] == "ac-6_obj"));
        assert_every_reference_leads_somewhere(&document);
        assert_eq!(
            of_findings(&pack),
            document["assessment-results"]["back-matter"]["resources"][1]["rlinks"][0]["hashes"][0]["value"]
        );
        let bad = [
            ("/assessment-results/uuid", json!("018f6a0e-0000-7000-8000-000000000000")),
            ("/assessment-results/results/0/observations", json!([])),
            ("/assessment-results/results/0/start", json!("2026-09-30T00:00:00")),
        ];
        assert_refused(&validator, &document, &bad);
    }
}

/// The digest of the findings as the manifest has it.
fn of_findings(pack: &Path) -> Value {
    let manifest = fs::read_to_string(pack.join("manifest-sha256.txt")).expect("a manifest");
    let line = manifest.lines().find(|line| line.ends_with("  data/json/findings.ndjson")).expect("its line");
    json!(line[..64])
}

/// Fails where a UUID is defined twice, or referred to and not defined.
fn assert_every_reference_leads_somewhere(document: &Value) {
    let (mut defined, mut referred) = (Vec::new(), BTreeSet::new());
    let mut open = vec![document];
    while let Some(next) = open.pop() {
        for (name, value) in next.as_object().into_iter().flatten() {
            match (name.as_str(), value.as_str()) {
                ("uuid", Some(uuid)) => defined.push(uuid),
                ("href", Some(href)) => referred.extend(href.strip_prefix('#')),
                (name, Some(uuid)) if name.ends_with("-uuid") => {
                    referred.insert(uuid);
                }
                _ => {}
            }
            open.push(value);
        }
        open.extend(next.as_array().into_iter().flatten());
    }
    let unique: BTreeSet<&str> = defined.iter().copied().collect();
    let twice: Vec<&&str> =
        unique.iter().filter(|uuid| defined.iter().filter(|it| it == uuid).count() > 1).take(3).collect();
    assert!(unique.len() == defined.len(), "defined twice: {twice:?}");
    let nowhere: Vec<&&str> = referred.difference(&unique).take(3).collect();
    assert!(nowhere.is_empty(), "referred to and not defined: {nowhere:?}");
}

#[test]
fn the_oscal_plan_is_valid_and_lists_what_the_csv_lists() {
    let validator = schema("oscal_poam_schema.json");
    for pack in packs() {
        let document = read_json(&pack.join("data/interop/oscal-poam.json"));
        assert_eq!(faults(&validator, &document), Vec::<String>::new());
        assert_every_reference_leads_somewhere(&document);
        let items = document["plan-of-action-and-milestones"]["poam-items"].as_array().expect("items");
        let failing: BTreeSet<(String, String)> = findings(&pack)
            .iter()
            .filter(|it| text(it, "status") == "FAIL")
            .map(|it| (text(it, "check_id").to_owned(), text(it, "account_id").to_owned()))
            .collect();
        assert_eq!(items.len(), failing.len());
        let mut reader = csv::Reader::from_path(pack.join("data/csv/poam.csv")).expect("a table");
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
        let ids: Vec<&str> = rows.iter().map(|row| &row[0]).collect();
        let of_items: Vec<&str> = items.iter().map(|it| text(&it["props"][0], "value")).collect();
        assert_eq!(ids, of_items);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let bad = [
            ("/plan-of-action-and-milestones/poam-items", json!([])),
            ("/plan-of-action-and-milestones/poam-items/0/props/0/value", json!(" x")),
        ];
        assert_refused(&validator, &document, &bad);
    }
}

#[test]
fn junit_counts_every_finding_and_passes_none_that_did_not() {
    for pack in packs() {
        let xml = fs::read_to_string(pack.join("data/interop/junit.xml")).expect("junit.xml");
        let counts = statuses(&pack);
        let of = |statuses: &[&str]| statuses.iter().filter_map(|status| counts.get(*status)).sum::<usize>();
        let total = |attribute: &str| -> usize {
            let needle = format!(" {attribute}=\"");
            let suites = xml.lines().filter(|line| line.starts_with("  <testsuite "));
            let number = |line: &str| line.split(&needle).nth(1)?.split('"').next()?.parse::<usize>().ok();
            suites.map(|line| number(line).expect("a number")).sum()
        };
        for (attribute, element, wanted) in [
            ("tests", "<testcase ", of(&["PASS", "FAIL", "ERROR", "UNDECIDED", "NOT_APPLICABLE", "MANUAL", "WAIVED"])),
            ("failures", "<failure ", of(&["FAIL"])),
            ("errors", "<error ", of(&["ERROR", "UNDECIDED"])),
            ("skipped", "<skipped ", of(&["NOT_APPLICABLE", "MANUAL", "WAIVED"])),
        ] {
            assert_eq!((total(attribute), xml.matches(element).count()), (wanted, wanted), "{attribute}");
        }
        assert_well_formed(&pack);
    }
}

/// Names that try to leave their place in JSON, XML, Markdown and tables.
const HOSTILE: &str = "=cmd|'/C x'!A0\"><img src=x onerror=alert(1)></script>]]>&amp;<!-- ' ; \u{202e}\u{200b}\u{1}\u{1b}[31m\r\n\u{2028}\u{ffff} \
     [x](javascript:x) `$(id)` {{ 7*7 }} *_#\\";

/// A snapshot and a pack of an account whose every name is hostile.
pub(crate) fn hostile() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "x".repeat(10_000);
    let user = |index: usize| {
        let name = format!("{HOSTILE}{index}");
        json!({
            "Path": "/", "UserName": name, "UserId": format!("AIDA{index}"), "CreateDate": "2020-01-01T00:00:00Z",
            "Arn": format!("arn:aws:iam::111122223333:user/{name}"), "GroupList": [], "AttachedManagedPolicies": [],
            "UserPolicyList": [{ "PolicyName": name, "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{ "Sid": HOSTILE, "Effect": "Allow", "Action": "kms:*", "Resource": "*" }],
            } }],
            "Tags": [{ "Key": HOSTILE, "Value": long }],
        })
    };
    let details =
        json!({ "UserDetailList": [user(0), user(1)], "GroupDetailList": [], "RoleDetailList": [], "Policies": [] });
    let (file, snapshot) = (folder.path().join("details.json"), folder.path().join("snapshot"));
    fs::write(&file, details.to_string()).expect("a file");
    run(keyproof().args(["import", "--account", "111122223333", "--out"]).arg(&snapshot).arg(&file), 0);
    run(keyproof().args(["import", "--finish", "--allow-incomplete", "--out"]).arg(&snapshot), 0);
    let pack = folder.path().join("pack");
    run(audit(&snapshot, &pack).arg("--allow-incomplete"), 0);
    (folder, pack)
}

#[test]
fn hostile_names_stay_in_their_place_in_every_form() {
    let (_folder, pack) = hostile();
    let found = findings(&pack);
    assert!(found.iter().any(|it| text(it, "resource_name").starts_with(HOSTILE)));
    let own = validator(&read_json(&pack.join("data/json/findings.schema.json")));
    let ocsf = schema("ocsf_compliance_finding_schema.json");
    for (validator, lines) in [(own, found), (ocsf, lines(&pack.join("data/interop/ocsf.ndjson")))] {
        for line in lines {
            assert_eq!(faults(&validator, &line), Vec::<String>::new(), "{line}");
        }
    }
    for (name, file) in [("assessment-results", "oscal-ar.json"), ("poam", "oscal-poam.json")] {
        let document = read_json(&pack.join("data/interop").join(file));
        let validator = schema(&format!("oscal_{name}_schema.json"));
        assert_eq!(faults(&validator, &document), Vec::<String>::new());
    }
    assert_well_formed(&pack);
}

/// What a parser of another maker reads out of `junit.xml`: the names of suites and the numbers of cases.
fn assert_well_formed(pack: &Path) {
    let mut command = python("formats/junit.py");
    let read = run(command.arg(pack.join("data/interop/junit.xml")), 0);
    let suites: Vec<Value> = serde_json::from_slice(&read.stdout).expect("JSON");
    let cases: u64 = suites.iter().map(|suite| suite["cases"].as_u64().expect("a number")).sum();
    assert_eq!(cases as usize, findings(pack).len());
    for suite in &suites {
        assert_eq!(suite["cases"].to_string(), text(suite, "tests"), "{suite}");
    }
}

/// What Frictionless says of the tables that a `datapackage.json` describes: rows of each, and what is wrong.
fn read_tables(bag: &Path) -> (BTreeMap<String, u64>, Vec<String>) {
    let mut command = python("formats/tables.py");
    let read: Value =
        serde_json::from_slice(&run(command.arg(bag.join("data/csv/datapackage.json")), 0).stdout).expect("JSON");
    let rows = read["rows"].as_object().expect("an object").iter();
    let rows = rows.map(|(name, rows)| (name.clone(), rows.as_u64().unwrap_or_default())).collect();
    (rows, read["errors"].as_array().expect("a list").iter().map(ToString::to_string).collect())
}

#[test]
fn another_reader_takes_every_table_for_what_its_description_says() {
    let (_folder, hostile) = hostile();
    let changes = demo().join("changes/2026-Q2--2026-Q3");
    for bag in packs().into_iter().chain([hostile, changes]) {
        let (rows, errors) = read_tables(&bag);
        assert_eq!(errors, Vec::<String>::new(), "{}", bag.display());
        let files = fs::read_dir(bag.join("data/csv")).expect("a folder").map(|it| it.expect("a file").path());
        let tables = files.filter(|path| path.extension().is_some_and(|it| it == "csv"));
        let names: BTreeSet<String> =
            tables.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
        assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), names, "{}", bag.display());
        if let Some(read) = rows.get("findings") {
            assert_eq!(*read as usize, findings(&bag).len());
        }
    }
}

#[test]
fn a_table_that_is_not_as_described_is_found_out() {
    for (right, wrong) in [(",FAIL,", ",FAILED,"), ("2026-09-30T02:02:22.442Z", "yesterday"), (",global,", ",")] {
        let folder = tempfile::tempdir().expect("a folder");
        let csv = folder.path().join("data/csv");
        fs::create_dir_all(&csv).expect("a folder");
        for file in fs::read_dir(packs()[1].join("data/csv")).expect("a folder") {
            let file = file.expect("a file");
            fs::copy(file.path(), csv.join(file.file_name())).expect("a copy");
        }
        let path = csv.join("findings.csv");
        fs::write(&path, fs::read_to_string(&path).expect("a table").replacen(right, wrong, 1)).expect("a file");
        assert!(!read_tables(folder.path()).1.is_empty(), "{right} became {wrong}");
    }
}

/// The rows of a table: cells by column.
pub(crate) fn table(pack: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(pack.join("data/csv").join(name)).expect("a table");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

#[test]
fn the_worksheet_of_a_review_lists_every_principal_with_what_it_has() {
    let pack = &packs()[1];
    let rows = table(pack, "access_review_worksheet.csv");
    let mut keys: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for row in ["key_access.csv", "key_admins.csv"].into_iter().flat_map(|name| table(pack, name)) {
        if ["user", "role", "root"].contains(&row["principal_type"].as_str()) {
            let held = (row["principal_arn"].clone(), row["capability"].clone());
            keys.entry(held).or_default().insert(row["key_arn"].clone());
        }
    }
    let mut seen = BTreeSet::new();
    for row in &rows {
        for column in ["decision", "reviewer", "reviewed_on", "comment"] {
            assert_eq!(row[column], "");
        }
        let arn = row["principal_arn"].clone();
        if row["principal_type"] == "unknown" {
            assert!(row["privileges"].starts_with("not known: ") && arn.is_empty(), "{row:?}");
            continue;
        }
        assert!(!row["last_used"].is_empty(), "{row:?}");
        for capability in ["decrypt", "encrypt", "sign", "grant", "administer", "destroy"] {
            let held = keys.get(&(arn.clone(), capability.to_owned())).map_or(0, BTreeSet::len);
            let begin = format!("{capability} with ");
            let said = row["privileges"]
                .split("; ")
                .find_map(|part| part.strip_prefix(&begin)?.split(' ').next()?.parse().ok());
            assert_eq!(said.unwrap_or(0), held, "{capability}: {row:?}");
        }
        let decrypts: BTreeSet<String> =
            row["keys_decrypt"].split(" | ").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        assert_eq!(decrypts, keys.get(&(arn.clone(), "decrypt".to_owned())).cloned().unwrap_or_default());
        assert!(seen.insert(arn));
    }
    // Whoever is of an account that was read is there.
    let accounts: BTreeSet<&String> = rows.iter().map(|row| &row["account_id"]).collect();
    let of_account = |arn: &str| arn.split(':').nth(4).unwrap_or_default().to_owned();
    for (arn, _) in keys.keys().filter(|(arn, _)| accounts.contains(&of_account(arn))) {
        assert!(seen.contains(arn), "{arn}");
    }
    assert!(seen.len() > 100 && rows.iter().any(|row| row["last_used"] == "never"), "{}", seen.len());
    assert!(rows.iter().any(|row| row["principal_type"] == "unknown"));
}

#[cfg(not(feature = "xlsx"))]
#[test]
fn a_build_without_workbooks_says_so_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let pack = folder.path().join("pack");
    let refused = run(audit(&demo().join("snapshots/2026-Q3"), &pack).arg("--xlsx"), 1);
    let told = crate::program::told(&refused);
    assert!(told.contains("feature `xlsx`") && !pack.exists(), "{told}");
}

/// The sheets of a workbook as another program reads them.
#[cfg(feature = "xlsx")]
fn sheets(pack: &Path) -> Value {
    let mut command = python("formats/workbook.py");
    let read = run(command.arg(pack.join("data/xlsx/evidence.xlsx")), 0);
    serde_json::from_slice(&read.stdout).expect("JSON")
}

#[cfg(feature = "xlsx")]
#[test]
fn the_workbook_holds_every_table_cell_for_cell_and_is_the_same_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = demo().join("snapshots/2026-Q3");
    let [pack, again] = ["pack", "again"].map(|name| folder.path().join(name));
    for pack in [&pack, &again] {
        let checks = ["--check", "iam-root-mfa,kms-key-rotation-enabled,iam-user-console-mfa"];
        run(audit(&snapshot, pack).args(checks).args(["--xlsx", "--no-access", "--allow-incomplete"]), 0);
    }
    let bytes = |pack: &Path| fs::read(pack.join("data/xlsx/evidence.xlsx")).expect("a workbook");
    assert!(bytes(&pack) == bytes(&again));
    assert_is_as_the_tables(&pack);
    run(keyproof().args(["verify", "--reproduce"]).arg(&pack), 0);
}

#[cfg(feature = "xlsx")]
#[test]
fn hostile_names_stay_texts_in_the_workbook() {
    let (folder, _) = hostile();
    let pack = folder.path().join("with-workbook");
    run(audit(&folder.path().join("snapshot"), &pack).args(["--xlsx", "--allow-incomplete"]), 0);
    assert_is_as_the_tables(&pack);
}

/// Fails where a sheet is not what its table is, or has a cell that is no text.
#[cfg(feature = "xlsx")]
fn assert_is_as_the_tables(pack: &Path) {
    let sheets = sheets(pack);
    let names: BTreeSet<&str> = sheets.as_object().expect("sheets").keys().map(String::as_str).collect();
    let mut tables = BTreeSet::from(["contents".to_owned()]);
    for file in fs::read_dir(pack.join("data/csv")).expect("a folder") {
        let name = file.expect("a file").file_name().to_string_lossy().into_owned();
        let Some(sheet) = name.strip_suffix(".csv") else { continue };
        tables.insert(sheet.to_owned());
        let text = fs::read_to_string(pack.join("data/csv").join(&name)).expect("a table");
        let text = text.trim_start_matches('\u{feff}').as_bytes();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
        let read = sheets[sheet]["rows"].as_array().expect("rows");
        assert_eq!(read.len(), rows.len(), "{name}");
        for (row, read) in rows.iter().zip(read) {
            let escaped = &row[row.len() - 1] == "Y";
            let cells = row.iter().take(row.len() - 1).map(|cell| match cell.strip_prefix('\'') {
                Some(raw) if escaped => raw,
                _ => cell,
            });
            for (cell, read) in cells.zip(read.as_array().expect("cells")) {
                let read = read.as_str().unwrap_or_else(|| panic!("{name}: {read} is no text"));
                // What hides is spelt out; a cell without such characters is the same.
                let hides = cell.chars().any(keyproof::report::is_hidden);
                assert!(read == cell || hides && read.contains('⟨'), "{name}: {cell:?} became {read:?}");
            }
        }
        assert_eq!(sheets[sheet]["frozen"], "A2", "{name}");
        let types = &sheets[sheet]["types"];
        assert!(*types == json!(["s"]) || *types == json!(["inlineStr"]), "{name}: {types}");
        assert!(text_of(&sheets[sheet]["filter"]).ends_with(&rows.len().to_string()), "{name}");
    }
    assert_eq!(names, tables.iter().map(String::as_str).collect::<BTreeSet<_>>());
}

#[cfg(feature = "xlsx")]
fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
