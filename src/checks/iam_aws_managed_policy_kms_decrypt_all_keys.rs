//! Users, groups and roles that AWS managed policies let decrypt with all keys.

use super::iam_managed_policy_kms_decrypt_all_keys::DECRYPTION;
use super::recipients::{self, Held, Stake};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, reference};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Arn, Gap, Principal};
use crate::policy::Level;

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

const ALLOWED_POLICIES: Strings = Strings {
    name: "allowed_policies",
    meaning: "Names of AWS managed policies that may be attached although they open all keys.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-aws-managed-policy-kms-decrypt-all-keys",
    title: "AWS managed policies open no keys of the account",
    severity: Severity::Low,
    resource: "IAM user, group or role",
    rationale: "AdministratorAccess, PowerUserAccess and others let their holders decrypt with every key whose policy trusts \
        IAM. Checks that look at customer managed policies only do not see it, and AWS may widen such a policy any day.",
    rule: "For each user, group and role with an attached AWS managed policy: FAIL if the default version of one of them, by \
        itself, allows kms:Decrypt or kms:ReEncryptFrom on all keys (level ALL), or on all but some that it names \
        (ALL_EXCEPT_...), and its name is not in allowed_policies (by default none). The level is told as in \
        iam-managed-policy-kms-decrypt-all-keys. UNDECIDED if it depends on what AWS does not document.",
    exemptions: "Users, groups and roles without an AWS managed policy, and service-linked roles, are NOT_APPLICABLE.",
    blind_spots: "Each document is judged alone; boundaries, SCPs and key policies are not combined: who can really \
        decrypt is told by keyproof access. Members of a group are not named; the group is.",
    remediation: Remediation {
        summary: "Attach a customer managed policy that names the keys instead.",
        steps: &[
            "Find out which keys the holder uses: CloudTrail events Decrypt and ReEncrypt of the last 90 days.",
            "Write a customer managed policy for the task, or put a permissions boundary over the holder that denies \
             kms:Decrypt on other keys.",
            "Attach it, then aws iam detach-role-policy --role-name ROLE_NAME --policy-arn POLICY_ARN, or \
             detach-user-policy, or detach-group-policy.",
            "To verify: aws iam list-attached-role-policies --role-name ROLE_NAME does not list it.",
        ],
        commands: &[
            "aws iam list-attached-user-policies --user-name={user}",
            "aws iam list-attached-group-policies --group-name={group}",
            "aws iam list-attached-role-policies --role-name={role}",
        ],
        risk: "Work that rested on the policy fails until it is listed; aws iam attach-role-policy takes it back. \
            Make sure that another administrator can sign in before taking AdministratorAccess away.",
    },
    reads: &[DETAILS],
    parameters: &[Parameter::Strings(ALLOWED_POLICIES)],
    elsewhere: &["None known: AWS managed policies are outside of Security Hub KMS.1 and KMS.2"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Principal(judge)],
};

