//! A hub and its stores killed in the middle of selling, over lines that lose: every sale that was acknowledged is at the hub, once.
//!
//! ```text
//! sellers ──HTTP──> node ── UdpLink, TcpLink (loss, delay, another address) ──> hub ── SQLite or PostgreSQL
//!    │ 2xx            │ SIGKILL, restart                                          │ SIGKILL, restart
//!    └─> Ledger       └─> journal, read at the end                                └─> events, asked for at the end
//! ```
//!
//! Lives here: the [`Plan`] of a run and the [`Report`] of what came of it. A promise that was not kept is an error that names the sale.
//! Guards invariants 1 and 5 across the wall, and that after the last fault everything converges within a bound.

mod hub;
mod ledger;
mod seller;
mod store;

use aisle_harness::{
    hub::{HubOptions, HubUnderTest},
    postgres::Postgres,
};
use anyhow::{Context, Result, bail, ensure};
use hub::Asked;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seller::Seller;
use std::{
    fmt,
    time::{Duration, Instant},
};
use store::Store;
use tokio::{
    sync::watch,
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};

/// How long a round may take: selling, the kills, and the restarts with their replays.
const ROUND_MAX: Duration = Duration::from_secs(120);
/// How long sellers may take to come to an end when nothing is killed any more.
const SELLING_MAX: Duration = Duration::from_secs(60);
/// How long after the last fault everything may take to be at the hub.
const CONVERGED_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(200);

/// Where the hub keeps what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Database {
    /// A file of SQLite's.
    Sqlite,
    /// A PostgreSQL of its own.
    Postgres,
}

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How often somebody is killed, the hub as often as a store.
    pub rounds: u32,
    /// How many stores there are.
    pub stores: u16,
    /// How many sell in each store, all the time.
    pub sellers: u16,
    /// Decides who is killed when, and how the lines are.
    pub seed: u64,
    /// Where the hub keeps what it has.
    pub database: Database,
}

/// Who was killed how often.
#[derive(Debug, Clone, Copy, Default)]
struct Kills {
    hubs: u32,
    stores: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    plan: Plan,
    kills: Kills,
    sales: u64,
    repeated: u64,
    converged: Duration,
    elapsed: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, kills, sales, repeated, converged, elapsed } = self;
        write!(
            f,
            "{} kills of the hub and {} of {} stores (seed {}, {:?}) in {elapsed:.1?}: {sales} sales acknowledged, {repeated} of them asked for \
             again after a broken answer; all of them at the hub once, {converged:.1?} after the last fault; every chain and receipt holds",
            kills.hubs, kills.stores, plan.stores, plan.seed, plan.database
        )
    }
}

impl Plan {
    /// Does it, with a hub, stores and lines of its own.
    ///
    /// # Errors
    /// When a promise was not kept, or a process does not run.
    pub fn run(self) -> Result<Report> {
        ensure!(self.stores > 0 && self.sellers > 0, "somebody must sell");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(self.run_here())
    }

