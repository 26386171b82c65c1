//! One account against every check: enumerates the resources, and answers for what could not be read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::resource::{GLOBAL, KeyResource, Resource, Resources};
use super::selection::Place;
use super::{ByTag, Context, Part, measured};
use crate::checks::{Administrator, Check, Judged, Reach, Rule, Scope, Setting, Values, administrators};
use crate::finding::{CheckIdentity, Finding, Judgement, Status};
use crate::model::{
    Account, CustomKeyStore, Evidence, Gap, GapKind, Listing, Organization, OrganizationPolicy, Principal, Provenance,
    Source,
};
use crate::snapshot::manifest;
use crate::snapshot::operations::permission;

/// What all findings of an account say of it.
struct Names {
    partition: Arc<str>,
    account_id: Arc<str>,
    account_name: Arc<str>,
    ou_path: Arc<str>,
}

impl Names {
    fn of(account: &Account) -> Self {
        Self {
            partition: account.partition.as_str().into(),
            account_id: account.id.as_str().into(),
            account_name: account.name.as_str().into(),
            ou_path: account.ou_path.as_deref().unwrap_or_default().into(),
        }
    }
}

/// The evidence of an account's findings, each datum once: dozens of findings rest on the same.
struct Cited<'a> {
    of_account: &'a Provenance,
    of_organization: Option<&'a Provenance>,
    /// By the address of the pointer, which lives as long as the item.
    known: RefCell<BTreeMap<usize, Arc<Evidence>>>,
}

impl<'a> Cited<'a> {
    fn new(context: &'a Context<'_>, account: &'a Account) -> Self {
        let of_organization = context.organization.iter().flatten().map(|organization| &organization.provenance).next();
        Self { of_account: &account.provenance, of_organization, known: RefCell::default() }
    }

    /// The evidence of a source. Sources with one pointer in common are copies of one, if their file and API are the same as well.
    fn of(&self, source: &Source) -> Arc<Evidence> {
        let Source { api, file, pointer, .. } = source;
        let evidence = || {
            let holder = self.provenances().find(|it| it.holds(source)).unwrap_or(self.of_account);
            Arc::new(holder.evidence(source))
        };
        let mut known = self.known.borrow_mut();
        let known = known.entry(pointer.as_ptr().addr()).or_insert_with(evidence);
        let is_copy = known.api == *api && Arc::ptr_eq(&known.file, file);
        if is_copy { known.clone() } else { evidence() }
    }

    fn of_gap(&self, gap: &Gap, region: &str) -> Option<Arc<Evidence>> {
        self.provenances().find_map(|it| it.evidence_of_gap(gap, region)).map(Arc::new)
    }

    /// What is said of an account may rest on its organization.
    fn provenances(&self) -> impl Iterator<Item = &'a Provenance> {
        std::iter::once(self.of_account).chain(self.of_organization)
    }
}

/// What is said of an account.
#[derive(Debug, Default)]
pub(super) struct OfAccount {
    /// Every finding.
    pub(super) findings: Vec<Finding>,
    /// What tags left out.
    pub(super) by_tag: ByTag,
    /// Who is an administrator, or may be one.
    pub(super) administrators: Vec<Administrator>,
}

/// Judges an account by every check.
pub(super) fn account(context: &Context<'_>, account: &Account) -> OfAccount {
    let reach = Reach::new(account, &context.estate, &context.documents);
    let resources = measured(context.options.timings, Part::Resources, || Resources::of(account));
    let (names, cited) = (Names::of(account), Cited::new(context, account));
    // A list of findings that grows is copied again and again.
    let rules = context.checks.iter().flat_map(|(check, _)| check.rules);
    let mut findings = Vec::with_capacity(rules.map(|rule| resources.most(*rule)).sum());
    let mut of_check = Vec::new();
    let mut by_tag = ByTag::default();
    let scope = |values| Scope {
        account,
        organization: context.organization,
        accounts: context.accounts,
        reach: &reach,
        as_of: context.as_of,
        values,
    };
    for (check, controls) in &context.checks {
        let mut judge = Judge {
            check,
            controls: controls.iter().cloned().collect(),
            names: &names,
            cited: &cited,
            context,
            scope: scope(context.options.parameters.of(check)),
            settings: context.options.parameters.settings(check),
            resources: &resources,
            identity: CheckIdentity::new(check.id, &account.partition, &account.id),
            findings: of_check,
            by_tag: ByTag::default(),
        };
        measured(context.options.timings, Part::Check(check.id), || {
            judge.all();
            move_sorted(&mut judge.findings, &mut findings);
        });
        by_tag.add(&judge.by_tag);
        of_check = judge.findings;
    }
    let values = Values::default();
    let administrators = measured(context.options.timings, Part::Administrators, || administrators(&scope(&values)));
    OfAccount { findings, by_tag, administrators }
}

