//! The page of a key: who can do what with it, how, because of what; its policies, grants and facts; what could not be read.

use std::collections::BTreeMap;

use serde::Serialize;

use super::entry::{Counts, Entry};
use super::facts::{GrantFacts, KeyFacts};
use super::related::{FamilyView, Related};
use super::{place, words};
use crate::access::{Capability, Directory, Key, PrincipalKind, Relation, StatementRow, path_words};
use crate::audit::Selection;
use crate::model::Evidence;
use crate::policy::{Access, Action, Document, Path, Principal, PrincipalElement, Statement};
use crate::report::html::file_name;
use crate::report::recipe;
use crate::report::table::not_known;
use crate::report::view::{self, StatusView, counted, grouped, shortened};
use crate::report::visible;

/// Bytes that the answer to one question may take; there are six.
const SECTION: usize = 400_000;

/// Bytes that the policies may take, and the grants.
const POLICIES: usize = 500_000;
const GRANTS: usize = 400_000;

/// Principals of one group that are shown at once, and those that can be unfolded.
const SHOWN: usize = 10;
const UNFOLDED: usize = 500;

/// Conditions of one group that are shown.
const MAX_CONDITIONS: usize = 12;

/// What a page tells of one key.
#[derive(Debug, Clone, Serialize)]
pub(super) struct KeyView {
    pub(super) anchor: String,
    pub(super) name: String,
    id: String,
    arn: String,
    account_id: String,
    account_name: String,
    account_href: String,
    region: String,
    manager: &'static str,
    state: words::StateView,
    /// What stands between authorised and usable; empty when nothing does.
    not_usable: String,
    gaps: Vec<String>,
    figures: Vec<Figure>,
    sections: Vec<Section>,
    family: Option<FamilyView>,
    policies: Vec<PolicyView>,
    policies_rest: String,
    grants: Vec<GrantView>,
    grants_total: String,
    grants_rest: String,
    facts: Vec<(&'static str, String)>,
    evidence: Vec<Place>,
}

/// A number that the eye meets first.
#[derive(Debug, Clone, Serialize)]
struct Figure {
    label: &'static str,
    href: String,
    text: String,
    query: String,
    parts: Vec<String>,
    outside: String,
}

/// The answer to one question.
#[derive(Debug, Clone, Serialize)]
struct Section {
    id: String,
    question: &'static str,
    file: &'static str,
    total: String,
    query: String,
    breakdown: String,
    groups: Vec<Group>,
    rest: String,
    nobody: &'static str,
}

/// Principals that have the same access for the same reasons.
#[derive(Debug, Clone, Serialize)]
struct Group {
    access: StatusView,
    relation: Option<StatusView>,
    actions: String,
    principals: Vec<Who>,
    folded: Vec<Who>,
    hidden: String,
    number: String,
    how: &'static str,
    conditions: Vec<String>,
    conditions_rest: String,
    reasons: Vec<Reason>,
    notes: Vec<String>,
}

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Who {
    name: String,
    /// Whether the name is words of ours and no ARN.
    is_words: bool,
    kind: &'static str,
    account: String,
    account_href: String,
}

/// A statement or grant that decides.
#[derive(Debug, Clone, Serialize)]
struct Reason {
    /// `Allow in`, `Deny in`; `grant`.
    what: String,
    name: String,
    /// `statement 2`; nothing for grants.
    place: String,
    sid: String,
    /// Where it stands on this page; empty for documents that are not of the key.
    href: String,
    source: Option<Place>,
}

/// A place in the snapshot.
#[derive(Debug, Clone, Serialize)]
struct Place {
    api: String,
    file: String,
    pointer: String,
    line: String,
}

/// A key policy.
#[derive(Debug, Clone, Serialize)]
struct PolicyView {
    name: String,
    statements: Vec<StatementView>,
    source: Option<Place>,
}

/// One of its statements.
#[derive(Debug, Clone, Serialize)]
struct StatementView {
    id: String,
    index: usize,
    sid: String,
    effect: String,
    whom: Vec<String>,
    not_whom: bool,
    actions: Vec<String>,
    not_actions: bool,
    resources: Vec<String>,
    not_resources: bool,
    conditions: Vec<String>,
}

/// A grant.
#[derive(Debug, Clone, Serialize)]
struct GrantView {
    id: String,
    grant: String,
    name: String,
    grantee: String,
    operations: Vec<String>,
    constraints: Vec<String>,
    retiring: String,
    issuer: String,
    source: Place,
}

/// About how many bytes a view takes on a page: as JSON its texts and their names, escaped, which is more than the markup.
pub(super) fn weight(view: &impl Serialize) -> usize {
    const MARKUP: usize = 400;
    // A view that is no JSON cannot be rendered either; rendering says so.
    serde_json::to_string(view).map_or(0, |json| MARKUP + visible::escaped_length(&json))
}

/// As many views as fit, and how many do not.
pub(super) fn that_fit<T: Serialize>(views: impl IntoIterator<Item = T>, room: usize) -> (Vec<T>, u64) {
    let (mut shown, mut left, mut hidden) = (Vec::new(), room, 0);
    for view in views {
        match left.checked_sub(weight(&view)).filter(|_| hidden == 0) {
            Some(rest) => {
                left = rest;
                shown.push(view);
            }
            None => hidden += 1,
        }
    }
    (shown, hidden)
}

/// What the page of a key is made of.
pub(super) struct Telling<'a> {
    pub(super) directory: &'a Directory,
    /// Which accounts have a page.
    pub(super) selection: &'a Selection,
    pub(super) key: &'a Key,
    pub(super) facts: Option<&'a KeyFacts>,
    pub(super) entries: &'a [Entry],
    pub(super) counts: &'a BTreeMap<Capability, Counts>,
    /// The other keys of its family that were read.
    pub(super) related: &'a [Related<'a>],
    /// Whether every key has a page of its own.
    pub(super) has_own_pages: bool,
    pub(super) questions: &'a [(Capability, Action)],
    /// From where commands are run to the snapshot.
    pub(super) prefix: &'a str,
}

