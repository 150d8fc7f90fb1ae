//! Puts samples onto the flash, the only place from which they are sent.

use super::{Never, Shared};
use crate::{device::Board, watchdog::Task};

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Never {
    let seat = shared.seat(Task::Store);
    loop {
        let record = seat.waiting(shared.wires.records.receive()).await;
        let pushed = shared.storage.lock().await.push(&record).await;
        let lost = shared.or_end(pushed).await.lost;
        if lost > 0 {
            shared.count(|counters| counters.lost = counters.lost.saturating_add(lost));
            shared.wires.lost.signal(());
        }
        shared.wires.stored.signal(());
    }
}
