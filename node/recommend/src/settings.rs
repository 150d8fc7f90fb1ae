//! The knobs of this crate, with defaults that were chosen on validation data, and the check that they make sense.
//!
//! Sizes and times carry their unit in the name. [`Settings::check`] is called once, when the configuration is read;
//! everything behind it may rely on the bounds.

use crate::{
    experiment::{Experiment, ExperimentError},
    vmis::ITEMS_LAST_MAX,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Session neighbours.
    pub sessions: SessionSettings,
    /// Item-to-item.
    pub related: RelatedSettings,
    /// Popular now.
    pub popular: PopularSettings,
    /// The cache of answers.
    pub cache: CacheSettings,
    /// A model older than this still answers, marked `degraded`.
    pub model_age_max_ms: u64,
    /// How many of the products viewed last are never recommended.
    pub viewed_excluded: usize,
    /// The most neighbouring items of one category; 0 switches diversity off.
    pub category_run_max: usize,
    /// The running experiment.
    pub experiment: Option<Experiment>,
}

/// VMIS-kNN (Kersbergen et al., SIGMOD 2022): the names of its paper are in brackets.
///
/// The defaults were the best of a grid on validation sessions; `recent_max` hardly matters there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// The most recent sessions that are compared \[m\].
    pub recent_max: usize,
    /// The most similar of them that vote \[k\].
    pub neighbours_max: usize,
    /// How many of the items viewed last count, at most 9.
    pub items_last: usize,
    /// How much rare items gain over common ones; 0 switches it off.
    pub idf_weight: f64,
    /// The most items of a past session that are kept, the latest first.
    pub session_items_max: usize,
    /// The most past sessions that are kept, the latest first.
    pub sessions_max: usize,
}

/// Item-to-item: cosine over baskets, each pair weighted by the size of the basket and the distance in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RelatedSettings {
    /// The most neighbours kept for an item.
    pub neighbours_max: usize,
    /// A basket of `n` items counts `(n - 1) ^ -basket_size_power`: a bulk order says little about each of its pairs.
    pub basket_size_power: f64,
    /// A pair at distance `d` in its basket counts `(1 + d) ^ -distance_power`.
    pub distance_power: f64,
    /// The exponent of a similarity before similarities are summed; above 1 the strong ones win.
    pub sharpness: f64,
    /// How much a browsing session counts, where a sale counts 1.
    pub browse_weight: f64,
    /// After this time a basket counts half; seasons change what goes together.
    pub half_life_ms: u64,
    /// The most items of a basket that are kept, the latest first.
    pub basket_items_max: usize,
    /// The most baskets that are kept, the latest first.
    pub baskets_max: usize,
}

/// What sells now: counts that fade, by hour of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PopularSettings {
    /// After this time an observation counts half.
    pub half_life_ms: u64,
    /// How much a sale counts, where a view counts 1.
    pub sale_weight: f64,
    /// How much an observation at another hour counts beside one within an hour of now.
    pub other_hours_weight: f64,
    /// The store's local time, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// The most items on the list of an hour.
    pub list_max: usize,
}

/// The cache of answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// The memory that answers and their keys may take; 0 switches the cache off.
    pub bytes_max: u64,
    /// How long an answer from sessions or baskets is good.
    pub recommendations_ttl_ms: u64,
    /// How long an answer that starts with the popular list, or a lower rung, is good.
    pub popular_ttl_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sessions: SessionSettings::default(),
            related: RelatedSettings::default(),
            popular: PopularSettings::default(),
            cache: CacheSettings::default(),
            model_age_max_ms: 2 * DAY_MS,
            viewed_excluded: 1,
            category_run_max: 3,
            experiment: None,
        }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            recent_max: 500,
            neighbours_max: 100,
            items_last: 4,
            idf_weight: 1.0,
            session_items_max: 50,
            sessions_max: 1_000_000,
        }
    }
}

