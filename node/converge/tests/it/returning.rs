//! Bytes of what comes back that were lost or have rotted: they are asked for again, whatever the order says, and the way back goes on with them.

use crate::world::*;
use aisle_artefact::Artefact;
use aisle_fleet::{ContentHash, report::Phase};
use std::{fs, path::PathBuf};

fn kept(node: &Node, version: &str) -> PathBuf {
    path(node.dir.path()).join("contents").join(release(version, "well").hash.to_string())
}

/// A node whose bytes of the proved version 1.0.0 are lost; that version and 1.1.0 as they are signed, and the metadata that lists both.
fn bereft(hub: &mut Hub) -> (Node, [Artefact; 2], Vec<u8>) {
    let node = Node::new();
    node.fleet().trust(&hub.root()).unwrap();
    let signed = [hub.sign("1.0.0", "well"), hub.sign("1.1.0", "traps")];
    let metadata = hub.metadata();
    node.fleet().metadata(&metadata).unwrap();
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], Some(&metadata)), None).unwrap();
    node.bring(&content("1.0.0", "well"));
    node.until_proved("1.0.0");
    fs::remove_file(kept(&node, "1.0.0")).unwrap();
    (node, signed, metadata)
}

#[test]
fn the_bytes_of_what_comes_back_are_fetched_again_where_they_are_lost_or_rotten() {
    for is_rotten in [false, true] {
        let (node, _, metadata) = bereft(&mut Hub::new());
        if is_rotten {
            // A file of its own: what lay there has another name elsewhere, which must not rot along.
            fs::write(kept(&node, "1.0.0"), b"rotten").unwrap();
        }
        node.fleet().order(&order(2, 2, &[release("1.1.0", "traps")], Some(&metadata)), None).unwrap();
        node.bring(&content("1.1.0", "traps"));
        let lost = release("1.0.0", "well").hash;
        let status = node.until("asked for again", |_| node.fleet().take_missing().contains(&lost));
        assert_eq!(status.report.slots[&slot()].phase, Phase::Reverting, "{status}");
        assert_eq!(ContentHash::of(&content("1.0.0", "well")), lost);
        node.bring(&content("1.0.0", "well"));
        node.until("back", |status| status.report.slots[&slot()].phase == Phase::Refused);
        assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
    }
}

#[test]
fn a_stick_brings_what_comes_back_though_its_order_does_not_name_it() {
    let mut hub = Hub::new();
    let (node, [one, two], metadata) = bereft(&mut hub);
    let order = order(2, 2, &[release("1.1.0", "traps")], Some(&metadata));
    let stick = hub.bundle(Some(&order), &[(two, content("1.1.0", "traps"))]);
    node.fleet().courier(stick.as_slice()).unwrap();
    let lost = release("1.0.0", "well").hash;
    node.until("asked for again", |_| node.fleet().take_missing().contains(&lost));
    let stick = hub.bundle(None, &[(one, content("1.0.0", "well"))]);
    let (applied, _) = node.fleet().courier(stick.as_slice()).unwrap();
    assert_eq!(applied.taken.len(), 1);
    node.until("back", |status| status.report.slots[&slot()].phase == Phase::Refused);
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
}
