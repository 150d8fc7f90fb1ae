//! The machine: from a manifest to what runs, through cuts, lies, restarts and full disks.

use crate::world::{Hub, Node, item, noise};
use aisle_content::{Folder, Input, PIECE_BYTES, plan::Kind};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const MANY: usize = 5 * PIECE_BYTES as usize + 100;

#[test]
fn what_is_wanted_is_fetched_applied_and_reported_and_its_streams_are_closed() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let (large, little) = (noise(1, MANY), noise(2, 500));
    let items =
        vec![item("plugin/large", "1.0.0", hub.add(&large)), item("catalogue", "7", hub.add(&little))];
    node.connect();
    node.want(1, items.clone());
    node.settle(&mut hub);
    node.now_ms += 1_000;
    node.feed(Input::Tick);
    let runs =
        |name: &str, version: &str, bytes: &[u8]| (name.to_owned(), version.to_owned(), bytes.to_vec());
    node.applied.sort_unstable();
    assert_eq!(node.applied, [runs("catalogue", "7", &little), runs("plugin/large", "1.0.0", &large)]);
    let said = |name: &str, version: &str| (name.to_owned(), version.to_owned(), true, String::new());
    assert_eq!(node.said(), [said("catalogue", "7"), said("plugin/large", "1.0.0")]);
    assert_eq!(node.reports.last().unwrap().generation, 1);
    assert_eq!(node.closed.len(), 3, "two contents and a tree");
    // The tree has served, and nothing of it is left.
    assert_eq!(node.files().len(), 2);
    let sent = hub.sent;
    // Said again, nothing happens; a new connection hears how it stands.
    node.want(1, items);
    assert!(!node.step(&mut hub));
    let reports = node.reports.len();
    node.now_ms += 1_000;
    node.connect();
    assert_eq!((node.reports.len(), node.applied.len(), hub.sent), (reports + 1, 2, sent));
}

#[test]
fn a_line_that_is_cut_and_a_node_that_is_killed_go_on_where_they_were() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let bytes = noise(1, MANY);
    let content = hub.add(&bytes);
    node.connect();
    node.want(1, vec![item("plugin/x", "1", content)]);
    // The tree, then one piece before each cut.
    for cut in 0..4 {
        assert!(node.step(&mut hub));
        if cut % 2 == 0 {
            node.feed(Input::Disconnected);
        } else {
            node = node.restart();
        }
        assert!(node.applied.is_empty());
        node.connect();
    }
    node.settle(&mut hub);
    assert_eq!(node.applied.len(), 1);
    assert_eq!(node.applied[0].2, bytes);
    assert_eq!(hub.sent, bytes.len() as u64 + 32 * content.pieces(), "nothing was sent twice");
}

#[test]
fn a_restart_applies_what_is_there_again_without_a_line() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    node.connect();
    node.want(3, vec![item("plugin/x", "1", hub.add(b"component"))]);
    node.settle(&mut hub);
    let node = node.restart();
    assert_eq!(node.applied.len(), 1);
    assert_eq!(node.planner.generation(), Some(3));
    assert!(node.reports.is_empty(), "there is nobody to tell");
}

#[test]
fn a_lying_piece_is_noticed_at_once_and_asked_for_again_after_a_while() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let bytes = noise(1, MANY);
    let content = hub.add(&bytes);
    node.connect();
    node.want(1, vec![item("plugin/x", "1", content)]);
    for _ in 0..3 {
        node.step(&mut hub);
    }
    hub.lie = Some(content.hash);
    node.settle(&mut hub);
    let at = 2 * PIECE_BYTES;
    assert!(
        node.reason("plugin/x").contains(&format!("from {at} on are not those of")),
        "{}",
        node.reason("plugin/x")
    );
    node.now_ms += 1_000;
    node.feed(Input::Tick);
    let said = node.said();
    assert!(!said[0].2 && said[0].3.contains("not those of"), "{said:?}");
    // It waits longer each time, and never gives up: there is no other way.
    let mut waits = Vec::new();
    for _ in 0..6 {
        let before = node.now_ms;
        while node.asked.is_empty() {
            node.wait();
        }
        waits.push(node.now_ms - before);
        node.settle(&mut hub);
    }
    assert!(waits[5] > 10 * waits[0], "{waits:?}");
    hub.lie = None;
    while node.asked.is_empty() {
        node.wait();
    }
    assert_eq!(node.asked[0].offset, at, "what was right was kept");
    node.settle(&mut hub);
    assert_eq!(node.applied[0].2, bytes);
}

