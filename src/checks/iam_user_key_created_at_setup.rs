//! Console users who got an access key when they were created, and never used it.

use jiff::SignedDuration;

use super::credentials::{REPORT, Row, row};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, User};

const WINDOW_MINUTES: Integer = Integer {
    name: "window_minutes",
    meaning: "How soon after the user a key counts as created together with it.",
    unit: "minutes",
    default: 5,
    least: 1,
    most: 1440,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-user-key-created-at-setup",
    title: "Console users get no access key when they are created",
    severity: Severity::Low,
    resource: "IAM user",
    rationale: "A key that somebody ticks while creating a person's user is seldom asked for. It lies unused in a mail or a \
        download folder, and works.",
    rule: "For users with a console password in the credential report: FAIL if an access key is active, was never used \
        (access_key_N_last_used_date N/A), and its access_key_N_last_rotated is at most window_minutes (5) after \
        user_creation_time.",
    exemptions: "Users without a console password (password_enabled false) are NOT_APPLICABLE.",
    blind_spots: "The times are a clue, not a proof: automation creates users and keys together as well, and a key that was \
        used once passes. The report may be four hours old.",
    remediation: Remediation {
        summary: "Delete the key that nobody used; let the person create one when it is needed.",
        steps: &[
            "Ask the person whether the key is wanted. If it is not: aws iam delete-access-key --user-name USER_NAME \
             --access-key-id KEY_ID.",
            "Where people need the command line, offer IAM Identity Center or a role with short-lived credentials.",
            "To verify: aws iam list-access-keys --user-name USER_NAME no longer lists the key.",
        ],
        commands: &[
            "aws iam list-access-keys --user-name={user}",
            "aws iam delete-access-key --user-name={user} --access-key-id=ACCESS_KEY_ID",
        ],
        risk: "None that is known: the key was never used. A deleted key cannot be restored; a new one can be created.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", REPORT],
    parameters: &[Parameter::Integer(WINDOW_MINUTES)],
    elsewhere: &[
        "Prowler iam_user_no_setup_initial_access_key",
        "Steampipe iam_user_access_keys_and_password_at_setup",
        "CIS AWS Foundations 6.0.0 2.10",
        "ScoutSuite iam-user-unused-access-key-initial-setup",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

const KEYS: [(&str, [&str; 3]); 2] = [
    ("access key 1", ["access_key_1_active", "access_key_1_last_used_date", "access_key_1_last_rotated"]),
    ("access key 2", ["access_key_2_active", "access_key_2_last_used_date", "access_key_2_last_rotated"]),
];

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let minutes = scope.values.integer(&WINDOW_MINUTES);
    let row = row(&user.name, scope)?;
    if !row.flag("password_enabled")? {
        return Ok(Judgement::not_applicable("the user has no console password").because_of(row.source));
    }
    let mut missing = None;
    let mut found = Vec::new();
    for (key, columns) in KEYS {
        match is_of_setup(&row, columns, minutes) {
            Ok(true) => found.push(key),
            Ok(false) => {}
            Err(gap) => missing = missing.or(Some(gap)),
        }
    }
    let judgement = if !found.is_empty() {
        let found = found.join(" and ");
        Judgement::fail(format!("{found}, created within {minutes} minutes of the user, is active and was never used"))
    } else if let Some(gap) = missing {
        return Err(gap);
    } else {
        Judgement::pass("no active access key is unused since the creation of the user")
    };
    Ok(judgement.because_of(row.source))
}

fn is_of_setup(row: &Row<'_>, [active, used, rotated]: [&str; 3], minutes: i64) -> Result<bool, Gap> {
    if !row.flag(active)? || row.time(used)?.is_some() {
        return Ok(false);
    }
    let age = row.required_time(rotated)?.duration_since(row.required_time("user_creation_time")?);
    Ok(age <= SignedDuration::from_mins(minutes))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn world(password: &str, active: &str, used: &str, rotated: &str) -> World {
        let cells = [
            ("user_creation_time", "2026-01-01T00:00:00+00:00"),
            ("password_enabled", password),
            ("access_key_1_active", active),
            ("access_key_1_last_used_date", used),
            ("access_key_1_last_rotated", rotated),
            ("access_key_2_active", "false"),
        ];
        let mut world = World::new();
        world.account.iam.credential_report = Ok(report("Alice", &cells));
        world
    }

    const AT_ONCE: &str = "2026-01-01T00:05:00+00:00";
    const LATER: &str = "2026-01-01T00:05:01+00:00";

    #[test]
    fn an_unused_key_from_the_first_minutes_fails() {
        let verdict =
            |active, used, rotated| judge_user(&CHECK, &user(), &world("true", active, used, rotated)).unwrap().verdict;
        assert_eq!(verdict("true", "N/A", AT_ONCE), Verdict::Fail);
        assert_eq!(verdict("true", "N/A", LATER), Verdict::Pass);
        assert_eq!(verdict("true", "2026-01-02T00:00:00Z", AT_ONCE), Verdict::Pass);
        assert_eq!(verdict("false", "N/A", AT_ONCE), Verdict::Pass);
    }

    #[test]
    fn another_window_may_be_asked_for() {
        let values = Values::with(WINDOW_MINUTES.name, Value::Integer(6));
        let world = World { values, ..world("true", "true", "N/A", LATER) };
        assert_eq!(judge_user(&CHECK, &user(), &world).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn users_without_a_password_are_exempt() {
        let judged = judge_user(&CHECK, &user(), &world("false", "true", "N/A", AT_ONCE)).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_report_row_or_cell_nothing_is_said() {
        for world in [world("N/A", "true", "N/A", AT_ONCE), world("true", "N/A", "N/A", AT_ONCE)] {
            assert!(judge_user(&CHECK, &user(), &world).is_err());
        }
        assert!(judge_user(&CHECK, &user(), &world("true", "true", "N/A", "N/A")).is_err());
        let mut world = World::new();
        world.account.iam.credential_report = Err(denied(REPORT));
        assert_eq!(judge_user(&CHECK, &user(), &world), Err(denied(REPORT)));
    }
}
