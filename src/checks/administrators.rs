//! Who is an administrator: whose policies allow every action on every resource, with nothing to limit them.

use super::identity::document_of;
use super::recipients::{self, Stake};
use super::{Scope, reference};
use crate::finding::StatementReference;
use crate::model::{AttachedPolicy, Fact, Gap, InlinePolicy, Principal, Source};
use crate::policy::{AdminActions, AdminStatement, Document};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

/// Whose policies count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Through {
    /// Those of the principal itself.
    Itself,
    /// Those of the groups of a user as well.
    Groups,
}

/// What makes a principal an administrator.
pub(super) struct Administration<'a> {
    /// The policies that do, by name.
    pub(super) policies: Vec<&'a str>,
    /// Their documents.
    pub(super) documents: Vec<&'a Document>,
    /// Their statements.
    pub(super) statements: Vec<StatementReference>,
    /// Where they were read.
    pub(super) sources: Vec<&'a Source>,
    /// Whether they certainly do; else AWS does not document it, or telling takes more steps than the budget.
    pub(super) certain: bool,
}

/// A user or role that is an administrator, or of which that cannot be excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// ARN of the user or role.
    pub arn: String,
    /// The policies that allow it everything, by name, its own and those of its groups; or why they could not be told.
    pub policies: Fact<Vec<String>>,
    /// Whether they certainly do; else AWS does not document it, or telling takes more steps than the budget.
    pub certain: bool,
}

/// The users and roles of the account that are administrators, or of which that cannot be excluded, in the order of the account.
pub fn administrators(scope: &Scope<'_>) -> Vec<Administrator> {
    let iam = &scope.account.iam;
    let users = iam.users.known().iter().map(Principal::User);
    let roles = iam.roles.known().iter().map(Principal::Role);
    let told = |principal: Principal<'_>| {
        let told = administration(principal, Through::Groups, scope).transpose()?;
        let certain = told.as_ref().is_ok_and(|found| found.certain);
        let policies = told.map(|found| found.policies.into_iter().map(str::to_owned).collect());
        Some(Administrator { arn: principal.arn().to_owned(), policies, certain })
    };
    users.chain(roles).filter_map(told).collect()
}

/// What makes a principal an administrator, or nothing. A permissions boundary that does not allow everything itself takes it
/// away.
pub(super) fn administration<'a>(
    principal: Principal<'a>,
    through: Through,
    scope: &Scope<'a>,
) -> Result<Option<Administration<'a>>, Gap> {
    let mut held = Held { scope, certain: vec![], unsure: vec![], missing: None };
    held.take(principal.inline_policies(), principal.attached_policies());
    if through == Through::Groups
        && let Principal::User(user) = principal
    {
        let groups = &scope.account.iam.groups;
        for name in &user.groups {
            match groups.known().iter().find(|group| group.name == *name) {
                Some(group) => held.take(&group.inline_policies, &group.attached_policies),
                None => held.lacks(groups.gap().cloned().unwrap_or_else(|| Gap::not_collected(DETAILS, &[name]))),
            }
        }
    }
    let (found, certain) = match (held.certain.is_empty(), held.missing) {
        (false, _) => (held.certain, true),
        (true, Some(gap)) => return Err(gap),
        (true, None) => (held.unsure, false),
    };
    if found.is_empty() || is_limited(principal, scope)? {
        return Ok(None);
    }
    let mut administration =
        Administration { policies: vec![], documents: vec![], statements: vec![], sources: vec![], certain };
    for (name, document, statements, source) in found {
        administration.policies.push(name);
        administration.documents.push(document);
        administration.statements.extend(statements);
        administration.sources.push(source);
    }
    Ok(Some(administration))
}

/// A policy that allows everything: its name, its document, the statements that do, where it was read.
type Everything<'a> = (&'a str, &'a Document, Vec<StatementReference>, &'a Source);

/// What is asked of those who hold a policy that allows everything: with it one gives oneself the rest.
pub(super) fn stake<'a>(documents: Vec<&'a Document>, scope: &Scope<'_>) -> Stake<'a> {
    Stake {
        documents,
        actions: vec!["iam:AttachRolePolicy".to_owned()],
        head: Some(recipients::head("iam", "role/", scope)),
    }
}

struct Held<'a, 's> {
    scope: &'s Scope<'a>,
    certain: Vec<Everything<'a>>,
    unsure: Vec<Everything<'a>>,
    missing: Option<Gap>,
}

impl<'a> Held<'a, '_> {
    fn take(&mut self, inline: &'a [InlinePolicy], attached: &'a [AttachedPolicy]) {
        for policy in inline {
            match &policy.document {
                Ok(document) => {
                    let studied = self.scope.reach.studied(document);
                    self.judge(&policy.name, &policy.name, (document, studied.everything()), &policy.source);
                }
                Err(gap) => self.lacks(gap.clone()),
            }
        }
        for it in attached {
            match document_of(&it.arn, self.scope) {
                Ok((document, source)) => {
                    let studied = self.scope.reach.studied(document);
                    self.judge(&it.name, &it.arn, (document, studied.everything()), source);
                }
                Err(gap) => self.lacks(gap),
            }
        }
    }

    fn judge(
        &mut self,
        name: &'a str,
        policy: &str,
        (document, found): (&'a Document, &[AdminStatement]),
        source: &'a Source,
    ) {
        let found: Vec<&AdminStatement> = found.iter().filter(|it| it.actions != AdminActions::AllButSome).collect();
        if found.is_empty() {
            return;
        }
        let certain = found.iter().any(|it| it.actions == AdminActions::Every);
        let statements = document.statements.iter().filter(|it| found.iter().any(|found| found.statement == it.index));
        let everything = (name, document, statements.map(|it| reference(policy, it)).collect(), source);
        if certain { self.certain.push(everything) } else { self.unsure.push(everything) }
    }

    fn lacks(&mut self, gap: Gap) {
        self.missing.get_or_insert(gap);
    }
}

/// Whether a permissions boundary keeps the principal from being an administrator.
fn is_limited(principal: Principal<'_>, scope: &Scope<'_>) -> Result<bool, Gap> {
    let boundary = match principal {
        Principal::User(user) => user.permissions_boundary.as_deref(),
        Principal::Role(role) => role.permissions_boundary.as_deref(),
        Principal::Group(_) => None,
    };
    let Some(arn) = boundary else { return Ok(false) };
    let (document, _) = document_of(arn, scope)?;
    Ok(scope.reach.studied(document).everything().iter().all(|it| it.actions == AdminActions::AllButSome))
}
