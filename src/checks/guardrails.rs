//! What the checks of organization policies share: to which accounts they speak, and what a guardrail leaves.

use std::borrow::Cow;

use super::Scope;
use crate::access::{Key as AccessKey, Principal};
use crate::finding::{Judgement, StatementReference};
use crate::model::{Gap, KeyManager, Listing, Organization, OrganizationPolicy, Source};
use crate::policy::{Access, Action, PolicyRef, Unanswered};

/// Actions that destroy a key or take it over.
pub(super) const DESTRUCTIVE: [&str; 8] = [
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "kms:DeleteImportedKeyMaterial",
    "kms:PutKeyPolicy",
    "kms:DeleteAlias",
    "kms:DisableKeyRotation",
    "kms:UpdateAlias",
    "kms:UpdatePrimaryRegion",
];

/// The organization of an account to which its policies speak, or what is said of an account to which they do not.
pub(super) fn organization<'a>(
    scope: &Scope<'a>,
    what: &str,
    in_management: impl FnOnce(&'a Organization) -> Result<Judgement, Gap>,
) -> Result<Result<&'a Organization, Judgement>, Gap> {
    let Some(organization) = scope.organization.as_ref().map_err(Clone::clone)? else {
        return Ok(Err(Judgement::not_applicable(format!("the account is in no organization, which {what} needs"))));
    };
    if organization.management_account_id == scope.account.id {
        return in_management(organization).map(Err);
    }
    Ok(Ok(organization))
}

/// The verdict on an account that manages the organization and is therefore not reached by a guardrail.
pub(super) fn unreached(scope: &Scope<'_>, organization: &Organization, what: &str) -> Result<Judgement, Gap> {
    let judgement = if holds_keys(scope)? {
        Judgement::fail(format!("{what} do not reach the account, which manages the organization and holds keys"))
    } else {
        Judgement::not_applicable(format!(
            "the account manages the organization and holds no key; {what} do not reach it"
        ))
    };
    Ok(judgement.because_of(&organization.source))
}

/// Whether the account has a customer managed key.
fn holds_keys(scope: &Scope<'_>) -> Result<bool, Gap> {
    let mut missing = scope.account.regions_gap.clone();
    for kms in scope.account.regions.values() {
        for key in kms.keys.known() {
            match &key.metadata {
                Ok(metadata) if metadata.key_manager == KeyManager::Customer => return Ok(true),
                Ok(_) => {}
                Err(gap) => missing = missing.or_else(|| Some(gap.clone())),
            }
        }
        missing = missing.or_else(|| kms.keys.gap().cloned());
    }
    missing.map_or(Ok(false), Err)
}

/// What a guardrail leaves of an action in the Regions of an account.
pub(super) struct Left {
    /// The widest access in any Region.
    pub(super) access: Access,
    /// When the action is allowed.
    pub(super) conditions: Vec<String>,
    /// The statements of organization policies that deny it.
    pub(super) statements: Vec<StatementReference>,
}

/// Tries an action in every Region of the account.
pub(super) fn left(scope: &Scope<'_>, principal: &Principal, action: &Action) -> Result<Left, Unanswered> {
    let regions: Vec<&str> = match scope.account.regions.is_empty() {
        // Nothing was read: policies that speak of no Region hold in each.
        true => vec!["us-east-1"],
        false => scope.account.regions.keys().map(String::as_str).collect(),
    };
    left_in(&regions, scope, principal, action)
}

/// Tries an action in some Regions.
pub(super) fn left_in(
    regions: &[&str],
    scope: &Scope<'_>,
    principal: &Principal,
    action: &Action,
) -> Result<Left, Unanswered> {
    let directory = scope.reach.directory();
    let mut left = Left { access: Access::Denied, conditions: vec![], statements: vec![] };
    for region in regions {
        let key: AccessKey = directory.open_key(&scope.account.id, region);
        let decided = directory.decided(Cow::Borrowed(principal), &key, action)?;
        let cell = &decided.cell;
        for decider in cell.statements.iter() {
            if matches!(decider.policy, PolicyRef::Scp { .. } | PolicyRef::Rcp { .. }) && cell.is_explicit {
                let row = directory.statement_row(decider, &decided);
                let (policy, index, sid, effect) = (row.policy, row.index, row.sid, row.effect);
                left.statements.push(StatementReference { policy, index, sid, effect });
            }
        }
        if rank(cell.access) > rank(left.access) {
            left.access = cell.access;
            let words = |all: &Vec<crate::policy::Requirement>| {
                all.iter().map(|it| it.words.as_str()).collect::<Vec<_>>().join(" and ")
            };
            left.conditions = cell.conditions.iter().map(words).collect();
        }
    }
    left.statements.sort();
    left.statements.dedup();
    Ok(left)
}

/// How much an access leaves: certain before possible before none.
fn rank(access: Access) -> u8 {
    match access {
        Access::Denied => 0,
        Access::Possible => 1,
        _ => 2,
    }
}

/// Where the policies that reach an account were read.
pub(super) fn sources<'o>(
    organization: &'o Organization,
    policies: &'o Listing<OrganizationPolicy>,
    account_id: &str,
) -> Vec<&'o Source> {
    let mut targets = organization.path(account_id).unwrap_or_default();
    targets.push(account_id.to_owned());
    let is_attached =
        |policy: &&OrganizationPolicy| policy.targets.known().iter().any(|target| targets.contains(target));
    let attached = policies.known().iter().filter(is_attached).map(|policy| &policy.source);
    std::iter::once(&organization.source).chain(attached).collect()
}
