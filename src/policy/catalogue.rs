//! What is known about the actions of KMS: data with a date, in `data/kms_actions.tsv`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The date of the knowledge about actions and their condition keys, which reports print.
pub const KMS_ACTIONS_DATE: &str = "2026-09-26";

/// The action that stands for all those that AWS will add (semantics A-7). Only `*`, `kms:*` and a `NotAction` that lists
/// neither match it.
pub const KMS_OTHER: &str = "kms:<other>";

/// One action of KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsAction {
    /// `kms:Decrypt`, in AWS's own spelling.
    pub name: &'static str,
    /// `crypto-use`, `destructive`, …
    pub group: &'static str,
    /// What the action is checked against.
    pub resources: KmsResources,
    /// Whether a principal of another account can be allowed it (semantics 4.6).
    pub cross_account: bool,
    /// Whether a grant can give it (semantics GR-2).
    pub grant_operation: bool,
    /// Condition keys that can be in its request context, `*` standing for any suffix.
    pub condition_keys: Vec<&'static str>,
}

impl KmsAction {
    /// Whether requests for the action can hold a key of the list, letter case ignored. Global keys are not listed.
    #[must_use]
    pub fn carries(&self, key: &str) -> bool {
        self.condition_keys.iter().any(|listed| match listed.strip_suffix('*') {
            Some(prefix) => key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
            None => listed.eq_ignore_ascii_case(key),
        })
    }
}

/// What an action is checked against (semantics 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KmsResources {
    /// A key.
    Key,
    /// An alias and the key or keys behind it, each by itself.
    AliasAndKey,
    /// Nothing: only `Resource: "*"` matches for certain.
    None,
}

static ACTIONS: LazyLock<Vec<KmsAction>> =
    LazyLock::new(|| include_str!("data/kms_actions.tsv").lines().filter_map(action).collect());

/// Every known action of KMS, by name.
#[must_use]
pub fn kms_actions() -> &'static [KmsAction] {
    &ACTIONS
}

/// The known action of that name, letter case ignored.
#[must_use]
pub fn kms_action(name: &str) -> Option<&'static KmsAction> {
    BY_NAME.get(name.to_ascii_lowercase().as_str()).copied()
}

/// The actions by their names in lower case.
static BY_NAME: LazyLock<BTreeMap<String, &'static KmsAction>> =
    LazyLock::new(|| kms_actions().iter().map(|action| (action.name.to_ascii_lowercase(), action)).collect());

fn action(line: &'static str) -> Option<KmsAction> {
    let columns: Vec<&str> = line.split('\t').collect();
    let &[name, group, resources, cross_account, grant_operation, keys] = columns.as_slice() else { return None };
    let resources = match resources {
        "key" => KmsResources::Key,
        "alias+key" => KmsResources::AliasAndKey,
        "none" => KmsResources::None,
        _ => return None,
    };
    Some(KmsAction {
        name,
        group,
        resources,
        cross_account: cross_account == "yes",
        grant_operation: grant_operation == "yes",
        condition_keys: keys.split(' ').filter(|key| !key.is_empty()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_an_action() {
        let lines = include_str!("data/kms_actions.tsv").lines().filter(|line| line.starts_with("kms:")).count();
        assert_eq!(lines, 58);
        assert_eq!(kms_actions().len(), lines);
        assert!(include_str!("data/kms_actions.tsv").lines().next().unwrap().contains(KMS_ACTIONS_DATE));
    }

    #[test]
    fn the_facts_of_single_actions() {
        let decrypt = kms_action("KMS:decrypt").unwrap();
        assert!(decrypt.cross_account && decrypt.grant_operation && decrypt.resources == KmsResources::Key);
        assert!(decrypt.condition_keys.contains(&"kms:EncryptionContext:*"));
        assert_eq!(kms_action("kms:ListKeys").unwrap().resources, KmsResources::None);
        assert_eq!(kms_action("kms:UpdateAlias").unwrap().resources, KmsResources::AliasAndKey);
        assert!(!kms_action("kms:PutKeyPolicy").unwrap().cross_account);
        assert_eq!(kms_action("kms:ReEncrypt"), None);
        assert_eq!(kms_actions().iter().filter(|action| action.grant_operation).count(), 19);
    }
}
