//! Keys that people can destroy with a password or an access key alone.

use std::collections::BTreeMap;

use super::key_policy::{self, Answer, Asking, OfClasses, Policies, Who, conclude, unanswered};
use super::{Check, Form, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::access::{Directory, Principal, PrincipalKind, StandIns};
use crate::finding::{Judgement, Severity, StatementReference, Status, Verdict};
use crate::model::{Account, Key, Role};
use crate::policy::{self, Access, ConditionTest, Effect, Match, Statement, Unanswered};

const ACTIONS: Strings = Strings {
    name: "actions",
    meaning: "The operations that need MFA.",
    default: DESTROY,
    form: Form::OneOf(DESTROY),
    loosens: Loosens::Less,
};

const MAX_MFA_AGE: Integer = Integer {
    name: "max_mfa_age",
    meaning: "How old the MFA of a user may be who calls the operations; 0 stands for any age.",
    unit: "seconds",
    default: 0,
    least: 0,
    most: 129_600,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-destructive-without-mfa",
    title: "People destroy keys or change their policies with MFA only",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "Deleting or disabling a key takes away everything that it protects, and changing its policy takes the key over. \
        A stolen password or access key must not be enough for it.",
    rule: "For customer managed keys, effective access is computed for the users of the account, and for its roles that users \
        or accounts may assume, in requests without MFA: aws:MultiFactorAuthPresent is absent or false, and \
        aws:MultiFactorAuthAge is absent. FAIL if one of them may then call ScheduleKeyDeletion, DeleteImportedKeyMaterial, \
        DeleteAlias, DisableKey or PutKeyPolicy; PASS if MFA is always needed, or no user or role may call them at all.",
    exemptions: "NOT_APPLICABLE, with the reason: AWS managed keys; keys on which only roles of AWS services and of identity \
        providers may call the operations, because their sessions cannot carry MFA. A role of which the trust policy demands \
        MFA counts as having it.",
    blind_spots: "The root user is not judged here; iam-root-mfa is. Whether an identity provider asks for a second factor \
        cannot be seen. Of DeleteAlias the half on the key is judged. A role may be assumed by a chain of other roles, of \
        which the first needs no MFA; how old the MFA of a user may be is judged only where max_mfa_age sets a limit, that of a role never.",
    remediation: Remediation {
        summary: "Demand MFA for the destructive operations in the key policy.",
        steps: &[
            "Add to the key policy a Deny of the operations for everyone with the condition BoolIfExists \
             aws:MultiFactorAuthPresent false, and spare by aws:PrincipalArn the automation that needs them.",
            "Or demand MFA where people become the role: Bool aws:MultiFactorAuthPresent true in its trust policy.",
            "BoolIfExists with true in an Allow does not help: it also holds for access keys without MFA.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Pipelines that change key policies with access keys or roles fail unless they are spared. Putting the old \
            policy back undoes it.",
    },
    reads: &[
        "iam:GetAccountAuthorizationDetails",
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:ListKeyPolicies",
        "kms:GetKeyPolicy",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(ACTIONS), Parameter::Integer(MAX_MFA_AGE)],
    elsewhere: &["PMapper sensitive actions without MFA (destruction of keys)"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

pub(super) const DESTROY: &[&str] = &[
    "kms:ScheduleKeyDeletion",
    "kms:DeleteImportedKeyMaterial",
    "kms:DeleteAlias",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
];

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    // No grant can give any of the operations.
    key_policy::judged(key, |policies| scope.reach.once(CHECK.id, &key.arn, || answer(policies, scope)))
}

fn answer(policies: &Policies<'_>, scope: &Scope<'_>) -> Judged {
    let key = policies.without_grants(scope.reach)?;
    let destroy = Asking::new(scope.reach, &key, &scope.values.strings(&ACTIONS));
    let question = Question { policies, scope, destroy };
    let (mut answers, mut machines) = (Vec::new(), Vec::new());
    let stand_ins = scope.reach.stand_ins();
    let mut of_classes = OfClasses::new(stand_ins, &key);
    for Actor { arn, becomes, class } in scope.reach.actors() {
        let said = of_classes.said(
            *class,
            *becomes,
            |who| question.destroy.may_be_of(who),
            |who| question.found(who, *becomes),
        );
        match (said, becomes) {
            (Ok(None), _) => {}
            (Ok(Some(_)), Becomes::Machine) => machines.push(arn.as_str()),
            (Ok(Some(found)), _) => answers.push(found.of(arn)),
            (Err(error), _) => return Ok(unanswered(&error)),
        }
    }
    if answers.iter().all(|answer| answer.verdict != Verdict::Fail) {
        // Somebody who was not listed may do it.
        scope.account.iam.users.whole()?;
        scope.account.iam.roles.whole()?;
    }
    Ok(match machines.as_slice() {
        [first, ..] if answers.is_empty() => Judgement::not_applicable(format!(
            "only roles of services and identity providers, whose sessions cannot carry MFA, may destroy the key or change \
                 its policy, for example {first}"
        )),
        _ => conclude(answers, "no user or role of the account may destroy the key or change its policy"),
    })
}

/// Who acts as a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Becomes {
    /// Somebody who signs in; for certain or not.
    Person(bool),
    /// Somebody who signed in with MFA.
    PersonWithMfa,
    /// An AWS service, or whoever an identity provider says.
    Machine,
}

/// A user or role of the account, with who acts as it.
#[derive(Debug)]
pub(super) struct Actor {
    arn: String,
    becomes: Becomes,
    /// Its class in decisions on keys of the account.
    class: usize,
}

/// The users and roles of an account, sorted by ARN.
pub(super) fn actors(directory: &Directory, stand_ins: &StandIns, account: &Account) -> Vec<Actor> {
    let roles: BTreeMap<&str, &Role> = account.iam.roles.known().iter().map(|role| (role.arn.as_str(), role)).collect();
    let actor = |principal: &Principal| {
        let becomes = match principal.kind {
            PrincipalKind::User => Becomes::Person(true),
            PrincipalKind::Role => {
                roles.get(principal.arn.as_str()).map_or(Becomes::Person(true), |role| who_becomes(role))
            }
            _ => return None,
        };
        Some(Actor { arn: principal.arn.clone(), becomes, class: stand_ins.class_of(principal)? })
    };
    directory.principals().filter_map(actor).collect()
}

fn who_becomes(role: &Role) -> Becomes {
    let Ok(trust) = &role.trust_policy else { return Becomes::Person(false) };
    let of_people: Vec<&Statement> =
        trust.statements_of(Effect::Allow).filter(|statement| is_for_people(statement, role)).collect();
    match of_people.as_slice() {
        [] => Becomes::Machine,
        statements if statements.iter().all(|it| demands_mfa(it)) => Becomes::PersonWithMfa,
        _ => Becomes::Person(true),
    }
}

/// Whether users or accounts may assume the role by a statement of its trust policy.
fn is_for_people(statement: &Statement, role: &Role) -> bool {
    use policy::Principal as Entry;
    let Some(element) = &statement.principal else { return false };
    let is_person = |entry: &Entry| {
        matches!(entry, Entry::Everyone | Entry::Account { .. } | Entry::User(_) | Entry::Role(_) | Entry::Session(_))
            || matches!(entry, Entry::FederatedUser(_) | Entry::UniqueId(_))
    };
    !role.is_service_linked()
        && statement.matches_action("sts:AssumeRole") != Match::No
        && (element.negated || element.entries.iter().any(is_person))
}

/// Whether a statement applies to callers with MFA alone.
fn demands_mfa(statement: &Statement) -> bool {
    statement.tests().any(|test| {
        let policy::Operator::Compare(comparing) = test.operator else { return false };
        let is_plain = !comparing.negated && !comparing.if_exists && comparing.quantifier.is_none();
        let is_true = || test.values.iter().all(|value| value.source().eq_ignore_ascii_case("true"));
        is_plain
            && !test.values.is_empty()
            && match (test.key.as_str(), comparing.comparison) {
                ("aws:multifactorauthpresent", policy::Comparison::Bool) => is_true(),
                ("aws:multifactorauthage", policy::Comparison::Numeric(_)) => true,
                _ => false,
            }
    })
}

/// One key and the operations on it.
struct Question<'a> {
    policies: &'a Policies<'a>,
    scope: &'a Scope<'a>,
    destroy: Asking<'a>,
}

/// What is said of whoever is like a principal.
struct Found {
    verdict: Verdict,
    /// What follows the ARN in a reason.
    text: String,
    statements: Vec<StatementReference>,
}

impl Found {
    fn of(&self, arn: &str) -> Answer {
        Answer::new(self.verdict, format!("{arn} {}", self.text), self.statements.iter().cloned())
    }
}

impl Question<'_> {
    fn found(&self, who: Who<'_>, becomes: Becomes) -> Result<Option<Found>, Unanswered> {
        match becomes {
            Becomes::Person(is_certain) => self.person(who, is_certain),
            Becomes::PersonWithMfa | Becomes::Machine => self.guarded(who),
        }
    }

    /// What is said of somebody who signs in with or without MFA.
    fn person(&self, who: Who<'_>, is_certain: bool) -> Result<Option<Found>, Unanswered> {
        let directory = self.scope.reach.directory();
        let plain = directory.without_mfa(who.principal);
        let without =
            self.destroy.first(who.altered("without MFA", &plain))?.map(|found| (found, "without MFA".to_owned()));
        let age = self.scope.values.integer(&MAX_MFA_AGE);
        let found = match without {
            None if age > 0 && who.principal.kind == PrincipalKind::User => {
                let older = ConditionTest::literal("NumericGreaterThan", "aws:MultiFactorAuthAge", &[&age.to_string()]);
                let older = who.principal.in_requests([older]);
                let found = self.destroy.first(who.altered("with older MFA", &older))?;
                found.map(|found| (found, format!("with MFA older than {age} seconds")))
            }
            without => without,
        };
        let Some(((action, cell), how)) = found else { return self.guarded(who) };
        let is_open = cell.access == Access::Possible || !is_certain;
        let (verdict, may) = if is_open { (Verdict::Undecided, "may perhaps") } else { (Verdict::Fail, "may") };
        let text = format!("{may} call {} {how}", action.name());
        Ok(Some(Found { verdict, text, statements: self.policies.deciding(&cell) }))
    }

    /// What is said of somebody who can do it with MFA alone, or who is no person.
    fn guarded(&self, who: Who<'_>) -> Result<Option<Found>, Unanswered> {
        let found = self.destroy.first(who)?;
        Ok(found.map(|(action, cell)| Found {
            verdict: Verdict::Pass,
            text: format!("may call {} with MFA alone", action.name()),
            statements: self.policies.deciding(&cell),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::model::{Listing, User};

    fn deny(condition: &str) -> String {
        format!(
            r#"{{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {{{condition}}}}}"#
        )
    }

    fn key_of(more: &str) -> Key {
        let own = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "kms:*", "Resource": "*"}}{more}"#
        );
        Key { policies: Listing::complete(vec![key_policy(statements(&own))]), ..key() }
    }

    fn allow(rest: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Action": "kms:*", "Resource": "*" {rest}}}"#)
    }

    fn with_user(policy: &str) -> World {
        let mut world = World::new();
        let inline_policies = vec![inline("policy", statements(policy))];
        world.account.iam.users = Listing::complete(vec![User { inline_policies, ..user() }]);
        world
    }

    fn with_role(trust: &str) -> World {
        let mut world = World::new();
        let inline_policies = vec![inline("policy", statements(&allow("")))];
        let trust_policy = statements(&format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", {trust}}}"#));
        world.account.iam.roles = Listing::complete(vec![Role { inline_policies, trust_policy, ..role("/") }]);
        world
    }

    fn judged(key: &Key, world: &World) -> Judgement {
        judge_key(&CHECK, key, world).unwrap()
    }

    fn verdict(key: &Key, world: &World) -> Verdict {
        judged(key, world).verdict
    }

    #[test]
    fn fewer_operations_may_need_mfa() {
        let of = |action: &str| {
            let values = Values::with(ACTIONS.name, Value::Strings(vec![action.to_owned()]));
            let only = allow("").replace("kms:*", "kms:DisableKey");
            judge_key(&CHECK, &key(), &World { values, ..with_user(&only) }).unwrap().verdict
        };
        assert_eq!((of("kms:DisableKey"), of("kms:PutKeyPolicy")), (Verdict::Fail, Verdict::Pass));
    }

    #[test]
    fn a_user_without_a_demand_for_mfa_fails() {
        let failed = judged(&key(), &with_user(&allow("")));
        assert_eq!(failed.verdict, Verdict::Fail);
        assert_eq!(failed.reason, format!("{} may call kms:ScheduleKeyDeletion without MFA", user().arn));
        for condition in [
            r#""BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}"#,
            r#""Bool": {"aws:MultiFactorAuthPresent": "false"}"#,
            r#""NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "300"}"#,
        ] {
            let condition = format!(r#", "Condition": {{{condition}}}"#);
            assert_eq!(verdict(&key(), &with_user(&allow(&condition))), Verdict::Fail, "{condition}");
        }
        // No request has a key of that name, so that the statement allows nothing.
        let misspelt = r#", "Condition": {"NumericLessThan": {"aws: MultiFactorAuthAge": "300"}}"#;
        assert_eq!(verdict(&key(), &with_user(&allow(misspelt))), Verdict::Pass);
    }

    #[test]
    fn a_demand_for_mfa_in_an_allow_or_a_deny_passes() {
        for condition in [
            r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#,
            r#""NumericLessThan": {"aws:MultiFactorAuthAge": "300"}"#,
        ] {
            let condition = format!(r#", "Condition": {{{condition}}}"#);
            let judgement = judged(&key(), &with_user(&allow(&condition)));
            assert_ne!(judgement.verdict, Verdict::Fail, "{condition}: {}", judgement.reason);
        }
        let if_exists = deny(r#""BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}"#);
        let guarded = judged(&key_of(&format!(", {if_exists}")), &with_user(&allow("")));
        assert_eq!(guarded.verdict, Verdict::Pass, "{}", guarded.reason);
        assert!(guarded.reason.ends_with("may call kms:ScheduleKeyDeletion with MFA alone"), "{}", guarded.reason);
        // An access key carries no such key, so that a plain Bool denies nothing.
        let plain = deny(r#""Bool": {"aws:MultiFactorAuthPresent": "false"}"#);
        assert_eq!(verdict(&key_of(&format!(", {plain}")), &with_user(&allow(""))), Verdict::Fail);
    }

    #[test]
    fn the_age_of_mfa_has_the_limit_that_is_set() {
        let of = |age: i64, condition: &str| {
            let values = Values::with(MAX_MFA_AGE.name, Value::Integer(age));
            let world = World { values, ..with_user(&allow(&format!(r#", "Condition": {{{condition}}}"#))) };
            judged(&key(), &world)
        };
        let young = r#""NumericLessThan": {"aws:MultiFactorAuthAge": "300"}"#;
        let any = r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#;
        assert_eq!(of(0, any).verdict, Verdict::Pass);
        let old = of(300, any);
        assert_eq!(old.verdict, Verdict::Fail);
        assert!(
            old.reason.ends_with("may call kms:ScheduleKeyDeletion with MFA older than 300 seconds"),
            "{}",
            old.reason
        );
        assert_eq!(of(300, young).verdict, Verdict::Pass);
        assert_eq!(of(200, young).verdict, Verdict::Fail);
    }

    #[test]
    fn use_of_the_key_is_not_destruction() {
        let policy = allow("").replace("kms:*", "kms:Decrypt");
        assert_eq!(verdict(&key(), &with_user(&policy)), Verdict::Pass);
        assert_eq!(verdict(&key(), &World::new()), Verdict::Pass);
    }

    #[test]
    fn roles_go_by_their_trust() {
        let account = format!(r#""Principal": {{"AWS": "{ACCOUNT}"}}"#);
        assert_eq!(verdict(&key(), &with_role(&account)), Verdict::Fail);
        let mfa = r#", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#;
        assert_eq!(verdict(&key(), &with_role(&format!("{account}{mfa}"))), Verdict::Pass);
        let if_exists = mfa.replace("Bool", "BoolIfExists");
        assert_eq!(verdict(&key(), &with_role(&format!("{account}{if_exists}"))), Verdict::Fail);
        let service = r#""Principal": {"Service": "ec2.amazonaws.com"}"#;
        assert_eq!(verdict(&key(), &with_role(service)), Verdict::NotApplicable);
        let provider = r#""Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/P"}"#;
        assert_eq!(verdict(&key(), &with_role(provider)), Verdict::NotApplicable);
    }

    #[test]
    fn what_could_not_be_read_is_undecided() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut unread = with_user(&allow(""));
        let mut user = unread.account.iam.users.known()[0].clone();
        user.inline_policies[0].document = Err(gap.clone());
        unread.account.iam.users = Listing::complete(vec![user]);
        assert_eq!(verdict(&key(), &unread), Verdict::Undecided);
        let mut unknown_trust = with_role(r#""Principal": {"Service": "ec2.amazonaws.com"}"#);
        let mut role = unknown_trust.account.iam.roles.known()[0].clone();
        role.trust_policy = Err(gap);
        unknown_trust.account.iam.roles = Listing::complete(vec![role]);
        assert_eq!(verdict(&key(), &unknown_trust), Verdict::Undecided);
    }

    #[test]
    fn without_all_principals_only_an_exception_is_certain() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut cut = with_user(&allow(""));
        cut.account.iam.roles = Listing::missing(gap.clone());
        assert_eq!(verdict(&key(), &cut), Verdict::Fail);
        cut.account.iam.users = Listing::complete(Vec::new());
        assert_eq!(judge_key(&CHECK, &key(), &cut), Err(gap));
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(verdict(&aws_managed_key(), &World::new()), Verdict::NotApplicable);
    }

    #[test]
    fn without_metadata_or_any_policy_nothing_is_said() {
        assert_says_nothing_without_policies(&CHECK);
    }
}
