//! Gives libFuzzer's input to [`aisle_fuzz::sync_frames`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aisle_fuzz::sync_frames(input));
