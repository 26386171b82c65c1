//! The integration tests: what a user sees of the built program, and what the house looks like from outside.
#![expect(clippy::disallowed_methods, reason = "tests spoil files and start programs")]
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking, as tests do")]

mod architecture;
