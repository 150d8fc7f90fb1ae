//! How large a number must be to be odd for this sensor: the level that its own history goes beyond at a stated rate.
//!
//! The history of a statistic is a [`Sketch`]. Its upper twentieth is taken for the tail, and what lies beyond the twentieth's edge
//! `t` is fitted with a generalised Pareto distribution (J. Pickands, *Statistical inference using extreme order statistics*, Annals of
//! Statistics 3, 1975) by its moments (J. Hosking, J. Wallis, *Parameter and quantile estimation for the generalized Pareto
//! distribution*, Technometrics 29, 1987): with mean `m` and variance `v` of the excess,
//!
//! ```text
//! shape = (1 - m²/v) / 2, held to 0 … 0.4      scale = m (1 - shape)
//! level = t + scale/shape ((N_t / (rate · days))^shape - 1),   for shape 0:  t + scale ln(N_t / (rate · days))
//! ```
//!
//! with `shape` and `scale` so, where values went beyond `t` in `N_t` separate runs in so many `days`. It is the threshold of
//! A. Siffer et al., *Anomaly detection in streams with extreme value theory*, KDD 2017, in terms of a rate. Values that follow each
//! other are alike and go beyond a level together; an alarm begins once for each such run, so runs are counted and not values
//! (A. Davison, R. Smith, *Models for exceedances over high thresholds*, Journal of the Royal Statistical Society B 52, 1990).
//!
//! Not here: which statistics there are (`habits`).

use super::{
    bytes::{Damaged, Reader, Writer},
    sketch::Sketch,
};

/// The share of the history that is the tail.
const TAIL: f64 = 0.05;
/// A tail of fewer than ten values says nothing.
const VALUES_MIN: u64 = 200;
const BINS_MAX: usize = 128;
/// When so many days were seen, half of them is forgotten.
const DAYS_MAX: u32 = 60;
const SHAPE_MAX: f64 = 0.4;
const DAY_MS: u64 = 86_400_000;
/// Between two values no more time counts than this: the rest is a pause.
const STEP_MS_MAX: u64 = DAY_MS / 4;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tail {
    sketch: Sketch,
    count: u64,
    watched_ms: u64,
    /// Values beyond the edge of the tail as it was then, and the runs that they came in.
    beyond: u64,
    runs: u64,
    in_run: bool,
}

impl Tail {
    /// Takes a value in, and the time since the one before.
    pub(super) fn learn(&mut self, value: i64, since_ms: u64) {
        let beyond = self.sketch.quantile(1.0 - TAIL).is_some_and(|edge| value > edge);
        self.beyond += u64::from(beyond);
        self.runs += u64::from(beyond && !self.in_run);
        self.in_run = beyond;
        self.sketch.add(value);
        self.sketch.fit(BINS_MAX);
        self.count += 1;
        self.watched_ms += since_ms.min(STEP_MS_MAX);
        if self.watched_ms > u64::from(DAYS_MAX) * DAY_MS {
            self.sketch.halve();
            self.count = self.sketch.count();
            self.watched_ms /= 2;
            self.beyond /= 2;
            self.runs /= 2;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn quantile(&self, q: f64) -> Option<i64> {
        self.sketch.quantile(q)
    }

    /// The level that is exceeded so many times a day, in millionths; nothing before there is enough history.
    pub(super) fn level(&self, per_day: f64, learn_days: u32) -> Option<f64> {
        if self.count < VALUES_MIN || self.watched_ms < u64::from(learn_days) * DAY_MS {
            return None;
        }
        let edge = self.sketch.quantile(1.0 - TAIL)?;
        let (mut beyond, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (value, count) in self.sketch.spread().rev().take_while(|(value, _)| *value > edge) {
            let (excess, count) = ((i128::from(value) - i128::from(edge)) as f64, f64::from(count));
            beyond += count;
            sum += excess * count;
            squares += excess * excess * count;
        }
        if beyond == 0.0 {
            return Some(edge as f64);
        }
        let mean = sum / beyond;
        let variance = squares / beyond - mean * mean;
        let shape =
            if variance > 0.0 { (0.5 * (1.0 - mean * mean / variance)).clamp(0.0, SHAPE_MAX) } else { 0.0 };
        let scale = mean * (1.0 - shape);
        let runs = beyond * (self.runs.max(1) as f64 / self.beyond.max(1) as f64).min(1.0);
        let rarer = (runs / (per_day * self.watched_ms as f64 / DAY_MS as f64)).max(1.0);
        let further = if shape < 1e-6 { rarer.ln() } else { (rarer.powf(shape) - 1.0) / shape };
        Some(edge as f64 + scale * further)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.number(self.count);
        for number in [self.watched_ms, self.beyond, self.runs] {
            writer.number(number);
        }
        writer.flag(self.in_run);
        self.sketch.write(0, writer);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (count, watched_ms) = (reader.counter()?, reader.number()?);
        let (beyond, runs, in_run) = (reader.counter()?, reader.counter()?, reader.flag()?);
        let sketch = Sketch::read(0, count, reader)?;
        if watched_ms > u64::from(DAYS_MAX) * DAY_MS + STEP_MS_MAX {
            return Err(Damaged);
        }
        Ok(Self { sketch, count, watched_ms, beyond, runs, in_run })
    }
}
