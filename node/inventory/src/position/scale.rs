//! The scales under a product's shelf: which of their readings count, and how many pieces they say lie there.
//!
//! A reading counts when it agrees with the one before it, so that nobody's hand is taken for goods; a shelf that weighs nothing
//! is believed at once, because no hand does that. The zero wanders; it is followed while the number of pieces is beyond doubt.

use aisle_event::{DeviceId, Name, Timestamp, device::AnomalyKind};
use minicbor::{Decode, Encode};

/// Scales of one product at most.
pub(super) const SCALES_MAX: usize = 8;
/// A scale that has not spoken for so long says nothing of now, in milliseconds.
const SILENT_MS: i64 = 20 * 60_000;
/// Standard deviation of a reading before it is learned, in grams.
const NOISE_G: f32 = 4.0;
/// How far a zero wanders in a day: standard deviation, in grams (load cells creep and take up dust).
const WANDER_G: f64 = 8.0;
/// Pieces differ in weight by this part of it.
const SPREAD: f64 = 0.015;
/// No shelf weighs more than this, in grams.
const WEIGHT_G_MAX: f64 = 1e7;

/// One scale.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Scale {
    #[n(0)]
    pub(super) device: DeviceId,
    #[n(1)]
    pub(super) stream: Name,
    #[n(2)]
    unit_g: f64,
    #[n(3)]
    tare_g: f64,
    #[n(4)]
    last_g: Option<f64>,
    /// The last reading that counted.
    #[n(5)]
    settled_g: Option<f64>,
    #[n(6)]
    pub(super) at: Timestamp,
    #[n(7)]
    passed_ms: i64,
    /// What is odd about it: a bit for each kind of anomaly.
    #[n(8)]
    odd: u8,
    /// Variance of a reading, in square grams.
    #[n(9)]
    variance: f32,
}

/// All scales of a product.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Scales {
    #[n(0)]
    pub(super) all: Vec<Scale>,
    /// How far their zero has wandered, in pieces.
    #[n(1)]
    zero: f64,
    #[n(2)]
    zero_variance: f64,
    #[n(3)]
    zero_ms: i64,
    /// When their level was last counted as evidence.
    #[n(4)]
    counted_ms: i64,
    /// What lies there and is not of this product, in pieces of it.
    #[n(5)]
    foreign: f64,
    /// What they said last, in pieces.
    #[n(6)]
    level: Option<f64>,
}

/// How many pieces the scales say lie on the shelf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weighed {
    pub(super) pieces: f64,
    pub(super) variance: f64,
}

impl Weighed {
    /// How likely the scales show this with so many pieces, up to a factor; never nothing, because a scale may be wrong.
    pub(super) fn likelihood(&self, pieces: u32) -> f64 {
        const WRONG: f64 = 2e-4;
        let variance = self.variance + SPREAD * SPREAD * f64::from(pieces);
        let off = self.pieces - f64::from(pieces);
        WRONG + (-off * off / (2.0 * variance)).exp() / (std::f64::consts::TAU * variance).sqrt()
    }

    /// Single pieces can be told apart.
    pub(super) fn is_sharp(&self) -> bool {
        self.variance + SPREAD * SPREAD * self.pieces.max(0.0) < 0.3 * 0.3
    }
}

impl Scale {
    fn is_usable(&self, passed_ms: i64) -> bool {
        let silencing = bit(AnomalyKind::Range) | bit(AnomalyKind::Stuck) | bit(AnomalyKind::Silent);
        self.odd & silencing == 0 && self.settled_g.is_some() && passed_ms - self.passed_ms <= SILENT_MS
    }

    pub(super) fn is_odd(&self) -> bool {
        self.odd != 0
    }
}

const fn bit(kind: AnomalyKind) -> u8 {
    match kind {
        AnomalyKind::Range => 1,
        AnomalyKind::Stuck => 2,
        AnomalyKind::Drift => 4,
        AnomalyKind::Silent => 8,
    }
}

