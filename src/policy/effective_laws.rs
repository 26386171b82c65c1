//! The symbolic decision agrees with the concrete one in every context.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::context::ContextValue;
use super::decide::{Environment, Outcome, Policies, decide};
use super::symbolic::contexts::Held;
use super::symbolic::decision::{Question, Reader};
use super::symbolic::relations::Relation;
use super::{
    Access, Action, Answer, Answers, Assumed, Budget, Caller, CallerKind, Constraints, Context, Document, Grant,
    PolicyRef, Principal, Request, Unanswered, effective,
};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const ACTIONS: [&str; 9] = [
    "kms:Decrypt",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "kms:RetireGrant",
    "kms:Sign",
    "kms:CreateKey",
    "kms:DescribeKey",
];

const CONDITIONS: [&str; 22] = [
    "",
    "",
    "",
    "",
    r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#,
    r#"{"StringLike":{"kms:ViaService":["s3.*","rds.*"]}}"#,
    r#"{"StringNotEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#,
    r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
    r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#,
    r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}"#,
    r#"{"StringEquals":{"kms:EncryptionContext:app":"a"}}"#,
    r#"{"StringNotEquals":{"kms:EncryptionContext:app":["a","b"]}}"#,
    r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["app","other"]}}"#,
    r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#,
    r#"{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#,
    r#"{"StringEquals":{"aws:SourceIdentity":"${aws:PrincipalTag/team}"}}"#,
    r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/app"}}"#,
    r#"{"StringEquals":{"kms:ResourceAliases":"alias/app"}}"#,
    r#"{"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","Encrypt"]}}"#,
    r#"{"Bool":{"kms:GrantIsForAWSResource":"true"}}"#,
    r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Null":{"aws:SourceVpce":"true"}}"#,
    r#"{"StringEquals":{"kms:CallerAccount":"111122223333","aws:PrincipalOrgID":"o-example"}}"#,
];

const RESOURCES: [&str; 6] = [
    "*",
    "*",
    "arn:aws:kms:*:111122223333:key/*",
    "arn:aws:kms:us-east-1:444455556666:key/*",
    "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key}",
    "arn:aws:kms:*:key/*",
];

const PRINCIPALS: [&str; 9] = [
    r#""*""#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":"arn:aws:iam::444455556666:root"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:user/Bob"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/App"}"#,
    r#"{"AWS":["arn:aws:iam::444455556666:role/App","arn:aws:sts::111122223333:assumed-role/App/s1"]}"#,
    r#"{"Service":"logs.us-east-1.amazonaws.com"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:user/Fed"}"#,
    r#"{"AWS":["arn:aws:iam::111122223333:role/App","111122223333"]}"#,
];

/// A principal as policies and grants may name it.
fn caller(index: usize) -> Caller {
    let session = |account: &str| {
        Caller::new(CallerKind::Role, &format!("arn:aws:sts::{account}:assumed-role/App/s1"))
            .of(&format!("arn:aws:iam::{account}:role/App"))
    };
    match index {
        0 => Caller::new(CallerKind::User, "arn:aws:iam::111122223333:user/Bob"),
        1 => session("111122223333"),
        2 => session("444455556666"),
        3 => Caller::new(CallerKind::Root, "arn:aws:iam::111122223333:root"),
        4 => Caller::new(CallerKind::Root, "arn:aws:iam::444455556666:root"),
        5 => Caller::new(CallerKind::Service, "logs.us-east-1.amazonaws.com"),
        _ => Caller::new(CallerKind::FederatedUser, "arn:aws:sts::111122223333:federated-user/f")
            .of("arn:aws:iam::111122223333:user/Fed"),
    }
}

const GRANTEES: [&str; 5] = [
    "arn:aws:iam::111122223333:user/Bob",
    "arn:aws:iam::111122223333:role/App",
    "arn:aws:iam::444455556666:role/App",
    "arn:aws:iam::444455556666:root",
    "logs.us-east-1.amazonaws.com",
];

