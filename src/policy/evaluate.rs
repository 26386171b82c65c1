//! The NDJSON form of concrete requests: one line in, one decision out.

use serde::Serialize;
use serde_json::value::RawValue;

use super::caller::{Caller, CallerKind};
use super::context::{Context, ContextValue};
use super::decide::{Decision, Environment, Policies, decide};
use super::document::Document;
use super::grant::{Constraints, Grant};
use super::ndjson::{self, Fault, Line, Members, Node};
use super::principal::Principal;
use super::request::{Action, Request};

/// Decides the request on one line of input, the `number`-th from 1. The line holds `id`, `policies`, `request` and
/// optionally `env`; other members are ignored. A line that is not valid is answered by `{"id", "error"}` with line and
/// place; lines that `policy coverage` and `policy compare` read are skipped.
#[must_use]
pub fn evaluate_line(number: usize, bytes: &[u8]) -> Line {
    ndjson::line(number, bytes, &["all_keys", "compare"], |id, members| {
        let documents = Documents::read(&members.need("policies")?.members()?)?;
        let asked = Asked::read(&members.need("request")?.members()?)?;
        let environment =
            members.get("env").map_or(Ok(Environment::default()), |node| environment(&node.members()?))?;
        documents.with(|policies| {
            let decision = decide(&asked.request(), policies, environment);
            Ok(serde_json::to_string(&Answer::new(id, &decision)).unwrap_or_default())
        })
    })
}

/// The decision as it is written.
#[derive(Serialize)]
struct Answer<'a> {
    id: Option<&'a RawValue>,
    decision: String,
    explicit: bool,
    path: Option<String>,
    layer: Option<String>,
    statements: Vec<Statement<'a>>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Statement<'a> {
    policy: String,
    index: usize,
    sid: Option<&'a str>,
    effect: String,
}

