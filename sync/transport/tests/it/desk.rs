//! A desk in memory, by the protocol's own rule for its ledger.

use crate::shelf::id_of;
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Chain, Checked, Header, Item, LogClass, LogId, Point, Version,
    control::{ChunkPart, ChunkWanted, Cursor, Erase, Erased, Hello, Octets, Report},
    hub::{
        AdmitError, Agreement, Alert, Decision, Gate, Known, Ledger, Objection, admit, check, locate, resume,
    },
};
use aisle_transport::desk::{Busy, Desk, Errand, Meeting, NoChunk, NotAdmitted, Parting, Peer, Turned};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

#[derive(Clone)]
struct Rows {
    through: Point,
    mark: Bytes,
    quarantined: bool,
    points: BTreeMap<u64, Point>,
}

#[derive(Default)]
struct Tables {
    logs: BTreeMap<LogId, Rows>,
    /// In the order in which they were committed.
    events: Vec<(StoreId, LogClass, u64)>,
}

struct Transaction<'a> {
    tables: &'a Tables,
    points: Vec<Point>,
    events: Vec<(StoreId, LogClass, u64)>,
    advance: Option<(LogId, Point, Bytes)>,
    quarantine: Option<LogId>,
}

impl Ledger for Transaction<'_> {
    type Error = Infallible;

    async fn known(&mut self, log: &LogId) -> Result<Option<Known>, Infallible> {
        let known = |rows: &Rows| Known {
            through: rows.through,
            mark: rows.mark.clone(),
            quarantined: rows.quarantined,
        };
        Ok(self.tables.logs.get(log).map(known))
    }

    async fn epochs(&mut self, store: &StoreId, class: LogClass) -> Result<u32, Infallible> {
        let of = |log: &&LogId| log.store == *store && log.class == class;
        Ok(self.tables.logs.keys().filter(of).count() as u32)
    }

    async fn holds(&mut self, log: &LogId, point: Point) -> Result<Agreement, Infallible> {
        let own = self.points.iter().find(|own| own.seq == point.seq);
        let held = own.or_else(|| self.tables.logs.get(log)?.points.get(&point.seq));
        Ok(match held {
            None => Agreement::Unknown,
            Some(held) if *held == point => Agreement::Same,
            Some(_) => Agreement::Different,
        })
    }

    async fn insert(
        &mut self,
        log: &LogId,
        after: Point,
        _: &Header,
        _: &Bytes,
        items: &[Item],
    ) -> Result<(), Infallible> {
        let mut chain = Chain::after(after);
        for item in items {
            self.points.push(chain.push(item.hlc, item.kind, &item.payload));
            self.events.push((log.store.clone(), log.class, id_of(&item.payload)));
        }
        Ok(())
    }

    async fn advance(
        &mut self,
        log: &LogId,
        _: Option<Point>,
        to: Point,
        mark: &Bytes,
    ) -> Result<bool, Infallible> {
        self.advance = Some((log.clone(), to, mark.clone()));
        Ok(true)
    }

    async fn quarantine(&mut self, log: &LogId, _: &Checked) -> Result<(), Infallible> {
        self.quarantine = Some(log.clone());
        Ok(())
    }
}

struct AnyRegion;

impl Gate for AnyRegion {
    fn inspect(&self, _: &LogId, _: &Checked, _: &Bytes) -> Result<Bytes, Objection> {
        Ok(Bytes::new())
    }
}

#[derive(Default)]
pub struct Memory {
    tables: Mutex<Tables>,
    /// So many admissions are answered with `Busy` before one is taken.
    pub busy: AtomicUsize,
    /// So many never return.
    pub stuck: AtomicUsize,
    /// Nodes by serial that are not wanted.
    pub banned: Mutex<Vec<String>>,
    pub errands: Mutex<Vec<Errand>>,
    pub contents: Mutex<HashMap<aisle_protocol::Hash, Bytes>>,
    pub reports: Mutex<Vec<Report>>,
    pub erased: Mutex<Vec<Erased>>,
    pub alerts: Mutex<Vec<Alert>>,
    pub met: Mutex<Vec<Peer>>,
    pub parted: Mutex<Vec<(u64, Parting)>>,
    pub is_slow: AtomicBool,
}

fn take(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1)).is_ok()
}

impl Memory {
    /// The ids that came of a store and class, in the order of their commits.
    pub fn ids(&self, store: &str, class: LogClass) -> Vec<u64> {
        let tables = self.tables.lock().unwrap();
        let of = |(s, c, _): &&(StoreId, LogClass, u64)| s.as_str() == store && *c == class;
        tables.events.iter().filter(of).map(|(_, _, id)| *id).collect()
    }

