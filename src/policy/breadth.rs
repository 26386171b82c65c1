//! Statements that allow everything on everything: administrator access in one statement.

use std::borrow::Cow;

use super::Match;
use super::action::Actions;
use super::document::{Document, Effect, Statement};
use super::glob::Glob;
use super::resource::{ResourcePattern, Resources};
use super::symbolic::atoms::Partition;
use super::symbolic::bits::Bits;
use super::symbolic::boxes::tails;
use super::symbolic::class::Class;
use super::symbolic::{Budget, Exhausted};

/// An Allow statement that opens every resource to every action, or to all but few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminStatement {
    /// Its index in the document.
    pub statement: usize,
    /// How it reaches every action.
    pub actions: AdminActions,
    /// True when a condition narrows it.
    pub conditional: bool,
}

/// How a statement reaches every action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdminActions {
    /// `Action` covers every action: `*`, or patterns that do so together.
    Every,
    /// Patterns with a wildcard before the colon cover every action together, which IAM refuses to store (semantics U-9).
    EveryUnderOneReading,
    /// The patterns need more steps than the budget to tell.
    Untold,
    /// `NotAction` leaves actions by which an administrator is made: whoever may attach or write policies can give himself
    /// what the statement excludes.
    AllButSome,
}

/// Actions of IAM by which the holder can give himself every other permission.
const SELF_PROMOTING: [&str; 7] = [
    "iam:AttachUserPolicy",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:PutUserPolicy",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:CreatePolicyVersion",
];

/// The Allow statements of an identity policy that grant every action, or all but few, on every resource of `partition`.
/// Nothing is returned when an unconditional Deny of the same document takes everything back.
#[must_use]
pub fn admin_statements(document: &Document, partition: &str) -> Vec<AdminStatement> {
    let reaches = |statement: &Statement, read: Read| {
        // The actions first: few statements reach them all, and it costs much less to tell than that no ARN is left out.
        let actions = admin_actions(&statement.actions)?;
        match on_everything(statement.resources.as_ref()?, partition, read) {
            Ok(everything) => everything.then_some(actions),
            Err(Exhausted) => Some(AdminActions::Untold),
        }
    };
    // A Deny takes back only what it certainly matches.
    let denied = document.statements_of(Effect::Deny).any(|deny| {
        deny.condition.is_none() && reaches(deny, ResourcePattern::fixed_narrow_glob) == Some(AdminActions::Every)
    });
    if denied {
        return vec![];
    }
    let allows = document.statements_of(Effect::Allow);
    allows
        .filter_map(|statement| {
            let conditional = statement.is_conditional();
            reaches(statement, ResourcePattern::fixed_glob).map(|actions| AdminStatement {
                statement: statement.index,
                actions,
                conditional,
            })
        })
        .collect()
}

/// An Allow statement that opens all of one or more services on every resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatement {
    /// Its index in the document.
    pub statement: usize,
    /// Which services.
    pub services: Services,
    /// True when a condition narrows it.
    pub conditional: bool,
}

/// The services of which every action is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Services {
    /// These, in lower case, sorted: `s3:*`.
    Named(Vec<String>),
    /// Every one: `*`.
    All,
    /// All that `NotAction` does not name.
    Others,
    /// The resource patterns need more steps than the budget to tell.
    Untold,
}

/// The Allow statements of an identity policy that grant every action of a service, those that AWS will add included, on every
/// resource of `partition`. What an unconditional Deny of the same document takes back certainly does not count.
#[must_use]
pub fn full_service_statements(document: &Document, partition: &str) -> Vec<ServiceStatement> {
    let on_all = |statement: &Statement, read: Read| match statement.resources.as_ref() {
        Some(resources) => on_everything(resources, partition, read),
        None => Ok(false),
    };
    let denies: Vec<&Actions> = document
        .statements_of(Effect::Deny)
        .filter(|deny| deny.condition.is_none() && on_all(deny, ResourcePattern::fixed_narrow_glob) == Ok(true))
        .map(|deny| &deny.actions)
        .collect();
    let is_denied = |service: &str| {
        let whole = format!("{service}:<other>");
        denies.iter().any(|actions| actions.matches(&whole) == Match::Yes)
    };
    let found = document.statements_of(Effect::Allow).filter_map(|statement| {
        let services = match services_of(&statement.actions, is_denied)? {
            Services::All if denies.iter().any(|actions| admin_actions(actions) == Some(AdminActions::Every)) => None,
            services => Some(services),
        }?;
        let services = match on_all(statement, ResourcePattern::fixed_glob) {
            Ok(true) => services,
            Ok(false) => return None,
            Err(Exhausted) => Services::Untold,
        };
        Some(ServiceStatement { statement: statement.index, services, conditional: statement.is_conditional() })
    });
    found.collect()
}

