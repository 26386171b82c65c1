//! `about.csv`: how the lists of the pack came about, as names and values.

use super::Error;
use super::bag::Bag;
use super::pack::Audited;
use super::table::{SEPARATOR, Table};
use crate::checks::Verdicts;
use crate::finding::Status;
use crate::snapshot::manifest::{Account, Collector, Manifest, Source};

/// Name of the file.
pub(super) const NAME: &str = "about.csv";

/// The columns, in their order, which never changes inside a major version.
pub(super) const COLUMNS: [(&str, &str); 4] = [
    ("name", "What is told"),
    ("account_id", "The account of which it is told; empty for what concerns all"),
    ("value", "What it is; empty where there is nothing to tell"),
    ("source", "Where it stands, or how to see it again"),
];

const MANIFEST: &str = "manifest.json of the snapshot";
const OPTIONS: &str = "data/pack.json of the pack";

/// Something that is told of all, and where it stands.
type Told = (&'static str, String, &'static str);

/// Writes the file.
pub(super) fn write(bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
    let path = format!("data/csv/{NAME}");
    let mut table = Table::create(bag, &path, COLUMNS.map(|(name, _)| name))?;
    let manifest = audited.snapshot.manifest();
    for (name, value, source) in of_pack(audited).into_iter().chain(of_collection(manifest)) {
        table.row(&[name, "", &value, source])?;
    }
    for (api, calls) in &manifest.api_calls {
        table.row(&[&format!("calls of {api}"), "", &calls.to_string(), MANIFEST])?;
    }
    for account in &manifest.accounts {
        let source = if account.session_arn.is_some() { "sts:GetCallerIdentity" } else { MANIFEST };
        table.row(&["read by", &account.account_id, &reader(account, &manifest.collector), source])?;
    }
    bag.add(&path, table.finish()?);
    Ok(())
}

/// The identity that read an account, or why nothing did.
fn reader(account: &Account, collector: &Collector) -> String {
    use crate::snapshot::AccountOutcome::{AssumedRole, Caller, Excluded, Imported, Inactive, NotEntered};
    let reason = || account.reason.clone().unwrap_or_default();
    match account.outcome {
        AssumedRole | Caller => {
            let arn = account.session_arn.as_ref().or(collector.arn.as_ref());
            arn.cloned().unwrap_or_else(|| "not known: the snapshot does not name the session".to_owned())
        }
        Imported => "not known: imported from files that the AWS CLI printed".to_owned(),
        NotEntered => format!("nobody: {}", reason()),
        Excluded => format!("nobody: left out on purpose: {}", reason()),
        Inactive => format!("nobody: its status is {}", account.status),
    }
}

/// What the pack was made of and with.
fn of_pack(audited: &Audited<'_>) -> Vec<Told> {
    let (identity, options, summary) = (audited.identity, audited.options, audited.summary);
    let settings: Vec<String> = options.audit.settings().iter().map(|it| format!("{}: {it}", it.check)).collect();
    let yes = |it: bool| if it { "yes" } else { "no" }.to_owned();
    let counts = Status::ALL.map(|status| format!("{} {}", summary.total.of(status), status.word()));
    vec![
        ("subject", identity.subject_words.clone(), MANIFEST),
        ("organization", identity.organization.clone().unwrap_or_default(), "organizations:DescribeOrganization"),
        ("management account", identity.management_account.clone(), "organizations:DescribeOrganization"),
        ("partition", identity.partition.clone(), MANIFEST),
        ("collected from", identity.start.clone(), MANIFEST),
        ("collected to", identity.end.clone(), MANIFEST),
        ("ages are counted at", identity.as_of.clone(), OPTIONS),
        ("snapshot root", identity.snapshot_root.clone(), "sha256sum of manifest.json of the snapshot"),
        (
            "input root",
            identity.input_root.clone(),
            "SHA-256 of snapshot root, ruleset, waivers, settings and time of ages",
        ),
        (
            "prior pack root",
            identity.prior_root.clone().unwrap_or_default(),
            "sha256sum of the earlier pack's manifest-sha256.txt",
        ),
        ("written by", identity.tool.clone(), "keyproof version"),
        ("ruleset", identity.ruleset.clone(), "SHA-256 of the checks and mappings"),
        ("actions of KMS known as of", identity.kms_actions.to_owned(), "keyproof version"),
        ("checks", options.audit.checks.iter().map(|check| check.id).collect::<Vec<_>>().join(SEPARATOR), OPTIONS),
        (
            "frameworks",
            options.audit.reported().map(|framework| framework.id.as_str()).collect::<Vec<_>>().join(SEPARATOR),
            OPTIONS,
        ),
        ("parameters that are not at their defaults", settings.join(SEPARATOR), OPTIONS),
        (
            "verdicts",
            match options.audit.verdicts {
                Verdicts::Keyproof => "keyproof",
                Verdicts::SecurityHub => "AWS Security Hub",
            }
            .to_owned(),
            OPTIONS,
        ),
        ("selection", identity.narrowed.join(SEPARATOR), OPTIONS),
        ("waivers", identity.waivers.clone(), "sha256sum of data/inputs/waivers.toml"),
        ("snapshot is part of the pack", yes(options.with_snapshot), OPTIONS),
        ("effective access is part of the pack", yes(options.with_access), OPTIONS),
        (
            "something could not be read, or does not tie out",
            yes(summary.is_incomplete()),
            "completeness.csv and gaps.csv",
        ),
        ("findings", counts.join(SEPARATOR), "findings.csv"),
    ]
}

/// How the snapshot came about.
fn of_collection(manifest: &Manifest) -> Vec<Told> {
    let (scope, collector) = (&manifest.scope, &manifest.collector);
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    let all = |list: &[String], all: &str| if list.is_empty() { all.to_owned() } else { list.join(SEPARATOR) };
    let source = match manifest.source {
        Source::Collect => "keyproof collect, from the APIs of AWS",
        Source::Import => "keyproof import, from files that the AWS CLI printed",
        Source::Demo => "keyproof demo: a made-up organization",
    };
    let excluded = scope.excluded.iter().map(|it| format!("{}: {}", it.account_id, it.reason));
    let accounts = match &scope.standalone {
        Some(why) => format!("the caller's own only: {why}"),
        None => all(&scope.accounts, "all of the organization"),
    };
    vec![
        ("source", source.to_owned(), MANIFEST),
        ("collected with", format!("{} {}", manifest.tool.name, manifest.tool.version), MANIFEST),
        ("collector", known(&collector.arn), "sts:GetCallerIdentity"),
        ("collector's account", known(&collector.account_id), "sts:GetCallerIdentity"),
        ("collector's unique id", known(&collector.user_id), "sts:GetCallerIdentity"),
        ("audit role", known(&scope.role_name), MANIFEST),
        ("external id was passed", if scope.external_id { "yes" } else { "no" }.to_owned(), MANIFEST),
        ("Regions asked for", all(&scope.regions, "those that each account has enabled"), MANIFEST),
        ("accounts asked for", accounts, MANIFEST),
        ("organizational units asked for", all(&scope.organizational_units, "all"), MANIFEST),
        ("accounts left out", excluded.collect::<Vec<_>>().join(SEPARATOR), MANIFEST),
    ]
}
