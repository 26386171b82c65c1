//! `cargo fuzz` of `targets/lint.rs`.
#![no_main]

#[path = "../targets/lint.rs"]
mod lint;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lint::holds(bytes));
