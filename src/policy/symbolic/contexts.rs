//! Condition blocks as Boolean functions: one variable for each key, whose values are those that the tests tell apart.

use std::collections::{BTreeMap, BTreeSet};

use super::diagram::{Diagram, Function, Variable};
use super::relations::{Relation, Subject, by_default};
use super::rules::told_by_rules;
use super::values::{is_met, is_relation, may_equal, no_value, spares, told_apart};
use super::{Budget, Exhausted};
use crate::policy::Match;
use crate::policy::condition::{Comparing, Comparison, Condition, ConditionTest, Operator, Quantifier};
use crate::policy::document::Statement;
use crate::policy::keys::{is_always_present, is_multivalued};
use crate::policy::operator::Found;
use crate::policy::text::Text;

/// The contexts of requests, as far as the statements of a question tell them apart.
#[derive(Debug)]
pub(in crate::policy) struct Contexts {
    pub(in crate::policy) diagram: Diagram,
    pub(super) keys: BTreeMap<String, Key>,
    /// When a request keeps the rules on keys that depend on each other.
    rules: Function,
    /// Equalities with a text that holds policy variables: free, as far as the keys are not fixed.
    relations: BTreeMap<Relation, Variable>,
    /// What an unsure test counts as.
    unsure: bool,
    /// Whether an unsure test was met.
    pub(in crate::policy) met_unsure: bool,
}

#[derive(Debug)]
pub(super) struct Key {
    written: String,
    pub(super) domain: Domain,
}

#[derive(Debug)]
pub(super) enum Domain {
    /// One value or none. `None` stands first where the key may be absent. Where policy variables compare the key with
    /// another there is a spare for each value that the tests do not tell from it, if there is one.
    Single { variable: Variable, values: Vec<Option<String>>, spares: Vec<Option<String>> },
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

impl Contexts {
    /// The variables for all keys that the statements test or use as policy variables.
    pub(in crate::policy) fn new(statements: &[&Statement], budget: &mut Budget) -> Result<Self, Exhausted> {
        let tests = statements.iter().flat_map(|statement| statement.tests());
        let texts = statements.iter().flat_map(|statement| statement.texts());
        Self::about(tests, texts, &|_| None, budget)
    }

    /// The variables for all keys that the tests test or that the texts hold as policy variables. `known` says what every
    /// request holds under a key, where that is known.
    pub(in crate::policy) fn about<'s>(
        tests: impl Iterator<Item = &'s ConditionTest>,
        texts: impl Iterator<Item = &'s Text>,
        known: &dyn Fn(&str) -> Option<Found<'s>>,
        budget: &mut Budget,
    ) -> Result<Self, Exhausted> {
        let mut by_key: BTreeMap<&str, (&str, Vec<&ConditionTest>)> = BTreeMap::new();
        for test in tests {
            by_key.entry(&test.key).or_insert((&test.key_source, vec![])).1.push(test);
        }
        let mut related: BTreeSet<&str> = BTreeSet::new();
        for variable in texts.flat_map(Text::variables) {
            by_key.entry(&variable.key).or_insert((&variable.key, vec![]));
            related.insert(&variable.key);
        }
        let mut contexts = Self {
            diagram: Diagram::default(),
            keys: BTreeMap::new(),
            rules: Function::TRUE,
            relations: BTreeMap::new(),
            unsure: true,
            met_unsure: false,
        };
        let written_keys: Vec<&str> = by_key.values().map(|(written, _)| *written).collect();
        let mut always = Function::TRUE;
        for (key, (written, tests)) in by_key {
            let by_rules = told_by_rules(key, written_keys.iter().copied());
            let domain = match known(key) {
                Some(found) => contexts.known(found, &mut always, budget)?,
                None => contexts.free(key, &tests, &by_rules, related.contains(key), budget)?,
            };
            contexts.keys.insert(key.to_owned(), Key { written: written.to_owned(), domain });
        }
        let rules = contexts.rules(budget)?;
        contexts.rules = contexts.diagram.and(rules, always, budget)?;
        Ok(contexts)
    }

