//! The checks: what each tests, how it decides, what a pass does not prove. One file a check.
//!
//! Adding a check is four edits: its file; one `mod` line and one line of [`CHECKS`]; its rows in `frameworks/`; the
//! regenerated goldens.

mod all_keys;
mod grants;
mod guardrails;
mod iam_access_key_age;
mod iam_inline_policy_kms_decrypt_all_keys;
mod iam_managed_policy_kms_decrypt_all_keys;
mod iam_policy_admin_star;
mod iam_policy_kms_full_access;
mod iam_root_mfa;
mod iam_user_console_mfa;
mod key_policy;
mod kms_grant_broad_operations;
mod kms_grant_create_grant;
mod kms_grant_duplicate;
mod kms_grant_external_account;
mod kms_grant_no_encryption_context;
mod kms_grant_no_retiring_principal;
mod kms_grant_stale;
mod kms_key_pending_deletion;
mod kms_key_policy_destructive_without_mfa;
mod kms_key_policy_external_account;
mod kms_key_policy_full_access_non_root;
mod kms_key_policy_not_principal;
mod kms_key_policy_public;
mod kms_key_policy_root_delegation_missing;
mod kms_key_policy_separation_of_duties;
mod kms_key_policy_service_principal_unscoped;
mod kms_key_rotation_enabled;
mod org_rcp_kms_external_access;
mod org_scp_kms_guard_incomplete;
mod org_scp_kms_guard_missing;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod laws;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use jiff::Timestamp;

use crate::access::{Directory, Estate};
use crate::finding::{Judgement, Severity, StatementReference};
use crate::model::{Account, Fact, Gap, Grant, Key, ManagedPolicy, Organization, Principal, User};
use crate::policy::Statement;

/// Every check, in report order.
pub const CHECKS: &[&Check] = &[
    &iam_root_mfa::CHECK,
    &iam_user_console_mfa::CHECK,
    &iam_access_key_age::CHECK,
    &iam_policy_admin_star::CHECK,
    &iam_managed_policy_kms_decrypt_all_keys::CHECK,
    &iam_inline_policy_kms_decrypt_all_keys::CHECK,
    &iam_policy_kms_full_access::CHECK,
    &kms_key_pending_deletion::CHECK,
    &kms_key_rotation_enabled::CHECK,
    &kms_key_policy_public::CHECK,
    &kms_key_policy_external_account::CHECK,
    &kms_key_policy_root_delegation_missing::CHECK,
    &kms_key_policy_separation_of_duties::CHECK,
    &kms_key_policy_destructive_without_mfa::CHECK,
    &kms_key_policy_full_access_non_root::CHECK,
    &kms_key_policy_not_principal::CHECK,
    &kms_key_policy_service_principal_unscoped::CHECK,
    &kms_grant_external_account::CHECK,
    &kms_grant_broad_operations::CHECK,
    &kms_grant_create_grant::CHECK,
    &kms_grant_no_retiring_principal::CHECK,
    &kms_grant_no_encryption_context::CHECK,
    &kms_grant_stale::CHECK,
    &kms_grant_duplicate::CHECK,
    &org_scp_kms_guard_missing::CHECK,
    &org_scp_kms_guard_incomplete::CHECK,
    &org_rcp_kms_external_access::CHECK,
];

/// A check: its texts, and its rule.
#[derive(Debug)]
pub struct Check {
    /// Stable id, the file's name with hyphens.
    pub id: &'static str,
    /// The requirement as a sentence.
    pub title: &'static str,
    /// How much an exception matters.
    pub severity: Severity,
    /// What is judged, for people: `customer managed policy`.
    pub resource: &'static str,
    /// Why it matters.
    pub rationale: &'static str,
    /// What is compared with what, so that an auditor can do it again by hand.
    pub rule: &'static str,
    /// What is exempt, and why.
    pub exemptions: &'static str,
    /// What a pass does not prove.
    pub blind_spots: &'static str,
    /// How to mend an exception.
    pub remediation: Remediation,
    /// The APIs whose answers the rule reads: `kms:ListGrants`.
    pub reads: &'static [&'static str],
    /// The names of this check in other tools and benchmarks.
    pub elsewhere: &'static [&'static str],
    /// The rules, one for each type of resource.
    pub rules: &'static [Rule],
}

/// How to mend an exception.
#[derive(Debug)]
pub struct Remediation {
    /// One line.
    pub summary: &'static str,
    /// Steps in order.
    pub steps: &'static [&'static str],
    /// What the change may break, and how to take it back.
    pub risk: &'static str,
}