impl Scales {
    pub(super) fn is_sound(&self) -> bool {
        let number = |number: f64| number.abs() <= 1e12;
        self.all.len() <= SCALES_MAX
            && number(self.zero)
            && number(self.foreign)
            && number(self.level.unwrap_or(0.0))
            && (0.0..=1e12).contains(&self.zero_variance)
            && self.all.iter().all(|scale| {
                (0.01..=WEIGHT_G_MAX).contains(&scale.unit_g)
                    && number(scale.tare_g)
                    && number(scale.last_g.unwrap_or(0.0))
                    && number(scale.settled_g.unwrap_or(0.0))
                    && (0.0..=1e12).contains(&scale.variance)
            })
    }

    /// Puts a scale under the shelf; in the place of itself when it is there already. False when there are too many.
    pub(super) fn place(&mut self, device: &DeviceId, stream: &Name, unit_g: f64, tare_g: f64) -> bool {
        self.remove(device, stream);
        if self.all.len() >= SCALES_MAX
            || !(0.01..=WEIGHT_G_MAX).contains(&unit_g)
            || tare_g.abs() > WEIGHT_G_MAX
        {
            return false;
        }
        self.all.push(Scale {
            device: device.clone(),
            stream: stream.clone(),
            unit_g,
            tare_g,
            last_g: None,
            settled_g: None,
            at: Timestamp::default(),
            passed_ms: 0,
            odd: 0,
            variance: NOISE_G * NOISE_G,
        });
        (self.zero, self.zero_variance, self.foreign, self.level) = (0.0, (5.0 / unit_g).powi(2), 0.0, None);
        true
    }

    pub(super) fn remove(&mut self, device: &DeviceId, stream: &Name) {
        self.all.retain(|scale| scale.device != *device || scale.stream != *stream);
    }

    pub(super) fn mark(&mut self, device: &DeviceId, stream: &Name, kind: AnomalyKind, odd: bool) {
        for scale in self.all.iter_mut().filter(|scale| scale.device == *device && scale.stream == *stream) {
            scale.odd = if odd { scale.odd | bit(kind) } else { scale.odd & !bit(kind) };
        }
    }

    /// Takes a reading. True when it counts.
    pub(super) fn read(
        &mut self,
        device: &DeviceId,
        stream: &Name,
        grams: f64,
        at: Timestamp,
        passed_ms: i64,
    ) -> bool {
        let zero = self.zero + self.foreign;
        let Some(scale) =
            self.all.iter_mut().find(|scale| scale.device == *device && scale.stream == *stream)
        else {
            return false;
        };
        let load_g = grams - scale.tare_g;
        // Less than nothing lies on no shelf, however its zero wanders.
        let lowest_g = -(0.6 * scale.unit_g).max(50.0);
        if !(lowest_g..=WEIGHT_G_MAX).contains(&load_g) {
            scale.last_g = None;
            return false;
        }
        let step = scale.last_g.map(|last| grams - last);
        scale.last_g = Some(grams);
        let tolerance = (4.0 * f64::from(scale.variance).sqrt() * 2_f64.sqrt())
            .min(0.5 * scale.unit_g)
            .max(0.2 * scale.unit_g);
        let empty = (load_g - zero * scale.unit_g).abs()
            < (3.0 * f64::from(scale.variance).sqrt() + 3.0).min(0.4 * scale.unit_g);
        let agrees = step.is_some_and(|step| step.abs() <= tolerance);
        if let Some(step) = step.filter(|_| agrees) {
            // The difference of two readings has twice the variance of one.
            let square = (step * step / 2.0).min(2_500.0) as f32;
            scale.variance = (0.98 * scale.variance + 0.02 * square).max(0.25);
        }
        if !agrees && !empty {
            return false;
        }
        (scale.settled_g, scale.at, scale.passed_ms) = (Some(grams), at, passed_ms);
        true
    }

