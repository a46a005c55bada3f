//! Any bytes: see `data_connector::fuzzing::charset`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| data_connector::fuzzing::charset(bytes));
