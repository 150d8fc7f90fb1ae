//! Gives libFuzzer's input to [`aisle_fuzz::mqtt_topic`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::mqtt_topic(input));
