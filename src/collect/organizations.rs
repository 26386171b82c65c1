//! What the Organizations API says: the tree of accounts, the policies on it, and who else may administer it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types;

use super::Error;
use super::call::{Ask, Lacks, Next, Page, Recorder, extend};
use super::client::Access;
use super::shape::time;
use super::sts::{Identity, is_account_id};
use crate::snapshot::{Outcome, v1};

/// The policy types that limit what principals and resources may do.
const POLICY_TYPES: [types::PolicyType; 2] =
    [types::PolicyType::ServiceControlPolicy, types::PolicyType::ResourceControlPolicy];

/// What the rest of a collection needs to know of the organization.
#[derive(Debug, Clone, Default)]
pub(super) struct Organization {
    /// `o-…`; absent outside any organization.
    pub(super) id: Option<String>,
    /// Its management account.
    pub(super) management_account: Option<String>,
    /// Its accounts, sorted by id.
    pub(super) accounts: Vec<Member>,
    /// Roots and organizational units by id.
    pub(super) units: BTreeMap<String, Unit>,
    /// Why only the caller's account is audited, where that is so.
    pub(super) standalone: Option<String>,
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// 12 digits.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// `ACTIVE`, `SUSPENDED` …; empty when AWS does not say.
    pub(super) status: String,
    /// The root or unit it is in.
    pub(super) parent: Option<String>,
}

/// A root or an organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its name.
    pub(super) name: String,
    /// The unit above; nothing for a root.
    pub(super) parent: Option<String>,
}

/// Reads the organization of the caller into `recorder`.
pub(super) async fn collect(
    access: &Access,
    identity: &Identity,
    recorder: &mut Recorder,
) -> Result<Organization, Error> {
    let client = access.organizations();
    let own =
        Member { id: identity.account_id.clone(), name: String::new(), status: "ACTIVE".to_owned(), parent: None };
    let Some(described) = describe(&client, recorder).await? else {
        let standalone = Some(why_alone(recorder, "organizations:DescribeOrganization"));
        return Ok(Organization { accounts: vec![own], standalone, ..Organization::default() });
    };
    let described = described.organization.unwrap_or_default();
    let mut organization =
        Organization { id: described.id, management_account: described.master_account_id, ..Organization::default() };
    let mut members = BTreeMap::new();
    let listed = list_accounts(&client, recorder).await?;
    add_members(&mut members, None, listed.unwrap_or_default());
    tree(&client, recorder, &mut organization, &mut members).await?;
    if members.is_empty() {
        organization.standalone = Some(why_alone(recorder, "organizations:ListAccounts"));
    }
    // The list may have ended before the caller's account, which exists whatever the list says.
    members.entry(own.id.clone()).or_insert(own);
    organization.accounts = members.into_values().collect();
    for policy_type in POLICY_TYPES {
        policies(&client, recorder, &policy_type).await?;
    }
    delegated_administrators(&client, recorder).await?;
    resource_policy(&client, recorder).await?;
    Ok(organization)
}

/// The reason for auditing the caller's account only, out of the call that failed.
fn why_alone(recorder: &Recorder, api: &str) -> String {
    let call = recorder.file().calls().iter().find(|call| call.api == api);
    match call.and_then(|call| call.code.as_deref()) {
        Some("AWSOrganizationsNotInUseException") => "the caller's account belongs to no organization".to_owned(),
        Some(code) => format!("{api} was refused to the caller ({code})"),
        None => format!("{api} gave no answer"),
    }
}

async fn describe(client: &Client, recorder: &mut Recorder) -> Result<Option<v1::DescribedOrganization>, Error> {
    let ask = Ask::new("organizations:DescribeOrganization")
        .meaning(&[("AWSOrganizationsNotInUseException", Outcome::Empty)]);
    let shape = |answer: aws_sdk_organizations::operation::describe_organization::DescribeOrganizationOutput| {
        let it = answer.organization.ok_or(Lacks("Organization"))?;
        let organization = v1::Organization {
            id: it.id,
            arn: it.arn,
            feature_set: it.feature_set.map(|set| set.as_str().to_owned()),
            master_account_arn: it.master_account_arn,
            master_account_id: it.master_account_id,
            master_account_email: it.master_account_email,
            available_policy_types: it.available_policy_types.map(policy_types),
        };
        Ok(v1::DescribedOrganization { organization: Some(organization) })
    };
    recorder.one(ask, || client.describe_organization().send(), shape).await
}

fn policy_types(types: Vec<types::PolicyTypeSummary>) -> Vec<v1::PolicyType> {
    let policy_type = |it: types::PolicyTypeSummary| v1::PolicyType {
        r#type: it.r#type.map(|it| it.as_str().to_owned()),
        status: it.status.map(|it| it.as_str().to_owned()),
    };
    types.into_iter().map(policy_type).collect()
}

