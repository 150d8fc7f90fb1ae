//! The outbox under the protocol's own machine: what it acknowledges is trimmed, what it asks for begins a new epoch, and all arrives.

use crate::{
    hub::Hub,
    support::{Store, backup, dir, journal_dir, mixed, open, restore, small},
};
use aisle_event::{LogClass, StoreId};
use aisle_journal::fault::FaultIo;
use aisle_protocol::{
    Batch, Epoch, ErrorCode, Message, Stream, Version,
    control::{Ack, Credit, Cursor, Located, Welcome},
    frame::{Frames, frame},
    node::{Alert, Config, Input, Node, Output},
};
use std::collections::VecDeque;

/// A line between a store and a hub that always works.
pub struct Line {
    node: Node,
    pub alerts: Vec<Alert>,
}

impl Line {
    pub fn new() -> Self {
        let config = Config::new(StoreId::new("store-1").unwrap(), "node-1");
        Self { node: Node::new(config, 1), alerts: Vec::new() }
    }

    /// Lets both ends talk until neither has anything to say.
    pub fn talk(&mut self, store: &mut Store, hub: &mut Hub) {
        let mut now_ms = store.now_ms;
        let mut outputs: VecDeque<Output> = self.node.handle(now_ms, Input::Sealed, &mut store.outbox).into();
        for _ in 0..10_000 {
            let Some(output) = outputs.pop_front() else { return };
            now_ms += 1;
            match output {
                Output::Connect { .. } => {
                    outputs.extend(self.node.handle(now_ms, Input::Opened, &mut store.outbox));
                }
                Output::Send { stream, bytes } => {
                    let mut frames = Frames::of(stream);
                    frames.push(&bytes);
                    let content = frames.next_frame().unwrap().unwrap();
                    for answer in Self::answer(hub, stream, &content) {
                        let bytes = frame(&answer.encode());
                        let input = Input::Bytes { stream: Stream::Control, bytes: &bytes };
                        outputs.extend(self.node.handle(now_ms, input, &mut store.outbox));
                    }
                }
                Output::Acked { class, epoch, through } => {
                    store.outbox.acked(class, epoch, through);
                }
                Output::Renew { class, epoch, after } => {
                    store.outbox.renew(class, epoch, after);
                    store.seal_all();
                    outputs.extend(self.node.handle(now_ms, Input::Sealed, &mut store.outbox));
                }
                Output::Alert(alert) => self.alerts.push(alert),
                Output::Close { code } => panic!("{code:?}: {:?}", self.alerts),
                Output::Welcomed(_) => {}
                Output::Deliver { .. } | Output::Untold(_) => unreachable!(),
            }
        }
        panic!("there is no end to it: {:?}", self.alerts);
    }

    pub fn cut(&mut self, store: &mut Store) {
        if !self.node.is_open() {
            return;
        }
        store.now_ms += 1_000_000;
        assert!(self.node.handle(store.now_ms, Input::Lost, &mut store.outbox).is_empty());
        store.now_ms += 1_000_000;
    }

    fn cursor(hub: &Hub, class: LogClass, epoch: Epoch) -> Cursor {
        let log = aisle_protocol::LogId { store: StoreId::new("store-1").unwrap(), class, epoch };
        let through = hub.point(class, epoch).unwrap_or_else(|| log.start());
        Cursor { class, epoch, through, quarantined: hub.forked.contains(&epoch) }
    }

