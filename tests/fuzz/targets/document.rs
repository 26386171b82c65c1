//! Policy documents: what was read means the same when it is written and read again, errors name a place that is there,
//! and what the symbolic engine shows is true of the statements one by one.

use keyproof::policy::{
    Budget, ConditionTest, Coverage, Document, Effect, Level, Match, Note, ParseError, Principal, Relation, Statement,
    Version, compare_within, coverage_within,
};
use serde_json::{Map, Value, json};

/// Small, so that no input takes long: an answer may then be "unknown", which is never wrong.
const STEPS: u64 = 300_000;
const ACTION: &str = "kms:Decrypt";

pub(crate) fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Document::parse(text) {
        Ok(document) => {
            means_the_same_written_again(&document);
            means_the_same_url_encoded(&document, text);
            let coverage = coverage_within(&document, "aws", &[ACTION], &mut Budget::of_steps(STEPS));
            is_true_of_the_statements(&document, &coverage);
            let itself = compare_within(&document, &document, &mut Budget::of_steps(STEPS));
            for relation in [itself.effective, itself.compositional] {
                assert!(matches!(relation, Relation::Equivalent | Relation::Unknown), "{itself:?}");
            }
            assert!(itself.more.is_none() && itself.less.is_none(), "{itself:?}");
        }
        Err(error) => names_a_place(text, &error),
    }
}

