//! Whether a key policy is open to the world: to principals outside the organization and outside every account it names.

use std::collections::BTreeMap;

use super::Match;
use super::catalogue::kms_actions;
use super::condition::ConditionTest;
use super::document::{Document, Effect, Statement};

use super::operator::Found;
use super::principal::Principal;
use super::strangers::{Strangers, Value};
use super::symbolic::{Budget, Exhausted};
use super::text::Text;

/// An Allow statement whose principal part matches every principal of AWS, or all but a few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStatement {
    /// Its index in the document.
    pub statement: usize,
    /// Whether a stranger gets through.
    pub openness: Openness,
}

/// Whether a principal outside the organization and outside every account that the policy names gets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Openness {
    /// Some request of a stranger is allowed.
    Public {
        /// An action of that request.
        action: &'static str,
        /// Condition keys of that request that matter, with their values; a key with none must be absent.
        context: BTreeMap<String, Vec<String>>,
    },
    /// No request of a stranger is allowed.
    Narrowed(Narrowing),
    /// The documentation of AWS leaves open what the statement or a Deny means, or the budget ended.
    Undecided(String),
}

/// What keeps strangers out of a statement that is open by its principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Narrowing {
    /// These condition keys of the statement, as written: a stranger cannot meet their tests.
    Conditions(Vec<String>),
    /// These Deny statements, alone or with conditions of the statement.
    Denied(Vec<usize>),
    /// The statement allows no operation that works across accounts.
    SameAccountOperations,
    /// The statement has no effect on this key: no `Resource`, or one that does not match.
    OtherResource,
}

/// The Allow statements of a key policy that are open by their principal (`*`, `{"AWS": "*"}` or `NotPrincipal`), each with
/// whether a stranger gets through it. `key_arn` is the key that the policy belongs to. Deny statements count.
///
/// Exact over the conditions: a stranger's request is looked for among representatives of all values that the tests tell
/// apart. What he can have under a key follows semantics 3.5; anything that a caller can choose counts as chosen.
#[must_use]
pub fn open_statements(document: &Document, key_arn: &str) -> Vec<OpenStatement> {
    let open = document.statements_of(Effect::Allow).filter(|statement| matches_stranger(statement));
    open.map(|statement| {
        let openness =
            openness(document, statement, key_arn, &mut Budget::of_steps(5_000_000)).unwrap_or_else(|Exhausted| {
                Openness::Undecided("the conditions need more steps than the budget".to_owned())
            });
        OpenStatement { statement: statement.index, openness }
    })
    .collect()
}

/// Whether the principal part matches someone whom no policy names.
fn matches_stranger(statement: &Statement) -> bool {
    statement.principal.as_ref().is_some_and(|principal| {
        let everyone = principal.entries.contains(&Principal::Everyone);
        if principal.negated { !everyone && !principal.entries.is_empty() } else { everyone }
    })
}

/// Whether the resource part matches the key. A variable may stand for it in an Allow: a stranger can write his own tags.
fn matches_key(statement: &Statement, key_arn: &str) -> Match {
    let Some(resources) = &statement.resources else { return Match::No };
    let matches = resources.matches(Some(key_arn), &|_| None);
    let may_stand_for_it = || {
        let mut variable = resources.patterns.iter().map(|pattern| pattern.text()).filter(|text| text.has_variables());
        variable.any(|text| text.widest_glob().matches(key_arn))
    };
    let is_open = statement.effect == Effect::Allow && !resources.negated && may_stand_for_it();
    if is_open { matches.max(Match::Unsure) } else { matches }
}

fn openness(document: &Document, allow: &Statement, key_arn: &str, budget: &mut Budget) -> Result<Openness, Exhausted> {
    if !matches_key(allow, key_arn).is_possible() {
        return Ok(Openness::Narrowed(Narrowing::OtherResource));
    }
    let denies: Vec<&Statement> = document
        .statements_of(Effect::Deny)
        .filter(|deny| matches_stranger(deny) && matches_key(deny, key_arn).is_possible())
        .collect();
    let crossing = kms_actions().iter().filter(|action| action.cross_account).map(|action| action.name);
    let allowed = crossing.filter(|action| allow.matches_action(action).is_possible());
    // Actions that the same statements speak about are one.
    let mut kinds: BTreeMap<Vec<Match>, &'static str> = BTreeMap::new();
    for action in allowed {
        let kind = std::iter::once(&allow).chain(&denies).map(|statement| statement.matches_action(action)).collect();
        kinds.entry(kind).or_insert(action);
    }
    if kinds.is_empty() {
        return Ok(Openness::Narrowed(Narrowing::SameAccountOperations));
    }
    let mut unsure = None;
    for action in kinds.into_values() {
        let denies: Vec<&Statement> =
            denies.iter().copied().filter(|deny| deny.matches_action(action).is_possible()).collect();
        let search = Search { key_arn, action, allow, denies: &denies };
        match search.run(budget)? {
            Outcome::Certain(context) => return Ok(Openness::Public { action, context }),
            Outcome::Possible => unsure = Some(action),
            Outcome::None => {}
        }
    }
    if let Some(action) = unsure {
        let why = format!("whether a stranger gets {action} depends on rules that AWS does not document");
        return Ok(Openness::Undecided(why));
    }
    narrowing(allow, &denies, key_arn, budget).map(Openness::Narrowed)
}

