//! Whether one identity policy is more permissive than another, over all requests to KMS (semantics 5.7).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Match;
use super::caller::arn_field;
use super::catalogue::{KMS_OTHER, KmsResources, kms_actions};
use super::condition::Comparison;
use super::derived::{Derived, derived};
use super::document::{Document, Effect, Statement};
use super::glob::Glob;
use super::replay::replay;
use super::symbolic::bits::Bits;
use super::symbolic::boxes::Universe;
use super::symbolic::contexts::Contexts;
use super::symbolic::diagram::Function;
use super::symbolic::relations::{Subject, by_default};
use super::symbolic::space::{Space, Term};
use super::symbolic::{Budget, Exhausted};
use super::text::Text;

pub use super::replay::Witness;
pub use super::symbolic::contexts::Held;

/// How two documents relate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// By what they allow: every Allow less every Deny.
    pub effective: Relation,
    /// By what they allow and by what they deny explicitly, which counts once other policies are added.
    pub compositional: Relation,
    /// A request that B allows and A does not.
    pub more: Option<Witness>,
    /// A request that A allows and B does not.
    pub less: Option<Witness>,
    /// Why a relation is unknown, or what it rests on.
    pub notes: Vec<CompareNote>,
}

/// How B relates to A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// Both are the same.
    Equivalent,
    /// B has all that A has, and more.
    BMore,
    /// B has less than A, and nothing that A has not.
    BLess,
    /// Each has something that the other has not.
    Incomparable,
    /// The engine cannot tell; a note says why.
    Unknown,
}

/// Why a relation is unknown, or what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CompareNote {
    /// The question was larger than its budget.
    Budget,
    /// The relation depends on rules that AWS does not document.
    Undocumented,
    /// A difference was found that depends on how policy variables relate to other keys, and no request could be built
    /// that shows it.
    Variables,
    /// Principals were not compared: each document was read as attached to one principal.
    PrincipalsIgnored,
    /// A witness is allowed or denied only in one reading of what AWS does not document: mostly where a wildcard of a
    /// resource pattern crosses a colon (semantics U-1).
    WideReading,
}

impl Relation {
    /// The name of the relation in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Equivalent => "EQUIVALENT",
            Self::BMore => "B_MORE",
            Self::BLess => "B_LESS",
            Self::Incomparable => "INCOMPARABLE",
            Self::Unknown => "UNKNOWN",
        }
    }

    fn of(at_least: bool, at_most: bool) -> Self {
        match (at_least, at_most) {
            (true, true) => Self::Equivalent,
            (true, false) => Self::BMore,
            (false, true) => Self::BLess,
            (false, false) => Self::Incomparable,
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for CompareNote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Budget => "the policies need more steps than the budget of the question allows",
            Self::Undocumented => "the relation depends on rules that AWS does not document",
            Self::Variables => "a difference depends on the values of policy variables, and no request shows it",
            Self::PrincipalsIgnored => "principals were not compared",
            Self::WideReading => {
                "a witness rests on what AWS does not document, such as a wildcard that crosses a colon of an ARN"
            }
        })
    }
}

/// How B relates to A over all requests to KMS: every action, those to come included, on keys, aliases and no resource, in
/// every context. Patterns are read in the wide sense (semantics R-4), as for coverage.
#[must_use]
pub fn compare(a: &Document, b: &Document) -> Compared {
    compare_within(a, b, &mut Budget::default())
}

/// [`compare`] with a budget of the caller's.
#[must_use]
pub fn compare_within(a: &Document, b: &Document, budget: &mut Budget) -> Compared {
    let unknown = |note| Compared {
        effective: Relation::Unknown,
        compositional: Relation::Unknown,
        more: None,
        less: None,
        notes: vec![note],
    };
    Question::new(a, b, budget)
        .and_then(|mut question| question.answer(budget))
        .unwrap_or_else(|Exhausted| unknown(CompareNote::Budget))
}

/// How many assignments of one difference are tried before it counts as not shown.
const ATTEMPTS: usize = 16;

/// Both documents, their statements in one list: first those of A.
struct Question<'d> {
    a: &'d Document,
    b: &'d Document,
    statements: Vec<&'d Statement>,
    contexts: Contexts,
    /// Keys that follow from the resource.
    derived: Vec<Derived<'d>>,
}

