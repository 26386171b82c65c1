//! `oscal-poam.json`: the plan of action and milestones of OSCAL. An item is what one check found in one account; what the
//! owner adds (dates, milestones, people) is not known here and left out. Without an exception there is no plan and no file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Error;
use super::bag::Bag;
use super::identifier::{NAMESPACE, uuid};
use super::identity::Identity;
use super::oscal::{line, metadata, observation_uuid, origin, property, tool};
use super::pack::Audited;
use super::poam::{self, Weakness};
use super::stream::Stream;
use crate::checks::Check;
use crate::finding::Status;

const PATH: &str = "data/interop/oscal-poam.json";

/// The file in the making: begun with the first item, because OSCAL has no plan without one.
pub(super) struct Plan(Option<Stream>);

impl Plan {
    /// A plan without items.
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// Adds an item.
    pub(super) fn add(&mut self, bag: &Bag, identity: &Identity, weakness: &Weakness<'_>) -> Result<(), Error> {
        let stream = match &mut self.0 {
            Some(stream) => {
                stream.text(",\n")?;
                stream
            }
            none => none.insert(begun(bag, identity)?),
        };
        stream.json(&item(identity, weakness))
    }

    /// Adds what the items point to and ends the document.
    pub(super) fn finish(self, bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
        let Some(mut stream) = self.0 else { return Ok(()) };
        let failed = |check: &&&'static Check| {
            audited.summary.by_check.get(check.id).is_some_and(|counts| counts.of(Status::Fail) > 0)
        };
        let failed: Vec<&'static Check> = audited.options.audit.checks.iter().filter(failed).copied().collect();
        let observations: Vec<Value> = failed.iter().map(|check| observation(audited, check)).collect();
        let risks: Vec<Value> = failed.iter().map(|check| risk(audited.identity, check)).collect();
        stream.text("],\n\"observations\":")?;
        stream.json(&observations)?;
        stream.text(",\n\"risks\":")?;
        stream.json(&risks)?;
        stream.text(",\n\"local-definitions\":")?;
        stream.json(&json!({ "components": [tool()] }))?;
        stream.text("}}\n")?;
        stream.finish(bag)
    }
}

fn begun(bag: &Bag, identity: &Identity) -> Result<Stream, Error> {
    let mut stream = Stream::create(bag, PATH)?;
    stream.text("{\"plan-of-action-and-milestones\":{\"uuid\":")?;
    stream.json(&uuid("plan-of-action-and-milestones", &[&identity.input_root]))?;
    stream.text(",\n\"metadata\":")?;
    stream.json(&metadata(identity, "Plan of action and milestones on IAM and KMS"))?;
    stream.text(",\n\"system-id\":")?;
    let system = uuid("system", &[&identity.subject]);
    stream.json(&json!({ "identifier-type": "https://ietf.org/rfc/rfc4122", "id": system }))?;
    stream.text(",\n\"poam-items\":[\n")?;
    Ok(stream)
}

fn item(identity: &Identity, weakness: &Weakness<'_>) -> Value {
    let Weakness { tested, account_id, findings } = weakness;
    let check = tested.check;
    json!({
        "uuid": uuid("poam-item", &[check.id, account_id]),
        "title": line(&format!("{} (account {account_id})", check.title)),
        "description": line(&format!("{} of account {account_id} do not meet it. {}", poam::resources(findings), check.rationale)),
        "props": [
            property("poam-id", &weakness.id()),
            property("check-id", check.id),
            property("account-id", account_id),
            property("severity", weakness.severity().word()),
            property("resources", &findings.len().to_string()),
            property("first-seen", &weakness.first_seen().map(|time| time.to_string()).unwrap_or_default()),
        ],
        "origins": [origin()],
        "related-observations": [{ "observation-uuid": observation_uuid(identity, check) }],
        "related-risks": [{ "risk-uuid": risk_uuid(check) }],
        "remarks": format!("`{}` lists the resources.", poam::NAME),
    })
}

fn observation(audited: &Audited<'_>, check: &Check) -> Value {
    let by_account: BTreeMap<&str, u64> = audited
        .summary
        .by_account_and_check
        .iter()
        .filter(|((_, id), counts)| *id == check.id && counts.of(Status::Fail) > 0)
        .map(|((account, _), counts)| (account.as_str(), counts.of(Status::Fail)))
        .collect();
    let failed: u64 = by_account.values().sum();
    json!({
        "uuid": observation_uuid(audited.identity, check),
        "title": line(check.title),
        "description": line(&format!("{failed} FAIL in {} accounts. Rule: {}", by_account.len(), check.rule)),
        "props": [property("check-id", check.id)],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "origins": [origin()],
        "collected": audited.identity.end,
    })
}

fn risk_uuid(check: &Check) -> String {
    uuid("risk", &[check.id])
}

fn risk(identity: &Identity, check: &Check) -> Value {
    let how: Vec<String> = check.remediation.steps.iter().chain([&check.remediation.risk]).map(|it| line(it)).collect();
    json!({
        "uuid": risk_uuid(check),
        "title": line(check.title),
        "description": line(check.rationale),
        "statement": line(check.rationale),
        "props": [property("check-id", check.id)],
        "status": "open",
        "origins": [origin()],
        "characterizations": [{
            "origin": origin(),
            "facets": [{ "name": "severity", "system": format!("{NAMESPACE}/oscal"), "value": check.severity.word() }],
        }],
        "remediations": [{
            "uuid": uuid("remediation", &[check.id]),
            "lifecycle": "recommendation",
            "title": line(check.remediation.summary),
            "description": how.join(" "),
        }],
        "related-observations": [{ "observation-uuid": observation_uuid(identity, check) }],
    })
}
