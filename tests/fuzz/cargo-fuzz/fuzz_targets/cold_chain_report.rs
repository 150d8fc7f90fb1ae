//! Gives libFuzzer's input to [`aisle_fuzz::cold_chain_report`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::cold_chain_report(input));
