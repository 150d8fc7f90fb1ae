//! Gives libFuzzer's input to [`aisle_fuzz::profile_toml`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::profile_toml(input));
