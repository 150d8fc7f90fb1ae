//! Gives libFuzzer's input to [`aisle_fuzz::est_body`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::est_body(input));
