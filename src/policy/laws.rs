//! Laws of the concrete evaluator, for any policies and requests.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::evaluate_line;
use super::ndjson::Line;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Values among which many combinations match the requests below, some not, some leave it open.
const ACTIONS: [&str; 9] =
    ["*", "*", "kms:*", "kms:*", "kms:Decrypt", "kms:De*", "KMS:encrypt", "k*:Decrypt", "kms:Decrypt,kms:Encrypt"];
const RESOURCES: [&str; 9] = [
    "*",
    "*",
    "*",
    KEY,
    "arn:aws:kms:*:111122223333:key/*",
    "arn:aws:kms:*:key/*",
    "arn:aws:kms:eu-west-1:111122223333:key/*",
    "arn:aws:kms:us-east-1:111122223333:alias/*",
    "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key}",
];
const PRINCIPALS: [&str; 8] = [
    "*",
    "111122223333",
    "111122223333",
    "arn:aws:iam::444455556666:root",
    "arn:aws:iam::111122223333:user/Alice",
    "arn:aws:iam::111122223333:role/App",
    "arn:aws:sts::111122223333:assumed-role/App/s1",
    "arn:aws:iam::444455556666:user/Bob",
];
const CONDITIONS: [&str; 10] = [
    "",
    "",
    "",
    "",
    r#"{}"#,
    r#"{"StringEquals":{"aws:PrincipalTag/team":["red","blue"]}}"#,
    r#"{"StringNotEquals":{"aws:PrincipalTag/team":"red"}}"#,
    r#"{"ForAnyValue:StringLike":{"kms:EncryptionContextKeys":"App*"}}"#,
    r#"{"StringEquals":{"kms:EncryptionContextKeys":"AppName"}}"#,
    r#"{"Null":{"aws:ResourceTag/env":"true"}}"#,
];

/// A statement, with the ways of writing it that mean the same.
#[derive(Debug, Clone)]
struct Written {
    effect: &'static str,
    not_action: bool,
    actions: Vec<&'static str>,
    not_resource: bool,
    resources: Vec<&'static str>,
    not_principal: bool,
    principals: Vec<&'static str>,
    condition: &'static str,
}

impl Written {
    fn json(&self, names_principals: bool) -> Value {
        let element = |name: &str, negated: bool| if negated { format!("Not{name}") } else { name.to_owned() };
        let mut statement = json!({
            "Effect": self.effect,
            element("Action", self.not_action): self.actions,
            element("Resource", self.not_resource): self.resources,
        });
        if names_principals {
            statement[element("Principal", self.not_principal)] = json!({ "AWS": self.principals });
        }
        if !self.condition.is_empty() {
            statement["Condition"] = serde_json::from_str(self.condition).unwrap();
        }
        statement
    }
}

fn written(effect: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Written> {
    let negated = || prop::bool::weighted(0.1);
    let some = |values: &'static [&'static str]| prop::collection::vec(select(values), 1..3);
    (
        effect,
        negated(),
        some(&ACTIONS),
        negated(),
        some(&RESOURCES),
        negated(),
        some(&PRINCIPALS),
        select(&CONDITIONS[..]),
    )
        .prop_map(
            |(effect, not_action, actions, not_resource, resources, not_principal, principals, condition)| Written {
                effect,
                not_action,
                actions,
                not_resource,
                resources,
                not_principal,
                principals,
                condition,
            },
        )
}

fn any_effect() -> impl Strategy<Value = &'static str> {
    prop_oneof![9 => Just("Allow"), 1 => Just("Deny")]
}

/// The statements of a document.
fn statements() -> impl Strategy<Value = Vec<Written>> {
    prop::collection::vec(written(any_effect()), 1..5)
}

/// All policies of a request: one document for each layer.
#[derive(Debug, Clone)]
struct Scene {
    identity: Vec<Written>,
    boundary: Option<Vec<Written>>,
    session: Option<Vec<Written>>,
    levels: Vec<Vec<Written>>,
    key_policy: Vec<Written>,
    grant: Option<&'static str>,
    request: usize,
}

fn scene() -> impl Strategy<Value = Scene> {
    let grantee = prop::option::weighted(0.3, select(&PRINCIPALS[3..]));
    let levels = prop::option::weighted(0.3, statements()).prop_map(|level| level.into_iter().collect());
    let optional = || prop::option::weighted(0.2, statements());
    (statements(), optional(), optional(), levels, statements(), grantee, 0..requests().len()).prop_map(
        |(identity, boundary, session, levels, key_policy, grant, request)| Scene {
            identity,
            boundary,
            session,
            levels,
            key_policy,
            grant,
            request,
        },
    )
}

fn requests() -> Vec<Value> {
    let user = |account: &str, name: &str| json!({"principal_arn": format!("arn:aws:iam::{account}:user/{name}"), "principal_type": "user"});
    let session =
        json!({"principal_arn": "arn:aws:sts::111122223333:assumed-role/App/s1", "principal_type": "assumed-role"});
    let callers = [
        user("111122223333", "Alice"),
        user("444455556666", "Bob"),
        session,
        json!({"principal_arn": "arn:aws:iam::111122223333:root", "principal_type": "root"}),
        json!({"principal_arn": "arn:aws:sts::111122223333:federated-user/F", "principal_type": "federated-user",
               "user_arn": "arn:aws:iam::111122223333:user/Alice"}),
    ];
    let contexts = [
        json!({}),
        json!({"aws:PrincipalTag/team": "red", "kms:EncryptionContextKeys": ["AppName"], "aws:ResourceTag/env": "dev"}),
    ];
    let with = |caller: &Value, context: &Value, action: &str| {
        let mut request = caller.clone();
        request["action"] = json!(action);
        request["resource"] = json!(KEY);
        request["context"] = context.clone();
        request
    };
    let of_caller = |caller: &Value| contexts.clone().map(|context| with(caller, &context, "kms:Decrypt"));
    callers.iter().flat_map(of_caller).chain([with(&callers[0], &contexts[0], "kms:PutKeyPolicy")]).collect()
}

