//! A store: its journal, its outbox on a disk that forgets what was not synced, and its machine.

use super::{mutant::Mutant, random::Random};
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Epoch, Head, Header, Item, LogClass, LogId, Point, PolicyId,
    node::{Log, Outbox},
};
use bytes::Bytes;
use std::{collections::BTreeMap, convert::Infallible};

/// Something that happened, once, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happening {
    pub id: u64,
    pub class: LogClass,
    pub hlc: u64,
}

/// Who it was. Stands in every record of the journal, and must not leave the store.
pub const PERSON: &str = "CANARY-17850";

impl Happening {
    /// As the journal has it.
    fn recorded(&self) -> Bytes {
        self.written(true)
    }

    /// What the gate lets out of it.
    pub fn payload(&self) -> Bytes {
        self.written(false)
    }

    fn written(&self, with_person: bool) -> Bytes {
        let mut out = Vec::new();
        let mut encoder = minicbor::Encoder::new(&mut out);
        encoder.map(2 + u64::from(with_person)).unwrap().u8(1).unwrap().u64(self.id).unwrap();
        encoder.u8(2).unwrap().str(self.class.as_str()).unwrap();
        if with_person {
            encoder.u8(3).unwrap().str(PERSON).unwrap();
        }
        out.into()
    }
}

/// A receipt as far as the world needs one: its number, the end of its batch, and a hash over all before it. The gate's mark is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipted {
    number: u64,
    pub through: u64,
    hash: [u8; 32],
}

impl Receipted {
    /// The last one by a mark, or what stands before the first of a log.
    pub fn after(mark: &Bytes, log: &LogId) -> Self {
        let Some((number, rest)) = mark.split_first_chunk() else {
            return Self { number: 0, through: 0, hash: log.genesis().0 };
        };
        let (through, hash) = rest.split_first_chunk().unwrap();
        let (number, through) = (u64::from_le_bytes(*number), u64::from_le_bytes(*through));
        Self { number, through, hash: hash.try_into().unwrap() }
    }

    /// The one of the next batch.
    pub fn next(&self, header: &Header) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.hash).update(&header.before.0).update(&header.after.0);
        Self { number: self.number + 1, through: header.end().seq, hash: *hasher.finalize().as_bytes() }
    }

    pub fn to_bytes(self) -> Bytes {
        [&self.number.to_le_bytes(), &self.through.to_le_bytes(), self.hash.as_slice()].concat().into()
    }
}

/// One log of the outbox, on disk.
#[derive(Debug, Clone)]
pub struct DiskLog {
    pub id: LogId,
    pub floor: Point,
    pub acked: Point,
    pub batches: BTreeMap<u64, Batch>,
    /// The receipt of the last batch.
    pub receipt: Bytes,
    /// The place in the journal of each event, by number.
    pub places: Vec<usize>,
    /// The head after each event, by number.
    pub heads: Vec<Head>,
    /// How far the journal was gone through.
    pub projected: usize,
}

impl DiskLog {
    fn new(id: LogId, projected: usize) -> Self {
        let start = id.start();
        Self {
            id,
            floor: start,
            acked: start,
            batches: BTreeMap::new(),
            receipt: Bytes::new(),
            places: Vec::new(),
            heads: Vec::new(),
            projected,
        }
    }

    pub fn last(&self) -> Point {
        self.batches.last_key_value().map_or(self.floor, |(_, batch)| batch.header().end())
    }
}

/// A change of the outbox that waits for its sync.
#[derive(Debug, Clone)]
pub enum Change {
    Sealed { batch: Batch, places: Vec<usize>, projected: usize },
    Acked { class: LogClass, epoch: Epoch, through: Point },
    Trimmed { class: LogClass, epoch: Epoch, floor: Point },
    Renewed { class: LogClass, old: Epoch, end: Point, log: DiskLog },
}

