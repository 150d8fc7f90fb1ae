//! What must be true, whatever happens: the ledger of acknowledgements against journals, lines and hubs.
//!
//! An event is *tried* when it is handed to the journal, *kept* when the journal acknowledges it or a start finds it, *refused* when the disk
//! was full, and *gone* when people put an older disk in its place. What is kept and may leave must come to be at the hub once, in order, as
//! the gate makes it. One thing is allowed: where a store's disk or the hubs' database was set back to a backup, and the store's policy is another
//! than the one that an event went out by before, the hub cannot know the event again and may have it in both forms. The words that a report begins with: LOST, DUPLICATED, REORDERED, UNEXPECTED, LEAKED, UNRECEIPTED, STUCK, PANICKED.

use crate::{
    database::{ReceiptGate, Rows, Tables},
    happening::{CANARY, class_of, id_of},
    law::Keys,
};
use aisle_event::{Event, Hlc, LogClass, StoreId};
use aisle_journal::Journal;
use aisle_protocol::{Batch, Checked, LogId, Message, Point, PolicyId, Stream, frame::Frames};
use aisle_residency::{Gate, TrustedPolicy, aggregate};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of an event's place in its store's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The journal was asked for it, and failed.
    Tried,
    /// It is there, under this number.
    Kept(u64),
    /// There was no room.
    Refused,
    /// It was there, and the disk was set back.
    Gone,
}

#[derive(Debug)]
struct Happened {
    store: usize,
    event: Event,
    /// Whether something of it leaves, by each policy.
    leaves: Vec<bool>,
    /// The first policy that it may have met.
    since: usize,
    state: State,
    hlc: Option<u64>,
}

/// What is known of a store.
#[derive(Debug)]
struct Known {
    id: StoreId,
    gates: Vec<Gate>,
    /// The last policy that was put in force.
    policy: usize,
    /// How often its disk was set back.
    restored: u32,
    /// Each batch that was sent, byte for byte.
    sent: BTreeMap<(LogId, u64), Bytes>,
}

#[derive(Debug)]
pub(crate) struct Checker {
    policies: Vec<PolicyId>,
    stores: Vec<Known>,
    happened: BTreeMap<u64, Happened>,
    acked: BTreeMap<LogId, Point>,
    /// What was told of each window and group, by store and by how often its disk was set back.
    told: BTreeMap<(usize, u32, Vec<u8>), Bytes>,
    /// Whether the hubs' database was set back. Of batches that a store keeps no more it knows only about where they lay in its journal.
    is_hub_set_back: bool,
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The part of an aggregate that names its window and its group.
fn window_and_group(payload: &[u8]) -> Vec<u8> {
    let mut decoder = minicbor::Decoder::new(payload);
    decoder.map().unwrap();
    for _ in 0..4 {
        decoder.u64().unwrap();
        decoder.skip().unwrap();
    }
    payload[..decoder.position()].to_vec()
}

impl Checker {
    pub(crate) fn new(policies: &[TrustedPolicy], stores: &[(StoreId, Keys)]) -> Self {
        let known = |(id, keys): &(StoreId, Keys)| Known {
            id: id.clone(),
            gates: keys.gates(policies),
            policy: 0,
            restored: 0,
            sent: BTreeMap::new(),
        };
        Self {
            policies: policies.iter().map(|policy| policy.id()).collect(),
            stores: stores.iter().map(known).collect(),
            happened: BTreeMap::new(),
            acked: BTreeMap::new(),
            told: BTreeMap::new(),
            is_hub_set_back: false,
        }
    }

    fn store(&self, id: &StoreId) -> usize {
        self.stores.iter().position(|store| store.id == *id).unwrap()
    }

    pub(crate) fn tries(&mut self, store: usize, id: u64, event: Event) {
        let Known { policy, gates, .. } = &self.stores[store];
        let leaves = gates.iter().map(|gate| gate.pass(Hlc(1), &event).egress().is_some()).collect();
        let since = *policy;
        self.happened.insert(id, Happened { store, event, leaves, since, state: State::Tried, hlc: None });
    }

    pub(crate) fn came(&mut self, id: u64, state: State) {
        self.happened.get_mut(&id).unwrap().state = state;
    }

    pub(crate) fn follows(&mut self, store: usize, policy: usize) {
        self.stores[store].policy = policy;
    }

    /// The disk of a store was set back by people.
    pub(crate) fn store_restored(&mut self, store: usize) {
        self.stores[store].restored += 1;
        self.stores[store].sent.clear();
    }

