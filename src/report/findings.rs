//! The two forms that hold every finding, written as they come: `findings.ndjson` and `findings.csv`, and the schema of the first.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::bag::Bag;
use super::stream::Stream;
use super::table::{SEPARATOR, Table};
use super::{Error, FINDINGS};
use crate::finding::{AffectedPrincipal, Finding, Status, WaiverReference};
use crate::model::Evidence;

const CSV: &str = "data/csv/findings.csv";

const SCHEMA: &str = "data/json/findings.schema.json";

/// What a line of `findings.ndjson` is, as a JSON Schema.
const SCHEMA_TEXT: &str = include_str!("findings.schema.json");

/// A column of `findings.csv`: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, for<'a> fn(&'a Finding) -> Cow<'a, str>);

/// The columns, in their order, which never changes inside a major version.
pub(super) const FINDINGS_COLUMNS: [Column; 31] = [
    ("fingerprint", "Identity of the finding across quarters", |it| (&it.fingerprint).into()),
    ("check_id", "The check", |it| it.check_id.into()),
    ("status", "PASS, FAIL, WAIVED, UNDECIDED, NOT_APPLICABLE, ERROR or MANUAL", |it| it.status.word().into()),
    ("underlying_status", "The status without the waiver, for WAIVED", |it| {
        it.underlying_status.map(Status::word).unwrap_or_default().into()
    }),
    ("severity", "critical, high, medium, low or informational", |it| it.severity.word().into()),
    ("partition", "aws, aws-cn, aws-us-gov, …", |it| it.partition.as_ref().into()),
    ("account_id", "12 digits; import the column as text, or leading zeros are lost", |it| {
        it.account_id.as_ref().into()
    }),
    ("account_name", "Name of the account in the organization", |it| it.account_name.as_ref().into()),
    ("ou_path", "Place of the account in the organization, from the root down", |it| it.ou_path.as_ref().into()),
    ("region", "Region, or global", |it| it.region.as_ref().into()),
    ("resource_type", "CloudFormation's name of the type", |it| it.resource_type.into()),
    ("resource_arn", "ARN of the resource", |it| it.resource_arn.as_ref().into()),
    ("resource_name", "Name of the resource; the grant id for grants", |it| it.resource_name.as_ref().into()),
    ("reason", "The facts that decided, as one sentence", |it| it.reason.as_ref().into()),
    ("aspects", "Results under other parameters: name (parameters): status", |it| {
        joined(&it.aspects, |it| format!("{} ({}): {}", it.name, it.parameters, it.status))
    }),
    ("statements", "Policy statements that decide: effect, policy, position from 0, Sid", |it| {
        joined(&it.statements, |it| {
            let sid = it.sid.as_ref().map(|sid| format!(" {sid}")).unwrap_or_default();
            format!("{} {}#{}{sid}", it.effect, it.policy, it.index)
        })
    }),
    (
        "evidence_apis",
        "APIs whose answers the status rests on; item n of each evidence column belongs together",
        |it| of_evidence(it, |it| it.api.as_ref().into()),
    ),
    ("evidence_files", "Files inside the snapshot", |it| of_evidence(it, |it| it.file.as_ref().into())),
    ("evidence_pointers", "JSON pointers (RFC 6901) into the decompressed files", |it| {
        of_evidence(it, |it| it.pointer.as_ref().into())
    }),
    ("evidence_request_ids", "AWS's request ids, to be looked up in CloudTrail; empty where AWS gave none", |it| {
        of_evidence(it, |it| it.request_id.as_deref().unwrap_or_default().into())
    }),
    ("evidence_sha256", "SHA-256 of the files as stored", |it| of_evidence(it, |it| it.sha256.as_ref().into())),
    ("controls", "Mapped controls, framework:control", |it| it.controls.join(SEPARATOR).into()),
    ("remediation", "What to do, in one line", |it| it.remediation.as_ref().into()),
    ("first_seen", "When the finding was first seen, UTC", |it| it.first_seen.to_string().into()),
    ("waiver_id", "The waiver that means the exception; waivers.csv has its rest", |it| {
        of_waiver(it, |it| (&it.id).into())
    }),
    ("waiver_state", "active, lapsed or not_yet_effective; only active makes it WAIVED", |it| {
        of_waiver(it, |it| it.state.word().into())
    }),
    ("waiver_expires_on", "Last day on which the waiver is in force, UTC", |it| {
        of_waiver(it, |it| it.expires_on.to_string().into())
    }),
    (
        "affected_principals",
        "How many users and roles get what the policies of the finding give; empty where that is not asked",
        |it| it.affected_principals.as_ref().map(|it| it.count.to_string()).unwrap_or_default().into(),
    ),
    (
        "affected_principal_arns",
        "The first of those to whom the policies attach, each with its access, on what, and what keeps it away",
        |it| {
            it.affected_principals
                .iter()
                .flat_map(|it| &it.principals)
                .map(affected)
                .collect::<Vec<_>>()
                .join(SEPARATOR)
                .into()
        },
    ),
    ("evidence_ids", "Numbers of the items of evidence; evidence_index.csv has their rest", |it| {
        of_evidence(it, |it| (&it.ev_id).into())
    }),
    ("evidence_collected_at", "When the answers arrived, UTC; empty where the snapshot records no call for it", |it| {
        of_evidence(it, |it| it.collected_at.map(|time| time.to_string()).unwrap_or_default().into())
    }),
];

