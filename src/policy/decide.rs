//! The decision on one request: explicit denies first, then organization policies, then the ways to access.

use std::fmt;

use super::Match;
use super::caller::{Caller, CallerKind, arn_field};
use super::document::{Document, Effect};
use super::doubt::Doubt;
use super::grant::Grant;
use super::key_access::{self, refuse};
use super::layer::{Cite, Finding, PolicyRef, Resource, attached};
use super::organization::{Control, Levels};
use super::path::{Layer, Own, Path, Way, across_accounts, by_delegation, by_resource};
use super::request::{Realm, Request, Target};
use super::statement::{Answer, Attachment};

/// Every policy that has a say. Parsed documents are borrowed, so that they serve any number of requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'p> {
    /// Identity policies: inline, attached, and those of the user's groups.
    pub identity: &'p [&'p Document],
    /// The permissions boundary; empty without one.
    pub boundary: &'p [&'p Document],
    /// Session policies; empty without any.
    pub session: &'p [&'p Document],
    /// Service control policies of the caller's account, root first; `None` where they do not apply.
    pub scps: Option<&'p [Vec<&'p Document>]>,
    /// Resource control policies of the resource's account, root first; `None` where they do not apply.
    pub rcps: Option<&'p [Vec<&'p Document>]>,
    /// The policies of the key: `default` first, then the one that AWS RAM keeps. Their statements unite (semantics U-11).
    pub key_policies: &'p [&'p Document],
    /// The policy of a resource that is neither key nor role.
    pub resource_policy: Option<&'p Document>,
    /// The trust policy of the role to be assumed.
    pub trust_policy: Option<&'p Document>,
    /// The grants on the key.
    pub grants: &'p [&'p Grant],
}

/// Facts about caller and resource that exempt them from organization policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Environment {
    /// The key is an AWS managed key.
    pub key_manager_is_aws: bool,
    /// The caller belongs to the management account.
    pub principal_account_is_management: bool,
    /// The resource belongs to the management account.
    pub resource_account_is_management: bool,
}

/// The decision on one request, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'p> {
    /// Allow, Deny, or neither for certain.
    pub decision: Outcome,
    /// Whether a Deny statement denies.
    pub explicit: bool,
    /// How access comes about, or would come about; `None` for a Deny.
    pub path: Option<Path>,
    /// The layer that denies or that lacks an Allow; `None` for an Allow.
    pub layer: Option<Layer>,
    /// The deciding statements of every layer.
    pub statements: Vec<StatementRef<'p>>,
    /// Why the decision is not certain, and what else a reader must know.
    pub notes: Vec<Remark>,
}

/// Allow, Deny, or neither for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Allowed under every reading of the rules.
    Allow,
    /// Denied under every reading.
    Deny,
    /// AWS does not document which.
    Possible,
}

/// A statement by its place, or a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementRef<'p> {
    /// The policy.
    pub policy: PolicyRef,
    /// The position in the policy.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<&'p str>,
    /// What it does.
    pub effect: Effect,
}

/// What a reader of a decision must know besides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Remark {
    /// The decision depends on an open question.
    Open(Doubt),
    /// KMS refuses requests without signature.
    Unsigned,
    /// KMS authorises the action on the key, never on its alias.
    AliasInsteadOfKey,
    /// KMS authorises the action on a key, and the request names none.
    ResourceMissing,
    /// `alias/aws/` belongs to AWS.
    ReservedAlias,
    /// AWS managed keys cannot be used from other accounts.
    AwsManagedKey,
    /// The action does not work across accounts.
    OwnAccountOnly,
    /// The grant at this place names a service as grantee principal, which may stand for several principals.
    OpaqueGrantee(usize),
    /// The owner of the resource is not given; it was taken for the caller's account.
    OwnerAssumed,
    /// The resource lies in another partition than the caller.
    OtherPartition,
    /// STS lets IAM users and roles assume roles, whatever the trust policy says (IAM User Guide,
    /// `id_credentials_sts-comparison`).
    AssumesNoRole,
    /// Access rests on the policy that AWS RAM keeps besides the key policy (semantics U-11).
    SharedKey,
}