/// What was found under one reading of the undocumented rules.
#[derive(Default)]
struct Found {
    /// Requests that only B, or only A, allows.
    more: Direction,
    less: Direction,
    /// Requests that only B, or only A, denies explicitly.
    denies_more: bool,
    denies_less: bool,
}

#[derive(Default)]
struct Direction {
    /// A request, and whether the evaluator is sure of it.
    witness: Option<(Match, Witness)>,
    /// A difference without a request that shows it.
    unshown: bool,
}

/// Resources that the same patterns match.
struct Cell {
    resource: Option<String>,
    partition: String,
    /// The terms that match.
    matched: Bits,
    /// The terms of which AWS does not document whether they match.
    unsure: Bits,
}

/// The terms of one statement.
struct Resources<'d> {
    negated: bool,
    fixed: usize,
    /// Patterns with policy variables, each a term of its own.
    related: Vec<(usize, &'d Text)>,
}

/// What the resource elements of both policies ask of an ARN, one term for each question.
#[derive(Default)]
struct Terms {
    globs: Vec<Glob>,
    terms: Vec<Term>,
    /// What each term answers for a request without a resource.
    without: Vec<Match>,
}

impl Terms {
    /// The term that asks whether one of these patterns matches.
    fn add(&mut self, patterns: Vec<usize>, without: Match) -> usize {
        self.without.push(without);
        self.terms.push(Term { denies: false, negated: false, patterns });
        self.terms.len() - 1
    }

    /// The term that asks whether this pattern alone matches.
    fn add_glob(&mut self, glob: Glob) -> usize {
        self.globs.push(glob);
        self.add(vec![self.globs.len() - 1], Match::No)
    }

    fn resources<'d>(&mut self, statement: &'d Statement) -> Option<Resources<'d>> {
        let element = statement.resources.as_ref()?;
        let mut related = Vec::new();
        let mut fixed = Vec::new();
        for pattern in &element.patterns {
            let glob = pattern.fixed_glob().unwrap_or_else(|| pattern.text().widest_glob()).into_owned();
            if pattern.text().has_variables() {
                related.push((self.add_glob(glob), pattern.text()));
                // What the defaults alone match is told apart from the rest.
                if let Some(default) = by_default(Comparison::StringLike, pattern.text()) {
                    self.add_glob(default);
                }
            } else {
                self.globs.push(glob);
                fixed.push(self.globs.len() - 1);
            }
        }
        let matches_nothing = Match::any(element.patterns.iter().map(matches_without_resource));
        Some(Resources { negated: element.negated, fixed: self.add(fixed, matches_nothing), related })
    }

    /// The terms that give this answer for a request without a resource.
    fn without_resource(&self, wanted: Match) -> Bits {
        let mut bits = Bits::none(self.terms.len());
        self.without.iter().enumerate().filter(|(_, found)| **found == wanted).for_each(|(term, _)| bits.insert(term));
        bits
    }
}

impl<'d> Question<'d> {
    fn new(a: &'d Document, b: &'d Document, budget: &mut Budget) -> Result<Self, Exhausted> {
        let statements: Vec<&Statement> = a.statements.iter().chain(&b.statements).collect();
        let contexts = Contexts::new(&statements, budget)?;
        let derived = derived(&statements);
        Ok(Self { a, b, statements, contexts, derived })
    }

    fn answer(&mut self, budget: &mut Budget) -> Result<Compared, Exhausted> {
        let most = self.read(true, budget)?;
        let mut notes = BTreeSet::new();
        let mut compared = most.compared(&mut notes);
        if self.contexts.met_unsure {
            let mut of_least = BTreeSet::new();
            let least = self.read(false, budget)?.compared(&mut of_least);
            // The witnesses are those of the other reading.
            notes.extend(of_least.into_iter().filter(|note| *note != CompareNote::WideReading));
            for (most, least) in
                [(&mut compared.effective, least.effective), (&mut compared.compositional, least.compositional)]
            {
                if *most != least {
                    notes.insert(CompareNote::Undocumented);
                    *most = Relation::Unknown;
                }
            }
            if compared.effective == Relation::Unknown {
                (compared.more, compared.less) = (None, None);
                notes.remove(&CompareNote::WideReading);
            }
        }
        if self.statements.iter().any(|statement| statement.principal.is_some()) {
            notes.insert(CompareNote::PrincipalsIgnored);
        }
        compared.notes = notes.into_iter().collect();
        Ok(compared)
    }

