//! The bridge to a broker that the store already has.
//!
//! ```text
//! other broker ── remote::Line ──> translate ──> inbound ──> LocalClient::publish ──> journal
//!      ^    ^                                       │ durable
//!      │    └───────────── PUBACK / PUBREC <────────┘
//!      └── remote::Sender <── outbound <── translate <── LocalReceiver (persistent session: what waits, waits there)
//!                                │ PUBACK / PUBCOMP
//!                                └──> Delivery::ack
//! ```
//!
//! - **In**: a message is acknowledged when it is in the journal. A message that the node will never take is acknowledged,
//!   counted and told; one that it cannot take now stays unacknowledged and is tried again.
//! - **Out**: the node's broker has a persistent session for the bridge. A message leaves it when the other broker answered.
//!   What that refuses for good is dropped, counted and told; when it is over its quota the bridge hangs up and comes back.
//! - **Both sessions persist**, so either side may be away. When the other broker lost its own, the bridge subscribes again
//!   and sends what was not answered as new. QoS 1 crosses at least once. QoS 2 crosses once over any loss of the line, and at
//!   least once when the node itself dies between the two acknowledgements. mosquitto (2.0) can send one again after it was
//!   released, when two connections in a row end before it could write to them; nothing tells it from a new one.
//! - **Loops**: see `trail` for MQTT 5, `rules` for 3.1.1. On the node's own side the bridge never gets what it brought in.
//! - **Retained** messages keep their flag, and an empty one clears. 3.1.1 tells the flag only of those that were there before
//!   the subscription.
//! - A rule that was taken out of the configuration leaves its subscription behind in both sessions; what comes by it is
//!   acknowledged and counted as `no-rule`.
//!
//! Not here: what `rumqttc` needs to be told (`remote`). Guards invariants 1 and 6: what is held is bounded by `in_flight_max`
//! and `held_bytes_max`; beyond them the broker that a message comes from keeps it.

mod backoff;
mod config;
mod conversation;
mod endpoint;
mod inbound;
mod outbound;
mod remote;
mod rules;
mod status;
mod telemetry;
mod trail;
mod translate;
mod verdict;

pub use config::{Config, InvalidConfig, Rule, Version, validate};
pub use status::{BridgeStatus, StatusHandle};
pub use telemetry::Metrics;

use aisle_broker::{
    Broker,
    access::Rights,
    local::{LocalClient, LocalOptions, LocalReceiver, OWN_PREFIX},
    packet::{RetainHandling, SubscribeOptions},
    topic,
};
use backoff::Backoff;
use conversation::End;
use inbound::{Gone, Inbound};
use outbound::Outbound;
use remote::{Dial, DialError, LinkError};
use rules::Routes;
use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};
use telemetry::Telemetry;
use tokio::time::{Instant, sleep, sleep_until};
use trail::Mark;

/// A bridge that can be run.
#[derive(Debug)]
pub struct Bridge {
    config: Arc<Config>,
    store: String,
    broker: Broker,
    inward: Routes,
    outward: Routes,
    mark: Mark,
    metrics: Metrics,
    status: StatusHandle,
}

impl Bridge {
    /// A bridge of this store to the broker that the configuration names. Nothing is connected yet.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn new(
        config: Config,
        store: &str,
        broker: Broker,
        metrics: &Metrics,
    ) -> Result<Self, InvalidConfig> {
        config.validate()?;
        Ok(Self {
            inward: Routes::inward(&config)?,
            outward: Routes::outward(&config)?,
            mark: Mark::new(store, &config.name, config.hops_max),
            status: StatusHandle::new(&config.name, &config.url),
            metrics: metrics.clone(),
            store: store.into(),
            config: Arc::new(config),
            broker,
        })
    }

    /// How the bridge is doing, also while it runs.
    #[must_use]
    pub fn status(&self) -> StatusHandle {
        self.status.clone()
    }

    /// Brings messages over until it is asked to stop, whatever happens to either side; then finishes what is under way
    /// (for two seconds at most), says goodbye and returns.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let mut stop = Stop(Some(Box::pin(stop)));
        let mut backoff = Backoff::new(self.config.reconnect_min_ms, self.config.reconnect_max_ms);
        let mut telemetry = self.metrics.of(&self.config.name, self.status.clone());
        loop {
            let opened = tokio::select! {
                opened = self.open_session() => opened,
                () = stop.wait() => break,
            };
            let reason = match opened {
                Err(reason) => reason,
                Ok((client, receiver)) => {
                    let mut life = Life::new(&self, client, receiver, telemetry);
                    let end = life.run(&mut stop).await;
                    telemetry = life.telemetry;
                    match end {
                        End::Stopped => break,
                        End::LocalGone => "the node's broker ended the bridge's session".into(),
                    }
                }
            };
            let wait_ms = backoff.next_ms();
            telemetry.failed(&reason, wait_ms);
            tokio::select! {
                () = sleep(Duration::from_millis(wait_ms)) => {}
                () = stop.wait() => break,
            }
        }
        telemetry.stopped();
    }

    /// The bridge's session at the node's own broker, with its subscriptions.
    async fn open_session(&self) -> Result<(LocalClient, LocalReceiver), String> {
        let options = LocalOptions {
            client_id: format!("{OWN_PREFIX}bridge/{}", self.config.name),
            session: Some(Duration::from_secs(self.config.session_expiry_s.into())),
            rights: Rights::all(),
            queue_max: self.config.in_flight_max,
        };
        let (client, receiver) = self
            .broker
            .local(options)
            .await
            .map_err(|error| format!("cannot open a session at the node's broker: {error}"))?;
        for route in &self.outward.0 {
            let options = SubscribeOptions {
                qos: route.qos,
                no_local: true,
                retain_as_published: true,
                retain_handling: RetainHandling::SendIfNew,
            };
            client.subscribe(route.source.text(), options, None).await.map_err(|error| {
                format!("cannot subscribe to `{}` at the node's broker: {error}", route.source)
            })?;
        }
        Ok((client, receiver))
    }
}

