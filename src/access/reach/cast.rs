//! Who can come to act as whom.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::super::directory::Directory;
use super::super::document::Named;
use super::super::principal::{self, Membership, Principal, PrincipalKind};
use super::change::ACTIONS;
use super::compute::{PASS_ROLE, holding_actions};
use super::search::Arrival;
use super::{Link, is_free_to_act};
use crate::policy::{self, ActionPattern, Document, Effect, Naming, ResourcePattern, Statement, Unanswered};

/// A principal as it is, or as links have changed it.
#[derive(Debug, Clone)]
pub(super) struct Actor<'a> {
    pub(super) principal: Cow<'a, Principal>,
    pub(super) form: Form,
}

/// What links have made of a principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Nothing else.
    Own,
    /// A member of one more group, by ARN.
    Member(String),
    /// With an identity policy that allows everything.
    Rewritten,
    /// Without its permissions boundary.
    Unbound,
    /// Both.
    Freed,
}

/// A principal in one form.
pub(super) type Id = (String, PrincipalKind, Form);

impl<'a> Actor<'a> {
    /// The principal in another form.
    fn changed(&self, form: Form, groups: &[Membership]) -> Self {
        let mut principal = self.principal.clone().into_owned();
        let everything = || Named {
            name: "identity policy as it would be written".into(),
            document: Arc::new(Document::everything(None)),
            source: None,
        };
        if matches!(form, Form::Rewritten | Form::Freed) {
            principal.identity.push(everything());
        }
        if matches!(form, Form::Unbound | Form::Freed) {
            principal.boundary.clear();
        }
        if let Form::Member(arn) = &form {
            let joined = groups.iter().filter(|group| group.arn == *arn);
            principal.identity.extend(joined.flat_map(|group| group.policies.iter().cloned()));
        }
        Self { principal: Cow::Owned(principal), form }
    }

    /// A principal as it is.
    pub(super) fn of(principal: Cow<'a, Principal>) -> Self {
        Self { principal, form: Form::Own }
    }

    /// The name of the principal as it was.
    pub(super) fn own_id(&self) -> Id {
        (self.principal.arn.clone(), self.principal.kind, Form::Own)
    }

    pub(super) fn id(&self) -> Id {
        (self.principal.arn.clone(), self.principal.kind, self.form.clone())
    }
}

/// Somebody who may take links, and which actions his policies speak of.
#[derive(Debug)]
pub(super) struct Hand<'a> {
    pub(super) actor: Actor<'a>,
    mentions: BTreeSet<&'static str>,
}

impl<'a> Hand<'a> {
    fn new(actor: Actor<'a>) -> Self {
        let actions = ACTIONS.into_iter().chain([PASS_ROLE]).chain(holding_actions());
        let mentions = actions.filter(|action| actor.principal.mentions(action)).collect();
        Self { actor, mentions }
    }

    pub(super) fn mentions(&self, action: &str) -> bool {
        self.mentions.contains(action)
    }
}

/// A principal that links can change, and how somebody comes to act as what it then is.
#[derive(Debug)]
struct Changed<'a> {
    hand: Hand<'a>,
    arrivals: Vec<Arrival<'a>>,
}

/// The principals of one account who matter to chains.
#[derive(Debug, Default)]
struct Cast<'a> {
    /// Those whose policies speak of any link.
    hands: Vec<Hand<'a>>,
    changed: Vec<Changed<'a>>,
}

/// The principals of all accounts as those who may take links.
pub(super) struct Casts<'a> {
    pub(super) directory: &'a Directory,
    /// The Region in which somebody would run something.
    pub(super) region: &'a str,
    /// Those to whom no chain gives anything.
    who_has_it: BTreeSet<Id>,
    /// By account, once it is asked for.
    casts: BTreeMap<&'a str, OnceLock<Result<Cast<'a>, Unanswered>>>,
}

