//! `--timings`: where the time of an audit went, for standard error. Never a part of a pack, whose bytes do not depend on a clock.
#![expect(clippy::disallowed_methods, reason = "how long an audit took is for people who wait, and reaches no result")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::audit::Part;

/// Time since the first look.
pub(super) fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// The time by phase and by check, the longest first; `elapsed` is what a clock on the wall showed.
pub(super) fn in_words(
    spent: &BTreeMap<Part, Duration>,
    elapsed: Duration,
    threads: usize,
) -> Result<String, std::fmt::Error> {
    let mut phases: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut checks = Vec::new();
    for (part, time) in spent {
        let phase = match part {
            Part::Reading => "reading",
            Part::Resources => "resources",
            Part::Check(id) => {
                checks.push((*id, *time));
                "checks"
            }
            Part::Evidence => "evidence",
            Part::Administrators => "administrators",
            Part::Access => "access",
            Part::Writing => "writing",
        };
        *phases.entry(phase).or_default() += *time;
    }
    let mut text = format!(
        "Time by phase, what is done for each account summed over {threads} threads; {:.3} s elapsed\n",
        elapsed.as_secs_f64()
    );
    write_rows(&mut text, &phases.into_iter().collect::<Vec<_>>())?;
    text.push_str("\nTime by check; what several checks need is counted for the first that asks\n");
    write_rows(&mut text, &checks)?;
    Ok(text.trim_end().to_owned())
}

/// Rows of name, seconds and share, the longest first.
fn write_rows(text: &mut String, rows: &[(&str, Duration)]) -> std::fmt::Result {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(name, time)| (std::cmp::Reverse(*time), *name));
    let all: Duration = rows.iter().map(|(_, time)| *time).sum();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, time) in rows {
        let share = 100.0 * time.as_secs_f64() / all.as_secs_f64().max(f64::MIN_POSITIVE);
        writeln!(text, "  {name:<width$}{:>11.3} s{share:>5.0} %", time.as_secs_f64())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_by_time_and_checks_add_up_to_their_phase() {
        let spent = BTreeMap::from([
            (Part::Reading, Duration::from_millis(250)),
            (Part::Check("a-check"), Duration::from_millis(500)),
            (Part::Check("b-check"), Duration::from_millis(1500)),
        ]);
        let text = in_words(&spent, Duration::from_millis(1200), 2).unwrap();
        assert_eq!(
            text,
            "Time by phase, what is done for each account summed over 2 threads; 1.200 s elapsed\n  \
             checks       2.000 s   89 %\n  \
             reading      0.250 s   11 %\n\n\
             Time by check; what several checks need is counted for the first that asks\n  \
             b-check      1.500 s   75 %\n  \
             a-check      0.500 s   25 %"
        );
    }

    #[test]
    fn the_clock_never_goes_back() {
        assert!(clock() <= clock());
    }
}
