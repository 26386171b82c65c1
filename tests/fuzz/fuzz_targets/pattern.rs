//! `cargo fuzz` of `targets/pattern.rs`.
#![no_main]

#[path = "../targets/pattern.rs"]
mod pattern;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pattern::holds(bytes));
