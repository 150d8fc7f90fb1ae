//! Gives libFuzzer's input to [`aisle_fuzz::record`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::record(input));