/// Decides one request (semantics 4.3). The two readings of every undocumented rule are carried along; where they lead
/// apart the answer is [`Outcome::Possible`] and the notes say which question is open.
#[must_use]
pub fn decide<'p>(request: &Request<'_>, policies: &Policies<'p>, environment: Environment) -> Decision<'p> {
    let mut cites = Vec::with_capacity(8);
    let mut remarks = Vec::new();
    let own = own(request, policies);
    let mut levels = |limiting: Option<&[Vec<&'p Document>]>, control| match limiting {
        Some(levels) => Levels::of(levels, control, request, &mut cites),
        None => Levels::FREE,
    };
    let scps = levels(limiting_scps(request, policies, environment), Control::Service);
    let rcps = levels(limiting_rcps(request, policies, environment), Control::Resource);
    let (resource, layer) = resource(request, policies);
    let way = match request.action.realm() {
        _ if crosses_partitions(request) => refuse(Remark::OtherPartition, &mut remarks),
        Realm::Kms => key_access::way(request, policies, environment, &resource, &own, &mut remarks),
        Realm::AssumeRole => assume_role(request, &resource, &own, &mut remarks),
        Realm::General => general(request, &resource, &own, &mut remarks),
    };
    let denies = [
        (own.identity.deny, Layer::Identity),
        (own.boundary.map_or(Finding::NONE, |sides| sides.deny), Layer::Boundary),
        (own.session.map_or(Finding::NONE, |sides| sides.deny), Layer::Session),
        (resource.deny, layer),
        (scps.deny, Layer::Scp(scps.deny_level)),
        (rcps.deny, Layer::Rcp(rcps.deny_level)),
    ];
    Verdict { denies, scps, rcps, way, cites, notes: remarks }.decision()
}

/// The policies that attach to the caller.
fn own<'p>(request: &Request<'_>, policies: &Policies<'p>) -> Own<'p> {
    let optional = |documents: &[&'p Document], place: fn(usize) -> PolicyRef| {
        (!documents.is_empty()).then(|| attached(documents, place, request))
    };
    let mut identity = attached(policies.identity, PolicyRef::Identity, request);
    if request.caller.is_federated_by_root() {
        identity.allow = Finding::BY_NATURE;
    }
    Own {
        kind: request.caller.kind,
        identity,
        boundary: optional(policies.boundary, PolicyRef::Boundary),
        session: optional(policies.session, PolicyRef::Session),
    }
}

/// The service control policies that limit the caller: users, roles and root users of member accounts, but no service-linked
/// role (O-4).
pub(super) fn limiting_scps<'p>(
    request: &Request<'_>,
    policies: &Policies<'p>,
    environment: Environment,
) -> Option<&'p [Vec<&'p Document>]> {
    let is_exempt = environment.principal_account_is_management || !is_of_an_account(request.caller);
    policies.scps.filter(|_| !is_exempt)
}

fn is_of_an_account(caller: &Caller) -> bool {
    match caller.kind {
        CallerKind::User | CallerKind::FederatedUser | CallerKind::Root => true,
        CallerKind::Role => !caller.is_service_linked_role(),
        CallerKind::Service | CallerKind::IdentityProvider | CallerKind::Anonymous => false,
    }
}

/// The resource control policies that limit the request: they spare service-linked roles, and resources of the management
/// account (O-5).
pub(super) fn limiting_rcps<'p>(
    request: &Request<'_>,
    policies: &Policies<'p>,
    environment: Environment,
) -> Option<&'p [Vec<&'p Document>]> {
    let is_exempt = environment.resource_account_is_management
        || environment.key_manager_is_aws
        || request.caller.is_service_linked_role()
        || request.action.is("kms:RetireGrant");
    policies.rcps.filter(|_| !is_exempt)
}

/// Accounts and credentials of one partition (`aws`, `aws-cn`, …) do not exist in another (semantics 2.1).
pub(super) fn crosses_partitions(request: &Request<'_>) -> bool {
    let partition = |arn| arn_field(arn, 1);
    let (own, other) = (partition(&request.caller.arn), request.resource.and_then(partition));
    own.is_some() && other.is_some() && own != other
}