    /// The values of a key that the tests and rules tell apart. `is_related`: a policy variable names it.
    fn free(
        &mut self,
        key: &str,
        tests: &[&ConditionTest],
        by_rules: &[String],
        is_related: bool,
        budget: &mut Budget,
    ) -> Result<Domain, Exhausted> {
        let values = told_apart(key, tests, by_rules, &[], budget)?;
        let compares = tests.iter().flat_map(|test| &test.values).any(Text::has_variables);
        let spares = match compares || is_related {
            true => spares(key, tests, by_rules, &values, budget)?,
            false => vec![None; values.len()],
        };
        let values = values.into_iter().map(|(_, value)| value);
        if is_multivalued(key) || (is_foreign(key) && tests.iter().any(|test| has_quantifier(test))) {
            let mut elements = Vec::with_capacity(values.len());
            for value in values.chain(spares.into_iter().flatten()) {
                elements.push((self.diagram.variable(2)?, value));
            }
            return Ok(Domain::Set { elements });
        }
        let absent = (!is_always_present(key)).then_some(None);
        let values: Vec<Option<String>> = absent.clone().into_iter().chain(values.map(Some)).collect();
        let spares = absent.into_iter().chain(spares).collect();
        Ok(Domain::Single { variable: self.diagram.variable(values.len())?, values, spares })
    }

    /// What every request holds under a key. `always` learns which elements are in a known set.
    fn known(&mut self, found: Found<'_>, always: &mut Function, budget: &mut Budget) -> Result<Domain, Exhausted> {
        let values = match found {
            Found::Absent => vec![None],
            Found::One(value) => vec![Some(value.to_owned())],
            Found::Set(set) => {
                let mut elements = Vec::with_capacity(set.len());
                for value in set {
                    let variable = self.diagram.variable(2)?;
                    let present = self.diagram.test(variable, |value| value == 1, budget)?;
                    *always = self.diagram.and(*always, present, budget)?;
                    elements.push((variable, value.clone()));
                }
                return Ok(Domain::Set { elements });
            }
        };
        Ok(Domain::Single { variable: self.diagram.variable(1)?, spares: vec![None], values })
    }

    /// The keys of pairs of an encryption context besides the named ones, in lower case.
    pub(in crate::policy) fn other_pairs(&self, named: &[String]) -> Vec<String> {
        let pairs = self.keys.keys().filter_map(|key| Some((key, key.strip_prefix("kms:encryptioncontext:")?)));
        pairs.filter(|(_, name)| !named.iter().any(|known| known == name)).map(|(key, _)| key.clone()).collect()
    }

    /// Every key, in lower case.
    pub(in crate::policy) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Whether equalities were met that depend on the values of policy variables.
    pub(in crate::policy) fn has_relations(&self) -> bool {
        !self.relations.is_empty()
    }

    /// The variables of the keys, given in lower case, for which `wanted` holds.
    pub(in crate::policy) fn variables_of(&self, wanted: impl Fn(&str) -> bool) -> BTreeSet<Variable> {
        let mut variables = BTreeSet::new();
        for (_, key) in self.keys.iter().filter(|(name, _)| wanted(name)) {
            match &key.domain {
                Domain::Single { variable, .. } => variables.extend([*variable]),
                Domain::Set { elements } => variables.extend(elements.iter().map(|(variable, _)| *variable)),
            }
        }
        variables
    }

    /// When every key for which `wanted` holds is absent or `false`.
    pub(in crate::policy) fn without(
        &mut self,
        wanted: impl Fn(&str) -> bool,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let mut all = Function::TRUE;
        for name in self.keys.keys().filter(|name| wanted(name)).cloned().collect::<Vec<_>>() {
            let mut out = self.absent(&name, budget)?;
            if let Some(Key { domain: Domain::Single { variable, values, .. }, .. }) = self.keys.get(&name) {
                let is_false = |value: usize| values.get(value).is_some_and(|value| value.as_deref() == Some("false"));
                let is_false = self.diagram.test(*variable, is_false, budget)?;
                out = self.diagram.or(out, is_false, budget)?;
            }
            all = self.diagram.and(all, out, budget)?;
        }
        Ok(all)
    }

