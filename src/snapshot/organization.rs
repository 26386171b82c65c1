//! `organization.json` of version 1 as the model's organization.

use std::collections::BTreeMap;

use super::ORGANIZATION;
use super::answers::Answers;
use super::v1;
use crate::model::{
    DelegatedAdministrator, Document, Fact, Gap, Listing, Organization, OrganizationPolicy, OrganizationalUnit,
    Provenance, ResourcePolicy, Root, Unit,
};

const DESCRIBE: &str = "organizations:DescribeOrganization";

/// The organization, none where AWS said that the account is in none, or why it is not known.
pub(super) fn read(mut file: v1::OrganizationFile) -> Fact<Option<Organization>> {
    let answers = Answers::new(ORGANIZATION.into(), std::mem::take(&mut file.calls));
    let described = file.describe_organization.take().and_then(|answer| answer.organization);
    if described.is_none() && answers.is_empty(DESCRIBE, &[]) {
        return Ok(None);
    }
    let described = answers.fact(DESCRIBE, &[], described)?;
    let mut provenance = Provenance::default();
    answers.record(&mut provenance);
    let roots =
        file.list_roots.take().and_then(|answer| answer.roots).map(|roots| roots.into_iter().map(root).collect());
    let roots = answers.listing("organizations:ListRoots", &[], "Roots", roots);
    let units = units(&file);
    let accounts = accounts(&file, &answers);
    Ok(Some(Organization {
        id: described.id.unwrap_or_default(),
        arn: described.arn.unwrap_or_default(),
        management_account_id: described.master_account_id.unwrap_or_default(),
        roots,
        units,
        accounts_gap: accounts.gap().cloned(),
        accounts: accounts.known().iter().cloned().collect(),
        service_control_policies: policies(&file, &answers, "SERVICE_CONTROL_POLICY"),
        resource_control_policies: policies(&file, &answers, "RESOURCE_CONTROL_POLICY"),
        delegated_administrators: delegated_administrators(&file, &answers),
        resource_policy: resource_policy(&file, &answers),
        provenance,
        source: answers.source(DESCRIBE, &[], "/DescribeOrganization/Organization".to_owned()),
    }))
}

fn delegated_administrators(file: &v1::OrganizationFile, answers: &Answers) -> Listing<DelegatedAdministrator> {
    const API: &str = "organizations:ListDelegatedAdministrators";
    const SERVICES: &str = "organizations:ListDelegatedServicesForAccount";
    let administrator = |(index, it): (usize, &v1::DelegatedAdministrator)| {
        let account_id = it.id.clone().unwrap_or_default();
        let services = file.list_delegated_services_for_account.as_ref().and_then(|all| all.get(&account_id));
        let services = services.and_then(|answer| answer.delegated_services.as_ref());
        let services = services.map(|all| all.iter().filter_map(|it| it.service_principal.clone()).collect());
        let pointer = format!("/ListDelegatedAdministrators/DelegatedAdministrators/{index}");
        DelegatedAdministrator {
            services: answers.listing(SERVICES, &[&account_id], "DelegatedServices", services),
            source: answers.source(API, &[], pointer),
            account_id,
        }
    };
    let listed = file.list_delegated_administrators.as_ref();
    let listed = listed.and_then(|answer| answer.delegated_administrators.as_ref());
    let listed = listed.map(|all| all.iter().enumerate().map(administrator).collect());
    answers.listing(API, &[], "DelegatedAdministrators", listed)
}

fn resource_policy(file: &v1::OrganizationFile, answers: &Answers) -> Fact<Option<ResourcePolicy>> {
    const API: &str = "organizations:DescribeResourcePolicy";
    if answers.is_empty(API, &[]) {
        return Ok(None);
    }
    let described = file.describe_resource_policy.as_ref().and_then(|answer| answer.resource_policy.as_ref());
    let content = answers.fact(API, &[], described.and_then(|policy| policy.content.as_deref()))?;
    let source = answers.source(API, &[], "/DescribeResourcePolicy/ResourcePolicy".to_owned());
    Ok(Some(ResourcePolicy { document: answers.document(API, &[], content), source }))
}