    /// Compares under one reading: the one that allows most, or the one that allows least.
    fn read(&mut self, most: bool, budget: &mut Budget) -> Result<Found, Exhausted> {
        let mut conditions = Vec::with_capacity(self.statements.len());
        for statement in self.statements.clone() {
            self.contexts.count_unsure_as((statement.effect == Effect::Allow) == most);
            conditions.push(self.contexts.condition(statement.condition.as_ref(), budget)?);
        }
        let (resources, cells) = self.cells(budget)?;
        let mut found = Found::default();
        let mut seen = BTreeSet::new();
        for (kind, cells) in cells {
            for (action, speaks) in self.actions(kind) {
                for cell in &cells {
                    let mut applies = Vec::with_capacity(conditions.len());
                    for (index, statement) in self.statements.clone().into_iter().enumerate() {
                        self.contexts.count_unsure_as((statement.effect == Effect::Allow) == most);
                        let parts = (speaks.get(index), resources.get(index), conditions.get(index));
                        let (Some(speaks), Some(resources), Some(condition)) = parts else { continue };
                        budget.spend(4)?;
                        applies.push(self.applies(*speaks, resources, cell, *condition, budget)?);
                    }
                    let possible = self.possible_on(cell, budget)?;
                    // Statements that apply alike elsewhere were compared there.
                    if seen.insert((applies.clone(), possible)) {
                        self.differences(&applies, possible, (action, cell), &mut found, budget)?;
                    }
                }
            }
        }
        Ok(found)
    }

    fn applies(
        &mut self,
        speaks: Match,
        resources: &Option<Resources<'_>>,
        cell: &Cell,
        condition: Function,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let Some(resources) = resources else { return Ok(Function::FALSE) };
        if speaks == Match::No || condition == Function::FALSE {
            return Ok(Function::FALSE);
        }
        if cell.unsure.contains(resources.fixed) && !cell.matched.contains(resources.fixed) {
            let listed = self.contexts.constant(Match::Unsure.min(speaks));
            return self.contexts.diagram.and(listed, condition, budget);
        }
        let mut listed = if cell.matched.contains(resources.fixed) { Function::TRUE } else { Function::FALSE };
        for (term, text) in &resources.related {
            if cell.matched.contains(*term) {
                let resource = cell.resource.as_deref().unwrap_or_default();
                let like = Comparison::StringLike;
                let related = self.contexts.relation(Subject::Resource, resource, like, text, budget)?;
                listed = self.contexts.diagram.or(listed, related, budget)?;
            }
        }
        if resources.negated {
            listed = self.contexts.diagram.not(listed, budget)?;
        }
        // Without its value the variable may also disable the statement (semantics U-10).
        for (_, text) in &resources.related {
            let resolved = self.contexts.resolved(text, budget)?;
            let counts = self.contexts.constant(Match::Unsure);
            let resolved = self.contexts.diagram.or(resolved, counts, budget)?;
            listed = self.contexts.diagram.and(listed, resolved, budget)?;
        }
        let speaks = self.contexts.constant(speaks);
        let listed = self.contexts.diagram.and(listed, speaks, budget)?;
        self.contexts.diagram.and(listed, condition, budget)
    }

    /// The contexts that requests on resources of a cell can have.
    fn possible_on(&mut self, cell: &Cell, budget: &mut Budget) -> Result<Function, Exhausted> {
        let mut possible = self.contexts.possible(budget)?;
        for Derived { key, field, tests } in &self.derived {
            if let Some(found) = cell.resource.as_deref().and_then(|arn| arn_field(arn, *field)) {
                let alike = self.contexts.alike(key, found, tests, budget)?;
                possible = self.contexts.diagram.and(possible, alike, budget)?;
            }
        }
        Ok(possible)
    }

