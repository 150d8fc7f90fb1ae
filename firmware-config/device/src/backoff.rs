//! How long to wait before trying again.
//!
//! Exponential with full jitter, so that the devices of a store do not come back all at once after a power cut.

/// The first wait is at most so long.
pub(crate) const BACKOFF_MS_MIN: u64 = 500;

/// No wait is longer.
pub(crate) const BACKOFF_MS_MAX: u64 = 60_000;

/// The waits between tries of one thing.
#[derive(Debug)]
pub(crate) struct Backoff {
    ceiling_ms: u64,
    random: Random,
}

impl Backoff {
    pub(crate) fn new(random: Random) -> Self {
        Self { ceiling_ms: BACKOFF_MS_MIN, random }
    }

    /// It worked: the next failure waits shortly.
    pub(crate) fn reset(&mut self) {
        self.ceiling_ms = BACKOFF_MS_MIN;
    }

    /// The next wait in milliseconds: evenly drawn from nothing to a ceiling that doubles.
    pub(crate) fn next_ms(&mut self) -> u64 {
        let wait = self.random.next() % self.ceiling_ms;
        self.ceiling_ms = (self.ceiling_ms * 2).min(BACKOFF_MS_MAX);
        wait + 1
    }
}

/// Chance enough to spread retries (SplitMix64, Steele et al. 2014); not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Differs by device, boot and purpose.
    pub(crate) fn new(device: &str, boot: u32, purpose: u8) -> Self {
        // FNV-1a.
        let hash = device
            .bytes()
            .chain(boot.to_le_bytes())
            .chain([purpose])
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self(hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
