//! Keys as decisions see them: their policies and grants, and what requests on them always hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::document::Named;
use super::principal::Principal;
use crate::model::{self, Account, Gap, KeyManager, Tags};
use crate::policy::{
    self, ConditionTest, Constraints, Context, ContextValue, Effect, Grant, PrincipalElement, Statement,
};

/// A KMS key.
#[derive(Debug, Clone)]
pub struct Key {
    /// ARN.
    pub arn: String,
    /// Key id.
    pub id: String,
    /// 12 digits.
    pub account_id: String,
    /// Region.
    pub region: String,
    /// ARNs of the members of its family of multi-Region keys, as it tells them; empty for a key of one Region,
    /// `None` where that could not be read.
    pub family: Option<Vec<String>>,
    /// Names of its aliases.
    pub aliases: Vec<String>,
    /// `Enabled`, `Disabled`, `PendingDeletion`, …; `None` where that could not be read.
    pub state: Option<String>,
    /// `KeySpec`; `None` where that could not be read.
    pub spec: Option<String>,
    /// `KeyUsage`; `None` where that could not be read.
    pub usage: Option<String>,
    /// Whether AWS manages it; `None` where that could not be read.
    pub is_aws_managed: Option<bool>,
    /// Its key policies.
    pub policies: Vec<Named>,
    /// Its grants.
    pub grants: Vec<Grant>,
    /// What could not be read of it.
    pub gaps: Vec<Gap>,
    /// Why its policies are not known, if they are not.
    pub policy_gap: Option<Gap>,
    /// Why its grants are not all known, if they are not.
    pub grants_gap: Option<Gap>,
    /// What requests on it always hold.
    pub(super) context: Context,
    /// Tests that hold of all requests on it.
    pub(super) assumptions: Vec<ConditionTest>,
    /// Its tags, where they were read.
    pub tags: Option<Tags>,
    /// Those of whom it speaks and who are not among the principals that were read.
    pub(super) outsiders: Vec<Arc<Principal>>,
}

/// Every key of an account that was read, sorted by ARN.
pub(super) fn all(account: &Account, of_resources: &Context) -> Vec<Key> {
    let regions = account.regions.values();
    let keys = regions.flat_map(|kms| kms.keys.known().iter().map(move |it| key(it, kms, account, of_resources)));
    let mut keys: Vec<Key> = keys.collect();
    keys.sort_by(|a, b| a.arn.cmp(&b.arn));
    keys
}

/// `of_resources`: what every request about a resource of the account holds.
fn key(key: &model::Key, kms: &model::Kms, account: &Account, of_resources: &Context) -> Key {
    let mut context = of_resources.clone();
    let mut gaps = Vec::new();
    let metadata = key.metadata.as_ref().map_err(|gap| gaps.push(gap.clone())).ok();
    if let Some(metadata) = metadata {
        describe(metadata, &mut context);
    }
    let of_key = |alias: &&model::Alias| alias.target_key_id.as_ref() == Some(&key.id);
    let aliases: Vec<String> = kms.aliases.known().iter().filter(of_key).map(|alias| alias.name.clone()).collect();
    let mut assumptions = vec![ConditionTest::like(
        "StringLikeIfExists",
        "kms:ViaService",
        &[format!("*.{}.amazonaws.com*", key.region)],
    )];
    match kms.aliases.gap() {
        Some(gap) => gaps.push(gap.clone()),
        None => {
            context.insert("kms:ResourceAliases", ContextValue::Set(aliases.clone()));
            assumptions.push(request_alias(&aliases));
        }
    }
    let mut policies = Vec::new();
    let mut policy_gap = key.policies.gap().cloned();
    for policy in key.policies.known() {
        match &policy.document {
            Ok(document) => policies.push(Named {
                name: format!("key policy {}", policy.name).into(),
                document: document.clone(),
                source: Some(policy.source.clone()),
            }),
            Err(gap) => policy_gap = policy_gap.or(Some(gap.clone())),
        }
    }
    // What could not be read may say anything to anybody.
    let everyone = PrincipalElement { negated: false, entries: vec![policy::Principal::Everyone] };
    policies.extend(policy_gap.iter().map(|gap| Named::unread("key policy", gap, Some(everyone.clone()))));
    gaps.extend(policy_gap.iter().chain(key.grants.gap()).cloned());
    let grants_gap = key.grants.gap().cloned();
    let tags = key.tags.as_ref().map_err(|gap| gaps.push(gap.clone())).ok().cloned();
    Key {
        arn: key.arn.clone(),
        id: key.id.clone(),
        account_id: account.id.clone(),
        region: key.region.clone(),
        family: metadata.map(|it| it.multi_region.as_ref().map(family).unwrap_or_default()),
        aliases,
        state: metadata.map(|it| it.key_state.clone()),
        spec: metadata.map(|it| it.key_spec.clone()),
        usage: metadata.map(|it| it.key_usage.clone()),
        is_aws_managed: metadata.map(|it| it.key_manager == KeyManager::Aws),
        policies,
        grants: key.grants.known().iter().map(|it| grant(it, &key.arn)).collect(),
        gaps,
        policy_gap,
        grants_gap,
        context,
        assumptions,
        tags,
        outsiders: vec![],
    }
}