impl Telling<'_> {
    /// The view of the key.
    pub(super) fn view(&self) -> KeyView {
        let key = self.key;
        let (policies, policies_hidden) = that_fit(self.policies(), POLICIES);
        let grants = self.facts.map(|facts| facts.grants.as_slice()).unwrap_or_default();
        let views = grants.iter().enumerate().map(|(index, grant)| self.grant(index, grant));
        let (grant_views, grants_hidden) = that_fit(views, GRANTS);
        KeyView {
            anchor: place::anchor(key),
            name: shortened(words::name(key)),
            id: shortened(&key.id),
            arn: shortened(&key.arn),
            account_id: key.account_id.clone(),
            account_name: self.account_name(&key.account_id),
            account_href: format!("accounts/{}", file_name(&key.account_id)),
            region: shortened(&key.region),
            manager: words::manager(key),
            state: words::state(key),
            not_usable: self.not_usable(),
            gaps: self.gaps(),
            figures: Capability::ALL.into_iter().map(|it| self.figure(it)).collect(),
            sections: Capability::ALL.into_iter().map(|it| self.section(it)).collect(),
            family: self.family(),
            policies,
            policies_rest: rest(policies_hidden, "policy is", "policies are", "the snapshot has"),
            grants: grant_views,
            grants_total: counted(grants.len() as u64, "grant", "grants"),
            grants_rest: rest(grants_hidden, "grant is", "grants are", "the snapshot has"),
            facts: self.key_facts(),
            evidence: self.facts.iter().flat_map(|facts| &facts.evidence).map(|it| self.place_of(it)).collect(),
        }
    }

    fn account_name(&self, id: &str) -> String {
        self.directory.account(id).map(|account| shortened(&account.name)).unwrap_or_default()
    }

    fn not_usable(&self) -> String {
        let deletion = self.facts.and_then(|facts| facts.metadata.as_ref().ok()).and_then(|it| it.deletion_date);
        match (self.key.usable_now(), &self.key.state, deletion) {
            (Some(false), Some(state), Some(date)) => format!(
                "Authorised, but not usable now: the key is {state}; AWS KMS will delete it on {}. Who may enable it again makes \
                 every access below usable.",
                date.strftime("%-d %B %Y")
            ),
            (Some(false), Some(state), None) => format!(
                "Authorised, but not usable now: the key is {state}. Who may enable it again makes every access below usable."
            ),
            (None, ..) => "Whether the key is enabled could not be read: it may be usable now or not.".to_owned(),
            _ => String::new(),
        }
    }

    /// What could not be read and bears on the answers.
    fn gaps(&self) -> Vec<String> {
        let of_account = self.directory.account(&self.key.account_id).map(|account| account.gaps.as_slice());
        let all = self.key.gaps.iter().chain(of_account.unwrap_or_default()).chain(self.directory.organization_gap());
        let mut reasons: Vec<String> = all.map(|gap| shortened(&gap.reason())).collect();
        reasons.dedup();
        reasons
    }

    fn query(&self, capability: Capability) -> String {
        format!("key={} capability={}", self.key.arn, capability.word())
    }

    fn counts(&self, capability: Capability) -> Counts {
        self.counts.get(&capability).copied().unwrap_or_default()
    }

    fn section_id(&self, capability: Capability) -> String {
        format!("{}-{}", place::anchor(self.key), capability.word())
    }

    /// Whether the key can serve any action of the capability.
    fn can_serve(&self, capability: Capability) -> bool {
        let mut actions = self.questions.iter().filter(|(of, _)| *of == capability);
        actions.any(|(_, action)| self.key.can_serve(action.name()))
    }

    fn figure(&self, capability: Capability) -> Figure {
        let counts = self.counts(capability);
        let mut parts = match (counts.total(), self.can_serve(capability)) {
            (0, false) => vec!["not with a key of this usage".to_owned()],
            (0, true) => vec!["nobody".to_owned()],
            _ => words::kinds_of(&counts),
        };
        let through_related = if capability == Capability::Decrypt { self.through_related() } else { 0 };
        if through_related > 0 {
            parts.push(format!("and {} more through related keys", grouped(through_related)));
        }
        Figure {
            label: words::label(capability),
            href: format!("#{}", self.section_id(capability)),
            text: grouped(counts.total()),
            query: self.query(capability),
            parts,
            outside: words::outside(&counts),
        }
    }

    fn section(&self, capability: Capability) -> Section {
        let entries = self.entries.iter().filter(|entry| entry.capability == capability);
        let (groups, hidden) = that_fit(self.groups(entries), SECTION);
        let counts = self.counts(capability);
        let file = if capability.is_use() { "key_access.csv" } else { "key_admins.csv" };
        Section {
            id: self.section_id(capability),
            question: words::question(capability),
            file,
            total: words::principals(counts.total()),
            query: self.query(capability),
            breakdown: words::breakdown(&counts),
            groups,
            rest: rest(hidden, "group of principals is", "groups of principals are", &format!("data/csv/{file} has")),
            nobody: if self.can_serve(capability) { "Nobody." } else { "Keys of this usage cannot." },
        }
    }

    /// Entries that differ in nothing but the principal, those from farthest away first.
    fn groups<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> Vec<Group> {
        let mut groups: BTreeMap<Likeness<'_>, Vec<&Entry>> = BTreeMap::new();
        for entry in entries {
            groups.entry(Likeness::of(entry)).or_default().push(entry);
        }
        groups.into_values().filter_map(|entries| self.group(&entries)).collect()
    }

    fn group(&self, entries: &[&Entry]) -> Option<Group> {
        let first = entries.first()?;
        let mut who: Vec<Who> = entries.iter().map(|entry| self.who(entry)).collect();
        who.sort();
        let number = who.len();
        let hidden = number.saturating_sub(SHOWN + UNFOLDED) as u64;
        who.truncate(SHOWN + UNFOLDED);
        let folded = if number > SHOWN + 2 { who.split_off(SHOWN) } else { vec![] };
        let row = &first.row;
        let conditions = row.conditions.iter().take(MAX_CONDITIONS).map(|it| shortened(it)).collect();
        let more = row.conditions.len().saturating_sub(MAX_CONDITIONS) as u64;
        let statements = first.statements().map(|it| self.reason(it));
        let grants = first.grants().map(|id| self.grant_reason(id));
        let actions: Vec<&str> = first.actions.iter().map(|it| it.strip_prefix("kms:").unwrap_or(it)).collect();
        Some(Group {
            access: words::access(first.access),
            relation: words::relation(first.relation),
            actions: actions.join(", "),
            principals: who,
            number: grouped(folded.len() as u64),
            folded,
            hidden: rest(hidden, "principal is", "principals are", "the CSV file has"),
            how: first.path.map(path_words).unwrap_or_default(),
            conditions,
            conditions_rest: rest(more, "way is", "ways are", "the CSV file has"),
            reasons: statements.chain(grants).collect(),
            notes: row.notes.iter().map(|it| shortened(it)).collect(),
        })
    }

    pub(super) fn who(&self, entry: &Entry) -> Who {
        let row = &entry.row;
        let is_own = entry.relation == Relation::Account;
        let short = row.principal_arn.splitn(6, ':').nth(5).filter(|_| is_own);
        let name = match entry.kind {
            PrincipalKind::Root => "root user".to_owned(),
            PrincipalKind::Account => "whoever the administrators of the account choose".to_owned(),
            PrincipalKind::Everyone => "every AWS principal".to_owned(),
            _ => short.unwrap_or(&row.principal_arn).to_owned(),
        };
        let account = if is_own || row.account_id.is_empty() { String::new() } else { row.account_id.clone() };
        let has_page = self.directory.account(&account).is_some() && self.selection.wants_account(&account);
        Who {
            name: shortened(&name),
            is_words: matches!(entry.kind, PrincipalKind::Root | PrincipalKind::Account | PrincipalKind::Everyone),
            kind: if is_own { "" } else { row.principal_type },
            account_href: if has_page { format!("accounts/{}", file_name(&account)) } else { String::new() },
            account: match self.account_name(&account) {
                name if name.is_empty() => account,
                name => format!("{name} {account}"),
            },
        }
    }

    fn reason(&self, it: &StatementRow) -> Reason {
        let of_key = self.key.policies.iter().position(|policy| policy.name.as_ref() == it.policy);
        let source = it.file.as_ref().zip(it.pointer.as_ref());
        Reason {
            what: format!("{} in", it.effect),
            name: shortened(&it.policy),
            place: format!("statement {}", it.index),
            sid: it.sid.as_deref().map(shortened).unwrap_or_default(),
            href: of_key.map(|policy| format!("#{}", self.statement_id(policy, it.index))).unwrap_or_default(),
            source: source.map(|(file, pointer)| self.place("", file, pointer)),
        }
    }

    fn grant_reason(&self, id: &str) -> Reason {
        let grants = self.facts.map(|facts| facts.grants.as_slice()).unwrap_or_default();
        let found = grants.iter().enumerate().find(|(_, facts)| facts.grant.id == id);
        Reason {
            what: "grant".to_owned(),
            name: shortened(id),
            place: String::new(),
            sid: String::new(),
            href: String::new(),
            source: found.map(|(_, facts)| self.place_of(&facts.evidence)),
        }
    }

    fn place_of(&self, it: &Evidence) -> Place {
        self.place(&it.api, &it.file, &it.pointer)
    }

    fn place(&self, api: &str, file: &str, pointer: &str) -> Place {
        Place {
            line: recipe::raw_answer(self.prefix, file, pointer),
            api: api.to_owned(),
            file: file.to_owned(),
            pointer: shortened(pointer),
        }
    }

    fn statement_id(&self, policy: usize, statement: usize) -> String {
        format!("{}-p{policy}-{statement}", place::anchor(self.key))
    }

    fn policies(&self) -> Vec<PolicyView> {
        let view = |(index, named): (usize, &crate::access::Named)| PolicyView {
            name: shortened(&named.name),
            statements: self.statements(index, &named.document),
            source: self.facts.and_then(|facts| facts.policies.get(index)).map(|it| self.place_of(it)),
        };
        self.key.policies.iter().enumerate().map(view).collect()
    }

    fn statements(&self, policy: usize, document: &Document) -> Vec<StatementView> {
        document.statements.iter().map(|it| self.statement(policy, it)).collect()
    }

    fn statement(&self, policy: usize, it: &Statement) -> StatementView {
        let whom = it.principal.iter().flat_map(|element: &PrincipalElement| &element.entries);
        let patterns = it.resources.iter().flat_map(|resources| &resources.patterns);
        let tests = it.condition.iter().flat_map(|condition| &condition.tests);
        StatementView {
            id: self.statement_id(policy, it.index),
            index: it.index,
            sid: it.sid.as_deref().map(shortened).unwrap_or_default(),
            effect: it.effect.to_string(),
            whom: whom.map(principal_words).collect(),
            not_whom: it.principal.as_ref().is_some_and(|element| element.negated),
            actions: it.actions.patterns.iter().map(|pattern| shortened(pattern.source())).collect(),
            not_actions: it.actions.negated,
            resources: patterns.map(|pattern| shortened(pattern.text().source())).collect(),
            not_resources: it.resources.as_ref().is_some_and(|resources| resources.negated),
            conditions: tests.map(|test| shortened(&test.to_string())).collect(),
        }
    }

    fn grant(&self, index: usize, facts: &GrantFacts) -> GrantView {
        let grant = &facts.grant;
        let pairs = |what: &str, map: &Option<BTreeMap<String, String>>| {
            let pairs = map.iter().flatten().map(|(name, value)| format!("{name}={value}"));
            let pairs: Vec<String> = pairs.collect();
            map.is_some().then(|| shortened(&format!("encryption context {what} {}", pairs.join(", "))))
        };
        let constraints = &grant.constraints;
        let source = constraints.source_arn.as_ref().map(|arn| shortened(&format!("aws:SourceArn is {arn}")));
        let constraints = [
            pairs("is", &constraints.encryption_context_equals),
            pairs("holds", &constraints.encryption_context_subset),
            source,
        ];
        let or_none = |text: &Option<String>| text.as_deref().map(shortened).unwrap_or_default();
        GrantView {
            id: format!("{}-g{index}", place::anchor(self.key)),
            grant: shortened(&grant.id),
            name: or_none(&grant.name),
            grantee: or_none(&grant.grantee_principal.clone().or(grant.grantee_service_principal.clone())),
            operations: grant.operations.iter().map(|it| shortened(it)).collect(),
            constraints: constraints.into_iter().flatten().collect(),
            retiring: or_none(&grant.retiring_principal),
            issuer: or_none(&grant.issuing_account),
            source: self.place_of(&facts.evidence),
        }
    }

    fn key_facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Aliases", self.key.aliases.join(", "))];
        match self.facts.map(|facts| (&facts.metadata, facts)) {
            Some((Ok(metadata), all)) => {
                facts.push(("Key spec and usage", format!("{}, {}", metadata.key_spec, metadata.key_usage)));
                facts.push(("Origin", metadata.origin.clone()));
                facts.push(("Rotation", all.rotation.clone()));
                facts.push(("Description", metadata.description.clone()));
                facts.push(("Created", metadata.creation_date.map(|it| it.to_string()).unwrap_or_default()));
                facts.push(("To be deleted", metadata.deletion_date.map(|it| it.to_string()).unwrap_or_default()));
                facts.push(("Multi-Region", metadata.multi_region.as_ref().map(multi_region).unwrap_or_default()));
            }
            Some((Err(gap), _)) => facts.push(("Key spec, usage, state", not_known(gap))),
            None => {}
        }
        facts.retain(|(_, value)| !value.is_empty());
        facts.into_iter().map(|(name, value)| (name, shortened(&value))).collect()
    }
}