/// The Allow statements of an identity policy that grant every action of one service (`cloudtrail`) on every resource of `partition`,
/// as [`full_service_statements`] tells it.
#[must_use]
pub fn statements_of_service(document: &Document, partition: &str, service: &str) -> Vec<ServiceStatement> {
    let mut found = full_service_statements(document, partition);
    let covers = |found: &ServiceStatement| {
        let statement = document.statements.iter().find(|statement| statement.index == found.statement);
        statement.is_some_and(|statement| statement.actions.covers_service(service))
    };
    found.retain(covers);
    let takes_back = |deny: &Statement| {
        let on_all = deny.resources.as_ref().is_some_and(|resources| {
            on_everything(resources, partition, ResourcePattern::fixed_narrow_glob) == Ok(true)
        });
        deny.condition.is_none() && on_all && deny.actions.covers_service(service)
    };
    if document.statements_of(Effect::Deny).any(takes_back) {
        found.clear();
    }
    found
}

/// An Allow statement that gives one action on everything of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionStatement {
    /// Its index in the document.
    pub statement: usize,
    /// True when a condition narrows it.
    pub conditional: bool,
    /// Whether it certainly does; else AWS does not document it, or telling takes more steps than the budget.
    pub certain: bool,
}

/// The Allow statements of an identity policy that grant an action on every resource whose ARN begins with `head`:
/// `arn:aws:iam::111122223333:role/` for the roles of an account. Without a `head` the action is one that has no resource. What an
/// unconditional Deny of the same document takes back certainly does not count.
#[must_use]
pub fn statements_of_action(document: &Document, action: &str, head: Option<&str>) -> Vec<ActionStatement> {
    let on_all = |statement: &Statement, read: Read| match (statement.resources.as_ref(), head) {
        (Some(resources), Some(head)) => covers(resources, head, read),
        (Some(resources), None) => Ok(resources.matches(None, &|_| None) == Match::Yes),
        (None, _) => Ok(false),
    };
    let takes_back = |deny: &Statement| {
        deny.condition.is_none()
            && deny.actions.matches(action) == Match::Yes
            && on_all(deny, ResourcePattern::fixed_narrow_glob) == Ok(true)
    };
    if document.statements_of(Effect::Deny).any(takes_back) {
        return vec![];
    }
    let found = document.statements_of(Effect::Allow).filter_map(|statement| {
        let matched = statement.actions.matches(action);
        let covered = if matched.is_possible() { on_all(statement, ResourcePattern::fixed_glob) } else { Ok(false) };
        (covered != Ok(false)).then(|| ActionStatement {
            statement: statement.index,
            conditional: statement.is_conditional(),
            certain: matched == Match::Yes && covered == Ok(true),
        })
    });
    found.collect()
}

fn services_of(actions: &Actions, is_denied: impl Fn(&str) -> bool) -> Option<Services> {
    if actions.negated {
        let leaves_nothing = actions.patterns.iter().any(super::action::ActionPattern::is_everything);
        return (!leaves_nothing && !actions.patterns.is_empty()).then_some(Services::Others);
    }
    if actions.patterns.iter().any(super::action::ActionPattern::is_everything) {
        return Some(Services::All);
    }
    let named = actions.patterns.iter().filter_map(|pattern| {
        let service = pattern.source().split_once(':')?.0.to_ascii_lowercase();
        (pattern.covers_service(&service) && !is_denied(&service)).then_some(service)
    });
    let named: std::collections::BTreeSet<String> = named.collect();
    (!named.is_empty()).then(|| Services::Named(named.into_iter().collect()))
}