    /// What they say together; nothing when one of them says nothing of now.
    pub(super) fn weighed(&self, passed_ms: i64) -> Option<Weighed> {
        if self.all.is_empty() || !self.all.iter().all(|scale| scale.is_usable(passed_ms)) {
            return None;
        }
        let mut weighed = Weighed { pieces: -self.zero - self.foreign, variance: 0.0 };
        for scale in &self.all {
            let doubt = if scale.odd == 0 { 1.0 } else { 25.0 };
            let zero_days = (passed_ms - self.zero_ms).clamp(0, 90 * 86_400_000) as f64 / 86_400_000.0;
            let wandered = WANDER_G * WANDER_G * zero_days / (scale.unit_g * scale.unit_g);
            weighed.pieces += (scale.settled_g? - scale.tare_g) / scale.unit_g;
            weighed.variance +=
                doubt * (f64::from(scale.variance) / (scale.unit_g * scale.unit_g) + wandered);
        }
        weighed.variance += self.zero_variance;
        Some(weighed)
    }

    /// A change that is no whole number of pieces is something else that was put down, or taken away again: it is kept apart.
    /// So is what would be more than the shelf holds. `expected` says that goods are on their way: then a rise is those.
    pub(super) fn without_foreign(&mut self, weighed: Weighed, expected: bool, most: f64) -> Weighed {
        let jump = weighed.pieces - self.level.unwrap_or(weighed.pieces);
        let moved = jump.abs() + 1.0;
        let noise = self.noise();
        let doubt = 5.0 * (2.0 * noise + SPREAD * SPREAD * moved).sqrt();
        let is_whole = |pieces: f64| (pieces - pieces.round()).abs() < doubt.max(0.1);
        // Pieces that hardly weigh more than the noise are never told from something else.
        let can_tell = doubt < 0.35;
        let too_much = jump > 1.0 && weighed.pieces > most;
        let change = if !can_tell || (is_whole(jump) && !too_much) {
            0.0
        } else if self.foreign > 0.0 && jump < 0.0 && is_whole(jump + self.foreign) {
            -self.foreign
        } else if jump > 0.0 && !expected {
            jump
        } else {
            0.0
        };
        self.foreign += change;
        let mut pieces = weighed.pieces - change;
        if pieces < -0.5 && self.foreign > 0.0 {
            // There cannot be less than nothing of this product: part of it is gone.
            let gone = self.foreign.min(-pieces);
            self.foreign -= gone;
            pieces += gone;
        }
        self.foreign = self.foreign.clamp(0.0, 1e6);
        self.level = Some(pieces);
        Weighed { pieces, ..weighed }
    }

    /// Variance of one reading, in square pieces.
    fn noise(&self) -> f64 {
        self.all.iter().map(|scale| f64::from(scale.variance) / (scale.unit_g * scale.unit_g)).sum()
    }

    /// Pieces by the scales, whether or not they can be believed, for people to see.
    pub(super) fn shown(&self) -> Option<f64> {
        let shown =
            self.all.iter().filter_map(|scale| Some((scale.settled_g? - scale.tare_g) / scale.unit_g));
        shown
            .reduce(|sum, pieces| sum + pieces)
            .map(|sum| (sum - self.zero - self.foreign).clamp(0.0, WEIGHT_G_MAX))
    }

    /// How much a level that did not change counts as new evidence: as much as the time since it last counted, because
    /// what is wrong with it now was wrong a minute ago as well.
    pub(super) fn news(&mut self, passed_ms: i64, changed: bool) -> f64 {
        const OWN_MS: f64 = 30.0 * 60_000.0;
        let since = (passed_ms - self.counted_ms).max(0) as f64;
        let news = if changed { 1.0 } else { (since / OWN_MS).min(1.0) };
        if news >= 0.25 {
            self.counted_ms = passed_ms;
            news
        } else {
            0.0
        }
    }

    /// The number of pieces is beyond doubt: the rest of what is shown is the zero (a Kalman filter of one dimension).
    pub(super) fn follow_zero(&mut self, weighed: Weighed, pieces: f64, passed_ms: i64, counted: bool) {
        let off = weighed.pieces - pieces;
        if off.abs() > if counted { 3.0 } else { 0.45 } {
            return;
        }
        let noise = self.noise() + SPREAD * SPREAD * pieces.max(0.0);
        let prior = (weighed.variance - noise).max(1e-9);
        let gain = if counted { 1.0 } else { prior / (prior + noise) };
        self.zero += gain * off;
        self.level = self.level.map(|level| level - gain * off);
        self.zero_variance = (prior * (1.0 - gain)).max(1e-6);
        self.zero_ms = passed_ms;
    }
}
