//! The stores' side of the world: events, the steps of the outbox, the machine and what it wants, ends and starts of processes.

use super::{Happens, World, content, said};
use crate::{
    checker::State,
    happening::happen,
    store::{Running, Stopped, Store, wrong},
};
use aisle_event::Event;
use aisle_journal::{AppendError, CommitError, Entry, fault::Unsynced};
use aisle_protocol::{
    Batch, ErrorCode, Stream,
    node::{self, Alert},
};
use std::time::Duration;

impl World {
    pub(super) fn append(&mut self, store: usize) {
        if !self.is_healed {
            let ms = self.random.within(50, 2_500);
            self.after(ms, Happens::Append(store));
        }
        if self.stores[store].running.is_none() {
            return;
        }
        let wall_ms = self.wall(store);
        self.stores[store].disk.set_clock_ms(wall_ms);
        let first_id = self.next_id;
        let events: Vec<Event> = (0..self.random.within(1, 6))
            .map(|nth| happen(&mut self.random, first_id + nth, wall_ms))
            .collect();
        self.next_id += events.len() as u64;
        let entries: Vec<Entry> =
            events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect();
        let ids = first_id..self.next_id;
        for (id, event) in ids.clone().zip(events) {
            self.checker.tries(store, id, event);
        }
        let Some(Running { journal, .. }) = &self.stores[store].running else { return };
        let journal = journal.clone();
        match journal.append(entries) {
            Ok(committed) => {
                self.tally.events += committed.last - committed.first + 1;
                for (id, seq) in ids.clone().zip(committed.first..) {
                    self.checker.came(id, State::Kept(seq));
                }
                self.tell(|| format!("store {store} acknowledges {ids:?} as {committed:?}"));
                // Who reads it here reads it as everybody does.
                let records = journal.read(committed.first).into_iter().flatten();
                for (id, record) in ids.zip(records) {
                    match record {
                        Ok(record) => self.checker.timed(id, record.hlc.0),
                        Err(error) => {
                            drop(journal);
                            return self.exit(store, &error.to_string());
                        }
                    }
                }
                drop(journal);
                let ms = self.random.within(1, 120);
                self.step_within(store, ms);
            }
            Err(AppendError::Commit(CommitError::NoSpace { .. })) => {
                self.tally.no_space += 1;
                ids.for_each(|id| self.checker.came(id, State::Refused));
                self.tell(|| format!("store {store} has no room"));
            }
            Err(AppendError::Submit(error)) => {
                drop(journal);
                ids.for_each(|id| self.checker.came(id, State::Refused));
                self.exit(store, &error.to_string());
            }
            Err(AppendError::Commit(error)) => {
                drop(journal);
                self.exit(store, &error.to_string());
            }
        }
    }

    /// Lets the outbox go on, after so long at the latest.
    pub(super) fn step_within(&mut self, store: usize, ms: u64) {
        let at = self.now + ms;
        if self.stores[store].step_at.is_none_or(|before| at < before) {
            self.stores[store].step_at = Some(at);
            self.after(ms, Happens::Step(store));
        }
    }

    pub(super) fn step(&mut self, store: usize) {
        if self.stores[store].step_at != Some(self.now) {
            return;
        }
        self.stores[store].step_at = None;
        let (now, wall_ms) = (self.now, self.wall(store));
        let Store { running, disk, is_trimmed, .. } = &mut self.stores[store];
        let Some(running) = running else { return };
        disk.set_clock_ms(wall_ms);
        let outbox_ms = running.wall_at_start_ms + (now - running.started_at);
        let stepped = match running.projector.step(outbox_ms, Duration::ZERO) {
            Ok(stepped) => stepped,
            Err(error) => return self.exit(store, &format!("{error}: {error:?}")),
        };
        let trimmed = if *is_trimmed && stepped.caught_up {
            running.journal.trim(running.outbox.outbox.needed_from()).map(drop)
        } else {
            Ok(())
        };
        self.tally.no_space += u64::from(stepped.no_space);
        if let Some(what) = wrong(&stepped.notices) {
            self.fail(Err(format!("LOST: the outbox of store {store}: {what}")));
        }
        if let Err(error) = trimmed {
            return self.exit(store, &error.to_string());
        }
        let ms = if stepped.caught_up { 700 } else { 20 };
        self.step_within(store, ms);
        if stepped.sealed {
            self.node(store, node::Input::Sealed);
        }
    }

