//! A subscriber with a kept session, which remembers what it has as the standard says (4.3): it lives on when the node dies.

use super::{
    ledger::{Id, Ledger},
    line::{Connection, Line, is_dead},
};
use aisle_harness::mqtt::raw::{Ack, Connect, Packet, Publish, RawError, Version, write};
use anyhow::{Result, bail, ensure};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How long nothing may come: a whole run, of which the last part is quiet.
const SILENCE_MAX: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Subscriber {
    qos: u8,
    hello: Connect,
    line: Line,
    ledger: Arc<Ledger>,
    connection: Connection,
    /// Packet identifiers of QoS 2 messages that came and are not yet released.
    unreleased: BTreeSet<u16>,
    output: Vec<u8>,
}

impl Subscriber {
    /// Comes in for the first time and subscribes to everything.
    pub(super) async fn introduce(qos: u8, line: &Line, ledger: &Arc<Ledger>) -> Result<Self> {
        let version = if qos == 1 { Version::V311 } else { Version::V5 };
        let hello = Connect::kept(version, format!("subscriber-{qos}"));
        let (mut connection, connack) = line.open(&hello).await?;
        ensure!(!connack.session_present, "a new subscriber has a session");
        connection.subscribe("crash/#", qos).await?;
        let (line, ledger) = (line.clone(), Arc::clone(ledger));
        let (unreleased, output) = Default::default();
        Ok(Self { qos, hello, line, ledger, connection, unreleased, output })
    }

    /// Takes what comes, over as many connections as it takes, until something is wrong.
    pub(super) async fn follow(mut self) -> Result<()> {
        loop {
            match self.converse().await {
                Err(error) if error.downcast_ref().is_some_and(is_dead) => {}
                other => return other,
            }
            drop(self.connection);
            let (connection, connack) = self.line.open(&self.hello).await?;
            ensure!(connack.session_present, "the session of subscriber {} is gone", self.qos);
            self.connection = connection;
        }
    }

    async fn converse(&mut self) -> Result<()> {
        self.output.clear();
        loop {
            let packet = self.connection.recv_packet(SILENCE_MAX).await?;
            self.take(packet)?;
            loop {
                match self.connection.recv_packet(Duration::ZERO).await {
                    Ok(packet) => self.take(packet)?,
                    Err(RawError::Silent(_)) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            self.connection.send_bytes(&self.output).await?;
            self.output.clear();
        }
    }

    fn take(&mut self, packet: Packet) -> Result<()> {
        match packet {
            Packet::Publish(publish) => self.take_message(&publish),
            Packet::Pubrel { packet_id, .. } => {
                self.unreleased.remove(&packet_id);
                write::ack(&mut self.output, Ack::Pubcomp, packet_id);
                Ok(())
            }
            packet => bail!("{packet:?} came to a subscriber"),
        }
    }

    fn take_message(&mut self, publish: &Publish) -> Result<()> {
        let id = Id::read(&publish.payload)?;
        ensure!(publish.topic == id.topic(), "{id} came by the topic `{}`", publish.topic);
        ensure!(publish.qos == self.qos.min(id.qos()), "{id} came with QoS {}", publish.qos);
        if publish.qos == 1 {
            write::ack(&mut self.output, Ack::Puback, publish.packet_id);
            return self.ledger.delivered(id, self.qos);
        }
        write::ack(&mut self.output, Ack::Pubrec, publish.packet_id);
        if self.unreleased.insert(publish.packet_id) {
            return self.ledger.delivered(id, self.qos);
        }
        ensure!(publish.dup, "{id} came again and does not say so");
        Ok(())
    }
}
