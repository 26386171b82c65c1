//! Policies that allow all keys to be destroyed or taken over.

use std::sync::Arc;

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, all_keys, boundary_only};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{ManagedPolicy, Principal, Source};
use crate::policy::Document;

/// Actions that destroy a key, or decide who may use it.
const DESTRUCTIVE: &[&str] = &[
    "kms:CreateGrant",
    "kms:DeleteAlias",
    "kms:DeleteImportedKeyMaterial",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:ScheduleKeyDeletion",
    "kms:UpdateAlias",
    "kms:UpdatePrimaryRegion",
];

const ACTIONS: Strings = Strings {
    name: "actions",
    meaning: "The actions that no policy may allow on all keys.",
    default: DESTRUCTIVE,
    form: Form::OneOf(DESTRUCTIVE),
    loosens: Loosens::Less,
};

const EXEMPT_NAMES: Strings = Strings {
    name: "exempt_names",
    meaning: "Names of users, groups and roles whose inline policies may allow it, and of managed policies: the break-glass ones.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-policy-kms-destructive-all-keys",
    title: "Policies do not allow all keys to be destroyed",
    severity: Severity::High,
    resource: "customer managed policy; IAM user, group or role with inline policies",
    rationale: "Whoever may schedule the deletion of every key can make all data of the account unreadable; whoever \
        may write their policies, grants and aliases can take them over. No daily task needs that for every key.",
    rule: "Takes the default version of each customer managed policy, and the inline policies of each user, group and role \
        (one finding for each owner). FAIL if one document allows one of actions (kms:CreateGrant, kms:DeleteAlias, \
        kms:DeleteImportedKeyMaterial, kms:DisableKey, kms:PutKeyPolicy, kms:ReplicateKey, kms:ScheduleKeyDeletion, \
        kms:UpdateAlias, kms:UpdatePrimaryRegion) on all keys (level ALL), or on all but some that it names \
        (ALL_EXCEPT_...). Wildcards, NotAction, NotResource, and Deny statements without a condition in the same document \
        count; a condition on an Allow is ignored. UNDECIDED if it depends on what AWS does not document.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere, principals without an inline policy, \
        service-linked roles, and what exempt_names names (by default none) are NOT_APPLICABLE.",
    blind_spots: "One document is judged, not what its holders can do in the end: key policies, boundaries and SCPs \
        may stop it (see org-scp-kms-guard-missing). A break-glass role fails here; a waiver says that it is one. AWS \
        managed policies are not looked at.",
    remediation: Remediation {
        summary: "Keep these actions for few roles, on keys that the policy names, with MFA.",
        steps: &[
            "Take the actions out of the policy, or name the keys in Resource: aws iam create-policy-version --policy-arn \
             POLICY_ARN --policy-document file://policy.json --set-as-default; an inline policy is saved first and then \
             replaced by aws iam put-role-policy.",
            "Allow kms:CreateGrant only with a condition on kms:GrantIsForAWSResource where services need it.",
            "Put a service control policy over the account that denies kms:ScheduleKeyDeletion to all but one role.",
            "To verify: keyproof policy coverage with --action kms:ScheduleKeyDeletion says NONE or names the keys.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "Pipelines that create and delete keys fail until their keys are named. The former version or the saved \
            document takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(ACTIONS), Parameter::Strings(EXEMPT_NAMES)],
    elsewhere: &[
        "Cloudsplaining InfrastructureModification (destruction of keys)",
        "Cloudsplaining ResourceExposure (policies and grants of keys)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge_managed_policy), Rule::Principal(judge_inline_policies)],
};

fn judge_managed_policy(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    let exempt = || exempt(&policy.name, &policy.source, scope);
    if let Some(exempt) = boundary_only(policy, scope).or_else(exempt) {
        return Ok(exempt);
    }
    all_keys::managed(policy, &scope.values.strings(&ACTIONS), scope, |document| opened(document, scope))
}

/// The answer for what the configuration spares by name.
fn exempt(name: &str, source: &Source, scope: &Scope<'_>) -> Option<Judgement> {
    let is_exempt = scope.values.strings(&EXEMPT_NAMES).contains(&name);
    is_exempt.then(|| Judgement::not_applicable("the configuration exempts it by name").because_of(source))
}

fn judge_inline_policies(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    if let Some(exempt) = exempt(principal.name(), principal.source(), scope) {
        return Ok(exempt);
    }
    all_keys::inline(principal, &scope.values.strings(&ACTIONS), scope, |document| opened(document, scope))
}

fn opened(document: &Arc<Document>, scope: &Scope<'_>) -> all_keys::Opened {
    let asked = scope.values.strings(&ACTIONS);
    let actions = DESTRUCTIVE.iter().copied().filter(|action| asked.contains(action));
    let studied = scope.reach.studied(document);
    let coverages = actions.map(|action| (action.to_owned(), studied.coverage(action))).collect();
    all_keys::Opened { coverages, too_many: all_keys::TooMany::All, condition_aware: false }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::User;

    fn document(action: &str, resource: &str) -> crate::model::Document {
        statements(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#))
    }

    fn verdict(action: &str, resource: &str) -> Verdict {
        judge_managed(&CHECK, &managed(document(action, resource))).unwrap().verdict
    }

    #[test]
    fn each_of_the_actions_on_all_keys_fails() {
        for action in DESTRUCTIVE {
            assert_eq!(verdict(action, "*"), Verdict::Fail, "{action}");
            assert_eq!(verdict(action, &key_arn()), Verdict::Pass, "{action}");
        }
        for action in ["kms:*", "kms:Schedule*", "*"] {
            assert_eq!(verdict(action, "*"), Verdict::Fail, "{action}");
        }
        assert_eq!(verdict("kms:Decrypt", "*"), Verdict::Pass);
    }

    #[test]
    fn the_failing_action_is_named() {
        let judged = judge_managed(&CHECK, &managed(document("kms:PutKeyPolicy", "*"))).unwrap();
        assert!(judged.reason.starts_with("all keys are open to kms:PutKeyPolicy (ALL)"), "{}", judged.reason);
    }

    #[test]
    fn inline_policies_are_judged_and_principals_without_one_are_exempt() {
        let user = User { inline_policies: vec![inline("own", document("kms:DisableKey", "*"))], ..user() };
        assert_eq!(judge_principal(&CHECK, Principal::User(&user)).unwrap().verdict, Verdict::Fail);
        assert_eq!(judge_principal(&CHECK, Principal::Group(&group())).unwrap().verdict, Verdict::NotApplicable);
        let bound = boundary(document("kms:*", "*"));
        assert_eq!(judge_managed(&CHECK, &bound).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn fewer_actions_may_be_asked_for() {
        let values = Values::with(ACTIONS.name, Value::Strings(vec!["kms:PutKeyPolicy".to_owned()]));
        let world = World { values, ..World::new() };
        let of = |action| judge_managed_in(&CHECK, &managed(document(action, "*")), &world).unwrap().verdict;
        assert_eq!((of("kms:CreateGrant"), of("kms:PutKeyPolicy")), (Verdict::Pass, Verdict::Fail));
    }

    #[test]
    fn break_glass_policies_and_roles_are_exempt_by_name() {
        let values = Values::with(EXEMPT_NAMES.name, Value::Strings(vec!["Example".to_owned(), "Alice".to_owned()]));
        let world = World { values, ..World::new() };
        let judged = judge_managed_in(&CHECK, &managed(document("kms:*", "*")), &world).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
        let user = User { inline_policies: vec![inline("own", document("kms:DisableKey", "*"))], ..user() };
        let judged = judge_principal_in(&CHECK, Principal::User(&user), &world).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap));
    }
}
