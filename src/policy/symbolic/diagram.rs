//! Boolean functions over variables of a few values each, as reduced ordered decision diagrams.

use std::collections::{BTreeMap, BTreeSet};

use super::{Budget, Exhausted};

/// A function, valid in the diagram that made it. Equal functions have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Function(usize);

/// A variable of a diagram. Its values are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Variable(usize);

impl Function {
    pub(in crate::policy) const FALSE: Self = Self(0);
    pub(in crate::policy) const TRUE: Self = Self(1);
}

/// Functions with shared parts. Every path tests variables in the order in which they were made.
#[derive(Debug, Default)]
pub(in crate::policy) struct Diagram {
    /// How many values each variable has.
    values: Vec<usize>,
    /// From 2 on: the variable tested and the function for each of its values.
    nodes: Vec<(Variable, Vec<Function>)>,
    numbers: BTreeMap<(Variable, Vec<Function>), Function>,
    conjunctions: BTreeMap<(Function, Function), Function>,
    negations: BTreeMap<Function, Function>,
}

/// What a node costs for good, beyond the work of finding it: the memory that it takes in all tables.
const NODE: usize = 128;

/// The same for a conjunction that is remembered.
const CONJUNCTION: usize = 32;

/// More variables than this exhaust a budget: functions are walked to a depth of one call for each.
const MAX_VARIABLES: usize = 1500;

impl Diagram {
    /// A new variable with that many values, tested after all earlier ones.
    pub(in crate::policy) fn variable(&mut self, values: usize) -> Result<Variable, Exhausted> {
        if self.values.len() == MAX_VARIABLES {
            return Err(Exhausted);
        }
        self.values.push(values);
        Ok(Variable(self.values.len() - 1))
    }

    /// The function that holds for the values of `variable` for which `holds` does.
    pub(in crate::policy) fn test(
        &mut self,
        variable: Variable,
        holds: impl Fn(usize) -> bool,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let count = self.values.get(variable.0).copied().unwrap_or(0);
        let children = (0..count).map(|value| if holds(value) { Function::TRUE } else { Function::FALSE }).collect();
        self.node(variable, children, budget)
    }

    pub(in crate::policy) fn not(&mut self, function: Function, budget: &mut Budget) -> Result<Function, Exhausted> {
        match function {
            Function::TRUE => return Ok(Function::FALSE),
            Function::FALSE => return Ok(Function::TRUE),
            _ => {}
        }
        if let Some(known) = self.negations.get(&function) {
            return Ok(*known);
        }
        let Some((variable, children)) = self.node_of(function).cloned() else { return Ok(function) };
        let mut negated = Vec::with_capacity(children.len());
        for child in children {
            negated.push(self.not(child, budget)?);
        }
        let result = self.node(variable, negated, budget)?;
        self.negations.insert(function, result);
        Ok(result)
    }

    pub(in crate::policy) fn and(
        &mut self,
        a: Function,
        b: Function,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        match (a, b) {
            (Function::FALSE, _) | (_, Function::FALSE) => return Ok(Function::FALSE),
            (Function::TRUE, other) | (other, Function::TRUE) => return Ok(other),
            _ if a == b => return Ok(a),
            _ => {}
        }
        let pair = (a.min(b), a.max(b));
        if let Some(known) = self.conjunctions.get(&pair) {
            return Ok(*known);
        }
        budget.spend(CONJUNCTION)?;
        let (Some((left, _)), Some((right, _))) = (self.node_of(a), self.node_of(b)) else {
            return Ok(Function::FALSE);
        };
        let variable = *left.min(right);
        let count = self.values.get(variable.0).copied().unwrap_or(0);
        let mut children = Vec::with_capacity(count);
        for value in 0..count {
            let (a, b) = (self.given(a, variable, value), self.given(b, variable, value));
            children.push(self.and(a, b, budget)?);
        }
        let result = self.node(variable, children, budget)?;
        self.conjunctions.insert(pair, result);
        Ok(result)
    }

    pub(in crate::policy) fn or(
        &mut self,
        a: Function,
        b: Function,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let (a, b) = (self.not(a, budget)?, self.not(b, budget)?);
        let neither = self.and(a, b, budget)?;
        self.not(neither, budget)
    }

    /// `a` where `b` does not hold.
    pub(in crate::policy) fn minus(
        &mut self,
        a: Function,
        b: Function,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let b = self.not(b, budget)?;
        self.and(a, b, budget)
    }

    /// When `function` holds for some values of the given variables.
    pub(in crate::policy) fn exists(
        &mut self,
        function: Function,
        variables: &BTreeSet<Variable>,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        self.projected(function, variables, &mut BTreeMap::new(), budget)
    }

    fn projected(
        &mut self,
        function: Function,
        away: &BTreeSet<Variable>,
        done: &mut BTreeMap<Function, Function>,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        if let Some(known) = done.get(&function) {
            return Ok(*known);
        }
        let Some((variable, children)) = self.node_of(function).cloned() else { return Ok(function) };
        let mut left = Vec::with_capacity(children.len());
        for child in children {
            left.push(self.projected(child, away, done, budget)?);
        }
        let result = if away.contains(&variable) {
            let mut any = Function::FALSE;
            for child in left {
                any = self.or(any, child, budget)?;
            }
            any
        } else {
            self.node(variable, left, budget)?
        };
        done.insert(function, result);
        Ok(result)
    }

    /// Whether `function` holds under an assignment of every variable.
    #[cfg(test)]
    pub(in crate::policy) fn holds(&self, function: Function, assignment: &BTreeMap<Variable, usize>) -> bool {
        let mut current = function;
        while let Some((variable, children)) = self.node_of(current) {
            current = children[assignment[variable]];
        }
        current == Function::TRUE
    }

