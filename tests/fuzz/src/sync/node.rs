//! The node's machine, whatever a hub says.

use super::{
    course::{Step, framed, step, steps},
    store,
};
use aisle_protocol::{
    Batch, Epoch, ErrorCode, Head, Item, LinkKind, LogClass, LogId, Message, Point, PolicyId, Stream,
    Version,
    control::{Ack, Credit, Cursor, Located, RetryAfter, Welcome},
    frame::{Frames, frame},
    node::{Config, Input, Log, Node, Outbox, Output},
};
use bytes::Bytes;
use std::{collections::BTreeMap, convert::Infallible, sync::OnceLock};

/// Batches of each log, and events of each batch.
const BATCHES: u64 = 6;
const EVENTS: u64 = 3;
/// What one step may make a node say, in bytes: it may send all that waits, and no more.
const SAID_BYTES_MAX: usize = 64 << 10;

/// Two logs with a few sealed batches each.
#[derive(Debug)]
struct Shelf(BTreeMap<LogClass, Shelved>);

#[derive(Debug)]
struct Shelved {
    log: LogId,
    batches: Vec<Batch>,
    /// By number; the first is before all.
    points: Vec<Point>,
}

fn shelf() -> &'static Shelf {
    static SHELF: OnceLock<Shelf> = OnceLock::new();
    SHELF.get_or_init(|| {
        let shelved = |class: LogClass| {
            let log = LogId { store: store(), class, epoch: Epoch([class.number() + 1; 16]) };
            let mut at = log.start();
            let (mut batches, mut points) = (Vec::new(), vec![at]);
            for _ in 0..BATCHES {
                let item = |seq: u64| {
                    let payload = Bytes::from(vec![0xa1, 0x01, (seq % 24) as u8]);
                    Item { seq, hlc: seq << 20, kind: 0x0201, payload }
                };
                let items: Vec<Item> = (at.seq + 1..=at.seq + EVENTS).map(item).collect();
                let batch = Batch::seal(&log, at, &items, PolicyId::default(), |_| Bytes::new())
                    .expect("three short events");
                at = batch.header().end();
                let checked = batch.clone().check().expect("it was sealed here");
                points.extend(items.iter().map(|item| Point {
                    seq: item.seq,
                    head: checked.head_at(item.seq).expect("it is within the batch"),
                }));
                batches.push(batch);
            }
            (class, Shelved { log, batches, points })
        };
        Shelf([LogClass::Sales, LogClass::Stock].map(shelved).into())
    })
}

impl Shelved {
    fn last(&self) -> Point {
        self.points.last().copied().unwrap_or_else(|| self.log.start())
    }
}

/// A reader of the shelf.
#[derive(Debug)]
struct Reader;

