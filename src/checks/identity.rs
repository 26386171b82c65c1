//! Whether all policies behind a principal could be read: what is missing may hold the statement that decides.

use std::sync::Arc;

use super::Scope;
use crate::model::{AttachedPolicy, Gap, InlinePolicy, Principal, Source};
use crate::policy::Document;

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

/// The first policy of a user or role, of its groups, or its boundary, that could not be read.
pub(super) fn complete(principal: Principal<'_>, scope: &Scope<'_>) -> Result<(), Gap> {
    read(principal.inline_policies(), principal.attached_policies(), scope)?;
    let boundary = match principal {
        Principal::User(user) => {
            for name in &user.groups {
                let groups = &scope.account.iam.groups;
                let group = groups.known().iter().find(|group| group.name == *name);
                let missing = || groups.gap().cloned().unwrap_or_else(|| Gap::not_collected(DETAILS, &[name]));
                let group = group.ok_or_else(missing)?;
                read(&group.inline_policies, &group.attached_policies, scope)?;
            }
            user.permissions_boundary.as_deref()
        }
        Principal::Role(role) => role.permissions_boundary.as_deref(),
        Principal::Group(_) => None,
    };
    boundary.map_or(Ok(()), |arn| managed(arn, scope))
}

fn read(inline: &[InlinePolicy], attached: &[AttachedPolicy], scope: &Scope<'_>) -> Result<(), Gap> {
    for policy in inline {
        policy.document.as_ref().map_err(Clone::clone)?;
    }
    attached.iter().try_for_each(|policy| managed(&policy.arn, scope))
}

fn managed(arn: &str, scope: &Scope<'_>) -> Result<(), Gap> {
    document_of(arn, scope).map(drop)
}

/// The document of a managed policy of the account, and where it was read.
pub(super) fn document_of<'a>(arn: &str, scope: &Scope<'a>) -> Result<(&'a Arc<Document>, &'a Source), Gap> {
    let policies = &scope.account.iam.policies;
    let missing = || policies.gap().cloned().unwrap_or_else(|| Gap::not_collected(DETAILS, &[arn]));
    let policy = scope.reach.managed_policy(arn).ok_or_else(missing)?;
    Ok((policy.document.as_ref().map_err(Clone::clone)?, &policy.document_source))
}