    fn differences(
        &mut self,
        applies: &[Function],
        possible: Function,
        (action, cell): (&'static str, &Cell),
        found: &mut Found,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let [a, b] = [0..self.a.statements.len(), self.a.statements.len()..applies.len()];
        let (allows_a, denies_a) = self.sides(applies, a, budget)?;
        let (allows_b, denies_b) = self.sides(applies, b, budget)?;
        let diagram = &mut self.contexts.diagram;
        let effective_a = diagram.minus(allows_a, denies_a, budget)?;
        let effective_b = diagram.minus(allows_b, denies_b, budget)?;
        let mut only = |one: Function, other: Function| {
            let difference = diagram.minus(one, other, budget)?;
            diagram.and(difference, possible, budget)
        };
        let more = only(effective_b, effective_a)?;
        let less = only(effective_a, effective_b)?;
        found.denies_more |= only(denies_b, denies_a)? != Function::FALSE;
        found.denies_less |= only(denies_a, denies_b)? != Function::FALSE;
        let documents = [self.a, self.b];
        for (difference, direction, [with, without]) in
            [(more, &mut found.more, [documents[1], documents[0]]), (less, &mut found.less, documents)]
        {
            let best = direction.witness.as_ref().map_or(Match::No, |(shown, _)| *shown);
            if difference == Function::FALSE || best == Match::Yes {
                continue;
            }
            match self.shown(difference, action, cell, [with, without], budget)? {
                Some((shown, witness)) if shown > best => direction.witness = Some((shown, witness)),
                Some(_) => {}
                None => direction.unshown = true,
            }
        }
        Ok(())
    }

    /// A request that shows a difference, confirmed by the evaluator. Where policy variables are compared the first
    /// assignment may be one that no values meet, and elsewhere one of which the evaluator is not sure, so that some more
    /// are tried.
    fn shown(
        &mut self,
        difference: Function,
        action: &'static str,
        cell: &Cell,
        [with, without]: [&Document; 2],
        budget: &mut Budget,
    ) -> Result<Option<(Match, Witness)>, Exhausted> {
        let names_user = self.contexts.knows("aws:username");
        let mut open = difference;
        let mut best: Option<(Match, Witness)> = None;
        for _ in 0..ATTEMPTS {
            budget.spend(self.statements.len() * 16)?;
            let Some(assignment) = self.contexts.diagram.cheapest(open) else { break };
            let contexts = self.contexts.contexts(&assignment, cell.resource.as_deref());
            // What follows from the resource need not be said of the request.
            let follows = |key: &str| self.derived.iter().any(|it| it.key.eq_ignore_ascii_case(key));
            let is_on_resource = cell.resource.is_some();
            let attempts = contexts.into_iter().map(|mut context| {
                context.retain(|key, _| !(is_on_resource && follows(key)));
                let witness = Witness::new(action, cell.resource.clone(), &cell.partition, context, names_user);
                (replay(&witness, with, without), witness)
            });
            // The first that is certain, or else the first that shows anything.
            match attempts.rev().max_by_key(|(shown, _)| *shown) {
                Some((Match::Yes, witness)) => return Ok(Some((Match::Yes, witness))),
                Some(unsure @ (Match::Unsure, _)) => best = best.or(Some(unsure)),
                _ => {}
            }
            let mut tried = Function::TRUE;
            for (variable, chosen) in &assignment {
                let here = self.contexts.diagram.test(*variable, |value| value == *chosen, budget)?;
                tried = self.contexts.diagram.and(tried, here, budget)?;
            }
            open = self.contexts.diagram.minus(open, tried, budget)?;
        }
        Ok(best)
    }

    /// When some Allow, and some Deny, of a document applies.
    fn sides(
        &mut self,
        applies: &[Function],
        of: std::ops::Range<usize>,
        budget: &mut Budget,
    ) -> Result<(Function, Function), Exhausted> {
        let (mut allows, mut denies) = (Function::FALSE, Function::FALSE);
        for index in of {
            let (Some(statement), Some(applies)) = (self.statements.get(index), applies.get(index)) else { continue };
            let side = if statement.effect == Effect::Allow { &mut allows } else { &mut denies };
            *side = self.contexts.diagram.or(*side, *applies, budget)?;
        }
        Ok((allows, denies))
    }

    /// Every kind of resource with its cells, and for each statement the terms that say whether it matches one.
    #[expect(clippy::type_complexity, reason = "two lists that belong together, used once")]
    fn cells(
        &self,
        budget: &mut Budget,
    ) -> Result<(Vec<Option<Resources<'d>>>, Vec<(KmsResources, Vec<Cell>)>), Exhausted> {
        let mut terms = Terms::default();
        let resources = self.statements.iter().map(|statement| terms.resources(statement)).collect();
        for glob in self.derived.iter().flat_map(Derived::globs) {
            terms.add_glob(glob);
        }
        let (matched, unsure) = (terms.without_resource(Match::Yes), terms.without_resource(Match::Unsure));
        let mut kinds =
            vec![(KmsResources::None, vec![Cell { resource: None, partition: "aws".to_owned(), matched, unsure }])];
        for (kind, universe) in [
            (KmsResources::Key, Universe::keys as fn(&str) -> Universe),
            (KmsResources::AliasAndKey, Universe::aliases),
        ] {
            let mut cells = Vec::new();
            for partition in self.partitions() {
                let space = Space::new(universe(&partition), &terms.globs, budget)?;
                let kinds = space.kinds(&terms.terms, budget)?;
                cells.extend(kinds.into_iter().map(|(matched, cell)| Cell {
                    resource: Some(space.arn(cell)),
                    partition: partition.clone(),
                    matched,
                    unsure: Bits::none(terms.terms.len()),
                }));
            }
            kinds.push((kind, cells));
        }
        Ok((resources, kinds))
    }

    /// The partitions that resource patterns name, and `aws`.
    fn partitions(&self) -> BTreeSet<String> {
        let resources = self.statements.iter().filter_map(|statement| statement.resources.as_ref());
        let texts = resources.flat_map(|resources| &resources.patterns).map(|pattern| pattern.text().source());
        let named = texts.filter_map(|text| text.strip_prefix("arn:")?.split(':').next());
        let known = |partition: &&str| PARTITIONS.contains(partition);
        named.filter(known).chain(["aws"]).map(str::to_owned).collect()
    }

    /// The actions that are checked against a kind of resource, one for each way in which the statements speak about it.
    fn actions(&self, resources: KmsResources) -> Vec<(&'static str, Vec<Match>)> {
        let is_checked = |kind: KmsResources| match resources {
            KmsResources::Key => kind != KmsResources::None,
            KmsResources::AliasAndKey | KmsResources::None => kind == resources,
        };
        let known = kms_actions().iter().filter(|action| is_checked(action.resources)).map(|action| action.name);
        let other = (resources != KmsResources::AliasAndKey).then_some(KMS_OTHER);
        let mut by_match: BTreeMap<Vec<Match>, &'static str> = BTreeMap::new();
        // Decrypt first: where actions are alike a witness had better name the one that readers know.
        for action in ["kms:Decrypt"].into_iter().filter(|_| resources == KmsResources::Key).chain(known).chain(other) {
            let speaks = self.statements.iter().map(|statement| statement.matches_action(action)).collect();
            by_match.entry(speaks).or_insert(action);
        }
        by_match.into_iter().map(|(speaks, action)| (action, speaks)).collect()
    }
}

/// Whether a pattern matches a request without a resource. Patterns for everything in an account may (semantics U-19).
fn matches_without_resource(pattern: &super::ResourcePattern) -> Match {
    let covers_account = |glob: std::borrow::Cow<'_, Glob>| glob.matches("arn:aws:kms::111122223333:");
    match () {
        () if pattern.is_everything() => Match::Yes,
        () if pattern.fixed_glob().is_some_and(covers_account) => Match::Unsure,
        () => Match::No,
    }
}

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

impl Found {
    fn compared(self, notes: &mut BTreeSet<CompareNote>) -> Compared {
        let Self { more, less, denies_more, denies_less } = self;
        let is_unsure = |direction: &Direction| matches!(direction.witness, Some((Match::Unsure, _)));
        let unshown = (more.unshown && more.witness.is_none()) || (less.unshown && less.witness.is_none());
        if unshown {
            notes.insert(CompareNote::Variables);
        }
        if is_unsure(&more) || is_unsure(&less) {
            notes.insert(CompareNote::WideReading);
        }
        let (is_more, is_less) = (more.witness.is_some(), less.witness.is_some());
        let (effective, compositional) = if unshown {
            (Relation::Unknown, Relation::Unknown)
        } else {
            (Relation::of(!is_less, !is_more), Relation::of(!is_less && !denies_more, !is_more && !denies_less))
        };
        Compared {
            effective,
            compositional,
            more: more.witness.map(|(_, witness)| witness),
            less: less.witness.map(|(_, witness)| witness),
            notes: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide::Outcome;
    use super::super::replay::outcome;
    use super::super::symbolic::VECTORS;
    use super::*;

    fn document(statements: &str) -> Document {
        Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    fn relation(a: &str, b: &str) -> (Relation, Relation) {
        let compared = compare(&document(a), &document(b));
        (compared.effective, compared.compositional)
    }

    fn allow(condition: &str) -> String {
        let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
        format!(r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"{condition}}}"#)
    }

    fn between(a: &str, b: &str) -> Relation {
        let forth = relation(&allow(a), &allow(b)).0;
        let back = relation(&allow(b), &allow(a)).0;
        let mirrored = match forth {
            Relation::BMore => Relation::BLess,
            Relation::BLess => Relation::BMore,
            other => other,
        };
        assert_eq!(back, mirrored, "{a} {b}");
        forth
    }

    const OPERATORS: [(&str, &str, Relation); 20] = [
        (
            r#"{"StringNotEquals":{"aws:PrincipalTag/t":"x"}}"#,
            r#"{"StringNotEqualsIfExists":{"aws:PrincipalTag/t":"x"}}"#,
            Relation::Equivalent,
        ),
        (r#"{"StringEquals":{"kms:ViaService":"x"}}"#, r#"{"StringLike":{"kms:ViaService":"x*"}}"#, Relation::BMore),
        (
            r#"{"StringEquals":{"kms:ViaService":"x"}}"#,
            r#"{"StringEqualsIgnoreCase":{"kms:ViaService":"X"}}"#,
            Relation::BMore,
        ),
        (r#"{"StringLike":{"kms:ViaService":"*"}}"#, r#"{"Null":{"kms:ViaService":"false"}}"#, Relation::Equivalent),
        (
            r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
            r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#,
            Relation::BMore,
        ),
        (
            r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"100"}}"#,
            r#"{"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"100"}}"#,
            Relation::BMore,
        ),
        (
            r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"10"}}"#,
            r#"{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"5"}}"#,
            Relation::Incomparable,
        ),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}"#,
            r#"{"DateLessThan":{"aws:CurrentTime":"2026-02-01T00:00:00Z"}}"#,
            Relation::BMore,
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/9","10.128.0.0/9"]}}"#,
            Relation::Equivalent,
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/9"}}"#,
            Relation::BLess,
        ),
        (
            r#"{"ForAnyValue:StringEquals":{"kms:GrantOperations":["Decrypt","Encrypt"]}}"#,
            r#"{"ForAnyValue:StringEquals":{"kms:GrantOperations":"Decrypt"}}"#,
            Relation::BLess,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","Encrypt"]}}"#,
            r#"{"ForAllValues:StringEquals":{"kms:GrantOperations":"Decrypt"}}"#,
            Relation::BLess,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"kms:GrantOperations":"Decrypt"}}"#,
            r#"{"ForAnyValue:StringEquals":{"kms:GrantOperations":"Decrypt"}}"#,
            Relation::Incomparable,
        ),
        (
            r#"{"StringEquals":{"aws:PrincipalTag/a":"1","aws:PrincipalTag/b":"2"}}"#,
            r#"{"StringEquals":{"aws:PrincipalTag/b":"2"}}"#,
            Relation::BMore,
        ),
        (
            r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
            r#"{"StringEqualsIfExists":{"aws:PrincipalAccount":"111122223333"}}"#,
            Relation::Equivalent,
        ),
        (
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
            r#"{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
            Relation::BMore,
        ),
        (
            r#"{"StringEquals":{"aws:ResourceTag/t":"${aws:PrincipalTag/t}"}}"#,
            r#"{"StringLike":{"aws:ResourceTag/t":"${aws:PrincipalTag/t}"}}"#,
            Relation::Equivalent,
        ),
        (r#"{"StringEquals":{"aws:ResourceTag/t":"${aws:PrincipalTag/t}"}}"#, "", Relation::BMore),
        (
            r#"{"StringEquals":{"aws:ResourceTag/t":"${aws:PrincipalTag/t}"}}"#,
            r#"{"StringEquals":{"aws:ResourceTag/t":"x"}}"#,
            Relation::Incomparable,
        ),
        (
            r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/A"}}"#,
            r#"{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/A","arn:aws:iam::111122223333:role/B"]}}"#,
            Relation::BLess,
        ),
    ];

