//! A whole node killed in the middle of publishing: every acknowledged message is in the journal and reached everybody.
//!
//! ```text
//! publishers ─QoS 1 and 2, kept sessions, DUP on the next connection─> the node ─> two subscribers with kept sessions
//!                                                                        │ SIGKILL, restart, on and on
//!                                                                        └─> journal, read while the node is down
//! ```
//!
//! Lives here: the [`Plan`] of a run and the [`Report`] of what came of it. A promise that was not kept is an error that
//! names the message. Guards invariant 1 for those who speak MQTT.

mod journal;
mod ledger;
mod line;
mod publisher;
mod subscriber;

use aisle_harness::node::{NodeOptions, NodeUnderTest};
use anyhow::{Context, Result, bail, ensure};
use journal::Follower;
use ledger::{Ledger, Totals};
use line::Line;
use publisher::Publisher;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use subscriber::Subscriber;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// How long a round may take: the publishing, the kill, the restart and what is made up for.
const ROUND_MAX: Duration = Duration::from_secs(60);
/// How long nothing may come before it is believed that nothing more does.
const QUIET: Duration = Duration::from_millis(700);
const POLL: Duration = Duration::from_micros(200);

/// Every client may do anything, and nobody's queue is too short for a round.
const CONFIG: &str = "[log]
level = \"warn\"
[mqtt]
tcp_listen = \"127.0.0.1:0\"
tls_listen = \"off\"
[mqtt.anonymous]
publish = [\"#\"]
subscribe = [\"#\"]
";

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How often the node is killed: once in each round.
    pub kills: u32,
    /// Messages of a round, half of them QoS 1, half QoS 2.
    pub messages: u32,
    /// Who publishes them.
    pub clients: u16,
    /// Messages that each has on their way at most.
    pub window: u16,
    /// Decides when the node is killed.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    plan: Plan,
    totals: Totals,
    records: u64,
    elapsed: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, totals, records, elapsed } = self;
        write!(
            f,
            "{} kills (seed {}), {} messages of {} clients acknowledged in {elapsed:.1?}: {} were sent again, {} QoS 1 \
             messages are in the journal more than once for it, {} deliveries came again with QoS 1; {records} records, \
             nothing lost, no QoS 2 message twice",
            plan.kills,
            plan.seed,
            totals.messages,
            plan.clients,
            totals.sent_again,
            totals.in_journal_again,
            totals.delivered_again
        )
    }
}

impl Plan {
    /// Does it, with a node and a store of its own.
    ///
    /// # Errors
    /// When a promise was not kept, or the node does not run.
    pub fn run(self) -> Result<Report> {
        ensure!(self.clients > 0 && self.window > 0, "somebody must publish");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(self.run_here())
    }

    async fn run_here(self) -> Result<Report> {
        let started = Instant::now();
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let options = NodeOptions { config: CONFIG.into(), ..NodeOptions::default() };
        let mut node = NodeUnderTest::start(options)?;
        let mut journal = Follower::new(node.data().join("journal"));
        let ledger = Arc::new(Ledger::new(self.clients));
        let line = Line::default();
        connect(&line, &node)?;

        let mut subscribers = JoinSet::new();
        for qos in [1, 2] {
            let subscriber = Subscriber::introduce(qos, &line, &ledger).await?;
            subscribers.spawn(subscriber.follow());
        }
        let mut publishers: Vec<Publisher> = (0..self.clients)
            .map(|client| Publisher::new(client, self.window, line.clone(), Arc::clone(&ledger)))
            .collect();
        let each = self.messages.div_ceil(self.clients.into());
        for round in 1..=self.kills {
            let kill_at = ledger.totals().acknowledged + u64::from(random.random_range(0..self.messages));
            let a_little_later = Duration::from_micros(random.random_range(0..3_000));
            let mut publishing = JoinSet::new();
            for publisher in publishers.drain(..) {
                publishing.spawn(publisher.publish_up_to(round * each));
            }
            let killing = async {
                while ledger.totals().acknowledged < kill_at {
                    sleep(POLL).await;
                }
                sleep(a_little_later).await;
                line.cut();
                node.kill()?;
                line.wait_until_dead().await;
                journal.read_on(&ledger)?;
                ledger.check_journal()?;
                tokio::task::block_in_place(|| node.start_again())?;
                connect(&line, &node)
            };
            let publishing = async {
                while let Some(publisher) = publishing.join_next().await {
                    publishers.push(publisher??);
                }
                Ok(())
            };
            let wanted = u64::from(round) * u64::from(each) * u64::from(self.clients);
            let whole = async {
                tokio::try_join!(killing, publishing)?;
                while ledger.totals().delivered_to_all < wanted {
                    sleep(POLL).await;
                }
                Ok::<_, anyhow::Error>(())
            };
            tokio::select! {
                done = timeout(ROUND_MAX, whole) => {
                    done.unwrap_or_else(|_| bail!("not done after {ROUND_MAX:?}: {}", ledger.missing()))
                }
                Some(ended) = subscribers.join_next() => ended?,
            }
            .with_context(|| format!("round {round} (seed {})", self.seed))?;
            ledger.check_deliveries().with_context(|| format!("round {round} (seed {})", self.seed))?;
        }
        self.conclude(&ledger, &line, &mut node, &mut journal).await?;
        subscribers.shutdown().await;
        Ok(Report {
            plan: self,
            totals: ledger.totals(),
            records: journal.records(),
            elapsed: started.elapsed(),
        })
    }

    /// Waits for what must not come any more, and reads the rest of the journal.
    async fn conclude(
        self,
        ledger: &Ledger,
        line: &Line,
        node: &mut NodeUnderTest,
        journal: &mut Follower,
    ) -> Result<()> {
        let mut before = ledger.totals();
        loop {
            sleep(QUIET).await;
            let now = ledger.totals();
            if now.deliveries == before.deliveries {
                break;
            }
            before = now;
        }
        line.cut();
        node.kill()?;
        line.wait_until_dead().await;
        journal.read_on(ledger)?;
        journal.verify()?;
        ledger.check_journal()?;
        ledger.check_deliveries()?;
        if !ledger.is_complete() {
            bail!("{}", ledger.missing());
        }
        Ok(())
    }
}

fn connect(line: &Line, node: &NodeUnderTest) -> Result<()> {
    line.connect(node.mqtt().context("the node does not say where it takes MQTT over TCP")?);
    Ok(())
}
