//! Whether IAM Access Analyzer watches for access from outside: a question that no API that is read answers.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};

pub(super) const CHECK: Check = Check {
    id: "iam-external-access-analyzer",
    title: "An analyzer for external access is active in every Region",
    severity: Severity::High,
    resource: "account",
    rationale: "Access Analyzer says within half an hour that a key, a role or a bucket was opened to another \
        account. Without it, somebody has to look.",
    rule: "MANUAL for every account: the analyzers are answered by access-analyzer:ListAnalyzers, which is not read. \
        A person attests that an analyzer of type ACCOUNT or ORGANIZATION with status ACTIVE covers each enabled \
        Region.",
    exemptions: "None.",
    blind_spots: "Security Hub IAM.28 does not count analyzers of an organization. What an analyzer would find about \
        keys and roles, the checks kms-key-policy-public, kms-key-policy-external-account, \
        iam-role-trust-wildcard-principal and iam-role-trust-external-without-external-id decide from the policies \
        themselves.",
    remediation: Remediation {
        summary: "Create an analyzer for external access in every enabled Region, and attest it.",
        steps: &[
            "In each Region: aws accessanalyzer create-analyzer --analyzer-name external-access --type ACCOUNT, or one of \
             type ORGANIZATION in the delegated administrator's account.",
            "To verify: aws accessanalyzer list-analyzers --region REGION lists it with status ACTIVE. Attach the output to \
             the attestation.",
        ],
        commands: &[
            "aws accessanalyzer list-analyzers --type=ACCOUNT",
            "aws accessanalyzer create-analyzer --analyzer-name=external-access --type=ACCOUNT",
        ],
        risk: "None: an analyzer only reads. aws accessanalyzer delete-analyzer takes it back.",
    },
    reads: &[],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub IAM.28",
        "AWS Config iam-external-access-analyzer-enabled",
        "Prowler accessanalyzer_enabled",
        "Steampipe iam_access_analyzer_enabled",
        "CIS AWS Foundations 7.0.0 2.18",
        "Steampipe iam_access_analyzer_enabled_without_findings",
    ],
    statuses: &[Status::Manual],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

#[expect(clippy::unnecessary_wraps, reason = "every rule may lack a fact; this one needs none")]
fn judge(_: &Scope<'_>) -> Judged {
    Ok(Judgement::manual(
        "the analyzers of the account are not read: a person must say whether one is active in every Region",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    #[test]
    fn a_person_must_answer_whatever_was_read() {
        assert_eq!(judge_root(&CHECK, &World::new()).unwrap().verdict, Verdict::Manual);
    }
}
