//! From findings to controls: what the tests of a control allow to be said of it.

use serde::Serialize;

use super::{Counts, Summary};
use crate::finding::Status;
use crate::frameworks::{Control, Framework, Strength, Test};

/// What may be said of a control. The first that holds is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Determination {
    /// At least one FAIL.
    #[serde(rename = "EXCEPTIONS NOTED")]
    ExceptionsNoted,
    /// An ERROR, an UNDECIDED, or a hole in a population.
    #[serde(rename = "INCOMPLETE")]
    Incomplete,
    /// Exceptions, all of them waived.
    #[serde(rename = "EXCEPTIONS UNDER APPROVED WAIVER")]
    ExceptionsWaived,
    /// All tests ran over a population and met no exception.
    #[serde(rename = "NO EXCEPTIONS NOTED")]
    NoExceptionsNoted,
    /// Tests ran, and there is provably nothing to test.
    #[serde(rename = "NO ITEMS IN POPULATION")]
    NoItems,
    /// Only supporting or manual tests, or none.
    #[serde(rename = "NOT TESTED")]
    NotTested,
}

impl Determination {
    /// Every determination, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::ExceptionsNoted,
        Self::Incomplete,
        Self::ExceptionsWaived,
        Self::NoExceptionsNoted,
        Self::NoItems,
        Self::NotTested,
    ];

    /// The words of every file and page.
    pub fn words(self) -> &'static str {
        match self {
            Self::ExceptionsNoted => "EXCEPTIONS NOTED",
            Self::Incomplete => "INCOMPLETE",
            Self::ExceptionsWaived => "EXCEPTIONS UNDER APPROVED WAIVER",
            Self::NoExceptionsNoted => "NO EXCEPTIONS NOTED",
            Self::NoItems => "NO ITEMS IN POPULATION",
            Self::NotTested => "NOT TESTED",
        }
    }
}

/// A framework with what its controls allow to be said.
#[derive(Debug, Clone)]
pub struct FrameworkResult<'a> {
    /// The framework.
    pub framework: &'a Framework,
    /// Its controls, in its own order.
    pub controls: Vec<ControlResult<'a>>,
}

/// A control with the results of its tests.
#[derive(Debug, Clone)]
pub struct ControlResult<'a> {
    /// The control.
    pub control: &'a Control,
    /// What may be said.
    pub determination: Determination,
    /// All its tests together.
    pub counts: Counts,
    /// Its tests that are published, in the framework's order.
    pub tests: Vec<TestResult<'a>>,
}

/// One test of a control.
#[derive(Debug, Clone)]
pub struct TestResult<'a> {
    /// The test.
    pub test: &'a Test,
    /// What it found, or nothing if the check did not run.
    pub counts: Option<Counts>,
    /// Whether its population is not known to be whole.
    pub has_hole: bool,
    /// Whether the check ran without a part of what it judges, which a selection left out.
    pub is_cut: bool,
    /// How many of its FAIL are WAIVED elsewhere: their waiver does not count for this framework.
    pub not_waived: u64,
}

impl ControlResult<'_> {
    /// How many of its tests were left out of the run as a whole, and how many ran without a part of what they judge.
    pub fn omitted(&self) -> (usize, usize) {
        let whole = self.tests.iter().filter(|test| test.counts.is_none()).count();
        (whole, self.tests.iter().filter(|test| test.counts.is_some() && test.is_cut).count())
    }
}

/// Rolls an audit up to every control of the frameworks.
pub fn roll_up<'a>(summary: &Summary, frameworks: impl IntoIterator<Item = &'a Framework>) -> Vec<FrameworkResult<'a>> {
    let framework = |framework: &'a Framework| FrameworkResult {
        framework,
        controls: framework.controls.iter().map(|control| control_result(summary, &framework.id, control)).collect(),
    };
    frameworks.into_iter().map(framework).collect()
}

fn control_result<'a>(summary: &Summary, framework: &str, control: &'a Control) -> ControlResult<'a> {
    let tests: Vec<TestResult<'a>> = control.tests().map(|test| test_result(summary, framework, test)).collect();
    let mut counts = Counts::default();
    tests.iter().filter_map(|test| test.counts).for_each(|more| counts += more);
    ControlResult { control, determination: determination(&tests), counts, tests }
}

fn test_result<'a>(summary: &Summary, framework: &str, test: &'a Test) -> TestResult<'a> {
    let check = &test.check;
    let (has_hole, is_cut) = (summary.has_hole(check), summary.omitted.is_cut(check));
    let mut counts = counts_of(summary, test);
    let not_waived = summary.not_waived_for(framework, check, test.aspect.as_deref());
    if let Some(counts) = &mut counts {
        counts.recount(not_waived, Status::Waived, Status::Fail);
    }
    TestResult { test, counts, has_hole, is_cut, not_waived }
}

fn counts_of(summary: &Summary, test: &Test) -> Option<Counts> {
    let (check, default) = summary.by_check.get_key_value(test.check.as_str())?;
    match &test.aspect {
        None => Some(*default),
        // A finding without the aspect (ERROR, NOT_APPLICABLE, MANUAL) counts under its own status.
        Some(aspect) => {
            let mut counts = summary.by_aspect.get(&(*check, aspect.clone())).copied().unwrap_or_default();
            for status in [Status::Error, Status::NotApplicable, Status::Manual] {
                counts.add_many(status, default.of(status));
            }
            // A framework of the user's own may name an aspect that the check has not: that concludes nothing.
            counts.add_many(Status::Undecided, default.total().saturating_sub(counts.total()));
            Some(counts)
        }
    }
}

