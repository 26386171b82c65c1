//! Groups without users.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Group;

pub(super) const CHECK: Check = Check {
    id: "iam-group-empty",
    title: "Every group has a user",
    severity: Severity::Low,
    resource: "IAM group",
    rationale: "An empty group is a set of permissions that waits for somebody. Nobody reviews it, and whoever may add users \
        to groups can step into it.",
    rule: "FAIL if no user of the account is in the group. Membership is read from the users (GroupList).",
    exemptions: "None.",
    blind_spots: "What the group allows is not judged here.",
    remediation: Remediation {
        summary: "Delete the group, or add the users that it was made for.",
        steps: &[
            "If the group is not needed, detach its policies (aws iam detach-group-policy --group-name GROUP_NAME \
             --policy-arn POLICY_ARN), delete its inline policies after saving them, then aws iam delete-group --group-name \
             GROUP_NAME.",
            "To verify: aws iam get-group --group-name GROUP_NAME says NoSuchEntity, or lists a user.",
        ],
        commands: &["aws iam get-group --group-name={group}", "aws iam delete-group --group-name={group}"],
        risk: "None today: nobody is in it. Automation may expect the group by name; to take it back, create it again with \
            the saved policies.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[],
    elsewhere: &[
        "AWS Config iam-group-has-users-check",
        "Steampipe iam_group_not_empty",
        "ScoutSuite iam-group-with-no-users",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Group(judge)],
};

fn judge(group: &Group, scope: &Scope<'_>) -> Judged {
    let users = &scope.account.iam.users;
    let mut members = users.known().iter().filter(|user| user.groups.contains(&group.name));
    let judgement = if let Some(first) = members.next() {
        let more = match members.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Judgement::pass(format!("{}{more} in the group", first.name)).because_of(&first.source.child("GroupList"))
    } else {
        users.whole()?;
        Judgement::fail("no user is in the group")
    };
    Ok(judgement.because_of(&group.source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Listing, User};

    fn judged(users: Listing<User>) -> Judged {
        let mut world = World::new();
        world.account.iam.users = users;
        judge_group(&CHECK, &group(), &world)
    }

    fn member() -> User {
        User { groups: vec!["Readers".to_owned()], ..user() }
    }

    #[test]
    fn a_member_passes_and_users_of_other_groups_do_not_count() {
        assert_eq!(judged(Listing::complete(vec![user(), member()])).unwrap().verdict, Verdict::Pass);
        let elsewhere = User { groups: vec!["Writers".to_owned()], ..user() };
        assert_eq!(judged(Listing::complete(vec![elsewhere])).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn without_every_user_nothing_is_said_unless_a_member_is_known() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judged(Listing::partial(vec![user()], gap.clone())), Err(gap.clone()));
        assert_eq!(judged(Listing::partial(vec![member()], gap)).unwrap().verdict, Verdict::Pass);
    }
}
