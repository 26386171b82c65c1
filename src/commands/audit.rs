//! `keyproof audit`: a snapshot becomes an evidence pack.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;

use super::Exit;
use super::console::{Console, harmless, harmless_lines};
use crate::audit::{self, Determination, FrameworkResult, Summary};
use crate::checks::{CHECKS, Parameters, Verdicts};
use crate::cli::{AuditArgs, FailOn, VerdictsArg};
use crate::config::Config;
use crate::files;
use crate::finding::{Severity, Status};
use crate::frameworks;
use crate::report::{self, INDEX, Pack, Prior, SigningKey};
use crate::snapshot::Snapshot;

/// What an audit amounts to.
pub(super) struct Audited {
    pub(super) summary: Summary,
    pub(super) results: Vec<FrameworkResult<'static>>,
    snapshot_root: String,
    pack_root: String,
    archive_name: String,
}

pub(super) fn run(args: &AuditArgs, config: &Config, console: &Console) -> anyhow::Result<Exit> {
    let verdicts = args.verdicts.map(verdicts).or(config.audit.verdicts).unwrap_or_default();
    let parameters = config.parameters.clone().under(verdicts)?;
    let key = args.sign.as_deref().map(signing_key).transpose()?;
    let prior = args.prior.as_deref().map(|prior| prior_pack(prior, args)).transpose()?;
    let as_of = args.as_of.or(config.audit.as_of);
    let settings = Settings { as_of, parameters: &parameters, verdicts, prior: prior.as_ref() };
    let with_snapshot = !(args.no_snapshot || config.audit.no_snapshot);
    let audited =
        write_pack(&args.snapshot, &args.out, settings, Parts { with_snapshot, access: access(args) }, console)?;
    warn_of_gaps(&audited.summary, console);
    let handed = hand_over(args, key.as_ref(), &audited)?;
    let mut text = in_words(&audited.summary, &audited.results)?;
    writeln!(text, "\nSnapshot root  {}", audited.snapshot_root)?;
    writeln!(text, "Pack root      {}", audited.pack_root)?;
    text.push_str(&handed);
    writeln!(text, "Open           {}", args.out.join(INDEX).display())?;
    super::print(harmless_lines(&text).as_bytes())?;
    let fail_on = args.fail_on.map(severity).or(config.audit.fail_on);
    let allow_incomplete = args.allow_incomplete || config.audit.allow_incomplete;
    Ok(if audited.summary.is_incomplete() && !allow_incomplete {
        Exit::Incomplete
    } else if fail_on.is_some_and(|limit| has_exceptions(&audited.summary, limit)) {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// What an audit is told beside its snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings<'a> {
    /// As in [`audit::Options`].
    pub(super) as_of: Option<Timestamp>,
    /// As in [`audit::Options`].
    pub(super) parameters: &'a Parameters,
    /// As in [`audit::Options`].
    pub(super) verdicts: Verdicts,
    /// The pack of an earlier quarter.
    pub(super) prior: Option<&'a Prior>,
}

/// What goes into a pack beside findings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    /// The snapshot.
    pub(super) with_snapshot: bool,
    /// Who can do what with every key.
    pub(super) access: Access,
}

/// When a pack says who can do what with every key.
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

fn access(args: &AuditArgs) -> Access {
    match (args.access, args.no_access) {
        (true, _) => Access::Always,
        (false, true) => Access::Never,
        (false, false) => Access::IfSmall,
    }
}

/// Audits a snapshot and writes its pack into a missing or empty folder.
pub(super) fn write_pack(
    snapshot: &Path,
    out: &Path,
    settings: Settings<'_>,
    parts: Parts,
    console: &Console,
) -> anyhow::Result<Audited> {
    let snapshot = Snapshot::open(snapshot)?;
    files::keep_out_of(out, &[snapshot.folder()])?;
    files::output_folder(out)?;
    let audited = fill_pack(&snapshot, out, settings, parts, console);
    if audited.is_err() {
        // The folder was empty before: half a pack must not be mistaken for one.
        // A folder that stays behind has no manifest; the reason of the failure matters more.
        let _ = files::remove_folder(out);
    }
    audited
}

fn fill_pack(
    snapshot: &Snapshot,
    out: &Path,
    settings: Settings<'_>,
    parts: Parts,
    console: &Console,
) -> anyhow::Result<Audited> {
    let frameworks = frameworks::all()?;
    let Settings { as_of, parameters, verdicts, prior } = settings;
    let options = audit::Options {
        checks: CHECKS,
        parameters,
        verdicts,
        frameworks,
        as_of,
        first_seen: prior.map(|it| &it.first_seen),
    };
    let Parts { with_snapshot, access } = parts;
    let accounts = snapshot.manifest().accounts.len();
    let with_access = access == Access::Always || (access == Access::IfSmall && accounts <= ACCESS_UP_TO);
    if access == Access::IfSmall && !with_access {
        console.warn(&format!(
            "the pack leaves out who can do what with each key, because there are {accounts} accounts; `--access` writes it"
        ));
    }
    let prior_root = prior.map(|it| it.root.as_str());
    let options_of_pack = report::Options { audit: options, with_snapshot, with_access, prior_root };
    let mut pack = Pack::create(out, snapshot, options_of_pack)?;
    let summary = audit::run(snapshot, options, |account| {
        console.detail(&format!(
            "{} {}: {} findings",
            account.facts.id,
            harmless(&account.facts.name),
            account.findings.len()
        ));
        pack.account(account)
    })?;
    let sealed = pack.finish(&summary)?;
    let results = audit::roll_up(&summary, frameworks);
    let archive_name = report::archive_name(snapshot, &sealed);
    Ok(Audited { summary, results, snapshot_root: snapshot.root().to_owned(), pack_root: sealed.root, archive_name })
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

fn prior_pack(prior: &Path, args: &AuditArgs) -> anyhow::Result<Prior> {
    files::keep_out_of(&args.out, &[prior])?;
    Ok(Prior::read(prior, &Snapshot::open(&args.snapshot)?)?)
}

/// Signs and packs what is sealed, as asked, and says so.
fn hand_over(args: &AuditArgs, key: Option<&SigningKey>, audited: &Audited) -> anyhow::Result<String> {
    let mut text = String::new();
    if let Some(key) = key {
        report::sign(&args.out, key)?;
        writeln!(text, "Signed         {} by {}", report::SIGNATURE, key.name())?;
    }
    if args.zip {
        let path = report::archive(&args.out, &audited.archive_name)?;
        writeln!(text, "One file       {}", path.display())?;
    }
    Ok(text)
}

/// What could not be read, on standard error.
pub(super) fn warn_of_gaps(summary: &Summary, console: &Console) {
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
}

/// Counts and determinations, for a terminal.
pub(super) fn in_words(summary: &Summary, results: &[FrameworkResult<'_>]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let accounts = summary.by_account.len();
    let accounts = if accounts == 1 { "1 account".to_owned() } else { format!("{accounts} accounts") };
    let left_out = match summary.left_out {
        0 => String::new(),
        left_out => format!(" ({left_out} more left out or closed)"),
    };
    writeln!(text, "{} checks over {accounts}{left_out}, as of {}\n", summary.by_check.len(), summary.as_of)?;
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

fn verdicts(argument: VerdictsArg) -> Verdicts {
    match argument {
        VerdictsArg::Keyproof => Verdicts::Keyproof,
        VerdictsArg::SecurityHub => Verdicts::SecurityHub,
    }
}

fn severity(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Critical => Severity::Critical,
        FailOn::High => Severity::High,
        FailOn::Medium => Severity::Medium,
        FailOn::Low => Severity::Low,
        FailOn::Informational => Severity::Informational,
    }
}