    async fn run_here(self) -> Result<Report> {
        let started = Instant::now();
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        // Dropped after the hub.
        let server = match self.database {
            Database::Sqlite => None,
            Database::Postgres => Some(block_in_place(|| Postgres::start(&std::env::temp_dir()))?),
        };
        let mut options = HubOptions::default();
        if let Some(server) = &server {
            options.database = server.database("killed")?;
        }
        let mut hub = block_in_place(|| HubUnderTest::start(options))?;
        let mut stores = Vec::new();
        for number in 1..=self.stores {
            stores.push(Store::open(&hub, number, self.seed).await?);
        }
        let (stop, stopped) = watch::channel(false);
        let mut selling = JoinSet::new();
        for store in &stores {
            for number in 0..self.sellers {
                selling.spawn(Seller::new(store, number, stopped.clone())?.sell());
            }
        }
        let mut kills = Kills::default();
        for round in 1..=self.rounds {
            let killing = timeout(ROUND_MAX, kill(&mut random, &mut hub, &mut stores, &mut kills));
            tokio::select! {
                done = killing => done.unwrap_or_else(|_| bail!("not done after {ROUND_MAX:?}")),
                Some(ended) = selling.join_next() => match ended? {
                    Ok(()) => bail!("a seller ended before the end"),
                    Err(error) => Err(error),
                },
            }
            .with_context(|| format!("round {round} (seed {})", self.seed))?;
        }
        for store in &stores {
            store.fair();
        }
        let last_fault = Instant::now();
        stop.send_replace(true);
        let ending = async {
            while let Some(ended) = selling.join_next().await {
                ended??;
            }
            Ok::<_, anyhow::Error>(())
        };
        timeout(SELLING_MAX, ending)
            .await
            .unwrap_or_else(|_| bail!("sales did not come to an end within {SELLING_MAX:?}"))?;
        let (mut sales, mut repeated) = (0, 0);
        let asked = Asked::at(&hub)?;
        for store in &stores {
            let recorded = block_in_place(|| store.recorded())?;
            store.ledger().check_journal(&recorded).with_context(|| format!("`{}`", store.id()))?;
            let left = CONVERGED_MAX.saturating_sub(last_fault.elapsed());
            self.arrive(&asked, store, &recorded, left)
                .await
                .with_context(|| format!("`{}` (seed {})", store.id(), self.seed))?;
            sales += store.ledger().acknowledged();
            repeated += store.ledger().repeated();
        }
        let converged = last_fault.elapsed();
        for store in &mut stores {
            block_in_place(|| store.stop())?;
        }
        block_in_place(|| hub.stop())?;
        // It computes every chain and looks at every receipt again.
        block_in_place(|| hub.ask(&["verify"]))?;
        Ok(Report { plan: self, kills, sales, repeated, converged, elapsed: started.elapsed() })
    }

    /// Waits until the hub has what the journal has, and holds it to having nothing twice and nothing else.
    async fn arrive(self, asked: &Asked, store: &Store, recorded: &[String], left: Duration) -> Result<()> {
        let deadline = Instant::now() + left;
        loop {
            let mut there = asked.sales(store.id()).await?;
            there.sort_unstable();
            if let Some(twice) = ledger::twice(&there) {
                bail!("sale `{twice}` is at the hub twice");
            }
            if let Some(strange) = there.iter().find(|document| recorded.binary_search(document).is_err()) {
                bail!("sale `{strange}` is at the hub and not in the journal");
            }
            if there.len() == recorded.len() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let lacks = recorded.iter().find(|document| there.binary_search(document).is_err());
                let lacks = lacks.map_or("none", String::as_str);
                bail!(
                    "{} of {} sales are at the hub {CONVERGED_MAX:?} after the last fault; the first that is not: `{lacks}`",
                    there.len(),
                    recorded.len()
                );
            }
            sleep(POLL).await;
        }
    }
}

/// A round: other weather on every line, and somebody killed; sometimes the hub and a store at once.
async fn kill(
    random: &mut ChaCha8Rng,
    hub: &mut HubUnderTest,
    stores: &mut [Store],
    kills: &mut Kills,
) -> Result<()> {
    for store in &*stores {
        store.worsen(random).await?;
    }
    sleep(Duration::from_millis(random.random_range(50..1_200))).await;
    let is_hub = random.random_range(0..2) == 0;
    let is_store = !is_hub || random.random_range(0..4) == 0;
    let victim = random.random_range(0..stores.len());
    let victim = stores.get_mut(victim).filter(|_| is_store);
    if is_hub {
        // Whoever ended by itself was not killed.
        hub.check()?;
        block_in_place(|| hub.kill())?;
        kills.hubs += 1;
    }
    // The others go on meanwhile.
    let without = Duration::from_millis(random.random_range(0..600));
    if let Some(store) = victim {
        block_in_place(|| store.kill())?;
        kills.stores += 1;
        sleep(without).await;
        block_in_place(|| store.start_again())?;
    } else {
        sleep(without).await;
    }
    if is_hub {
        block_in_place(|| hub.start_again())?;
    }
    Ok(())
}
