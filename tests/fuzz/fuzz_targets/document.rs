//! `cargo fuzz` of `targets/document.rs`.
#![no_main]

#[path = "../targets/document.rs"]
mod document;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| document::holds(bytes));
