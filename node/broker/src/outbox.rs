//! [`Outbox`]: what waits to be written to one connection.
//!
//! QoS 1 and 2 messages are bounded by their window; QoS 0 messages by bytes. At the bound the oldest QoS 0 messages among
//! what waits are dropped and counted; answers are never dropped.

use crate::{
    core::Outgoing,
    packet::{Packet, QoS, Reason},
};
use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Outgoing>,
    bytes: usize,
    /// How many of the queue may be dropped.
    droppable: usize,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    bytes_max: usize,
    ready: Notify,
    ended: Notify,
    is_ended: AtomicBool,
    /// QoS 0 messages that were dropped, over all connections.
    dropped: std::sync::Arc<AtomicU64>,
    /// Batches of this connection that are on their way to the disk.
    pub(crate) pending: AtomicUsize,
    settled: Notify,
}

impl Outbox {
    pub(crate) fn new(bytes_max: usize, dropped: std::sync::Arc<AtomicU64>) -> Self {
        Self {
            waiting: Mutex::default(),
            bytes_max,
            ready: Notify::new(),
            ended: Notify::new(),
            is_ended: AtomicBool::new(false),
            dropped,
            pending: AtomicUsize::new(0),
            settled: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what is to be sent.
    pub(crate) fn push(&self, outgoing: &mut Vec<Outgoing>) {
        let mut ends = false;
        let mut waiting = self.lock();
        for each in outgoing.drain(..) {
            ends |= matches!(each, Outgoing::Close(..));
            waiting.bytes += bytes(&each);
            waiting.droppable += usize::from(droppable(&each));
            waiting.queue.push_back(each);
        }
        while waiting.bytes > self.bytes_max && waiting.droppable > 0 {
            let Some(oldest) = waiting.queue.iter().position(droppable) else { break };
            if let Some(dropped) = waiting.queue.remove(oldest) {
                waiting.bytes = waiting.bytes.saturating_sub(bytes(&dropped));
                waiting.droppable -= 1;
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        drop(waiting);
        if ends {
            self.is_ended.store(true, Ordering::Release);
            self.ended.notify_one();
        }
        self.ready.notify_one();
    }

    /// Ends the connection from outside.
    pub(crate) fn close(&self, reason: Reason, why: &'static str) {
        self.push(&mut vec![Outgoing::Close(reason, why)]);
    }

    /// Everything that waits.
    pub(crate) fn take(&self) -> VecDeque<Outgoing> {
        let mut waiting = self.lock();
        waiting.bytes = 0;
        waiting.droppable = 0;
        std::mem::take(&mut waiting.queue)
    }

    /// Waits until there is something.
    pub(crate) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// A batch is done, or will not be.
    pub(crate) fn batch_done(&self) {
        if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.settled.notify_one();
        }
    }

    /// Waits until nothing of this connection is on its way to the disk.
    pub(crate) async fn settled(&self) {
        while self.pending.load(Ordering::Acquire) > 0 {
            self.settled.notified().await;
        }
    }

    /// Waits until the connection is to end.
    pub(crate) async fn ended(&self) {
        while !self.is_ended.load(Ordering::Acquire) {
            self.ended.notified().await;
        }
    }
}

fn droppable(outgoing: &Outgoing) -> bool {
    matches!(outgoing, Outgoing::Packet(Packet::Publish(publish)) if publish.qos == QoS::AtMostOnce)
}

/// What something that waits counts for, in bytes.
fn bytes(outgoing: &Outgoing) -> usize {
    const OVERHEAD: usize = 64;
    match outgoing {
        Outgoing::Packet(Packet::Publish(publish)) => OVERHEAD + publish.topic.len() + publish.payload.len(),
        _ => OVERHEAD,
    }
}
