//! The course of a collection: units of work in parallel, each written when it is done, the manifest last.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::call::{Recorder, now};
use super::enter::{Discovery, Entered, Entry, Shared, account_of, discover, enter, left_out, read_iam};
use super::organizations::Member;
use super::scope::{self, Decision};
use super::sts::SESSION_NAME;
use super::{Error, Event, Options, Progress, Summary, kms, runtime};
use crate::snapshot::{
    Account, AccountOutcome, Coverage, Excluded, Journal, MANIFEST, ORGANIZATION, Outcome, SnapshotFile, Source,
    Writer, iam_path, kms_path,
};

/// Collects the organization of the caller into a snapshot.
///
/// # Errors
/// [`Error`] when there is no snapshot: no credentials, an unreachable endpoint, a scope that names what is not there, a full disk,
/// an interruption. What AWS refuses is no error; the ledger has it.
pub fn run(options: &Options, progress: &dyn Progress) -> Result<Summary, Error> {
    scope::check_regions(options)?;
    let unfinished = unfinished(options)?;
    let files = Cell::new(unfinished.as_ref().map_or(0, |writer| writer.paths().len()));
    let result = runtime()?.block_on(async {
        tokio::select! {
            biased;
            () = interrupted() => Err(Error::Interrupted { out: options.out.clone(), files: files.get() }),
            result = collect(options, unfinished, progress, &files) => result,
        }
    });
    match result {
        Err(Error::Snapshot(source)) if files.get() > 0 => {
            Err(Error::Stopped { source, out: options.out.clone(), files: files.get() })
        }
        result => result,
    }
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler Ctrl-C ends the process at once, which the journal survives as well.
        std::future::pending::<()>().await;
    }
}

/// The collection that `out` already holds the beginning of. A folder that holds anything else is refused.
fn unfinished(options: &Options) -> Result<Option<Writer>, Error> {
    let out = options.out.clone();
    match Writer::resume(&options.out)? {
        None if options.resume && options.out.join(MANIFEST).is_file() => Err(Error::Finished { out }),
        None => Writer::check(&options.out).map(|()| None).map_err(Error::from),
        Some(_) if !options.resume => Err(Error::Unfinished { out }),
        Some(writer) if writer.journal().source != Source::Collect => {
            Err(Error::OtherScope { out, difference: "it is not a collection".to_owned() })
        }
        Some(writer) => match scope::difference(&writer.journal().scope, &scope::asked(options)) {
            None => Ok(Some(writer)),
            Some(difference) => Err(Error::OtherScope { out, difference }),
        },
    }
}

async fn collect(
    options: &Options,
    unfinished: Option<Writer>,
    progress: &dyn Progress,
    files: &Cell<usize>,
) -> Result<Summary, Error> {
    let discovery = discover(options).await?;
    if let Some(before) = unfinished.as_ref().map(|writer| writer.reopen(ORGANIZATION)).transpose()?.flatten()
        && before.account_id() != discovery.file.account_id()
    {
        let (before, now) = (before.account_id(), discovery.file.account_id());
        let difference = format!("the caller was of account {before} and is now of account {now}");
        return Err(Error::OtherScope { out: options.out.clone(), difference });
    }
    let selected = discovery.accounts.iter().filter(|(_, decision)| *decision == Decision::Read).count();
    progress.event(&Event::Discovered {
        caller: discovery.identity.collector.arn.as_deref().unwrap_or_default(),
        accounts: discovery.accounts.len(),
        selected,
        standalone: discovery.organization.standalone.as_deref(),
    });
    let asked = scope::asked(options);
    let writer = match unfinished {
        Some(writer) => writer,
        None => {
            let journal = Journal { source: Source::Collect, scope: asked, started: now() };
            Writer::create(&options.out, journal)?
        }
    };
    writer.put(ORGANIZATION, &discovery.file)?;
    let mut run = Run::new(options, &discovery, writer, progress, files);
    run.units().await?;
    run.finish(discovery)
}

