//! `oscal-ar.json`: OSCAL assessment results. One result an account, then one over all accounts with what is said of controls.
//!
//! OSCAL knows an objective as satisfied or not and nothing between. A control with an exception is not satisfied; none is called
//! satisfied, because no control is tested in all that it asks. What has no finding was not determined by this tool, and says so.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::bag::Bag;
use super::evidence;
use super::identifier::uuid;
use super::identity::Identity;
use super::interop::Checks;
use super::oscal::{Property, control_token, line, metadata, observation_uuid, origin, property, tool};
use super::pack::Audited;
use super::stream::Stream;
use super::view::counted;
use super::{Error, FINDINGS};
use crate::audit::{AuditedAccount, ControlResult, Counts, Determination, WaiverResult};
use crate::checks::Check;
use crate::finding::{Finding, Status};
use crate::frameworks::Framework;
use crate::waivers::Waiver;

const PATH: &str = "data/interop/oscal-ar.json";

/// What a finding that is a subject of an observation says.
const SUBJECTS: [Status; 4] = [Status::Fail, Status::Error, Status::Undecided, Status::Waived];

/// Said of every result.
const NOT_DETERMINED: &str = "A control without a finding here was not determined by this tool: its tests met no exception, or lacked \
     data, or are no test of all that it asks. The pages of the pack say which.";

/// What was found in an account. The members of this and of what it holds are in alphabetical order, as in the rest of the document.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct OfAccount<'a> {
    description: String,
    end: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_definitions: Option<LocalDefinitions<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observations: Vec<Observation<'a>>,
    props: [Property<'static>; 2],
    remarks: &'static str,
    reviewed_controls: &'a Value,
    start: &'a str,
    title: String,
    uuid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct LocalDefinitions<'a> {
    inventory_items: Vec<Item<'a>>,
}

/// A resource with a finding that says something.
#[derive(Serialize)]
struct Item<'a> {
    description: String,
    props: [Property<'static>; 3],
    uuid: &'a str,
}

