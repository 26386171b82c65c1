//! What a collection would do, and what it may not: the first request of each kind, really made.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::enter::{Discovery, Entered, Shared, discover, enter, left_out, read_iam, sample_kms};
use super::organizations::Member;
use super::{Error, Event, Options, Progress, kms, runtime, scope};
use crate::snapshot::operations::{Caller, actions_of};
use crate::snapshot::{Account, Collector, Outcome, SnapshotFile};

/// Calls that IAM takes for each user: three lists, and the last use of one access key.
const CALLS_FOR_A_USER: u64 = 4;

/// What a collection would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Who would collect.
    pub collector: Collector,
    /// Partition of the caller.
    pub partition: String,
    /// Id of the organization.
    pub organization_id: Option<String>,
    /// Why it would be only the caller's account, where that is so.
    pub standalone: Option<String>,
    /// Requests of the Organizations API that were refused.
    pub refusals: Vec<Refusal>,
    /// Number of API calls about the organization, which were made as a collection makes them.
    pub organization_calls: u64,
    /// Every account, by id.
    pub accounts: Vec<PlannedAccount>,
}

/// What a collection would do in one account.
#[derive(Debug, Clone)]
pub struct PlannedAccount {
    /// The account, and whether it could be entered now.
    pub account: Account,
    /// Regions that would be read.
    pub regions: Vec<String>,
    /// Estimated number of API calls, by the numbers of users and keys.
    pub estimated_calls: u64,
    /// Requests that did not end well.
    pub refusals: Vec<Refusal>,
    /// Operations that could not be tried, since there is nothing to ask them about: a key, a user, a provider.
    pub untried: Vec<&'static str>,
}

/// A request that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Service and operation.
    pub api: String,
    /// The Region, for KMS.
    pub region: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// AWS's code.
    pub code: Option<String>,
}

impl Plan {
    /// Estimated number of API calls of the whole collection.
    pub fn estimated_calls(&self) -> u64 {
        self.organization_calls + self.accounts.iter().map(|account| account.estimated_calls).sum::<u64>()
    }
}

/// Finds out what a collection would do, without writing anything. Each account is entered, and of each operation the first page is
/// asked for, about the first user and the first key of each Region.
///
/// # Errors
/// As [`super::run`].
pub fn plan(options: &Options, progress: &dyn Progress) -> Result<Plan, Error> {
    scope::check_regions(options)?;
    runtime()?.block_on(draw_up(options, progress))
}

async fn draw_up(options: &Options, progress: &dyn Progress) -> Result<Plan, Error> {
    let discovery = discover(options).await?;
    let mut accounts: Vec<PlannedAccount> = Vec::new();
    let mut queue: VecDeque<Member> = VecDeque::new();
    for (member, decision) in &discovery.accounts {
        match left_out(member, decision) {
            Some(account) => accounts.push(PlannedAccount::unread(account)),
            None => queue.push_back(member.clone()),
        }
    }
    progress.event(&Event::Found { units: queue.len() });
    let shared = Arc::new(Shared::new(options, &discovery));
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < options.concurrency.max(1)
            && let Some(member) = queue.pop_front()
        {
            tasks.spawn(try_account(Arc::clone(&shared), member));
        }
        let Some(tried) = tasks.join_next().await else { break };
        let (account, calls) = tried.map_err(|failed| Error::Broken { reason: failed.to_string() })??;
        let gaps = account.refusals.len();
        progress.event(&Event::Finished { account_id: &account.account.account_id, region: None, calls, gaps });
        accounts.push(account);
    }
    accounts.sort_by(|a, b| a.account.account_id.cmp(&b.account.account_id));
    Ok(Plan::new(discovery, accounts))
}

impl Plan {
    fn new(discovery: Discovery, accounts: Vec<PlannedAccount>) -> Self {
        Self {
            collector: discovery.identity.collector,
            partition: discovery.identity.partition,
            organization_id: discovery.organization.id,
            standalone: discovery.organization.standalone,
            organization_calls: discovery.file.calls().len() as u64,
            refusals: refusals(&[discovery.file]),
            accounts,
        }
    }
}

impl PlannedAccount {
    fn unread(account: Account) -> Self {
        Self { account, regions: Vec::new(), estimated_calls: 0, refusals: Vec::new(), untried: Vec::new() }
    }
}

/// Tries one account, and returns the number of calls made as well.
async fn try_account(shared: Arc<Shared>, member: Member) -> Result<(PlannedAccount, usize), Error> {
    let Entered { account, entry, recorder, regions } = enter(&shared, &member).await?;
    let planned_id = account.account_id.clone();
    let Some(entry) = entry else {
        let mut planned = PlannedAccount::unread(account);
        planned.refusals = refusals(&[recorder.into_file()]);
        return Ok((planned, 1));
    };
    let mut recorder = recorder.sample();
    let users = read_iam(&shared, &entry, &mut recorder).await?;
    let mut estimated_calls = recorder.file().calls().len() as u64 + users.saturating_sub(1) * CALLS_FOR_A_USER;
    let mut files = vec![recorder.into_file()];
    for region in &regions {
        let (file, keys) = sample_kms(&entry, region).await?;
        let calls = file.calls().len() as u64;
        estimated_calls += calls + keys.saturating_sub(1) * kms::PER_KEY.len() as u64;
        files.push(file);
    }
    let tried: BTreeSet<&str> = files.iter().flat_map(SnapshotFile::calls).map(|call| call.api.as_str()).collect();
    let mut untried = actions_of(Caller::AuditRole);
    untried.retain(|action| !tried.contains(action) && shared.asks(action, &planned_id));
    let calls = files.iter().map(|file| file.calls().len()).sum();
    let refusals = refusals(&files);
    Ok((PlannedAccount { account, regions, estimated_calls, refusals, untried }, calls))
}

/// The calls that did not end well, the worst of each API and Region.
fn refusals(files: &[SnapshotFile]) -> Vec<Refusal> {
    let mut worst = BTreeMap::new();
    for file in files {
        let failed = file.calls().iter().filter(|call| !call.outcome.is_complete() && call.outcome != Outcome::Skipped);
        for call in failed {
            let refusal = Refusal {
                api: call.api.clone(),
                region: file.region().map(str::to_owned),
                outcome: call.outcome,
                code: call.code.clone(),
            };
            let known = worst.entry((refusal.api.clone(), refusal.region.clone())).or_insert_with(|| refusal.clone());
            if refusal.outcome > known.outcome {
                *known = refusal;
            }
        }
    }
    worst.into_values().collect()
}
