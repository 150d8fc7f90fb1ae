//! Gives libFuzzer's input to [`aisle_fuzz::revocation_list`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::revocation_list(input));
