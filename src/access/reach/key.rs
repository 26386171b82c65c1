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
use std::collections::BTreeSet;
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
        Named { name: name.into(), document: Arc::new(Document::everything(Some(element))), source: None }
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

    /// Aliases are a way only where the decision changes once they are free, and then with a name that makes it change.
    fn by_aliases(&self) -> Result<Vec<Route>, Unanswered> {
        if !ALIAS_KEYS.iter().any(|key| self.directory.tested.has(key)) {
            return Ok(vec![]);
        }
        let (context, assumptions) = self.named_anew(None);
        let free = self.last(Object { context: &context, assumptions: &assumptions, ..Object::key(self.key) })?;
        if free.cell.access >= self.direct.access {
            return Ok(vec![]);
        }
        let mut routes = Vec::new();
        for step in [Step::CreateAlias, Step::UpdateAlias, Step::DeleteAlias] {
            routes.extend(self.by_alias(step, free.cell.access)?);
        }
        Ok(routes)
    }

    /// The surest way with one kind of change; none is surer than `limit`.
    fn by_alias(&self, step: Step, limit: Access) -> Result<Option<Route>, Unanswered> {
        let name = match step {
            Step::CreateAlias => "kms:CreateAlias",
            Step::UpdateAlias => "kms:UpdateAlias",
            _ => "kms:DeleteAlias",
        };
        let Some(on_key) = self.on_key(name)? else { return Ok(None) };
        let mut best: Option<Route> = None;
        for change in self.alias_changes(step, name) {
            let (context, assumptions) = self.named_anew(Some(&change.names));
            let last = self.last(Object { context: &context, assumptions: &assumptions, ..Object::key(self.key) })?;
            if last.cell.access >= self.direct.access {
                continue;
            }
            let Some(proofs) = self.alias_proofs(name, &change)? else { continue };
            let proofs = std::iter::once(on_key.clone()).chain(proofs).collect();
            let route = Route::opening(self.link(step, proofs), last);
            let is_best = route.access <= limit.max(on_key.cell.access);
            if best.as_ref().is_none_or(|best| route.access < best.access) {
                best = Some(route);
            }
            if is_best {
                break;
            }
        }
        Ok(best)
    }

    /// What requests on the key can hold once it has these aliases; `None`: any.
    fn named_anew(&self, names: Option<&[String]>) -> (Context, Vec<ConditionTest>) {
        let (mut context, mut assumptions) = (self.key.context.clone(), self.key.assumptions.clone());
        context.retain(|key| key != "kms:resourcealiases");
        assumptions.retain(|test| test.key != "kms:requestalias");
        if let Some(names) = names {
            context.insert("kms:ResourceAliases", ContextValue::Set(names.to_vec()));
            assumptions.push(super::super::key::request_alias(names));
        }
        (context, assumptions)
    }

    fn alias_changes(&self, step: Step, action: &str) -> Vec<AliasChange<'_>> {
        let own = &self.key.aliases;
        let without = |name: &String| own.iter().filter(|it| *it != name).cloned().collect();
        let with = |name: &String| own.iter().chain([name]).cloned().collect();
        let near = |key: &&Key| {
            key.account_id == self.key.account_id && key.region == self.key.region && key.arn != self.key.arn
        };
        match step {
            Step::CreateAlias => {
                let named = self.directory.keys().filter(|key| near(key) || key.arn == self.key.arn);
                let taken: BTreeSet<&String> = named.flat_map(|key| &key.aliases).collect();
                let names = self.alias_names(action).into_iter().filter(|name| !taken.contains(name));
                names.map(|name| AliasChange { names: with(&name), moved: vec![name], other: None }).collect()
            }
            Step::DeleteAlias if own.is_empty() => vec![],
            Step::DeleteAlias => {
                let all = AliasChange { names: vec![], moved: own.clone(), other: None };
                let each = own.iter().filter(|_| own.len() > 1);
                let each =
                    each.map(|name| AliasChange { names: without(name), moved: vec![name.clone()], other: None });
                std::iter::once(all).chain(each).collect()
            }
            _ => {
                let change = |names, name: &String, other| AliasChange { names, moved: vec![name.clone()], other };
                let mut changes = Vec::new();
                for other in self.directory.keys().filter(near) {
                    changes.extend(other.aliases.iter().map(|name| change(with(name), name, Some(other))));
                    changes.extend(own.iter().map(|name| change(without(name), name, Some(other))));
                }
                changes
            }
        }
    }

    /// Names for a new alias: those for which conditions ask, and those for which the permission to create one asks.
    fn alias_names(&self, action: &str) -> Vec<String> {
        let policies = self.principal.identity.iter().chain(&self.principal.boundary).chain(&self.key.policies);
        let service_control = self.directory.service_control(&self.principal.account_id);
        let of_organization = service_control.iter().flatten().flatten();
        let resource_control = self.directory.resource_control(&self.key.account_id).into_iter().flatten().flatten();
        let documents = policies.chain(of_organization).chain(resource_control).map(|named| &named.document);
        let tests = documents.flat_map(|document| &document.statements).flat_map(policy::Statement::tests);
        let values = tests.filter(|test| ALIAS_KEYS.contains(&test.key.as_str())).flat_map(|test| &test.values);
        let written = values.filter(|text| !text.has_variables()).map(|text| text.source().replace(['*', '?'], "x"));
        let Some((prefix, _)) = self.key.arn.split_once(":key/") else { return vec![] };
        let chosen = self.principal.names_to_choose(action, &format!("{prefix}:alias/x"));
        let chosen = chosen.iter().filter_map(|arn| arn.rsplit(':').next().map(str::to_owned));
        let names: BTreeSet<String> = written.chain(chosen).filter(|name| name.starts_with("alias/")).collect();
        names.into_iter().collect()
    }

    /// Aliases are decided on the alias and on every key that they belong to, before and after.
    fn alias_proofs(&self, name: &str, change: &AliasChange<'_>) -> Result<Option<Vec<Proof>>, Unanswered> {
        let Some((prefix, _)) = self.key.arn.split_once(":key/") else { return Ok(None) };
        let empty = Context::default();
        let mut proofs = Vec::new();
        for alias in &change.moved {
            let arn = format!("{prefix}:{alias}");
            match self.ask(name, Object::plain(Some(&arn), &self.key.account_id, &empty))? {
                Some(proof) => proofs.push(proof),
                None => return Ok(None),
            }
        }
        if let Some(other) = change.other {
            match self.ask(name, Object::key(other))? {
                Some(proof) => proofs.push(proof),
                None => return Ok(None),
            }
        }
        Ok(Some(proofs))
    }
}

/// The condition keys that hold names of aliases.
const ALIAS_KEYS: [&str; 2] = ["kms:resourcealiases", "kms:requestalias"];

/// A change of the aliases of a key.
struct AliasChange<'a> {
    /// The aliases that the key has then.
    names: Vec<String>,
    /// Those that are made, moved or deleted.
    moved: Vec<String>,
    /// The key from which or to which they are moved.
    other: Option<&'a Key>,
}
