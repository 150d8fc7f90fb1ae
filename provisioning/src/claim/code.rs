//! Claim codes: 25 characters of Crockford's base32 in five groups, `7K3QM-0T9XA-…`.
//!
//! Five characters find the claim, eighteen are secret (90 bits), two check the rest. The two make any two wrong characters and any swap visible, and mostly say which group to look
//! at: all 25 are values of GF(32), and as the coefficients of a polynomial they are zero at 1 and at α (a shortened Reed-Solomon code of distance three).
//!
//! Guards: a code does not show in `Debug`, and is compared with nothing but hashes.

use crate::{
    entropy::{self, Entropy, NoEntropy},
    fingerprint::sha256,
    identity::shown,
};
use std::{fmt, str::FromStr};
use zeroize::{Zeroize as _, Zeroizing};

/// Characters of a code.
pub const CODE_CHARS: usize = 25;
/// Characters of a group.
pub const GROUP_CHARS: usize = 5;
/// The most bytes of a text that is read as a code.
pub const CODE_BYTES_MAX: usize = 256;

const LOCATOR_CHARS: usize = 5;
const DATA_CHARS: usize = CODE_CHARS - 2;
/// Crockford's alphabet: no I, L, O and U.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code: whoever has it may set up a box for a store, once.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimCode([u8; CODE_CHARS]);

/// The part of a code that finds its claim. Not secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator(String);

/// Why a text is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character that no code has.
    #[error("a claim code has no `{found}`\nhint: {hint}")]
    Character {
        /// The character.
        found: String,
        /// Its place among the characters that count, from 1.
        place: usize,
        /// What it could be.
        hint: String,
    },
    /// There are too few or too many.
    #[error("a claim code has {CODE_CHARS} characters in five groups; this has {found}\nhint: {}", length_hint(*.found))]
    Length {
        /// How many.
        found: usize,
    },
    /// It was mistyped.
    #[error("the claim code is mistyped\nhint: {}", check_hint(*.group))]
    Check {
        /// Which group to look at first, from 1; unknown when more than one character is wrong.
        group: Option<usize>,
    },
}

fn length_hint(found: usize) -> String {
    if found < CODE_CHARS {
        format!("group {} is not complete; type all five groups", found / GROUP_CHARS + 1)
    } else {
        "type the five groups and nothing else".to_owned()
    }
}

fn check_hint(group: Option<usize>) -> String {
    group.map_or_else(
        || "compare all five groups with the slip; two characters may have changed places".to_owned(),
        |group| format!("compare the groups with the slip, group {group} first"),
    )
}

impl ClaimCode {
    /// A new code.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn draw(entropy: &mut dyn Entropy) -> Result<Self, NoEntropy> {
        let random = Zeroizing::new(entropy::array::<DATA_CHARS>(entropy)?);
        let mut code = [0; CODE_CHARS];
        code.iter_mut().zip(random.iter()).for_each(|(value, byte)| *value = byte & 0x1f);
        let (sum, weighted) = syndromes(&code);
        // c0 + c1 = sum, α^23·c0 + α^24·c1 = weighted.
        let (a, b) = (power(DATA_CHARS), power(DATA_CHARS + 1));
        let last = divide(weighted ^ multiply(a, sum), a ^ b);
        if let [.., first, second] = code.as_mut_slice() {
            (*first, *second) = (sum ^ last, last);
        }
        Ok(Self(code))
    }

    /// The part that finds the claim.
    #[must_use]
    pub fn locator(&self) -> Locator {
        Locator(letters(self.0.iter().take(LOCATOR_CHARS)))
    }

    /// The whole, without dashes. A secret.
    pub(crate) fn to_secret(&self) -> Zeroizing<String> {
        Zeroizing::new(letters(self.0.iter()))
    }

    /// A hash of the code for one purpose; from it nobody finds the code, nor the hash for another purpose.
    pub(crate) fn hash(&self, purpose: &str) -> [u8; 32] {
        sha256(&[b"aisle claim v1 ", purpose.as_bytes(), b"\0", self.to_secret().as_bytes()])
    }

    /// In groups, as it is printed and read out. A secret.
    #[must_use]
    pub fn to_groups(&self) -> Zeroizing<String> {
        let groups: Vec<String> = self.0.chunks(GROUP_CHARS).map(|group| letters(group.iter())).collect();
        Zeroizing::new(groups.join("-"))
    }
}

