//! Gives libFuzzer's input to [`aisle_fuzz::artefact_bundle`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::artefact_bundle(input));
