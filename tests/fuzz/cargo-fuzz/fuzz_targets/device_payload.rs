//! Gives libFuzzer's input to [`aisle_fuzz::device_payload`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::device_payload(input));
