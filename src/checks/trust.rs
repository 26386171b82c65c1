//! What the checks of trust policies share: who is exempt, and which statements let somebody in.

use super::{Judged, Scope};
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
    Ok(judge(document)?.because_of(&role.source.child("AssumeRolePolicyDocument")))
}

/// The Allow statements that speak of `sts:AssumeRole`, each with whom it names.
pub(super) fn allows(document: &Document) -> impl Iterator<Item = (&Statement, &PrincipalElement)> {
    let allows = document.statements_of(Effect::Allow);
    let speaking = allows.filter(|statement| statement.matches_action(ASSUME_ROLE).is_possible());
    speaking.filter_map(|statement| Some((statement, statement.principal.as_ref()?)))
}

/// The role as decisions see it.
pub(super) fn in_directory<'a>(role: &Role, scope: &Scope<'a>) -> Result<&'a AccessPrincipal, Gap> {
    let missing = || {
        Gap::malformed("iam:GetAccountAuthorizationDetails", &[&role.arn], "its ARN is none of a role of this account")
    };
    scope.reach.principal(&role.arn).ok_or_else(missing)
}
