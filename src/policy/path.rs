//! The ways in which access comes about: what each needs, and which policies limit it (semantics 4.4 to 4.8).

use std::fmt;

use super::Match;
use super::caller::{CallerKind, Naming};
use super::doubt::Doubt;
use super::layer::{Cite, Finding, Resource, Sides};
use super::statement::Answer;

/// How access comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// The policy of the resource allows everyone (P1).
    Star,
    /// It names the user (P2).
    User,
    /// It names this session (P3).
    Session,
    /// It names the role (P4).
    Role,
    /// It names the user who made the federated session (P5).
    FederatingUser,
    /// It delegates to the account, and identity policies allow (P6).
    Delegation,
    /// The root user of the owning account (P7).
    RootUser,
    /// It names the service (P8) or the identity provider.
    Service,
    /// Identity policies allow and nothing else is needed.
    Identity,
    /// The policy of the resource and the policies of the caller's own account both allow.
    CrossAccount,
    /// A grant allows.
    Grant,
    /// The caller may retire the grant.
    RetireGrant,
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Star => "star",
            Self::User => "user",
            Self::Session => "session",
            Self::Role => "role",
            Self::FederatingUser => "federating-user",
            Self::Delegation => "delegation",
            Self::RootUser => "root-user",
            Self::Service => "service",
            Self::Identity => "identity",
            Self::CrossAccount => "cross-account",
            Self::Grant => "grant",
            Self::RetireGrant => "retire-grant",
        })
    }
}

/// A layer of policies, in the order in which a missing Allow is blamed on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Service control policies of this level, from the root, which is 0.
    Scp(usize),
    /// Resource control policies of this level.
    Rcp(usize),
    /// The service refuses whatever the policies say.
    Service,
    /// The key policy.
    KeyPolicy,
    /// The resource policy of another service.
    ResourcePolicy,
    /// The trust policy of a role.
    TrustPolicy,
    /// Grants, where nothing else can allow.
    Grants,
    /// Identity policies.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// Session policies, or their absence in a federated session.
    Session,
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scp(level) => return write!(formatter, "scps/{level}"),
            Self::Rcp(level) => return write!(formatter, "rcps/{level}"),
            Self::Service => "service",
            Self::KeyPolicy => "key_policy",
            Self::ResourcePolicy => "resource_policy",
            Self::TrustPolicy => "trust_policy",
            Self::Grants => "grants",
            Self::Identity => "identity",
            Self::Boundary => "boundary",
            Self::Session => "session",
        })
    }
}

/// The policies that attach to the caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'p> {
    pub(super) kind: CallerKind,
    pub(super) identity: Sides<'p>,
    /// `None` without a boundary.
    pub(super) boundary: Option<Sides<'p>>,
    /// `None` without a session policy.
    pub(super) session: Option<Sides<'p>>,
}

impl<'p> Own<'p> {
    /// Whether the boundary, if there is one, allows.
    fn boundary(&self) -> Answer {
        self.boundary.map_or(Answer::YES, |sides| sides.allow.answer)
    }

    /// Whether the session policies, if there are any, allow.
    fn session(&self) -> Answer {
        self.session.map_or(Answer::YES, |sides| sides.allow.answer)
    }

    /// Boundary and session policies together.
    pub(super) fn limits(&self) -> Answer {
        self.boundary().and(self.session())
    }

    /// Whether the caller's own account allows: `idpath` of semantics 4.3. Without a session policy a federated session
    /// has no identity permissions; the root user needs none.
    pub(super) fn allows(&self) -> Answer {
        match self.kind {
            CallerKind::Root => Answer::YES,
            CallerKind::FederatedUser if self.session.is_none() => Answer::NO,
            CallerKind::Service | CallerKind::IdentityProvider | CallerKind::Anonymous => Answer::NO,
            _ => self.identity.allow.answer.and(self.limits()),
        }
    }

    /// The layer to blame when [`Own::allows`] fails.
    pub(super) fn narrowest(&self) -> Layer {
        if self.kind == CallerKind::FederatedUser && self.session.is_none() {
            return Layer::Session;
        }
        let layers = [
            (self.identity.allow.answer, Layer::Identity),
            (self.boundary(), Layer::Boundary),
            (self.session(), Layer::Session),
        ];
        let first = layers.iter().find(|(answer, _)| answer.holds == Match::No);
        first
            .or(layers.iter().find(|(answer, _)| answer.holds == Match::Unsure))
            .map_or(Layer::Identity, |layer| layer.1)
    }

    fn limiting_layer(&self) -> Layer {
        if self.boundary().holds <= self.session().holds { Layer::Boundary } else { Layer::Session }
    }

    fn identity_cites(&self) -> [Option<Cite<'p>>; 3] {
        let [boundary, session] = self.limit_cites();
        [self.identity.allow.by, boundary, session]
    }

    fn limit_cites(&self) -> [Option<Cite<'p>>; 2] {
        [self.boundary.and_then(|sides| sides.allow.by), self.session.and_then(|sides| sides.allow.by)]
    }
}

