//! What an operator can set about stock positions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of stock positions. Costs are in any one unit: only their ratios decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// So many products have a position at most; a further one has none until the node starts anew without one of these.
    pub skus_max: usize,
    /// So many streams of devices can be placed at goods at most; a further placing is ignored.
    pub placements_max: usize,
    /// So many tags are remembered of one product at most; beyond that they are only counted as seen now.
    pub tags_per_sku_max: usize,
    /// A shelf with fewer pieces than this, while the backroom has some, is a gap.
    pub facing_min: u32,
    /// What a walk to a shelf for nothing costs.
    pub walk_cost: f64,
    /// What a gap costs that nobody sees. Staff are sent when the chance of a gap is above walk / (walk + this).
    pub gap_cost: f64,
    /// What goods cost that only the book has: lost sales and orders that are not made.
    pub phantom_cost: f64,
    /// What a search for such goods costs. Staff are sent when the chance is above search / (search + phantom).
    pub search_cost: f64,
    /// What one count of a product costs, in lost sales: a count must be worth more.
    pub count_cost: f64,
    /// So many recounts are asked for at once at most.
    pub recounts_max: usize,
    /// The book must be above the truth by at least so many pieces before it is called wrong.
    pub phantom_pieces_min: u32,
    /// A conclusion about one product is written at most once in so many seconds, unless it can or cannot be sold now.
    pub sensed_interval_s: u32,
}

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct InvalidConfig {
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub found: String,
    /// What it may hold.
    pub expected: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            skus_max: 20_000,
            placements_max: 10_000,
            tags_per_sku_max: 128,
            facing_min: 1,
            walk_cost: 1.0,
            gap_cost: 2.5,
            phantom_cost: 10.0,
            search_cost: 20.0,
            count_cost: 4.0,
            recounts_max: 5,
            phantom_pieces_min: 2,
            sensed_interval_s: 60,
        }
    }
}

impl Config {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let refuse = |field, found: String, expected| Err(InvalidConfig { field, found, expected });
        for (field, count) in [
            ("skus_max", self.skus_max),
            ("placements_max", self.placements_max),
            ("tags_per_sku_max", self.tags_per_sku_max),
        ] {
            if count == 0 || count > 1_000_000 {
                return refuse(field, count.to_string(), "1 to 1000000");
            }
        }
        for (field, cost) in [
            ("walk_cost", self.walk_cost),
            ("gap_cost", self.gap_cost),
            ("phantom_cost", self.phantom_cost),
            ("search_cost", self.search_cost),
            ("count_cost", self.count_cost),
        ] {
            if !(1e-6..=1e9).contains(&cost) {
                return refuse(field, cost.to_string(), "a number from 0.000001 to 1000000000");
            }
        }
        if self.recounts_max > 1000 {
            return refuse("recounts_max", self.recounts_max.to_string(), "at most 1000");
        }
        if !(1..=1000).contains(&self.facing_min) {
            return refuse("facing_min", self.facing_min.to_string(), "1 to 1000 pieces");
        }
        if !(1..=1000).contains(&self.phantom_pieces_min) {
            return refuse("phantom_pieces_min", self.phantom_pieces_min.to_string(), "1 to 1000 pieces");
        }
        if !(1..=86_400).contains(&self.sensed_interval_s) {
            return refuse("sensed_interval_s", self.sensed_interval_s.to_string(), "1 to 86400 seconds");
        }
        Ok(())
    }

    /// The chance from which sending somebody to a shelf costs less than leaving it.
    pub(crate) fn gap_threshold(&self) -> f64 {
        self.walk_cost / (self.walk_cost + self.gap_cost)
    }

    /// The chance from which a search costs less than believing the book.
    pub(crate) fn phantom_threshold(&self) -> f64 {
        self.search_cost / (self.search_cost + self.phantom_cost)
    }
}