/// A unit of work.
enum Unit {
    /// Enter an account and list its Regions.
    Enter(Member),
    /// Read its IAM.
    Iam(Arc<Entry>, Recorder),
    /// Read its KMS in one Region.
    Kms(Arc<Entry>, String),
}

/// A unit of work that is done.
enum Done {
    Entered(Box<Entered>),
    Read { account_id: String, region: Option<String>, file: SnapshotFile, unreachable: bool },
}

/// A collection under way.
struct Run<'a> {
    shared: Arc<Shared>,
    writer: Writer,
    progress: &'a dyn Progress,
    files: &'a Cell<usize>,
    queue: VecDeque<Unit>,
    accounts: BTreeMap<String, Account>,
    /// Regions whose KMS could not be reached once.
    unreachable: BTreeSet<String>,
}

impl<'a> Run<'a> {
    fn new(
        options: &Options,
        discovery: &Discovery,
        writer: Writer,
        progress: &'a dyn Progress,
        files: &'a Cell<usize>,
    ) -> Self {
        let mut run = Self {
            shared: Arc::new(Shared::new(options, discovery)),
            writer,
            progress,
            files,
            queue: VecDeque::new(),
            accounts: BTreeMap::new(),
            unreachable: BTreeSet::new(),
        };
        for (member, decision) in &discovery.accounts {
            run.plan(member, decision);
        }
        run
    }

    /// Queues an account, or notes why not.
    fn plan(&mut self, member: &Member, decision: &Decision) {
        match left_out(member, decision).or_else(|| self.settled_account(member)) {
            Some(account) => {
                self.accounts.insert(member.id.clone(), account);
            }
            None => self.queue.push_back(Unit::Enter(member.clone())),
        }
    }

    /// An account of which the collection that is resumed finished everything. Without explicit Regions that cannot be told before
    /// the account has listed them again.
    fn settled_account(&self, member: &Member) -> Option<Account> {
        let regions = &self.shared.options.regions;
        let all = regions.iter().all(|region| self.is_settled(&kms_path(&member.id, region)));
        if regions.is_empty() || !all || !self.is_settled(&iam_path(&member.id)) {
            return None;
        }
        let rows = self.writer.finished(&iam_path(&member.id))?;
        let assumed = rows.iter().any(|row| row.api == "sts:AssumeRole" && row.outcome.is_complete());
        if !assumed {
            return Some(account_of(member, AccountOutcome::Caller));
        }
        let partition = &self.shared.identity.partition;
        let name = self.shared.options.role_name.rsplit('/').next().unwrap_or_default();
        let arn = format!("arn:{partition}:sts::{}:assumed-role/{name}/{SESSION_NAME}", member.id);
        Some(Account { session_arn: Some(arn), ..account_of(member, AccountOutcome::AssumedRole) })
    }

    /// Whether a file is written, and nothing in it failed in a way that another attempt may mend.
    fn is_settled(&self, path: &str) -> bool {
        let mendable = |row: &Coverage| matches!(row.outcome, Outcome::Failed | Outcome::Truncated);
        let population = |row: &Coverage| ["iam:GetAccountSummary", "kms:ListKeys"].contains(&row.api.as_str());
        self.writer.finished(path).is_some_and(|rows| !rows.iter().any(mendable) && rows.iter().any(population))
    }