    #[test]
    fn every_vector_has_the_expected_relations_and_witnesses() {
        let mut checked = 0;
        for line in VECTORS.lines() {
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            if vector["kind"] != "compare" {
                continue;
            }
            let [a, b] = ["a", "b"].map(|side| Document::parse(&vector[side].to_string()).unwrap());
            let compared = compare(&a, &b);
            assert_eq!(compared.effective.name(), vector["expected"]["effective"], "{}", vector["id"]);
            assert_eq!(compared.compositional.name(), vector["expected"]["compositional"], "{}", vector["id"]);
            for (witness, [with, without]) in [(&compared.more, [&b, &a]), (&compared.less, [&a, &b])] {
                let Some(witness) = witness else { continue };
                assert_eq!(outcome(witness, with), Outcome::Allow, "{} {witness:?}", vector["id"]);
                assert_eq!(outcome(witness, without), Outcome::Deny, "{} {witness:?}", vector["id"]);
            }
            checked += 1;
        }
        assert!(checked >= 12, "only {checked} pairs were checked");
    }

    #[test]
    fn operators_relate_as_their_meaning_says() {
        for (a, b, expected) in OPERATORS {
            assert_eq!(between(a, b), expected, "{a} against {b}");
        }
    }

    #[test]
    fn resources_and_actions_are_compared_exactly() {
        let allow =
            |action: &str, resource: &str| format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}}}"#);
        let effective = |a: (&str, &str), b: (&str, &str)| relation(&allow(a.0, a.1), &allow(b.0, b.1)).0;
        let (all, keys) = (r#""*""#, r#""arn:aws:kms:*:*:key/*""#);
        assert_eq!(effective((r#""kms:Decrypt""#, all), (r#""kms:Decrypt""#, keys)), Relation::Equivalent);
        assert_eq!(effective((r#""kms:*""#, all), (r#""kms:*""#, keys)), Relation::BLess);
        assert_eq!(effective((r#""kms:*""#, all), (r#""*""#, all)), Relation::Equivalent);
        assert_eq!(effective((r#"["kms:Decrypt","s3:*"]"#, all), (r#""kms:Decrypt""#, all)), Relation::Equivalent);
        let every: Vec<String> = kms_actions().iter().map(|action| format!("{:?}", action.name)).collect();
        assert_eq!(effective((r#""kms:*""#, all), (&format!("[{}]", every.join(",")), all)), Relation::BLess);
        assert_eq!(
            effective(
                (r#""kms:CreateAlias""#, keys),
                (r#""kms:CreateAlias""#, r#"["arn:aws:kms:*:*:key/*","arn:aws:kms:*:*:alias/a*"]"#)
            ),
            Relation::BMore
        );
        assert_eq!(
            effective((r#""kms:Decrypt""#, r#""arn:aws-cn:kms:*:*:key/*""#), (r#""s3:Get*""#, all)),
            Relation::BLess
        );
        let user = r#""arn:aws:kms:*:*:key/${aws:PrincipalTag/key}""#;
        assert_eq!(effective((r#""kms:Decrypt""#, user), (r#""kms:Decrypt""#, user)), Relation::Equivalent);
        assert_eq!(effective((r#""kms:Decrypt""#, user), (r#""kms:Decrypt""#, keys)), Relation::BMore);
    }

    #[test]
    fn what_aws_does_not_document_is_unknown() {
        let empty = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{}}"#;
        let compared = compare(&document(empty), &document(&allow("")));
        assert_eq!((compared.effective, compared.notes), (Relation::Unknown, vec![CompareNote::Undocumented]));
        assert_eq!(relation(empty, empty).0, Relation::Equivalent);
        // A variable without value may disable what stands beside it in the same list.
        let [a, b] = ["1234abcd-12ab-34cd-56ef-1234567890ab", "${aws:PrincipalTag/k}"]
            .map(|key| format!(r#""arn:aws:kms:us-east-1:111122223333:key/{key}""#));
        let on = |list: &str| format!(r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":[{list}]}}"#);
        let (together, apart) = (document(&on(&format!("{a},{b}"))), document(&format!("{},{}", on(&a), on(&b))));
        let compared = compare(&together, &apart);
        assert_eq!((compared.effective, compared.notes), (Relation::Unknown, vec![CompareNote::Undocumented]));
        assert_eq!(compare(&together, &together).effective, Relation::Equivalent);
    }

    #[test]
    fn a_question_that_is_too_large_is_unknown() {
        let (a, b) = (document(&allow("")), document(&allow(r#"{"StringLike":{"kms:ViaService":"*a*b*c*"}}"#)));
        let compared = compare_within(&a, &b, &mut Budget::of_steps(50));
        assert_eq!((compared.effective, compared.notes), (Relation::Unknown, vec![CompareNote::Budget]));
    }
}
