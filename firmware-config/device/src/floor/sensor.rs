//! What scales and RFID readers make of the truth. The simulator's devices and the evaluation of `aisle-inventory` use the same ones.

use super::{draw::Draw, goods::mix};
use serde::{Deserialize, Serialize};

/// A scale under a shelf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleConfig {
    /// What it shows with nothing on it, in grams.
    pub tare_g: f64,
    /// Standard deviation of one reading, in grams.
    pub noise_g: f64,
    /// How its zero wanders: standard deviation after a day, in grams. It wanders as a random walk.
    pub wander_g: f64,
    /// Its steps, in grams.
    pub step_g: f64,
    /// The chance that somebody leans on it or lifts something while it reads.
    pub disturbed: f64,
    /// The chance that a reading is lost.
    pub lost: f64,
}

impl Default for ScaleConfig {
    fn default() -> Self {
        Self { tare_g: 0.0, noise_g: 4.0, wander_g: 6.0, step_g: 1.0, disturbed: 0.004, lost: 0.01 }
    }
}

/// A scale with its wandering zero.
#[derive(Debug, Clone)]
pub struct Scale {
    config: ScaleConfig,
    draw: Draw,
    zero_g: f64,
    last_ms: Option<i64>,
}

impl Scale {
    /// A scale that is true now.
    #[must_use]
    pub fn new(config: &ScaleConfig, seed: u64) -> Self {
        Self { config: config.clone(), draw: Draw::new(mix(seed)), zero_g: 0.0, last_ms: None }
    }

    /// What it shows, in grams, when so much lies on it; nothing when the reading is lost.
    pub fn read(&mut self, weight_g: f64, now_ms: i64) -> Option<f64> {
        let days = self.last_ms.map_or(0.0, |last| (now_ms - last).max(0) as f64 / super::DAY_MS as f64);
        self.last_ms = Some(now_ms);
        self.zero_g += self.draw.normal() * self.config.wander_g * days.sqrt();
        let noise = self.draw.normal() * self.config.noise_g;
        let touch = if self.draw.chance(self.config.disturbed) { self.draw.normal() * 1_500.0 } else { 0.0 };
        if self.draw.chance(self.config.lost) {
            return None;
        }
        let shown = self.config.tare_g + weight_g + self.zero_g + noise + touch;
        let step = self.config.step_g.max(1e-3);
        Some((shown / step).round() * step)
    }
}

/// An RFID reader of a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReaderConfig {
    /// The chance that a complete scan sees a tag of its zone that lies well.
    pub detection: f64,
    /// The part of tags that lie badly (against metal, in a stack): these are seen with a third of the chance, for as
    /// long as they lie so: six hours.
    pub shadowed: f64,
    /// The chance that it sees a tag of the other zone.
    pub stray: f64,
}

impl Default for ReaderConfig {
    fn default() -> Self {
        Self { detection: 0.95, shadowed: 0.05, stray: 0.005 }
    }
}

/// A reader.
#[derive(Debug, Clone)]
pub struct Reader {
    config: ReaderConfig,
    draw: Draw,
}

impl Reader {
    /// A reader of a zone.
    #[must_use]
    pub fn new(config: &ReaderConfig, seed: u64) -> Self {
        Self { config: config.clone(), draw: Draw::new(mix(seed)) }
    }

    /// One complete scan: which of the tags of its zone and of the other zone it sees.
    pub fn scan<'a>(
        &mut self,
        own: impl IntoIterator<Item = &'a String>,
        other: impl IntoIterator<Item = &'a String>,
        now_ms: i64,
    ) -> Vec<String> {
        let spell = now_ms.div_euclid(6 * super::HOUR_MS);
        let mut seen = Vec::new();
        for tag in own {
            let lot = tag.bytes().fold(spell as u64, |hash, byte| mix(hash ^ u64::from(byte)));
            let shadowed = ((lot >> 11) as f64 / (1_u64 << 53) as f64) < self.config.shadowed;
            if self.draw.chance(self.config.detection * if shadowed { 1.0 / 3.0 } else { 1.0 }) {
                seen.push(tag.clone());
            }
        }
        for tag in other {
            if self.draw.chance(self.config.stray) {
                seen.push(tag.clone());
            }
        }
        seen
    }
}
