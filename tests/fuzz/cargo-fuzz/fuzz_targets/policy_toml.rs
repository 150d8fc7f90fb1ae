//! Gives libFuzzer's input to [`aisle_fuzz::policy_toml`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::policy_toml(input));
