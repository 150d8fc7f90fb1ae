//! Keeps what is worth keeping of the readings, and numbers it.

use super::{Never, Shared};
use crate::{device::Board, filter::Filter, record::Record, watchdog::Task};
use core::array;
use embassy_futures::select::{Either, select};

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Never {
    let seat = shared.seat(Task::Filter);
    let mut filters: [(Filter, u32); N] = array::from_fn(|_| (Filter::default(), 0));
    let mut tunings = seat.waiting(shared.wires.tunings.wait()).await;
    loop {
        let next = select(shared.wires.tunings.wait(), shared.wires.readings.receive());
        let reading = match seat.waiting(next).await {
            Either::First(changed) => {
                tunings = changed;
                continue;
            }
            Either::Second(reading) => reading,
        };
        if !reading.value.is_finite() {
            shared.count(|counters| counters.not_finite = counters.not_finite.saturating_add(1));
            continue;
        }
        let place = usize::from(reading.stream);
        let (Some((filter, n)), Some(tuning)) = (filters.get_mut(place), tunings.get(place)) else {
            continue;
        };
        let Some(value) = filter.take(reading.uptime_ms, reading.value, tuning) else { continue };
        *n = n.saturating_add(1);
        let record = Record { stream: reading.stream, boot: shared.boot, n: *n, at: reading.at, value };
        shared.wires.records.send(record).await;
    }
}
