//! Roles that nobody uses.

use jiff::SignedDuration;

use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, Role};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

const MAX_DAYS: Integer = Integer {
    name: "max_days",
    meaning: "How long a role may go unused.",
    unit: "days",
    default: 90,
    least: 1,
    most: 400,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-role-unused",
    title: "Roles that nobody uses are removed",
    severity: Severity::Low,
    resource: "IAM role",
    rationale: "A role that nobody uses is a door that nobody watches: what it may do, and whom it trusts, was right for \
        something that is gone.",
    rule: "FAIL if the later of RoleLastUsed and CreateDate lies more than max_days (90) before the as-of time. A \
        role without a LastUsedDate was not used in the time that IAM tracks, 400 days.",
    exemptions: "Service-linked roles, which only AWS can delete while the service needs them, are NOT_APPLICABLE.",
    blind_spots: "A role for emergencies or for a yearly task is rightly unused; a waiver says so. IAM gives the last use to \
        the day and some hours late, and only of the Region where it was last.",
    remediation: Remediation {
        summary: "Make sure that nobody needs the role, then delete it.",
        steps: &[
            "Look where the role is named: instance profiles, templates, trust of other accounts. Ask its owner.",
            "Try it out: save the trust policy and take everybody out of it by aws iam update-assume-role-policy.",
            "After some weeks detach and delete its policies, then aws iam delete-role --role-name ROLE_NAME.",
            "To verify: aws iam get-role --role-name ROLE_NAME says NoSuchEntity, or RoleLastUsed is young.",
        ],
        commands: &[
            "aws iam get-role --role-name={role} --query=Role.RoleLastUsed",
            "aws iam get-role --role-name={role} --query=Role.AssumeRolePolicyDocument > trust-before.json",
            "aws iam list-attached-role-policies --role-name={role}",
            "aws iam delete-role --role-name={role}",
        ],
        risk: "A rare task fails when it next runs. The saved trust policy takes it back; a deleted role must be created \
            again, and key policies and grants that name it do not know the new one.",
    },
    reads: &[DETAILS],
    parameters: &[Parameter::Integer(MAX_DAYS)],
    elsewhere: &["Steampipe iam_role_unused_60"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Role(judge)],
};

fn judge(role: &Role, scope: &Scope<'_>) -> Judged {
    if role.is_service_linked() {
        let reason = "only AWS can delete a service-linked role that a service needs";
        return Ok(Judgement::not_applicable(reason).because_of(&role.source));
    }
    let days = scope.values.integer(&MAX_DAYS);
    let last_used = role.last_used.clone()?;
    let Some(since) = last_used.max(role.create_date) else {
        return Err(Gap::malformed(DETAILS, &[&role.arn], "it has no CreateDate"));
    };
    let words = match last_used {
        Some(used) => format!("last used at {used}"),
        None => format!("not known to have been used, there since {since}"),
    };
    let judgement = if scope.as_of.duration_since(since) > SignedDuration::from_hours(24 * days) {
        Judgement::fail(format!("the role is {words}, more than {days} days ago"))
    } else {
        Judgement::pass(format!("the role is {words}, no more than {days} days ago"))
    };
    Ok(judgement.because_of(&role.source.child("RoleLastUsed")))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn used(day: Option<&str>, created: Option<&str>) -> Role {
        let time = |day: &str| day.parse().unwrap();
        Role { last_used: Ok(day.map(time)), create_date: created.map(time), ..role("/") }
    }

    fn verdict(role: &Role) -> Verdict {
        judge_role(&CHECK, role, &World::new()).unwrap().verdict
    }

    const OLD: &str = "2026-07-01T23:59:59Z";
    const YOUNG: &str = "2026-07-02T00:00:00Z";

    #[test]
    fn ninety_days_without_use_are_allowed_and_a_second_more_is_not() {
        assert_eq!(verdict(&used(Some(YOUNG), Some("2020-01-01T00:00:00Z"))), Verdict::Pass);
        assert_eq!(verdict(&used(Some(OLD), Some("2020-01-01T00:00:00Z"))), Verdict::Fail);
        let values = Values::with(MAX_DAYS.name, Value::Integer(91));
        let world = World { values, ..World::new() };
        assert_eq!(judge_role(&CHECK, &used(Some(OLD), None), &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn a_role_that_was_never_used_ages_from_its_creation() {
        assert_eq!(verdict(&used(None, Some(YOUNG))), Verdict::Pass);
        assert_eq!(verdict(&used(None, Some(OLD))), Verdict::Fail);
    }

    #[test]
    fn service_linked_roles_are_exempt() {
        assert_eq!(verdict(&role("/aws-service-role/x.amazonaws.com/")), Verdict::NotApplicable);
    }

    #[test]
    fn without_last_use_or_any_date_nothing_is_said() {
        assert!(judge_role(&CHECK, &used(None, None), &World::new()).is_err());
        let gap = denied(DETAILS);
        let unread = Role { last_used: Err(gap.clone()), ..role("/") };
        assert_eq!(judge_role(&CHECK, &unread, &World::new()), Err(gap));
    }
}
