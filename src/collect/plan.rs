//! What a collection would do, and what it may not, by asking the first of each kind.

use super::{Error, Options, runtime};

/// Plan
#[derive(Debug)]
pub struct Plan;
/// Account
#[derive(Debug)]
pub struct PlannedAccount;
/// Probe
#[derive(Debug)]
pub struct Probe;

/// Plan
///
/// # Errors
/// E
pub fn plan(_options: &Options) -> Result<Plan, Error> {
    drop(runtime());
    Ok(Plan)
}
