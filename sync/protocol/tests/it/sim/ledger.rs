//! The hubs' database in memory: transactions that see a snapshot, commits that are not yet on disk, a crash that takes them back.

use super::{mutant::Mutant, random::Random};
use aisle_event::StoreId;
use aisle_protocol::{
    Checked, Header, Item, LogClass, LogId, Point,
    hub::{Agreement, Known, Ledger},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

#[derive(Debug, Clone)]
pub struct Rows {
    /// When the log came up first, among all.
    pub born: usize,
    pub through: Point,
    /// The gate's.
    pub mark: Bytes,
    pub quarantined: bool,
    /// In the order in which they were inserted. There is no unique key: that the cursor keeps doubles out is what is tested.
    pub items: Vec<(Item, Point)>,
    /// Places whose event another epoch holds: a unique key over time, type and payload finds them.
    pub again: BTreeSet<u64>,
    /// The headers of the batches that they came in, each with its receipt.
    pub receipts: Vec<(Header, Bytes)>,
    /// Heads at the ends of batches and within them.
    heads: BTreeMap<u64, Point>,
}

impl Rows {
    fn new(born: usize, log: &LogId) -> Self {
        Self {
            born,
            through: log.start(),
            mark: Bytes::new(),
            quarantined: false,
            items: Vec::new(),
            again: BTreeSet::new(),
            receipts: Vec::new(),
            heads: BTreeMap::new(),
        }
    }
}

pub type Tables = BTreeMap<LogId, Rows>;

/// What of a batch was new.
#[derive(Debug, Clone)]
struct Inserted {
    log: LogId,
    header: Header,
    receipt: Bytes,
    items: Vec<(Item, Point)>,
}

/// What a transaction wants to change.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    inserts: Vec<Inserted>,
    advance: Option<(LogId, Option<Point>, Point, Bytes)>,
    quarantine: Vec<LogId>,
}

#[derive(Debug, Clone, Default)]
pub struct Database {
    /// What readers see.
    pub live: Tables,
    /// What a crash leaves.
    pub durable: Tables,
    pub unsynced: Vec<Changes>,
}

fn apply(tables: &mut Tables, changes: &Changes) {
    let born = tables.len();
    for Inserted { log, header, receipt, items } in &changes.inserts {
        let others = tables.iter().filter(|(other, _)| other.class == log.class && *other != log);
        let held: HashSet<(u64, Bytes)> = others
            .flat_map(|(_, rows)| &rows.items)
            .map(|(item, _)| (item.hlc, item.payload.clone()))
            .collect();
        let rows = tables.entry(log.clone()).or_insert_with(|| Rows::new(born, log));
        rows.receipts.push((*header, receipt.clone()));
        for (item, point) in items {
            rows.items.push((item.clone(), *point));
            if held.contains(&(item.hlc, item.payload.clone())) {
                rows.again.insert(point.seq);
            }
            rows.heads.insert(point.seq, *point);
        }
    }
    if let Some((log, _, to, mark)) = &changes.advance {
        let rows = tables.entry(log.clone()).or_insert_with(|| Rows::new(born, log));
        (rows.through, rows.mark) = (*to, mark.clone());
    }
    for log in &changes.quarantine {
        tables.entry(log.clone()).or_insert_with(|| Rows::new(born, log)).quarantined = true;
    }
}

impl Database {
    /// Makes changes visible, unless the cursor has moved since they were thought up.
    pub fn commit(&mut self, changes: Changes, mutant: Option<Mutant>) -> bool {
        if let Some((log, from, ..)) = &changes.advance
            && self.live.get(log).map(|rows| rows.through) != *from
            && mutant != Some(Mutant::CursorWithoutCompare)
        {
            return false;
        }
        apply(&mut self.live, &changes);
        self.unsynced.push(changes);
        true
    }

    pub fn sync(&mut self) {
        for changes in self.unsynced.drain(..) {
            apply(&mut self.durable, &changes);
        }
    }

    /// Some of what was not synced is there, some is not.
    pub fn crash(&mut self, random: &mut Random) {
        let kept = random.within(0, self.unsynced.len() as u64 + 1) as usize;
        for changes in self.unsynced.drain(..).take(kept) {
            apply(&mut self.durable, &changes);
        }
        self.live = self.durable.clone();
    }
}

/// One transaction: reads what is live now, keeps what it writes to itself.
pub struct Transaction<'a> {
    pub database: &'a Database,
    pub changes: Changes,
    pub mutant: Option<Mutant>,
}

impl Ledger for Transaction<'_> {
    type Error = Infallible;

    async fn known(&mut self, log: &LogId) -> Result<Option<Known>, Infallible> {
        let known = |rows: &Rows| Known {
            through: rows.through,
            mark: rows.mark.clone(),
            quarantined: rows.quarantined,
        };
        Ok(self.database.live.get(log).map(known))
    }

    async fn epochs(&mut self, store: &StoreId, class: LogClass) -> Result<u32, Infallible> {
        let of = |log: &&LogId| log.store == *store && log.class == class;
        Ok(self.database.live.keys().filter(of).count() as u32)
    }

    async fn holds(&mut self, log: &LogId, point: Point) -> Result<Agreement, Infallible> {
        if self.mutant == Some(Mutant::TrimWithoutHashes) {
            return Ok(Agreement::Same);
        }
        let own = self.changes.inserts.iter().flat_map(|new| &new.items).find(|(_, at)| at.seq == point.seq);
        let own = own.map(|(_, at)| *at);
        let head = own.or_else(|| self.database.live.get(log)?.heads.get(&point.seq).copied());
        Ok(match head {
            None => Agreement::Unknown,
            Some(head) if head == point => Agreement::Same,
            Some(_) => Agreement::Different,
        })
    }

    async fn insert(
        &mut self,
        log: &LogId,
        after: Point,
        header: &Header,
        receipt: &Bytes,
        items: &[Item],
    ) -> Result<(), Infallible> {
        assert_eq!(header.end().seq, items.last().unwrap().seq);
        assert_eq!(after.seq + 1, items.first().unwrap().seq);
        // The head of each event, as a hub that keeps all of them has it.
        let mut chain = aisle_protocol::Chain::after(after);
        let points = items.iter().map(|item| (item.clone(), chain.push(item.hlc, item.kind, &item.payload)));
        let (items, receipt) = (points.collect(), receipt.clone());
        self.changes.inserts.push(Inserted { log: log.clone(), header: *header, receipt, items });
        Ok(())
    }

    async fn advance(
        &mut self,
        log: &LogId,
        from: Option<Point>,
        to: Point,
        mark: &Bytes,
    ) -> Result<bool, Infallible> {
        self.changes.advance = Some((log.clone(), from, to, mark.clone()));
        Ok(true)
    }

    async fn quarantine(&mut self, log: &LogId, _: &Checked) -> Result<(), Infallible> {
        self.changes.quarantine.push(log.clone());
        Ok(())
    }
}

/// Runs what never waits: a transaction in memory answers at once.
pub fn at_once<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a transaction in memory does not wait"),
    }
}
