//! Stores for a node to run on: where they lie, what is in them, and the nodes that run on them.

use crate::{client, history, screen};
use aisle_event::{
    Event, Quantity, SessionId, Sku, Timestamp, Unit, Unknown,
    shopper::{BasketChanged, ProductViewed, SessionStarted},
};
use aisle_harness::{
    node::{NodeOptions, NodeUnderTest},
    shop::{Plan, Shop},
};
use aisle_journal::{Config, Entry, Journal, RealIo};
use anyhow::{Context, Result, bail};
use prometheus_client::registry::Registry;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    env, fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Shoppers who are in the shop while it is measured.
pub(crate) const SHOPPERS: usize = 2_000;
/// What a year asks for beyond the defaults: to remember all of it.
const CONFIG: &str = "[state]\nhistory_max = 1000000\n[log]\nlevel = \"warn\"\n";
/// Events appended together.
const BATCH_EVENTS: usize = 1_000;
/// How long a node may take to replay a year and to learn from it.
const LEARNING_MAX: Duration = Duration::from_secs(900);
const POLL: Duration = Duration::from_millis(20);

/// A directory on the disk that the build is on; `/tmp` may be memory, where a sync costs nothing.
pub(crate) fn scratch() -> Result<TempDir> {
    let program = env::current_exe().context("cannot tell where this program is")?;
    let beside = program.parent().context("this program is in no directory")?;
    tempfile::Builder::new().prefix("bench-").tempdir_in(beside).context("cannot make a directory to work in")
}

/// A small shop: three weeks of 400 products.
pub(crate) fn small() -> Plan {
    Plan { products: 400, days: 21, visits_per_day: 120, ..Plan::usual(1, history::now()) }
}

/// Somebody who is in the shop: looks around where another looked around before.
#[derive(Debug)]
pub(crate) struct Shopper {
    pub(crate) session: SessionId,
    /// Products on offer, oldest first, at least one.
    pub(crate) viewed: Vec<Sku>,
}

/// Writes the shop of a plan into a new store, and shoppers who are in it when it ends.
pub(crate) fn fill(data: &Path, plan: Plan) -> Result<Vec<Shopper>> {
    let (journal, _) =
        Journal::open(&data.join("journal"), Config::default(), Arc::new(RealIo), &mut Registry::default())?;
    let mut shop = Shop::open(plan)?;
    let (mut on_offer, mut views, mut ended) = (BTreeMap::new(), HashMap::new(), VecDeque::new());
    loop {
        let batch: Vec<Event> = shop.by_ref().take(BATCH_EVENTS).collect();
        if batch.is_empty() {
            break;
        }
        journal.append(entries(&batch))?;
        for event in batch {
            match event {
                Event::ProductListed(event) => drop(on_offer.insert(event.sku, event.unit)),
                Event::ProductDelisted(event) => drop(on_offer.remove(&event.sku)),
                Event::ProductViewed(event) => {
                    views.entry(event.session).or_insert_with(Vec::new).push(event.sku);
                }
                Event::SessionEnded(event) => {
                    ended.extend(views.remove(&event.session));
                    if ended.len() > SHOPPERS {
                        ended.pop_front();
                    }
                }
                _ => {}
            }
        }
    }
    let mut shoppers = Vec::new();
    for (number, mut viewed) in ended.into_iter().enumerate() {
        viewed.retain(|sku| on_offer.contains_key(sku));
        if !viewed.is_empty() {
            let shopper = Shopper { session: SessionId::new(format!("bench-{number:04}"))?, viewed };
            journal.append(entries(&shopper.events(&on_offer, history::now())))?;
            shoppers.push(shopper);
        }
    }
    journal.close();
    Ok(shoppers)
}

/// Appends events to the journal of a store that no node runs on.
pub(crate) fn append(data: &Path, events: &[Event]) -> Result<()> {
    let (journal, _) =
        Journal::open(&data.join("journal"), Config::default(), Arc::new(RealIo), &mut Registry::default())?;
    for batch in events.chunks(BATCH_EVENTS) {
        journal.append(entries(batch))?;
    }
    journal.close();
    Ok(())
}

fn entries(events: &[Event]) -> Vec<Entry> {
    events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect()
}

impl Shopper {
    /// Comes in, looks at everything and puts the first thing into the basket.
    fn events(&self, units: &BTreeMap<Sku, Unit>, at: Timestamp) -> Vec<Event> {
        let (session, unknown) = (&self.session, Unknown::default);
        let mut events = vec![
            SessionStarted {
                session: session.clone(),
                kiosk: None,
                language: None,
                at,
                arm: None,
                unknown: unknown(),
            }
            .into(),
        ];
        events.extend(self.viewed.iter().map(|sku| {
            ProductViewed { session: session.clone(), sku: sku.clone(), at, unknown: unknown() }.into()
        }));
        events.extend(self.viewed.first().and_then(|sku| {
            let quantity = Quantity { thousandths: 1_000, unit: *units.get(sku)? };
            let (session, sku) = (session.clone(), sku.clone());
            Some(BasketChanged { session, sku, quantity, at, arm: None, unknown: unknown() }.into())
        }));
        events
    }
}

/// Starts a node on a store, with more configuration behind what every node here gets.
pub(crate) fn node(data: &Path, more: &str) -> Result<NodeUnderTest> {
    let options =
        NodeOptions { data: Some(data.into()), config: format!("{CONFIG}{more}"), ..NodeOptions::default() };
    Ok(NodeUnderTest::start(options)?)
}

/// Waits until a node has learnt from what its journal holds.
pub(crate) fn wait_until_learnt(node: &NodeUnderTest) -> Result<()> {
    let address = client::address(node.url())?;
    let deadline = Instant::now() + LEARNING_MAX;
    while client::json(address, "/v1/recommendations/home")?.get("model").is_none_or(|model| model == 0) {
        if Instant::now() > deadline {
            bail!("the node has learnt nothing after {LEARNING_MAX:?}: {}", node.logs().join("\n"));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// A year of the usual shop at more than three times its usual crowd, with the index made, and the shoppers in it.
pub(crate) fn year(data: &Path) -> Result<Vec<Shopper>> {
    screen::progress(&"generating a year of trade");
    let shoppers = fill(data, history::plan())?;
    screen::progress(&"letting a node make its index of it");
    learn(data)?;
    Ok(shoppers)
}

/// Lets a node make the index of a store.
pub(crate) fn learn(data: &Path) -> Result<()> {
    let mut node = node(data, "")?;
    wait_until_learnt(&node)?;
    node.stop()?;
    Ok(())
}

/// A second store like the first; no node runs on it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy to `{}`", target.display()))?;
        }
    }
    Ok(())
}
