//! The tree of a content's pieces: BLAKE3's own, cut where its leaves are pieces.
//!
//! BLAKE3 hashes a content as a binary tree. The chaining values of the subtrees that are [`PIECE_BYTES`] long determine the root, so a list of them
//! is either the content's or does not give its hash; and with the list, every piece verifies alone. A content of one piece needs none.
//!
//! Not here: reading and writing files. Guards: a byte that is not of the content is noticed in its piece, before it is kept.

use crate::manifest::Content;
use aisle_protocol::Hash;
use blake3::{
    Hasher,
    hazmat::{
        ChainingValue, HasherExt as _, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
    },
};
use std::io::{self, Read};

/// The length of a piece; the last one of a content may be shorter. A power of two, as the subtrees of BLAKE3 are.
pub const PIECE_BYTES: u64 = 256 << 10;

/// The chaining values of all pieces of a content that has at least two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    pieces: Vec<ChainingValue>,
    bytes: u64,
}

/// Bytes are not the tree of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree is not that of {hash}")]
pub struct NotTree {
    /// The content.
    pub hash: Hash,
}

impl Tree {
    /// Of a content that is read to its end. The content's tree is there when it has more than one piece, as its bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(mut reader: impl Read) -> io::Result<(Content, Option<Vec<u8>>)> {
        let (mut pieces, mut bytes, mut whole) = (Vec::new(), 0_u64, Hasher::new());
        loop {
            let mut piece = Vec::new();
            reader.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)?;
            if piece.is_empty() {
                break;
            }
            whole.update(&piece);
            pieces.push(chaining_value(bytes, &piece));
            bytes = bytes.saturating_add(piece.len() as u64);
        }
        let tree = (pieces.len() > 1).then(|| Self { pieces, bytes }.encode());
        let hash = Hash(*whole.finalize().as_bytes());
        let content = Content { hash, bytes, tree: tree.as_ref().map(|tree| hash_of(tree)) };
        Ok((content, tree))
    }

    /// Its bytes: the chaining values, one behind the other.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// Takes bytes that may be anybody's for the tree of a content.
    ///
    /// # Errors
    /// When they do not give the content's hash.
    pub fn open(content: &Content, bytes: &[u8]) -> Result<Self, NotTree> {
        let (pieces, rest) = bytes.as_chunks::<32>();
        let is_long_enough = pieces.len() as u64 == content.pieces() && pieces.len() > 1 && rest.is_empty();
        if !is_long_enough || root(pieces, content.bytes) != Some(content.hash) {
            return Err(NotTree { hash: content.hash });
        }
        Ok(Self { pieces: pieces.to_vec(), bytes: content.bytes })
    }

    /// Whether these bytes are the piece that begins there.
    #[must_use]
    pub fn holds(&self, offset: u64, piece: &[u8]) -> bool {
        let length = self.bytes.saturating_sub(offset).min(PIECE_BYTES);
        let index = usize::try_from(offset / PIECE_BYTES).unwrap_or(usize::MAX);
        offset.is_multiple_of(PIECE_BYTES)
            && length > 0
            && piece.len() as u64 == length
            && self.pieces.get(index).is_some_and(|expected| *expected == chaining_value(offset, piece))
    }
}

/// BLAKE3 of bytes.
#[must_use]
pub fn hash_of(bytes: &[u8]) -> Hash {
    Hash(*blake3::hash(bytes).as_bytes())
}

/// Of a subtree that is not the whole: 1 to [`PIECE_BYTES`] bytes at a multiple of that.
fn chaining_value(offset: u64, piece: &[u8]) -> ChainingValue {
    Hasher::new().set_input_offset(offset).update(piece).finalize_non_root()
}

fn root(pieces: &[ChainingValue], bytes: u64) -> Option<Hash> {
    let (left, right) = halves(pieces, bytes)?;
    Some(Hash(*merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()))
}

fn subtree(pieces: &[ChainingValue], bytes: u64) -> Option<ChainingValue> {
    if let [only] = pieces {
        return Some(*only);
    }
    let (left, right) = halves(pieces, bytes)?;
    Some(merge_subtrees_non_root(&left, &right, Mode::Hash))
}

/// Both halves of a subtree of more than one piece; the left one is a power of two.
fn halves(pieces: &[ChainingValue], bytes: u64) -> Option<(ChainingValue, ChainingValue)> {
    if bytes <= PIECE_BYTES {
        return None;
    }
    let of_left = left_subtree_len(bytes);
    let (left, right) = pieces.split_at_checked(usize::try_from(of_left / PIECE_BYTES).ok()?)?;
    Some((subtree(left, of_left)?, subtree(right, bytes.saturating_sub(of_left))?))
}
