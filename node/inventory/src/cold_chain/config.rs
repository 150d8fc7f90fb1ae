//! What an operator can set about the cold chain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the cold chain. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Food may be outside its limit for so many seconds before that is an excursion, unless the unit has a grace of its own.
    pub grace_s: u32,
    /// Food must be inside again for so many seconds in a row before an excursion closes.
    pub hysteresis_s: u32,
    /// No reading of any probe for so many seconds means that nothing is known. What one probe said counts for as long while others
    /// speak.
    pub silent_s: u32,
    /// How slowly food follows the air, in seconds: after this time 63 hundredths of a step have arrived. 0 when the probes lie in
    /// the food or in a product simulator.
    pub product_time_constant_s: u32,
    /// The time that counts against the limit of cumulative time is that of the last so many hours.
    pub window_h: u32,
    /// Chilled food that never passes 21 °C may be outside for six hours rather than four (Food Code 3-501.19(C)). Set it only when the
    /// shop has the written procedures that 3-501.19(A) asks for.
    pub six_hour_rule: bool,
    /// Days of readings that a report can be made of; the day furthest from now is given up first.
    pub days_max: u16,
    /// Units watched; a further one is ignored, and counted.
    pub units_max: usize,
    /// Streams that watch a unit, all units together; a further one is ignored, and counted.
    pub probes_max: usize,
    /// Excursions remembered for each unit; the oldest closed one is forgotten first.
    pub excursions_per_unit_max: usize,
    /// Products whose lots are known; lots of a further one are not, and that is counted.
    pub lot_skus_max: usize,
    /// Lots remembered for each product; the oldest is forgotten first.
    pub lots_per_sku_max: usize,
}

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
            grace_s: 15 * 60,
            hysteresis_s: 10 * 60,
            silent_s: 15 * 60,
            product_time_constant_s: 30 * 60,
            window_h: 24,
            six_hour_rule: false,
            days_max: 35,
            units_max: 64,
            probes_max: 512,
            excursions_per_unit_max: 128,
            lot_skus_max: 20_000,
            lots_per_sku_max: 16,
        }
    }
}

impl Config {
    /// Checks that every setting leaves room for work and none turns a rule off.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let within = |field, found: u64, from: u64, to: u64, expected| {
            if (from..=to).contains(&found) {
                Ok(())
            } else {
                Err(InvalidConfig { field, found: found.to_string(), expected })
            }
        };
        within("grace_s", self.grace_s.into(), 0, 7200, "0 to 7200: at most two of the four hours")?;
        within("hysteresis_s", self.hysteresis_s.into(), 60, 7200, "60 to 7200")?;
        within("silent_s", self.silent_s.into(), 120, 7200, "120 to 7200")?;
        let tau = self.product_time_constant_s;
        within("product_time_constant_s", tau.into(), 0, 14_400, "0 to 14400")?;
        within("window_h", self.window_h.into(), 6, 72, "6 to 72")?;
        within("days_max", self.days_max.into(), 2, 400, "2 to 400")?;
        within("units_max", self.units_max as u64, 1, 4096, "1 to 4096")?;
        within("probes_max", self.probes_max as u64, 1, 65_536, "1 to 65536")?;
        let excursions = self.excursions_per_unit_max;
        within("excursions_per_unit_max", excursions as u64, 8, 4096, "8 to 4096")?;
        within("lot_skus_max", self.lot_skus_max as u64, 1, 10_000_000, "1 to 10000000")?;
        within("lots_per_sku_max", self.lots_per_sku_max as u64, 1, 256, "1 to 256")
    }

    /// The window in minutes.
    pub(crate) fn window_minutes(&self) -> i64 {
        i64::from(self.window_h) * 60
    }

    /// The longest time between two readings that still says what lies between them, in minutes.
    pub(crate) fn silent_minutes(&self) -> i64 {
        i64::from(self.silent_s / 60)
    }

    /// The hysteresis in minutes.
    pub(crate) fn hysteresis_minutes(&self) -> i64 {
        i64::from(self.hysteresis_s.div_ceil(60))
    }
}