    /// All that came, in the order of commits.
    pub fn events(&self) -> Vec<(StoreId, LogClass, u64)> {
        self.tables.lock().unwrap().events.clone()
    }

    fn transact<T>(&self, run: impl AsyncFnOnce(&mut Transaction<'_>) -> T) -> T {
        let mut tables = self.tables.lock().unwrap();
        let (output, transaction) = {
            let mut transaction = Transaction {
                tables: &tables,
                points: Vec::new(),
                events: Vec::new(),
                advance: None,
                quarantine: None,
            };
            let output = futures_util::FutureExt::now_or_never(run(&mut transaction));
            let Transaction { points, events, advance, quarantine, .. } = transaction;
            (output.expect("memory does not wait"), (points, events, advance, quarantine))
        };
        let (points, events, advance, quarantine) = transaction;
        if let Some((log, through, mark)) = advance {
            let rows = tables.logs.entry(log.clone()).or_insert_with(|| Rows {
                through: log.start(),
                mark: Bytes::new(),
                quarantined: false,
                points: BTreeMap::new(),
            });
            rows.through = through;
            rows.mark = mark;
            rows.points.extend(points.into_iter().map(|point| (point.seq, point)));
            tables.events.extend(events);
        }
        if let Some(rows) = quarantine.and_then(|log| tables.logs.get_mut(&log)) {
            rows.quarantined = true;
        }
        output
    }
}

impl Desk for Memory {
    async fn meet(&self, peer: &Peer) -> Result<Meeting, Turned> {
        self.met.lock().unwrap().push(peer.clone());
        if self.banned.lock().unwrap().contains(&peer.identity.node) {
            return Err(Turned::Refused(format!("`{}` is banned", peer.identity)));
        }
        Ok(Meeting::default())
    }

    async fn resume(&self, _: &Peer, logs: &[LogId]) -> Result<Vec<Cursor>, Busy> {
        Ok(logs
            .iter()
            .map(|log| {
                self.transact(async |ledger| resume(ledger, log).await.unwrap_or_else(|never| match never {}))
            })
            .collect())
    }

    async fn locate(&self, _: &Peer, log: &LogId, points: &[Point]) -> Result<Option<u64>, Busy> {
        Ok(self.transact(async |ledger| {
            locate(ledger, log, points).await.unwrap_or_else(|never| match never {})
        }))
    }

    async fn admit(&self, _: &Peer, log: &LogId, batches: Vec<Batch>) -> Result<Decision, NotAdmitted> {
        if take(&self.busy) {
            return Err(Busy::new(10, "a test wants it so").into());
        }
        if take(&self.stuck) {
            std::future::pending::<()>().await;
        }
        if self.is_slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let checked = check(batches).map_err(|error| NotAdmitted::Broken(error.to_string()))?;
        self.transact(async |ledger| admit(ledger, &AnyRegion, log, &checked).await).map_err(|error| {
            match error {
                AdmitError::Conflict => Busy::new(10, "another was faster").into(),
                AdmitError::Ledger(never) => match never {},
            }
        })
    }

    async fn welcomed(&self, _: &Peer, _: &Hello, _: Version) -> Result<Vec<Errand>, Busy> {
        Ok(self.errands.lock().unwrap().clone())
    }

    async fn chunk(&self, _: &Peer, wanted: ChunkWanted) -> Result<ChunkPart, NoChunk> {
        let contents = self.contents.lock().unwrap();
        let content = contents.get(&wanted.hash).ok_or_else(|| NoChunk::Unknown("no such content".into()))?;
        let from = (wanted.offset as usize).min(content.len());
        let to = from.saturating_add(wanted.bytes_max as usize).min(content.len());
        Ok(ChunkPart {
            hash: wanted.hash,
            offset: from as u64,
            bytes_total: content.len() as u64,
            bytes: Octets(content.slice(from..to)),
        })
    }

    async fn report(&self, _: &Peer, report: Report) -> Result<(), Busy> {
        self.reports.lock().unwrap().push(report);
        Ok(())
    }

    async fn erase(&self, _: &Peer, erase: Erase) -> Result<Option<Erased>, Busy> {
        let receipt = Octets([b"forgotten ", erase.subject.0.as_ref()].concat().into());
        Ok(Some(Erased { id: erase.id, receipt }))
    }

    async fn erased(&self, _: &Peer, erased: Erased) -> Result<(), Busy> {
        self.erased.lock().unwrap().push(erased);
        Ok(())
    }

    async fn alert(&self, _: &Peer, alert: &Alert) {
        self.alerts.lock().unwrap().push(alert.clone());
    }

    async fn parted(&self, peer: &Peer, how: Parting) {
        self.parted.lock().unwrap().push((peer.connection, how));
    }
}
