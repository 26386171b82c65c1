//! The NDJSON form of concrete requests: one line in, one decision out.

use serde::Serialize;
use serde_json::value::RawValue;

use super::caller::{Caller, CallerKind, arn_field};
use super::context::{Context, ContextValue};
use super::decide::{Decision, Environment, Policies, decide};
use super::document::Document;
use super::grant::{Constraints, Grant};
use super::ndjson::{self, Fault, Line, Members, Node};
use super::principal::Principal;
use super::request::{Action, Request};

/// The most steps that a line may take. Matching a pattern against a text takes as many as the product of their lengths at
/// worst, so that the product of all that is written bounds the whole decision. What AWS stores for one request, some
/// hundred kilobytes of policies, leaves room for ten thousands of bytes of request.
const MAX_STEPS: usize = 1 << 34;

/// Decides the request on one line of input, the `number`-th from 1. The line holds `id`, `policies`, `request` and
/// optionally `env`; other members are ignored. A line that is not valid is answered by `{"id", "error"}` with line and
/// place; lines that `policy coverage` and `policy compare` read are skipped.
#[must_use]
pub fn evaluate_line(number: usize, bytes: &[u8]) -> Line {
    ndjson::line(number, bytes, &["all_keys", "compare"], |id, members| {
        let policies = members.need("policies")?;
        let documents = Documents::read(&policies.members()?)?;
        let request = members.need("request")?;
        let asked = Asked::read(&request.members()?)?;
        let environment =
            members.get("env").map_or(Ok(Environment::default()), |node| environment(&node.members()?))?;
        if policies.size().saturating_mul(request.size()) > MAX_STEPS {
            return Err(request.fault(format!(
                "{} bytes against {} bytes of policies may take too long: their product is larger than {MAX_STEPS}",
                request.size(),
                policies.size()
            )));
        }
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
        if !name.contains(':') || name.contains(['*', '?']) {
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
        // Objects of S3 may have such names, keys and aliases may not.
        pattern if pattern.contains(['*', '?']) && arn_field(&pattern, 2) == Some("kms") => {
            Err(node.fault(format!("`{pattern}` is a pattern: a request names one resource, or `*` for none")))
        }
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
        user @ (Principal::User(_) | Principal::Account { partition: Some(_), .. }) => {
            caller.kind == CallerKind::FederatedUser && user.account() == caller.account.as_deref()
        }
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
    use serde_json::Value;

    const VECTORS: &str = include_str!("../../tests/vectors/access.jsonl");
    const RULES: &str = include_str!("../../tests/vectors/rules.jsonl");

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn answer(line: &str) -> Value {
        match evaluate_line(1, line.as_bytes()) {
            Line::Answer(answer) => json(&answer),
            other => panic!("{other:?} to {line}"),
        }
    }

    fn error(line: impl AsRef<[u8]>) -> String {
        match evaluate_line(7, line.as_ref()) {
            Line::Error(error) => json(&error)["error"].as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// No vector rests on an open question, so that none may be answered by `possible`.
    #[test]
    fn every_vector_is_decided_as_expected() {
        let mut wrong = Vec::new();
        for line in VECTORS.lines() {
            let (asked, answer) = (json(line), answer(line));
            assert_eq!(answer["id"], asked["id"]);
            if answer["decision"] != asked["expected"] {
                wrong.push(format!("expected {}: {answer}", asked["expected"]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(VECTORS.lines().count(), 196);
    }

    /// What is possible says why, by the numbers of the open questions; what is denied says where.
    #[test]
    fn every_rule_is_decided_with_its_path_its_layer_and_its_open_questions() {
        let mut wrong = Vec::new();
        for line in RULES.lines() {
            let (asked, answer) = (json(line), answer(line));
            let open: Vec<&str> = match answer["decision"].as_str() {
                Some("possible") => texts(&answer["notes"]).map(|note| note.split_once(':').unwrap().0).collect(),
                _ => vec![],
            };
            let is_right = answer["decision"] == asked["expected"]
                && open == texts(&asked["open"]).collect::<Vec<_>>()
                && ["layer", "path"].iter().all(|name| asked[name].is_null() || answer[name] == asked[name]);
            if !is_right {
                wrong.push(format!("{}: {answer}", asked["note"]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn texts(list: &Value) -> impl Iterator<Item = &str> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    #[test]
    fn every_decision_names_statements_or_a_layer() {
        for line in VECTORS.lines().chain(RULES.lines()) {
            let answer = answer(line);
            let statements = answer["statements"].as_array().unwrap();
            match answer["decision"].as_str().unwrap() {
                "allow" => assert!(answer["layer"].is_null() && answer["path"].is_string(), "{answer}"),
                "deny" => assert!(answer["layer"].is_string() && answer["path"].is_null(), "{answer}"),
                _ => assert!(answer["layer"].is_string() && answer["path"].is_string(), "{answer}"),
            }
            let denies = statements.iter().any(|statement| statement["effect"] == "Deny");
            assert!(denies || answer["explicit"] == false, "{answer}");
        }
    }

    const REQUEST: &str = r#""request":{"principal_arn":"arn:aws:iam::111122223333:user/Alice","principal_type":"user",
        "action":"kms:Decrypt","resource":"arn:aws:kms:us-east-1:111122223333:key/1"}"#;

    #[test]
    fn a_decision_names_the_statement_of_every_layer() {
        let line = r#"{"id":7,"policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",
            "Resource":"*"},{"Sid":"Use","Effect":"Allow","Action":"kms:*","Resource":"*"}]}],"scps":[[{"Statement":
            {"Effect":"Allow","Action":"*","Resource":"*"}}]],"key_policy":{"Statement":{"Sid":"Root","Effect":"Allow",
            "Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}}},"#;
        let Line::Answer(answer) = evaluate_line(1, format!("{line}{REQUEST}}}").replace('\n', "").as_bytes()) else {
            panic!("no answer")
        };
        assert_eq!(
            answer,
            r#"{"id":7,"decision":"allow","explicit":false,"path":"delegation","layer":null,"statements":[{"policy":"scps/0/0","index":0,"sid":null,"effect":"Allow"},{"policy":"key_policy","index":0,"sid":"Root","effect":"Allow"},{"policy":"identity/0","index":1,"sid":"Use","effect":"Allow"}],"notes":[]}"#
        );
    }

    #[test]
    fn a_line_that_is_not_valid_says_where() {
        let with = |policies: &str| format!(r#"{{"id":"x","policies":{policies},{REQUEST}}}"#);
        assert_eq!(
            error(with(r#"{"identity":[{"Statement":[{"Effect":"allow","Action":"a:b"}]}]}"#)),
            "line 7, at /policies/identity/0/Statement/0/Effect: `allow` is no effect (Allow or Deny, case-sensitive)"
        );
        assert_eq!(error("{\"id\":}"), "line 7, column 7: not valid JSON: expected value");
        assert_eq!(
            error(with(r#"{"grants":[{"KeyId":1}]}"#)),
            "line 7, at /policies/grants/0: `Operations` is missing"
        );
        assert_eq!(error(r#"{"policies":{}}"#), "line 7: `request` is missing");
        assert_eq!(error(r#"{"id":1,"id":2}"#), "line 7: `id` stands twice in one object");
        assert_eq!(error("[]"), "line 7: expected an object, found a list");
        assert_eq!(error(b"{\"id\":\"\xff\"}"), "line 7, column 8: not UTF-8");
    }

    #[test]
    fn a_request_that_makes_no_sense_is_refused() {
        let with = |old: &str, new: &str| error(format!(r#"{{"policies":{{}},{REQUEST}}}"#).replace(old, new));
        assert!(
            with("user/Alice", "role/Alice").contains("/request/principal_arn: `arn:aws:iam::111122223333:role/Alice`")
        );
        assert!(with("\"user\"", "\"person\"").contains("/request/principal_type: is no principal type"));
        assert!(with("kms:Decrypt", "Decrypt").contains("/request/action: `Decrypt` is no action"));
        assert!(with("kms:Decrypt", "kms:*").contains("/request/action: `kms:*` is no action"));
        assert!(with("arn:aws:kms:us-east-1:111122223333:key/1", "alias/x").contains("/request/resource: `alias/x`"));
        assert!(
            with("key/1", "key/*")
                .contains("/request/resource: `arn:aws:kms:us-east-1:111122223333:key/*` is a pattern")
        );
        assert!(with("\"action\"", "\"account\":\"444455556666\",\"action\"").contains("is not the account of"));
        assert!(with("\"action\"", "\"context\":{\"a:B\":\"\",\"A:b\":\"\"},\"action\"").contains("stands twice"));
        assert!(
            with("\"action\"", "\"context\":{\"a:b\":{}},\"action\"")
                .contains("/request/context/a:b: expected a string")
        );
    }

    #[test]
    fn lines_of_other_commands_and_empty_ones_are_no_errors() {
        assert_eq!(evaluate_line(1, br#"{"kind":"compare","a":1}"#), Line::Skipped);
        assert_eq!(evaluate_line(1, b" \r\n"), Line::Blank);
        assert_eq!(answer(&format!(r#"{{"policies":{{}},"unheard":[],{REQUEST}}}"#))["id"], Value::Null);
    }

    #[test]
    fn hostile_lines_are_answered_in_bounded_time() {
        assert!(error("[".repeat(1_000_000)).contains("not valid JSON"));
        let deep = format!(r#"{{"id":1,"policies":{}{}}}"#, "[".repeat(900_000), "]".repeat(900_000));
        assert!(error(deep).contains("/policies: expected an object"));
        let star = format!("arn:aws:kms:us-east-1:111122223333:key/{}b", "*a".repeat(5_000));
        let document = format!(r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"{star}"}}}}"#);
        let line = format!(r#"{{"policies":{{"identity":{document}}},{REQUEST}}}"#);
        assert_eq!(answer(&line.replace("key/1\"", &format!("key/{}\"", "a".repeat(20_000))))["decision"], "deny");
        let long = line.replace("key/1\"", &format!("key/{}\"", "a".repeat(40_000)));
        assert!(error(long).contains("/request/resource: a string of 400"));
        let variables = line.replace(&star, &format!("*{}", "${a:b}".repeat(5_000)));
        let filled =
            |value: &str| variables.replace("\"action\"", &format!("\"context\":{{\"a:b\":\"{value}\"}},\"action\""));
        assert_eq!(answer(&filled(&"x".repeat(30_000)))["decision"], "deny");
        let many = vec![document.as_str(); 1_000].join(",");
        let many = line.replace(&document, &format!("[{many}]"));
        assert!(error(many.replace("key/1\"", &format!("key/{}\"", "a".repeat(20_000)))).contains("may take too long"));
    }
}
