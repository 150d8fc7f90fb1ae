//! The small parts: the clock, the outbox, the bucket.

use crate::{
    clock::{Clock, Moment, Timeline},
    connection::Rate,
    core::Outgoing,
    outbox::Outbox,
    packet::{Packet, Publish, QoS, Reason},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// More than the clock goes on while a test looks at it.
const MOMENT_MS: u64 = 5_000;

fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn last(ms: u64) -> Option<Moment> {
    Some(Moment { time_ms: ms, recorded_ms: ms })
}

fn is_about(found: u64, expected: u64) -> bool {
    (expected..expected + MOMENT_MS).contains(&found)
}

#[test]
fn a_new_store_begins_at_the_wall_clock() {
    assert!(is_about(Clock::start(None).now_ms(), wall_ms() - 1));
}

#[test]
fn after_a_short_stop_the_clock_is_the_wall_clock_again() {
    assert!(is_about(Clock::start(last(wall_ms() - 60_000)).now_ms(), wall_ms() - 1));
}

#[test]
fn a_box_that_boots_in_1970_goes_on_where_its_last_record_was() {
    // For a box in 1970 the last record is in the future.
    let last_ms = wall_ms() + 50 * 365 * DAY_MS;
    assert!(is_about(Clock::start(last(last_ms)).now_ms(), last_ms));
}

#[test]
fn a_clock_that_leapt_ahead_counts_for_a_day_at_most() {
    let last_ms = wall_ms() - 10 * 365 * DAY_MS;
    assert!(is_about(Clock::start(last(last_ms)).now_ms(), last_ms + DAY_MS));
}

#[test]
fn a_leap_of_the_journals_time_moves_the_brokers_by_a_day_at_most_and_for_good() {
    let mut timeline = Timeline::new(None);
    assert_eq!(timeline.next(1_000), 1_000);
    assert_eq!(timeline.next(3_000), 3_000);
    let leapt = 3_000 + 70 * 365 * DAY_MS;
    assert_eq!(timeline.next(leapt), 3_000 + DAY_MS);
    assert_eq!(timeline.next(leapt + 500), 3_500 + DAY_MS);
    // The next start counts from there, whatever the wall says by then.
    let last = timeline.last().unwrap();
    assert!(is_about(Clock::start(Some(last)).now_ms(), last.time_ms));
}

#[test]
fn from_a_checkpoint_on_time_goes_on_where_the_broker_was() {
    let mut timeline = Timeline::new(Some(50));
    assert_eq!(timeline.next(9_000), 50);
    assert_eq!(timeline.next(9_010), 60);
}

fn message(payload: usize, qos: QoS) -> Outgoing {
    Outgoing::Packet(Packet::Publish(Box::new(Publish {
        qos,
        payload: vec![0; payload].into(),
        ..Publish::default()
    })))
}

fn lengths(outbox: &Outbox) -> Vec<usize> {
    let taken = outbox.take().into_iter().map(|each| match each {
        Outgoing::Packet(Packet::Publish(publish)) => publish.payload.len(),
        _ => 0,
    });
    taken.collect()
}

#[test]
fn a_full_outbox_drops_its_oldest_qos_0_messages_and_nothing_else() {
    let dropped = Arc::new(AtomicU64::new(0));
    let outbox = Outbox::new(1_100, dropped.clone());
    let sure = QoS::AtLeastOnce;
    outbox.push(&mut vec![message(101, sure), message(102, QoS::AtMostOnce), message(103, QoS::AtMostOnce)]);
    outbox.push(&mut vec![
        Outgoing::Packet(Packet::Pingresp),
        message(104, QoS::AtMostOnce),
        message(400, sure),
    ]);
    assert_eq!(lengths(&outbox), [101, 103, 0, 104, 400]);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    // What may not be dropped goes beyond the bound; the window bounds it.
    outbox.push(&mut vec![message(900, sure), message(901, sure), message(1, QoS::AtMostOnce)]);
    assert_eq!(lengths(&outbox), [900, 901]);
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_outbox_that_is_closed_says_so_to_those_who_come_late_too() {
    let outbox = Outbox::new(1_000, Arc::default());
    outbox.close(Reason::SERVER_SHUTTING_DOWN, "the node stops");
    outbox.ready().await;
    outbox.ended().await;
    outbox.ended().await;
    assert!(matches!(outbox.take().front(), Some(Outgoing::Close(Reason::SERVER_SHUTTING_DOWN, _))));
}

#[test]
fn a_bucket_lets_a_second_s_worth_through_at_once_and_then_as_fast_as_it_fills() {
    let mut rate = Rate::new(10, 0);
    assert!((0..10).all(|_| rate.take(1, 0) == 0));
    assert_eq!(rate.take(1, 0), 100, "a tenth of a second too early");
    assert_eq!(rate.take(1, 200), 0);
    // A long silence saves up no more than the burst.
    assert_eq!(rate.take(10, 3_600_000), 0);
    assert_eq!(rate.take(20, 3_600_000), 2_000);
}

#[test]
fn a_bucket_bears_absurd_numbers() {
    let mut rate = Rate::new(u32::MAX, 0);
    assert!(rate.take(u64::MAX, u64::MAX) > 0);
    assert!(Rate::new(0, 0).take(1, 5) > 0);
}