    /// Looks at a journal as a start finds it: what was acknowledged is there, in order, and nothing that never happened.
    pub(crate) fn opened(
        &mut self,
        store: usize,
        journal: &Journal,
        is_set_back: bool,
    ) -> Result<(), String> {
        let first = journal.first();
        let records =
            journal.read(first).map_err(|error| format!("LOST: the journal cannot be read: {error}"))?;
        let (mut found, mut last) = (BTreeSet::new(), 0);
        for record in records {
            let record = record.map_err(|error| format!("LOST: a record cannot be read: {error}"))?;
            let unexpected = || format!("UNEXPECTED: record {} of store {store}", record.seq);
            let id = id_of(&record.payload).ok_or_else(unexpected)?;
            let happened = self.happened.get_mut(&id).ok_or_else(unexpected)?;
            if happened.store != store
                || happened.event.encode() != record.payload
                || matches!(happened.state, State::Refused | State::Gone)
            {
                return Err(format!("{}: event {id}, {:?}", unexpected(), happened.state));
            }
            if id <= last || !found.insert(id) {
                return Err(format!("REORDERED: event {id} after {last} in the journal of store {store}"));
            }
            last = id;
            happened.state = State::Kept(record.seq);
            happened.hlc = Some(record.hlc.0);
        }
        for (id, happened) in self.happened.iter_mut().filter(|(_, happened)| happened.store == store) {
            match happened.state {
                State::Kept(seq) if seq >= first && !found.contains(id) => {
                    if !is_set_back {
                        return Err(format!(
                            "LOST: event {id} was acknowledged as record {seq} of store {store}, and is not there"
                        ));
                    }
                    happened.state = State::Gone;
                }
                State::Tried => happened.state = State::Gone,
                _ => {}
            }
        }
        Ok(())
    }

    /// The times of what has just been acknowledged.
    pub(crate) fn timed(&mut self, id: u64, hlc: u64) {
        self.happened.get_mut(&id).unwrap().hlc = Some(hlc);
    }

    /// Looks at what leaves a store.
    pub(crate) fn leaves(&mut self, store: usize, stream: Stream, frame: &[u8]) -> Result<(), String> {
        let mut frames = Frames::of(stream);
        frames.push(frame);
        let content = frames.next_frame().unwrap().unwrap();
        if contains(&content, CANARY.as_bytes()) {
            return Err(format!("LEAKED: the canary is on {stream:?} of store {store}"));
        }
        if !matches!(stream, Stream::Up(_)) {
            return Ok(());
        }
        let batch = Batch::parse(content.clone()).map_err(|error| format!("UNEXPECTED: a batch: {error}"))?;
        let log = batch.log(&self.stores[store].id);
        let key = (log.clone(), batch.header().first_seq);
        match self.stores[store].sent.get(&key) {
            Some(before) if *before == content => return Ok(()),
            Some(_) => {
                return Err(format!("UNEXPECTED: {log} {} was sealed twice, differently", key.1));
            }
            None => {}
        }
        self.stores[store].sent.insert(key, content);
        let checked = batch.check().map_err(|error| format!("UNEXPECTED: a batch: {error}"))?;
        self.as_the_gate_makes_it(store, &log, &checked)
    }

    fn as_the_gate_makes_it(&mut self, store: usize, log: &LogId, batch: &Checked) -> Result<(), String> {
        let policy = self.policies.iter().position(|policy| *policy == batch.header().policy);
        let policy = policy.ok_or_else(|| format!("UNEXPECTED: {log} names a policy that there is not"))?;
        for item in batch.items() {
            let what = |word: &str, why: &str| Err(format!("{word}: {log} {}: {why}", item.seq));
            if contains(&item.payload, CANARY.as_bytes()) {
                return what("LEAKED", "it names the canary");
            }
            if item.kind == aggregate::KIND.0 {
                let key = (store, self.stores[store].restored, window_and_group(&item.payload));
                let told = self.told.entry(key).or_insert_with(|| item.payload.clone());
                if *told != item.payload {
                    return what("LEAKED", "a window was told twice, with other noise");
                }
                continue;
            }
            let Some(id) = id_of(&item.payload) else { return what("UNEXPECTED", "it has no number") };
            let Some(happened) = self.happened.get(&id) else {
                return what("UNEXPECTED", "it never happened");
            };
            if happened.store != store || class_of(&happened.event) != Some(log.class) {
                return what("UNEXPECTED", "it is of another store or class");
            }
            if matches!(happened.state, State::Refused | State::Tried) {
                return what("UNEXPECTED", "the journal has not acknowledged it");
            }
            if happened.hlc.is_some_and(|hlc| hlc != item.hlc) {
                return what("UNEXPECTED", "its time is another");
            }
            let egress = self.stores[store].gates[policy].pass(Hlc(item.hlc), &happened.event).egress();
            let is_same = egress.is_some_and(|egress| egress.payload() == item.payload);
            if !is_same {
                return what("LEAKED", "it is not what the gate makes of it");
            }
        }
        Ok(())
    }

