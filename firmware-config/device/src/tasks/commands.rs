//! Requests from the node: each done once, each answered, the same answer to a request that comes again.
//!
//! Every device knows `identify`, `read_now` and `restart`; others are its own ([`Actions`]). A request that restarts the
//! device is remembered on the flash: the broker keeps requests, and would restart the device for ever.

use super::{Asked, Ended, Matter, Never, Shared};
use crate::{
    backoff::Backoff,
    clock::Clock,
    device::{Actions, Board},
    flash::storage::{Key, StorageError},
    link::{Link, Message},
    watchdog::{Seat, Task},
};
use aisle_firmware_config::{
    fault::Fault,
    message::{Request, Response, encode},
    setting::{Settings, Value},
};
use heapless::{Deque, String, Vec};

/// Answers that are remembered.
const ANSWERS_MAX: usize = 4;
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 512;
/// An answer is sent so often before it is left to the request's next coming.
const TRIES_MAX: u32 = 8;

struct Answer {
    id: String<36>,
    bytes: Vec<u8, ANSWER_BYTES_MAX>,
}

pub(super) async fn run<B: Board, const N: usize>(
    shared: &Shared<'_, B, N>,
    mut actions: B::Actions,
) -> Result<Never, StorageError> {
    let seat = shared.seat(Task::Commands);
    let mut answers = Deque::<Answer, ANSWERS_MAX>::new();
    loop {
        let Asked { command, request, since_ms } = seat.waiting(shared.wires.requests.receive()).await;
        let restart = command == "restart";
        let known = answers.iter().find(|answer| answer.id == request.id);
        if let Some(answer) = known {
            send(shared, &seat, &command, &answer.bytes).await;
            continue;
        }
        // It waited for others for so long that nobody waits for it.
        let waited_ms = shared.clock.uptime_ms().saturating_sub(since_ms);
        if waited_ms >= u64::from(request.ttl_s) * 1000 {
            continue;
        }
        let done_before = restart && restarted_by(shared, &request).await?;
        let outcome = match command.as_str() {
            "identify" => identify(shared).await,
            "read_now" => read_now(shared, &seat).await,
            "restart" => Ok(Settings::new()),
            other => actions.perform(other, &request.args).await.unwrap_or_else(|| {
                Err(Fault::new("", format_args!("this device knows no command `{other}`")))
            }),
        };
        seat.check_in();
        let bytes = answer(shared, &request, outcome);
        if restart && !done_before {
            shared.storage.lock().await.keep(Key::Restart, request.id.as_bytes()).await?;
        }
        send(shared, &seat, &command, &bytes).await;
        if restart && !done_before {
            shared.wires.ended.signal(Ended::Commanded);
        }
        if answers.is_full() {
            answers.pop_front();
        }
        // There is room now.
        let _ = answers.push_back(Answer { id: request.id, bytes });
    }
}

/// Whether this very request is why the device started last.
async fn restarted_by<B: Board, const N: usize>(
    shared: &Shared<'_, B, N>,
    request: &Request,
) -> Result<bool, StorageError> {
    let id = shared.storage.lock().await.fetch(Key::Restart).await?;
    Ok(id.is_some_and(|id| *id == *request.id.as_bytes()))
}

async fn identify<B: Board, const N: usize>(shared: &Shared<'_, B, N>) -> Result<Settings, Fault> {
    let counters = shared.counters();
    let pending = shared.storage.lock().await.pending();
    let mut result = Settings::new();
    result.set("model", Value::try_from(shared.device.model)?)?;
    for (name, count) in [
        ("boots", shared.boot),
        ("pending", pending),
        ("lost", counters.lost),
        ("not_finite", counters.not_finite),
        ("no_reading", counters.no_reading),
        ("unreadable", counters.unreadable),
    ] {
        result.set(name, Value::Integer(i64::from(count)))?;
    }
    Ok(result)
}

async fn read_now<B: Board, const N: usize>(
    shared: &Shared<'_, B, N>,
    seat: &Seat<'_, B::Mutex, B::Clock>,
) -> Result<Settings, Fault> {
    shared.wires.read.reset();
    shared.wires.read_now.signal(());
    let values = seat.waiting(shared.wires.read.wait()).await;
    let mut result = Settings::new();
    for (stream, value) in shared.device.streams.iter().zip(values) {
        let value = value.ok_or_else(|| Fault::new("", format_args!("`{}` gave no reading", stream.name)))?;
        result.set(stream.name, Value::Number(value))?;
    }
    Ok(result)
}

/// The answer as it goes out; one with too long a result says so instead.
fn answer<B: Board, const N: usize>(
    shared: &Shared<'_, B, N>,
    request: &Request,
    outcome: Result<Settings, Fault>,
) -> Vec<u8, ANSWER_BYTES_MAX> {
    let refused = |fault: Fault| Response {
        id: request.id.clone(),
        ok: false,
        reason: Some(fault.reason),
        result: Settings::new(),
    };
    let response = match outcome {
        Ok(result) => Response { id: request.id.clone(), ok: true, reason: None, result },
        Err(fault) => refused(fault),
    };
    let mut bytes = Vec::new();
    // Its length is its capacity.
    let _ = bytes.resize_default(ANSWER_BYTES_MAX);
    let length = encode(&response, shared.device.encoding, &mut bytes).or_else(|_| {
        let too_long =
            refused(Fault::new("", format_args!("the result is longer than {ANSWER_BYTES_MAX} bytes")));
        encode(&too_long, shared.device.encoding, &mut bytes)
    });
    bytes.truncate(length.unwrap_or(0));
    bytes
}

async fn send<B: Board, const N: usize>(
    shared: &Shared<'_, B, N>,
    seat: &Seat<'_, B::Mutex, B::Clock>,
    command: &str,
    payload: &[u8],
) {
    let topic = shared.topic(Matter::CommandResponse(command));
    let mut backoff = Backoff::new(shared.random(Task::Commands));
    for _ in 0..TRIES_MAX {
        if seat.waiting(shared.link.publish(Message { topic: &topic, payload, retain: false })).await.is_ok()
        {
            return;
        }
        seat.sleep_until(shared.clock.uptime_ms() + backoff.next_ms()).await;
    }
}
