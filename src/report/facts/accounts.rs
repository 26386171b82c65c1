//! `accounts.csv`: the accounts that the snapshot lists, with what there is in each and what was found.

use jiff::Timestamp;

use super::{at_least, number};
use crate::audit::{AuditedAccount, Counts};
use crate::finding::Status;
use crate::model::{Fact, Organization, Unit};
use crate::report::Error;
use crate::report::bag::Bag;
use crate::report::columns::File;
use crate::report::framework_page::gap_name;
use crate::report::pack::Audited;
use crate::report::scope;
use crate::report::table::{SEPARATOR, Table, not_known};
use crate::snapshot;

/// Name of the file.
const NAME: &str = "accounts.csv";

/// A column: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&Row<'_>) -> String);

/// The columns, in their order, which never changes inside a major version.
const COLUMNS: [Column; 27] = [
    ("account_id", "12 digits; import the column as text, or leading zeros are lost", |it| it.entry.account_id.clone()),
    ("account_name", "Name of the account in the organization", |it| it.entry.name.clone()),
    ("account_status", "ACTIVE, SUSPENDED or PENDING_CLOSURE, as AWS Organizations says", |it| it.entry.status.clone()),
    ("ou_path", "Place in the organization, from the root down; empty for an account outside any", |it| {
        it.of_organization(|organization, _| match organization.ou_path(&it.entry.account_id) {
            Ok(path) => path,
            Err(gap) => not_known(&gap),
        })
    }),
    ("joined_at", "When it joined the organization; empty for an account outside any", |it| {
        let absent = || "not known: organizations:ListAccounts gave no JoinedTimestamp".to_owned();
        it.of_organization(|_, unit| unit.joined.map_or_else(absent, |time| time.to_string()))
    }),
    ("in_scope", "yes or no: whether this pack judges it; scope.csv says why not", |it| {
        if it.counted.is_ok_and(|it| it.in_scope) { "yes" } else { "no" }.to_owned()
    }),
    ("read_by", "ARN of the session that read it", |it| it.entry.session_arn.clone().unwrap_or_default()),
    ("reason", "Why it was not read or not judged", |it| it.entry.reason.clone().unwrap_or_default()),
    ("regions", "The Regions whose keys are in the snapshot", |it| it.counted(|it| it.regions.join(SEPARATOR))),
    ("collected_from", "When the first of its answers came", |it| it.window(|window| window.0)),
    ("collected_to", "When the last came", |it| it.window(|window| window.1)),
    ("users", "Number of its IAM users", |it| it.counted(|it| it.users.clone())),
    ("groups", "Number of its groups", |it| it.counted(|it| it.groups.clone())),
    ("roles", "Number of its roles", |it| it.counted(|it| it.roles.clone())),
    ("customer_policies", "Number of its customer managed policies", |it| {
        it.counted(|it| it.customer_policies.clone())
    }),
    ("access_keys", "Number of access keys of its users", |it| it.counted(|it| it.access_keys.clone())),
    ("kms_keys", "Number of its KMS keys", |it| it.counted(|it| it.kms_keys.clone())),
    ("kms_grants", "Number of grants of these", |it| it.counted(|it| it.kms_grants.clone())),
    ("findings", "Number of findings on it", |it| it.found(Counts::total)),
    ("findings_fail", "Those of them that are FAIL", |it| it.found(|counts| counts.of(Status::Fail))),
    ("findings_error", "Those that are ERROR", |it| it.found(|counts| counts.of(Status::Error))),
    ("findings_undecided", "Those that are UNDECIDED", |it| it.found(|counts| counts.of(Status::Undecided))),
    ("findings_waived", "Those that are WAIVED", |it| it.found(|counts| counts.of(Status::Waived))),
    ("findings_pass", "Those that are PASS", |it| it.found(|counts| counts.of(Status::Pass))),
    ("findings_not_applicable", "Those that are NOT_APPLICABLE", |it| {
        it.found(|counts| counts.of(Status::NotApplicable))
    }),
    ("findings_manual", "Those that are MANUAL", |it| it.found(|counts| counts.of(Status::Manual))),
    ("gaps", "The gaps of gaps.csv that concern it", |it| it.gaps.join(SEPARATOR)),
];

/// What is kept of an account until all are delivered.
pub(super) struct Counted {
    id: String,
    in_scope: bool,
    regions: Vec<String>,
    window: Option<(Timestamp, Timestamp)>,
    users: String,
    groups: String,
    roles: String,
    customer_policies: String,
    access_keys: String,
    kms_keys: String,
    kms_grants: String,
}

