//! What a principal outside the organization, and outside every account that a key policy names, can put into a request.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::candidates::{candidates, globs_of, typed_values};
use super::condition::{ConditionTest, Operator};
use super::document::Statement;
use super::glob::{Glob, Symbol};
use super::keys::{Stranger, is_multivalued};
use super::operator::{AddressRange, Found};
use super::symbolic::atoms::Partition;
use super::symbolic::boxes::tails;
use super::symbolic::class::Class;
use super::symbolic::{Budget, Exhausted};
use super::text::Text;

/// What a request may have under a key: nothing, one value, or a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Absent,
    One(String),
    Set(Vec<String>),
}

impl Value {
    pub(super) fn found(&self) -> Found<'_> {
        match self {
            Self::Absent => Found::Absent,
            Self::One(value) => Found::One(value),
            Self::Set(values) => Found::Set(values),
        }
    }
}

/// Tests by the key they look at, in lower case. Keys that only variables mention have none.
pub(super) type Tests<'t> = BTreeMap<&'t str, Vec<&'t ConditionTest>>;

/// Who counts as a stranger to a policy.
pub(super) struct Strangers {
    partition: String,
    owner: String,
    /// Accounts that a stranger is not in.
    accounts: BTreeSet<String>,
    /// Organizations that a stranger is not in.
    organizations: BTreeSet<String>,
}

/// Stands for the organization that owns the key, which a key policy does not name.
const OWNING_ORGANIZATION: &str = "o-owner";

impl Strangers {
    /// Everyone whom neither the statements nor the key's ARN name.
    pub(super) fn new(statements: &[&Statement], by_key: &Tests<'_>, key_arn: &str) -> Self {
        let mut fields = key_arn.split(':').skip(1);
        let partition = fields.next().unwrap_or("aws").to_owned();
        let owner = fields.nth(2).unwrap_or_default().to_owned();
        let mut accounts = BTreeSet::from([owner.clone()]);
        let mut organizations = BTreeSet::from([OWNING_ORGANIZATION.to_owned()]);
        let principals = statements.iter().filter_map(|statement| statement.principal.as_ref());
        let entries = principals.flat_map(|principal| &principal.entries);
        accounts.extend(entries.filter_map(|entry| entry.account().map(str::to_owned)));
        for (key, tests) in by_key {
            for value in tests.iter().flat_map(|test| &test.values).filter_map(Text::fixed_plain) {
                match Stranger::under(key) {
                    Stranger::OwnAccount | Stranger::SomeAccount => drop(accounts.insert(value.to_owned())),
                    Stranger::OwnArn | Stranger::ResourceArn => accounts.extend(account_of(value).map(str::to_owned)),
                    Stranger::Organization | Stranger::OrganizationPath => {
                        organizations.extend(organization_of(value).map(str::to_owned));
                    }
                    Stranger::Owner => {
                        accounts.insert(value.to_owned());
                        organizations.extend(organization_of(value).map(str::to_owned));
                    }
                    _ => {}
                }
            }
        }
        Self { partition, owner, accounts, organizations }
    }

    /// Accounts of strangers, one for each way in which the patterns of the policy can tell them apart.
    pub(super) fn accounts(&self, by_key: &Tests<'_>, budget: &mut Budget) -> Result<Vec<String>, Exhausted> {
        let mut globs: Vec<Glob> = self.accounts.iter().map(|account| Glob::literal(account)).collect();
        for (key, tests) in by_key {
            match Stranger::under(key) {
                Stranger::OwnAccount | Stranger::SomeAccount => globs.extend(globs_of(tests)),
                Stranger::OwnArn => {
                    for glob in globs_of(tests) {
                        let heads = ["iam", "sts"].map(|service| format!("arn:{}:{service}::", self.partition));
                        for tail in heads.iter().flat_map(|head| tails(&glob, head)) {
                            globs.extend(field_prefixes(&tail));
                        }
                    }
                }
                _ => {}
            }
        }
        let partition = Partition::new(Class::Account, &globs, budget)?;
        let mut accounts: BTreeSet<String> = partition.atoms.into_iter().map(|atom| atom.representative).collect();
        // An account is a number as well, and can be compared as one.
        let own = by_key.iter().filter(|(key, _)| Stranger::under(key) == Stranger::OwnAccount);
        let bounds = own.flat_map(|(_, tests)| typed_values(tests)).map(|number| format!("{number:0>12}"));
        accounts.extend(bounds.filter(|account| Class::Account.contains(account)));
        Ok(accounts.into_iter().filter(|account| !self.accounts.contains(account)).collect())
    }

