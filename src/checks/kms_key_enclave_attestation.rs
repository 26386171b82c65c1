//! Keys of enclaves that open without attestation.

use super::key_policy;
use super::selected_keys::{self, Forbidden, KEY_SELECTOR, USES, unselected};
use super::{Check, Judged, Parameter, Remediation, Rule, Scope};
use crate::access::Principal;
use crate::finding::{Severity, Status};
use crate::model::Key;
use crate::policy::ConditionTest;

pub(super) const CHECK: Check = Check {
    id: "kms-key-enclave-attestation",
    title: "Keys of enclaves open to attested code alone",
    severity: Severity::High,
    resource: "KMS key",
    rationale: "A key for a Nitro enclave, or an instance with NitroTPM, shall open to measured code and to nobody \
        else. One statement or grant without kms:RecipientAttestation lets the administrator of the instance, or any \
        other principal, open what only the enclave should see.",
    rule: "For customer managed keys with a tag of key_selector (keyproof:enclave-key=true or \
        prowler:enclave-key=true), effective access is computed over policies and grants in requests without any \
        attestation document. FAIL if a principal may then call kms:Decrypt, kms:GenerateDataKey, \
        kms:GenerateDataKeyPair, kms:DeriveSharedSecret, or kms:ReEncryptFrom, which takes the data to another key; \
        PASS if nobody may.",
    exemptions: "AWS managed keys, and keys without such a tag, are NOT_APPLICABLE.",
    blind_spots: "Whether the measurements in the conditions are those of the right image, and whether an enclave runs \
        in debug mode, needs data outside of IAM and KMS. The root user is not counted. That administrators can change \
        the key policy, or create grants, is judged by kms-key-policy-separation-of-duties. A tag that is missing \
        takes the key out of the check.",
    remediation: Remediation {
        summary: "Demand attestation in every statement that lets the key be used, and revoke grants on it.",
        steps: &[
            "Write into the key policy a Deny for everyone of kms:Decrypt, kms:GenerateDataKey*, \
             kms:DeriveSharedSecret and kms:ReEncryptFrom with Null kms:RecipientAttestation:PCR0 true, or \
             ImageSha384, and in the Allow StringEqualsIgnoreCase with the measurement.",
            "Revoke grants that hold such operations, because no constraint can demand attestation: aws kms \
             revoke-grant --key-id \"$KEY_ID\" --grant-id \"$GRANT_ID\".",
            "Store it: aws kms put-key-policy --key-id \"$KEY_ID\" --policy file://policy.json (save the old one \
             before, by aws kms get-key-policy --key-id \"$KEY_ID\" --output text).",
            "Verify: aws kms decrypt --ciphertext-blob fileb://test from outside of the enclave is refused.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
            "aws kms list-grants --region={region} --key-id={key}",
        ],
        risk: "Whatever used the key outside of the enclave fails, backups and migrations included. The saved policy \
            is the way back; a new image needs its measurement in the policy before it starts.",
    },
    reads: &[
        "iam:GetAccountAuthorizationDetails",
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:ListKeyPolicies",
        "kms:GetKeyPolicy",
        "kms:ListGrants",
        "kms:ListResourceTags",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(KEY_SELECTOR)],
    elsewhere: &[
        "Prowler kms_key_enclave_attestation_not_enforced",
        "Prowler kms_key_enclave_attestation_bypassable_path",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        if let Some(exempt) = unselected(key, &scope.values.strings(&KEY_SELECTOR))? {
            return Ok(exempt);
        }
        const PREFIX: &str = "kms:RecipientAttestation:";
        let names = scope.reach.directory().tested_names(PREFIX);
        let absent = |name: &String| ConditionTest::literal("Null", &format!("{PREFIX}{name}"), &["true"]);
        let tests: Vec<ConditionTest> = names.iter().map(absent).collect();
        let forbidden = Forbidden {
            actions: USES,
            how: "without attestation",
            otherwise: "nobody may use the key without attestation",
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
    use crate::finding::{Judgement, Verdict};
    use crate::model::{Listing, Role};

    const ATTESTED: &str =
        r#", "Condition": {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:PCR0": "aa11bb22"}}"#;

    fn world() -> World {
        let mut world = World::new();
        world.account.iam.roles = Listing::complete(vec![role("/")]);
        world
    }

    fn selected(condition: &str, more: &str) -> Key {
        let policy = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{}"}}, "Action": "kms:Decrypt",
                "Resource": "*"{condition}}}{more}"#,
            role("/").arn
        );
        Key {
            tags: Ok([("keyproof:enclave-key".to_owned(), "true".to_owned())].into()),
            policies: Listing::complete(vec![key_policy(statements(&policy))]),
            ..key()
        }
    }

    fn judged(key: &Key, world: &World) -> Judgement {
        judge_key(&CHECK, key, world).unwrap()
    }

    #[test]
    fn use_without_attestation_fails_through_whatever_path() {
        let judgement = judged(&selected("", ""), &world());
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, format!("{} may call kms:Decrypt without attestation", role("/").arn));
        let if_exists = ATTESTED.replace("IgnoreCase", "IgnoreCaseIfExists");
        assert_eq!(judged(&selected(&if_exists, ""), &world()).verdict, Verdict::Fail);
        let second = format!(
            r#", {{"Effect": "Allow", "Principal": {{"AWS": "{}"}}, "Action": "kms:ReEncrypt*", "Resource": "*"}}"#,
            role("/").arn
        );
        assert_eq!(judged(&selected(ATTESTED, &second), &world()).verdict, Verdict::Fail);
        let granted = Key { grants: Listing::complete(vec![grant(&role("/").arn)]), ..selected(ATTESTED, "") };
        assert_eq!(judged(&granted, &world()).verdict, Verdict::Fail);
        let delegated = format!(
            r#", {{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "kms:*", "Resource": "*"}}"#
        );
        let mut with_reader = world();
        let all = statements(r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}"#);
        let reader = Role { inline_policies: vec![inline("all", all)], ..role("/") };
        with_reader.account.iam.roles = Listing::complete(vec![reader]);
        assert_eq!(judged(&selected(ATTESTED, &delegated), &with_reader).verdict, Verdict::Fail);
        let deny = r#", {"Effect": "Deny", "Principal": "*", "Action": ["kms:Decrypt", "kms:Gen*", "kms:Der*", "kms:ReE*"],
            "Resource": "*", "Condition": {"Null": {"kms:RecipientAttestation:PCR0": "true"}}}"#;
        let guarded = selected(ATTESTED, &format!("{delegated}{deny}"));
        assert_eq!(judged(&guarded, &with_reader).verdict, Verdict::Pass);
    }

    #[test]
    fn use_with_attestation_alone_passes() {
        let judgement = judged(&selected(ATTESTED, ""), &world());
        assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    }

    #[test]
    fn other_keys_are_exempt() {
        assert_eq!(judged(&key(), &world()).verdict, Verdict::NotApplicable);
        assert_eq!(judged(&aws_managed_key(), &world()).verdict, Verdict::NotApplicable);
        let off = Key { tags: Ok([("keyproof:enclave-key".to_owned(), "false".to_owned())].into()), ..key() };
        assert_eq!(judged(&off, &world()).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_tags_grants_or_principals_nothing_is_said() {
        let gap = denied("kms:ListResourceTags");
        assert_eq!(judge_key(&CHECK, &Key { tags: Err(gap.clone()), ..key() }, &world()), Err(gap));
        let unread = Key { grants: Listing::missing(denied("kms:ListGrants")), ..selected(ATTESTED, "") };
        assert_ne!(judge_key(&CHECK, &unread, &world()).map(|it| it.verdict), Ok(Verdict::Pass));
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut unlisted = world();
        unlisted.account.iam.users = Listing::missing(gap.clone());
        assert_eq!(judge_key(&CHECK, &selected(ATTESTED, ""), &unlisted), Err(gap));
    }

    #[test]
    fn without_metadata_or_any_policy_nothing_is_said() {
        assert_says_nothing_without_policies(&CHECK);
    }
}
