//! `keyproof audit`: a snapshot becomes an evidence pack.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::Exit;
use super::console::{Console, harmless, harmless_lines};
use super::misuse::misuse;
use super::selection::{Asked, Names};
use super::{custody, redact, timings};
use crate::audit::{self, Determination, FrameworkResult, Selection, Standing, Summary, Tie, Timings};
use crate::checks::Verdicts;
use crate::cli::{AuditArgs, FailOn, VerdictsArg};
use crate::config::Config;
use crate::files;
use crate::finding::{Severity, Status};
use crate::frameworks::OwnFile;
use crate::report::{self, Custody, INDEX, Pack, Prior, Redaction, Sample, Sealed, SigningKey, is_hidden};
use crate::snapshot::Snapshot;

/// What an audit amounts to.
pub(super) struct Audited<'a> {
    pub(super) summary: Summary,
    pub(super) results: Vec<FrameworkResult<'a>>,
    sealed: Sealed,
}

pub(super) fn run(args: &AuditArgs, config: &Config, console: &Console) -> anyhow::Result<Exit> {
    let start = timings::clock();
    let spent = args.timings.then(|| Timings::new(timings::clock));
    let key = args.sign.as_deref().map(signing_key).transpose()?;
    let snapshot = Snapshot::open(&args.snapshot)?;
    let prior = args.prior.as_deref().map(|prior| prior_pack(prior, &snapshot, &args.out)).transpose()?;
    let tags = Names::new("--tag", &args.tag, "tags", &config.audit.tags);
    let waivers = args.waivers.as_deref();
    let asked = Asked::new(&args.selection, &tags, args.verdicts, waivers, config, &[&snapshot])?;
    let settings = Settings {
        audit: asked.options(args.as_of.or(config.audit.as_of), prior.as_ref(), spent.as_ref()),
        own_frameworks: &asked.library.own,
        prior: prior.as_ref(),
    };
    let with_snapshot = !(args.no_snapshot || config.audit.no_snapshot);
    let sample = sample(args)?;
    let custody = args.custody.then(custody::of_this_run).transpose()?;
    let redaction = redact::asked(args, &snapshot, settings.audit.waivers, console)?;
    let parts = Parts {
        with_snapshot,
        access: Access::of_flags(args.access, args.no_access),
        with_workbook: args.xlsx,
        sample: sample.as_ref(),
        custody: custody.as_ref(),
        redaction: redaction.as_ref(),
    };
    let audited = write_pack(&snapshot, &args.out, settings, parts, console)?;
    let handed = hand_over(args, key.as_ref(), &audited, &snapshot, redaction.as_deref())?;
    let summary = &audited.summary;
    warn_of_gaps(summary, console);
    warn_of_tags(summary, &asked.selection, console);
    warn_of_waivers(summary, console);
    let mut text = in_words(summary, &audited.results, &asked.selection)?;
    writeln!(text, "\nSnapshot root  {}", snapshot.root())?;
    writeln!(text, "Pack root      {}", audited.sealed.root)?;
    text.push_str(&handed);
    writeln!(text, "Open           {}", args.out.join(INDEX).display())?;
    super::print(harmless_lines(&text).as_bytes())?;
    if let Some(spent) = spent {
        let elapsed = timings::clock().saturating_sub(start);
        console.note(&timings::in_words(&spent.spent(), elapsed, rayon::current_num_threads())?);
    }
    let fail_on = args.fail_on.map(severity).or(config.audit.fail_on);
    let allow_incomplete = args.allow_incomplete || config.audit.allow_incomplete;
    Ok(if summary.is_incomplete() && !allow_incomplete {
        Exit::Incomplete
    } else if fail_on.is_some_and(|limit| has_exceptions(summary, limit)) {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// What an audit is told beside its snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings<'a> {
    /// What it runs with.
    pub(super) audit: audit::Options<'a>,
    /// The files of the user's own frameworks.
    pub(super) own_frameworks: &'a [OwnFile],
    /// The pack of an earlier quarter.
    pub(super) prior: Option<&'a Prior>,
}

/// What goes into a pack beside findings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    /// The snapshot.
    pub(super) with_snapshot: bool,
    /// Who can do what with every key.
    pub(super) access: Access,
    /// The tables as one workbook.
    pub(super) with_workbook: bool,
    /// The sample to draw, if any.
    pub(super) sample: Option<&'a Sample>,
    /// Who runs the audit, if the pack shall say so.
    pub(super) custody: Option<&'a Custody>,
    /// What is kept back, if anything is.
    pub(super) redaction: Option<&'a Arc<Redaction>>,
}

/// When a pack or comparison says who can do what with every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Up to [`ACCESS_UP_TO`] accounts.
    IfSmall,
    Always,
    Never,
}

/// Beyond so many accounts a pack says who can do what with every key on request only: what all have on all keys grows with the
/// square of the accounts where keys are open to the organization.
const ACCESS_UP_TO: usize = 25;

