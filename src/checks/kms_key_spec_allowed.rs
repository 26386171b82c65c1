//! Keys of a kind that the organization does not want.

use super::key_state::judged;
use super::{Check, Form, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Key;

const DENIED_SPECS: Strings = Strings {
    name: "denied_specs",
    meaning: "The key specs that no key may have.",
    default: &["ECC_SECG_P256K1", "SM2"],
    form: Form::Text,
    loosens: Loosens::Less,
};
const MIN_RSA_BITS: Integer = Integer {
    name: "min_rsa_bits",
    meaning: "The shortest that an RSA key may be.",
    unit: "bits",
    default: 2048,
    least: 2048,
    most: 4096,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-spec-allowed",
    title: "Keys are of algorithms that the organization allows",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "Which algorithms and lengths are strong enough, and approved, is a decision that standards ask for. A \
        key of another kind may be weak, or not be approved where its data goes.",
    rule: "For customer managed keys: FAIL if KeySpec is among denied_specs (ECC_SECG_P256K1, SM2), or is an RSA key \
        of fewer than min_rsa_bits (2048); PASS otherwise, with spec and usage in the reason.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Which of its algorithms a key is used with cannot be seen: RSA keys can sign with PKCS #1 v1.5, for \
        example. Both denied curves are sound; they are listed because NIST does not approve them.",
    remediation: Remediation {
        summary: "Use a key of an allowed spec.",
        steps: &[
            "Decide which specs are allowed, and set denied_specs and min_rsa_bits in the configuration.",
            "The spec of a key cannot be changed: make a new one with aws kms create-key --key-spec \"$SPEC\" \
             --key-usage \"$USAGE\".",
            "Move the alias with aws kms update-alias --alias-name \"alias/$NAME\" --target-key-id \"$NEW_KEY_ID\", \
             and hand out the new public key.",
            "Verify: aws kms describe-key --key-id \"$NEW_KEY_ID\" --query KeyMetadata.KeySpec.",
        ],
        commands: &[
            "aws kms describe-key --region={region} --key-id={key}",
            "aws kms list-aliases --region={region} --key-id={key}",
        ],
        risk: "Whoever verifies or decrypts with the old key needs it as long as old data lives. The way back is the \
            alias on the old key.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey"],
    parameters: &[Parameter::Strings(DENIED_SPECS), Parameter::Integer(MIN_RSA_BITS)],
    elsewhere: &["None known: key specs in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        let spec = metadata.key_spec.as_str();
        let bits = spec.strip_prefix("RSA_").and_then(|bits| bits.parse::<i64>().ok());
        let least = scope.values.integer(&MIN_RSA_BITS);
        Ok(match bits {
            _ if scope.values.strings(&DENIED_SPECS).contains(&spec) => {
                Judgement::fail(format!("the key is of spec {spec}, which is denied"))
            }
            Some(bits) if bits < least => Judgement::fail(format!("the RSA key has {bits} bits, fewer than {least}")),
            _ if metadata.key_usage.is_empty() => Judgement::pass(format!("the key is of spec {spec}")),
            _ => Judgement::pass(format!("the key is of spec {spec}, for {}", metadata.key_usage)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;

    fn judged(spec: &str, values: Values) -> Judgement {
        let key = key_with(|it| it.key_spec = spec.to_owned());
        judge_key(&CHECK, &key, &World { values, ..World::new() }).unwrap()
    }

    #[test]
    fn denied_specs_and_short_rsa_keys_fail() {
        for spec in ["SM2", "ECC_SECG_P256K1"] {
            assert_eq!(judged(spec, Values::default()).verdict, Verdict::Fail, "{spec}");
        }
        let long = Values::with(MIN_RSA_BITS.name, Value::Integer(3072));
        assert_eq!(judged("RSA_2048", long.clone()).verdict, Verdict::Fail);
        assert_eq!(judged("RSA_4096", long).verdict, Verdict::Pass);
        let own = Values::with(DENIED_SPECS.name, Value::Strings(vec!["HMAC_224".to_owned()]));
        assert_eq!(judged("HMAC_224", own.clone()).verdict, Verdict::Fail);
        assert_eq!(judged("SM2", own).verdict, Verdict::Pass);
    }

    #[test]
    fn other_specs_pass() {
        for spec in ["SYMMETRIC_DEFAULT", "RSA_2048", "ECC_NIST_P256", "HMAC_256", "ML_DSA_65"] {
            assert_eq!(judged(spec, Values::default()).verdict, Verdict::Pass, "{spec}");
        }
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
