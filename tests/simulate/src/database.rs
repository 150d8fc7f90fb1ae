//! The hubs' database in memory: transactions that see a snapshot, commits that are not yet on disk, a crash that takes them back; and the gate
//! in front of it, which is the hub's with the real check of receipts behind it.

use crate::{
    law::{self, Keys},
    mutant::Mutant,
    random::Random,
};
use aisle_event::StoreId;
use aisle_protocol::{
    Checked, Header, Item, LogClass, LogId, Point, PolicyId,
    hub::{Agreement, Gate, Known, Ledger, Objection},
};
use aisle_residency::{
    TrustedPolicy, Verifier,
    receipt::{Cursor, Extent, Presented, Refusal},
    signing::VerifyingKey,
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// When the log came up first, among all.
    pub(crate) born: usize,
    pub(crate) through: Point,
    /// The gate's.
    pub(crate) mark: Bytes,
    pub(crate) quarantined: bool,
    /// In the order in which they were inserted. There is no unique key: that the cursor keeps doubles out is what is tested.
    pub(crate) items: Vec<(Item, Point)>,
    /// Places whose event another epoch holds: a unique key over time, type and payload finds them.
    pub(crate) again: BTreeSet<u64>,
    /// The headers of the batches that they came in, each with its receipt.
    pub(crate) receipts: Vec<(Header, Bytes)>,
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

impl Rows {
    /// The policy that let an event out.
    pub(crate) fn policy_of(&self, seq: u64) -> PolicyId {
        // Of batches that overlap, the first one that holds it brought it.
        let batch = self.receipts.iter().find(|(header, _)| header.end().seq >= seq);
        batch.map(|(header, _)| header.policy).unwrap_or_default()
    }
}

pub(crate) type Tables = BTreeMap<LogId, Rows>;

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
pub(crate) struct Changes {
    inserts: Vec<Inserted>,
    advance: Option<(LogId, Option<Point>, Point, Bytes)>,
    quarantine: Vec<LogId>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Database {
    /// What readers see.
    pub(crate) live: Tables,
    /// What a crash leaves.
    pub(crate) durable: Tables,
    pub(crate) unsynced: Vec<Changes>,
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
    pub(crate) fn commit(&mut self, changes: Changes, mutant: Option<Mutant>) -> bool {
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

    pub(crate) fn sync(&mut self) {
        for changes in self.unsynced.drain(..) {
            apply(&mut self.durable, &changes);
        }
    }

    /// Some of what was not synced is there, some is not.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        let kept = random.within(0, self.unsynced.len() as u64 + 1) as usize;
        for changes in self.unsynced.drain(..).take(kept) {
            apply(&mut self.durable, &changes);
        }
        self.live = self.durable.clone();
    }
}

/// One transaction: reads what is live now, keeps what it writes to itself.
pub(crate) struct Transaction<'a> {
    pub(crate) database: &'a Database,
    pub(crate) changes: Changes,
    pub(crate) mutant: Option<Mutant>,
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
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a transaction in memory does not wait"),
    }
}

/// What a hub's region may hold, by the receipts of the stores' nodes.
#[derive(Debug)]
pub(crate) struct ReceiptGate {
    verifier: Verifier,
    keys: BTreeMap<StoreId, VerifyingKey>,
    mutant: Option<Mutant>,
}

impl ReceiptGate {
    pub(crate) fn new<'k>(
        policies: &[TrustedPolicy],
        keys: impl Iterator<Item = (StoreId, &'k Keys)>,
        mutant: Option<Mutant>,
    ) -> Self {
        let verifier = Verifier::new(law::region(), policies.iter().cloned());
        Self { verifier, keys: keys.map(|(store, keys)| (store, keys.verifying())).collect(), mutant }
    }

    fn verify(&self, batch: &Presented<'_>, mark: &Bytes) -> Result<Bytes, Refusal> {
        let last = if mark.is_empty() {
            Cursor::start(batch.log, &law::region())
        } else {
            minicbor::decode(mark).expect("the mark that was given")
        };
        let (_, next) = self.verifier.verify(&self.keys[&batch.log.store], batch, &last)?;
        Ok(minicbor::to_vec(next).unwrap().into())
    }

    /// Goes through the receipts of a log once more, from the first one on.
    pub(crate) fn verify_all(&self, log: &LogId, rows: &Rows) -> Result<(), String> {
        let all: Vec<Item> = rows.items.iter().map(|(item, _)| item.clone()).collect();
        let mut mark = Bytes::new();
        for (header, receipt) in &rows.receipts {
            let (first, end) = (header.first_seq as usize - 1, header.end().seq as usize);
            let items =
                all.get(first..end).ok_or_else(|| format!("UNEXPECTED: {log} lacks {first}..{end}"))?;
            let (policy, extent) = (header.policy, Extent::from(header));
            let batch = Presented { log, policy, extent, items, receipt };
            mark = self
                .verify(&batch, &mark)
                .map_err(|refusal| format!("UNRECEIPTED: {log} {}: {refusal}", header.first_seq))?;
        }
        Ok(())
    }
}

impl Gate for ReceiptGate {
    fn inspect(&self, log: &LogId, batch: &Checked, mark: &Bytes) -> Result<Bytes, Objection> {
        match self.verify(&Presented::of(log, batch), mark) {
            Ok(next) => Ok(next),
            Err(_) if self.mutant == Some(Mutant::ReceiptSkipped) => {
                Ok(minicbor::to_vec(Cursor::start(log, &law::region())).unwrap().into())
            }
            Err(refusal @ (Refusal::Old { .. } | Refusal::Gap { .. })) => {
                Err(Objection::Receipt(refusal.to_string()))
            }
            Err(refusal @ Refusal::Signature) if !mark.is_empty() => {
                Err(Objection::Receipt(refusal.to_string()))
            }
            Err(refusal) => Err(Objection::Residency(refusal.to_string())),
        }
    }
}
