//! Gives libFuzzer's input to [`aisle_fuzz::telemetry_snapshot`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::telemetry_snapshot(input));
