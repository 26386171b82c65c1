//! Where the time of an audit goes. The clock is the caller's: nothing that an audit says depends on it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Decompressing and parsing the snapshot.
    Reading,
    /// Preparing how findings name what is judged.
    Resources,
    /// One check, by id.
    Check(&'static str),
    /// Numbering what findings rest on, and taking it from the raw answers.
    Evidence,
    /// Telling who is an administrator.
    Administrators,
    /// Deciding who can do what with every key, and writing that.
    Access,
    /// Rendering and writing everything else.
    Writing,
}

/// Time by part, summed over the threads that count theirs.
#[derive(Debug)]
pub struct Timings {
    clock: fn() -> Duration,
    spent: Mutex<BTreeMap<Part, Duration>>,
}

impl Timings {
    /// No time spent yet; `clock` tells the time since some moment, and never goes back.
    pub fn new(clock: fn() -> Duration) -> Self {
        Self { clock, spent: Mutex::default() }
    }

    /// The time spent on each part.
    pub fn spent(&self) -> BTreeMap<Part, Duration> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

thread_local! {
    /// The time that parts took inside of the one that a thread is at.
    static INSIDE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Does the work, and counts its time where somebody wants to know. What another part takes inside of it counts for that one alone: a
/// thread that waits for others does some work of theirs meanwhile.
pub fn measured<T>(timings: Option<&Timings>, part: Part, work: impl FnOnce() -> T) -> T {
    let Some(timings) = timings else { return work() };
    let before = INSIDE.replace(Duration::ZERO);
    let start = (timings.clock)();
    let done = work();
    let whole = (timings.clock)().saturating_sub(start);
    let own = whole.saturating_sub(INSIDE.replace(before + whole));
    *timings.spent.lock().unwrap_or_else(PoisonError::into_inner).entry(part).or_default() += own;
    done
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A second passes whenever it is looked at.
    fn clock() -> Duration {
        static LOOKS: AtomicU64 = AtomicU64::new(0);
        Duration::from_secs(LOOKS.fetch_add(1, Ordering::SeqCst))
    }

    #[test]
    fn time_is_summed_by_part_and_the_result_is_that_of_the_work() {
        let timings = Timings::new(clock);
        assert_eq!(measured(Some(&timings), Part::Reading, || 7), 7);
        assert_eq!(measured(Some(&timings), Part::Reading, || 8), 8);
        assert_eq!(measured(None, Part::Writing, || 9), 9);
        assert_eq!(timings.spent(), BTreeMap::from([(Part::Reading, Duration::from_secs(2))]));
        // The clock is looked at four times: three seconds in all, of which one is that of the check.
        measured(Some(&timings), Part::Writing, || measured(Some(&timings), Part::Check("a"), || ()));
        let spent = timings.spent();
        assert_eq!(spent[&Part::Check("a")], Duration::from_secs(1));
        assert_eq!(spent[&Part::Writing], Duration::from_secs(2));
    }
}
