//! Imported key material that expires soon, or is gone.

use super::key_state::{day, days, judged, reference_to};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, Key};

const WARN_DAYS: Integer = Integer {
    name: "warn_days",
    meaning: "How long before its expiry imported material counts as expiring.",
    unit: "days",
    default: 30,
    least: 0,
    most: 3650,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-imported-material-expiring",
    title: "Imported key material does not expire unnoticed",
    severity: Severity::High,
    resource: "KMS key",
    rationale: "When imported material expires, AWS KMS deletes it, and everything under the key is locked until the \
        same material is imported again. Whoever has lost the original has lost the data.",
    rule: "For customer managed keys with imported material (Origin EXTERNAL): FAIL if ExpirationModel is \
        KEY_MATERIAL_EXPIRES and ValidTo lies within warn_days (30) after the as-of time or before it, or if KeyState \
        is PendingImport and an alias or grant refers to the key; PASS otherwise.",
    exemptions: "Keys of other origins, AWS managed keys, and keys that are to be deleted are NOT_APPLICABLE.",
    blind_spots: "Whether the original material is kept somewhere safe cannot be seen. Of a key with several materials \
        AWS gives the earliest time at which one of them expires.",
    remediation: Remediation {
        summary: "Import the material again with a later expiry, or none.",
        steps: &[
            "Make sure that the original material is there, under dual control.",
            "Run aws kms get-parameters-for-import --key-id \"$KEY_ID\", wrap the material, and run aws kms \
             import-key-material --key-id \"$KEY_ID\" with --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE, or with a \
             later --valid-to.",
            "Put the date into a calendar that somebody watches, or alert on the CloudWatch metric \
             SecondsUntilKeyMaterialExpiration.",
            "Verify: aws kms describe-key --key-id \"$KEY_ID\" shows KeyState Enabled and the new ValidTo.",
        ],
        commands: &[
            "aws kms get-parameters-for-import --region={region} --key-id={key} --wrapping-algorithm=RSAES_OAEP_SHA_256 --wrapping-key-spec=RSA_4096",
            "aws kms describe-key --region={region} --key-id={key}",
        ],
        risk: "Only the same material opens what is encrypted under the key; AWS KMS refuses any other. Nothing \
            changes for applications. aws kms delete-imported-key-material takes the import back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListAliases", "kms:ListGrants"],
    parameters: &[Parameter::Integer(WARN_DAYS)],
    elsewhere: &["None known: importing key material in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        if metadata.origin != "EXTERNAL" {
            return Ok(Judgement::not_applicable(format!("the origin of the key is {}", metadata.origin)));
        }
        if metadata.key_state.ends_with("Deletion") {
            return Ok(Judgement::not_applicable(format!("the state of the key is {}", metadata.key_state)));
        }
        if metadata.key_state == "PendingImport" {
            return Ok(match reference_to(key, scope)? {
                Some(reference) => Judgement::fail(format!("the key has no material, and {reference}")),
                None => Judgement::pass("the key waits for material, and neither an alias nor a grant refers to it"),
            });
        }
        let absent = |member| Gap::malformed("kms:DescribeKey", &[&key.id], format!("KeyMetadata has no {member}"));
        let model = metadata.expiration_model.as_deref().ok_or_else(|| absent("ExpirationModel"))?;
        if model == "KEY_MATERIAL_DOES_NOT_EXPIRE" {
            return Ok(Judgement::pass("the imported material does not expire"));
        }
        let end = metadata.valid_to.ok_or_else(|| absent("ValidTo"))?;
        let left = days(scope.as_of, end);
        Ok(if end <= scope.as_of {
            Judgement::fail(format!("the imported material expired on {}", day(end)))
        } else if left <= scope.values.integer(&WARN_DAYS) {
            Judgement::fail(format!("the imported material expires on {}, in {left} days", day(end)))
        } else {
            Judgement::pass(format!("the imported material expires on {}, in {left} days", day(end)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn imported(valid_to: Option<&str>) -> Key {
        key_with(|it| {
            it.origin = "EXTERNAL".to_owned();
            let expires = valid_to.is_some();
            it.expiration_model =
                Some(if expires { "KEY_MATERIAL_EXPIRES" } else { "KEY_MATERIAL_DOES_NOT_EXPIRE" }.to_owned());
            it.valid_to = valid_to.map(|day| format!("{day}T00:00:00Z").parse().unwrap());
        })
    }

    fn judged(key: &Key) -> Judged {
        judge_key(&CHECK, key, &World::new())
    }

    fn waiting() -> Key {
        key_with(|it| {
            it.origin = "EXTERNAL".to_owned();
            it.key_state = "PendingImport".to_owned();
        })
    }

    #[test]
    fn material_that_expires_soon_or_did_fails() {
        for day in ["2026-10-30", "2026-10-01", "2026-09-30", "2026-01-01"] {
            assert_eq!(judged(&imported(Some(day))).unwrap().verdict, Verdict::Fail, "{day}");
        }
        let granted = Key { grants: Listing::complete(vec![grant(&role("/").arn)]), ..waiting() };
        assert_eq!(judged(&granted).unwrap().verdict, Verdict::Fail);
        let early = World { values: Values::with("warn_days", Value::Integer(120)), ..World::new() };
        assert_eq!(judge_key(&CHECK, &imported(Some("2026-12-31")), &early).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn other_imported_material_passes() {
        assert_eq!(judged(&imported(None)).unwrap().verdict, Verdict::Pass);
        assert_eq!(judged(&imported(Some("2026-10-31"))).unwrap().verdict, Verdict::Pass);
        assert_eq!(judged(&waiting()).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn other_keys_are_exempt() {
        assert_eq!(judged(&key()).unwrap().verdict, Verdict::NotApplicable);
        let mut leaving = imported(Some("2026-10-01"));
        leaving.metadata.as_mut().unwrap().key_state = "PendingDeletion".to_owned();
        assert_eq!(judged(&leaving).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_expiry_aliases_or_grants_nothing_is_said() {
        let mut unclear = imported(Some("2027-01-01"));
        unclear.metadata.as_mut().unwrap().valid_to = None;
        assert!(judged(&unclear).is_err());
        unclear.metadata.as_mut().unwrap().expiration_model = None;
        assert!(judged(&unclear).is_err());
        let gap = denied("kms:ListGrants");
        assert_eq!(judged(&Key { grants: Listing::missing(gap.clone()), ..waiting() }), Err(gap));
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