async fn list_accounts(client: &Client, recorder: &mut Recorder) -> Result<Option<v1::OrganizationAccounts>, Error> {
    let request = |token| client.list_accounts().set_next_token(token).send();
    recorder
        .list(Ask::new("organizations:ListAccounts"), request, |answer, list: &mut v1::OrganizationAccounts| {
            let accounts = known_accounts(answer.accounts)?;
            let items = extend(&mut list.accounts, "Accounts", Some(accounts), account)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await
}

/// Accounts whose ids are ids. They become names of folders, so that anything else makes the page unusable.
fn known_accounts(accounts: Option<Vec<types::Account>>) -> Result<Vec<types::Account>, Lacks> {
    let accounts = accounts.ok_or(Lacks("Accounts"))?;
    if accounts.iter().all(|account| account.id.as_deref().is_some_and(is_account_id)) {
        Ok(accounts)
    } else {
        Err(Lacks("Accounts"))
    }
}

fn account(it: types::Account) -> v1::OrganizationAccount {
    v1::OrganizationAccount {
        id: it.id,
        arn: it.arn,
        email: it.email,
        name: it.name,
        status: it.status.map(|it| it.as_str().to_owned()),
        state: it.state.map(|it| it.as_str().to_owned()),
        joined_method: it.joined_method.map(|it| it.as_str().to_owned()),
        joined_timestamp: it.joined_timestamp.and_then(time),
        paths: it.paths,
    }
}

/// Adds accounts to those known, or their place to what is known of them. An account that stands on two pages is one account.
fn add_members(members: &mut BTreeMap<String, Member>, parent: Option<&str>, accounts: v1::OrganizationAccounts) {
    for it in accounts.accounts.into_iter().flatten() {
        let id = it.id.unwrap_or_default();
        let member = members.entry(id.clone()).or_insert_with(|| Member {
            id,
            name: it.name.unwrap_or_default(),
            // `State` takes the place of `Status`, which AWS retires.
            status: it.state.or(it.status).unwrap_or_default(),
            parent: None,
        });
        if let Some(parent) = parent {
            member.parent = Some(parent.to_owned());
        }
    }
}

/// Roots, units to any depth, and which account is where.
async fn tree(
    client: &Client,
    recorder: &mut Recorder,
    organization: &mut Organization,
    members: &mut BTreeMap<String, Member>,
) -> Result<(), Error> {
    let request = |token| client.list_roots().set_next_token(token).send();
    let roots = recorder
        .list(Ask::new("organizations:ListRoots"), request, |answer, list: &mut v1::Roots| {
            let root = |it: types::Root| v1::Root {
                id: it.id,
                arn: it.arn,
                name: it.name,
                policy_types: it.policy_types.map(policy_types),
            };
            let items = extend(&mut list.roots, "Roots", answer.roots, root)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await?;
    recorder.begin("ListOrganizationalUnitsForParent");
    recorder.begin("ListAccountsForParent");
    let mut level = Vec::new();
    for root in roots.and_then(|roots| roots.roots).unwrap_or_default() {
        let unit = Unit { name: root.name.unwrap_or_default(), parent: None };
        level.extend(root.id.map(|id| (id, unit)));
    }
    while !level.is_empty() {
        let mut below = Vec::new();
        for (id, unit) in level {
            // A unit that is met again would be its own ancestor.
            if organization.units.insert(id.clone(), unit).is_none() {
                let accounts = accounts_of(client, recorder, &id).await?;
                add_members(members, Some(&id), accounts.unwrap_or_default());
                below.extend(units_of(client, recorder, &id).await?);
            }
        }
        level = below;
    }
    Ok(())
}

async fn units_of(client: &Client, recorder: &mut Recorder, parent: &str) -> Result<Vec<(String, Unit)>, Error> {
    let ask = Ask::new("organizations:ListOrganizationalUnitsForParent").about(&[parent]);
    let request = |token| client.list_organizational_units_for_parent().parent_id(parent).set_next_token(token).send();
    let units = recorder
        .list(ask, request, |answer, list: &mut v1::OrganizationalUnits| {
            let unit = |it: types::OrganizationalUnit| v1::OrganizationalUnit { id: it.id, arn: it.arn, name: it.name };
            let units = answer.organizational_units;
            let items = extend(&mut list.organizational_units, "OrganizationalUnits", units, unit)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await?;
    let unit = |it: v1::OrganizationalUnit| {
        Some((it.id?, Unit { name: it.name.unwrap_or_default(), parent: Some(parent.to_owned()) }))
    };
    Ok(units.and_then(|units| units.organizational_units).into_iter().flatten().filter_map(unit).collect())
}

async fn accounts_of(
    client: &Client,
    recorder: &mut Recorder,
    parent: &str,
) -> Result<Option<v1::OrganizationAccounts>, Error> {
    let ask = Ask::new("organizations:ListAccountsForParent").about(&[parent]);
    let request = |token| client.list_accounts_for_parent().parent_id(parent).set_next_token(token).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::OrganizationAccounts| {
            let accounts = known_accounts(answer.accounts)?;
            let items = extend(&mut list.accounts, "Accounts", Some(accounts), account)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await
}

fn summary(it: types::PolicySummary) -> v1::PolicySummary {
    v1::PolicySummary {
        id: it.id,
        arn: it.arn,
        name: it.name,
        description: it.description,
        r#type: it.r#type.map(|it| it.as_str().to_owned()),
        aws_managed: Some(it.aws_managed),
    }
}

async fn policies(client: &Client, recorder: &mut Recorder, policy_type: &types::PolicyType) -> Result<(), Error> {
    let ask = Ask::new("organizations:ListPolicies").about(&[policy_type.as_str()]);
    let request = |token| client.list_policies().filter(policy_type.clone()).set_next_token(token).send();
    let listed = recorder
        .list(ask, request, |answer, list: &mut v1::OrganizationPolicies| {
            let items = extend(&mut list.policies, "Policies", answer.policies, summary)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await?;
    let Some(listed) = listed else { return Ok(()) };
    recorder.begin("DescribePolicy");
    recorder.begin("ListTargetsForPolicy");
    let ids: BTreeSet<String> = listed.policies.into_iter().flatten().filter_map(|policy| policy.id).collect();
    for id in ids {
        policy(client, recorder, &id).await?;
    }
    Ok(())
}

async fn policy(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    let ask = Ask::new("organizations:DescribePolicy").about(&[id]);
    let shape = |answer: aws_sdk_organizations::operation::describe_policy::DescribePolicyOutput| {
        let it = answer.policy.ok_or(Lacks("Policy"))?;
        let policy = v1::OrganizationPolicy { policy_summary: it.policy_summary.map(summary), content: it.content };
        Ok(v1::DescribedOrganizationPolicy { policy: Some(policy) })
    };
    recorder.one(ask, || client.describe_policy().policy_id(id).send(), shape).await?;
    let ask = Ask::new("organizations:ListTargetsForPolicy").about(&[id]);
    let request = |token| client.list_targets_for_policy().policy_id(id).set_next_token(token).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::PolicyTargets| {
            let target = |it: types::PolicyTargetSummary| v1::PolicyTarget {
                target_id: it.target_id,
                arn: it.arn,
                name: it.name,
                r#type: it.r#type.map(|it| it.as_str().to_owned()),
            };
            let items = extend(&mut list.targets, "Targets", answer.targets, target)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await?;
    Ok(())
}

async fn delegated_administrators(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let request = |token| client.list_delegated_administrators().set_next_token(token).send();
    let listed = recorder
        .list(
            Ask::new("organizations:ListDelegatedAdministrators"),
            request,
            |answer, list: &mut v1::DelegatedAdministrators| {
                let administrators = answer.delegated_administrators;
                let items = extend(
                    &mut list.delegated_administrators,
                    "DelegatedAdministrators",
                    administrators,
                    delegated_administrator,
                )?;
                Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
            },
        )
        .await?;
    let Some(listed) = listed else { return Ok(()) };
    recorder.begin("ListDelegatedServicesForAccount");
    for id in listed.delegated_administrators.into_iter().flatten().filter_map(|administrator| administrator.id) {
        delegated_services(client, recorder, &id).await?;
    }
    Ok(())
}

fn delegated_administrator(it: types::DelegatedAdministrator) -> v1::DelegatedAdministrator {
    v1::DelegatedAdministrator {
        id: it.id,
        arn: it.arn,
        email: it.email,
        name: it.name,
        status: it.status.map(|it| it.as_str().to_owned()),
        state: it.state.map(|it| it.as_str().to_owned()),
        joined_method: it.joined_method.map(|it| it.as_str().to_owned()),
        joined_timestamp: it.joined_timestamp.and_then(time),
        delegation_enabled_date: it.delegation_enabled_date.and_then(time),
    }
}

async fn delegated_services(client: &Client, recorder: &mut Recorder, account_id: &str) -> Result<(), Error> {
    let ask = Ask::new("organizations:ListDelegatedServicesForAccount").about(&[account_id]);
    let request =
        |token| client.list_delegated_services_for_account().account_id(account_id).set_next_token(token).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::DelegatedServices| {
            let service = |it: types::DelegatedService| v1::DelegatedService {
                service_principal: it.service_principal,
                delegation_enabled_date: it.delegation_enabled_date.and_then(time),
            };
            let items = extend(&mut list.delegated_services, "DelegatedServices", answer.delegated_services, service)?;
            Ok(Page { items: vec![items], next: Next::token(answer.next_token) })
        })
        .await?;
    Ok(())
}

async fn resource_policy(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let ask = Ask::new("organizations:DescribeResourcePolicy")
        .meaning(&[("ResourcePolicyNotFoundException", Outcome::Empty)]);
    let shape = |answer: aws_sdk_organizations::operation::describe_resource_policy::DescribeResourcePolicyOutput| {
        let it = answer.resource_policy.ok_or(Lacks("ResourcePolicy"))?;
        let summary = |it: types::ResourcePolicySummary| v1::ResourcePolicySummary { id: it.id, arn: it.arn };
        let policy = v1::ResourcePolicy {
            resource_policy_summary: it.resource_policy_summary.map(summary),
            content: it.content,
        };
        Ok(v1::DescribedResourcePolicy { resource_policy: Some(policy) })
    };
    recorder.one(ask, || client.describe_resource_policy().send(), shape).await?;
    Ok(())
}
