//! Giving way to the kiosk: while it is busy, batches go out one by one.
//!
//! Not here: measuring load (the runtime does, behind [`Load`]). Guards: a shopper does not wait because the hub is being told of earlier
//! ones; and however busy the kiosk is, every class gets out a batch now and then, so nothing waits for ever.

use aisle_protocol::{LogClass, PerClass};

/// How busy the kiosk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// There is room.
    Idle,
    /// Requests take longer than they should.
    Busy,
    /// Requests are being shed.
    Saturated,
}

/// Tells how busy the kiosk is. Asked before each batch, so it must be cheap.
pub trait Load: Send + Sync + 'static {
    /// Now.
    fn pressure(&self) -> Pressure;
}

/// A load that is never there.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLoad;

impl Load for NoLoad {
    fn pressure(&self) -> Pressure {
        Pressure::Idle
    }
}

/// The time from one batch of a class to the next, in milliseconds.
const fn pace_ms(pressure: Pressure, class: LogClass) -> u64 {
    *match pressure {
        Pressure::Idle => &PerClass { sales: 0, stock: 0, telemetry: 0, bulk: 0 },
        Pressure::Busy => &PerClass { sales: 50, stock: 1_000, telemetry: 5_000, bulk: 60_000 },
        Pressure::Saturated => &PerClass { sales: 500, stock: 10_000, telemetry: 60_000, bulk: 300_000 },
    }
    .get(class)
}

/// When each class sent last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Governor {
    last_ms: PerClass<Option<u64>>,
}

impl Governor {
    /// When the class may send its next batch; `None` when it may now.
    pub(super) fn blocked_until(&self, class: LogClass, pressure: Pressure, now_ms: u64) -> Option<u64> {
        let next = (*self.last_ms.get(class))?.saturating_add(pace_ms(pressure, class));
        (next > now_ms).then_some(next)
    }

    /// A batch goes out.
    pub(super) fn note(&mut self, class: LogClass, now_ms: u64) {
        *self.last_ms.get_mut(class) = Some(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_kiosk_slows_all_classes_and_stops_none() {
        let mut governor = Governor::default();
        for class in LogClass::ALL {
            assert_eq!(governor.blocked_until(class, Pressure::Saturated, 7), None, "{class}");
            governor.note(class, 7);
            assert_eq!(governor.blocked_until(class, Pressure::Idle, 7), None, "{class}");
        }
        let wait = |pressure| LogClass::ALL.map(|class| governor.blocked_until(class, pressure, 8));
        assert_eq!(wait(Pressure::Busy), [Some(57), Some(1_007), Some(5_007), Some(60_007)]);
        assert_eq!(wait(Pressure::Saturated), [Some(507), Some(10_007), Some(60_007), Some(300_007)]);
        assert_eq!(governor.blocked_until(LogClass::Bulk, Pressure::Saturated, 300_007), None);
    }
}
