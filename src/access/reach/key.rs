//! Links that open the key itself.

use super::super::cell::{Cell, Object};
use super::super::directory::Directory;
use super::super::document::Named;
use super::super::key::Key;
use super::super::principal::{Principal, PrincipalKind};
use super::proof::Proof;
use super::step::Step;
use super::{Link, Route};
use crate::policy::{
    self, Access, Action, ConditionTest, Constraints, Context, ContextValue, Document, Grant, PrincipalElement,
    Unanswered,
};
use std::sync::Arc;

/// Who asks about which key.
struct Opening<'a> {
    directory: &'a Directory,
    principal: &'a Principal,
    key: &'a Key,
    action: &'a Action,
    /// What the principal has.
    direct: &'a Cell,
}

impl Directory {
    /// The ways in which a principal that lacks an action on a key can open the key.
    pub(super) fn openings(
        &self,
        principal: &Principal,
        key: &Key,
        action: &Action,
        direct: &Cell,
    ) -> Result<Vec<Route>, Unanswered> {
        let opening = Opening { directory: self, principal, key, action, direct };
        let mut routes = Vec::new();
        routes.extend(opening.by_policy()?);
        routes.extend(opening.by_grant()?);
        routes.extend(opening.by_replica()?);
        routes.extend(opening.by_re_encryption()?);
        routes.extend(opening.by_tags()?);
        routes.extend(opening.by_aliases()?);
        Ok(routes)
    }
}