/// The first of the determinations that holds.
fn determination(tests: &[TestResult<'_>]) -> Determination {
    let mut all = Counts::default();
    let mut concluding = Counts::default();
    let (mut concluding_tests, mut not_run) = (0, 0);
    let has_hole = tests.iter().any(|test| test.has_hole || (test.is_cut && test.counts.is_some()));
    for test in tests {
        let Some(counts) = test.counts else {
            not_run += 1;
            continue;
        };
        all += counts;
        if test.test.strength != Strength::Supporting {
            concluding += counts;
            concluding_tests += 1;
        }
    }
    if all.of(Status::Fail) > 0 {
        Determination::ExceptionsNoted
    } else if has_hole || all.of(Status::Error) + all.of(Status::Undecided) > 0 || (not_run > 0 && concluding_tests > 0)
    {
        Determination::Incomplete
    } else if all.of(Status::Waived) > 0 {
        Determination::ExceptionsWaived
    } else if concluding_tests == 0 {
        Determination::NotTested
    } else if concluding.population() > 0 {
        Determination::NoExceptionsNoted
    } else {
        Determination::NoItems
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::frameworks;

    /// A control with one test of each given strength.
    fn framework(strengths: &[&str]) -> Framework {
        let mut text = "id = 'f'\ntitle = 'F'\nversion = '1'\npublisher = 'P'\nnotice = ''\n\
                        [[control]]\nid = '1'\ntitle = 'One'\n"
            .to_owned();
        for (index, strength) in strengths.iter().enumerate() {
            text.push_str(&format!(
                "[[control.test]]\ncheck = 'c{index}'\nstrength = '{strength}'\n\
                 sources = [{{ document = 'D', rules = ['r'] }}]\n"
            ));
        }
        frameworks::parse("f.toml", &text).unwrap()
    }

    fn determine(tests: &[(&str, &[Status])]) -> Determination {
        const IDS: [&str; 3] = ["c0", "c1", "c2"];
        let framework = [framework(&tests.iter().map(|(strength, _)| *strength).collect::<Vec<_>>())];
        let mut summary = Summary {
            as_of: jiff::Timestamp::UNIX_EPOCH,
            total: Counts::default(),
            by_check: BTreeMap::new(),
            by_aspect: BTreeMap::new(),
            by_account: BTreeMap::from([("111122223333".to_owned(), Counts::default())]),
            left_out: 0,
            by_severity: BTreeMap::new(),
            by_account_and_check: BTreeMap::new(),
            evidence: vec![],
            ledger: Vec::new(),
            omitted: crate::audit::Omitted::default(),
            tie_outs: BTreeMap::new(),
            of_organization: Vec::new(),
            waived_for: BTreeMap::new(),
            waivers: Vec::new(),
            uses: Vec::new(),
        };
        for (id, (_, statuses)) in IDS.into_iter().zip(tests) {
            let counts = summary.by_check.entry(id).or_default();
            statuses.iter().for_each(|status| counts.add(*status));
        }
        roll_up(&summary, &framework)[0].controls[0].determination
    }

    #[test]
    fn the_first_determination_that_holds_is_said() {
        use Determination as D;
        use Status::{Error, Fail, NotApplicable, Pass, Undecided, Waived};
        type Case<'a> = (&'a [(&'a str, &'a [Status])], D);
        let cases: [Case<'_>; 12] = [
            (&[("direct", &[Pass, Fail, Error])], D::ExceptionsNoted),
            (&[("supporting", &[Fail])], D::ExceptionsNoted),
            (&[("direct", &[Pass, Error, Waived])], D::Incomplete),
            (&[("direct", &[Pass, Undecided])], D::Incomplete),
            (&[("direct", &[Pass]), ("supporting", &[Error])], D::Incomplete),
            (&[("direct", &[Pass, Waived])], D::ExceptionsWaived),
            (&[("direct", &[Pass, NotApplicable])], D::NoExceptionsNoted),
            (&[("partial", &[Pass]), ("direct", &[])], D::NoExceptionsNoted),
            (&[("direct", &[NotApplicable])], D::NoItems),
            (&[("direct", &[])], D::NoItems),
            (&[("supporting", &[Pass])], D::NotTested),
            (&[], D::NotTested),
        ];
        for (tests, expected) in cases {
            assert_eq!(determine(tests), expected, "{tests:?}");
        }
    }

    #[test]
    fn a_test_that_did_not_run_leaves_its_control_without_a_conclusion() {
        let framework = [framework(&["direct", "direct"])];
        let mut counts = Counts::default();
        counts.add(Status::Pass);
        let tests: Vec<TestResult<'_>> = framework[0].controls[0]
            .tests()
            .zip([Some(counts), None])
            .map(|(test, counts)| TestResult { test, counts, has_hole: false, is_cut: false, not_waived: 0 })
            .collect();
        assert_eq!(determination(&tests), Determination::Incomplete);
        let neither: Vec<TestResult<'_>> = tests.iter().map(|it| TestResult { counts: None, ..it.clone() }).collect();
        assert_eq!(determination(&neither), Determination::NotTested);
    }

    #[test]
    fn a_hole_in_a_population_forbids_a_conclusion() {
        let framework = [framework(&["direct"])];
        let mut counts = Counts::default();
        counts.add(Status::Pass);
        let test = framework[0].controls[0].tests().next().unwrap();
        let with_hole = TestResult { test, counts: Some(counts), has_hole: true, is_cut: false, not_waived: 0 };
        let cut = TestResult { has_hole: false, is_cut: true, ..with_hole.clone() };
        assert_eq!(determination(&[with_hole]), Determination::Incomplete);
        assert_eq!(determination(&[cut]), Determination::Incomplete);
    }
}
