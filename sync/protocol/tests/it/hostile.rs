//! Peers that lie are cut off, counted, and harm nobody else; hubs that lie make no node trim what it should keep.

use crate::golden::{batches, messages};
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Epoch, ErrorCode, Hash, Head, Item, LogClass, LogId, Message, Point, PolicyId, Stream, Version,
    control::{Ack, ChunkPart, ChunkWanted, Cursor, Hello, LinkKind, Octets},
    frame::frame,
    hub::{Alert, Answer, Config, Decision, Hub, Input, Output, Question, Stop},
    limits::CREDIT_INITIAL_BATCHES,
};
use bytes::Bytes;
use proptest::prelude::*;
use std::time::Duration;

fn store() -> StoreId {
    StoreId::new("berlin-12").unwrap()
}

fn opened() -> Hub {
    let mut hub = Hub::new(Config::default());
    assert!(hub.handle(0, Input::Opened { store: Some(store()) }).is_empty());
    hub
}

fn hello() -> Hello {
    Hello {
        versions: vec![Version::CURRENT],
        store: store(),
        node: "node-7".into(),
        region: "eu".into(),
        link: LinkKind::Fibre,
        logs: Vec::new(),
        policy: PolicyId::default(),
        software: "test".into(),
        past: Vec::new(),
    }
}

fn say(hub: &mut Hub, now_ms: u64, message: impl Into<Message>) -> Vec<Output> {
    let bytes = frame(&message.into().encode());
    hub.handle(now_ms, Input::Bytes { stream: Stream::Control, bytes: &bytes })
}

/// A hub that has welcomed its node.
fn welcomed() -> Hub {
    let mut hub = opened();
    let outputs = say(&mut hub, 1, hello());
    let [Output::Ask { ticket, question: Question::Resume { .. } }] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    let answer = Input::Answer { ticket: *ticket, answer: Answer::Resumed(Vec::new()) };
    assert!(hub.handle(2, answer).iter().any(|output| matches!(output, Output::Welcomed { .. })));
    hub
}

fn cut_off_with(outputs: &[Output]) -> Option<ErrorCode> {
    let told = outputs.iter().any(|output| matches!(output, Output::Send { stream: Stream::Control, .. }));
    let counted = outputs.iter().any(|output| matches!(output, Output::Alert(Alert::CutOff { .. })));
    match outputs.last() {
        Some(Output::Close { code }) if told && counted => Some(*code),
        _ => None,
    }
}

fn up(hub: &mut Hub, batch: &Batch) -> Vec<Output> {
    let bytes = frame(batch.bytes());
    hub.handle(3, Input::Bytes { stream: Stream::Up(batch.header().class), bytes: &bytes })
}

#[test]
fn a_peer_that_says_nothing_is_cut_off() {
    let mut hub = opened();
    let at = hub.wake_at().unwrap();
    assert!(hub.handle(at - 1, Input::Tick).is_empty());
    assert_eq!(cut_off_with(&hub.handle(at, Input::Tick)), Some(ErrorCode::SLOW));
    assert_eq!(hub.wake_at(), None);
    assert!(say(&mut hub, at + 1, hello()).is_empty(), "nothing is heard after that");
}

#[test]
fn a_frame_that_never_ends_is_cut_off_however_it_drips() {
    let mut hub = welcomed();
    let bytes = frame(batches()[1].1.bytes());
    for (at, byte) in bytes.iter().enumerate() {
        let now = 10 + at as u64 * 1_000;
        let outputs = hub.handle(
            now,
            Input::Bytes { stream: Stream::Up(LogClass::Sales), bytes: std::slice::from_ref(byte) },
        );
        if let Some(code) = cut_off_with(&outputs) {
            assert_eq!((code, now / 1000), (ErrorCode::SLOW, Config::default().frame_timeout_ms / 1000));
            return;
        }
    }
    panic!("it was let in");
}

#[test]
fn whoever_is_not_who_the_certificate_names_is_cut_off() {
    let other = Hello { store: StoreId::new("paris-1").unwrap(), ..hello() };
    assert_eq!(cut_off_with(&say(&mut opened(), 1, other)), Some(ErrorCode::IDENTITY));
}

