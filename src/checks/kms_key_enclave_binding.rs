//! Keys of enclaves that open to a copy of the image that somebody else runs.

use super::key_policy;
use super::selected_keys::{self, Forbidden, KEY_SELECTOR, USES, unselected};
use super::{Check, Judged, Parameter, Remediation, Rule, Scope};
use crate::access::Principal;
use crate::finding::{Severity, Status};
use crate::model::Key;
use crate::policy::ConditionTest;

/// What an attestation document says of who runs an image: the role of the instance, the instance, the signer.
const BINDING: [&str; 3] =
    ["kms:RecipientAttestation:PCR3", "kms:RecipientAttestation:PCR4", "kms:RecipientAttestation:PCR8"];

pub(super) const CHECK: Check = Check {
    id: "kms-key-enclave-binding",
    title: "Keys of enclaves are bound to a role, an instance or a signer",
    severity: Severity::Informational,
    resource: "KMS key",
    rationale: "The measurement of an image says which code runs, not where. Whoever copies the image and holds a \
        principal that the policy names runs the same code with other inputs around it, unless the policy also asks \
        for the role of the instance (PCR3), the instance (PCR4) or the signing certificate (PCR8).",
    rule: "For customer managed keys with a tag of key_selector, effective access is computed over policies and grants in \
        requests whose attestation document has neither PCR3 nor PCR4 nor PCR8. FAIL if a principal may then use the key \
        (the actions of kms-key-enclave-attestation); PASS if nobody may.",
    exemptions: "AWS managed keys, and keys without such a tag, are NOT_APPLICABLE.",
    blind_spots: "Whether the values are those of the right role, instance or signer is not known. Instances with NitroTPM \
        have other registers, and fail here unless they are bound by one of these three. A key that opens without any \
        attestation fails here as well as in kms-key-enclave-attestation.",
    remediation: Remediation {
        summary: "Ask for PCR3, PCR4 or PCR8 in each statement that opens the key.",
        steps: &[
            "Sign the image (nitro-cli build-enclave with --signing-certificate), and take PCR8 from the build.",
            "Or take the hash of the ARN of the instance's role for PCR3, or of the instance id for PCR4.",
            "Add StringEqualsIgnoreCase kms:RecipientAttestation:PCR8 to the condition of the statement.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "An instance that is replaced has another PCR4, a renewed certificate another PCR8: the enclave loses the key \
            until the policy has the new value. The saved policy is the way back.",
    },
    reads: super::kms_key_enclave_attestation::CHECK.reads,
    parameters: &[Parameter::Strings(KEY_SELECTOR)],
    elsewhere: &["Prowler kms_key_enclave_attestation_no_deployment_binding"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        if let Some(exempt) = unselected(key, &scope.values.strings(&KEY_SELECTOR))? {
            return Ok(exempt);
        }
        let tests = BINDING.map(|name| ConditionTest::literal("Null", name, &["true"]));
        let forbidden = Forbidden {
            actions: USES,
            how: "whatever role, instance and signer the attestation names",
            otherwise: "nobody may use the key without a role, an instance or a signer that the policy asks for",
            requests: &|principal: &Principal| principal.in_requests(tests.iter().cloned()),
            counts: |principal| !principal.caller.is_service_linked_role(),
        };
        selected_keys::judged(policies, scope, &forbidden)
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn world() -> World {
        let mut world = World::new();
        world.account.iam.roles = Listing::complete(vec![role("/")]);
        world
    }

    fn selected(tests: &str) -> Key {
        let policy = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{}"}}, "Action": "kms:Decrypt", "Resource": "*",
                "Condition": {{"StringEqualsIgnoreCase": {{{tests}}}}}}}"#,
            role("/").arn
        );
        Key {
            tags: Ok([("keyproof:enclave-key".to_owned(), "true".to_owned())].into()),
            policies: Listing::complete(vec![key_policy(statements(&policy))]),
            ..key()
        }
    }

    fn verdict(tests: &str) -> Verdict {
        judge_key(&CHECK, &selected(tests), &world()).unwrap().verdict
    }

    #[test]
    fn an_image_alone_fails_and_an_image_with_a_signer_passes() {
        const IMAGE: &str = r#""kms:RecipientAttestation:ImageSha384": "aa11""#;
        assert_eq!(verdict(IMAGE), Verdict::Fail);
        for register in ["PCR3", "PCR4", "PCR8"] {
            assert_eq!(verdict(&format!(r#"{IMAGE}, "kms:RecipientAttestation:{register}": "bb22""#)), Verdict::Pass);
        }
        assert_eq!(verdict(&format!(r#"{IMAGE}, "kms:RecipientAttestation:PCR1": "bb22""#)), Verdict::Fail);
    }

    #[test]
    fn other_keys_are_exempt() {
        assert_eq!(judge_key(&CHECK, &key(), &world()).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(judge_key(&CHECK, &aws_managed_key(), &world()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_tags_grants_or_policies_nothing_is_said() {
        let gap = denied("kms:ListResourceTags");
        assert_eq!(judge_key(&CHECK, &Key { tags: Err(gap.clone()), ..key() }, &world()), Err(gap));
        let bound = selected(r#""kms:RecipientAttestation:PCR8": "bb22""#);
        let unread = Key { grants: Listing::missing(denied("kms:ListGrants")), ..bound };
        assert_eq!(judge_key(&CHECK, &unread, &world()), Err(denied("kms:ListGrants")));
        assert_says_nothing_without_policies(&CHECK);
    }
}
