//! How many bytes a class may send on a line of some kind.
//!
//! Guards: what costs money is spent on what is worth most. Sales have no budget unless an operator gives them one; then they wait for
//! the next window, and are never shed.

use crate::{
    control::LinkKind,
    log::{LogClass, PerClass},
};

/// So many bytes in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The most bytes of batches in a window. A batch that begins below the bound may end beyond it.
    pub bytes_max: u64,
    /// How long a window is.
    pub window_ms: u64,
}

/// The allowance of each class on each kind of line; `None` where there is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// On a metered line, by class.
    pub metered: PerClass<Option<Allowance>>,
    /// On a mobile line with a volume, by class.
    pub lte: PerClass<Option<Allowance>>,
    /// On a line without a volume, by class.
    pub fibre: PerClass<Option<Allowance>>,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

const fn a_day(mebibytes: u64) -> Option<Allowance> {
    Some(Allowance { bytes_max: mebibytes << 20, window_ms: DAY_MS })
}

impl Default for Budgets {
    /// Sales always; on a metered line 8, 4 and 1 MiB a day for the rest, on a mobile line 64, 64 and 32.
    fn default() -> Self {
        Self {
            metered: PerClass { sales: None, stock: a_day(8), telemetry: a_day(4), bulk: a_day(1) },
            lte: PerClass { sales: None, stock: a_day(64), telemetry: a_day(64), bulk: a_day(32) },
            fibre: PerClass::default(),
        }
    }
}

impl Budgets {
    pub(super) const fn allowance(&self, link: LinkKind, class: LogClass) -> Option<Allowance> {
        let of_link = match link {
            LinkKind::Metered => &self.metered,
            LinkKind::Lte => &self.lte,
            LinkKind::Fibre => &self.fibre,
        };
        *of_link.get(class)
    }
}

/// What was spent of a window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    since_ms: u64,
    pub(super) bytes: u64,
}

impl Spent {
    pub(super) const fn charge(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// When more may be sent; `None` when it may be now. Begins a new window where the old one is over.
    pub(super) const fn blocked_until(&mut self, allowance: Option<Allowance>, now_ms: u64) -> Option<u64> {
        let Some(Allowance { bytes_max, window_ms }) = allowance else { return None };
        let end = self.since_ms.saturating_add(window_ms);
        if now_ms >= end {
            *self = Self { since_ms: now_ms, bytes: 0 };
        }
        if self.bytes < bytes_max { None } else { Some(end) }
    }
}