impl<'a> Casts<'a> {
    pub(super) fn new(directory: &'a Directory, region: &'a str, who_has_it: BTreeSet<Id>) -> Self {
        let casts = directory.accounts.keys().map(|id| (id.as_str(), OnceLock::new())).collect();
        Self { directory, region, who_has_it, casts }
    }

    /// The principals of an account as links can change them.
    pub(super) fn changed(&self, account_id: &str) -> Result<impl Iterator<Item = &Actor<'a>>, Unanswered> {
        Ok(self.cast(account_id)?.into_iter().flat_map(|cast| cast.changed.iter().map(|changed| &changed.hand.actor)))
    }

    /// Who can act as `target`, and by which links, as far as that may be a gain to them.
    pub(super) fn arrivals(
        &self,
        target: &Actor<'a>,
        may_gain: &dyn Fn(&Actor<'_>) -> bool,
    ) -> Result<Vec<Arrival<'a>>, Unanswered> {
        let cast = self.cast(&target.principal.account_id)?;
        if target.form != Form::Own {
            let id = target.id();
            let changed = cast.into_iter().flat_map(|cast| &cast.changed).filter(|it| it.hand.actor.id() == id);
            return Ok(changed.flat_map(|changed| changed.arrivals.iter().cloned()).collect());
        }
        let mut arrivals = Vec::new();
        let is_other = |actor: &Actor<'_>| actor.principal.arn != target.principal.arn && may_gain(actor);
        for actor in self.trusted(&target.principal)?.into_iter().filter(is_other) {
            if let Some(link) = self.assuming(&actor, &target.principal)? {
                arrivals.push((actor, vec![Arc::new(link)]));
            }
        }
        let changed = cast.into_iter().flat_map(|cast| cast.changed.iter().map(|changed| &changed.hand));
        for hand in cast.into_iter().flat_map(|cast| &cast.hands).chain(changed) {
            if is_other(&hand.actor) {
                let links = self.taking_over(hand, &target.principal)?;
                arrivals.extend(links.into_iter().map(|link| (hand.actor.clone(), vec![Arc::new(link)])));
            }
        }
        Ok(arrivals)
    }

    fn cast(&self, account_id: &str) -> Result<Option<&Cast<'a>>, Unanswered> {
        let Some((id, place)) = self.casts.get_key_value(account_id) else { return Ok(None) };
        place.get_or_init(|| self.gather(id)).as_ref().map(Some).map_err(Clone::clone)
    }

    fn gather(&self, account_id: &str) -> Result<Cast<'a>, Unanswered> {
        let Some(account) = self.directory.accounts.get(account_id) else { return Ok(Cast::default()) };
        let actors = account.principals.iter().map(|it| Actor::of(Cow::Borrowed(it)));
        let hands = actors.filter(|actor| self.may_take_links(actor)).map(Hand::new);
        let hands: Vec<Hand<'a>> = hands.filter(|hand| !hand.mentions.is_empty()).collect();
        // Who can give itself everything needs nobody else for it.
        let mut limited: Vec<&Hand<'a>> = Vec::new();
        for hand in &hands {
            let principal = &hand.actor.principal;
            let is_sovereign = principal.boundary.is_empty()
                && !self.changing(hand, principal, &Form::Rewritten, &account.memberships)?.is_empty();
            if !is_sovereign {
                limited.push(hand);
            }
        }
        let mut changed = Vec::new();
        for principal in &account.principals {
            if is_changeable(principal) && self.may_take_links(&Actor::of(Cow::Borrowed(principal))) {
                self.change(principal, &hands, &limited, &account.memberships, &mut changed)?;
            }
        }
        Ok(Cast { hands, changed })
    }

    /// Adds the forms that links can give to a principal.
    fn change(
        &self,
        principal: &'a Principal,
        hands: &[Hand<'a>],
        limited: &[&Hand<'a>],
        groups: &[Membership],
        changed: &mut Vec<Changed<'a>>,
    ) -> Result<(), Unanswered> {
        let own = Actor::of(Cow::Borrowed(principal));
        let own_hand = hands.iter().find(|hand| hand.actor.id() == own.id());
        let before = changed.len();
        for form in forms(principal, groups) {
            let mut arrivals: Vec<Arrival<'a>> = Vec::new();
            if let Some(hand) = own_hand {
                let links = self.changing(hand, principal, &form, groups)?;
                arrivals.extend(links.into_iter().map(|link| (own.clone(), vec![Arc::new(link)])));
            }
            for hand in limited.iter().filter(|hand| hand.actor.id() != own.id()) {
                let links = self.changing(hand, principal, &form, groups)?;
                let entering = if links.is_empty() { None } else { self.entering(hand, principal)? };
                for link in links {
                    arrivals.extend(
                        entering
                            .iter()
                            .map(|entering| (hand.actor.clone(), vec![Arc::new(link.clone()), entering.clone()])),
                    );
                }
            }
            if !arrivals.is_empty() {
                changed.push(Changed { hand: Hand::new(own.changed(form, groups)), arrivals });
            }
        }
        // A boundary and policies fall one after the other, in whichever order the one allows the other.
        let mut arrivals: Vec<Arrival<'a>> = Vec::new();
        for first in changed.iter().skip(before) {
            let second = match first.hand.actor.form {
                Form::Rewritten => Form::Unbound,
                Form::Unbound => Form::Rewritten,
                _ => continue,
            };
            if !principal.boundary.is_empty() {
                let links = self.changing(&first.hand, principal, &second, groups)?;
                arrivals.extend(links.into_iter().map(|link| (first.hand.actor.clone(), vec![Arc::new(link)])));
            }
        }
        if !arrivals.is_empty() {
            changed.push(Changed { hand: Hand::new(own.changed(Form::Freed, groups)), arrivals });
        }
        Ok(())
    }

    /// The surest link by which somebody acts as another.
    fn entering(&self, hand: &Hand<'a>, target: &Principal) -> Result<Option<Arc<Link>>, Unanswered> {
        let mut links = self.taking_over(hand, target)?;
        if hand.actor.principal.kind != PrincipalKind::Root {
            links.extend(self.assuming(&hand.actor, target)?);
        }
        links.sort_by_key(|link| (link.access, link.step));
        Ok(links.into_iter().next().map(Arc::new))
    }

    fn may_take_links(&self, actor: &Actor<'_>) -> bool {
        is_free_to_act(&actor.principal) && !self.who_has_it.contains(&actor.id())
    }

    /// Whom the trust policy of a role may let in.
    fn trusted(&self, role: &Principal) -> Result<Vec<Actor<'a>>, Unanswered> {
        let Some(trust) = &role.handles.trust_policy else { return Ok(vec![]) };
        if role.caller.is_service_linked_role() {
            return Ok(vec![]);
        }
        let elements = trust.document.statements_of(Effect::Allow).filter_map(|statement| statement.principal.as_ref());
        let elements: Vec<&policy::PrincipalElement> = elements.collect();
        let is_open = elements.iter().any(|it| it.negated || it.entries.contains(&policy::Principal::Everyone));
        let entries: BTreeSet<&policy::Principal> =
            elements.iter().filter(|element| !element.negated).flat_map(|element| &element.entries).collect();
        let near: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.account()).collect();
        let is_near = |id: &str| is_open || near.contains(id) || entries.iter().any(|entry| is_unique_id(entry));
        let mut found: BTreeMap<Id, Actor<'a>> = BTreeMap::new();
        for account in self.directory.accounts.values().filter(|account| is_near(&account.id)) {
            let own = account.principals.iter().map(|principal| Actor::of(Cow::Borrowed(principal)));
            for actor in own.chain(self.changed(&account.id)?.cloned()) {
                let naming = entries.iter().filter_map(|entry| actor.principal.caller.named_by(entry)).min();
                let naming = naming.or(is_open.then_some(Naming::Star));
                if naming.is_some_and(|naming| may_enter(&actor.principal, role, naming)) {
                    found.insert(actor.id(), actor);
                }
            }
        }
        let outsiders = entries.iter().filter_map(|entry| self.directory.outsider(entry));
        let providers = entries.iter().filter_map(|entry| provider(entry));
        let everyone = is_open.then(|| {
            principal::everyone(&self.directory.partition, &self.directory.unnamed_account, &self.directory.estate)
        });
        for actor in outsiders.chain(providers).chain(everyone).map(|outsider| Actor::of(Cow::Owned(outsider))) {
            found.insert(actor.id(), actor);
        }
        Ok(found.into_values().filter(|actor| self.may_take_links(actor)).collect())
    }
}

