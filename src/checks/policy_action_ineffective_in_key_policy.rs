//! Key policies with actions that a key policy can neither allow nor deny.

use super::lint::{Question, has_doubtful_action};
use super::{Check, Remediation, Rule};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-action-ineffective-in-key-policy",
    title: "Key policies name actions on keys",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "A key policy speaks of its own key. kms:ListKeys, kms:CreateKey or an action of another service in it \
        does nothing: whoever was to get it does not have it, and whoever was to lose it still has it.",
    rule: "Takes the policies of each customer managed key. FAIL if Action holds an action that takes no key, as \
        kms:ListKeys, kms:ListAliases, kms:CreateKey, kms:GenerateRandom and those on custom key stores, a pattern of \
        such actions alone, or an action of another service. UNDECIDED if it is not known of a name whether it exists; \
        PASS otherwise.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Patterns that take in other actions as well, as kms:* and kms:List*, pass. NotAction is not judged. \
        Actions that need a permission on the alias too, as kms:CreateAlias, have an effect on the key and pass.",
    remediation: Remediation {
        summary: "Move the action into an IAM policy.",
        steps: &[
            "Take the action out of the key policy: aws kms put-key-policy --key-id \"$KEY_ID\" --policy \
             file://policy.json (save the old one before, by aws kms get-key-policy --key-id \"$KEY_ID\" --output \
             text).",
            "If somebody needs it, allow it in an IAM policy with the resource *; to forbid it, deny it there or in a \
             service control policy.",
            "Verify: keyproof policy lint --kind key policy.json no longer names the action.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "None for the key: the action had no effect. The saved policy is the way back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    parameters: &[],
    elsewhere: &["IAM Access Analyzer policy check: Unsupported action in policy"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(|key, scope| QUESTION.key(key, scope))],
};

const QUESTION: Question = Question {
    rule: policy::Rule::ActionIneffectiveInKeyPolicy,
    otherwise: "every action that is named is one on keys",
    doubts: has_doubtful_action,
};

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn judged(actions: &str) -> Judgement {
        let text = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": [{actions}], "Resource": "*"}}"#
        );
        judge_key_policy(&CHECK, statements(&text)).unwrap()
    }

    #[test]
    fn actions_without_a_key_fail() {
        for action in
            ["kms:ListKeys", "kms:CreateKey", "kms:ListAliases", "kms:GenerateRandom", "kms:*CustomKeyStore*", "s3:*"]
        {
            let judgement = judged(&format!(r#""kms:Decrypt", "{action}""#));
            assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Low)), "{action}");
            assert!(judgement.reason.starts_with("key policy default, statement 0: "), "{}", judgement.reason);
        }
    }

    #[test]
    fn actions_on_keys_and_patterns_with_some_pass() {
        for action in ["kms:*", "*", "kms:List*", "kms:Decrypt", "kms:CreateAlias"] {
            assert_eq!(judged(&format!(r#""{action}""#)).verdict, Verdict::Pass, "{action}");
        }
        assert_eq!(judge_key(&CHECK, &key(), &World::new()).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn an_action_that_the_reference_may_lack_is_undecided() {
        assert_eq!(judged(r#""newservice:DoIt""#).verdict, Verdict::Undecided);
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