#[test]
fn without_a_common_version_there_is_no_talk() {
    let future = Hello { versions: vec![Version::new(9, 9)], ..hello() };
    assert_eq!(cut_off_with(&say(&mut opened(), 1, future)), Some(ErrorCode::VERSION));
}

#[test]
fn more_than_was_granted_is_cut_off() {
    let mut hub = opened();
    let batch = &batches()[0].1;
    for sent in 1.. {
        // Nobody answers, so nothing is granted.
        let outputs = up(&mut hub, batch);
        if sent <= CREDIT_INITIAL_BATCHES {
            assert!(outputs.is_empty(), "{outputs:?}");
        } else {
            return assert_eq!(cut_off_with(&outputs), Some(ErrorCode::CREDIT));
        }
    }
}

#[test]
fn bytes_that_are_no_message_or_do_not_belong_are_cut_off() {
    let raw = |bytes: &[u8]| {
        let bytes = frame(bytes);
        cut_off_with(&welcomed().handle(3, Input::Bytes { stream: Stream::Control, bytes: &bytes }))
    };
    assert_eq!(raw(b"nonsense"), Some(ErrorCode::MALFORMED));
    assert_eq!(raw(&Message::Hello(hello()).encode()), Some(ErrorCode::UNEXPECTED), "HELLO twice");
    for (name, message) in messages() {
        let from_hub = matches!(
            message,
            Message::Welcome(_) | Message::Ack(_) | Message::Credit(_) | Message::Policy(_)
        );
        if from_hub {
            assert_eq!(raw(&message.encode()), Some(ErrorCode::UNEXPECTED), "{name}");
        }
    }
    let mut hub = welcomed();
    let down = hub.handle(3, Input::Bytes { stream: Stream::Down, bytes: &[1, 2] });
    assert_eq!(cut_off_with(&down), Some(ErrorCode::UNEXPECTED));
    let mut hub = welcomed();
    let bytes = frame(batches()[0].1.bytes());
    let wrong = hub.handle(3, Input::Bytes { stream: Stream::Up(LogClass::Bulk), bytes: &bytes });
    assert_eq!(cut_off_with(&wrong), Some(ErrorCode::BATCH), "a batch of sales on the stream of bulk");
}

#[test]
fn a_flood_of_messages_and_questions_is_cut_off() {
    let mut hub = welcomed();
    let locate = messages().into_iter().find(|(name, _)| *name == "locate").unwrap().1;
    let code = (0..100).find_map(|_| cut_off_with(&say(&mut hub, 3, locate.clone())));
    assert_eq!(code, Some(ErrorCode::FLOOD));
    let mut hub = welcomed();
    let report = messages().into_iter().find(|(name, _)| *name == "report").unwrap().1;
    let code = (0..1000).find_map(|_| cut_off_with(&say(&mut hub, 3, report.clone())));
    assert_eq!(code, Some(ErrorCode::FLOOD));
}

#[test]
fn an_ack_is_said_only_in_answer_to_a_commit() {
    let mut hub = welcomed();
    let batch = batches()[1].1.clone();
    let outputs = up(&mut hub, &batch);
    let [Output::Ask { ticket, question: Question::Admit { log, batches } }] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    assert_eq!((log.class, batches.len()), (LogClass::Sales, 1));
    for now in 4..1000 {
        assert!(hub.handle(now, Input::Tick).is_empty());
    }
    let through = batch.header().end();
    let answer = Answer::Admitted(Decision { through, stop: None });
    let outputs = hub.handle(1000, Input::Answer { ticket: *ticket, answer: answer.clone() });
    let ack = Message::from(Ack { class: log.class, epoch: log.epoch, through });
    assert_eq!(outputs, [Output::Send { stream: Stream::Control, bytes: frame(&ack.encode()) }]);
    let again = hub.handle(1001, Input::Answer { ticket: *ticket, answer });
    assert!(again.is_empty(), "a second answer says nothing: {again:?}");
}

