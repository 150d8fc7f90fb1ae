//! Keeps the connection, and hands on what comes by it.

use super::{Asked, MESSAGE_BYTES_MAX, Matter, Never, Shared, TOPIC_BYTES_MAX, topic};
use crate::{
    backoff::{BACKOFF_MS_MAX, Backoff},
    clock::Clock,
    device::Board,
    link::{Link, Message, Received, Session},
    watchdog::Task,
};
use aisle_firmware_config::{
    message::{Desired, Request, Status, decode, encode},
    topic::Topic,
};
use heapless::String;

pub(super) async fn run<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Never {
    let seat = shared.seat(Task::Listen);
    let mut backoff = Backoff::new(shared.random(Task::Listen));
    let status = shared.topic(Matter::Status);
    let gone = Status { online: false, boots: shared.boot, reason: None };
    let mut will = [0; 64];
    let length = encode(&gone, shared.device.encoding, &mut will).unwrap_or(0);
    let session = Session {
        client_id: shared.device.id,
        will: Message { topic: &status, payload: will.get(..length).unwrap_or_default(), retain: true },
        filters: [
            &topic(shared.device, Matter::ConfigDesired),
            &topic(shared.device, Matter::CommandRequest("+")),
        ],
    };
    let mut buffer = [0; TOPIC_BYTES_MAX + MESSAGE_BYTES_MAX];
    loop {
        if seat.waiting(shared.link.connect(&session)).await.is_ok() {
            let since_ms = shared.clock.uptime_ms();
            shared.wires.connected.presence.signal(());
            shared.wires.connected.settings.signal(());
            shared.wires.connected.forward.signal(());
            while let Ok(received) = seat.waiting(shared.link.receive(&mut buffer)).await {
                if let Some(asked) = understand(shared, received) {
                    seat.waiting(shared.wires.requests.send(asked)).await;
                }
            }
            // One that breaks at once is not worth hurrying for.
            if shared.clock.uptime_ms().saturating_sub(since_ms) >= BACKOFF_MS_MAX {
                backoff.reset();
            }
        }
        seat.sleep_until(shared.clock.uptime_ms() + backoff.next_ms()).await;
    }
}

fn understand<B: Board, const N: usize>(shared: &Shared<'_, B, N>, received: Received<'_>) -> Option<Asked> {
    let topic = Topic::parse(received.topic)?;
    // An empty payload is a retained message that was taken away.
    if (topic.store, topic.device) != (shared.device.store, shared.device.id) || received.payload.is_empty() {
        return None;
    }
    match topic.channel {
        Matter::ConfigDesired => {
            let desired = decode::<Desired>(received.payload).map(|(desired, _)| desired);
            if desired.is_err() {
                shared.count(|counters| counters.unreadable = counters.unreadable.saturating_add(1));
            }
            shared.wires.desired.signal(desired);
            None
        }
        Matter::CommandRequest(command) => match decode::<Request>(received.payload) {
            Ok((request, _)) => {
                let command = String::try_from(command).ok()?;
                Some(Asked { command, request, since_ms: shared.clock.uptime_ms() })
            }
            Err(_) => {
                // Without an id there is nobody to answer to.
                shared.count(|counters| counters.unreadable = counters.unreadable.saturating_add(1));
                None
            }
        },
        _ => None,
    }
}
