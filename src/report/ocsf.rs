//! `ocsf.ndjson`: each finding as an event of OCSF 1.8.0, class 2003 (Compliance Finding), for Security Lake and SIEMs.
//!
//! `finding_info.uid` is the fingerprint; `compliance.status_code` is our status, which OCSF's four cannot tell apart.

use jiff::Timestamp;
use serde::Serialize;

use super::Error;
use super::bag::Bag;
use super::identifier::uuid;
use super::identity::Identity;
use super::interop::{Checks, Tested};
use super::stream::Stream;
use crate::audit::AuditedAccount;
use crate::finding::{Finding, Severity, Status};
use crate::model::Evidence;
use crate::snapshot::manifest::Tool;

const PATH: &str = "data/interop/ocsf.ndjson";

/// The version of the schema that events follow.
const VERSION: &str = "1.8.0";

/// `account.type_id` of an AWS account.
const AWS_ACCOUNT: u64 = 10;

/// The file in the making.
pub(super) struct Events {
    stream: Stream,
    tool: Tool,
    as_of: Timestamp,
    /// The same in words, which every event says twice.
    as_of_dt: String,
    /// The last call: what was first seen before is not new.
    end: Timestamp,
}

impl Events {
    /// Begins the file. Events are of the time at which ages are counted.
    pub(super) fn create(bag: &Bag, as_of: Timestamp, end: Timestamp) -> Result<Self, Error> {
        Ok(Self { stream: Stream::create(bag, PATH)?, tool: Tool::this(), as_of, as_of_dt: as_of.to_string(), end })
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
        let (activity_id, activity_name, type_name) = match finding.first_seen < self.end {
            true => (2, "Update", "Compliance Finding: Update"),
            false => (1, "Create", "Compliance Finding: Create"),
        };
        let (severity_id, severity) = severity(finding.severity);
        let (status_id, status) = status(finding.status);
        self.stream.line(&Event {
            activity_id,
            activity_name,
            category_name: "Findings",
            category_uid: 2,
            class_name: "Compliance Finding",
            class_uid: 2003,
            cloud: cloud(identity, finding),
            compliance: compliance(tested, finding),
            evidences: finding.evidence.iter().map(|data| Evidences { data }).collect(),
            finding_info: FindingInfo {
                desc: tested.check.rationale,
                first_seen_time: finding.first_seen.as_millisecond(),
                first_seen_time_dt: finding.first_seen,
                last_seen_time: self.as_of.as_millisecond(),
                last_seen_time_dt: &self.as_of_dt,
                title: tested.check.title,
                uid: &finding.fingerprint,
            },
            metadata: metadata(&self.tool, identity, finding),
            remediation: Remediation { desc: &finding.remediation },
            resources: [Resource {
                cloud_partition: &finding.partition,
                name: &finding.resource_name,
                region: &finding.region,
                kind: finding.resource_type,
                uid: &finding.resource_arn,
            }],
            severity,
            severity_id,
            status,
            status_id,
            time: self.as_of.as_millisecond(),
            time_dt: &self.as_of_dt,
            type_name,
            type_uid: 200_300 + activity_id,
        })
    }

    /// Ends the file.
    pub(super) fn finish(self, bag: &Bag) -> Result<(), Error> {
        self.stream.finish(bag)
    }
}

/// Declares the objects of an event, their members in alphabetical order.
macro_rules! objects {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Serialize)]
        struct $name<'a> { $($(#[$meta])* $field: $type,)* }
    )*};
}

objects! {
    Event {
        activity_id: u64, activity_name: &'static str, category_name: &'static str, category_uid: u64,
        class_name: &'static str, class_uid: u64, cloud: Cloud<'a>, compliance: Compliance<'a>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        evidences: Vec<Evidences<'a>>,
        finding_info: FindingInfo<'a>, metadata: Metadata<'a>, remediation: Remediation<'a>,
        resources: [Resource<'a>; 1], severity: &'static str, severity_id: u64, status: &'static str, status_id: u64,
        time: i64, time_dt: &'a str, type_name: &'static str, type_uid: u64,
    }
    Cloud {
        account: Account<'a>, cloud_partition: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        org: Option<Org<'a>>,
        provider: &'static str, region: &'a str,
    }
    Account {
        #[serde(skip_serializing_if = "str::is_empty")]
        name: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        type_id: u64, uid: &'a str,
    }
    Org {
        #[serde(skip_serializing_if = "str::is_empty")]
        ou_name: &'a str,
        uid: &'a str,
    }
    Compliance {
        checks: [Checked<'a>; 1], requirements: &'a [String], standards: &'a [String], status: &'static str,
        status_code: Status, status_details: [&'a str; 1], status_id: u64,
    }
    Checked {
        name: &'a str, severity: &'static str, severity_id: u64, status: &'static str, status_id: u64, uid: &'a str,
    }
    Evidences { data: &'a Evidence, }
    FindingInfo {
        desc: &'a str, first_seen_time: i64, first_seen_time_dt: Timestamp, last_seen_time: i64,
        last_seen_time_dt: &'a str, title: &'a str, uid: &'a str,
    }
    Metadata {
        correlation_uid: &'a str, event_code: &'a str, product: Product<'a>, profiles: [&'static str; 2], uid: String,
        version: &'static str,
    }
    Product { name: &'a str, vendor_name: &'a str, version: &'a str, }
    Remediation { desc: &'a str, }
    Resource {
        cloud_partition: &'a str, name: &'a str, region: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        uid: &'a str,
    }
}

fn metadata<'a>(tool: &'a Tool, identity: &'a Identity, finding: &'a Finding) -> Metadata<'a> {
    Metadata {
        correlation_uid: &identity.input_root,
        event_code: finding.check_id,
        product: Product { name: &tool.name, vendor_name: &tool.name, version: &tool.version },
        profiles: ["cloud", "datetime"],
        // An event is a finding of one run; what decides a run's results is its input root.
        uid: uuid("event", &[&identity.input_root, &finding.fingerprint]),
        version: VERSION,
    }
}

fn compliance<'a>(tested: &'a Tested, finding: &'a Finding) -> Compliance<'a> {
    let (status_id, status) = conclusion(finding.status);
    let (severity_id, severity) = severity(finding.severity);
    let check = Checked { name: tested.check.title, severity, severity_id, status, status_id, uid: finding.check_id };
    Compliance {
        checks: [check],
        requirements: &tested.controls,
        standards: &tested.standards,
        status,
        status_code: finding.status,
        status_details: [&finding.reason],
        status_id,
    }
}

fn cloud<'a>(identity: &'a Identity, finding: &'a Finding) -> Cloud<'a> {
    Cloud {
        account: Account {
            name: &finding.account_name,
            kind: "AWS Account",
            type_id: AWS_ACCOUNT,
            uid: &finding.account_id,
        },
        cloud_partition: &finding.partition,
        org: identity.organization.as_ref().map(|uid| Org { ou_name: &finding.ou_path, uid }),
        provider: "AWS",
        region: &finding.region,
    }
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
