//! Users with two active access keys.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, User};

const KEYS: &str = "iam:ListAccessKeys";

pub(super) const CHECK: Check = Check {
    id: "iam-user-single-active-key",
    title: "A user has at most one active access key",
    severity: Severity::Medium,
    resource: "IAM user",
    rationale: "The second key is there for rotation, for days. Where both stay active, one of them is usually \
        forgotten, and a stolen one is not missed.",
    rule: "FAIL if ListAccessKeys lists more than one key of the user with Status Active.",
    exemptions: "None.",
    blind_spots: "During a rotation two active keys are right for a while: the test does not know how long they have \
        been so. Keys of the root user are not looked at.",
    remediation: Remediation {
        summary: "Deactivate the key that is no longer used, and delete it later.",
        steps: &[
            "See which one is used: aws iam get-access-key-last-used --access-key-id KEY_ID for both.",
            "Deactivate the other: aws iam update-access-key --user-name USER_NAME --access-key-id KEY_ID --status Inactive.",
            "After some days delete it: aws iam delete-access-key --user-name USER_NAME --access-key-id KEY_ID.",
            "To verify: aws iam list-access-keys --user-name USER_NAME shows one key as Active.",
        ],
        commands: &[
            "aws iam list-access-keys --user-name={user}",
            "aws iam update-access-key --user-name={user} --access-key-id=ACCESS_KEY_ID --status=Inactive",
        ],
        risk: "A workload that still uses the key fails; aws iam update-access-key with --status Active takes it back until \
            the key is deleted.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", KEYS],
    parameters: &[],
    elsewhere: &[
        "Prowler iam_user_two_active_access_key",
        "Steampipe iam_user_one_active_key",
        "CIS AWS Foundations 6.0.0 2.12",
        "ScoutSuite iam-user-with-multiple-access-keys",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, _: &Scope<'_>) -> Judged {
    let keys = user.access_keys.known();
    let active: Vec<&str> = keys.iter().filter(|key| key.status == "Active").map(|key| key.id.as_str()).collect();
    let judgement = if active.len() > 1 {
        Judgement::fail(format!("the user has {} active access keys: {}", active.len(), active.join(", ")))
    } else {
        user.access_keys.whole()?;
        if let Some(key) = keys.iter().find(|key| !["Active", "Inactive", "Expired"].contains(&key.status.as_str())) {
            let message = format!("the status of access key {} is `{}`", key.id, key.status);
            return Err(Gap::malformed(KEYS, &[], message));
        }
        match active.first() {
            Some(key) => Judgement::pass(format!("the user has one active access key: {key}")),
            None => Judgement::pass("the user has no active access key").because_of(&user.source),
        }
    };
    Ok(judgement.because_of_all(keys.iter().map(|key| &key.source)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{AccessKey, Listing};

    const DAY: &str = "2026-09-01T00:00:00Z";

    fn judged(access_keys: Listing<AccessKey>) -> Judged {
        judge_user(&CHECK, &User { access_keys, ..user() }, &World::new())
    }

    fn keys(statuses: &[&str]) -> Vec<AccessKey> {
        statuses.iter().map(|status| access_key(status, DAY)).collect()
    }

    #[test]
    fn two_active_keys_fail_and_fewer_pass() {
        let verdict = |statuses: &[&str]| judged(Listing::complete(keys(statuses))).unwrap().verdict;
        assert_eq!(verdict(&["Active", "Active"]), Verdict::Fail);
        for statuses in
            [&["Active", "Inactive"][..], &["Expired", "Active"], &["Inactive", "Inactive"], &["Active"], &[]]
        {
            assert_eq!(verdict(statuses), Verdict::Pass, "{statuses:?}");
        }
    }

    #[test]
    fn without_the_whole_list_nothing_is_said_but_two_known_keys_fail() {
        let gap = denied(KEYS);
        assert_eq!(judged(Listing::partial(keys(&["Active"]), gap.clone())), Err(gap.clone()));
        assert_eq!(judged(Listing::missing(gap.clone())), Err(gap.clone()));
        assert_eq!(judged(Listing::partial(keys(&["Active", "Active"]), gap)).unwrap().verdict, Verdict::Fail);
        assert!(judged(Listing::complete(keys(&["Active", ""]))).is_err());
    }
}
