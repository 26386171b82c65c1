//! The rules of KMS: which check an action needs, what a grant opens, who may retire one (semantics 4.3, 4.6 to 4.8).

use super::caller::{CallerKind, Naming, arn_field};
use super::catalogue::KmsResources;
use super::decide::{Environment, Policies, Remark};
use super::doubt::Doubt;
use super::grant::Grant;
use super::layer::{Cite, PolicyRef, Resource};
use super::path::{Layer, Own, Path, Way, across_accounts, by_delegation, by_resource};
use super::request::{Request, Target};
use super::statement::Answer;

/// Whether KMS lets the caller do it, explicit denies and organization policies aside.
pub(super) fn way<'p>(
    request: &Request<'_>,
    policies: &Policies<'p>,
    environment: Environment,
    resource: &Resource<'p>,
    own: &Own<'p>,
    remarks: &mut Vec<Remark>,
) -> Way<'p> {
    // What an identity provider vouches for is no signature: it opens roles alone.
    if matches!(own.kind, CallerKind::Anonymous | CallerKind::IdentityProvider) {
        return refuse(Remark::Unsigned, remarks);
    }
    let Target::Arn(arn) = request.target() else {
        let needs_key = request.action.kms().is_some_and(|action| action.resources != KmsResources::None);
        return if needs_key { refuse(Remark::ResourceMissing, remarks) } else { by_own_account(own) };
    };
    let is_alias = arn_field(arn, 5).is_some_and(|name| name.starts_with("alias/"));
    if request.action.is("kms:ListRetirableGrants") {
        let is_foreign = request.owner().is_some() && !request.is_own_account();
        return if is_foreign { refuse(Remark::OwnAccountOnly, remarks) } else { by_own_account(own) };
    }
    if is_alias {
        return by_alias(arn, request, own, remarks);
    }
    if request.action.is("kms:RetireGrant") {
        return retire(request, policies, own);
    }
    let granted = by_grants(arn, request, policies, own, remarks);
    match own.kind {
        CallerKind::Service => by_resource(resource, own, Layer::KeyPolicy).or(granted),
        _ if request.is_own_account() => {
            by_resource(resource, own, Layer::KeyPolicy).or(by_delegation(resource, own, Layer::KeyPolicy)).or(granted)
        }
        _ if environment.key_manager_is_aws => refuse(Remark::AwsManagedKey, remarks),
        _ if !request.action.kms().is_some_and(|action| action.cross_account) => {
            refuse(Remark::OwnAccountOnly, remarks)
        }
        _ => across_accounts(resource, own, Layer::KeyPolicy).or(granted),
    }
}

/// The service refuses, whatever the policies say.
pub(super) fn refuse<'p>(note: Remark, remarks: &mut Vec<Remark>) -> Way<'p> {
    remarks.push(note);
    Way::closed(Layer::Service)
}

/// Actions without a resource, and the alias half of the alias actions: no key policy is asked.
fn by_own_account<'p>(own: &Own<'p>) -> Way<'p> {
    Way::own(Path::Identity, own.allows(), None, own, own.narrowest())
}

fn by_alias<'p>(arn: &str, request: &Request<'_>, own: &Own<'p>, remarks: &mut Vec<Remark>) -> Way<'p> {
    if request.action.kms().is_some_and(|action| action.resources != KmsResources::AliasAndKey) {
        refuse(Remark::AliasInsteadOfKey, remarks)
    } else if arn_field(arn, 5).is_some_and(|name| name.starts_with("alias/aws/")) {
        refuse(Remark::ReservedAlias, remarks)
    } else if request.is_own_account() {
        by_own_account(own)
    } else {
        refuse(Remark::OwnAccountOnly, remarks)
    }
}

/// Grants on the key that hold the action (semantics 4.7).
fn by_grants<'p>(
    key: &str,
    request: &Request<'_>,
    policies: &Policies<'p>,
    own: &Own<'p>,
    remarks: &mut Vec<Remark>,
) -> Way<'p> {
    let mut best = Way::closed(Layer::KeyPolicy);
    let Some(operation) = request.action.as_grant_operation() else { return best };
    for (index, grant) in policies.grants.iter().enumerate() {
        if !grant.is_on(key) || !grant.holds_operation(operation) {
            continue;
        }
        if let Some(way) = by_grant(grant, index, request, own) {
            best = best.or(way);
        } else if grant.grantee_is_opaque && own.kind != CallerKind::Service {
            remarks.push(Remark::OpaqueGrantee(index));
        }
    }
    best
}