    fn answer(hub: &mut Hub, stream: Stream, content: &bytes::Bytes) -> Vec<Message> {
        if matches!(stream, Stream::Up(_)) {
            let batch = Batch::parse(content.clone()).unwrap();
            let header = *batch.header();
            let (class, epoch) = (header.class, header.epoch);
            let is_next = hub.through(class, epoch) == header.start().seq && !hub.forked.contains(&epoch);
            if !is_next && !hub.has(class, epoch, header.end()) {
                // One number with two hashes: nothing more is taken of it.
                hub.forked.push(epoch);
                return vec![Message::error(ErrorCode::FORK, "fork", Some((class, epoch)))];
            }
            hub.take(&batch);
            return vec![Ack { class, epoch, through: hub.point(class, epoch).unwrap() }.into()];
        }
        match Message::decode(content).unwrap() {
            Message::Hello(hello) => {
                let logs = hello.logs.iter().chain(&hello.past);
                let welcome = Welcome {
                    version: Version::CURRENT,
                    region: "eu".into(),
                    hub: "hub-1".into(),
                    policy_wanted: None,
                    cursors: logs.map(|log| Self::cursor(hub, log.class, log.epoch)).collect(),
                };
                let credit = |class| Credit { class, bytes: u64::MAX, batches: u64::MAX }.into();
                std::iter::once(welcome.into()).chain(LogClass::ALL.map(credit)).collect()
            }
            Message::Locate(locate) => {
                let known = |point: &&aisle_protocol::Point| hub.has(locate.class, locate.epoch, **point);
                let seq = locate.points.iter().rev().find(known).map(|point| point.seq);
                vec![Located { class: locate.class, epoch: locate.epoch, seq }.into()]
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_acknowledged_is_trimmed_and_a_hub_that_was_set_back_gets_all_again() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub, mut line) = (open(&disk, small()), Hub::new(), Line::new());
    let mut saved = None;
    for round in 0..80 {
        store.happen(mixed()).unwrap();
        store.step();
        line.talk(&mut store, &mut hub);
        if round == 20 {
            saved = Some((hub.logs.clone(), hub.order.clone()));
        }
    }
    assert_eq!(line.alerts, []);
    for class in LogClass::ALL {
        assert_eq!(hub.times(class), store.expected(class), "{class}");
        assert_eq!(store.outbox.backlog(class).events, 0, "{class}");
    }
    (hub.logs, hub.order) = saved.unwrap();
    line.cut(&mut store);
    line.talk(&mut store, &mut hub);
    assert!(line.alerts.iter().any(|alert| matches!(alert, Alert::HubBehind { .. })), "{:?}", line.alerts);
    store.happen(mixed()).unwrap();
    store.step();
    line.talk(&mut store, &mut hub);
    for class in LogClass::ALL {
        assert_eq!(hub.times_once(class), store.expected(class), "{class}");
    }
    // Set back once more, behind the epoch that ended.
    let keep = |key: &(LogClass, Epoch)| key.0 != LogClass::Sales;
    hub.logs.retain(|key, _| keep(key));
    hub.order.retain(keep);
    line.cut(&mut store);
    line.talk(&mut store, &mut hub);
    for class in LogClass::ALL {
        assert_eq!(hub.times_once(class), store.expected(class), "{class}");
    }
}

#[test]
fn a_store_that_was_restored_from_a_backup_finds_where_the_logs_part() {
    let disk = FaultIo::new(1);
    let (mut store, mut hub, mut line) = (open(&disk, small()), Hub::new(), Line::new());
    let dirs: Vec<_> =
        std::iter::once(journal_dir()).chain((0..4).map(|class| dir().join(format!("p{class}")))).collect();
    for _ in 0..10 {
        store.happen(mixed()).unwrap();
        store.step();
        line.talk(&mut store, &mut hub);
    }
    drop(store);
    let saved = backup(&disk, &dirs);
    let mut store = open(&disk, small());
    for _ in 0..10 {
        store.happen(mixed()).unwrap();
        store.step();
        Line::new().talk(&mut store, &mut hub);
    }
    let lost = LogClass::ALL.map(|class| store.expected(class));
    drop(store);
    restore(&disk, &dirs, &saved);
    disk.set_clock_ms(FaultIo::CLOCK_MS + 60_000);
    let mut store = open(&disk, small());
    let mut line = Line::new();
    for _ in 0..3 {
        store.happen(mixed()).unwrap();
        store.seal_all();
        line.talk(&mut store, &mut hub);
    }
    assert!(line.alerts.iter().any(|alert| matches!(alert, Alert::Diverged { .. })), "{:?}", line.alerts);
    for (class, lost) in LogClass::ALL.into_iter().zip(lost) {
        let mut expected = [store.expected(class), lost].concat();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(hub.times_once(class), expected, "{class}");
    }
}