#[test]
fn a_forked_log_stops_and_the_others_go_on() {
    let mut hub = welcomed();
    let sales = batches()[1].1.clone();
    let outputs = up(&mut hub, &sales);
    let [Output::Ask { ticket, .. }] = outputs.as_slice() else { panic!("{outputs:?}") };
    let fork = Decision { through: Point { seq: 100, head: Head([9; 32]) }, stop: Some(Stop::Fork) };
    let outputs = hub.handle(4, Input::Answer { ticket: *ticket, answer: Answer::Admitted(fork) });
    assert!(
        outputs.iter().any(|output| matches!(output, Output::Alert(Alert::Refused { stop: Stop::Fork, .. })))
    );
    assert!(!outputs.iter().any(|output| matches!(output, Output::Close { .. })));
    assert!(up(&mut hub, &sales).is_empty(), "more of the same epoch is passed over");
    let log = LogId { store: store(), class: LogClass::Stock, epoch: Epoch([3; 16]) };
    let item = Item { seq: 1, hlc: 1, kind: 1, payload: Bytes::from_static(&[0xa0]) };
    let stock = Batch::seal(&log, log.start(), &[item], PolicyId::default(), |_| Bytes::new()).unwrap();
    assert!(matches!(up(&mut hub, &stock).as_slice(), [Output::Ask { .. }]));
}

#[test]
fn an_overloaded_hub_says_when_to_come_again() {
    let mut hub = welcomed();
    let outputs = hub.handle(3, Input::Overloaded { retry_after_ms: 700 });
    assert!(matches!(
        outputs.as_slice(),
        [Output::Send { .. }, Output::Close { code: ErrorCode::UNAVAILABLE }]
    ));
}

#[test]
fn a_cursor_of_a_log_that_nobody_has_changes_nothing() {
    let mut node = crate::order::NodeUnderTest::open(&[(LogClass::Sales, 5)]);
    let strange = Cursor {
        class: LogClass::Sales,
        epoch: Epoch([99; 16]),
        through: Point { seq: 1 << 40, head: Head([1; 32]) },
        quarantined: true,
    };
    assert!(node.hears(strange).is_empty());
}

#[test]
fn a_hub_that_acknowledges_what_it_was_never_sent_is_not_believed() {
    let mut node = crate::order::NodeUnderTest::open(&[(LogClass::Sales, 5)]);
    let epoch = node.epoch(LogClass::Sales);
    for through in [Point { seq: 1 << 40, head: Head([1; 32]) }, Point { seq: 3, head: Head([1; 32]) }] {
        let outputs = node.hears(Ack { class: LogClass::Sales, epoch, through });
        assert!(!outputs.iter().any(|output| matches!(output, aisle_protocol::node::Output::Acked { .. })));
    }
}

#[test]
fn contents_may_be_as_many_as_there_are_but_unfinished_questions_are_few() {
    let wanted = |number: u8| {
        let hash = Hash([number; 32]);
        let message = Message::from(ChunkWanted { hash, offset: 0, bytes_max: 100 });
        (Stream::Chunk(hash), frame(&message.encode()))
    };
    let mut hub = welcomed();
    for number in 0..100 {
        let (stream, bytes) = wanted(number);
        let outputs = hub.handle(3 + u64::from(number), Input::Bytes { stream, bytes: &bytes });
        assert!(matches!(outputs.as_slice(), [Output::Deliver { .. }]), "content {number}: {outputs:?}");
    }
    let code = (100..200).find_map(|number| {
        let (stream, bytes) = wanted(number);
        cut_off_with(&hub.handle(200, Input::Bytes { stream, bytes: &bytes[..3] }))
    });
    assert_eq!(code, Some(ErrorCode::FLOOD));
    let mut node = crate::order::NodeUnderTest::open(&[]);
    for number in 0..200 {
        let hash = Hash([number; 32]);
        let part = Message::from(ChunkPart { hash, offset: 0, bytes_total: 1, bytes: Octets::default() });
        let (stream, bytes) = (Stream::Chunk(hash), frame(&part.encode()));
        let outputs = node.input(aisle_protocol::node::Input::Bytes { stream, bytes: &bytes });
        let is_delivered = matches!(outputs.as_slice(), [aisle_protocol::node::Output::Deliver { .. }]);
        assert!(is_delivered, "content {number}: {outputs:?}");
    }
}