/// A document; `principals` says whether its statements name some.
fn document(principals: bool) -> impl Strategy<Value = Document> {
    let statement = (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.12),
        prop::bool::weighted(0.1),
        prop::sample::select(&["kms:*", "*", "kms:Decrypt", "kms:*Grant", "kms:D*", "s3:*"][..]),
        proptest::collection::vec(prop::sample::select(&RESOURCES[..]), 1..3),
        prop::sample::select(&CONDITIONS[..]),
        prop::sample::select(&PRINCIPALS[..]),
        prop::bool::weighted(0.12),
    );
    proptest::collection::vec(statement, 1..4).prop_map(move |statements| {
        let statement = |(deny, not_action, not_resource, action, resources, condition, principal, not): &(
            bool,
            bool,
            bool,
            &str,
            Vec<&str>,
            &str,
            &str,
            bool,
        )| {
            let effect = if *deny { "Deny" } else { "Allow" };
            let action_element = if *not_action { "NotAction" } else { "Action" };
            let resource_element = if *not_resource { "NotResource" } else { "Resource" };
            let principal = match (principals, *not) {
                (false, _) => String::new(),
                (true, true) => format!(r#""NotPrincipal":{principal},"#),
                (true, false) => format!(r#""Principal":{principal},"#),
            };
            let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
            format!(
                r#"{{{principal}"Effect":"{effect}","{action_element}":"{action}","{resource_element}":["{}"]{condition}}}"#,
                resources.join("\",\"")
            )
        };
        let list: Vec<String> = statements.iter().map(statement).collect();
        Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(","))).unwrap()
    })
}

fn grant() -> impl Strategy<Value = Grant> {
    let pairs = || vec![("app".to_owned(), "a".to_owned())];
    (prop::sample::select(&GRANTEES[..]), prop::sample::select(&GRANTEES[..]), 0..5_usize).prop_map(
        move |(grantee, retiring, kind)| Grant {
            id: "g".to_owned(),
            key: KEY.to_owned(),
            grantee: Some(Grant::principal(grantee)),
            grantee_is_opaque: matches!(Grant::principal(grantee), Principal::Service(_)),
            retiring: vec![Grant::principal(retiring)],
            issuing_account: Some(if kind == 0 { "444455556666" } else { "111122223333" }.to_owned()),
            operations: ["Decrypt", "Encrypt", "CreateGrant", "RetireGrant", "DescribeKey"].map(str::to_owned).to_vec(),
            constraints: match kind {
                1 => Constraints { encryption_context_equals: Some(pairs()), ..Constraints::default() },
                2 => Constraints { encryption_context_subset: Some(pairs()), ..Constraints::default() },
                3 => Constraints { source_arn: Some("arn:aws:s3:::b".to_owned()), ..Constraints::default() },
                _ => Constraints::default(),
            },
        },
    )
}

/// What is known: some of these.
const KNOWN: [(&str, &[&str]); 6] = [
    ("aws:PrincipalTag/team", &["red"]),
    ("aws:ResourceTag/team", &["red"]),
    ("kms:ResourceAliases", &["alias/app", "alias/other"]),
    ("aws:PrincipalOrgID", &["o-example"]),
    ("aws:PrincipalTag/key", &["1234abcd-12ab-34cd-56ef-1234567890ab"]),
    ("aws:ResourceTag/team", &[]),
];

fn known(chosen: u8) -> Context {
    let mut context = Context::default();
    for (index, (key, values)) in KNOWN.iter().enumerate() {
        if chosen >> index & 1 == 1 {
            let value = match *values {
                [] => ContextValue::Absent,
                [one] => ContextValue::One((*one).to_owned()),
                set => ContextValue::Set(set.iter().map(|value| (*value).to_owned()).collect()),
            };
            context.insert(key, value);
        }
    }
    context
}

