//! Links that change what a principal may do: its policies, its groups, its permissions boundary.

use super::super::cell::Object;
use super::super::principal::{Membership, Principal, PrincipalKind};
use super::Link;
use super::cast::{Casts, Form, Hand, is_changeable};
use super::proof::Proof;
use super::step::Step;
use crate::policy::{Access, Action, ContextValue, Unanswered};

/// The actions of IAM with which links within an account begin.
pub(super) const ACTIONS: [&str; 18] = [
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutGroupPolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "iam:UpdateSAMLProvider",
];

/// One way to make a change: any of the resources will do.
struct Way {
    step: Step,
    action: &'static str,
    resources: Vec<String>,
    /// What the request holds of what it sets.
    sets: Option<(&'static str, String)>,
}

impl Casts<'_> {
    /// The links by which somebody gives a principal another form.
    pub(super) fn changing(
        &self,
        hand: &Hand<'_>,
        target: &Principal,
        form: &Form,
        groups: &[Membership],
    ) -> Result<Vec<Link>, Unanswered> {
        if !is_changeable(target) {
            return Ok(vec![]);
        }
        let ways = match form {
            Form::Own | Form::Freed => vec![],
            Form::Rewritten => self.rewriting(target, groups),
            Form::Unbound => self.unbinding(target),
            Form::Member(group) => {
                vec![Way {
                    step: Step::AddUserToGroup,
                    action: "iam:AddUserToGroup",
                    resources: vec![group.clone()],
                    sets: None,
                }]
            }
        };
        let mut best: std::collections::BTreeMap<Step, Proof> = std::collections::BTreeMap::new();
        for way in ways.iter().filter(|way| hand.mentions(way.action)) {
            if let Some(proof) = self.granted(hand, target, way)?
                && best.get(&way.step).is_none_or(|known| proof.cell.access < known.cell.access)
            {
                best.insert(way.step, proof);
            }
        }
        let links =
            best.into_iter().map(|(step, proof)| Link::new(step, &hand.actor.principal, &target.arn, vec![proof]));
        Ok(links.map(unsure_of_versions).collect())
    }

    fn granted(&self, hand: &Hand<'_>, target: &Principal, way: &Way) -> Result<Option<Proof>, Unanswered> {
        let mut context = self.directory.of_resources(&target.account_id).into_owned();
        if way.resources.contains(&target.arn) {
            context = self.directory.context_of(target);
            let boundary = target.handles.boundary.clone();
            context.insert("iam:PermissionsBoundary", boundary.map_or(ContextValue::Absent, ContextValue::One));
        }
        if let Some((key, value)) = &way.sets {
            context.insert(key, ContextValue::One(value.clone()));
        }
        let objects = way.resources.iter().map(|arn| Object::plain(Some(arn), &target.account_id, &context));
        self.directory.best_proof(&hand.actor.principal, objects, &Action::new(way.action))
    }

    fn rewriting(&self, target: &Principal, groups: &[Membership]) -> Vec<Way> {
        let is_user = target.kind == PrincipalKind::User;
        let own = vec![target.arn.clone()];
        let joined: Vec<&Membership> =
            groups.iter().filter(|group| target.handles.groups.contains(&group.name)).collect();
        let of_groups: Vec<String> = joined.iter().map(|group| group.arn.clone()).collect();
        let of_customer = |arn: &str| !arn.contains(":iam::aws:policy/");
        let attached = target.handles.attached_policies.iter();
        let attached = attached.chain(joined.iter().flat_map(|group| &group.attached_policies));
        let attached: Vec<String> = attached.filter(|arn| of_customer(arn)).map(ToString::to_string).collect();
        let administrator = format!("arn:{}:iam::aws:policy/AdministratorAccess", self.directory.partition);
        let administrator = Some(("iam:PolicyARN", administrator));
        let way = |step, action, resources: &Vec<String>, sets: &Option<(&'static str, String)>| Way {
            step,
            action,
            resources: resources.clone(),
            sets: sets.clone(),
        };
        let (put, attach) = match is_user {
            true => ("iam:PutUserPolicy", "iam:AttachUserPolicy"),
            false => ("iam:PutRolePolicy", "iam:AttachRolePolicy"),
        };
        vec![
            way(Step::PutPolicy, put, &own, &None),
            way(Step::PutPolicy, "iam:PutGroupPolicy", &of_groups, &None),
            way(Step::AttachPolicy, attach, &own, &administrator),
            way(Step::AttachPolicy, "iam:AttachGroupPolicy", &of_groups, &administrator),
            way(Step::CreatePolicyVersion, "iam:CreatePolicyVersion", &attached, &None),
            way(Step::SetDefaultPolicyVersion, "iam:SetDefaultPolicyVersion", &attached, &None),
        ]
    }

    fn unbinding(&self, target: &Principal) -> Vec<Way> {
        let (delete, put) = match target.kind {
            PrincipalKind::User => ("iam:DeleteUserPermissionsBoundary", "iam:PutUserPermissionsBoundary"),
            _ => ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"),
        };
        let own = vec![target.arn.clone()];
        let administrator = format!("arn:{}:iam::aws:policy/AdministratorAccess", self.directory.partition);
        let of_customer = |arn: &String| !arn.contains(":iam::aws:policy/");
        let boundary: Vec<String> = target.handles.boundary.iter().filter(|arn| of_customer(arn)).cloned().collect();
        vec![
            Way { step: Step::DeleteBoundary, action: delete, resources: own.clone(), sets: None },
            Way {
                step: Step::ReplaceBoundary,
                action: put,
                resources: own,
                sets: Some(("iam:PermissionsBoundary", administrator)),
            },
            Way { step: Step::ReplaceBoundary, action: "iam:CreatePolicyVersion", resources: boundary, sets: None },
        ]
    }
}

/// Only the default version of a policy is known.
fn unsure_of_versions(mut link: Link) -> Link {
    if link.step == Step::SetDefaultPolicyVersion {
        link.access = Access::Possible;
        link.notes.push("what other versions of the policy allow was not read".to_owned());
    }
    link
}
