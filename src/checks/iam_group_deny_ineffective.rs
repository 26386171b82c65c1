//! Deny statements on groups that deny nothing.

use super::{Check, Judged, Remediation, Rule, Scope, reference};
use crate::finding::{Judgement, Severity, StatementReference, Status, Verdict};
use crate::model::{Arn, Gap, ManagedPolicy, Principal};
use crate::policy::{ActionPattern, Document, Effect, Match, Resources, Statement};

/// The actions of IAM whose resource is a group (Service Authorization Reference, AWS Identity and Access Management).
const OF_GROUPS: [&str; 14] = [
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:CreateGroup",
    "iam:DeleteGroup",
    "iam:DeleteGroupPolicy",
    "iam:DetachGroupPolicy",
    "iam:GetGroup",
    "iam:GetGroupPolicy",
    "iam:ListAttachedGroupPolicies",
    "iam:ListGroupPolicies",
    "iam:PutGroupPolicy",
    "iam:RemoveUserFromGroup",
    "iam:UpdateGroup",
    "iam:ListEntitiesForPolicy",
];

pub(super) const CHECK: Check = Check {
    id: "iam-group-deny-ineffective",
    title: "No Deny rests on a group that the action does not know",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role with inline policies",
    rationale: "A group is no one. A Deny of iam:CreateAccessKey on a group reads as if its members could make no keys, and \
        denies nothing: the resource of that action is the user.",
    rule: "Looks at Deny statements of which every resource is an ARN of IAM groups. FAIL if one of their action patterns \
        matches no action of IAM whose resource is a group, so that the statement denies nothing for it. NotAction and \
        NotResource are not looked at.",
    exemptions: "Policies and principals without such a Deny statement are NOT_APPLICABLE.",
    blind_spots: "Deny statements that mix groups with other resources, and Allow statements on groups, are not judged: see \
        keyproof policy lint.",
    remediation: Remediation {
        summary: "Write the users, or a condition, into the Deny instead of the group.",
        steps: &[
            "Name the users by ARN or path in Resource, for example arn:aws:iam::ACCOUNT_ID:user/people/*, or put the Deny \
             on * into a policy that is attached to the group.",
            "Create the new version: aws iam create-policy-version --policy-arn POLICY_ARN --policy-document \
             file://policy.json --set-as-default; an inline policy is saved first and then replaced.",
            "To verify: aws iam simulate-principal-policy --policy-source-arn USER_ARN --action-names ACTION --resource-arns \
             USER_ARN says explicitDeny.",
        ],
        commands: &[
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-attached-group-policies --group-name={group}",
        ],
        risk: "The Deny begins to work: whoever relied on its failing is denied. The former version takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[],
    elsewhere: &["ScoutSuite iam-lightspin-user-action-denied-for-group"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge_managed_policy), Rule::Principal(judge_inline_policies)],
};

fn judge_managed_policy(policy: &ManagedPolicy, _: &Scope<'_>) -> Judged {
    let document = policy.document.as_deref().map_err(Clone::clone)?;
    Ok(conclude(&[(&policy.arn, document)]).because_of(&policy.document_source))
}

fn judge_inline_policies(principal: Principal<'_>, _: &Scope<'_>) -> Judged {
    let policies = principal.inline_policies();
    let read: Vec<(&str, &Document)> =
        policies.iter().filter_map(|it| Some((it.name.as_str(), it.document.as_deref().ok()?))).collect();
    let judgement = conclude(&read);
    let missing: Option<&Gap> = policies.iter().find_map(|policy| policy.document.as_ref().err());
    match missing {
        Some(gap) if judgement.verdict != Verdict::Fail => Err(gap.clone()),
        _ => Ok(judgement.because_of(principal.source()).because_of_all(policies.iter().map(|policy| &policy.source))),
    }
}

fn conclude(documents: &[(&str, &Document)]) -> Judgement {
    let mut idle: Vec<(StatementReference, String)> = Vec::new();
    let mut effective = 0_usize;
    for (name, document) in documents {
        let on_groups = |it: &&Statement| it.resources.as_ref().is_some_and(are_groups) && !it.actions.negated;
        for statement in document.statements_of(Effect::Deny).filter(on_groups) {
            match statement.actions.patterns.iter().find(|pattern| !knows_groups(pattern)) {
                Some(pattern) => idle.push((reference(name, statement), pattern.source().to_owned())),
                None => effective += 1,
            }
        }
    }
    if idle.is_empty() {
        return match effective {
            0 => Judgement::not_applicable("no Deny statement is on groups alone"),
            _ => Judgement::pass("each Deny on groups is of actions that are done to groups"),
        };
    }
    let words: Vec<&str> = idle.iter().map(|(_, action)| action.as_str()).collect();
    let reason = format!("a Deny on groups does not deny {}, which is not done to groups", words.join(", "));
    Judgement::fail(reason).by_statements(idle.into_iter().map(|(statement, _)| statement))
}

/// Whether every pattern is the ARN of groups.
fn are_groups(resources: &Resources) -> bool {
    let is_group =
        |text: &str| Arn::parse(text).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("group/"));
    !resources.negated
        && !resources.patterns.is_empty()
        && resources.patterns.iter().all(|pattern| is_group(pattern.text().source()))
}

fn knows_groups(pattern: &ActionPattern) -> bool {
    OF_GROUPS.iter().any(|action| pattern.matches(action) != Match::No)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::model::User;

    const GROUP: &str = "arn:aws:iam::111122223333:group/People";

    fn document(effect: &str, action: &str, resource: &str) -> crate::model::Document {
        statements(&format!(r#"{{"Effect": "{effect}", "Action": {action}, "Resource": "{resource}"}}"#))
    }

    fn verdict(effect: &str, action: &str, resource: &str) -> Verdict {
        judge_managed(&CHECK, &managed(document(effect, action, resource))).unwrap().verdict
    }

    #[test]
    fn a_deny_of_what_is_done_to_users_on_a_group_fails() {
        for action in [r#""iam:CreateAccessKey""#, r#"["iam:DeleteGroup", "iam:ChangePassword"]"#, r#""s3:*""#] {
            assert_eq!(verdict("Deny", action, GROUP), Verdict::Fail, "{action}");
        }
        for action in [r#""iam:DeleteGroup""#, r#""iam:*""#, r#""*""#, r#""iam:Put*""#] {
            assert_eq!(verdict("Deny", action, GROUP), Verdict::Pass, "{action}");
        }
    }

    #[test]
    fn allows_and_other_resources_are_exempt() {
        assert_eq!(verdict("Allow", r#""iam:CreateAccessKey""#, GROUP), Verdict::NotApplicable);
        assert_eq!(verdict("Deny", r#""iam:CreateAccessKey""#, "*"), Verdict::NotApplicable);
        assert_eq!(verdict("Deny", r#""iam:CreateAccessKey""#, &user().arn), Verdict::NotApplicable);
        assert_eq!(judge_principal(&CHECK, Principal::User(&user())).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn inline_policies_are_judged_and_an_unread_one_is_no_pass() {
        let idle = || inline("idle", document("Deny", r#""iam:CreateAccessKey""#, GROUP));
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let of = |inline_policies| judge_principal(&CHECK, Principal::User(&User { inline_policies, ..user() }));
        let failing = of(vec![idle(), inline("lost", Err(gap.clone()))]).unwrap();
        assert_eq!(failing.verdict, Verdict::Fail);
        assert!(failing.reason.contains("iam:CreateAccessKey"), "{}", failing.reason);
        assert_eq!(of(vec![inline("lost", Err(gap.clone()))]), Err(gap.clone()));
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap));
    }
}