    /// For each key the values that a principal of `account` can have under it, one for each way in which the tests can
    /// tell them apart.
    pub(super) fn values<'t>(
        &self,
        by_key: &Tests<'t>,
        account: &str,
        budget: &mut Budget,
    ) -> Result<Vec<(&'t str, Vec<Value>)>, Exhausted> {
        let mut plain: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (key, tests) in by_key {
            plain.insert(key, self.strings(key, tests, account, budget)?);
        }
        let mut values = Vec::with_capacity(by_key.len());
        for (key, tests) in by_key {
            let kind = Stranger::under(key);
            let mut strings = plain.get(key).cloned().unwrap_or_default();
            for text in tests.iter().flat_map(|test| &test.values).filter(|text| text.has_variables()) {
                for filled in filled(text, &plain) {
                    budget.spend(filled.len())?;
                    if self.can_have(kind, tests, &filled, account) && !strings.contains(&filled) {
                        strings.push(filled);
                    }
                }
            }
            let is_set = is_multivalued(key) || tests.iter().any(|test| quantified(test));
            values.push((*key, arranged(strings, kind, is_set, is_multivalued(key))));
        }
        Ok(values)
    }

    /// Representatives of the strings that the tests of a key tell apart, as far as a stranger can have them.
    fn strings(
        &self,
        key: &str,
        tests: &[&ConditionTest],
        account: &str,
        budget: &mut Budget,
    ) -> Result<Vec<String>, Exhausted> {
        let kind = Stranger::under(key);
        let mut strings = match kind {
            Stranger::Fixed(value) => vec![value.to_owned()],
            Stranger::OwnAccount => vec![account.to_owned()],
            Stranger::OwnArn => self.own_arns(tests, account, budget)?,
            Stranger::Owner if key == "aws:resourceaccount" => vec![self.owner.clone()],
            Stranger::Owner => vec![OWNING_ORGANIZATION.to_owned()],
            Stranger::SomeAccount => Partition::new(Class::Account, &globs_of(tests), budget)?
                .atoms
                .into_iter()
                .map(|atom| atom.representative)
                .collect(),
            _ => candidates(tests, budget)?,
        };
        if kind == Stranger::Owner {
            strings.extend(tests.iter().flat_map(|test| &test.values).filter_map(Text::fixed_plain).map(str::to_owned));
        }
        strings.retain(|value| self.can_have(kind, tests, value, account));
        let mut seen = BTreeSet::new();
        strings.retain(|value| seen.insert(value.clone()));
        Ok(strings)
    }

    /// ARNs of principals of `account`, as far as the patterns tell them apart.
    fn own_arns(&self, tests: &[&ConditionTest], account: &str, budget: &mut Budget) -> Result<Vec<String>, Exhausted> {
        let partition = &self.partition;
        let globs = globs_of(tests);
        let mut arns = vec![format!("arn:{partition}:iam::{account}:root")];
        for kind in ["iam::{}:role/", "iam::{}:user/", "sts::{}:federated-user/"] {
            let head = format!("arn:{partition}:{}", kind.replace("{}", account));
            let rest: Vec<Glob> = globs.iter().flat_map(|glob| tails(glob, &head)).collect();
            let atoms = Partition::new(Class::Text, &rest, budget)?.atoms;
            let names = atoms.into_iter().map(|atom| atom.representative).filter(|name| !name.is_empty());
            arns.extend(names.map(|name| format!("{head}{name}")));
        }
        Ok(arns)
    }

    fn can_have(&self, kind: Stranger, tests: &[&ConditionTest], value: &str, account: &str) -> bool {
        let named = || tests.iter().flat_map(|test| &test.values).any(|text| text.fixed_plain() == Some(value));
        match kind {
            Stranger::OwnAccount => value == account,
            Stranger::OwnArn => account_of(value) == Some(account),
            Stranger::SomeAccount => !self.accounts.contains(value),
            Stranger::Organization | Stranger::OrganizationPath => {
                !organization_of(value).is_some_and(|organization| self.organizations.contains(organization))
            }
            Stranger::ResourceArn => {
                account_of(value).is_none_or(|account| !self.accounts.contains(account)) && !named()
            }
            Stranger::GivenId => !named(),
            Stranger::UniqueId => !tests.iter().flat_map(|test| &test.values).any(|text| shares_unique_id(text, value)),
            Stranger::Address => !in_narrow_range(tests, value),
            Stranger::Fixed(fixed) => value == fixed,
            Stranger::Owner => value == self.owner || value == OWNING_ORGANIZATION || named(),
            Stranger::Anything => true,
        }
    }
}