fn multi_region(family: &crate::model::MultiRegion) -> String {
    if family.is_replica {
        format!("replica of {}", family.primary_arn)
    } else {
        format!("primary key; replicas: {}", view::listed(&family.replica_arns))
    }
}

/// What makes entries one group, in the order in which groups stand.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness<'a> {
    nearness: std::cmp::Reverse<Relation>,
    access: Access,
    path: Option<Path>,
    actions: &'a [String],
    conditions: &'a [String],
    statements: Vec<&'a StatementRow>,
    grants: Vec<&'a str>,
    notes: &'a [String],
}

impl<'a> Likeness<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            nearness: std::cmp::Reverse(entry.relation),
            access: entry.access,
            path: entry.path,
            actions: &entry.actions,
            conditions: &entry.row.conditions,
            statements: entry.statements().collect(),
            grants: entry.grants().collect(),
            notes: &entry.row.notes,
        }
    }
}

/// Whom an entry of a principal element names, as the policy writes it.
fn principal_words(principal: &Principal) -> String {
    shortened(&match principal {
        Principal::Everyone => "*".to_owned(),
        Principal::Account { account, partition: Some(partition) } => format!("arn:{partition}:iam::{account}:root"),
        Principal::Account { account, partition: None } => account.clone(),
        Principal::User(it) | Principal::Role(it) | Principal::Session(it) | Principal::FederatedUser(it) => {
            it.arn.clone()
        }
        Principal::UniqueId(text)
        | Principal::Service(text)
        | Principal::Federated(text)
        | Principal::CanonicalUser(text)
        | Principal::Nobody(text) => text.clone(),
    })
}

/// What a page leaves out, and where it is; empty if there is nothing.
pub(super) fn rest(hidden: u64, one: &str, many: &str, place: &str) -> String {
    if hidden == 0 {
        return String::new();
    }
    format!("{} more than fit here; {place} them all.", counted(hidden, one, many))
}
