//! The loop: messages from the broker, a batch to the journal, acknowledgements after its commit.
//!
//! Guards invariant 1: a message of QoS 1 or 2 is acknowledged when the events that were made of it are durable, or when there
//! were none to make. What is not acknowledged comes again after a restart.

use super::{
    Failed,
    batch::Batch,
    control::{Shared, entries, lock, poll},
    ear::{Ear, Message, Now},
    reconcile::Reconcile,
    telemetry::Metrics,
};
use crate::registry::DevicesView;
use aisle_broker::{
    Broker,
    access::Rights,
    local::{Delivery, LocalClient, LocalOptions, LocalReceiver, RequestError},
    packet::{QoS, RetainHandling, SubscribeOptions},
};
use aisle_event::Event;
use aisle_firmware_config::profile::Profiles;
use aisle_journal::{CommitError, SubmitError};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

/// The service's own name at the broker. No device may have one that begins so.
const CLIENT_ID: &str = "$node/devices";
const TICK: Duration = Duration::from_secs(1);
/// The register follows the journal within this, or the service goes on with what it shows.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(2);
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Retained announcements are asked for again when there is room for devices that found none, this often at most.
const ASK_AGAIN: Duration = Duration::from_secs(600);

/// What runs.
pub(super) struct Runner {
    pub shared: Arc<Shared>,
    pub broker: Broker,
    pub ear: Ear,
    pub metrics: Metrics,
    pub profiles: watch::Receiver<Arc<Profiles>>,
    pub started: Instant,
    pub reconcile: Reconcile,
    pub asked_again: Option<Instant>,
    /// Announcements that had been shed when they were asked for last.
    pub shed_before: u64,
}

/// Why serving ended.
enum Ended {
    /// The client is gone; another may come.
    Client(String),
    /// The journal is; nothing can be done.
    Journal(Failed),
}

