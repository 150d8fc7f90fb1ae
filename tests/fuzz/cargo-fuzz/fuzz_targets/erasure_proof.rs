//! Gives libFuzzer's input to [`aisle_fuzz::erasure_proof`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::erasure_proof(input));
