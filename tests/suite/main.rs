//! The integration tests: what a user sees of the built program, and what the house looks like from outside.
#![expect(clippy::disallowed_methods, reason = "tests spoil files and start programs")]
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking, as tests do")]

mod access;
#[cfg(feature = "collect")]
mod access_changes;
mod access_input;
mod architecture;
mod assembly;
#[cfg(feature = "collect")]
mod aws;
mod completeness;
mod credential_report;
#[cfg(feature = "collect")]
mod custody;
mod demo;
mod evaluate;
#[cfg(feature = "collect")]
mod evidence;
#[cfg(feature = "collect")]
mod faults;
#[cfg(feature = "collect")]
mod findings;
#[cfg(feature = "collect")]
mod formats;
mod fuzz;
#[cfg(feature = "collect")]
mod gaps;
#[cfg(feature = "collect")]
mod handover;
// Once is enough for what the collector plays no part in and takes long.
#[cfg(feature = "collect")]
mod hostile;
#[cfg(feature = "collect")]
mod integrity;
#[cfg(feature = "collect")]
mod interrupt;
mod lint;
#[cfg(feature = "collect")]
mod managed_policies;
#[cfg(feature = "collect")]
mod ministack;
#[cfg(feature = "collect")]
mod pages;
mod program;
#[cfg(feature = "collect")]
mod python;
mod reach;
#[cfg(feature = "collect")]
mod readme;
#[cfg(feature = "collect")]
mod redaction;
#[cfg(feature = "collect")]
mod refusals;
#[cfg(feature = "collect")]
mod scope;
mod selection;
#[cfg(feature = "collect")]
mod tables;
mod waivers;
#[cfg(feature = "collect")]
mod z3;
