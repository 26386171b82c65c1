//! Organizations of any size for benchmarks: from a seed, without a clock, the same bytes for any number of threads.
//!
//! What repeats in real organizations repeats here: roles that a stack set puts into every account, policies that a team
//! uses in all its accounts, key policies that differ in the account id only. Accounts come in teams of ten; the first
//! account of a team shares keys with the others.

mod keys;
mod plan;
mod policies;
mod principals;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;

use self::plan::Plan;
use super::account::{Account, Context};
use super::ids::iam_id;
use super::key_file::kms_file;
use super::organization::{Member, Organization, RCP, SCP};
use super::principals::Mfa;
use crate::snapshot::{self, AccountOutcome, Collector, Error, Journal, Manifest, ORGANIZATION, Scope, Source, Writer};

/// How much one generated account holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Users and roles.
    pub principals: usize,
    /// KMS keys, over three Regions.
    pub keys: usize,
    /// Customer managed policies.
    pub policies: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { principals: 300, keys: 50, policies: 60 }
    }
}

/// Writes the snapshot of an organization of `accounts` accounts (at least one: the management account) into `folder`, which
/// is empty or missing.
///
/// # Errors
/// When `folder` holds something or cannot be written.
pub fn generate(folder: &Path, accounts: usize, seed: u64) -> Result<Manifest, Error> {
    generate_sized(folder, accounts, seed, Size::default())
}

/// [`generate`] with accounts of another size.
///
/// # Errors
/// As [`generate`].
pub fn generate_sized(folder: &Path, accounts: usize, seed: u64, size: Size) -> Result<Manifest, Error> {
    let plan = Plan { accounts: accounts.max(1), seed, size };
    let scope = Scope { role_name: Some(plan::ROLE_NAME.to_owned()), external_id: true, ..Scope::default() };
    let writer = Writer::create(folder, Journal { source: Source::Demo, scope, started: plan::START })?;
    let organization = organization(plan);
    writer.put(ORGANIZATION, &organization.file(plan::START)?)?;
    // One account in memory for each thread. The writer sorts what it is given, and collecting keeps the order.
    let entries = (0..plan.accounts).into_par_iter().map(|index| write_account(&writer, plan, index));
    let entries = entries.collect::<Result<Vec<_>, Error>>()?;
    writer.finish("aws", Some(plan::ORGANIZATION_ID.to_owned()), collector(), entries)
}

fn write_account(writer: &Writer, plan: Plan, index: usize) -> Result<snapshot::Account, Error> {
    let account = account(plan, index);
    let context = context(index);
    writer.put(&snapshot::iam_path(&account.id), &account.iam_file(&context)?)?;
    for region in plan::REGIONS {
        writer.put(&snapshot::kms_path(&account.id, region), &kms_file(&account, region, &context)?)?;
    }
    Ok(snapshot::Account {
        account_id: account.id.clone(),
        name: plan.account_name(index),
        status: "ACTIVE".to_owned(),
        outcome: AccountOutcome::AssumedRole,
        session_arn: Some(account.session_arn(&context)),
        reason: None,
    })
}

fn account(plan: Plan, index: usize) -> Account {
    let mut account = Account::new(plan.account_id(index), "2022-05-04");
    let mut chance = plan.chance(index, "account");
    account.root.mfa = (!chance.percent(6)).then_some(Mfa::Virtual);
    account.password_policy = chance.percent(80).then(|| super::account::password_policy(14, true, Some(24), None));
    account.contacts = vec![("SECURITY", "Security".to_owned(), format!("security@{}", plan::DOMAIN))];
    if index == 0 {
        account.features = Some(vec!["RootCredentialsManagement".to_owned()]);
    }
    account.oidc.push((plan::PIPELINES.to_owned(), "sts.amazonaws.com".to_owned(), "2023-10-09".to_owned()));
    account.policies = policies::policies(plan, index);
    account.groups = principals::groups(plan, index);
    account.users = principals::users(plan, index);
    account.roles = principals::roles(plan, index);
    account.keys = keys::keys(plan, index);
    account
}

fn context(index: usize) -> Context {
    // Twenty accounts at a time, a minute each.
    let seconds = 30 + 60 * i64::try_from(index / 20).unwrap_or(0);
    Context {
        organization_id: plan::ORGANIZATION_ID.to_owned(),
        regions: plan::REGIONS.map(str::to_owned).to_vec(),
        role_name: plan::ROLE_NAME.to_owned(),
        session: "keyproof".to_owned(),
        start: start_after(seconds),
        page_size: 100,
    }
}

fn start_after(seconds: i64) -> Timestamp {
    plan::START.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(plan::START)
}

fn collector() -> Collector {
    Collector {
        arn: Some(format!("arn:aws:sts::{}:assumed-role/KeyproofCollector/generated", plan::MANAGEMENT)),
        account_id: Some(plan::MANAGEMENT.to_owned()),
        user_id: Some(format!("{}:generated", iam_id("AROA", 21, &[plan::MANAGEMENT, "KeyproofCollector"]))),
    }
}

