//! What a configuration may change in a check: thresholds, switches, lists. A default that nobody changes is no setting.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Check, find};
use crate::policy::kms_actions;

/// A parameter of a check.
#[derive(Debug, Clone, Copy)]
pub enum Parameter {
    /// A whole number.
    Integer(Integer),
    /// A switch.
    Boolean(Boolean),
    /// A list of texts.
    Strings(Strings),
}

/// A whole number that a configuration may change.
#[derive(Debug, Clone, Copy)]
pub struct Integer {
    /// Name in the configuration, in snake_case.
    pub name: &'static str,
    /// What it decides, as a sentence.
    pub meaning: &'static str,
    /// `days`, `minutes`, `characters`.
    pub unit: &'static str,
    /// The value if nobody sets one.
    pub default: i64,
    /// The least value that is accepted.
    pub least: i64,
    /// The greatest value that is accepted.
    pub most: i64,
    /// Which values let more pass.
    pub loosens: Loosens,
}

/// A switch that a configuration may turn.
#[derive(Debug, Clone, Copy)]
pub struct Boolean {
    /// Name in the configuration, in snake_case.
    pub name: &'static str,
    /// What it decides when it is true, as a sentence.
    pub meaning: &'static str,
    /// The value if nobody sets one.
    pub default: bool,
    /// Whether the other value lets more pass.
    pub loosens: bool,
}

/// A list that a configuration may replace.
#[derive(Debug, Clone, Copy)]
pub struct Strings {
    /// Name in the configuration, in snake_case.
    pub name: &'static str,
    /// What it decides, as a sentence.
    pub meaning: &'static str,
    /// The items if nobody sets any.
    pub default: &'static [&'static str],
    /// What an item looks like.
    pub form: Form,
    /// Whether more items or fewer let more pass.
    pub loosens: Loosens,
}

/// Which values of a parameter let more pass than its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loosens {
    /// Greater numbers; items that the default lacks.
    More,
    /// Smaller numbers; items of the default that are left out.
    Less,
}

/// What an item of a list looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An account id of 12 digits.
    AccountId,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// An action of KMS: `kms:Decrypt`.
    KmsAction,
    /// A text of 1 to 256 characters without control characters: a name, a prefix, a tag key, an ARN.
    Text,
}

impl Form {
    fn admits(self, item: &str) -> bool {
        match self {
            Self::AccountId => item.len() == 12 && item.bytes().all(|byte| byte.is_ascii_digit()),
            Self::OneOf(allowed) => allowed.contains(&item),
            Self::KmsAction => kms_actions().iter().any(|action| action.name == item),
            Self::Text => (1..=256).contains(&item.chars().count()) && !item.chars().any(char::is_control),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccountId => f.write_str("account ids of 12 digits"),
            Self::OneOf(allowed) => write!(f, "any of {}", allowed.join(", ")),
            Self::KmsAction => f.write_str("actions of KMS by name, such as kms:Decrypt"),
            Self::Text => f.write_str("texts of 1 to 256 characters"),
        }
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Of an [`Integer`].
    Integer(i64),
    /// Of a [`Boolean`].
    Boolean(bool),
    /// Of [`Strings`].
    Strings(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Strings(items) if items.is_empty() => f.write_str("none"),
            Self::Strings(items) => f.write_str(&items.join(", ")),
        }
    }
}

