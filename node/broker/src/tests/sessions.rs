//! Sessions come and go: sharing, wills, expiries, what late subscribers are told.

use super::desk::{Desk, ack, clean, client, id, publish, will};
use crate::{
    clock::Timeline,
    config::Limits,
    image,
    op::Op,
    packet::{Connect, Disconnect, Packet, QoS, Reason, Subscribe, SubscribeOptions, Unsubscribe, Version},
    store::Store,
};

const Q0: QoS = QoS::AtMostOnce;
const Q1: QoS = QoS::AtLeastOnce;
const Q2: QoS = QoS::ExactlyOnce;

fn desk() -> Desk {
    Desk::new(Limits::default())
}

fn goodbye(expiry_s: Option<u32>) -> Packet {
    Packet::Disconnect(Box::new(Disconnect { session_expiry_s: expiry_s, ..Disconnect::default() }))
}

/// What the records so far make of an empty store.
fn replayed(desk: &Desk) -> Store {
    let mut store = Store::new(Limits::default());
    let records = desk.records.iter().zip(1..).map(|(op, seq)| {
        let entry = op.entry();
        (seq, entry.kind, desk.now_ms, entry.payload.into())
    });
    image::replay(&mut store, 0, &mut Timeline::new(None), records);
    store
}

#[test]
fn the_members_of_a_group_take_turns_and_those_who_are_there_come_first() {
    let mut desk = desk();
    let (a, b) = (desk.connect(&client("a")), desk.connect(&client("b")));
    let fridge = desk.connect(&clean("fridge"));
    for member in [a, b] {
        desk.subscribe(member, "$share/shelf/#", Q1);
    }
    for (number, payload) in (1..).zip(["1", "2", "3", "4"]) {
        desk.publish(fridge, publish("t", payload, Q1, number));
    }
    assert_eq!(
        (desk.payloads(a), desk.payloads(b)),
        (vec!["1".into(), "3".into()], vec!["2".into(), "4".into()])
    );
    desk.leave(a, None);
    for (number, payload) in (5..).zip(["5", "6"]) {
        desk.publish(fridge, publish("t", payload, Q1, number));
    }
    assert_eq!(desk.payloads(b), ["5", "6"]);
    desk.leave(b, None);
    desk.publish(fridge, publish("t", "7", Q1, 7));
    let waiting = ["a", "b"].map(|name| desk.core.store.session_of(name).unwrap().queue.len());
    assert_eq!(waiting.iter().sum::<usize>(), 7, "one of them keeps it: {waiting:?}");
}

#[test]
fn messages_without_a_record_do_not_move_the_turn_of_those_with_one() {
    let mut desk = desk();
    let (a, b) = (desk.connect(&client("a")), desk.connect(&client("b")));
    let fridge = desk.connect(&clean("fridge"));
    for member in [a, b] {
        desk.subscribe(member, "$share/shelf/#", Q1);
    }
    for (number, payload) in (1..).zip(["1", "2", "3"]) {
        desk.publish(fridge, publish("t", "passing", Q0, 0));
        desk.publish(fridge, publish("t", payload, Q1, number));
    }
    let queues = |store: &Store| ["a", "b"].map(|name| store.session_of(name).unwrap().queue.len());
    assert_eq!(queues(&replayed(&desk)), queues(&desk.core.store));
    assert_eq!(queues(&desk.core.store), [2, 1]);
}

#[test]
fn a_will_comes_at_once_without_a_delay_and_never_after_a_goodbye() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "will", Q1);
    let fridge = desk.connect(&Connect { will: will("broke", 0), ..clean("fridge") });
    desk.leave(fridge, None);
    assert_eq!(desk.payloads(shelf), ["broke"]);
    let fridge = desk.connect(&Connect { will: will("left", 0), ..clean("fridge") });
    let ending = desk.say(fridge, [goodbye(None)]).unwrap_err();
    assert!(ending.by_client);
    desk.leave(fridge, Some(ending));
    desk.wait_s(100);
    assert_eq!(desk.payloads(shelf), [""; 0]);
}

