//! Gives libFuzzer's input to [`aisle_fuzz::sealed_payload`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::sealed_payload(input));
