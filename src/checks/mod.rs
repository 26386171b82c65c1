//! The checks: what each tests, how it decides, what a pass does not prove. One file a check.
//!
//! Adding a check is four edits: its file; one `mod` line and one line of [`CHECKS`]; its rows in `frameworks/`; the
//! regenerated goldens.

mod account_alternate_contacts;
mod account_in_organization;
mod account_security_contact;
mod administrators;
mod all_keys;
mod broad;
mod credentials;
mod documents;
mod elsewhere;
mod escalations;
mod grants;
mod guardrails;
mod holders;
mod iam_access_key_age;
mod iam_administrator_access;
mod iam_administrator_mfa;
mod iam_aws_managed_policy_kms_decrypt_all_keys;
mod iam_central_identity;
mod iam_cloudshell_full_access;
mod iam_credentials_unused;
mod iam_external_access_analyzer;
mod iam_group_deny_ineffective;
mod iam_group_empty;
mod iam_inline_policy_kms_decrypt_all_keys;
mod iam_inline_policy_present;
mod iam_managed_policy_kms_decrypt_all_keys;
mod iam_password_policy;
mod iam_policy_admin_star;
mod iam_policy_any_role;
mod iam_policy_cloudtrail_full_access;
mod iam_policy_kms_destructive_all_keys;
mod iam_policy_kms_full_access;
mod iam_policy_marketplace_subscribe;
mod iam_policy_service_star;
mod iam_policy_unused;
mod iam_privilege_escalation;
mod iam_resource_tags;
mod iam_role_external_data_read;
mod iam_role_trust_external_without_external_id;
mod iam_role_trust_service_unscoped;
mod iam_role_trust_wildcard_principal;
mod iam_role_unused;
mod iam_root_access_key;
mod iam_root_credentials_centralized;
mod iam_root_hardware_mfa;
mod iam_root_mfa;
mod iam_root_recent_use;
mod iam_security_audit_role;
mod iam_server_certificate_expired;
mod iam_service_specific_credentials;
mod iam_signing_certificate;
mod iam_support_role;
mod iam_user_console_mfa;
mod iam_user_direct_policies;
mod iam_user_hardware_mfa;
mod iam_user_key_created_at_setup;
mod iam_user_mfa_all;
mod iam_user_no_group;
mod iam_user_password_and_access_key;
mod iam_user_single_active_key;
mod identity;
mod key_policy;
mod key_state;
mod kms_bypass_lockout_check_allowed;
mod kms_encryption_context_not_required;
mod kms_grant_broad_operations;
mod kms_grant_create_grant;
mod kms_grant_duplicate;
mod kms_grant_external_account;
mod kms_grant_no_encryption_context;
mod kms_grant_no_retiring_principal;
mod kms_grant_stale;
mod kms_key_custom_key_store;
mod kms_key_disabled;
mod kms_key_enclave_attestation;
mod kms_key_enclave_binding;
mod kms_key_enclave_measurements;
mod kms_key_imported_material;
mod kms_key_imported_material_expiring;
mod kms_key_manual_rotation_overdue;
mod kms_key_multi_region;
mod kms_key_no_alias;
mod kms_key_pending_deletion;
mod kms_key_policy_deleted_principal;
mod kms_key_policy_destructive_without_mfa;
mod kms_key_policy_external_account;
mod kms_key_policy_full_access_non_root;
mod kms_key_policy_grants_not_limited;
mod kms_key_policy_not_principal;
mod kms_key_policy_public;
mod kms_key_policy_root_delegation_missing;
mod kms_key_policy_separation_of_duties;
mod kms_key_policy_service_principal_unscoped;
mod kms_key_rotation_enabled;
mod kms_key_rotation_period;
mod kms_key_spec_allowed;
mod kms_key_tagged;
mod kms_key_unused;
mod lint;
mod org_delegated_admin;
mod org_rcp_kms_external_access;
mod org_scp_kms_guard_incomplete;
mod org_scp_kms_guard_missing;
mod org_scp_kms_regions;
mod parameters;
mod policy_action_ineffective_in_key_policy;
mod policy_condition_key_inapplicable;
mod policy_condition_wrong_value;
mod policy_key_alias_in_resource;
mod policy_mfa_ifexists_in_allow;
mod policy_statement_no_effect;
mod policy_unknown_action;
mod policy_unknown_condition_key;
mod policy_unknown_principal;
mod recipients;
mod selected_keys;
mod sources;
mod trust;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod peers;