#[test]
fn a_goodbye_that_asks_for_it_publishes_the_will() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "will", Q1);
    let fridge = desk.connect(&Connect { will: will("as asked", 0), ..client("fridge") });
    let words = Disconnect { reason: Reason::DISCONNECT_WITH_WILL, ..Disconnect::default() };
    let ending = desk.say(fridge, [Packet::Disconnect(Box::new(words))]).unwrap_err();
    desk.leave(fridge, Some(ending));
    assert_eq!(desk.payloads(shelf), ["as asked"]);
}

#[test]
fn a_delayed_will_comes_after_its_delay_or_with_the_end_of_its_session_or_not_if_its_client_is_back() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "will", Q1);
    let delayed = Connect { will: will("delayed", 10), session_expiry_s: 60, ..client("delayed") };
    let short = Connect { will: will("short", 600), session_expiry_s: 20, ..client("short") };
    let back = Connect { will: will("back", 10), ..client("back") };
    for connect in [&delayed, &short, &back] {
        let conn = desk.connect(connect);
        desk.leave(conn, None);
    }
    desk.wait_s(9);
    desk.connect(&client("back"));
    assert_eq!(desk.payloads(shelf), [""; 0]);
    desk.wait_s(1);
    assert_eq!(desk.payloads(shelf), ["delayed"]);
    desk.wait_s(10);
    assert_eq!(desk.payloads(shelf), ["short"]);
    desk.wait_s(1);
    assert!(desk.core.store.session_of("short").is_none());
    desk.wait_s(600);
    assert_eq!(desk.payloads(shelf), [""; 0]);
}

#[test]
fn a_will_that_found_no_room_on_disk_comes_when_there_is_room() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "will", Q1);
    let fridge = desk.connect(&Connect { will: will("late", 0), ..clean("fridge") });
    desk.held = true;
    desk.leave(fridge, None);
    desk.refuse_one();
    assert!(desk.core.store.session_of("fridge").unwrap().connected);
    desk.commit();
    assert_eq!(desk.payloads(shelf), ["late"]);
    assert!(desk.core.store.session_of("fridge").is_none());
}

#[test]
fn a_session_that_is_begun_anew_takes_leave_with_the_will_of_the_old_one() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "will", Q1);
    let fridge = desk.connect(&Connect { will: will("replaced", 600), ..client("fridge") });
    desk.leave(fridge, None);
    desk.connect(&Connect { clean_start: true, ..client("fridge") });
    assert_eq!(desk.payloads(shelf), ["replaced"]);
    desk.wait_s(600);
    assert_eq!(desk.payloads(shelf), [""; 0], "once");
}

#[test]
fn a_session_does_not_expire_before_its_will_is_on_disk() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "will", Q1);
    let fridge =
        desk.connect(&Connect { will: will("expired", 600), session_expiry_s: 5, ..client("fridge") });
    desk.leave(fridge, None);
    desk.held = true;
    desk.wait_s(5);
    desk.refuse_one();
    desk.wait_s(1);
    desk.held = false;
    desk.wait_s(1);
    assert_eq!(desk.payloads(shelf), ["expired"]);
    desk.wait_s(1);
    assert!(desk.core.store.session_of("fridge").is_none());
}

#[test]
fn a_close_that_is_late_does_not_close_the_session_of_the_next_connection_nor_at_a_replay() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "t", Q1);
    desk.held = true;
    let ending = desk.say(shelf, [goodbye(Some(0))]).unwrap_err();
    desk.leave(shelf, Some(ending));
    desk.refuse_one();
    let late = desk.waiting.pop_front().unwrap();
    desk.held = false;
    let shelf = desk.connect(&client("shelf"));
    assert!(desk.connack(shelf).session_present);
    desk.waiting.push_back(late);
    desk.commit();
    for store in [&desk.core.store, &replayed(&desk)] {
        let session = store.session_of("shelf").unwrap();
        assert!(session.connected && session.subscriptions.len() == 1);
    }
}

