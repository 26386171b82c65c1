//! Root users that were used lately.

use jiff::SignedDuration;

use super::credentials::{REPORT, ROOT, row};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};

const DAYS_WITHOUT_USE: Integer = Integer {
    name: "days_without_use",
    meaning: "How long the root user must not have been used.",
    unit: "days",
    default: 30,
    least: 1,
    most: 3650,
    loosens: Loosens::Less,
};

/// The columns that say when a credential of the root user was last used.
const LAST_USED: [&str; 3] = ["password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date"];

pub(super) const CHECK: Check = Check {
    id: "iam-root-recent-use",
    title: "The root user is not used for daily work",
    severity: Severity::Low,
    resource: "root user",
    rationale: "Few tasks need the root user. Where it signs in regularly, its credentials lie within reach of somebody, and \
        what was done cannot be told from what should not have been done.",
    rule: "Looks at password_last_used and the two access_key_N_last_used_date of the root user in the credential report. \
        FAIL if one of them is less than days_without_use (30) before the as-of time.",
    exemptions: "None.",
    blind_spots: "A use may be one of the tasks that need the root user: the finding is a reason to ask, not a breach. The \
        report may be four hours old, and IAM tracks last use since October 2014. Sessions of sts:AssumeRoot are not in it.",
    remediation: Remediation {
        summary: "Find out who used the root user and for what, and give that task a role.",
        steps: &[
            "Look for what was done: CloudTrail events with userIdentity.type Root since the time in the reason.",
            "Where the task does not need the root user, give it a role; where it does, write down who did it and why.",
            "Make an alarm on such events, so that the next use is noticed on the day.",
            "To verify: the credential report (aws iam generate-credential-report, then aws iam get-credential-report) shows \
             no newer use.",
        ],
        commands: &[
            "aws cloudtrail lookup-events --region=us-east-1 --lookup-attributes=AttributeKey=Username,AttributeValue=root",
        ],
        risk: "None: nothing is changed but who does the work, so there is nothing to take back.",
    },
    reads: &[REPORT],
    parameters: &[Parameter::Integer(DAYS_WITHOUT_USE)],
    elsewhere: &[
        "AWS Security Hub IAM.20 (retired)",
        "Prowler iam_avoid_root_usage",
        "Steampipe iam_root_last_used",
        "CIS AWS Foundations 7.0.0 2.7",
        "AWS Config use-of-root-account-test (custom rule, retired)",
        "ScoutSuite iam-root-account-used-recently",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let days = scope.values.integer(&DAYS_WITHOUT_USE);
    let row = row(ROOT, scope)?;
    let mut recent = Vec::new();
    let mut last = None;
    let mut missing = None;
    for column in LAST_USED {
        match row.time(column) {
            Ok(Some(used)) if scope.as_of.duration_since(used) < SignedDuration::from_hours(24 * days) => {
                recent.push(format!("{column} {used}"));
            }
            Ok(used) => last = last.max(used),
            Err(gap) => missing = missing.or(Some(gap)),
        }
    }
    let judgement = if !recent.is_empty() {
        Judgement::fail(format!("the root user was used in the last {days} days: {}", recent.join(", ")))
    } else if let Some(gap) = missing {
        return Err(gap);
    } else {
        match last {
            Some(used) => Judgement::pass(format!("the root user was last used at {used}, over {days} days ago")),
            None => Judgement::pass("the credential report knows of no use of the root user"),
        }
    };
    Ok(judgement.because_of(row.source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn world(password: &str, key: &str) -> World {
        let mut world = World::new();
        let cells = LAST_USED.into_iter().zip([password, key, "N/A"]).collect::<Vec<_>>();
        world.account.iam.credential_report = Ok(report(ROOT, &cells));
        world
    }

    fn verdict(password: &str, key: &str) -> Verdict {
        judge_root(&CHECK, &world(password, key)).unwrap().verdict
    }

    #[test]
    fn a_use_of_password_or_key_in_the_last_thirty_days_fails() {
        assert_eq!(verdict("no_information", "N/A"), Verdict::Pass);
        assert_eq!(verdict("2026-08-31T00:00:00+00:00", "N/A"), Verdict::Pass);
        assert_eq!(verdict("2026-08-31T00:00:01+00:00", "N/A"), Verdict::Fail);
        assert_eq!(verdict("2020-01-01T00:00:00+00:00", "2026-09-29T00:00:00+00:00"), Verdict::Fail);
    }

    #[test]
    fn another_time_may_be_asked_for() {
        let values = Values::with(DAYS_WITHOUT_USE.name, Value::Integer(1));
        let world = World { values, ..world("2026-09-15T00:00:00+00:00", "N/A") };
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn without_report_row_or_cell_nothing_is_said_but_a_recent_use_still_fails() {
        let mut world = World::new();
        assert!(judge_root(&CHECK, &world).unwrap_err().reason().contains(ROOT));
        world.account.iam.credential_report = Ok(report(ROOT, &[("password_last_used", "yesterday")]));
        assert!(judge_root(&CHECK, &world).is_err());
        world.account.iam.credential_report = Ok(report(ROOT, &[("password_last_used", "2026-09-29T00:00:00+00:00")]));
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::Fail);
        world.account.iam.credential_report = Err(denied(REPORT));
        assert_eq!(judge_root(&CHECK, &world), Err(denied(REPORT)));
    }
}