impl<'a> Answer<'a> {
    fn new(id: Option<&'a RawValue>, decision: &Decision<'a>) -> Self {
        let statements = decision.statements.iter().map(|statement| Statement {
            policy: statement.policy.to_string(),
            index: statement.index,
            sid: statement.sid,
            effect: statement.effect.to_string(),
        });
        Self {
            id,
            decision: decision.decision.to_string(),
            explicit: decision.explicit,
            path: decision.path.map(|path| path.to_string()),
            layer: decision.layer.map(|layer| layer.to_string()),
            statements: statements.collect(),
            notes: decision.notes.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The policies of one line, read.
struct Documents {
    identity: Vec<Document>,
    boundary: Vec<Document>,
    session: Vec<Document>,
    scps: Option<Vec<Vec<Document>>>,
    rcps: Option<Vec<Vec<Document>>>,
    key_policies: Vec<Document>,
    resource_policy: Option<Document>,
    trust_policy: Option<Document>,
    grants: Vec<Grant>,
}

impl Documents {
    fn read(members: &Members<'_>) -> Result<Self, Fault> {
        let one = |name: &str| members.get(name).map(|node| node.document()).transpose();
        Ok(Self {
            identity: documents(members.get("identity"))?,
            boundary: documents(members.get("boundary"))?,
            session: documents(members.get("session"))?,
            scps: levels(members.get("scps"))?,
            rcps: levels(members.get("rcps"))?,
            key_policies: documents(members.get("key_policy"))?,
            resource_policy: one("resource_policy")?,
            trust_policy: one("trust_policy")?,
            grants: match members.get("grants") {
                Some(node) => node.items()?.iter().map(grant).collect::<Result<_, _>>()?,
                None => vec![],
            },
        })
    }

    /// Lends the policies to a decision.
    fn with<T>(&self, decide: impl FnOnce(&Policies<'_>) -> T) -> T {
        let [identity, boundary, session, key_policies] =
            [&self.identity, &self.boundary, &self.session, &self.key_policies].map(|list| borrowed(list));
        let (scps, rcps) = (borrowed_levels(self.scps.as_ref()), borrowed_levels(self.rcps.as_ref()));
        decide(&Policies {
            identity: &identity,
            boundary: &boundary,
            session: &session,
            scps: scps.as_deref(),
            rcps: rcps.as_deref(),
            key_policies: &key_policies,
            resource_policy: self.resource_policy.as_ref(),
            trust_policy: self.trust_policy.as_ref(),
            grants: &self.grants.iter().collect::<Vec<_>>(),
        })
    }
}

fn borrowed(documents: &[Document]) -> Vec<&Document> {
    documents.iter().collect()
}

fn borrowed_levels(levels: Option<&Vec<Vec<Document>>>) -> Option<Vec<Vec<&Document>>> {
    levels.map(|levels| levels.iter().map(|level| borrowed(level)).collect())
}

fn documents(node: Option<Node<'_>>) -> Result<Vec<Document>, Fault> {
    node.map_or(Ok(vec![]), |node| node.one_or_many()?.iter().map(Node::document).collect())
}

fn levels(node: Option<Node<'_>>) -> Result<Option<Vec<Vec<Document>>>, Fault> {
    let level = |node: &Node<'_>| node.items()?.iter().map(Node::document).collect();
    node.map(|node| node.items()?.iter().map(level).collect()).transpose()
}

fn grant(node: &Node<'_>) -> Result<Grant, Fault> {
    let members = node.members()?;
    let text = |name: &str| members.text(name);
    let principal = text("GranteePrincipal")?.map(|name| Grant::principal(&name));
    let service = text("GranteeServicePrincipal")?.map(Principal::Service);
    let retiring = text("RetiringPrincipal")?.map(|name| Grant::principal(&name));
    let retiring_service = text("RetiringServicePrincipal")?.map(Principal::Service);
    let operations = members.need("Operations")?.items()?.iter().map(Node::text).collect::<Result<_, _>>()?;
    let issuing_account = match members.get("IssuingAccount") {
        Some(node) => Some(Grant::account(&node.text()?).ok_or_else(|| node.fault("names no account"))?),
        None => None,
    };
    Ok(Grant {
        id: text("GrantId")?.unwrap_or_default(),
        key: members.need("KeyId")?.text()?,
        grantee_is_opaque: matches!(principal, Some(Principal::Service(_))),
        grantee: service.or(principal),
        retiring: retiring.into_iter().chain(retiring_service).collect(),
        issuing_account,
        operations,
        constraints: match members.get("Constraints") {
            Some(node) => constraints(&node.members()?)?,
            None => Constraints::default(),
        },
    })
}

fn constraints(members: &Members<'_>) -> Result<Constraints, Fault> {
    let pairs = |name: &str| -> Result<Option<Vec<(String, String)>>, Fault> {
        let Some(node) = members.get(name) else { return Ok(None) };
        let pairs = node.members()?;
        pairs.all().map(|(name, value)| Ok((name.to_owned(), value.text()?))).collect::<Result<_, _>>().map(Some)
    };
    Ok(Constraints {
        encryption_context_equals: pairs("EncryptionContextEquals")?,
        encryption_context_subset: pairs("EncryptionContextSubset")?,
        source_arn: members.text("SourceArn")?,
    })
}

fn environment(members: &Members<'_>) -> Result<Environment, Fault> {
    Ok(Environment {
        key_manager_is_aws: members.text("key_manager")?.is_some_and(|manager| manager.eq_ignore_ascii_case("AWS")),
        principal_account_is_management: members.flag("principal_account_is_management")?,
        resource_account_is_management: members.flag("resource_account_is_management")?,
    })
}

/// The request of one line, read.
struct Asked {
    caller: Caller,
    action: Action,
    resource: Option<String>,
    resource_account: Option<String>,
    region: Option<String>,
    grant_id: Option<String>,
    context: Context,
}

impl Asked {
    fn read(members: &Members<'_>) -> Result<Self, Fault> {
        let action = members.need("action")?;
        let name = action.text()?;
        if !name.contains(':') {
            return Err(action.fault(format!("`{name}` is no action: expected service:Name")));
        }
        Ok(Self {
            caller: caller(members)?,
            action: Action::new(&name),
            resource: resource(members)?,
            resource_account: account(members, "resource_account")?,
            region: members.text("region")?,
            grant_id: members.text("grant_id")?,
            context: members.get("context").map_or(Ok(Context::default()), |node| context(&node.members()?))?,
        })
    }

    fn request(&self) -> Request<'_> {
        Request {
            caller: &self.caller,
            action: &self.action,
            resource: self.resource.as_deref(),
            resource_account: self.resource_account.as_deref(),
            region: self.region.as_deref(),
            grant_id: self.grant_id.as_deref(),
            context: &self.context,
        }
    }
}

fn resource(members: &Members<'_>) -> Result<Option<String>, Fault> {
    let Some(node) = members.get("resource") else { return Ok(None) };
    match node.text()? {
        all if all == "*" => Ok(None),
        arn if arn.starts_with("arn:") && arn.matches(':').count() >= 5 => Ok(Some(arn)),
        other => Err(node.fault(format!("`{other}` is no ARN: a request names one resource, or `*` for none"))),
    }
}

fn account(members: &Members<'_>, name: &str) -> Result<Option<String>, Fault> {
    let Some(node) = members.get(name) else { return Ok(None) };
    let account = node.text()?;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(node.fault(format!("`{account}` is no account: expected 12 digits")));
    }
    Ok(Some(account))
}

fn caller(members: &Members<'_>) -> Result<Caller, Fault> {
    let kind = members.need("principal_type")?;
    let kind = kind_named(&kind.text()?).ok_or_else(|| {
        kind.fault(
            "is no principal type: expected user, assumed-role, federated-user, root, service, identity-provider or \
             anonymous",
        )
    })?;
    if kind == CallerKind::Anonymous {
        return Ok(Caller::new(kind, ""));
    }
    let node = members.need("principal_arn")?;
    let arn = node.text()?;
    let fits = match (kind, Principal::aws(arn.clone())) {
        (CallerKind::User, Principal::User(_))
        | (CallerKind::Role, Principal::Session(_) | Principal::Role(_))
        | (CallerKind::FederatedUser, Principal::FederatedUser(_))
        | (CallerKind::Root, Principal::Account { partition: Some(_), .. }) => true,
        (CallerKind::Service | CallerKind::IdentityProvider, _) => !arn.is_empty(),
        _ => false,
    };
    if !fits {
        return Err(node.fault(format!("`{arn}` is not the ARN of such a principal")));
    }
    let mut caller = Caller::new(kind, &arn);
    if let Some(account) = members.get("account").filter(|_| caller.account.is_some())
        && Some(account.text()?) != caller.account
    {
        return Err(account.fault("is not the account of `principal_arn`"));
    }
    caller.unique_id = members.text("principal_id")?;
    source(members, caller)
}

/// Adds the role of a session, or the user of a federated session.
fn source(members: &Members<'_>, caller: Caller) -> Result<Caller, Fault> {
    let name = match caller.kind {
        CallerKind::Role => "role_arn",
        CallerKind::FederatedUser => "user_arn",
        _ => return Ok(caller),
    };
    let Some(node) = members.get(name) else { return Ok(caller) };
    let arn = node.text()?;
    let fits = match Principal::aws(arn.clone()) {
        role @ Principal::Role(_) => caller.named_by(&role).is_some(),
        Principal::User(_) | Principal::Account { .. } => caller.kind == CallerKind::FederatedUser,
        _ => false,
    };
    if fits { Ok(caller.of(&arn)) } else { Err(node.fault(format!("`{arn}` is not where this session comes from"))) }
}

fn kind_named(name: &str) -> Option<CallerKind> {
    Some(match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "user" => CallerKind::User,
        "assumedrole" => CallerKind::Role,
        "federateduser" => CallerKind::FederatedUser,
        "root" => CallerKind::Root,
        "service" => CallerKind::Service,
        "identityprovider" => CallerKind::IdentityProvider,
        "anonymous" => CallerKind::Anonymous,
        _ => return None,
    })
}

fn context(members: &Members<'_>) -> Result<Context, Fault> {
    let mut context = Context::default();
    for (key, node) in members.all() {
        let value = match () {
            () if node.is_null() => ContextValue::Absent,
            () if node.is_list() => {
                ContextValue::Set(node.items()?.iter().map(Node::scalar).collect::<Result<_, _>>()?)
            }
            () => ContextValue::One(node.scalar()?),
        };
        if context.insert(key, value).is_some() {
            return Err(node.fault("stands twice: condition keys have no letter case"));
        }
    }
    Ok(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!("../../tests/vectors/access.jsonl");

    fn member(line: &str, name: &str) -> String {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value[name].as_str().unwrap_or_default().to_owned()
    }

    fn answer(line: &str) -> String {
        match evaluate_line(1, line.as_bytes()) {
            Line::Answer(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// No vector rests on an open question, so that none may be answered by `possible`.
    #[test]
    fn every_vector_is_decided_as_expected() {
        let mut wrong = Vec::new();
        for line in VECTORS.lines() {
            let (id, expected) = (member(line, "id"), member(line, "expected"));
            let answer = answer(line);
            let decision = member(&answer, "decision");
            if decision != expected {
                wrong.push(format!("{id} expected {expected}: {answer}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(VECTORS.lines().count() > 190);
    }
}
