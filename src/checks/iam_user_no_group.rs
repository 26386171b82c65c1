//! Users who are in no group.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::User;

const GROUP_NAMES: Strings = Strings {
    name: "group_names",
    meaning: "Groups that every user must be in; with none, any group will do.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-user-no-group",
    title: "Every user is in a group",
    severity: Severity::Low,
    resource: "IAM user",
    rationale: "Groups are where permissions are granted and reviewed. A user outside every group either may do nothing, and \
        can go, or has permissions that no review of groups shows.",
    rule: "FAIL if the user is in no group, or not in all of group_names if the configuration names some.",
    exemptions: "None.",
    blind_spots: "What the groups allow is not judged here.",
    remediation: Remediation {
        summary: "Add the user to the group of its job, or delete the user.",
        steps: &[
            "If nobody needs the user, delete it. Otherwise: aws iam add-user-to-group --user-name USER_NAME --group-name \
             GROUP_NAME.",
            "Take policies that hang on the user itself off it, where the group grants the same.",
            "To verify: aws iam list-groups-for-user --user-name USER_NAME lists the group.",
        ],
        commands: &[
            "aws iam add-user-to-group --user-name={user} --group-name=GROUP_NAME",
            "aws iam list-groups-for-user --user-name={user}",
        ],
        risk: "The user gets the permissions of the group, and loses them by aws iam remove-user-from-group. A Deny in the \
            group can take something away, until the user leaves the group again.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(GROUP_NAMES)],
    elsewhere: &[
        "AWS Config iam-user-group-membership-check",
        "Steampipe iam_user_in_group",
        "ScoutSuite iam-user-not-in-common-group (with group_names)",
        "ScoutSuite iam-user-not-in-category-group (with group_names)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let mut lacking = scope.values.strings(&GROUP_NAMES);
    lacking.retain(|name| user.groups.iter().all(|group| group != name));
    let judgement = if user.groups.is_empty() {
        Judgement::fail("the user is in no group")
    } else if !lacking.is_empty() {
        Judgement::fail(format!("the user is not in {}", lacking.join(", ")))
    } else {
        Judgement::pass(format!("the user is in {}", user.groups.join(", ")))
    };
    Ok(judgement.because_of(&user.source.child("GroupList")))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn verdict(groups: &[&str], asked: &[&str]) -> Verdict {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let values = match asked {
            [] => Values::default(),
            names => Values::with(GROUP_NAMES.name, Value::Strings(owned(names))),
        };
        let user = User { groups: owned(groups), ..user() };
        judge_user(&CHECK, &user, &World { values, ..World::new() }).unwrap().verdict
    }

    #[test]
    fn any_group_will_do_unless_some_are_asked_for() {
        assert_eq!(verdict(&["Readers"], &[]), Verdict::Pass);
        assert_eq!(verdict(&[], &[]), Verdict::Fail);
        assert_eq!(verdict(&["Readers"], &["Everybody"]), Verdict::Fail);
        assert_eq!(verdict(&["Readers", "Everybody"], &["Everybody"]), Verdict::Pass);
    }
}
