//! One account against every check: enumerates the resources, and answers for what could not be read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::selection::{Place, Tagged};
use super::{ByTag, Context, Part, measured};
use crate::checks::{Administrator, Check, Judged, Reach, Rule, Scope, Setting, Values, administrators};
use crate::finding::{Finding, Identity, Judgement, Status, fingerprint};
use crate::model::{
    Account, CustomKeyStore, Evidence, Gap, GapKind, Key, Kms, Listing, Organization, OrganizationPolicy, Principal,
    Provenance, ServerCertificate, Source,
};
use crate::snapshot::manifest;
use crate::snapshot::operations::permission;

/// Region of findings about global resources.
const GLOBAL: &str = "global";

/// A resource as a finding names it.
struct Resource<'a> {
    region: &'a str,
    resource_type: &'static str,
    arn: &'a str,
    name: &'a str,
    discriminator: &'a str,
    source: Option<&'a Source>,
    tags: Tagged<'a>,
}

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
    /// By the addresses of API, file and pointer, which live as long as the item.
    known: RefCell<BTreeMap<[usize; 3], Arc<Evidence>>>,
}

impl<'a> Cited<'a> {
    fn new(context: &'a Context<'_>, account: &'a Account) -> Self {
        let of_organization = context.organization.iter().flatten().map(|organization| &organization.provenance).next();
        Self { of_account: &account.provenance, of_organization, known: RefCell::default() }
    }

