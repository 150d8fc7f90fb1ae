//! Gives libFuzzer's input to [`aisle_fuzz::certificate_request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::certificate_request(input));