impl Scene {
    fn line(&self) -> Value {
        let document = |statements: &Vec<Written>, names: bool| {
            let statements: Vec<Value> = statements.iter().map(|statement| statement.json(names)).collect();
            json!({"Version": "2012-10-17", "Statement": statements})
        };
        let optional = |statements: &Option<Vec<Written>>| -> Vec<Value> {
            statements.iter().map(|statements| document(statements, false)).collect()
        };
        let grants: Vec<Value> = self
            .grant
            .iter()
            .map(
                |grantee| json!({"GrantId": "g", "KeyId": KEY, "GranteePrincipal": grantee, "Operations": ["Decrypt"]}),
            )
            .collect();
        let levels: Vec<Vec<Value>> = self.levels.iter().map(|level| vec![document(level, false)]).collect();
        json!({
            "policies": {
                "identity": [document(&self.identity, false)],
                "boundary": optional(&self.boundary),
                "session": optional(&self.session),
                "scps": levels,
                "key_policy": document(&self.key_policy, true),
                "grants": grants,
            },
            "request": requests()[self.request],
        })
    }

    fn decide(&self) -> Value {
        answer(&self.line())
    }

    fn access(&self) -> u8 {
        access(&self.decide())
    }
}

fn answer(line: &Value) -> Value {
    match evaluate_line(1, line.to_string().as_bytes()) {
        Line::Answer(answer) => serde_json::from_str(&answer).unwrap(),
        other => panic!("{other:?} to {line}"),
    }
}

/// Deny, possible, allow.
fn access(answer: &Value) -> u8 {
    ["deny", "possible", "allow"].iter().position(|decision| answer["decision"] == *decision).unwrap() as u8
}

/// Turns lists of one into lone values, and lone values into lists, all through a line.
fn respelled(value: &mut Value) {
    for name in ["Statement", "Action", "NotAction", "Resource", "NotResource", "AWS"] {
        let Some(member) = value.get_mut(name) else { continue };
        match member {
            Value::Array(items) if items.len() == 1 => *member = items[0].take(),
            _ => {}
        }
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(respelled),
        Value::Object(members) => members.values_mut().for_each(respelled),
        _ => {}
    }
}

/// What must not depend on spelling: all but the positions of statements.
fn essence(answer: &Value) -> Value {
    json!([answer["decision"], answer["explicit"], answer["path"], answer["layer"], answer["notes"]])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_deny_never_adds_access(scene in scene(), deny in written(Just("Deny")), layer in 0..5) {
        let before = scene.access();
        let mut denied = scene;
        match layer {
            0 => denied.identity.push(deny),
            1 => denied.key_policy.insert(0, deny),
            2 => denied.boundary.iter_mut().for_each(|boundary| boundary.push(deny.clone())),
            3 => denied.session.iter_mut().for_each(|session| session.push(deny.clone())),
            _ => denied.levels.iter_mut().for_each(|level| level.push(deny.clone())),
        }
        prop_assert!(denied.access() <= before);
    }

    #[test]
    fn adding_an_allow_never_takes_access(scene in scene(), allow in written(Just("Allow")), layer in 0..3) {
        let before = scene.access();
        let mut allowed = scene;
        match layer {
            0 => allowed.identity.push(allow),
            1 => allowed.key_policy.insert(0, allow),
            _ => allowed.levels.iter_mut().for_each(|level| level.push(allow.clone())),
        }
        prop_assert!(allowed.access() >= before);
    }

    #[test]
    fn adding_a_level_of_the_organization_never_adds_access(scene in scene(), level in statements(), first in any::<bool>()) {
        let before = scene.access();
        let mut narrowed = scene;
        let position = if first { 0 } else { narrowed.levels.len() };
        narrowed.levels.insert(position, level);
        prop_assert!(narrowed.access() <= before);
    }

    #[test]
    fn adding_a_boundary_never_adds_access(scene in scene(), boundary in statements()) {
        let unbounded = Scene { boundary: None, ..scene };
        let before = unbounded.access();
        let bounded = Scene { boundary: Some(boundary), ..unbounded };
        prop_assert!(bounded.access() <= before);
    }

    #[test]
    fn order_duplicates_and_spelling_never_matter(scene in scene(), turn in 0..3_usize) {
        let before = essence(&scene.decide());
        let mut line = scene.line();
        respelled(&mut line);
        prop_assert_eq!(&essence(&answer(&line)), &before);
        let mut turned = scene;
        for statements in [&mut turned.identity, &mut turned.key_policy].into_iter().chain(&mut turned.levels) {
            let places = statements.len();
            statements.rotate_left(if places == 0 { 0 } else { turn % places });
            statements.extend(statements.first().cloned());
        }
        prop_assert_eq!(&essence(&turned.decide()), &before);
    }

    #[test]
    fn nothing_is_allowed_without_an_allow(scene in scene()) {
        let mut silent = scene;
        silent.grant = None;
        for statements in [&mut silent.identity, &mut silent.key_policy] {
            statements.retain(|statement| statement.effect == "Deny");
        }
        prop_assert_eq!(silent.access(), 0);
    }
}

/// The laws mean something: the scenes lead to every decision.
#[test]
fn scenes_lead_to_every_decision() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = [0_u32; 3];
    for _ in 0..500 {
        seen[usize::from(scene().new_tree(&mut runner).unwrap().current().access())] += 1;
    }
    assert!(seen.iter().all(|count| *count > 40), "{seen:?}");
}
