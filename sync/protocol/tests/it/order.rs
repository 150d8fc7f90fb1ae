//! What a node sends when: the most valuable first, within credit and budget, and again only after a wait that nobody shares.

use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Epoch, ErrorCode, Head, Item, LinkKind, LogClass, LogId, Message, Point, PolicyId, Stream,
    Version,
    control::{Credit, Cursor, RetryAfter, Welcome},
    frame::{Frames, frame},
    limits::CREDIT_INITIAL_BATCHES,
    node::{Allowance, Config, Input, Log, Node, Outbox, Output},
};
use bytes::Bytes;
use std::{collections::BTreeMap, convert::Infallible};

/// An outbox whose batches have one event each, the place up to which they are trimmed, and what ended before.
#[derive(Debug, Default)]
pub struct Batches(BTreeMap<LogClass, (LogId, Vec<Batch>)>, usize, Vec<(Epoch, Point)>);

impl Batches {
    fn new(logs: &[(LogClass, u64)], payload_bytes: usize) -> Self {
        let store = StoreId::new("berlin-12").unwrap();
        let mut random = crate::random::Random(1);
        let mut outbox = Self::default();
        for (class, count) in logs {
            let log = LogId { store: store.clone(), class: *class, epoch: Epoch([class.number(); 16]) };
            let mut at = log.start();
            let mut batches = Vec::new();
            for seq in 1..=*count {
                let payload: Bytes = (0..payload_bytes).map(|_| random.number() as u8).collect();
                let item = Item { seq, hlc: seq << 20, kind: 1, payload };
                let batch = Batch::seal(&log, at, &[item], PolicyId::default(), |_| Bytes::new()).unwrap();
                at = batch.header().end();
                batches.push(batch);
            }
            outbox.0.insert(*class, (log, batches));
        }
        outbox
    }

    fn ends(&self, class: LogClass) -> Vec<Point> {
        let Some((log, batches)) = self.0.get(&class) else { return Vec::new() };
        std::iter::once(log.start()).chain(batches.iter().map(|batch| batch.header().end())).collect()
    }
}

