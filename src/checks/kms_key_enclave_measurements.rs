//! Keys of enclaves that open to code nobody has approved.

use super::key_policy;
use super::selected_keys::{self, Forbidden, KEY_SELECTOR, USES, unselected};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::access::Principal;
use crate::finding::{Judgement, Severity, Status};
use crate::model::Key;
use crate::policy::ConditionTest;

const MEASUREMENTS: Strings = Strings {
    name: "measurements",
    meaning: "The measurements of approved images in hexadecimal: PCR values, or ImageSha384; none listed: the check is off.",
    default: &[],
    form: Form::Text,
    // Any list asks for more than none does.
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-enclave-measurements",
    title: "Keys of enclaves open to approved images alone",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "Attestation proves which code asks, not that it is the right code. A key that also opens to a former \
        image, to one of a test, or to all zeros of an enclave in debug mode, opens to whoever can still start that one.",
    rule: "For customer managed keys with a tag of key_selector, if measurements lists any: effective access is \
        computed over policies and grants in requests with an attestation document of which every value that a policy \
        tests (kms:RecipientAttestation:PCR0 to PCR31, ImageSha384, NitroTPMPCR0 to PCR23) is none of measurements, in \
        any letter case. FAIL if a principal may then use the key (the actions of kms-key-enclave-attestation); PASS if \
        nobody may.",
    exemptions: "NOT_APPLICABLE, with the reason: AWS managed keys, keys without such a tag, and every key if \
        measurements lists none.",
    blind_spots: "One approved value among those that a statement tests suffices, whatever the others are. Use without \
        any attestation is judged by kms-key-enclave-attestation. Whether the approved image is the right one, and which \
        images ran, needs data outside of IAM and KMS.",
    remediation: Remediation {
        summary: "Write the measurements of the approved image into each statement that opens the key.",
        steps: &[
            "Take the measurements from the build of the image (nitro-cli describe-eif), not from a running enclave.",
            "Replace the values of StringEqualsIgnoreCase kms:RecipientAttestation in the key policy, or add the image \
             to measurements in the configuration if it is approved.",
            "Save the old policy before the new one is stored.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Enclaves of an image that is not listed lose the key at once: start the new image first. The saved policy \
            is the way back.",
    },
    reads: super::kms_key_enclave_attestation::CHECK.reads,
    parameters: &[Parameter::Strings(KEY_SELECTOR), Parameter::Strings(MEASUREMENTS)],
    elsewhere: &["Prowler kms_key_enclave_attestation_pcr_mismatch"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[(Status::Pass, "no measurement is configured"), (Status::Fail, "no measurement is configured")],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        let approved = scope.values.strings(&MEASUREMENTS);
        if approved.is_empty() {
            return Ok(Judgement::not_applicable("no measurement of an approved image is configured"));
        }
        if let Some(exempt) = unselected(key, &scope.values.strings(&KEY_SELECTOR))? {
            return Ok(exempt);
        }
        const PREFIX: &str = "kms:RecipientAttestation:";
        let names = scope.reach.directory().tested_names(PREFIX);
        let others = |name: &String| {
            let key = format!("{PREFIX}{name}");
            let is_there = ConditionTest::literal("Null", &key, &["false"]);
            [is_there, ConditionTest::literal("StringNotEqualsIgnoreCase", &key, &approved)]
        };
        let tests: Vec<ConditionTest> = names.iter().flat_map(others).collect();
        let forbidden = Forbidden {
            actions: USES,
            how: "with another measurement than those configured",
            otherwise: "nobody may use the key with another measurement than those configured",
            requests: &|principal: &Principal| principal.in_requests(tests.iter().cloned()),
            counts: |principal| !principal.caller.is_service_linked_role(),
        };
        selected_keys::judged(policies, scope, &forbidden)
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn world(approved: &[&str]) -> World {
        let list = approved.iter().map(|it| (*it).to_owned()).collect();
        let mut world = World { values: Values::with(MEASUREMENTS.name, Value::Strings(list)), ..World::new() };
        world.account.iam.roles = Listing::complete(vec![role("/")]);
        world
    }

    fn selected(values: &str) -> Key {
        let policy = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{}"}}, "Action": "kms:Decrypt", "Resource": "*",
                "Condition": {{"StringEqualsIgnoreCase": {{"kms:RecipientAttestation:PCR0": [{values}]}}}}}}"#,
            role("/").arn
        );
        Key {
            tags: Ok([("keyproof:enclave-key".to_owned(), "true".to_owned())].into()),
            policies: Listing::complete(vec![key_policy(statements(&policy))]),
            ..key()
        }
    }

    fn verdict(values: &str, approved: &[&str]) -> Verdict {
        judge_key(&CHECK, &selected(values), &world(approved)).unwrap().verdict
    }

    #[test]
    fn every_value_of_the_policy_must_be_approved() {
        assert_eq!(verdict(r#""aa11""#, &["AA11"]), Verdict::Pass);
        assert_eq!(verdict(r#""aa11", "bb22""#, &["aa11", "bb22", "cc33"]), Verdict::Pass);
        assert_eq!(verdict(r#""aa11", "0000""#, &["aa11"]), Verdict::Fail);
        let judgement = judge_key(&CHECK, &selected(r#""bb22""#), &world(&["aa11"])).unwrap();
        let how = "may call kms:Decrypt with another measurement than those configured";
        assert_eq!(judgement.reason, format!("{} {how}", role("/").arn));
    }

    #[test]
    fn other_keys_and_every_key_without_a_measurement_are_exempt() {
        assert_eq!(verdict(r#""aa11""#, &[]), Verdict::NotApplicable);
        assert_eq!(judge_key(&CHECK, &key(), &world(&["aa11"])).unwrap().verdict, Verdict::NotApplicable);
        let of_aws = judge_key(&CHECK, &aws_managed_key(), &world(&["aa11"])).unwrap();
        assert_eq!(of_aws.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_tags_grants_or_policies_nothing_is_said() {
        let gap = denied("kms:ListResourceTags");
        assert_eq!(judge_key(&CHECK, &Key { tags: Err(gap.clone()), ..key() }, &world(&["aa11"])), Err(gap));
        let unread = Key { grants: Listing::missing(denied("kms:ListGrants")), ..selected(r#""aa11""#) };
        assert_eq!(judge_key(&CHECK, &unread, &world(&["aa11"])), Err(denied("kms:ListGrants")));
        assert_says_nothing_without_policies(&CHECK);
    }
}