/// One way to access with its answer, the statements it rests on and, when it fails, the layer to blame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'p> {
    pub(super) path: Path,
    pub(super) answer: Answer,
    pub(super) cites: [Option<Cite<'p>>; 4],
    pub(super) blame: Layer,
}

impl<'p> Way<'p> {
    /// No way at all.
    pub(super) fn closed(blame: Layer) -> Self {
        Self { path: Path::Identity, answer: Answer::NO, cites: [None; 4], blame }
    }

    /// A way that rests on nothing but one statement, or on who the caller is.
    pub(super) fn direct(path: Path, answer: Answer, cite: Option<Cite<'p>>, blame: Layer) -> Self {
        Self { path, answer, cites: [cite, None, None, None], blame }
    }

    /// The caller's own account allows, besides what `cite` allows.
    pub(super) fn own(path: Path, answer: Answer, cite: Option<Cite<'p>>, own: &Own<'p>, blame: Layer) -> Self {
        let [identity, boundary, session] = own.identity_cites();
        Self { path, answer, cites: [cite, identity, boundary, session], blame }
    }

    /// `cite` allows, within boundary and session policies.
    pub(super) fn limited(path: Path, answer: Answer, cite: Option<Cite<'p>>, own: &Own<'p>, blame: Layer) -> Self {
        let [boundary, session] = own.limit_cites();
        Self { path, answer, cites: [cite, boundary, session, None], blame }
    }

    /// One way suffices: the first of the surest is kept, with the doubts of all when none is sure.
    pub(super) fn or(self, other: Self) -> Self {
        let answer = self.answer.or(other.answer);
        let best = if other.answer.holds > self.answer.holds { other } else { self };
        // A way that came further is the better explanation of a failure.
        let blame = if answer.holds == Match::No { self.blame.max(other.blame) } else { best.blame };
        Self { answer, blame, ..best }
    }

    pub(super) fn is_certain(&self) -> bool {
        self.answer.holds == Match::Yes
    }
}

/// The ways that the policy of a resource opens to principals of the owning account without their identity policies.
/// `layer` is the policy, to blame where it is silent.
pub(super) fn by_resource<'p>(resource: &Resource<'p>, own: &Own<'p>, layer: Layer) -> Way<'p> {
    let mut best = Way::closed(layer);
    for naming in Naming::ALL {
        let finding = resource.named(naming);
        if finding.answer.holds == Match::No {
            continue;
        }
        if let Some(way) = resource_way(naming, finding, own, layer) {
            best = best.or(way);
        }
        if best.is_certain() {
            break;
        }
    }
    best
}

fn resource_way<'p>(naming: Naming, finding: Finding<'p>, own: &Own<'p>, layer: Layer) -> Option<Way<'p>> {
    let (answer, cite) = (finding.answer, finding.by);
    Some(match (naming, own.kind) {
        (Naming::Star, CallerKind::Service | CallerKind::IdentityProvider) => {
            Way::direct(Path::Service, answer.and(Answer::unsure(Doubt::StarAndServices)), cite, layer)
        }
        (Naming::Star, CallerKind::FederatedUser) => {
            let covered = if own.session.is_some() { own.limits() } else { Answer::NO };
            Way::limited(Path::Star, answer.and(covered.or_unsure(Doubt::StarAndFederation)), cite, own, layer)
        }
        (Naming::Star, _) => Way::direct(Path::Star, answer, cite, layer),
        (Naming::Direct, CallerKind::Service | CallerKind::IdentityProvider) => {
            Way::direct(Path::Service, answer, cite, layer)
        }
        (Naming::Direct, CallerKind::Root) => Way::direct(Path::RootUser, answer, cite, layer),
        (Naming::Direct, _) => Way::direct(Path::User, answer, cite, layer),
        (Naming::Session, _) => Way::direct(Path::Session, answer, cite, layer),
        (Naming::Role, _) => Way::limited(Path::Role, answer.and(own.limits()), cite, own, own.limiting_layer()),
        (Naming::FederatingUser, _) => {
            let covered = if own.session.is_some() { own.limits() } else { Answer::NO };
            Way::limited(Path::FederatingUser, answer.and(covered), cite, own, Layer::Session)
        }
        (Naming::Account, _) => return None,
    })
}

/// The way over identity policies that the policy of a resource opens to its own account (P6).
pub(super) fn by_delegation<'p>(resource: &Resource<'p>, own: &Own<'p>, layer: Layer) -> Way<'p> {
    let delegation = resource.named(Naming::Account);
    let blame = if delegation.answer.holds == Match::No { layer } else { own.narrowest() };
    Way::own(Path::Delegation, delegation.answer.and(own.allows()), delegation.by, own, blame)
}

/// Both halves of an access from another account (semantics 4.5). Boundary and session policies always limit the
/// caller's half, even where the policy of the resource names the session.
pub(super) fn across_accounts<'p>(resource: &Resource<'p>, own: &Own<'p>, layer: Layer) -> Way<'p> {
    let half = resource.any();
    let blame = if half.answer.holds == Match::No { layer } else { own.narrowest() };
    Way::own(Path::CrossAccount, half.answer.and(own.allows()), half.by, own, blame)
}
