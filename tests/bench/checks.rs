//! What all checks cost beside only reading and parsing the same accounts.
//!
//! usage: checks SNAPSHOT [CHECK…]

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measuring program, not the product"
)]

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use keyproof::audit::{self, EVERYTHING, Part, Timings};
use keyproof::checks::{CHECKS, Check, Parameters, Verdicts};
use keyproof::frameworks;
use keyproof::snapshot::{self, Snapshot};
use keyproof::waivers::Waivers;
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // `cargo bench` adds `--bench` to the arguments.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some((folder, named)) = arguments.split_first() else { return };
    let snapshot = Snapshot::open(Path::new(folder)).unwrap();
    let is_named = |check: &&Check| named.is_empty() || named.iter().any(|name| name == check.id);
    let checks: Vec<&Check> = CHECKS.iter().copied().filter(is_named).collect();
    let start = clock();
    let organization = snapshot.organization().unwrap();
    snapshot.manifest().accounts.par_iter().for_each(|account| drop(snapshot.account(account, &organization).unwrap()));
    println!("reading_elapsed {:.2}", (clock() - start).as_secs_f64());
    let timings = Timings::new(clock);
    let options = audit::Options {
        checks: &checks,
        parameters: &Parameters::default(),
        verdicts: Verdicts::default(),
        frameworks: frameworks::all().unwrap(),
        selection: &EVERYTHING,
        waivers: &Waivers::default(),
        as_of: None,
        first_seen: None,
        timings: Some(&timings),
    };
    let start = clock();
    let mut findings = 0;
    audit::run(&snapshot, options, |account| {
        findings += account.findings.len();
        Ok::<_, snapshot::Error>(())
    })
    .unwrap();
    println!("audit_elapsed {:.2}", (clock() - start).as_secs_f64());
    println!("findings {findings}");
    let spent = timings.spent();
    let of = |wanted: &dyn Fn(&Part) -> bool| {
        let parts = spent.iter().filter(|(part, _)| wanted(part));
        parts.map(|(_, spent)| *spent).sum::<Duration>().as_secs_f64()
    };
    println!("reading {:.2}", of(&|part| *part == Part::Reading));
    println!("evidence {:.2}", of(&|part| *part == Part::Evidence));
    println!("checks {:.2}", of(&|part| matches!(part, Part::Check(_) | Part::Resources | Part::Administrators)));
    let mut each: Vec<(&Part, &Duration)> =
        spent.iter().filter(|(part, _)| matches!(part, Part::Check(_) | Part::Administrators)).collect();
    each.sort_by_key(|(_, spent)| std::cmp::Reverse(**spent));
    for (part, spent) in each {
        println!("  {part:?} {:.2}", spent.as_secs_f64());
    }
}

/// The time since the first look.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
