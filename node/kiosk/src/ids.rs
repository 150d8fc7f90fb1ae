//! Ids that are unique without asking anybody.

use aisle_event::{DocumentId, InvalidId, SessionId, Timestamp};

/// Crockford's base 32: no letter that looks like a digit.
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M',
    'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];

/// A session id: 128 random bits.
pub(crate) fn session() -> Result<SessionId, InvalidId> {
    SessionId::new(base32(rand::random(), 26))
}

/// An idempotency key: 128 random bits.
pub(crate) fn idempotency_key() -> String {
    base32(rand::random(), 26)
}

/// The number of a receipt: the millisecond, so that numbers sort by time, and 60 random bits.
pub(crate) fn document(now: Timestamp) -> Result<DocumentId, InvalidId> {
    let ms = u128::from(now.0.max(0).unsigned_abs());
    DocumentId::new(format!("{}-{}", base32(ms, 10), base32(rand::random(), 12)))
}

/// The lowest bits of a number, five to a character.
#[expect(clippy::indexing_slicing, reason = "five bits are below 32")]
fn base32(bits: u128, chars: u32) -> String {
    (0..chars).rev().map(|at| ALPHABET[(bits >> (5 * at) & 31) as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_sort_by_time() {
        let (early, late) = (
            document(Timestamp(1_700_000_000_000)).unwrap(),
            document(Timestamp(1_700_000_000_001)).unwrap(),
        );
        assert!(early < late);
        assert_eq!(early.as_str().len(), 23);
    }

    #[test]
    fn sessions_differ() {
        assert_ne!(session().unwrap(), session().unwrap());
        assert_eq!(session().unwrap().as_str().len(), 26);
    }
}
