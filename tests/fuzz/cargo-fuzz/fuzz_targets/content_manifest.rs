//! Gives libFuzzer's input to [`aisle_fuzz::content_manifest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::content_manifest(input));
