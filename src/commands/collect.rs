//! `keyproof collect`: settings out of flags and configuration, progress, and what the collection amounts to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;

use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use super::console::{Console, harmless};
use super::misuse::misuse;
use crate::checks::{self, CHECKS};
use crate::cli::CollectArgs;
use crate::collect::{
    self, DEFAULT_CONCURRENCY, DEFAULT_ROLE_NAME, Error, Event, Options, Plan, PlannedAccount, Progress, Refusal,
    Summary, plan,
};
use crate::config::{self, Config};
use crate::snapshot::operations::permission;
use crate::snapshot::{AccountOutcome, Coverage, Excluded, Outcome};

/// Lines of gaps that are printed; the ledger in the manifest has all.
const MAX_GAPS: usize = 20;

/// Gaps of the APIs that checks read make the snapshot incomplete.
pub(super) fn run(args: &CollectArgs, config: &Config, console: Console) -> anyhow::Result<Exit> {
    let options = options(args, &config.collect)?;
    let progress = progress(console);
    if args.plan {
        let plan = plan(&options, progress.as_ref())?;
        io::stdout().lock().write_all(plan_text(&plan).as_bytes())?;
        return Ok(Exit::Done);
    }
    let summary = match collect::run(&options, progress.as_ref()) {
        Err(interrupted @ Error::Interrupted { .. }) => {
            console.warn(&interrupted.to_string());
            return Ok(Exit::Interrupted);
        }
        result => result?,
    };
    io::stdout().lock().write_all(summary_text(&options, &summary, console.is_quiet()).as_bytes())?;
    let required = checks::required_apis(CHECKS);
    let missing: Vec<&Coverage> = summary.missing(&required).collect();
    if missing.is_empty() {
        return Ok(Exit::Done);
    }
    io::stderr().lock().write_all(incomplete_text(&options, &summary, &missing).as_bytes())?;
    Ok(if args.allow_incomplete { Exit::Done } else { Exit::Incomplete })
}

/// A flag beats the configuration.
fn options(args: &CollectArgs, config: &config::Collect) -> anyhow::Result<Options> {
    let either = |flag: &[String], config: &[String]| {
        let values = if flag.is_empty() { config } else { flag };
        values.iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect::<Vec<_>>()
    };
    let exclude_accounts = if args.exclude_account.is_empty() {
        let excluded = config.exclude_accounts.iter();
        excluded.map(|it| Excluded { account_id: it.account.clone(), reason: it.reason.clone() }).collect()
    } else {
        args.exclude_account.iter().map(|value| excluded(value)).collect()
    };
    let role_name = args.role_name.clone().or_else(|| config.role_name.clone());
    let role_name = role_name.unwrap_or_else(|| DEFAULT_ROLE_NAME.to_owned());
    if !is_role_name(&role_name) {
        let words = format!(
            "`--role-name {}` is not the name of a role; it takes a name, with its path if it has one, and no ARN",
            role_name.escape_debug()
        );
        return Err(if args.role_name.is_some() { misuse(words) } else { anyhow::Error::msg(words) });
    }
    Ok(Options {
        out: args.out.clone().unwrap_or_default(),
        role_name,
        external_id: args.external_id.clone().or_else(|| config.external_id.clone()),
        regions: either(&args.region, &config.regions),
        accounts: either(&args.account, &config.accounts),
        exclude_accounts,
        organizational_units: either(&args.ou, &config.organizational_units),
        concurrency: args.concurrency.or(config.concurrency).map_or(DEFAULT_CONCURRENCY, NonZeroUsize::get),
        resume: args.resume,
    })
}

/// `ID` or `ID=REASON`.
fn excluded(value: &str) -> Excluded {
    let (account_id, reason) = value.split_once('=').unwrap_or((value, "named by --exclude-account"));
    Excluded { account_id: account_id.trim().to_owned(), reason: reason.trim().to_owned() }
}

/// The characters that IAM allows in names and paths of roles.
fn is_role_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte);
    !name.is_empty() && name.len() <= 576 && name.bytes().all(allowed) && !name.starts_with('/') && !name.ends_with('/')
}

