//! `keyproof diff`: two snapshots under today's rules.

use std::fmt::Write as _;
use std::path::Path;

use super::Exit;
use super::console::{Console, harmless_lines};
use crate::audit;
use crate::checks::{CHECKS, Parameters, Verdicts};
use crate::cli::DiffArgs;
use crate::config::Config;
use crate::diff::{self, Changes, Class};
use crate::files;
use crate::frameworks;
use crate::report::{self, CHANGES};
use crate::snapshot::Snapshot;

pub(super) fn run(args: &DiffArgs, config: &Config, console: &Console) -> anyhow::Result<Exit> {
    let (changes, root) = write_comparison(&args.old, &args.new, &args.out, &config.parameters)?;
    let mut text = in_words(&changes)?;
    writeln!(text, "\nPack root      {root}")?;
    writeln!(text, "Open           {}", args.out.join(CHANGES).display())?;
    super::print(harmless_lines(&text).as_bytes())?;
    if changes.is_incomplete() {
        console.warn("one of the snapshots has holes; what they hide is NO LONGER ASSESSABLE, never FIXED");
    }
    Ok(if changes.is_incomplete() && !args.allow_incomplete { Exit::Incomplete } else { Exit::Done })
}

/// Compares two snapshots and writes the comparison into a missing or empty folder. Gives the changes and the pack root.
pub(super) fn write_comparison(
    old: &Path,
    new: &Path,
    out: &Path,
    parameters: &Parameters,
) -> anyhow::Result<(Changes, String)> {
    let (old, new) = (Snapshot::open(old)?, Snapshot::open(new)?);
    files::keep_out_of(out, &[old.folder(), new.folder()])?;
    files::output_folder(out)?;
    let written = fill(&old, &new, out, parameters);
    if written.is_err() {
        // The folder was empty before: half a comparison must not be mistaken for one.
        // A folder that stays behind has no manifest; the reason of the failure matters more.
        let _ = files::remove_folder(out);
    }
    written
}

fn fill(old: &Snapshot, new: &Snapshot, out: &Path, parameters: &Parameters) -> anyhow::Result<(Changes, String)> {
    let options = audit::Options {
        checks: CHECKS,
        parameters,
        verdicts: Verdicts::Keyproof,
        frameworks: frameworks::all()?,
        as_of: None,
        first_seen: None,
    };
    let changes = diff::run(old, new, options)?;
    let sealed = report::write_comparison(out, &changes)?;
    Ok((changes, sealed.root))
}

/// The sum of the exceptions, for a terminal.
pub(super) fn in_words(changes: &Changes) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "From {} to {}\n", changes.old.end, changes.new.end)?;
    writeln!(text, "  {:<24}{:>7}", "exceptions then", changes.balance.open_old)?;
    for class in Class::ALL {
        let count = changes.counts.get(&class).copied().unwrap_or_default();
        let sign = match class {
            Class::New | Class::NewlyAssessable | Class::WaiverEnded => '+',
            Class::Fixed | Class::NoLongerAssessable | Class::Waived => '-',
            Class::Unchanged | Class::Other => continue,
        };
        if count > 0 {
            writeln!(text, "  {:<24}{:>7}", class.words(), format!("{sign}{count}"))?;
        }
    }
    writeln!(text, "  {:<24}{:>7}", "exceptions now", changes.balance.open_new)?;
    writeln!(
        text,
        "\n  {} accounts changed, {} principals and keys came, went or were replaced",
        changes.accounts.len(),
        changes.resources.len()
    )?;
    Ok(text)
}