fn by_grant<'p>(grant: &Grant, index: usize, request: &Request<'_>, own: &Own<'p>) -> Option<Way<'p>> {
    let naming = request.caller.named_by(grant.grantee.as_ref()?)?;
    let constraints = grant.constraints_hold(request);
    if constraints == Answer::NO {
        return None;
    }
    let cite = Some(Cite { policy: PolicyRef::Grant(index), statement: None });
    let layer = Layer::KeyPolicy;
    let alone = |answer: Answer| Way::limited(Path::Grant, constraints.and(answer), cite, own, layer);
    let with_identity = |answer: Answer| Way::own(Path::Grant, constraints.and(answer), cite, own, layer);
    Some(match naming {
        _ if own.kind == CallerKind::Service => alone(Answer::YES),
        Naming::Account => with_identity(own.allows().or_unsure(Doubt::GranteeWithoutIdentity)),
        _ if request.is_own_account() || grant.is_issued_by(request.caller) => alone(within_limits(naming, own)),
        _ if own.allows() == Answer::YES => with_identity(within_limits(naming, own)),
        _ => alone(Answer::unsure(Doubt::GranteeWithoutIdentity)),
    })
}

/// Who may retire a grant (semantics 4.8). Key policies and resource control policies have no say.
fn retire<'p>(request: &Request<'_>, policies: &Policies<'p>, own: &Own<'p>) -> Way<'p> {
    let mut best = if request.is_own_account() { retire_by_identity(own, None) } else { Way::closed(Layer::Grants) };
    let Target::Arn(key) = request.target() else { return best };
    for (index, grant) in policies.grants.iter().enumerate() {
        if !grant.is_on(key) || request.grant_id.is_some_and(|id| id != grant.id) {
            continue;
        }
        let cite = Some(Cite { policy: PolicyRef::Grant(index), statement: None });
        for principal in &grant.retiring {
            best = match request.caller.named_by(principal) {
                None => best,
                Some(Naming::Account) => best.or(retire_by_identity(own, cite)),
                Some(naming) => best.or(retire_by_name(naming, own, cite)),
            };
        }
        best = best.or(retire_as_grantee(grant, request, own, cite)).or(retire_as_issuer(grant, request, own, cite));
    }
    best
}

/// Identity policies allow it, in the account that owns the key or that is the retiring principal.
fn retire_by_identity<'p>(own: &Own<'p>, cite: Option<Cite<'p>>) -> Way<'p> {
    Way::own(Path::RetireGrant, own.allows(), cite, own, own.narrowest())
}

/// The grant names the caller, who then needs no policy.
fn retire_by_name<'p>(naming: Naming, own: &Own<'p>, cite: Option<Cite<'p>>) -> Way<'p> {
    Way::limited(Path::RetireGrant, within_limits(naming, own), cite, own, Layer::Grants)
}

fn retire_as_grantee<'p>(grant: &Grant, request: &Request<'_>, own: &Own<'p>, cite: Option<Cite<'p>>) -> Way<'p> {
    let grantee = grant.grantee.as_ref().filter(|_| grant.holds_operation("RetireGrant"));
    match grantee.and_then(|grantee| request.caller.named_by(grantee)) {
        None => Way::closed(Layer::Grants),
        Some(Naming::Account) => {
            let answer = own.allows().or_unsure(Doubt::GranteeWithoutIdentity);
            Way::own(Path::RetireGrant, answer, cite, own, own.narrowest())
        }
        Some(naming) => retire_by_name(naming, own, cite),
    }
}

/// The root user of the account that issued the grant may; whether its other principals may is open where that account
/// does not own the key.
fn retire_as_issuer<'p>(grant: &Grant, request: &Request<'_>, own: &Own<'p>, cite: Option<Cite<'p>>) -> Way<'p> {
    if request.is_own_account() || !grant.is_issued_by(request.caller) {
        return Way::closed(Layer::Grants);
    }
    if own.kind == CallerKind::Root {
        return Way::direct(Path::RetireGrant, Answer::YES, cite, Layer::Grants);
    }
    let answer = own.allows().and(Answer::unsure(Doubt::ForeignIssuer));
    Way::own(Path::RetireGrant, answer, cite, own, own.narrowest())
}

/// What boundary and session policies leave of access that a grant gives to a principal named in this way.
fn within_limits(naming: Naming, own: &Own<'_>) -> Answer {
    match own.limits() {
        // Only with a session policy that allows does naming the user help a federated session.
        _ if naming == Naming::FederatingUser && own.session.is_none() => Answer::NO,
        Answer::YES => Answer::YES,
        limits => limits.or_unsure(Doubt::GrantLimits),
    }
}
