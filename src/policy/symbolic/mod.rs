//! Exact reasoning over all requests at once: every question is asked of finitely many representatives.

pub(super) mod atoms;
mod automaton;
pub(super) mod bits;
pub(super) mod boxes;
pub(super) mod class;
pub(super) mod contexts;
pub(super) mod decision;
pub(super) mod diagram;
pub(super) mod relations;
mod rules;
pub(super) mod space;
mod values;

/// What a question may cost. A question that needs more is answered with "unknown", never with a guess.
///
/// A step is about one machine word touched, and what is kept costs extra; the default of 25 million is a fraction of a second
/// and at most some hundred megabytes. A typical policy takes some hundred steps.
#[derive(Debug, Clone)]
pub struct Budget {
    steps: u64,
}

/// The budget ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the question needs more steps than its budget allows")]
pub struct Exhausted;

impl Default for Budget {
    fn default() -> Self {
        Self::of_steps(25_000_000)
    }
}

impl Budget {
    /// A budget of that many steps.
    #[must_use]
    pub fn of_steps(steps: u64) -> Self {
        Self { steps }
    }

    /// Takes `steps` from what is left.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(Exhausted)?;
        Ok(())
    }
}

/// Questions with their answers, one a line: those of the specification, then our own.
#[cfg(test)]
pub(super) const VECTORS: &str = concat!(
    include_str!("../../../tests/vectors/symbolic.jsonl"),
    include_str!("../../../tests/vectors/symbolic-rules.jsonl")
);
