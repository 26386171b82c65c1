//! When statements apply, said as briefly as their tests allow: a few conjunctions of tests that hold or do not hold.

use std::collections::BTreeSet;
use std::fmt;

use super::condition::ConditionTest;
use super::document::Statement;
use super::symbolic::contexts::Contexts;
use super::symbolic::diagram::Function;
use super::symbolic::{Budget, Exhausted};

/// The contexts in which a request is allowed, given that everything else matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When<'s> {
    /// In every context.
    Always,
    /// In none.
    Never,
    /// Where one of these conjunctions holds. Each is a prime implicant: without any one of its literals it would say too
    /// much. None of them can be left out.
    Any(Vec<Vec<Literal<'s>>>),
}

/// A test that must hold, or must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal<'s> {
    /// The test as the policy writes it.
    pub test: &'s ConditionTest,
    /// False where the test must fail: the way around a Deny.
    pub holds: bool,
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.test.say(self.holds, formatter)
    }
}

/// When some of the `allows` and none of the `denies` apply, by their condition parts alone. Tests that AWS does not
/// document count in favour of the caller.
///
/// # Errors
/// The budget ran out: the number of conjunctions can grow with two to the power of the number of tests.
pub fn when<'s>(
    allows: &[&'s Statement],
    denies: &[&'s Statement],
    budget: &mut Budget,
) -> Result<When<'s>, Exhausted> {
    let statements: Vec<&Statement> = allows.iter().chain(denies).copied().collect();
    let mut contexts = Contexts::new(&statements, budget)?;
    let mut sides = [Function::FALSE; 2];
    let mut known = Vec::new();
    for ((side, statements), counts) in sides.iter_mut().zip([allows, denies]).zip([true, false]) {
        contexts.count_unsure_as(counts);
        for statement in statements {
            let applies = contexts.condition(statement.condition.as_ref(), budget)?;
            *side = contexts.diagram.or(*side, applies, budget)?;
            for test in statement.tests() {
                known.push(Known { test, holds: contexts.test(test, budget)? });
            }
        }
    }
    let wanted = contexts.diagram.minus(sides[0], sides[1], budget)?;
    let possible = contexts.possible(budget)?;
    implicants(&mut contexts, possible, wanted, known, budget)
}

/// A test with the function that says when it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'s> {
    pub(super) test: &'s ConditionTest,
    pub(super) holds: Function,
}

/// When a function holds, in terms of tests that decide it, among the contexts that are possible. Of tests that hold together
/// the first is named.
pub(super) fn implicants<'s>(
    contexts: &mut Contexts,
    possible: Function,
    wanted: Function,
    mut tests: Vec<Known<'s>>,
    budget: &mut Budget,
) -> Result<When<'s>, Exhausted> {
    let wanted = contexts.diagram.and(wanted, possible, budget)?;
    match wanted {
        Function::FALSE => return Ok(When::Never),
        _ if wanted == possible => return Ok(When::Always),
        _ => {}
    }
    let mut seen = BTreeSet::new();
    tests.retain(|known| seen.insert(known.holds));
    let mut search = Search { contexts, possible, wanted, tests, found: BTreeSet::new() };
    search.split(0, possible, &mut Vec::new(), budget)?;
    search.answer(budget)
}

struct Search<'c, 's> {
    contexts: &'c mut Contexts,
    possible: Function,
    wanted: Function,
    tests: Vec<Known<'s>>,
    /// Conjunctions as sorted lists of test and whether it holds.
    found: BTreeSet<Vec<(usize, bool)>>,
}

