//! Policies that allow every KMS action on all keys.

use std::sync::Arc;

use super::all_keys::{self, Opened, TooMany};
use super::recipients::OF_KMS;
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, boundary_only};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{ManagedPolicy, Principal, Source};
use crate::policy::Document;

const SCOPE: Strings = Strings {
    name: "scope",
    meaning: "The kinds of policies that are judged; the others are NOT_APPLICABLE.",
    default: &["customer-managed", "inline"],
    form: Form::OneOf(&["customer-managed", "inline"]),
    loosens: Loosens::Less,
};
const RESOURCE_SCOPE: Strings = Strings {
    name: "resource_scope",
    meaning: "What is too much: every action on all keys, on all keys of one account, or on any key.",
    default: &["all-keys"],
    form: Form::OneOf(&["all-keys", "account-keys", "any-key"]),
    // A narrower scope comes on top of the others.
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-policy-kms-full-access",
    title: "Policies do not grant every KMS action on all keys",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role with inline policies",
    rationale: "Whoever holds kms:* can use the keys and also decide who else may: change their policies, disable them, \
        delete them. Using keys and administering keys are two jobs, and few people need either for every key.",
    rule: "Takes the default version of each customer managed policy, and the inline policies of each user, group and role \
        (one finding for each owner). FAIL if one document allows every KMS action, those that AWS will add included, on all \
        keys (level ALL), or on all keys except keys, accounts or Regions that it names (ALL_EXCEPT_...): kms:*, *, or a \
        NotAction that leaves KMS in. Wildcards, NotResource, and Deny statements without a condition in the same document \
        count. With resource_scope (all-keys) all keys of one account, or any key, are too much as well. A condition on an Allow is \
        ignored, a Deny with a condition takes nothing away. UNDECIDED if whether all keys \
        are open depends on what AWS does not document.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere, principals without an inline policy, \
        service-linked roles, and kinds of policies that scope leaves out (by default none) are NOT_APPLICABLE.",
    blind_spots: "A document that leaves out a single KMS action passes here, however broad it is otherwise: see the checks \
        on decryption. One document is judged, not what its holders can do in the end. AWS managed policies are not looked \
        at. The rule is no item of the CIS AWS Foundations Benchmark in any version.",
    remediation: Remediation {
        summary: "Replace kms:* by the actions that the task needs, on the keys that it needs.",
        steps: &[
            "Decide whether the holder uses keys or administers them, and split the policy where it does both.",
            "For use, list the actions (kms:Decrypt, kms:GenerateDataKey, ...) and the key ARNs; for administration, list \
             actions such as kms:Describe*, kms:EnableKey and kms:TagResource, and leave kms:Decrypt out.",
            "Keep kms:ScheduleKeyDeletion, kms:PutKeyPolicy and kms:CreateGrant for few roles, with MFA where people hold \
             them.",
            "Change a managed policy by a new default version, an inline policy after saving the old document.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "Calls that only the wildcard covered fail until they are listed: watch CloudTrail for AccessDenied. The old \
            version or the saved document is the way back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(SCOPE), Parameter::Strings(RESOURCE_SCOPE)],
    elsewhere: &[
        "Prowler iam_policy_no_full_access_to_kms",
        "Prowler iam_inline_policy_no_full_access_to_kms",
        "Steampipe iam_policy_no_full_access_to_kms",
        "ScoutSuite iam-inline-policy-allows-NotActions (where it leaves KMS in)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge_managed_policy), Rule::Principal(judge_inline_policies)],
};

fn judge_managed_policy(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    let exempt = || left_out("customer-managed", &policy.source, scope);
    if let Some(exempt) = boundary_only(policy, scope).or_else(exempt) {
        return Ok(exempt);
    }
    all_keys::managed(policy, &OF_KMS, scope, |document| opened(document, scope))
}

fn judge_inline_policies(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    if let Some(exempt) = left_out("inline", principal.source(), scope) {
        return Ok(exempt);
    }
    all_keys::inline(principal, &OF_KMS, scope, |document| opened(document, scope))
}

fn opened(document: &Arc<Document>, scope: &Scope<'_>) -> Opened {
    let coverages = vec![("every KMS action".to_owned(), scope.reach.studied(document).every_action_of_kms())];
    let is_too_much = |what: &str| scope.values.strings(&RESOURCE_SCOPE).contains(&what);
    let too_many = match () {
        () if is_too_much("any-key") => TooMany::Any,
        () if is_too_much("account-keys") => TooMany::OfAccount,
        () => TooMany::All,
    };
    Opened { coverages, too_many, condition_aware: false }
}

/// The answer for a kind of policies that the configuration leaves out.
fn left_out(kind: &str, source: &Source, scope: &Scope<'_>) -> Option<Judgement> {
    let is_judged = scope.values.strings(&SCOPE).contains(&kind);
    (!is_judged)
        .then(|| Judgement::not_applicable("the configuration leaves policies of this kind out").because_of(source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Gap, User};

    fn allow(action: &str, resource: &str) -> String {
        format!(r#"{{"Effect": "Allow", {action}, {resource}}}"#)
    }

    fn verdict(text: &str) -> Verdict {
        judge_managed(&CHECK, &managed(statements(text))).unwrap().verdict
    }

    const ALL: &str = r#""Resource": "*""#;

    #[test]
    fn every_action_on_all_keys_fails_in_any_spelling() {
        for action in [r#""Action": "kms:*""#, r#""Action": "KMS:*""#, r#""Action": "*""#, r#""NotAction": "iam:*""#] {
            for resource in [ALL, r#""Resource": "arn:aws:kms:*:*:*""#, r#""NotResource": "arn:aws:s3:::x""#] {
                assert_eq!(verdict(&allow(action, resource)), Verdict::Fail, "{action} {resource}");
            }
        }
    }

    #[test]
    fn two_statements_that_leave_out_different_actions_are_one_full_access() {
        let two = format!("{}, {}", allow(r#""NotAction": "kms:De*""#, ALL), allow(r#""NotAction": "kms:Enc*""#, ALL));
        assert_eq!(verdict(&two), Verdict::Fail);
    }

    #[test]
    fn anything_less_passes() {
        for (action, resource) in [
            (r#""Action": ["kms:Decrypt", "kms:Encrypt"]"#, ALL),
            (r#""NotAction": "kms:*""#, ALL),
            (r#""NotAction": "kms:Decrypt""#, ALL),
            (r#""Action": "kms:*""#, r#""Resource": "arn:aws:kms:*:111122223333:key/*""#),
        ] {
            assert_eq!(verdict(&allow(action, resource)), Verdict::Pass, "{action} {resource}");
        }
        let full = allow(r#""Action": "kms:*""#, ALL);
        let deny = full.replace("Allow", "Deny").replace("kms:*", "kms:ScheduleKeyDeletion");
        assert_eq!(verdict(&format!("{full}, {deny}")), Verdict::Pass);
    }

    #[test]
    fn less_may_be_too_much_and_kinds_may_be_left_out() {
        let list = |items: &[&str]| Value::Strings(items.iter().map(|item| (*item).to_owned()).collect());
        let of = |name, items: &[&str], resource: &str| {
            let world = World { values: Values::with(name, list(items)), ..World::new() };
            let policy = managed(statements(&allow(r#""Action": "kms:*""#, &format!(r#""Resource": "{resource}""#))));
            judge_managed_in(&CHECK, &policy, &world).unwrap().verdict
        };
        let (account, one) = ("arn:aws:kms:*:111122223333:key/*", key_arn());
        assert_eq!(of("resource_scope", &["all-keys", "account-keys"], account), Verdict::Fail);
        assert_eq!(of("resource_scope", &["all-keys", "account-keys"], &one), Verdict::Pass);
        assert_eq!(of("resource_scope", &["any-key"], &one), Verdict::Fail);
        assert_eq!(of("resource_scope", &["any-key"], "arn:aws:s3:::x"), Verdict::Pass);
        assert_eq!(of("scope", &["inline"], "*"), Verdict::NotApplicable);
        assert_eq!(of("scope", &["customer-managed"], "*"), Verdict::Fail);
        let world = World { values: Values::with("scope", list(&["customer-managed"])), ..World::new() };
        let full = inline("full", statements(&allow(r#""Action": "kms:*""#, ALL)));
        let user = User { inline_policies: vec![full], ..user() };
        let judged = judge_principal_in(&CHECK, Principal::User(&user), &world).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn inline_policies_are_judged_as_well() {
        let full = inline("full", statements(&allow(r#""Action": "kms:*""#, ALL)));
        let user = User { inline_policies: vec![full], ..user() };
        let judgement = judge_principal(&CHECK, Principal::User(&user)).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        let reason = "inline policy full: all keys are open to every KMS action (ALL), for example arn:aws:kms:";
        assert!(judgement.reason.starts_with(reason), "{}", judgement.reason);
        let nothing = judge_principal(&CHECK, Principal::Group(&group())).unwrap();
        assert_eq!(nothing.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_policy_used_as_boundary_alone_is_exempt() {
        let policy = boundary(statements(&allow(r#""Action": "kms:*""#, ALL)));
        assert_eq!(judge_managed(&CHECK, &policy).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        let gap: Gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap.clone()));
        let user = User { inline_policies: vec![inline("lost", Err(gap.clone()))], ..user() };
        assert_eq!(judge_principal(&CHECK, Principal::User(&user)), Err(gap));
    }
}