/// The policies of the resource itself, and the layer they are.
fn resource<'p>(request: &Request<'_>, policies: &Policies<'p>) -> (Resource<'p>, Layer) {
    let bounded = !policies.boundary.is_empty();
    let read = |documents: &[&'p Document], place: fn(usize) -> PolicyRef, attachment| {
        Resource::of(documents, place, attachment, request, bounded)
    };
    match request.action.realm() {
        Realm::Kms if !speaks_of_a_key(request) => (Resource::SILENT, Layer::KeyPolicy),
        Realm::Kms => (read(policies.key_policies, PolicyRef::Key, Attachment::Key), Layer::KeyPolicy),
        Realm::AssumeRole => {
            let trust = read(policies.trust_policy.as_slice(), |_| PolicyRef::Trust, Attachment::Resource);
            (trust, Layer::TrustPolicy)
        }
        Realm::General => {
            let policy = read(policies.resource_policy.as_slice(), |_| PolicyRef::Resource, Attachment::Resource);
            (policy, Layer::ResourcePolicy)
        }
    }
}

/// A key policy speaks about its key alone, and never about the retirement of a grant (semantics 4.8, R-7).
pub(super) fn speaks_of_a_key(request: &Request<'_>) -> bool {
    match request.target() {
        Target::Arn(arn) => {
            arn_field(arn, 5).is_some_and(|name| name.starts_with("key/")) && !request.action.is("kms:RetireGrant")
        }
        Target::Nothing => false,
    }
}

/// A role, like a key, must itself trust (semantics 4.13).
fn assume_role<'p>(request: &Request<'_>, trust: &Resource<'p>, own: &Own<'p>, remarks: &mut Vec<Remark>) -> Way<'p> {
    let layer = Layer::TrustPolicy;
    match own.kind {
        CallerKind::Root | CallerKind::FederatedUser => refuse(Remark::AssumesNoRole, remarks),
        CallerKind::Anonymous => Way::closed(layer),
        CallerKind::Service | CallerKind::IdentityProvider => by_resource(trust, own, layer),
        _ if request.is_own_account() => by_resource(trust, own, layer).or(by_delegation(trust, own, layer)),
        _ => across_accounts(trust, own, layer),
    }
}

/// Every other service: in one account either side suffices, across accounts both are needed.
fn general<'p>(request: &Request<'_>, policy: &Resource<'p>, own: &Own<'p>, remarks: &mut Vec<Remark>) -> Way<'p> {
    let layer = Layer::ResourcePolicy;
    match own.kind {
        // The identity that a provider vouches for asks nobody but STS.
        CallerKind::IdentityProvider => return Way::closed(layer),
        CallerKind::Service | CallerKind::Anonymous => return by_resource(policy, own, layer),
        _ if request.owner().is_some() && !request.is_own_account() => return across_accounts(policy, own, layer),
        _ => {}
    }
    if request.owner().is_none() && request.resource.is_some() {
        remarks.push(Remark::OwnerAssumed);
    }
    let path = if own.kind == CallerKind::Root { Path::RootUser } else { Path::Identity };
    Way::own(path, own.allows(), None, own, own.narrowest()).or(by_resource(policy, own, layer))
}