fn means_the_same_written_again(document: &Document) {
    let written = written(document).to_string();
    let again = Document::parse(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(sorted(&again), sorted(document), "{written}");
    assert_eq!((again.version, &again.id), (document.version, &document.id));
}

fn means_the_same_url_encoded(document: &Document, text: &str) {
    if text.trim_start().starts_with('%') {
        return;
    }
    let encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let decoded = Document::parse(&encoded).unwrap_or_else(|error| panic!("{error}: {encoded}"));
    assert_eq!((decoded.version, &decoded.statements), (document.version, &document.statements));
}

/// The statements, with principals and tests in an order that does not depend on how they were written.
fn sorted(document: &Document) -> Vec<Statement> {
    let mut statements = document.statements.clone();
    for statement in &mut statements {
        if let Some(principal) = &mut statement.principal {
            principal.entries.sort();
        }
        if let Some(condition) = &mut statement.condition {
            let name = |test: &ConditionTest| (test.operator_source.clone(), test.key_source.clone());
            condition.tests.sort_by_key(name);
        }
    }
    statements
}

/// The canonical form of a document.
fn written(document: &Document) -> Value {
    let version = match document.version {
        Version::V2008 => "2008-10-17",
        Version::V2012 => "2012-10-17",
    };
    let statements: Vec<Value> = document.statements.iter().map(written_statement).collect();
    let mut written = json!({"Version": version, "Statement": statements});
    if let Some(id) = &document.id {
        written["Id"] = json!(id);
    }
    written
}

fn written_statement(statement: &Statement) -> Value {
    let named = |negated: bool, name: &str| if negated { format!("Not{name}") } else { name.to_owned() };
    let mut written = Map::new();
    written.insert("Effect".to_owned(), json!(statement.effect.to_string()));
    if let Some(sid) = &statement.sid {
        written.insert("Sid".to_owned(), json!(sid));
    }
    let actions: Vec<&str> = statement.actions.patterns.iter().map(|pattern| pattern.source()).collect();
    written.insert(named(statement.actions.negated, "Action"), json!(actions));
    if let Some(resources) = &statement.resources {
        let patterns: Vec<&str> = resources.patterns.iter().map(|pattern| pattern.text().source()).collect();
        written.insert(named(resources.negated, "Resource"), json!(patterns));
    }
    if let Some(principal) = &statement.principal {
        let mut kinds: Map<String, Value> = Map::new();
        for entry in &principal.entries {
            let (kind, value) = written_principal(entry);
            let values = kinds.entry(kind).or_insert_with(|| json!([]));
            values.as_array_mut().expect("a list").push(json!(value));
        }
        written.insert(named(principal.negated, "Principal"), Value::Object(kinds));
    }
    if let Some(condition) = &statement.condition {
        let mut operators = Map::new();
        for test in &condition.tests {
            let values: Vec<&str> = test.values.iter().map(|text| text.source()).collect();
            let keys = operators.entry(test.operator_source.clone()).or_insert_with(|| json!({}));
            keys[&test.key_source] = json!(values);
        }
        written.insert("Condition".to_owned(), Value::Object(operators));
    }
    Value::Object(written)
}

fn written_principal(principal: &Principal) -> (String, String) {
    let (kind, value) = match principal {
        Principal::Everyone => ("AWS", "*".to_owned()),
        Principal::Account { account, partition: None } => ("AWS", account.clone()),
        Principal::Account { account, partition: Some(partition) } => {
            ("AWS", format!("arn:{partition}:iam::{account}:root"))
        }
        Principal::User(arn) | Principal::Role(arn) | Principal::Session(arn) | Principal::FederatedUser(arn) => {
            ("AWS", arn.arn.clone())
        }
        Principal::UniqueId(id) | Principal::Nobody(id) => ("AWS", id.clone()),
        Principal::Service(name) => ("Service", name.clone()),
        Principal::Federated(provider) => ("Federated", provider.clone()),
        Principal::CanonicalUser(id) => ("CanonicalUser", id.clone()),
    };
    (kind.to_owned(), value)
}

/// Line and column lie in the text, and the pointer leads to something where the text is JSON at all.
fn names_a_place(text: &str, error: &ParseError) {
    assert!(!error.to_string().contains('\n') || text.contains("\\n") || text.contains('\n'), "{error}");
    if text.trim_start().starts_with('%') {
        return;
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let line = lines.get(error.line.saturating_sub(1)).unwrap_or_else(|| panic!("no line {}: {error}", error.line));
    assert!(error.column >= 1 && error.column <= line.len() + 1, "no column {}: {error}", error.column);
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        assert!(value.pointer(&error.place).is_some(), "nothing at {}: {error}", error.place);
    }
}

fn is_true_of_the_statements(document: &Document, coverage: &Coverage) {
    let names = |index: &usize| document.statements.get(*index).is_some_and(|one| one.effect == Effect::Allow);
    assert!(coverage.statements.iter().all(names), "{coverage:?}");
    match coverage.level {
        Level::Unknown => return,
        Level::None => assert!(coverage.witness.is_none() && coverage.statements.is_empty(), "{coverage:?}"),
        _ => assert!(coverage.witness.is_some(), "{coverage:?}"),
    }
    let opens = |arn: &str| {
        let speaks = |statement: &&Statement| match statement.effect {
            Effect::Allow => statement.matches_action(ACTION).is_possible(),
            Effect::Deny => statement.matches_action(ACTION) == Match::Yes && !statement.is_conditional(),
        };
        let reaches = |effect: Effect| document.statements_of(effect).filter(speaks).any(|one| covers(one, arn));
        reaches(Effect::Allow) && !reaches(Effect::Deny)
    };
    if !coverage.notes.contains(&Note::WitnessNeedsVariable) {
        assert!(coverage.witness.as_deref().is_none_or(opens), "{coverage:?}");
    }
    for arn in KEYS {
        let open = opens(arn);
        assert!(!open || coverage.level != Level::None, "{arn} is opened: {coverage:?}");
        assert!(open || coverage.level != Level::All, "{arn} is not opened: {coverage:?}");
    }
}

/// Whether the resource element matches in the wide reading, values with variables left out.
fn covers(statement: &Statement, arn: &str) -> bool {
    let Some(resources) = &statement.resources else { return false };
    let listed = resources.patterns.iter().any(|pattern| pattern.fixed_glob().is_some_and(|glob| glob.matches(arn)));
    // An empty `NotResource` counts in favour of the caller, as every unsure statement does.
    let counts = !resources.patterns.is_empty() || statement.effect == Effect::Allow;
    if resources.negated { !listed && counts } else { listed }
}

const KEYS: [&str; 5] = [
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    "arn:aws:kms:eu-central-2:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-gov-west-1:123456789012:key/0987dcba-09fe-87dc-65ba-ab0987654321",
    "arn:aws:kms:ap-southeast-3:999988887777:key/mrk-00000000000000000000000000000000",
];
