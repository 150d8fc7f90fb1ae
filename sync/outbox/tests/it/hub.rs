//! A hub that takes no one's word: it recomputes every chain and checks every receipt, and remembers every byte that it was sent.

use crate::{
    gate::{node, region},
    support::plain,
};
use aisle_event::{LogClass, StoreId};
use aisle_protocol::{Batch, Chain, Epoch, Item, LogId, Point};
use aisle_residency::{
    TrustedPolicy, Verifier,
    receipt::{Cursor, Extent, Presented},
};
use bytes::Bytes;
use std::collections::BTreeMap;

#[derive(Clone)]
pub struct Received {
    pub items: Vec<Item>,
    through: Point,
    cursor: Cursor,
}

pub struct Hub {
    verifier: Verifier,
    pub logs: BTreeMap<(LogClass, Epoch), Received>,
    /// Which epoch came when.
    pub order: Vec<(LogClass, Epoch)>,
    pub sent: BTreeMap<(LogClass, Epoch, u64), Bytes>,
    /// Epochs of which nothing more is taken.
    pub forked: Vec<Epoch>,
}

impl Hub {
    pub fn new() -> Self {
        Self::with([plain()])
    }

    pub fn with(policies: impl IntoIterator<Item = TrustedPolicy>) -> Self {
        let verifier = Verifier::new(region("eu"), policies);
        Self { verifier, logs: BTreeMap::new(), order: Vec::new(), sent: BTreeMap::new(), forked: Vec::new() }
    }

    pub fn through(&self, class: LogClass, epoch: Epoch) -> u64 {
        self.point(class, epoch).map_or(0, |point| point.seq)
    }

    pub fn point(&self, class: LogClass, epoch: Epoch) -> Option<Point> {
        self.logs.get(&(class, epoch)).map(|log| log.through)
    }

    /// Whether a place of a log is there with this head.
    pub fn has(&self, class: LogClass, epoch: Epoch, point: Point) -> bool {
        let log = LogId { store: StoreId::new("store-1").unwrap(), class, epoch };
        let items = self.logs.get(&(class, epoch)).map_or(&[][..], |log| &log.items);
        let mut chain = Chain::after(log.start());
        point == log.start()
            || items.iter().any(|item| chain.push(item.hlc, item.kind, &item.payload) == point)
    }

    pub fn take(&mut self, batch: &Batch) {
        let header = *batch.header();
        let (class, epoch) = (header.class, header.epoch);
        let before = self.sent.insert((class, epoch, header.first_seq), batch.bytes().clone());
        assert!(
            before.is_none_or(|before| before == batch.bytes()),
            "{class} {} was sealed twice",
            header.first_seq
        );
        let log = LogId { store: StoreId::new("store-1").unwrap(), class, epoch };
        let received = self.logs.entry((class, epoch)).or_insert_with(|| {
            self.order.push((class, epoch));
            Received { items: Vec::new(), through: log.start(), cursor: Cursor::start(&log, &region("eu")) }
        });
        if header.end().seq <= received.through.seq {
            return;
        }
        assert_eq!(header.start(), received.through, "{log}");
        let checked = batch.clone().check().unwrap();
        let presented = Presented {
            log: &log,
            policy: header.policy,
            extent: Extent::from(&header),
            items: checked.items(),
            receipt: batch.receipt(),
        };
        let verified = self.verifier.verify(&node().verifying_key(), &presented, &received.cursor);
        let (_, cursor) = verified.unwrap_or_else(|refusal| panic!("{log}: {refusal}"));
        received.cursor = cursor;
        received.through = header.end();
        received.items.extend_from_slice(checked.items());
    }

    /// Everything that came of a class, epoch after epoch: the hybrid times.
    pub fn times(&self, class: LogClass) -> Vec<u64> {
        let epochs = self.order.iter().filter(|(of, _)| *of == class);
        epochs.flat_map(|key| &self.logs[key].items).map(|item| item.hlc).collect()
    }

    /// The same with each event once: what another epoch holds already is not shown again.
    pub fn times_once(&self, class: LogClass) -> Vec<u64> {
        let mut times = self.times(class);
        times.sort_unstable();
        times.dedup();
        times
    }
}
