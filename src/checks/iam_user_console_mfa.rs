//! Users who sign in to the console with a password alone.

use super::credentials::{REPORT, row};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::User;

pub(super) const CHECK: Check = Check {
    id: "iam-user-console-mfa",
    title: "Users with a console password have MFA",
    severity: Severity::High,
    resource: "IAM user",
    rationale: "A password can be phished, guessed or reused. A second factor keeps a stolen console password from being a \
        stolen session.",
    rule: "For users whose row in the credential report says password_enabled true: PASS if it says mfa_active true, FAIL \
        if it says false.",
    exemptions: "Users without a console password (password_enabled false) are NOT_APPLICABLE.",
    blind_spots: "A device that is enrolled is not a device that is demanded: calls with access keys need no MFA unless a \
        policy asks for it. People who sign in through federation authenticate elsewhere. IAM may give a credential report \
        that is up to four hours old; a user who is not in it yet is an ERROR.",
    remediation: Remediation {
        summary: "Have the user register an MFA device, or remove the console password.",
        steps: &[
            "If the user does not need the console: iam:DeleteLoginProfile.",
            "Otherwise let the user register a passkey, a security key or an authenticator app under Security credentials.",
            "Move people to IAM Identity Center or another identity provider, and the IAM users can go.",
        ],
        commands: &["aws iam list-mfa-devices --user-name={user}", "aws iam delete-login-profile --user-name={user}"],
        risk: "Without the password the user is locked out of the console at once. A new device changes only the next \
            sign-in. aws iam deactivate-mfa-device takes the device back; a password that was deleted is made anew, not \
            restored.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", REPORT],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub IAM.5",
        "AWS Config mfa-enabled-for-iam-console-access",
        "Prowler iam_user_mfa_enabled_console_access",
        "Steampipe iam_user_console_access_mfa_enabled",
        "CIS AWS Foundations 7.0.0 2.10",
        "ScoutSuite iam-user-without-mfa",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let row = row(&user.name, scope)?;
    let judgement = if !row.flag("password_enabled")? {
        Judgement::not_applicable("the user has no console password")
    } else if row.flag("mfa_active")? {
        Judgement::pass("the user has a console password and an MFA device")
    } else {
        Judgement::fail("the user has a console password and no MFA device")
    };
    Ok(judgement.because_of(row.source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn judged(cells: &[(&str, &str)]) -> Judged {
        let mut world = World::new();
        world.account.iam.credential_report = Ok(report("Alice", cells));
        judge_user(&CHECK, &user(), &world)
    }

    #[test]
    fn mfa_decides_for_users_with_a_password() {
        let with = |mfa| judged(&[("password_enabled", "true"), ("mfa_active", mfa)]).unwrap().verdict;
        assert_eq!(with("true"), Verdict::Pass);
        assert_eq!(with("false"), Verdict::Fail);
    }

    #[test]
    fn users_without_a_password_are_exempt() {
        let judgement = judged(&[("password_enabled", "false"), ("mfa_active", "false")]).unwrap();
        assert_eq!(judgement.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_report_row_or_cell_nothing_is_said() {
        let mut world = World::new();
        world.account.iam.credential_report = Err(denied(REPORT));
        assert_eq!(judge_user(&CHECK, &user(), &world), Err(denied(REPORT)));
        world.account.iam.credential_report = Ok(report("Bob", &[]));
        assert!(judge_user(&CHECK, &user(), &world).unwrap_err().reason().contains("no row"));
        for cells in [
            &[("mfa_active", "true")][..],
            &[("password_enabled", "no_information"), ("mfa_active", "true")],
            &[("password_enabled", "true")],
            &[("password_enabled", "true"), ("mfa_active", "N/A")],
        ] {
            assert!(judged(cells).is_err(), "{cells:?}");
        }
    }
}
