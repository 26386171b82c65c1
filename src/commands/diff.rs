//! `keyproof diff`: two snapshots under today's rules.

use std::fmt::Write as _;
use std::path::Path;

use super::Exit;
use super::audit::Access;
use super::console::{Console, harmless_lines};
use super::selection::{Asked, Names};
use crate::cli::DiffArgs;
use crate::config::Config;
use crate::diff::{self, Changes, Class};
use crate::files;
use crate::report::{self, CHANGES};
use crate::snapshot::Snapshot;

pub(super) fn run(args: &DiffArgs, config: &Config, console: &Console) -> anyhow::Result<Exit> {
    let (old, new) = (Snapshot::open(&args.old)?, Snapshot::open(&args.new)?);
    if !config.audit.tags.is_empty() {
        // A tag that came or went would look like an exception that did.
        console.warn("`tags` under [audit] do not narrow a comparison");
    }
    let waivers = args.waivers.as_deref();
    let asked = Asked::new(
        &args.selection,
        &Names::new("--tag", &[], "tags", &[]),
        args.verdicts,
        waivers,
        config,
        &[&old, &new],
    )?;
    let accounts = [&old, &new].into_iter().map(|it| it.manifest().accounts.len()).max().unwrap_or_default();
    let with_access = Access::of_flags(args.access, args.no_access).is_wanted(accounts, "comparison", console);
    let (changes, root) = write_comparison(&old, &new, &args.out, &asked, with_access)?;
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
    old: &Snapshot,
    new: &Snapshot,
    out: &Path,
    asked: &Asked,
    with_access: bool,
) -> anyhow::Result<(Changes, String)> {
    files::keep_out_of(out, &[old.folder(), new.folder()])?;
    files::output_folder(out)?;
    let written = fill(old, new, out, asked, with_access);
    if written.is_err() {
        // The folder was empty before: half a comparison must not be mistaken for one.
        // A folder that stays behind has no manifest; the reason of the failure matters more.
        let _ = files::remove_folder(out);
    }
    written
}

fn fill(
    old: &Snapshot,
    new: &Snapshot,
    out: &Path,
    asked: &Asked,
    with_access: bool,
) -> anyhow::Result<(Changes, String)> {
    let changes = diff::run(old, new, asked.options(None, None, None), with_access)?;
    let sealed = report::write_comparison(out, &changes, &asked.waivers)?;
    Ok((changes, sealed.root))
}

/// The sum of the exceptions, for a terminal.
pub(super) fn in_words(changes: &Changes) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "From {} to {}\n", changes.old.end, changes.new.end)?;
    if !changes.narrowed.is_empty() {
        writeln!(text, "  {}\n", changes.narrowed.join("\n  "))?;
    }
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
    // What became of decrypting; the page tells the rest.
    if let Some(sentence) = changes.access.iter().flat_map(|access| report::access_sentences(access)).next() {
        writeln!(text, "  {}", sentence.replace("; ", ";\n  "))?;
    }
    Ok(text)
}
