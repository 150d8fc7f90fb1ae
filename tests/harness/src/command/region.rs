//! What stands around the demo's store: a hub, two more stores that are smaller, the lines between all of them, and whoever cuts these.
//!
//! Guards: all of it is gone with this: processes, folders, lines.

use super::{
    outage::{Cutter, KEY, Outage},
    releases::{self, Releases},
    screen,
    signals::Signals,
    store,
};
use aisle_event::Timestamp;
use aisle_harness::{
    hub::{Approval, Desk, HubOptions, HubUnderTest, Lines, Member, Sight, Standing, Watched, Watcher},
    node::{NodeOptions, NodeUnderTest},
    shop::Plan,
    shoppers::{Crowd, Tally},
};
use anyhow::{Context, Result, bail};
use std::{
    path::Path,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle, time::sleep};

/// A smaller store: enough that its hub hears of it all the time.
const PRODUCTS: usize = 300;
const DAYS: u32 = 7;
const VISITS_PER_DAY: u32 = 60;
const SHOPPERS: usize = 4;
/// How long the hub may take at the end until it has every sale.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);
/// A sale is sealed for the hub after a second; twice that, and a look at it.
const SEALED_WITHIN: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The type of event that the last words count.
const SALE: &str = "SaleRecorded";

/// The hub and the lines to it, with every store a member; no store runs yet.
pub(super) struct Region {
    hub: HubUnderTest,
    lines: Lines,
    members: Vec<Member>,
}

/// A region in which all stores run. In the order in which it goes: who looks on and who cuts, then shoppers and stores, then lines and hub.
pub(super) struct Lively {
    cutter: Cutter,
    releases: Option<Releases>,
    watcher: Watcher,
    stop: watch::Sender<bool>,
    branches: Vec<Branch>,
    region: Region,
    desk: Desk,
    began: Timestamp,
}

/// A smaller store that runs, with shoppers in it.
struct Branch {
    store: String,
    /// When its shoppers were let in.
    began: Timestamp,
    tally: Arc<Tally>,
    shopping: JoinHandle<Result<()>>,
    node: NodeUnderTest,
    _data: TempDir,
}

impl Region {
    /// Starts the hub and lets the demo's store and so many more be its members.
    pub(super) async fn start(first: &str, more: usize, seed: u64) -> Result<Self> {
        screen::line("starting the hub");
        let options = HubOptions { enrolment: Some(Approval::Auto), ..HubOptions::default() };
        let starting = tokio::task::spawn_blocking(|| HubUnderTest::start(options));
        let hub = starting.await.context("the hub's start was cut short")??;
        let signing = tokio::task::spawn_blocking(move || hub.sign_artefacts().map(|()| hub));
        let hub = signing.await.context("the ceremony was cut short")??;
        let lines = Lines::start(1 + more, hub.quic(), hub.tls(), seed).await?;
        let names =
            (1..=1 + more).map(|number| if number == 1 { first.into() } else { format!("{first}-{number}") });
        let members: Result<Vec<Member>, _> =
            names.zip(lines.calls()).map(|(store, call)| Member::invite(&hub, &store, call)).collect();
        Ok(Self { members: members?, hub, lines })
    }

    /// What the configuration of the demo's own store has to say about the hub.
    pub(super) fn config(&self) -> &str {
        self.members.first().map_or("", |member| &member.config)
    }

    /// Has the box of the demo's own store claim itself; its data is there, and no node runs on it.
    pub(super) async fn enrol(&self, data: &Path) -> Result<()> {
        match self.members.first() {
            Some(member) => enrol(member, data).await,
            None => Ok(()),
        }
    }

    /// Starts the smaller stores and lets shoppers in; `None` when told to stop meanwhile. The demo's store runs already, at `url`.
    pub(super) async fn come_alive(
        self,
        url: &str,
        seed: u64,
        outage: Option<Outage>,
        signals: &mut Signals,
    ) -> Result<Option<Lively>> {
        let began = now();
        let (stop, stopped) = watch::channel(false);
        let mut branches = Vec::new();
        for (member, number) in self.members.iter().skip(1).zip(1_u64..) {
            let seed = seed.wrapping_add(number);
            let mut opened = pin!(Branch::open(member, seed, stopped.clone()));
            tokio::select! {
                branch = &mut opened => branches.push(branch?),
                () = signals.stop() => {
                    // The generator writes for a few seconds; the directory cannot go before it is done.
                    return opened.await.map(|_| None);
                }
            }
        }
        let desk = Desk::at(&self.hub)?;
        let first =
            self.members.first().map(|member| Watched { store: member.store.clone(), url: url.into() });
        let others = branches
            .iter()
            .map(|branch| Watched { store: branch.store.clone(), url: branch.node.url().to_owned() });
        let watcher = Watcher::start(desk.clone(), first.into_iter().chain(others).collect())?;
        let cutter = Cutter::start(&self.lines, outage);
        let releases = match self.members.get(1) {
            Some(pilot) => Releases::start(&self.hub, &pilot.store, stop.subscribe()).await?,
            None => None,
        };
        Ok(Some(Lively { cutter, releases, watcher, stop, branches, region: self, desk, began }))
    }
}

/// Has a box claim itself, as an installer does.
async fn enrol(member: &Member, data: &Path) -> Result<()> {
    screen::line(format_args!("the store {} enrols itself", member.store));
    let (member, data) = (member.clone(), data.to_owned());
    let enrolling = tokio::task::spawn_blocking(move || member.enrol(&data));
    Ok(enrolling.await.context("a claim was cut short")??)
}

