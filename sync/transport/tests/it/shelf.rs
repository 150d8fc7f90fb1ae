//! An outbox in memory: everything in it counts as durable at once.

use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Chain, Epoch, Head, Item, LogClass, LogId, Point, PolicyId,
    node::{self, Log},
};
use aisle_transport::client;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

struct Shelved {
    id: LogId,
    acked: Point,
    batches: BTreeMap<u64, Batch>,
    items: Vec<Item>,
    /// After each event; the first is before all.
    points: Vec<Point>,
    past: Vec<(Epoch, Point)>,
}

impl Shelved {
    fn new(id: LogId) -> Self {
        let start = id.start();
        Self {
            id,
            acked: start,
            batches: BTreeMap::new(),
            items: Vec::new(),
            points: vec![start],
            past: Vec::new(),
        }
    }

    fn last(&self) -> Point {
        *self.points.last().unwrap()
    }

    fn seal(&mut self, payloads: impl IntoIterator<Item = (u64, Bytes)>) {
        let after = self.last();
        let mut chain = Chain::after(after);
        let items: Vec<Item> = payloads
            .into_iter()
            .zip(after.seq + 1..)
            .map(|((hlc, payload), seq)| Item { seq, hlc, kind: 0x0201, payload })
            .collect();
        self.points.extend(items.iter().map(|item| chain.push(item.hlc, item.kind, &item.payload)));
        let batch =
            Batch::seal(&self.id, after, &items, PolicyId::default(), |_| Bytes::from_static(b"ok")).unwrap();
        self.batches.insert(after.seq + 1, batch);
        self.items.extend(items);
    }
}

#[derive(Clone)]
pub struct Shelf {
    store: StoreId,
    logs: Arc<Mutex<BTreeMap<LogClass, Shelved>>>,
    epochs: Arc<Mutex<u8>>,
}

pub fn payload(id: u64, filling: usize) -> Bytes {
    let mut out = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut out);
    // Noise, so that bytes on the way are about as many as these.
    let mut noise = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let filling: Vec<u8> = std::iter::repeat_with(|| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        (noise >> 32) as u8
    })
    .take(filling)
    .collect();
    encoder.map(2).unwrap().u8(1).unwrap().u64(id).unwrap().u8(2).unwrap().bytes(&filling).unwrap();
    out.into()
}

pub fn id_of(payload: &[u8]) -> u64 {
    let mut decoder = minicbor::Decoder::new(payload);
    decoder.map().unwrap();
    decoder.u8().unwrap();
    decoder.u64().unwrap()
}

impl Shelf {
    pub fn new(store: &str) -> Self {
        let store = StoreId::new(store).unwrap();
        let id = |class| LogId { store: store.clone(), class, epoch: Epoch([class.number() + 1; 16]) };
        let logs = LogClass::ALL.into_iter().map(|class| (class, Shelved::new(id(class)))).collect();
        Self { store, logs: Arc::new(Mutex::new(logs)), epochs: Arc::new(Mutex::new(100)) }
    }

    /// Seals batches of so many events with these ids.
    pub fn seal(&self, class: LogClass, ids: std::ops::Range<u64>, batch: usize, filling: usize) {
        let mut logs = self.logs.lock().unwrap();
        let ids: Vec<u64> = ids.collect();
        for ids in ids.chunks(batch) {
            let payloads = ids.iter().map(|id| (*id << 16, payload(*id, filling)));
            logs.get_mut(&class).unwrap().seal(payloads);
        }
    }

    pub fn is_acked(&self) -> bool {
        self.logs.lock().unwrap().values().all(|log| log.acked.seq == log.last().seq)
    }
}

impl node::Outbox for Shelf {
    type Error = Infallible;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Infallible> {
        let logs = self.logs.lock().unwrap();
        let log = &logs[&class];
        Ok(Some(Log { epoch: log.id.epoch, floor: log.id.start(), acked: log.acked, last: log.last() }))
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, Infallible> {
        let logs = self.logs.lock().unwrap();
        let batch = logs[&class].batches.range(..=seq + 1).next_back();
        Ok(batch.map(|(_, batch)| batch).filter(|batch| batch.header().end().seq > seq).cloned())
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, Infallible> {
        Ok(self.logs.lock().unwrap()[&class].points.get(seq as usize).map(|point| point.head))
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        max: usize,
    ) -> Result<Vec<Point>, Infallible> {
        let logs = self.logs.lock().unwrap();
        let points = logs[&class].points.iter().filter(|point| point.seq > after && point.seq <= through);
        Ok(points.take(max).copied().collect())
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, Infallible> {
        Ok(self.logs.lock().unwrap()[&class].past.clone())
    }
}

impl client::Outbox for Shelf {
    fn acked(&mut self, class: LogClass, epoch: Epoch, through: Point) -> Result<(), Infallible> {
        let mut logs = self.logs.lock().unwrap();
        let log = logs.get_mut(&class).unwrap();
        if log.id.epoch == epoch && through.seq > log.acked.seq {
            log.acked = through;
        }
        Ok(())
    }

    fn renew(&mut self, class: LogClass, epoch: Epoch, after: u64) -> Result<(), Infallible> {
        let mut logs = self.logs.lock().unwrap();
        let log = logs.get_mut(&class).unwrap();
        if log.id.epoch != epoch {
            return Ok(());
        }
        let mut epochs = self.epochs.lock().unwrap();
        *epochs += 1;
        let mut fresh = Shelved::new(LogId { store: self.store.clone(), class, epoch: Epoch([*epochs; 16]) });
        fresh.past = log.past.clone();
        fresh.past.push((epoch, log.points[after as usize]));
        for items in log.items[after as usize..].chunks(100) {
            fresh.seal(items.iter().map(|item| (item.hlc, item.payload.clone())));
        }
        *log = fresh;
        Ok(())
    }
}