#[test]
fn a_tree_that_is_not_the_contents_is_refused_by_name() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let mut content = hub.add(&noise(1, MANY));
    content.tree = hub.add(&noise(2, MANY)).tree;
    node.connect();
    node.want(1, vec![item("plugin/x", "1", content)]);
    node.settle(&mut hub);
    assert!(
        node.reason("plugin/x").contains("the tree that the manifest names"),
        "{}",
        node.reason("plugin/x")
    );
}

#[test]
fn a_new_version_comes_as_a_delta_and_the_old_one_goes_when_it_runs() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let old = noise(1, MANY);
    let new = [old.as_slice(), b"and a little more"].concat();
    let old_content = hub.add(&old);
    node.connect();
    node.want(1, vec![item("plugin/x", "1", old_content)]);
    node.settle(&mut hub);
    let mut item = item("plugin/x", "2", hub.add(&new));
    item.deltas = vec![hub.delta(&noise(9, 10), &new), hub.delta(&old, &new)];
    let before = hub.sent;
    node.want(2, vec![item.clone()]);
    assert_eq!(
        node.asked[0].hash,
        item.deltas.iter().find(|delta| delta.from == old_content.hash).unwrap().content.hash
    );
    node.settle(&mut hub);
    assert_eq!(node.applied[1].2, new);
    assert!(hub.sent - before < 2_000, "{} bytes", hub.sent - before);
    assert_eq!(
        node.files(),
        [item.content.hash.to_string()],
        "neither the old version nor the delta is left"
    );
}

#[test]
fn a_wrong_delta_falls_back_to_the_whole() {
    let old = noise(1, MANY);
    let new = [old.as_slice(), b"more"].concat();
    for broken in ["gives something else", "lies on the way", "is not there", "gives nothing"] {
        let (mut hub, mut node) = (Hub::default(), Node::new());
        node.connect();
        node.want(1, vec![item("plugin/x", "1", hub.add(&old))]);
        node.settle(&mut hub);
        let mut item = item("plugin/x", "2", hub.add(&new));
        let mut delta = hub.delta(&old, &new);
        match broken {
            "gives something else" => {
                let other = [old.as_slice(), b"MORE"].concat();
                delta.content = hub.delta(&old, &other).content;
            }
            "lies on the way" => hub.lie = Some(delta.content.hash),
            "is not there" => drop(hub.contents.remove(&delta.content.hash)),
            _ => delta.content = hub.add(b"no delta at all"),
        }
        item.deltas = vec![delta];
        node.want(2, vec![item]);
        node.settle(&mut hub);
        for _ in 0..20 {
            if node.applied.len() == 2 {
                break;
            }
            node.wait();
            node.settle(&mut hub);
        }
        assert_eq!(node.applied[1].2, new, "{broken}");
        assert_eq!(node.standing("plugin/x").reason, None, "{broken}");
    }
}

#[test]
fn a_kill_between_delta_and_apply_leaves_the_old_version_or_the_new_one() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let old = noise(1, 50_000);
    let new = [old.as_slice(), b"more"].concat();
    node.connect();
    node.want(1, vec![item("plugin/x", "1", hub.add(&old))]);
    node.settle(&mut hub);
    let mut item = item("plugin/x", "2", hub.add(&new));
    item.deltas = vec![hub.delta(&old, &new)];
    node.want(2, vec![item.clone()]);
    // Killed with the delta under way: the old version is still there to unfold it on.
    let mut node = node.restart();
    assert!(node.applied.is_empty());
    assert!(!node.files().is_empty());
    let sent = hub.sent;
    node.connect();
    node.settle(&mut hub);
    assert_eq!(node.applied[0].2, new);
    assert!(hub.sent - sent < 1_000);
    assert_eq!(node.restart().applied[0].2, new);
}

#[test]
fn what_the_node_does_not_know_is_not_fetched_and_said_so() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    node.connect();
    let strange = item("hologram/window", "1", hub.add(b"bytes"));
    let long = item("plugin/long", "1", hub.add(&noise(1, (64 << 20) + 1)));
    node.want(1, vec![strange, long]);
    node.settle(&mut hub);
    assert_eq!(hub.sent, 0);
    node.now_ms += 1_000;
    node.feed(Input::Tick);
    let said = node.said();
    assert_eq!(said[0].3, "this node does not know what a `hologram` is");
    assert!(said[1].3.contains("too long"), "{said:?}");
    assert_eq!(node.planner.wake_at(), u64::MAX, "nothing is tried again");
}