impl Parameter {
    /// Its name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Integer(it) => it.name,
            Self::Boolean(it) => it.name,
            Self::Strings(it) => it.name,
        }
    }

    /// What it decides.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::Integer(it) => it.meaning,
            Self::Boolean(it) => it.meaning,
            Self::Strings(it) => it.meaning,
        }
    }

    /// Its unit; empty for what has none.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Integer(it) => it.unit,
            Self::Boolean(_) | Self::Strings(_) => "",
        }
    }

    /// The value if nobody sets one.
    pub fn default(&self) -> Value {
        match self {
            Self::Integer(it) => Value::Integer(it.default),
            Self::Boolean(it) => Value::Boolean(it.default),
            Self::Strings(it) => Value::Strings(it.default.iter().map(|item| (*item).to_owned()).collect()),
        }
    }

    /// The values that are accepted, for people.
    pub fn allowed(&self) -> String {
        match self {
            Self::Integer(it) => format!("{} to {}", it.least, it.most),
            Self::Boolean(_) => "true or false".to_owned(),
            Self::Strings(it) => format!("a list: {}", it.form),
        }
    }

    fn accepts(&self, value: &Value) -> Result<(), Refusal> {
        let refusal =
            |what: &str| Refusal::Value { parameter: self.name(), what: what.to_owned(), allowed: self.allowed() };
        match (self, value) {
            (Self::Integer(it), Value::Integer(number)) if !(it.least..=it.most).contains(number) => {
                Err(refusal(&number.to_string()))
            }
            (Self::Strings(it), Value::Strings(items)) => match items.iter().find(|item| !it.form.admits(item)) {
                Some(item) => Err(refusal(&format!("{item:?}"))),
                None => Ok(()),
            },
            (Self::Integer(_), Value::Integer(_)) | (Self::Boolean(_), Value::Boolean(_)) => Ok(()),
            _ => Err(refusal(match value {
                Value::Integer(_) => "a whole number",
                Value::Boolean(_) => "a switch",
                Value::Strings(_) => "a list of texts",
            })),
        }
    }

    /// Whether a value lets more pass than the default.
    fn is_loosened(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Integer(it), Value::Integer(number)) => match it.loosens {
                Loosens::More => *number > it.default,
                Loosens::Less => *number < it.default,
            },
            (Self::Boolean(it), Value::Boolean(on)) => it.loosens && *on != it.default,
            (Self::Strings(it), Value::Strings(items)) => match it.loosens {
                Loosens::More => items.iter().any(|item| !it.default.contains(&item.as_str())),
                Loosens::Less => it.default.iter().any(|item| items.iter().all(|set| set != item)),
            },
            _ => false,
        }
    }
}

/// The values of one check's parameters that are not their defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// The number in force.
    pub fn integer(&self, parameter: &Integer) -> i64 {
        match self.0.get(parameter.name) {
            Some(Value::Integer(number)) => *number,
            _ => parameter.default,
        }
    }

    /// The switch in force.
    pub fn boolean(&self, parameter: &Boolean) -> bool {
        match self.0.get(parameter.name) {
            Some(Value::Boolean(on)) => *on,
            _ => parameter.default,
        }
    }

    /// The list in force.
    pub fn strings<'a>(&'a self, parameter: &Strings) -> Vec<&'a str> {
        match self.0.get(parameter.name) {
            Some(Value::Strings(items)) => items.iter().map(String::as_str).collect(),
            _ => parameter.default.to_vec(),
        }
    }
}

/// What a configuration sets: for each check the values of its parameters that are not their defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<&'static str, Values>);

/// Whose verdicts are given where AWS Security Hub has a control of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdicts {
    /// Ours.
    #[default]
    Keyproof,
    /// Security Hub's: its parameters, which no configuration changes.
    SecurityHub,
}

/// Checks for which Security Hub has a control whose parameters cannot be changed (user guide, pages of IAM and Account).
const FIXED_IN_SECURITY_HUB: [&str; 8] = [
    "account-in-organization",
    "iam-access-key-age",
    "iam-cloudshell-full-access",
    "iam-credentials-unused",
    "iam-inline-policy-kms-decrypt-all-keys",
    "iam-managed-policy-kms-decrypt-all-keys",
    "iam-support-role",
    "iam-user-direct-policies",
];

/// The parameters of Security Hub's control IAM.7, by the names that they have here.
fn security_hub_password_policy() -> [(&'static str, Value); 4] {
    [
        ("minimum_length", Value::Integer(8)),
        ("reuse_prevention", Value::Integer(0)),
        ("max_age_days", Value::Integer(0)),
        ("require_classes", Value::Boolean(true)),
    ]
}

/// Every parameter of every check has its default.
pub static DEFAULTS: Parameters = Parameters(BTreeMap::new());

/// Every parameter of a check has its default.
static NO_VALUES: Values = Values(BTreeMap::new());

/// A value other than the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The check.
    pub check: &'static str,
    /// Name of the parameter.
    pub name: &'static str,
    /// Its unit; empty for what has none.
    pub unit: &'static str,
    /// The value in force.
    pub value: Value,
    /// The value if nobody sets one.
    pub default: Value,
    /// Whether the value lets more pass than the default.
    pub loosened: bool,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, value, default, loosened, .. } = self;
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        write!(f, "{name} {value}{unit}, {}by default {default}", if *loosened { "loosened, " } else { "" })
    }
}

