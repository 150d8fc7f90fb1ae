//! When a certificate is renewed, and when a try that failed is made again.
//!
//! Half of its life is left as room for a line that is down. Boxes that were set up on one day do not all come at one hour: each adds up to a tenth of the life, always
//! the same for one certificate, so that a restart changes nothing.
//!
//! Not here: what is done then (`keyring`, `enrolment`), which time it is (`time`).

use crate::{certificate::Facts, fingerprint::sha256};
use aisle_event::Timestamp;

/// The first wait after a failed try, in milliseconds.
pub const RETRY_FIRST_MS: u64 = 60_000;
/// The longest.
pub const RETRY_MS_MAX: u64 = 6 * 3_600_000;

/// When a certificate is to be renewed: at half its life, and up to a tenth of it later.
#[must_use]
pub fn due_at(facts: &Facts) -> Timestamp {
    let life = facts.validity.ms();
    let hash = sha256(&[b"aisle renewal v1\0", &facts.key.0, facts.number.as_bytes()]);
    let draw = hash.iter().take(4).fold(0_u64, |draw, byte| (draw << 8) | u64::from(*byte));
    // A life is below 2^48 ms and a draw below 2^32, so this does not overflow.
    let jitter = (life / 10).saturating_mul(draw) >> 32;
    let after = i64::try_from(life / 2 + jitter).unwrap_or(i64::MAX);
    facts.validity.not_before.saturating_add_ms(after)
}

/// How long to wait after so many failed tries: anything up to a bound that doubles, by an even draw. What the hub asked for (`Retry-After`) counts at least.
#[must_use]
pub fn retry_after_ms(failed: u32, draw: u64, asked_ms: u64) -> u64 {
    let bound = RETRY_FIRST_MS.saturating_mul(1_u64 << failed.min(16)).min(RETRY_MS_MAX);
    // Never at once: a tenth of the bound at least.
    let least = bound / 10;
    (least + draw % (bound - least + 1)).max(asked_ms.min(RETRY_MS_MAX))
}
