//! The actions, resource types and condition keys of every AWS service, as data with a date.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use super::shape::{Case, Shape};
use crate::policy::catalogue::{KmsResources, kms_actions};
use crate::policy::glob::Glob;

/// The date of the knowledge about the actions, resource types and condition keys of all services, which reports print.
pub const SERVICES_DATE: &str = "2026-09-26";

/// What is known about one service.
#[derive(Debug)]
pub(super) struct Service {
    /// `s3`, `iam`, …
    pub(super) prefix: &'static str,
    /// Whether resource control policies apply to it.
    pub(super) in_resource_control_policies: bool,
    /// Its actions.
    pub(super) actions: Vec<Action>,
    /// By name in lower case, the position in `actions`.
    by_name: BTreeMap<String, usize>,
    /// Its resource types.
    pub(super) resources: Vec<ResourceType>,
    /// Its own condition keys with their types.
    pub(super) keys: Vec<(&'static str, &'static str)>,
    key_sets: Vec<KeySet>,
}

/// One action of a service.
#[derive(Debug)]
pub(super) struct Action {
    /// `GetObject`, in AWS's own spelling.
    pub(super) name: &'static str,
    /// Positions in [`Service::resources`]; empty when only `*` matches.
    pub(super) resources: Vec<usize>,
    /// The kinds of resource are not what the reference says, so that nothing can be said about them.
    pub(super) any_resource: bool,
    key_set: usize,
}

/// One kind of resource.
#[derive(Debug)]
pub(super) struct ResourceType {
    /// `bucket`, `key`, …
    pub(super) name: &'static str,
    /// What its ARNs look like.
    pub(super) arn: Shape,
}

/// The condition keys that the requests of some actions carry.
#[derive(Debug, Default)]
struct KeySet {
    /// In lower case, sorted.
    exact: Vec<String>,
    /// Families such as `aws:resourcetag/*`.
    families: Vec<Glob>,
}

impl KeySet {
    fn new(keys: impl Iterator<Item = &'static str>) -> Self {
        let mut set = Self::default();
        for key in keys {
            let key = key.to_ascii_lowercase();
            if key.contains('*') { set.families.push(Glob::parse(&key)) } else { set.exact.push(key) }
        }
        set.exact.sort();
        set
    }

    fn contains(&self, key: &str) -> bool {
        self.exact.binary_search_by(|one| one.as_str().cmp(key)).is_ok()
            || self.families.iter().any(|family| family.matches(key))
    }
}

struct Entry {
    text: &'static str,
    service: OnceLock<Service>,
}

static SERVICES: LazyLock<BTreeMap<&'static str, Entry>> = LazyLock::new(|| {
    let blocks = include_str!("../data/services.txt").split("\n[").skip(1);
    let named = blocks.filter_map(|block| Some((block.split_once(']')?.0, block)));
    let kms = std::iter::once(("kms", ""));
    named.chain(kms).map(|(prefix, text)| (prefix, Entry { text, service: OnceLock::new() })).collect()
});

/// The service of that prefix, letter case ignored; `None` when the reference does not know it.
pub(super) fn service(prefix: &str) -> Option<&'static Service> {
    let prefix = prefix.to_ascii_lowercase();
    let (name, entry) = SERVICES.get_key_value(prefix.as_str())?;
    Some(entry.service.get_or_init(|| if *name == "kms" { kms() } else { read(name, entry.text) }))
}

/// The prefixes of all known services, sorted.
pub(super) fn prefixes() -> impl Iterator<Item = &'static str> {
    SERVICES.keys().copied()
}

/// Services of which the reference is known to be complete, so that what it does not list does not exist.
const COMPLETE: [&str; 5] = ["iam", "kms", "organizations", "s3", "sts"];

impl Service {
    /// Whether what the reference does not list certainly does not exist. For the others it may be too new, or missing.
    pub(super) fn is_complete(&self) -> bool {
        COMPLETE.contains(&self.prefix)
    }

    /// The action of that name (without the prefix), letter case ignored.
    pub(super) fn action(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// Whether the requests of an action can carry a condition key, given in lower case.
    pub(super) fn carries(&self, action: &Action, key: &str) -> bool {
        self.key_sets.get(action.key_set).is_some_and(|set| set.contains(key))
    }

    /// The type of a condition key of the service, given in lower case.
    pub(super) fn key_type(&self, key: &str) -> Option<&'static str> {
        let is_same = |name: &str| match name.contains('*') {
            true => Glob::parse(&name.to_ascii_lowercase()).matches(key),
            false => name.eq_ignore_ascii_case(key),
        };
        self.keys.iter().find(|(name, _)| is_same(name)).map(|(_, kind)| *kind)
    }

    /// Whether some ARN of one of its resource types matches the pattern.
    pub(super) fn resource_meets(&self, resource: usize, pattern: &Glob) -> bool {
        self.resources.get(resource).is_some_and(|resource| resource.arn.meets(pattern, Case::Kept))
    }

    fn finish(mut self) -> Self {
        self.by_name =
            self.actions.iter().enumerate().map(|(index, action)| (action.name.to_ascii_lowercase(), index)).collect();
        self
    }

    fn empty(prefix: &'static str) -> Self {
        Self {
            prefix,
            in_resource_control_policies: false,
            actions: vec![],
            by_name: BTreeMap::new(),
            resources: vec![],
            keys: vec![],
            key_sets: vec![KeySet::default()],
        }
    }
}