/// Everything a decision depends on, lent as [`Policies`].
#[derive(Debug, Clone)]
struct World {
    identity: Vec<Document>,
    boundary: Vec<Document>,
    session: Vec<Document>,
    scps: Option<Vec<Document>>,
    rcps: Option<Vec<Document>>,
    key: Vec<Document>,
    grants: Vec<Grant>,
}

fn world() -> impl Strategy<Value = World> {
    let some = |most: usize| proptest::collection::vec(document(false), 0..=most);
    let level = || prop::option::weighted(0.4, proptest::collection::vec(document(false), 0..3));
    let grants = proptest::collection::vec(grant(), 0..3);
    let key = proptest::collection::vec(document(true), 1..3);
    (some(2), some(1), some(1), level(), level(), key, grants).prop_map(
        |(identity, boundary, session, scps, rcps, key, grants)| World {
            identity,
            boundary,
            session,
            scps,
            rcps,
            key,
            grants,
        },
    )
}

impl World {
    fn with<T>(&self, ask: impl FnOnce(&Policies<'_>) -> T) -> T {
        let [identity, boundary, session, key] =
            [&self.identity, &self.boundary, &self.session, &self.key].map(|list| list.iter().collect::<Vec<_>>());
        let [scps, rcps] =
            [&self.scps, &self.rcps].map(|level| level.as_ref().map(|level| vec![level.iter().collect::<Vec<_>>()]));
        ask(&Policies {
            identity: &identity,
            boundary: &boundary,
            session: &session,
            scps: scps.as_deref(),
            rcps: rcps.as_deref(),
            key_policies: &key,
            grants: &self.grants.iter().collect::<Vec<_>>(),
            ..Policies::default()
        })
    }
}

/// Whether an equality with variables is met by what is known and held.
fn is_met(held: &BTreeMap<String, Held>, base: &Context, relation: &Relation) -> bool {
    let mut context = base.clone();
    for (key, held) in held {
        context.insert(key, value(held));
    }
    relation.is_met(KEY, &|key| match context.find(key) {
        Some(super::Found::One(value)) => Some(value.to_owned()),
        _ => None,
    })
}

fn value(held: &Held) -> ContextValue {
    match held {
        Held::One(value) => ContextValue::One(value.clone()),
        Held::Set(values) => ContextValue::Set(values.clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_agree_in_every_context(
        world in world(), who in 0..7_usize, action in prop::sample::select(&ACTIONS[..]), chosen in 0..64_u8, seed in any::<u64>(),
    ) {
        let (caller, action, base) = (caller(who), Action::new(action), known(chosen));
        let resource = (action.name() != "kms:CreateKey").then_some(KEY);
        let request = Request::new(&caller, &action, resource, &base);
        let environment = Environment::default();
        world.with(|policies| {
            let question = Question::new(&request, policies, environment, Assumed::default());
            let mut budget = Budget::default();
            let mut contexts = question.contexts(&mut budget).unwrap();
            let most = Reader::new(&question, &mut contexts, &mut budget, true).decide().unwrap();
            let least = Reader::new(&question, &mut contexts, &mut budget, false).decide().unwrap();
            let possible = question.possible(&mut contexts, &mut budget).unwrap();
            let mut state = seed | 1;
            let mut choose = |count: usize| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                usize::try_from(state % count as u64).unwrap()
            };
            for _ in 0..24 {
                let (assignment, held) = contexts.sample(&mut choose, &|held, relation| is_met(held, &base, relation));
                if !contexts.diagram.holds(possible, &assignment) {
                    continue;
                }
                let mut context = base.clone();
                for (key, held) in &held {
                    context.insert(key, value(held));
                }
                let concrete = decide(&Request { context: &context, ..request }, policies, environment);
                let expected = match (contexts.diagram.holds(most.allowed, &assignment), contexts.diagram.holds(least.allowed, &assignment)) {
                    (true, true) => Outcome::Allow,
                    (true, false) => Outcome::Possible,
                    (false, false) => Outcome::Deny,
                    (false, true) => panic!("allowed against the caller and not in favour"),
                };
                prop_assert_eq!(concrete.decision, expected, "{:?}\n{:?}", held, concrete);
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_answer_is_shown_by_a_request(
        world in world(), who in 0..7_usize, action in prop::sample::select(&ACTIONS[..]), chosen in 0..64_u8,
    ) {
        let (caller, action, base) = (caller(who), Action::new(action), known(chosen));
        let resource = (action.name() != "kms:CreateKey").then_some(KEY);
        let request = Request::new(&caller, &action, resource, &base);
        world.with(|policies| {
            let answer = effective(&request, policies, Environment::default(), Assumed::default(), &mut Budget::default());
            let disagrees = matches!(answer, Err(Unanswered::Disagreement { .. }));
            prop_assert!(!disagrees, "{:?}", answer);
            Ok(())
        })?;
    }

    /// Answers are kept from all cases, so that a question is answered by those of other worlds and callers.
    #[test]
    fn an_answer_that_was_kept_is_the_answer(
        world in world(), action in prop::sample::select(&ACTIONS[..]), chosen in 0..64_u8,
    ) {
        static ANSWERS: LazyLock<Answers> = LazyLock::new(Answers::default);
        let action = Action::new(action);
        for who in 0..7 {
            let (caller, base) = (caller(who), known(chosen));
            let request = Request::new(&caller, &action, Some(KEY), &base);
            world.with(|policies| {
                let (environment, assumed) = (Environment::default(), Assumed::default());
                let fresh = effective(&request, policies, environment, assumed, &mut Budget::default()).unwrap();
                let kept = ANSWERS.effective(&request, policies, environment, assumed, &mut Budget::default()).unwrap();
                let notes: Vec<String> = fresh.decision.notes.iter().map(ToString::to_string).collect();
                prop_assert_eq!(&kept.statements, &fresh.decision.statements);
                prop_assert_eq!(kept.answer.as_ref(), &Answer {
                    access: fresh.access,
                    path: fresh.decision.path,
                    layer: fresh.decision.layer,
                    is_explicit: fresh.decision.explicit,
                    conditions: fresh.conditions,
                    via: fresh.via,
                    notes,
                });
                Ok(())
            })?;
        }
    }
}

#[test]
fn one_answer_serves_every_account() {
    let answers = Answers::default();
    for (number, account) in ["111122223333", "444455556666"].into_iter().enumerate() {
        let role = format!("arn:aws:iam::{account}:role/R{number}");
        let caller =
            Caller::new(CallerKind::Role, &format!("arn:aws:sts::{account}:assumed-role/R{number}/s")).of(&role);
        let key = format!("arn:aws:kms:us-east-1:{account}:key/{number}");
        let parsed = |text: &str| Document::parse(text).unwrap();
        let spare = parsed(r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#);
        let allow = parsed(&format!(
            r#"{{"Statement":[{{"Sid":"A{number}","Effect":"Allow","Action":"kms:*","Resource":"{key}",
            "Condition":{{"Bool":{{"aws:MultiFactorAuthPresent":"true"}}}}}}]}}"#
        ));
        let delegates = parsed(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":"kms:*","Resource":"*"}}}}"#
        ));
        // The same statements, in another place.
        let identity = if number == 0 { vec![&allow] } else { vec![&spare, &allow] };
        let policies = Policies { identity: &identity, key_policies: &[&delegates], ..Policies::default() };
        let (action, context) = (Action::new("kms:Decrypt"), Context::default());
        let request = Request::new(&caller, &action, Some(&key), &context);
        let (environment, assumed) = (Environment::default(), Assumed::default());
        let answered = answers.effective(&request, &policies, environment, assumed, &mut Budget::default()).unwrap();
        assert_eq!(answered.answer.access, Access::Conditional);
        let sids: Vec<&str> = answered.statements.iter().filter_map(|statement| statement.sid).collect();
        assert_eq!(sids, [format!("A{number}")]);
        assert_eq!(answered.statements[1].policy, PolicyRef::Identity(number));
    }
    assert_eq!(answers.len(), 1);
}
