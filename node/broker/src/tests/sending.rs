//! What goes to a subscriber: when, under which identifier, how often, and what does not.

use super::desk::{Desk, ack, clean, client, expires, id, publish};
use crate::{
    config::{Limits, Overflow},
    core::ConnId,
    op::Op,
    packet::{Connect, Packet, QoS, Reason},
};

const Q1: QoS = QoS::AtLeastOnce;
const Q2: QoS = QoS::ExactlyOnce;

/// A subscriber to everything, and a publisher.
fn desk(limits: Limits, subscriber: &Connect) -> (Desk, ConnId, ConnId) {
    let mut desk = Desk::new(limits);
    let (shelf, fridge) = (desk.connect(subscriber), desk.connect(&clean("fridge")));
    desk.subscribe(shelf, "#", Q2);
    (desk, shelf, fridge)
}

fn message(payload: &str, number: u16, dup: bool) -> (String, Option<u16>, bool) {
    (payload.to_owned(), Some(number), dup)
}

#[test]
fn no_more_is_in_flight_than_the_subscriber_takes_and_an_acknowledgement_makes_room() {
    let (mut desk, shelf, fridge) = desk(Limits::default(), &Connect { receive_max: 2, ..client("shelf") });
    for (number, payload) in (1..).zip(["a", "b", "c", "d"]) {
        desk.publish(fridge, publish("t", payload, Q1, number));
    }
    assert_eq!(desk.messages(shelf), [message("a", 1, false), message("b", 2, false)]);
    desk.say(shelf, [Packet::Puback(ack(2))]).unwrap();
    assert_eq!(desk.messages(shelf), [message("c", 3, false)]);
    desk.say(shelf, [Packet::Puback(ack(1)), Packet::Puback(ack(3))]).unwrap();
    assert_eq!(desk.messages(shelf), [message("d", 4, false)]);
    // Who acknowledges what is not in flight changes nothing.
    desk.say(shelf, [Packet::Puback(ack(1)), Packet::Pubcomp(ack(4)), Packet::Puback(ack(77))]).unwrap();
    assert_eq!(desk.core.store.session_of("shelf").unwrap().queue.len(), 1);
}

#[test]
fn the_window_is_also_that_of_the_broker() {
    let (mut desk, shelf, fridge) = desk(Limits { in_flight_max: 1, ..Limits::default() }, &client("shelf"));
    desk.publish(fridge, publish("t", "a", Q1, 1));
    desk.publish(fridge, publish("t", "b", Q1, 2));
    assert_eq!(desk.payloads(shelf), ["a"]);
}

#[test]
fn what_was_not_acknowledged_comes_again_with_dup_under_the_same_identifier() {
    let (mut desk, shelf, fridge) = desk(Limits::default(), &client("shelf"));
    for (number, payload) in (1..).zip(["a", "b", "c"]) {
        desk.publish(fridge, publish("t", payload, if payload == "b" { Q2 } else { Q1 }, number));
    }
    desk.say(shelf, [Packet::Puback(ack(1))]).unwrap();
    desk.heard(shelf);
    desk.leave(shelf, None);
    desk.publish(fridge, publish("t", "d", Q1, 4));
    let shelf = desk.connect(&client("shelf"));
    assert!(desk.connack(shelf).session_present);
    assert_eq!(
        desk.messages(shelf),
        [message("b", 2, true), message("c", 3, true), message("d", 1, false)],
        "in the old order, and no identifier is given out twice"
    );
}

#[test]
fn a_qos_2_message_goes_out_after_its_identifier_is_on_disk() {
    let (mut desk, shelf, fridge) = desk(Limits::default(), &client("shelf"));
    desk.held = true;
    desk.publish(fridge, publish("t", "a", Q2, 1));
    desk.commit_one();
    assert_eq!(desk.messages(shelf), []);
    assert!(matches!(desk.waiting.front().unwrap().1[0].op, Some(Op::Sent { .. })));
    desk.commit_one();
    assert_eq!(desk.messages(shelf), [message("a", 1, false)]);
    // The release, too, waits for the disk.
    desk.say(shelf, [Packet::Pubrec(ack(1))]).unwrap();
    assert_eq!(desk.heard(shelf), []);
    desk.commit_one();
    assert_eq!(desk.heard(shelf), [Packet::Pubrel(ack(1))]);
}

#[test]
fn a_qos_2_message_whose_identifier_found_no_room_on_disk_was_not_sent_and_comes_later() {
    let (mut desk, shelf, fridge) = desk(Limits::default(), &client("shelf"));
    desk.held = true;
    desk.publish(fridge, publish("t", "a", Q2, 1));
    desk.commit_one();
    desk.refuse_one();
    assert_eq!(desk.closed[&shelf], Reason::QUOTA_EXCEEDED);
    assert_eq!(desk.messages(shelf), []);
    desk.held = false;
    desk.leave(shelf, None);
    let shelf = desk.connect(&client("shelf"));
    assert_eq!(desk.messages(shelf), [message("a", 1, false)]);
    assert!(desk.records.iter().filter(|op| matches!(op, Op::Sent { .. })).count() == 1);
}

