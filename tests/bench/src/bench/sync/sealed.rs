//! A store's end: events in a journal, sealed by the real outbox, sent by the real client.

use super::{
    clock::Clock,
    member::{NODE, STORE, policy, receipt_key, region, token_keys},
    trade::Sale,
};
use aisle_event::{Event, LogClass, StoreId};
use aisle_journal::{Config, Entry, Journal, RealIo, io::Io};
use aisle_outbox::{Driver, Opened, Outbox, Setup};
use aisle_protocol::{
    Batch, Epoch, Head, LinkKind, Point,
    node::{self, Log, Outbox as Reads},
};
use aisle_transport::{
    Credentials,
    client::{self, Client, Hub, NoBudgetStore, NoLoad, Parts},
};
use anyhow::{Result, bail};
use prometheus_client::registry::Registry;
use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// How often is looked whether all is acknowledged.
const POLL: Duration = Duration::from_micros(200);

fn setup(dir: &Path) -> Result<Setup> {
    Ok(Setup {
        dir: dir.join("outbox"),
        store: StoreId::new(STORE)?,
        region: region()?,
        policy: policy()?,
        token_keys: token_keys()?,
        key: receipt_key()?,
        contributor_key: [8; 32],
        config: aisle_outbox::Config::default(),
        begin_after: 0,
        is_first: true,
    })
}

fn open(dir: &Path, io: Arc<dyn Io>) -> Result<(Journal, Opened)> {
    let mut unseen = Registry::default();
    let (journal, _) = Journal::open(&dir.join("journal"), Config::default(), io.clone(), &mut unseen)?;
    let opened = aisle_outbox::open(setup(dir)?, &journal, io, &mut Registry::default())?;
    Ok((journal, opened))
}

/// Writes sales into a new store, so many to a commit, and seals them as a store without a line does. Gives how many there were.
pub(super) fn sell(
    dir: &Path,
    sales: impl IntoIterator<Item = Result<Sale>>,
    commit: usize,
) -> Result<usize> {
    let clock = Arc::new(Clock::default());
    let mut sales = sales.into_iter().peekable();
    if let Some(Ok(first)) = sales.peek() {
        clock.set(first.noted_ms);
    }
    let (journal, Opened { mut projector, .. }) = open(dir, clock.clone())?;
    let mut sold = 0;
    loop {
        let together = sales.by_ref().take(commit).collect::<Result<Vec<Sale>>>()?;
        let Some(last) = together.last() else { break };
        clock.set(last.noted_ms);
        sold += together.len();
        let entry = |sale: Sale| {
            let event = Event::from(sale.event);
            Entry { kind: event.kind().0, payload: event.encode() }
        };
        journal.append(together.into_iter().map(entry).collect())?;
    }
    projector.seal_all(clock.now_ms())?;
    drop(projector);
    journal.close();
    Ok(sold)
}

/// What the client reads and tells.
struct Ours(Outbox);

impl Reads for Ours {
    type Error = aisle_outbox::ReadError;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Self::Error> {
        Reads::log(&mut self.0, class)
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, Self::Error> {
        Reads::batch_after(&mut self.0, class, seq)
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, Self::Error> {
        Reads::head_at(&mut self.0, class, seq)
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, Self::Error> {
        Reads::points(&mut self.0, class, after, through, points_max)
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, Self::Error> {
        Reads::past(&mut self.0, class)
    }
}

impl client::Outbox for Ours {
    fn acked(&mut self, class: LogClass, epoch: Epoch, through: Point) -> Result<(), Self::Error> {
        // Of an epoch that has ended nothing is to be noted.
        let _is_of_the_running_epoch = self.0.acked(class, epoch, through);
        Ok(())
    }

    fn renew(&mut self, class: LogClass, epoch: Epoch, after: u64) -> Result<(), Self::Error> {
        self.0.renew(class, epoch, after);
        Ok(())
    }
}

/// A client that calls a hub, without an outbox of events yet.
pub(super) fn call<O: client::Outbox>(
    runtime: &Runtime,
    credentials: Credentials,
    store: &str,
    quic_port: u16,
    outbox: O,
) -> Result<Client> {
    let hub = Hub { name: "127.0.0.1".into(), quic_port: Some(quic_port), tls_port: None };
    let mut config = client::Config::new(vec![hub], credentials);
    config.quic_head_start_ms = 8_000;
    let mut node = node::Config::new(StoreId::new(store)?, NODE);
    node.region = region()?.to_string();
    node.link = LinkKind::Fibre;
    node.policy = policy()?.id();
    let parts = Parts {
        outbox,
        budgets: Box::new(NoBudgetStore),
        load: Arc::new(NoLoad),
        listener: Box::new(|_: client::Heard| {}),
    };
    let _within = runtime.enter();
    Ok(Client::start(config, node, 7, parts, &mut Registry::default())?)
}

/// A store on the line.
pub(super) struct Online {
    client: Client,
    outbox: Outbox,
    driver: Driver,
    journal: Journal,
    /// When it began to call.
    called: Instant,
}

impl Online {
    /// Opens a store that has sold, as a start of its node does, and lets it call a hub.
    pub(super) fn open(
        runtime: &Runtime,
        dir: &Path,
        credentials: Credentials,
        quic_port: u16,
    ) -> Result<Self> {
        let (journal, Opened { projector, outbox, .. }) = open(dir, Arc::new(RealIo))?;
        let driver = Outbox::spawn(projector, |_| {})?;
        let called = Instant::now();
        let client = call(runtime, credentials, STORE, quic_port, Ours(outbox.clone()))?;
        Ok(Self { client, outbox, driver, journal, called })
    }

    /// Waits until the hub has said of all sales that they are durable; how long that took from the call on.
    pub(super) fn wait_until_acknowledged(&self, most: Duration) -> Result<Duration> {
        while self.outbox.backlog(LogClass::Sales).events > 0 {
            if self.called.elapsed() > most {
                let status = self.client.status().borrow().clone();
                bail!("not everything is acknowledged after {most:?}: {status:?}");
            }
            if !self.driver.is_running() {
                bail!("the outbox has stopped");
            }
            thread::sleep(POLL);
        }
        Ok(self.called.elapsed())
    }

    /// Hangs up and closes the store.
    pub(super) fn close(self, runtime: &Runtime) -> Result<()> {
        let Self { client, outbox, driver, journal, .. } = self;
        runtime.block_on(client.stop());
        driver.stop()?;
        drop(outbox);
        journal.close();
        Ok(())
    }
}
