//! Gives libFuzzer's input to [`aisle_fuzz::line_settings`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::line_settings(input));
