//! A disk that takes nothing: nothing ordered is changed, people and headquarters are told, and it goes on when it takes something again.

use crate::world::*;
use aisle_fleet::Reason;
use std::{fs, os::unix::fs::symlink, sync::atomic::Ordering};

#[test]
fn a_full_disk_holds_up_what_is_ordered_until_there_is_room() {
    let node = Node::new();
    let beside = path(node.dir.path()).join("kept.new");
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], None), None).unwrap();
    node.bring(&content("1.0.0", "well"));
    node.until_proved("1.0.0");
    // What is written there finds no room, as on a disk that is full.
    let _ = fs::remove_file(&beside);
    symlink("/dev/full", &beside).unwrap();
    node.fleet().order(&order(2, 2, &[release("1.1.0", "well")], None), None).unwrap();
    node.bring(&content("1.1.0", "well"));
    let status = node.until("held up", |status| status.problem.is_some());
    let problem = status.problem.unwrap();
    assert!(problem.contains("no room to write `fleet/kept`") && problem.contains("hint"), "{problem}");
    let told = &status.report.slots[&slot()].reasons;
    assert!(matches!(&told[0], Reason::Busy { with } if with.contains("disk")), "{told:?}");
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"), "nothing is done that is not kept");
    fs::remove_file(&beside).unwrap();
    node.until_proved("1.1.0");
    let status = node.status();
    assert_eq!((status.problem, status.report.slots[&slot()].reasons.len()), (None, 0));
}

#[test]
fn a_node_that_starts_and_stops_on_a_full_disk_goes_on_where_it_was() {
    let mut node = Node::new();
    let beside = path(node.dir.path()).join("kept.new");
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], None), None).unwrap();
    node.bring(&content("1.0.0", "well"));
    node.until_proved("1.0.0");
    node.stop();
    let _ = fs::remove_file(&beside);
    symlink("/dev/full", &beside).unwrap();
    node.start();
    node.until("held up", |status| status.problem.is_some());
    node.stop();
    node.start();
    fs::remove_file(&beside).unwrap();
    node.fleet().order(&order(2, 2, &[release("1.1.0", "well")], None), None).unwrap();
    node.bring(&content("1.1.0", "well"));
    node.until_proved("1.1.0");
}

#[test]
fn a_disk_that_fails_otherwise_ends_the_changing_and_is_told() {
    let mut node = Node::new();
    let beside = path(node.dir.path()).join("kept.new");
    let _ = fs::remove_file(&beside);
    // No file can be made there.
    fs::create_dir(&beside).unwrap();
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], None), None).unwrap();
    node.bring(&content("1.0.0", "well"));
    let status = node.until("broken", |status| status.problem.is_some());
    assert!(status.problem.unwrap().contains("until the next start"));
    fs::remove_dir(&beside).unwrap();
    node.fleet().order(&order(2, 2, &[release("1.1.0", "well")], None), None).unwrap();
    assert_eq!(node.runs(), None);
    node.stop();
    node.start();
    node.bring(&content("1.1.0", "well"));
    node.until_proved("1.1.0");
}

#[test]
fn what_is_here_already_needs_no_room() {
    let node = Node::new();
    node.place.free_bytes.store(0, Ordering::Relaxed);
    node.fleet().order(&order(1, 1, &[release("1.0.0", "well")], None), None).unwrap();
    node.until("without room", |status| {
        let told = status.report.slots.get(&slot()).map(|slot| slot.reasons.as_slice());
        matches!(told, Some([Reason::DiskFull { .. }]))
    });
    // By the line or by a stick.
    node.bring(&content("1.0.0", "well"));
    node.until_proved("1.0.0");
}
