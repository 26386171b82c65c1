//! Lint of condition values: operators of the wrong type, and values that the key can never hold.

use super::conditions::{place, when_absent};
use super::keys::{Domain, KeyFacts};
use super::shape::{Case, Shape};
use super::{Lint, LintSeverity, Rule, State, found, never};
use crate::policy::condition::{Comparing, Comparison, ConditionTest, Operator, Order};
use crate::policy::document::{Effect, Statement};
use crate::policy::glob::Glob;
use crate::policy::operator::{AddressRange, Number, arn_fields, boolean, instant};

pub(super) fn check(
    lint: &mut Lint<'_>,
    statement: &Statement,
    test: &ConditionTest,
    facts: &KeyFacts,
    state: &mut State<'_>,
) {
    let comparing = match test.operator {
        Operator::Unknown | Operator::Unread => return,
        Operator::Null => return null(lint, statement, test),
        Operator::Compare(comparing) => comparing,
    };
    if let Some(reason) = mismatch(comparing.comparison, &facts.domain) {
        let key = &test.key_source;
        let message = format!(
            "`{key}` holds {}, {reason} `{}`; {}",
            facts.domain.description(),
            test.operator_source,
            follows(statement, test, comparing, true)
        );
        let finding = found(Some(statement.index), Rule::ConditionWrongValue, LintSeverity::Medium);
        lint.add(finding.at(place(test)).says(message));
        dies(state, test, true);
        return;
    }
    let mut all = !test.values.is_empty();
    for value in &test.values {
        let (Some(glob), Some(plain)) = (value.fixed_glob(), value.fixed_plain()) else {
            all = false;
            continue;
        };
        if !lint.spend(glob.symbols().len() * 200) {
            return;
        }
        let Some(problem) = problem(comparing, facts, glob, plain) else {
            all = false;
            literal_star(lint, statement, test, comparing, facts, plain);
            continue;
        };
        let one = test.values.len() == 1;
        let message = format!("{}; {}", problem.message(test, facts), follows(statement, test, comparing, one));
        let finding = found(Some(statement.index), Rule::ConditionWrongValue, LintSeverity::Medium);
        lint.add(finding.at(place(test)).value(value.source()).says(message).suggests(problem.suggestion));
    }
    dies(state, test, all);
}

/// A test that no value passes never holds, unless it holds without the key.
fn dies(state: &mut State<'_>, test: &ConditionTest, all: bool) {
    if all && when_absent(test) == Some(false) {
        state.dead.push(format!("`{}` never holds a value that passes", test.key_source));
    }
}

fn null(lint: &mut Lint<'_>, statement: &Statement, test: &ConditionTest) {
    for value in test.values.iter().filter(|value| !value.has_variables() && boolean(value.source()).is_none()) {
        let finding = found(Some(statement.index), Rule::ConditionWrongValue, LintSeverity::Medium);
        let message = "`Null` takes `true` (the key is absent) or `false` (it is present)";
        lint.add(finding.at(place(test)).value(value.source()).says(message));
    }
}

/// What it means that a value is never met.
fn follows(statement: &Statement, test: &ConditionTest, comparing: Comparing, alone: bool) -> String {
    match (comparing.negated, alone, when_absent(test)) {
        (true, _, _) => "the comparison excludes nothing".to_owned(),
        (false, false, _) => "the value has no effect".to_owned(),
        (false, true, Some(false)) => never(statement.effect, "anything"),
        (false, true, _) if statement.effect == Effect::Allow => {
            "the test holds only when the key is absent".to_owned()
        }
        (false, true, _) => "the Deny applies only when the key is absent".to_owned(),
    }
}

/// Operators that cannot compare what the key holds.
fn mismatch(comparison: Comparison, domain: &Domain) -> Option<&'static str> {
    let fits = match (comparison, domain) {
        (_, Domain::Text)
        | (Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike, _)
        | (Comparison::Binary, _)
        | (Comparison::Arn, Domain::Arn { .. })
        | (Comparison::Bool, Domain::Bool)
        | (Comparison::Numeric(_), Domain::Number(..) | Domain::Epoch)
        | (Comparison::Date(_), Domain::Date | Domain::Epoch)
        | (Comparison::IpAddress, Domain::Address { .. }) => true,
        (Comparison::Arn, Domain::Form(form)) => form.shape.meets(&Glob::parse("arn:*:*:*:*:*"), Case::Kept),
        (Comparison::Numeric(_), Domain::Form(form)) => form.shape.meets(&Glob::literal("111122223333"), Case::Kept),
        _ => false,
    };
    (!fits).then_some("which never passes")
}

