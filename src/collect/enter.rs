//! How a collection finds its accounts and enters them, and with whose credentials.

use std::sync::Arc;

use super::call::{Ask, Recorder};
use super::client::Access;
use super::failure::{Consequence, Failure};
use super::organizations::{Member, Organization};
use super::scope::{self, Decision};
use super::sts::{self, Identity, Session};
use super::{Error, Options, account, client, iam, kms, organizations};
use crate::snapshot::{Account, AccountOutcome, Outcome, SnapshotFile};

/// What is known once the organization is.
pub(super) struct Discovery {
    /// The caller.
    pub(super) identity: Identity,
    /// The caller's credentials, in the home Region.
    pub(super) caller: Access,
    /// The organization.
    pub(super) organization: Organization,
    /// What the Organizations API said.
    pub(super) file: SnapshotFile,
    /// What is done about each account.
    pub(super) accounts: Vec<(Member, Decision)>,
}

/// Asks who calls and which accounts there are.
pub(super) async fn discover(options: &Options) -> Result<Discovery, Error> {
    let config = client::load(options.regions.first().map(String::as_str)).await;
    let caller = Access::of_caller(config);
    let caller = if caller.region().is_some() { caller } else { caller.in_region(scope::home_region("aws")) };
    let identity = sts::identity(&caller).await?;
    scope::check_partition(options, &identity.partition)?;
    let at_home = caller.region().is_some_and(|region| scope::partition_of(region) == identity.partition);
    let caller = if at_home { caller } else { caller.in_region(scope::home_region(&identity.partition)) };
    let caller = caller.in_account(&identity.account_id, None);
    let mut recorder = Recorder::new(SnapshotFile::new(&identity.account_id, None));
    recorder.absorb(vec![identity.call.clone()]);
    recorder.answer("GetCallerIdentity", &identity.answer)?;
    let organization = organizations::collect(&caller, &identity, &mut recorder).await?;
    let accounts = scope::select(options, &organization)?;
    Ok(Discovery { identity, caller, organization, file: recorder.into_file(), accounts })
}

/// Settings that every unit of work shares.
pub(super) struct Shared {
    /// What was asked for.
    pub(super) options: Options,
    /// The caller.
    pub(super) identity: Identity,
    caller: Access,
    management_account: Option<String>,
}

impl Shared {
    /// The settings, out of what was found.
    pub(super) fn new(options: &Options, discovery: &Discovery) -> Self {
        Self {
            options: options.clone(),
            identity: discovery.identity.clone(),
            caller: discovery.caller.clone(),
            management_account: discovery.organization.management_account.clone(),
        }
    }

    /// Whether an operation is asked for in an account at all.
    pub(super) fn asks(&self, api: &str, account_id: &str) -> bool {
        match api {
            "account:ListRegions" => self.options.regions.is_empty(),
            "iam:ListOrganizationsFeatures" => self.is_management(account_id),
            _ => true,
        }
    }

    fn is_management(&self, account_id: &str) -> bool {
        self.management_account.as_deref() == Some(account_id)
    }
}

/// An account that was entered.
pub(super) struct Entry {
    /// 12 digits.
    pub(super) account_id: String,
    /// Its credentials.
    pub(super) access: Access,
    /// The session that gives them; nothing where they are the caller's own.
    pub(super) session: Option<Arc<Session>>,
}

/// What came of the attempt to enter an account.
pub(super) struct Entered {
    /// For the manifest.
    pub(super) account: Account,
    /// The way in; nothing when there is none.
    pub(super) entry: Option<Arc<Entry>>,
    /// The calls so far.
    pub(super) recorder: Recorder,
    /// Its Regions.
    pub(super) regions: Vec<String>,
}

