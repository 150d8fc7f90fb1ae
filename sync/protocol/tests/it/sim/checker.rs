//! What must be true, whatever happens: the ledger of acknowledgements against the ledger of the hubs.

use super::{
    ledger::{Rows, Tables},
    store::{Happening, PERSON, Receipted},
};
use aisle_event::StoreId;
use aisle_protocol::{Checked, LogId, Message, Point, Stream, frame::Frames};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Checker {
    happened: BTreeMap<u64, Happening>,
    acked: BTreeMap<LogId, Point>,
}

impl Checker {
    pub fn happened(&mut self, happening: Happening) {
        self.happened.insert(happening.id, happening);
    }

    /// Looks at what a hub says: an acknowledgement is good only for what a crash would leave.
    pub fn sent(&mut self, store: &StoreId, bytes: &[u8], durable: &Tables) -> Result<(), String> {
        let mut frames = Frames::of(Stream::Control);
        frames.push(bytes);
        let content = frames.next_frame().unwrap().unwrap();
        let Ok(Message::Ack(ack)) = Message::decode(&content) else { return Ok(()) };
        let log = LogId { store: store.clone(), class: ack.class, epoch: ack.epoch };
        let known = durable.get(&log).map(|rows| rows.through);
        if known.is_none_or(|known| known.seq < ack.through.seq) {
            return Err(format!("LOST: {log} acknowledged through {}, durable {known:?}", ack.through.seq));
        }
        let before = self.acked.entry(log).or_insert(ack.through);
        if ack.through.seq > before.seq {
            *before = ack.through;
        }
        Ok(())
    }

    /// Looks at what has left the store: nothing of a person is in it.
    pub fn left(log: &LogId, batch: &Checked) -> Result<(), String> {
        let names_a_person =
            |payload: &Bytes| payload.windows(PERSON.len()).any(|window| window == PERSON.as_bytes());
        let leaked = batch.items().iter().find(|item| names_a_person(&item.payload));
        leaked.map_or(Ok(()), |item| Err(format!("LEAKED: {log} {} names a person", item.seq)))
    }

    /// Every batch that is there came with the receipt that follows the one before it.
    fn receipted(log: &LogId, rows: &Rows) -> Result<(), String> {
        let mut last = Receipted::after(&Bytes::new(), log);
        for (header, receipt) in &rows.receipts {
            last = last.next(header);
            if last.to_bytes() != *receipt {
                return Err(format!("UNRECEIPTED: {log} {} came without its receipt", header.first_seq));
            }
        }
        Ok(())
    }

    /// After a crash everything that was acknowledged must still be there.
    pub fn after_crash(&self, durable: &Tables) -> Result<(), String> {
        for (log, acked) in &self.acked {
            let known = durable.get(log).map_or(0, |rows| rows.through.seq);
            if known < acked.seq {
                return Err(format!(
                    "LOST: {log} was acknowledged through {}, a crash left {known}",
                    acked.seq
                ));
            }
        }
        Ok(())
    }

    /// The hubs were set back by people; what they have is what they answer for now.
    pub fn hub_restored(&mut self, durable: &Tables) {
        self.acked = durable.iter().map(|(log, rows)| (log.clone(), rows.through)).collect();
    }

    fn id(payload: &[u8]) -> Option<u64> {
        let mut decoder = minicbor::Decoder::new(payload);
        decoder.map().ok()?;
        decoder.u8().ok()?;
        decoder.u64().ok()
    }

    /// An event of the journal that no hub has.
    pub fn lacks(&self, durable: &Tables, journal: &[Happening]) -> Option<u64> {
        let mut there = BTreeSet::new();
        for rows in durable.values() {
            there.extend(rows.items.iter().filter_map(|(item, _)| Self::id(&item.payload)));
        }
        journal.iter().map(|happening| happening.id).find(|id| !there.contains(id))
    }

    /// Everything once, in order, as it was.
    pub fn finish(&self, durable: &Tables, journal: &[Happening]) -> Result<(), String> {
        if let Some(id) = self.lacks(durable, journal) {
            return Err(format!("LOST: event {id} is in the journal and not at the hub"));
        }
        self.after_crash(durable)?;
        let current: BTreeSet<u64> = journal.iter().map(|happening| happening.id).collect();
        let mut logs: Vec<_> = durable.iter().collect();
        logs.sort_by_key(|(log, rows)| (log.class, rows.born));
        let mut seen = BTreeSet::new();
        let mut last = BTreeMap::new();
        for (log, rows) in logs {
            let mut expected = 0;
            for (item, point) in &rows.items {
                expected += 1;
                if item.seq != expected || point.seq != expected {
                    return Err(format!("REORDERED: {log} has {} where {expected} belongs", item.seq));
                }
                let happening = Self::id(&item.payload).and_then(|id| self.happened.get(&id));
                let Some(happening) = happening else {
                    return Err(format!("UNEXPECTED: {log} {}", item.seq));
                };
                let is_same = happening.payload() == item.payload
                    && happening.hlc == item.hlc
                    && happening.class == log.class;
                if !is_same {
                    return Err(format!("UNEXPECTED: event {} is another at the hub", happening.id));
                }
                if rows.again.contains(&item.seq) {
                    continue;
                }
                if !seen.insert(happening.id) {
                    return Err(format!("DUPLICATED: event {} in {log}", happening.id));
                }
                if current.contains(&happening.id) {
                    let before = last.insert(log.class, happening.id);
                    if before.is_some_and(|before| before > happening.id) {
                        return Err(format!("REORDERED: event {} after {before:?} in {log}", happening.id));
                    }
                }
            }
            let through = rows.items.last().map_or_else(|| log.start(), |(_, point)| *point);
            if through != rows.through {
                return Err(format!("UNEXPECTED: the cursor of {log} is {:?}", rows.through));
            }
        }
        durable.iter().try_for_each(|(log, rows)| Self::receipted(log, rows))
    }
}
