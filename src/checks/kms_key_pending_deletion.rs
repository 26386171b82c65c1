//! Keys that wait for their deletion.

use jiff::{SignedDuration, Timestamp};

use super::{Check, Form, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Key, KeyManager};

const APPROVED_KEYS: Strings = Strings {
    name: "approved_keys",
    meaning: "Ids of keys of which the deletion is approved.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

const MIN_WINDOW_DAYS: Integer = Integer {
    name: "min_window_days",
    meaning: "How many days must be left before an approved deletion happens, so that it can still be stopped.",
    unit: "days",
    default: 0,
    least: 0,
    most: 30,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-pending-deletion",
    title: "No customer managed key is pending deletion",
    severity: Severity::Critical,
    resource: "KMS key",
    rationale: "When the waiting period of 7 to 30 days is over, the key is gone, and with it everything that is \
        encrypted under it; nobody can bring it back, AWS included. A key that waits for its deletion unnoticed is data \
        loss with a date.",
    rule: "FAIL if DescribeKey gives the key state PendingDeletion or PendingReplicaDeletion; any other state is a PASS.",
    exemptions: "AWS managed keys are NOT_APPLICABLE: nobody can delete them. So are keys of which the deletion is approved by \
        approved_keys (by default none), unless fewer days than min_window_days (by default 0) are left before it.",
    blind_spots: "An approved deletion looks like a mistaken one: name the key in approved_keys, or record a waiver that ends on its day. The check \
        does not know what the key protects, and says nothing of keys that were deleted before the snapshot. AWS Security \
        Hub does not say whether it counts PendingReplicaDeletion; here it counts.",
    remediation: Remediation {
        summary: "Cancel the deletion, unless it is approved and nothing needs the key.",
        steps: &[
            "Look up what still uses the key: its last use, CloudTrail, resources that name its ARN, grants, aliases.",
            "If something does, or nobody knows: kms:CancelKeyDeletion. The key is Disabled then; kms:EnableKey makes it \
             usable again.",
            "If the deletion is meant: write down who approved it, and record a waiver that ends on the deletion date.",
            "From now on disable a key for some weeks before its deletion is scheduled: mistakes show, and can be undone.",
        ],
        commands: &[
            "aws kms cancel-key-deletion --region={region} --key-id={key}",
            "aws kms enable-key --region={region} --key-id={key}",
            "aws kms describe-key --region={region} --key-id={key}",
        ],
        risk: "Cancelling changes no data. A deletion that happens cannot be undone.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey"],
    parameters: &[Parameter::Strings(APPROVED_KEYS), Parameter::Integer(MIN_WINDOW_DAYS)],
    elsewhere: &[
        "AWS Security Hub KMS.3",
        "AWS Config kms-cmk-not-scheduled-for-deletion",
        "Prowler kms_cmk_not_deleted_unintentionally",
        "Steampipe kms_key_not_pending_deletion",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    let state = metadata.key_state.as_str();
    let judgement = match (metadata.key_manager, state) {
        (KeyManager::Aws, _) => Judgement::not_applicable("AWS manages the key; nobody can delete it"),
        (KeyManager::Customer, "PendingDeletion" | "PendingReplicaDeletion")
            if scope.values.strings(&APPROVED_KEYS).contains(&key.id.as_str())
                && !is_too_near(metadata.deletion_date, scope) =>
        {
            Judgement::not_applicable(format!("the key state is {state}, and the configuration approves the deletion"))
        }
        (KeyManager::Customer, "PendingDeletion" | "PendingReplicaDeletion") => {
            Judgement::fail(match metadata.deletion_date {
                Some(date) => format!("the key state is {state}; it will be deleted at {date}"),
                None => format!("the key state is {state}"),
            })
        }
        (KeyManager::Customer, _) => Judgement::pass(format!("the key state is {state}")),
    };
    Ok(judgement.because_of(&metadata.source))
}

/// Whether a deletion happens sooner than the configuration demands. Of a primary key that waits for its replicas no date is known:
/// its days are not counted yet.
fn is_too_near(date: Option<Timestamp>, scope: &Scope<'_>) -> bool {
    let least = SignedDuration::from_hours(24 * scope.values.integer(&MIN_WINDOW_DAYS));
    date.is_some_and(|date| date.duration_since(scope.as_of) < least)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::CHECK;
    use crate::finding::Verdict;
    use crate::model::Key;

    fn verdict(key: &Key) -> Verdict {
        judge_key(&CHECK, key, &World::new()).unwrap().verdict
    }

    #[test]
    fn an_approved_deletion_is_exempt() {
        let values = Values::with("approved_keys", Value::Strings(vec![KEY_ID.to_owned()]));
        let leaving = key_with(|it| it.key_state = "PendingDeletion".to_owned());
        let world = World { values, ..World::new() };
        assert_eq!(judge_key(&CHECK, &leaving, &world).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(judge_key(&CHECK, &key(), &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn an_approved_deletion_leaves_as_many_days_as_the_configuration_demands() {
        let of = |days: i64, date: Option<&str>| {
            let leaving = key_with(|it| {
                it.key_state = "PendingDeletion".to_owned();
                it.deletion_date = date.map(|date| date.parse().unwrap());
            });
            let mut values = Values::with("approved_keys", Value::Strings(vec![KEY_ID.to_owned()]));
            values = values.and("min_window_days", Value::Integer(days));
            let world = World { values, as_of: "2026-10-01T10:00:00Z".parse().unwrap(), ..World::new() };
            judge_key(&CHECK, &leaving, &world).unwrap().verdict
        };
        let date = Some("2026-10-08T10:00:00Z");
        assert_eq!(
            (of(0, date), of(7, date), of(8, date)),
            (Verdict::NotApplicable, Verdict::NotApplicable, Verdict::Fail)
        );
        assert_eq!(of(30, None), Verdict::NotApplicable);
    }

    #[test]
    fn both_pending_states_fail_and_the_reason_has_the_date() {
        for state in ["PendingDeletion", "PendingReplicaDeletion"] {
            assert_eq!(verdict(&key_with(|it| it.key_state = state.to_owned())), Verdict::Fail, "{state}");
        }
        let key = key_with(|it| {
            it.key_state = "PendingDeletion".to_owned();
            it.deletion_date = Some("2026-10-14T10:00:00Z".parse().unwrap());
        });
        let judgement = judge_key(&CHECK, &key, &World::new()).unwrap();
        assert!(judgement.reason.contains("2026-10-14T10:00:00Z"), "{}", judgement.reason);
    }

    #[test]
    fn every_other_state_passes() {
        for state in ["Enabled", "Disabled", "PendingImport", "Unavailable", "Creating"] {
            assert_eq!(verdict(&key_with(|it| it.key_state = state.to_owned())), Verdict::Pass, "{state}");
        }
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(verdict(&aws_managed_key()), Verdict::NotApplicable);
    }

    #[test]
    fn without_metadata_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let key = Key { metadata: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &key, &World::new()), Err(gap));
    }
}
