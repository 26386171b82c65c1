//! How much of the universe of KMS keys an identity policy opens for an action (semantics 5.1).

use std::collections::BTreeSet;
use std::fmt;

use super::Match;
use super::action::services_of;
use super::catalogue::{KMS_OTHER, kms_actions};
use super::document::{Document, Effect, Statement};
use super::glob::Glob;
use super::resource::ResourcePattern;
use super::symbolic::atoms::Atom;
use super::symbolic::bits::Bits;
use super::symbolic::boxes::Universe;
use super::symbolic::space::{Area, Space, Term};
use super::symbolic::{Budget, Exhausted};

/// What one document opens for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How much of all keys.
    pub level: Level,
    /// Indices of Allow statements that open it, none of which can be left out.
    pub statements: Vec<usize>,
    /// A key that is opened.
    pub witness: Option<String>,
    /// True when the level changes once conditional Allow statements are dropped or conditional Deny statements applied.
    pub conditional: bool,
    /// What the level rests on, where the documentation of AWS allows another reading.
    pub notes: Vec<Note>,
}

/// How much of all keys of a partition a policy opens, any Region, account and key id. The first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every key.
    All,
    /// No key.
    None,
    /// Every key but an enumeration.
    AllExceptFinite,
    /// Every key of every account that the policy does not name.
    AllExceptAccounts,
    /// Every key of every Region that the policy does not name.
    AllExceptRegions,
    /// Every key of some Region, whatever the account.
    RegionAllAccounts,
    /// Every key of some account.
    Account,
    /// Every key of some account in some Region.
    AccountRegion,
    /// At most an enumeration, and more where policy variables have values.
    Variable,
    /// An enumeration.
    Explicit,
    /// Anything else.
    Pattern,
    /// The engine cannot tell; a note says why.
    Unknown,
}

/// A choice of reading behind a level.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The question was larger than its budget.
    Budget,
    /// `NotResource` holds a variable, and the readings of that lead to different answers (semantics U-10).
    VariableInNotResource {
        /// The statement.
        statement: usize,
    },
    /// With wildcards kept inside their field the level would be another (semantics U-1).
    NarrowReading {
        /// The level in the narrower reading.
        level: Level,
    },
    /// Where AWS does not document what a statement means the level may be this one, which is wider: a Deny may not match
    /// what it seems to (semantics U-1, U-17), and letter case before the account of an ARN may not count (R-1).
    WiderReading {
        /// The level in the widest reading of all statements.
        level: Level,
    },
    /// A wildcard before the colon of an action, or an empty `NotAction` or `NotResource`: the Allow is counted, the
    /// Deny is not (semantics U-9, U-14).
    UnsureStatement {
        /// The statement.
        statement: usize,
    },
    /// `"Condition": {}` is read as no condition (semantics U-17).
    EmptyCondition {
        /// The statement.
        statement: usize,
    },
    /// The witness holds only where the policy variables have fitting values.
    WitnessNeedsVariable,
    /// The budget ended before superfluous statements were found: some of those named may not be needed.
    StatementsNotMinimal,
}

impl Level {
    /// The name of the level in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::None => "NONE",
            Self::AllExceptFinite => "ALL_EXCEPT_FINITE",
            Self::AllExceptAccounts => "ALL_EXCEPT_ACCOUNTS",
            Self::AllExceptRegions => "ALL_EXCEPT_REGIONS",
            Self::RegionAllAccounts => "REGION_ALL_ACCOUNTS",
            Self::Account => "ACCOUNT",
            Self::AccountRegion => "ACCOUNT_REGION",
            Self::Variable => "VARIABLE",
            Self::Explicit => "EXPLICIT",
            Self::Pattern => "PATTERN",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// True for all keys, and for all keys but some that the policy names.
    #[must_use]
    pub fn is_all_but_named(self) -> bool {
        matches!(self, Self::All | Self::AllExceptFinite | Self::AllExceptAccounts | Self::AllExceptRegions)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget => formatter.write_str("the policy needs more steps than the budget of the question allows"),
            Self::VariableInNotResource { statement } => write!(
                formatter,
                "statement {statement}: a variable in `NotResource` may exclude nothing or disable the statement"
            ),
            Self::NarrowReading { level } => {
                write!(formatter, "with every wildcard kept inside its ARN field the level would be {level}")
            }
            Self::WiderReading { level } => {
                write!(formatter, "where AWS does not document what a statement means, the level may be {level}")
            }
            Self::UnsureStatement { statement } => write!(
                formatter,
                "statement {statement}: whether it applies is not documented; an Allow is counted, a Deny is not"
            ),
            Self::EmptyCondition { statement } => {
                write!(formatter, "statement {statement}: the empty `Condition` is read as no condition")
            }
            Self::WitnessNeedsVariable => {
                formatter.write_str("the witness is opened where the policy variables have fitting values")
            }
            Self::StatementsNotMinimal => {
                formatter.write_str("some of the statements named may not be needed; the budget ended first")
            }
        }
    }
}

