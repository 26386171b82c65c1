//! Statements that never apply.

use super::lint::{Question, READS_EVERY_DOCUMENT, may_be_without_effect, over_every_document};
use super::{Check, Remediation};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-statement-no-effect",
    title: "Statements can apply to some request",
    severity: Severity::High,
    resource: "customer managed policy; IAM user, group or role; KMS key; organization policy",
    rationale: "A statement that never applies misleads whoever reads the policy: a Deny of this kind is a guard that \
        is not there, an Allow is access that somebody counts on, or that comes to life with the next edit.",
    rule: "Takes the default version of each customer managed policy, the inline policies and the trust policy of each \
        user, group and role (one finding for each owner), the policies of each customer managed key, and each service \
        control and resource control policy. FAIL if a statement certainly never applies: none of its actions exists, \
        takes its resources or carries the keys of its condition; a condition never holds or contradicts itself; no \
        principal or resource is matched; a Deny of the same document without a condition takes an Allow back whole. \
        High for a Deny, low for an Allow. UNDECIDED if that hangs on actions or keys that the reference of this \
        program may leave out; PASS otherwise.",
    exemptions: "AWS managed keys, service-linked roles, and users and groups without an inline policy are \
        NOT_APPLICABLE.",
    blind_spots: "Only what one document shows is judged: a statement may be without effect because of another policy. \
        Two conditions that exclude each other through different keys are not seen. AWS managed policies are not \
        looked at; organization policies are judged with the account that manages the organization.",
    remediation: Remediation {
        summary: "Mend the statement, or remove it.",
        steps: &[
            "The reason says why the statement never applies; the other findings on the resource name the word at \
             fault.",
            "Write what was meant, or remove the statement if nobody needs it.",
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
        risk: "A Deny that begins to work stops calls that went through before, and an Allow gives what it did not. To \
            remove a statement without effect changes nothing. The way back is the old version, or the saved document.",
    },
    reads: READS_EVERY_DOCUMENT,
    parameters: &[],
    elsewhere: &["None known: IAM Access Analyzer checks the parts of a statement one by one"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: over_every_document!(QUESTION),
};

const QUESTION: Question = Question {
    rule: policy::Rule::StatementNoEffect,
    otherwise: "every statement can apply to some request",
    doubts: may_be_without_effect,
};

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn statement(effect: &str, action: &str, rest: &str) -> String {
        format!(r#"{{"Effect": "{effect}", "Action": "{action}", "Resource": "*"{rest}}}"#)
    }

    const UNMET: &str = r#", "Condition": {"StringEquals": {"kms:CallerAccount": "sandbox"}}"#;

    #[test]
    fn a_statement_that_never_applies_fails() {
        for (effect, severity) in [("Allow", Severity::Low), ("Deny", Severity::High)] {
            for text in [statement(effect, "kms:DeleteKey", ""), statement(effect, "kms:Decrypt", UNMET)] {
                let judgement = judged(&text);
                assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(severity)), "{text}");
                assert!(judgement.reason.contains("the statement never applies"), "{}", judgement.reason);
            }
        }
        let taken_back = format!("{}, {}", statement("Allow", "kms:Decrypt", ""), statement("Deny", "kms:*", ""));
        assert_eq!(judged(&taken_back).verdict, Verdict::Fail);
        let guard = statements(&statement("Deny", "kms:Decrypt", UNMET));
        assert_eq!(judge_service_control(&CHECK, guard).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn a_key_policy_that_names_another_key_fails_for_this_one() {
        let text = |arn: &str| {
            format!(
                r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "kms:*", "Resource": "{arn}"}}"#
            )
        };
        let other = key_arn().replace("1234abcd", "4321dcba");
        assert_eq!(judge_key_policy(&CHECK, statements(&text(&other))).unwrap().verdict, Verdict::Fail);
        assert_eq!(judge_key_policy(&CHECK, statements(&text(&key_arn()))).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn statements_that_apply_to_something_pass() {
        assert_eq!(judged(&statement("Allow", "kms:Decrypt", "")).verdict, Verdict::Pass);
        let one_of_two = statement("Allow", "x", "").replace(r#""x""#, r#"["kms:Decrypt", "kms:DeleteKey"]"#);
        assert_eq!(judged(&one_of_two).verdict, Verdict::Pass);
        assert_eq!(judged("").verdict, Verdict::Pass);
    }

    #[test]
    fn what_hangs_on_a_gap_of_the_reference_is_undecided() {
        assert_eq!(judged(&statement("Deny", "newservice:DoIt", "")).verdict, Verdict::Undecided);
        let key = r#", "Condition": {"StringEquals": {"newservice:Colour": "red"}}"#;
        assert_eq!(judged(&statement("Deny", "kms:Decrypt", key)).verdict, Verdict::Undecided);
        let one_of_two = statement("Allow", "x", "").replace(r#""x""#, r#"["kms:Decrypt", "newservice:DoIt"]"#);
        assert_eq!(judged(&one_of_two).verdict, Verdict::Pass);
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
