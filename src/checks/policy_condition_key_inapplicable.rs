//! Statements whose condition key the requests of some of their actions never carry.

use super::lint::{Question, READS_EVERY_DOCUMENT, has_doubtful_action_under_condition, over_every_document};
use super::{Check, Remediation};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-condition-key-inapplicable",
    title: "Conditions test keys that the actions carry",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role; KMS key; organization policy",
    rationale: "A condition holds for each action of its statement. An action whose requests never carry the key is \
        then never allowed, or never denied, by it: a Deny of kms:ScheduleKeyDeletion under kms:GrantIsForAWSResource \
        guards nothing.",
    rule: "Takes the default version of each customer managed policy, the inline policies and the trust policy of each \
        user, group and role (one finding for each owner), the policies of each customer managed key, and each service \
        control and resource control policy. FAIL if a statement names an action, or a pattern all of whose actions \
        are so, whose requests never carry a key that its Condition tests, by the table of actions and keys that ships \
        with this program. UNDECIDED if that table may leave something out, which holds for every service but iam, \
        kms, organizations, s3 and sts, and for keys of which AWS documents nothing in key policies; PASS otherwise.",
    exemptions: "AWS managed keys, service-linked roles, and users and groups without an inline policy are \
        NOT_APPLICABLE.",
    blind_spots: "Patterns of which some actions carry the key pass, although the statement then speaks of those \
        alone. Operators that end in IfExists, and Null true, are meant for keys that are absent, and are not judged. \
        Global keys are taken to be in every request. AWS managed policies are not looked at; organization policies \
        are judged with the account that manages the organization.",
    remediation: Remediation {
        summary: "Give the actions without the key a statement of their own.",
        steps: &[
            "The reason names the statement, the actions and the key, and which actions carry it.",
            "Split the statement: one with the condition for the actions that carry the key, one without it or with \
             another condition for the others.",
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
        risk: "Actions that were never allowed before become allowed once they stand in a statement of their own: give \
            them only to whom you mean. The way back is the old version, or the saved document.",
    },
    reads: READS_EVERY_DOCUMENT,
    parameters: &[],
    elsewhere: &["IAM Access Analyzer policy check: Unsupported action for condition key"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: over_every_document!(QUESTION),
};

const QUESTION: Question = Question {
    rule: policy::Rule::ConditionKeyInapplicable,
    otherwise: "the requests of every action that is named carry the condition keys",
    doubts: has_doubtful_action_under_condition,
};

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn allow(actions: &str, condition: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Action": {actions}, "Resource": "*", "Condition": {{{condition}}}}}"#)
    }

    const OF_GRANTS: &str = r#""StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}"#;

    #[test]
    fn an_action_that_never_carries_the_key_fails() {
        let judgement = judged(&allow(r#"["kms:CreateGrant", "kms:Decrypt"]"#, OF_GRANTS));
        assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Medium)));
        let reason = "requests of `kms:Decrypt` never carry `kms:GrantConstraintType`";
        assert!(judgement.reason.contains(reason), "{}", judgement.reason);
        let guard = allow(r#""kms:ScheduleKeyDeletion""#, r#""Bool": {"kms:GrantIsForAWSResource": "true"}"#);
        let guard = statements(&guard.replace("Allow", "Deny"));
        assert_eq!(judge_service_control(&CHECK, guard).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn actions_that_carry_the_key_and_keys_that_may_be_absent_pass() {
        assert_eq!(judged(&allow(r#""kms:CreateGrant""#, OF_GRANTS)).verdict, Verdict::Pass);
        assert_eq!(judged(&allow(r#""kms:*""#, OF_GRANTS)).verdict, Verdict::Pass);
        let if_exists = r#""BoolIfExists": {"kms:GrantIsForAWSResource": "true"}"#;
        assert_eq!(judged(&allow(r#""kms:Decrypt""#, if_exists)).verdict, Verdict::Pass);
        assert_eq!(
            judged(&allow(r#""kms:Decrypt""#, r#""StringEquals": {"aws:PrincipalOrgID": "o-1"}"#)).verdict,
            Verdict::Pass
        );
    }

    #[test]
    fn what_the_reference_may_lack_is_undecided() {
        let via = r#""StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}"#;
        assert_eq!(judged(&allow(r#""newservice:DoIt""#, via)).verdict, Verdict::Undecided);
        assert_eq!(judged(&allow(r#""ec2:RunInstances""#, via)).verdict, Verdict::Undecided);
        let tag = allow(r#""kms:Decrypt""#, r#""StringEquals": {"aws:ResourceTag/a": "b"}"#);
        let tag = tag.replace(r#""Effect""#, r#""Principal": {"AWS": "111122223333"}, "Effect""#);
        assert_eq!(judge_key_policy(&CHECK, statements(&tag)).unwrap().verdict, Verdict::Undecided);
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