impl Access {
    /// What the flags `--access` and `--no-access` ask for.
    pub(super) fn of_flags(always: bool, never: bool) -> Self {
        match (always, never) {
            (true, _) => Self::Always,
            (false, true) => Self::Never,
            (false, false) => Self::IfSmall,
        }
    }

    /// Whether `what` says who can do what with so many accounts; a warning says so where only the number forbids it.
    pub(super) fn is_wanted(self, accounts: usize, what: &str, console: &Console) -> bool {
        let is_small = accounts <= ACCESS_UP_TO;
        if self == Self::IfSmall && !is_small {
            console.warn(&format!(
                "the {what} leaves out who can do what with each key, because there are {accounts} accounts; `--access` writes it"
            ));
        }
        self == Self::Always || (self == Self::IfSmall && is_small)
    }
}

/// The sample that is asked for.
fn sample(args: &AuditArgs) -> anyhow::Result<Option<Sample>> {
    let (Some(size), Some(seed)) = (args.sample, &args.seed) else { return Ok(None) };
    let is_plain = (1..=64).contains(&seed.chars().count()) && !seed.chars().any(is_hidden);
    if is_plain {
        return Ok(Some(Sample { size, seed: seed.clone() }));
    }
    Err(misuse(format!("--seed: {seed:?} cannot be written down: expected 1 to 64 letters that can be seen")))
}

/// Audits a snapshot and writes its pack into a missing or empty folder.
pub(super) fn write_pack<'a>(
    snapshot: &Snapshot,
    out: &Path,
    settings: Settings<'a>,
    parts: Parts<'_>,
    console: &Console,
) -> anyhow::Result<Audited<'a>> {
    files::keep_out_of(out, &[snapshot.folder()])?;
    files::output_folder(out)?;
    let audited = fill_pack(snapshot, out, settings, parts, console);
    if audited.is_err() {
        // The folder was empty before: half a pack must not be mistaken for one.
        // A folder that stays behind has no manifest; the reason of the failure matters more.
        let _ = files::remove_folder(out);
    }
    audited
}

fn fill_pack<'a>(
    snapshot: &Snapshot,
    out: &Path,
    settings: Settings<'a>,
    parts: Parts<'_>,
    console: &Console,
) -> anyhow::Result<Audited<'a>> {
    let Settings { audit, own_frameworks, prior } = settings;
    let Parts { with_snapshot, access, with_workbook, sample, custody, redaction } = parts;
    let with_access = access.is_wanted(snapshot.manifest().accounts.len(), "pack", console);
    let prior_root = prior.map(|it| it.root.as_str());
    let options = report::Options {
        audit,
        own_frameworks,
        with_snapshot,
        with_access,
        with_workbook,
        prior_root,
        sample,
        custody,
        redaction,
    };
    let mut pack = Pack::create(out, snapshot, options)?;
    let summary = audit::run(snapshot, audit, |account| {
        console.detail(&format!(
            "{} {}: {} findings",
            account.facts.id,
            harmless(&account.facts.name),
            account.findings.len()
        ));
        pack.account(account)
    })?;
    let sealed = pack.finish(&summary)?;
    let results = audit::roll_up(&summary, audit.reported());
    Ok(Audited { summary, results, sealed })
}

/// The key to sign with. Its passphrase is asked for before the work begins.
fn signing_key(path: &Path) -> anyhow::Result<SigningKey> {
    SigningKey::read(path, || {
        let question = format!("Passphrase of {}: ", harmless(&path.display().to_string()));
        rpassword::prompt_password(question).with_context(|| {
            format!("`{}` has a passphrase, which is asked on a terminal, and there is none", path.display())
        })
    })
}

fn prior_pack(prior: &Path, snapshot: &Snapshot, out: &Path) -> anyhow::Result<Prior> {
    files::keep_out_of(out, &[prior])?;
    Ok(Prior::read(prior, snapshot)?)
}

/// Signs and packs what is sealed, as asked, and says so.
fn hand_over(
    args: &AuditArgs,
    key: Option<&SigningKey>,
    audited: &Audited<'_>,
    snapshot: &Snapshot,
    redaction: Option<&Redaction>,
) -> anyhow::Result<String> {
    let mut text = String::new();
    if let Some(key) = key {
        report::sign(&args.out, key)?;
        writeln!(text, "Signed         {} by {}", report::SIGNATURE, key.name())?;
    }
    if args.zip {
        let path = report::archive(&args.out, &report::archive_name(snapshot, &audited.sealed, redaction))?;
        writeln!(text, "One file       {}", path.display())?;
    }
    Ok(text)
}