    /// Looks at what a hub says: an acknowledgement is good only for what a crash would leave.
    pub(crate) fn said(&mut self, store: &StoreId, bytes: &[u8], durable: &Tables) -> Result<(), String> {
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

    /// After a crash everything that was acknowledged must still be there.
    pub(crate) fn after_crash(&self, durable: &Tables) -> Result<(), String> {
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
    pub(crate) fn hub_restored(&mut self, durable: &Tables) {
        self.is_hub_set_back = true;
        self.acked = durable.iter().map(|(log, rows)| (log.clone(), rows.through)).collect();
    }

    /// True when every policy that the event can have met lets something of it out.
    fn must_leave(&self, happened: &Happened) -> bool {
        happened.leaves[happened.since..=self.stores[happened.store].policy].iter().all(|leaves| *leaves)
    }

    /// An event that is in a journal and at no hub.
    pub(crate) fn lacks(&self, durable: &Tables) -> Option<u64> {
        let items = durable.values().flat_map(|rows| &rows.items);
        let there: BTreeSet<u64> = items.filter_map(|(item, _)| id_of(&item.payload)).collect();
        let kept = self.happened.iter().filter(|(_, happened)| matches!(happened.state, State::Kept(_)));
        let mut missing = kept.filter(|(id, happened)| !there.contains(id) && self.must_leave(happened));
        missing.next().map(|(id, _)| *id)
    }

    /// Everything once, in order, as the gate makes it, each batch with its receipt.
    pub(crate) fn finish(&mut self, durable: &Tables, gate: &ReceiptGate) -> Result<(), String> {
        if let Some(id) = self.lacks(durable) {
            return Err(format!("LOST: event {id} is in the journal and not at the hub"));
        }
        self.after_crash(durable)?;
        let mut logs: Vec<_> = durable.iter().collect();
        logs.sort_by_key(|(log, rows)| (log.store.clone(), log.class, rows.born));
        let mut seen = BTreeMap::new();
        let mut last: BTreeMap<(StoreId, LogClass), u64> = BTreeMap::new();
        for (log, rows) in logs {
            self.log(log, rows, &mut seen, last.entry((log.store.clone(), log.class)).or_default())?;
            gate.verify_all(log, rows)?;
        }
        Ok(())
    }

    fn log(
        &self,
        log: &LogId,
        rows: &Rows,
        seen: &mut BTreeMap<u64, PolicyId>,
        last: &mut u64,
    ) -> Result<(), String> {
        let store = self.store(&log.store);
        for ((item, point), expected) in rows.items.iter().zip(1..) {
            if item.seq != expected || point.seq != expected {
                return Err(format!("REORDERED: {log} has {} where {expected} belongs", item.seq));
            }
            if item.kind == aggregate::KIND.0 || rows.again.contains(&item.seq) {
                continue;
            }
            let id = id_of(&item.payload).ok_or_else(|| format!("UNEXPECTED: {log} {}", item.seq))?;
            let happened = self.happened.get(&id).filter(|happened| happened.store == store);
            let happened = happened.ok_or_else(|| format!("UNEXPECTED: {log} {}", item.seq))?;
            let policy = rows.policy_of(item.seq);
            if let Some(before) = seen.insert(id, policy) {
                let is_set_back = self.stores[store].restored > 0 || self.is_hub_set_back;
                if !is_set_back || before == policy {
                    return Err(format!("DUPLICATED: event {id} in {log}"));
                }
                continue;
            }
            if matches!(happened.state, State::Kept(_)) {
                if *last > id {
                    return Err(format!("REORDERED: event {id} after {last} in {log}"));
                }
                *last = id;
            }
        }
        let through = rows.items.last().map_or_else(|| log.start(), |(_, point)| *point);
        if through != rows.through {
            return Err(format!("UNEXPECTED: the cursor of {log} is {:?}", rows.through));
        }
        Ok(())
    }
}
