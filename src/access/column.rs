//! Keys that no decision can tell apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::directory::Directory;
use super::key::Key;
use super::kin::{Spoken, address, all};
use crate::policy::Action;
use crate::policy::{ConditionTest, Context, Document, Grant, Match, ResourcePattern, kms_actions};

/// What decisions can see of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column<'a> {
    region: &'a str,
    is_aws_managed: Option<bool>,
    policies: Vec<usize>,
    /// Whether grants may be missing.
    grants_gap: bool,
    grants: &'a [Grant],
    pub(super) context: Context,
    pub(super) assumptions: Vec<&'a ConditionTest>,
    /// Whether each resource pattern in play matches it.
    matches: Vec<Match>,
    /// Its ARN, where it cannot be shared.
    alone: Option<&'a str>,
}

impl<'a> Column<'a> {
    /// Of a key under documents with these patterns.
    pub(super) fn new(key: &'a Key, spoken: &Spoken, patterns: &BTreeSet<&ResourcePattern>, is_alone: bool) -> Self {
        let (open, fixed): (Vec<&ResourcePattern>, Vec<&ResourcePattern>) =
            patterns.iter().copied().partition(|pattern| pattern.text().has_variables());
        let may_match = |pattern: &&ResourcePattern| pattern.text().widest_glob().matches(&key.arn);
        let is_alone = is_alone || open.iter().any(may_match);
        Self {
            region: &key.region,
            is_aws_managed: key.is_aws_managed,
            policies: spoken.of_limits(&key.policies).iter().map(address).collect(),
            grants_gap: key.grants_gap.is_some(),
            grants: &key.grants,
            context: spoken.looked_at(&key.context),
            assumptions: spoken.assumed(&key.assumptions),
            matches: fixed.iter().map(|pattern| pattern.matches(Some(&key.arn), &|_| None)).collect(),
            alone: is_alone.then_some(&key.arn),
        }
    }
}

/// The resource patterns of documents that do not stand for everything.
pub(super) fn patterns<'d>(documents: &[&'d Document]) -> BTreeSet<&'d ResourcePattern> {
    let statements = documents.iter().flat_map(|document| &document.statements);
    let patterns = statements.flat_map(|statement| &statement.resources).flat_map(|resources| &resources.patterns);
    patterns.filter(|pattern| !pattern.is_everything()).collect()
}

impl Directory {
    /// The class of each key of an account, by ARN: no decision that leaves grants out can tell keys of one class apart, as far
    /// as the principals of the account are concerned.
    pub fn key_classes(&self, account_id: &str) -> BTreeMap<String, usize> {
        let Some(account) = self.accounts.get(account_id) else { return BTreeMap::new() };
        let actions: Vec<Action> = kms_actions().iter().map(|action| Action::new(action.name)).collect();
        let spoken = Spoken::new(self, &actions);
        let of_principals: Vec<Arc<Document>> =
            all(account, &spoken).into_iter().flat_map(|kin| kin.identity.into_iter().chain(kin.boundary)).collect();
        let levels = [&account.service_control, &account.resource_control].map(|levels| spoken.of_levels(levels));
        let levels: Vec<Arc<Document>> = levels.into_iter().flatten().flatten().flatten().collect();
        let of_keys: Vec<Arc<Document>> = account.keys.iter().flat_map(|key| spoken.of_limits(&key.policies)).collect();
        let documents = of_principals.iter().chain(&levels).chain(&of_keys);
        let patterns = patterns(&documents.map(AsRef::as_ref).collect::<Vec<_>>());
        let mut numbers: BTreeMap<Column<'_>, usize> = BTreeMap::new();
        let mut class_of = BTreeMap::new();
        for key in &account.keys {
            let column = Column { grants: &[], ..Column::new(key, &spoken, &patterns, false) };
            let next = numbers.len();
            class_of.insert(key.arn.clone(), *numbers.entry(column).or_insert(next));
        }
        class_of
    }
}
