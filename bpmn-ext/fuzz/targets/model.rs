//! Any bytes as a model: whatever they are, the same must hold as in the tests.

#![no_main]

#[path = "../../tests/reading/holds.rs"]
mod holds;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| holds::for_any(bytes));
