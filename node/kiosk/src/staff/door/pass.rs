//! [`Pass`]: the cookie of somebody who signed in: since when, who, and a keyed hash over both and the PIN.
//!
//! Nothing is kept on the node: a changed PIN or key makes every pass worthless. A pass from the future is none either, so a clock that
//! was ahead cannot make one that lasts.

use aisle_event::{Name, Timestamp};
use data_encoding::HEXLOWER;

/// Keeps hashes of passes apart from hashes of anything else under the same key.
const PURPOSE: &[u8] = b"aisle staff pass 1\0";
/// By so much a clock may have been set back since the pass was made.
const CLOCK_MS_MAX: i64 = 5 * 60 * 1000;
/// The longest name in a pass, in hexadecimal digits.
const HEX_CHARS_MAX: usize = 512;

/// Makes and checks passes.
pub(crate) struct Passes {
    key: [u8; 32],
    valid_ms: u64,
}

impl Passes {
    pub(crate) fn new(key: [u8; 32], valid_h: u32) -> Self {
        Self { key, valid_ms: u64::from(valid_h) * 60 * 60 * 1000 }
    }

    /// How long a pass is worth something, in seconds.
    pub(crate) const fn valid_s(&self) -> u64 {
        self.valid_ms / 1000
    }

    /// A pass: letters, digits and dots.
    pub(crate) fn make(&self, name: &Name, pin: &str, now: Timestamp) -> String {
        let hex = HEXLOWER.encode(name.as_str().as_bytes());
        format!("{}.{hex}.{}", now.0, self.seal(now, name, pin).to_hex())
    }

    /// Who a pass is of, if it is one.
    pub(crate) fn check(&self, pass: &str, pin: &str, now: Timestamp) -> Option<Name> {
        let mut parts = pass.splitn(3, '.');
        let since = Timestamp(parts.next()?.parse().ok()?);
        let hex = parts.next().filter(|hex| hex.len() <= HEX_CHARS_MAX)?;
        let name = HEXLOWER.decode(hex.as_bytes()).ok()?;
        let name = Name::new(String::from_utf8(name).ok()?).ok()?;
        let seal = blake3::Hash::from_hex(parts.next()?).ok()?;
        // Hashes compare in constant time.
        let is_ours = seal == self.seal(since, &name, pin);
        let is_valid = now.ms_since(since) < self.valid_ms && since.0.saturating_sub(now.0) <= CLOCK_MS_MAX;
        (is_ours && is_valid).then_some(name)
    }

    fn seal(&self, since: Timestamp, name: &Name, pin: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(PURPOSE).update(&since.0.to_be_bytes());
        for part in [name.as_str(), pin] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        hasher.finalize()
    }

    /// Compares a guess with the PIN, in a time that says nothing about either.
    pub(crate) fn is_pin(&self, guess: &str, pin: &str) -> bool {
        blake3::keyed_hash(&self.key, guess.as_bytes()) == blake3::keyed_hash(&self.key, pin.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * 60 * 1000;

    #[test]
    fn a_pass_is_worth_something_for_its_hours_its_pin_and_its_key_only() {
        let passes = Passes::new([7; 32], 12);
        let li = Name::new("李 Li").unwrap();
        let at = Timestamp(1_763_640_000_000);
        let pass = passes.make(&li, "123456", at);
        assert!(pass.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{pass}");
        let check = |pass: &str, pin: &str, ms: i64| passes.check(pass, pin, at.saturating_add_ms(ms));
        assert_eq!(check(&pass, "123456", 12 * HOUR_MS - 1), Some(li.clone()));
        assert_eq!(check(&pass, "123456", 12 * HOUR_MS), None);
        assert_eq!(check(&pass, "123456", -CLOCK_MS_MAX), Some(li.clone()), "a clock was set right");
        assert_eq!(check(&pass, "123456", -HOUR_MS), None, "a pass from the future");
        assert_eq!(check(&pass, "654321", 0), None);
        assert_eq!(Passes::new([8; 32], 12).check(&pass, "123456", at), None);
    }

    #[test]
    fn what_was_not_made_here_is_no_pass() {
        let passes = Passes::new([7; 32], 12);
        let at = Timestamp(1_763_640_000_000);
        let pass = passes.make(&Name::new("Ann").unwrap(), "123456", at);
        let longer = pass.replace("1763640000000", "1763640000001");
        let other = pass.replace("416e6e", "426f62");
        for forged in ["", ".", "..", "1.2.3", "x.41.00", &longer, &other, &pass[..pass.len() - 1], "1.4é.0"]
        {
            assert_eq!(passes.check(forged, "123456", at), None, "{forged}");
        }
        assert!(passes.check(&pass, "123456", at).is_some());
    }
}