/// All that speaks about one request.
struct Verdict<'p> {
    /// In the order in which they are named.
    denies: [(Finding<'p>, Layer); 6],
    scps: Levels<'p>,
    rcps: Levels<'p>,
    way: Way<'p>,
    /// The Allow of every level of the organization.
    cites: Vec<Cite<'p>>,
    notes: Vec<Remark>,
}

impl<'p> Verdict<'p> {
    fn decision(self) -> Decision<'p> {
        let denied = self.denies.iter().fold(Answer::NO, |denied, (finding, _)| denied.or(finding.answer));
        if denied.holds == Match::Yes {
            return self.denied();
        }
        let allowed = self.scps.allow.and(self.rcps.allow).and(self.way.answer);
        match (allowed.holds, denied.holds) {
            (Match::No, _) => self.not_allowed(),
            (Match::Yes, Match::No) => self.allowed(Outcome::Allow, None),
            _ => {
                let layer = self.doubtful_layer();
                let mut decision = self.allowed(Outcome::Possible, Some(layer));
                let doubts = allowed.doubts.and(denied.doubts);
                decision.notes.splice(0..0, doubts.iter().map(Remark::Open));
                decision
            }
        }
    }

    /// Every Deny that certainly applies, the first of each layer.
    fn denied(self) -> Decision<'p> {
        let certain = || self.denies.iter().filter(|(finding, _)| finding.is_certain());
        Decision {
            decision: Outcome::Deny,
            explicit: true,
            path: None,
            layer: certain().next().map(|(_, layer)| *layer),
            statements: certain().filter_map(|(finding, _)| finding.by).map(StatementRef::from).collect(),
            notes: self.notes,
        }
    }

    fn not_allowed(self) -> Decision<'p> {
        let layer = match (self.scps.allow.holds, self.rcps.allow.holds) {
            (Match::No, _) => Layer::Scp(self.scps.narrowest),
            (_, Match::No) => Layer::Rcp(self.rcps.narrowest),
            _ => self.way.blame,
        };
        let decision = Outcome::Deny;
        Decision { decision, explicit: false, path: None, layer: Some(layer), statements: vec![], notes: self.notes }
    }

    /// Nothing certain stands against it: the path, and every statement that it rests on or that may deny it.
    fn allowed(self, decision: Outcome, layer: Option<Layer>) -> Decision<'p> {
        let path = Some(self.way.path);
        let doubtful = self.denies.iter().filter_map(|(finding, _)| finding.by);
        let statements = doubtful.chain(self.cites).chain(self.way.cites.into_iter().flatten());
        let statements: Vec<StatementRef<'_>> = statements.map(StatementRef::from).collect();
        let mut notes = self.notes;
        if statements.iter().any(|statement| matches!(statement.policy, PolicyRef::Key(1..))) {
            notes.push(Remark::SharedKey);
        }
        Decision { decision, explicit: false, path, layer, statements, notes }
    }

    /// The first layer without a certain answer.
    fn doubtful_layer(&self) -> Layer {
        let deny = self.denies.iter().find(|(finding, _)| finding.answer.holds == Match::Unsure);
        match (deny, self.scps.allow.holds, self.rcps.allow.holds) {
            (Some((_, layer)), ..) => *layer,
            (None, Match::Unsure, _) => Layer::Scp(self.scps.narrowest),
            (None, _, Match::Unsure) => Layer::Rcp(self.rcps.narrowest),
            _ => self.way.blame,
        }
    }
}

impl<'p> From<Cite<'p>> for StatementRef<'p> {
    fn from(cite: Cite<'p>) -> Self {
        let statement = cite.statement;
        Self {
            policy: cite.policy,
            index: statement.map_or(0, |statement| statement.index),
            sid: statement.and_then(|statement| statement.sid.as_deref()),
            effect: statement.map_or(Effect::Allow, |statement| statement.effect),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Possible => "possible",
        })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open(doubt) => return write!(formatter, "{doubt}"),
            Self::OpaqueGrantee(index) => {
                return write!(
                    formatter,
                    "grants/{index} names a service as grantee, which may stand for several principals"
                );
            }
            Self::Unsigned => "KMS refuses requests without signature",
            Self::AliasInsteadOfKey => "KMS authorises this action on the key, never on its alias",
            Self::ResourceMissing => "KMS authorises this action on a key, and the request names none",
            Self::ReservedAlias => "aliases that begin with alias/aws/ belong to AWS",
            Self::AwsManagedKey => "AWS managed keys cannot be used from other accounts",
            Self::OwnAccountOnly => "the action does not work across accounts, whatever the policies say",
            Self::OwnerAssumed => "the owner of the resource is not given and was taken for the caller's account",
            Self::OtherPartition => "the resource lies in another partition, where the caller is unknown",
            Self::AssumesNoRole => "STS lets neither root users nor federated sessions assume a role",
            Self::SharedKey => {
                "U-11: the key is shared by AWS RAM; how its policies combine is not documented, they were united"
            }
        })
    }
}
