//! Codes with a weight in them: EAN-13 of goods of variable measure (GS1 General Specifications, section 2.1.12).
//!
//! Which digits are what differs from country to country, so a profile says it: `28IIIIIWWWWWC`. Not here: other codes.

use super::{payload::Wrong, units::Foreign};
use crate::{epc::check_digit, heard::Problem};

/// How many layouts a profile has at most.
pub const LAYOUTS_MAX: usize = 16;
const DIGITS: usize = 13;

/// `28IIIIIWWWWWC`: digits that stand so, `I` the item, `W` the measure, `?` a digit without a meaning here, `C` the check
/// digit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    marks: [u8; DIGITS],
    unit: Foreign,
}

impl Layout {
    pub(super) fn parse(text: &str, unit: Foreign) -> Option<Self> {
        let marks: [u8; DIGITS] = text.as_bytes().try_into().ok()?;
        let is_mark = |mark: &u8| matches!(mark, b'0'..=b'9' | b'I' | b'W' | b'?');
        let [front @ .., b'C'] = &marks else { return None };
        let measured = front.iter().filter(|mark| **mark == b'W').count();
        let is_good = front.iter().all(is_mark)
            && front.first().is_some_and(u8::is_ascii_digit)
            && (1..=6).contains(&measured);
        is_good.then_some(Self { marks, unit })
    }

    /// The code of the goods and the weight in grams; nothing when the code is not of this layout.
    pub(super) fn read(&self, code: &str) -> Result<Option<(String, f64)>, Wrong> {
        let Ok(digits) = <[u8; DIGITS]>::try_from(code.as_bytes()) else { return Ok(None) };
        if !digits.iter().all(u8::is_ascii_digit) {
            return Ok(None);
        }
        let (mut goods, mut weight, mut whole) = (0_u64, 0_u32, 0_u64);
        for (mark, byte) in self.marks.iter().zip(digits) {
            let digit = u32::from(byte - b'0');
            if mark.is_ascii_digit() && *mark != byte {
                return Ok(None);
            }
            if *mark == b'W' {
                weight = weight * 10 + digit;
            }
            if *mark != b'C' {
                whole = whole * 10 + u64::from(digit);
                goods = goods * 10 + u64::from(if matches!(mark, b'W' | b'?') { 0 } else { digit });
            } else if check_digit(whole) != u64::from(digit) {
                let reason = format!("is `{code}`, whose check digit should be {}", check_digit(whole));
                return Err(Wrong::new("", reason, Problem::Value));
            }
        }
        let goods = format!("{goods:012}{}", check_digit(goods));
        Ok(Some((goods, self.unit.convert(f64::from(weight)))))
    }
}
