//! Gives libFuzzer's input to [`aisle_fuzz::time_statement`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::time_statement(input));