#[test]
fn what_is_refused_is_tried_again_and_its_reason_is_told() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    node.connect();
    node.refuses.insert("plugin/x".into(), "é".repeat(400));
    node.want(1, vec![item("plugin/x", "1", hub.add(b"component"))]);
    node.settle(&mut hub);
    node.now_ms += 1_000;
    node.feed(Input::Tick);
    let reason = node.said()[0].3.clone();
    assert!(reason.len() <= 512 && reason.chars().all(|c| c == 'é'), "{reason}");
    node.wait();
    assert_eq!(node.standing("plugin/x").state, "refused");
    node.refuses.clear();
    while node.applied.is_empty() {
        node.wait();
    }
    node.now_ms += 1_000;
    node.feed(Input::Tick);
    assert!(node.said()[0].2);
}

#[test]
fn a_disk_that_is_full_is_named_with_what_to_do_and_the_rest_goes_on() {
    let (mut hub, mut node) = (Hub::default(), Node::with_room(100_000));
    node.connect();
    node.want(
        1,
        vec![item("catalogue", "1", hub.add(&noise(1, 200_000))), item("plugin/x", "1", hub.add(b"small"))],
    );
    node.settle(&mut hub);
    node.now_ms += 1_000;
    node.feed(Input::Tick);
    assert_eq!(node.applied.len(), 1);
    let said = node.said();
    assert!(
        !said[0].2 && said[0].3.contains("200000 bytes") && said[0].3.contains("disk_bytes_max"),
        "{said:?}"
    );
    assert!(said[1].2);
    // Less is wanted: there is room again.
    node.want(2, vec![item("catalogue", "2", hub.add(&noise(2, 99_000)))]);
    node.settle(&mut hub);
    assert_eq!(node.applied.len(), 2);
    assert_eq!(node.files().len(), 1, "what no generation names is gone");
}

#[test]
fn what_would_fill_the_disk_waits_with_a_reason_and_comes_when_there_is_room() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let free = Arc::new(AtomicU64::new(300_000));
    let probe = free.clone();
    node.shelf = Folder::open(node.dir.path(), 1 << 30)
        .unwrap()
        .with_reserve(64_000, Box::new(move || Some(probe.load(Ordering::Relaxed))));
    node.connect();
    node.want(
        1,
        vec![item("catalogue", "1", hub.add(&noise(1, 400_000))), item("plugin/x", "1", hub.add(b"small"))],
    );
    node.settle(&mut hub);
    assert_eq!(node.applied.len(), 1, "what there is room for comes");
    assert!(node.reason("catalogue").contains("64000 bytes stay free"), "{}", node.reason("catalogue"));
    assert!(hub.sent < 100_000, "nothing of it was asked for");
    free.store(600_000, Ordering::Relaxed);
    // What is due first is the report of what waits for what; the next try comes behind it.
    for _ in 0..2 {
        node.wait();
        node.settle(&mut hub);
    }
    assert_eq!(node.applied.len(), 2);
}

#[test]
fn a_line_that_holds_back_is_asked_again_when_it_said() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let content = hub.add(&noise(1, MANY));
    node.connect();
    node.want(1, vec![item("plugin/x", "1", content)]);
    node.step(&mut hub);
    let held = node.asked.remove(0);
    assert_eq!(held.hash, content.hash);
    node.feed(Input::Held { hash: held.hash, for_ms: 86_400_000 });
    assert!(node.asked.is_empty());
    assert_eq!(node.planner.wake_at(), node.now_ms + 86_400_000);
    assert_eq!(node.standing("plugin/x").reason, None, "to wait for the budget is no failure");
    node.wait();
    node.settle(&mut hub);
    assert_eq!(node.applied.len(), 1);
}