fn root(root: v1::Root) -> Root {
    let types = root.policy_types.into_iter().flatten();
    let enabled = types.filter(|it| it.status.as_deref() == Some("ENABLED")).filter_map(|it| it.r#type);
    Root {
        id: root.id.unwrap_or_default(),
        name: root.name.unwrap_or_default(),
        enabled_policy_types: enabled.collect(),
    }
}

fn units(file: &v1::OrganizationFile) -> BTreeMap<String, OrganizationalUnit> {
    let mut units = BTreeMap::new();
    for (parent_id, children) in file.list_organizational_units_for_parent.iter().flatten() {
        for unit in children.organizational_units.iter().flatten() {
            let name = unit.name.clone().unwrap_or_default();
            let unit_id = unit.id.clone().unwrap_or_default();
            units.insert(unit_id, OrganizationalUnit { name, parent_id: parent_id.clone() });
        }
    }
    units
}

fn accounts(file: &v1::OrganizationFile, answers: &Answers) -> Listing<(String, Unit)> {
    const API: &str = "organizations:ListAccountsForParent";
    let mut parents = BTreeMap::new();
    for (parent_id, children) in file.list_accounts_for_parent.iter().flatten() {
        for id in children.accounts.iter().flatten().filter_map(|account| account.id.clone()) {
            parents.insert(id, parent_id.clone());
        }
    }
    let unit = |account: &v1::OrganizationAccount| {
        let id = account.id.clone().unwrap_or_default();
        let parent_id = parents.get(&id).cloned().ok_or_else(|| Gap::not_collected(API, &[&id]));
        let status = account.state.clone().or_else(|| account.status.clone());
        let unit = Unit {
            name: account.name.clone().unwrap_or_default(),
            email: account.email.clone().unwrap_or_default(),
            status: status.unwrap_or_default(),
            joined: account.joined_timestamp.map(|time| time.0),
            parent_id,
        };
        (id, unit)
    };
    let listed = file.list_accounts.as_ref().and_then(|answer| answer.accounts.as_ref());
    let accounts = listed.map(|accounts| accounts.iter().map(unit).collect());
    answers.listing("organizations:ListAccounts", &[], "Accounts", accounts)
}

fn policies(file: &v1::OrganizationFile, answers: &Answers, policy_type: &str) -> Listing<OrganizationPolicy> {
    let listed = file.list_policies.as_ref().and_then(|types| types.get(policy_type));
    let summaries = listed.and_then(|answer| answer.policies.as_ref());
    let policies = summaries.map(|summaries| summaries.iter().map(|it| policy(file, answers, it)).collect());
    answers.listing("organizations:ListPolicies", &[policy_type], "Policies", policies)
}

fn policy(file: &v1::OrganizationFile, answers: &Answers, summary: &v1::PolicySummary) -> OrganizationPolicy {
    const API: &str = "organizations:DescribePolicy";
    let id = summary.id.clone().unwrap_or_default();
    let described = file.describe_policy.as_ref().and_then(|policies| policies.get(&id)?.policy.as_ref());
    let content = described.and_then(|policy| policy.content.as_deref());
    let document: Document =
        answers.fact(API, &[&id], content).and_then(|content| answers.document(API, &[&id], content));
    let targets = file.list_targets_for_policy.as_ref().and_then(|policies| policies.get(&id)?.targets.as_ref());
    let targets = targets.map(|targets| targets.iter().filter_map(|target| target.target_id.clone()).collect());
    OrganizationPolicy {
        arn: summary.arn.clone().unwrap_or_default(),
        name: summary.name.clone().unwrap_or_default(),
        document,
        targets: answers.listing("organizations:ListTargetsForPolicy", &[&id], "Targets", targets),
        source: answers.source(API, &[&id], format!("/DescribePolicy/{}/Policy", crate::model::escape(&id))),
        id,
    }
}
