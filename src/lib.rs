//! keyproof proves who can use which encryption keys in an AWS Organization.

pub mod audit;
pub mod checks;
pub mod cli;
pub mod config;
pub mod digest;
pub mod files;
pub mod finding;
pub mod frameworks;
pub mod import;
pub mod model;
pub mod policy;
pub mod snapshot;