impl Drop for ClaimCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimCode({}-…)", self.locator().0)
    }
}

impl FromStr for ClaimCode {
    type Err = CodeError;

    /// Small letters, spaces and dashes do not matter; O is read as 0, I and L as 1.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        if text.len() > CODE_BYTES_MAX {
            return Err(CodeError::Length { found: text.chars().count() });
        }
        let mut code = Self([0; CODE_CHARS]);
        let mut found = 0;
        for c in text.chars().filter(|c| !is_filler(*c)) {
            let value = value(c).ok_or_else(|| CodeError::Character {
                found: shown(&c.to_string()),
                place: found + 1,
                hint: character_hint(c, found / GROUP_CHARS + 1),
            })?;
            if let Some(place) = code.0.get_mut(found) {
                *place = value;
            }
            found += 1;
        }
        if found != CODE_CHARS {
            return Err(CodeError::Length { found });
        }
        match syndromes(&code.0) {
            (0, 0) => Ok(code),
            (0, _) | (_, 0) => Err(CodeError::Check { group: None }),
            // One wrong character at place i: the first is its error, the second that times α^i.
            (sum, weighted) => {
                let place = (0..CODE_CHARS).find(|place| power(*place) == divide(weighted, sum));
                Err(CodeError::Check { group: place.map(|place| place / GROUP_CHARS + 1) })
            }
        }
    }
}

impl Locator {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Locator {
    type Err = CodeError;

    /// Only the five characters themselves: this is never typed.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let is_locator = text.len() == LOCATOR_CHARS && text.bytes().all(|byte| ALPHABET.contains(&byte));
        is_locator.then(|| Self(text.to_owned())).ok_or(CodeError::Length { found: text.chars().count() })
    }
}

fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}' | '\u{feff}')
}

fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let place = ALPHABET.iter().position(|letter| char::from(*letter) == c)?;
    u8::try_from(place).ok()
}

fn character_hint(c: char, group: usize) -> String {
    match c.to_ascii_uppercase() {
        'U' => format!("it stands in group {group}; U is not used, so it may be a V or a 0"),
        _ => format!(
            "it stands in group {group}; codes are written in digits and the letters A to Z without I, L, O and U"
        ),
    }
}

fn letters<'a>(values: impl Iterator<Item = &'a u8>) -> String {
    values.filter_map(|value| ALPHABET.get(usize::from(*value))).map(|letter| char::from(*letter)).collect()
}

/// The polynomial at 1 and at α. Both are zero when nothing is wrong.
fn syndromes(code: &[u8; CODE_CHARS]) -> (u8, u8) {
    code.iter().enumerate().fold((0, 0), |(sum, weighted), (place, value)| {
        (sum ^ value, weighted ^ multiply(*value, power(place)))
    })
}

/// In GF(32) = GF(2)[x] / (x^5 + x^2 + 1), of which x is a primitive element.
const fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut product) = (a, b, 0);
    while b > 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a <<= 1;
        if a & 0x20 != 0 {
            a ^= 0b10_0101;
        }
        b >>= 1;
    }
    product
}

/// α to this power.
const fn power(exponent: usize) -> u8 {
    let (mut value, mut left) = (1, exponent % 31);
    while left > 0 {
        value = multiply(value, 2);
        left -= 1;
    }
    value
}

/// The inverse is the 30th power: the group has 31 elements.
const fn divide(a: u8, b: u8) -> u8 {
    let (mut inverse, mut left) = (1, 30);
    while left > 0 {
        inverse = multiply(inverse, b);
        left -= 1;
    }
    multiply(a, inverse)
}
