//! What goes in and comes out, as JSON: the names and fields of the contract in `plugins/wit`.
//!
//! Settings come typed: whoever writes for Extism has no need to flatten them.

use serde::{Deserialize, Serialize};

/// A basket, and the offers that there are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    pub context: Context,
    pub customer: Option<Customer>,
    pub coupons: Vec<String>,
    pub lines: Vec<Line>,
    pub offers: Vec<Offer>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Context {
    pub store: String,
    pub currency: String,
    pub now: i64,
    pub minute_of_day: u16,
    pub weekday: u8,
    pub day: i32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Customer {
    pub token: String,
    pub tier: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    pub number: u32,
    pub product: Product,
    /// In thousandths.
    pub quantity: i64,
    /// In minor units.
    pub unit_price: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Product {
    pub sku: String,
    pub name: String,
    pub category: Option<String>,
    pub unit: Unit,
    pub price: i64,
    pub expires_in_days: Option<i32>,
    pub in_stock: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    Each,
    Kilogram,
    Litre,
    Metre,
}

/// Of each `buy` pieces of the named products, the `reduced` cheapest are `percent` cheaper.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Offer {
    #[serde(default)]
    pub skus: Vec<String>,
    #[serde(default)]
    pub categories: Vec<String>,
    pub buy: i64,
    pub reduced: i64,
    pub percent: i64,
    pub reason: String,
}

/// So much off a line, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    pub line: u32,
    pub amount: i64,
    pub reason: String,
}