/// How much of all keys of `partition` (`aws`, `aws-cn`, …) the document opens for `action` (`kms:Decrypt`).
///
/// The definition of semantics 5.1: conditions of Allow statements are ignored, Deny statements with a condition are
/// dropped, a value with a variable matches nothing, wildcards run past colons. Principals are not looked at.
#[must_use]
pub fn coverage(document: &Document, partition: &str, action: &str) -> Coverage {
    coverage_of_every(document, partition, &[action])
}

/// How much of all keys of `partition` the document opens for every one of `actions`: a key counts when all of them are
/// opened on it. The rules are those of [`coverage`].
#[must_use]
pub fn coverage_of_every(document: &Document, partition: &str, actions: &[&str]) -> Coverage {
    coverage_within(document, partition, actions, &mut Budget::default())
}

/// How much of all keys the document opens for every action of KMS, those that AWS has not added yet included.
#[must_use]
pub fn kms_full_access(document: &Document, partition: &str) -> Coverage {
    let known = kms_actions().iter().map(|action| action.name);
    coverage_of_every(document, partition, &known.chain([KMS_OTHER]).collect::<Vec<_>>())
}

/// [`coverage_of_every`] with a budget of the caller's.
#[must_use]
pub fn coverage_within(document: &Document, partition: &str, actions: &[&str], budget: &mut Budget) -> Coverage {
    let mut question = Question::new(document, actions);
    question.answer(partition, budget).unwrap_or_else(|Exhausted| Coverage::unknown(vec![Note::Budget]))
}

/// The statements that speak about the actions, as terms over one list of patterns.
struct Question<'d> {
    /// Sets of positions in `clauses`, one for each kind of action: those that speak about it.
    kinds: BTreeSet<Bits>,
    globs: Vec<Glob>,
    clauses: Vec<Clause<'d>>,
    notes: Vec<Note>,
}

struct Clause<'d> {
    /// Its position among the clauses.
    position: usize,
    statement: &'d Statement,
    /// With values that hold variables left out.
    wide: Term,
    /// The same with wildcards kept inside their fields, where that may differ.
    narrow: Option<Term>,
    /// With variables read as `*`, where there are any.
    widest: Option<Term>,
    /// As it opens most, or takes away least, where its meaning is not documented.
    most: Option<Term>,
}

/// How patterns are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Wide,
    Narrow,
    /// Allow statements with variables read as `*`; a Deny keeps subtracting only what it certainly matches.
    Widest,
    /// Every statement as it opens most.
    Most,
}

impl Clause<'_> {
    /// A conditional Deny does not subtract.
    fn counts(&self) -> bool {
        !(self.wide.denies && self.statement.is_conditional())
    }

    /// Whether fitting values of variables would open more.
    fn may_widen(&self) -> bool {
        self.widest.is_some() && !self.wide.denies && !self.wide.negated
    }

    fn read(&self, reading: Reading) -> &Term {
        match reading {
            Reading::Narrow => self.narrow.as_ref().unwrap_or(&self.wide),
            Reading::Most => self.most.as_ref().unwrap_or(&self.wide),
            Reading::Widest if self.may_widen() => self.widest.as_ref().unwrap_or(&self.wide),
            Reading::Wide | Reading::Widest => &self.wide,
        }
    }
}