impl Runner {
    /// Runs until the journal fails.
    pub(super) async fn run(mut self) -> Failed {
        let mut pause = RETRY_MIN;
        let mut follows = false;
        loop {
            let options = LocalOptions {
                client_id: CLIENT_ID.into(),
                session: Some(Duration::from_secs(self.shared.config.session_expiry_s.into())),
                rights: Rights::all(),
                queue_max: self.shared.config.in_flight_max,
            };
            let why = match self.broker.local(options).await {
                Ok((client, receiver)) => {
                    let began = Instant::now();
                    *lock(&self.shared.client) = Some(client.clone());
                    let ended = self.serve(client, receiver, &mut follows).await;
                    *lock(&self.shared.client) = None;
                    if began.elapsed() > RETRY_MAX {
                        pause = RETRY_MIN;
                    }
                    match ended {
                        Ended::Client(why) => why,
                        Ended::Journal(failed) => return failed,
                    }
                }
                Err(error) => error.to_string(),
            };
            self.metrics.disconnected(&why);
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// Waits until the register holds what the journal held at the start: before that nobody is known.
    async fn follow(&self) {
        let durable = self.shared.journal.durable();
        loop {
            let until = Instant::now() + Duration::from_secs(10);
            if poll(&self.shared.view, until, |view| (view.applied >= durable).then_some(())).await.is_some()
            {
                return;
            }
            tracing::info!(
                durable,
                applied = (self.shared.view)().applied,
                "waiting for the register of devices"
            );
        }
    }

    async fn serve(&mut self, client: LocalClient, mut receiver: LocalReceiver, follows: &mut bool) -> Ended {
        let mut filters = BTreeSet::new();
        if let Err(error) = self.subscribe(&client, &mut filters).await {
            return Ended::Client(error.to_string());
        }
        self.metrics.connected();
        self.shared.listens.send_replace(true);
        // What comes meanwhile waits: in the session, and of QoS 0 twice `in_flight_max` messages on the way from there.
        if !std::mem::replace(follows, true) {
            self.follow().await;
        }
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake = Arc::clone(&self.shared.wake);
            let step = tokio::select! {
                delivery = receiver.recv() => match delivery {
                    Some(first) => self.batch(first, &mut receiver).await,
                    None => Err(Ended::Client("its session was taken over or the broker stops".into())),
                },
                _ = tick.tick() => self.tick(&client).await,
                () = wake.notified() => self.tick(&client).await,
                changed = self.profiles.changed() => match changed {
                    Ok(()) => self.subscribe(&client, &mut filters).await.map_err(|it| Ended::Client(it.to_string())),
                    // Whoever could change them is gone, and so is this service.
                    Err(_) => std::future::pending().await,
                },
            };
            if let Err(ended) = step {
                return ended;
            }
        }
    }

    /// Asks for what the profiles want to hear, and no longer for what they do not.
    async fn subscribe(
        &mut self,
        client: &LocalClient,
        had: &mut BTreeSet<String>,
    ) -> Result<(), RequestError> {
        let profiles = self.profiles.borrow_and_update().clone();
        let wanted: BTreeSet<String> = profiles.filters(&self.shared.store).into_iter().collect();
        self.ear.profiles = profiles;
        for filter in had.difference(&wanted) {
            client.unsubscribe(filter).await?;
        }
        // All at once, so that they become durable together.
        let mut asked = JoinSet::new();
        for filter in wanted.difference(had) {
            let (client, filter) = (client.clone(), filter.clone());
            asked.spawn(async move { ask(&client, &filter).await });
        }
        while let Some(answer) = asked.join_next().await {
            answer.unwrap_or_else(|error| Err(RequestError::Gone { why: error.to_string() }))?;
        }
        *had = wanted;
        Ok(())
    }

    /// Takes what is there, makes one batch of it, and acknowledges when that is durable.
    async fn batch(&mut self, first: Delivery, receiver: &mut LocalReceiver) -> Result<(), Ended> {
        let view = (self.shared.view)();
        let now = self.now();
        let mut batch = Batch::default();
        let mut taken = Vec::new();
        let mut next = Some(first);
        while let Some(delivery) = next {
            let publish = &delivery.publish;
            let message =
                Message { topic: &publish.topic, payload: &publish.payload, is_retained: publish.retain };
            self.ear.hear(&view, message, now, &mut batch);
            taken.push(delivery);
            next = if taken.len() < self.shared.config.batch_messages_max {
                there(receiver).await
            } else {
                None
            };
        }
        self.ear.settle(&view, now, &mut batch);
        self.metrics.committed(taken.len(), batch.readings, batch.events.len());
        *lock(&self.shared.preview) = self.ear.preview.clone();
        let committed = self.commit(batch).await;
        if committed.is_ok() {
            taken.into_iter().for_each(Delivery::ack);
        }
        committed
    }

    async fn tick(&mut self, client: &LocalClient) -> Result<(), Ended> {
        let view = (self.shared.view)();
        let mut batch = Batch::default();
        let now = self.now();
        self.ear.tick(&view, now, &mut batch);
        *lock(&self.shared.preview) = self.ear.preview.clone();
        self.commit(batch).await?;
        let Self { shared, broker, reconcile, metrics, ear, .. } = self;
        reconcile.round(shared, broker, client, &mut ear.returned, now.running_ms, metrics).await;
        self.ask_again(client, &view).await;
        Ok(())
    }

    /// There is room again for devices that found none: they have announced themselves, and the broker kept it.
    async fn ask_again(&mut self, client: &LocalClient, view: &DevicesView) {
        let shed = self.ear.preview.shed;
        let is_due = self.asked_again.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
        if shed == self.shed_before || view.heard_room == 0 || !is_due {
            return;
        }
        self.shed_before = shed;
        self.asked_again = Some(Instant::now());
        for filter in self.ear.profiles.filters(&self.shared.store) {
            if let Err(error) = ask(client, &filter).await {
                tracing::warn!(filter, %error, "cannot ask for announcements again");
            }
        }
    }

    /// Commits a batch, however long that takes: until then nothing more is taken, and nothing is acknowledged.
    async fn commit(&mut self, batch: Batch) -> Result<(), Ended> {
        let Batch { events, is_decisive, .. } = batch;
        if events.is_empty() {
            return Ok(());
        }
        let last = self.durable(&events).await.map_err(Ended::Journal)?;
        if is_decisive {
            // What comes next is judged by what was just decided.
            let until = Instant::now() + FOLLOWS_WITHIN;
            poll(&self.shared.view, until, |view| (view.applied >= last).then_some(())).await;
        }
        Ok(())
    }

    async fn durable(&mut self, events: &[Event]) -> Result<u64, Failed> {
        let mut pause = RETRY_MIN;
        loop {
            let held_up: String = match self.shared.journal.submit(entries(events)) {
                Ok(ticket) => match ticket.await {
                    Ok(committed) => return Ok(committed.last),
                    Err(error @ CommitError::NoSpace { .. }) => error.to_string(),
                    Err(error) => return Err(Failed(error.to_string())),
                },
                Err(error @ SubmitError::Full { .. }) => error.to_string(),
                Err(error) => return Err(Failed(error.to_string())),
            };
            self.metrics.held_up(&held_up);
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    fn now(&self) -> Now {
        let running_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { at: (self.shared.now)(), running_ms }
    }
}

async fn ask(client: &LocalClient, filter: &str) -> Result<(), RequestError> {
    let options = SubscribeOptions {
        qos: QoS::AtLeastOnce,
        no_local: true,
        retain_as_published: false,
        retain_handling: RetainHandling::Send,
    };
    client.subscribe(filter, options, None).await.map(drop)
}

/// A message that is there already.
async fn there(receiver: &mut LocalReceiver) -> Option<Delivery> {
    tokio::select! {
        biased;
        delivery = receiver.recv() => delivery,
        () = std::future::ready(()) => None,
    }
}