/// One of the two readings of a resource pattern.
type Read = for<'p> fn(&'p ResourcePattern) -> Option<Cow<'p, Glob>>;

fn admin_actions(actions: &Actions) -> Option<AdminActions> {
    if actions.negated {
        let left = SELF_PROMOTING.iter().any(|action| actions.matches(action) == Match::Yes);
        return left.then_some(AdminActions::AllButSome);
    }
    if actions.patterns.iter().any(super::action::ActionPattern::is_everything) {
        return Some(AdminActions::Every);
    }
    let patterns = actions.patterns.iter().filter(|pattern| pattern.may_cross_services());
    let globs: Vec<Glob> = patterns.map(|pattern| Glob::parse(&pattern.source().to_ascii_lowercase())).collect();
    match cover_together(Class::Action, &globs) {
        Ok(covers) => covers.then_some(AdminActions::EveryUnderOneReading),
        Err(Exhausted) => Some(AdminActions::Untold),
    }
}

/// Whether every ARN of the partition matches. Conditions on requests without a resource are left aside: patterns such as
/// `arn:*` do not match them, and no reader would call that a restriction.
fn on_everything(resources: &Resources, partition: &str, read: Read) -> Result<bool, Exhausted> {
    covers(resources, &format!("arn:{partition}:"), read)
}

/// Whether every ARN that begins with `head` matches: with the partition, or with the account and the type as well.
fn covers(resources: &Resources, head: &str, read: Read) -> Result<bool, Exhausted> {
    if resources.negated {
        // What a pattern matches in any reading is left out, and what a variable stands for may be.
        let is_elsewhere = |pattern: &ResourcePattern| {
            pattern.fixed_glob().is_some_and(|glob| tails(&glob, head).is_empty()) && pattern.folded_glob().is_none()
        };
        return Ok(!resources.patterns.is_empty() && resources.patterns.iter().all(is_elsewhere));
    }
    let fixed = resources.patterns.iter().filter_map(read);
    let globs: Vec<Glob> = fixed.flat_map(|glob| tails(&glob, head)).collect();
    // Behind an account stands any text; behind a partition the other fields of an ARN.
    let class = if head.matches(':').count() > 2 { Class::Text } else { Class::ArnTail };
    Ok(globs.iter().any(Glob::is_everything) || cover_together(class, &globs)?)
}

