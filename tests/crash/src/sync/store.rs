//! A store: a node with products, its place at the hub, and a line of its own to it.

use super::ledger::Ledger;
use aisle_event::{
    Currency, Event, EventType, Money, Timestamp, Unit, Unknown,
    id::{Name, Sku},
    stock::ProductListed,
};
use aisle_harness::{
    hub::{Call, HubUnderTest, Member},
    link::{TcpLink, UdpLink, Weather},
    node::{NodeOptions, NodeUnderTest},
};
use aisle_journal::{Config, Entry, Journal, RealIo, read_only};
use anyhow::{Result, ensure};
use prometheus_client::registry::Registry;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio::{sync::watch, task::block_in_place};

/// Products on offer.
pub(super) const PRODUCTS: u32 = 20;
/// When they came to be on offer: 1 June 2026.
const LISTED_AT: Timestamp = Timestamp(1_780_272_000_000);

#[derive(Debug)]
pub(super) struct Store {
    id: String,
    node: NodeUnderTest,
    udp: UdpLink,
    tcp: TcpLink,
    /// Where the node is while it is there.
    url: watch::Sender<Option<String>>,
    ledger: Arc<Ledger>,
    data: TempDir,
}

/// The number of a product.
pub(super) fn sku(number: u32) -> String {
    format!("P-{:03}", number % PRODUCTS)
}

impl Store {
    /// A new store with products, whose node runs and may come to the hub.
    pub(super) async fn open(hub: &HubUnderTest, number: u16, seed: u64) -> Result<Self> {
        let id = format!("store-{number}");
        let seed = seed.wrapping_mul(31).wrapping_add(number.into());
        let (udp, tcp) = (UdpLink::start(hub.quic(), seed).await?, TcpLink::start(hub.tls(), seed).await?);
        let call = Call { quic_port: udp.address().port(), tls_port: tcp.address().port() };
        let data = tempfile::Builder::new().prefix("aisle-store-").tempdir()?;
        let node = block_in_place(|| {
            let member = Member::join(hub, &id, call)?;
            list(&data.path().join("journal"))?;
            let config = format!(
                "[log]\nlevel = \"warn\"\n[store]\nid = \"{id}\"\n\
                 [mqtt]\ntcp_listen = \"127.0.0.1:0\"\ntls_listen = \"off\"\n{}",
                member.config
            );
            let options = NodeOptions { data: Some(data.path().into()), config, ..NodeOptions::default() };
            NodeUnderTest::start(options).map_err(anyhow::Error::from)
        })?;
        let url = watch::Sender::new(Some(node.url().to_owned()));
        Ok(Self { id, node, udp, tcp, url, ledger: Arc::default(), data })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Where its node is, as it comes and goes.
    pub(super) fn url(&self) -> watch::Receiver<Option<String>> {
        self.url.subscribe()
    }

    /// Another line: 1 to 5 % of datagrams are lost, they take 10 to 150 ms and overtake each other; sometimes a megabit a second, sometimes
    /// from another address, sometimes nothing gets through at all.
    pub(super) async fn worsen(&self, random: &mut ChaCha8Rng) -> Result<()> {
        let weather = Weather {
            loss_per_mille: random.random_range(10..=50),
            delay_ms: random.random_range(10..=150),
            jitter_ms: random.random_range(0..=40),
            bytes_per_s: (random.random_range(0..3) == 0).then_some(125_000),
            is_blackhole: random.random_range(0..6) == 0,
            ..Weather::default()
        };
        self.udp.set(weather);
        self.tcp.set(weather);
        if random.random_range(0..4) == 0 {
            self.udp.change_address().await?;
            self.tcp.cut();
        }
        Ok(())
    }

    /// A line that does nothing.
    pub(super) fn fair(&self) {
        self.udp.set(Weather::default());
        self.tcp.set(Weather::default());
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) -> Result<()> {
        // Whoever ended by itself was not killed.
        self.node.check()?;
        self.url.send_replace(None);
        self.node.kill()?;
        Ok(())
    }

    pub(super) fn start_again(&mut self) -> Result<()> {
        self.node.start_again()?;
        self.url.send_replace(Some(self.node.url().to_owned()));
        Ok(())
    }

    /// In order.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.url.send_replace(None);
        let status = self.node.stop()?;
        ensure!(status.success(), "the node of `{}` ended with {status}", self.id);
        Ok(())
    }

    /// The documents of all sales in the journal, one for each event, sorted.
    pub(super) fn recorded(&self) -> Result<Vec<String>> {
        let mut documents = Vec::new();
        for record in read_only(&self.journal(), Arc::new(RealIo), 1)? {
            let record = record?;
            if let Event::SaleRecorded(sale) = Event::decode(EventType(record.kind), &record.payload)? {
                documents.push(sale.document.to_string());
            }
        }
        documents.sort_unstable();
        Ok(documents)
    }

    fn journal(&self) -> PathBuf {
        self.data.path().join("journal")
    }
}

/// Writes what the store has on offer, before its node runs for the first time.
fn list(journal: &std::path::Path) -> Result<()> {
    let (journal, _) = Journal::open(journal, Config::default(), Arc::new(RealIo), &mut Registry::default())?;
    let entry = |number: u32| {
        let event = Event::from(ProductListed {
            sku: Sku::new(sku(number))?,
            name: Name::new(format!("Product {number}"))?,
            price: Money::new(100 + i64::from(number), Currency::GBP),
            unit: Unit::Each,
            gtin: None,
            category: None,
            at: LISTED_AT,
            unknown: Unknown::default(),
        });
        anyhow::Ok(Entry { kind: event.kind().0, payload: event.encode() })
    };
    journal.append((0..PRODUCTS).map(entry).collect::<Result<_>>()?)?;
    journal.close();
    Ok(())
}
