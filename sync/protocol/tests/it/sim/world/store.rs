//! The store's side of the world: events, sealing, the node's machine and what it wants.

use super::*;
use aisle_protocol::ErrorCode;

impl World {
    pub(super) fn append(&mut self) {
        for _ in 0..self.random.within(1, 12) {
            let class = LogClass::ALL[self.random.within(0, 4) as usize];
            let happening =
                Happening { id: self.next_id, class, hlc: (self.now << 16) + self.next_id % 0x1_0000 };
            self.next_id += 1;
            if self.node.is_some() {
                self.store.disk.journal.push(happening);
                self.checker.happened(happening);
                self.tally.events += 1;
            }
        }
        self.seal();
        if !self.is_healed {
            let ms = self.random.within(50, 3_000);
            self.after(ms, Happens::Append);
        }
    }

    pub(super) fn seal(&mut self) {
        if self.node.is_none() {
            return;
        }
        let mut sealed = false;
        for class in LogClass::ALL {
            sealed |= self.store.seal(class, &mut self.random);
        }
        if sealed || !self.store.unsynced.is_empty() {
            let ms = self.random.within(1, 60);
            self.after(ms, Happens::StoreSync);
        }
    }

    pub(super) fn start_node(&mut self) {
        if self.node.is_some() {
            return;
        }
        self.store.sync();
        // The outbox takes in what the journal has before the node speaks.
        let random = &mut self.random;
        while LogClass::ALL.iter().filter(|class| self.store.seal(**class, random)).count() > 0 {
            self.store.sync();
        }
        let mut config = node::Config::new(self.store.id.clone(), "node-1");
        config.backoff_max_ms = 8_000;
        config.ack_timeout_ms = 15_000;
        config.link = LinkKind::Fibre;
        if self.random.one_in(3) {
            config.in_flight_bytes_max = 4_000;
        }
        if self.random.one_in(4) {
            config.versions = vec![Version::new(1, 1), Version::new(1, 0)];
        }
        self.node = Some(Node::new(config, self.random.number()));
        self.node(node::Input::Tick);
    }

    pub(super) fn stop_node(&mut self) {
        self.node = None;
        self.node_tick_at = None;
        if let Some(line) = self.line.take() {
            self.linger(line);
        }
        let ms = self.random.within(100, 5_000);
        self.after(ms, Happens::NodeStart);
    }

    pub(super) fn node(&mut self, input: node::Input<'_>) {
        let now = self.clock(self.node_clock);
        let Some(node) = &mut self.node else { return };
        let outputs = node.handle(now, input, &mut self.store);
        let wake = node.wake_at();
        for output in outputs {
            self.note(output_number(&output));
            self.node_output(output);
        }
        if wake != u64::MAX && self.node.is_some() {
            let at = self.now + wake.saturating_sub(now).max(1);
            if self.node_tick_at.is_none_or(|before| at < before) {
                self.node_tick_at = Some(at);
                self.after(at - self.now, Happens::NodeTick);
            }
        }
    }

    pub(super) fn node_output(&mut self, output: node::Output) {
        self.tell(|| match &output {
            node::Output::Send { stream: Stream::Control, bytes } => format!("node says {}", said(bytes)),
            node::Output::Send { stream, bytes } => {
                let batch = aisle_protocol::Batch::parse(content(bytes)).unwrap();
                let header = batch.header();
                format!(
                    "node sends {stream:?} {:?} {}..={}",
                    header.epoch,
                    header.first_seq,
                    header.end().seq
                )
            }
            other => format!("node: {other:?}"),
        });
        match output {
            node::Output::Connect { attempt } => self.connect(attempt),
            node::Output::Send { stream, bytes } => {
                if let Some(line) = self.line {
                    self.carry(line, stream, &bytes, true);
                }
            }
            node::Output::Close { .. } => {
                if let Some(line) = self.line.take() {
                    self.linger(line);
                }
            }
            node::Output::Acked { class, epoch, through } => {
                self.store.note_acked(class, epoch, through, &mut self.random);
                let ms = self.random.within(1, 400);
                self.after(ms, Happens::StoreSync);
            }
            node::Output::Renew { class, epoch, after } => {
                self.tally.renewals += 1;
                self.store.renew(class, epoch, after, &mut self.random);
                let ms = self.random.within(1, 200);
                self.after(ms, Happens::StoreSync);
            }
            node::Output::Alert(node::Alert::HubBehind { .. }) => self.tally.behind += 1,
            node::Output::Alert(node::Alert::Refused { code: ErrorCode::RECEIPT, .. }) => {
                self.tally.unreceipted += 1;
            }
            node::Output::Alert(node::Alert::Diverged { .. }) => self.tally.forks += 1,
            _ => {}
        }
    }
}
