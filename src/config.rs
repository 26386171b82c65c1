//! `keyproof.toml`: what a team writes down once instead of typing it every quarter.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use crate::finding::Severity;

/// Name of the file that is read when none is named.
pub const DEFAULT_FILE: &str = "keyproof.toml";

/// The configuration. Every member may be absent; a flag of the command line beats it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[collect]`
    pub collect: Collect,
    /// `[audit]`
    pub audit: Audit,
}

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
    /// As `--fail-on`.
    pub fail_on: Option<Severity>,
    /// As `--allow-incomplete`.
    pub allow_incomplete: bool,
    /// As `--no-snapshot`.
    pub no_snapshot: bool,
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
    toml::from_str(text).map_err(|failed| parse(failed.to_string()))
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
    fn a_named_file_that_is_absent_is_an_error() {
        assert!(load(Some(Path::new("/nonexistent/keyproof.toml"))).is_err());
    }
}
