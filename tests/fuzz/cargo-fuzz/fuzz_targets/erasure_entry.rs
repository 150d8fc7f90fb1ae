//! Gives libFuzzer's input to [`aisle_fuzz::erasure_entry`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::erasure_entry(input));
