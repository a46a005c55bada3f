//! Any bytes: see `data_connector::fuzzing::curl`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| data_connector::fuzzing::curl(bytes));