pub use administrators::{Administrator, administrators};
pub use credentials::{ROOT as ROOT_USER, Row as CredentialRow, row_of as credential_row};
pub use documents::Documents;
pub use elsewhere::{Answer, Counterpart, Name, Tool, counterparts};
pub use kms_key_rotation_enabled::exemption as not_rotated;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::{self, Cell, Directory, Estate, Seen, StandIns};
use crate::finding::{Judgement, Severity, StatementReference, Status};
use crate::model::{
    Account, CustomKeyStore, Fact, Gap, Grant, Group, Key, ManagedPolicy, Organization, OrganizationPolicy, Principal,
    Role, ServerCertificate, User,
};
use crate::policy::{Action, Document, Statement, Unanswered};
use documents::Studied;
use key_policy::Alteration;
use kms_key_policy_destructive_without_mfa::{Actor, DESTROY};
use kms_key_policy_separation_of_duties::{ADMINISTER, USE};

pub use parameters::{
    Boolean, DEFAULTS, Form, Integer, Loosens, Parameter, Parameters, Refusal, Setting, Strings, Value, Values,
    Verdicts,
};

/// Every check, in report order.
pub const CHECKS: &[&Check] = &[
    &iam_root_access_key::CHECK,
    &iam_root_mfa::CHECK,
    &iam_root_hardware_mfa::CHECK,
    &iam_root_recent_use::CHECK,
    &iam_root_credentials_centralized::CHECK,
    &iam_user_console_mfa::CHECK,
    &iam_user_mfa_all::CHECK,
    &iam_user_hardware_mfa::CHECK,
    &iam_administrator_mfa::CHECK,
    &iam_access_key_age::CHECK,
    &iam_credentials_unused::CHECK,
    &iam_user_single_active_key::CHECK,
    &iam_user_key_created_at_setup::CHECK,
    &iam_user_password_and_access_key::CHECK,
    &iam_signing_certificate::CHECK,
    &iam_user_direct_policies::CHECK,
    &iam_user_no_group::CHECK,
    &iam_group_empty::CHECK,
    &iam_password_policy::CHECK,
    &iam_support_role::CHECK,
    &iam_security_audit_role::CHECK,
    &iam_server_certificate_expired::CHECK,
    &iam_cloudshell_full_access::CHECK,
    &iam_central_identity::CHECK,
    &iam_external_access_analyzer::CHECK,
    &account_security_contact::CHECK,
    &account_alternate_contacts::CHECK,
    &account_in_organization::CHECK,
    &org_delegated_admin::CHECK,
    &iam_resource_tags::CHECK,
    &iam_policy_admin_star::CHECK,
    &iam_administrator_access::CHECK,
    &iam_policy_service_star::CHECK,
    &iam_policy_unused::CHECK,
    &iam_inline_policy_present::CHECK,
    &iam_managed_policy_kms_decrypt_all_keys::CHECK,
    &iam_inline_policy_kms_decrypt_all_keys::CHECK,
    &iam_aws_managed_policy_kms_decrypt_all_keys::CHECK,
    &iam_policy_kms_full_access::CHECK,
    &iam_policy_kms_destructive_all_keys::CHECK,
    &iam_role_trust_wildcard_principal::CHECK,
    &iam_role_trust_external_without_external_id::CHECK,
    &iam_role_external_data_read::CHECK,
    &iam_role_trust_service_unscoped::CHECK,
    &iam_role_unused::CHECK,
    &iam_privilege_escalation::CHECK,
    &iam_policy_cloudtrail_full_access::CHECK,
    &iam_policy_any_role::CHECK,
    &iam_policy_marketplace_subscribe::CHECK,
    &iam_group_deny_ineffective::CHECK,
    &iam_service_specific_credentials::CHECK,
    &kms_key_pending_deletion::CHECK,
    &kms_key_rotation_enabled::CHECK,
    &kms_key_rotation_period::CHECK,
    &kms_key_manual_rotation_overdue::CHECK,
    &kms_key_disabled::CHECK,
    &kms_key_unused::CHECK,
    &kms_key_imported_material_expiring::CHECK,
    &kms_key_imported_material::CHECK,
    &kms_key_custom_key_store::CHECK,
    &kms_key_multi_region::CHECK,
    &kms_key_spec_allowed::CHECK,
    &kms_key_tagged::CHECK,
    &kms_key_no_alias::CHECK,
    &kms_key_policy_public::CHECK,
    &kms_key_policy_external_account::CHECK,
    &kms_key_policy_root_delegation_missing::CHECK,
    &kms_key_policy_separation_of_duties::CHECK,
    &kms_key_policy_destructive_without_mfa::CHECK,
    &kms_key_policy_full_access_non_root::CHECK,
    &kms_key_policy_not_principal::CHECK,
    &kms_key_policy_deleted_principal::CHECK,
    &kms_key_policy_grants_not_limited::CHECK,
    &kms_key_policy_service_principal_unscoped::CHECK,
    &kms_bypass_lockout_check_allowed::CHECK,
    &kms_encryption_context_not_required::CHECK,
    &kms_key_enclave_attestation::CHECK,
    &kms_key_enclave_measurements::CHECK,
    &kms_key_enclave_binding::CHECK,
    &policy_unknown_action::CHECK,
    &policy_unknown_condition_key::CHECK,
    &policy_condition_key_inapplicable::CHECK,
    &policy_condition_wrong_value::CHECK,
    &policy_mfa_ifexists_in_allow::CHECK,
    &policy_statement_no_effect::CHECK,
    &policy_action_ineffective_in_key_policy::CHECK,
    &policy_key_alias_in_resource::CHECK,
    &policy_unknown_principal::CHECK,
    &kms_grant_external_account::CHECK,
    &kms_grant_broad_operations::CHECK,
    &kms_grant_create_grant::CHECK,
    &kms_grant_no_retiring_principal::CHECK,
    &kms_grant_no_encryption_context::CHECK,
    &kms_grant_stale::CHECK,
    &kms_grant_duplicate::CHECK,
    &org_scp_kms_guard_missing::CHECK,
    &org_scp_kms_guard_incomplete::CHECK,
    &org_scp_kms_regions::CHECK,
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
    /// What a configuration may change.
    pub parameters: &'static [Parameter],
    /// The names of this check in other tools and benchmarks, as [`elsewhere`] reads them.
    pub elsewhere: &'static [&'static str],
    /// The statuses that its rules can give a resource. An account that could not be entered is an ERROR of every check.
    pub statuses: &'static [Status],
    /// Of these PASS and FAIL, what no quarter of the demonstration shows, and why.
    pub not_shown: &'static [(Status, &'static str)],
    /// The rules, one for each type of resource.
    pub rules: &'static [Rule],
}