/// Why a parameter cannot be set so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such check.
    #[error("no check is called `{0}`")]
    Check(String),
    /// The check has no such parameter.
    #[error("{check} has no parameter `{name}`")]
    Name {
        /// The check.
        check: &'static str,
        /// The name that it does not know.
        name: String,
    },
    /// The value is of another type, or out of range.
    #[error("{parameter} is {allowed}, not {what}")]
    Value {
        /// The parameter.
        parameter: &'static str,
        /// The value, or its type.
        what: String,
        /// The values that are accepted.
        allowed: String,
    },
}

impl Parameters {
    /// Sets a parameter of a check.
    ///
    /// # Errors
    /// When there is no such check or parameter, or the value is not one that it accepts.
    pub fn set(&mut self, check: &str, name: &str, value: Value) -> Result<(), Refusal> {
        let check = find(check).ok_or_else(|| Refusal::Check(check.to_owned()))?;
        let parameter = check.parameters.iter().find(|parameter| parameter.name() == name);
        let parameter = parameter.ok_or_else(|| Refusal::Name { check: check.id, name: name.to_owned() })?;
        parameter.accepts(&value)?;
        if value != parameter.default() {
            self.0.entry(check.id).or_default().0.insert(parameter.name(), value);
        }
        Ok(())
    }

    /// The same for these verdicts: Security Hub's parameters take the place of what is set for its controls.
    ///
    /// # Errors
    /// Only if a check lost a parameter that is set here, which a test rules out.
    pub fn under(mut self, verdicts: Verdicts) -> Result<Self, Refusal> {
        if verdicts == Verdicts::SecurityHub {
            self.0.retain(|check, _| !FIXED_IN_SECURITY_HUB.contains(check));
            self.0.remove("iam-password-policy");
            for (name, value) in security_hub_password_policy() {
                self.set("iam-password-policy", name, value)?;
            }
        }
        Ok(self)
    }

    /// The values that a check runs with.
    pub fn of(&self, check: &Check) -> &Values {
        self.0.get(check.id).unwrap_or(&NO_VALUES)
    }

    /// What is set for a check, in the order of its parameters.
    pub fn settings(&self, check: &Check) -> Vec<Setting> {
        let Values(values) = self.of(check);
        let setting = |parameter: &Parameter| {
            let value = values.get(parameter.name())?.clone();
            Some(Setting {
                check: check.id,
                name: parameter.name(),
                unit: parameter.unit(),
                default: parameter.default(),
                loosened: parameter.is_loosened(&value),
                value,
            })
        };
        check.parameters.iter().filter_map(setting).collect()
    }
}

#[cfg(test)]
impl Values {
    /// With one value of a parameter.
    pub(super) fn with(name: &'static str, value: Value) -> Self {
        Self(BTreeMap::from([(name, value)]))
    }

