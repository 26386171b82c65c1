//! The resources of an account as findings name them: prepared once, because every check speaks of the same.

use std::cell::OnceCell;
use std::sync::Arc;

use super::selection::Tagged;
use crate::checks::Rule;
use crate::finding::ResourceIdentity;
use crate::model::{
    Account, CustomKeyStore, Evidence, Grant, Key, Kms, ManagedPolicy, Organization, OrganizationPolicy, Principal,
    ServerCertificate, Source,
};

/// Region of findings about global resources.
pub(super) const GLOBAL: &str = "global";

/// A resource as a finding names it.
pub(super) struct Resource<'a> {
    pub(super) region: Arc<str>,
    pub(super) resource_type: &'static str,
    pub(super) arn: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) identity: ResourceIdentity,
    pub(super) source: Option<&'a Source>,
    /// What stands at the source, when a finding has cited it.
    pub(super) evidence: OnceCell<Arc<Evidence>>,
    pub(super) tags: Tagged<'a>,
}

impl<'a> Resource<'a> {
    fn new(
        region: &Arc<str>,
        resource_type: &'static str,
        arn: &Arc<str>,
        [name, discriminator]: [&str; 2],
        source: Option<&'a Source>,
        tags: Tagged<'a>,
    ) -> Self {
        Self {
            region: region.clone(),
            resource_type,
            arn: arn.clone(),
            name: name.into(),
            identity: ResourceIdentity::new(region, resource_type, arn, discriminator),
            source,
            evidence: OnceCell::new(),
            tags,
        }
    }

    /// One that lies in no Region and has an ARN of its own.
    fn global(resource_type: &'static str, arn: &str, name: &str, source: &'a Source, tags: Tagged<'a>) -> Self {
        Self::new(&GLOBAL.into(), resource_type, &arn.into(), [name, ""], Some(source), tags)
    }

    /// The account, for what is no resource of its own.
    pub(super) fn account(account: &Account, region: &str, discriminator: &str) -> Self {
        let arn = account.root_arn().into();
        Self::new(&region.into(), "AWS::::Account", &arn, [&account.id, discriminator], None, Tagged::NotAsked)
    }

    /// The organization.
    pub(super) fn organization(it: &'a Organization) -> Self {
        Self::global("AWS::Organizations::Organization", &it.arn, &it.id, &it.source, Tagged::Never)
    }

    /// A policy of the organization.
    pub(super) fn organization_policy(it: &'a OrganizationPolicy) -> Self {
        Self::global("AWS::Organizations::Policy", &it.arn, &it.name, &it.source, Tagged::NotAsked)
    }

    /// A custom key store, which has no ARN: its account stands for it.
    pub(super) fn custom_key_store(account: &Account, region: &str, it: &'a CustomKeyStore) -> Self {
        let (arn, names) = (account.root_arn().into(), [it.id.as_str(); 2]);
        Self::new(&region.into(), "AWS::KMS::CustomKeyStore", &arn, names, Some(&it.source), Tagged::Never)
    }

    fn principal(principal: Principal<'a>) -> Self {
        let tags = match principal {
            Principal::User(user) => Tagged::Read(&user.tags),
            Principal::Role(role) => Tagged::Read(&role.tags),
            Principal::Group(_) => Tagged::Never,
        };
        Self::global(principal.resource_type(), principal.arn(), principal.name(), principal.source(), tags)
    }

    fn managed_policy(it: &'a ManagedPolicy) -> Self {
        Self::global("AWS::IAM::ManagedPolicy", &it.arn, &it.name, &it.source, Tagged::NotAsked)
    }

    fn server_certificate(it: &'a ServerCertificate) -> Self {
        Self::global("AWS::IAM::ServerCertificate", &it.arn, &it.name, &it.source, Tagged::NotAsked)
    }

    fn key(region: &Arc<str>, key: &'a Key) -> Self {
        let tags = key.tags.as_ref().map_or(Tagged::NotRead, Tagged::Read);
        Self::new(region, "AWS::KMS::Key", &key.arn.as_str().into(), [&key.id, ""], Some(&key.source), tags)
    }

