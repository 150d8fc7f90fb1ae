//! [`Rate`]: a bucket that fills with time; what goes beyond it has to wait.

/// So many units a second, with a burst of one second's worth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    per_s: u64,
    /// Thousandths of a unit that may be used now; below zero is a debt.
    level: i64,
    filled_ms: u64,
}

impl Rate {
    pub(crate) fn new(per_s: u32, now_ms: u64) -> Self {
        Self { per_s: per_s.into(), level: i64::from(per_s) * 1000, filled_ms: now_ms }
    }

    /// Uses units up, and says for how many milliseconds nothing more should be used.
    pub(crate) fn take(&mut self, units: u64, now_ms: u64) -> u64 {
        let full = i64::try_from(self.per_s * 1000).unwrap_or(i64::MAX);
        let gained = now_ms.saturating_sub(self.filled_ms).saturating_mul(self.per_s);
        self.filled_ms = now_ms;
        self.level = self.level.saturating_add_unsigned(gained).min(full);
        self.level = self.level.saturating_sub_unsigned(units.saturating_mul(1000));
        if self.level >= 0 { 0 } else { self.level.unsigned_abs().div_ceil(self.per_s.max(1)) }
    }
}
