//! Gives libFuzzer's input to [`aisle_fuzz::event`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::event(input));
