//! Clients are listed by page, and sent away with or without their sessions.

use super::administrator::Administered;
use crate::support::wait::eventually;
use aisle_harness::mqtt::raw::{Packet, RawClient};
use reqwest::Method;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

async fn told_to_go(client: &mut RawClient) {
    let told = client.recv_packet(SOON).await.expect("a last word");
    assert!(matches!(told, Packet::Disconnect { reason: 0x98, .. }), "{told:?}");
    client.closed(SOON).await.expect("the end");
}

#[tokio::test]
async fn clients_and_sessions_are_listed_by_page() {
    let admin = Administered::start();
    let _sensor = admin.sensor("b-sensor").await;
    let keeper = admin.keeper("a-keeper", "warm/#").await;
    keeper.disconnect().await.expect("gone");
    let away = async || {
        let page = admin.get("/v1/admin/mqtt/clients?limit=1").await;
        (page["items"][0]["connected"] == false).then_some(page)
    };
    let first = eventually("the keeper's end", SOON, away).await;
    assert_eq!(first["items"][0]["client"], "a-keeper");
    assert_eq!(first["items"][0]["subscriptions"][0]["filter"], "warm/#");
    assert_eq!(first["next"], "a-keeper");
    let second = admin.get("/v1/admin/mqtt/clients?limit=1&after=a-keeper").await;
    assert_eq!(second["items"][0]["client"], "b-sensor");
    assert_eq!(second["items"][0]["connection"]["transport"], "tcp");
    assert!(second["next"].is_null(), "{second}");
    let overview = admin.get("/v1/admin/mqtt").await;
    assert_eq!((&overview["clients"], &overview["sessions"]), (&1.into(), &2.into()), "{overview}");
    admin.ask(Method::GET, "/v1/admin/mqtt/clients?limit=0").await.problem_with(400, "limit");
}

#[tokio::test]
async fn a_client_that_is_kicked_is_told_and_keeps_its_session() {
    let admin = Administered::start();
    let mut keeper = admin.keeper("keeper", "warm/#").await;
    assert_eq!(admin.ask(Method::DELETE, "/v1/admin/mqtt/clients/keeper").await.status, 204);
    told_to_go(&mut keeper).await;
    let page = admin.get("/v1/admin/mqtt/clients").await;
    assert_eq!(page["items"][0]["client"], "keeper", "{page}");
    let again = async || {
        let answer = admin.ask(Method::DELETE, "/v1/admin/mqtt/clients/keeper").await;
        (answer.status == 404).then_some(answer)
    };
    eventually("its place to be free", SOON, again).await.problem_with(404, "id");
}

#[tokio::test]
async fn a_session_that_is_removed_does_not_come_back_after_a_crash() {
    let mut admin = Administered::start();
    // An identifier may hold what means something in a path.
    let mut keeper = admin.keeper("shelf 7?a", "warm/#").await;
    let path = "/v1/admin/mqtt/clients/shelf%207%3Fa?session=true";
    assert_eq!(admin.ask(Method::DELETE, path).await.status, 204);
    told_to_go(&mut keeper).await;
    admin.node.kill().expect("it ran");
    admin.node.start_again().expect("it serves");
    let page = admin.get("/v1/admin/mqtt/clients").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(0), "{page}");
    admin.ask(Method::DELETE, path).await.problem_with(404, "id");
    admin.ask(Method::DELETE, "/v1/admin/mqtt/clients/x?session=maybe").await.problem_with(400, "session");
}

#[tokio::test]
async fn what_belongs_to_the_node_itself_is_not_sent_away() {
    let admin = Administered::start();
    admin
        .ask(Method::DELETE, "/v1/admin/mqtt/clients/$node%2Fdevices?session=true")
        .await
        .problem_with(409, "id");
    assert_eq!(admin.get("/v1/admin/mqtt").await["sessions"], 0, "nor is it counted");
}
