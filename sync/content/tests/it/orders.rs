//! Orders: signed, for one store, bounded.

use aisle_content::order::{MAGIC, NODES_MAX, NodeOrder, Order, OrderError, REHEARSE_BYTES_MAX};
use aisle_event::StoreId;

fn store(name: &str) -> StoreId {
    StoreId::new(name).unwrap()
}

/// Stands for a signature: the hash of key and message, twice. The arithmetic is the callers'.
fn sign(key: u8) -> impl Fn(&[u8]) -> [u8; 64] {
    move |message| {
        let hash = *blake3::hash(&[&[key], message].concat()).as_bytes();
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&hash);
        signature[32..].copy_from_slice(&hash);
        signature
    }
}

fn of(key: u8) -> impl FnOnce(&[u8], &[u8; 64]) -> bool {
    move |message, signature| sign(key)(message) == *signature
}

fn node(serial: &str, version: u64) -> NodeOrder {
    NodeOrder::new(serial.into(), version, vec![7; 9])
}

fn order() -> Order {
    Order::new(&store("berlin-12"), vec![1, 2, 3], vec![node("B2", 4), node("A1", 3)], "hub-1", 5)
}

#[test]
fn an_order_comes_back_as_it_was_signed() {
    let document = order().seal(sign(1)).unwrap();
    assert!(Order::is_one(&document) && !Order::is_one(&[0xa3, 0, 1]));
    let read = Order::open(&document, &store("berlin-12"), of(1)).unwrap();
    assert_eq!(read, order());
    assert_eq!(read.node("B2").unwrap().version, 4);
    assert_eq!(read.node("C3"), None);
}

#[test]
fn what_was_changed_or_is_for_another_store_is_refused() {
    let document = order().seal(sign(1)).unwrap();
    assert_eq!(Order::open(&document, &store("berlin-12"), of(2)), Err(OrderError::Forged));
    assert!(matches!(Order::open(&document, &store("bonn-1"), of(1)), Err(OrderError::Store { .. })));
    for at in MAGIC.len()..document.len() {
        let mut other = document.clone();
        other[at] ^= 1;
        assert_eq!(Order::open(&other, &store("berlin-12"), of(1)), Err(OrderError::Forged), "byte {at}");
    }
    for end in 0..MAGIC.len() + 64 {
        assert!(Order::open(&document[..end], &store("berlin-12"), of(1)).is_err(), "{end} bytes");
    }
}

#[test]
fn what_is_twice_or_too_much_is_not_made() {
    let two = Order::new(&store("s"), vec![], vec![node("A", 1), node("A", 2)], "h", 0);
    assert_eq!(two.seal(sign(1)), Err(OrderError::Nodes));
    let many = (0..=NODES_MAX).map(|n| node(&format!("{n:03}"), 1)).collect();
    let many = Order::new(&store("s"), vec![], many, "h", 0);
    assert!(matches!(many.seal(sign(1)), Err(OrderError::Bound { .. })));
    let long = Order::new(&store("s"), vec![0; 2 << 20], vec![], "h", 0);
    assert!(matches!(long.seal(sign(1)), Err(OrderError::Bound { .. })));
}

/// The form of a node as builds before rehearsals write and read it.
#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
struct Before {
    #[n(1)]
    serial: String,
    #[n(2)]
    version: u64,
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    state: Vec<u8>,
}

#[test]
fn a_node_with_nothing_to_rehearse_is_written_as_it_always_was() {
    let before = Before { serial: "A1".into(), version: 3, state: vec![7; 9] };
    assert_eq!(minicbor::to_vec(node("A1", 3)).unwrap(), minicbor::to_vec(before).unwrap());
}

#[test]
fn a_build_that_knows_of_no_rehearsals_reads_the_rest() {
    let mut asked = node("A1", 3);
    asked.rehearse = Some(vec![1, 2].into());
    let bytes = minicbor::to_vec(&asked).unwrap();
    let before: Before = minicbor::decode(&bytes).unwrap();
    assert_eq!((before.serial.as_str(), before.version, before.state), ("A1", 3, vec![7; 9]));
    assert_eq!(minicbor::decode::<NodeOrder>(&bytes).unwrap(), asked);
    asked.rehearse = Some(vec![0; REHEARSE_BYTES_MAX + 1].into());
    let long = Order::new(&store("s"), vec![], vec![asked], "h", 0);
    assert!(matches!(long.seal(sign(1)), Err(OrderError::Bound { max: REHEARSE_BYTES_MAX, .. })));
}
