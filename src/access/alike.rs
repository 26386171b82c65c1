//! Which actions no decision can tell apart, so that one decision stands for all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::directory::Tested;
use super::key::Key;
use crate::policy::{Action, Document, KmsResources, Match};

/// Actions whose requests are decided by rules of their own.
const SPECIAL: [&str; 3] = ["kms:CreateGrant", "kms:RetireGrant", "kms:ListRetirableGrants"];

/// Condition keys by which requests are formed, whether or not a document looks at them.
const ALWAYS: [&str; 3] = ["kms:CallerAccount", "kms:EncryptionContext:*", "kms:GrantConstraintType"];

/// What decisions can see of an action.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen<'a> {
    resources: Option<KmsResources>,
    cross_account: bool,
    /// The condition keys that it carries, as far as something looks at them.
    condition_keys: Vec<&'static str>,
    /// Whether a grant can hold it, and its name if one does.
    granted: Option<Option<&'a str>>,
    /// Whether each statement in play speaks of it.
    matches: Vec<Match>,
    /// Its name, where no other is like it.
    alone: Option<&'a str>,
}

/// For each action the position of the first one that is decided as it is, whoever asks for whichever of the keys under the
/// documents.
pub(super) fn alike(actions: &[Action], documents: &[&Document], keys: &[Key], tested: &Tested) -> Vec<usize> {
    let grants = keys.iter().flat_map(|key| &key.grants);
    let granted: BTreeSet<&str> = grants.flat_map(|grant| &grant.operations).map(String::as_str).collect();
    let mut first: BTreeMap<Seen<'_>, usize> = BTreeMap::new();
    let numbered = actions.iter().enumerate();
    numbered
        .map(|(position, action)| *first.entry(Seen::new(action, documents, &granted, tested)).or_insert(position))
        .collect()
}

impl<'a> Seen<'a> {
    fn new(action: &'a Action, documents: &[&Document], granted: &BTreeSet<&str>, tested: &Tested) -> Self {
        let statements = documents.iter().flat_map(|document| &document.statements);
        let known = action.kms();
        let is_special = known.is_none_or(|it| SPECIAL.contains(&it.name));
        let condition_keys = known.map(|it| it.condition_keys.iter().copied()).into_iter().flatten();
        let operation = known.filter(|it| it.grant_operation).and_then(|it| it.name.strip_prefix("kms:"));
        Self {
            resources: known.map(|it| it.resources),
            cross_account: known.is_some_and(|it| it.cross_account),
            condition_keys: condition_keys.filter(|key| ALWAYS.contains(key) || tested.looks_at(key)).collect(),
            granted: operation.map(|name| granted.contains(name).then_some(name)),
            matches: statements.map(|statement| statement.matches_action(action.name())).collect(),
            alone: is_special.then(|| action.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(policy: &str) -> usize {
        let document = Document::parse(policy).unwrap();
        let names = ["kms:EnableKey", "kms:DisableKey", "kms:PutKeyPolicy", "kms:Decrypt", "kms:RetireGrant"];
        let actions = names.map(Action::new);
        alike(&actions, &[&document], &[], &Tested::default()).into_iter().collect::<BTreeSet<_>>().len()
    }

    #[test]
    fn actions_are_alike_until_a_statement_or_the_data_of_the_action_tell_them_apart() {
        let allow = |action: &str| {
            groups(&format!(r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":{action},"Resource":"*"}}}}"#))
        };
        let together = allow(r#""kms:*""#);
        assert_eq!(allow(r#"["kms:Enable*"]"#), together + 1);
        assert_eq!(allow(r#"["kms:*Key"]"#), together + 1);
    }
}
