//! Sessions that are fought over, and groups whose members vanish.

use super::{
    peer::{SOON, enter, enter_as},
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Connect, Packet, RawClient, RawError, Version};
use bytes::Bytes;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// How often the session is lost to another before the fight ends.
const FIGHTS: usize = 60;
/// For how long they fight at most, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn two_who_fight_for_a_session_harm_nobody_else_and_the_session_stays() {
    let stage = Stage::open("connections_per_s_max = 100000").await;
    let twin = Connect::kept(Version::V5, "twin");
    let mut first = enter_as(stage.tcp(), &twin).await;
    first.subscribe("twin/news", 1).await.expect("it may");
    drop(first);
    let lost = AtomicUsize::new(0);
    let fighter = || fight(stage.tcp(), &twin, &lost);
    let taken_over = tokio::join!(fighter(), fighter(), fighter());
    assert!(lost.load(Relaxed) >= FIGHTS, "{taken_over:?} times it was taken over");
    let (mut last, connack) = RawClient::connect(stage.tcp(), &twin).await.expect("it may come in");
    assert!(connack.session_present, "what the session holds is still there");
    let mut office = enter(stage.tcp(), "office").await;
    office.publish_all("twin/news", 1, [Bytes::from_static(b"peace")], 1).await.expect("it is taken");
    assert_eq!(last.recv_publish(SOON).await.expect("it comes").payload, &b"peace"[..]);
    stage.until("sessions", |sessions| sessions == 4).await;
    stage.close().await;
}

/// Takes the session again as soon as it is lost, until all together have lost it often enough. Gives how often this one did.
async fn fight(address: SocketAddr, twin: &Connect, of_all: &AtomicUsize) -> usize {
    let begun = Instant::now();
    let mut lost = 0;
    while of_all.load(Relaxed) < FIGHTS && begun.elapsed() < PATIENCE {
        let ended = match RawClient::connect(address, twin).await {
            Ok((mut client, connack)) => {
                assert!(connack.session_present, "a fight takes nothing from the session");
                client.recv_packet(Duration::from_millis(500)).await
            }
            // It was taken over before it was told that it is in.
            Err(error @ (RawError::Closed | RawError::Broken(_))) => Err(error),
            Err(error) => panic!("{error}"),
        };
        match ended {
            Ok(Packet::Disconnect { reason: 0x8e, .. }) | Err(RawError::Closed | RawError::Broken(_)) => {
                lost += 1;
                of_all.fetch_add(1, Relaxed);
            }
            Err(RawError::Silent(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    lost
}

#[tokio::test]
async fn what_members_of_a_group_had_when_they_vanished_is_there_when_they_return() {
    const MESSAGES: usize = 600;
    const MEMBERS: usize = 6;
    let stage = Stage::open("").await;
    let member = |number: usize| Connect::kept(Version::V5, format!("member-{number}"));
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let mut client = enter_as(stage.tcp(), &member(number)).await;
        client.subscribe("$share/group/work/#", 1).await.expect("it may");
        members.push(client);
    }
    let mut office = enter(stage.tcp(), "office").await;
    for batch in 0..MEMBERS {
        let work = (0..MESSAGES / MEMBERS).map(|number| Bytes::from(format!("{batch}-{number}")));
        office.publish_all("work/now", 1, work, 20).await.expect("all is taken");
        // One after the other goes without a word and without having read anything.
        drop(members.pop());
    }
    let mut done = BTreeSet::new();
    for number in 0..MEMBERS {
        let mut client = enter_as(stage.tcp(), &member(number)).await;
        loop {
            match client.recv_publish(Duration::from_secs(2)).await {
                Ok(work) => drop(done.insert(work.payload)),
                Err(RawError::Silent(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        client.unsubscribe("$share/group/work/#").await.expect("it may");
    }
    assert_eq!(done.len(), MESSAGES, "every piece of work came to somebody");
    stage.until("queued_messages", |queued| queued <= 1).await;
    stage.close().await;
}

#[tokio::test]
async fn a_group_with_one_member_left_works_through_it() {
    let stage = Stage::open("").await;
    let mut steady = enter(stage.tcp(), "steady").await;
    steady.subscribe("$share/group/work", 1).await.expect("it may");
    let mut office = enter(stage.tcp(), "office").await;
    for round in 0..30 {
        let mut fickle = enter(stage.tcp(), &format!("fickle-{round}")).await;
        fickle.subscribe("$share/group/work", 1).await.expect("it may");
        drop(fickle);
    }
    stage.until("clients", |clients| clients == 4).await;
    let work = (0..200).map(|number| Bytes::from(number.to_string()));
    office.publish_all("work", 1, work, 50).await.expect("all is taken");
    for number in 0..200 {
        assert_eq!(steady.recv_publish(SOON).await.expect("it comes").payload, number.to_string());
    }
    stage.close().await;
}