impl Opening<'_> {
    fn ask(&self, action: &str, object: Object<'_>) -> Result<Option<Proof>, Unanswered> {
        self.directory.proof(self.principal, object, &Action::new(action))
    }

    fn on_key(&self, action: &str) -> Result<Option<Proof>, Unanswered> {
        self.ask(action, Object::key(self.key))
    }

    fn link(&self, step: Step, proofs: Vec<Proof>) -> Link {
        Link::new(step, self.principal, &self.key.arn, proofs)
    }

    /// The decision on the action once the key is open.
    fn last(&self, object: Object<'_>) -> Result<Proof, Unanswered> {
        let cell = self.directory.decide(self.principal, object, self.action)?;
        Ok(Proof::new(self.directory, self.principal, object, self.action, cell))
    }

    /// A key that was opened. Where something else keeps denying the action to the one who opened it, others can still use it.
    fn opened(&self, mut link: Link, object: Object<'_>) -> Result<Route, Unanswered> {
        let last = self.last(object)?;
        if last.cell.access == Access::Denied {
            let words = format!(
                "{} stays denied to it even then; it can open the key to others, for whom that does not hold",
                self.action.name()
            );
            link.notes.push(words);
        }
        Ok(Route::opening(link, last))
    }

    fn by_policy(&self) -> Result<Option<Route>, Unanswered> {
        let Some(proof) = self.on_key("kms:PutKeyPolicy")? else { return Ok(None) };
        let policies = [self.own_policy("key policy as it would write it")];
        let object = Object { key_policies: &policies, grants: &[], ..Object::key(self.key) };
        self.opened(self.link(Step::PutKeyPolicy, vec![proof]), object).map(Some)
    }

    /// A key policy that allows the principal everything.
    fn own_policy(&self, name: &str) -> Named {
        let principal = self.principal.caller.principal_arn().unwrap_or(&self.principal.arn);
        let element = PrincipalElement { negated: false, entries: vec![policy::Principal::aws(principal.to_owned())] };
        Named { name: name.to_owned(), document: Arc::new(Document::everything(Some(element))), source: None }
    }

    /// A grant by policy may hold any operation and go to anyone; by a grant it holds no more than that one. One that only a
    /// service may create for its own resources gives the caller nothing.
    fn by_grant(&self) -> Result<Option<Route>, Unanswered> {
        let Some(operation) = self.action.kms().filter(|action| action.grant_operation) else { return Ok(None) };
        let operation = operation.name.trim_start_matches("kms:");
        let mut assumptions = self.key.assumptions.clone();
        assumptions.push(ConditionTest::literal("BoolIfExists", "kms:GrantIsForAWSResource", &["false"]));
        assumptions.push(ConditionTest::literal("ForAnyValue:StringEquals", "kms:GrantOperations", &[operation]));
        if let Some(own) = self.own_names() {
            assumptions.push(ConditionTest::like("StringLike", "kms:GranteePrincipal", &own));
        }
        let object = Object { assumptions: &assumptions, ..Object::key(self.key) };
        let proof = self.ask("kms:CreateGrant", object)?;
        let Some(proof) = proof.filter(|proof| proof.cell.access != Access::ViaService) else { return Ok(None) };
        let grants = [Grant {
            id: "of its own making".to_owned(),
            key: self.key.arn.clone(),
            grantee: Some(Grant::principal(self.principal.caller.principal_arn().unwrap_or(&self.principal.arn))),
            grantee_is_opaque: false,
            retiring: vec![],
            issuing_account: self.principal.caller.account.clone(),
            operations: vec![operation.to_owned()],
            constraints: Constraints::default(),
        }];
        let object = Object { grants: &grants, ..Object::key(self.key) };
        self.opened(self.link(Step::CreateGrant, vec![proof]), object).map(Some)
    }

    /// The names under which a grant can go to the principal itself; `None` where any name is one.
    fn own_names(&self) -> Option<Vec<String>> {
        let own = &self.principal.arn;
        match self.principal.kind {
            PrincipalKind::Everyone => None,
            PrincipalKind::Account | PrincipalKind::Root => {
                let account = &self.principal.account_id;
                Some(vec![own.clone(), format!("arn:*:iam::{account}:*"), format!("arn:*:sts::{account}:*")])
            }
            _ => Some(vec![own.clone(), self.principal.caller.arn.clone()]),
        }
    }

    /// `kms:ReplicateKey` is asked of the primary key, whichever member of the family this is.
    fn by_replica(&self) -> Result<Option<Route>, Unanswered> {
        if !self.key.id.starts_with("mrk-") || self.principal.account_id != self.key.account_id {
            return Ok(None);
        }
        let family = self.directory.keys().filter(|key| key.id == self.key.id && key.account_id == self.key.account_id);
        let replicate =
            self.directory.best_proof(self.principal, family.map(Object::key), &Action::new("kms:ReplicateKey"))?;
        let Some(replicate) = replicate else { return Ok(None) };
        let nowhere = Context::default();
        let anew = Object { free: &["aws:requestedregion"], ..Object::plain(None, &self.key.account_id, &nowhere) };
        let Some(create) = self.ask("kms:CreateKey", anew)? else { return Ok(None) };
        let mut link = self.link(Step::ReplicateKey, vec![replicate, create]);
        link.notes.push(
            "only the primary key can be replicated; kms:UpdatePrimaryRegion makes a replica the primary".to_owned(),
        );
        let policies = [self.own_policy("key policy of the replica as it would write it")];
        let replica =
            Object { key_policies: &policies, grants: &[], free: &["aws:requestedregion"], ..Object::key(self.key) };
        self.opened(link, replica).map(Some)
    }

    /// Data under the key becomes data under another key of the Region.
    fn by_re_encryption(&self) -> Result<Option<Route>, Unanswered> {
        if self.action.name() != "kms:Decrypt" {
            return Ok(None);
        }
        let Some(from) = self.on_key("kms:ReEncryptFrom")? else { return Ok(None) };
        let others = self.directory.keys().filter(|key| key.region == self.key.region && key.arn != self.key.arn);
        let mut best: Option<(Link, Proof)> = None;
        for other in others.filter(|key| self.directory.reaches(key, self.principal)) {
            let Some(last) = self.directory.proof(self.principal, Object::key(other), self.action)? else { continue };
            let Some(to) = self.ask("kms:ReEncryptTo", Object::key(other))? else { continue };
            let link = Link { target: other.arn.clone(), ..self.link(Step::ReEncrypt, vec![from.clone(), to]) };
            let access = link.access.max(last.cell.access);
            if best.as_ref().is_none_or(|(link, last)| access < link.access.max(last.cell.access)) {
                best = Some((link, last));
            }
            if access == from.cell.access {
                break;
            }
        }
        Ok(best.map(|(link, last)| Route::opening(link, last)))
    }

    /// Tags are a way only where the decision changes once they are free.
    fn by_tags(&self) -> Result<Vec<Route>, Unanswered> {
        let mut routes = Vec::new();
        for (step, action) in [(Step::TagKey, "kms:TagResource"), (Step::UntagKey, "kms:UntagResource")] {
            let (context, assumptions) = self.tagged_anew(step);
            let object = Object { context: &context, assumptions: &assumptions, ..Object::key(self.key) };
            let last = self.last(object)?;
            if last.cell.access >= self.direct.access {
                continue;
            }
            if let Some(proof) = self.on_key(action)? {
                routes.push(Route::opening(self.link(step, vec![proof]), last));
            }
        }
        Ok(routes)
    }

    /// What requests on the key can hold once its tags are set, or taken away.
    fn tagged_anew(&self, step: Step) -> (Context, Vec<ConditionTest>) {
        const PREFIX: &str = "aws:resourcetag/";
        let (mut context, mut assumptions) = (self.key.context.clone(), self.key.assumptions.clone());
        let Some(tags) = &self.key.tags else { return (context, assumptions) };
        context.retain(|key| !key.starts_with(PREFIX));
        for name in self.directory.tested.suffixes(PREFIX) {
            let key = format!("{PREFIX}{name}");
            let value = tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
            match (step, value) {
                (Step::UntagKey, None) => drop(context.insert(&key, ContextValue::Absent)),
                (Step::UntagKey, Some(value)) => {
                    assumptions.push(ConditionTest::literal("StringEqualsIfExists", &key, &[value]));
                }
                (_, Some(_)) => assumptions.push(ConditionTest::literal("Null", &key, &["false"])),
                (_, None) => {}
            }
        }
        (context, assumptions)
    }

    /// Aliases are a way only where the decision changes once they are free.
    fn by_aliases(&self) -> Result<Vec<Route>, Unanswered> {
        if !["kms:resourcealiases", "kms:requestalias"].iter().any(|key| self.directory.tested.has(key)) {
            return Ok(vec![]);
        }
        let mut routes = Vec::new();
        for step in [Step::CreateAlias, Step::UpdateAlias, Step::DeleteAlias] {
            let (context, assumptions) = self.named_anew(step);
            let object = Object { context: &context, assumptions: &assumptions, ..Object::key(self.key) };
            let last = self.last(object)?;
            if last.cell.access >= self.direct.access {
                continue;
            }
            if let Some(proofs) = self.alias_proofs(step)? {
                routes.push(Route::opening(self.link(step, proofs), last));
            }
        }
        Ok(routes)
    }

    fn named_anew(&self, step: Step) -> (Context, Vec<ConditionTest>) {
        let (mut context, mut assumptions) = (self.key.context.clone(), self.key.assumptions.clone());
        context.retain(|key| key != "kms:resourcealiases");
        assumptions.retain(|test| test.key != "kms:requestalias");
        if step == Step::DeleteAlias {
            context.insert("kms:ResourceAliases", ContextValue::Set(vec![]));
            assumptions.push(ConditionTest::literal("Null", "kms:RequestAlias", &["true"]));
        }
        (context, assumptions)
    }

    /// Aliases are decided on the alias and on every key that they belong to, before and after.
    fn alias_proofs(&self, step: Step) -> Result<Option<Vec<Proof>>, Unanswered> {
        let name = match step {
            Step::CreateAlias => "kms:CreateAlias",
            Step::UpdateAlias => "kms:UpdateAlias",
            _ => "kms:DeleteAlias",
        };
        let Some(on_key) = self.on_key(name)? else { return Ok(None) };
        let action = Action::new(name);
        let empty = Context::default();
        let Some((prefix, _)) = self.key.arn.split_once(":key/") else { return Ok(None) };
        let alias = |name: &String| format!("{prefix}:{name}");
        let on_alias = |arns: &[String]| {
            let objects = arns.iter().map(|arn| Object::plain(Some(arn), &self.key.account_id, &empty));
            self.directory.best_proof(self.principal, objects, &action)
        };
        match step {
            Step::CreateAlias => {
                let names = self.principal.names_to_choose(name, &format!("{prefix}:alias/x"));
                Ok(on_alias(&names)?.map(|proof| vec![on_key, proof]))
            }
            Step::DeleteAlias => {
                let mut proofs = vec![on_key];
                for alias in self.key.aliases.iter().map(alias) {
                    match on_alias(&[alias])? {
                        Some(proof) => proofs.push(proof),
                        None => return Ok(None),
                    }
                }
                Ok(Some(proofs))
            }
            _ => {
                let near = |key: &&Key| key.account_id == self.key.account_id && key.region == self.key.region;
                for other in self.directory.keys().filter(near).filter(|key| key.arn != self.key.arn) {
                    let arns: Vec<String> = other.aliases.iter().map(alias).collect();
                    if let Some(on_alias) = on_alias(&arns)?
                        && let Some(on_other) = self.ask(name, Object::key(other))?
                    {
                        return Ok(Some(vec![on_key, on_alias, on_other]));
                    }
                }
                Ok(None)
            }
        }
    }
}
