//! Gives libFuzzer's input to [`aisle_fuzz::claim_code`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::claim_code(input));
