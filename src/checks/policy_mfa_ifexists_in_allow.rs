//! Allow statements that ask for MFA and are satisfied without.

use super::lint::{Question, READS_EVERY_DOCUMENT, never};
use super::{Check, Remediation, Rule};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-mfa-ifexists-in-allow",
    title: "Allow statements that ask for MFA demand it",
    severity: Severity::High,
    resource: "customer managed policy; IAM user, group or role; KMS key; organization policy",
    rationale: "Requests signed with an access key carry no aws:MultiFactorAuthPresent at all, and BoolIfExists holds \
        for what is absent: an Allow with BoolIfExists true lets a stolen access key through, while it reads as if it \
        demanded MFA.",
    rule: "Takes the default version of each customer managed policy, the inline policies and the trust policy of each \
        user, group and role (one finding for each owner), the policies of each customer managed key, and each service \
        control policy. FAIL if an Allow tests aws:MultiFactorAuthPresent or aws:MultiFactorAuthAge by an operator \
        that holds when the key is absent, as BoolIfExists with true or NumericLessThanIfExists; PASS otherwise.",
    exemptions: "AWS managed keys, service-linked roles, and users and groups without an inline policy are \
        NOT_APPLICABLE.",
    blind_spots: "That an Allow demands MFA does not mean that no other statement gives the same without: see \
        kms-key-policy-destructive-without-mfa for keys. BoolIfExists with false in a Deny is right, and passes. AWS \
        managed policies are not looked at; organization policies are judged with the account that manages the \
        organization.",
    remediation: Remediation {
        summary: "Use the operator without IfExists in the Allow.",
        steps: &[
            "Write Bool aws:MultiFactorAuthPresent true in the Allow, or NumericLessThan aws:MultiFactorAuthAge.",
            "Or leave the Allow as it is, and add a Deny of the same with BoolIfExists aws:MultiFactorAuthPresent \
             false.",
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
        risk: "Scripts that use access keys of the same users lose the access: give them a role instead. The way back \
            is the old version, or the saved document.",
    },
    reads: READS_EVERY_DOCUMENT,
    parameters: &[],
    elsewhere: &["None known: conditions with IfExists in the IAM user guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[
        Rule::ManagedPolicy(|policy, scope| QUESTION.managed_policy(policy, scope)),
        Rule::Principal(|principal, scope| QUESTION.principal(principal, scope)),
        Rule::Key(|key, scope| QUESTION.key(key, scope)),
        Rule::ServiceControlPolicy(|policy, scope| QUESTION.service_control_policy(policy, scope)),
    ],
};

const QUESTION: Question = Question {
    rule: policy::Rule::MfaIfExistsInAllow,
    otherwise: "no Allow asks for MFA by an operator that holds without",
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

    fn statement(effect: &str, condition: &str) -> String {
        format!(r#"{{"Effect": "{effect}", "Action": "kms:*", "Resource": "*", "Condition": {{{condition}}}}}"#)
    }

    const IF_EXISTS: &str = r#""BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}"#;

    #[test]
    fn an_allow_that_holds_without_mfa_fails() {
        for condition in [IF_EXISTS, r#""NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "300"}"#] {
            let judgement = judged(&statement("Allow", condition));
            assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::High)), "{condition}");
        }
        let trust = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "sts:AssumeRole", "Condition": {{{IF_EXISTS}}}}}"#
        );
        let role = crate::model::Role { trust_policy: statements(&trust), ..role("/") };
        let judgement = judge_principal(&CHECK, crate::model::Principal::Role(&role)).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.statements[0].policy, "trust policy of role Worker");
    }

    #[test]
    fn a_demand_or_a_deny_passes() {
        assert_eq!(
            judged(&statement("Allow", r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#)).verdict,
            Verdict::Pass
        );
        let deny = statement("Deny", r#""BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}"#);
        assert_eq!(judged(&deny).verdict, Verdict::Pass);
        assert_eq!(judge_service_control(&CHECK, statements(&deny)).unwrap().verdict, Verdict::Pass);
        assert_eq!(judged("").verdict, Verdict::Pass);
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
