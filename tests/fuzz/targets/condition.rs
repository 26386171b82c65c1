//! Conditions: each operator against the laws of its kind, and two documents made of conditions, compared by the symbolic
//! engine and by trying values.
//!
//! Every line of the input that begins with a digit is a statement, the operator and its values separated by tabs: `1` an
//! Allow of the first document, `2` one of the second, `3` and `4` a Deny. Every other line is a value of the request.

use keyproof::policy::{
    AddressRange, Budget, Comparing, ConditionTest, Document, Effect, Found, Match, Number, Operator, Quantifier,
    Relation, Text, compare_within,
};
use serde_json::{Value, json};

pub(crate) fn holds(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (mut sides, mut values) = ([vec![], vec![]], Vec::new());
    for line in input.split('\n').take(12) {
        match line.as_bytes().first() {
            Some(kind @ b'1'..=b'4') => {
                let effect = if *kind < b'3' { "Allow" } else { "Deny" };
                sides[usize::from((kind - b'1') % 2)].push((effect, &line[1..]));
            }
            _ => values.push(line.to_owned()),
        }
    }
    for (key, is_set) in [("kms:ViaService", false), ("kms:GrantOperations", true)] {
        let [a, b] = sides.clone().map(|statements| document(key, &statements));
        for test in tests(&a).chain(tests(&b)) {
            operators_keep_their_laws(test, &values);
        }
        relation_is_that_of_the_values(&a, &b, &requests(&values, is_set));
    }
    for value in values.iter().take(4) {
        numbers_and_ranges_are_ordered(value, &values);
    }
}

