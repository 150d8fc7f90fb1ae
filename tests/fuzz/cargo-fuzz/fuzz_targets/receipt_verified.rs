//! Gives libFuzzer's input to [`aisle_fuzz::receipt_verified`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::receipt_verified(input));