/// Whether the account can change a principal: not the roles that AWS keeps for its services and for Identity Center.
pub(super) fn is_changeable(principal: &Principal) -> bool {
    let is_kept = principal.caller.is_service_linked_role() || principal.arn.contains(":role/aws-reserved/");
    matches!(principal.kind, PrincipalKind::User | PrincipalKind::Role) && !is_kept
}

/// The forms that would give a principal anything.
fn forms(principal: &Principal, groups: &[Membership]) -> Vec<Form> {
    let allows_everything = |statement: &Statement| {
        let resources = statement.resources.as_ref().filter(|resources| !resources.negated);
        !statement.is_conditional()
            && !statement.actions.negated
            && statement.actions.patterns.iter().any(ActionPattern::is_everything)
            && resources.is_some_and(|resources| resources.patterns.iter().any(ResourcePattern::is_everything))
    };
    let allowing = principal.identity.iter().flat_map(|named| named.document.statements_of(Effect::Allow));
    let has_everything = allowing.into_iter().any(allows_everything);
    let mut forms = Vec::new();
    if !has_everything {
        forms.push(Form::Rewritten);
    }
    if !principal.boundary.is_empty() {
        forms.push(Form::Unbound);
    }
    if principal.kind == PrincipalKind::User && !has_everything {
        let others = groups.iter().filter(|group| !principal.handles.groups.contains(&group.name));
        forms.extend(others.filter(|group| !group.policies.is_empty()).map(|group| Form::Member(group.arn.clone())));
    }
    forms
}