/// Why the key can never hold a value.
struct Trouble {
    /// What to say when it is not only that the key holds something else.
    why: Option<String>,
    suggestion: Option<String>,
}

impl Trouble {
    fn message(&self, test: &ConditionTest, facts: &KeyFacts) -> String {
        match &self.why {
            Some(why) => why.clone(),
            None => format!("`{}` holds {}", test.key_source, facts.domain.description()),
        }
    }
}

fn trouble(suggestion: Option<String>) -> Option<Trouble> {
    Some(Trouble { why: None, suggestion })
}

fn because(why: impl Into<String>, suggestion: Option<String>) -> Option<Trouble> {
    Some(Trouble { why: Some(why.into()), suggestion })
}

fn problem(comparing: Comparing, facts: &KeyFacts, glob: &Glob, plain: &str) -> Option<Trouble> {
    match comparing.comparison {
        Comparison::StringEquals => text(facts, &Glob::literal(plain), plain, Case::Kept),
        Comparison::StringEqualsIgnoreCase => text(facts, &Glob::literal(plain), plain, Case::Ignored),
        Comparison::StringLike => text(facts, glob, plain, Case::Kept),
        Comparison::Arn if arn_fields(glob).is_none() => {
            because("the value has fewer than the six fields of an ARN, so that no ARN matches it", None)
        }
        Comparison::Arn => text(facts, glob, plain, Case::Kept),
        Comparison::Bool => boolean(plain).is_none().then_some(Trouble { why: None, suggestion: None }),
        Comparison::Numeric(order) => number(order, facts, plain),
        Comparison::Date(_) => match instant(plain) {
            None => because(format!("`{plain}` is no time (`2026-09-30T00:00:00Z`)"), None),
            Some(_) => None,
        },
        Comparison::IpAddress => address(facts, plain),
        Comparison::Binary => None,
    }
}

/// A pattern against what the key holds.
fn text(facts: &KeyFacts, glob: &Glob, plain: &str, case: Case) -> Option<Trouble> {
    let meets = |shape: &Shape, case| shape.meets(glob, case);
    let trimmed = plain.trim();
    match &facts.domain {
        Domain::OneOf(values) => {
            if values.iter().any(|value| meets(&Shape::literal(value), case)) {
                return None;
            }
            let other_case = values.iter().find(|value| value.eq_ignore_ascii_case(trimmed));
            let near =
                other_case.copied().or_else(|| super::nearest::nearest(plain, values.iter().copied()).first().copied());
            trouble(near.map(|near| format!("did you mean `{near}`?")))
        }
        Domain::Form(form) if !meets(&form.shape, case) => {
            trouble(form_suggestion(facts, form.shape.meets(&Glob::parse(plain), Case::Kept), plain, &form.shape))
        }
        Domain::Arn { resource } => arn(*resource, glob, plain),
        Domain::Bool => {
            let fits = ["true", "false"].iter().any(|value| meets(&Shape::literal(value), Case::Ignored));
            if fits { None } else { trouble(None) }
        }
        Domain::Address { public } => {
            if AddressRange::parse(plain).is_some() && plain.contains('/') {
                return because(
                    "a range of addresses is compared as text and is never equal to one",
                    Some("use `IpAddress`".to_owned()),
                );
            }
            if *public { address(facts, plain).filter(|_| AddressRange::parse(plain).is_some()) } else { None }
        }
        _ => None,
    }
}

