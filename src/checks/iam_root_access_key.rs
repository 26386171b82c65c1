//! Root users with an access key.

use super::credentials::{REPORT, ROOT, row};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Gap;

const SUMMARY: &str = "iam:GetAccountSummary";
const KEYS_PRESENT: &str = "AccountAccessKeysPresent";

pub(super) const CHECK: Check = Check {
    id: "iam-root-access-key",
    title: "The root user has no access key",
    severity: Severity::Critical,
    resource: "root user",
    rationale: "An access key of the root user can do everything in the account, works without MFA, and no policy of the \
        account can narrow it. One leaked file is the loss of the account.",
    rule: "FAIL if GetAccountSummary says AccountAccessKeysPresent above 0, or if the row of the root user in the credential \
        report says access_key_1_active or access_key_2_active true. PASS if both sources say that there is none. Where they \
        disagree it is a FAIL that names both.",
    exemptions: "None.",
    blind_spots: "The credential report may be four hours old: a key that was deleted since still counts. AWS does not say \
        which of the two keys is present but inactive.",
    remediation: Remediation {
        summary: "Delete the access keys of the root user, and give the workload a role.",
        steps: &[
            "Find what uses the key: access_key_1_last_used_service in the credential report, and CloudTrail events with \
             userIdentity.type Root.",
            "Give that workload a role with the permissions that it needs.",
            "Sign in as the root user and deactivate the key under Security credentials; after a few days delete it. In a \
             member account of an organization with centralized root access the management account can do it: aws sts \
             assume-root --target-principal ACCOUNT_ID --task-policy-arn \
             arn=arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials, then aws iam delete-access-key.",
            "To verify: aws iam get-account-summary --query SummaryMap.AccountAccessKeysPresent prints 0.",
        ],
        commands: &[
            "aws sts assume-root --target-principal={account} --task-policy-arn=arn=arn:{partition}:iam::aws:policy/root-task/IAMDeleteRootUserCredentials",
            "aws iam get-account-summary",
        ],
        risk: "What still uses the key stops at once. An inactive key can be activated again; a deleted one is gone.",
    },
    reads: &[REPORT, SUMMARY],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub IAM.4",
        "AWS Config iam-root-access-key-check",
        "Prowler iam_no_root_access_key",
        "Steampipe iam_root_user_no_access_keys",
        "CIS AWS Foundations 7.0.0 2.4",
        "ScoutSuite iam-root-account-with-active-keys",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let counted = counted(scope);
    let reported = reported(scope);
    let mut keys = Vec::new();
    if counted == Ok(true) {
        keys.push(format!("GetAccountSummary says {KEYS_PRESENT}"));
    }
    if let Ok(active) = &reported {
        keys.extend(active.iter().map(|column| format!("the credential report says {column} true")));
    }
    let judgement = if keys.is_empty() {
        counted?;
        reported?;
        Judgement::pass("the root user has no access key")
    } else {
        let disagree = match (&counted, &reported) {
            (Ok(true), Ok(active)) => active.is_empty(),
            (Ok(false), Ok(active)) => !active.is_empty(),
            _ => false,
        };
        let other = if disagree { "; the other source says that there is none" } else { "" };
        Judgement::fail(format!("the root user has an access key: {}{other}", keys.join(", ")))
    };
    let iam = &scope.account.iam;
    let summary = iam.summary.iter().map(|summary| summary.source.child(KEYS_PRESENT)).collect::<Vec<_>>();
    let report = iam.credential_report.iter().map(|report| &report.source);
    Ok(judgement.because_of_all(summary.iter().chain(report)))
}

/// Whether the summary counts a key.
fn counted(scope: &Scope<'_>) -> Result<bool, Gap> {
    let summary = scope.account.iam.summary.as_ref().map_err(Clone::clone)?;
    let count = summary.map.get(KEYS_PRESENT);
    let count = count.ok_or_else(|| Gap::malformed(SUMMARY, &[], format!("the answer has no {KEYS_PRESENT}")))?;
    Ok(*count > 0)
}

/// The columns of the report that say that a key is active.
fn reported(scope: &Scope<'_>) -> Result<Vec<&'static str>, Gap> {
    let row = row(ROOT, scope)?;
    let mut active = Vec::new();
    for column in ["access_key_1_active", "access_key_2_active"] {
        if row.flag(column)? {
            active.push(column);
        }
    }
    Ok(active)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn world(present: i64, active: [&str; 2]) -> World {
        let mut world = World::new();
        world.account.iam.summary.as_mut().unwrap().map.insert(KEYS_PRESENT.to_owned(), present);
        let cells = [("access_key_1_active", active[0]), ("access_key_2_active", active[1])];
        world.account.iam.credential_report = Ok(report(ROOT, &cells));
        world
    }

    #[test]
    fn a_key_in_either_source_fails_and_disagreement_is_named() {
        let judged = |present, active| judge_root(&CHECK, &world(present, active)).unwrap();
        assert_eq!(judged(0, ["false", "false"]).verdict, Verdict::Pass);
        let both = judged(1, ["false", "true"]);
        assert_eq!(both.verdict, Verdict::Fail);
        assert!(!both.reason.contains("the other source"), "{}", both.reason);
        for disagreeing in [judged(1, ["false", "false"]), judged(0, ["true", "false"])] {
            assert_eq!(disagreeing.verdict, Verdict::Fail);
            assert!(disagreeing.reason.contains("the other source"), "{}", disagreeing.reason);
        }
    }

    #[test]
    fn without_one_source_nothing_is_said_but_a_key_in_the_other_still_fails() {
        for present in [0, 1] {
            let mut world = world(present, ["false", "false"]);
            world.account.iam.credential_report = Err(denied(REPORT));
            let judged = judge_root(&CHECK, &world).map(|it| it.verdict);
            assert_eq!(judged, if present == 1 { Ok(Verdict::Fail) } else { Err(denied(REPORT)) });
        }
        let mut world = world(0, ["false", "false"]);
        world.account.iam.summary.as_mut().unwrap().map.clear();
        assert!(judge_root(&CHECK, &world).unwrap_err().reason().contains(KEYS_PRESENT));
        world.account.iam.summary = Err(denied(SUMMARY));
        assert_eq!(judge_root(&CHECK, &world), Err(denied(SUMMARY)));
        let world = self::world(0, ["false", "N/A"]);
        assert!(judge_root(&CHECK, &world).unwrap_err().reason().contains("access_key_2_active"));
    }
}
