//! A content is what was signed to its last byte, or nothing of it counts.

use crate::world::*;
use aisle_artefact::content::{ContentError, ContentFolder, Sink, Verified};
use std::{
    fs,
    io::{self, Read},
};

fn refused(bytes: &[u8]) -> ContentError {
    let artefact = plugin("buy-two", "1.4.0");
    let dir = tempfile::tempdir().unwrap();
    let mut folder = ContentFolder::open(dir.path()).unwrap();
    let error = folder.take(&artefact, &mut Verified::of(&artefact, bytes)).unwrap_err();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing stays");
    assert!(!folder.has(&artefact).unwrap());
    error.downcast().unwrap()
}

#[test]
fn a_content_that_is_shorter_longer_or_another_one_is_refused() {
    let good = content(&plugin("buy-two", "1.4.0").id, 3000);
    assert!(matches!(refused(&good[..2999]), ContentError::Length { found: 2999, expected: 3000 }));
    assert!(matches!(refused(&[]), ContentError::Length { found: 0, expected: 3000 }));
    let longer = [good.as_slice(), b"x"].concat();
    assert!(matches!(refused(&longer), ContentError::Length { found: 3001, expected: 3000 }));
    let mut other = good;
    other[1234] ^= 1;
    assert!(matches!(refused(&other), ContentError::Hash { what: "SHA-256" }));
}

#[test]
fn both_hashes_have_to_be_right() {
    let mut artefact = plugin("buy-two", "1.4.0");
    let good = content(&artefact.id, 3000);
    artefact.blake3 = aisle_artefact::Digest([1; 32]);
    let error = io::copy(&mut Verified::of(&artefact, good.as_slice()), &mut io::sink()).unwrap_err();
    assert!(matches!(error.downcast().unwrap(), ContentError::Hash { what: "BLAKE3" }));
}

#[test]
fn the_last_byte_is_not_given_before_all_are_known_to_be_right() {
    let artefact = plugin("buy-two", "1.4.0");
    let mut other = content(&artefact.id, 3000);
    other[0] ^= 1;
    // Who counts on its own and never reads to the end learns of it all the same.
    let mut all = vec![0; 3000];
    assert!(Verified::of(&artefact, other.as_slice()).read_exact(&mut all).is_err());
    let mut most = vec![0; 2999];
    assert!(Verified::of(&artefact, other.as_slice()).read_exact(&mut most).is_ok());
}

#[test]
fn an_endless_content_is_read_to_its_length() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }
    let artefact = plugin("buy-two", "1.4.0");
    let mut endless = Endless(0);
    assert!(io::copy(&mut Verified::of(&artefact, &mut endless), &mut io::sink()).is_err());
    assert!(endless.0 <= 3000 + 64 * 1024, "{} bytes were read", endless.0);
}
