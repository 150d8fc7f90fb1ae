//! Gives libFuzzer's input to [`aisle_fuzz::mqtt_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::mqtt_session(input));