fn document(key: &str, statements: &[(&str, &str)]) -> Document {
    let statements: Vec<Value> = statements
        .iter()
        .map(|(effect, test)| {
            let mut parts = test.split('\t');
            let operator = parts.next().unwrap_or_default();
            let values: Vec<&str> = parts.collect();
            json!({"Effect": effect, "Action": "kms:Decrypt", "Resource": "*", "Condition": {operator: {key: values}}})
        })
        .collect();
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn tests(document: &Document) -> impl Iterator<Item = &ConditionTest> {
    document.statements.iter().flat_map(|statement| &statement.condition).flat_map(|condition| &condition.tests)
}

fn none(_: &str) -> Option<String> {
    None
}

fn operators_keep_their_laws(test: &ConditionTest, values: &[String]) {
    let Operator::Compare(comparing) = test.operator else {
        let certain = test.operator == Operator::Null;
        assert!(certain || test.holds(Found::Absent, &none) == Match::Unsure);
        return;
    };
    if test.values.is_empty() {
        return;
    }
    assert_eq!(test.holds(Found::Absent, &none), comparing.absent(comparing.quantifier), "{test:?}");
    assert_eq!(test.holds(Found::Set(&[]), &none), comparing.absent(comparing.quantifier), "{test:?}");
    for value in values {
        negation_turns_the_answer(comparing, value, &test.values);
        more_values_never_weaken(comparing, value, &test.values);
    }
    let (any, all) = (quantified(comparing, Quantifier::Any), quantified(comparing, Quantifier::All));
    if !values.is_empty() {
        let each = || values.iter().map(|value| comparing.holds_for(value, &test.values, &none));
        assert_eq!(any.holds(Found::Set(values), &test.values, &none), Match::any(each()), "{test:?}");
        let empty = values.iter().all(String::is_empty);
        let expected = if empty { Match::Yes } else { Match::all(each()) };
        assert_eq!(all.holds(Found::Set(values), &test.values, &none), expected, "{test:?}");
    }
}

fn quantified(comparing: Comparing, quantifier: Quantifier) -> Comparing {
    Comparing { quantifier: Some(quantifier), ..comparing }
}

/// Where nothing is left open one of the two holds and not both; what cannot be compared is open for the negated one.
fn negation_turns_the_answer(comparing: Comparing, value: &str, wanted: &[Text]) {
    let of = |negated: bool| Comparing { negated, ..comparing }.holds_for(value, wanted, &none);
    let both = (of(false), of(true));
    let allowed = [(Match::Yes, Match::No), (Match::No, Match::Yes)];
    let open = both.1 == Match::Unsure && both.0 != Match::Yes;
    assert!(allowed.contains(&both) || open, "{comparing:?} {value} {wanted:?}: {both:?}");
}

fn more_values_never_weaken(comparing: Comparing, value: &str, wanted: &[Text]) {
    let fewer = comparing.holds_for(value, &wanted[..wanted.len() / 2 + wanted.len() % 2], &none);
    let more = comparing.holds_for(value, wanted, &none);
    let in_order = if comparing.negated { more <= fewer } else { fewer <= more };
    assert!(in_order, "{comparing:?} {value} {wanted:?}: {fewer:?} {more:?}");
    let turned: Vec<Text> = wanted.iter().rev().chain(wanted).cloned().collect();
    assert_eq!(comparing.holds_for(value, &turned, &none), more, "{comparing:?} {value} {wanted:?}");
}

/// What a request may hold under the key, built from the values.
enum Holding {
    Nothing,
    One(String),
    Set(Vec<String>),
}

fn requests(values: &[String], is_set: bool) -> Vec<Holding> {
    let mut requests = vec![Holding::Nothing];
    for value in values {
        requests.push(if is_set { Holding::Set(vec![value.clone()]) } else { Holding::One(value.clone()) });
    }
    if is_set && values.len() > 1 {
        requests.push(Holding::Set(values.to_vec()));
        requests.push(Holding::Set(values[..2].to_vec()));
    }
    requests
}

/// No value may show a difference that the relation denies.
fn relation_is_that_of_the_values(a: &Document, b: &Document, requests: &[Holding]) {
    if tests(a).chain(tests(b)).flat_map(|test| &test.values).any(Text::has_variables) {
        return;
    }
    let compared = compare_within(a, b, &mut Budget::of_steps(2_000_000));
    let found = |holding: &Holding| [a, b].map(|document| allows(document, holding));
    let shows_more = || requests.iter().any(|holding| found(holding) == [Match::No, Match::Yes]);
    let shows_less = || requests.iter().any(|holding| found(holding) == [Match::Yes, Match::No]);
    let (may_be_more, may_be_less) = match compared.effective {
        Relation::Equivalent => (false, false),
        Relation::BMore => (true, false),
        Relation::BLess => (false, true),
        Relation::Incomparable | Relation::Unknown => (true, true),
    };
    assert!(may_be_more || !shows_more(), "{compared:?}\n{a:?}\n{b:?}");
    assert!(may_be_less || !shows_less(), "{compared:?}\n{a:?}\n{b:?}");
}

fn allows(document: &Document, holding: &Holding) -> Match {
    let found = match holding {
        Holding::Nothing => Found::Absent,
        Holding::One(value) => Found::One(value),
        Holding::Set(values) => Found::Set(values),
    };
    let side = |effect: Effect| {
        Match::any(document.statements_of(effect).map(|statement| {
            let tests = statement.condition.iter().flat_map(|condition| &condition.tests);
            Match::all(tests.map(|test| test.holds(found, &none)))
        }))
    };
    side(Effect::Allow).min(!side(Effect::Deny))
}

fn numbers_and_ranges_are_ordered(value: &str, values: &[String]) {
    let number = Number::parse(value);
    for (other, text) in values.iter().filter_map(|text| Some((Number::parse(text)?, text))) {
        let Some(number) = &number else { break };
        assert_eq!(number.cmp(&other), other.cmp(number).reverse(), "{value} {text}");
        if let (Ok(a), Ok(b)) = (value.parse::<i128>(), text.parse::<i128>()) {
            assert_eq!(number.cmp(&other), a.cmp(&b), "{value} {text}");
        }
    }
    if let Some(range) = AddressRange::parse(value) {
        assert!(range.first <= range.last, "{value}");
        let around = range.around();
        assert!(around.len() >= 2 && around.iter().all(|address| address.is_ipv6() == range.is_v6), "{value}");
    }
}
