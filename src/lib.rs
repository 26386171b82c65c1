//! keyproof proves who can use which encryption keys in an AWS Organization.

pub mod policy;
