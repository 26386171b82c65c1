//! Condition blocks as Boolean functions: one variable for each key, whose values are those that the tests tell apart.

use std::collections::BTreeMap;

use super::diagram::{Diagram, Function, Variable};
use super::{Budget, Exhausted};
use crate::policy::Match;
use crate::policy::candidates::candidates;
use crate::policy::condition::{Comparing, Comparison, ConditionTest, Operator, Quantifier};
use crate::policy::document::Statement;
use crate::policy::glob::Glob;
use crate::policy::keys::{is_always_present, is_multivalued};
use crate::policy::operator::{Found, Outcome, arn_fields};
use crate::policy::text::Text;

/// The contexts of requests, as far as the statements of a question tell them apart.
#[derive(Debug)]
pub(in crate::policy) struct Contexts {
    pub(in crate::policy) diagram: Diagram,
    keys: BTreeMap<String, Key>,
    /// Equalities between a key and a text that holds policy variables: free, as far as the two keys are not fixed.
    relations: BTreeMap<(String, String), Variable>,
    /// What an unsure test counts as.
    unsure: bool,
    /// Whether an unsure test was met.
    pub(in crate::policy) met_unsure: bool,
}

#[derive(Debug)]
struct Key {
    written: String,
    domain: Domain,
}

#[derive(Debug)]
enum Domain {
    /// One value or none. `None` stands first where the key may be absent.
    Single { variable: Variable, values: Vec<Option<String>> },
    /// A set: for each string whether it is in the set.
    Set { elements: Vec<(Variable, String)> },
}

/// A value of a witness: what a request holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// One value.
    One(String),
    /// A set of values.
    Set(Vec<String>),
}

fn no_value(_: &str) -> Option<String> {
    None
}

impl Contexts {
    /// The variables for all keys that the statements test or use as policy variables.
    pub(in crate::policy) fn new(statements: &[&Statement], budget: &mut Budget) -> Result<Self, Exhausted> {
        let mut tests: BTreeMap<&str, (&str, Vec<&ConditionTest>)> = BTreeMap::new();
        for statement in statements {
            for test in statement.condition.iter().flat_map(|condition| &condition.tests) {
                tests.entry(&test.key).or_insert((&test.key_source, vec![])).1.push(test);
            }
        }
        for text in statements.iter().flat_map(|statement| texts_of(statement)) {
            for variable in text.variables() {
                tests.entry(&variable.key).or_insert((&variable.key, vec![]));
            }
        }
        let mut contexts = Self {
            diagram: Diagram::default(),
            keys: BTreeMap::new(),
            relations: BTreeMap::new(),
            unsure: true,
            met_unsure: false,
        };
        for (key, (written, tests)) in tests {
            let values = told_apart(&tests, budget)?;
            let domain = if is_multivalued(key) || (is_foreign(key) && tests.iter().any(|test| has_quantifier(test))) {
                let mut elements = Vec::with_capacity(values.len());
                for value in values {
                    elements.push((contexts.diagram.variable(2)?, value));
                }
                Domain::Set { elements }
            } else {
                let absent = (!is_always_present(key)).then_some(None);
                let values: Vec<Option<String>> = absent.into_iter().chain(values.into_iter().map(Some)).collect();
                Domain::Single { variable: contexts.diagram.variable(values.len())?, values }
            };
            contexts.keys.insert(key.to_owned(), Key { written: written.to_owned(), domain });
        }
        Ok(contexts)
    }

