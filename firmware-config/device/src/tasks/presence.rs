//! Says who the device is and that it is there, at each connection; and that samples were lost, when they were.

use super::{ANNOUNCE_BYTES_MAX, Matter, Never, Shared};
use crate::{device::Board, watchdog::Task};
use aisle_firmware_config::message::Status;
use core::fmt::Write;
use embassy_futures::select::{Either, select};
use heapless::String;

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Never {
    let seat = shared.seat(Task::Presence);
    let mut buffer = [0; ANNOUNCE_BYTES_MAX];
    loop {
        let said = match seat
            .waiting(select(shared.wires.connected.presence.wait(), shared.wires.lost.wait()))
            .await
        {
            Either::First(()) => {
                seat.waiting(shared.publish(Matter::Announce, shared.announce, &mut buffer)).await
            }
            Either::Second(()) => Ok(()),
        };
        if said.is_ok() {
            let erased = shared.storage.lock().await.was_erased();
            let status =
                Status { online: true, boots: shared.boot(), reason: reason(shared.counters().lost, erased) };
            // When this fails the connection is gone, and the next one says it.
            let _ = seat.waiting(shared.publish(Matter::Status, &status, &mut buffer)).await;
        }
    }
}

fn reason(lost: u32, erased: bool) -> Option<String<32>> {
    let mut reason = String::new();
    let written = match (lost, erased) {
        (0, false) => return None,
        (0, true) => write!(reason, "flash was unreadable"),
        (lost, _) => write!(reason, "{lost} samples lost"),
    };
    written.ok().map(|()| reason)
}
