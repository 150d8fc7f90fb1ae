//! Says who the device is and that it is there, at each connection; who it is also when its settings made that another, and that
//! samples were lost when they were.

use super::{ANNOUNCE_BYTES_MAX, Matter, Never, Shared};
use crate::{device::Board, watchdog::Task};
use aisle_firmware_config::message::{Status, encode};
use core::fmt::Write;
use embassy_futures::select::{Either3, select3};
use heapless::String;

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Never {
    let seat = shared.seat(Task::Presence);
    let mut buffer = [0; ANNOUNCE_BYTES_MAX];
    loop {
        let wires = shared.wires;
        let news = select3(wires.connected.presence.wait(), wires.described.wait(), wires.lost.wait());
        let news = seat.waiting(news).await;
        if !matches!(news, Either3::Third(())) {
            // Whatever changed until now is said with it.
            wires.described.reset();
            let written = shared.described(|announce| encode(announce, shared.device.encoding, &mut buffer));
            let payload = written.ok().and_then(|length| buffer.get(..length)).unwrap_or_default();
            // When this fails the connection is gone, and the next one says it.
            if !payload.is_empty() && seat.waiting(shared.send(Matter::Announce, payload)).await.is_err() {
                continue;
            }
        }
        if !matches!(news, Either3::Second(())) {
            let erased = shared.storage.lock().await.was_erased();
            let status =
                Status { online: true, boots: shared.boot, reason: reason(shared.counters().lost, erased) };
            // The same holds for this.
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
