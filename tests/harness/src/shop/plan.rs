//! What shop to generate, and why a plan was refused.

use aisle_event::Timestamp;

/// What shop to generate. Two equal plans give equal events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where everything random comes from.
    pub seed: u64,
    /// How many products are offered.
    pub products: usize,
    /// How many calendar days of trade, the last of them the day of `end`.
    pub days: u32,
    /// Shoppers on an average day, at the tills and at the kiosks together.
    pub visits_per_day: u32,
    /// When the trade ends; nothing happens after it.
    pub end: Timestamp,
}

impl Plan {
    /// Products of the usual plan.
    pub const PRODUCTS: usize = 2_000;
    /// Days of the usual plan.
    pub const DAYS: u32 = 90;
    /// Shoppers a day of the usual plan.
    pub const VISITS_PER_DAY: u32 = 280;
    /// The most days that a plan may have.
    pub const DAYS_MAX: u32 = 3_660;

    /// The usual plan: a middling grocery over three months.
    #[must_use]
    pub const fn usual(seed: u64, end: Timestamp) -> Self {
        Self { seed, products: Self::PRODUCTS, days: Self::DAYS, visits_per_day: Self::VISITS_PER_DAY, end }
    }
}

/// Why a plan was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Too few or too many products.
    #[error("`products` is {products}; the word lists allow {products_min} to {products_max}")]
    Products {
        /// How many were asked for.
        products: usize,
        /// The least: one in each category.
        products_min: usize,
        /// The most that have names of their own.
        products_max: usize,
    },
    /// Too few or too many days.
    #[error("`days` is {days}; 1 to {days_max} are allowed")]
    Days {
        /// How many were asked for.
        days: u32,
        /// The most.
        days_max: u32,
    },
    /// The days would begin before 1970.
    #[error("`end` is {end_ms} ms after 1970, too early for {days} days before it")]
    End {
        /// The end that was asked for.
        end_ms: i64,
        /// The days before it.
        days: u32,
    },
}