impl Outbox for Batches {
    type Error = Infallible;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Infallible> {
        let ends = self.ends(class);
        Ok(self.0.get(&class).map(|(log, _)| Log {
            epoch: log.epoch,
            floor: ends[self.1],
            acked: ends[self.1],
            last: *ends.last().unwrap(),
        }))
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, Infallible> {
        let is_kept = seq as usize >= self.1;
        Ok(self.0.get(&class).filter(|_| is_kept).and_then(|(_, batches)| batches.get(seq as usize)).cloned())
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, Infallible> {
        Ok(self.ends(class).get(seq as usize).map(|end| end.head))
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        max: usize,
    ) -> Result<Vec<Point>, Infallible> {
        let all = self.ends(class).into_iter().filter(|end| end.seq > after && end.seq <= through);
        Ok(all.take(max).collect())
    }

    fn past(&mut self, _: LogClass) -> Result<Vec<(Epoch, Point)>, Infallible> {
        Ok(self.2.clone())
    }
}

pub struct NodeUnderTest {
    pub node: Node,
    outbox: Batches,
    pub now: u64,
    pub early: Vec<Output>,
}

impl NodeUnderTest {
    pub fn open(logs: &[(LogClass, u64)]) -> Self {
        let mut node = Self::greeting(logs, 40, |_| {});
        node.welcome();
        node
    }

    fn greeting(logs: &[(LogClass, u64)], payload_bytes: usize, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(StoreId::new("berlin-12").unwrap(), "node-7");
        config.link = LinkKind::Fibre;
        change(&mut config);
        let mut under_test = Self {
            node: Node::new(config, 7),
            outbox: Batches::new(logs, payload_bytes),
            now: 0,
            early: Vec::new(),
        };
        assert_eq!(under_test.input(Input::Tick), [Output::Connect { attempt: 0 }]);
        under_test.early = under_test.input(Input::Opened);
        under_test
    }

    pub fn input(&mut self, input: Input<'_>) -> Vec<Output> {
        self.now = self.now.wrapping_add(1);
        self.node.handle(self.now, input, &mut self.outbox)
    }

    pub fn hears(&mut self, message: impl Into<Message>) -> Vec<Output> {
        let bytes = frame(&message.into().encode());
        self.input(Input::Bytes { stream: Stream::Control, bytes: &bytes })
    }

    pub fn epoch(&self, class: LogClass) -> Epoch {
        self.outbox.0[&class].0.epoch
    }

    pub fn head(&mut self, class: LogClass, seq: u64) -> Head {
        let Ok(head) = self.outbox.head_at(class, seq);
        head.unwrap_or_default()
    }

    pub fn welcome(&mut self) -> Vec<Output> {
        let cursors = self.outbox.0.values().map(|(log, _)| Cursor {
            class: log.class,
            epoch: log.epoch,
            through: log.start(),
            quarantined: false,
        });
        let cursors = cursors.collect();
        let hub = "hub-1".into();
        self.hears(Welcome {
            version: Version::CURRENT,
            region: "eu".into(),
            hub,
            policy_wanted: None,
            cursors,
        })
    }
}

fn sent(outputs: &[Output]) -> Vec<(LogClass, u64)> {
    let sent = outputs.iter().filter_map(|output| match output {
        Output::Send { stream: Stream::Up(class), bytes } => {
            let mut frames = Frames::of(Stream::Up(*class));
            frames.push(bytes);
            let batch = Batch::parse(frames.next_frame().unwrap().unwrap()).unwrap();
            Some((*class, batch.header().first_seq))
        }
        _ => None,
    });
    sent.collect()
}

#[test]
fn batches_go_out_with_the_first_word_so_that_two_round_trips_are_enough() {
    let node = NodeUnderTest::greeting(&[(LogClass::Sales, 3)], 40, |_| {});
    assert!(matches!(node.early[0], Output::Send { stream: Stream::Control, .. }));
    assert_eq!(sent(&node.early), [(LogClass::Sales, 1), (LogClass::Sales, 2), (LogClass::Sales, 3)]);
}

#[test]
fn an_epoch_that_is_new_to_the_hub_waits_for_its_word_and_one_that_it_knows_does_not() {
    let early = |acked: usize| {
        let mut node = Node::new(Config::new(StoreId::new("berlin-12").unwrap(), "node-7"), 7);
        let mut outbox = Batches::new(&[(LogClass::Sales, 3)], 40);
        outbox.1 = acked;
        outbox.2 = vec![(Epoch([9; 16]), Point { seq: 5, head: Head([9; 32]) })];
        node.handle(1, Input::Tick, &mut outbox);
        sent(&node.handle(2, Input::Opened, &mut outbox))
    };
    assert_eq!(early(0), []);
    assert_eq!(early(1), [(LogClass::Sales, 2), (LogClass::Sales, 3)]);
}

#[test]
fn what_is_worth_more_goes_first() {
    let logs = [(LogClass::Bulk, 2), (LogClass::Telemetry, 2), (LogClass::Sales, 2), (LogClass::Stock, 2)];
    let node = NodeUnderTest::greeting(&logs, 40, |_| {});
    let order: Vec<LogClass> = sent(&node.early).into_iter().map(|(class, _)| class).collect();
    assert!(order.is_sorted() && order.len() == 8, "{order:?}");
}

#[test]
fn where_little_may_be_under_way_bulk_leaves_room_for_sales() {
    let logs = [(LogClass::Bulk, 40), (LogClass::Sales, 40)];
    let mut node = NodeUnderTest::greeting(&logs[..1], 1000, |config| config.in_flight_bytes_max = 8_000);
    assert!(sent(&node.early).len() <= 2, "bulk takes a quarter");
    node.outbox = Batches::new(&logs, 1000);
    let more = sent(&node.input(Input::Sealed));
    assert!(more.iter().all(|(class, _)| *class == LogClass::Sales) && more.len() > 3, "{more:?}");
}

#[test]
fn nothing_goes_beyond_credit_and_everything_up_to_it() {
    let mut node = NodeUnderTest::greeting(&[(LogClass::Sales, 100)], 40, |_| {});
    assert_eq!(sent(&node.early).len() as u64, CREDIT_INITIAL_BATCHES);
    assert_eq!(sent(&node.welcome()), []);
    let more = node.hears(Credit { class: LogClass::Sales, bytes: 1 << 20, batches: 20 });
    assert_eq!(
        sent(&more),
        [(LogClass::Sales, 17), (LogClass::Sales, 18), (LogClass::Sales, 19), (LogClass::Sales, 20)]
    );
    let less = node.hears(Credit { class: LogClass::Sales, bytes: 1, batches: 1 });
    assert_eq!(sent(&less), [], "credit only grows");
}

#[test]
fn a_budget_that_is_spent_waits_for_its_window_and_holds_up_no_sales() {
    let allowance = Some(Allowance { bytes_max: 500, window_ms: 60_000 });
    let logs = [(LogClass::Bulk, 10), (LogClass::Sales, 10)];
    let mut node = NodeUnderTest::greeting(&logs, 40, |config| {
        config.link = LinkKind::Metered;
        config.budgets.metered.bulk = allowance;
        config.ack_timeout_ms = 10_000_000;
    });
    let first = sent(&node.early);
    assert_eq!(first.iter().filter(|(class, _)| *class == LogClass::Sales).count(), 10);
    let bulk = first.len() - 10;
    assert!((1..4).contains(&bulk), "{bulk}");
    assert!(node.node.spent_bytes(LogClass::Bulk) >= 500);
    node.welcome();
    let end = node.node.wake_at();
    assert!((60_000..60_010).contains(&end), "the window's end, not {end}");
    node.now = end;
    assert_eq!(sent(&node.input(Input::Tick)).len(), bulk);
    assert_eq!(
        sent(&node.input(Input::Link(LinkKind::Fibre))).len(),
        10 - 2 * bulk,
        "a line without a volume has none"
    );
}

#[test]
fn what_a_busy_hub_forgot_goes_out_again_after_the_wait() {
    let mut node = NodeUnderTest::open(&[(LogClass::Sales, 2)]);
    assert_eq!(sent(&node.hears(RetryAfter { ms: 1_000, class: Some(LogClass::Sales) })), []);
    let at = node.node.wake_at();
    assert!((1_000..1_510).contains(&at), "{at}");
    node.now = at;
    assert_eq!(sent(&node.input(Input::Tick)), [(LogClass::Sales, 1), (LogClass::Sales, 2)]);
}

#[test]
fn nodes_that_were_sent_away_together_do_not_come_back_together() {
    let back = |seed| {
        let config = Config::new(StoreId::new("berlin-12").unwrap(), "node-7");
        let mut node = Node::new(config, seed);
        let mut outbox = Batches::default();
        node.handle(0, Input::Tick, &mut outbox);
        node.handle(1, Input::Opened, &mut outbox);
        let away = Message::from(RetryAfter { ms: 60_000, class: None });
        let bytes = frame(&away.encode());
        let outputs = node.handle(2, Input::Bytes { stream: Stream::Control, bytes: &bytes }, &mut outbox);
        assert!(matches!(outputs.as_slice(), [Output::Close { .. }]));
        node.wake_at()
    };
    let times: std::collections::BTreeSet<u64> = (0..200).map(back).collect();
    assert!(times.len() > 190, "{}", times.len());
    assert!(times.iter().all(|at| (60_002..=90_002).contains(at)));
}

#[test]
fn the_wait_doubles_up_to_its_bound_and_is_drawn_from_zero() {
    let config = Config::new(StoreId::new("berlin-12").unwrap(), "node-7");
    let (base, max) = (config.backoff_base_ms, config.backoff_max_ms);
    let mut node = Node::new(config, 3);
    let mut outbox = Batches::default();
    let mut now = 0;
    for attempt in 0..40 {
        let outputs = node.handle(now, Input::Tick, &mut outbox);
        assert_eq!(outputs, [Output::Connect { attempt }]);
        node.handle(now, Input::Lost, &mut outbox);
        let wait = node.wake_at() - now;
        assert!(wait <= (base << attempt.min(20)).min(max), "{attempt}: {wait}");
        now += wait;
    }
}

#[test]
fn what_was_trimmed_while_a_restored_hub_wants_it_comes_from_the_journal() {
    let mut node = NodeUnderTest::open(&[(LogClass::Sales, 30)]);
    node.hears(Credit { class: LogClass::Sales, bytes: 1 << 20, batches: 20 });
    let epoch = node.epoch(LogClass::Sales);
    let through = Point { seq: 20, head: node.head(LogClass::Sales, 20) };
    // The outbox still believes an acknowledgement of before, and trims by it.
    node.outbox.1 = 25;
    node.hears(aisle_protocol::control::Ack { class: LogClass::Sales, epoch, through });
    let outputs = node.hears(Credit { class: LogClass::Sales, bytes: 1 << 20, batches: 30 });
    assert!(outputs.contains(&Output::Renew { class: LogClass::Sales, epoch, after: 20 }), "{outputs:?}");
}

#[test]
fn where_receipts_part_the_log_goes_on_in_a_new_epoch_but_not_without_end() {
    let class = LogClass::Sales;
    let mut node = NodeUnderTest::open(&[(class, 5)]);
    let epoch = node.epoch(class);
    let refusal = || Message::error(ErrorCode::RECEIPT, "receipt 3 came after 7", Some((class, epoch)));
    let through = Point { seq: 2, head: node.head(class, 2) };
    node.hears(aisle_protocol::control::Ack { class, epoch, through });
    let outputs = node.hears(refusal());
    assert!(outputs.contains(&Output::Renew { class, epoch, after: 2 }), "{outputs:?}");
    // The first receipt of an epoch follows nothing: another epoch would fare no better.
    let mut node = NodeUnderTest::open(&[(class, 5)]);
    let outputs = node.hears(refusal());
    assert!(!outputs.iter().any(|output| matches!(output, Output::Renew { .. })), "{outputs:?}");
    assert_eq!(sent(&node.input(Input::Sealed)), []);
}