fn judge(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    if principal.is_service_linked() {
        let reason = "only AWS can change the policies of a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(principal.source()));
    }
    let is_of_aws = |arn: &str| Arn::parse(arn).is_some_and(|arn| arn.account_id == "aws");
    let attached: Vec<_> = principal.attached_policies().iter().filter(|policy| is_of_aws(&policy.arn)).collect();
    if attached.is_empty() {
        return Ok(Judgement::not_applicable("no AWS managed policy is attached").because_of(principal.source()));
    }
    let allowed = scope.values.strings(&ALLOWED_POLICIES);
    let policies = &scope.account.iam.policies;
    let (mut opening, mut unsure, mut statements, mut sources) = (vec![], vec![], vec![], vec![]);
    let mut documents = vec![];
    let mut missing: Option<Gap> = None;
    for it in attached.iter().filter(|it| !allowed.contains(&it.name.as_str())) {
        let Some(policy) = scope.reach.managed_policy(&it.arn) else {
            let gap = policies.gap().cloned();
            missing = missing.or_else(|| gap.or_else(|| Some(Gap::not_collected(DETAILS, &[&it.arn]))));
            continue;
        };
        let document = match &policy.document {
            Ok(document) => document,
            Err(gap) => {
                missing = missing.or_else(|| Some(gap.clone()));
                continue;
            }
        };
        sources.push(&policy.document_source);
        let studied = scope.reach.studied(document);
        let answers = DECRYPTION.map(|action| (action, studied.coverage(action)));
        if let Some((action, found)) = answers.iter().find(|(_, found)| found.level.is_all_but_named()) {
            opening.push(format!("{} opens all keys to {action} ({})", it.name, found.level));
            let of = document.statements.iter().filter(|statement| found.statements.contains(&statement.index));
            documents.push(document.as_ref());
            statements.extend(of.map(|statement| reference(&policy.arn, statement)));
        } else if answers.iter().any(|(_, it)| it.level == Level::Unknown || it.widest_level().is_all_but_named()) {
            unsure.push(format!("whether {} opens all keys depends on what AWS does not document", it.name));
        }
    }
    let judgement = if !opening.is_empty() {
        Judgement::fail(opening.join("; "))
    } else if let Some(gap) = missing {
        return Err(gap);
    } else if !unsure.is_empty() {
        Judgement::undecided(unsure.join("; "))
    } else {
        let names: Vec<&str> = attached.iter().map(|policy| policy.name.as_str()).collect();
        Judgement::pass(format!(
            "none of the attached AWS managed policies counts as opening all keys: {}",
            names.join(", ")
        ))
    };
    let judgement = judgement.by_statements(statements).because_of_all(sources);
    let stake = || Stake { documents, actions: DECRYPTION.map(str::to_owned).to_vec(), head: None };
    recipients::named(Ok(judgement), Held::By(principal), stake, scope)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{AttachedPolicy, Document, Listing, ManagedPolicy, Role, User};

    const ARN: &str = "arn:aws:iam::aws:policy/Example";

    fn world(document: Document) -> World {
        let mut world = World::new();
        let policy = ManagedPolicy { arn: ARN.to_owned(), ..managed(document) };
        world.account.iam.policies = Listing::complete(vec![policy]);
        world
    }

    fn holder(arn: &str) -> User {
        let attached = AttachedPolicy { name: "Example".to_owned(), arn: arn.to_owned() };
        User { attached_policies: vec![attached], ..user() }
    }

    fn allow(action: &str) -> Document {
        statements(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}"#))
    }

    fn judged(user: &User, world: &World) -> Judged {
        judge_principal_in(&CHECK, Principal::User(user), world)
    }

    #[test]
    fn a_policy_of_aws_that_opens_all_keys_fails() {
        let failing = judged(&holder(ARN), &world(allow("*"))).unwrap();
        assert_eq!(failing.verdict, Verdict::Fail);
        assert!(failing.reason.contains("Example opens all keys to kms:Decrypt (ALL)"), "{}", failing.reason);
        assert_eq!(failing.statements[0].policy, ARN);
        assert_eq!(judged(&holder(ARN), &world(allow("s3:*"))).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn names_of_the_configuration_are_let_through() {
        let values = Values::with(ALLOWED_POLICIES.name, Value::Strings(vec!["Example".to_owned()]));
        let world = World { values, ..world(allow("*")) };
        assert_eq!(judged(&holder(ARN), &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn principals_without_such_a_policy_and_service_linked_roles_are_exempt() {
        let world = world(allow("*"));
        assert_eq!(judged(&user(), &world).unwrap().verdict, Verdict::NotApplicable);
        let own = holder("arn:aws:iam::111122223333:policy/Example");
        assert_eq!(judged(&own, &world).unwrap().verdict, Verdict::NotApplicable);
        let attached_policies = holder(ARN).attached_policies;
        let of_aws = Role { attached_policies, ..role("/aws-service-role/x.amazonaws.com/") };
        let judged = judge_principal_in(&CHECK, Principal::Role(&of_aws), &world).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_the_document_nothing_is_said() {
        let gap = denied(DETAILS);
        assert_eq!(judged(&holder(ARN), &world(Err(gap.clone()))), Err(gap.clone()));
        let mut world = world(allow("s3:*"));
        world.account.iam.policies = Listing::missing(gap.clone());
        assert_eq!(judged(&holder(ARN), &world), Err(gap));
        world.account.iam.policies = Listing::complete(vec![]);
        assert!(judged(&holder(ARN), &world).unwrap_err().reason().contains(ARN));
    }
}
