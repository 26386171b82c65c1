//! `cargo fuzz` of `targets/condition.rs`.
#![no_main]

#[path = "../targets/condition.rs"]
mod condition;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| condition::holds(bytes));
