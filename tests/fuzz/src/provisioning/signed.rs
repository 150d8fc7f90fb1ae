//! What a hub signs: the time, and who may not come in.

use super::{NOW, chain, device, node, world};
use aisle_provisioning::{
    device::{Entry, RevocationList, What, revocation::ENTRIES_MAX},
    time::TimeStatement,
};

/// The input may be a list, signed or not. A signature of nobody who is believed opens nothing.
///
/// # Panics
/// When a list that was read is beyond its bounds, is encoded otherwise, or cannot be signed and opened.
pub fn revocation_list(input: &[u8]) {
    let world = world();
    let none = RevocationList::default();
    let open = |bytes: &[u8]| RevocationList::open(bytes, &world.roots, &chain(), &none);
    if let Ok(list) = open(input) {
        assert!(list.number() > 0, "only the examples are signed: {list:?}");
    }
    let Ok(list) = RevocationList::decode(input) else { return };
    assert!(list.entries().count() <= ENTRIES_MAX);
    assert_eq!(RevocationList::decode(&list.encode()).ok().as_ref(), Some(&list));
    // Signed it is believed, where the hub's certificate held when it was made.
    if let Ok(opened) = open(&list.sign(world.signer()).expect("a signature")) {
        assert_eq!(opened, list);
    }
}

/// The input may be a statement of time.
///
/// # Panics
/// When one is believed that says another time than was signed.
pub fn time_statement(input: &[u8]) {
    let world = world();
    match TimeStatement::open(input, &world.roots, &chain(), None) {
        Ok(statement) => assert_eq!(statement.at, NOW, "nothing else was ever signed"),
        Err(error) => assert!(error.to_string().len() < 1_000, "{error}"),
    }
    let _ = TimeStatement::open(input, &world.roots, &chain(), Some(&[1; 32]));
}

/// A list with an entry of each kind, as it is kept and as it is sent.
pub(crate) fn list_examples() -> Vec<Vec<u8>> {
    let world = world();
    let number = world.node.1.facts.number.clone();
    let issuer = world.roots.facts().first().map(|root| root.key).expect("a root");
    let whats =
        [What::Identity(node()), What::Identity(device()), What::Certificate(number), What::Issuer(issuer)];
    let entries = whats.map(|what| Entry { what, since: NOW, until: None });
    let list = RevocationList::default().with(entries, &[], NOW).expect("a short list");
    vec![list.encode(), list.sign(world.signer()).expect("a signature")]
}

/// Statements with and without a nonce.
pub(crate) fn time_examples() -> Vec<Vec<u8>> {
    let statements = [None, Some([1; 32])].map(|nonce| TimeStatement { at: NOW, nonce });
    statements.iter().map(|statement| statement.sign(world().signer()).expect("a signature")).collect()
}