    /// Works off the queue. Units of an account that was entered come before the next account, so that sessions are used while
    /// they are fresh.
    async fn units(&mut self) -> Result<(), Error> {
        self.progress.event(&Event::Found { units: self.queue.len() });
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < self.shared.options.concurrency.max(1)
                && let Some(unit) = self.queue.pop_front()
            {
                let impatient = matches!(&unit, Unit::Kms(_, region) if self.unreachable.contains(region));
                tasks.spawn(perform(Arc::clone(&self.shared), unit, impatient));
            }
            let Some(done) = tasks.join_next().await else { return Ok(()) };
            match done.map_err(|failed| Error::Broken { reason: failed.to_string() })?? {
                Done::Entered(entered) => self.entered(*entered)?,
                Done::Read { account_id, region, file, unreachable } => {
                    if unreachable {
                        self.unreachable.extend(region.clone());
                    }
                    self.write(&account_id, region.as_deref(), &file)?;
                }
            }
        }
    }

    fn entered(&mut self, entered: Entered) -> Result<(), Error> {
        let Entered { account, entry, recorder, regions } = entered;
        let id = account.account_id.clone();
        self.progress.event(&Event::Entered {
            account_id: &id,
            name: &account.name,
            outcome: account.outcome,
            reason: account.reason.as_deref(),
        });
        self.accounts.insert(id.clone(), account);
        let Some(entry) = entry else { return self.write(&id, None, recorder.file()) };
        let mut units = Vec::new();
        if self.is_settled(&iam_path(&id)) {
            self.progress.event(&Event::Resumed { path: &iam_path(&id) });
        } else {
            units.push(Unit::Iam(Arc::clone(&entry), recorder));
        }
        for region in regions {
            let path = kms_path(&id, &region);
            if self.is_settled(&path) {
                self.progress.event(&Event::Resumed { path: &path });
            } else {
                units.push(Unit::Kms(Arc::clone(&entry), region));
            }
        }
        self.progress.event(&Event::Found { units: units.len() });
        for unit in units.into_iter().rev() {
            self.queue.push_front(unit);
        }
        Ok(())
    }

    fn write(&self, account_id: &str, region: Option<&str>, file: &SnapshotFile) -> Result<(), Error> {
        let path = region.map_or_else(|| iam_path(account_id), |region| kms_path(account_id, region));
        self.writer.put(&path, file)?;
        self.files.set(self.writer.paths().len());
        let is_gap = |outcome: Outcome| !outcome.is_complete() && outcome != Outcome::Skipped;
        let gaps = file.calls().iter().filter(|call| is_gap(call.outcome)).count();
        self.progress.event(&Event::Finished { account_id, region, calls: file.calls().len(), gaps });
        Ok(())
    }

    fn finish(self, discovery: Discovery) -> Result<Summary, Error> {
        let mut scope = scope::asked(&self.shared.options);
        scope.standalone = discovery.organization.standalone;
        scope.excluded = discovery
            .accounts
            .into_iter()
            .filter_map(|(member, decision)| match decision {
                Decision::Excluded(reason) => Some(Excluded { account_id: member.id, reason }),
                Decision::Read | Decision::Inactive(_) => None,
            })
            .collect();
        let manifest = self.writer.with_scope(scope).finish(
            &discovery.identity.partition,
            discovery.organization.id,
            discovery.identity.collector,
            self.accounts.into_values().collect(),
        )?;
        Ok(Summary { manifest, requests: discovery.caller.counter().get() })
    }
}

async fn perform(shared: Arc<Shared>, unit: Unit, impatient: bool) -> Result<Done, Error> {
    match unit {
        Unit::Enter(member) => enter(&shared, &member).await.map(|entered| Done::Entered(Box::new(entered))),
        Unit::Iam(entry, mut recorder) => {
            read_iam(&shared, &entry, &mut recorder).await?;
            Ok(read(&entry, None, recorder))
        }
        Unit::Kms(entry, region) => {
            let mut recorder = Recorder::new(SnapshotFile::new(&entry.account_id, Some(&region)));
            let access = entry.access.in_region(&region);
            let access = if impatient { access.impatient() } else { access };
            kms::collect(&access, &mut recorder).await?;
            Ok(read(&entry, Some(region), recorder))
        }
    }
}

fn read(entry: &Entry, region: Option<String>, mut recorder: Recorder) -> Done {
    // Renewals of the session meanwhile.
    recorder.absorb(entry.session.iter().flat_map(|session| session.take_calls()).collect());
    let unreachable = recorder.is_unreachable();
    let mut file = recorder.into_file();
    file.note_clock(entry.access.clock().ahead_seconds());
    Done::Read { account_id: entry.account_id.clone(), region, file, unreachable }
}
