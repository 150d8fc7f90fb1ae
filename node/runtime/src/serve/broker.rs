//! The MQTT broker in the node: opened with the store, reached through its listeners, closed before the journal.
//!
//! Not here: everything about MQTT (`aisle-broker`).

use crate::{config::Config, output, store::Store};
use aisle_broker::{
    Broker, OpenError, Running,
    transport::{Listeners, Listening},
};
use anyhow::Context;
use prometheus_client::registry::Registry;
use std::{path::Path, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::timeout,
};

/// How long clients wait for the node's own part at the start.
const LISTENS_WITHIN: Duration = Duration::from_secs(1);

/// The broker's own threads: whatever clients make it do, the kiosks' threads are free.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread().thread_name("aisle-mqtt").enable_all().build();
        Ok(Self(Some(runtime.context("cannot start the MQTT broker's threads")?)))
    }

    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.0.as_ref().map(Runtime::enter);
        work()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for them is not for a thread that has other tasks to do; what they were to do is done.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Opened and bound; nobody has come in yet.
pub(super) struct Opened {
    threads: Threads,
    broker: Broker,
    listeners: Listeners,
}

/// Running.
pub(super) struct Mqtt {
    broker: Broker,
    listening: JoinHandle<()>,
    _tasks: Running,
    _threads: Threads,
}

/// Why a node cannot go on, when it is that its journal cannot be read: a person decides, or the supervisor tries again.
pub(super) fn unreadable(error: &anyhow::Error) -> Option<String> {
    let cannot =
        error.downcast_ref::<OpenError>().is_some_and(|error| matches!(error, OpenError::Journal(_)));
    cannot.then(|| format!("{error:#}"))
}

/// Reads the broker's state and takes its ports.
pub(super) fn open(
    data: &Path,
    config: &Config,
    store: &Store,
    registry: &mut Registry,
) -> anyhow::Result<Opened> {
    let (broker, _) = Broker::open(
        data,
        config.store.as_str(),
        config.mqtt.clone(),
        config.journal.record_bytes_max,
        store.journal.clone(),
        registry,
    )
    .map_err(|error| anyhow::Error::new(error).context("cannot open the MQTT broker"))?;
    let threads = Threads::start()?;
    let listeners =
        threads.within(|| broker.bind(data, registry)).context("the MQTT broker cannot listen")?;
    Ok(Opened { threads, broker, listeners })
}

impl Opened {
    /// Does something on the broker's threads, such as starting tasks there.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.threads.within(work)
    }

    /// The broker, to look into and to step in.
    pub(super) fn broker(&self) -> Broker {
        self.broker.clone()
    }

    /// Where it listens, now and later.
    pub(super) fn listening(&self) -> Listening {
        self.listeners.listening()
    }

    /// Says where clients come in, and lets them in once the node's own part listens to them: what is said at most once is lost on
    /// whoever is not there. Nobody waits here, and clients no longer than [`LISTENS_WITHIN`].
    pub(super) fn start(self, listens: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<Mqtt> {
        let Self { threads, broker, listeners } = self;
        for (transport, address) in listeners.addresses() {
            output::line(format!("mqtt on {transport}://{address}"))?;
        }
        let door = broker.door();
        let letting_in = async move {
            if timeout(LISTENS_WITHIN, listens).await.is_err() {
                tracing::warn!("clients come in before devices are listened to: the journal takes its time");
            }
            listeners.run(door).await;
        };
        let (tasks, listening) = threads.within(|| (broker.start(), tokio::spawn(letting_in)));
        Ok(Mqtt { broker, listening, _tasks: tasks, _threads: threads })
    }
}

impl Mqtt {
    /// Lets nobody in any more, and sends everybody away.
    pub(super) async fn close(self) {
        self.listening.abort();
        self.broker.close().await;
    }
}
