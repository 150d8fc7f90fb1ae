//! Deltas on their own.

use crate::world::noise;
use aisle_content::delta::{DeltaError, SIDE_BYTES_MAX, fold, unfold};

#[test]
fn a_small_change_of_a_large_content_is_a_small_delta() {
    let old = noise(1, 12 << 20);
    let mut new = old.clone();
    new[6 << 20] ^= 1;
    new.splice(1000..1000, noise(2, 500));
    let delta = fold(&old, &new).unwrap();
    assert!(delta.len() < 4_000, "{} bytes", delta.len());
    assert_eq!(unfold(&old, &delta, new.len() as u64).unwrap(), new);
}

#[test]
fn a_delta_gives_neither_more_nor_less_than_was_said_and_nothing_of_another_content() {
    let (old, new) = (noise(1, 50_000), [noise(1, 50_000), noise(2, 100)].concat());
    let delta = fold(&old, &new).unwrap();
    for said in [new.len() as u64 - 1, new.len() as u64 + 1] {
        assert!(matches!(unfold(&old, &delta, said), Err(DeltaError::Length { .. })));
    }
    let of_another = unfold(&noise(3, 50_000), &delta, new.len() as u64);
    assert!(!of_another.is_ok_and(|found| found == new));
    unfold(&old, &noise(4, 100), 100).unwrap_err();
    unfold(&old, &delta[..delta.len() / 2], new.len() as u64).unwrap_err();
    assert!(matches!(unfold(&old, &delta, SIDE_BYTES_MAX + 1), Err(DeltaError::TooLong { .. })));
}

#[test]
fn a_bomb_makes_no_more_than_one_byte_beyond_what_was_said() {
    let bomb = fold(&[0; 1], &vec![0; 60 << 20]).unwrap();
    assert!(bomb.len() < 10_000);
    assert!(matches!(unfold(&[0; 1], &bomb, 100), Err(DeltaError::Length { found: 101, expected: 100 })));
}
