//! Time inside a machine: it only ever goes on, whatever the time that is passed in does.
//!
//! Guards invariant 7: a clock that goes back delays nothing, one that leaps lets timers fire early, and neither loses data.

/// The sum of all steps forward.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    outside_ms: Option<u64>,
    now_ms: u64,
}

impl Clock {
    /// Takes the time from outside and gives the time inside.
    pub(crate) fn advance(&mut self, outside_ms: u64) -> u64 {
        let before = self.outside_ms.replace(outside_ms).unwrap_or(outside_ms);
        self.now_ms = self.now_ms.saturating_add(outside_ms.saturating_sub(before));
        self.now_ms
    }

    pub(crate) const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// When a time inside comes by the clock outside.
    pub(crate) fn outside(&self, inside_ms: u64) -> u64 {
        let ahead = inside_ms.saturating_sub(self.now_ms);
        self.outside_ms.unwrap_or(0).saturating_add(ahead)
    }
}

/// Random numbers from a seed: SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014). For
/// spreading out reconnects, not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to a bound, bound included.
    pub(crate) fn up_to(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The high half of a 128-bit product spreads evenly enough for waiting times.
        ((u128::from(z) * (u128::from(bound) + 1)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_stands_still_and_then_goes_on() {
        let mut clock = Clock::default();
        assert_eq!([100, 160, 10, 30].map(|outside| clock.advance(outside)), [0, 60, 60, 80]);
        assert_eq!(clock.outside(100), 50);
        assert_eq!(clock.now_ms(), 80);
    }

    #[test]
    fn jitter_stays_within_its_bound_and_repeats_with_its_seed() {
        let draw = |seed| {
            let mut jitter = Jitter::new(seed);
            std::array::from_fn::<u64, 64, _>(|_| jitter.up_to(9))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!((0..10).all(|value| draw(7).contains(&value) && draw(7).iter().all(|drawn| *drawn < 10)));
    }
}
