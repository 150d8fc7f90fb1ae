//! Settings from the node: checked, kept, tried, confirmed or given up, reported.
//!
//! What they mean is decided by `aisle_firmware_config::twin`; here are its flash, its time and its channels. Nothing is applied
//! before it is on the flash, so that a start that fails is a start with settings that are known.

use super::{MESSAGE_BYTES_MAX, Matter, Never, Shared};
use crate::{
    device::Board,
    flash::storage::{Key, StorageError},
    watchdog::Task,
};
use aisle_firmware_config::{
    message::Refused,
    twin::{Booted, TWIN_BYTES_MAX, Twin, Verdict},
};
use embassy_futures::select::{Either3, select3};

/// New settings are confirmed when the watchdog was fed so often since they are in force. The first time may rest on
/// check-ins from before.
const HEALTHY_INSPECTIONS: u32 = 3;

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Result<Never, StorageError> {
    let seat = shared.seat(Task::Settings);
    let mut twin = load(shared).await?;
    if twin.booted() != Booted::Confirmed {
        keep(shared, &twin).await?;
    }
    apply(shared, &twin);
    let mut inspections = 0;
    let mut unreadable = None;
    let mut buffer = [0; MESSAGE_BYTES_MAX];
    loop {
        let mut reported = twin.reported();
        reported.refused = unreadable.clone().or(reported.refused);
        // When this fails the connection is gone, and the next one says it.
        let _ = seat.waiting(shared.publish(Matter::ConfigReported, &reported, &mut buffer)).await;
        loop {
            let news = select3(
                shared.wires.desired.wait(),
                shared.wires.fed.wait(),
                shared.wires.connected.settings.wait(),
            );
            match seat.waiting(news).await {
                Either3::First(Ok(desired)) => {
                    let was_readable = unreadable.take().is_none();
                    let refused = twin.reported().refused;
                    match shared.described(|announce| twin.on_desired(&announce.settings, &desired)) {
                        Verdict::Accept => {
                            keep(shared, &twin).await?;
                            apply(shared, &twin);
                            inspections = 0;
                        }
                        // The broker keeps what was refused and says it at each connection: the flash need not wear for that.
                        Verdict::Refuse(_) if twin.reported().refused == refused => {}
                        Verdict::Refuse(_) => keep(shared, &twin).await?,
                        Verdict::AlreadyKnown if was_readable => continue,
                        Verdict::AlreadyKnown => {}
                    }
                }
                // It has no version to be known by, so it is reported as the one after what is in force.
                Either3::First(Err(fault)) => {
                    unreadable = Some(Refused::new(twin.version().saturating_add(1), fault));
                }
                Either3::Second(()) => {
                    inspections = (inspections + 1).min(HEALTHY_INSPECTIONS);
                    if inspections < HEALTHY_INSPECTIONS || !twin.healthy() {
                        continue;
                    }
                    keep(shared, &twin).await?;
                }
                Either3::Third(()) => {}
            }
            break;
        }
    }
}

/// The twin of the flash, or one from the factory where there is none that can be read.
async fn load<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Result<Twin, StorageError> {
    let kept = shared.storage.lock().await.fetch(Key::Twin).await?;
    Ok(shared.described(|announce| {
        let schema = &announce.settings;
        kept.and_then(|bytes| Twin::decode(schema, &bytes).ok()).unwrap_or_else(|| Twin::new(schema))
    }))
}

async fn keep<B: Board, const N: usize>(shared: &Shared<'_, B, N>, twin: &Twin) -> Result<(), StorageError> {
    let mut bytes = [0; TWIN_BYTES_MAX];
    let length = twin.encode(&mut bytes).map_err(|_| StorageError::Room)?;
    shared.storage.lock().await.keep(Key::Twin, bytes.get(..length).unwrap_or_default()).await
}

fn apply<B: Board, const N: usize>(shared: &Shared<'_, B, N>, twin: &Twin) {
    shared.wires.tunings.signal(shared.device.tunings(twin.settings()));
    shared.wires.settings.signal(twin.settings().clone());
    // The node takes a stream for silent by what is announced of it.
    let every_s = Some(shared.device.speaks_every_s(twin.settings()));
    let is_another = shared.described(|announce| {
        let mut is_another = false;
        for stream in &mut announce.streams {
            is_another |= stream.interval_s != every_s;
            stream.interval_s = every_s;
        }
        is_another
    });
    if is_another {
        shared.wires.described.signal(());
    }
}
