//! Gives libFuzzer's input to [`aisle_fuzz::model_package`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::model_package(input));