    pub(super) fn start(&mut self, store: usize) {
        if self.stores[store].running.is_some() {
            return;
        }
        let wall_ms = self.wall(store);
        let mutant = self.mutant;
        self.stores[store].disk.set_clock_ms(wall_ms);
        let outcome = self.stores[store].open_journal(mutant).and_then(|journal| {
            let is_set_back = self.stores[store].is_set_back;
            self.checker.opened(store, &journal, is_set_back).map_err(Stopped::Wrong)?;
            self.stores[store].is_set_back = false;
            let policy = &self.policies[self.stores[store].policy];
            self.stores[store].start(journal, policy, &mut self.random, (self.now, wall_ms), mutant)
        });
        match outcome {
            Ok(()) => {
                self.tell(|| format!("store {store} starts"));
                let ms = self.random.within(1, 200);
                self.step_within(store, ms);
                self.node(store, node::Input::Tick);
            }
            Err(Stopped::Disk(why)) => self.exit(store, &why),
            Err(Stopped::Wrong(what)) => self.fail(Err(what)),
        }
    }

    /// A process ends by itself: its disk has failed it. Half of the machines are reset then.
    pub(super) fn exit(&mut self, store: usize, why: &str) {
        self.tell(|| format!("store {store} ends: {why}"));
        self.tally.exits += 1;
        if self.stores[store].is_cut || self.random.one_in(2) {
            return self.cut_power(store);
        }
        self.end(store);
    }

    pub(super) fn cut_power(&mut self, store: usize) {
        self.tally.power_cuts += 1;
        let mode = Unsynced::ALL[self.random.within(0, 4) as usize];
        self.tell(|| format!("store {store} has no power: {mode:?}"));
        let state = &mut self.stores[store];
        state.disk = state.disk.crash_with(mode);
        state.is_cut = false;
        self.end(store);
    }

    /// Nothing of the process is left.
    pub(super) fn end(&mut self, store: usize) {
        let state = &mut self.stores[store];
        (state.running, state.tick_at, state.step_at) = (None, None, None);
        if let Some(line) = state.line.take() {
            self.linger(line);
        }
        let ms = self.random.within(100, 5_000);
        self.after(ms, Happens::Start(store));
    }

    pub(super) fn node(&mut self, store: usize, input: node::Input<'_>) {
        let now = self.wall(store);
        let Some(Running { node, outbox, .. }) = &mut self.stores[store].running else { return };
        let outputs = node.handle(now, input, outbox);
        let wake = node.wake_at();
        for output in outputs {
            self.node_output(store, output);
        }
        if wake != u64::MAX && self.stores[store].running.is_some() {
            let at = self.now + wake.saturating_sub(now).max(1);
            if self.stores[store].tick_at.is_none_or(|before| at < before) {
                self.stores[store].tick_at = Some(at);
                self.after(at - self.now, Happens::NodeTick(store));
            }
        }
    }

    fn node_output(&mut self, store: usize, output: node::Output) {
        self.tell(|| match &output {
            node::Output::Send { stream: Stream::Control, bytes } => {
                format!("store {store} says {}", said(bytes))
            }
            node::Output::Send { stream, bytes } => {
                let batch = Batch::parse(content(bytes)).unwrap();
                let header = batch.header();
                let (epoch, first, last) = (header.epoch, header.first_seq, header.end().seq);
                format!("store {store} sends {stream:?} {epoch} {first}..={last}")
            }
            other => format!("store {store}: {other:?}"),
        });
        match output {
            node::Output::Connect { attempt } => self.connect(store, attempt),
            node::Output::Send { stream, bytes } => {
                self.note(bytes.len() as u64);
                self.tally.batches += u64::from(matches!(stream, Stream::Up(_)));
                let outcome = self.checker.leaves(store, stream, &bytes);
                self.fail(outcome);
                if let Some(line) = self.stores[store].line {
                    self.carry(line, stream, &bytes, true);
                }
            }
            node::Output::Close { .. } => {
                if let Some(line) = self.stores[store].line.take() {
                    self.linger(line);
                }
            }
            node::Output::Acked { class, epoch, through } => {
                self.note(through.seq << 8);
                if let Some(running) = &self.stores[store].running {
                    running.outbox.outbox.acked(class, epoch, through);
                }
            }
            node::Output::Renew { class, epoch, after } => {
                self.note(after << 16);
                self.tally.renewals += 1;
                if let Some(running) = &self.stores[store].running {
                    running.outbox.outbox.renew(class, epoch, after);
                }
                let ms = self.random.within(1, 200);
                self.step_within(store, ms);
            }
            node::Output::Alert(Alert::HubBehind { .. }) => self.tally.hubs_behind += 1,
            node::Output::Alert(Alert::Diverged { .. }) => self.tally.forks += 1,
            node::Output::Alert(Alert::Refused { code, text, .. }) => match code {
                ErrorCode::RECEIPT => self.tally.receipts_refused += 1,
                ErrorCode::RESIDENCY => self.fail(Err(format!("LEAKED: a hub refuses a batch: {text}"))),
                _ => {}
            },
            _ => {}
        }
    }
}