    /// Whether a test or policy variable looks at the key, given in lower case.
    pub(in crate::policy) fn knows(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Chooses what unsure tests count as from here on.
    pub(in crate::policy) fn count_unsure_as(&mut self, holds: bool) {
        self.unsure = holds;
    }

    /// A constant for an answer that may be unsure.
    pub(in crate::policy) fn constant(&mut self, holds: Match) -> Function {
        let holds = match holds {
            Match::Yes => true,
            Match::No => false,
            Match::Unsure => {
                self.met_unsure = true;
                self.unsure
            }
        };
        if holds { Function::TRUE } else { Function::FALSE }
    }

    /// When the condition part of the statement matches.
    pub(in crate::policy) fn condition(
        &mut self,
        statement: &Statement,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let mut all = if statement.has_empty_condition() { self.constant(Match::Unsure) } else { Function::TRUE };
        for test in statement.condition.iter().flat_map(|condition| &condition.tests) {
            let holds = self.test(test, budget)?;
            all = self.diagram.and(all, holds, budget)?;
        }
        Ok(all)
    }

    /// When one test holds.
    pub(in crate::policy) fn test(&mut self, test: &ConditionTest, budget: &mut Budget) -> Result<Function, Exhausted> {
        let absent = self.absent(&test.key, budget)?;
        let (when_absent, when_present) = match test.operator {
            Operator::Unknown => return Ok(self.constant(Match::Unsure)),
            Operator::Null => (self.constant(test.null(false)), self.constant(test.null(true))),
            Operator::Compare(comparing) if test.values.is_empty() => {
                let present = comparing.without_values(Found::One("other"));
                (self.constant(comparing.without_values(Found::Absent)), self.constant(present))
            }
            Operator::Compare(comparing) => {
                let present = self.compared(test, comparing, budget)?;
                (self.constant(comparing.absent(comparing.quantifier)), present)
            }
        };
        let when_absent = self.diagram.and(absent, when_absent, budget)?;
        let when_present = self.diagram.minus(when_present, absent, budget)?;
        self.diagram.or(when_absent, when_present, budget)
    }

    /// When the key is absent; for a set, when it is empty.
    fn absent(&mut self, key: &str, budget: &mut Budget) -> Result<Function, Exhausted> {
        match self.keys.get(key).map(|key| &key.domain) {
            None => Ok(Function::TRUE),
            Some(Domain::Single { variable, values }) => {
                self.diagram.test(*variable, |value| values.get(value) == Some(&None), budget)
            }
            Some(Domain::Set { elements }) => {
                let mut none = Function::TRUE;
                for (variable, _) in elements.iter().rev() {
                    let out = self.diagram.test(*variable, |value| value == 0, budget)?;
                    none = self.diagram.and(out, none, budget)?;
                }
                Ok(none)
            }
        }
    }

    /// When a comparing operator with values holds, given that the key is present.
    fn compared(
        &mut self,
        test: &ConditionTest,
        comparing: Comparing,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        match self.keys.get(&test.key).map(|key| &key.domain) {
            None => Ok(Function::FALSE),
            Some(Domain::Single { variable, values }) => {
                let (variable, values) = (*variable, values.clone());
                let mut any = Function::FALSE;
                for (index, value) in values.iter().enumerate() {
                    let Some(value) = value else { continue };
                    let passes = match comparing.quantifier {
                        Some(Quantifier::All) if value.is_empty() => Function::TRUE,
                        _ => self.passes(test, comparing, value, budget)?,
                    };
                    let here = self.diagram.test(variable, |value| value == index, budget)?;
                    let both = self.diagram.and(here, passes, budget)?;
                    any = self.diagram.or(any, both, budget)?;
                }
                Ok(any)
            }
            Some(Domain::Set { elements }) => {
                let elements = elements.clone();
                self.compared_set(test, comparing, &elements, budget)
            }
        }
    }

    fn compared_set(
        &mut self,
        test: &ConditionTest,
        comparing: Comparing,
        elements: &[(Variable, String)],
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let (mut any, mut all, mut only_empty) = (Function::FALSE, Function::TRUE, Function::TRUE);
        for (variable, value) in elements {
            let present = self.diagram.test(*variable, |value| value == 1, budget)?;
            let passes = self.passes(test, comparing, value, budget)?;
            let found = self.diagram.and(present, passes, budget)?;
            any = self.diagram.or(any, found, budget)?;
            let fails = self.diagram.minus(present, passes, budget)?;
            all = self.diagram.minus(all, fails, budget)?;
            if !value.is_empty() {
                only_empty = self.diagram.minus(only_empty, present, budget)?;
            }
        }
        match comparing.quantifier {
            Some(Quantifier::Any) => Ok(any),
            Some(Quantifier::All) => self.diagram.or(only_empty, all, budget),
            // Without a set operator: nothing under one reading, any value under the other (semantics U-6).
            None => {
                let counts = self.constant(Match::Unsure);
                self.diagram.and(any, counts, budget)
            }
        }
    }

    /// When one value of the request passes the operator.
    fn passes(
        &mut self,
        test: &ConditionTest,
        comparing: Comparing,
        value: &str,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let fixed = test.values.iter().filter(|text| !is_relation(comparing.comparison, text));
        let mut equal = match comparing.equals_any(value, fixed, &no_value) {
            Match::Unsure => {
                // After the negation the unsure answer must count as chosen.
                self.met_unsure = true;
                if self.unsure == comparing.negated { Function::FALSE } else { Function::TRUE }
            }
            certain => self.constant(certain),
        };
        for text in test.values.iter().filter(|text| is_relation(comparing.comparison, text)) {
            if !may_equal(comparing.comparison, text, value) {
                continue;
            }
            let mut related = self.relation(&test.key, text, budget)?;
            if comparing.comparison == Comparison::Bool {
                let counts = self.constant(Match::Unsure);
                related = self.diagram.and(related, counts, budget)?;
            }
            equal = self.diagram.or(equal, related, budget)?;
        }
        if comparing.negated { self.diagram.not(equal, budget) } else { Ok(equal) }
    }

    /// When the subject (a condition key or the resource) equals a text with policy variables: never while a variable has
    /// neither value nor default, otherwise left open.
    pub(in crate::policy) fn relation(
        &mut self,
        subject: &str,
        text: &Text,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let name = (subject.to_owned(), text.source().to_owned());
        let variable = match self.relations.get(&name) {
            Some(variable) => *variable,
            None => {
                let variable = self.diagram.variable(2)?;
                self.relations.insert(name, variable);
                variable
            }
        };
        let equal = self.diagram.test(variable, |value| value == 1, budget)?;
        let resolved = self.resolved(text, budget)?;
        self.diagram.and(equal, resolved, budget)
    }

    /// When every variable of the text has a value or a default. A key that holds a set has none (semantics V-6).
    pub(in crate::policy) fn resolved(&mut self, text: &Text, budget: &mut Budget) -> Result<Function, Exhausted> {
        let mut resolved = Function::TRUE;
        for variable in text.variables().filter(|variable| variable.default.is_none()) {
            if let Some(Key { domain: Domain::Set { .. }, .. }) = self.keys.get(&variable.key) {
                return Ok(Function::FALSE);
            }
            let absent = self.absent(&variable.key, budget)?;
            resolved = self.diagram.minus(resolved, absent, budget)?;
        }
        Ok(resolved)
    }

    /// What a request holds under an assignment, by key as written, and the relations that must hold.
    pub(in crate::policy) fn context(
        &self,
        assignment: &BTreeMap<Variable, usize>,
    ) -> (BTreeMap<String, Held>, Vec<(&str, &str)>) {
        let chosen = |variable: &Variable| assignment.get(variable).copied().unwrap_or(0);
        let mut context = BTreeMap::new();
        for key in self.keys.values() {
            let held = match &key.domain {
                Domain::Single { variable, values } => values.get(chosen(variable)).cloned().flatten().map(Held::One),
                Domain::Set { elements } => {
                    let inside = elements.iter().filter(|(variable, _)| chosen(variable) == 1);
                    let values: Vec<String> = inside.map(|(_, value)| value.clone()).collect();
                    (!values.is_empty()).then_some(Held::Set(values))
                }
            };
            if let Some(held) = held {
                context.insert(key.written.clone(), held);
            }
        }
        let relations = self.relations.iter().filter(|(_, variable)| chosen(variable) == 1);
        (context, relations.map(|((subject, text), _)| (subject.as_str(), text.as_str())).collect())
    }
}

/// Every text of a statement in which variables act.
fn texts_of(statement: &Statement) -> impl Iterator<Item = &Text> {
    let values = statement.condition.iter().flat_map(|condition| &condition.tests).flat_map(|test| &test.values);
    let patterns = statement.resources.iter().flat_map(|resources| &resources.patterns);
    values.chain(patterns.map(|pattern| pattern.text()))
}

fn has_quantifier(test: &ConditionTest) -> bool {
    matches!(test.operator, Operator::Compare(comparing) if comparing.quantifier.is_some())
}

/// Keys of other services than those whose keys are known to hold one value.
fn is_foreign(key: &str) -> bool {
    !key.starts_with("aws:") && !key.starts_with("kms:")
}

/// One value for each combination of outcomes of the tests; there is always at least one.
fn told_apart(tests: &[&ConditionTest], budget: &mut Budget) -> Result<Vec<String>, Exhausted> {
    let mut seen: BTreeMap<Vec<Outcome>, ()> = BTreeMap::new();
    let mut values = Vec::new();
    for candidate in candidates(tests, budget)? {
        let mut outcomes = vec![if candidate.is_empty() { Outcome::Same } else { Outcome::Different }];
        for test in tests {
            let Operator::Compare(comparing) = test.operator else { continue };
            budget.spend(test.values.len() * (candidate.len() + 1))?;
            outcomes.extend(test.values.iter().map(|text| match is_relation(comparing.comparison, text) {
                true if may_equal(comparing.comparison, text, &candidate) => Outcome::Same,
                true => Outcome::Different,
                false => comparing.comparison.outcome(&candidate, text, &no_value),
            }));
        }
        if seen.insert(outcomes, ()).is_none() {
            values.push(candidate);
        }
    }
    Ok(values)
}

/// Whether the outcome depends on the value of a policy variable.
fn is_relation(comparison: Comparison, text: &Text) -> bool {
    let replaces = matches!(
        comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::Arn
            | Comparison::Bool
    );
    replaces && text.has_variables()
}

/// Whether some values of the variables make the text equal.
fn may_equal(comparison: Comparison, text: &Text, value: &str) -> bool {
    let widest = text.widest_glob();
    match comparison {
        Comparison::StringEqualsIgnoreCase | Comparison::Bool => widest.matches_ignoring_case(value),
        Comparison::Arn => arn_fields(&widest).is_some_and(|fields| {
            let found: Vec<&str> = value.splitn(6, ':').collect();
            found.len() == 6 && fields.iter().zip(found).all(|(field, found): (&Glob, &str)| field.matches(found))
        }),
        _ => widest.matches(value),
    }
}