impl<'s> Search<'_, 's> {
    /// Decides one test after another until the wanted function is decided too.
    fn split(
        &mut self,
        next: usize,
        so_far: Function,
        chosen: &mut Vec<(usize, bool)>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        budget.spend(16)?;
        if self.contexts.diagram.and(so_far, self.wanted, budget)? == Function::FALSE {
            return Ok(());
        }
        if self.contexts.diagram.minus(so_far, self.wanted, budget)? == Function::FALSE {
            let prime = self.prime(chosen, budget)?;
            self.found.insert(prime);
            return Ok(());
        }
        let Some(test) = self.tests.get(next).map(|known| known.holds) else { return Ok(()) };
        for holds in [true, false] {
            let narrowed = match holds {
                true => self.contexts.diagram.and(so_far, test, budget)?,
                false => self.contexts.diagram.minus(so_far, test, budget)?,
            };
            chosen.push((next, holds));
            self.split(next + 1, narrowed, chosen, budget)?;
            chosen.pop();
        }
        Ok(())
    }

    /// Drops every literal that is not needed, those that must fail first, then late ones.
    fn prime(&mut self, chosen: &[(usize, bool)], budget: &mut Budget) -> Result<Vec<(usize, bool)>, Exhausted> {
        let mut kept = chosen.to_vec();
        let mut order = chosen.to_vec();
        order.sort_by_key(|(test, holds)| (*holds, std::cmp::Reverse(*test)));
        for literal in order {
            let without: Vec<(usize, bool)> = kept.iter().copied().filter(|other| *other != literal).collect();
            let conjunction = self.conjunction(&without, budget)?;
            if self.contexts.diagram.minus(conjunction, self.wanted, budget)? == Function::FALSE {
                kept = without;
            }
        }
        Ok(kept)
    }

    fn conjunction(&mut self, literals: &[(usize, bool)], budget: &mut Budget) -> Result<Function, Exhausted> {
        let mut all = self.possible;
        for (test, holds) in literals {
            let Some(function) = self.tests.get(*test).map(|known| known.holds) else { continue };
            all = match holds {
                true => self.contexts.diagram.and(all, function, budget)?,
                false => self.contexts.diagram.minus(all, function, budget)?,
            };
        }
        Ok(all)
    }

    /// The conjunctions without those that the others cover, long ones dropped first.
    fn answer(mut self, budget: &mut Budget) -> Result<When<'s>, Exhausted> {
        let mut kept: Vec<Vec<(usize, bool)>> = self.found.iter().cloned().collect();
        kept.sort_by_key(|literals| (literals.len(), literals.clone()));
        for position in (0..kept.len()).rev() {
            let mut others = Function::FALSE;
            for (_, literals) in kept.iter().enumerate().filter(|(other, _)| *other != position) {
                let conjunction = self.conjunction(literals, budget)?;
                others = self.contexts.diagram.or(others, conjunction, budget)?;
            }
            if self.contexts.diagram.minus(self.wanted, others, budget)? == Function::FALSE {
                kept.remove(position);
            }
        }
        let literal = |(test, holds): &(usize, bool)| {
            self.tests.get(*test).map(|known| Literal { test: known.test, holds: *holds })
        };
        Ok(When::Any(kept.iter().map(|literals| literals.iter().filter_map(literal).collect()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::{Document, Effect};
    use super::*;

    fn said(statements: &[(&str, &str)]) -> String {
        let statement = |(effect, condition): &(&str, &str)| {
            format!(r#"{{"Effect":"{effect}","Action":"kms:*","Resource":"*","Condition":{condition}}}"#)
        };
        let list: Vec<String> = statements.iter().map(statement).collect();
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(","));
        let document = Document::parse(&document).unwrap();
        let of = |effect| document.statements_of(effect).collect::<Vec<_>>();
        let (allows, denies) = (of(Effect::Allow), of(Effect::Deny));
        match when(&allows, &denies, &mut Budget::default()).unwrap() {
            When::Always => "always".to_owned(),
            When::Never => "never".to_owned(),
            When::Any(conjunctions) => {
                let literal = |literal: &Literal<'_>| {
                    let values: Vec<&str> = literal.test.values.iter().map(super::super::Text::source).collect();
                    let sign = if literal.holds { "" } else { "not " };
                    format!("{sign}{}={}", literal.test.key, values.join(","))
                };
                let conjunction = |list: &Vec<Literal<'_>>| list.iter().map(literal).collect::<Vec<_>>().join(" and ");
                conjunctions.iter().map(conjunction).collect::<Vec<_>>().join(" or ")
            }
        }
    }

    const VIA: &str = r#"{"StringEquals":{"kms:ViaService":"s3"}}"#;
    const MFA: &str = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;

    #[test]
    fn a_condition_is_said_as_it_stands() {
        assert_eq!(said(&[("Allow", VIA)]), "kms:viaservice=s3");
        assert_eq!(said(&[("Allow", VIA), ("Allow", MFA)]), "kms:viaservice=s3 or aws:multifactorauthpresent=true");
    }

    #[test]
    fn a_deny_is_a_negative_literal_only_where_it_matters() {
        assert_eq!(said(&[("Allow", VIA), ("Deny", MFA)]), "kms:viaservice=s3 and not aws:multifactorauthpresent=true");
        let other = r#"{"StringEquals":{"kms:ViaService":"rds"}}"#;
        assert_eq!(said(&[("Allow", VIA), ("Deny", other)]), "kms:viaservice=s3");
        assert_eq!(said(&[("Allow", VIA), ("Deny", VIA)]), "never");
    }

    #[test]
    fn what_covers_everything_together_is_always() {
        let not_s3 = r#"{"StringNotEquals":{"kms:ViaService":"s3"}}"#;
        assert_eq!(said(&[("Allow", VIA), ("Allow", not_s3)]), "always");
        let contradiction = r#"{"StringEquals":{"kms:ViaService":"s3"},"StringLike":{"kms:ViaService":"r*"}}"#;
        assert_eq!(said(&[("Allow", contradiction)]), "never");
    }

    #[test]
    fn implied_tests_are_left_out() {
        let both = r#"{"StringEquals":{"kms:ViaService":"s3"},"StringLike":{"kms:ViaService":"s*"}}"#;
        assert_eq!(said(&[("Allow", both)]), "kms:viaservice=s3");
        assert_eq!(said(&[("Allow", both), ("Allow", VIA), ("Allow", MFA)]).matches(" or ").count(), 1);
    }
}
