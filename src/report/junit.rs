//! `junit.xml`: the view of a pipeline. A suite is an account, a case a finding.
//!
//! Only FAIL is a failure. ERROR and UNDECIDED are errors, because a pipeline takes everything else for passed or left out; what
//! is NOT_APPLICABLE, WAIVED or MANUAL is skipped and says why.

use super::Error;
use super::bag::Bag;
use super::interop::Checks;
use super::stream::Stream;
use super::visible::escaped;
use crate::audit::{AuditedAccount, Counts};
use crate::finding::{Finding, Status};

const PATH: &str = "data/interop/junit.xml";

/// The file in the making.
pub(super) struct Suites(Stream);

impl Suites {
    /// Begins the file.
    pub(super) fn create(bag: &Bag) -> Result<Self, Error> {
        let mut stream = Stream::create(bag, PATH)?;
        stream.text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"keyproof\">\n")?;
        Ok(Self(stream))
    }

    /// Adds the suite of an account.
    pub(super) fn account(&mut self, checks: &Checks, audited: &AuditedAccount) -> Result<(), Error> {
        let mut counts = Counts::default();
        audited.findings.iter().for_each(|finding| counts.add(finding.status));
        let of = |statuses: &[Status]| statuses.iter().map(|status| counts.of(*status)).sum::<u64>();
        let id = escaped(&audited.facts.id);
        self.0.text(&format!(
            "  <testsuite name=\"{id} {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
            escaped(&audited.facts.name),
            counts.total(),
            of(&[Status::Fail]),
            of(&[Status::Error, Status::Undecided]),
            of(&[Status::NotApplicable, Status::Waived, Status::Manual]),
        ))?;
        for finding in &audited.findings {
            self.0.text(&case(checks, finding))?;
        }
        self.0.text("  </testsuite>\n")
    }

    /// Ends the file.
    pub(super) fn finish(mut self, bag: &mut Bag) -> Result<(), Error> {
        self.0.text("</testsuites>\n")?;
        self.0.finish(bag)
    }
}

fn case(checks: &Checks, finding: &Finding) -> String {
    let is_named = !finding.resource_arn.ends_with(&finding.resource_name);
    let name = if is_named {
        format!("{} {} {}", finding.check_id, finding.resource_arn, finding.resource_name)
    } else {
        format!("{} {}", finding.check_id, finding.resource_arn)
    };
    let mut text = format!(
        "    <testcase classname=\"{}\" name=\"{}\">\n      <properties>\n",
        escaped(&finding.account_id),
        escaped(&name)
    );
    let controls = checks.get(finding.check_id).map(|tested| tested.controls_in_xml.as_str()).unwrap_or_default();
    let properties = [
        ("status", finding.status.word()),
        ("severity", finding.severity.word()),
        ("region", &escaped(&finding.region)),
        ("fingerprint", &finding.fingerprint),
        ("controls", controls),
    ];
    for (name, value) in properties {
        text.extend(["        <property name=\"", name, "\" value=\"", value, "\"/>\n"]);
    }
    text += "      </properties>\n";
    let reason = escaped(&finding.reason);
    text += &match finding.status {
        Status::Pass => String::new(),
        Status::Fail => format!(
            "      <failure type=\"{}\" message=\"{reason}\">{}</failure>\n",
            finding.severity,
            escaped(&finding.remediation)
        ),
        Status::Error | Status::Undecided => format!(
            "      <error type=\"{}\" message=\"{reason}\">{}</error>\n",
            finding.status,
            escaped(&finding.remediation)
        ),
        Status::NotApplicable | Status::Waived | Status::Manual => {
            format!("      <skipped message=\"{}: {reason}\"/>\n", finding.status)
        }
    };
    if !finding.evidence.is_empty() {
        let places = finding.evidence.iter().map(|it| escaped(&format!("{} {}", it.file, it.pointer)));
        text += &format!("      <system-out>{}</system-out>\n", places.collect::<Vec<_>>().join("\n"));
    }
    text + "    </testcase>\n"
}