#[test]
fn an_expiry_that_is_late_does_not_end_the_session_that_came_since() {
    let mut desk = desk();
    let shelf = desk.connect(&Connect { session_expiry_s: 5, ..client("shelf") });
    desk.leave(shelf, None);
    desk.held = true;
    desk.wait_s(5);
    let late = desk.waiting.pop_front().unwrap();
    desk.held = false;
    let shelf = desk.connect(&client("shelf"));
    assert!(!desk.connack(shelf).session_present, "it was over");
    desk.leave(shelf, None);
    desk.waiting.push_back(late);
    desk.commit();
    assert!(desk.core.store.session_of("shelf").is_some() && replayed(&desk).session_of("shelf").is_some());
}

#[test]
fn a_session_that_is_opened_again_without_being_kept_ends_with_that_connection_also_at_a_replay() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    desk.subscribe(shelf, "t", Q1);
    desk.leave(shelf, None);
    let shelf = desk.connect(&Connect { session_expiry_s: 0, ..client("shelf") });
    assert!(desk.connack(shelf).session_present);
    desk.leave(shelf, None);
    assert!(desk.core.store.session_of("shelf").is_none() && replayed(&desk).session_of("shelf").is_none());
    let shelf = desk.connect(&client("shelf"));
    assert!(!desk.connack(shelf).session_present);
    assert!(replayed(&desk).session_of("shelf").unwrap().subscriptions.is_empty());
}

#[test]
fn a_client_that_goes_while_it_is_let_in_leaves_no_open_session() {
    let mut desk = desk();
    desk.held = true;
    let shelf = desk.connect(&client("shelf"));
    desk.leave(shelf, None);
    desk.commit();
    for store in [&desk.core.store, &replayed(&desk)] {
        assert!(!store.session_of("shelf").unwrap().connected);
    }
}

#[test]
fn a_goodbye_may_change_how_long_a_session_is_kept_but_not_keep_one_that_was_not_to_be() {
    let mut desk = desk();
    let shelf = desk.connect(&client("shelf"));
    let ending = desk.say(shelf, [goodbye(Some(7))]).unwrap_err();
    desk.leave(shelf, Some(ending));
    desk.wait_s(6);
    assert!(desk.core.store.session_of("shelf").is_some());
    desk.wait_s(1);
    assert!(desk.core.store.session_of("shelf").is_none());
    let shelf = desk.connect(&client("shelf"));
    let ending = desk.say(shelf, [goodbye(Some(0))]).unwrap_err();
    desk.leave(shelf, Some(ending));
    assert!(desk.core.store.session_of("shelf").is_none());
    let shelf = desk.connect(&clean("shelf"));
    let ending = desk.say(shelf, [goodbye(Some(7))]).unwrap_err();
    assert_eq!((ending.reason, ending.by_client), (Reason::PROTOCOL_ERROR, false));
}