    /// With one more.
    pub(super) fn and(mut self, name: &'static str, value: Value) -> Self {
        self.0.insert(name, value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: Parameter = Parameter::Integer(Integer {
        name: "max_age_days",
        meaning: "The oldest.",
        unit: "days",
        default: 90,
        least: 1,
        most: 3650,
        loosens: Loosens::More,
    });
    const TRUSTED: Parameter = Parameter::Strings(Strings {
        name: "trusted",
        meaning: "Who is trusted.",
        default: &["111122223333"],
        form: Form::AccountId,
        loosens: Loosens::More,
    });

    fn list(items: &[&str]) -> Value {
        Value::Strings(items.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn a_value_is_loosened_if_it_lets_more_pass() {
        assert!(DAYS.is_loosened(&Value::Integer(91)) && !DAYS.is_loosened(&Value::Integer(30)));
        assert!(TRUSTED.is_loosened(&list(&["444455556666"])) && !TRUSTED.is_loosened(&list(&[])));
    }

    #[test]
    fn a_value_of_another_type_or_out_of_range_is_refused_with_what_is_allowed() {
        let refused = |parameter: &Parameter, value| parameter.accepts(&value).unwrap_err().to_string();
        assert_eq!(refused(&DAYS, Value::Integer(0)), "max_age_days is 1 to 3650, not 0");
        assert_eq!(refused(&DAYS, Value::Boolean(true)), "max_age_days is 1 to 3650, not a switch");
        let refusal = refused(&TRUSTED, list(&["111122223333", "1"]));
        assert_eq!(refusal, "trusted is a list: account ids of 12 digits, not \"1\"");
    }

    #[test]
    fn a_default_is_no_setting() {
        let check = find("iam-access-key-age").unwrap();
        let mut parameters = Parameters::default();
        parameters.set(check.id, "max_age_days", Value::Integer(90)).unwrap();
        assert_eq!(parameters, Parameters::default());
        parameters.set(check.id, "max_age_days", Value::Integer(180)).unwrap();
        let settings = parameters.settings(check);
        assert_eq!(settings[0].to_string(), "max_age_days 180 days, loosened, by default 90");
    }

    #[test]
    fn verdicts_of_security_hub_have_its_parameters_whatever_is_configured() {
        for check in FIXED_IN_SECURITY_HUB {
            assert!(!find(check).unwrap().parameters.is_empty(), "{check}");
        }
        let mut configured = Parameters::default();
        configured.set("iam-access-key-age", "max_age_days", Value::Integer(365)).unwrap();
        configured.set("iam-password-policy", "minimum_length", Value::Integer(20)).unwrap();
        configured.set("iam-role-unused", "max_days", Value::Integer(30)).unwrap();
        assert_eq!(configured.clone().under(Verdicts::Keyproof).unwrap(), configured);
        let under = configured.under(Verdicts::SecurityHub).unwrap();
        assert_eq!(under.settings(find("iam-access-key-age").unwrap()), []);
        assert_eq!(under.settings(find("iam-role-unused").unwrap()).len(), 1);
        let password = under.settings(find("iam-password-policy").unwrap());
        let words: Vec<String> = password.iter().map(ToString::to_string).collect();
        let expected = [
            "minimum_length 8 characters, loosened, by default 14",
            "reuse_prevention 0 passwords, loosened, by default 24",
            "require_classes true, by default false",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn what_switches_a_check_on_loosens_nothing() {
        let mut parameters = Parameters::default();
        for (check, name, item) in [
            ("org-scp-kms-regions", "allowed_regions", "eu-central-1"),
            ("kms-key-enclave-measurements", "measurements", "aa11"),
            ("kms-encryption-context-not-required", "key_selector", "DataClass"),
            ("iam-password-policy", "profiles", "cis-aws"),
        ] {
            parameters.set(check, name, list(&[item])).unwrap();
            let settings = parameters.settings(find(check).unwrap());
            assert!(settings.iter().all(|it| !it.loosened), "{check}");
        }
        let unheard =
            parameters.set("iam-managed-policy-kms-decrypt-all-keys", "blocked_actions", list(&["kms:Decript"]));
        let words = "blocked_actions is a list: actions of KMS by name, such as kms:Decrypt, not \"kms:Decript\"";
        assert_eq!(unheard.unwrap_err().to_string(), words);
    }

    #[test]
    fn unknown_checks_and_parameters_are_refused() {
        let mut parameters = Parameters::default();
        let mut refused = |check, name| parameters.set(check, name, Value::Integer(1)).unwrap_err();
        assert_eq!(refused("iam-none", "x"), Refusal::Check("iam-none".to_owned()));
        let name = "max_age".to_owned();
        assert_eq!(refused("iam-access-key-age", "max_age"), Refusal::Name { check: "iam-access-key-age", name });
    }
}