/// KMS comes from its own, more exact table, so that no fact stands twice.
fn kms() -> Service {
    let mut service = Service::empty("kms");
    service.in_resource_control_policies = true;
    service.resources = [("key", "arn:*:kms:*:*:key/[A-Za-z0-9-]+"), ("alias", "arn:*:kms:*:*:alias/[A-Za-z0-9:/_-]+")]
        .map(|(name, arn)| ResourceType { name, arn: Shape::arns(&[arn]) })
        .into();
    for action in kms_actions() {
        let Some(name) = action.name.strip_prefix("kms:") else { continue };
        let resources = match action.resources {
            KmsResources::Key => vec![0],
            KmsResources::AliasAndKey => vec![0, 1],
            KmsResources::None => vec![],
        };
        // The API reference names the retiring principal as what this one is checked against.
        let any_resource = name == "ListRetirableGrants";
        // The older names of two keys still work.
        let older = [("kms:KeySpec", "kms:CustomerMasterKeySpec"), ("kms:KeyUsage", "kms:CustomerMasterKeyUsage")];
        let older =
            older.into_iter().filter(|(newer, _)| action.condition_keys.contains(newer)).map(|(_, older)| older);
        let key_set = service.key_sets.len();
        service.key_sets.push(KeySet::new(action.condition_keys.iter().copied().chain(older)));
        service.actions.push(Action { name, resources, any_resource, key_set });
    }
    service.finish()
}

/// Reads one block of the data file; a line that begins with a blank continues the one before.
fn read(prefix: &'static str, text: &'static str) -> Service {
    let mut service = Service::empty(prefix);
    let mut lines = text.lines().peekable();
    service.in_resource_control_policies = lines.next().is_some_and(|line| line.ends_with("] rcp"));
    while let Some(line) = lines.next() {
        let mut words: Vec<&'static str> = line.split(' ').collect();
        while let Some(more) = lines.next_if(|line| line.starts_with(' ')) {
            words.extend(more.split(' ').skip(1));
        }
        match words.as_slice() {
            ["k", key, kind] => service.keys.push((key, kind)),
            ["r", name, arns @ ..] => service.resources.push(ResourceType { name, arn: Shape::arns(arns) }),
            ["s", _, keys @ ..] => service.key_sets.push(KeySet::new(keys.iter().copied())),
            ["a", set, rest @ ..] => {
                let (kinds, names) = rest.split_at(rest.iter().position(|word| *word == "=").unwrap_or(rest.len()));
                let position = |kind: &&str| service.resources.iter().position(|resource| resource.name == *kind);
                let resources: Vec<usize> = kinds.iter().filter_map(position).collect();
                let key_set = set.parse().unwrap_or(0);
                // IAM checks its lists against the path (`…:role/`), which the reference does not say.
                let any_resource = prefix == "iam" && resources.is_empty();
                let action = |name: &&'static str| Action { name, resources: resources.clone(), any_resource, key_set };
                service.actions.extend(names.iter().skip(1).map(action));
            }
            _ => {}
        }
    }
    service.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_read() {
        let text = include_str!("../data/services.txt");
        assert!(text.lines().take(2).any(|line| line.contains(SERVICES_DATE)));
        let all: Vec<&Service> = prefixes().map(|prefix| service(prefix).unwrap()).collect();
        assert_eq!(all.len(), 456);
        assert_eq!(all.iter().map(|service| service.actions.len()).sum::<usize>(), 22_035 + kms_actions().len());
        let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(all.iter().map(|service| service.resources.len()).sum::<usize>(), lines("r ") + 2);
        assert_eq!(all.iter().map(|service| service.keys.len()).sum::<usize>(), lines("k "));
        assert_eq!(all.iter().map(|service| service.key_sets.len() - 1).sum::<usize>(), lines("s ") + 58);
        for service in all {
            assert!(service.actions.iter().all(|action| action.key_set < service.key_sets.len()), "{}", service.prefix);
        }
    }

    #[test]
    fn facts_of_single_actions() {
        let s3 = service("S3").unwrap();
        let list = &s3.actions[s3.action("listbucket").unwrap()];
        assert_eq!(list.name, "ListBucket");
        assert!(list.resources.iter().any(|index| s3.resources[*index].name == "bucket"));
        assert!(s3.carries(list, "s3:prefix") && !s3.carries(list, "s3:versionid"));
        assert!(s3.in_resource_control_policies);
        let kms = service("kms").unwrap();
        let decrypt = &kms.actions[kms.action("Decrypt").unwrap()];
        assert!(kms.carries(decrypt, "kms:encryptioncontext:app") && !kms.carries(decrypt, "kms:grantoperations"));
        assert!(kms.carries(decrypt, "kms:customermasterkeyspec"));
        let iam = service("iam").unwrap();
        assert!(iam.carries(&iam.actions[iam.action("PassRole").unwrap()], "iam:passedtoservice"));
        assert!(service("nosuch").is_none());
    }

    #[test]
    fn keys_have_types_and_families() {
        let sts = service("sts").unwrap();
        assert_eq!(sts.key_type("sts:externalid"), Some("text"));
        assert_eq!(sts.key_type("sts:requestcontext/identitycenter:userid"), Some("text"));
        assert_eq!(sts.key_type("sts:nosuch"), None);
    }
}