/// Names what keeps strangers out, once it is known that they are.
fn narrowing(
    allow: &Statement,
    denies: &[&Statement],
    key_arn: &str,
    budget: &mut Budget,
) -> Result<Narrowing, Exhausted> {
    let alone = Search { key_arn, action: "", allow, denies: &[] };
    if alone.run(budget)? != Outcome::None {
        return Ok(Narrowing::Denied(denies.iter().map(|deny| deny.index).collect()));
    }
    let tests = tests_of(allow);
    let mut keys: Vec<String> = Vec::new();
    for test in tests {
        let mut single = allow.clone();
        if let Some(condition) = &mut single.condition {
            condition.tests = vec![test.clone()];
        }
        let closed = Search { allow: &single, ..alone }.run(budget)? == Outcome::None;
        if closed && !keys.contains(&test.key_source) {
            keys.push(test.key_source.clone());
        }
    }
    if keys.is_empty() {
        // Only together do the tests keep strangers out.
        keys = tests.iter().map(|test| test.key_source.clone()).collect();
        keys.dedup();
    }
    Ok(Narrowing::Conditions(keys))
}

fn tests_of(statement: &Statement) -> &[ConditionTest] {
    statement.condition.as_ref().map_or(&[], |condition| &condition.tests)
}

/// A search for a request of a stranger that the Allow lets through and no Deny stops.
#[derive(Clone, Copy)]
struct Search<'s> {
    key_arn: &'s str,
    action: &'s str,
    allow: &'s Statement,
    denies: &'s [&'s Statement],
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// A request that is allowed under every reading.
    Certain(BTreeMap<String, Vec<String>>),
    /// A request that is allowed under some reading.
    Possible,
    None,
}

impl Search<'_> {
    fn run(&self, budget: &mut Budget) -> Result<Outcome, Exhausted> {
        let statements: Vec<&Statement> = std::iter::once(&self.allow).chain(self.denies).copied().collect();
        let mut by_key: BTreeMap<&str, Vec<&ConditionTest>> = BTreeMap::new();
        for test in statements.iter().flat_map(|statement| tests_of(statement)) {
            by_key.entry(&test.key).or_default().push(test);
            let variables = test.values.iter().flat_map(Text::variables);
            for variable in variables {
                by_key.entry(&variable.key).or_default();
            }
        }
        let stranger = Strangers::new(&statements, &by_key, self.key_arn);
        let mut best = Outcome::None;
        for account in stranger.accounts(&by_key, budget)? {
            match self.through(&stranger.values(&by_key, &account, budget)?, budget)? {
                Outcome::None => {}
                Outcome::Possible => best = Outcome::Possible,
                certain @ Outcome::Certain(_) => return Ok(certain),
            }
        }
        Ok(best)
    }

    /// Tries every combination of values.
    fn through(&self, keys: &[(&str, Vec<Value>)], budget: &mut Budget) -> Result<Outcome, Exhausted> {
        let mut best = Outcome::None;
        let mut choice = vec![0_usize; keys.len()];
        loop {
            budget.spend(16 + keys.len())?;
            let context: BTreeMap<&str, &Value> = keys
                .iter()
                .zip(&choice)
                .filter_map(|((key, values), index)| Some((*key, values.get(*index)?)))
                .collect();
            match self.allowed(&context) {
                Match::Yes => return Ok(Outcome::Certain(shown(&context))),
                Match::Unsure => best = Outcome::Possible,
                Match::No => {}
            }
            let Some(position) = keys.iter().zip(&choice).position(|((_, values), index)| index + 1 < values.len())
            else {
                return Ok(best);
            };
            choice.iter_mut().take(position).for_each(|index| *index = 0);
            choice.iter_mut().skip(position).take(1).for_each(|index| *index += 1);
        }
    }

    fn allowed(&self, context: &BTreeMap<&str, &Value>) -> Match {
        let allow = self.applies(self.allow, context);
        let deny = Match::any(self.denies.iter().map(|deny| self.applies(deny, context)));
        allow.min(!deny)
    }

    fn applies(&self, statement: &Statement, context: &BTreeMap<&str, &Value>) -> Match {
        let value = |key: &str| match context.get(key) {
            Some(Value::One(value)) => Some(value.clone()),
            _ => None,
        };
        let tests = tests_of(statement).iter().map(|test| {
            let found = context.get(test.key.as_str()).map_or(Found::Absent, |value| value.found());
            test.holds(found, &value)
        });
        let conditions = Match::all(tests);
        let empty = if statement.has_empty_condition() { Match::Unsure } else { Match::Yes };
        let action = if self.action.is_empty() { Match::Yes } else { statement.matches_action(self.action) };
        Match::all([conditions, empty, action, matches_key(statement, self.key_arn)])
    }
}

