//! How much a device may send: a bucket that fills with time and may be overdrawn for what is worth more.

/// A bucket of tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    level: f64,
    at_ms: u64,
}

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub per_s: f64,
    pub most: f64,
}

impl Bucket {
    pub(super) const fn full(rate: Rate, now_ms: u64) -> Self {
        Self { level: rate.most, at_ms: now_ms }
    }

    /// Takes something out if it is there. What is worth more may overdraw the bucket by as much as it holds.
    pub(super) fn take(&mut self, rate: Rate, amount: f64, is_worth_more: bool, now_ms: u64) -> bool {
        self.fill(rate, now_ms);
        let credit = if is_worth_more { rate.most } else { 0.0 };
        let is_there = self.level + credit >= amount;
        if is_there {
            self.level -= amount;
        }
        is_there
    }

    fn fill(&mut self, rate: Rate, now_ms: u64) {
        let passed_s = now_ms.saturating_sub(self.at_ms) as f64 / 1e3;
        self.at_ms = self.at_ms.max(now_ms);
        self.level = (self.level + passed_s * rate.per_s).min(rate.most);
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Rate};

    const RATE: Rate = Rate { per_s: 10.0, most: 20.0 };

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_its_rate() {
        let mut bucket = Bucket::full(RATE, 0);
        let taken =
            |bucket: &mut Bucket, now_ms| (0..100).filter(|_| bucket.take(RATE, 1.0, false, now_ms)).count();
        assert_eq!(taken(&mut bucket, 0), 20);
        assert_eq!(taken(&mut bucket, 1_000), 10);
        assert_eq!(taken(&mut bucket, 500), 0, "time does not go back");
    }

    #[test]
    fn what_is_worth_more_finds_room_that_a_flood_of_lesser_things_left() {
        let mut bucket = Bucket::full(RATE, 0);
        for _ in 0..1_000 {
            bucket.take(RATE, 1.0, false, 0);
        }
        let taken = (0..100).filter(|_| bucket.take(RATE, 1.0, true, 0)).count();
        assert_eq!(taken, 20);
        assert!(!bucket.take(RATE, 1.0, false, 2_000), "what was overdrawn comes back first");
        assert!(bucket.take(RATE, 1.0, false, 2_200));
    }
}
