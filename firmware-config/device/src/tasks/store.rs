//! Puts samples onto the flash, the only place from which they are sent.

use super::{Never, Shared};
use crate::{device::Board, flash::storage::StorageError, watchdog::Task};

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Result<Never, StorageError> {
    let seat = shared.seat(Task::Store);
    loop {
        let record = seat.waiting(shared.wires.records.receive()).await;
        let lost = shared.storage.lock().await.push(&record).await?.lost;
        if lost > 0 {
            shared.count(|counters| counters.lost = counters.lost.saturating_add(lost));
            shared.wires.lost.signal(());
        }
        shared.wires.stored.signal(());
    }
}
