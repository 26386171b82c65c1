//! `ocsf.ndjson`: each finding as an event of OCSF 1.8.0, class 2003 (Compliance Finding), for Security Lake and SIEMs.
//!
//! `finding_info.uid` is the fingerprint; `compliance.status_code` is our status, which OCSF's four cannot tell apart.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Error;
use super::bag::Bag;
use super::identifier::uuid;
use super::identity::Identity;
use super::interop::{Checks, Tested};
use super::stream::Stream;
use crate::audit::AuditedAccount;
use crate::finding::{Finding, Severity, Status};
use crate::snapshot::manifest::Tool;

const PATH: &str = "data/interop/ocsf.ndjson";

/// The version of the schema that events follow.
const VERSION: &str = "1.8.0";

/// `account.type_id` of an AWS account.
const AWS_ACCOUNT: u64 = 10;

/// The file in the making.
pub(super) struct Events {
    stream: Stream,
    as_of: Timestamp,
    /// The last call: what was first seen before is not new.
    end: Timestamp,
}

impl Events {
    /// Begins the file. Events are of the time at which ages are counted.
    pub(super) fn create(bag: &Bag, as_of: Timestamp, end: Timestamp) -> Result<Self, Error> {
        Ok(Self { stream: Stream::create(bag, PATH)?, as_of, end })
    }

    /// Adds the events of an account.
    pub(super) fn account(
        &mut self,
        identity: &Identity,
        checks: &Checks,
        audited: &AuditedAccount,
    ) -> Result<(), Error> {
        for finding in &audited.findings {
            if let Some(tested) = checks.get(finding.check_id) {
                self.add(identity, tested, finding)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, identity: &Identity, tested: &Tested, finding: &Finding) -> Result<(), Error> {
        let (activity_id, activity) = if finding.first_seen < self.end { (2, "Update") } else { (1, "Create") };
        let mut event = json!({
            "activity_id": activity_id,
            "activity_name": activity,
            "category_uid": 2,
            "category_name": "Findings",
            "class_uid": 2003,
            "class_name": "Compliance Finding",
            "type_uid": 200_300 + activity_id,
            "type_name": format!("Compliance Finding: {activity}"),
            "time": self.as_of.as_millisecond(),
            "time_dt": self.as_of,
            "metadata": metadata(identity, finding),
            "finding_info": {
                "uid": finding.fingerprint,
                "title": tested.check.title,
                "desc": tested.check.rationale,
                "first_seen_time": finding.first_seen.as_millisecond(),
                "first_seen_time_dt": finding.first_seen,
                "last_seen_time": self.as_of.as_millisecond(),
                "last_seen_time_dt": self.as_of,
            },
            "compliance": compliance(tested, finding),
            "resources": [{
                "uid": finding.resource_arn,
                "name": finding.resource_name,
                "type": finding.resource_type,
                "region": finding.region,
                "cloud_partition": finding.partition.as_ref(),
            }],
            "remediation": { "desc": finding.remediation },
            "cloud": cloud(identity, finding),
        });
        let (severity_id, severity) = severity(finding.severity);
        let (status_id, status) = status(finding.status);
        let mut more = Map::new();
        more.insert("severity_id".to_owned(), json!(severity_id));
        more.insert("severity".to_owned(), json!(severity));
        more.insert("status_id".to_owned(), json!(status_id));
        more.insert("status".to_owned(), json!(status));
        let evidences: Vec<Value> = finding.evidence.iter().map(|it| json!({ "data": it })).collect();
        if !evidences.is_empty() {
            more.insert("evidences".to_owned(), json!(evidences));
        }
        if let Some(event) = event.as_object_mut() {
            event.append(&mut more);
        }
        self.stream.line(&event)
    }

    /// Ends the file.
    pub(super) fn finish(self, bag: &mut Bag) -> Result<(), Error> {
        self.stream.finish(bag)
    }
}

fn compliance(tested: &Tested, finding: &Finding) -> Value {
    let (status_id, status) = conclusion(finding.status);
    let (severity_id, severity) = severity(finding.severity);
    json!({
        "status_id": status_id,
        "status": status,
        "status_code": finding.status,
        "status_details": [finding.reason],
        "standards": tested.standards,
        "requirements": tested.controls,
        "checks": [{
            "uid": finding.check_id,
            "name": tested.check.title,
            "status_id": status_id,
            "status": status,
            "severity_id": severity_id,
            "severity": severity,
        }],
    })
}

fn metadata(identity: &Identity, finding: &Finding) -> Value {
    let tool = Tool::this();
    json!({
        "version": VERSION,
        "profiles": ["cloud", "datetime"],
        "product": { "name": tool.name, "vendor_name": tool.name, "version": tool.version },
        "event_code": finding.check_id,
        // An event is a finding of one run; what decides a run's results is its input root.
        "uid": uuid("event", &[&identity.input_root, &finding.fingerprint]),
        "correlation_uid": identity.input_root,
    })
}

fn cloud(identity: &Identity, finding: &Finding) -> Value {
    let mut account = json!({ "uid": finding.account_id.as_ref(), "type_id": AWS_ACCOUNT, "type": "AWS Account" });
    if !finding.account_name.is_empty() {
        account["name"] = json!(finding.account_name.as_ref());
    }
    let mut cloud = json!({
        "provider": "AWS",
        "region": finding.region,
        "cloud_partition": finding.partition.as_ref(),
        "account": account,
    });
    if let Some(organization) = &identity.organization {
        cloud["org"] = json!({ "uid": organization });
        if !finding.ou_path.is_empty() {
            cloud["org"]["ou_name"] = json!(finding.ou_path.as_ref());
        }
    }
    cloud
}

/// `severity_id` and its caption.
fn severity(severity: Severity) -> (u64, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// `status_id` of the finding and its caption: how far people have come with it. What needs nobody has our word.
fn status(status: Status) -> (u64, &'static str) {
    match status {
        Status::Fail | Status::Error | Status::Undecided | Status::Manual => (1, "New"),
        Status::Waived => (3, "Suppressed"),
        Status::Pass | Status::NotApplicable => (99, status.word()),
    }
}

/// `compliance.status_id` and its caption. A warning is OCSF's word for no result for want of information.
fn conclusion(status: Status) -> (u64, &'static str) {
    match status {
        Status::Pass => (1, "Pass"),
        Status::Error | Status::Undecided => (2, "Warning"),
        Status::Fail | Status::Waived => (3, "Fail"),
        Status::NotApplicable | Status::Manual => (99, status.word()),
    }
}