/// Root, three units below it, production and other work below one of them, and a unit for each team below those.
fn organization(plan: Plan) -> Organization {
    let mut organization = Organization::new(plan::ORGANIZATION_ID, plan::MANAGEMENT, plan::DOMAIN);
    organization.unit("platform0", "Platform", None);
    organization.unit("workloads", "Workloads", None);
    organization.unit("production", "Prod", Some("workloads"));
    organization.unit("nonproduction", "NonProd", Some("workloads"));
    for team in 0..plan.accounts.div_ceil(plan::TEAM) {
        organization.unit(&plan::unit_of_team(team), &format!("Team {team}"), Some(plan::stage_of_team(team)));
    }
    for index in 0..plan.accounts {
        let unit = (index > 0).then(|| plan::unit_of_team(plan::team(index)));
        organization.member(Member::new(
            &plan.account_id(index),
            &plan.account_name(index),
            unit.as_deref(),
            "2022-05-04",
        ));
    }
    organization.policy(SCP, "ProtectKeys", "Keys stay", policies::protect_keys(), &["production"]);
    organization.policy(SCP, "HomeRegions", "Three Regions", policies::home_regions(), &["workloads", "platform0"]);
    organization.policy(RCP, "KeyPerimeter", "Keys serve the organization", policies::perimeter(), &["production"]);
    organization.allow_everything();
    organization
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::verify;

    const SMALL: Size = Size { principals: 60, keys: 20, policies: 20 };

    fn written(accounts: usize, seed: u64, threads: usize) -> (tempfile::TempDir, Manifest) {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let manifest = pool.install(|| generate_sized(&folder.path().join("s"), accounts, seed, SMALL)).unwrap();
        (folder, manifest)
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
        let ((first, manifest), (second, again)) = (written(3, 7, 1), written(3, 7, 4));
        assert_eq!(manifest, again);
        assert!(verify(&first.path().join("s")).unwrap().is_empty());
        for path in manifest.files.iter().map(|file| file.path.as_str()).chain(["manifest.json", "manifest.sha256"]) {
            let read = |folder: &tempfile::TempDir| std::fs::read(folder.path().join("s").join(path)).unwrap();
            assert_eq!(read(&first), read(&second), "{path}");
        }
    }

    #[test]
    fn another_seed_gives_another_organization() {
        let ((_a, one), (_b, two)) = (written(3, 7, 2), written(3, 8, 2));
        let digests = |manifest: &Manifest| -> Vec<String> {
            let files = manifest.files.iter().filter(|file| file.path.ends_with(".zst"));
            files.map(|file| file.sha256.clone()).collect()
        };
        assert_eq!(one.files.len(), two.files.len());
        assert!(digests(&one).iter().zip(digests(&two)).all(|(one, two)| *one != two));
    }

    #[test]
    fn an_account_holds_what_the_size_says() {
        let plan = Plan { accounts: 30, seed: 1, size: Size::default() };
        let account = account(plan, 17);
        assert_eq!(account.users.len() + account.roles.len(), 300);
        assert_eq!(account.policies.len(), 60);
        assert_eq!(account.keys.len(), 50);
        let ids: std::collections::BTreeSet<(String, String)> =
            account.keys.iter().map(|key| (key.region.clone(), key.id(&account.id))).collect();
        assert_eq!(ids.len(), 50);
        let arns: std::collections::BTreeSet<String> = account.keys.iter().map(|key| key.arn(&account.id)).collect();
        assert!((0..50).all(|number| arns.contains(&plan.key_arn(17, number))));
        let names: std::collections::BTreeSet<&str> = account.roles.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(names.len(), account.roles.len());
        let references: std::collections::BTreeSet<String> =
            account.policies.iter().map(super::super::principals::ManagedPolicy::reference).collect();
        assert_eq!(references.len(), account.policies.len());
        let held = account.roles.iter().map(|role| &role.held).chain(account.users.iter().map(|user| &user.held));
        for reference in held.flat_map(|held| held.attached.iter().chain(&held.boundary)) {
            assert!(reference.starts_with("aws/") || references.contains(reference), "{reference}");
        }
    }

    #[test]
    fn teams_share_documents_and_keys() {
        let plan = Plan { accounts: 30, seed: 1, size: Size::default() };
        let documents = |index: usize| -> std::collections::BTreeSet<String> {
            let policies = account(plan, index).policies;
            policies
                .iter()
                .flat_map(|policy| &policy.versions)
                .map(|(_, document)| document.text().to_owned())
                .collect()
        };
        let (one, same_team, other_team) = (documents(11), documents(12), documents(22));
        assert!(one.intersection(&same_team).count() > one.intersection(&other_team).count());
        assert!(one.intersection(&other_team).count() > 10);
        let policies: Vec<String> = account(plan, 10)
            .keys
            .iter()
            .filter_map(|key| key.policy.as_ref())
            .map(|document| document.text().to_owned())
            .collect();
        assert!(policies.iter().any(|text| text.contains(&plan.account_id(12))));
    }
}