    /// The cheapest assignment under which `function` holds, as values of the variables that matter: values other than 0
    /// cost one each. `None` when there is none.
    pub(in crate::policy) fn cheapest(&self, function: Function) -> Option<BTreeMap<Variable, usize>> {
        let mut costs: BTreeMap<Function, (usize, usize)> = BTreeMap::new();
        // Children have smaller numbers than their parents, so that one pass in order meets every child first.
        for (index, (_, children)) in self.nodes.iter().enumerate().take((function.0 + 1).saturating_sub(2)) {
            let cost = |child: Function| match child {
                Function::TRUE => Some(0),
                Function::FALSE => None,
                other => costs.get(&other).map(|(cost, _)| *cost),
            };
            let priced = children
                .iter()
                .enumerate()
                .filter_map(|(value, child)| Some((cost(*child)? + usize::from(value != 0), value)));
            if let Some(best) = priced.min() {
                costs.insert(Function(index + 2), best);
            }
        }
        let mut assignment = BTreeMap::new();
        let mut current = function;
        while current != Function::TRUE {
            let (_, value) = costs.get(&current)?;
            let (variable, children) = self.node_of(current)?;
            assignment.insert(*variable, *value);
            current = *children.get(*value)?;
        }
        Some(assignment)
    }

    fn node_of(&self, function: Function) -> Option<&(Variable, Vec<Function>)> {
        self.nodes.get(function.0.checked_sub(2)?)
    }

    fn given(&self, function: Function, variable: Variable, value: usize) -> Function {
        match self.node_of(function) {
            Some((tested, children)) if *tested == variable => children.get(value).copied().unwrap_or(Function::FALSE),
            _ => function,
        }
    }

    fn node(
        &mut self,
        variable: Variable,
        children: Vec<Function>,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        budget.spend(children.len() * 8)?;
        if let Some(first) = children.first()
            && children.iter().all(|child| child == first)
        {
            return Ok(*first);
        }
        if let Some(known) = self.numbers.get(&(variable, children.clone())) {
            return Ok(*known);
        }
        budget.spend(NODE + children.len() * 8)?;
        let number = Function(self.nodes.len() + 2);
        self.nodes.push((variable, children.clone()));
        self.numbers.insert((variable, children), number);
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Formula {
        Test(usize, Vec<bool>),
        Not(Box<Self>),
        And(Box<Self>, Box<Self>),
        Or(Box<Self>, Box<Self>),
    }

    impl Formula {
        fn holds(&self, values: &[usize]) -> bool {
            match self {
                Self::Test(variable, holds) => holds[values[*variable]],
                Self::Not(inner) => !inner.holds(values),
                Self::And(a, b) => a.holds(values) && b.holds(values),
                Self::Or(a, b) => a.holds(values) || b.holds(values),
            }
        }

        fn build(&self, diagram: &mut Diagram, budget: &mut Budget) -> Function {
            match self {
                Self::Test(variable, holds) => diagram.test(Variable(*variable), |value| holds[value], budget).unwrap(),
                Self::Not(inner) => {
                    let inner = inner.build(diagram, budget);
                    diagram.not(inner, budget).unwrap()
                }
                Self::And(a, b) | Self::Or(a, b) => {
                    let (a, b) = (a.build(diagram, budget), b.build(diagram, budget));
                    if matches!(self, Self::And(..)) {
                        diagram.and(a, b, budget).unwrap()
                    } else {
                        diagram.or(a, b, budget).unwrap()
                    }
                }
            }
        }
    }

    fn formula() -> impl Strategy<Value = Formula> {
        let test = (0_usize..3, proptest::collection::vec(any::<bool>(), 3)).prop_map(|(v, h)| Formula::Test(v, h));
        test.prop_recursive(4, 24, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|a| Formula::Not(Box::new(a))),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| Formula::And(Box::new(a), Box::new(b))),
                (inner.clone(), inner).prop_map(|(a, b)| Formula::Or(Box::new(a), Box::new(b))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn equal_functions_are_one_and_the_cheapest_assignment_holds(a in formula(), b in formula()) {
            let mut diagram = Diagram::default();
            let mut budget = Budget::default();
            for _ in 0..3 {
                diagram.variable(3).unwrap();
            }
            let (left, right) = (a.build(&mut diagram, &mut budget), b.build(&mut diagram, &mut budget));
            let all = || (0..27).map(|n| [n / 9, n / 3 % 3, n % 3]);
            prop_assert_eq!(left == right, all().all(|values| a.holds(&values) == b.holds(&values)));
            let away = BTreeSet::from([Variable(1)]);
            let projected = diagram.exists(left, &away, &mut budget).unwrap();
            for [first, second, third] in all() {
                let some = (0..3).any(|value| a.holds(&[first, value, third]));
                let assignment = [first, second, third].into_iter().enumerate().map(|(at, value)| (Variable(at), value));
                prop_assert_eq!(diagram.holds(projected, &assignment.collect()), some);
            }
            let cheapest = diagram.cheapest(left);
            prop_assert_eq!(cheapest.is_some(), all().any(|values| a.holds(&values)));
            if let Some(assignment) = cheapest {
                let values = [0, 1, 2].map(|variable| assignment.get(&Variable(variable)).copied().unwrap_or(0));
                prop_assert!(a.holds(&values));
                let cost = |values: [usize; 3]| values.iter().filter(|value| **value != 0).count();
                let least = all().filter(|values| a.holds(values)).map(cost).min();
                prop_assert_eq!(Some(cost(values)), least);
            }
        }
    }
}
