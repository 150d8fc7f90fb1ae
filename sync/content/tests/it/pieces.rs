//! Pieces verify alone, and only at their place.

use crate::world::noise;
use aisle_content::{PIECE_BYTES, Tree, tree::hash_of};

#[test]
fn every_piece_of_a_content_of_any_length_verifies_alone_and_no_other_does() {
    let piece = PIECE_BYTES as usize;
    for bytes in
        [piece + 1, 2 * piece - 1, 2 * piece, 2 * piece + 1, 3 * piece, 5 * piece + 77, 8 * piece, 9 * piece]
    {
        let content = noise(bytes as u64, bytes);
        let (described, encoded) = Tree::read(content.as_slice()).unwrap();
        assert_eq!(described.hash, hash_of(&content), "{bytes}");
        let encoded = encoded.unwrap();
        assert_eq!(encoded.len() as u64, described.pieces() * 32);
        assert_eq!(described.tree, Some(hash_of(&encoded)));
        let tree = Tree::open(&described, &encoded).unwrap();
        for (index, good) in content.chunks(piece).enumerate() {
            let offset = (index * piece) as u64;
            assert!(tree.holds(offset, good), "{bytes} at {offset}");
            let mut bad = good.to_vec();
            *bad.last_mut().unwrap() ^= 0x80;
            assert!(!tree.holds(offset, &bad));
            assert!(!tree.holds(offset, &good[1..]));
            assert!(!tree.holds(offset + 1, good));
            assert!(!tree.holds(offset + 64 * PIECE_BYTES, good));
            assert!(!tree.holds((offset + PIECE_BYTES) % (PIECE_BYTES * described.pieces()), good));
        }
    }
}

#[test]
fn a_content_of_one_piece_needs_no_tree() {
    for bytes in [1, 1024, PIECE_BYTES as usize] {
        let (described, tree) = Tree::read(noise(1, bytes).as_slice()).unwrap();
        assert_eq!((described.tree, tree), (None, None));
    }
}

#[test]
fn a_list_that_does_not_give_the_hash_is_no_tree() {
    let content = noise(1, 5 * PIECE_BYTES as usize + 1);
    let (described, encoded) = Tree::read(content.as_slice()).unwrap();
    let encoded = encoded.unwrap();
    for byte in [0, 40, encoded.len() - 1] {
        let mut wrong = encoded.clone();
        wrong[byte] ^= 1;
        Tree::open(&described, &wrong).unwrap_err();
    }
    for wrong in [&encoded[32..], &encoded[1..], &[], &[encoded.as_slice(), &[0; 32]].concat()] {
        Tree::open(&described, wrong).unwrap_err();
    }
    // Another length with as many pieces is another content.
    Tree::open(&aisle_content::Content { bytes: described.bytes + 1, ..described }, &encoded).unwrap();
    let longer = aisle_content::Content { bytes: described.bytes + PIECE_BYTES, ..described };
    Tree::open(&longer, &encoded).unwrap_err();
}
