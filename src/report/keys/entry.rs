//! The decisions on one key, told as few times as they differ: one entry for each principal, capability and way to it.

use std::collections::BTreeMap;

use crate::access::{
    Capability, Decided, Directory, Key, Matrix, PrincipalKind, Relation, Row, StatementRow, needs_enabled_key,
};
use crate::policy::{Access, Action, Path};

/// The kinds of access that leave something, the surest first.
pub(super) const KINDS: [Access; 5] =
    [Access::Allowed, Access::AllowedIfChosen, Access::ViaService, Access::Conditional, Access::Possible];

/// One principal, one capability, and the actions of it that are decided alike.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) capability: Capability,
    /// `kms:Decrypt`, …
    pub(super) actions: Vec<String>,
    pub(super) access: Access,
    pub(super) path: Option<Path>,
    pub(super) relation: Relation,
    pub(super) kind: PrincipalKind,
    /// Whether the state of the key lets the actions work: `yes`, `no`, `unknown`, or nothing for actions that do not ask for
    /// an enabled key.
    pub(super) usable_now: &'static str,
    /// The decision on the first of the actions.
    pub(super) row: Row,
}

/// A principal: its ARN and type.
pub(super) type Who<'a> = (&'a str, &'static str);

impl Entry {
    /// Who: a principal is its ARN and type, because the root user and its account share an ARN.
    pub(super) fn principal(&self) -> Who<'_> {
        (&self.row.principal_arn, self.row.principal_type)
    }

    /// The statements that decide, without those that let everything through.
    pub(super) fn statements(&self) -> impl Iterator<Item = &StatementRow> {
        self.row.statements.iter().flatten().filter(|it| !it.is_everywhere())
    }

    /// The ids of the grants that decide.
    pub(super) fn grants(&self) -> impl Iterator<Item = &str> {
        self.row.grants.iter().flatten().map(String::as_str)
    }
}

/// The entries of a key, sorted by principal, then capability.
pub(super) fn entries(
    directory: &Directory,
    matrix: &Matrix<'_, '_>,
    key: &Key,
    questions: &[(Capability, Action)],
) -> Vec<Entry> {
    let capabilities: BTreeMap<&str, Capability> =
        questions.iter().map(|(capability, action)| (action.name(), *capability)).collect();
    let decided = matrix.on(key);
    let mut entries: Vec<Entry> = Vec::new();
    let mut alike: Vec<(usize, &Decided<'_>)> = Vec::new();
    for one in &decided {
        let name = one.action.name();
        let Some(capability) = capabilities.get(name).copied() else { continue };
        if !key.can_serve(name) {
            continue;
        }
        let is_same_principal = |other: &Decided<'_>| {
            other.principal.arn == one.principal.arn && other.principal.kind == one.principal.kind
        };
        alike.retain(|(_, other)| is_same_principal(other));
        let needs_enabled = needs_enabled_key(one.action);
        let is_alike = |(at, other): &&(usize, &Decided<'_>)| {
            entries[*at].capability == capability
                && other.cell == one.cell
                && needs_enabled_key(other.action) == needs_enabled
        };
        if let Some((at, _)) = alike.iter().find(is_alike) {
            entries[*at].actions.push(name.to_owned());
            continue;
        }
        alike.push((entries.len(), one));
        entries.push(Entry {
            capability,
            actions: vec![name.to_owned()],
            access: one.cell.access,
            path: one.cell.path,
            relation: directory.relation(&one.principal, key),
            kind: one.principal.kind,
            usable_now: match (needs_enabled, key.usable_now()) {
                (false, _) => "",
                (true, Some(true)) => "yes",
                (true, Some(false)) => "no",
                (true, None) => "unknown",
            },
            row: directory.explained_row(one),
        });
    }
    entries
}

/// How many principals have a capability on a key, by the surest kind of access that each has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    by_kind: [u64; KINDS.len()],
    /// Those of them that are, or may be, outside the organization.
    pub(super) outside: u64,
}

impl Counts {
    pub(super) fn of(&self, kind: Access) -> u64 {
        KINDS.iter().zip(self.by_kind).find_map(|(it, count)| (*it == kind).then_some(count)).unwrap_or(0)
    }

    pub(super) fn total(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    fn add(&mut self, kind: Access, may_be_outside: bool) {
        if let Some((_, count)) = KINDS.iter().zip(&mut self.by_kind).find(|(it, _)| **it == kind) {
            *count += 1;
        }
        self.outside += u64::from(may_be_outside);
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (count, more) in self.by_kind.iter_mut().zip(other.by_kind) {
            *count += more;
        }
        self.outside += other.outside;
    }
}

/// The counts of a key, by capability.
pub(super) fn counts(entries: &[Entry]) -> BTreeMap<Capability, Counts> {
    let mut surest: BTreeMap<(Capability, Who<'_>), (Access, Relation)> = BTreeMap::new();
    for entry in entries {
        let known = surest.entry((entry.capability, entry.principal())).or_insert((entry.access, entry.relation));
        known.0 = known.0.min(entry.access);
    }
    let mut counts: BTreeMap<Capability, Counts> =
        Capability::ALL.into_iter().map(|capability| (capability, Counts::default())).collect();
    for ((capability, _), (access, relation)) in surest {
        counts.entry(capability).or_default().add(access, relation.may_be_outside());
    }
    counts
}
