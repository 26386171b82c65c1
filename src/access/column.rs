//! Keys that no decision can tell apart.

use std::collections::BTreeSet;

use super::key::Key;
use super::kin::{Spoken, address};
use crate::policy::{ConditionTest, Context, Document, Grant, Match, ResourcePattern};

/// What decisions can see of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column<'a> {
    /// The ARN without the id of the key: decisions look at its partition, Region and kind of resource.
    arn_but_for_id: &'a str,
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
            arn_but_for_id: key.arn.rsplit_once('/').map_or(&key.arn, |(before, _)| before),
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

impl Column<'_> {
    /// What decisions can see that leave grants out.
    pub(super) fn without_grants(self) -> Self {
        Self { grants: &[], ..self }
    }

    /// What they can see beside the policies of the key.
    pub(super) fn without_policies(self) -> Self {
        Self { policies: vec![], ..self }
    }
}

/// The resource patterns of documents that do not stand for everything.
pub(super) fn patterns<'d>(documents: &[&'d Document]) -> BTreeSet<&'d ResourcePattern> {
    let statements = documents.iter().flat_map(|document| &document.statements);
    let patterns = statements.flat_map(|statement| &statement.resources).flat_map(|resources| &resources.patterns);
    patterns.filter(|pattern| !pattern.is_everything()).collect()
}