fn progress(console: Console) -> Box<dyn Progress> {
    if console.is_quiet() {
        return Box::new(Silent);
    }
    if console.is_terminal() {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} [{elapsed}] {wide_msg}") {
            bar.set_style(style);
        }
        return Box::new(Bar(bar));
    }
    Box::new(Log { every_unit: console.is_verbose() })
}

struct Silent;

impl Progress for Silent {
    fn event(&self, _: &Event<'_>) {}
}

/// For a terminal.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Found { units } => self.0.inc_length(*units as u64),
            Event::Finished { account_id, region, .. } => {
                self.0.inc(1);
                self.0.set_message(format!("{} {}", harmless(account_id), region.unwrap_or("IAM")));
            }
            Event::Resumed { .. } => self.0.inc(1),
            Event::Entered { outcome, .. } if *outcome != AccountOutcome::NotEntered => self.0.inc(1),
            Event::Entered { .. } | Event::Discovered { .. } => {}
        }
        if let Some(line) = line(event, false) {
            self.0.println(line);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// For a file or a pipe.
struct Log {
    every_unit: bool,
}

impl Progress for Log {
    fn event(&self, event: &Event<'_>) {
        if let Some(line) = line(event, self.every_unit) {
            // There is nobody to tell that the log cannot be written.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }
}

/// What an event reads like, if it is worth a line.
fn line(event: &Event<'_>, every_unit: bool) -> Option<String> {
    match event {
        Event::Discovered { caller, accounts, selected, standalone } => {
            let why = standalone.map(|reason| format!("; only the caller's account: {}", harmless(reason)));
            Some(format!("{} reads {selected} of {accounts} accounts{}", harmless(caller), why.unwrap_or_default()))
        }
        Event::Entered { account_id, name, outcome, reason } => {
            let reason = reason.map(|reason| format!(": {}", harmless(reason))).unwrap_or_default();
            let verb = match outcome {
                AccountOutcome::AssumedRole => "entered",
                AccountOutcome::Caller => "read as the caller",
                _ => "NOT entered",
            };
            Some(format!("{} {}: {verb}{reason}", harmless(account_id), harmless(name)))
        }
        Event::Finished { account_id, region, calls, gaps } if every_unit || *gaps > 0 => {
            let place = region.unwrap_or("IAM");
            Some(format!("{} {place}: {calls} calls, {gaps} without an answer", harmless(account_id)))
        }
        Event::Resumed { path } if every_unit => Some(format!("{path}: finished before")),
        Event::Found { .. } | Event::Finished { .. } | Event::Resumed { .. } => None,
    }
}

/// What the collection amounts to.
fn summary_text(options: &Options, summary: &Summary, is_quiet: bool) -> String {
    let manifest = &summary.manifest;
    let mut text = format!("{}\n", options.out.display());
    if is_quiet {
        return text;
    }
    let count = |outcome| manifest.accounts.iter().filter(|account| account.outcome == outcome).count();
    let mut rows = vec![
        vec!["organization".to_owned(), harmless(manifest.organization_id.as_deref().unwrap_or("none"))],
        vec![
            "accounts".to_owned(),
            format!(
                "{}: {} read, {} not entered, {} left out, {} inactive",
                manifest.accounts.len(),
                summary.read().count(),
                count(AccountOutcome::NotEntered),
                count(AccountOutcome::Excluded),
                count(AccountOutcome::Inactive)
            ),
        ],
        vec![
            "files".to_owned(),
            format!("{}: {}, {} of JSON", manifest.files.len(), size(summary.bytes()), size(summary.json_bytes())),
        ],
        vec!["API calls".to_owned(), format!("{}, {} HTTP requests with retries", summary.calls(), summary.requests)],
        vec!["gaps".to_owned(), format!("{} in the coverage ledger", summary.gaps().count())],
    ];
    if let Some(reason) = &manifest.scope.standalone {
        rows.push(vec!["scope".to_owned(), format!("the caller's account only: {}", harmless(reason))]);
    }
    text += &columns(&rows);
    text.push('\n');
    let names: BTreeMap<&str, &str> =
        manifest.accounts.iter().map(|account| (account.account_id.as_str(), account.name.as_str())).collect();
    let accounts = summary.calls_by_account().into_iter().map(|(account_id, calls)| {
        let name = names.get(account_id).copied().unwrap_or_default();
        vec![harmless(account_id), calls.to_string(), harmless(name)]
    });
    let header = |names: [&str; 3]| names.map(str::to_owned).to_vec();
    text += &columns(&std::iter::once(header(["ACCOUNT", "CALLS", "NAME"])).chain(accounts).collect::<Vec<_>>());
    text.push('\n');
    let apis = manifest.api_calls.iter().map(|(api, calls)| vec![harmless(api), calls.to_string()]);
    let header = vec!["API".to_owned(), "CALLS".to_owned()];
    text + &columns(&std::iter::once(header).chain(apis).collect::<Vec<_>>())
}

/// Why the snapshot is incomplete, and what would mend it.
fn incomplete_text(options: &Options, summary: &Summary, missing: &[&Coverage]) -> String {
    let mut text = format!(
        "keyproof: the snapshot `{}` is complete on disk and usable, but it lacks what checks read ({}); findings that rest on it will be ERROR:\n",
        options.out.display(),
        if missing.len() == 1 { "1 gap".to_owned() } else { format!("{} gaps", missing.len()) }
    );
    for row in missing.iter().take(MAX_GAPS) {
        let place = row.region.as_deref().map(|region| format!(" {region}")).unwrap_or_default();
        let refusal =
            Refusal { api: row.api.clone(), region: row.region.clone(), outcome: row.outcome, code: row.code.clone() };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}{}: {}", harmless(&row.account_id), harmless(&place), refusal_text(&refusal));
    }
    if missing.len() > MAX_GAPS {
        let _ = writeln!(text, "  … and {} more, in `coverage` of manifest.json", missing.len() - MAX_GAPS);
    }
    if summary.not_entered().next().is_some() && summary.read().all(|it| it.outcome == AccountOutcome::Caller) {
        let _ = writeln!(
            text,
            "  role `{}` could be assumed in no account: check `--role-name` and `--external-id`, or deploy the role that `keyproof role` prints",
            harmless(&options.role_name)
        );
    }
    text
}

/// One refusal and its remedy.
fn refusal_text(refusal: &Refusal) -> String {
    let code = refusal.code.as_deref().map(|code| format!(" ({})", harmless(code))).unwrap_or_default();
    let what = match refusal.outcome {
        Outcome::Denied => "denied",
        Outcome::Truncated => "the list is not whole",
        Outcome::Unsupported => "not supported by the endpoint",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Empty | Outcome::Collected => "answered",
    };
    let remedy = match (refusal.outcome, refusal.code.as_deref()) {
        (Outcome::Denied, _) if refusal.api == "sts:AssumeRole" => {
            Some("; allow it to the caller, and the caller in the role's trust policy".to_owned())
        }
        (Outcome::Denied, _) => permission(&refusal.api).map(|action| format!("; allow {action}")),
        (_, Some("Unreachable")) if refusal.region.is_some() => {
            Some("; does the Region exist, and is it enabled in the account?".to_owned())
        }
        (_, Some("UnrecognizedClientException" | "InvalidClientTokenId")) if refusal.region.is_some() => {
            Some("; is the Region enabled in the account?".to_owned())
        }
        _ => None,
    };
    format!("{} {what}{code}{}", harmless(&refusal.api), remedy.unwrap_or_default())
}

/// What a collection would do.
fn plan_text(plan: &Plan) -> String {
    let mut rows = vec![
        vec!["caller".to_owned(), harmless(plan.collector.arn.as_deref().unwrap_or_default())],
        vec!["partition".to_owned(), harmless(&plan.partition)],
        vec!["organization".to_owned(), harmless(plan.organization_id.as_deref().unwrap_or("none"))],
        vec!["API calls".to_owned(), format!("about {}", plan.estimated_calls())],
    ];
    if let Some(reason) = &plan.standalone {
        rows.push(vec!["scope".to_owned(), format!("the caller's account only: {}", harmless(reason))]);
    }
    let mut text = columns(&rows);
    for refusal in &plan.refusals {
        let _ = writeln!(text, "  {}", refusal_text(refusal));
    }
    text.push('\n');
    let mut rows = vec![["ACCOUNT", "ROLE", "REGIONS", "CALLS", "REFUSED", "NAME"].map(str::to_owned).to_vec()];
    rows.extend(plan.accounts.iter().map(planned_row));
    text += &columns(&rows);
    for planned in plan.accounts.iter().filter(|planned| !is_harmless(planned)) {
        let _ = writeln!(text, "\n{} {}", harmless(&planned.account.account_id), harmless(&planned.account.name));
        if let Some(reason) = &planned.account.reason {
            let _ = writeln!(text, "  {}", harmless(reason));
        }
        for refusal in &planned.refusals {
            let region = refusal.region.as_deref().map(|region| format!("{} ", harmless(region))).unwrap_or_default();
            let _ = writeln!(text, "  {region}{}", refusal_text(refusal));
        }
    }
    text.push_str(
        "\nEach operation was tried once in each account and Region, about the first user and the first key.\n",
    );
    let untried: BTreeSet<&str> = plan.accounts.iter().flat_map(|planned| planned.untried.iter().copied()).collect();
    if !untried.is_empty() {
        let untried = untried.into_iter().collect::<Vec<_>>().join(", ");
        let _ =
            writeln!(text, "Not tried everywhere, for lack of a key, a user or a provider to ask about: {untried}.");
    }
    text
}

/// Whether there is nothing to say of an account beyond its row.
fn is_harmless(planned: &PlannedAccount) -> bool {
    planned.refusals.is_empty() && planned.account.reason.is_none()
}

fn planned_row(planned: &PlannedAccount) -> Vec<String> {
    let role = match planned.account.outcome {
        AccountOutcome::AssumedRole => "can be entered",
        AccountOutcome::Caller => "refused, read as the caller",
        AccountOutcome::NotEntered => "CANNOT be entered",
        AccountOutcome::Excluded => "left out",
        AccountOutcome::Inactive => "inactive",
        AccountOutcome::Imported => "imported",
    };
    let regions = match planned.regions.as_slice() {
        regions @ ([] | [_] | [_, _] | [_, _, _]) => harmless(&regions.join(",")),
        regions => format!("{} Regions", regions.len()),
    };
    vec![
        harmless(&planned.account.account_id),
        role.to_owned(),
        regions,
        planned.estimated_calls.to_string(),
        planned.refusals.len().to_string(),
        harmless(&planned.account.name),
    ]
}

/// Rows as columns of equal width.
fn columns(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\u{202e}c"), "a\\u{1b}[2Jb\\u{d}\\u{202e}c");
        assert_eq!(harmless("Müller \"><script>"), "Müller \"><script>");
    }

    #[test]
    fn a_role_is_named_with_its_path_and_not_by_its_arn() {
        for name in ["KeyproofAudit", "audit/Keyproof_Audit", "a+b=c,d.e@f-g"] {
            assert!(is_role_name(name), "{name}");
        }
        for name in ["", "/", "audit/", "arn:aws:iam::111122223333:role/x", "a b", "a\n"] {
            assert!(!is_role_name(name), "{name}");
        }
    }

    #[test]
    fn an_excluded_account_keeps_its_reason() {
        let excluded = excluded("111122223333=closing in May=really");
        assert_eq!((excluded.account_id.as_str(), excluded.reason.as_str()), ("111122223333", "closing in May=really"));
    }

    #[test]
    fn a_refusal_names_the_action_that_mends_it() {
        let refusal = |api: &str, outcome, code: &str| {
            let (api, code) = (api.to_owned(), Some(code.to_owned()));
            refusal_text(&Refusal { api, region: Some("eu-central-1".to_owned()), outcome, code })
        };
        assert_eq!(
            refusal("kms:ListGrants", Outcome::Denied, "AccessDeniedException"),
            "kms:ListGrants denied (AccessDeniedException); allow kms:ListGrants"
        );
        assert!(refusal("kms:ListKeys", Outcome::Failed, "Unreachable").ends_with("is it enabled in the account?"));
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bb"], ["ccc", "d"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), "a    bb\nccc  d\n");
    }
}