impl Branch {
    async fn open(member: &Member, seed: u64, stopped: watch::Receiver<bool>) -> Result<Self> {
        let store = member.store.clone();
        screen::line(format_args!("opening the store {store}"));
        let data = tempfile::Builder::new().prefix("aisle-demo-store-").tempdir();
        let data = data.with_context(|| format!("cannot make a temporary directory for {store}"))?;
        let end = store::now();
        let plan = Plan { seed, products: PRODUCTS, days: DAYS, visits_per_day: VISITS_PER_DAY, end };
        store::fill(data.path(), plan).await?;
        enrol(member, data.path()).await?;
        let options = NodeOptions {
            data: Some(data.path().into()),
            config: format!("[store]\nid = \"{store}\"\n{}{}", member.config, releases::CONFIG),
            ..NodeOptions::default()
        };
        let node = store::serve(options).await?;
        let (began, tally) = (now(), Arc::new(Tally::default()));
        let (shared, crowd) = (Arc::clone(&tally), Crowd::new(node.url(), SHOPPERS, seed));
        let shopping =
            tokio::spawn(
                async move { crowd.shop(shared, stopped).await.context("cannot make an HTTP client") },
            );
        Ok(Self { store, began, tally, shopping, node, _data: data })
    }
}

impl Lively {
    /// For the page.
    pub(super) fn sight(&self) -> Sight {
        Sight { picture: self.watcher.picture(), lines: self.region.lines.clone() }
    }

    /// What to tell at the start.
    pub(super) fn introduce(&self) {
        let token = self.region.hub.folder().join("data/hub.token");
        screen::line(format_args!(
            "  hub      {}/  the console, for whoever has the token in {}\n",
            self.region.hub.url(),
            token.display()
        ));
        for branch in &self.branches {
            screen::line(format_args!("  {:<8} {}/", branch.store, branch.node.url()));
        }
        if self.cutter.has_keys() {
            screen::line(format_args!(
                "press `{}` to cut the line between the stores and their hub, and again to mend it",
                char::from(KEY)
            ));
        }
        screen::line(
            "the floor's page shows what waits for the hub and what the gate removed, and has a button that cuts the line",
        );
    }

    /// Makes sure that everything still runs; how the hub stands, in a few words.
    pub(super) fn check(&mut self) -> Result<String> {
        self.region.hub.check()?;
        for branch in &mut self.branches {
            branch.node.check().with_context(|| format!("the store {}", branch.store))?;
        }
        let picture = self.watcher.picture();
        let waiting: u64 = picture.borrow().iter().filter_map(|standing| standing.backlog).sum();
        let rolls = if self.releases.as_ref().is_some_and(|releases| !releases.are_over()) {
            ", a rollout is under way"
        } else {
            ""
        };
        Ok(match self.region.lines.cut_for() {
            Some(cut) => format!("LINE CUT for {} s, {waiting} events wait{rolls}", cut.as_secs()),
            None => format!("line there, {waiting} events wait{rolls}"),
        })
    }

    /// Sends the shoppers of the smaller stores home, mends the line, waits until the hub has caught up, and says who sold how much and what
    /// of it is there. The demo's own store sold `first`, and still runs.
    pub(super) async fn conclude(&mut self, first: u64) -> Result<()> {
        self.stop.send_replace(true);
        for branch in &mut self.branches {
            (&mut branch.shopping).await.context("the shoppers came to a bad end")??;
        }
        self.cutter.rest();
        self.region.lines.mend();
        if !self.catch_up().await {
            screen::line(format_args!(
                "the hub has not caught up within {} s; what it lacks is in the stores",
                CATCH_UP_MAX.as_secs()
            ));
        }
        let others = self.branches.iter().map(|branch| (branch.began, branch.tally.counts().sales));
        let sold = [(self.began, first)].into_iter().chain(others);
        let picture = self.watcher.picture();
        for (member, (began, sold)) in self.region.members.iter().zip(sold) {
            let there = self.desk.count(&member.store, SALE, began.0).await?;
            let all = at_hub(&picture.borrow(), &member.store);
            screen::line(format_args!(
                "{}: shoppers and tills paid {sold} times; the hub has {there} sales since, and {all} events of this store in all",
                member.store
            ));
        }
        Ok(())
    }

    /// Waits until no sale waits for the hub any more; `false` when that takes too long.
    async fn catch_up(&self) -> bool {
        let (began, picture) = (Instant::now(), self.watcher.picture());
        let is_there = |standing: &Standing| standing.is_connected() && standing.backlog_of_sales == Some(0);
        while began.elapsed() < CATCH_UP_MAX {
            sleep(LOOK_EVERY).await;
            if began.elapsed() > SEALED_WITHIN && picture.borrow().iter().all(is_there) {
                return true;
            }
        }
        false
    }

    /// Stops the smaller stores in order, then the hub. To be called when the demo's own store has stopped.
    pub(super) fn stop(self) -> Result<()> {
        self.stop.send_replace(true);
        let Self { mut branches, mut region, .. } = self;
        for branch in &mut branches {
            let status = branch.node.stop()?;
            if !status.success() {
                bail!(
                    "the store {} stopped with {status}; its last lines:\n{}",
                    branch.store,
                    branch.node.logs().join("\n")
                );
            }
        }
        let status = region.hub.stop()?;
        if !status.success() {
            bail!("the hub stopped with {status}; its last lines:\n{}", region.hub.logs().join("\n"));
        }
        Ok(())
    }
}

/// The second that it is: the hub is told of times in whole seconds.
fn now() -> Timestamp {
    Timestamp(store::now().0 / 1_000 * 1_000)
}

fn at_hub(picture: &[Standing], store: &str) -> u64 {
    picture.iter().find(|standing| standing.store == store).map_or(0, |standing| standing.at_hub)
}