impl<'d> Question<'d> {
    fn new(document: &'d Document, actions: &[&str]) -> Self {
        let mut question = Self { kinds: BTreeSet::new(), globs: vec![], clauses: vec![], notes: vec![] };
        let services = services_of(actions.iter().copied());
        // Most statements are about other services, which is told without a look at each action.
        let is_near = |statement: &&Statement| services.iter().any(|service| statement.actions.may_concern(service));
        let near: Vec<&Statement> = document.statements.iter().filter(is_near).collect();
        if near.is_empty() {
            return question;
        }
        let length = near.len();
        let mut kinds = vec![Bits::none(length); actions.len()];
        for statement in near {
            let Some(resources) = &statement.resources else { continue };
            let position = question.clauses.len();
            let mut unsure = false;
            let mut speaks = false;
            for (action, kind) in actions.iter().zip(&mut kinds) {
                let applies = match statement.matches_action(action) {
                    Match::Yes if resources.negated && resources.patterns.is_empty() => Match::Unsure,
                    applies => applies,
                };
                unsure |= applies == Match::Unsure;
                if applies == Match::Yes || (applies == Match::Unsure && statement.effect == Effect::Allow) {
                    kind.insert(position);
                    speaks = true;
                }
            }
            if unsure {
                question.notes.push(Note::UnsureStatement { statement: statement.index });
            }
            if speaks && statement.has_empty_condition() {
                question.notes.push(Note::EmptyCondition { statement: statement.index });
            }
            if speaks {
                question.add(statement, &resources.patterns, resources.negated);
            }
        }
        question.kinds = kinds.into_iter().collect();
        question
    }

    fn add(&mut self, statement: &'d Statement, patterns: &[ResourcePattern], negated: bool) {
        let mut wide = Term { denies: statement.effect == Effect::Deny, negated, patterns: vec![] };
        let (mut narrow, mut widest, mut most) = (wide.clone(), wide.clone(), wide.clone());
        let (mut has_variables, mut differs, mut is_folded) = (false, false, false);
        for pattern in patterns {
            let Some(glob) = pattern.fixed_glob() else {
                has_variables = true;
                widest.patterns.push(self.pattern(pattern.text().widest_glob().into_owned()));
                continue;
            };
            let index = self.pattern(glob.into_owned());
            wide.patterns.push(index);
            widest.patterns.push(index);
            match pattern.fixed_narrow_glob() {
                Some(glob) if Some(glob.as_ref()) == self.globs.get(index) => narrow.patterns.push(index),
                Some(glob) => {
                    differs = true;
                    narrow.patterns.push(self.pattern(glob.into_owned()));
                }
                None => differs = true,
            }
            if let Some(glob) = pattern.folded_glob() {
                is_folded = true;
                most.patterns.push(self.pattern(glob.clone()));
            }
        }
        // A statement opens most by matching most, unless it denies, or speaks about everything else.
        if wide.denies == negated {
            most.patterns.extend(&wide.patterns);
        } else {
            most = narrow.clone();
        }
        let most = (differs || is_folded).then_some(most);
        let narrow = differs.then_some(narrow);
        let widest = has_variables.then_some(widest);
        self.clauses.push(Clause { position: self.clauses.len(), statement, wide, narrow, widest, most });
    }

    fn pattern(&mut self, glob: Glob) -> usize {
        self.globs.push(glob);
        self.globs.len() - 1
    }

    fn answer(&mut self, partition: &str, budget: &mut Budget) -> Result<Coverage, Exhausted> {
        let allows = |kind: &Bits| self.clauses.iter().any(|it| !it.wide.denies && kind.contains(it.position));
        // No key counts on which one of the actions is never allowed.
        if self.kinds.is_empty() || !self.kinds.iter().all(allows) {
            let (level, notes) = (Level::None, std::mem::take(&mut self.notes));
            return Ok(Coverage { level, statements: vec![], witness: None, conditional: false, notes });
        }
        let space = Space::new(Universe::keys(partition), &self.globs, budget)?;
        let clauses: Vec<&Clause<'_>> = self.clauses.iter().filter(|clause| clause.counts()).collect();
        let area = area(&space, &self.kinds, &clauses, Reading::Wide, budget)?;
        if let Some(statement) = undecided(&space, &self.kinds, &clauses, &area, budget)? {
            self.notes.push(Note::VariableInNotResource { statement });
            return Ok(Coverage::unknown(std::mem::take(&mut self.notes)));
        }
        let level = level(&space, &self.kinds, &clauses, &area, budget)?;
        let mut notes = std::mem::take(&mut self.notes);
        if clauses.iter().any(|clause| clause.narrow.is_some()) {
            let area = self::area(&space, &self.kinds, &clauses, Reading::Narrow, budget)?;
            let narrow = self::level(&space, &self.kinds, &clauses, &area, budget)?;
            if narrow != level {
                notes.push(Note::NarrowReading { level: narrow });
            }
        }
        if let Some(wider) = self.widest_level(&space, &clauses, budget)?
            && wider != level
        {
            notes.push(Note::WiderReading { level: wider });
        }
        let conditional = self.is_conditional(&space, level, budget)?;
        let reading = if level == Level::Variable { Reading::Widest } else { Reading::Wide };
        let opened = if level == Level::Variable {
            self::area(&space, &self.kinds, &clauses, reading, budget)?
        } else {
            area.clone()
        };
        let mut witness = witness(&space, &area);
        if witness.is_none() && level == Level::Variable {
            witness = self::witness(&space, &opened);
            notes.push(Note::WitnessNeedsVariable);
        }
        let statements =
            statements(&space, &self.kinds, &clauses, reading, &opened, budget).unwrap_or_else(|Exhausted| {
                notes.push(Note::StatementsNotMinimal);
                let allowing = clauses.iter().filter(|clause| !clause.wide.denies);
                allowing.map(|clause| clause.statement.index).collect()
            });
        Ok(Coverage { level, statements, witness, conditional, notes })
    }

