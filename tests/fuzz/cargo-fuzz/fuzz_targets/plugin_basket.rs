//! Gives libFuzzer's input to [`aisle_fuzz::plugin_basket`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::plugin_basket(input));