impl Counted {
    pub(super) fn new(audited: &AuditedAccount) -> Self {
        let (account, iam) = (&audited.facts, &audited.facts.iam);
        let users = iam.users.known();
        let policies = iam.policies.known().iter().filter(|policy| !policy.is_aws_managed()).count();
        let keys = || account.regions.values().flat_map(|kms| kms.keys.known());
        let unlisted = || account.regions_gap.as_ref().or(account.regions.values().find_map(|kms| kms.keys.gap()));
        let access_keys: usize = users.iter().map(|user| user.access_keys.known().len()).sum();
        let no_access_keys = iam.users.gap().or(users.iter().find_map(|user| user.access_keys.gap()));
        let grants: usize = keys().map(|key| key.grants.known().len()).sum();
        Self {
            id: account.id.clone(),
            in_scope: audited.entry.outcome.is_in_scope(),
            regions: account.regions.keys().cloned().collect(),
            window: account.provenance.window(),
            users: number(&iam.users),
            groups: number(&iam.groups),
            roles: number(&iam.roles),
            customer_policies: at_least(policies, iam.policies.gap()),
            access_keys: at_least(access_keys, no_access_keys),
            kms_keys: at_least(keys().count(), unlisted()),
            kms_grants: at_least(grants, unlisted().or(keys().find_map(|key| key.grants.gap()))),
        }
    }
}

/// An account.
struct Row<'a> {
    entry: &'a snapshot::Account,
    organization: &'a Fact<Option<Organization>>,
    /// What there is in it, or why nobody counted.
    counted: Result<&'a Counted, &'a str>,
    counts: Option<&'a Counts>,
    gaps: Vec<String>,
}

impl Row<'_> {
    fn of_organization(&self, words: impl FnOnce(&Organization, &Unit) -> String) -> String {
        match self.organization {
            Err(gap) => not_known(gap),
            Ok(None) => String::new(),
            Ok(Some(organization)) => match organization.accounts.get(&self.entry.account_id) {
                Some(unit) => words(organization, unit),
                None => organization.accounts_gap.as_ref().map(not_known).unwrap_or_default(),
            },
        }
    }

    fn counted(&self, words: impl FnOnce(&Counted) -> String) -> String {
        self.counted.map_or_else(|why| format!("not known: {why}"), words)
    }

    fn window(&self, end: fn((Timestamp, Timestamp)) -> Timestamp) -> String {
        self.counted(|it| it.window.map(|window| end(window).to_string()).unwrap_or_default())
    }

    fn found(&self, number: impl FnOnce(&Counts) -> u64) -> String {
        let unjudged = || match self.counted {
            Ok(_) => "not known: this pack does not judge it".to_owned(),
            Err(why) => format!("not known: {why}"),
        };
        self.counts.map_or_else(unjudged, |counts| number(counts).to_string())
    }
}

/// The file, for its description.
pub(super) fn file() -> File {
    File {
        name: NAME,
        content: "Every account that the snapshot lists, as in scope.csv, with what there is in it and what was found.",
        key: Some("account_id"),
        columns: COLUMNS.map(|(name, content, _)| (name, content)).to_vec(),
    }
}

/// Writes the file.
pub(super) fn write(bag: &Bag, audited: &Audited<'_>, counted: &[Counted]) -> Result<(), Error> {
    let path = format!("data/csv/{NAME}");
    let mut table = Table::create(bag, &path, COLUMNS.map(|(name, ..)| name))?;
    let organization = audited.snapshot.organization()?;
    for entry in &audited.snapshot.manifest().accounts {
        let id = entry.account_id.as_str();
        let place = counted.binary_search_by(|it| it.id.as_str().cmp(id));
        let found = place.ok().and_then(|place| counted.get(place));
        let concerns = audited.summary.ledger.iter().enumerate().filter(|(_, gap)| gap.account_id == id);
        let row = Row {
            entry,
            organization: &organization,
            counted: match found {
                None => Err(scope::NOT_ASKED_FOR),
                Some(it) if !it.in_scope => Err("the account was left out, or is not ACTIVE"),
                Some(it) => Ok(it),
            },
            counts: audited.summary.by_account.get(id),
            gaps: concerns.map(|(index, _)| gap_name(index)).collect(),
        };
        table.row(&COLUMNS.map(|(_, _, fill)| fill(&row)).each_ref().map(String::as_str))?;
    }
    bag.add(&path, table.finish()?);
    Ok(())
}
