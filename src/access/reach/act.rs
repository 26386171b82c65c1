//! Links by which somebody comes to act as another principal.

use std::sync::Arc;

use super::super::cell::Object;
use super::super::directory::{self, Directory};
use super::super::document::Named;
use super::super::principal::{Principal, PrincipalKind};
use super::Link;
use super::cast::{Actor, Casts, Hand, is_changeable};
use super::step::Step;
use crate::policy::{self, Access, Action, Context, Document, PrincipalElement, Unanswered};

impl Directory {
    /// What every request about a user or role holds of it.
    pub(in crate::access) fn context_of(&self, principal: &Principal) -> Context {
        let mut context = self.of_resources(&principal.account_id).into_owned();
        for prefix in ["aws:ResourceTag/", "iam:ResourceTag/"] {
            directory::tag(&mut context, prefix, &principal.handles.tags, &self.tested);
        }
        context.retain(|key| self.tested.has(key));
        context
    }
}

impl Casts<'_> {
    /// Assuming a role, whose trust policy must let the actor in.
    pub(super) fn assuming(&self, actor: &Actor<'_>, role: &Principal) -> Result<Option<Link>, Unanswered> {
        let context = self.directory.context_of(role);
        let object = Object {
            trust_policy: role.handles.trust_policy.as_ref(),
            ..Object::plain(Some(&role.arn), &role.account_id, &context)
        };
        let (step, action) = way_in(&actor.principal);
        let proof = self.directory.proof(&actor.principal, object, &Action::new(action))?;
        Ok(proof.map(|proof| {
            let mut link = Link::new(step, &actor.principal, &role.arn, vec![proof]);
            link.notes.extend(vouched_for(&actor.principal, role));
            link
        }))
    }

    /// Acting as a principal of the own account by way of IAM.
    pub(super) fn taking_over(&self, hand: &Hand<'_>, target: &Principal) -> Result<Vec<Link>, Unanswered> {
        let mut links = Vec::new();
        match target.kind {
            PrincipalKind::User => {
                let context = self.directory.context_of(target);
                for (step, action) in CREDENTIALS.into_iter().filter(|(_, action)| hand.mentions(action)) {
                    let object = Object::plain(Some(&target.arn), &target.account_id, &context);
                    let proof = self.directory.proof(&hand.actor.principal, object, &Action::new(action))?;
                    links.extend(proof.map(|proof| Link::new(step, &hand.actor.principal, &target.arn, vec![proof])));
                }
            }
            PrincipalKind::Role => {
                links.extend(self.letting_itself_in(hand, target)?);
                links.extend(self.computing(hand, target)?);
            }
            PrincipalKind::IdentityProvider => links.extend(self.vouching(hand, target)?),
            _ => {}
        }
        Ok(links)
    }

    /// Replacing the metadata of a SAML provider of the own account, and with them the keys that sign its word.
    fn vouching(&self, hand: &Hand<'_>, provider: &Principal) -> Result<Option<Link>, Unanswered> {
        const UPDATE: &str = "iam:UpdateSAMLProvider";
        if !provider.arn.contains(":saml-provider/") || !hand.mentions(UPDATE) {
            return Ok(None);
        }
        let context = self.directory.of_resources(&provider.account_id);
        let object = Object::plain(Some(&provider.arn), &provider.account_id, &context);
        let actor = &hand.actor.principal;
        let proof = self.directory.proof(actor, object, &Action::new(UPDATE))?;
        Ok(proof.map(|proof| {
            let mut link = Link::new(Step::UpdateSamlProvider, actor, &provider.arn, vec![proof]);
            if provider.arn.contains(":saml-provider/AWSSSO_") {
                link.access = Access::Possible;
                link.notes.push(
                    "whether an account may change the provider of IAM Identity Center is not documented".to_owned(),
                );
            }
            link
        }))
    }

    /// Writing a trust policy that lets the writer in, and assuming the role.
    fn letting_itself_in(&self, hand: &Hand<'_>, role: &Principal) -> Result<Option<Link>, Unanswered> {
        const UPDATE: &str = "iam:UpdateAssumeRolePolicy";
        let actor = &hand.actor.principal;
        if !is_changeable(role) || actor.kind == PrincipalKind::Root || !hand.mentions(UPDATE) {
            return Ok(None);
        }
        let context = self.directory.context_of(role);
        let object = Object::plain(Some(&role.arn), &role.account_id, &context);
        let entry = policy::Principal::aws(actor.caller.principal_arn().unwrap_or(&actor.arn).to_owned());
        let trust = Named {
            name: "trust policy as it would write it".into(),
            document: Arc::new(Document::everything(Some(PrincipalElement { negated: false, entries: vec![entry] }))),
            source: None,
        };
        let rewritten = Object { trust_policy: Some(&trust), ..object };
        let (update, assume) = (Action::new(UPDATE), Action::new("sts:AssumeRole"));
        let proofs = self.directory.proofs(actor, &[(object, &update), (rewritten, &assume)])?;
        Ok(proofs.map(|proofs| Link::new(Step::UpdateTrust, actor, &role.arn, proofs)))
    }
}

/// How a principal assumes a role.
fn way_in(principal: &Principal) -> (Step, &'static str) {
    match principal.kind {
        PrincipalKind::IdentityProvider if principal.arn.contains(":saml-provider/") => {
            (Step::AssumeRoleWithSaml, "sts:AssumeRoleWithSAML")
        }
        PrincipalKind::IdentityProvider => (Step::AssumeRoleWithWebIdentity, "sts:AssumeRoleWithWebIdentity"),
        _ => (Step::AssumeRole, "sts:AssumeRole"),
    }
}

/// Who stands behind an identity provider.
fn vouched_for(principal: &Principal, role: &Principal) -> Option<String> {
    const SETS: &str = "/aws-reserved/sso.amazonaws.com/";
    if principal.kind != PrincipalKind::IdentityProvider {
        return None;
    }
    let name = role.arn.rsplit('/').next().unwrap_or_default();
    let set = name.strip_prefix("AWSReservedSSO_").and_then(|rest| rest.rsplit_once('_')).map(|(set, _)| set);
    Some(match set.filter(|_| role.arn.contains(SETS)) {
        Some(set) => format!(
            "whoever is assigned the permission set {set} in IAM Identity Center: its users and groups are in no snapshot"
        ),
        None => format!("whoever {} vouches for: its users are in no snapshot", principal.arn),
    })
}

/// The credentials that others can make for a user.
const CREDENTIALS: [(Step, &str); 3] = [
    (Step::CreateAccessKey, "iam:CreateAccessKey"),
    (Step::CreateLoginProfile, "iam:CreateLoginProfile"),
    (Step::UpdateLoginProfile, "iam:UpdateLoginProfile"),
];
