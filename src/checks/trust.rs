//! What the checks of trust policies share: who is exempt, and which statements let somebody in.

use super::{Judged, Scope, place_of};
use crate::access::Principal as AccessPrincipal;
use crate::finding::Judgement;
use crate::model::{Gap, Role};
use crate::policy::{Document, Effect, PrincipalElement, Statement};

/// The action by which principals of AWS come into a role.
pub(super) const ASSUME_ROLE: &str = "sts:AssumeRole";

/// Judges the trust policy of a role that the customer can change.
pub(super) fn judged(role: &Role, judge: impl FnOnce(&Document) -> Judged) -> Judged {
    if role.is_service_linked() {
        let reason = "only AWS can change the trust policy of a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(&role.source));
    }
    let document = role.trust_policy.as_ref().map_err(Clone::clone)?;
    Ok(judge(document)?.because_of(&role.trust_policy_source))
}

/// The Allow statements that speak of `sts:AssumeRole`, each with whom it names.
pub(super) fn allows(document: &Document) -> impl Iterator<Item = (&Statement, &PrincipalElement)> {
    let allows = document.statements_of(Effect::Allow);
    let speaking = allows.filter(|statement| statement.matches_action(ASSUME_ROLE).is_possible());
    speaking.filter_map(|statement| Some((statement, statement.principal.as_ref()?)))
}

/// Accounts outside the organization that a trust policy names.
pub(super) struct Outside<'a> {
    /// Each in words, with the statement that names it.
    pub(super) accounts: Vec<(String, &'a Statement)>,
    /// Why of some account it is not known whether it is outside.
    pub(super) missing: Option<Gap>,
}

/// The accounts outside the organization, and not among those trusted, that Allow statements name: those statements that count.
pub(super) fn outside<'a>(
    document: &'a Document,
    trusted: &[&str],
    scope: &Scope<'_>,
    counts: impl Fn(&Statement) -> bool,
) -> Outside<'a> {
    let mut outside = Outside { accounts: vec![], missing: None };
    for (statement, element) in allows(document).filter(|(_, element)| !element.negated) {
        for account in element.entries.iter().filter_map(|entry| entry.account()) {
            if account == scope.account.id || trusted.contains(&account) || !counts(statement) {
                continue;
            }
            match is_outside(account, scope) {
                Ok(true) => {
                    outside.accounts.push((format!("account {account}, {}", place_of(account, scope)), statement));
                }
                Ok(false) => {}
                Err(gap) => _ = outside.missing.get_or_insert(gap),
            }
        }
    }
    outside
}

/// Whether an account is certainly not in the organization.
fn is_outside(account: &str, scope: &Scope<'_>) -> Result<bool, Gap> {
    let Some(organization) = scope.organization.as_ref().map_err(Clone::clone)? else { return Ok(true) };
    if organization.accounts.contains_key(account) || organization.management_account_id == account {
        return Ok(false);
    }
    organization.accounts_gap.clone().map_or(Ok(true), Err)
}

/// The role as decisions see it.
pub(super) fn in_directory<'a>(role: &Role, scope: &Scope<'a>) -> Result<&'a AccessPrincipal, Gap> {
    let missing = || {
        Gap::malformed("iam:GetAccountAuthorizationDetails", &[&role.arn], "its ARN is none of a role of this account")
    };
    scope.reach.principal(&role.arn).ok_or_else(missing)
}