impl Outbox for Reader {
    type Error = Infallible;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Infallible> {
        Ok(shelf().0.get(&class).map(|shelved| Log {
            epoch: shelved.log.epoch,
            floor: shelved.log.start(),
            acked: shelved.log.start(),
            last: shelved.last(),
        }))
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, Infallible> {
        let batches = shelf().0.get(&class).map(|shelved| &shelved.batches);
        Ok(batches.into_iter().flatten().find(|batch| batch.header().end().seq > seq).cloned())
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, Infallible> {
        let points = shelf().0.get(&class).map(|shelved| &shelved.points);
        Ok(points.into_iter().flatten().find(|point| point.seq == seq).map(|point| point.head))
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, Infallible> {
        let points = shelf().0.get(&class).map(|shelved| &shelved.points);
        let between = |point: &&Point| point.seq > after && point.seq <= through;
        Ok(points.into_iter().flatten().filter(between).take(points_max).copied().collect())
    }

    fn past(&mut self, _: LogClass) -> Result<Vec<(Epoch, Point)>, Infallible> {
        Ok(Vec::new())
    }
}

/// A course: connections that open and end, and what a hub says on them. See [`super::course`].
///
/// # Panics
/// When the node believes an acknowledgement of what it never had, asks for an epoch after a place that there is not, says what is no
/// frame, or says without bound.
pub fn sync_node(input: &[u8]) {
    let mut config = Config::new(store(), "node-1");
    config.link = LinkKind::Fibre;
    let (mut node, mut now_ms) = (Node::new(config, 7), 1_000_u64);
    check(node.handle(now_ms, Input::Tick, &mut Reader));
    for Step { what, stream, bytes } in steps(input) {
        now_ms = now_ms.saturating_add(match what >> 4 {
            15 => 600_000,
            ms => u64::from(ms) * 7,
        });
        let input = match what & 0x0f {
            0 => Input::Opened,
            1 => Input::Lost,
            2 => Input::Sealed,
            3 => Input::Tick,
            4 => Input::Link(LinkKind::ALL[bytes.len() % LinkKind::ALL.len()]),
            5 => Input::Policy(PolicyId { version: bytes.len() as u32, ..PolicyId::default() }),
            6 => {
                let framed = frame(bytes);
                check(node.handle(now_ms, Input::Bytes { stream, bytes: &framed }, &mut Reader));
                continue;
            }
            _ => Input::Bytes { stream, bytes },
        };
        check(node.handle(now_ms, input, &mut Reader));
    }
}

fn check(outputs: Vec<Output>) {
    let mut said_bytes = 0;
    for output in outputs {
        match output {
            Output::Send { stream, bytes } => {
                said_bytes += bytes.len();
                let mut frames = Frames::of(stream);
                frames.push(&bytes);
                let content = frames.next_frame().ok().flatten().expect("a node sends whole frames");
                assert!(!frames.is_partial());
                match stream {
                    Stream::Up(class) => {
                        let batch = Batch::parse(content).expect("a node sends batches");
                        assert_eq!(batch.header().class, class);
                    }
                    _ => drop(Message::decode(&content).expect("a node says messages")),
                }
            }
            Output::Acked { class, epoch, through } => {
                let shelved = shelf().0.get(&class).expect("a class that there is");
                assert!(shelved.log.epoch == epoch && shelved.points.contains(&through), "{through:?}");
            }
            Output::Renew { class, epoch, after } => {
                let shelved = shelf().0.get(&class).expect("a class that there is");
                assert!(shelved.log.epoch == epoch && after <= shelved.last().seq, "after {after}");
            }
            _ => {}
        }
    }
    assert!(said_bytes <= SAID_BYTES_MAX, "{said_bytes} bytes at once");
}

/// A good course, one with a hub that is behind, one that parts, one that is too busy.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    const OPENED: u8 = 0x10;
    const LOST: u8 = 0x11;
    const TICK: u8 = 0x13;
    const LATER: u8 = 0xf3;
    const HEAR: u8 = 0x17;
    let hear = |message: Message| framed(HEAR, 0, &message.encode());
    let class = LogClass::Sales;
    let shelved = shelf().0.get(&class).expect("there are sales");
    let (epoch, points) = (shelved.log.epoch, &shelved.points);
    let cursor = |through: Point| Cursor { class, epoch, through, quarantined: false };
    let welcome = |through: Point| {
        hear(
            Welcome {
                version: Version::CURRENT,
                region: "eu".into(),
                hub: "hub-1".into(),
                policy_wanted: None,
                cursors: vec![cursor(through)],
            }
            .into(),
        )
    };
    let ack = |seq: usize| hear(Ack { class, epoch, through: points[seq] }.into());
    let credit = hear(Credit { class, bytes: 1 << 20, batches: 100 }.into());
    let strange = Point { seq: 9, head: Head([9; 32]) };
    let open = step(OPENED, 0, &[]);
    vec![
        [open.clone(), welcome(points[0]), credit.clone(), ack(3), ack(18), step(TICK, 0, &[])].concat(),
        [open.clone(), welcome(points[6]), hear(cursor(points[3]).into()), credit, ack(9)].concat(),
        [
            open.clone(),
            welcome(strange),
            hear(Located { class, epoch, seq: Some(6) }.into()),
            step(LOST, 0, &[]),
            step(LATER, 0, &[]),
            open.clone(),
            welcome(points[0]),
        ]
        .concat(),
        [
            open.clone(),
            welcome(points[0]),
            hear(RetryAfter { ms: 700, class: Some(class) }.into()),
            hear(Message::error(ErrorCode::RECEIPT, "not the one that follows", Some((class, epoch)))),
            hear(RetryAfter { ms: 900, class: None }.into()),
            step(LATER, 0, &[]),
            open,
        ]
        .concat(),
    ]
}