    /// The level when every statement opens most, where that may be another.
    fn widest_level(
        &self,
        space: &Space,
        clauses: &[&Clause<'_>],
        budget: &mut Budget,
    ) -> Result<Option<Level>, Exhausted> {
        let may_not_apply = |clause: &&Clause<'_>| clause.wide.denies && clause.statement.has_empty_condition();
        if !clauses.iter().any(|clause| clause.most.is_some() || may_not_apply(clause)) {
            return Ok(None);
        }
        let clauses: Vec<&Clause<'_>> = clauses.iter().copied().filter(|clause| !may_not_apply(clause)).collect();
        let area = area(space, &self.kinds, &clauses, Reading::Most, budget)?;
        level(space, &self.kinds, &clauses, &area, budget).map(Some)
    }

    fn is_conditional(&self, space: &Space, level: Level, budget: &mut Budget) -> Result<bool, Exhausted> {
        if !self.clauses.iter().any(|clause| clause.statement.is_conditional()) {
            return Ok(false);
        }
        for (keeps_allow, applies_deny) in [(false, false), (true, true), (false, true)] {
            let kept = |clause: &&Clause<'_>| {
                !clause.statement.is_conditional() || if clause.wide.denies { applies_deny } else { keeps_allow }
            };
            let clauses: Vec<&Clause<'_>> = self.clauses.iter().filter(kept).collect();
            let area = area(space, &self.kinds, &clauses, Reading::Wide, budget)?;
            if self::level(space, &self.kinds, &clauses, &area, budget)? != level {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Coverage {
    /// The level in the widest reading of what AWS does not document.
    #[must_use]
    pub fn widest_level(&self) -> Level {
        let wider = self.notes.iter().find_map(|note| match note {
            Note::WiderReading { level } => Some(*level),
            _ => None,
        });
        wider.unwrap_or(self.level)
    }

    fn unknown(notes: Vec<Note>) -> Self {
        Self { level: Level::Unknown, statements: vec![], witness: None, conditional: false, notes }
    }
}

/// What the clauses open for every kind of action.
fn area(
    space: &Space,
    kinds: &BTreeSet<Bits>,
    clauses: &[&Clause<'_>],
    reading: Reading,
    budget: &mut Budget,
) -> Result<Area, Exhausted> {
    let mut every: Option<Area> = None;
    for kind in kinds {
        let terms = terms_of(clauses, kind, reading).1;
        let area = space.area(&terms, budget)?;
        every = Some(match every {
            None => area,
            Some(every) => every.intersection(&area, budget)?,
        });
    }
    every.map_or_else(|| space.area(&[], budget), Ok)
}

/// The clauses that speak about one kind of action, and what they say.
fn terms_of<'c, 'd>(clauses: &[&'c Clause<'d>], kind: &Bits, reading: Reading) -> (Vec<&'c Clause<'d>>, Vec<Term>) {
    let speaking = clauses.iter().copied().filter(|clause| kind.contains(clause.position));
    speaking.map(|clause| (clause, clause.read(reading).clone())).unzip()
}

/// The statement whose `NotResource` holds a variable, if it matters whether that disables the statement.
fn undecided(
    space: &Space,
    kinds: &BTreeSet<Bits>,
    clauses: &[&Clause<'_>],
    area: &Area,
    budget: &mut Budget,
) -> Result<Option<usize>, Exhausted> {
    let doubtful = |clause: &&Clause<'_>| clause.wide.negated && clause.widest.is_some();
    let Some(first) = clauses.iter().copied().find(doubtful) else { return Ok(None) };
    // Every doubtful Allow disabled and every doubtful Deny applied is the one extreme, the reverse the other. All
    // readings lie between them.
    for disabled in [Effect::Allow, Effect::Deny] {
        let kept = |clause: &&Clause<'_>| !(doubtful(clause) && clause.statement.effect == disabled);
        let rest: Vec<&Clause<'_>> = clauses.iter().copied().filter(kept).collect();
        if self::area(space, kinds, &rest, Reading::Wide, budget)? != *area {
            return Ok(Some(first.statement.index));
        }
    }
    Ok(None)
}

fn level(
    space: &Space,
    kinds: &BTreeSet<Bits>,
    clauses: &[&Clause<'_>],
    area: &Area,
    budget: &mut Budget,
) -> Result<Level, Exhausted> {
    let level = level_of(space, area);
    let may_grow = matches!(level, Level::None | Level::Explicit) && clauses.iter().any(|clause| clause.may_widen());
    if may_grow && self::area(space, kinds, clauses, Reading::Widest, budget)? != *area {
        return Ok(Level::Variable);
    }
    Ok(level)
}

/// The levels in their order, without regard to variables.
fn level_of(space: &Space, area: &Area) -> Level {
    let full = Bits::all(space.names().len());
    let columns = || area.columns(space.accounts().len());
    let partial = || columns().filter(|(_, _, names)| **names != full);
    let single = |region: usize, account: usize, names: &Bits| {
        is_single(space.regions(), region)
            && is_single(space.accounts(), account)
            && names.iter().all(|name| is_single(space.names(), name))
    };
    let missing = |names: &Bits| {
        let mut missing = full.clone();
        missing.remove(names);
        missing
    };
    if partial().next().is_none() {
        return Level::All;
    }
    if area.is_empty() {
        return Level::None;
    }
    if partial().all(|(region, account, names)| single(region, account, &missing(names))) {
        return Level::AllExceptFinite;
    }
    if partial().all(|(_, account, _)| is_named(space.accounts(), account)) {
        return Level::AllExceptAccounts;
    }
    if partial().all(|(region, _, _)| is_named(space.regions(), region)) {
        return Level::AllExceptRegions;
    }
    let mut partial_regions = Bits::none(space.regions().len());
    let mut partial_accounts = Bits::none(space.accounts().len());
    partial().for_each(|(region, account, _)| {
        partial_regions.insert(region);
        partial_accounts.insert(account);
    });
    if partial_regions != Bits::all(space.regions().len()) {
        return Level::RegionAllAccounts;
    }
    if partial_accounts != Bits::all(space.accounts().len()) {
        return Level::Account;
    }
    if columns().any(|(_, _, names)| *names == full) {
        return Level::AccountRegion;
    }
    let mut opened = columns().filter(|(_, _, names)| !names.is_empty());
    if opened.all(|(region, account, names)| single(region, account, names)) { Level::Explicit } else { Level::Pattern }
}

fn is_single(atoms: &[Atom], index: usize) -> bool {
    atoms.get(index).is_some_and(|atom| atom.single)
}

fn is_named(atoms: &[Atom], index: usize) -> bool {
    atoms.get(index).is_some_and(|atom| atom.named)
}

/// A key of the first cell that is open.
fn witness(space: &Space, area: &Area) -> Option<String> {
    let mut open = area.columns(space.accounts().len());
    open.find_map(|(region, account, names)| Some(space.arn([region, account, names.iter().next()?])))
}

/// The Allow statements that are left when every superfluous one is dropped, conditional and late ones first.
fn statements(
    space: &Space,
    kinds: &BTreeSet<Bits>,
    clauses: &[&Clause<'_>],
    reading: Reading,
    area: &Area,
    budget: &mut Budget,
) -> Result<Vec<usize>, Exhausted> {
    let mut needed = BTreeSet::new();
    for kind in kinds {
        let (speaking, terms) = terms_of(clauses, kind, reading);
        let allowing = speaking.iter().enumerate().filter(|(_, clause)| !clause.wide.denies);
        let mut order: Vec<usize> = allowing.map(|(position, _)| position).rev().collect();
        order.sort_by_key(|position| speaking.get(*position).is_some_and(|clause| !clause.statement.is_conditional()));
        let kept = space.minimal_cover(&terms, area, &order, budget)?;
        needed.extend(kept.iter().filter_map(|position| Some(speaking.get(*position)?.statement.index)));
    }
    Ok(needed.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::super::symbolic::VECTORS;
    use super::*;

    fn of(statements: &str) -> Coverage {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        coverage(&Document::parse(&text).unwrap(), "aws", "kms:Decrypt")
    }

    fn allow(resource: &str) -> String {
        format!(r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"{resource}"}}"#)
    }

    fn deny(resource: &str) -> String {
        format!(r#"{{"Effect":"Deny","Action":"kms:*","Resource":"{resource}"}}"#)
    }

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn what_allows_some_of_several_actions_opens_no_key_for_all_of_them_however_large_it_is() {
        let patterns: Vec<String> = (0..40).map(|at| format!("\"arn:aws:kms:*:*:key/*{at}*a*\"")).collect();
        let text = format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Action": "kms:De*", "Resource": [{}]}},
                {{"Effect": "Allow", "Action": "k*:Encrypt", "Resource": "*"}}]}}"#,
            patterns.join(",")
        );
        let document = Document::parse(&text).unwrap();
        let within = |actions: &[&str]| coverage_within(&document, "aws", actions, &mut Budget::of_steps(1_000));
        assert_eq!(within(&["kms:Decrypt"]).level, Level::Unknown);
        let some = within(&["kms:Decrypt", "kms:Encrypt", "kms:Sign"]);
        assert_eq!((some.level, some.statements), (Level::None, vec![]));
        assert_eq!(some.notes, [Note::UnsureStatement { statement: 1 }]);
    }

    #[test]
    fn levels_of_one_pattern() {
        for (resource, level) in [
            ("*", Level::All),
            ("arn:*", Level::All),
            ("arn:aws:kms:*:*:key/????????-*", Level::Pattern),
            ("arn:aws:kms:?*-?*-?*:*:key/*", Level::All),
            ("arn:aws:kms:us-east-1:*:key/*", Level::RegionAllAccounts),
            ("arn:aws:kms:*:111122223333:key/*", Level::Account),
            ("arn:aws:kms:us-east-1:111122223333:key/*", Level::AccountRegion),
            ("arn:aws:kms:us-east-1:111122223333:*", Level::AccountRegion),
            (KEY, Level::Explicit),
            ("arn:aws:kms:*:*:alias/*", Level::None),
            ("1234abcd-12ab-34cd-56ef-1234567890ab", Level::None),
            ("arn:aws:kms:us-*:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", Level::Pattern),
            ("arn:aws:kms", Level::All),
        ] {
            assert_eq!(of(&allow(resource)).level, level, "{resource}");
        }
    }

    #[test]
    fn levels_of_all_but_something() {
        let all_but = |resource| of(&[allow("*"), deny(resource)].join(",")).level;
        assert_eq!(all_but(KEY), Level::AllExceptFinite);
        assert_eq!(all_but("arn:aws:kms:*:111122223333:key/*"), Level::AllExceptAccounts);
        assert_eq!(all_but("arn:aws:kms:us-east-1:*:key/*"), Level::AllExceptRegions);
        assert_eq!(all_but("arn:aws:kms:us-*:*:key/*"), Level::RegionAllAccounts);
        assert_eq!(all_but("arn:aws:kms:*:*:key/mrk-*"), Level::Pattern);
        assert_eq!(all_but("*"), Level::None);
    }

    #[test]
    fn statements_are_those_that_cannot_be_left_out() {
        assert_eq!(of(&[allow(KEY), allow("*"), allow("arn:aws:kms:*")].join(",")).statements, [1]);
        let two = [allow("arn:aws:kms:us-east-1:*:key/*"), allow("arn:aws:kms:eu-west-1:*:key/*")].join(",");
        assert_eq!(of(&two).statements, [0, 1]);
        assert_eq!(of(&allow("arn:aws:s3:::*")).statements, [0; 0]);
    }

    #[test]
    fn the_witness_is_opened() {
        assert_eq!(of(&allow(KEY)).witness.as_deref(), Some(KEY));
        assert_eq!(
            of(&[allow("*"), deny("arn:aws:kms:*:111122223333:*")].join(",")).witness.as_deref(),
            Some("arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab")
        );
        assert_eq!(of("").witness, None);
    }

    #[test]
    fn conditions_are_ignored_and_flagged() {
        let condition = r#","Condition":{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}}"#;
        let guarded = allow("*").replace("\"*\"}", &format!("\"*\"{condition}"));
        let coverage = of(&guarded);
        assert_eq!((coverage.level, coverage.conditional), (Level::All, true));
        let coverage = of(&[guarded, allow("arn:aws:kms:*")].join(","));
        assert_eq!((coverage.level, coverage.conditional, coverage.statements), (Level::All, false, vec![1]));
        let coverage = of(&[allow("*"), deny("*").replace("\"*\"}", &format!("\"*\"{condition}"))].join(","));
        assert_eq!((coverage.level, coverage.conditional), (Level::All, true));
    }

    #[test]
    fn variables_open_nothing_certain() {
        let variable = "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key}";
        let coverage = of(&allow(variable));
        assert_eq!(coverage.level, Level::Variable);
        assert!(coverage.witness.is_some() && coverage.notes.contains(&Note::WitnessNeedsVariable));
        assert_eq!(of(&[allow(variable), allow(KEY)].join(",")).level, Level::Variable);
        assert_eq!(of(&[allow(variable), allow("*")].join(",")).level, Level::All);
        assert_eq!(of(&[allow(variable), deny("*")].join(",")).level, Level::None);
        assert_eq!(of(&[allow("*"), deny(variable)].join(",")).level, Level::All);
    }

    #[test]
    fn a_variable_in_not_resource_is_unknown_where_it_matters() {
        let doubtful = r#"{"Effect":"Allow","Action":"kms:*","NotResource":"arn:aws:s3:::${aws:username}"}"#;
        let coverage = of(doubtful);
        assert_eq!(coverage.level, Level::Unknown);
        assert_eq!(coverage.notes, [Note::VariableInNotResource { statement: 0 }]);
        assert_eq!(of(&[doubtful.to_owned(), allow("*")].join(",")).level, Level::All);
    }

    #[test]
    fn the_narrower_reading_is_told_where_it_differs() {
        let coverage = of(&allow("arn:aws:kms:*:key/*"));
        assert_eq!(coverage.level, Level::All);
        assert_eq!(coverage.notes, [Note::NarrowReading { level: Level::None }]);
        assert_eq!(of(&allow("arn:aws:kms:*")).notes, []);
    }

    #[test]
    fn the_wider_reading_is_told_where_it_differs() {
        let widest = |statements: &[String]| of(&statements.join(",")).widest_level();
        let all = allow("*");
        // A Deny that subtracts only by a star that crosses a colon, by padding, or under an empty condition.
        assert_eq!(of(&[all.clone(), deny("arn:aws:kms:*:key/*")].join(",")).level, Level::None);
        assert_eq!(widest(&[all.clone(), deny("arn:aws:kms:*:key/*")]), Level::All);
        assert_eq!(widest(&[all.clone(), deny("arn:aws:kms")]), Level::All);
        let empty = deny("*").replace("\"*\"}", r#""*","Condition":{}}"#);
        assert_eq!(of(&[all.clone(), empty.clone()].join(",")).level, Level::None);
        assert_eq!(widest(&[all.clone(), empty]), Level::All);
        let all_but = allow("arn:aws:kms:*:key/*").replace("Resource", "NotResource");
        assert_eq!((of(&all_but).level, of(&all_but).widest_level()), (Level::None, Level::All));
        // Letter case before the account.
        assert_eq!(of(&allow("arn:aws:KMS:*:*:key/*")).level, Level::None);
        assert_eq!(widest(&[allow("arn:aws:KMS:*:*:key/*")]), Level::All);
        let deny_all_but = deny("arn:aws:KMS:*:111122223333:*").replace("Resource", "NotResource");
        assert_eq!(widest(&[all.clone(), deny_all_but]), Level::Account);
        // What is the same in every reading, and what is wide already.
        assert_eq!(of(&[all.clone(), deny("arn:aws:kms:*")].join(",")).notes, []);
        assert_eq!(widest(&[all, deny("arn:aws:KMS:*:*:key/*")]), Level::All);
        assert_eq!(widest(&[allow("arn:aws:kms:*:key/*")]), Level::All);
    }

    #[test]
    fn unsure_statements_allow_and_do_not_deny() {
        let unsure = r#"{"Effect":"Allow","Action":"k*:Decrypt","Resource":"*"}"#;
        assert_eq!((of(unsure).level, of(unsure).notes.len()), (Level::All, 1));
        assert_eq!(of(&[allow("*"), unsure.replace("Allow", "Deny")].join(",")).level, Level::All);
    }

    #[test]
    fn full_access_needs_every_action_and_those_to_come() {
        let full = |statements: &str| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
            kms_full_access(&Document::parse(&text).unwrap(), "aws")
        };
        let allow =
            |action: &str, resource: &str| format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"{resource}"}}"#);
        assert_eq!(full(&allow(r#""kms:*""#, "*")).level, Level::All);
        assert_eq!(full(&allow(r#""*""#, "arn:aws:kms:*:*:key/*")).level, Level::All);
        assert_eq!(full(&allow(r#""kms:?*""#, "*")).level, Level::None);
        assert_eq!(full(&allow(r#"["kms:D*","kms:E*"]"#, "*")).level, Level::None);
        assert_eq!(full(&allow(r#""kms:*""#, "*").replace("Action", "NotAction")).level, Level::None);
        assert_eq!(full(&allow(r#""s3:*""#, "*").replace("Action", "NotAction")).level, Level::All);
        let denied = [allow(r#""kms:*""#, "*"), deny(KEY).replace("kms:*", "kms:Decrypt")].join(",");
        assert_eq!(full(&denied).level, Level::AllExceptFinite);
        let split = [allow(r#""kms:*""#, "arn:aws:kms:us-east-1:*:key/*"), allow(r#""kms:*""#, KEY)].join(",");
        assert_eq!((full(&split).level, full(&split).statements), (Level::RegionAllAccounts, vec![0]));
    }

    #[test]
    fn a_question_that_is_too_large_is_unknown() {
        let document =
            Document::parse(&format!(r#"{{"Statement":[{}]}}"#, allow("arn:aws:kms:*1*:*2*:key/*3*"))).unwrap();
        let coverage = coverage_within(&document, "aws", &["kms:Decrypt"], &mut Budget::of_steps(100));
        assert_eq!((coverage.level, coverage.notes), (Level::Unknown, vec![Note::Budget]));
    }

    #[test]
    fn ten_thousand_statements_are_answered() {
        let regions = ["us-east-1", "eu-west-1", "ap-south-1", "sa-east-1"];
        let statements: Vec<String> = (0..10_000_usize)
            .map(|n| {
                allow(&format!("arn:aws:kms:{}:{:012}:key/{n:08x}-12ab-34cd-56ef-1234567890ab", regions[n % 4], n / 3))
            })
            .collect();
        let coverage = of(&statements.join(","));
        assert_eq!((coverage.level, coverage.statements.len()), (Level::Explicit, 10_000));
    }

    #[test]
    fn every_vector_has_the_expected_levels() {
        let mut checked = 0;
        for line in VECTORS.lines() {
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            if vector["kind"] != "all_keys" {
                continue;
            }
            let document = Document::parse(&vector["policy"].to_string()).unwrap();
            let (id, expected) = (&vector["id"], &vector["expected"]);
            let mut statements = BTreeSet::new();
            let mut conditional = false;
            for action in ["kms:Decrypt", "kms:ReEncryptFrom"] {
                let coverage = coverage(&document, vector["partition"].as_str().unwrap(), action);
                assert_eq!(coverage.level.name(), expected[action], "{id} {action}");
                let opens = !matches!(coverage.level, Level::None | Level::Unknown);
                assert_eq!(coverage.witness.is_some(), opens, "{id} {action}");
                statements.extend(coverage.statements);
                conditional |= coverage.conditional;
                checked += 1;
            }
            assert_eq!(conditional, expected["conditional"] == true, "{id}");
            if let Some(expected) = expected["statements"].as_array() {
                let expected = expected.iter().map(|index| usize::try_from(index.as_u64().unwrap()).unwrap());
                assert_eq!(statements, expected.collect(), "{id}");
            }
        }
        assert!(checked >= 400, "only {checked} levels were checked");
    }
}