/// What a check observed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Observation<'a> {
    collected: &'a str,
    description: String,
    methods: [&'static str; 1],
    origins: [Value; 1],
    props: [Property<'static>; 1],
    relevant_evidence: Vec<RelevantEvidence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<Subject<'a>>,
    title: String,
    types: [&'static str; 1],
    uuid: String,
}

#[derive(Serialize)]
struct RelevantEvidence {
    description: &'static str,
    href: String,
}

/// A resource that was observed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Subject<'a> {
    props: [Property<'static>; 2],
    subject_uuid: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// The UUIDs of an account's resources, by what they are made from.
type Uuids<'a> = BTreeMap<[&'a str; 3], String>;

/// The file in the making.
pub(super) struct Results {
    stream: Stream,
    /// `reviewed-controls`, the same in every result.
    controls: Value,
    /// Files of evidence that observations point to.
    evidence: Vec<String>,
}

impl Results {
    /// Begins the document.
    pub(super) fn create(bag: &Bag, identity: &Identity, frameworks: &[&Framework]) -> Result<Self, Error> {
        let mut stream = Stream::create(bag, PATH)?;
        stream.text("{\"assessment-results\":{\"uuid\":")?;
        stream.json(&uuid("assessment-results", &[&identity.input_root]))?;
        stream.text(",\n\"metadata\":")?;
        stream.json(&metadata(identity, "Assessment results on IAM and KMS"))?;
        stream.text(",\n\"import-ap\":")?;
        let remarks = "No assessment plan was supplied: the checks are described in the pack.";
        stream.json(&json!({ "href": format!("#{}", plan_uuid()), "remarks": remarks }))?;
        stream.text(",\n\"results\":[\n")?;
        Ok(Self { stream, controls: reviewed_controls(frameworks), evidence: Vec::new() })
    }

    /// Adds the result of an account.
    pub(super) fn account(
        &mut self,
        identity: &Identity,
        checks: &Checks,
        audited: &AuditedAccount,
    ) -> Result<(), Error> {
        let id = &audited.facts.id;
        let subjects: BTreeMap<[&str; 3], &Finding> =
            audited.findings.iter().filter(|it| is_subject(it)).map(|it| (resource(it), it)).collect();
        let uuids: Uuids<'_> = subjects.keys().map(|of| (*of, uuid("resource", of))).collect();
        let evidence = audited.evidence.iter().any(|item| !item.is_of_organization()).then(|| evidence::path(id));
        let mut observations = Vec::new();
        for findings in audited.findings.chunk_by(|a, b| a.check_id == b.check_id) {
            let tested = findings.first().and_then(|finding| checks.get(finding.check_id));
            observations.extend(tested.map(|tested| of_account(identity, tested.check, id, findings, &uuids)));
        }
        for observation in &mut observations {
            observation.relevant_evidence.extend(evidence.as_deref().map(items_of));
        }
        let items: BTreeMap<&str, Item<'_>> = uuids
            .iter()
            .filter_map(|(of, uuid)| subjects.get(of).map(|finding| (uuid.as_str(), item(finding, uuid))))
            .collect();
        let inventory_items: Vec<Item<'_>> = items.into_values().collect();
        self.stream.json(&OfAccount {
            description: format!("What {} checks found in account {id}.", checks.len()),
            end: &identity.end,
            local_definitions: (!inventory_items.is_empty()).then_some(LocalDefinitions { inventory_items }),
            observations,
            props: [property("account-id", id), property("account-name", &audited.facts.name)],
            remarks: NOT_DETERMINED,
            reviewed_controls: &self.controls,
            start: &identity.start,
            title: format!("Account {id}"),
            uuid: uuid("result", &[&identity.input_root, id]),
        })?;
        self.stream.text(",\n")?;
        self.evidence.extend(evidence);
        Ok(())
    }

    /// Adds the result over all accounts and ends the document.
    pub(super) fn finish(mut self, bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
        let Audited { identity, summary, .. } = audited;
        let over_all = |check: &&'static Check| {
            let counts = summary.by_check.get(check.id).copied().unwrap_or_default();
            observation(identity, check, &counts, observation_uuid(identity, check))
        };
        let observations: Vec<Observation<'_>> = audited.options.audit.checks.iter().map(over_all).collect();
        let mut result = json!({
            "uuid": uuid("result", &[&identity.input_root]),
            "title": "All accounts",
            "description": "What each check found in all accounts together, and what is said of controls.",
            "start": identity.start,
            "end": identity.end,
            "local-definitions": { "components": [tool()] },
            "reviewed-controls": self.controls,
            "remarks": NOT_DETERMINED,
        });
        if !observations.is_empty() {
            result["observations"] = json!(observations);
        }
        let risks = waived_risks(audited);
        if !risks.is_empty() {
            result["risks"] = json!(risks);
        }
        let findings: Vec<Value> =
            audited.results.iter().flat_map(|it| findings(audited, it.framework, &it.controls)).collect();
        if !findings.is_empty() {
            result["findings"] = json!(findings);
        }
        self.stream.json(&result)?;
        self.stream.text("],\n\"back-matter\":")?;
        self.stream.json(&json!({ "resources": resources(bag, &self.evidence) }))?;
        self.stream.text("}}\n")?;
        self.stream.finish(bag)
    }
}

fn plan_uuid() -> String {
    uuid("resource", &["assessment plan not supplied"])
}

fn findings_uuid() -> String {
    uuid("resource", &[FINDINGS])
}

/// What the document points to. The findings are in the bag by now.
fn resources(bag: &Bag, evidence: &[String]) -> Vec<Value> {
    let lines = |path: &str, title: &str| {
        let href = path.replacen("data/", "../", 1);
        let mut link = json!({ "href": href, "media-type": "application/x-ndjson" });
        if let Some(written) = bag.written(path) {
            link["hashes"] = json!([{ "algorithm": "SHA-256", "value": written.sha256 }]);
        }
        json!({ "uuid": uuid("resource", &[path]), "title": title, "rlinks": [link] })
    };
    let plan = "This document results from a run of checks, not from an assessment plan in OSCAL.";
    let plan = json!({ "uuid": plan_uuid(), "title": "Assessment plan not supplied", "description": plan });
    let findings = lines(FINDINGS, "Every finding with its evidence");
    let evidence = evidence.iter().map(|path| lines(path, "Items of evidence by number, each with its value"));
    [plan, findings].into_iter().chain(evidence).collect()
}

/// Points from what was observed in an account to what it rests on.
fn items_of(path: &str) -> RelevantEvidence {
    RelevantEvidence {
        description: "The items whose numbers (EV-…) those lines name.",
        href: format!("#{}", uuid("resource", &[path])),
    }
}

/// The risks that somebody answers for: of each waiver that waives an exception, until its last day.
fn waived_risks(audited: &Audited<'_>) -> Vec<Value> {
    let waivers = audited.options.audit.waivers.all.iter().zip(&audited.summary.waivers);
    waivers.filter(|(_, result)| result.waived > 0).map(|(waiver, result)| risk(audited, waiver, result)).collect()
}

fn risk(audited: &Audited<'_>, waiver: &Waiver, result: &WaiverResult) -> Value {
    // Before marks are escaped, which would hide a name from those who look for it.
    let shown = |text: &str| match audited.options.redaction {
        Some(redaction) => redaction.text(text),
        None => text.to_owned(),
    };
    let Waiver { id, kind, owner, approver, approved_on, expires_on, .. } = waiver;
    let mut risk = json!({
        "uuid": uuid("waived-risk", &[id]),
        "title": line(&format!("{} {id}", kind.title())),
        "description": line(&shown(&waiver.justification)),
        "statement": line(&format!("{} waived until the end of {expires_on}.", counted(result.waived, "exception is", "exceptions are"))),
        "props": [
            property("waiver-id", id),
            property("waiver-kind", kind.word()),
            property("owner", &shown(owner)),
            property("approver", &shown(approver)),
            property("approved-on", &approved_on.to_string()),
            property("evidence", &result.ev_id),
        ],
        "status": "deviation-approved",
        "origins": [origin()],
        "deadline": format!("{expires_on}T23:59:59Z"),
    });
    let written = kind.worksheet().iter().zip(&waiver.worksheet).filter(|(_, text)| !text.trim().is_empty());
    let factor = |((name, _), text): (&(&str, &str), &String)| {
        let uuid = uuid("mitigating-factor", &[id, name]);
        json!({ "uuid": uuid, "description": line(&format!("{}: {}", name.replace('_', " "), shown(text))) })
    };
    let factors: Vec<Value> = written.map(factor).collect();
    if !factors.is_empty() {
        risk["mitigating-factors"] = json!(factors);
    }
    let checks = audited.options.audit.checks.iter();
    if let Some(check) = checks.copied().find(|check| waiver.scope.check() == Some(check.id)) {
        let observation = observation_uuid(audited.identity, check);
        risk["related-observations"] = json!([{ "observation-uuid": observation }]);
    }
    risk
}

/// Every control of every framework that is reported.
fn reviewed_controls(frameworks: &[&Framework]) -> Value {
    let selection = |framework: &&Framework| {
        let controls =
            framework.controls.iter().map(|control| json!({ "control-id": control_token(framework, control) }));
        json!({
            "description": line(&format!("{} {}", framework.title, framework.version)),
            "props": [property("framework", &framework.id)],
            "include-controls": controls.collect::<Vec<_>>(),
        })
    };
    let mut selections: Vec<Value> = frameworks.iter().filter(|it| !it.controls.is_empty()).map(selection).collect();
    if selections.is_empty() {
        // OSCAL wants one, and one without a member selects nothing.
        selections.push(json!({ "description": "No framework was selected." }));
    }
    json!({ "control-selections": selections })
}

fn is_subject(finding: &Finding) -> bool {
    SUBJECTS.contains(&finding.status)
}

/// What identifies the resource of a finding. A grant is told apart by its id: its ARN is that of the key.
fn resource(finding: &Finding) -> [&str; 3] {
    [finding.resource_type, &finding.resource_arn, &finding.resource_name]
}

fn item<'a>(finding: &Finding, uuid: &'a str) -> Item<'a> {
    Item {
        description: format!("{} in account {}", finding.resource_type, finding.account_id),
        props: [
            property("arn", &finding.resource_arn),
            property("resource-name", &finding.resource_name),
            property("region", &finding.region),
        ],
        uuid,
    }
}