#[test]
fn who_subscribes_late_is_told_what_sys_says() {
    let mut desk = desk();
    desk.core.publish_sys("$SYS/broker/uptime", "7 seconds".into(), desk.now_ms);
    let shelf = desk.connect(&client("shelf"));
    desk.connack(shelf);
    let filters = vec![("$SYS/#".into(), SubscribeOptions::default())];
    let subscribe = Subscribe { packet_id: id(1), id: Some(3), filters };
    desk.say(shelf, [Packet::Subscribe(Box::new(subscribe))]).unwrap();
    let heard = desk.heard(shelf);
    let [Packet::Suback(_), Packet::Publish(value)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(
        (&value.payload[..], value.retain, &value.subscription_ids[..]),
        (&b"7 seconds"[..], true, &[3][..])
    );
    // It is of this process, and not in the journal.
    assert_eq!(desk.core.store.retained.len(), 0);
    desk.core.publish_sys("$SYS/broker/uptime", "8 seconds".into(), desk.now_ms);
    let all = desk.connect(&client("all"));
    desk.subscribe(all, "#", Q1);
    assert_eq!(desk.payloads(all), [""; 0], "no wildcard stands for it");
    assert_eq!(desk.payloads(shelf), ["8 seconds"]);
}

#[test]
fn retained_messages_for_several_filters_come_once_each_in_their_order_and_can_all_be_acknowledged() {
    let mut desk = desk();
    let fridge = desk.connect(&clean("fridge"));
    for (number, topic) in (1..).zip(["b/1", "a/1", "b/2"]) {
        let retained = crate::packet::Publish { retain: true, ..publish(topic, topic, Q2, number) };
        desk.publish(fridge, retained);
    }
    let shelf = desk.connect(&client("shelf"));
    let surely = |qos| SubscribeOptions { qos, ..SubscribeOptions::default() };
    let filters = vec![("a/#".into(), surely(Q1)), ("b/#".into(), surely(Q0)), ("+/1".into(), surely(Q1))];
    let subscribe = Subscribe { packet_id: id(1), id: None, filters };
    desk.say(shelf, [Packet::Subscribe(Box::new(subscribe))]).unwrap();
    let mut messages = desk.messages(shelf);
    messages.sort();
    assert_eq!(messages.iter().map(|(payload, ..)| &**payload).collect::<Vec<_>>(), ["a/1", "b/1", "b/2"]);
    let acks = messages.iter().filter_map(|(_, number, _)| Some(Packet::Puback(ack((*number)?))));
    desk.say(shelf, acks.collect::<Vec<_>>()).unwrap();
    assert!(desk.core.store.session_of("shelf").unwrap().queue.is_empty());
}

#[test]
fn with_a_full_disk_mqtt_5_is_told_and_3_1_1_is_closed() {
    let mut desk = desk();
    let new = desk.connect(&clean("new"));
    let old = desk.connect(&Connect { version: Version::V311, ..clean("old") });
    desk.connack(new);
    desk.connack(old);
    desk.held = true;
    for (conn, qos) in [(new, Q1), (new, Q2), (old, Q1)] {
        desk.publish(conn, publish("t", "lost", qos, 5));
        desk.refuse_one();
    }
    let [Packet::Puback(first), Packet::Pubrec(second)] = &desk.heard(new)[..] else { panic!("no answers") };
    assert_eq!((first.reason, second.reason), (Reason::QUOTA_EXCEEDED, Reason::QUOTA_EXCEEDED));
    assert_eq!(desk.heard(old), []);
    assert_eq!(desk.closed.get(&old), Some(&Reason::QUOTA_EXCEEDED));
    assert!(!desk.records.iter().any(|op| matches!(op, Op::Published { .. })));
}

#[test]
fn the_nodes_own_subscriptions_take_nobodys_place_also_after_a_restart() {
    let limits = Limits { subscriptions_max: 3, ..Limits::default() };
    let mut desk = Desk::new(limits);
    let own = desk.connect(&client("$node/devices"));
    let device = desk.connect(&client("device"));
    for filter in ["a", "b", "b", "c/#", "$share/group/d"] {
        desk.subscribe(own, filter, Q1);
    }
    desk.subscribe(device, "a", Q1);
    assert_eq!(desk.core.subscriptions_left("device"), 2);
    assert_eq!(desk.core.overview().subscriptions, 1);

    let (store, bytes) = (replayed(&desk), image::Image::of(&desk.core.store).encode());
    assert_eq!(store.subscriptions(), 1);
    assert_eq!(image::decode(&bytes, store.applied, limits).unwrap().subscriptions(), 1);

    let filters = vec!["b".into(), "was never there".into()];
    desk.say(own, [Packet::Unsubscribe(Box::new(Unsubscribe { packet_id: id(1), filters }))]).unwrap();
    assert_eq!(desk.core.subscriptions_left("device"), 2);
    // Its next session begins with nothing.
    desk.leave(own, None);
    let own = desk.connect(&clean("$node/devices"));
    desk.subscribe(own, "a", Q1);
    desk.leave(device, None);
    desk.connect(&clean("device"));
    assert_eq!(desk.core.subscriptions_left("device"), 3);
    assert_eq!(desk.core.store.tree.len(), 1);
}
