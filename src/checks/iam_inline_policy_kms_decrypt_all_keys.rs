//! Inline policies that allow decryption with all keys.

use super::iam_managed_policy_kms_decrypt_all_keys::DECRYPTION;
use super::{Check, Judged, Parameter, Remediation, Rule, Scope, all_keys};
use crate::finding::{Severity, Status};
use crate::model::Principal;
use crate::policy::coverage;

pub(super) const CHECK: Check = Check {
    id: "iam-inline-policy-kms-decrypt-all-keys",
    title: "Inline policies do not allow decryption with all keys",
    severity: Severity::Medium,
    resource: "IAM user, group or role",
    rationale: "An inline policy with kms:Decrypt or kms:ReEncryptFrom on every key gives its owner what any key protects, \
        wherever a key policy trusts IAM policies, and escapes reviews that look at managed policies only.",
    rule: "Takes the inline policies of each user, group and role, one finding for each owner. FAIL if one of the documents \
        by itself allows kms:Decrypt or kms:ReEncryptFrom on all keys (level ALL), or on all keys except keys, accounts or \
        Regions that it names (ALL_EXCEPT_...). Wildcards in actions and resources, NotAction, NotResource, and Deny \
        statements without a condition in the same document count. A condition on an Allow is ignored, a Deny with a \
        condition takes nothing away. All keys of one account or of one Region are a PASS that says so, unless \
        strict_account_wildcard (false) makes all keys of one account a FAIL. UNDECIDED if whether \
        all keys are open depends on what AWS does not document.",
    exemptions: "Users, groups and roles without an inline policy, and service-linked roles, whose policies only AWS can \
        change, are NOT_APPLICABLE.",
    blind_spots: "Each document is judged alone: two of them together, managed policies, key policies, boundaries and SCPs \
        are not combined. A condition may narrow what fails here. Whether AWS Security Hub counts a Deny, and how it takes \
        all keys of one account, is not documented.",
    remediation: Remediation {
        summary: "Name the keys that the task needs in Resource of the inline policy instead of a wildcard.",
        steps: &[
            "Find out which keys the owner uses: CloudTrail events Decrypt and ReEncrypt of the last 90 days.",
            "Replace the wildcard in Resource by the ARNs of these keys. Where keys come and go, write account and Region \
             into the ARN and add a condition on aws:ResourceTag or kms:ResourceAliases.",
            "Save the old document, put the narrower one under the same name, and watch for AccessDenied.",
        ],
        commands: &[
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "An inline policy has no versions: without the saved document there is no way back. A workload that uses a key \
            nobody listed cannot read its data until the key is added.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Boolean(all_keys::STRICT_ACCOUNT_WILDCARD)],
    elsewhere: &[
        "AWS Security Hub KMS.2",
        "AWS Config iam-inline-policy-blocked-kms-actions",
        "Steampipe kms_key_decryption_restricted_in_iam_inline_policy",
        "Steampipe iam_policy_inline_no_blocked_kms_actions",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Principal(judge)],
};

fn judge(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    let partition = &scope.account.partition;
    all_keys::inline(principal, |document| all_keys::Opened {
        coverages: DECRYPTION.map(|action| (action, coverage(document, partition, action))).to_vec(),
        strict: scope.values.boolean(&all_keys::STRICT_ACCOUNT_WILDCARD),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Gap, Group, InlinePolicy, Role, User};

    fn all_keys() -> InlinePolicy {
        inline("broad", statements(r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#))
    }

    fn one_key() -> InlinePolicy {
        let text = format!(r#"{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "{}"}}"#, key_arn());
        inline("narrow", statements(&text))
    }

    fn unreadable(gap: &Gap) -> InlinePolicy {
        inline("lost", Err(gap.clone()))
    }

    fn judged(inline_policies: Vec<InlinePolicy>) -> Judged {
        judge_principal(&CHECK, Principal::User(&User { inline_policies, ..user() }))
    }

    #[test]
    fn one_broad_document_fails_and_is_named() {
        let judgement = judged(vec![one_key(), all_keys()]).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        let reason = "inline policy broad: all keys are open to kms:Decrypt (ALL), for example arn:aws:kms:";
        assert!(judgement.reason.starts_with(reason), "{}", judgement.reason);
        let named: Vec<_> = judgement.statements.iter().map(|it| (it.policy.as_str(), it.index)).collect();
        assert_eq!(named, [("broad", 0)]);
        assert_eq!(judgement.evidence.len(), 2);
        assert_eq!(judged(vec![one_key()]).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn users_groups_and_roles_are_judged_alike() {
        let group = Group { inline_policies: vec![all_keys()], ..group() };
        let role = Role { inline_policies: vec![all_keys()], ..role("/") };
        for principal in [Principal::Group(&group), Principal::Role(&role)] {
            assert_eq!(judge_principal(&CHECK, principal).unwrap().verdict, Verdict::Fail);
        }
    }

    #[test]
    fn documents_are_not_combined() {
        let decrypt = r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#;
        let elsewhere = inline("deny", statements(&decrypt.replace("Allow", "Deny")));
        assert_eq!(judged(vec![elsewhere, all_keys()]).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn owners_without_inline_policy_and_service_linked_roles_are_exempt() {
        assert_eq!(judged(Vec::new()).unwrap().verdict, Verdict::NotApplicable);
        let of_aws =
            Role { inline_policies: vec![all_keys()], ..role("/aws-service-role/ops.apigateway.amazonaws.com/") };
        assert_eq!(judge_principal(&CHECK, Principal::Role(&of_aws)).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_document_that_could_not_be_read_is_no_pass_and_hides_no_failure() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judged(vec![unreadable(&gap), one_key()]), Err(gap.clone()));
        assert_eq!(judged(vec![unreadable(&gap), all_keys()]).unwrap().verdict, Verdict::Fail);
    }
}