/// What a check observed in one account.
fn of_account<'a>(
    identity: &'a Identity,
    check: &Check,
    account_id: &str,
    findings: &'a [Finding],
    uuids: &'a Uuids<'a>,
) -> Observation<'a> {
    let mut counts = Counts::default();
    findings.iter().for_each(|finding| counts.add(finding.status));
    let subject = |finding: &'a Finding| {
        let subject_uuid = uuids.get(&resource(finding)).filter(|_| is_subject(finding))?;
        let props = [property("status", finding.status.word()), property("fingerprint", &finding.fingerprint)];
        Some(Subject { props, subject_uuid, kind: "inventory-item" })
    };
    let uuid = uuid("observation", &[&identity.input_root, check.id, account_id]);
    Observation {
        subjects: findings.iter().filter_map(subject).collect(),
        ..observation(identity, check, &counts, uuid)
    }
}

/// An observation without subjects.
fn observation<'a>(identity: &'a Identity, check: &Check, counts: &Counts, uuid: String) -> Observation<'a> {
    let of_status = Status::ALL.into_iter().filter(|status| counts.of(*status) > 0);
    let said: Vec<String> = of_status.map(|status| format!("{} {status}", counts.of(status))).collect();
    let said = if said.is_empty() { "nothing to test".to_owned() } else { said.join(", ") };
    Observation {
        collected: &identity.end,
        description: line(&format!("{said}. Rule: {}", check.rule)),
        methods: ["TEST"],
        origins: [origin()],
        props: [property("check-id", check.id)],
        relevant_evidence: vec![RelevantEvidence {
            description: "The lines with this check id, each with the place of its evidence in the snapshot.",
            href: format!("#{}", findings_uuid()),
        }],
        subjects: vec![],
        title: line(check.title),
        types: ["control-objective"],
        uuid,
    }
}

