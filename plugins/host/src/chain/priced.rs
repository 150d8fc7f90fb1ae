//! What came of a basket.

use crate::{
    call::{Call, Stamp},
    hook::Hook,
    types::Input,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A basket with its prices and everything that made them.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    /// Its lines, in the basket's order.
    pub lines: Vec<PricedLine>,
    /// What plugins changed, in order.
    pub adjustments: Vec<Adjusted>,
    /// Lines that must not be sold like this.
    pub refusals: Vec<RefusedLine>,
    /// Points for the customer.
    pub points: Vec<EarnedPoints>,
    /// The basket cannot be sold: plugins that keep the law were not able to answer.
    pub denied: Vec<Denied>,
    /// What all lines cost at the prices of the hook `pricing`, in minor units.
    pub gross: i64,
    /// What is to be paid, in minor units.
    pub total: i64,
    /// Every call that was made, in order, failed ones too.
    pub calls: Vec<Made>,
}

/// A line with its prices, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// Its number.
    pub number: u32,
    /// What one unit costs in the catalogue.
    pub catalog_price: i64,
    /// What one unit costs before offers.
    pub unit_price: i64,
    /// What the line costs before offers.
    pub gross: i64,
    /// What was taken off, shares of basket discounts included. Never below zero, never above `gross`.
    pub discount: i64,
    /// What is to be paid for it.
    pub net: i64,
}

/// Something that a plugin changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// Who.
    pub plugin: Stamp,
    /// What.
    pub effect: Effect,
    /// Why, in words for the shopper.
    pub reason: String,
}

/// What was changed, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Effect {
    /// One unit of a line has another price.
    Price {
        /// The line.
        line: u32,
        /// What it was.
        from: i64,
        /// What it is.
        to: i64,
    },
    /// An amount off a line.
    LineDiscount {
        /// The line.
        line: u32,
        /// How much.
        amount: i64,
    },
    /// An amount off the basket.
    BasketDiscount {
        /// How much.
        amount: i64,
        /// Where it was taken off. They add up to the amount.
        shares: Vec<Share>,
    },
    /// A discount taken back.
    TakeBack {
        /// The line.
        line: u32,
        /// How much.
        amount: i64,
    },
}

/// A line's part of a basket discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The line.
    pub line: u32,
    /// Its part, in minor units. Above zero.
    pub amount: i64,
}

/// A line that must not be sold like this. Its price stands as if it were; the basket can be priced again without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// The line.
    pub line: u32,
    /// Who refuses it.
    pub plugin: Stamp,
    /// Why, in words for the shopper.
    pub reason: String,
}

/// Points for the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarnedPoints {
    /// How many.
    pub count: u32,
    /// Who gives them.
    pub plugin: Stamp,
    /// Why, in words for the shopper.
    pub reason: String,
}

/// A plugin without whose answer nothing is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// Which.
    pub plugin: Stamp,
    /// What went wrong, for the people who look after it.
    pub reason: String,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Who was asked.
    pub plugin: Stamp,
    /// At which hook.
    pub hook: Hook,
    /// True when it was asked because the version after it had failed.
    pub as_last_good: bool,
    /// What it was asked.
    pub input: Arc<Input>,
    /// What came of it.
    pub call: Arc<Call>,
}