#[test]
fn a_message_that_no_frame_holds_is_told_to_the_operator_and_not_to_the_peer() {
    let long = Octets(Bytes::from(vec![0; aisle_protocol::limits::MESSAGE_BYTES_MAX]));
    let document = |document: &Octets| {
        Message::from(aisle_protocol::control::Policy { id: PolicyId::default(), document: document.clone() })
    };
    let stream = Stream::Control;
    let mut hub = welcomed();
    let outputs = hub.handle(3, Input::Tell { stream, message: document(&long) });
    assert!(matches!(outputs.as_slice(), [Output::Alert(Alert::TooLong { message: 7, .. })]), "{outputs:?}");
    let outputs = hub.handle(4, Input::Tell { stream, message: document(&Octets::default()) });
    assert!(matches!(outputs.as_slice(), [Output::Send { .. }]), "{outputs:?}");
    let mut node = crate::order::NodeUnderTest::open(&[]);
    let erased = aisle_protocol::control::Erased { id: Hash([1; 32]), receipt: long };
    let outputs = node.input(aisle_protocol::node::Input::Tell { stream, message: erased.into() });
    let alert = aisle_protocol::node::Alert::TooLong { message: 9, bytes: 65_580, bytes_max: 65_536 };
    assert_eq!(outputs, [aisle_protocol::node::Output::Alert(alert)]);
}

/// A few kilobytes that claim one text of five megabytes, a hundred thousand times.
fn one_long_text_many_times() -> Bytes {
    let varint = aisle_protocol::varint::put;
    let (times, length, raw_bytes) = (130_000_u64, 5_u64 << 20, 1_u64 << 20);
    // No shapes; time, counter and kind are 0.
    let mut body = vec![0, 0, 0, 0, 0, 0, 0];
    // A list, its length, its values' tokens, and one text that all of them are.
    body.extend([0, 0, 4 << 1, 0, 0]);
    varint(&mut body, times << 1);
    varint(&mut body, times);
    body.extend([0, 2 << 1, 0, 0]);
    varint(&mut body, length);
    body.resize(body.len() + length as usize, b'x');
    let body = zstd::bulk::compress(&body, 3).unwrap();
    let mut out = b"AIS1\x01\x03\x03".to_vec();
    out.extend([1; 16]);
    out.extend([1, 1]);
    out.extend([0; 8 + 1 + 32]);
    varint(&mut out, raw_bytes);
    out.extend([0; 32 + 32 + 1]);
    varint(&mut out, body.len() as u64);
    out.extend(body);
    let checksum = crc32c::crc32c(&out);
    out.extend(checksum.to_le_bytes());
    out.into()
}

#[test]
fn a_small_batch_that_claims_one_text_many_times_is_refused_before_it_costs_anything() {
    let bytes = one_long_text_many_times();
    assert!(bytes.len() < 4 << 10, "{} bytes", bytes.len());
    let refused = std::thread::spawn(move || Batch::parse(bytes).unwrap().check());
    // Hashing all of them takes minutes; anything that looks at none of them is done long before the tests are.
    let waits = (0..2_000)
        .take_while(|_| !refused.is_finished())
        .map(|_| std::thread::sleep(Duration::from_millis(10)));
    assert!(waits.count() < 2_000, "it is still at it");
    assert_eq!(refused.join().unwrap(), Err(aisle_protocol::batch::BatchError::Body));
}

/// Something that may happen to an end, made from few numbers.
#[derive(Debug, Clone)]
enum Act {
    Say(usize),
    Up(usize, u8),
    Raw(u8, Vec<u8>),
    Answer(u8, u64),
    Tick(u64),
    Lost,
    Opened,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any::<usize>().prop_map(Act::Say),
        3 => (any::<usize>(), 0_u8..4).prop_map(|(which, class)| Act::Up(which, class)),
        1 => (0_u8..8, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(stream, bytes)| Act::Raw(stream, bytes)),
        3 => (0_u8..6, any::<u64>()).prop_map(|(which, number)| Act::Answer(which, number)),
        2 => prop_oneof![0_u64..100_000, any::<u64>()].prop_map(Act::Tick),
        1 => Just(Act::Lost),
        2 => Just(Act::Opened),
    ]
}

