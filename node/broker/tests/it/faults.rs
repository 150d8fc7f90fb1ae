//! The broker over a disk that is slow, full or broken, and over power cuts: nothing is acknowledged that is not there.

use crate::faults_support::{A_WHILE, Raw, SOON, Store, message, next, retained, surely, until};
use aisle_broker::packet::{Ack, Packet, PacketId, QoS, Reason, Version};
use aisle_broker::{local::RequestError, topic::Filter, topic::Limits};
use aisle_journal::fault::Unsynced;
use std::time::Duration;
use tokio::time::timeout;

const QUOTA: Reason = Reason::QUOTA_EXCEEDED;

fn all() -> Filter {
    Filter::parse("#", &Limits { levels_max: 8, bytes_max: 64 }).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_takes_its_time_nobody_is_acknowledged() {
    let store = Store::start();
    let (shelf, mut received) = store.local("shelf", true).await;
    shelf.subscribe("fridge/#", surely(QoS::AtLeastOnce), None).await.unwrap();
    let (fridge, _deaf) = store.local("fridge", false).await;
    let mut scale = Raw::connect(&store, "scale", Version::V5, false).await;
    let mut old = Raw::connect(&store, "old", Version::V311, false).await;
    store.disk.hold_syncs();
    let publish =
        tokio::spawn(async move { fridge.publish(message("fridge/1", "3.9", QoS::AtLeastOnce)).await });
    scale.publish("fridge/2", "4.0", QoS::AtLeastOnce, 1).await;
    scale.publish("fridge/2", "4.1", QoS::ExactlyOnce, 2).await;
    old.publish("fridge/3", "4.2", QoS::ExactlyOnce, 3).await;
    assert!(store.disk.wait_for_held_sync(SOON));
    // Nor is what is not yet on disk passed on.
    assert!(timeout(A_WHILE, received.recv()).await.is_err());
    assert!(scale.hears_nothing().await && old.hears_nothing().await && !publish.is_finished());
    store.disk.release_syncs();
    timeout(SOON, publish).await.unwrap().unwrap().unwrap();
    assert!(matches!(scale.hear().await, Some(Packet::Puback(ack)) if ack.reason == Reason::SUCCESS));
    assert!(matches!(scale.hear().await, Some(Packet::Pubrec(ack)) if ack.reason == Reason::SUCCESS));
    assert!(matches!(old.hear().await, Some(Packet::Pubrec(_))));
    let mut payloads = Vec::new();
    for _ in 0..4 {
        payloads.push(next(&mut received).await);
    }
    payloads.sort();
    assert_eq!(payloads, ["3.9", "4.0", "4.1", "4.2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_acknowledges_nothing_and_the_journal_says_why() {
    let store = Store::start();
    let (fridge, _deaf) = store.local("fridge", false).await;
    fridge.publish(message("fridge/1", "before", QoS::AtLeastOnce)).await.unwrap();
    let mut scale = Raw::connect(&store, "scale", Version::V5, false).await;
    let mut old = Raw::connect(&store, "old", Version::V311, false).await;
    store.disk.fail_sync();
    scale.publish("fridge/2", "lost", QoS::AtLeastOnce, 1).await;
    until("the journal has failed", || store.journal.failed().is_some()).await;
    let publish = fridge.publish(message("fridge/1", "after", QoS::ExactlyOnce));
    let answer = timeout(Duration::from_secs(1), publish).await;
    assert!(!matches!(answer, Ok(Ok(()))), "{answer:?}");
    old.publish("fridge/3", "after", QoS::AtLeastOnce, 1).await;
    for raw in [&mut scale, &mut old] {
        let heard = timeout(Duration::from_secs(1), raw.hear()).await;
        assert!(!matches!(heard, Ok(Some(Packet::Puback(_)))), "{heard:?}");
    }
    // Nobody comes in whose session would have to be on disk.
    let mut new = Raw::reach(&store, "new", Version::V5, true).await;
    let heard = timeout(Duration::from_secs(1), new.hear()).await;
    let let_in = matches!(&heard, Ok(Some(Packet::Connack(connack))) if !connack.reason.is_error());
    assert!(!let_in, "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_full_disk_publishers_are_told_and_the_rest_goes_on() {
    let store = Store::start();
    let (shelf, mut received) = store.local("shelf", false).await;
    shelf.subscribe("fridge/#", surely(QoS::AtMostOnce), None).await.unwrap();
    let (keeper, mut kept) = store.local("keeper", true).await;
    keeper.subscribe("fridge/#", surely(QoS::ExactlyOnce), None).await.unwrap();
    let mut scale = Raw::connect(&store, "scale", Version::V5, false).await;
    let mut old = Raw::connect(&store, "old", Version::V311, true).await;
    store.disk.set_free_bytes(0);
    let big = "x".repeat(20_000);
    // Until the segment that has its room already is full.
    let mut taken = 0;
    loop {
        match shelf.publish(message("fridge/1", &big, QoS::AtLeastOnce)).await {
            Ok(()) => taken += 1,
            Err(RequestError::Refused { reason, .. }) => {
                assert_eq!(reason, QUOTA);
                break;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(taken < 1_000, "it is never full");
    }
    scale.publish("fridge/2", &big, QoS::AtLeastOnce, 1).await;
    assert!(matches!(scale.hear().await, Some(Packet::Puback(ack)) if ack.reason == QUOTA));
    scale.publish("fridge/2", &big, QoS::ExactlyOnce, 2).await;
    assert!(matches!(scale.hear().await, Some(Packet::Pubrec(ack)) if ack.reason == QUOTA));
    old.publish("fridge/3", &big, QoS::AtLeastOnce, 1).await;
    assert_eq!(old.hear().await, None, "its version has no words for it");
    assert_eq!(store.journal.failed(), None);
    // What needs no disk goes on, for the same client too.
    scale.publish("fridge/4", "still here", QoS::AtMostOnce, 0).await;
    loop {
        if next(&mut received).await == "still here" {
            break;
        }
    }
    drop(kept);
    drop(keeper);
    tokio::time::sleep(A_WHILE).await;
    store.disk.set_free_bytes(1 << 30);
    scale.publish("fridge/5", "room again", QoS::ExactlyOnce, 3).await;
    assert!(matches!(scale.hear().await, Some(Packet::Pubrec(ack)) if ack.reason == Reason::SUCCESS));
    // Sessions that ended in between are closed, and open again.
    until("those who went are gone", || !store.is_connected("keeper") && !store.is_connected("old")).await;
    let _old = Raw::connect(&store, "old", Version::V311, true).await;
    let (_keeper, again) = store.local("keeper", true).await;
    kept = again;
    let mut count = 0;
    loop {
        let payload = next(&mut kept).await;
        if payload == "room again" {
            break;
        }
        assert_eq!(payload, big);
        count += 1;
    }
    assert!(count <= taken, "{count} of {taken}: what was refused came");
    until("all is acknowledged", || store.queued("keeper") == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_power_cut_everything_that_was_acknowledged_is_there() {
    for unsynced in Unsynced::ALL {
        let store = Store::start();
        let (shelf, received) = store.local("shelf", true).await;
        shelf.subscribe("fridge/#", surely(QoS::ExactlyOnce), None).await.unwrap();
        // Nobody takes anything from now on.
        drop((shelf, received));
        until("the shelf is gone", || !store.is_connected("shelf")).await;
        let (fridge, _deaf) = store.local("fridge", false).await;
        for number in 0..20 {
            let qos = if number % 2 == 0 { QoS::AtLeastOnce } else { QoS::ExactlyOnce };
            fridge.publish(message("fridge/1", &number.to_string(), qos)).await.unwrap();
            if number == 10 {
                store.broker.checkpoint().await;
            }
        }
        fridge.publish(retained("door/1", "open")).await.unwrap();
        fridge.publish(retained("door/2", "shut")).await.unwrap();
        fridge.publish(retained("door/1", "")).await.unwrap();
        store.disk.hold_syncs();
        let unanswered = fridge.publish(message("fridge/1", "unanswered", QoS::AtLeastOnce));
        assert!(timeout(Duration::from_millis(50), unanswered).await.is_err());
        let store = store.power_cut(unsynced);
        let doors = store.broker.retained(&all(), "", 10);
        assert_eq!(
            doors.iter().map(|door| door.topic.as_str()).collect::<Vec<_>>(),
            ["door/2"],
            "{unsynced:?}"
        );
        let (_shelf, mut received) = store.local("shelf", true).await;
        for number in 0..20 {
            assert_eq!(next(&mut received).await, number.to_string(), "{unsynced:?}");
        }
        // What nobody was promised came or did not.
        if let Ok(Some(delivery)) = timeout(A_WHILE, received.recv()).await {
            assert_eq!(&delivery.publish.payload[..], b"unanswered", "{unsynced:?}");
            delivery.ack();
        }
        until("all is acknowledged", || store.queued("shelf") == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_qos_2_message_that_is_sent_again_after_a_power_cut_comes_once() {
    let store = Store::start();
    let (shelf, received) = store.local("shelf", true).await;
    shelf.subscribe("fridge/#", surely(QoS::ExactlyOnce), None).await.unwrap();
    drop((shelf, received));
    until("the shelf is gone", || !store.is_connected("shelf")).await;
    let mut scale = Raw::connect(&store, "scale", Version::V5, true).await;
    scale.publish("fridge/1", "once", QoS::ExactlyOnce, 9).await;
    assert!(matches!(scale.hear().await, Some(Packet::Pubrec(_))));
    // Its answer is lost.
    let store = store.power_cut(Unsynced::Drop);
    let mut scale = Raw::connect(&store, "scale", Version::V5, true).await;
    scale.publish("fridge/1", "once", QoS::ExactlyOnce, 9).await;
    assert!(matches!(scale.hear().await, Some(Packet::Pubrec(ack)) if ack.reason == Reason::SUCCESS));
    let packet_id = PacketId::new(9).unwrap();
    scale.say(Packet::Pubrel(Ack { packet_id, reason: Reason::SUCCESS, reason_string: None })).await;
    assert!(matches!(scale.hear().await, Some(Packet::Pubcomp(ack)) if ack.reason == Reason::SUCCESS));
    let (_shelf, mut received) = store.local("shelf", true).await;
    assert_eq!(next(&mut received).await, "once");
    assert!(timeout(A_WHILE, received.recv()).await.is_err());
}