fn shown(context: &BTreeMap<&str, &Value>) -> BTreeMap<String, Vec<String>> {
    let values = |value: &Value| match value {
        Value::Absent => vec![],
        Value::One(value) => vec![value.clone()],
        Value::Set(values) => values.clone(),
    };
    context.iter().map(|(key, value)| ((*key).to_owned(), values(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn openness(statements: &str) -> Openness {
        let document = Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap();
        open_statements(&document, KEY).into_iter().next().unwrap().openness
    }

    fn allow(condition: &str) -> String {
        let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"kms:*","Resource":"*"{condition}}}"#)
    }

    fn under(condition: &str) -> Openness {
        openness(&allow(condition))
    }

    fn is_public(condition: &str) -> bool {
        matches!(under(condition), Openness::Public { .. })
    }

    fn narrowed_by(condition: &str) -> Vec<String> {
        match under(condition) {
            Openness::Narrowed(Narrowing::Conditions(keys)) => keys,
            other => panic!("{condition}: {other:?}"),
        }
    }

    #[test]
    fn everyone_without_condition_is_public() {
        assert!(matches!(under(""), Openness::Public { .. }));
        assert!(matches!(openness(&allow("").replace(r#"{"AWS":"*"}"#, r#""*""#)), Openness::Public { .. }));
        let all_but = allow("").replace("Principal", "NotPrincipal").replace('*', "111122223333");
        let all_but =
            all_but.replace("kms:111122223333", "kms:*").replace(r#""Resource":"111122223333""#, r#""Resource":"*""#);
        assert!(matches!(openness(&all_but), Openness::Public { .. }), "{all_but}");
    }

    #[test]
    fn statements_that_name_their_principals_are_not_open() {
        let named = allow("").replace('*', "111122223333");
        let document = Document::parse(&format!(r#"{{"Statement":{named}}}"#)).unwrap();
        assert_eq!(open_statements(&document, KEY), []);
    }

    #[test]
    fn fixed_accounts_and_organizations_narrow() {
        for (condition, key) in [
            (r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#, "kms:CallerAccount"),
            (r#"{"StringEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}}"#, "aws:PrincipalAccount"),
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-abc1234567"}}"#, "aws:PrincipalOrgID"),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#, "aws:PrincipalArn"),
            (r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#, "aws:SourceAccount"),
            (r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::example"}}"#, "aws:SourceArn"),
            (r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-abc1234567/*"}}"#, "aws:PrincipalOrgPaths"),
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"${aws:ResourceOrgID}"}}"#, "aws:PrincipalOrgID"),
            (r#"{"StringEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}"#, "aws:ResourceOrgID"),
            (r#"{"StringEquals":{"aws:SourceVpce":"vpce-1234"}}"#, "aws:SourceVpce"),
            (r#"{"StringLike":{"aws:userid":"AROAEXAMPLEEXAMPLE123:*"}}"#, "aws:userid"),
            (r#"{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#, "aws:SourceIp"),
        ] {
            assert_eq!(narrowed_by(condition), [key], "{condition}");
        }
    }

    #[test]
    fn what_a_stranger_can_meet_does_not_narrow() {
        for condition in [
            r#"{"StringLike":{"kms:CallerAccount":"*"}}"#,
            r#"{"StringLike":{"kms:CallerAccount":"1111????????"}}"#,
            r#"{"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
            r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-abc1234567"}}"#,
            r#"{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-abc1234567/*"}}"#,
            r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#,
            r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#,
            r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/Admin"}}"#,
            r#"{"StringEquals":{"kms:EncryptionContext:app":"billing"}}"#,
            r#"{"StringEquals":{"kms:EncryptionContext:user":"${aws:username}"}}"#,
            r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}"#,
            r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}"#,
            r#"{"StringEquals":{"aws:PrincipalTag/team":"crypto"}}"#,
            r#"{"Null":{"aws:PrincipalOrgID":"true"}}"#,
        ] {
            assert!(is_public(condition), "{condition}: {:?}", under(condition));
        }
    }

    #[test]
    fn tests_on_the_same_identity_are_read_together() {
        let both = r#"{"StringLike":{"kms:CallerAccount":"4*"},"StringNotLike":{"aws:PrincipalAccount":"4*"}}"#;
        assert_eq!(narrowed_by(both), ["kms:CallerAccount", "aws:PrincipalAccount"]);
        let via =
            r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com","kms:CallerAccount":"111122223333"}}"#;
        assert_eq!(narrowed_by(via), ["kms:CallerAccount"]);
    }

    #[test]
    fn a_deny_for_strangers_closes() {
        let deny = |condition: &str| allow(condition).replace("Allow", "Deny");
        let closed = |condition: &str| openness(&[allow(""), deny(condition)].join(","));
        let denied = Openness::Narrowed(Narrowing::Denied(vec![1]));
        assert_eq!(closed(""), denied);
        assert_eq!(closed(r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-abc1234567"}}"#), denied);
        assert!(matches!(
            closed(r#"{"StringNotEqualsIfExists":{"aws:SourceVpce":"vpce-1"},"Bool":{"aws:SecureTransport":"false"}}"#),
            Openness::Public { .. }
        ));
        assert!(matches!(closed(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-abc1234567"}}"#), Openness::Public { .. }));
        let only_encrypt = deny("").replace("kms:*", "kms:Encrypt");
        assert!(matches!(openness(&[allow(""), only_encrypt].join(",")), Openness::Public { .. }));
    }

    #[test]
    fn a_variable_may_stand_for_the_key_in_an_allow_alone() {
        let variable = allow("").replace(
            r#""Resource":"*""#,
            r#""Resource":"arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key}""#,
        );
        assert!(matches!(openness(&variable), Openness::Undecided(_)));
        let denied = [allow(""), variable.replace("Allow", "Deny")].join(",");
        assert!(matches!(openness(&denied), Openness::Public { .. }));
        let other = variable.replace("us-east-1", "eu-west-1");
        assert_eq!(openness(&other), Openness::Narrowed(Narrowing::OtherResource));
    }

    #[test]
    fn accounts_compared_as_numbers_are_tried_on_both_sides() {
        for operator in ["NumericLessThan", "NumericGreaterThan", "NumericNotEquals"] {
            for bound in ["300000000000", "700000000000"] {
                let condition = format!(r#"{{"{operator}":{{"kms:CallerAccount":"{bound}"}}}}"#);
                assert!(is_public(&condition), "{condition}");
            }
        }
        assert_eq!(narrowed_by(r#"{"NumericEquals":{"kms:CallerAccount":"300000000000"}}"#), ["kms:CallerAccount"]);
    }

    #[test]
    fn many_narrow_ranges_together_are_wide() {
        let ranges = |count: u32| {
            let list: Vec<String> = (0..count).map(|first| format!("\"{first}.0.0.0/8\"")).collect();
            format!(r#"{{"IpAddress":{{"aws:SourceIp":[{}]}}}}"#, list.join(","))
        };
        assert_eq!(narrowed_by(&ranges(3)), ["aws:SourceIp"]);
        assert!(is_public(&ranges(256)));
    }

    #[test]
    fn operations_that_stay_in_the_account_are_not_public() {
        let statement = allow("").replace("kms:*", "kms:PutKeyPolicy");
        assert_eq!(openness(&statement), Openness::Narrowed(Narrowing::SameAccountOperations));
        assert_eq!(
            openness(&allow("").replace(r#","Resource":"*""#, "")),
            Openness::Narrowed(Narrowing::OtherResource)
        );
    }

    #[test]
    fn what_aws_does_not_document_is_undecided() {
        assert!(matches!(under(r#"{"StringLike":{"aws:PrincipalOrgPaths":"o-*"}}"#), Openness::Undecided(_)));
        assert!(matches!(under(r#"{"NullIfExists":{"aws:PrincipalOrgID":"true"}}"#), Openness::Undecided(_)));
        assert!(matches!(under("{}"), Openness::Undecided(_)));
    }
}