fn stream_of(number: u8) -> Stream {
    match number {
        0..4 => Stream::Up(LogClass::ALL[usize::from(number)]),
        4 => Stream::Down,
        5 => Stream::Chunk(Hash([number; 32])),
        _ => Stream::Control,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_course_of_things_makes_a_hub_fall_over(acts in prop::collection::vec(act(), 1..80)) {
        let (messages, batches) = (messages(), batches());
        let mut hub = Hub::new(Config::default());
        let (mut now, mut tickets) = (0, Vec::new());
        for act in acts {
            let framed;
            let input = match &act {
                Act::Opened => Input::Opened { store: None },
                Act::Lost => Input::Lost,
                Act::Tick(at) => {
                    now = *at;
                    Input::Tick
                }
                Act::Raw(stream, bytes) => Input::Bytes { stream: stream_of(*stream), bytes },
                Act::Say(which) => {
                    // HELLO is what opens everything else.
                    let message = if which % 3 == 0 { Message::from(hello()) } else { messages[which % messages.len()].1.clone() };
                    framed = frame(&message.encode());
                    Input::Bytes { stream: Stream::Control, bytes: &framed }
                }
                Act::Up(which, class) => {
                    framed = frame(batches[which % batches.len()].1.bytes());
                    Input::Bytes { stream: stream_of(if which % 4 == 0 { *class } else { 0 }), bytes: &framed }
                }
                Act::Answer(which, number) => {
                    let through = Point { seq: *number, head: Head([1; 32]) };
                    let stops = [None, Some(Stop::Gap), Some(Stop::Fork), Some(Stop::Epochs)];
                    let answer = match which {
                        0 => Answer::Resumed(Vec::new()),
                        1 => Answer::Located(Some(*number)),
                        2 => Answer::Broken("broken".into()),
                        3 => Answer::Busy { retry_after_ms: *number },
                        _ => Answer::Admitted(Decision { through, stop: stops[(*number % 4) as usize].clone() }),
                    };
                    let ticket = tickets.pop().unwrap_or(*number);
                    Input::Answer { ticket, answer }
                }
            };
            for output in hub.handle(now, input) {
                if let Output::Ask { ticket, .. } = output {
                    tickets.push(ticket);
                }
            }
        }
    }

    #[test]
    fn no_course_of_things_makes_a_node_fall_over(acts in prop::collection::vec(act(), 1..80)) {
        use aisle_protocol::node::Input;
        let messages = messages();
        let mut node = crate::order::NodeUnderTest::open(&[(LogClass::Sales, 40), (LogClass::Bulk, 3)]);
        let epoch = node.epoch(LogClass::Sales);
        for act in acts {
            match act {
                Act::Opened => drop(node.input(Input::Opened)),
                Act::Lost => drop(node.input(Input::Lost)),
                Act::Tick(at) => {
                    node.now = at;
                    node.input(Input::Tick);
                }
                Act::Raw(stream, bytes) => drop(node.input(Input::Bytes { stream: stream_of(stream), bytes: &bytes })),
                Act::Say(which) => drop(node.hears(messages[which % messages.len()].1.clone())),
                Act::Up(..) => drop(node.welcome()),
                Act::Answer(which, seq) => {
                    let seq = if which % 2 == 0 { seq } else { seq % 45 };
                    let through = Point { seq, head: node.head(LogClass::Sales, seq) };
                    let (class, log) = (LogClass::Sales, Some((LogClass::Sales, epoch)));
                    match which {
                        0 | 1 => drop(node.hears(Ack { class, epoch, through })),
                        2 | 3 => drop(node.hears(Cursor { class, epoch, through, quarantined: seq % 2 == 0 })),
                        4 => drop(node.hears(aisle_protocol::control::Located { class, epoch, seq: Some(seq) })),
                        _ => drop(node.hears(Message::error(ErrorCode::FORK, "fork", log))),
                    }
                }
            }
            let _at = node.node.wake_at();
        }
    }
}