impl Check {
    /// The service to which what a rule of it judges belongs: the one that begins its id, and for checks of policy documents
    /// (`policy-…`), which judge those of several services, the service of the document.
    pub fn service(&self, rule: Rule) -> Service {
        let of_id = Service::ALL.into_iter().find(|service| self.id.starts_with(service.prefix()));
        of_id.unwrap_or(match rule {
            Rule::Key(_) | Rule::CustomKeyStore(_) | Rule::Grant(_) => Service::Kms,
            Rule::Organization(_) | Rule::ServiceControlPolicy(_) | Rule::ResourceControlPolicy(_) => {
                Service::Organizations
            }
            Rule::Root(_)
            | Rule::User(_)
            | Rule::Group(_)
            | Rule::Role(_)
            | Rule::Principal(_)
            | Rule::ManagedPolicy(_)
            | Rule::ServerCertificate(_) => Service::Iam,
        })
    }

    /// Whether it judges nothing in this account, because what it judges is in the management account.
    pub fn is_of_another_account(&self, scope: &Scope<'_>) -> bool {
        let is_member = matches!(
            scope.organization,
            Ok(Some(organization)) if organization.management_account_id != scope.account.id
        );
        is_member && self.rules.iter().all(|rule| matches!(rule, Rule::Organization(_)))
    }
}

/// A service whose state is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Account Management: contacts, membership in an organization.
    Account,
    /// Identity and Access Management.
    Iam,
    /// Key Management Service.
    Kms,
    /// Organizations.
    Organizations,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 4] = [Self::Account, Self::Iam, Self::Kms, Self::Organizations];

    /// The word of the command line and of every file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Organizations => "organizations",
        }
    }

    /// How the ids of its checks begin.
    fn prefix(self) -> &'static str {
        match self {
            Self::Account => "account-",
            Self::Iam => "iam-",
            Self::Kms => "kms-",
            Self::Organizations => "org-",
        }
    }
}