/// What a rule says of a resource, or the fact that it lacked.
pub type Judged = Result<Judgement, Gap>;

/// A rule over one type of resource. The runner enumerates the resources and answers for lists that could not be read.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// Over the account's root user, once an account.
    Root(fn(&Scope<'_>) -> Judged),
    /// Over each IAM user.
    User(fn(&User, &Scope<'_>) -> Judged),
    /// Over each user, group and role.
    Principal(fn(Principal<'_>, &Scope<'_>) -> Judged),
    /// Over each customer managed policy.
    ManagedPolicy(fn(&ManagedPolicy, &Scope<'_>) -> Judged),
    /// Over each KMS key.
    Key(fn(&Key, &Scope<'_>) -> Judged),
    /// Over each grant of each KMS key.
    Grant(fn(&Grant, &Key, &Scope<'_>) -> Judged),
}

/// What a rule may look at beside its resource.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The account of the resource.
    pub account: &'a Account,
    /// The organization; none for an account outside any.
    pub organization: &'a Fact<Option<Organization>>,
    /// Every account that the snapshot names, in the organization or alone.
    pub accounts: &'a BTreeSet<String>,
    /// Effective access inside the account.
    pub reach: &'a Reach<'a>,
    /// The time at which ages are counted.
    pub as_of: Timestamp,
}

/// Effective access inside one account. What it needs is put together when the first rule asks, and once.
#[derive(Debug)]
pub struct Reach<'a> {
    account: &'a Account,
    estate: &'a Estate,
    directory: OnceLock<Directory>,
    /// The class of each key, by ARN.
    classes: OnceLock<BTreeMap<String, usize>>,
    /// What a check says of a class of keys.
    said: Mutex<BTreeMap<(&'static str, usize), Judged>>,
}

impl<'a> Reach<'a> {
    /// Of an account in an organization.
    pub fn new(account: &'a Account, estate: &'a Estate) -> Self {
        Self { account, estate, directory: OnceLock::new(), classes: OnceLock::new(), said: Mutex::default() }
    }

    /// The principals and keys of the account. Principals of other accounts are outside and count as not read.
    pub fn directory(&self) -> &Directory {
        self.directory.get_or_init(|| {
            let mut directory = Directory::new(&self.account.partition, self.estate.clone());
            directory.add(self.account);
            directory.finished()
        })
    }

    /// What a check says of a key if its grants do not matter: asked once for keys that no decision can tell apart.
    fn once(&self, check: &'static str, key_arn: &str, judge: impl FnOnce() -> Judged) -> Judged {
        let classes = self.classes.get_or_init(|| self.directory().key_classes(&self.account.id));
        let Some(class) = classes.get(key_arn) else { return judge() };
        let known = self.said.lock().unwrap_or_else(PoisonError::into_inner).get(&(check, *class)).cloned();
        known.unwrap_or_else(|| {
            let judged = judge();
            self.said.lock().unwrap_or_else(PoisonError::into_inner).insert((check, *class), judged.clone());
            judged
        })
    }
}

/// The check of an id.
pub fn find(id: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.id == id)
}

/// The APIs on which the population of every check rests: without them accounts, or their place in the organization, are
/// not known to be all.
pub const POPULATION_APIS: [&str; 7] = [
    "account:ListRegions",
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
    "sts:AssumeRole",
];

/// The APIs that at least one check reads, and those on which every population rests.
pub fn required_apis() -> BTreeSet<&'static str> {
    CHECKS.iter().flat_map(|check| check.reads).copied().chain(POPULATION_APIS).collect()
}

/// The answer for a policy that is a permissions boundary and nothing else: it grants nothing to anybody.
fn boundary_only(policy: &ManagedPolicy) -> Option<Judgement> {
    policy.is_boundary_only().then(|| {
        Judgement::not_applicable("the policy is a permissions boundary and attached nowhere")
            .because_of(&policy.source)
    })
}

/// Where an account stands to the organization, in words.
fn place_of(account: &str, scope: &Scope<'_>) -> &'static str {
    match scope.organization {
        Ok(None) => "and this account is in no organization",
        Ok(Some(organization)) if organization.accounts.contains_key(account) => "which is in the organization",
        Ok(Some(organization)) if organization.accounts_gap.is_none() => "which is outside the organization",
        Ok(Some(_)) | Err(_) => "of which it is not known whether it is in the organization",
    }
}

/// Names a statement of a policy.
fn reference(policy: &str, statement: &Statement) -> StatementReference {
    StatementReference {
        policy: policy.to_owned(),
        index: statement.index,
        sid: statement.sid.clone(),
        effect: statement.effect.to_string(),
    }
}