/// Enters an account through the audit role; the caller's own account with the caller's credentials where the role is refused.
pub(super) async fn enter(shared: &Shared, member: &Member) -> Result<Entered, Error> {
    let mut recorder = Recorder::new(SnapshotFile::new(&member.id, None));
    let session = Session::new(&shared.caller, &shared.identity.partition, &member.id, &shared.options);
    let session = Arc::new(session);
    let assumed = session.enter().await;
    recorder.absorb(session.take_calls());
    let (access, session, mut account) = match assumed {
        Ok(arn) => {
            let access = shared.caller.in_account(&member.id, Some(session.provider()));
            let account = Account { session_arn: Some(arn), ..account_of(member, AccountOutcome::AssumedRole) };
            (access, Some(session), account)
        }
        Err(failure) if failure.consequence == Consequence::Expired => {
            return Err(Error::Expired { api: "sts:AssumeRole", reason: failure.to_string() });
        }
        Err(failure) if member.id == shared.identity.account_id => {
            let access = shared.caller.in_account(&member.id, None);
            let reason = format!("{} was refused, read as the caller ({failure})", session.role_arn());
            let session_arn = shared.identity.collector.arn.clone();
            let outcome = AccountOutcome::Caller;
            (access, None, Account { reason: Some(reason), session_arn, ..account_of(member, outcome) })
        }
        Err(failure) => {
            let reason = format!("{} cannot be assumed ({failure})", session.role_arn());
            let account = Account { reason: Some(reason), ..account_of(member, AccountOutcome::NotEntered) };
            return Ok(Entered { account, entry: None, recorder, regions: Vec::new() });
        }
    };
    if let Err(failure) = confirm(&access, member, &mut recorder).await? {
        account.outcome = AccountOutcome::NotEntered;
        account.reason = Some(failure.to_string());
        return Ok(Entered { account, entry: None, recorder, regions: Vec::new() });
    }
    let regions = match shared.options.regions.as_slice() {
        [] => account::regions(&access, &mut recorder).await?.unwrap_or_default(),
        regions => regions.to_vec(),
    };
    let entry = Entry { account_id: member.id.clone(), access, session };
    Ok(Entered { account, entry: Some(Arc::new(entry)), recorder, regions })
}

/// Makes sure that the session is in the account that it should be in: what it reads is evidence about that account.
async fn confirm(access: &Access, member: &Member, recorder: &mut Recorder) -> Result<Result<(), Failure>, Error> {
    match sts::caller_identity(access).await {
        (call, Ok(answer)) if answer.account.as_ref() == Some(&member.id) => {
            recorder.absorb(vec![call]);
            recorder.answer("GetCallerIdentity", &answer)?;
            Ok(Ok(()))
        }
        (_, Ok(answer)) => {
            let elsewhere = answer.account.unwrap_or_default();
            let message = format!("the session is in account `{elsewhere}`, not in `{}`", member.id);
            let failure = Failure::of_answer(Outcome::Failed, "WrongAccount", message);
            recorder.absorb(vec![Ask::new("sts:GetCallerIdentity").failed(1, &failure)]);
            Ok(Err(failure))
        }
        (call, Err(failure)) => {
            recorder.absorb(vec![call]);
            Ok(Err(failure))
        }
    }
}

/// Reads the global services of an account, and returns the number of its users.
pub(super) async fn read_iam(shared: &Shared, entry: &Entry, recorder: &mut Recorder) -> Result<u64, Error> {
    let users = iam::collect(&entry.access, recorder, shared.is_management(&entry.account_id)).await?;
    account::alternate_contacts(&entry.access, recorder).await?;
    Ok(users)
}

/// Reads a sample of an account's KMS in one Region, and returns the calls and the number of keys.
pub(super) async fn sample_kms(entry: &Entry, region: &str) -> Result<(SnapshotFile, u64), Error> {
    let mut recorder = Recorder::new(SnapshotFile::new(&entry.account_id, Some(region))).sample();
    let keys = kms::collect(&entry.access.in_region(region).impatient(), &mut recorder).await?;
    Ok((recorder.into_file(), keys))
}

/// An account that is not read, for the manifest.
pub(super) fn left_out(member: &Member, decision: &Decision) -> Option<Account> {
    let (outcome, reason) = match decision {
        Decision::Read => return None,
        Decision::Excluded(reason) => (AccountOutcome::Excluded, reason),
        Decision::Inactive(reason) => (AccountOutcome::Inactive, reason),
    };
    Some(Account { reason: Some(reason.clone()), ..account_of(member, outcome) })
}

/// An account as the organization names it, for the manifest.
pub(super) fn account_of(member: &Member, outcome: AccountOutcome) -> Account {
    Account {
        account_id: member.id.clone(),
        name: member.name.clone(),
        status: member.status.clone(),
        outcome,
        session_arn: None,
        reason: None,
    }
}