    /// The evidence of a source. Sources with one pointer in common are copies of one, if their file and API are the same as well.
    fn of(&self, source: &Source) -> Arc<Evidence> {
        let Source { api, file, pointer, .. } = source;
        let place = [api.as_ptr().addr(), file.as_ptr().addr(), pointer.as_ptr().addr()];
        let evidence = || {
            let holder = self.provenances().find(|it| it.holds(source)).unwrap_or(self.of_account);
            Arc::new(holder.evidence(source))
        };
        self.known.borrow_mut().entry(place).or_insert_with(evidence).clone()
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
    let (root_arn, names, cited) = (account.root_arn(), Names::of(account), Cited::new(context, account));
    let (mut by_check, mut by_tag) = (Vec::new(), ByTag::default());
    let scope = |values| Scope {
        account,
        organization: context.organization,
        accounts: context.accounts,
        reach: &reach,
        as_of: context.as_of,
        values,
    };
    for (check, controls) in &context.checks {
        let scope = scope(context.options.parameters.of(check));
        let settings = context.options.parameters.settings(check);
        let (root_arn, findings_of_check, by_tag_of_check) = (root_arn.as_str(), Vec::new(), ByTag::default());
        let mut judge = Judge {
            check,
            controls,
            names: &names,
            cited: &cited,
            context,
            scope,
            settings,
            root_arn,
            findings: findings_of_check,
            by_tag: by_tag_of_check,
        };
        measured(context.options.timings, Part::Check(check.id), || judge.all());
        by_tag.add(&judge.by_tag);
        by_check.push(judge.findings);
    }
    // Findings are large: their places are sorted, and each is moved to its own.
    let mut findings = Vec::with_capacity(by_check.iter().map(Vec::len).sum());
    for of_check in by_check {
        let mut order: Vec<usize> = (0..of_check.len()).collect();
        order.sort_by_key(|place| of_check.get(*place).map(place_of));
        let mut of_check: Vec<Option<Finding>> = of_check.into_iter().map(Some).collect();
        findings.extend(order.into_iter().filter_map(|place| of_check.get_mut(place)?.take()));
    }
    let values = Values::default();
    let administrators = measured(context.options.timings, Part::Administrators, || administrators(&scope(&values)));
    OfAccount { findings, by_tag, administrators }
}

/// By what the findings of one check are sorted.
fn place_of(finding: &Finding) -> (&str, &str, &str, &str) {
    (&finding.region, &finding.resource_arn, &finding.resource_name, &finding.fingerprint)
}

/// One check at work on one account.
struct Judge<'a> {
    check: &'static Check,
    controls: &'a Arc<[String]>,
    names: &'a Names,
    cited: &'a Cited<'a>,
    context: &'a Context<'a>,
    scope: Scope<'a>,
    settings: Vec<Setting>,
    root_arn: &'a str,
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
        let iam = &self.scope.account.iam;
        let scope = self.scope;
        match rule {
            Rule::Root(rule) => self.record(&self.root(GLOBAL, ""), || rule(&scope)),
            Rule::User(rule) => self.each(&iam.users, GLOBAL, |judge, user| {
                judge.record(&principal(Principal::User(user)), || rule(user, &scope));
            }),
            Rule::Group(rule) => self.each(&iam.groups, GLOBAL, |judge, group| {
                judge.record(&principal(Principal::Group(group)), || rule(group, &scope));
            }),
            Rule::Role(rule) => self.each(&iam.roles, GLOBAL, |judge, role| {
                judge.record(&principal(Principal::Role(role)), || rule(role, &scope));
            }),
            Rule::Principal(rule) => self.principals(rule),
            Rule::ServerCertificate(rule) => self.each(&iam.server_certificates, GLOBAL, |judge, certificate| {
                judge.record(&server_certificate(certificate), || rule(certificate, &scope));
            }),
            Rule::Organization(rule) => self.organization(rule),
            Rule::ManagedPolicy(rule) => self.each(&iam.policies, GLOBAL, |judge, policy| {
                if !policy.is_aws_managed() {
                    let resource = Resource {
                        region: GLOBAL,
                        resource_type: "AWS::IAM::ManagedPolicy",
                        arn: &policy.arn,
                        name: &policy.name,
                        discriminator: "",
                        source: Some(&policy.source),
                        tags: Tagged::NotAsked,
                    };
                    judge.record(&resource, || rule(policy, &scope));
                }
            }),
            Rule::ServiceControlPolicy(rule) => {
                self.organization_policies(|organization| &organization.service_control_policies, rule);
            }
            Rule::ResourceControlPolicy(rule) => {
                self.organization_policies(|organization| &organization.resource_control_policies, rule);
            }
            Rule::Key(rule) => self.keys(|judge, key| judge.record(&key_resource(key), || rule(key, &scope))),
            Rule::CustomKeyStore(rule) => self.custom_key_stores(rule),
            Rule::Grant(rule) => self.keys(|judge, key| {
                for grant in key.grants.known() {
                    let resource = Resource {
                        resource_type: "AWS::KMS::Grant",
                        name: &grant.id,
                        discriminator: &grant.id,
                        source: Some(&grant.source),
                        ..key_resource(key)
                    };
                    judge.record(&resource, || rule(grant, key, &scope));
                }
                if let Some(gap) = key.grants.gap() {
                    judge.record(&key_resource(key), || Err(gap.clone()));
                }
            }),
        }
    }

    /// Each item that was read, and one ERROR if there may be more.
    fn each<T>(&mut self, listing: &'a Listing<T>, region: &str, mut judge: impl FnMut(&mut Self, &'a T)) {
        // A list of findings that grows is copied again and again.
        self.findings.reserve(listing.known().len());
        for item in listing.known() {
            judge(self, item);
        }
        if let Some(gap) = listing.gap() {
            self.missing(region, gap);
        }
    }

    fn principals(&mut self, rule: fn(Principal<'_>, &Scope<'_>) -> Judged) {
        let iam = &self.scope.account.iam;
        let scope = self.scope;
        let users = iam.users.known().iter().map(Principal::User);
        let groups = iam.groups.known().iter().map(Principal::Group);
        let roles = iam.roles.known().iter().map(Principal::Role);
        let every = users.chain(groups).chain(roles);
        self.findings.reserve(every.size_hint().0);
        for it in every {
            self.record(&principal(it), || rule(it, &scope));
        }
        // Users, groups and roles come from one call: one gap, one ERROR.
        if let Some(gap) = iam.users.gap().or(iam.groups.gap()).or(iam.roles.gap()) {
            self.missing(GLOBAL, gap);
        }
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
                self.each(policies(organization), GLOBAL, |judge, policy| {
                    if !policy.is_aws_managed() {
                        judge.record(&organization_policy(policy), || rule(policy, &scope));
                    }
                });
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
                self.record(&self.root(GLOBAL, ""), || Ok(exempt));
            }
            Ok(Some(it)) if it.management_account_id == scope.account.id => {
                let resource = Resource {
                    region: GLOBAL,
                    resource_type: "AWS::Organizations::Organization",
                    arn: &it.arn,
                    name: &it.id,
                    discriminator: "",
                    source: Some(&it.source),
                    tags: Tagged::Never,
                };
                self.record(&resource, || rule(it, &scope));
            }
            Ok(Some(_)) => {}
        }
    }

    /// A custom key store has no ARN: its account stands for it.
    fn custom_key_stores(&mut self, rule: fn(&CustomKeyStore, &Scope<'_>) -> Judged) {
        let (account, scope) = (self.scope.account, self.scope);
        for (region, kms) in &account.regions {
            self.each(&kms.custom_key_stores, region, |judge, store| {
                let resource = Resource {
                    resource_type: "AWS::KMS::CustomKeyStore",
                    name: &store.id,
                    source: Some(&store.source),
                    tags: Tagged::Never,
                    ..judge.root(region, &store.id)
                };
                judge.record(&resource, || rule(store, &scope));
            });
        }
        if let Some(gap) = &account.regions_gap {
            self.missing(GLOBAL, gap);
        }
    }

    fn keys(&mut self, mut judge: impl FnMut(&mut Self, &'a Key)) {
        let account = self.scope.account;
        for (region, Kms { keys, .. }) in &account.regions {
            self.each(keys, region, |this, key| judge(this, key));
        }
        if let Some(gap) = &account.regions_gap {
            self.missing(GLOBAL, gap);
        }
    }

    /// One ERROR for a list that could not be read, on the account.
    fn missing(&mut self, region: &str, gap: &Gap) {
        let api = gap.api.clone();
        let resource = self.root(region, &api);
        // Two rules of one check may lack the same list: one ERROR says it.
        let finding = self.finding(&resource, Status::Error, Judgement::undecided(gap.reason()), Some(gap));
        if self.findings.iter().all(|it| it.fingerprint != finding.fingerprint) {
            self.findings.push(finding);
            // What the list would have held may carry the tags.
            self.by_tag.kept += u64::from(!self.context.options.selection.tags.is_empty());
        }
    }

    fn root<'b>(&self, region: &'b str, discriminator: &'b str) -> Resource<'b>
    where
        'a: 'b,
    {
        let account = self.scope.account;
        Resource {
            region,
            resource_type: "AWS::::Account",
            arn: self.root_arn,
            name: &account.id,
            discriminator,
            source: None,
            tags: Tagged::NotAsked,
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
                    judgement.reason.push_str(&format!(" [{setting}]"));
                }
                self.finding(resource, status, judgement, None)
            }
            Err(gap) => self.finding(resource, Status::Error, Judgement::undecided(gap.reason()), Some(&gap)),
        };
        self.findings.push(finding);
    }

    fn finding(&self, resource: &Resource<'_>, status: Status, judgement: Judgement, gap: Option<&Gap>) -> Finding {
        let account = self.scope.account;
        let proof_of_gap = gap.and_then(|gap| self.cited.of_gap(gap, resource.region));
        let evidence = |source: &Source| self.cited.of(source);
        let identity = Identity {
            check_id: self.check.id,
            partition: &account.partition,
            account_id: &account.id,
            region: resource.region,
            resource_type: resource.resource_type,
            resource_arn: resource.arn,
            discriminator: resource.discriminator,
        };
        let fingerprint = fingerprint(identity);
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
            region: resource.region.to_owned(),
            resource_type: resource.resource_type,
            resource_arn: resource.arn.to_owned(),
            resource_name: resource.name.to_owned(),
            reason: judgement.reason,
            aspects: judgement.aspects,
            evidence: match proof_of_gap {
                Some(evidence) => vec![evidence],
                None if judgement.evidence.is_empty() => resource.source.into_iter().map(evidence).collect(),
                None => judgement.evidence.iter().map(evidence).collect(),
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

fn principal(principal: Principal<'_>) -> Resource<'_> {
    Resource {
        region: GLOBAL,
        resource_type: principal.resource_type(),
        arn: principal.arn(),
        name: principal.name(),
        discriminator: "",
        source: Some(principal.source()),
        tags: match principal {
            Principal::User(user) => Tagged::Read(&user.tags),
            Principal::Role(role) => Tagged::Read(&role.tags),
            Principal::Group(_) => Tagged::Never,
        },
    }
}

fn organization_policy(policy: &OrganizationPolicy) -> Resource<'_> {
    Resource {
        region: GLOBAL,
        resource_type: "AWS::Organizations::Policy",
        arn: &policy.arn,
        name: &policy.name,
        discriminator: "",
        source: Some(&policy.source),
        tags: Tagged::NotAsked,
    }
}

fn server_certificate(certificate: &ServerCertificate) -> Resource<'_> {
    Resource {
        region: GLOBAL,
        resource_type: "AWS::IAM::ServerCertificate",
        arn: &certificate.arn,
        name: &certificate.name,
        discriminator: "",
        source: Some(&certificate.source),
        tags: Tagged::NotAsked,
    }
}

fn key_resource(key: &Key) -> Resource<'_> {
    Resource {
        region: &key.region,
        resource_type: "AWS::KMS::Key",
        arn: &key.arn,
        name: &key.id,
        discriminator: "",
        source: Some(&key.source),
        tags: key.tags.as_ref().map_or(Tagged::NotRead, Tagged::Read),
    }
}
