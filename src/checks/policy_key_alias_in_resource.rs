//! Policies in which an alias ARN stands where the ARN of a key is needed.

use super::lint::{Question, never};
use super::{Check, Remediation, Rule};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-key-alias-in-resource",
    title: "Policies name keys by their ARNs, not by alias",
    severity: Severity::Low,
    resource: "customer managed policy; IAM user, group or role with inline policies; organization policy",
    rationale: "An alias ARN as Resource stands for the alias and never for the key behind it: with it kms:Decrypt is \
        neither allowed nor denied. An Allow gives nothing, and a Deny leaves the key open under any name.",
    rule: "Takes the default version of each customer managed policy, the inline policies of each user, group and role \
        (one finding for each owner), and each service control and resource control policy. FAIL if Resource holds an \
        alias ARN in a statement with an action on keys that no other resource of the statement gives a key, or where \
        none of the actions takes an alias; medium in a Deny, low otherwise. PASS otherwise.",
    exemptions: "Service-linked roles, and principals without an inline policy, are NOT_APPLICABLE.",
    blind_spots: "The action * with an alias ARN passes, because it takes in the operations on aliases. Whether the \
        condition keys kms:RequestAlias and kms:ResourceAliases say what was meant is not judged. AWS managed policies \
        are not looked at; organization policies are judged with the account that manages the organization.",
    remediation: Remediation {
        summary: "Name the key ARN, or test the alias in a condition.",
        steps: &[
            "To mean one key, write its ARN: aws kms describe-key --key-id \"alias/$NAME\" --query KeyMetadata.Arn \
             prints it.",
            "To mean whatever key the alias points to, write the resource * or the ARNs of keys, with StringEquals \
             kms:RequestAlias or ForAnyValue:StringEquals kms:ResourceAliases.",
            "Keep alias ARNs for kms:CreateAlias, kms:UpdateAlias and kms:DeleteAlias, which need both alias and key.",
            "Managed policy: aws iam create-policy-version --policy-arn \"$POLICY_ARN\" --policy-document \
             file://policy.json --set-as-default (the old version stays). Inline policy: aws iam put-role-policy \
             --role-name \"$ROLE\" --policy-name \"$NAME\" --policy-document file://policy.json.",
            "Verify the document before it is stored: keyproof policy lint policy.json no longer names the statement.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "The statement begins to work: see first who gets the key by it. The way back is the old version, or the \
            saved document.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", "organizations:DescribePolicy", "organizations:ListPolicies"],
    parameters: &[],
    elsewhere: &["None known: Steampipe takes alias ARNs for all keys \
         (kms_key_decryption_restricted_in_iam_customer_managed_policy)"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[
        Rule::ManagedPolicy(|policy, scope| QUESTION.managed_policy(policy, scope)),
        Rule::Principal(|principal, scope| QUESTION.inline_policies(principal, scope)),
        Rule::ServiceControlPolicy(|policy, scope| QUESTION.service_control_policy(policy, scope)),
        Rule::ResourceControlPolicy(|policy, scope| QUESTION.resource_control_policy(policy, scope)),
    ],
};

const QUESTION: Question = Question {
    rule: policy::Rule::KeyAliasInResource,
    otherwise: "no alias ARN stands where a key is needed",
    doubts: never,
};

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn allow(actions: &str, resources: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Action": [{actions}], "Resource": [{resources}]}}"#)
    }

    const ALIAS: &str = r#""arn:aws:kms:eu-central-1:111122223333:alias/app""#;

    #[test]
    fn an_alias_where_a_key_is_needed_fails() {
        for actions in [r#""kms:Decrypt""#, r#""kms:*""#, r#""kms:CreateAlias", "kms:Encrypt""#] {
            let judgement = judged(&allow(actions, ALIAS));
            assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Low)), "{actions}");
        }
        let every = allow(r#""kms:Decrypt""#, r#""arn:aws:kms:*:*:alias/*""#);
        let guard = statements(&every.replace("Allow", "Deny"));
        let judgement = judge_service_control(&CHECK, guard).unwrap();
        assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Medium)));
    }

    #[test]
    fn aliases_for_operations_on_aliases_and_keys_by_their_arn_pass() {
        assert_eq!(judged(&allow(r#""kms:CreateAlias", "kms:DeleteAlias""#, ALIAS)).verdict, Verdict::Pass);
        assert_eq!(judged(&allow(r#""kms:Decrypt""#, &format!(r#""{}""#, key_arn()))).verdict, Verdict::Pass);
        assert_eq!(judged(&allow(r#""kms:Decrypt""#, r#""*""#)).verdict, Verdict::Pass);
        let perimeter = r#"{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
        assert_eq!(judge_resource_control(&CHECK, statements(perimeter)).unwrap().verdict, Verdict::Pass);
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
