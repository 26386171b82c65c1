//! Access keys that are too old.

use jiff::{SignedDuration, Timestamp};

use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{AccessKey, Gap, User};

const MAX_AGE_DAYS: Integer = Integer {
    name: "max_age_days",
    meaning: "The oldest that an active access key may be.",
    unit: "days",
    default: 90,
    least: 1,
    most: 3650,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-access-key-age",
    title: "Access keys are rotated in time",
    severity: Severity::Medium,
    resource: "IAM user",
    rationale: "Access keys do not expire. The older one is, the more copies of it lie in files, scripts and laptops, and \
        the longer a leak stays useful to whoever found it.",
    rule: "Looks at all active access keys of a user (ListAccessKeys, Status Active), one finding a user. FAIL if more than \
        max_age_days (90) lie between the CreateDate of one of them and the as-of time.",
    exemptions: "Users without an active access key are NOT_APPLICABLE. Keys of the root user are not looked at.",
    blind_spots: "Age says nothing of use: a young key may be leaked, an old one known to nobody. Inactive keys are not \
        counted, though whoever may call iam:UpdateAccessKey can activate them again.",
    remediation: Remediation {
        summary: "Move the workload to a new access key, better to a role, then deactivate and delete the old key.",
        steps: &[
            "Better than rotation: a role instead of the key (instance profile, IAM Roles Anywhere, OIDC) leaves no secret \
             to store.",
            "Otherwise iam:CreateAccessKey, and give the new key to the workload.",
            "Watch iam:GetAccessKeyLastUsed of the old key until nothing uses it. Then iam:UpdateAccessKey to Inactive, and \
             after some days iam:DeleteAccessKey.",
        ],
        commands: &[
            "aws iam list-access-keys --user-name={user}",
            "aws iam create-access-key --user-name={user}",
            "aws iam update-access-key --user-name={user} --access-key-id=ACCESS_KEY_ID --status=Inactive",
        ],
        risk: "A workload that still uses the old key fails when the key becomes inactive; activating it again is the way \
            back. A deleted key is gone.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", "iam:ListAccessKeys"],
    parameters: &[Parameter::Integer(MAX_AGE_DAYS)],
    elsewhere: &[
        "AWS Security Hub IAM.3",
        "AWS Config access-keys-rotated",
        "Prowler iam_rotate_access_key_90_days",
        "Steampipe iam_user_access_key_age_90",
        "CIS AWS Foundations 7.0.0 2.12",
        "Steampipe iam_user_access_key_age_365",
        "ScoutSuite iam-user-no-key-rotation",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let max_age_days = scope.values.integer(&MAX_AGE_DAYS);
    let mut too_old = Vec::new();
    let mut active = Vec::new();
    let mut missing = user.access_keys.gap().cloned();
    for key in user.access_keys.known() {
        match age(key, scope.as_of) {
            Ok(None) => {}
            Ok(Some(age)) if age > SignedDuration::from_hours(24 * max_age_days) => too_old.push((key, age)),
            Ok(Some(age)) => active.push((key, age)),
            Err(gap) => missing = missing.or(Some(gap)),
        }
    }
    let list = |keys: &[(&AccessKey, SignedDuration)]| {
        let key = |(key, age): &(&AccessKey, SignedDuration)| format!("{} ({} days)", key.id, age.as_hours() / 24);
        keys.iter().map(key).collect::<Vec<_>>().join(", ")
    };
    // A key that is too old is an exception whatever else could not be read.
    let judgement = if !too_old.is_empty() {
        Judgement::fail(format!("active access keys older than {max_age_days} days: {}", list(&too_old)))
    } else if let Some(gap) = missing {
        return Err(gap);
    } else if active.is_empty() {
        Judgement::not_applicable("the user has no active access key").because_of(&user.source)
    } else {
        Judgement::pass(format!("active access keys, none older than {max_age_days} days: {}", list(&active)))
    };
    Ok(judgement.because_of_all(user.access_keys.known().iter().map(|key| &key.source)))
}

/// How old the key is; nothing for a key that does not work.
fn age(key: &AccessKey, as_of: Timestamp) -> Result<Option<SignedDuration>, Gap> {
    match key.status.as_str() {
        "Active" => Ok(Some(as_of.duration_since(key.create_date.clone()?))),
        "Inactive" | "Expired" => Ok(None),
        other => {
            let message = format!("the status of access key {} is `{other}`", key.id);
            Err(Gap::malformed("iam:ListAccessKeys", &[], message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    const YOUNG: &str = "2026-09-01T00:00:00Z";
    const OLD: &str = "2026-01-01T00:00:00Z";

    fn judged(access_keys: Listing<AccessKey>) -> Judged {
        judge_user(&CHECK, &User { access_keys, ..user() }, &World::new())
    }

    fn verdict(keys: &[(&str, &str)]) -> Verdict {
        let keys = keys.iter().map(|(status, date)| access_key(status, date)).collect();
        judged(Listing::complete(keys)).unwrap().verdict
    }

    #[test]
    fn one_old_active_key_fails() {
        assert_eq!(verdict(&[("Active", YOUNG)]), Verdict::Pass);
        assert_eq!(verdict(&[("Active", YOUNG), ("Active", OLD)]), Verdict::Fail);
        assert_eq!(verdict(&[("Active", YOUNG), ("Inactive", OLD)]), Verdict::Pass);
    }

    #[test]
    fn ninety_days_are_allowed_and_a_second_more_is_not() {
        assert_eq!(verdict(&[("Active", "2026-07-02T00:00:00Z")]), Verdict::Pass);
        assert_eq!(verdict(&[("Active", "2026-07-01T23:59:59Z")]), Verdict::Fail);
    }

    #[test]
    fn another_age_may_be_asked_for() {
        let values = Values::with(MAX_AGE_DAYS.name, Value::Integer(29));
        let world = World { values, ..World::new() };
        let user =
            User { access_keys: Listing::complete(vec![access_key("Active", "2026-09-01T00:00:00Z")]), ..user() };
        assert_eq!(judge_user(&CHECK, &user, &world).unwrap().verdict, Verdict::Pass);
        let world = World { as_of: "2026-09-30T00:00:01Z".parse().unwrap(), ..world };
        let judgement = judge_user(&CHECK, &user, &world).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.contains("older than 29 days"), "{}", judgement.reason);
    }

    #[test]
    fn users_without_an_active_key_are_exempt() {
        assert_eq!(verdict(&[]), Verdict::NotApplicable);
        assert_eq!(verdict(&[("Inactive", OLD), ("Expired", OLD)]), Verdict::NotApplicable);
    }

    #[test]
    fn without_the_whole_list_nothing_is_said_but_an_old_key_still_fails() {
        let gap = denied("iam:ListAccessKeys");
        assert_eq!(judged(Listing::missing(gap.clone())), Err(gap.clone()));
        assert_eq!(judged(Listing::partial(vec![access_key("Active", YOUNG)], gap.clone())), Err(gap.clone()));
        let old = judged(Listing::partial(vec![access_key("Active", OLD)], gap)).unwrap();
        assert_eq!(old.verdict, Verdict::Fail);
    }

    #[test]
    fn a_key_without_date_or_status_is_not_passed_over() {
        let gap = Gap::malformed("iam:ListAccessKeys", &[], "an access key has no CreateDate");
        let undated = AccessKey { create_date: Err(gap.clone()), ..access_key("Active", YOUNG) };
        assert_eq!(judged(Listing::complete(vec![undated])), Err(gap));
        assert!(judged(Listing::complete(vec![access_key("", YOUNG)])).is_err());
    }
}