#[test]
fn after_its_pubrec_a_message_is_only_released_on_whatever_connection() {
    let (mut desk, shelf, fridge) = desk(Limits::default(), &client("shelf"));
    desk.publish(fridge, publish("t", "a", Q2, 1));
    desk.say(shelf, [Packet::Pubrec(ack(1))]).unwrap();
    desk.leave(shelf, None);
    let shelf = desk.connect(&client("shelf"));
    desk.connack(shelf);
    assert_eq!(desk.heard(shelf), [Packet::Pubrel(ack(1))]);
    desk.say(shelf, [Packet::Pubrec(ack(1))]).unwrap();
    assert_eq!(desk.heard(shelf), [Packet::Pubrel(ack(1))], "asked again, said again");
    desk.say(shelf, [Packet::Pubcomp(ack(1))]).unwrap();
    assert!(desk.core.store.session_of("shelf").unwrap().queue.is_empty());
}

#[test]
fn a_pubrec_for_nothing_is_answered_with_that_reason() {
    let (mut desk, shelf, _) = desk(Limits::default(), &client("shelf"));
    desk.say(shelf, [Packet::Pubrec(ack(9))]).unwrap();
    let [Packet::Pubrel(release)] = &desk.heard(shelf)[..] else { panic!("no PUBREL") };
    assert_eq!((release.packet_id, release.reason), (id(9), Reason::PACKET_IDENTIFIER_NOT_FOUND));
}

#[test]
fn a_subscriber_may_refuse_a_qos_2_message_and_it_is_over() {
    let (mut desk, shelf, fridge) = desk(Limits::default(), &client("shelf"));
    desk.publish(fridge, publish("t", "a", Q2, 1));
    let refusal = crate::packet::Ack { reason: Reason::QUOTA_EXCEEDED, ..ack(1) };
    desk.heard(shelf);
    desk.say(shelf, [Packet::Pubrec(refusal)]).unwrap();
    assert_eq!(desk.heard(shelf), []);
    assert!(desk.core.store.session_of("shelf").unwrap().queue.is_empty());
}

#[test]
fn a_full_queue_loses_its_oldest_or_its_newest_as_is_set() {
    for (overflow, left) in [(Overflow::DropOldest, ["b", "c"]), (Overflow::DropNewest, ["a", "b"])] {
        let limits = Limits { queue_messages_max: 2, overflow, ..Limits::default() };
        let (mut desk, shelf, fridge) = desk(limits, &client("shelf"));
        desk.leave(shelf, None);
        for (number, payload) in (1..).zip(["a", "b", "c"]) {
            desk.publish(fridge, publish("t", payload, Q1, number));
        }
        assert_eq!(desk.core.counts.dropped_queue, 1);
        let shelf = desk.connect(&client("shelf"));
        assert_eq!(desk.payloads(shelf), left, "{overflow:?}");
    }
}

#[test]
fn a_message_that_is_pushed_out_in_flight_frees_its_identifier_once_it_is_acknowledged() {
    let limits = Limits { queue_messages_max: 1, ..Limits::default() };
    let (mut desk, shelf, fridge) = desk(limits, &Connect { receive_max: 1, ..client("shelf") });
    desk.publish(fridge, publish("t", "a", Q1, 1));
    desk.publish(fridge, publish("t", "b", Q1, 2));
    assert_eq!(desk.payloads(shelf), ["a"], "no room in the window");
    desk.say(shelf, [Packet::Puback(ack(1))]).unwrap();
    assert_eq!(desk.payloads(shelf), ["b"]);
}

#[test]
fn qos_2_messages_under_way_are_never_pushed_out() {
    let limits = Limits { queue_messages_max: 1, ..Limits::default() };
    let (mut desk, shelf, fridge) = desk(limits, &client("shelf"));
    desk.publish(fridge, publish("t", "a", Q2, 1));
    desk.publish(fridge, publish("t", "b", Q2, 2));
    assert_eq!(desk.payloads(shelf), ["a"]);
    assert_eq!(desk.core.counts.dropped_queue, 1);
}

#[test]
fn what_expires_in_the_queue_is_not_sent_and_what_remains_says_how_long() {
    let (mut desk, shelf, fridge) = desk(Limits::default(), &client("shelf"));
    desk.leave(shelf, None);
    desk.publish(fridge, expires(publish("t", "milk", Q1, 1), 5));
    desk.publish(fridge, expires(publish("t", "rice", Q2, 2), 60));
    desk.wait_s(10);
    let shelf = desk.connect(&client("shelf"));
    desk.connack(shelf);
    let [Packet::Publish(rice)] = &desk.heard(shelf)[..] else { panic!("not one message") };
    assert_eq!(&rice.payload[..], b"rice");
    assert_eq!(rice.properties.0.as_ref().unwrap().expiry_s, Some(50));
    assert_eq!(desk.core.store.session_of("shelf").unwrap().queue.len(), 1);
}

#[test]
fn what_is_too_long_for_its_subscriber_is_left_out_and_the_next_one_comes() {
    let subscriber = Connect { packet_bytes_max: Some(40), ..client("shelf") };
    let (mut desk, shelf, fridge) = desk(Limits::default(), &subscriber);
    let long = "x".repeat(100);
    for (number, (payload, qos)) in (1..).zip([(&*long, Q1), ("b", Q1), (&long, Q2), ("d", Q2)]) {
        desk.publish(fridge, publish("t", payload, qos, number));
    }
    desk.publish(fridge, publish("t", &long, QoS::AtMostOnce, 0));
    assert_eq!(desk.payloads(shelf), ["b", "d"]);
    assert_eq!(desk.core.counts.dropped_too_large, 3);
    assert_eq!(
        desk.core.store.session_of("shelf").unwrap().queue.len(),
        2,
        "what is too long waits no longer"
    );
}
