//! Keys that nobody has used for long.

use super::key_state::{day, days, judged};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, Key};

const MAX_DAYS: Integer = Integer {
    name: "max_days",
    meaning: "How long a key may go without use.",
    unit: "days",
    default: 90,
    least: 1,
    most: 3650,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-unused",
    title: "Keys are in use",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "A key that nobody uses costs money, and whoever may use it could decrypt what it protected once. \
        Nobody would notice that somebody does.",
    rule: "For customer managed keys, by GetKeyLastUsage: FAIL if the key was last used more than max_days (90) before \
        the as-of time, or never since AWS keeps track of it, provided that TrackingStartDate and the creation of the \
        key lie as far back; UNDECIDED if AWS has kept track for less long; PASS if the key was used within max_days, \
        or is younger.",
    exemptions: "AWS managed keys, and keys that are to be deleted, are NOT_APPLICABLE.",
    blind_spots: "AWS counts cryptographic operations in this Region; each key of a multi-Region family has a use of \
        its own. Data that is kept and seldom read needs its key all the same: a backup is read when it is needed. \
        What the key was used for is not judged.",
    remediation: Remediation {
        summary: "Find out what the key protects, then disable it, and delete it when nobody misses it.",
        steps: &[
            "Look for data under the key: snapshots, buckets, secrets and logs name it by ARN; old CloudTrail events \
             name its users.",
            "Run aws kms disable-key --key-id \"$KEY_ID\", and wait for a full business cycle for calls that fail.",
            "Then run aws kms schedule-key-deletion --key-id \"$KEY_ID\" --pending-window-in-days 30.",
            "Verify: aws kms get-key-last-usage --key-id \"$KEY_ID\" shows the last operation.",
        ],
        commands: &[
            "aws kms get-key-last-usage --region={region} --key-id={key}",
            "aws kms disable-key --region={region} --key-id={key}",
        ],
        risk: "What the key protects is lost for good when it is deleted. aws kms enable-key undoes the first step, \
            aws kms cancel-key-deletion the second while the window is open.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:GetKeyLastUsage"],
    parameters: &[Parameter::Integer(MAX_DAYS)],
    elsewhere: &["None known: Prowler kms_cmk_are_used and Steampipe kms_cmk_unused look at whether a key is enabled"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        if metadata.key_state.ends_with("Deletion") {
            return Ok(Judgement::not_applicable(format!("the state of the key is {}", metadata.key_state)));
        }
        let usage = key.last_usage.as_ref().map_err(Clone::clone)?;
        let max_days = scope.values.integer(&MAX_DAYS);
        let age = |time| days(time, scope.as_of);
        if let Some(last) = usage.last.filter(|last| age(*last) <= max_days) {
            let operation = usage.operation.as_deref().unwrap_or("an operation that AWS does not name");
            return Ok(Judgement::pass(format!("the key was last used on {}, by {operation}", day(last)))
                .because_of(&usage.source));
        }
        let absent = |api, member: &str| Gap::malformed(api, &[&key.id], format!("the answer has no {member}"));
        let created = metadata.creation_date.ok_or_else(|| absent("kms:DescribeKey", "CreationDate"))?;
        let tracked = usage.tracking_start.ok_or_else(|| absent("kms:GetKeyLastUsage", "TrackingStartDate"))?;
        let used = match usage.last {
            Some(last) => format!("the key was last used on {}", day(last)),
            None => format!("the key was not used since {}", day(tracked.max(created))),
        };
        let judgement = match () {
            () if age(created) <= max_days => Judgement::pass(format!("{used}, and is {} days old", age(created))),
            () if age(tracked) <= max_days => Judgement::undecided(format!(
                "{used}; AWS keeps track of it since {} only, for less than {max_days} days",
                day(tracked)
            )),
            () => Judgement::fail(format!("{used}, more than {max_days} days ago")),
        };
        Ok(judgement.because_of(&usage.source))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;
    use crate::model::LastUsage;

    fn used(last: Option<&str>, tracked: &str, created: &str) -> Key {
        let time = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
        let usage = LastUsage {
            last: last.map(time),
            operation: None,
            tracking_start: Some(time(tracked)),
            source: source("kms:GetKeyLastUsage"),
        };
        Key { last_usage: Ok(usage), ..key_with(|it| it.creation_date = Some(time(created))) }
    }

    fn judged(key: &Key) -> Judgement {
        judge_key(&CHECK, key, &World::new()).unwrap()
    }

    const LONG_AGO: &str = "2025-01-01";

    #[test]
    fn a_key_without_use_for_long_fails() {
        let judgement = judged(&used(Some("2026-07-01"), LONG_AGO, LONG_AGO));
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "the key was last used on 2026-07-01, more than 90 days ago");
        assert_eq!(judged(&used(None, LONG_AGO, LONG_AGO)).verdict, Verdict::Fail);
    }

    #[test]
    fn a_key_in_use_and_a_young_key_pass() {
        assert_eq!(judged(&used(Some("2026-07-02"), LONG_AGO, LONG_AGO)).verdict, Verdict::Pass);
        assert_eq!(judged(&used(None, LONG_AGO, "2026-09-01")).verdict, Verdict::Pass);
        let patient = World { values: Values::with("max_days", Value::Integer(365)), ..World::new() };
        let key = used(Some("2026-01-01"), LONG_AGO, LONG_AGO);
        assert_eq!(judge_key(&CHECK, &key, &patient).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn no_use_within_a_short_track_proves_nothing() {
        assert_eq!(judged(&used(None, "2026-08-01", LONG_AGO)).verdict, Verdict::Undecided);
    }

    #[test]
    fn keys_that_are_to_be_deleted_are_exempt() {
        let leaving = key_with(|it| it.key_state = "PendingDeletion".to_owned());
        assert_eq!(judged(&leaving).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_the_last_use_or_a_date_nothing_is_said() {
        let gap = denied("kms:GetKeyLastUsage");
        let unread = Key { last_usage: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unread, &World::new()), Err(gap));
        let mut undated = used(None, LONG_AGO, LONG_AGO);
        undated.metadata.as_mut().unwrap().creation_date = None;
        assert!(judge_key(&CHECK, &undated, &World::new()).is_err());
        let mut untracked = used(None, LONG_AGO, LONG_AGO);
        untracked.last_usage.as_mut().unwrap().tracking_start = None;
        assert!(judge_key(&CHECK, &untracked, &World::new()).is_err());
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(judge_key(&CHECK, &aws_managed_key(), &World::new()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_a_description_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let unread = Key { metadata: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unread, &World::new()), Err(gap));
    }
}
