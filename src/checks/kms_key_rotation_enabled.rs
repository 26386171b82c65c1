//! Keys that AWS KMS could rotate and does not.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Key, KeyManager, KeyMetadata};

pub(super) const CHECK: Check = Check {
    id: "kms-key-rotation-enabled",
    title: "Customer managed symmetric keys rotate automatically",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "Rotation limits how much data one piece of key material protects, and how long a leak of it matters. AWS \
        KMS does it without a change of the key's ARN, policy or existing ciphertexts.",
    rule: "For enabled customer managed keys with KeySpec SYMMETRIC_DEFAULT and Origin AWS_KMS: FAIL if \
        GetKeyRotationStatus says KeyRotationEnabled false, PASS if it says true.",
    exemptions: "NOT_APPLICABLE, with the reason: AWS managed keys (AWS rotates them every year); asymmetric and HMAC keys, \
        imported material and custom key stores (AWS KMS cannot rotate them by itself); replicas of multi-Region keys (the \
        primary key decides); keys that are not enabled.",
    blind_spots: "Whether the period fits the organization's own cryptoperiod is not judged, nor are keys that only people \
        can rotate. What was encrypted before stays under the earlier material, which AWS KMS keeps.",
    remediation: Remediation {
        summary: "Turn on automatic rotation of the key.",
        steps: &[
            "kms:EnableKeyRotation for the key; with RotationPeriodInDays where your cryptoperiod is not 365 days.",
            "For a multi-Region key do it once, on the primary key.",
            "kms:GetKeyRotationStatus shows the date of the next rotation.",
        ],
        commands: &[
            "aws kms enable-key-rotation --region={region} --key-id={key}",
            "aws kms get-key-rotation-status --region={region} --key-id={key}",
        ],
        risk: "None for applications: ARN, aliases and old ciphertexts stay valid. The first two rotations each raise the \
            monthly price of the key. kms:DisableKeyRotation takes it back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:GetKeyRotationStatus"],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub KMS.4",
        "AWS Config cmk-backing-key-rotation-enabled",
        "Prowler kms_cmk_rotation_enabled",
        "Steampipe kms_cmk_rotation_enabled",
        "CIS AWS Foundations 7.0.0 4.6",
        "ScoutSuite kms-cmk-rotation-disabled",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, _: &Scope<'_>) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    if let Some(reason) = exemption(metadata) {
        return Ok(Judgement::not_applicable(reason).because_of(&metadata.source));
    }
    let rotation = key.rotation.as_ref().map_err(Clone::clone)?;
    let judgement = match (rotation.enabled, rotation.period_in_days) {
        (true, Some(days)) => Judgement::pass(format!("the key rotates every {days} days")),
        (true, None) => Judgement::pass("the key rotates automatically"),
        (false, _) => Judgement::fail("automatic rotation is off"),
    };
    Ok(judgement.because_of(&metadata.source).because_of(&rotation.source))
}

/// Why KMS does not rotate the key by itself, or not by a setting of its own, if it does not.
pub fn exemption(metadata: &KeyMetadata) -> Option<String> {
    let KeyMetadata { key_spec, origin, key_state, .. } = metadata;
    if metadata.key_manager == KeyManager::Aws {
        return Some("AWS manages the key and rotates it every year".to_owned());
    }
    if key_spec != "SYMMETRIC_DEFAULT" {
        return Some(format!("AWS KMS does not rotate keys of type {key_spec} by itself"));
    }
    if origin != "AWS_KMS" {
        return Some(format!("AWS KMS does not rotate keys of origin {origin} by itself"));
    }
    if let Some(family) = &metadata.multi_region
        && family.is_replica
    {
        return Some(format!("the key is a replica; rotation is set on the primary key {}", family.primary_arn));
    }
    (key_state != "Enabled").then(|| format!("the key is not rotated while its state is {key_state}"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::CHECK;
    use crate::finding::Verdict;
    use crate::model::{Key, MultiRegion, RotationStatus};

    fn verdict(key: &Key) -> Verdict {
        judge_key(&CHECK, key, &World::new()).unwrap().verdict
    }

    fn rotation(enabled: bool) -> RotationStatus {
        RotationStatus { enabled, period_in_days: Some(180), next: None, source: source("kms:GetKeyRotationStatus") }
    }

    #[test]
    fn rotation_decides_for_keys_that_can_rotate() {
        assert_eq!(verdict(&Key { rotation: Ok(rotation(true)), ..key() }), Verdict::Pass);
        assert_eq!(verdict(&Key { rotation: Ok(rotation(false)), ..key() }), Verdict::Fail);
    }

    #[test]
    fn a_primary_key_is_judged_and_its_replica_points_to_it() {
        let family = |is_replica| MultiRegion { is_replica, primary_arn: key_arn(), replica_arns: Vec::new() };
        let off = |is_replica| {
            let mut key = key_with(|it| it.multi_region = Some(family(is_replica)));
            key.rotation = Ok(rotation(false));
            judge_key(&CHECK, &key, &World::new()).unwrap()
        };
        assert_eq!(off(false).verdict, Verdict::Fail);
        let replica = off(true);
        assert_eq!(replica.verdict, Verdict::NotApplicable);
        assert!(replica.reason.contains(&key_arn()), "{}", replica.reason);
    }

    #[test]
    fn keys_that_kms_cannot_rotate_or_does_not_now_are_exempt_whatever_the_status_says() {
        let exempt = [
            aws_managed_key(),
            key_with(|it| it.key_spec = "RSA_2048".to_owned()),
            key_with(|it| it.key_spec = "HMAC_256".to_owned()),
            key_with(|it| it.origin = "EXTERNAL".to_owned()),
            key_with(|it| it.origin = "AWS_CLOUDHSM".to_owned()),
            key_with(|it| it.origin = "EXTERNAL_KEY_STORE".to_owned()),
            key_with(|it| it.key_state = "Disabled".to_owned()),
            key_with(|it| it.key_state = "PendingDeletion".to_owned()),
            key_with(|it| it.key_state = "PendingImport".to_owned()),
        ];
        for key in exempt {
            for rotation in [Ok(rotation(true)), Ok(rotation(false)), Err(denied("kms:GetKeyRotationStatus"))] {
                let key = Key { rotation, ..key.clone() };
                assert_eq!(verdict(&key), Verdict::NotApplicable, "{:?}", key.metadata);
            }
        }
    }

    #[test]
    fn without_metadata_or_rotation_status_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let unknown = Key { metadata: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unknown, &World::new()), Err(gap));
        let gap = denied("kms:GetKeyRotationStatus");
        let unknown = Key { rotation: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unknown, &World::new()), Err(gap));
    }
}
