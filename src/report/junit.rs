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
        let mut text = String::new();
        for finding in &audited.findings {
            text.clear();
            case(checks, finding, &mut text);
            self.0.text(&text)?;
        }
        self.0.text("  </testsuite>\n")
    }

    /// Ends the file.
    pub(super) fn finish(mut self, bag: &Bag) -> Result<(), Error> {
        self.0.text("</testsuites>\n")?;
        self.0.finish(bag)
    }
}

/// Adds the case of a finding.
fn case(checks: &Checks, finding: &Finding, text: &mut String) {
    text.extend(["    <testcase classname=\"", &escaped(&finding.account_id), "\" name=\"", finding.check_id, " "]);
    text.push_str(&escaped(&finding.resource_arn));
    if !finding.resource_arn.ends_with(finding.resource_name.as_ref()) {
        text.extend([" ", &escaped(&finding.resource_name)]);
    }
    text.push_str("\">\n      <properties>\n");
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
    text.push_str("      </properties>\n");
    let reason = || escaped(&finding.reason);
    let mut broken = |element: &str, kind: &str| {
        text.extend(["      <", element, " type=\"", kind, "\" message=\"", &reason(), "\">"]);
        text.extend([&escaped(&finding.remediation), "</", element, ">\n"]);
    };
    match finding.status {
        Status::Pass => {}
        Status::Fail => broken("failure", finding.severity.word()),
        Status::Error | Status::Undecided => broken("error", finding.status.word()),
        Status::NotApplicable | Status::Waived | Status::Manual => {
            text.extend(["      <skipped message=\"", finding.status.word(), ": ", &reason(), "\"/>\n"]);
        }
    }
    for (at, it) in finding.evidence.iter().enumerate() {
        let before = if at == 0 { "      <system-out>" } else { "\n" };
        text.extend([before, &escaped(&it.file), " ", &escaped(&it.pointer)]);
    }
    if !finding.evidence.is_empty() {
        text.push_str("</system-out>\n");
    }
    text.push_str("    </testcase>\n");
}