/// What could not be read, on standard error.
fn warn_of_gaps(summary: &Summary, console: &Console) {
    for gap in &summary.ledger {
        let code = gap.code.as_deref().map_or_else(String::new, |code| format!(" ({code})"));
        let resources = match (gap.resources.as_slice(), gap.calls.saturating_sub(gap.resources.len())) {
            ([], _) => String::new(),
            (named, 0) => format!(" for {}", named.join(", ")),
            (named, more) => format!(" for {} and {more} more", named.join(", ")),
        };
        console.warn(&format!(
            "not read in account {} {}, {}: {} {}{}",
            gap.account_id,
            harmless(&gap.account_name),
            gap.region,
            gap.api,
            gap.outcome,
            harmless(&format!("{code}{resources}"))
        ));
    }
    // What a file of the snapshot lacks without a call that failed is in no ledger.
    let errors = summary.total.of(Status::Error);
    if errors > 0 {
        console.warn(&format!(
            "results that are not known, because something was not read: {errors}; see `ERROR` in data/csv/findings.csv, and \
             data/csv/completeness.csv"
        ));
    }
    let differ = summary.tie_outs_that(Tie::Differs);
    if differ > 0 {
        console.warn(&format!(
            "{differ} of the numbers that must agree do not, and nothing says why: see `differs` in data/csv/completeness.csv"
        ));
    }
}

/// What `--tag` could not tell, on standard error.
fn warn_of_tags(summary: &Summary, selection: &Selection, console: &Console) {
    let by_tag = &summary.omitted.by_tag;
    if by_tag.kept > 0 {
        console.warn(&format!("--tag keeps {} results of resources whose tags could not be read", by_tag.kept));
    }
    if by_tag.unknown() > 0 {
        console.warn(&format!(
            "--tag leaves out {} results of resources whose tags a snapshot does not hold, such as accounts and managed \
             policies; they may carry what is asked for, and their controls get no conclusion",
            by_tag.unknown()
        ));
    }
    if !selection.tags.is_empty() && summary.total.total() == by_tag.kept {
        console.warn("no resource whose tags were read carries what --tag asks for");
    }
}

/// Waivers that do not do what they were written for, on standard error.
fn warn_of_waivers(summary: &Summary, console: &Console) {
    for it in summary.waivers.iter().filter(|it| it.standing != Standing::Active) {
        console.warn(&harmless(&format!("waiver {} is {}: {}", it.id, it.standing.words(), it.notes.join(" "))));
    }
}

/// Counts and determinations, for a terminal.
pub(super) fn in_words(
    summary: &Summary,
    results: &[FrameworkResult<'_>],
    selection: &Selection,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let accounts = summary.by_account.len();
    let accounts = if accounts == 1 { "1 account".to_owned() } else { format!("{accounts} accounts") };
    let left_out = match summary.left_out {
        0 => String::new(),
        left_out => format!(" ({left_out} more left out or closed)"),
    };
    let checks = summary.by_check.len();
    let checks = if checks == 1 { "1 check".to_owned() } else { format!("{checks} checks") };
    writeln!(text, "{checks} over {accounts}{left_out}, as of {}\n", summary.as_of)?;
    if !selection.is_empty() {
        writeln!(text, "  Selected   {}", selection.words().join("; "))?;
        let omitted = summary.omitted_words();
        writeln!(
            text,
            "  Left out   {}\n",
            if omitted.is_empty() { "nothing".to_owned() } else { omitted.join("; ") }
        )?;
    }
    for status in Status::ALL.into_iter().filter(|status| summary.total.of(*status) > 0) {
        write!(text, "  {:<15}{:>7}", status.word(), summary.total.of(status))?;
        if status == Status::Fail {
            let by_severity = summary.by_severity.iter().rev().filter(|(_, counts)| counts.of(Status::Fail) > 0);
            let by_severity: Vec<String> =
                by_severity.map(|(severity, counts)| format!("{} {severity}", counts.of(Status::Fail))).collect();
            write!(text, "   {}", by_severity.join(", "))?;
        }
        writeln!(text)?;
    }
    if !summary.waivers.is_empty() {
        let standings = Standing::ALL.into_iter().filter_map(|standing| {
            let count = summary.waivers.iter().filter(|it| it.standing == standing).count();
            (count > 0).then(|| format!("{count} {}", standing.words()))
        });
        writeln!(text, "\n  Waivers    {}", standings.collect::<Vec<_>>().join(", "))?;
    }
    writeln!(text)?;
    for result in results.iter().filter(|result| result.framework.is_current()) {
        let counts = Determination::ALL.into_iter().filter_map(|determination| {
            let count = result.controls.iter().filter(|control| control.determination == determination).count();
            (count > 0).then(|| format!("{count} {}", determination.words()))
        });
        writeln!(text, "  {:<22}{}", result.framework.id, counts.collect::<Vec<_>>().join(", "))?;
    }
    Ok(text)
}

fn has_exceptions(summary: &Summary, limit: Severity) -> bool {
    summary.by_severity.iter().any(|(severity, counts)| *severity >= limit && counts.of(Status::Fail) > 0)
}

pub(super) fn verdicts(argument: VerdictsArg) -> Verdicts {
    match argument {
        VerdictsArg::Keyproof => Verdicts::Keyproof,
        VerdictsArg::SecurityHub => Verdicts::SecurityHub,
    }
}

pub(super) fn severity(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Critical => Severity::Critical,
        FailOn::High => Severity::High,
        FailOn::Medium => Severity::Medium,
        FailOn::Low => Severity::Low,
        FailOn::Informational => Severity::Informational,
    }
}
