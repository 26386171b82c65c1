//! Keys that only people can rotate, and that are older than the organization wants.

use super::key_state::{day, days, judged};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, Key, KeyMetadata};

const ASYMMETRIC: Integer = Integer {
    name: "max_age_days_asymmetric",
    meaning: "The oldest that the material of asymmetric keys may be; 0 judges none.",
    unit: "days",
    default: 0,
    least: 0,
    most: 36500,
    loosens: Loosens::Less,
};
const HMAC: Integer = Integer {
    name: "max_age_days_hmac",
    meaning: "The oldest that the material of HMAC keys may be; 0 judges none.",
    unit: "days",
    default: 0,
    least: 0,
    most: 36500,
    loosens: Loosens::Less,
};
const IMPORTED: Integer = Integer {
    name: "max_age_days_imported",
    meaning: "The oldest that the material of symmetric keys with imported material may be; 0 judges none.",
    unit: "days",
    default: 0,
    least: 0,
    most: 36500,
    loosens: Loosens::Less,
};
const CUSTOM_KEY_STORE: Integer = Integer {
    name: "max_age_days_custom_key_store",
    meaning: "The oldest that the material of keys in custom key stores may be; 0 judges none.",
    unit: "days",
    default: 0,
    least: 0,
    most: 36500,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-manual-rotation-overdue",
    title: "Keys that people rotate are rotated in time",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "AWS KMS rotates neither asymmetric and HMAC keys nor imported material nor keys in custom key stores \
        by itself. Unless somebody replaces them at the end of their cryptoperiod, they protect data for as long as \
        the account exists.",
    rule: "For customer managed keys that AWS KMS does not rotate by itself, by class: max_age_days_asymmetric, \
        max_age_days_hmac, max_age_days_imported, max_age_days_custom_key_store. FAIL if more days lie between the \
        as-of time and the CreationDate of the key, or for imported symmetric material the last of the rotations that \
        ListKeyRotations lists; PASS otherwise.",
    exemptions: "NOT_APPLICABLE, with the reason: AWS managed keys; keys that AWS KMS rotates by itself; keys that are \
        to be deleted; keys of a class for which no age is configured, which is so by default.",
    blind_spots: "A new key that took the place of an old one is judged by its own age: that data was encrypted anew \
        is not seen. Replicas have the date on which they were made. In a key store the material may be older than the \
        key.",
    remediation: Remediation {
        summary: "Replace the key, or rotate its imported material.",
        steps: &[
            "Decide on a cryptoperiod for each class of keys and write it into the configuration.",
            "Imported symmetric material: import new material with aws kms import-key-material --import-type \
             NEW_KEY_MATERIAL, then run aws kms rotate-key-on-demand --key-id \"$KEY_ID\".",
            "Any other key: make a new one, let aws kms update-alias --alias-name \"alias/$NAME\" --target-key-id \
             \"$NEW_KEY_ID\" point to it, and hand out new public keys where there are any.",
            "Verify: aws kms list-key-rotations --key-id \"$KEY_ID\", or the CreationDate of aws kms describe-key.",
        ],
        commands: &[
            "aws kms describe-key --region={region} --key-id={key}",
            "aws kms list-aliases --region={region} --key-id={key}",
        ],
        risk: "Whoever verifies signatures or MACs, or decrypts, needs the old key as long as old data lives: keep it \
            enabled. The way back is the alias on the old key.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyRotations"],
    parameters: &[
        Parameter::Integer(ASYMMETRIC),
        Parameter::Integer(HMAC),
        Parameter::Integer(IMPORTED),
        Parameter::Integer(CUSTOM_KEY_STORE),
    ],
    elsewhere: &["None known: manual rotation in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[(Status::Pass, "no age is configured"), (Status::Fail, "no age is configured")],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        if metadata.key_state.ends_with("Deletion") {
            return Ok(Judgement::not_applicable(format!("the state of the key is {}", metadata.key_state)));
        }
        let Some((class, parameter)) = class(metadata) else {
            return Ok(Judgement::not_applicable("AWS KMS can rotate the key by itself"));
        };
        let max_days = scope.values.integer(parameter);
        if max_days == 0 {
            return Ok(Judgement::not_applicable(format!("no age is configured for {class}")));
        }
        let absent = || Gap::malformed("kms:DescribeKey", &[&key.id], "KeyMetadata has no CreationDate");
        let mut since = metadata.creation_date.ok_or_else(absent)?;
        if class == OF_IMPORTED {
            for rotation in key.rotations.whole()? {
                let absent = || Gap::malformed("kms:ListKeyRotations", &[&key.id], "a rotation has no RotationDate");
                since = since.max(rotation.date.ok_or_else(absent)?);
            }
        }
        let age = days(since, scope.as_of);
        let reason = format!("the material of the key is {age} days old, since {}", day(since));
        let judgement = match age > max_days {
            true => Judgement::fail(format!("{reason}; for {class} {max_days} days are configured")),
            false => Judgement::pass(reason),
        };
        Ok(judgement.because_of_all(key.rotations.known().iter().map(|rotation| &rotation.source)))
    })
}