/// The controls with exceptions, each as an objective that is not satisfied.
fn findings(audited: &Audited<'_>, framework: &Framework, controls: &[ControlResult<'_>]) -> Vec<Value> {
    let with_exceptions = controls.iter().filter(|it| it.determination == Determination::ExceptionsNoted);
    with_exceptions.map(|control| finding(audited, framework, control)).collect()
}

fn finding(audited: &Audited<'_>, framework: &Framework, result: &ControlResult<'_>) -> Value {
    let identity = audited.identity;
    let control = result.control;
    let token = control_token(framework, control);
    let failing = |check: &&&'static Check| {
        let is_tested = |test: &crate::audit::TestResult<'_>| {
            test.test.check == check.id && test.counts.is_some_and(|counts| counts.of(Status::Fail) > 0)
        };
        result.tests.iter().any(is_tested)
    };
    let observations: Vec<Value> = audited
        .options
        .audit
        .checks
        .iter()
        .filter(failing)
        .map(|check| json!({ "observation-uuid": observation_uuid(identity, check) }))
        .collect();
    let (failed, population) = (result.counts.of(Status::Fail), result.counts.population());
    json!({
        "uuid": uuid("finding", &[&identity.input_root, &framework.id, &control.id]),
        "title": line(&format!("{} {}: {}", framework.title, control.id, control.title)),
        "description": format!("Exceptions were noted for {failed} of {population} items."),
        "props": [
            property("framework", &framework.id),
            property("control", &control.id),
            property("determination", result.determination.words()),
        ],
        "origins": [origin()],
        "target": {
            "type": "objective-id",
            "target-id": format!("{token}_obj"),
            "status": { "state": "not-satisfied", "reason": "fail" },
        },
        "related-observations": observations,
    })
}