fn of_waiver(finding: &Finding, text: for<'a> fn(&'a WaiverReference) -> Cow<'a, str>) -> Cow<'_, str> {
    finding.waiver.as_deref().map(text).unwrap_or_default()
}

fn of_evidence(finding: &Finding, text: for<'a> fn(&'a Evidence) -> Cow<'a, str>) -> Cow<'_, str> {
    // Most findings rest on one item.
    if let [only] = finding.evidence.as_slice() {
        return text(only);
    }
    finding.evidence.iter().map(|it| text(it)).collect::<Vec<_>>().join(SEPARATOR).into()
}

fn affected(it: &AffectedPrincipal) -> String {
    let on = it.resource_arn.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
    let what = it.action.as_ref().map(|action| format!(" {action}{on}")).unwrap_or_default();
    let blocked_by = it.blocked_by.map(|layer| format!(", kept away by {layer}")).unwrap_or_default();
    format!("{}: {}{what}{blocked_by}", it.principal_arn, it.access)
}

fn joined<T>(items: &[T], text: fn(&T) -> String) -> Cow<'_, str> {
    items.iter().map(text).collect::<Vec<_>>().join(SEPARATOR).into()
}

/// Both files in the making.
pub(super) struct Findings {
    ndjson: Stream,
    csv: Table,
    /// How many were written, by check.
    written: BTreeMap<&'static str, u64>,
}

impl Findings {
    /// Begins both files.
    pub(super) fn create(bag: &Bag) -> Result<Self, Error> {
        let csv = Table::create(bag, CSV, FINDINGS_COLUMNS.iter().map(|(name, ..)| *name))?;
        Ok(Self { ndjson: Stream::create(bag, FINDINGS)?, csv, written: BTreeMap::new() })
    }

    /// Adds the findings of an account to both.
    pub(super) fn account(&mut self, findings: &[Finding]) -> Result<(), Error> {
        let Self { ndjson, csv, written } = self;
        let lines = || findings.iter().try_for_each(|finding| ndjson.line(finding));
        let rows = || {
            findings.iter().try_for_each(|finding| {
                let cells = FINDINGS_COLUMNS.map(|(_, _, fill)| fill(finding));
                csv.row(&cells.each_ref().map(AsRef::as_ref))
            })
        };
        let (lines, rows) = rayon::join(lines, rows);
        for finding in findings {
            *written.entry(finding.check_id).or_default() += 1;
        }
        lines.and(rows)
    }

    /// Ends both files, and says how many findings were written, by check.
    pub(super) fn finish(self, bag: &Bag) -> Result<BTreeMap<&'static str, u64>, Error> {
        self.ndjson.finish(bag)?;
        bag.put(SCHEMA, SCHEMA_TEXT.as_bytes())?;
        let written = self.csv.finish()?;
        bag.add(CSV, written);
        Ok(self.written)
    }
}
