//! Sends samples from the flash, oldest first, and removes them once the node has them.
//!
//! At least once: a power cut between the acknowledgement and the removal sends them again, with the same numbers.

use super::{MESSAGE_BYTES_MAX, Matter, Never, Shared};
use crate::{
    backoff::Backoff, clock::Clock, device::Board, flash::storage::StorageError, record::Record,
    watchdog::Task,
};
use aisle_firmware_config::message::{Sample, Telemetry};
use embassy_futures::select::select;
use heapless::Vec;

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Result<Never, StorageError> {
    let seat = shared.seat(Task::Forward);
    let mut backoff = Backoff::new(shared.random(Task::Forward));
    let mut buffer = [0; MESSAGE_BYTES_MAX];
    loop {
        let batch = shared.storage.lock().await.batch().await?;
        let Some(first) = batch.first() else {
            seat.waiting(shared.wires.stored.wait()).await;
            continue;
        };
        // A stream that this software no longer has is passed over: nobody could read its numbers.
        let sent = match shared.device.streams.get(usize::from(first.stream)) {
            None => Ok(()),
            Some(stream) => {
                let message =
                    Telemetry { boot: first.boot, unit: stream.unit, samples: samples(shared, &batch) };
                seat.waiting(shared.publish(Matter::Telemetry(stream.name), &message, &mut buffer)).await
            }
        };
        if sent.is_ok() {
            backoff.reset();
            let missing = shared.storage.lock().await.remove(&batch).await?;
            // They went from the ring while they were under way, and arrived after all.
            shared.count(|counters| counters.lost = counters.lost.saturating_sub(missing));
        } else {
            let again_ms = shared.clock.uptime_ms() + backoff.next_ms();
            seat.waiting(select(shared.clock.sleep_until(again_ms), shared.wires.connected.forward.wait()))
                .await;
        }
    }
}

fn samples<B: Board, const N: usize>(shared: &Shared<'_, B, N>, batch: &[Record]) -> Vec<Sample, 16> {
    batch
        .iter()
        .map(|record| Sample {
            n: record.n,
            at_ms: record.at.wall_ms(shared.clock, record.boot == shared.boot),
            v: record.value,
        })
        .collect()
}
