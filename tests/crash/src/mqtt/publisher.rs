//! A publisher that never gives up: what was not acknowledged it sends again on its next connection, as the standard says (4.4).

use super::{
    ledger::{Id, Ledger},
    line::{Connection, Line, is_dead},
};
use aisle_harness::mqtt::raw::{Ack, Connect, Packet, Publish, RawError, Version, write};
use anyhow::{Context, Result, bail, ensure};
use std::{sync::Arc, time::Duration};

/// How long the node may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A message on its way, in the slot of its packet identifier.
#[derive(Debug, Clone, Copy)]
struct OnItsWay {
    id: Id,
    /// PUBREC came; what is left is PUBREL.
    released: bool,
}

#[derive(Debug)]
pub(super) struct Publisher {
    client: u16,
    hello: Connect,
    line: Line,
    ledger: Arc<Ledger>,
    /// The number of the next message.
    next: u32,
    slots: Vec<Option<OnItsWay>>,
    /// The node has said that it keeps the session.
    is_kept: bool,
    output: Vec<u8>,
}

impl Publisher {
    /// Every second client speaks MQTT 5.
    pub(super) fn new(client: u16, window: u16, line: Line, ledger: Arc<Ledger>) -> Self {
        let version = if client.is_multiple_of(2) { Version::V311 } else { Version::V5 };
        let hello = Connect::kept(version, format!("publisher-{client}"));
        let slots = vec![None; window.into()];
        Self { client, hello, line, ledger, next: 0, slots, is_kept: false, output: Vec::new() }
    }

    /// Publishes up to that number, which is not published, over as many connections as it takes.
    pub(super) async fn publish_up_to(mut self, end: u32) -> Result<Self> {
        loop {
            let (mut connection, connack) = self.line.open(&self.hello).await?;
            ensure!(
                connack.session_present == self.is_kept,
                "client {}: the session is {} and should be otherwise",
                self.client,
                if connack.session_present { "there" } else { "not there" }
            );
            self.is_kept = true;
            match self.converse(&mut connection, end).await {
                Ok(()) => return Ok(self),
                Err(error) if error.downcast_ref().is_some_and(is_dead) => {}
                Err(error) => return Err(error.context(format!("client {}", self.client))),
            }
        }
    }

    async fn converse(&mut self, connection: &mut Connection, end: u32) -> Result<()> {
        self.send_again()?;
        loop {
            self.send_more(end)?;
            if self.slots.iter().all(Option::is_none) {
                connection.send_bytes(&self.output).await?;
                self.output.clear();
                return Ok(());
            }
            connection.send_bytes(&self.output).await?;
            self.output.clear();
            self.take(connection.recv_packet(SILENCE_MAX).await?)?;
            // What else is there already.
            loop {
                match connection.recv_packet(Duration::ZERO).await {
                    Ok(packet) => self.take(packet)?,
                    Err(RawError::Silent(_)) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    /// What was on its way when the last connection broke, in the order in which it was sent.
    fn send_again(&mut self) -> Result<()> {
        self.output.clear();
        let mut again: Vec<(u16, OnItsWay)> =
            (1..).zip(&self.slots).filter_map(|(packet_id, slot)| Some((packet_id, (*slot)?))).collect();
        again.sort_by_key(|(_, message)| message.id.number);
        for (packet_id, message) in again {
            if message.released {
                write::ack(&mut self.output, Ack::Pubrel, packet_id);
            } else {
                self.put(packet_id, message.id, true)?;
            }
        }
        Ok(())
    }

    fn send_more(&mut self, end: u32) -> Result<()> {
        for index in 0..self.slots.len() {
            if self.next == end {
                break;
            }
            let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.is_none()) else { continue };
            let id = Id { client: self.client, number: self.next };
            *slot = Some(OnItsWay { id, released: false });
            self.next += 1;
            self.put(u16::try_from(index + 1)?, id, false)?;
        }
        Ok(())
    }

    fn put(&mut self, packet_id: u16, id: Id, dup: bool) -> Result<()> {
        self.ledger.sent(id)?;
        let (topic, payload) = (id.topic(), id.payload().into());
        let publish = Publish { topic, payload, qos: id.qos(), dup, packet_id, ..Publish::default() };
        write::publish(&mut self.output, self.hello.version, &publish);
        Ok(())
    }

    fn take(&mut self, packet: Packet) -> Result<()> {
        let (packet_id, reason) = match packet {
            Packet::Puback { packet_id, reason }
            | Packet::Pubrec { packet_id, reason }
            | Packet::Pubcomp { packet_id, reason } => (packet_id, reason),
            packet => bail!("{packet:?} came to a publisher"),
        };
        let index = usize::from(packet_id).checked_sub(1).context("a packet identifier is 0")?;
        let slot = self.slots.get_mut(index).context("a packet identifier was never used")?;
        let Some(message) = slot else { bail!("{packet:?} answers what is not on its way") };
        ensure!(reason < 0x80, "{}: {packet:?}", message.id);
        match (packet, message.id.qos()) {
            (Packet::Puback { .. }, 1) => {
                self.ledger.acknowledged(message.id)?;
                *slot = None;
            }
            (Packet::Pubrec { .. }, 2) => {
                self.ledger.taken(message.id)?;
                message.released = true;
                write::ack(&mut self.output, Ack::Pubrel, packet_id);
            }
            (Packet::Pubcomp { .. }, 2) if message.released => {
                self.ledger.acknowledged(message.id)?;
                *slot = None;
            }
            (packet, _) => bail!("{}: {packet:?} came out of order", message.id),
        }
        Ok(())
    }
}
