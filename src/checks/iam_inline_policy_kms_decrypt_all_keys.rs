//! Inline policies that allow decryption with all keys.

use super::{Boolean, Check, Judged, Parameter, Remediation, Rule, Scope, all_keys};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, Principal, Role};
use crate::policy::{self, Effect};

const EXCLUDE_ROLE_BY_MANAGEMENT_ACCOUNT: Boolean = Boolean {
    name: "exclude_role_by_management_account",
    meaning: "Whether roles that the account which manages the organization alone may assume are NOT_APPLICABLE.",
    default: false,
    loosens: true,
};

pub(super) const CHECK: Check = Check {
    id: "iam-inline-policy-kms-decrypt-all-keys",
    title: "Inline policies do not allow decryption with all keys",
    severity: Severity::Medium,
    resource: "IAM user, group or role",
    rationale: "An inline policy with kms:Decrypt or kms:ReEncryptFrom on every key gives its owner what any key protects, \
        wherever a key policy trusts IAM policies, and escapes reviews that look at managed policies only.",
    rule: "Takes the inline policies of each user, group and role, one finding for each owner. FAIL if one of the documents \
        by itself allows one of blocked_actions (kms:Decrypt, kms:ReEncryptFrom) on all keys (level ALL), or on all keys except keys, accounts or \
        Regions that it names (ALL_EXCEPT_...). Wildcards in actions and resources, NotAction, NotResource, and Deny \
        statements without a condition in the same document count. A condition on an Allow is ignored, a Deny with a \
        condition takes nothing away. All keys of one account or of one Region are a PASS that says so, unless \
        strict_account_wildcard (false) makes all keys of one account a FAIL. UNDECIDED if whether \
        all keys are open depends on what AWS does not document.",
    exemptions: "Users, groups and roles without an inline policy, and service-linked roles, whose policies only AWS can \
        change, are NOT_APPLICABLE; with exclude_role_by_management_account so are roles that nobody but the account \
        which manages the organization may assume.",
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
    parameters: &[
        Parameter::Strings(all_keys::BLOCKED_ACTIONS),
        Parameter::Boolean(EXCLUDE_ROLE_BY_MANAGEMENT_ACCOUNT),
        Parameter::Boolean(all_keys::STRICT_ACCOUNT_WILDCARD),
        Parameter::Boolean(all_keys::CONDITION_AWARE),
    ],
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
    if let Principal::Role(role) = principal
        && scope.values.boolean(&EXCLUDE_ROLE_BY_MANAGEMENT_ACCOUNT)
        && is_of_management(role, scope)?
    {
        let reason = "only the account that manages the organization may assume the role";
        return Ok(Judgement::not_applicable(reason).because_of(&role.source));
    }
    let actions = scope.values.strings(&all_keys::BLOCKED_ACTIONS);
    all_keys::inline(principal, &actions, scope, |document| all_keys::blocked(document, scope))
}

/// Whether the trust policy lets principals of the management account in, and nobody else.
fn is_of_management(role: &Role, scope: &Scope<'_>) -> Result<bool, Gap> {
    let Some(organization) = scope.organization.as_ref().map_err(Clone::clone)? else { return Ok(false) };
    let trust = role.trust_policy.as_ref().map_err(Clone::clone)?;
    let mut entries = trust.statements_of(Effect::Allow).flat_map(|statement| &statement.principal).peekable();
    let is_of_it = |entry: &policy::Principal| entry.account() == Some(organization.management_account_id.as_str());
    Ok(entries.peek().is_some() && entries.all(|element| !element.negated && element.entries.iter().all(is_of_it)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Group, InlinePolicy, User};

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
    fn a_role_of_the_management_account_may_be_exempt() {
        let of = |account: &str, excluded: bool| {
            let trust =
                format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{account}"}}}}"#);
            let role = Role { inline_policies: vec![all_keys()], trust_policy: statements(&trust), ..role("/") };
            let values = Values::with(EXCLUDE_ROLE_BY_MANAGEMENT_ACCOUNT.name, Value::Boolean(excluded));
            let world = World { values, ..member(&[], &[]) };
            judge_principal_in(&CHECK, Principal::Role(&role), &world).unwrap().verdict
        };
        assert_eq!(of(SIBLING, true), Verdict::NotApplicable);
        assert_eq!(
            (of(SIBLING, false), of(ACCOUNT, true), of(STRANGER, true)),
            (Verdict::Fail, Verdict::Fail, Verdict::Fail)
        );
        let nobody = Role { inline_policies: vec![all_keys()], ..role("/") };
        let values = Values::with(EXCLUDE_ROLE_BY_MANAGEMENT_ACCOUNT.name, Value::Boolean(true));
        let world = World { values, ..member(&[], &[]) };
        let judged = judge_principal_in(&CHECK, Principal::Role(&nobody), &world).unwrap();
        assert_eq!(judged.verdict, Verdict::Fail);
    }

    #[test]
    fn other_actions_may_be_blocked_and_conditions_may_count() {
        let via = r#"{"Effect": "Allow", "Action": "kms:Sign", "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}}"#;
        let signer = User { inline_policies: vec![inline("sign", statements(via))], ..user() };
        let of = |values: Values| {
            judge_principal_in(&CHECK, Principal::User(&signer), &World { values, ..World::new() }).unwrap()
        };
        let sign = || Value::Strings(vec!["kms:Sign".to_owned()]);
        assert_eq!(of(Values::default()).verdict, Verdict::Pass);
        let blocked = of(Values::with("blocked_actions", sign()));
        assert_eq!((blocked.verdict, blocked.severity), (Verdict::Fail, None));
        let aware = of(Values::with("blocked_actions", sign()).and("condition_aware", Value::Boolean(true)));
        assert_eq!((aware.verdict, aware.severity), (Verdict::Fail, Some(Severity::Low)));
    }

    #[test]
    fn a_document_that_could_not_be_read_is_no_pass_and_hides_no_failure() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judged(vec![unreadable(&gap), one_key()]), Err(gap.clone()));
        assert_eq!(judged(vec![unreadable(&gap), all_keys()]).unwrap().verdict, Verdict::Fail);
    }
}
