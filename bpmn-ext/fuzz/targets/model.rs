//! Any bytes as a model: the invariants of the tests must hold for them.

#![no_main]

#[path = "../../tests/reading/invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::check(bytes));