/// How to mend an exception.
#[derive(Debug)]
pub struct Remediation {
    /// One line.
    pub summary: &'static str,
    /// Steps in order.
    pub steps: &'static [&'static str],
    /// Commands of the AWS CLI for a POSIX shell. What stands in braces, such as `{user}`, comes from the finding; words in capitals
    /// are for the reader to fill in.
    pub commands: &'static [&'static str],
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
    /// Over each IAM group.
    Group(fn(&Group, &Scope<'_>) -> Judged),
    /// Over each IAM role.
    Role(fn(&Role, &Scope<'_>) -> Judged),
    /// Over each user, group and role.
    Principal(fn(Principal<'_>, &Scope<'_>) -> Judged),
    /// Over each customer managed policy.
    ManagedPolicy(fn(&ManagedPolicy, &Scope<'_>) -> Judged),
    /// Over each service control policy of the customer, once an organization.
    ServiceControlPolicy(fn(&OrganizationPolicy, &Scope<'_>) -> Judged),
    /// Over each resource control policy of the customer, once an organization.
    ResourceControlPolicy(fn(&OrganizationPolicy, &Scope<'_>) -> Judged),
    /// Over each server certificate that IAM stores.
    ServerCertificate(fn(&ServerCertificate, &Scope<'_>) -> Judged),
    /// Over the organization, in its management account; accounts outside any organization are exempt.
    Organization(fn(&Organization, &Scope<'_>) -> Judged),
    /// Over each KMS key.
    Key(fn(&Key, &Scope<'_>) -> Judged),
    /// Over each custom key store.
    CustomKeyStore(fn(&CustomKeyStore, &Scope<'_>) -> Judged),
    /// Over each grant of each KMS key.
    Grant(fn(&Grant, &Key, &Scope<'_>) -> Judged),
}

impl Rule {
    /// Whether its resources are policies of the organization, which were read without entering the account.
    pub fn is_over_organization_policies(self) -> bool {
        matches!(self, Self::ServiceControlPolicy(_) | Self::ResourceControlPolicy(_))
    }
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
    /// The values of the check's parameters.
    pub values: &'a Values,
}

/// Effective access inside one account. What it needs is put together when the first rule asks, and once.
#[derive(Debug)]
pub struct Reach<'a> {
    account: &'a Account,
    estate: &'a Estate,
    directory: OnceLock<Directory>,
    /// Where each managed policy stands in the account's list, by ARN.
    policies: OnceLock<BTreeMap<String, usize>>,
    /// Where one key of each class stands among those of the account.
    kinds_of_keys: OnceLock<Vec<usize>>,
    /// Who stands for the principals of the account in decisions on its keys.
    stand_ins: OnceLock<StandIns>,
    /// Its users and roles, with who acts as them.
    actors: OnceLock<Vec<Actor>>,
    /// What was decided of classes of principals and of keys that a decision cannot tell apart; nothing that holds for one key alone.
    decided: Told<(Alteration, Seen), Result<Cell, Unanswered>>,
    /// What a check says of a class of keys.
    said: Told<(&'static str, usize), Judged>,
    /// The documents of every account.
    documents: &'a Documents,
    /// Those of the account, by address. Each is kept, so that no other comes to lie in its place.
    studied: Told<usize, (Arc<Document>, Arc<Studied>)>,
}

impl<'a> Reach<'a> {
    /// Of an account in an organization; `documents` are those of every account.
    pub fn new(account: &'a Account, estate: &'a Estate, documents: &'a Documents) -> Self {
        Self {
            account,
            estate,
            directory: OnceLock::new(),
            policies: OnceLock::new(),
            kinds_of_keys: OnceLock::new(),
            stand_ins: OnceLock::new(),
            actors: OnceLock::new(),
            decided: Told::default(),
            said: Told::default(),
            documents,
            studied: Told::default(),
        }
    }

    /// A managed policy of the account that was read.
    fn managed_policy(&self, arn: &str) -> Option<&'a ManagedPolicy> {
        let known = self.account.iam.policies.known();
        let places = || known.iter().enumerate().map(|(place, policy)| (policy.arn.clone(), place)).collect();
        known.get(*self.policies.get_or_init(places).get(arn)?)
    }

    /// What follows from a document alone: worked out once, however many principals and accounts bear it.
    fn studied(&self, document: &Arc<Document>) -> Arc<Studied> {
        let study = || (document.clone(), self.documents.of(&self.account.partition, document));
        self.studied.once(Arc::as_ptr(document).addr(), study).1
    }

    /// A user or role of the account as decisions see it.
    fn principal(&self, arn: &str) -> Option<&access::Principal> {
        let principals = &self.directory().account(&self.account.id)?.principals;
        let place = principals.binary_search_by(|principal| principal.arn.as_str().cmp(arn)).ok()?;
        principals.get(place)
    }

    /// The principals and keys of the account. Principals of other accounts are outside and count as not read.
    pub fn directory(&self) -> &Directory {
        self.directory.get_or_init(|| {
            let mut directory = Directory::new(&self.account.partition, self.estate.clone());
            directory.add(self.account);
            directory.finished()
        })
    }

    /// One key of each class of the customer's keys, sorted by ARN: no decision that leaves grants out tells others of its class
    /// apart. A key of which it was not read who manages it counts as the customer's.
    fn kinds_of_keys(&self) -> Vec<&access::Key> {
        let keys = self.directory().account(&self.account.id).map_or(&[][..], |account| account.keys.as_slice());
        let kinds = self.kinds_of_keys.get_or_init(|| {
            let mut met = BTreeSet::new();
            let own = keys.iter().enumerate().filter(|(_, key)| key.is_aws_managed != Some(true));
            let mut is_new =
                |key: &access::Key| self.stand_ins().class_of_key(&key.arn).is_none_or(|class| met.insert(class));
            own.filter(|(_, key)| is_new(key)).map(|(place, _)| place).collect()
        });
        kinds.iter().filter_map(|place| keys.get(*place)).collect()
    }

    /// Who stands for the principals of the account in decisions on its keys that administer, use or destroy them.
    fn stand_ins(&self) -> &StandIns {
        self.stand_ins.get_or_init(|| {
            let names: BTreeSet<&str> = [ADMINISTER, USE, DESTROY].into_iter().flatten().copied().collect();
            let actions: Vec<Action> = names.into_iter().map(Action::new).collect();
            self.directory().stand_ins(&self.account.id, &actions)
        })
    }

    fn actors(&self) -> &[Actor] {
        self.actors.get_or_init(|| {
            kms_key_policy_destructive_without_mfa::actors(self.directory(), self.stand_ins(), self.account)
        })
    }

    /// What a check says of a key if its grants do not matter: asked once for keys that no decision can tell apart.
    fn once(&self, check: &'static str, key_arn: &str, judge: impl FnOnce() -> Judged) -> Judged {
        // What is said of a key that is not of this account is said of no other.
        match self.directory().key(key_arn).and_then(|key| self.stand_ins().class_of_key(&key.arn)) {
            Some(class) => self.said.once((check, class), judge),
            None => judge(),
        }
    }
}

/// What was told already of what.
#[derive(Debug)]
struct Told<K, V>(Mutex<BTreeMap<K, V>>);

impl<K, V> Default for Told<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, V: Clone> Told<K, V> {
    /// What is known under a key, or what is found now.
    fn once(&self, key: K, find: impl FnOnce() -> V) -> V {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let found = find();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        found
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

/// The APIs that at least one of the checks reads, and those on which every population rests.
pub fn required_apis(checks: &[&Check]) -> BTreeSet<&'static str> {
    checks.iter().flat_map(|check| check.reads).copied().chain(POPULATION_APIS).collect()
}

/// Whether policies that are permissions boundaries and nothing else are left out. AWS Config asks for it as a parameter of its rules.
const EXCLUDE_BOUNDARY: Boolean = Boolean {
    name: "exclude_boundary",
    meaning: "Whether policies that are used as a permissions boundary and attached nowhere are NOT_APPLICABLE.",
    default: true,
    loosens: false,
};

/// The answer for a policy that is a permissions boundary and nothing else: it grants nothing to anybody.
fn boundary_only(policy: &ManagedPolicy, scope: &Scope<'_>) -> Option<Judgement> {
    let is_left_out = policy.is_boundary_only() && scope.values.boolean(&EXCLUDE_BOUNDARY);
    is_left_out.then(|| {
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
