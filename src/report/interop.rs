//! The forms that other programs read, fed account by account: OCSF, OSCAL, JUnit, and the plan of action in CSV.

use std::collections::BTreeMap;

use super::Error;
use super::bag::Bag;
use super::identity::Identity;
use super::junit::Suites;
use super::ocsf::Events;
use super::oscal_plan::Plan;
use super::oscal_results::Results;
use super::pack::{Audited, Options};
use super::poam::{Poam, Weakness};
use super::table::SEPARATOR;
use super::visible::escaped;
use crate::audit::AuditedAccount;
use crate::checks::Check;
use crate::frameworks::{Control, Framework};
use crate::snapshot::Snapshot;

/// A check, and what it tests in the frameworks that are current. Earlier versions stand in `findings.ndjson` alone.
pub(super) struct Tested {
    pub(super) check: &'static Check,
    /// Names of the frameworks.
    pub(super) standards: Vec<String>,
    /// `framework:control`.
    pub(super) controls: Vec<String>,
    /// The controls as one text, escaped for XML.
    pub(super) controls_in_xml: String,
}

impl Tested {
    fn new(check: &'static Check, frameworks: &[&Framework]) -> Self {
        let (mut standards, mut controls) = (Vec::new(), Vec::new());
        for framework in frameworks.iter().filter(|framework| framework.is_current()) {
            let tests = |control: &&Control| control.tests().any(|test| test.check == check.id);
            let before = controls.len();
            let tested = framework.controls.iter().filter(tests);
            controls.extend(tested.map(|control| format!("{}:{}", framework.id, control.id)));
            if controls.len() > before {
                standards.push(format!("{} {}", framework.title, framework.version));
            }
        }
        let controls_in_xml = escaped(&controls.join(SEPARATOR));
        Self { check, standards, controls, controls_in_xml }
    }
}

/// The checks that run, by id.
pub(super) type Checks = BTreeMap<&'static str, Tested>;

/// All of them in the making.
pub(super) struct Interop {
    checks: Checks,
    events: Events,
    suites: Suites,
    results: Results,
    plan: Plan,
    poam: Poam,
}

impl Interop {
    /// Begins the files.
    pub(super) fn create(
        bag: &Bag,
        identity: &Identity,
        snapshot: &Snapshot,
        options: &Options<'_>,
    ) -> Result<Self, Error> {
        let frameworks: Vec<&Framework> = options.audit.reported().collect();
        let end = snapshot.manifest().window.end;
        let as_of = options.audit.as_of.unwrap_or(end);
        Ok(Self {
            checks: options.audit.checks.iter().map(|check| (check.id, Tested::new(check, &frameworks))).collect(),
            results: Results::create(bag, identity, &frameworks)?,
            events: Events::create(bag, as_of, end)?,
            suites: Suites::create(bag)?,
            plan: Plan::new(),
            poam: Poam::create(bag)?,
        })
    }

    /// Adds an account; one that was left out has nothing to say.
    pub(super) fn account(&mut self, bag: &Bag, identity: &Identity, audited: &AuditedAccount) -> Result<(), Error> {
        if !audited.entry.outcome.is_in_scope() {
            return Ok(());
        }
        let Self { checks, events, suites, results, plan, poam } = self;
        let events = || events.account(identity, checks, audited);
        let others = || {
            suites.account(checks, audited)?;
            results.account(identity, checks, audited)?;
            for weakness in Weakness::all(audited, checks) {
                plan.add(bag, identity, &weakness)?;
                poam.add(identity, &weakness)?;
            }
            Ok(())
        };
        // Events are about half of the bytes.
        let (events, others): (_, Result<(), Error>) = rayon::join(events, others);
        events.and(others)
    }

    /// Ends the files. What they point to is in the bag.
    pub(super) fn finish(self, bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
        self.events.finish(bag)?;
        self.suites.finish(bag)?;
        self.results.finish(bag, audited)?;
        self.plan.finish(bag, audited)?;
        self.poam.finish(bag)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{pack, ragged};
    use crate::diff::fixture::World;
    use crate::files;

    #[test]
    fn without_an_exception_there_is_no_plan() {
        let good = World::new().with(|it| {
            for account in &mut it.accounts {
                account.users.iter_mut().for_each(|user| user.2 = "good".to_owned());
                account.keys.iter_mut().for_each(|key| key.1 = "Enabled".to_owned());
                account.grants = vec!["good-1".to_owned()];
            }
        });
        let plan = "pack/data/interop/oscal-poam.json";
        assert!(!pack(&good).path().join(plan).exists());
        let ragged = pack(&ragged(""));
        assert!(ragged.path().join(plan).exists());
        let rows = files::read(&ragged.path().join("pack/data/csv/poam.csv")).unwrap();
        assert_eq!(csv::Reader::from_reader(rows.as_slice()).records().count(), 3);
    }
}