/// What holds of the alias by which a request names a key with these aliases.
pub(super) fn request_alias(aliases: &[String]) -> ConditionTest {
    let names: Vec<&str> = aliases.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => ConditionTest::literal("Null", "kms:RequestAlias", &["true"]),
        names => ConditionTest::literal("StringEqualsIfExists", "kms:RequestAlias", names),
    }
}

/// The ARNs of a family.
fn family(family: &model::MultiRegion) -> Vec<String> {
    let arns = [&family.primary_arn].into_iter().chain(&family.replica_arns);
    arns.filter(|arn| !arn.is_empty()).cloned().collect()
}

/// The properties of a key that requests on it carry.
fn describe(metadata: &model::KeyMetadata, context: &mut Context) {
    let mut one = |key: &str, value: &str| drop(context.insert(key, ContextValue::One(value.to_owned())));
    one("kms:KeySpec", &metadata.key_spec);
    one("kms:KeyUsage", &metadata.key_usage);
    one("kms:KeyOrigin", &metadata.origin);
    one("kms:MultiRegion", if metadata.multi_region.is_some() { "true" } else { "false" });
    match &metadata.multi_region {
        Some(family) => one("kms:MultiRegionKeyType", if family.is_replica { "REPLICA" } else { "PRIMARY" }),
        None => drop(context.insert("kms:MultiRegionKeyType", ContextValue::Absent)),
    }
}

fn grant(grant: &model::Grant, key_arn: &str) -> Grant {
    let service = grant.grantee_service_principal.as_ref().map(|name| policy::Principal::Service(name.clone()));
    let principal = grant.grantee_principal.as_ref().map(|name| Grant::principal(name));
    let pairs = |map: &Option<std::collections::BTreeMap<String, String>>| {
        map.as_ref().map(|map| map.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    Grant {
        id: grant.id.clone(),
        key: key_arn.to_owned(),
        grantee_is_opaque: matches!(principal, Some(policy::Principal::Service(_))),
        grantee: service.or(principal),
        retiring: grant.retiring_principal.iter().map(|name| Grant::principal(name)).collect(),
        issuing_account: grant.issuing_account.as_deref().and_then(Grant::account),
        operations: grant.operations.clone(),
        constraints: Constraints {
            encryption_context_equals: pairs(&grant.constraints.encryption_context_equals),
            encryption_context_subset: pairs(&grant.constraints.encryption_context_subset),
            source_arn: grant.constraints.source_arn.clone(),
        },
    }
}

impl Key {
    /// Whom its policies and grants name as those who may have something: in Allow statements, and as exempt from a Deny.
    pub(super) fn named(&self) -> BTreeSet<&policy::Principal> {
        let statements = self.policies.iter().flat_map(|policy| &policy.document.statements);
        let lets_in = |(effect, element): &(Effect, &PrincipalElement)| (*effect == Effect::Deny) == element.negated;
        let elements = statements.filter_map(|it| it.principal.as_ref().map(|element| (it.effect, element)));
        let entries = elements.filter(lets_in).flat_map(|(_, element)| &element.entries);
        let grantees = self.grants.iter().filter_map(|grant| grant.grantee.as_ref());
        let retiring = self.grants.iter().flat_map(|grant| &grant.retiring);
        entries.chain(grantees).chain(retiring).collect()
    }

    /// Whether an Allow statement speaks of everyone, or of everyone but some.
    pub(super) fn is_open_to_all(&self) -> bool {
        let statements = self.policies.iter().flat_map(|policy| policy.document.statements_of(Effect::Allow));
        statements.into_iter().any(Self::is_open)
    }

    /// Whether a statement speaks of everyone, or of everyone but some.
    pub(super) fn is_open(statement: &Statement) -> bool {
        let opens =
            |element: &PrincipalElement| element.negated || element.entries.contains(&policy::Principal::Everyone);
        statement.principal.as_ref().is_some_and(opens)
    }

    /// The accounts that stand in the conditions of its Allow statements: those to which they may be open.
    pub(super) fn conditional_accounts(&self) -> BTreeSet<&str> {
        let statements = self.policies.iter().flat_map(|policy| policy.document.statements_of(Effect::Allow));
        let is_account = |part: &&str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
        let values = statements.flat_map(|statement| statement.tests()).flat_map(|test| &test.values);
        values.flat_map(|value| value.source().split([':', '/'])).filter(is_account).collect()
    }

    /// The accounts of the principals that it names.
    pub(super) fn named_accounts(&self) -> BTreeSet<&str> {
        self.named().into_iter().filter_map(|named| named.account()).collect()
    }

    /// The state as people read it.
    pub fn usable_now(&self) -> Option<bool> {
        self.state.as_deref().map(|state| matches!(state, "Enabled" | "Updating"))
    }
}
