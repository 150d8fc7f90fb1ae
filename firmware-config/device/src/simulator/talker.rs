//! Devices that do not run the firmware: those of others, and readers and scanners, whose messages are not numbers.
//!
//! They say hello at each connection and something at each interval. Those of the contract keep what they could not say and say it
//! later, up to a bound; others forget it, as they do in shops.
//!
//! Not here: what is said ([`phrase`](super::phrase)).

use super::{
    Shared,
    mqtt::{Delivery, Incoming, Port, Session},
    phrase::Speaker,
    wire::Wire,
};
use rand::{Rng, RngExt as _};
use std::{cell::RefCell, collections::VecDeque, time::Duration};
use tokio::sync::Notify;

/// Messages that a device of the contract keeps while it has no line; then the oldest go.
const KEPT_MAX: usize = 256;
/// The first wait before connecting again is at most this long, in milliseconds.
const WAIT_MS_MIN: u64 = 500;
/// No wait is longer, in milliseconds.
const WAIT_MS_MAX: u64 = 30_000;

/// A message of a talker.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
}

/// Talks for as long as it is polled.
pub(super) async fn talk(
    speaker: &RefCell<Speaker>,
    port: &Port,
    wire: &Wire<'_>,
    shared: &Shared,
    rng: &mut impl Rng,
) {
    let kept = RefCell::new(VecDeque::new());
    let more = Notify::new();
    tokio::select! {
        () = measure(speaker, wire, shared, &kept, &more) => {}
        () = stay(speaker, port, wire, rng, &kept, &more) => {}
    }
}

async fn measure(
    speaker: &RefCell<Speaker>,
    wire: &Wire<'_>,
    shared: &Shared,
    kept: &RefCell<VecDeque<Said>>,
    more: &Notify,
) {
    let interval_ms = speaker.borrow().interval_ms();
    let mut at_ms = shared.time.now_ms();
    loop {
        let said = speaker.borrow_mut().say(shared, wire);
        let kept_max = if speaker.borrow().forgets() { said.len().max(1) } else { KEPT_MAX };
        {
            let mut kept = kept.borrow_mut();
            kept.extend(said);
            let beyond = kept.len().saturating_sub(kept_max);
            kept.drain(..beyond);
        }
        more.notify_one();
        // A device that could not keep up does not hurry.
        at_ms = (at_ms + interval_ms).max(shared.time.now_ms());
        shared.time.sleep_until(at_ms).await;
    }
}

async fn stay(
    speaker: &RefCell<Speaker>,
    port: &Port,
    wire: &Wire<'_>,
    rng: &mut impl Rng,
    kept: &RefCell<VecDeque<Said>>,
    more: &Notify,
) {
    let mut most_ms = WAIT_MS_MIN;
    loop {
        let session: Session = speaker.borrow().session();
        if port.connect(session).await {
            most_ms = WAIT_MS_MIN;
            tokio::select! {
                () = speak(speaker, wire, kept, more) => {}
                () = listen(speaker, port, kept, more) => {}
            }
        }
        // Full jitter: a shop's devices lose their broker all at once and must not come back so.
        let wait_ms = rng.random_range(0..=most_ms);
        most_ms = most_ms.saturating_mul(2).min(WAIT_MS_MAX);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
}

/// Comes back when the line is lost.
async fn speak(speaker: &RefCell<Speaker>, wire: &Wire<'_>, kept: &RefCell<VecDeque<Said>>, more: &Notify) {
    let hello = speaker.borrow().hello();
    for said in hello {
        if wire.publish(&said.topic, &said.payload, said.retain).await == Delivery::Lost {
            return;
        }
    }
    loop {
        let next = kept.borrow().front().cloned();
        let Some(said) = next else {
            more.notified().await;
            continue;
        };
        if wire.publish(&said.topic, &said.payload, said.retain).await == Delivery::Lost {
            return;
        }
        kept.borrow_mut().pop_front();
    }
}

/// Comes back when the line is lost.
async fn listen(speaker: &RefCell<Speaker>, port: &Port, kept: &RefCell<VecDeque<Said>>, more: &Notify) {
    while let Some(Incoming { topic, payload }) = port.receive().await {
        let answers = speaker.borrow_mut().answer(&topic, &payload);
        let mut kept = kept.borrow_mut();
        // What was asked for goes before what is said anyway; the bound holds because the oldest goes at the next interval.
        answers.into_iter().for_each(|said| kept.push_back(said));
        more.notify_one();
    }
}