/// Ways in which a request can hold the strings.
fn arranged(strings: Vec<String>, kind: Stranger, is_set: bool, many: bool) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    if is_set {
        values.extend(strings.iter().map(|value| Value::Set(vec![value.clone()])));
    } else {
        values.extend(strings.iter().cloned().map(Value::One));
    }
    if many {
        for (index, first) in strings.iter().enumerate() {
            let pairs = strings.iter().skip(index + 1).map(|second| Value::Set(vec![first.clone(), second.clone()]));
            values.extend(pairs);
        }
        if strings.len() > 2 {
            values.push(Value::Set(strings));
        }
    }
    if kind.may_be_absent() {
        values.push(Value::Absent);
    }
    values
}

fn quantified(test: &ConditionTest) -> bool {
    matches!(test.operator, Operator::Compare(comparing) if comparing.quantifier.is_some())
}

/// The text with each variable replaced by each value that its key can have.
fn filled(text: &Text, plain: &BTreeMap<&str, Vec<String>>) -> Vec<String> {
    let Some(variable) = text.variables().next() else { return vec![] };
    let values = plain.get(variable.key.as_str()).map(Vec::as_slice).unwrap_or_default();
    let fill = |value: &String| text.plain(&|_| Some(value.clone())).map(std::borrow::Cow::into_owned);
    values.iter().filter_map(fill).collect()
}

/// The first field of what is left of a pattern, in every way its end can be drawn.
fn field_prefixes(tail: &Glob) -> Vec<Glob> {
    let symbols = tail.symbols();
    let mut prefixes = Vec::new();
    for (position, symbol) in symbols.iter().enumerate() {
        let upto = |end: usize| Glob::of(symbols.iter().copied().take(end));
        match symbol {
            Symbol::Char(':') => {
                prefixes.push(upto(position));
                break;
            }
            Symbol::Many => prefixes.push(upto(position + 1)),
            Symbol::One => prefixes.push(upto(position)),
            _ => {}
        }
    }
    prefixes
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| Class::Account.contains(account))
}

/// The organization at the start of an id or path, when it is written out.
fn organization_of(path: &str) -> Option<&str> {
    path.split('/').next().filter(|organization| !organization.contains(['*', '?']) && !organization.is_empty())
}

/// Whether a value starts with the unique id or account that a pattern writes out.
fn shares_unique_id(text: &Text, value: &str) -> bool {
    let written: String = text.source().chars().take_while(|character| character.is_ascii_alphanumeric()).collect();
    let is_id = written.len() >= 16 || Class::Account.contains(&written);
    is_id && value.starts_with(&written)
}

/// A stranger picks his network only within limits: ranges of at most 2^24 addresses (2^96 in IPv6) count as ones he is
/// not in, unless there are so many that together they hold a sixteenth of all addresses or more.
fn in_narrow_range(tests: &[&ConditionTest], value: &str) -> bool {
    let Ok(address) = value.parse::<IpAddr>() else { return false };
    let ranges = tests.iter().flat_map(|test| &test.values).filter_map(|text| AddressRange::parse(text.source()));
    let (one, together) = if address.is_ipv6() { (1 << 96, 1 << 124) } else { (1 << 24, 1 << 28) };
    let size = |range: &AddressRange| (range.last - range.first).saturating_add(1);
    let narrow: BTreeSet<AddressRange> =
        ranges.filter(|range| range.is_v6 == address.is_ipv6() && size(range) <= one).collect();
    let all = narrow.iter().fold(0_u128, |all, range| all.saturating_add(size(range)));
    all < together && narrow.iter().any(|range| range.contains(address))
}