/// A deleted principal leaves its unique id behind, which may be that of one that was read in any account.
fn is_unique_id(entry: &policy::Principal) -> bool {
    matches!(entry, policy::Principal::UniqueId(_))
}

impl Directory {
    /// Whoever an identity provider vouches for, if the trust policy of a role names it: by ARN, or by name where it has none.
    pub fn identity_provider(&self, name: &str) -> Option<Principal> {
        let trust = self.principals().filter_map(|principal| principal.handles.trust_policy.as_ref());
        let elements = trust.flat_map(|named| &named.document.statements).filter_map(|it| it.principal.as_ref());
        let mut entries = elements.flat_map(|element| &element.entries);
        entries.find(|entry| matches!(entry, policy::Principal::Federated(it) if it == name)).and_then(provider)
    }
}

/// Whoever the provider vouches for that a trust policy names.
fn provider(entry: &policy::Principal) -> Option<Principal> {
    match entry {
        policy::Principal::Federated(name) => Some(principal::identity_provider(name)),
        _ => None,
    }
}

/// Whether somebody whom a trust policy names in this way may be let in: in the same account, naming the principal itself
/// suffices; else its own policies must speak of the role. No root user assumes roles.
fn may_enter(principal: &Principal, role: &Principal, naming: Naming) -> bool {
    let suffices = principal.account_id == role.account_id && naming != Naming::Account;
    principal.kind != PrincipalKind::Root && (suffices || principal.mentions("sts:AssumeRole"))
}