/// What a bridge knows as long as its session at the node's broker lives.
struct Life {
    config: Arc<Config>,
    store: String,
    inward: Routes,
    outward: Routes,
    /// What topics the node takes.
    topics: topic::Limits,
    mark: Mark,
    inbound: Inbound,
    outbound: Outbound,
    receiver: LocalReceiver,
    telemetry: Telemetry,
    /// The number of the connection, from 1.
    connection: u64,
    /// The other broker remembered the session when the connection began.
    session_present: bool,
    /// It has all of our subscriptions.
    subscribed: bool,
    /// It holds no identifier from before this life.
    swept: bool,
    /// It sent more on this connection than there is room for; the rest has to come again.
    overflowed: bool,
}

impl Life {
    fn new(bridge: &Bridge, client: LocalClient, receiver: LocalReceiver, telemetry: Telemetry) -> Self {
        let config = Arc::clone(&bridge.config);
        Self {
            inbound: Inbound::new(client, config.in_flight_max, config.held_bytes_max),
            store: bridge.store.clone(),
            inward: bridge.inward.clone(),
            outward: bridge.outward.clone(),
            topics: bridge.broker.limits().topic(),
            mark: bridge.mark.clone(),
            outbound: Outbound::default(),
            receiver,
            telemetry,
            connection: 0,
            session_present: false,
            subscribed: false,
            swept: false,
            overflowed: false,
            config,
        }
    }

    async fn run(&mut self, stop: &mut Stop) -> End {
        let longest = Duration::from_millis(self.config.reconnect_max_ms);
        let mut backoff = Backoff::new(self.config.reconnect_min_ms, self.config.reconnect_max_ms);
        loop {
            let began = Instant::now();
            let error = match self.connect(stop).await {
                Ok(end) => return end,
                Err(error) => error,
            };
            // A connection that ends soon counts as a failure to connect: two bridges with one client id would else take
            // each other's place for ever, as fast as they can.
            if began.elapsed() > longest {
                backoff.reset();
            }
            let wait_ms = if error.is_wanted() { self.config.reconnect_min_ms } else { backoff.next_ms() };
            self.telemetry.failed(&error, wait_ms);
            tokio::select! {
                gone = self.recover(wait_ms) => if gone.is_err() {
                    return End::LocalGone;
                },
                () = stop.wait() => return End::Stopped,
            }
        }
    }

    async fn connect(&mut self, stop: &mut Stop) -> Result<End, LinkError> {
        let (config, store) = (Arc::clone(&self.config), self.store.clone());
        let dial = tokio::task::spawn_blocking(move || Dial::prepare(&config, &store));
        let (sender, mut line) = dial.await.unwrap_or(Err(DialError::Stopping))?.open();
        let ended = self.converse(&sender, &mut line, stop).await;
        self.hear_out(&mut line);
        ended
    }

    /// Waits, and goes on with what is on its way into the node's broker.
    async fn recover(&mut self, wait_ms: u64) -> Result<(), Gone> {
        let until = Instant::now() + Duration::from_millis(wait_ms);
        while Instant::now() < until {
            tokio::select! {
                settled = self.inbound.settled() => drop(self.settled(&settled?, None)),
                () = sleep_until(until) => {}
            }
        }
        Ok(())
    }
}

/// The wish that the bridge ends; once it came it stays.
struct Stop(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Stop {
    async fn wait(&mut self) {
        if let Some(stop) = &mut self.0 {
            stop.await;
            self.0 = None;
        }
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Life").field("name", &self.config.name).finish_non_exhaustive()
    }
}