/// What lies on the store's disk.
#[derive(Debug, Clone)]
pub struct Disk {
    pub journal: Vec<Happening>,
    pub logs: BTreeMap<LogClass, DiskLog>,
    pub past: BTreeMap<LogClass, Vec<(Epoch, Point, Vec<usize>)>>,
}

impl Disk {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Sealed { batch, places, projected } => {
                let log = self.logs.get_mut(&batch.header().class).unwrap();
                if log.id.epoch == batch.header().epoch && log.last() == batch.header().start() {
                    let checked = batch.clone().check().unwrap();
                    let numbers = batch.header().first_seq..=batch.header().end().seq;
                    log.heads.extend(numbers.map(|seq| checked.head_at(seq).unwrap()));
                    log.receipt = batch.receipt().clone();
                    log.batches.insert(batch.header().first_seq, batch);
                    log.places.extend(places);
                    log.projected = projected;
                }
            }
            Change::Acked { class, epoch, through } => {
                let log = self.logs.get_mut(&class).unwrap();
                if log.id.epoch == epoch && through.seq > log.acked.seq {
                    log.acked = through;
                }
            }
            Change::Trimmed { class, epoch, floor } => {
                let log = self.logs.get_mut(&class).unwrap();
                if log.id.epoch == epoch && floor.seq > log.floor.seq {
                    log.floor = floor;
                    log.batches.retain(|_, batch| batch.header().end().seq > floor.seq);
                }
            }
            Change::Renewed { class, old, end, log } => {
                let before = self.logs.insert(class, log).unwrap();
                let past = self.past.entry(class).or_default();
                if before.id.epoch == old {
                    past.push((old, end, before.places));
                } else if let Some(at) = past.iter().position(|(epoch, _, _)| *epoch == old) {
                    // The hub was set back behind an ended epoch: those after it hold nothing that it has.
                    past.truncate(at + 1);
                    past[at].1 = end;
                }
            }
        }
    }
}

#[derive(Debug)]
pub struct Store {
    pub id: StoreId,
    pub disk: Disk,
    /// In the order in which they were made.
    pub unsynced: Vec<Change>,
    pub is_full: bool,
    mutant: Option<Mutant>,
}

impl Store {
    pub fn new(random: &mut Random, mutant: Option<Mutant>) -> Self {
        let id = StoreId::new("store-1").unwrap();
        let logs = LogClass::ALL.map(|class| {
            (class, DiskLog::new(LogId { store: id.clone(), class, epoch: Epoch(random.bytes()) }, 0))
        });
        let disk = Disk { journal: Vec::new(), logs: logs.into(), past: BTreeMap::new() };
        Self { id, disk, unsynced: Vec::new(), is_full: false, mutant }
    }

    /// Seals the next events of a class, where none of it waits for a sync.
    pub fn seal(&mut self, class: LogClass, random: &mut Random) -> bool {
        let waits = self.unsynced.iter().any(|change| match change {
            Change::Sealed { batch, .. } => batch.header().class == class,
            Change::Renewed { class: renewed, .. } => *renewed == class,
            _ => false,
        });
        if waits || self.is_full {
            return false;
        }
        let log = &self.disk.logs[&class];
        let max = random.within(1, 9) as usize;
        let mut chosen = Vec::new();
        let mut projected = log.projected;
        for (place, happening) in self.disk.journal.iter().enumerate().skip(log.projected) {
            projected = place + 1;
            if happening.class == class {
                chosen.push(place);
            }
            if chosen.len() == max {
                break;
            }
        }
        if chosen.is_empty() {
            return false;
        }
        let (after, last) = (log.last(), Receipted::after(&log.receipt, &log.id));
        let is_renewed = self.disk.past.contains_key(&class);
        let is_bypassed = self.mutant == Some(Mutant::GateBypassed) && is_renewed;
        let items: Vec<Item> = chosen
            .iter()
            .zip(after.seq + 1..)
            .map(|(place, seq)| {
                let happening = self.disk.journal[*place];
                let payload = if is_bypassed { happening.recorded() } else { happening.payload() };
                Item { seq, hlc: happening.hlc, kind: 0x0201, payload }
            })
            .collect();
        let batch =
            Batch::seal(&log.id, after, &items, PolicyId::default(), |header| last.next(header).to_bytes())
                .unwrap();
        self.unsynced.push(Change::Sealed { batch, places: chosen, projected });
        true
    }

