//! Lines between node and hubs: slow, cut, torn, and in wild worlds lossy, doubling and out of order.

use super::{Happens, Line, World};
use aisle_protocol::{
    Stream,
    hub::{self, Hub},
};
use bytes::Bytes;
use std::collections::BTreeMap;

impl World {
    pub(super) fn connect(&mut self, store: usize, attempt: u32) {
        self.tally.connections += 1;
        self.lines_made += 1;
        let line = self.lines_made;
        let hub = (attempt as usize + self.random.within(0, 2) as usize) % 2;
        self.stores[store].line = Some(line);
        let ms = self.random.within(2, 400);
        if self.is_partitioned {
            return;
        }
        if !self.hubs_up[hub] || (!self.is_healed && self.random.one_in(12)) {
            return self.after(ms, Happens::NodeLost(line));
        }
        let mut config =
            hub::Config { region: "eu".into(), hub: format!("hub-{hub}"), ..hub::Config::default() };
        config.admit_batches_max = self.random.within(1, 6) as usize;
        let mut machine = Hub::new(config);
        let id = self.stores[store].id.clone();
        let opened = machine.handle(self.hub_wall(), hub::Input::Opened { store: Some(id) });
        assert!(opened.is_empty());
        let (up, down) = (BTreeMap::new(), BTreeMap::new());
        self.lines.insert(line, Line { store, hub, machine, up, down, tick_at: None });
        self.after(ms, Happens::NodeOpened(line));
        self.hub(line, hub::Input::Tick);
    }

    /// The node's end of a line is gone; the hub still gets what is on its way, and hears of the end later.
    pub(super) fn linger(&mut self, line: u64) {
        let ms = self.random.within(1, 8_000);
        self.after(ms, Happens::HubLost(line));
    }

    pub(super) fn lose_line(&mut self, store: usize) {
        let Some(line) = self.stores[store].line else { return };
        let ms = self.random.within(1, 2_000);
        self.after(ms, Happens::NodeLost(line));
        self.linger(line);
    }

    pub(super) fn carry(&mut self, id: u64, stream: Stream, frame: &Bytes, is_up: bool) {
        if self.is_partitioned || (!is_up && self.of_line(id).is_none()) {
            return;
        }
        let is_wild = self.is_wild && !self.is_healed;
        if is_wild && self.random.one_in(30) {
            return;
        }
        let copies = if is_wild && self.random.one_in(30) { 2 } else { 1 };
        for _ in 0..copies {
            let delay =
                if self.random.one_in(20) { self.random.within(1, 3_000) } else { self.random.within(5, 80) };
            let mut at = self.now + delay;
            let Some(line) = self.lines.get_mut(&id) else { return };
            if !is_wild {
                let last = if is_up { &mut line.up } else { &mut line.down };
                let last = last.entry(stream).or_default();
                at = at.max(*last);
                *last = at;
            }
            let cut = if is_wild { 0 } else { self.random.within(0, frame.len() as u64) as usize };
            for bytes in [frame.slice(..cut), frame.slice(cut..)] {
                let happens = if is_up {
                    Happens::ToHub { line: id, stream, bytes }
                } else {
                    Happens::ToNode { line: id, stream, bytes }
                };
                self.after(at - self.now, happens);
            }
        }
    }
}
