//! The generator: publishers and subscribers of MQTT 3.1.1 on one thread, which must cost less than what they measure.
//!
//! Every message is laid out before the run; to send one is to copy it and to write the time into it. Whatever has come
//! is read at once, and whatever is to be said is written at once.

mod board;
mod frames;
mod publisher;
mod subscriber;
mod wire;

use super::broker::Broker;
use crate::process;
use aisle_harness::mqtt::raw::{Connect, RawClient, Stream, Version};
use anyhow::{Context, Result, bail, ensure};
use board::{Board, Phase};
use hdrhistogram::Histogram;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

/// Bytes of a message.
pub(super) const PAYLOAD_BYTES: usize = 256;
/// How long what is on its way at the end of a run may take.
const DRAINING_MAX: Duration = Duration::from_secs(10);

/// Who publishes what, and who gets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) publishers: u16,
    /// Messages that each has on their way.
    pub(super) in_flight: u16,
    pub(super) qos: u8,
    /// Each gets every message.
    pub(super) subscribers: u16,
    pub(super) subscriber_qos: u8,
    pub(super) pace: Pace,
}

/// When a publisher sends its next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// As soon as one is acknowledged.
    Acknowledged,
    /// As soon as every subscriber has one (and it is acknowledged, if that is to be).
    Delivered,
    /// Each so often, whatever happens.
    Every(Duration),
}

/// What a run gave, between its warm-up and its end.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) elapsed: Duration,
    pub(super) acknowledged: u64,
    pub(super) delivered: u64,
    /// Nanoseconds from sending, or from when it was due, to the (last) acknowledgement.
    pub(super) to_acknowledgement: Histogram<u64>,
    /// Nanoseconds from sending to a subscriber.
    pub(super) to_subscriber: Histogram<u64>,
    /// Seconds of processor time of the broker.
    pub(super) broker_cpu_s: f64,
    /// The same of the generator.
    pub(super) generator_cpu_s: f64,
}

impl Done {
    pub(super) fn acknowledged_per_s(&self) -> f64 {
        self.acknowledged as f64 / self.elapsed.as_secs_f64()
    }

    pub(super) fn delivered_per_s(&self) -> f64 {
        self.delivered as f64 / self.elapsed.as_secs_f64()
    }
}

/// A quantile in seconds.
pub(super) fn quantile_s(nanoseconds: &Histogram<u64>, share: f64) -> f64 {
    nanoseconds.value_at_quantile(share) as f64 / 1e9
}

impl Load {
    /// Lets it loose on a broker; `begun` is called when the warm-up is over.
    pub(super) fn run(
        self,
        broker: &Broker,
        warm_up: Duration,
        measured: Duration,
        begun: impl FnOnce() -> Result<()>,
    ) -> Result<Done> {
        ensure!(self.qos > 0 || self.pace == Pace::Delivered, "nobody acknowledges QoS 0");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let set = tokio::task::LocalSet::new();
        set.block_on(&runtime, self.run_here(broker, warm_up, measured, begun))
    }

    async fn run_here(
        self,
        broker: &Broker,
        warm_up: Duration,
        measured: Duration,
        begun: impl FnOnce() -> Result<()>,
    ) -> Result<Done> {
        let board = Rc::new(Board::new(self)?);
        let (mut publishers, mut subscribers) = (JoinSet::new(), JoinSet::new());
        for number in 0..self.subscribers {
            let mut client = self.client(broker, &format!("subscriber-{number}")).await?;
            client.subscribe("bench/#", self.subscriber_qos).await?;
            subscribers.spawn_local(subscriber::follow(Rc::clone(&board), tcp(client)?));
        }
        let mut streams = Vec::new();
        for lane in 0..self.publishers {
            streams.push(tcp(self.client(broker, &format!("publisher-{lane}")).await?)?);
        }
        for (lane, stream) in (0..).zip(streams) {
            publishers.spawn_local(publisher::publish(Rc::clone(&board), lane, stream));
        }

        undisturbed(&mut publishers, &mut subscribers, warm_up).await?;
        begun()?;
        let cpu_s =
            || Ok::<_, anyhow::Error>((process::cpu_s(broker.pid)?, process::cpu_s(std::process::id())?));
        let (started, before) = (Instant::now(), cpu_s()?);
        board.enter(Phase::Counting);
        undisturbed(&mut publishers, &mut subscribers, measured).await?;
        board.enter(Phase::Ending);
        let (elapsed, after) = (started.elapsed(), cpu_s()?);

        let drained = timeout(DRAINING_MAX, async {
            while let Some(ended) = publishers.join_next().await {
                ended??;
            }
            Ok::<_, anyhow::Error>(())
        });
        match drained.await {
            Ok(ended) => ended?,
            Err(_) => bail!("{} messages did not get through within {DRAINING_MAX:?}", board.on_their_way()),
        }
        subscribers.shutdown().await;
        let tally = board.into_tally().context("a client is still there")?;
        ensure!(tally.acknowledged + tally.delivered > 0, "nothing got through");
        Ok(Done {
            elapsed,
            acknowledged: tally.acknowledged,
            delivered: tally.delivered,
            to_acknowledgement: tally.to_acknowledgement,
            to_subscriber: tally.to_subscriber,
            broker_cpu_s: after.0 - before.0,
            generator_cpu_s: after.1 - before.1,
        })
    }

    async fn client(&self, broker: &Broker, id: &str) -> Result<RawClient> {
        let connect = Connect::clean(Version::V311, id);
        let (client, _) = RawClient::connect(broker.address, &connect).await?;
        Ok(client)
    }
}

fn tcp(client: RawClient) -> Result<TcpStream> {
    match client.into_stream() {
        Stream::Tcp(stream) => Ok(stream),
        Stream::Tls(_) => bail!("load goes over plain TCP"),
    }
}

/// Waits so long; nobody may end meanwhile.
async fn undisturbed(
    publishers: &mut JoinSet<Result<()>>,
    subscribers: &mut JoinSet<Result<()>>,
    time: Duration,
) -> Result<()> {
    let ended = tokio::select! {
        () = tokio::time::sleep(time) => return Ok(()),
        Some(ended) = publishers.join_next() => ended,
        Some(ended) = subscribers.join_next() => ended,
    };
    ended?.context("a client ended early")?;
    bail!("a client ended early")
}
