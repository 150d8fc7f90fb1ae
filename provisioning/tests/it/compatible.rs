//! The readers that stand at the other ends today, taken as they are: what is issued here has to pass them.

#[allow(dead_code, unused_qualifications, reason = "it is somebody else's source, of which a part is used")]
#[path = "../../../sync/transport/src/identity.rs"]
mod transport;

#[allow(dead_code, reason = "it is somebody else's source, of which a part is used")]
#[path = "../../../node/broker/src/transport/identity.rs"]
mod broker;

use crate::world::NOW;
use crate::world::{World, device, hub, hub_names, node, relay, serial, store};

#[test]
fn a_node_that_is_issued_here_is_the_same_node_to_the_transport() {
    let read: transport::Identity = node().to_string().parse().unwrap();
    assert_eq!(read.chain, "shops.example");
    assert_eq!(&read.store, store().id());
    assert_eq!(read.node, serial().as_str());
    assert_eq!(read.to_string(), node().to_string());
    let read: transport::Relay = relay().to_string().parse().unwrap();
    assert_eq!(read.to_string(), relay().to_string());
    for other in [hub(), device()] {
        assert!(
            other.to_string().parse::<transport::Named>().is_err(),
            "{other} is nobody who sends batches"
        );
    }
}

#[test]
fn a_device_that_is_issued_here_is_the_same_device_to_the_broker() {
    let mut world = World::new(1);
    let read = |certificate: &_| broker::CertificateIdentity::read(certificate).unwrap();
    let fridge = world.member(&device(), &[], NOW);
    assert_eq!(read(&fridge.issued.chain[0]).device(), Some("fridge-7"));
    let node = world.member(&node(), &hub_names(), NOW);
    assert_eq!(read(&node.issued.chain[0]).device(), None, "a node is no device");
}

#[test]
fn everything_that_is_a_name_here_is_one_there() {
    use aisle_provisioning::{Chain, Identity, Serial, Store};
    for (chain, store, serial) in
        [("a", "b", "c"), ("x_y.z-1", "...", "--"), (&"c".repeat(255), &"s".repeat(64), &"n".repeat(64))]
    {
        let identity = Identity::node(
            Chain::new(chain).unwrap(),
            Store::new(store).unwrap(),
            Serial::new(serial).unwrap(),
        );
        let read: transport::Identity = identity.to_string().parse().unwrap();
        assert_eq!(read.to_string(), identity.to_string());
    }
}
