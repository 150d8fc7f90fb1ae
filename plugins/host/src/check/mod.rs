//! Whether an answer fits what was asked. Pure.
//!
//! What comes through here can be used as it is: every line and product exists, no price is negative, no discount is above what it
//! is taken off. Guards invariant 4.

mod basket;
mod others;
mod size;

pub(crate) use size::input_bytes;

use crate::{
    call::Failure,
    types::{Input, Output},
};

/// The longest words for a shopper, in characters.
pub const REASON_LENGTH_MAX: usize = 120;
/// The longest text of a shelf label, in characters.
pub const LABEL_LENGTH_MAX: usize = 32;
/// The highest price of one unit, in minor units.
pub const PRICE_MAX: i64 = 1_000_000_000_000;
/// The longest time for which a product can be kept from being sold, in seconds.
pub const SUPPRESS_S_MAX: u32 = 7 * 24 * 3600;
/// The most packs of one order line.
pub const PACKS_MAX: u32 = 100_000;
/// The most points of one item.
pub const POINTS_MAX: u32 = 1_000_000;

/// Holds an answer to its question. `is_product` says whether the shop has a product, for hooks whose input does not.
///
/// # Errors
/// Names the first part that does not fit.
pub fn output(
    input: &Input,
    output: &Output,
    is_product: &mut dyn FnMut(&str) -> bool,
) -> Result<(), Failure> {
    match (input, output) {
        (Input::Pricing(input), Output::Pricing(items)) => basket::prices(input, items),
        (Input::Promotion(input), Output::Promotion(items)) => basket::adjustments(input, items),
        (Input::Ranking(input), Output::Ranking(items)) => others::ranked(input, items),
        (Input::Replenishment(input), Output::Replenishment(items)) => others::orders(input, items),
        (Input::Reaction(input), Output::Reaction(items)) => others::actions(input, items, is_product),
        _ => bad("", format!("answers the hook `{}`, expected `{}`", output.hook(), input.hook())),
    }
}

fn bad<T>(path: impl Into<String>, reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::BadOutput { path: path.into(), reason: reason.into() })
}

/// Words for people: something, on one line, and not too long. Where they stand is spelled out for a complaint alone: writing it for
/// each item of a good answer takes longer than looking at the item.
fn words(path: impl FnOnce() -> String, text: &str, length_max: usize) -> Result<(), Failure> {
    if text.trim().is_empty() {
        return bad(path(), "is empty");
    }
    line(path, text, length_max)
}

fn line(path: impl FnOnce() -> String, text: &str, length_max: usize) -> Result<(), Failure> {
    let length = text.chars().count();
    if length > length_max {
        return bad(path(), format!("is {length} characters long, expected at most {length_max}"));
    }
    if text.contains(char::is_control) {
        return bad(path(), "has a control character");
    }
    Ok(())
}

/// A text of the plugin's in a message.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).take(40).collect()
}
