//! Policies that test condition keys which no request carries.

use super::lint::{Question, READS_EVERY_DOCUMENT, SERVICES, never, over_every_document};
use super::{Check, Parameter, Remediation};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-unknown-condition-key",
    title: "Policies test condition keys that exist",
    severity: Severity::High,
    resource: "customer managed policy; IAM user, group or role; KMS key; organization policy",
    rationale: "A condition on a key that no request carries never holds. A Deny with it never denies and fails open; \
        an Allow with it gives nothing, or, with a negated operator, gives everything. IAM stores such keys without a \
        word.",
    rule: "Takes the default version of each customer managed policy, the inline policies and the trust policy of each \
        user, group and role (one finding for each owner), the policies of each customer managed key, and each service \
        control and resource control policy. FAIL if Condition tests a key that no global key (aws:), no key of iam, \
        kms, organizations, s3 or sts and no key of an identity provider is called, one with a blank, or one that \
        lacks its part, as kms:EncryptionContext without a name; high in a Deny, medium in an Allow. UNDECIDED if a \
        key of another service is not in the Service Authorization Reference that ships with this program; PASS \
        otherwise.",
    exemptions: "AWS managed keys, service-linked roles, and users and groups without an inline policy are \
        NOT_APPLICABLE. Keys of services that the parameter services leaves out are not judged (by default it leaves out none).",
    blind_spots: "That a key exists does not mean that the requests of the statement carry it: see \
        policy-condition-key-inapplicable. Names of tags and of encryption contexts are free and not judged. The \
        reference has the date that keyproof version prints. AWS managed policies are not looked at; organization \
        policies are judged with the account that manages the organization.",
    remediation: Remediation {
        summary: "Write the name of the condition key that was meant.",
        steps: &[
            "The reason names the statement, the key, and the nearest real name.",
            "For one pair of the encryption context write kms:EncryptionContext:NAME, for its names \
             kms:EncryptionContextKeys.",
            "Managed policy: aws iam create-policy-version --policy-arn \"$POLICY_ARN\" --policy-document \
             file://policy.json --set-as-default (the old version stays). Key policy: aws kms put-key-policy --key-id \
             \"$KEY_ID\" --policy file://policy.json (save the old one before, by aws kms get-key-policy).",
            "Verify the document before it is stored: keyproof policy lint policy.json no longer names the statement.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
            "aws organizations describe-policy --policy-id={organization_policy}",
            "aws organizations update-policy --policy-id={organization_policy} --content=file://policy.json",
        ],
        risk: "A Deny that begins to work stops calls that went through before, and an Allow gives what it did not: \
            try both on a test key. The way back is the old version, or the saved document.",
    },
    reads: READS_EVERY_DOCUMENT,
    parameters: &[Parameter::Strings(SERVICES)],
    elsewhere: &[
        "IAM Access Analyzer policy check: Invalid global condition key",
        "IAM Access Analyzer policy check: Invalid service condition key",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: over_every_document!(QUESTION),
};

const QUESTION: Question = Question {
    rule: policy::Rule::UnknownConditionKey,
    otherwise: "every condition key that is tested exists",
    doubts: never,
};

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn allow(key: &str) -> String {
        format!(
            r#"{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": {{"StringEquals": {{"{key}": "x"}}}}}}"#
        )
    }

    #[test]
    fn keys_of_other_services_may_be_left_out() {
        let of = |services: &[&str], key: &str| {
            let services = services.iter().map(|it| (*it).to_owned()).collect();
            let world = World { values: Values::with(SERVICES.name, Value::Strings(services)), ..World::new() };
            judge_managed_in(&CHECK, &managed(statements(&allow(key))), &world).unwrap().verdict
        };
        assert_eq!(of(&["aws", "kms"], "kms:EncryptionContext"), Verdict::Fail);
        assert_eq!(of(&["aws"], "kms:EncryptionContext"), Verdict::Pass);
        assert_eq!(of(&["aws"], "PrincipalOrgID"), Verdict::Fail);
    }

    #[test]
    fn a_key_that_no_request_carries_fails() {
        for key in
            ["kms:EncryptionContextKeyName", "aws: MultiFactorAuthAge", "kms:EncryptionContext", "PrincipalOrgID"]
        {
            let judgement = judged(&allow(key));
            assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Medium)), "{key}");
            assert!(judgement.reason.contains(&format!("`{key}` is no condition key")), "{}", judgement.reason);
            let deny = judged(&allow(key).replace("Allow", "Deny"));
            assert_eq!((deny.verdict, deny.severity), (Verdict::Fail, Some(Severity::High)), "{key}");
        }
        let guard = statements(&allow("aws:PrincipalOrganization").replace("Allow", "Deny"));
        assert_eq!(judge_service_control(&CHECK, guard).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn global_keys_keys_of_services_families_and_providers_pass() {
        for key in [
            "aws:PrincipalOrgID",
            "kms:ViaService",
            "kms:EncryptionContext:tenant",
            "aws:ResourceTag/any thing",
            "s3:prefix",
            "token.actions.githubusercontent.com:sub",
        ] {
            assert_eq!(judged(&allow(key)).verdict, Verdict::Pass, "{key}");
        }
        assert_eq!(judged("").verdict, Verdict::Pass);
    }

    #[test]
    fn a_key_that_the_reference_may_lack_is_undecided() {
        assert_eq!(judged(&allow("newservice:Colour")).verdict, Verdict::Undecided);
    }

    #[test]
    fn what_aws_owns_is_exempt() {
        assert_exempts_what_aws_owns(&CHECK);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        assert_says_nothing_without_documents(&CHECK);
    }
}
