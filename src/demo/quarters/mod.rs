//! Quillmere Health Payments in the second and the third quarter of 2026, written as snapshots.

mod baseline;
mod claims;
mod claims_keys;
mod company;
mod data;
mod data_keys;
mod development;
mod joined;
mod management;
mod payments;
mod payments_keys;
mod payments_policies;
mod sandbox;
mod security;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::account::{self, Account, Context};
use super::ids::iam_id;
use super::key_file::kms_file;
use super::organization::{Member, Organization};
use crate::snapshot::{
    self, AccountOutcome, Collector, Error, Excluded, Journal, Manifest, ORGANIZATION, Scope, Source, Writer,
};

/// The Regions that every account has enabled; the first is the company's home.
const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];
const FRANKFURT: &str = "eu-central-1";
const IRELAND: &str = "eu-west-1";
const VIRGINIA: &str = "us-east-1";

/// Name of the role that the collector assumes.
const ROLE_NAME: &str = "KeyproofAudit";

/// A quarter of 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quarter {
    /// The second, collected on 2026-06-30.
    Q2,
    /// The third, collected on 2026-09-30.
    Q3,
}

impl Quarter {
    /// `2026-Q2` or `2026-Q3`: the name of the snapshot's folder.
    pub fn name(self) -> &'static str {
        self.pick("2026-Q2", "2026-Q3")
    }

    /// One thing in the second quarter, another in the third.
    fn pick<T>(self, second: T, third: T) -> T {
        match self {
            Self::Q2 => second,
            Self::Q3 => third,
        }
    }

    /// [`Self::pick`] for the tests of the whole room.
    #[cfg(test)]
    pub(super) fn pick_for_test<T>(self, second: T, third: T) -> T {
        self.pick(second, third)
    }

    fn is_third(self) -> bool {
        self == Self::Q3
    }

    /// When the collection begins.
    fn start(self) -> Timestamp {
        const SECOND: Timestamp = Timestamp::constant(1_782_784_800, 0);
        const THIRD: Timestamp = Timestamp::constant(1_790_733_600, 0);
        self.pick(SECOND, THIRD)
    }
}

/// What becomes of an account in a quarter.
enum Fate {
    Read(Box<Account>),
    NotEntered,
    Excluded(&'static str),
    Inactive,
}

/// Writes the snapshot of one quarter into `folder`, which is empty or missing. The same quarter always has the same bytes.
///
/// # Errors
/// When `folder` holds something or cannot be written.
pub fn write_quarter(folder: &Path, quarter: Quarter) -> Result<Manifest, Error> {
    let organization = company::organization(quarter);
    let fates: Vec<(&Member, Fate)> =
        organization.members.iter().map(|member| (member, fate(member, quarter))).collect();
    let excluded = fates.iter().filter_map(|(member, fate)| match fate {
        Fate::Excluded(reason) => Some(Excluded { account_id: member.id.clone(), reason: (*reason).to_owned() }),
        _ => None,
    });
    let scope = Scope {
        role_name: Some(ROLE_NAME.to_owned()),
        external_id: true,
        excluded: excluded.collect(),
        ..Scope::default()
    };
    let journal = Journal { source: Source::Demo, scope, started: quarter.start() };
    let writer = Writer::create(folder, journal)?;
    writer.put(ORGANIZATION, &organization.file(quarter.start())?)?;
    let collector = collector(quarter);
    let mut accounts = Vec::new();
    for (place, (member, fate)) in fates.into_iter().enumerate() {
        let context = context(&organization, quarter, place);
        accounts.push(write_account(&writer, member, fate, &context, &collector)?);
    }
    writer.finish("aws", Some(organization.id), collector, accounts)
}

/// The content of an account, or why it has none.
fn fate(member: &Member, quarter: Quarter) -> Fate {
    let account = match member.id.as_str() {
        company::MANAGEMENT => management::account(quarter),
        company::SECURITY => security::tooling(quarter),
        company::LOG_ARCHIVE => security::log_archive(quarter),
        company::PAYMENTS => payments::account(quarter),
        company::CLAIMS => claims::account(quarter),
        company::DATA => data::account(quarter),
        company::SANDBOX => sandbox::account(quarter),
        company::LEGACY => return Fate::Inactive,
        company::MARKETING => {
            return Fate::Excluded("public website without health or card data, out of scope by decision SD-14");
        }
        // Its audit role was taken away with the team that owned it, so that what was found in it is not fixed but unknown.
        company::DEVELOPMENT if quarter.is_third() => return Fate::NotEntered,
        company::DEVELOPMENT => development::account(),
        // Bought in spring; the audit role arrived in summer.
        company::CLINIC if !quarter.is_third() => return Fate::NotEntered,
        company::CLINIC => joined::clinic(),
        _ => joined::rewards(),
    };
    Fate::Read(Box::new(account))
}

fn write_account(
    writer: &Writer,
    member: &Member,
    fate: Fate,
    context: &Context,
    collector: &Collector,
) -> Result<snapshot::Account, Error> {
    let mut entry = snapshot::Account {
        account_id: member.id.clone(),
        name: member.name.clone(),
        status: member.status.to_owned(),
        outcome: AccountOutcome::AssumedRole,
        session_arn: None,
        reason: None,
    };
    match fate {
        Fate::Read(account) => {
            writer.put(&snapshot::iam_path(&account.id), &account.iam_file(context)?)?;
            for region in REGIONS {
                writer.put(&snapshot::kms_path(&account.id, region), &kms_file(&account, region, context)?)?;
            }
            entry.session_arn = Some(account.session_arn(context));
        }
        Fate::NotEntered => {
            let arn = collector.arn.as_deref().unwrap_or_default();
            let (file, reason) = account::not_entered(&member.id, arn, context);
            entry.reason = Some(reason);
            writer.put(&snapshot::iam_path(&member.id), &file)?;
            entry.outcome = AccountOutcome::NotEntered;
        }
        Fate::Excluded(reason) => {
            entry.outcome = AccountOutcome::Excluded;
            entry.reason = Some(reason.to_owned());
        }
        Fate::Inactive => {
            entry.outcome = AccountOutcome::Inactive;
            entry.reason = Some(format!("the account is {}", member.status));
        }
    }
    Ok(entry)
}

fn context(organization: &Organization, quarter: Quarter, place: usize) -> Context {
    let seconds = 20 + 11 * i64::try_from(place).unwrap_or(0);
    Context {
        organization_id: organization.id.clone(),
        regions: REGIONS.map(str::to_owned).to_vec(),
        role_name: ROLE_NAME.to_owned(),
        session: "keyproof".to_owned(),
        start: quarter.start().saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(quarter.start()),
        page_size: 25,
    }
}

/// Who collects: a role of the management account.
fn collector(quarter: Quarter) -> Collector {
    let role_id = iam_id("AROA", 21, &[company::MANAGEMENT, management::COLLECTOR, management::COLLECTOR_SINCE]);
    let session = format!("evidence-{}", quarter.name());
    Collector {
        arn: Some(format!("arn:aws:sts::{}:assumed-role/{}/{session}", company::MANAGEMENT, management::COLLECTOR)),
        account_id: Some(company::MANAGEMENT.to_owned()),
        user_id: Some(format!("{role_id}:{session}")),
    }
}
