//! Root users that sign in with a password alone.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Gap;

pub(super) const CHECK: Check = Check {
    id: "iam-root-mfa",
    title: "The root user signs in with MFA",
    severity: Severity::Critical,
    resource: "root user",
    rationale: "The root user can do everything in the account, and no IAM policy stops it. Without a second factor its \
        password, or control of its mailbox, is enough.",
    rule: "PASS if GetAccountSummary says AccountMFAEnabled 1, or AccountPasswordPresent 0, as in member accounts with \
        centralized root access. FAIL if AccountMFAEnabled is 0 and AccountPasswordPresent is 1 or not given.",
    exemptions: "None.",
    blind_spots: "Any kind of MFA device counts, virtual ones included. Access keys of the root user work without MFA and \
        are not looked at here.",
    remediation: Remediation {
        summary: "Register an MFA device for the root user, or remove its credentials through centralized root access.",
        steps: &[
            "In an organization: turn on centralized root access in IAM, then delete the root credentials of the member \
             account.",
            "Otherwise sign in as the root user and register a passkey or a security key, better two of them.",
            "Keep the devices where two people are needed to reach them, and write down where.",
        ],
        commands: &["aws iam get-account-summary"],
        risk: "Whoever loses all devices has to prove the ownership of the account to AWS Support: register more than one. A \
            device that was added by mistake is removed in the same place of the console; the root user then signs in as \
            before.",
    },
    reads: &["iam:GetAccountSummary"],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub IAM.9",
        "AWS Config root-account-mfa-enabled",
        "Prowler iam_root_mfa_enabled",
        "Steampipe iam_root_user_mfa_enabled",
        "CIS AWS Foundations 7.0.0 2.5",
        "Steampipe iam_root_user_account_console_access_mfa_enabled",
        "ScoutSuite iam-root-account-no-mfa",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

const MFA_ENABLED: &str = "AccountMFAEnabled";
const PASSWORD_PRESENT: &str = "AccountPasswordPresent";

fn judge(scope: &Scope<'_>) -> Judged {
    let summary = scope.account.iam.summary.as_ref().map_err(Clone::clone)?;
    let mfa_enabled = summary
        .map
        .get(MFA_ENABLED)
        .ok_or_else(|| Gap::malformed("iam:GetAccountSummary", &[], format!("the answer has no {MFA_ENABLED}")))?;
    let password_present = summary.map.get(PASSWORD_PRESENT);
    let judgement = match (mfa_enabled, password_present) {
        (1.., _) => Judgement::pass("the root user has an MFA device"),
        (_, Some(0)) => Judgement::pass("the root user has no password, so nobody can sign in with one"),
        (_, Some(_)) => Judgement::fail("the root user has a password and no MFA device"),
        (_, None) => Judgement::fail("the root user has no MFA device; whether it has a password is not said"),
    };
    let judgement = judgement.because_of(&summary.source.child(MFA_ENABLED));
    Ok(match password_present {
        Some(_) => judgement.because_of(&summary.source.child(PASSWORD_PRESENT)),
        None => judgement,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn judged(counts: &[(&str, i64)]) -> Judged {
        let mut world = World::new();
        let map = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        world.account.iam.summary.as_mut().unwrap().map = map;
        judge_root(&CHECK, &world)
    }

    fn verdict(counts: &[(&str, i64)]) -> Verdict {
        judged(counts).unwrap().verdict
    }

    #[test]
    fn a_device_passes_whether_or_not_a_password_is_known() {
        assert_eq!(verdict(&[(MFA_ENABLED, 1), (PASSWORD_PRESENT, 1)]), Verdict::Pass);
        assert_eq!(verdict(&[(MFA_ENABLED, 1)]), Verdict::Pass);
    }

    #[test]
    fn without_a_device_only_the_certain_absence_of_a_password_passes() {
        assert_eq!(verdict(&[(MFA_ENABLED, 0), (PASSWORD_PRESENT, 0)]), Verdict::Pass);
        assert_eq!(verdict(&[(MFA_ENABLED, 0), (PASSWORD_PRESENT, 1)]), Verdict::Fail);
        assert_eq!(verdict(&[(MFA_ENABLED, 0)]), Verdict::Fail);
    }

    #[test]
    fn without_the_summary_or_its_entry_nothing_is_said() {
        let mut world = World::new();
        world.account.iam.summary = Err(denied("iam:GetAccountSummary"));
        assert_eq!(judge_root(&CHECK, &world), Err(denied("iam:GetAccountSummary")));
        assert!(judged(&[(PASSWORD_PRESENT, 0)]).unwrap_err().reason().contains(MFA_ENABLED));
    }
}
