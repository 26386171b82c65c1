//! `keyproof.toml`: what a team writes down once instead of typing it every quarter.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use toml::Spanned;

use crate::checks::{self, CHECKS, Parameters, Refusal, Service, Value, Verdicts};
use crate::commands::nearest;
use crate::finding::Severity;

/// Name of the file that is read when none is named.
pub const DEFAULT_FILE: &str = "keyproof.toml";

/// The configuration. Every member may be absent; a flag of the command line beats it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// `[collect]`
    pub collect: Collect,
    /// `[audit]`
    pub audit: Audit,
    /// `[checks.<check id>]`: values of parameters.
    pub parameters: Parameters,
}

/// The file as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    collect: Collect,
    audit: Audit,
    checks: Checks,
}

/// By check id and name of the parameter.
type Checks = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<toml::Value>>>;

/// `[collect]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Collect {
    /// As `--role-name`.
    pub role_name: Option<String>,
    /// As `--external-id`.
    pub external_id: Option<String>,
    /// As `--region`.
    pub regions: Vec<String>,
    /// As `--account`.
    pub accounts: Vec<String>,
    /// As `--exclude-account`.
    pub exclude_accounts: Vec<Exclusion>,
    /// As `--ou`.
    pub organizational_units: Vec<String>,
    /// As `--concurrency`.
    pub concurrency: Option<NonZeroUsize>,
}

/// An account to leave out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// 12 digits.
    pub account: String,
    /// Why; printed in every pack.
    pub reason: String,
}

/// `[audit]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// As `--as-of`.
    pub as_of: Option<Timestamp>,
    /// As `--verdicts`.
    pub verdicts: Option<Verdicts>,
    /// As `--fail-on`.
    pub fail_on: Option<Severity>,
    /// As `--allow-incomplete`.
    pub allow_incomplete: bool,
    /// As `--no-snapshot`.
    pub no_snapshot: bool,
    /// As `--check`.
    pub checks: Vec<String>,
    /// As `--skip-check`.
    pub skip_checks: Vec<String>,
    /// As `--framework`.
    pub frameworks: Vec<String>,
    /// As `--framework-file`; paths from the folder of the configuration.
    pub framework_files: Vec<PathBuf>,
    /// As `--severity`.
    pub severity: Option<Severity>,
    /// As `--service`.
    pub services: Vec<Service>,
    /// As `--account`.
    pub accounts: Vec<String>,
    /// As `--ou`.
    pub organizational_units: Vec<String>,
    /// As `--tag`.
    pub tags: Vec<String>,
    /// As `--waivers`; a path from the folder of the configuration.
    pub waivers: Option<PathBuf>,
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Files(#[from] crate::files::Error),
    /// It is not TOML, or names something that does not exist; the reason shows the line.
    #[error("failed to parse `{}`: {reason}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What stands where.
        reason: String,
    },
}

/// Reads the named file, or [`DEFAULT_FILE`] if it exists, or nothing.
///
/// # Errors
/// When a named file cannot be read, or a file is not a configuration.
pub fn load(named: Option<&Path>) -> Result<Config, Error> {
    let path = match named {
        Some(path) => path,
        None if Path::new(DEFAULT_FILE).is_file() => Path::new(DEFAULT_FILE),
        None => return Ok(Config::default()),
    };
    let bytes = crate::files::read(path)?;
    let parse = |reason: String| Error::Parse { path: path.to_path_buf(), reason };
    let text = std::str::from_utf8(&bytes).map_err(|failed| parse(failed.to_string()))?;
    let File { collect, mut audit, checks } = toml::from_str(text).map_err(|failed| parse(failed.to_string()))?;
    let parameters = parameters(&checks).map_err(|(at, reason)| {
        let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        parse(format!("line {line}: {reason}"))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    audit.framework_files.iter_mut().chain(&mut audit.waivers).for_each(|file| *file = folder.join(&*file));
    Ok(Config { collect, audit, parameters })
}

/// The values that a file sets, or the first that cannot be: where it stands, and why.
fn parameters(checks: &Checks) -> Result<Parameters, (usize, String)> {
    let mut parameters = Parameters::default();
    for (check, values) in checks {
        let id = check.get_ref();
        if checks::find(id).is_none() {
            return Err((check.span().start, reason(&Refusal::Check(id.clone()))));
        }
        for (name, value) in values {
            let accepted = value_of(value.get_ref()).ok_or_else(|| {
                let what =
                    format!("{name} is neither a whole number, a switch nor a list of texts", name = name.get_ref());
                (value.span().start, what)
            })?;
            parameters.set(id, name.get_ref(), accepted).map_err(|refusal| {
                let at = if matches!(refusal, Refusal::Value { .. }) { value.span() } else { name.span() };
                (at.start, reason(&refusal))
            })?;
        }
    }
    Ok(parameters)
}

fn value_of(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::Integer(number) => Some(Value::Integer(*number)),
        toml::Value::Boolean(on) => Some(Value::Boolean(*on)),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            items.map(Value::Strings)
        }
        _ => None,
    }
}

