//! Users with passwords and access keys that nobody uses.

use jiff::{SignedDuration, Timestamp};

use super::credentials::{REPORT, Row, row};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Aspect, Judgement, Severity, Status};
use crate::model::{Gap, User};

const MAX_DAYS: Integer = Integer {
    name: "max_days",
    meaning: "How long an enabled password or an active access key may go unused.",
    unit: "days",
    default: 90,
    least: 1,
    most: 3650,
    loosens: Loosens::More,
};

/// The thresholds that frameworks ask for, as aspects.
const ASPECTS: [(&str, i64); 2] = [("45-days", 45), ("90-days", 90)];

pub(super) const CHECK: Check = Check {
    id: "iam-credentials-unused",
    title: "Credentials that nobody uses are disabled",
    severity: Severity::Medium,
    resource: "IAM user",
    rationale: "Nobody notices when a credential that nobody uses is stolen. It belongs to people who left and to \
        systems that were switched off, and it still opens what it opened then.",
    rule: "Reads the user's row in the credential report. FAIL if password_enabled is true and password_last_used is \
        more than max_days (90) before the as-of time, or an access key is active and its access_key_N_last_used_date \
        is. Where there was no use yet, the age counts from password_last_changed (user_creation_time if that is not \
        given) or access_key_N_last_rotated. Users without an enabled credential pass. The aspects 45-days and \
        90-days say the same for these thresholds.",
    exemptions: "None.",
    blind_spots: "AWS does not say from when Security Hub IAM.8 and IAM.22 count what was never used. The report may \
        be four hours old. IAM tracks the last use of passwords since October 2014 and of keys since April 2015. A \
        credential that is used is not a credential that is needed, and other credentials of the user (certificates, \
        service-specific credentials, SSH keys) are not in this test.",
    remediation: Remediation {
        summary: "Disable the credential, and delete it when nobody misses it.",
        steps: &[
            "Ask the owner. For a key: aws iam update-access-key --user-name USER_NAME --access-key-id KEY_ID --status \
             Inactive. For a password: aws iam delete-login-profile --user-name USER_NAME.",
            "After some days without complaint: aws iam delete-access-key --user-name USER_NAME --access-key-id KEY_ID, or \
             delete the user.",
            "To verify: the next credential report shows access_key_N_active or password_enabled false.",
        ],
        commands: &[
            "aws iam list-access-keys --user-name={user}",
            "aws iam update-access-key --user-name={user} --access-key-id=ACCESS_KEY_ID --status=Inactive",
            "aws iam delete-login-profile --user-name={user}",
        ],
        risk: "A job that runs once a quarter may need the key: aws iam update-access-key with --status Active takes the \
            change back. A deleted password is replaced by aws iam create-login-profile, a deleted key never.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", REPORT],
    parameters: &[Parameter::Integer(MAX_DAYS)],
    elsewhere: &[
        "AWS Security Hub IAM.8 (90 days)",
        "AWS Security Hub IAM.22 (45 days)",
        "AWS Config iam-user-unused-credentials-check",
        "Prowler iam_user_accesskey_unused",
        "Prowler iam_user_console_access_unused",
        "Steampipe iam_user_unused_credentials_45",
        "Steampipe iam_user_unused_credentials_90",
        "CIS AWS Foundations 7.0.0 2.11",
        "Steampipe iam_user_access_key_unused_45",
        "Steampipe iam_user_console_access_unused_45",
        "ScoutSuite iam-unused-credentials-not-disabled",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

/// An enabled credential: what it is, and how long it has not been used.
struct Idle {
    credential: &'static str,
    since: Timestamp,
    was_used: bool,
}

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let row = row(&user.name, scope)?;
    let answers = [
        password(&row),
        access_key(
            &row,
            "access_key_1_active",
            "access_key_1_last_used_date",
            "access_key_1_last_rotated",
            "access key 1",
        ),
        access_key(
            &row,
            "access_key_2_active",
            "access_key_2_last_used_date",
            "access_key_2_last_rotated",
            "access key 2",
        ),
    ];
    let mut enabled = Vec::new();
    let mut missing = None;
    for answer in answers {
        match answer {
            Ok(idle) => enabled.extend(idle),
            Err(gap) => missing = missing.or(Some(gap)),
        }
    }
    let days = scope.values.integer(&MAX_DAYS);
    let unused = |days: i64| {
        let limit = SignedDuration::from_hours(24 * days);
        enabled.iter().filter(|it| scope.as_of.duration_since(it.since) > limit).collect::<Vec<_>>()
    };
    let stale = unused(days);
    let judgement = if !stale.is_empty() {
        Judgement::fail(format!("unused for more than {days} days: {}", words(&stale)))
    } else if let Some(gap) = missing {
        return Err(gap);
    } else if enabled.is_empty() {
        Judgement::pass("the user has no enabled password and no active access key")
    } else {
        Judgement::pass(format!(
            "none is unused for more than {days} days: {}",
            words(&enabled.iter().collect::<Vec<_>>())
        ))
    };
    let aspect = |(name, days): (&str, i64)| Aspect {
        name: name.to_owned(),
        parameters: format!("max_days {days}"),
        status: match (unused(days).is_empty(), &missing) {
            (false, _) => Status::Fail,
            (true, Some(_)) => Status::Error,
            (true, None) => Status::Pass,
        },
    };
    let judgement = ASPECTS.map(aspect).into_iter().fold(judgement, Judgement::with_aspect);
    Ok(judgement.because_of(row.source))
}

fn words(idle: &[&Idle]) -> String {
    let word = |it: &&Idle| {
        let how = if it.was_used { "last used" } else { "never used, there since" };
        format!("{} ({how} {})", it.credential, it.since)
    };
    idle.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn password(row: &Row<'_>) -> Result<Option<Idle>, Gap> {
    if !row.flag("password_enabled")? {
        return Ok(None);
    }
    let credential = "password";
    if let Some(since) = row.time("password_last_used")? {
        return Ok(Some(Idle { credential, since, was_used: true }));
    }
    let since = match row.time("password_last_changed")? {
        Some(since) => since,
        None => row.required_time("user_creation_time")?,
    };
    Ok(Some(Idle { credential, since, was_used: false }))
}

fn access_key(
    row: &Row<'_>,
    active: &str,
    used: &str,
    rotated: &str,
    credential: &'static str,
) -> Result<Option<Idle>, Gap> {
    if !row.flag(active)? {
        return Ok(None);
    }
    Ok(Some(match row.time(used)? {
        Some(since) => Idle { credential, since, was_used: true },
        None => Idle { credential, since: row.required_time(rotated)?, was_used: false },
    }))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    /// A user with a password and one key, all used today, with some cells changed.
    fn world(changed: &[(&str, &str)]) -> World {
        const TODAY: &str = "2026-09-30T00:00:00+00:00";
        let mut cells = vec![
            ("user_creation_time", "2020-01-01T00:00:00+00:00"),
            ("password_enabled", "true"),
            ("password_last_used", TODAY),
            ("password_last_changed", TODAY),
            ("access_key_1_active", "true"),
            ("access_key_1_last_rotated", TODAY),
            ("access_key_1_last_used_date", TODAY),
            ("access_key_2_active", "false"),
            ("access_key_2_last_rotated", "N/A"),
            ("access_key_2_last_used_date", "N/A"),
        ];
        for (column, cell) in changed {
            cells.retain(|(known, _)| known != column);
            cells.push((*column, *cell));
        }
        let mut world = World::new();
        world.account.iam.credential_report = Ok(report("Alice", &cells));
        world
    }

    fn judged(changed: &[(&str, &str)]) -> Judgement {
        judge_user(&CHECK, &user(), &world(changed)).unwrap()
    }

    const OLD: &str = "2026-06-01T00:00:00+00:00";
    const OLDER_THAN_45: &str = "2026-08-01T00:00:00+00:00";

    #[test]
    fn each_enabled_credential_is_looked_at() {
        assert_eq!(judged(&[]).verdict, Verdict::Pass);
        assert_eq!(judged(&[("password_last_used", OLD)]).verdict, Verdict::Fail);
        assert_eq!(judged(&[("access_key_1_last_used_date", OLD)]).verdict, Verdict::Fail);
        assert_eq!(judged(&[("access_key_2_last_used_date", OLD)]).verdict, Verdict::Pass);
        let second = [("access_key_2_active", "true"), ("access_key_2_last_used_date", OLD)];
        assert_eq!(judged(&second).verdict, Verdict::Fail);
    }

    #[test]
    fn ninety_days_are_allowed_and_a_second_more_is_not() {
        assert_eq!(judged(&[("password_last_used", "2026-07-02T00:00:00Z")]).verdict, Verdict::Pass);
        assert_eq!(judged(&[("password_last_used", "2026-07-01T23:59:59Z")]).verdict, Verdict::Fail);
    }

    #[test]
    fn what_was_never_used_ages_from_its_beginning() {
        let never = ("password_last_used", "no_information");
        assert_eq!(judged(&[never]).verdict, Verdict::Pass);
        assert_eq!(judged(&[never, ("password_last_changed", OLD)]).verdict, Verdict::Fail);
        let unchanged = judged(&[never, ("password_last_changed", "N/A")]);
        assert!(unchanged.reason.contains("never used, there since 2020-01-01"), "{}", unchanged.reason);
        let key = [("access_key_1_last_used_date", "N/A"), ("access_key_1_last_rotated", OLD)];
        assert_eq!(judged(&key).verdict, Verdict::Fail);
    }

    #[test]
    fn users_without_an_enabled_credential_pass() {
        let none = [("password_enabled", "false"), ("access_key_1_active", "false"), ("password_last_used", OLD)];
        assert_eq!(judged(&none).verdict, Verdict::Pass);
    }

    #[test]
    fn the_aspects_know_both_thresholds() {
        let aspects = |changed| judged(changed).aspects.into_iter().map(|it| it.status).collect::<Vec<_>>();
        assert_eq!(aspects(&[("password_last_used", OLDER_THAN_45)]), [Status::Fail, Status::Pass]);
        assert_eq!(aspects(&[("password_last_used", OLD)]), [Status::Fail, Status::Fail]);
        let values = Values::with(MAX_DAYS.name, Value::Integer(45));
        let world = World { values, ..world(&[("password_last_used", OLDER_THAN_45)]) };
        assert_eq!(judge_user(&CHECK, &user(), &world).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn without_report_row_or_cell_nothing_is_said_but_a_known_failure_stays() {
        let mut world = world(&[("access_key_1_active", "N/A")]);
        assert!(judge_user(&CHECK, &user(), &world).unwrap_err().reason().contains("access_key_1_active"));
        let failing = judged(&[("access_key_1_active", "N/A"), ("password_last_used", OLD)]);
        assert_eq!(failing.verdict, Verdict::Fail);
        assert_eq!(
            judged(&[("access_key_1_active", "N/A"), ("password_last_used", OLD)]).aspects[0].status,
            Status::Fail
        );
        world.account.iam.credential_report = Ok(report("Bob", &[]));
        assert!(judge_user(&CHECK, &user(), &world).is_err());
        world.account.iam.credential_report = Err(denied(REPORT));
        assert_eq!(judge_user(&CHECK, &user(), &world), Err(denied(REPORT)));
    }
}