#[test]
fn a_piece_that_never_comes_is_asked_for_again_and_one_that_comes_twice_counts_once() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let bytes = noise(1, MANY);
    node.connect();
    node.want(1, vec![item("plugin/x", "1", hub.add(&bytes))]);
    node.step(&mut hub);
    node.step(&mut hub);
    let lost = node.asked.remove(0);
    node.wait();
    assert_eq!(node.asked, [lost]);
    let (late, again) = (hub.answer(lost), hub.answer(lost));
    node.asked.clear();
    node.feed(late);
    node.feed(again);
    assert_eq!(node.asked.len(), 1);
    node.settle(&mut hub);
    assert_eq!(node.applied[0].2, bytes);
}

#[test]
fn a_newer_wish_ends_the_older_one_and_an_older_one_is_no_wish() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let (first, second) = (hub.add(&noise(1, MANY)), hub.add(&noise(2, 100)));
    node.connect();
    node.want(5, vec![item("plugin/x", "1", first)]);
    node.step(&mut hub);
    node.want(6, vec![item("plugin/x", "2", second)]);
    assert!(!node.closed.contains(&first.hash), "a piece is under way on it");
    node.want(4, vec![item("plugin/x", "1", first)]);
    node.settle(&mut hub);
    assert!(node.closed.contains(&first.hash));
    assert_eq!(node.applied.len(), 1);
    assert_eq!(node.applied[0].1, "2");
    assert_eq!(node.files().len(), 1);
    assert_eq!(node.planner.generation(), Some(6));
}

#[test]
fn many_items_come_through_a_few_streams() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    node.connect();
    let mut items: Vec<_> = (0..40)
        .map(|number| item(&format!("plugin/p{number}"), "1", hub.add(&noise(number, 2_000))))
        .collect();
    // Two names for one content.
    items.push(item("catalogue", "1", items[0].content));
    node.want(1, items);
    loop {
        assert!(node.asked.len() <= 4);
        if !node.step(&mut hub) {
            break;
        }
    }
    assert_eq!((node.applied.len(), hub.sent), (41, 80_000));
}

#[test]
fn contents_that_the_hub_does_not_give_keep_nothing_from_the_others() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    node.connect();
    let mut items: Vec<_> = (0..8)
        .map(|number| item(&format!("plugin/a{number}"), "1", hub.add(&noise(number, 2_000))))
        .collect();
    hub.contents.clear();
    items.push(item("plugin/z", "1", hub.add(b"there")));
    node.want(1, items);
    node.settle(&mut hub);
    assert_eq!(node.applied.len(), 1);
    assert!(node.reason("plugin/a0").contains("no such content"), "{}", node.reason("plugin/a0"));
    assert!(node.planner.wake_at() > node.now_ms, "there is a while until they are asked for again");
}

#[test]
fn a_content_that_is_lost_is_applied_again_and_fetched_where_it_is_spoilt() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let bytes = noise(1, 500);
    let content = hub.add(&bytes);
    node.connect();
    node.want(1, vec![item("plugin/one", "1.0.0", content)]);
    node.settle(&mut hub);
    assert_eq!((node.applied.len(), hub.sent), (1, 500));
    node.feed(Input::Lost { hash: content.hash });
    assert!(!node.step(&mut hub), "it is there, whole");
    assert_eq!(node.applied.len(), 2);
    std::fs::write(node.dir.path().join(content.hash.to_string()), b"rot").unwrap();
    node.feed(Input::Lost { hash: content.hash });
    node.settle(&mut hub);
    assert_eq!((node.applied.len(), hub.sent), (3, 1_000));
    // What nobody has is not lost.
    node.feed(Input::Lost { hash: hub.add(&noise(2, 10)).hash });
    assert_eq!(node.applied.len(), 3);
}

#[test]
fn what_was_not_known_is_fetched_once_it_is_and_a_second_one_of_a_place_is_of_its_kind() {
    let (mut hub, mut node) = (Hub::default(), Node::new());
    let prices = item("prices+0011aabbccdd", "7", hub.add(&noise(1, 500)));
    assert_eq!(prices.kind(), "prices");
    assert_eq!(item("plugin/one+0011aabbccdd", "7", hub.add(&noise(1, 500))).kind(), "plugin");
    node.connect();
    node.want(1, vec![prices]);
    node.settle(&mut hub);
    assert_eq!((node.applied.len(), hub.sent), (0, 0));
    node.planner.use_kinds(vec![Kind { name: "prices".into(), bytes_max: 1 << 20 }]);
    node.feed(Input::Tick);
    node.settle(&mut hub);
    assert_eq!(node.applied.len(), 1);
}
