//! Messages on their way from the node's broker to the other one.
//!
//! A message is *waiting* until it was sent, then *in flight* until the other broker answered; only then is it acknowledged
//! to the node's broker, whose persistent session has it until then. Here are never more than the window.
//!
//! Guards invariant 1: what the other broker did not take is sent again, on the same session with the identifier that it had.

use super::{
    remote::{Again, Full, Sender},
    verdict::Refusal,
};
use aisle_broker::{
    local::Delivery,
    packet::{PacketId, Publish, QoS, Reason},
};
use std::{collections::VecDeque, time::Instant};

/// The messages.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    waiting: VecDeque<Outgoing>,
    /// How many of `waiting`, from the front, the connection has already.
    handed: usize,
    /// Oldest first.
    in_flight: VecDeque<InFlight>,
    /// Counts messages that get an identifier.
    next: u64,
}

#[derive(Debug)]
struct Outgoing {
    /// As the other broker is to get it.
    publish: Publish,
    delivery: Delivery,
    since: Instant,
    /// Times that it was refused without a reason that would last.
    refused_count: u8,
}

/// A message that is refused so many times without a reason that would last is dropped: it may be the message itself.
const REFUSED_MAX: u8 = 8;

#[derive(Debug)]
struct InFlight {
    id: PacketId,
    number: u64,
    /// QoS 2: the other broker has it, and we released it.
    received: bool,
    message: Outgoing,
}

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// The other broker has the message.
    Taken,
    /// It will not take it; the message is dropped.
    Refused(Refusal),
    /// It cannot take it now; the message waits again.
    Later,
    /// Nothing waits for this answer.
    Unknown,
}

impl Outbound {
    /// A message is to go. `publish` has neither an identifier nor the mark of a duplicate.
    pub(super) fn push(&mut self, publish: Publish, delivery: Delivery) {
        self.waiting.push_back(Outgoing { publish, delivery, since: Instant::now(), refused_count: 0 });
    }

    /// Waiting and in flight.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Hands over as many as the window allows. Calls `dropped` for each that cannot go.
    pub(super) fn send(
        &mut self,
        sender: &Sender,
        window: usize,
        packet_bytes_max: usize,
        mut dropped: impl FnMut(Refusal),
    ) -> Result<(), Full> {
        while self.is_open(window) {
            let Some(message) = self.waiting.get_mut(self.handed) else {
                break;
            };
            let refusal = if !message.age() {
                Some(Refusal::Expired)
            } else if sender.packet_bytes(&message.publish) > packet_bytes_max {
                Some(Refusal::TooLarge)
            } else {
                None
            };
            if let Some(refusal) = refusal {
                if let Some(message) = self.waiting.remove(self.handed) {
                    message.delivery.ack();
                }
                dropped(refusal);
                continue;
            }
            sender.publish(&message.publish)?;
            if message.publish.qos != QoS::AtMostOnce {
                self.next += 1;
            }
            self.handed += 1;
        }
        Ok(())
    }

    /// Identifiers go round: between the oldest in flight and the newest are never as many as would make one meet itself.
    fn is_open(&self, window: usize) -> bool {
        let spread = self.in_flight.front().map_or(0, |oldest| self.next - oldest.number);
        self.in_flight.len() + self.handed < window && spread < 2 * window as u64
    }

    /// The oldest that was handed over was sent. True when it had QoS 0 and is done with.
    pub(super) fn sent(&mut self, id: Option<PacketId>) -> bool {
        // What is sent again is in flight already.
        let Some(left) = self.handed.checked_sub(1) else {
            return false;
        };
        let Some(message) = self.waiting.pop_front() else {
            return false;
        };
        self.handed = left;
        match id {
            None => {
                message.delivery.ack();
                true
            }
            Some(id) => {
                let ahead =
                    self.waiting.iter().take(left).filter(|it| it.publish.qos != QoS::AtMostOnce).count();
                let number = self.next - ahead as u64 - 1;
                self.in_flight.push_back(InFlight { id, number, received: false, message });
                false
            }
        }
    }

    /// The other broker has a QoS 2 message, and its release is under way.
    pub(super) fn received(&mut self, id: PacketId) {
        if let Some(message) = self.in_flight.iter_mut().find(|it| it.id == id) {
            message.received = true;
        }
    }

    /// The other broker took a message, or refused it.
    pub(super) fn answered(&mut self, id: PacketId, reason: Reason) -> Answered {
        let Some(mut done) =
            self.in_flight.iter().position(|it| it.id == id).and_then(|at| self.in_flight.remove(at))
        else {
            return Answered::Unknown;
        };
        let later = match reason {
            Reason::QUOTA_EXCEEDED | Reason::PACKET_IDENTIFIER_IN_USE => true,
            Reason::UNSPECIFIED_ERROR | Reason::IMPLEMENTATION_SPECIFIC_ERROR => {
                done.message.refused_count += 1;
                done.message.refused_count < REFUSED_MAX
            }
            _ => false,
        };
        if later {
            // What was handed over stays in front of it: those are on their way.
            self.waiting.insert(self.handed.min(self.waiting.len()), done.message);
            return Answered::Later;
        }
        done.message.delivery.ack();
        if reason.is_error() { Answered::Refused(Refusal::of(reason)) } else { Answered::Taken }
    }

    /// The connection is gone, and what it was handed and did not send with it.
    pub(super) fn disconnected(&mut self) {
        self.handed = 0;
    }

    /// What to send again on a session that goes on.
    pub(super) fn again(&self) -> Vec<Again> {
        self.in_flight
            .iter()
            .map(|it| {
                if it.received {
                    return Again::Release(it.id);
                }
                let publish = Publish { dup: true, packet_id: Some(it.id), ..it.message.publish.clone() };
                Again::Publish(publish)
            })
            .collect()
    }

    /// The other broker forgot the session: identifiers mean nothing, and what was not answered is sent as new.
    pub(super) fn forget_session(&mut self) {
        while let Some(last) = self.in_flight.pop_back() {
            self.waiting.push_front(last.message);
        }
    }
}

impl Outgoing {
    /// Takes the time that it waited here off its expiry. False when nothing is left.
    fn age(&mut self) -> bool {
        let waited_s = self.since.elapsed().as_secs();
        let Some(expiry_s) = self.publish.properties.0.as_mut().and_then(|values| values.expiry_s.as_mut())
        else {
            return true;
        };
        if waited_s > 0 {
            self.since = Instant::now();
            *expiry_s = u32::try_from(u64::from(*expiry_s).saturating_sub(waited_s)).unwrap_or(u32::MAX);
        }
        *expiry_s > 0
    }
}
