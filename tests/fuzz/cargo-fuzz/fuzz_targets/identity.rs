//! Gives libFuzzer's input to [`aisle_fuzz::identity`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::identity(input));