/// What to write for some frequent slips.
fn form_suggestion(facts: &KeyFacts, as_pattern: bool, plain: &str, shape: &Shape) -> Option<String> {
    if as_pattern && plain.contains(['*', '?']) {
        return Some("wildcards act under `StringLike`".to_owned());
    }
    let lower = plain.trim().to_ascii_lowercase();
    if shape.meets(&Glob::literal(&lower), Case::Kept) {
        return Some(format!("write `{lower}`"));
    }
    let fields: Vec<&str> = plain.splitn(6, ':').collect();
    match (facts.name, fields.as_slice()) {
        ("aws:PrincipalArn", [start, partition, "sts", _, account, rest]) => {
            let role = rest.strip_prefix("assumed-role/")?.split('/').next()?;
            Some(format!("write the ARN of the role: `{start}:{partition}:iam::{account}:role/{role}`"))
        }
        ("kms:RequestAlias" | "kms:ResourceAliases", [.., last]) if last.starts_with("alias/") => {
            Some(format!("write `{last}`"))
        }
        ("kms:RequestAlias" | "kms:ResourceAliases", [name]) if !name.contains('/') && !name.is_empty() => {
            Some(format!("write `alias/{name}`"))
        }
        ("kms:ViaService", [name]) => {
            let service = name.strip_suffix(".amazonaws.com").unwrap_or(name);
            let is_name = service.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            is_name.then(|| {
                format!("write `{service}.REGION.amazonaws.com`, or `StringLike` and `{service}.*.amazonaws.com`")
            })
        }
        (_, [_, _, "iam", "", account, "root"]) if shape.meets(&Glob::literal(account), Case::Kept) => {
            Some(format!("write `{account}`"))
        }
        _ => None,
    }
}

fn arn(resource: bool, glob: &Glob, plain: &str) -> Option<Trouble> {
    if !Shape::parse("arn:*").meets(glob, Case::Kept) {
        return trouble(None);
    }
    let fields: Vec<&str> = plain.splitn(6, ':').collect();
    let &[_, _, service, _, _, rest] = fields.as_slice() else { return None };
    let is_principal = match service {
        "iam" => ["role/", "user/", "group/", "root"].iter().any(|start| rest.starts_with(start)),
        "sts" => true,
        _ => false,
    };
    if resource && is_principal {
        return trouble(Some("to name the caller, test `aws:PrincipalArn`".to_owned()));
    }
    None
}

fn number(order: Order, facts: &KeyFacts, plain: &str) -> Option<Trouble> {
    let Some(value) = Number::parse(plain) else { return because(format!("`{plain}` is no number"), None) };
    let Domain::Number(least, most) = facts.domain else { return None };
    let bound = |bound: i64| Number::parse(&bound.to_string());
    let least = if least == i64::MIN { None } else { bound(least) };
    let most = most.and_then(bound);
    let below = least.as_ref().is_some_and(|least| value < *least);
    let at_least = least.as_ref().is_some_and(|least| value <= *least);
    let above = most.as_ref().is_some_and(|most| value > *most);
    let at_most = most.as_ref().is_some_and(|most| value >= *most);
    let never = match order {
        Order::Equal => below || above,
        Order::Less => at_least,
        Order::LessOrEqual => below,
        Order::Greater => at_most,
        Order::GreaterOrEqual => above,
    };
    if never { trouble(None) } else { None }
}

fn address(facts: &KeyFacts, plain: &str) -> Option<Trouble> {
    if AddressRange::parse(plain).is_none() {
        return because(format!("`{plain}` is no IP address or range (`203.0.113.0/24`)"), None);
    }
    let is_private = ["10.", "192.168."].iter().any(|start| plain.starts_with(start))
        || plain
            .strip_prefix("172.")
            .and_then(|rest| rest.split('.').next()?.parse::<u8>().ok())
            .is_some_and(|second| (16..32).contains(&second));
    let narrow = plain.split_once('/').is_none_or(|(_, bits)| bits.parse::<u8>().is_ok_and(|bits| bits >= 8));
    if matches!(facts.domain, Domain::Address { public: true }) && is_private && narrow {
        let why = "addresses of private networks reach AWS through VPC endpoints alone, where this key is absent";
        return because(why, Some("test `aws:VpcSourceIp` together with `aws:SourceVpc`".to_owned()));
    }
    None
}

/// A wildcard under an operator that has none, in a value that the key might hold all the same.
fn literal_star(
    lint: &mut Lint<'_>,
    statement: &Statement,
    test: &ConditionTest,
    comparing: Comparing,
    facts: &KeyFacts,
    plain: &str,
) {
    let without = matches!(comparing.comparison, Comparison::StringEquals | Comparison::StringEqualsIgnoreCase);
    if !without || facts.domain != Domain::Text || !plain.contains(['*', '?']) {
        return;
    }
    let message = format!("`*` and `?` are plain characters under `{}`", test.operator_source);
    let suggestion = Some("wildcards act under `StringLike`".to_owned());
    // The key may hold that very text.
    let finding = found(Some(statement.index), Rule::ConditionWrongValue, LintSeverity::Low).certain(false);
    lint.add(finding.at(place(test)).value(plain).says(message).suggests(suggestion));
}