/// Moves the findings of a check behind those of the checks before, in their order.
fn move_sorted(of_check: &mut Vec<Finding>, findings: &mut Vec<Finding>) {
    if of_check.is_sorted_by_key(place_of) {
        findings.append(of_check);
        return;
    }
    // Findings are large: their places are sorted, and each is moved to its own.
    let mut order: Vec<usize> = (0..of_check.len()).collect();
    order.sort_by_key(|place| of_check.get(*place).map(place_of));
    let mut of_check: Vec<Option<Finding>> = of_check.drain(..).map(Some).collect();
    findings.extend(order.into_iter().filter_map(|place| of_check.get_mut(place)?.take()));
}

/// By what the findings of one check are sorted.
fn place_of(finding: &Finding) -> (&str, &str, &str, &str) {
    (&finding.region, &finding.resource_arn, &finding.resource_name, &finding.fingerprint)
}

/// One check at work on one account.
struct Judge<'a> {
    check: &'static Check,
    /// A copy of the account's own: what all threads count references of keeps them waiting for each other.
    controls: Arc<[String]>,
    names: &'a Names,
    cited: &'a Cited<'a>,
    context: &'a Context<'a>,
    scope: Scope<'a>,
    settings: Vec<Setting>,
    resources: &'a Resources<'a>,
    identity: CheckIdentity,
    findings: Vec<Finding>,
    by_tag: ByTag,
}

impl<'a> Judge<'a> {
    /// Every rule of the check that is selected.
    fn all(&mut self) {
        let (check, selection) = (self.check, self.context.options.selection);
        let rules = || check.rules.iter().copied().filter(|rule| selection.wants_rule(check, *rule));
        match &self.scope.account.entered {
            Err(_) if check.is_of_another_account(&self.scope) => {}
            Err(gap) => {
                // The policies of the organization were not asked of this account.
                if rules().any(|rule| !rule.is_over_organization_policies()) {
                    self.missing(GLOBAL, gap);
                }
                rules().filter(|rule| rule.is_over_organization_policies()).for_each(|rule| self.rule(rule));
            }
            Ok(()) => rules().for_each(|rule| self.rule(rule)),
        }
    }

    fn rule(&mut self, rule: Rule) {
        let (iam, resources, scope) = (&self.scope.account.iam, self.resources, self.scope);
        match rule {
            Rule::Root(rule) => self.record(&resources.root, || rule(&scope)),
            Rule::User(rule) => {
                self.principals(iam.users.gap(), Principal::user, |user| rule(user, &scope));
            }
            Rule::Group(rule) => {
                self.principals(iam.groups.gap(), Principal::group, |group| rule(group, &scope));
            }
            Rule::Role(rule) => {
                self.principals(iam.roles.gap(), Principal::role, |role| rule(role, &scope));
            }
            // Users, groups and roles come from one call: one gap, one ERROR.
            Rule::Principal(rule) => {
                let gap = iam.users.gap().or(iam.groups.gap()).or(iam.roles.gap());
                self.principals(gap, Some, |principal| rule(principal, &scope));
            }
            Rule::ServerCertificate(rule) => {
                self.each(&resources.server_certificates, |it| rule(it, &scope));
                self.gap(GLOBAL, iam.server_certificates.gap());
            }
            Rule::Organization(rule) => self.organization(rule),
            Rule::ManagedPolicy(rule) => {
                self.each(&resources.policies, |it| rule(it, &scope));
                self.gap(GLOBAL, iam.policies.gap());
            }
            Rule::ServiceControlPolicy(rule) => {
                self.organization_policies(|organization| &organization.service_control_policies, rule);
            }
            Rule::ResourceControlPolicy(rule) => {
                self.organization_policies(|organization| &organization.resource_control_policies, rule);
            }
            Rule::Key(rule) => self.keys(|judge, it| judge.record(&it.resource, || rule(it.key, &scope))),
            Rule::CustomKeyStore(rule) => self.custom_key_stores(rule),
            Rule::Grant(rule) => self.keys(|judge, it| {
                judge.each(&it.grants, |grant| rule(grant, it.key, &scope));
                if let Some(gap) = it.key.grants.gap() {
                    judge.record(&it.resource, || Err(gap.clone()));
                }
            }),
        }
    }

