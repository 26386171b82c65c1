//! Users with policies of their own.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::User;

const EXEMPT_NAME_PREFIXES: Strings = Strings {
    name: "exempt_name_prefixes",
    meaning: "Users whose name begins so may have policies of their own, such as ses-smtp-user.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-user-direct-policies",
    title: "Users get permissions only through groups",
    severity: Severity::Low,
    resource: "IAM user",
    rationale: "Permissions that hang on single users are granted one by one and reviewed by nobody. When a person changes \
        jobs, what hangs on the group is taken away with the membership, and the rest stays.",
    rule: "FAIL if the user has an inline policy or an attached managed policy.",
    exemptions: "Users whose name begins with one of exempt_name_prefixes are NOT_APPLICABLE; by default there are none.",
    blind_spots: "An earlier text of Security Hub IAM.2 exempts users that Amazon SES makes; today's does not say. \
        What the groups of the user allow is not judged here. A permissions boundary is no permission and does not \
        count.",
    remediation: Remediation {
        summary: "Move the policies to a group, and the user into it.",
        steps: &[
            "Create a group for the job, attach the policies, and add the user: aws iam add-user-to-group --user-name \
             USER_NAME --group-name GROUP_NAME.",
            "Then detach and delete them from the user: aws iam detach-user-policy --user-name USER_NAME --policy-arn \
             POLICY_ARN, and aws iam delete-user-policy --user-name USER_NAME --policy-name POLICY_NAME after saving its \
             document.",
            "To verify: aws iam list-attached-user-policies and aws iam list-user-policies, with --user-name USER_NAME, list \
             nothing.",
        ],
        commands: &[
            "aws iam list-attached-user-policies --user-name={user}",
            "aws iam list-user-policies --user-name={user}",
            "aws iam detach-user-policy --user-name={user} --policy-arn=POLICY_ARN",
        ],
        risk: "Others in the group get the same permissions. aws iam attach-user-policy and aws iam put-user-policy with the \
            saved document take it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(EXEMPT_NAME_PREFIXES)],
    elsewhere: &[
        "AWS Security Hub IAM.2",
        "AWS Config iam-user-no-policies-check",
        "Prowler iam_policy_attached_only_to_group_or_roles",
        "Steampipe iam_user_no_policies",
        "CIS AWS Foundations 7.0.0 2.13",
        "Steampipe iam_user_no_inline_attached_policies",
        "ScoutSuite iam-user-with-policies",
        "ScoutSuite iam-human-user-with-policies",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let prefixes = scope.values.strings(&EXEMPT_NAME_PREFIXES);
    if let Some(prefix) = prefixes.into_iter().find(|prefix| user.name.starts_with(prefix)) {
        let reason = format!("the configuration exempts users whose name begins with {prefix}");
        return Ok(Judgement::not_applicable(reason).because_of(&user.source));
    }
    let inline = user.inline_policies.iter().map(|policy| format!("inline policy {}", policy.name));
    let attached = user.attached_policies.iter().map(|policy| policy.arn.clone());
    let policies: Vec<String> = inline.chain(attached).collect();
    let judgement = if policies.is_empty() {
        Judgement::pass("the user has no policy of its own")
    } else {
        Judgement::fail(format!("the user has policies of its own: {}", policies.join(", ")))
    };
    Ok(judgement.because_of(&user.source).because_of_all(user.inline_policies.iter().map(|policy| &policy.source)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::AttachedPolicy;

    fn attached() -> Vec<AttachedPolicy> {
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
        vec![AttachedPolicy { name: "ReadOnlyAccess".to_owned(), arn }]
    }

    #[test]
    fn inline_and_attached_policies_fail_and_a_boundary_does_not() {
        let verdict = |user: &User| judge_user(&CHECK, user, &World::new()).unwrap().verdict;
        assert_eq!(verdict(&user()), Verdict::Pass);
        assert_eq!(verdict(&User { attached_policies: attached(), ..user() }), Verdict::Fail);
        assert_eq!(verdict(&User { inline_policies: vec![inline("p", statements(""))], ..user() }), Verdict::Fail);
        let bounded = User { permissions_boundary: Some(attached()[0].arn.clone()), ..user() };
        assert_eq!(verdict(&bounded), Verdict::Pass);
    }

    #[test]
    fn a_document_that_could_not_be_read_is_a_policy_all_the_same() {
        let unread = inline("p", Err(denied("iam:GetAccountAuthorizationDetails")));
        let user = User { inline_policies: vec![unread], ..user() };
        assert_eq!(judge_user(&CHECK, &user, &World::new()).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn users_may_be_exempt_by_name() {
        let values = Values::with(EXEMPT_NAME_PREFIXES.name, Value::Strings(vec!["ses-smtp-user.".to_owned()]));
        let world = World { values, ..World::new() };
        let of_ses = User { name: "ses-smtp-user.1".to_owned(), attached_policies: attached(), ..user() };
        assert_eq!(judge_user(&CHECK, &of_ses, &world).unwrap().verdict, Verdict::NotApplicable);
        let alice = User { attached_policies: attached(), ..user() };
        assert_eq!(judge_user(&CHECK, &alice, &world).unwrap().verdict, Verdict::Fail);
    }
}
