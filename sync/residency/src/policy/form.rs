//! Coarsening: the same value with less in it. Times to a step, numbers down to a multiple, text to its first characters or a category.
//!
//! A coarsened value keeps its type. Where a value cannot be made coarser (text no longer than the prefix, a number at the end of
//! its range) it does not leave at all.

use crate::{cbor, precision::Precision, shape::Shape};
use aisle_event::{Money, Quantity};

/// The longest prefix, in characters.
pub const PREFIX_CHARS_MAX: usize = 16;
/// The most categories of one rule.
pub const CATEGORIES_MAX: usize = 1024;

/// How values are made coarser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A time, down to the begin of a step.
    Time(Precision),
    /// Down to a multiple of so many of what the field counts: minor units, thousandths, millionths, days.
    Step(i64),
    /// Text, to its first so many characters.
    Prefix(usize),
    /// Text, to the category of its longest known beginning.
    Category {
        /// Beginnings and their categories.
        of: Vec<(String, String)>,
        /// The category of everything else.
        other: String,
    },
}

impl Form {
    /// The coarser value; `None` when there is none.
    pub(crate) fn apply(&self, shape: Shape, value: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        match (self, shape) {
            (Self::Time(precision), Shape::Time) => {
                cbor::put_i64(&mut out, precision.floor(cbor::only(value)?)?);
            }
            (Self::Step(step), Shape::Number | Shape::Measure | Shape::Day) => match cbor::only::<u64>(value)
            {
                Some(number) => {
                    let step = u64::try_from(*step).ok()?;
                    cbor::put_u64(&mut out, number - number.checked_rem(step)?);
                }
                None => cbor::put_i64(&mut out, down(cbor::only(value)?, *step)?),
            },
            (Self::Step(step), Shape::Money) => {
                let money: Money = cbor::only(value)?;
                let minor = down(money.minor, *step)?;
                cbor::write(&mut out, |encoder| drop(encoder.encode(Money { minor, ..money })));
            }
            (Self::Step(step), Shape::Quantity) => {
                let quantity: Quantity = cbor::only(value)?;
                let thousandths = down(quantity.thousandths, *step)?;
                cbor::write(&mut out, |encoder| drop(encoder.encode(Quantity { thousandths, ..quantity })));
            }
            (Self::Prefix(chars), Shape::Text) => {
                let text: &str = cbor::only(value)?;
                // Text no longer than the prefix would leave whole.
                let (end, _) = text.char_indices().nth(*chars)?;
                cbor::put_str(&mut out, text.get(..end)?);
            }
            (Self::Category { of, other }, Shape::Text) => {
                let text: &str = cbor::only(value)?;
                let longest = of
                    .iter()
                    .filter(|(start, _)| text.starts_with(start.as_str()))
                    .max_by_key(|(start, _)| start.len());
                cbor::put_str(&mut out, longest.map_or(other, |(_, category)| category));
            }
            _ => return None,
        }
        Some(out)
    }

    /// True when a value can have come out of this: what the hub checks.
    pub(crate) fn conforms(&self, shape: Shape, value: &[u8]) -> bool {
        match (self, shape) {
            (Self::Prefix(chars), Shape::Text) => {
                cbor::only::<&str>(value).is_some_and(|text| text.chars().count() == *chars)
            }
            (Self::Category { of, other }, Shape::Text) => cbor::only::<&str>(value)
                .is_some_and(|text| text == other || of.iter().any(|(_, category)| category == text)),
            _ => self.apply(shape, value).is_some_and(|again| again == value),
        }
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Time(precision) => format!("to the {}", precision.word()),
            Self::Step(step) => format!("down to a multiple of {step}"),
            Self::Prefix(chars) => format!("to its first {chars} characters"),
            Self::Category { of, .. } => format!("to one of {} categories", of.len() + 1),
        }
    }
}

fn down(number: i64, step: i64) -> Option<i64> {
    number.checked_sub(number.checked_rem_euclid(step)?)
}
