//! Users who are people and programs at once.

use super::credentials::{REPORT, row};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::User;

pub(super) const CHECK: Check = Check {
    id: "iam-user-password-and-access-key",
    title: "No user has both a console password and an access key",
    severity: Severity::Low,
    resource: "IAM user",
    rationale: "A password is for a person, an access key for a program. Where one user has both, what the program did \
        and what the person did cannot be told apart, and each has what the other needs.",
    rule: "FAIL if password_enabled of the credential report is true, and access_key_1_active or access_key_2_active is.",
    exemptions: "None.",
    blind_spots: "The report may be four hours old. A person may work with the command line by an access key alone, and \
        passes; short-term credentials of Identity Center would serve better.",
    remediation: Remediation {
        summary: "Give the program a role or a user of its own, and the person Identity Center.",
        steps: &[
            "Find out what uses the key: its last service and Region stand in the credential report.",
            "Let the program use a role, or a user without password. Let the person sign in through Identity Center, with \
             aws sso login for the command line.",
            "Deactivate the key, wait, and delete it.",
        ],
        commands: &["aws iam list-access-keys --user-name={user}", "aws iam get-login-profile --user-name={user}"],
        risk: "The program fails once the key is inactive; aws iam update-access-key with --status Active takes it back \
            until the key is deleted.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", REPORT],
    parameters: &[],
    elsewhere: &[
        "ScoutSuite iam-user-with-password-and-key",
        "ScoutSuite iam-service-user-with-password (users with a key)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let row = row(&user.name, scope)?;
    let password = row.flag("password_enabled")?;
    let keys = [row.flag("access_key_1_active"), row.flag("access_key_2_active")];
    let judgement = if !password {
        Judgement::pass("the user has no console password")
    } else if keys.contains(&Ok(true)) {
        Judgement::fail("the user has a console password and an active access key")
    } else {
        let [first, second] = keys;
        first?;
        second?;
        Judgement::pass("the user has a console password and no active access key")
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

    fn verdict(password: &str, first: &str, second: &str) -> Verdict {
        let cells = [("password_enabled", password), ("access_key_1_active", first), ("access_key_2_active", second)];
        judged(&cells).unwrap().verdict
    }

    #[test]
    fn both_fail_and_one_alone_passes() {
        assert_eq!(verdict("true", "true", "false"), Verdict::Fail);
        assert_eq!(verdict("true", "false", "true"), Verdict::Fail);
        assert_eq!(verdict("true", "false", "false"), Verdict::Pass);
        assert_eq!(verdict("false", "true", "true"), Verdict::Pass);
    }

    #[test]
    fn without_a_column_or_the_report_nothing_is_said() {
        assert!(judged(&[("password_enabled", "true"), ("access_key_1_active", "false")]).is_err());
        assert!(judged(&[("access_key_1_active", "true"), ("access_key_2_active", "true")]).is_err());
        let mut world = World::new();
        world.account.iam.credential_report = Err(denied(REPORT));
        assert_eq!(judge_user(&CHECK, &user(), &world), Err(denied(REPORT)));
    }
}
