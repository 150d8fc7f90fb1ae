//! What a hub wants of a store: any bytes are a manifest or an error, and a manifest survives its own encoding; the package of a plugin, the
//! tree of a content and an order likewise.

use aisle_content::{
    Content, Delta, Item, Manifest, NodeOrder, Order, PIECE_BYTES, PluginPackage, Tree, manifest::ITEMS_MAX,
    order::MAGIC,
};
use aisle_event::StoreId;
use aisle_protocol::Hash;

/// The input may be a manifest, a package, a tree, or what a hub has signed of an order.
///
/// # Panics
/// When what was read is not bounded, or does not decode to itself again.
pub fn content_manifest(input: &[u8]) {
    match Manifest::decode(input) {
        Ok(manifest) => {
            assert!(manifest.items().len() <= ITEMS_MAX);
            let encoded = manifest.encode();
            assert_eq!(Manifest::decode(&encoded).as_ref(), Ok(&manifest));
            let again = Manifest::new(manifest.generation(), manifest.items().to_vec());
            assert_eq!(
                again.map(|again| again.encode()),
                Ok(encoded),
                "its order is the order of its making"
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(package) = PluginPackage::decode(input) {
        assert_eq!(PluginPackage::decode(&package.encode()), Ok(package));
    }
    assert!(Order::open(input, &store(), |_, _| false).is_err(), "what nobody has signed is not looked at");
    let signed = [MAGIC, &[0; 64], input].concat();
    if let Ok(order) = Order::open(&signed, &store(), |_, _| true) {
        let again = order.seal(|_| [0; 64]).expect("what was read can be written");
        assert_eq!(Order::open(&again, &store(), |_, _| true), Ok(order));
    }
    let content = Content { hash: Hash([7; 32]), bytes: 3 * PIECE_BYTES, tree: Some(Hash([8; 32])) };
    assert!(Tree::open(&content, input).is_err(), "nobody finds a tree of a hash that was made up");
}

fn store() -> StoreId {
    StoreId::new("berlin-12").expect("a store")
}

/// A manifest with everything that one can have, a package, and the body of an order.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let content = |byte, bytes: u64| {
        let tree = (bytes > PIECE_BYTES).then_some(Hash([byte ^ 1; 32]));
        Content { hash: Hash([byte; 32]), bytes, tree }
    };
    let item =
        |name: &str, content, deltas| Item { name: name.into(), version: "1.2.0".into(), content, deltas };
    let delta = |from| Delta { from: Hash([from; 32]), content: content(from ^ 0x80, 900) };
    let items = vec![
        item("plugin/multi-buy", content(2, 3 * PIECE_BYTES), vec![delta(1), delta(3)]),
        item("catalogue", content(4, 12), Vec::new()),
    ];
    let manifest = Manifest::new(9, items).expect("a good manifest");
    let package = PluginPackage { manifest: "id = \"multi-buy\"".into(), component: vec![0, 97, 115, 109] };
    let mut node = NodeOrder::new("A1".into(), 3, vec![0xa1, 0, 1]);
    node.rehearse = Some(vec![0xa1, 1, 0x80].into());
    let order = Order::new(&store(), manifest.encode(), vec![node], "hub-1", 5);
    let order = order.seal(|_| [0; 64]).expect("a good order");
    vec![manifest.encode(), package.encode(), order.get(MAGIC.len() + 64..).unwrap_or_default().to_vec()]
}
