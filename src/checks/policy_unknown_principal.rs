//! Resource policies with principals that match nobody.

use super::lint::{Question, READS_EVERY_DOCUMENT, never};
use super::{Check, Remediation, Rule};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-unknown-principal",
    title: "Principals of resource policies can exist",
    severity: Severity::Medium,
    resource: "IAM role; KMS key; resource control policy",
    rationale: "A principal takes no wildcard inside its ARN, no group, no account id of 11 digits and no ARN of \
        another partition. Such an entry matches nobody: an Allow gives nothing, and a Deny for it protects nothing.",
    rule: "Takes the trust policy of each role, the policies of each customer managed key, and each resource control \
        policy. FAIL if Principal or NotPrincipal holds an ARN with a wildcard, an ARN that is none of a user, role, \
        session, federated user or account, an account id that is not 12 digits, an ARN of another partition, a name \
        that no AWS service has, an identity provider in a key policy, or a canonical user id; PASS otherwise.",
    exemptions: "AWS managed keys and service-linked roles are NOT_APPLICABLE.",
    blind_spots: "Whether a principal that could exist does is judged by kms-key-policy-deleted-principal for keys; \
        the unique ids of deleted principals pass here. Who else may assume a role or use a key is not judged. \
        Organization policies are judged with the account that manages the organization.",
    remediation: Remediation {
        summary: "Name a principal that can exist.",
        steps: &[
            "The reason names the statement, the entry, and what to write where that is known.",
            "To mean all roles of a name, write the account as principal and test aws:PrincipalArn by ArnLike in \
             Condition.",
            "Trust policy: aws iam update-assume-role-policy --role-name \"$ROLE\" --policy-document \
             file://trust.json. Key policy: aws kms put-key-policy --key-id \"$KEY_ID\" --policy file://policy.json. \
             Save the old document before.",
            "Verify the document before it is stored: keyproof policy lint --kind trust trust.json, or --kind key \
             policy.json.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
            "aws iam get-role --role-name={role} --query=Role.AssumeRolePolicyDocument > trust-before.json",
            "aws iam update-assume-role-policy --role-name={role} --policy-document=file://trust.json",
            "aws organizations describe-policy --policy-id={organization_policy}",
            "aws organizations update-policy --policy-id={organization_policy} --content=file://policy.json",
        ],
        risk: "The statement begins to work for whoever is named: make sure that it is the right one. The saved \
            document is the way back.",
    },
    reads: READS_EVERY_DOCUMENT,
    parameters: &[],
    elsewhere: &[
        "IAM Access Analyzer policy check: Invalid principal format",
        "IAM Access Analyzer policy check: Unsupported wildcard in principal",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[(Status::Fail, "IAM and KMS refuse to store such principals")],
    rules: &[
        Rule::Role(|role, scope| QUESTION.trust_policy(role, scope)),
        Rule::Key(|key, scope| QUESTION.key(key, scope)),
        Rule::ResourceControlPolicy(|policy, scope| QUESTION.resource_control_policy(policy, scope)),
    ],
};

const QUESTION: Question = Question {
    rule: policy::Rule::UnknownPrincipal,
    otherwise: "every principal that is named can exist",
    doubts: never,
};

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn allow(principal: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Principal": {{{principal}}}, "Action": "kms:Decrypt", "Resource": "*"}}"#)
    }

    fn judged(principal: &str) -> Judgement {
        judge_key_policy(&CHECK, statements(&allow(principal))).unwrap()
    }

    #[test]
    fn a_principal_that_matches_nobody_fails() {
        for principal in [
            r#""AWS": "arn:aws:iam::111122223333:role/*""#,
            r#""AWS": "11112222333""#,
            r#""AWS": "arn:aws:iam::111122223333:group/Readers""#,
            r#""AWS": "arn:aws-cn:iam::111122223333:root""#,
            r#""AWS": "arn:aws:iam:::role/R""#,
            r#""Service": "ec2""#,
        ] {
            let judgement = judged(principal);
            assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Medium)), "{principal}");
        }
        let trust = allow(r#""AWS": "arn:aws:iam::111122223333:role/*""#).replace(r#", "Resource": "*""#, "");
        let trust_policy = statements(&trust.replace("kms:Decrypt", "sts:AssumeRole"));
        let judgement = judge_role(&CHECK, &crate::model::Role { trust_policy, ..role("/") }, &World::new()).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.starts_with("trust policy, statement 0: "), "{}", judgement.reason);
        let perimeter = allow(r#""AWS": "arn:aws:iam::*:root""#).replace("Allow", "Deny");
        assert_eq!(judge_resource_control(&CHECK, statements(&perimeter)).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn principals_that_can_exist_pass() {
        for principal in [
            r#""AWS": "*""#,
            r#""AWS": "111122223333""#,
            r#""AWS": "arn:aws:iam::111122223333:role/path/R""#,
            r#""AWS": "AROAEXAMPLEEXAMPLE123""#,
            r#""Service": "logs.eu-central-1.amazonaws.com""#,
        ] {
            assert_eq!(judged(principal).verdict, Verdict::Pass, "{principal}");
        }
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
