//! Keys that rotate less often than the organization wants.

use super::kms_key_rotation_enabled::exemption;
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, Key};

const MAX_DAYS: Integer = Integer {
    name: "max_days",
    meaning: "The longest rotation period.",
    unit: "days",
    default: 365,
    least: 90,
    most: 2560,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-rotation-period",
    title: "Keys rotate within the cryptoperiod",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "Automatic rotation can be set to anything from 90 to 2560 days. A key that rotates every seven years \
        counts as rotating, and yet one piece of material protects seven years of data.",
    rule: "For customer managed keys that AWS KMS rotates by itself: FAIL if GetKeyRotationStatus gives a \
        RotationPeriodInDays of more than max_days (365), PASS otherwise.",
    exemptions: "NOT_APPLICABLE, with the reason: AWS managed keys; keys that AWS KMS cannot rotate; replicas; keys \
        that are not enabled; keys whose rotation is off, which kms-key-rotation-enabled judges.",
    blind_spots: "Whether max_days is the cryptoperiod that the organization has decided on is for people to say. \
        Rotations on demand are not counted. What was encrypted before stays under the earlier material.",
    remediation: Remediation {
        summary: "Shorten the rotation period of the key.",
        steps: &[
            "Decide on the cryptoperiod and write it into the configuration as max_days.",
            "Run aws kms enable-key-rotation --key-id \"$KEY_ID\" --rotation-period-in-days 365 with your number; for \
             a multi-Region key once, on the primary key.",
            "Verify: aws kms get-key-rotation-status --key-id \"$KEY_ID\" shows the period and the date of the next \
             rotation.",
        ],
        commands: &[
            "aws kms enable-key-rotation --region={region} --key-id={key} --rotation-period-in-days=365",
            "aws kms get-key-rotation-status --region={region} --key-id={key}",
        ],
        risk: "None for applications: ARN, aliases and old ciphertexts stay valid. The first two rotations each raise \
            the monthly price of the key. The same command with the old number takes it back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:GetKeyRotationStatus"],
    parameters: &[Parameter::Integer(MAX_DAYS)],
    elsewhere: &["None known: rotation periods in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    if let Some(reason) = exemption(metadata) {
        return Ok(Judgement::not_applicable(reason).because_of(&metadata.source));
    }
    let rotation = key.rotation.as_ref().map_err(Clone::clone)?;
    let max_days = scope.values.integer(&MAX_DAYS);
    let judgement = match (rotation.enabled, rotation.period_in_days) {
        (false, _) => Judgement::not_applicable("automatic rotation is off"),
        (true, Some(days)) if days > max_days => {
            Judgement::fail(format!("the key rotates every {days} days, more than {max_days}"))
        }
        (true, Some(days)) => Judgement::pass(format!("the key rotates every {days} days")),
        (true, None) => {
            let message = "the answer has no RotationPeriodInDays";
            return Err(Gap::malformed("kms:GetKeyRotationStatus", &[&key.id], message));
        }
    };
    Ok(judgement.because_of(&metadata.source).because_of(&rotation.source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;
    use crate::model::RotationStatus;

    fn rotating(period_in_days: Option<i64>) -> Key {
        let source = source("kms:GetKeyRotationStatus");
        Key { rotation: Ok(RotationStatus { enabled: true, period_in_days, next: None, source }), ..key() }
    }

    fn verdict(key: &Key) -> Verdict {
        judge_key(&CHECK, key, &World::new()).unwrap().verdict
    }

    #[test]
    fn the_period_decides() {
        assert_eq!(verdict(&rotating(Some(365))), Verdict::Pass);
        let judgement = judge_key(&CHECK, &rotating(Some(366)), &World::new()).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "the key rotates every 366 days, more than 365");
        let strict = World { values: Values::with("max_days", Value::Integer(90)), ..World::new() };
        assert_eq!(judge_key(&CHECK, &rotating(Some(180)), &strict).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn keys_that_do_not_rotate_by_themselves_are_exempt() {
        let mut off = rotating(None);
        off.rotation.as_mut().unwrap().enabled = false;
        assert_eq!(verdict(&off), Verdict::NotApplicable);
        assert_eq!(verdict(&key_with(|it| it.origin = "EXTERNAL".to_owned())), Verdict::NotApplicable);
        assert_eq!(verdict(&key_with(|it| it.key_state = "Disabled".to_owned())), Verdict::NotApplicable);
        assert_eq!(verdict(&aws_managed_key()), Verdict::NotApplicable);
    }

    #[test]
    fn a_period_that_is_not_known_says_nothing() {
        assert!(judge_key(&CHECK, &rotating(None), &World::new()).is_err());
        let gap = denied("kms:GetKeyRotationStatus");
        let unread = Key { rotation: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unread, &World::new()), Err(gap));
    }

    #[test]
    fn without_a_description_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let unread = Key { metadata: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unread, &World::new()), Err(gap));
    }
}
