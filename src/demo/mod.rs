//! The demo organization in two quarters, and organizations of any size for benchmarks.
//!
//! Quillmere Health Payments is made up, down to its account ids, and holds good and bad examples of everything that the
//! checks look at. Names and comments say which is which. Everything follows from names, so that the same quarter always
//! has the same bytes.

mod account;
mod calls;
mod credential_report;
mod details;
mod documents;
mod generate;
mod ids;
mod key_file;
mod keys;
mod organization;
mod policies;
mod principals;
mod quarters;

#[cfg(test)]
mod tests;

pub use generate::{Size, generate, generate_sized};
pub use quarters::{Quarter, write_quarter};

/// The waivers of its company, as a file: some in force in the third quarter, one lapsed, one stale.
pub const WAIVERS: &str = include_str!("waivers.toml");
