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
    let head = format!("arn:{partition}:");
    if resources.negated {
        // What a pattern matches in any reading is left out, and what a variable stands for may be.
        let is_elsewhere = |pattern: &ResourcePattern| {
            pattern.fixed_glob().is_some_and(|glob| tails(&glob, &head).is_empty()) && pattern.folded_glob().is_none()
        };
        return Ok(!resources.patterns.is_empty() && resources.patterns.iter().all(is_elsewhere));
    }
    let fixed = resources.patterns.iter().filter_map(read);
    let globs: Vec<Glob> = fixed.flat_map(|glob| tails(&glob, &head)).collect();
    Ok(globs.iter().any(Glob::is_everything) || cover_together(Class::ArnTail, &globs)?)
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
