//! Gives libFuzzer's input to [`aisle_fuzz::gate_relay`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::gate_relay(input));