/// Whether every string of the class matches one of the patterns.
fn cover_together(class: Class, globs: &[Glob]) -> Result<bool, Exhausted> {
    if globs.is_empty() {
        return Ok(false);
    }
    let covered = |partition: Partition| {
        let mut covered = Bits::none(partition.atoms.len());
        partition.members.iter().for_each(|members| covered.add(members));
        covered == Bits::all(partition.atoms.len())
    };
    Partition::new(class, globs, &mut Budget::of_steps(10_000_000)).map(covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(statements: &str) -> Vec<Services> {
        let document = Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap();
        full_service_statements(&document, "aws").into_iter().map(|found| found.services).collect()
    }

    #[test]
    fn whole_services_are_found_under_any_spelling() {
        let allow = |action: &str| services(&format!(r#"{{"Effect": "Allow", {action}, "Resource": "*"}}"#));
        let named = |names: &[&str]| vec![Services::Named(names.iter().map(|name| (*name).to_owned()).collect())];
        assert_eq!(allow(r#""Action": ["S3:*", "ec2:Describe*", "kms:**"]"#), named(&["kms", "s3"]));
        assert_eq!(allow(r#""Action": "*""#), [Services::All]);
        assert_eq!(allow(r#""NotAction": "iam:*""#), [Services::Others]);
        assert_eq!(allow(r#""Action": ["ec2:Describe*", "s3*:*"]"#), []);
        assert_eq!(allow(r#""NotAction": "*""#), []);
        assert_eq!(services(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::x/*"}"#), []);
    }

    #[test]
    fn a_deny_of_the_whole_service_without_a_condition_takes_it_away() {
        let with = |deny: &str| {
            services(&format!(
                r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}, {{"Effect": "Deny", {deny}}}"#
            ))
        };
        assert_eq!(with(r#""Action": "s3:*", "Resource": "*""#), []);
        assert_eq!(with(r#""NotAction": "ec2:*", "Resource": "*""#), []);
        for partial in [
            r#""Action": "s3:Delete*", "Resource": "*""#,
            r#""Action": "s3:*", "Resource": "arn:aws:s3:::x""#,
            r#""Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}"#,
        ] {
            assert_eq!(with(partial).len(), 1, "{partial}");
        }
    }

    fn of_action(action: &str, head: Option<&str>, statements: &str) -> Vec<(usize, bool)> {
        let document = Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap();
        statements_of_action(&document, action, head).into_iter().map(|it| (it.statement, it.certain)).collect()
    }

    #[test]
    fn an_action_on_everything_of_a_kind_is_found_in_its_spellings() {
        const ROLES: Option<&str> = Some("arn:aws:iam::111122223333:role/");
        let found = |resource: &str| of_action("sts:AssumeRole", ROLES, &allow(r#""sts:Assume*""#, resource));
        for resource in [
            r#""*""#,
            r#""arn:aws:iam::*:role/*""#,
            r#""arn:aws:iam::111122223333:*""#,
            r#"["arn:aws:s3:::x","arn:*:iam::111122223333:role/*"]"#,
        ] {
            assert_eq!(found(resource), [(0, true)], "{resource}");
        }
        for resource in [
            r#""arn:aws:iam::*:role/app/*""#,
            r#""arn:aws:iam::444455556666:role/*""#,
            r#""arn:aws-cn:iam::*:role/*""#,
            r#""arn:aws:iam::*:role/${aws:username}*""#,
        ] {
            assert_eq!(found(resource), [], "{resource}");
        }
        let all_but = allow(r#""sts:AssumeRole""#, r#""arn:aws:s3:::x""#).replace("Resource", "NotResource");
        assert_eq!(of_action("sts:AssumeRole", ROLES, &all_but), [(0, true)]);
        let not_action = allow(r#""iam:*""#, r#""*""#).replace("Action", "NotAction");
        assert_eq!(of_action("sts:AssumeRole", ROLES, &not_action), [(0, true)]);
        assert_eq!(of_action("iam:PassRole", ROLES, &not_action), []);
    }

    #[test]
    fn a_deny_of_the_action_without_a_condition_takes_it_away() {
        let with = |deny: &str| {
            let star = allow(r#""*""#, r#""*""#);
            of_action("aws-marketplace:Subscribe", None, &format!("{star}, {deny}"))
        };
        let deny = allow(r#""aws-marketplace:*""#, r#""*""#).replace("Allow", "Deny");
        assert_eq!(with(&deny), []);
        assert_eq!(with(&deny.replace("marketplace:*", "marketplace:Un*")), [(0, true)]);
        assert_eq!(with(&deny.replace(r#""*"}"#, r#""arn:aws:s3:::x"}"#)), [(0, true)]);
        let conditional = deny.replace(r#""*"}"#, r#""*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#);
        assert_eq!(with(&conditional), [(0, true)]);
    }

    #[test]
    fn an_action_without_a_resource_is_given_by_a_star_or_by_what_leaves_something_else_out() {
        let found = |resource: &str| of_action("aws-marketplace:Subscribe", None, &allow(r#""*""#, resource));
        assert_eq!(found(r#"["arn:aws:s3:::x", "*"]"#), [(0, true)]);
        assert_eq!(found(r#""arn:*""#), []);
        let all_but = allow(r#""aws-marketplace:*""#, r#""arn:aws:s3:::x""#).replace("Resource", "NotResource");
        assert_eq!(of_action("aws-marketplace:Subscribe", None, &all_but), [(0, true)]);
    }

    fn admin(statements: &str) -> Vec<(usize, AdminActions)> {
        let document = Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap();
        admin_statements(&document, "aws").into_iter().map(|found| (found.statement, found.actions)).collect()
    }

    fn allow(action: &str, resource: &str) -> String {
        format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}}}"#)
    }

    #[test]
    fn star_on_star_is_found_in_its_spellings() {
        for action in [r#""*""#, r#""*:*""#, r#"["s3:Get*","*"]"#, r#""**""#] {
            for resource in
                [r#""*""#, r#""arn:*""#, r#""arn:aws:*""#, r#"["arn:aws:s3:::b","*"]"#, r#""arn:*:*:*:*:*""#]
            {
                assert_eq!(admin(&allow(action, resource)), [(0, AdminActions::Every)], "{action} {resource}");
            }
        }
    }

    #[test]
    fn less_than_everything_is_not_found() {
        assert_eq!(admin(&allow(r#""kms:*""#, r#""*""#)), []);
        assert_eq!(admin(&allow(r#"["kms:*","iam:*","s3:*"]"#, r#""*""#)), []);
        assert_eq!(admin(&allow(r#""*""#, r#""arn:aws:kms:*""#)), []);
        assert_eq!(admin(&allow(r#""*""#, r#"["arn:aws:s3:*","arn:aws:k*"]"#)), []);
        assert_eq!(admin(&allow(r#""*""#, r#""*""#).replace("Allow", "Deny")), []);
    }

    #[test]
    fn patterns_may_cover_every_action_together() {
        let letters: Vec<String> = ('a'..='z').chain('0'..='9').map(|letter| format!("\"{letter}*\"")).collect();
        let all = format!("[{},\"-*\"]", letters.join(","));
        assert_eq!(admin(&allow(&all, r#""*""#)), [(0, AdminActions::EveryUnderOneReading)]);
        let most = format!("[{}]", letters[1..].join(","));
        assert_eq!(admin(&allow(&most, r#""*""#)), []);
    }

    #[test]
    fn not_action_that_leaves_self_promotion_is_flagged() {
        let statement = allow(r#"["organizations:*","account:*"]"#, r#""*""#).replace("Action", "NotAction");
        assert_eq!(admin(&statement), [(0, AdminActions::AllButSome)]);
        let power_user = allow(r#"["iam:*","organizations:*"]"#, r#""*""#).replace("Action", "NotAction");
        assert_eq!(admin(&power_user), []);
    }

    #[test]
    fn what_cannot_be_told_within_the_budget_is_no_no() {
        let ladders: Vec<String> =
            ('a'..='z').map(|letter| format!("\"*{}*\"", format!("{letter}*").repeat(30))).collect();
        let list = format!("[{}]", ladders.join(","));
        assert_eq!(admin(&allow(&list, r#""*""#)), [(0, AdminActions::Untold)]);
        assert_eq!(admin(&allow(r#""*""#, &list)), [(0, AdminActions::Untold)]);
        assert_eq!(admin(&allow(r#""s3:*""#, &list)), []);
    }

    #[test]
    fn a_variable_may_leave_something_out() {
        let variable = allow(r#""*""#, r#""arn:aws:s3:::${aws:username}""#).replace("Resource", "NotResource");
        assert_eq!(admin(&variable), []);
        let star = allow(r#""*""#, r#""*""#);
        assert_eq!(admin(&[star, variable.replace("Allow", "Deny")].join(",")), [(0, AdminActions::Every)]);
    }

    #[test]
    fn a_deny_of_everything_takes_it_back() {
        let star = allow(r#""*""#, r#""*""#);
        assert_eq!(admin(&[star.clone(), star.replace("Allow", "Deny")].join(",")), []);
        // Whether a short ARN matches anything is not documented.
        let short = allow(r#""*""#, r#""arn:aws""#).replace("Allow", "Deny");
        assert_eq!(admin(&[star.clone(), short].join(",")), [(0, AdminActions::Every)]);
        let partly = star.replace("Allow", "Deny").replace(r#""Action":"*""#, r#""Action":"s3:*""#);
        assert_eq!(admin(&[star, partly].join(",")), [(0, AdminActions::Every)]);
    }
}
