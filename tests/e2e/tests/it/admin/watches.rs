//! Messages as they pass, for as long as somebody looks.

use super::administrator::Administered;
use crate::support::wait::eventually;
use bytes::Bytes;
use reqwest::{Method, Response};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

async fn watch(admin: &Administered, filter: &str) -> Response {
    let path = format!("/v1/admin/mqtt/watch?filter={filter}");
    let request = admin.api().request(Method::GET, &path).bearer_auth(admin.token());
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

async fn messages(stream: &mut Response, count: usize) -> Vec<Value> {
    let mut text = String::new();
    loop {
        let found: Vec<Value> = text
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("data: "))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect();
        if found.len() >= count {
            return found;
        }
        let chunk = timeout(SOON, stream.chunk()).await.expect("in time").expect("whole").expect("more");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
}

#[tokio::test]
async fn a_watch_shows_what_is_retained_and_what_passes_as_it_was_published() {
    let admin = Administered::start();
    admin.retain("cold/1", "21").await;
    let mut stream = watch(&admin, "cold/%23").await;
    assert_eq!(messages(&mut stream, 1).await[0]["retain"], true);
    let mut sensor = admin.sensor("sensor").await;
    sensor.publish_all("warm/1", 1, [Bytes::from_static(b"not asked for")], 1).await.expect("published");
    sensor.publish_all("cold/2", 2, [Bytes::from_static(b"{\"celsius\":3.9}")], 1).await.expect("published");
    sensor.publish_all("cold/3", 0, [Bytes::from_static(b"\x00\xff")], 1).await.expect("published");
    let seen = messages(&mut stream, 2).await;
    assert_eq!(seen[0]["topic"], "cold/2");
    assert_eq!((&seen[0]["qos"], &seen[0]["retain"]), (&2.into(), &false.into()), "{seen:?}");
    assert_eq!(seen[0]["text"], "{\"celsius\":3.9}");
    assert_eq!((&seen[1]["qos"], &seen[1]["hex"]), (&0.into(), &"00ff".into()), "{seen:?}");
}

#[tokio::test]
async fn a_watch_leaves_nothing_behind_when_its_reader_goes() {
    let admin = Administered::start();
    let stream = watch(&admin, "%23").await;
    assert_eq!(admin.get("/v1/admin/mqtt").await["clients"], 1);
    drop(stream);
    let gone = async || (admin.get("/v1/admin/mqtt").await["sessions"] == 0).then_some(());
    eventually("the end of the watch", Duration::from_secs(30), gone).await;
}

#[tokio::test]
async fn too_many_watches_are_told_to_come_later() {
    let admin = Administered::start();
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(watch(&admin, "%23").await);
    }
    let answer = admin.ask(Method::GET, "/v1/admin/mqtt/watch").await;
    answer.problem(503);
    assert!(!answer.header("retry-after").is_empty());
    admin.ask(Method::GET, "/v1/admin/mqtt/watch?filter=%23/a").await.problem_with(400, "filter");
}

#[tokio::test]
async fn a_node_that_stops_does_not_wait_for_those_who_watch() {
    let mut admin = Administered::start();
    let mut stream = watch(&admin, "%23").await;
    let began = Instant::now();
    assert!(admin.node.stop().expect("it stops").success());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    while let Some(_chunk) = stream.chunk().await.expect("an orderly end") {}
}
