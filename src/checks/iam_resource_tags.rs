//! Users and roles without tags.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Role, Source, Tags, User};

const REQUIRED_KEYS: Strings = Strings {
    name: "required_keys",
    meaning: "Tag keys that every user and role must have; with none, any tag of the customer will do.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-resource-tags",
    title: "Users and roles are tagged",
    severity: Severity::Low,
    resource: "IAM user or role",
    rationale: "Tags say whom to ask about a user or a role, and let policies grant by owner or environment. Without them a \
        review guesses from names.",
    rule: "FAIL if the user or role has no tag whose key does not begin with aws:, or lacks one of required_keys where the \
        configuration names some. Keys are compared with their case.",
    exemptions: "Service-linked roles, which only AWS can change, are NOT_APPLICABLE.",
    blind_spots: "Whether the values are right is not known. Policies, providers and other resources of IAM can have tags as \
        well; they are not looked at.",
    remediation: Remediation {
        summary: "Tag the user or role with its owner and purpose.",
        steps: &[
            "Run aws iam tag-role --role-name ROLE_NAME --tags Key=Owner,Value=TEAM, or aws iam tag-user --user-name \
             USER_NAME --tags Key=Owner,Value=TEAM.",
            "Put the tags into the templates that create users and roles, and require them by a tag policy.",
            "To verify: aws iam list-role-tags --role-name ROLE_NAME, or aws iam list-user-tags --user-name USER_NAME.",
        ],
        commands: &[
            "aws iam tag-user --user-name={user} --tags=Key=Owner,Value=TEAM",
            "aws iam tag-role --role-name={role} --tags=Key=Owner,Value=TEAM",
        ],
        risk: "Policies that look at tags (aws:PrincipalTag, iam:ResourceTag) may grant or deny by the new tag: look \
            for them first. aws iam untag-role and untag-user take it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(REQUIRED_KEYS)],
    elsewhere: &[
        "AWS Security Hub IAM.24 (roles)",
        "AWS Security Hub IAM.25 (users)",
        "AWS Config tagged-iam-role (custom rule)",
        "AWS Config tagged-iam-user (custom rule)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge_user), Rule::Role(judge_role)],
};

#[expect(clippy::unnecessary_wraps, reason = "every rule may lack a fact; tags come with the user")]
fn judge_user(user: &User, scope: &Scope<'_>) -> Judged {
    Ok(judge(&user.tags, &user.source, scope))
}

#[expect(clippy::unnecessary_wraps, reason = "every rule may lack a fact; tags come with the role")]
fn judge_role(role: &Role, scope: &Scope<'_>) -> Judged {
    if role.is_service_linked() {
        return Ok(Judgement::not_applicable("only AWS can tag a service-linked role").because_of(&role.source));
    }
    Ok(judge(&role.tags, &role.source, scope))
}

fn judge(tags: &Tags, source: &Source, scope: &Scope<'_>) -> Judgement {
    let own: Vec<&str> = tags.keys().map(String::as_str).filter(|key| !key.starts_with("aws:")).collect();
    let mut lacking = scope.values.strings(&REQUIRED_KEYS);
    lacking.retain(|key| !own.contains(key));
    let judgement = if own.is_empty() {
        Judgement::fail("there is no tag")
    } else if !lacking.is_empty() {
        Judgement::fail(format!("the tags {} are missing", lacking.join(", ")))
    } else {
        Judgement::pass(format!("there are the tags {}", own.join(", ")))
    };
    judgement.because_of(&source.child("Tags"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn verdict(tags: &[&str], required: &[&str]) -> Verdict {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let values = match required {
            [] => Values::default(),
            names => Values::with(REQUIRED_KEYS.name, Value::Strings(owned(names))),
        };
        let world = World { values, ..World::new() };
        let tags: Tags = owned(tags).into_iter().map(|key| (key, String::new())).collect();
        let user = User { tags: tags.clone(), ..user() };
        let role = Role { tags, ..role("/") };
        let of_user = world.ask(|scope| super::judge_user(&user, scope)).unwrap().verdict;
        assert_eq!(world.ask(|scope| super::judge_role(&role, scope)).unwrap().verdict, of_user);
        of_user
    }

    #[test]
    fn a_tag_of_the_customer_is_needed() {
        assert_eq!(verdict(&["Owner"], &[]), Verdict::Pass);
        assert_eq!(verdict(&[], &[]), Verdict::Fail);
        assert_eq!(verdict(&["aws:cloudformation:stack-name"], &[]), Verdict::Fail);
    }

    #[test]
    fn keys_that_the_configuration_names_must_be_there_with_their_case() {
        assert_eq!(verdict(&["Owner", "Stage"], &["Owner"]), Verdict::Pass);
        assert_eq!(verdict(&["owner"], &["Owner"]), Verdict::Fail);
    }

    #[test]
    fn service_linked_roles_are_exempt() {
        let role = role("/aws-service-role/x.amazonaws.com/");
        let judged = World::new().ask(|scope| super::judge_role(&role, scope)).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
    }
}