    /// A new epoch with what follows a place of an older one.
    pub fn renew(&mut self, class: LogClass, epoch: Epoch, after: u64, random: &mut Random) {
        let log = &self.disk.logs[&class];
        let past = self.disk.past.get(&class).into_iter().flatten().find(|(past, _, _)| *past == epoch);
        let (places, old) = match past {
            Some((_, _, places)) => (places, epoch),
            None if log.id.epoch == epoch => (&log.places, epoch),
            None => return,
        };
        if self
            .unsynced
            .iter()
            .any(|change| matches!(change, Change::Renewed { class: c, .. } if *c == class))
        {
            return;
        }
        // What stands in the journal behind the last event that the hub has.
        let projected = match after.checked_sub(1) {
            None => 0,
            Some(at) => places.get(at as usize).map_or(log.projected, |place| place + 1),
        };
        let first = match after {
            // An epoch that holds nothing at the hub begins where it began.
            0 => places.first().copied().unwrap_or(log.projected),
            _ => projected,
        };
        let old_id = LogId { store: self.id.clone(), class, epoch: old };
        let head = if after == 0 { old_id.genesis() } else { Head::default() };
        let id = LogId { store: self.id.clone(), class, epoch: Epoch(random.bytes()) };
        let log = DiskLog::new(id, first);
        self.unsynced.push(Change::Renewed { class, old, end: Point { seq: after, head }, log });
    }

    pub fn note_acked(&mut self, class: LogClass, epoch: Epoch, through: Point, random: &mut Random) {
        self.unsynced.push(Change::Acked { class, epoch, through });
        if random.one_in(2) {
            self.unsynced.push(Change::Trimmed { class, epoch, floor: through });
        }
    }

    pub fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            self.disk.apply(change);
        }
    }

    /// Power is cut: of what was not synced some is there, some is not.
    pub fn crash(&mut self, random: &mut Random) {
        let kept = random.within(0, self.unsynced.len() as u64 + 1) as usize;
        for change in std::mem::take(&mut self.unsynced).into_iter().take(kept) {
            self.disk.apply(change);
        }
    }

    fn read<T>(&self, class: LogClass, read: impl FnOnce(&DiskLog) -> T) -> T {
        read(&self.disk.logs[&class])
    }
}

impl Outbox for Store {
    type Error = Infallible;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Infallible> {
        let read =
            |log: &DiskLog| Log { epoch: log.id.epoch, floor: log.floor, acked: log.acked, last: log.last() };
        Ok(Some(self.read(class, read)))
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, Infallible> {
        Ok(self.read(class, |log| {
            let (_, batch) = log.batches.range(..=seq + 1).next_back()?;
            (batch.header().end().seq > seq).then(|| batch.clone())
        }))
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, Infallible> {
        Ok(self.read(class, |log| {
            if seq < log.floor.seq {
                return None;
            }
            if seq == 0 { Some(log.id.genesis()) } else { log.heads.get(seq as usize - 1).copied() }
        }))
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        max: usize,
    ) -> Result<Vec<Point>, Infallible> {
        // So few at once that finding the place takes several questions.
        let max = max.min(4) as u64;
        Ok(self.read(class, |log| {
            let (from, to) = (after.max(log.floor.seq), through.min(log.last().seq));
            let count = to.saturating_sub(from);
            let places = (1..=max.min(count)).map(|part| from + part * count / max.min(count));
            places.map(|seq| Point { seq, head: log.heads[seq as usize - 1] }).collect()
        }))
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, Infallible> {
        let past = self.disk.past.get(&class).into_iter().flatten();
        Ok(past.map(|(epoch, end, _)| (*epoch, *end)).collect())
    }
}
