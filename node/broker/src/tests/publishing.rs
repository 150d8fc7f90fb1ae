//! What a publisher may do: aliases, the second copy of a QoS 2 message, how much at once.

use super::desk::{Desk, ack, client, publish};
use crate::{
    config::Limits,
    core::ConnId,
    op::Op,
    packet::{Packet, Publish, QoS, Reason},
};

const Q1: QoS = QoS::AtLeastOnce;
const Q2: QoS = QoS::ExactlyOnce;

fn desk(limits: Limits) -> (Desk, ConnId) {
    let mut desk = Desk::new(limits);
    let fridge = desk.connect(&client("fridge"));
    desk.connack(fridge);
    (desk, fridge)
}

fn published(desk: &Desk) -> Vec<String> {
    let topics = desk.records.iter().filter_map(|op| match op {
        Op::Published { message, .. } => Some(message.topic.to_string()),
        _ => None,
    });
    topics.collect()
}

fn aliased(topic: &str, alias: u16, number: u16) -> Packet {
    Packet::Publish(Box::new(Publish { topic_alias: Some(alias), ..publish(topic, "x", Q1, number) }))
}

#[test]
fn an_alias_stands_for_the_topic_it_came_with_last() {
    let (mut desk, fridge) = desk(Limits::default());
    let packets = [aliased("a", 1, 1), aliased("", 1, 2), aliased("b", 1, 3), aliased("", 1, 4)];
    desk.say(fridge, packets).unwrap();
    assert_eq!(published(&desk), ["a", "a", "b", "b"]);
}

#[test]
fn an_alias_that_was_not_agreed_or_stands_for_nothing_ends_the_connection() {
    let limits = Limits { topic_alias_max: 2, ..Limits::default() };
    for (packet, reason) in [
        (aliased("a", 0, 1), Reason::TOPIC_ALIAS_INVALID),
        (aliased("a", 3, 1), Reason::TOPIC_ALIAS_INVALID),
        (aliased("", 2, 1), Reason::PROTOCOL_ERROR),
    ] {
        let (mut desk, fridge) = desk(limits);
        assert_eq!(desk.say(fridge, [packet]).unwrap_err().reason, reason);
    }
}

#[test]
fn an_alias_ends_with_its_connection() {
    let (mut desk, fridge) = desk(Limits::default());
    desk.say(fridge, [aliased("a", 1, 1)]).unwrap();
    desk.leave(fridge, None);
    let fridge = desk.connect(&client("fridge"));
    assert_eq!(desk.say(fridge, [aliased("", 1, 2)]).unwrap_err().reason, Reason::PROTOCOL_ERROR);
}

#[test]
fn a_second_copy_of_a_qos_2_message_is_acknowledged_and_not_published_again() {
    let (mut desk, fridge) = desk(Limits::default());
    desk.publish(fridge, publish("t", "once", Q2, 7));
    assert!(matches!(desk.heard(fridge)[..], [Packet::Pubrec(_)]));
    desk.publish(fridge, Publish { dup: true, ..publish("t", "once", Q2, 7) });
    assert_eq!(desk.heard(fridge), [Packet::Pubrec(ack(7))]);
    desk.leave(fridge, None);
    let fridge = desk.connect(&client("fridge"));
    desk.connack(fridge);
    desk.publish(fridge, Publish { dup: true, ..publish("t", "once", Q2, 7) });
    assert_eq!(desk.heard(fridge), [Packet::Pubrec(ack(7))]);
    assert_eq!(published(&desk).len(), 1);
    desk.say(fridge, [Packet::Pubrel(ack(7))]).unwrap();
    assert_eq!(desk.heard(fridge), [Packet::Pubcomp(ack(7))]);
    // The identifier is free, and stands for another message.
    desk.publish(fridge, publish("t", "twice", Q2, 7));
    assert_eq!(published(&desk).len(), 2);
}

#[test]
fn a_second_copy_is_not_acknowledged_when_the_disk_refuses_the_first() {
    let (mut desk, fridge) = desk(Limits::default());
    desk.held = true;
    desk.publish(fridge, publish("t", "lost", Q2, 7));
    desk.publish(fridge, Publish { dup: true, ..publish("t", "lost", Q2, 7) });
    desk.refuse_one();
    desk.commit();
    let [Packet::Pubrec(only)] = &desk.heard(fridge)[..] else { panic!("not one answer") };
    assert_eq!(only.reason, Reason::QUOTA_EXCEEDED);
}

#[test]
fn what_a_publisher_may_have_unanswered_is_bounded_and_counts_anew_on_each_connection() {
    let (mut desk, fridge) = desk(Limits { receive_max: 2, ..Limits::default() });
    desk.publish(fridge, publish("t", "a", Q2, 1));
    desk.publish(fridge, publish("t", "b", Q2, 2));
    // A PUBREC is not the last answer.
    let third = Packet::Publish(Box::new(publish("t", "c", Q1, 3)));
    assert_eq!(desk.say(fridge, [third.clone()]).unwrap_err().reason, Reason::RECEIVE_MAXIMUM_EXCEEDED);
    desk.leave(fridge, None);
    let fridge = desk.connect(&client("fridge"));
    desk.say(fridge, [third]).unwrap();
    desk.say(fridge, [Packet::Pubrel(ack(1)), Packet::Pubrel(ack(2))]).unwrap();
    assert_eq!(published(&desk).len(), 3);
    assert!(desk.core.store.session_of("fridge").unwrap().inbound.is_empty());
}

#[test]
fn a_publisher_learns_that_nobody_listens() {
    let (mut desk, fridge) = desk(Limits::default());
    desk.publish(fridge, publish("t", "a", Q1, 1));
    let [Packet::Puback(answer)] = &desk.heard(fridge)[..] else { panic!("no PUBACK") };
    assert_eq!(answer.reason, Reason::NO_MATCHING_SUBSCRIBERS);
}