/// A refusal, with the nearest name where one is unknown.
fn reason(refusal: &Refusal) -> String {
    let near = match refusal {
        Refusal::Check(id) => nearest(id, CHECKS.iter().map(|check| check.id)),
        Refusal::Name { check, name } => {
            let known = checks::find(check).into_iter().flat_map(|check| check.parameters);
            nearest(name, known.map(|parameter| parameter.name()))
        }
        Refusal::Value { .. } => None,
    };
    match near {
        Some(near) => format!("{refusal}; did you mean `{near}`?"),
        None => refusal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        crate::files::write_atomic(&path, text.as_bytes()).unwrap();
        load(Some(&path))
    }

    #[test]
    fn every_member_is_read() {
        let config = parse(
            "[collect]\nrole_name = 'R'\nregions = ['eu-west-1']\n\
             exclude_accounts = [{ account = '111122223333', reason = 'closing' }]\n\
             [audit]\nfail_on = 'high'\nas_of = '2026-10-01T00:00:00Z'\n",
        )
        .unwrap();
        assert_eq!(config.collect.role_name.as_deref(), Some("R"));
        assert_eq!(config.collect.exclude_accounts[0].reason, "closing");
        assert_eq!(config.audit.fail_on, Some(Severity::High));
        assert_eq!(config.audit.as_of, "2026-10-01T00:00:00Z".parse().ok());
    }

    #[test]
    fn a_selection_is_read_and_files_are_sought_beside_the_configuration() {
        let audit = parse(
            "[audit]\nchecks = ['iam-root-mfa']\nskip_checks = ['kms-key-unused']\nframeworks = ['aws-fsbp']\n\
             framework_files = ['own.toml', '/etc/own.toml']\nseverity = 'medium'\nservices = ['iam', 'kms']\n\
             accounts = ['payments']\norganizational_units = ['Workloads']\ntags = ['team=payments']\n\
             waivers = 'waivers.toml'\n",
        )
        .unwrap()
        .audit;
        assert_eq!((audit.severity, audit.services), (Some(Severity::Medium), vec![Service::Iam, Service::Kms]));
        assert_eq!((audit.checks[0].as_str(), audit.skip_checks[0].as_str()), ("iam-root-mfa", "kms-key-unused"));
        assert_eq!((audit.accounts[0].as_str(), audit.organizational_units[0].as_str()), ("payments", "Workloads"));
        assert_eq!((audit.frameworks[0].as_str(), audit.tags[0].as_str()), ("aws-fsbp", "team=payments"));
        let [beside, elsewhere] = audit.framework_files.as_slice() else { panic!("{:?}", audit.framework_files) };
        assert!(beside.is_absolute() && beside.ends_with("own.toml") && beside.as_path() != elsewhere.as_path());
        assert_eq!(elsewhere, Path::new("/etc/own.toml"));
        assert!(audit.waivers.is_some_and(|file| file.is_absolute() && file.ends_with("waivers.toml")));
        let message = parse("[audit]\nservices = ['s3']\n").unwrap_err().to_string();
        assert!(message.contains("line 2") && message.contains("s3") && message.contains("kms"), "{message}");
    }

    #[test]
    fn an_unknown_member_is_named_with_its_line() {
        let message = parse("[collect]\nrole_nam = 'R'\n").unwrap_err().to_string();
        assert!(message.contains("line 2") && message.contains("role_nam"), "{message}");
    }

    #[test]
    fn a_value_that_makes_no_sense_is_named_with_its_line() {
        for line in ["concurrency = 0", "concurrency = -1", "regions = 'eu-west-1'"] {
            let message = parse(&format!("[collect]\n{line}\n")).unwrap_err().to_string();
            assert!(message.contains("line 2"), "{message}");
        }
        let message = parse("[audit]\nfail_on = 'hihg'\n").unwrap_err().to_string();
        assert!(message.contains("line 2") && message.contains("hihg"), "{message}");
    }

    #[test]
    fn a_parameter_of_a_check_is_read() {
        let config = parse("[checks.iam-access-key-age]\nmax_age_days = 60\n").unwrap();
        let settings = config.parameters.settings(checks::find("iam-access-key-age").unwrap());
        assert_eq!((settings.len(), &settings[0].value, settings[0].loosened), (1, &Value::Integer(60), false));
    }

    #[test]
    fn a_parameter_that_cannot_be_set_is_named_with_its_line_and_the_nearest_name() {
        for (text, words) in [
            (
                "iam-acces-key-age]\nmax_age_days = 60",
                ["line 2: no check is called `iam-acces-key-age`", "`iam-access-key-age`"],
            ),
            ("iam-acces-key-age]", ["line 2: no check is called `iam-acces-key-age`", "`iam-access-key-age`"]),
            (
                "iam-access-key-age]\nmax_age_day = 60",
                ["line 3: iam-access-key-age has no parameter `max_age_day`", "mean `max_age_days`"],
            ),
            ("iam-root-mfa]\nmax_age_days = 60", ["line 3: iam-root-mfa has no parameter", "max_age_days"]),
            ("iam-access-key-age]\n\nmax_age_days = 0", ["line 4: max_age_days is 1 to 3650", "not 0"]),
            ("iam-access-key-age]\nmax_age_days = true", ["line 3: max_age_days is 1 to 3650", "not a switch"]),
            ("iam-access-key-age]\nmax_age_days = '60'", ["line 3: max_age_days is neither a whole number", "texts"]),
            ("iam-access-key-age]\nmax_age_days = [1]", ["line 3: max_age_days is neither a whole number", "texts"]),
        ] {
            let message = parse(&format!("# parameters\n[checks.{text}\n")).unwrap_err().to_string();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        }
    }

    #[test]
    fn a_named_file_that_is_absent_is_an_error() {
        assert!(load(Some(Path::new("/nonexistent/keyproof.toml"))).is_err());
    }
}
