//! Gives libFuzzer's input to [`aisle_fuzz::fleet_rehearse`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::fleet_rehearse(input));
