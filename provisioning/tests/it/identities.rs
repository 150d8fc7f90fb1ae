//! Names: read whole or not at all, with what could have been meant.

use crate::world::{device, hub, node, relay};
use aisle_event::StoreId;
use aisle_provisioning::{Chain, Identity, Kind, Serial, Store, identity::NameFault};

#[test]
fn a_name_is_written_and_read_in_one_way() {
    for (identity, kind) in
        [(node(), Kind::Node), (device(), Kind::Device), (hub(), Kind::Hub), (relay(), Kind::Relay)]
    {
        let text = identity.to_string();
        assert_eq!(text.parse::<Identity>().unwrap(), identity);
        assert_eq!(identity.kind(), kind);
    }
    assert_eq!(node().to_string(), "spiffe://shops.example/store/berlin-12/node/A1b2.c_d");
}

#[test]
fn what_is_no_name_is_refused_whole() {
    for text in [
        "",
        "spiffe://",
        "http://shops.example/store/berlin/node/1",
        "spiffe://Shops.example/store/berlin/node/1",
        "spiffe://shops.example:1/store/berlin/node/1",
        "spiffe:///store/berlin/node/1",
        "spiffe://shops.example/store/berlin/node/1/",
        "spiffe://shops.example/store/berlin/node/",
        "spiffe://shops.example/store//node/1",
        "spiffe://shops.example/store/../node/1",
        "spiffe://shops.example/store/berlin/node/1?x",
        "spiffe://shops.example/store/berlin/node/%31",
        "spiffe://shops.example/store/berlin/node/1\n",
        "spiffe://shops.example/store/b\u{e9}rlin/node/1",
        "spiffe://shops.example/hub/a/b",
        "spiffe://shops.example/hub/",
    ] {
        let refusal = text.parse::<Identity>().unwrap_err().to_string();
        assert!(refusal.len() < 600 && !refusal.contains("\n\n"), "{refusal}");
    }
    let long = format!("spiffe://shops.example/store/{}/node/1", "x".repeat(4_000));
    assert!(long.parse::<Identity>().unwrap_err().to_string().len() < 300);
    let long = format!("spiffe://shops.example/store/{}/node/1", "x".repeat(65));
    assert!(long.parse::<Identity>().unwrap_err().to_string().contains("at most 64"));
}

#[test]
fn a_refusal_says_what_was_perhaps_meant() {
    let hint = |text: &str| text.parse::<Identity>().unwrap_err().to_string();
    assert!(hint("SPIFFE://shops.example/store/a/node/1").contains("small letters"));
    assert!(hint("spiffe://shops.example/Store/berlin/node/1").contains("`store/berlin/node/1`"));
    assert!(hint("spiffe://shops.example/stores/berlin/nodes/1").contains("`store/berlin/node/1`"));
    assert!(hint("spiffe://shops.example/store/berlin/devcie/1").contains("`store/berlin/device/1`"));
    assert!(hint("spiffe://shops.example/hubs/eu").contains("`hub/eu`"));
    assert!(hint("spiffe://Shops.Example/hub/eu").contains("`shops.example`"));
    assert!(hint("spiffe://shops.example/what/ever").contains("relay/<name>"));
    let store = StoreId::new("Filiale München").unwrap();
    let refusal = Store::try_from(&store).unwrap_err();
    assert_eq!(refusal.nearest.as_deref(), Some("Filiale-M-nchen"));
    assert!(matches!(refusal.reason, NameFault::Character { at: 7, .. }));
    assert_eq!(Serial::new("a".repeat(65)).unwrap_err().nearest, None);
    assert_eq!(Chain::new("..").unwrap_err().reason, NameFault::Dots);
}
