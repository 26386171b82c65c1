//! Whether anybody holds an AWS managed policy that somebody should hold. Two checks ask it.

use super::{Judged, Scope};
use crate::finding::Judgement;
use crate::model::{AttachedPolicy, Gap};
use crate::policy::Effect;

/// PASS if one of the AWS managed policies of these names is attached to a role that somebody may assume, to a user, or to a group
/// with a user.
pub(super) fn held(names: &[&str], scope: &Scope<'_>) -> Judged {
    let iam = &scope.account.iam;
    let arns: Vec<String> =
        names.iter().map(|name| format!("arn:{}:iam::aws:policy/{name}", scope.account.partition)).collect();
    let has = |policies: &[AttachedPolicy]| policies.iter().any(|policy| arns.contains(&policy.arn));
    let what = names.join(" or ");
    let mut missing: Option<Gap> = None;
    for role in iam.roles.known().iter().filter(|role| has(&role.attached_policies)) {
        match &role.trust_policy {
            Ok(trust) if trust.statements_of(Effect::Allow).next().is_some() => {
                let reason = format!("{what} is attached to the role {}", role.name);
                return Ok(Judgement::pass(reason).because_of(&role.source));
            }
            Ok(_) => {}
            Err(gap) => missing = missing.or_else(|| Some(gap.clone())),
        }
    }
    if let Some(user) = iam.users.known().iter().find(|user| has(&user.attached_policies)) {
        let reason = format!("{what} is attached to the user {}", user.name);
        return Ok(Judgement::pass(reason).because_of(&user.source));
    }
    let mut groups = iam.groups.known().iter().filter(|group| has(&group.attached_policies));
    let member = groups.find_map(|group| {
        let user = iam.users.known().iter().find(|user| user.groups.contains(&group.name))?;
        Some((group, user))
    });
    if let Some((group, user)) = member {
        let reason = format!("{what} is attached to the group {}, and {} is in it", group.name, user.name);
        return Ok(Judgement::pass(reason).because_of(&group.source).because_of(&user.source));
    }
    iam.roles.whole()?;
    iam.users.whole()?;
    iam.groups.whole()?;
    match missing {
        Some(gap) => Err(gap),
        None => Ok(Judgement::fail(format!(
            "{what} is attached to no user, to no group with a user, and to no role that anybody may assume"
        ))),
    }
}