const OF_IMPORTED: &str = "imported material";

/// The class of a key that only people can rotate, and the age that it may have.
fn class(metadata: &KeyMetadata) -> Option<(&'static str, &'static Integer)> {
    match (metadata.origin.as_str(), metadata.key_spec.as_str()) {
        ("AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE", _) => Some(("custom key stores", &CUSTOM_KEY_STORE)),
        (_, spec) if spec.starts_with("HMAC_") => Some(("HMAC keys", &HMAC)),
        (_, spec) if spec != "SYMMETRIC_DEFAULT" => Some(("asymmetric keys", &ASYMMETRIC)),
        ("AWS_KMS", _) => None,
        _ => Some((OF_IMPORTED, &IMPORTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;
    use crate::model::{Listing, Rotation};

    fn configured(parameter: &Integer) -> World {
        World { values: Values::with(parameter.name, Value::Integer(365)), ..World::new() }
    }

    fn made(spec: &str, origin: &str, day: &str) -> Key {
        key_with(|it| {
            it.key_spec = spec.to_owned();
            it.origin = origin.to_owned();
            it.creation_date = Some(format!("{day}T00:00:00Z").parse().unwrap());
        })
    }

    #[test]
    fn the_age_decides_for_every_class_that_is_configured() {
        for (spec, origin, parameter) in [
            ("RSA_2048", "AWS_KMS", &ASYMMETRIC),
            ("ECC_NIST_P256", "EXTERNAL", &ASYMMETRIC),
            ("HMAC_256", "AWS_KMS", &HMAC),
            ("SYMMETRIC_DEFAULT", "EXTERNAL", &IMPORTED),
            ("SYMMETRIC_DEFAULT", "AWS_CLOUDHSM", &CUSTOM_KEY_STORE),
            ("SYMMETRIC_DEFAULT", "EXTERNAL_KEY_STORE", &CUSTOM_KEY_STORE),
        ] {
            let verdict = |key: &Key, world: &World| judge_key(&CHECK, key, world).unwrap().verdict;
            let (old, young) = (made(spec, origin, "2025-09-29"), made(spec, origin, "2025-09-30"));
            assert_eq!(verdict(&old, &configured(parameter)), Verdict::Fail, "{spec} {origin}");
            assert_eq!(verdict(&young, &configured(parameter)), Verdict::Pass, "{spec} {origin}");
            assert_eq!(verdict(&old, &World::new()), Verdict::NotApplicable, "{spec} {origin}");
        }
    }

    #[test]
    fn a_rotation_on_demand_makes_imported_material_young() {
        let rotation = |date: Option<&str>| Rotation {
            date: date.map(|date| date.parse().unwrap()),
            source: source("kms:ListKeyRotations"),
        };
        let old = made("SYMMETRIC_DEFAULT", "EXTERNAL", "2023-01-01");
        let rotated = |rotations| Key { rotations, ..old.clone() };
        let judged = |key: &Key| judge_key(&CHECK, key, &configured(&IMPORTED));
        let young = rotated(Listing::complete(vec![rotation(Some("2026-01-01T00:00:00Z"))]));
        assert_eq!(judged(&young).unwrap().verdict, Verdict::Pass);
        let gap = denied("kms:ListKeyRotations");
        assert_eq!(judged(&rotated(Listing::missing(gap.clone()))), Err(gap));
        assert!(judged(&rotated(Listing::complete(vec![rotation(None)]))).is_err());
    }

    #[test]
    fn other_keys_are_exempt() {
        let judged = |key: &Key| judge_key(&CHECK, key, &configured(&IMPORTED)).unwrap().verdict;
        assert_eq!(judged(&made("SYMMETRIC_DEFAULT", "AWS_KMS", "2020-01-01")), Verdict::NotApplicable);
        assert_eq!(judged(&aws_managed_key()), Verdict::NotApplicable);
        let mut leaving = made("SYMMETRIC_DEFAULT", "EXTERNAL", "2020-01-01");
        leaving.metadata.as_mut().unwrap().key_state = "PendingDeletion".to_owned();
        assert_eq!(judged(&leaving), Verdict::NotApplicable);
    }

    #[test]
    fn without_a_creation_date_nothing_is_said() {
        let undated = key_with(|it| it.origin = "EXTERNAL".to_owned());
        assert!(judge_key(&CHECK, &undated, &configured(&IMPORTED)).is_err());
    }

    #[test]
    fn without_a_description_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let unread = Key { metadata: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unread, &World::new()), Err(gap));
    }
}