    /// An assignment in which `choose` picks one of so many values for each key, and those relations hold that its context
    /// meets.
    #[cfg(test)]
    pub(in crate::policy) fn sample(
        &self,
        choose: &mut dyn FnMut(usize) -> usize,
        met: &dyn Fn(&BTreeMap<String, Held>, &Relation) -> bool,
    ) -> (BTreeMap<Variable, usize>, BTreeMap<String, Held>) {
        let mut assignment = BTreeMap::new();
        for key in self.keys.values() {
            match &key.domain {
                Domain::Single { variable, values, .. } => {
                    assignment.insert(*variable, choose(values.len()));
                }
                Domain::Set { elements } => {
                    assignment.extend(elements.iter().map(|(variable, _)| (*variable, choose(2))));
                }
            }
        }
        let context = self.context(&assignment, &[]);
        for (relation, variable) in &self.relations {
            assignment.insert(*variable, usize::from(met(&context, relation)));
        }
        (assignment, context)
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

    /// When a condition part matches.
    pub(in crate::policy) fn condition(
        &mut self,
        condition: Option<&Condition>,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let Some(condition) = condition else { return Ok(Function::TRUE) };
        let mut all = if condition.has_empty_part { self.constant(Match::Unsure) } else { Function::TRUE };
        for test in &condition.tests {
            let holds = self.test(test, budget)?;
            all = self.diagram.and(all, holds, budget)?;
        }
        Ok(all)
    }

    /// When one test holds.
    pub(in crate::policy) fn test(&mut self, test: &ConditionTest, budget: &mut Budget) -> Result<Function, Exhausted> {
        let absent = self.absent(&test.key, budget)?;
        let (when_absent, when_present) = match test.operator {
            Operator::Unknown | Operator::Unread => return Ok(self.constant(Match::Unsure)),
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

    /// When a key holds a value that tests of it do not tell from `found`; always, where they tell it from all.
    pub(in crate::policy) fn alike(
        &mut self,
        key: &str,
        found: &str,
        tests: &[&ConditionTest],
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let Some(Key { domain: Domain::Single { variable, values, .. }, .. }) = self.keys.get(key) else {
            return Ok(Function::TRUE);
        };
        let outcomes =
            |value: &str| -> Vec<Match> { tests.iter().map(|test| test.holds(Found::One(value), &|_| None)).collect() };
        let wanted = outcomes(found);
        let is_alike: Vec<bool> =
            values.iter().map(|value| value.as_deref().is_some_and(|value| outcomes(value) == wanted)).collect();
        if !is_alike.contains(&true) {
            return Ok(Function::TRUE);
        }
        self.diagram.test(*variable, |value| is_alike.get(value) == Some(&true), budget)
    }

    /// When the key is absent; for a set, when it is empty.
    pub(in crate::policy) fn absent(&mut self, key: &str, budget: &mut Budget) -> Result<Function, Exhausted> {
        match self.keys.get(key).map(|key| &key.domain) {
            None => Ok(Function::TRUE),
            Some(Domain::Single { variable, values, .. }) => {
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
            Some(Domain::Single { variable, values, .. }) => {
                let (variable, values) = (*variable, values.clone());
                let mut any = Function::FALSE;
                for (index, value) in values.iter().enumerate() {
                    let Some(value) = value else { continue };
                    let passes = match comparing.quantifier {
                        Some(Quantifier::All) if value.is_empty() => Function::TRUE,
                        _ => {
                            let subject = Subject::Key(test.key.clone());
                            self.passes(test, comparing, subject, value, budget)?
                        }
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
            let subject = Subject::Element(test.key.clone(), value.clone());
            let passes = self.passes(test, comparing, subject, value, budget)?;
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
        subject: Subject,
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
            let mut related = self.relation(subject.clone(), value, comparing.comparison, text, budget)?;
            if comparing.comparison == Comparison::Bool {
                let counts = self.constant(Match::Unsure);
                related = self.diagram.and(related, counts, budget)?;
            }
            equal = self.diagram.or(equal, related, budget)?;
        }
        if comparing.negated { self.diagram.not(equal, budget) } else { Ok(equal) }
    }

    /// When the subject, whose value is `found`, equals a text with policy variables: by the defaults while no variable has
    /// a value, never while one has neither value nor default, and otherwise left open.
    pub(in crate::policy) fn relation(
        &mut self,
        subject: Subject,
        found: &str,
        comparison: Comparison,
        text: &Text,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let resolved = self.resolved(text, budget)?;
        let relation = Relation::new(subject, comparison, text);
        if relation.is_of_one_key() {
            return Ok(resolved);
        }
        let variable = match self.relations.get(&relation) {
            Some(variable) => *variable,
            None => {
                let variable = self.diagram.variable(2)?;
                self.relations.insert(relation, variable);
                variable
            }
        };
        let equal = self.diagram.test(variable, |value| value == 1, budget)?;
        let open = self.diagram.and(equal, resolved, budget)?;
        let Some(default) = by_default(comparison, text) else { return Ok(open) };
        let mut without_values = Function::TRUE;
        for variable in text.variables() {
            let absent = self.without_value(&variable.key, budget)?;
            without_values = self.diagram.and(without_values, absent, budget)?;
        }
        let open = self.diagram.minus(open, without_values, budget)?;
        let equal = if is_met(comparison, &default, found) { without_values } else { Function::FALSE };
        self.diagram.or(open, equal, budget)
    }

    /// Every context that can occur: it keeps the rules, and looser comparisons hold wherever stricter ones do.
    pub(in crate::policy) fn possible(&mut self, budget: &mut Budget) -> Result<Function, Exhausted> {
        let pairs = self.relations.iter().flat_map(|strict| self.relations.iter().map(move |loose| (strict, loose)));
        let implied: Vec<(Variable, Variable)> = pairs
            .filter(|(strict, loose)| strict.0.implies(loose.0))
            .map(|(strict, loose)| (*strict.1, *loose.1))
            .collect();
        let mut possible = self.rules;
        for (strict, loose) in implied {
            let strict = self.diagram.test(strict, |value| value == 1, budget)?;
            let loose = self.diagram.test(loose, |value| value == 1, budget)?;
            let broken = self.diagram.minus(strict, loose, budget)?;
            possible = self.diagram.minus(possible, broken, budget)?;
        }
        Ok(possible)
    }

    /// When every variable of the text has a value or a default.
    pub(in crate::policy) fn resolved(&mut self, text: &Text, budget: &mut Budget) -> Result<Function, Exhausted> {
        let mut resolved = Function::TRUE;
        for variable in text.variables().filter(|variable| variable.default.is_none()) {
            let absent = self.without_value(&variable.key, budget)?;
            resolved = self.diagram.minus(resolved, absent, budget)?;
        }
        Ok(resolved)
    }

    /// When a variable of that key has no value: the key is absent, or it holds a set (semantics V-6).
    fn without_value(&mut self, key: &str, budget: &mut Budget) -> Result<Function, Exhausted> {
        match self.keys.get(key).map(|key| &key.domain) {
            Some(Domain::Set { .. }) => Ok(Function::TRUE),
            _ => self.absent(key, budget),
        }
    }

    /// What a request for `resource` may hold under an assignment, by key as written. Where policy variables are compared
    /// these are attempts, of which none may meet all comparisons.
    pub(in crate::policy) fn contexts(
        &self,
        assignment: &BTreeMap<Variable, usize>,
        resource: Option<&str>,
    ) -> Vec<BTreeMap<String, Held>> {
        let asked = self.relations.iter().filter(|(_, variable)| assignment.contains_key(variable));
        let (equal, different): (Vec<_>, Vec<_>) =
            asked.partition(|(_, variable)| assignment.get(variable) == Some(&1));
        if equal.is_empty() && different.is_empty() {
            return vec![self.context(assignment, &[])];
        }
        let apart: Vec<&str> = different.iter().flat_map(|(relation, _)| relation.variables()).collect();
        let mut attempts = Vec::new();
        for spared in [&[], apart.as_slice()] {
            for turns_case in [false, true] {
                let mut context = self.context(assignment, spared);
                let mut relations = equal.iter().map(|(relation, _)| relation);
                if relations.all(|relation| self.equalize(&mut context, relation, resource, turns_case)) {
                    attempts.push(context);
                }
            }
        }
        attempts
    }

    /// The values of an assignment; of the keys `spared` those that stand in for them.
    fn context(&self, assignment: &BTreeMap<Variable, usize>, spared: &[&str]) -> BTreeMap<String, Held> {
        let chosen = |variable: &Variable| assignment.get(variable).copied().unwrap_or(0);
        let mut context = BTreeMap::new();
        for (name, key) in &self.keys {
            let held = match &key.domain {
                Domain::Single { variable, values, spares } => {
                    let of = |values: &[Option<String>]| values.get(chosen(variable)).cloned().flatten();
                    let spare = spared.contains(&name.as_str()).then(|| of(spares)).flatten();
                    spare.or_else(|| of(values)).map(Held::One)
                }
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
        context
    }

    /// Gives the variables of a relation values that make it hold. `false` when none are found.
    fn equalize(
        &self,
        context: &mut BTreeMap<String, Held>,
        relation: &Relation,
        resource: Option<&str>,
        turns_case: bool,
    ) -> bool {
        let written = |key: &str| self.keys.get(key).map_or(key, |key| key.written.as_str()).to_owned();
        let found = match &relation.subject {
            Subject::Resource => resource,
            Subject::Element(_, value) => Some(value.as_str()),
            Subject::Key(key) => match context.get(&written(key)) {
                Some(Held::One(value)) => Some(value.as_str()),
                _ => None,
            },
        };
        let Some(values) = found.and_then(|found| relation.solved_for(found)) else { return false };
        for (key, value) in values {
            let ignores_case = relation.comparison == Comparison::StringEqualsIgnoreCase;
            let value = if turns_case && ignores_case { with_case_turned(&value) } else { value };
            context.insert(written(&key), Held::One(value));
        }
        true
    }
}

fn with_case_turned(text: &str) -> String {
    let turned = |letter: char| match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    };
    text.chars().map(turned).collect()
}

fn has_quantifier(test: &ConditionTest) -> bool {
    matches!(test.operator, Operator::Compare(comparing) if comparing.quantifier.is_some())
}

/// Keys of other services than those whose keys are known to hold one value.
fn is_foreign(key: &str) -> bool {
    !key.starts_with("aws:") && !key.starts_with("kms:")
}