    /// Each item that was read.
    fn each<T: Copy>(&mut self, resources: &[(T, Resource<'_>)], judge: impl Fn(T) -> Judged) {
        for (item, resource) in resources {
            self.record(resource, || judge(*item));
        }
    }

    /// One ERROR if there may be more than was read.
    fn gap(&mut self, region: &str, gap: Option<&Gap>) {
        if let Some(gap) = gap {
            self.missing(region, gap);
        }
    }

    /// Each principal of a kind, and one ERROR if there may be more.
    fn principals<T>(
        &mut self,
        gap: Option<&Gap>,
        of_kind: fn(Principal<'a>) -> Option<T>,
        judge: impl Fn(T) -> Judged,
    ) {
        let resources = self.resources;
        for (principal, resource) in &resources.principals {
            if let Some(it) = of_kind(*principal) {
                self.record(resource, || judge(it));
            }
        }
        self.gap(GLOBAL, gap);
    }

    /// The policies of the organization are judged with the account that manages it.
    fn organization_policies(
        &mut self,
        policies: fn(&Organization) -> &Listing<OrganizationPolicy>,
        rule: fn(&OrganizationPolicy, &Scope<'_>) -> Judged,
    ) {
        let scope = self.scope;
        match scope.organization {
            // Any account may be the one that manages it.
            Err(gap) => self.missing(GLOBAL, gap),
            Ok(Some(organization)) if organization.management_account_id == scope.account.id => {
                let policies = policies(organization);
                for policy in policies.known().iter().filter(|policy| !policy.is_aws_managed()) {
                    self.record(&Resource::organization_policy(policy), || rule(policy, &scope));
                }
                self.gap(GLOBAL, policies.gap());
            }
            Ok(_) => {}
        }
    }

    /// The organization, once: in its management account.
    fn organization(&mut self, rule: fn(&Organization, &Scope<'_>) -> Judged) {
        let scope = self.scope;
        match scope.organization {
            Err(gap) => self.missing(GLOBAL, gap),
            Ok(None) => {
                let exempt = Judgement::not_applicable("the account is in no organization");
                self.record(&self.resources.root, || Ok(exempt));
            }
            Ok(Some(it)) if it.management_account_id == scope.account.id => {
                self.record(&Resource::organization(it), || rule(it, &scope));
            }
            Ok(Some(_)) => {}
        }
    }

    fn custom_key_stores(&mut self, rule: fn(&CustomKeyStore, &Scope<'_>) -> Judged) {
        let (account, scope) = (self.scope.account, self.scope);
        for (region, kms) in &account.regions {
            for store in kms.custom_key_stores.known() {
                self.record(&Resource::custom_key_store(account, region, store), || rule(store, &scope));
            }
            self.gap(region, kms.custom_key_stores.gap());
        }
        self.gap(GLOBAL, account.regions_gap.as_ref());
    }

    fn keys(&mut self, judge: impl Fn(&mut Self, &'a KeyResource<'a>)) {
        for (region, kms, keys) in &self.resources.regions {
            keys.iter().for_each(|key| judge(self, key));
            self.gap(region, kms.keys.gap());
        }
        self.gap(GLOBAL, self.scope.account.regions_gap.as_ref());
    }

    /// One ERROR for a list that could not be read, on the account.
    fn missing(&mut self, region: &str, gap: &Gap) {
        let resource = Resource::account(self.scope.account, region, &gap.api);
        // Two rules of one check may lack the same list: one ERROR says it.
        let finding = self.finding(&resource, Status::Error, Judgement::undecided(gap.reason()), Some(gap));
        if self.findings.iter().all(|it| it.fingerprint != finding.fingerprint) {
            self.findings.push(finding);
            // What the list would have held may carry the tags.
            self.by_tag.kept += u64::from(!self.context.options.selection.tags.is_empty());
        }
    }

    /// Judges a resource, unless tags leave it out.
    fn record(&mut self, resource: &Resource<'_>, judge: impl FnOnce() -> Judged) {
        match self.context.options.selection.place(resource.tags) {
            Place::Selected => {}
            Place::MayBe => self.by_tag.kept += 1,
            Place::Without => {
                self.by_tag.without += 1;
                return;
            }
            Place::NotKnown => {
                *self.by_tag.not_known.entry(self.check.id).or_default() += 1;
                return;
            }
        }
        let judged = judge();
        let status = judged.as_ref().map_or(Status::Error, |judgement| judgement.verdict.into());
        debug_assert!(self.check.statuses.contains(&status), "{} does not declare {status}", self.check.id);
        let finding = match judged {
            Ok(mut judgement) => {
                for setting in &self.settings {
                    judgement.reason.to_mut().push_str(&format!(" [{setting}]"));
                }
                self.finding(resource, status, judgement, None)
            }
            Err(gap) => self.finding(resource, Status::Error, Judgement::undecided(gap.reason()), Some(&gap)),
        };
        self.findings.push(finding);
    }

    fn finding(&self, resource: &Resource<'_>, status: Status, judgement: Judgement, gap: Option<&Gap>) -> Finding {
        let proof_of_gap = gap.and_then(|gap| self.cited.of_gap(gap, &resource.region));
        // Most findings cite the place of their resource.
        let cited = |source: &Source| match resource.source {
            Some(own) if Arc::ptr_eq(&own.pointer, &source.pointer) && own.api == source.api => {
                resource.evidence.get_or_init(|| self.cited.of(own)).clone()
            }
            _ => self.cited.of(source),
        };
        let fingerprint = self.identity.fingerprint(&resource.identity);
        Finding {
            first_seen: self.first_seen(&fingerprint),
            fingerprint,
            check_id: self.check.id,
            status,
            underlying_status: None,
            severity: judgement.severity.unwrap_or(self.check.severity),
            partition: self.names.partition.clone(),
            account_id: self.names.account_id.clone(),
            account_name: self.names.account_name.clone(),
            ou_path: self.names.ou_path.clone(),
            region: resource.region.clone(),
            resource_type: resource.resource_type,
            resource_arn: resource.arn.clone(),
            resource_name: resource.name.clone(),
            reason: judgement.reason,
            aspects: judgement.aspects,
            evidence: match proof_of_gap {
                Some(evidence) => vec![evidence],
                None if judgement.evidence.is_empty() => resource.source.into_iter().map(cited).collect(),
                None => judgement.evidence.iter().map(cited).collect(),
            },
            statements: judgement.statements,
            affected_principals: judgement.principals,
            controls: self.controls.clone(),
            remediation: match gap {
                None => self.check.remediation.summary.into(),
                Some(gap) => remedy(gap, self.context.snapshot.manifest().source).into(),
            },
            waiver: None,
        }
    }

    fn first_seen(&self, fingerprint: &str) -> Timestamp {
        let known = self.context.options.first_seen.and_then(|it| it.get(fingerprint));
        known.unwrap_or(self.context.snapshot.manifest().window.end)
    }
}

/// What would bring a missing fact.
fn remedy(gap: &Gap, source: manifest::Source) -> String {
    let again = if source == manifest::Source::Import { "import" } else { "collect" };
    match (gap.kind, permission(&gap.api)) {
        (GapKind::Denied, _) if gap.api == "sts:AssumeRole" => {
            "Allow sts:AssumeRole on the audit role to the caller, and name the caller in the role's trust policy; then collect \
             again."
                .to_owned()
        }
        (GapKind::Denied, Some(permission)) => format!("Allow {permission} to the audit role, then collect again."),
        (GapKind::Denied, None) => format!("Allow {}, then collect again.", gap.api),
        (GapKind::Unsupported, _) => format!("The endpoint does not answer {}: collect from AWS itself.", gap.api),
        (GapKind::Malformed, _) => format!("Mend what the reason names, then {again} again."),
        (GapKind::Failed | GapKind::Truncated | GapKind::NotCollected, _) => {
            format!("Take the answer of {} in full: {again} again.", gap.api)
        }
    }
}
