//! What the hub has to say, and what the node answers.

use crate::{
    authority::Authority,
    world::{HubUnderTest, NodeUnderTest, eventually},
};
use aisle_event::StoreId;
use aisle_protocol::{
    Hash, Message, PolicyId, Stream,
    control::{Applied, ChunkWanted, Desired, Erase, Erased, Octets, Policy, Report},
    node::Allowance,
};
use aisle_transport::{
    Path,
    client::Heard,
    desk::{CHUNK_BYTES_MAX, Errand},
};
use bytes::Bytes;

fn delivered(node: &NodeUnderTest) -> Vec<(Stream, Message)> {
    let heard = node.heard.lock().unwrap();
    heard
        .iter()
        .filter_map(|heard| match heard {
            Heard::Delivered { stream, message } => Some((*stream, message.clone())),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errands_come_with_welcome_and_whenever_there_are_more_and_answers_go_back() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let policy = Policy { id: PolicyId::default(), document: Octets(Bytes::from_static(b"policy")) };
    let erase = Erase { id: Hash([7; 32]), subject: Octets(Bytes::from_static(b"token")) };
    // Larger than a control message may be.
    let desired = Desired { generation: 4, manifest: Octets(vec![9; 300_000].into()) };
    *hub.desk.errands.lock().unwrap() =
        vec![Errand::Policy(policy.clone()), Errand::Desired(desired.clone())];
    for (store, quic, tls) in [("berlin", Some(hub.quic), None), ("paris", None, Some(hub.tls))] {
        let node = NodeUnderTest::start(&authority, store, quic, tls);
        eventually("both errands are there", || delivered(&node).len() == 2).await;
        let store = StoreId::new(store).unwrap();
        assert_eq!(hub.connections.tell(&store, &Errand::Erase(erase.clone())), 1);
        eventually("the third is there", || delivered(&node).len() == 3).await;
        let all = delivered(&node);
        for expected in [
            (Stream::Control, Message::Policy(policy.clone())),
            (Stream::Control, Message::Erase(erase.clone())),
            (Stream::Down, Message::Desired(desired.clone())),
        ] {
            assert!(all.contains(&expected), "{expected:?}");
        }
        let applied = Applied {
            name: "prices".into(),
            version: "4".into(),
            hash: Hash([1; 32]),
            ok: false,
            reason: Some("too old".into()),
        };
        node.client.report(Report { generation: 4, applied: vec![applied], node: None }).unwrap();
        node.client.erased(Erased { id: erase.id, receipt: Octets(Bytes::from_static(b"proof")) }).unwrap();
        eventually("both answers are there", || {
            let (reports, erased) = (hub.desk.reports.lock().unwrap(), hub.desk.erased.lock().unwrap());
            reports.last().is_some_and(|report| report.generation == 4) && !erased.is_empty()
        })
        .await;
        hub.desk.reports.lock().unwrap().clear();
        hub.desk.erased.lock().unwrap().clear();
        // The other way: the store asks, the hub answers.
        let subject = Octets(Bytes::from_static(b"one\nanother"));
        node.client.erase(Erase { id: Hash([8; 32]), subject }).unwrap();
        eventually("the hub has forgotten", || delivered(&node).len() == 4).await;
        let receipt = Octets(Bytes::from_static(b"forgotten one\nanother"));
        let answer = (Stream::Control, Message::Erased(Erased { id: Hash([8; 32]), receipt }));
        assert!(delivered(&node).contains(&answer));
    }
    assert_eq!(hub.connections.tell(&StoreId::new("rome").unwrap(), &Errand::Erase(erase)), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_comes_in_pieces_and_one_that_is_not_there_is_refused_on_its_stream() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let content: Bytes = (0..2_500_000_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>().into();
    let hash = Hash(*blake3::hash(&content).as_bytes());
    hub.desk.contents.lock().unwrap().insert(hash, content.clone());
    for (store, quic, tls) in [("berlin", Some(hub.quic), None), ("paris", None, Some(hub.tls))] {
        let node = NodeUnderTest::start(&authority, store, quic, tls);
        node.is_connected_by(if quic.is_some() { Path::Quic } else { Path::Tls }).await;
        let mut got = Vec::new();
        while got.len() < content.len() {
            let wanted = ChunkWanted { hash, offset: got.len() as u64, bytes_max: CHUNK_BYTES_MAX as u64 };
            node.client.tell(Stream::Chunk(hash), Message::ChunkWanted(wanted)).unwrap();
            let before = got.len();
            eventually("a piece is there", || {
                for (_, message) in delivered(&node) {
                    if let Message::ChunkPart(part) = message
                        && part.offset == before as u64
                    {
                        got.truncate(before);
                        got.extend_from_slice(&part.bytes.0);
                    }
                }
                got.len() > before
            })
            .await;
        }
        assert_eq!(Hash(*blake3::hash(&got).as_bytes()), hash);
        let none = Hash([3; 32]);
        let wanted = ChunkWanted { hash: none, offset: 0, bytes_max: 10 };
        node.client.tell(Stream::Chunk(none), Message::ChunkWanted(wanted)).unwrap();
        eventually("it is refused", || {
            delivered(&node).iter().any(|(stream, message)| {
                *stream == Stream::Chunk(none)
                    && matches!(message, Message::Error(error) if error.text.contains("no such content"))
            })
        })
        .await;
        assert_eq!(node.status().phase, aisle_transport::client::Phase::Connected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_come_one_after_the_other_as_many_as_there_are() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let contents: Vec<Bytes> = (0..30_u8).map(|number| vec![number; 10_000].into()).collect();
    let hash = |content: &Bytes| Hash(*blake3::hash(content).as_bytes());
    hub.desk.contents.lock().unwrap().extend(contents.iter().map(|content| (hash(content), content.clone())));
    for (store, quic, tls) in [("berlin", Some(hub.quic), None), ("paris", None, Some(hub.tls))] {
        let node = NodeUnderTest::start(&authority, store, quic, tls);
        node.is_connected_by(if quic.is_some() { Path::Quic } else { Path::Tls }).await;
        // All are asked for at once; the ninth waits until one is closed.
        for content in &contents {
            let wanted = ChunkWanted { hash: hash(content), offset: 0, bytes_max: 20_000 };
            node.client.tell(Stream::Chunk(hash(content)), Message::ChunkWanted(wanted)).unwrap();
        }
        let mut got = std::collections::HashSet::new();
        eventually("all are there", || {
            for (_, message) in delivered(&node) {
                if let Message::ChunkPart(part) = message
                    && got.insert(part.hash)
                {
                    assert_eq!(hash(&part.bytes.0), part.hash);
                    node.client.close_chunk(part.hash).unwrap();
                }
            }
            got.len() == contents.len()
        })
        .await;
        assert_eq!(node.status().phase, aisle_transport::client::Phase::Connected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_has_much_to_say_listens_again_when_it_is_said() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| config.send_bytes_max = 100_000);
    let content: Bytes = vec![9; 600_000].into();
    let hash = Hash(*blake3::hash(&content).as_bytes());
    hub.desk.contents.lock().unwrap().insert(hash, content);
    for (store, quic, tls) in [("berlin", Some(hub.quic), None), ("paris", None, Some(hub.tls))] {
        let node = NodeUnderTest::start(&authority, store, quic, tls);
        node.is_connected_by(if quic.is_some() { Path::Quic } else { Path::Tls }).await;
        for _ in 0..10 {
            let wanted = ChunkWanted { hash, offset: 0, bytes_max: 600_000 };
            node.client.tell(Stream::Chunk(hash), Message::ChunkWanted(wanted)).unwrap();
        }
        node.seal(aisle_protocol::LogClass::Sales, 0..1_000, 100, 20);
        node.is_acked().await;
        eventually("all pieces are there", || delivered(&node).len() == 10).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_comes_back() {
    let authority = Authority::new("root");
    let node =
        NodeUnderTest::start(&authority, "berlin", None, Some((std::net::Ipv4Addr::LOCALHOST, 9).into()));
    node.client.report(Report { generation: 1, applied: Vec::new(), node: None }).unwrap();
    eventually("it came back", || {
        node.heard.lock().unwrap().iter().any(|heard| matches!(heard, Heard::Untold(Message::Report(_))))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_are_asked_for_as_far_as_the_budget_goes_and_then_it_is_said_when_to_ask_again() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let content: Bytes = vec![9; 1_000_000].into();
    let hash = Hash(*blake3::hash(&content).as_bytes());
    hub.desk.contents.lock().unwrap().insert(hash, content);
    let window_ms = 30 * 24 * 3_600_000;
    let node = NodeUnderTest::with(authority.node("berlin", "1"), "berlin", Some(hub.quic), None, |plan| {
        let allowance = Some(Allowance { bytes_max: 250_000, window_ms });
        for link in
            [&mut plan.config.budgets.metered, &mut plan.config.budgets.lte, &mut plan.config.budgets.fibre]
        {
            link.bulk = allowance;
        }
    });
    node.is_connected_by(Path::Quic).await;
    let piece = |offset| ChunkWanted { hash, offset, bytes_max: 100_000 };
    let pieces = || delivered(&node).len();
    for number in 0..3 {
        node.client.fetch(piece(number * 100_000)).unwrap();
        eventually("the piece is there", || pieces() as u64 == number + 1).await;
    }
    node.client.fetch(piece(300_000)).unwrap();
    let held = || {
        let heard = node.heard.lock().unwrap();
        heard.iter().find_map(|heard| match heard {
            Heard::Held { hash, for_ms } => Some((*hash, *for_ms)),
            _ => None,
        })
    };
    eventually("it is held back", || held().is_some()).await;
    let (of, for_ms) = held().unwrap();
    assert!(of == hash && (1..=window_ms).contains(&for_ms), "{for_ms}");
    assert_eq!(pieces(), 3, "what was held back was not asked for");
    // What is worth more than its bytes has a budget of its own.
    node.seal(aisle_protocol::LogClass::Sales, 0..1_000, 100, 20);
    node.is_acked().await;
}
