//! Gives libFuzzer's input to [`aisle_fuzz::device_profile`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::device_profile(input));
