//! What is to be rehearsed is played and never put in place, once, and only where it was signed.

use crate::{fleet::at_one, world::*};
use aisle_fleet::{rehearsal::Played, setting::Settings};

fn said(node: &Node) -> Vec<Played> {
    node.until("everything is played", |status| !status.rehearsals.is_empty()).rehearsals
}

fn plays(node: &Node) -> usize {
    node.shop.played.lock().unwrap().len()
}

/// A node that runs version 1.0.0, and is asked to rehearse something that was signed.
fn asked(hub: &mut Hub, how: &str) -> Node {
    let node = at_one(hub);
    hub.sign("2.0.0", how);
    let metadata = hub.metadata();
    let order = rehearse(2, &release("1.0.0", "well"), &[release("2.0.0", how)], 7, &metadata);
    node.fleet().order(&order, Some(2)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    node.bring(&content("2.0.0", how));
    node
}

#[test]
fn a_candidate_is_played_and_not_put_in_place() {
    let node = asked(&mut Hub::new(), "better");
    let played = said(&node);
    let [played] = played.as_slice() else { panic!("{played:?}") };
    assert_eq!((played.found.calls, played.found.same, played.round), (20, 19, 7));
    assert_eq!((played.version.as_str(), &played.refused), ("2.0.0", &None));
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
    assert_eq!(node.shop.log.lock().unwrap().len(), 1, "nothing else was ever put in place");
    let status = node.status();
    assert!(status.report.is_settled(), "{status}");
    assert!(status.to_string().contains("2.0.0 was rehearsed with 20 calls"), "{status}");
}

#[test]
fn what_came_of_it_outlives_a_restart_and_is_not_played_again_until_it_is_asked_anew() {
    let mut hub = Hub::new();
    let mut node = asked(&mut hub, "better");
    let before = said(&node);
    node.stop();
    node.start();
    assert_eq!(node.status().rehearsals, before, "it is known before anything has begun");
    // An order that says the same besides changes nothing.
    let (metadata, runs) = (hub.metadata(), release("1.0.0", "well"));
    let same = rehearse(3, &runs, &[release("2.0.0", "better")], 7, &metadata);
    node.fleet().order(&same, Some(3)).unwrap();
    node.bring(&content("2.0.0", "better"));
    assert_eq!((said(&node), plays(&node)), (before, 1));

    let anew = rehearse(4, &runs, &[release("2.0.0", "better")], 8, &metadata);
    node.fleet().order(&anew, Some(4)).unwrap();
    node.until("played anew", |status| {
        node.bring(&content("2.0.0", "better"));
        status.rehearsals.first().is_some_and(|played| played.round == 8)
    });
    assert_eq!(plays(&node), 2);
    // An order that asks for nothing ends it.
    node.fleet().order(&order(5, 1, &[runs], Some(&metadata)), Some(5)).unwrap();
    assert_eq!(node.status().rehearsals, []);
}

#[test]
fn a_candidate_that_nobody_has_signed_is_refused_with_its_reason_and_never_played() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    let metadata = hub.metadata();
    let evil = rehearse(2, &release("1.0.0", "well"), &[release("9.9.9", "evil")], 7, &metadata);
    node.fleet().order(&evil, Some(2)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    node.bring(&content("9.9.9", "evil"));
    let played = said(&node);
    let why = played[0].refused.as_deref().unwrap();
    assert!(why.contains("not among the artefacts that were signed"), "{why}");
    assert_eq!((played[0].found.calls, plays(&node)), (0, 0));
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
}

#[test]
fn what_does_not_load_is_said_at_once_and_what_panics_after_a_few_tries_is_left_alone() {
    let node = asked(&mut Hub::new(), "broken");
    let played = said(&node);
    assert_eq!(played[0].refused.as_deref(), Some("it does not load"));
    assert_eq!(plays(&node), 1);

    // A node that is killed each time while it plays one goes on without it.
    let mut node = asked(&mut Hub::new(), "panics");
    for times in 1..=3 {
        let started = std::time::Instant::now();
        while plays(&node) < times {
            assert!(started.elapsed().as_secs() < 20, "never played for the {times}th time");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        node.stop();
        node.start();
    }
    let played = said(&node);
    assert!(played[0].refused.is_some(), "{played:?}");
    assert_eq!(plays(&node), 3);
    assert_eq!(node.runs().as_deref(), Some("1.0.0 well"));
}

#[test]
fn what_a_later_hub_asks_in_another_form_keeps_nobody_from_following_the_rest() {
    let mut hub = Hub::new();
    let node = at_one(&mut hub);
    hub.sign("1.1.0", "well");
    let (metadata, next) = (hub.metadata(), release("1.1.0", "well"));
    let odd = order_of(
        &HUB,
        &store(),
        (2, 2),
        &[next],
        Some(&metadata),
        (Some(b"\xffodd".to_vec()), Settings::new()),
    );
    node.fleet().order(&odd, Some(2)).unwrap();
    node.fleet().metadata(&metadata).unwrap();
    node.bring(&content("1.1.0", "well"));
    node.until_proved("1.1.0");
    assert_eq!(node.status().rehearsals, []);
}
