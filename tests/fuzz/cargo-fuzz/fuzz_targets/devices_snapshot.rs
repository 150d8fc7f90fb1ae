//! Gives libFuzzer's input to [`aisle_fuzz::devices_snapshot`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::devices_snapshot(input));
