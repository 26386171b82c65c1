//! Conditions whose operator or value no request can meet.

use super::lint::{Question, READS_EVERY_DOCUMENT, has_doubtful_key, over_every_document};
use super::{Check, Remediation};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-condition-wrong-value",
    title: "Condition values are ones that the key can hold",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role; KMS key; organization policy",
    rationale: "A role ARN under aws:SourceArn, a word under kms:CallerAccount, a range of addresses under \
        StringEquals: the test never holds, and the statement never allows what somebody needs, or never denies what \
        somebody must not do.",
    rule: "Takes the default version of each customer managed policy, the inline policies and the trust policy of each \
        user, group and role (one finding for each owner), the policies of each customer managed key, and each service \
        control and resource control policy. FAIL if a test compares a key by an operator of another type, or with a \
        value that the key never holds: an account id that is not 12 digits, a kms:ViaService that is not \
        SERVICE.REGION.amazonaws.com, a principal under aws:SourceArn, a number out of range, a private address under \
        aws:SourceIp and the like. UNDECIDED if * or ? stands under an operator for which they are plain characters, \
        or the key is not in the reference that ships with this program; PASS otherwise.",
    exemptions: "AWS managed keys, service-linked roles, and users and groups without an inline policy are \
        NOT_APPLICABLE.",
    blind_spots: "Values with policy variables are not judged, nor whether an account, organization or address that \
        could exist is the one that was meant. One wrong value among right ones is an exception as well, although the \
        others still work. AWS managed policies are not looked at; organization policies are judged with the account \
        that manages the organization.",
    remediation: Remediation {
        summary: "Write a value that the key can hold.",
        steps: &[
            "The reason names the statement, the key, what the key holds, and what to write where that is known.",
            "To name the caller test aws:PrincipalArn; for patterns use StringLike or ArnLike; for addresses \
             IpAddress.",
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
        risk: "A Deny that begins to work stops calls that went through before, and an Allow gives what it did not. \
            The way back is the old version, or the saved document.",
    },
    reads: READS_EVERY_DOCUMENT,
    parameters: &[],
    elsewhere: &["IAM Access Analyzer policy check: Invalid condition data type"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: over_every_document!(QUESTION),
};

const QUESTION: Question = Question {
    rule: policy::Rule::ConditionWrongValue,
    otherwise: "every value that is tested is one that the key can hold",
    doubts: has_doubtful_key,
};

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn allow(condition: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": {{{condition}}}}}"#)
    }

    #[test]
    fn a_value_or_operator_that_no_request_meets_fails() {
        for condition in [
            r#""ArnEquals": {"aws:SourceArn": "arn:aws:iam::111122223333:role/R"}"#,
            r#""StringEquals": {"kms:CallerAccount": "sandbox"}"#,
            r#""StringEquals": {"kms:ViaService": "s3.amazonaws.com"}"#,
            r#""NumericLessThan": {"aws:MultiFactorAuthPresent": "1"}"#,
            r#""StringEquals": {"aws:SecureTransport": "yes"}"#,
        ] {
            let judgement = judged(&allow(condition));
            assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Medium)), "{condition}");
        }
        let rotation = r#""NumericEquals": {"kms:RotationPeriodInDays": "30"}"#;
        let rotation = allow(rotation).replace("kms:Decrypt", "kms:EnableKeyRotation").replace("Allow", "Deny");
        assert_eq!(judge_service_control(&CHECK, statements(&rotation)).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn values_that_the_key_can_hold_pass() {
        for condition in [
            r#""StringEquals": {"kms:CallerAccount": "111122223333"}"#,
            r#""StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}"#,
            r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#,
            r#""StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team}"}"#,
        ] {
            assert_eq!(judged(&allow(condition)).verdict, Verdict::Pass, "{condition}");
        }
    }

    #[test]
    fn plain_stars_and_keys_that_the_reference_may_lack_are_undecided() {
        assert_eq!(judged(&allow(r#""StringEquals": {"aws:PrincipalTag/team": "pay*"}"#)).verdict, Verdict::Undecided);
        assert_eq!(judged(&allow(r#""StringEquals": {"newservice:Colour": "red"}"#)).verdict, Verdict::Undecided);
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