impl Default for RelatedSettings {
    fn default() -> Self {
        Self {
            neighbours_max: 100,
            basket_size_power: 0.75,
            distance_power: 1.0,
            sharpness: 1.5,
            browse_weight: 0.25,
            half_life_ms: 180 * DAY_MS,
            basket_items_max: 500,
            baskets_max: 200_000,
        }
    }
}

impl Default for PopularSettings {
    fn default() -> Self {
        Self {
            half_life_ms: 14 * DAY_MS,
            sale_weight: 4.0,
            other_hours_weight: 0.2,
            utc_offset_minutes: 0,
            list_max: 500,
        }
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            bytes_max: 8 * 1024 * 1024,
            recommendations_ttl_ms: 30 * MINUTE_MS,
            popular_ttl_ms: 10 * MINUTE_MS,
        }
    }
}

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// A value is out of its range.
    #[error("`{field}` is {found}, expected {expected}")]
    Field {
        /// The path of the setting.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// The experiment makes no sense.
    #[error("`experiment` is refused")]
    Experiment(#[from] ExperimentError),
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(
    field: &'static str,
    found: T,
    least: T,
    most: T,
) -> Result<(), SettingsError> {
    if found >= least && found <= most {
        return Ok(());
    }
    Err(SettingsError::Field { field, found: found.to_string(), expected: format!("{least} to {most}") })
}

impl Settings {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// The first value that is not, with its path and the range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let Self { sessions, related, popular, cache, .. } = self;
        within("sessions.recent_max", sessions.recent_max, 1, 5_000)?;
        within("sessions.neighbours_max", sessions.neighbours_max, 1, 1_000)?;
        within("sessions.items_last", sessions.items_last, 1, ITEMS_LAST_MAX)?;
        within("sessions.idf_weight", sessions.idf_weight, 0.0, 10.0)?;
        within("sessions.session_items_max", sessions.session_items_max, 2, 1_000)?;
        within("sessions.sessions_max", sessions.sessions_max, 1, 10_000_000)?;
        within("related.neighbours_max", related.neighbours_max, 1, 1_000)?;
        within("related.basket_size_power", related.basket_size_power, 0.0, 2.0)?;
        within("related.distance_power", related.distance_power, 0.0, 2.0)?;
        within("related.sharpness", related.sharpness, 0.5, 3.0)?;
        within("related.browse_weight", related.browse_weight, 0.0, 10.0)?;
        within("related.half_life_ms", related.half_life_ms, MINUTE_MS, 36_500 * DAY_MS)?;
        within("related.basket_items_max", related.basket_items_max, 2, 1_000)?;
        within("related.baskets_max", related.baskets_max, 1, 10_000_000)?;
        within("popular.half_life_ms", popular.half_life_ms, MINUTE_MS, 3_650 * DAY_MS)?;
        within("popular.sale_weight", popular.sale_weight, 0.0, 1_000.0)?;
        within("popular.other_hours_weight", popular.other_hours_weight, 0.0, 1.0)?;
        within("popular.utc_offset_minutes", popular.utc_offset_minutes, -14 * 60, 14 * 60)?;
        within("popular.list_max", popular.list_max, 1, 10_000)?;
        within("cache.bytes_max", cache.bytes_max, 0, 1024 * 1024 * 1024)?;
        within("cache.recommendations_ttl_ms", cache.recommendations_ttl_ms, 0, 7 * DAY_MS)?;
        within("cache.popular_ttl_ms", cache.popular_ttl_ms, 0, 7 * DAY_MS)?;
        within("model_age_max_ms", self.model_age_max_ms, MINUTE_MS, 3_650 * DAY_MS)?;
        within("viewed_excluded", self.viewed_excluded, 0, 50)?;
        within("category_run_max", self.category_run_max, 0, 50)?;
        if let Some(experiment) = &self.experiment {
            experiment.check()?;
        }
        Ok(())
    }
}
