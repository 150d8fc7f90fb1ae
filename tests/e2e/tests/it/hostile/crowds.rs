//! Many connections: more than there is room for, and coming and going as fast as they can.

use super::{
    peer::{SOON, ended, enter, enter_as, refused},
    stage::Stage,
};
use aisle_harness::mqtt::raw::{Connect, RawClient, RawError, Version, Will};
use std::time::{Duration, Instant};
use tokio::{task::JoinSet, time::sleep};

#[tokio::test]
async fn connections_beyond_the_bound_are_refused_and_there_is_room_again() {
    let stage = Stage::open("connections_max = 40\npatience_ms = 6000").await;
    let mut inside = Vec::new();
    // Two places belong to the regulars.
    for number in 0..38 {
        inside.push(enter(stage.tcp(), &format!("early-{number}")).await);
    }
    for number in 0..100 {
        let late = Connect::clean(Version::V5, format!("late-{number}"));
        assert_eq!(refused(stage.tcp(), &late).await, 0x89);
    }
    assert_eq!(refused(stage.tcp(), &Connect::clean(Version::V311, "old")).await, 3);
    assert_eq!(stage.metric("connects_refused_total{reason=\"0x89\"}").await, 101);
    // Those who say nothing take the places of those who have not said yet who they are, and no others. Their time is
    // long enough for all of them, who come together, to be there before the first has to go, however busy the machine is.
    let mut coming = JoinSet::new();
    for _ in 0..200 {
        let address = stage.tcp();
        coming.spawn(async move { RawClient::open(address, Version::V5).await.expect("it is reached") });
    }
    let mut idle = coming.join_all().await;
    stage.until("sockets_refused_total", |refused| refused >= 100).await;
    for client in &mut inside {
        client.ping().await.expect("it is still there");
    }
    for client in &mut idle {
        client.closed(SOON).await.expect("it ends");
    }
    inside.truncate(20);
    stage.until("clients", |clients| clients == 22).await;
    for number in 0..18 {
        inside.push(enter(stage.tcp(), &format!("again-{number}")).await);
    }
    stage.close().await;
}

#[tokio::test]
async fn who_is_in_may_come_back_when_there_is_no_room_for_others() {
    let stage = Stage::open("connections_max = 5").await;
    let mut inside = Vec::new();
    for number in 0..3 {
        inside.push(enter(stage.tcp(), &format!("device-{number}")).await);
    }
    assert_eq!(refused(stage.tcp(), &Connect::clean(Version::V5, "stranger")).await, 0x89);
    // Its old connection is half open, and the broker has not noticed.
    let again = enter(stage.tcp(), "device-1").await;
    assert_eq!(ended(&mut inside[1]).await, 0x8e);
    drop(again);
    stage.close().await;
}

#[tokio::test]
async fn clients_that_come_too_fast_are_told_to_come_more_slowly() {
    let stage = Stage::open("connections_per_s_max = 50").await;
    let (mut let_in, mut told) = (0, 0);
    for number in 0..200 {
        match RawClient::connect(stage.tcp(), &Connect::clean(Version::V5, format!("fast-{number}"))).await {
            Ok(_) => let_in += 1,
            Err(RawError::Refused { reason: 0x9f, .. }) => told += 1,
            Err(error) => panic!("{error}"),
        }
    }
    eprintln!("{let_in} came in, {told} were told");
    assert_eq!(stage.metric("connects_refused_total{reason=\"0x9f\"}").await, told);
    sleep(Duration::from_secs(5)).await;
    drop(enter(stage.tcp(), "calm").await);
    stage.close().await;
}

#[tokio::test]
async fn who_comes_and_goes_all_the_time_leaves_nothing_behind() {
    let stage = Stage::open("connections_per_s_max = 100000").await;
    let begun = Instant::now();
    let mut visits = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        let mut storm = Vec::new();
        for number in 0..20 {
            let mut client = enter(stage.tcp(), &format!("storm-{number}")).await;
            client.subscribe(&format!("storm/{number}/#"), 1).await.expect("it may");
            storm.push(client);
            visits += 1;
        }
        for (number, client) in storm.into_iter().enumerate() {
            // Half of them say goodbye.
            if number % 2 == 0 {
                client.disconnect().await.expect("it is connected");
            }
        }
    }
    eprintln!("{visits} visits");
    stage.until("clients", |clients| clients == 2).await;
    stage.until("sessions", |sessions| sessions == 2).await;
    stage.until("subscriptions", |subscriptions| subscriptions == 1).await;
    stage.close().await;
}

#[tokio::test]
async fn a_thousand_wills_at_once_all_come() {
    const CLIENTS: usize = 1_000;
    let stage = Stage::open("").await;
    let mut heir = enter_as(stage.tcp(), &Connect::kept(Version::V5, "heir")).await;
    heir.subscribe("wills/#", 1).await.expect("it may");
    let mut dying = Vec::new();
    for number in 0..CLIENTS {
        let will =
            Will { topic: format!("wills/{number}"), payload: vec![b'x'; 200], qos: 1, ..Will::default() };
        let connect = Connect { will: Some(will), ..Connect::clean(Version::V5, format!("dying-{number}")) };
        dying.push(enter_as(stage.tcp(), &connect).await);
    }
    drop(dying);
    let mut heard = vec![0; CLIENTS];
    for _ in 0..CLIENTS {
        let will = heir.recv_publish(SOON).await.expect("a will comes");
        heard[will.topic.trim_start_matches("wills/").parse::<usize>().expect("a number")] += 1;
    }
    assert!(heard.iter().all(|times| *times == 1), "each comes once");
    stage.until("wills_total", |wills| wills == CLIENTS as u64).await;
    stage.until("sessions", |sessions| sessions == 3).await;
    stage.close().await;
}
