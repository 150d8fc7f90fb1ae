//! The hub's machine, whatever a node says.

use super::{
    course::{Step, framed, step, steps},
    golden, store,
};
use aisle_protocol::{
    Batch, LinkKind, LogClass, LogId, Message, Point, PolicyId, Stream, Version,
    control::{Cursor, Hello, Locate, Report},
    frame::{Frames, frame},
    hub::{self, Answer, Config, Decision, Hub, Input, Output, Question},
};
use std::collections::{BTreeMap, VecDeque};

/// A hub with nothing in it that says yes to whatever is what it claims to be, and what was asked and not answered yet.
#[derive(Debug)]
struct World {
    hub: Hub,
    now_ms: u64,
    asked: VecDeque<(u64, Question)>,
    admitted: BTreeMap<LogId, Vec<Point>>,
    is_closed: bool,
}

/// A course: what a node says on its streams, and when the database answers. See [`super::course`].
///
/// # Panics
/// When something is acknowledged that was not committed, something is said that is no frame, or anything is done after the end.
pub fn sync_hub(input: &[u8]) {
    let mut world = World {
        hub: Hub::new(Config { region: "eu".into(), ..Config::default() }),
        now_ms: 1_000,
        asked: VecDeque::new(),
        admitted: BTreeMap::new(),
        is_closed: false,
    };
    world.happen(Input::Opened { store: Some(store()) });
    for Step { what, stream, bytes } in steps(input) {
        world.now_ms = world.now_ms.saturating_add(match what >> 4 {
            15 => 600_000,
            ms => u64::from(ms) * 7,
        });
        match what & 0x0f {
            0 | 1 => world.answer(),
            2 => world.happen(Input::Tick),
            3 => world.happen(Input::Overloaded { retry_after_ms: bytes.len() as u64 }),
            4 => world.refuse(bytes.len() as u64),
            5 => world.happen(Input::Answer { ticket: bytes.len() as u64, answer: Answer::Located(None) }),
            6 => world.happen(Input::Bytes { stream, bytes: &frame(bytes) }),
            _ => world.happen(Input::Bytes { stream, bytes }),
        }
    }
    while !world.asked.is_empty() {
        world.answer();
    }
    world.happen(Input::Lost);
}

impl World {
    fn happen(&mut self, input: Input<'_>) {
        let outputs = self.hub.handle(self.now_ms, input);
        assert!(!self.is_closed || outputs.is_empty(), "after the end: {outputs:?}");
        for output in outputs {
            match output {
                Output::Send { stream, bytes } => self.said(stream, &bytes),
                Output::Ask { ticket, question } => self.asked.push_back((ticket, question)),
                Output::Close { .. } => self.is_closed = true,
                Output::Welcomed { hello, .. } => assert_eq!(hello.store, store()),
                Output::Deliver { .. } | Output::Alert(_) => {}
            }
        }
    }

    fn said(&self, stream: Stream, bytes: &[u8]) {
        let mut frames = Frames::of(stream);
        frames.push(bytes);
        let content = frames.next_frame().ok().flatten().expect("a hub sends whole frames");
        assert!(!frames.is_partial());
        if let Message::Ack(ack) = Message::decode(&content).expect("a hub says messages") {
            let log = LogId { store: store(), class: ack.class, epoch: ack.epoch };
            let is_committed = self.admitted.get(&log).is_some_and(|points| points.contains(&ack.through));
            assert!(is_committed, "{log} is acknowledged through {:?}", ack.through);
        }
    }

    /// The database says what it says to the oldest question.
    fn answer(&mut self) {
        let Some((ticket, question)) = self.asked.pop_front() else { return };
        let answer = match question {
            Question::Resume { logs } => Answer::Resumed(logs.iter().map(|log| self.cursor(log)).collect()),
            Question::Locate { points, .. } => {
                Answer::Located(points.iter().map(|point| point.seq).filter(|seq| *seq == 0).max())
            }
            Question::Admit { log, batches } => {
                assert!(
                    log.store == store() && batches.iter().all(|batch| batch.header().class == log.class)
                );
                match hub::check(batches) {
                    Ok(checked) => {
                        let last = checked.last().map(|batch| batch.header().end());
                        let through = last.unwrap_or_else(|| self.cursor(&log).through);
                        self.admitted.entry(log).or_default().push(through);
                        Answer::Admitted(Decision { through, stop: None })
                    }
                    Err(error) => Answer::Broken(error.to_string()),
                }
            }
        };
        self.happen(Input::Answer { ticket, answer });
    }

    /// It is too busy for the oldest question.
    fn refuse(&mut self, retry_after_ms: u64) {
        if let Some((ticket, _)) = self.asked.pop_front() {
            self.happen(Input::Answer { ticket, answer: Answer::Busy { retry_after_ms } });
        }
    }

    fn cursor(&self, log: &LogId) -> Cursor {
        let known = self.admitted.get(log).and_then(|points| points.last());
        let through = known.copied().unwrap_or_else(|| log.start());
        Cursor { class: log.class, epoch: log.epoch, through, quarantined: false }
    }
}

/// A node that sends before it is welcomed, one that asks where it is, one that floods.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    const ANSWER: u8 = 0x10;
    const TICK: u8 = 0xf2;
    const BUSY: u8 = 0x14;
    const SAY: u8 = 0x17;
    const CONTROL: u8 = 0;
    const SALES: u8 = 3;
    let say = |message: &Message| framed(SAY, CONTROL, &message.encode());
    let batch = golden("batch.one_sale.hex");
    let epoch = Batch::parse(batch.clone()).expect("a golden batch").header().epoch;
    let hello = Message::from(Hello {
        versions: vec![Version::CURRENT],
        store: store(),
        node: "node-1".into(),
        region: "eu".into(),
        link: LinkKind::Fibre,
        logs: Vec::new(),
        policy: PolicyId::default(),
        software: "test".into(),
        past: Vec::new(),
    });
    let start = LogId { store: store(), class: LogClass::Sales, epoch }.start();
    let locate = Message::from(Locate { class: LogClass::Sales, epoch, points: vec![start] });
    let report = Message::from(Report { generation: 1, applied: Vec::new(), node: None });
    let (answer, up) = (step(ANSWER, 0, &[]), framed(SAY, SALES, &batch));
    vec![
        [say(&hello), up.clone(), answer.clone(), answer.clone(), up.clone(), answer.clone()].concat(),
        [say(&hello), answer.clone(), say(&locate), answer.clone(), step(TICK, 0, &[])].concat(),
        [say(&hello), answer.clone(), up, step(BUSY, 0, &[1; 9]), say(&report), answer.clone()].concat(),
        [vec![say(&hello), answer], vec![say(&report); 40]].concat().concat(),
    ]
}