    fn grant(of_key: &Self, it: &'a Grant) -> Self {
        let Self { region, arn, tags, .. } = of_key;
        Self::new(region, "AWS::KMS::Grant", arn, [it.id.as_str(); 2], Some(&it.source), *tags)
    }
}

/// A key with its grants.
pub(super) struct KeyResource<'a> {
    pub(super) key: &'a Key,
    pub(super) resource: Resource<'a>,
    pub(super) grants: Vec<(&'a Grant, Resource<'a>)>,
}

/// The resources of an account that were read, in the order of findings.
pub(super) struct Resources<'a> {
    pub(super) root: Resource<'a>,
    pub(super) principals: Vec<(Principal<'a>, Resource<'a>)>,
    /// Those of the customer.
    pub(super) policies: Vec<(&'a ManagedPolicy, Resource<'a>)>,
    pub(super) server_certificates: Vec<(&'a ServerCertificate, Resource<'a>)>,
    pub(super) regions: Vec<(&'a str, &'a Kms, Vec<KeyResource<'a>>)>,
}

impl<'a> Resources<'a> {
    pub(super) fn of(account: &'a Account) -> Self {
        let iam = &account.iam;
        let users = iam.users.known().iter().map(Principal::User);
        let groups = iam.groups.known().iter().map(Principal::Group);
        let roles = iam.roles.known().iter().map(Principal::Role);
        let principals = users.chain(groups).chain(roles);
        let policies = iam.policies.known().iter().filter(|policy| !policy.is_aws_managed());
        let regions = account.regions.iter().map(|(name, kms)| {
            let region: Arc<str> = name.as_str().into();
            let mut keys: Vec<KeyResource<'a>> =
                kms.keys.known().iter().map(|key| KeyResource::new(&region, key)).collect();
            keys.sort_by(|a, b| by_name(&a.resource, &b.resource));
            (name.as_str(), kms, keys)
        });
        Self {
            root: Resource::account(account, GLOBAL, ""),
            principals: sorted(principals.map(|it| (it, Resource::principal(it)))),
            policies: sorted(policies.map(|it| (it, Resource::managed_policy(it)))),
            server_certificates: sorted(
                iam.server_certificates.known().iter().map(|it| (it, Resource::server_certificate(it))),
            ),
            regions: regions.collect(),
        }
    }
}

impl Resources<'_> {
    /// How many findings a rule makes at most, unless something was not read.
    pub(super) fn most(&self, rule: Rule) -> usize {
        let keys = || self.regions.iter().flat_map(|(_, _, keys)| keys);
        match rule {
            Rule::User(_) | Rule::Group(_) | Rule::Role(_) | Rule::Principal(_) => self.principals.len(),
            Rule::ManagedPolicy(_) => self.policies.len(),
            Rule::ServerCertificate(_) => self.server_certificates.len(),
            Rule::Key(_) => keys().count(),
            Rule::Grant(_) => keys().map(|key| key.grants.len()).sum(),
            // Those of the organization are made with one account alone.
            Rule::Root(_)
            | Rule::Organization(_)
            | Rule::ServiceControlPolicy(_)
            | Rule::ResourceControlPolicy(_)
            | Rule::CustomKeyStore(_) => 1,
        }
    }
}

impl<'a> KeyResource<'a> {
    fn new(region: &Arc<str>, key: &'a Key) -> Self {
        let resource = Resource::key(region, key);
        let grants = sorted(key.grants.known().iter().map(|it| (it, Resource::grant(&resource, it))));
        Self { key, resource, grants }
    }
}

fn sorted<'a, T>(resources: impl Iterator<Item = (T, Resource<'a>)>) -> Vec<(T, Resource<'a>)> {
    let mut resources: Vec<(T, Resource<'a>)> = resources.collect();
    resources.sort_by(|(_, a), (_, b)| by_name(a, b));
    resources
}

fn by_name(a: &Resource<'_>, b: &Resource<'_>) -> std::cmp::Ordering {
    (&a.arn, &a.name).cmp(&(&b.arn, &b.name))
}
