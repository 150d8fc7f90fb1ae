//! Retained messages are listed by filter, and cleared for good.

use super::administrator::Administered;
use reqwest::Method;

#[tokio::test]
async fn retained_messages_are_listed_by_filter_and_page() {
    let admin = Administered::start();
    for topic in ["cold/1", "cold/2", "warm/1"] {
        admin.retain(topic, "21").await;
    }
    let page = admin.get("/v1/admin/mqtt/retained?filter=cold/%23&limit=1").await;
    assert_eq!(page["items"][0]["topic"], "cold/1");
    assert_eq!(page["items"][0]["text"], "21");
    assert_eq!(page["next"], "cold/1");
    let rest = admin.get("/v1/admin/mqtt/retained?filter=cold/%23&after=cold/1").await;
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1), "{rest}");
    assert_eq!(admin.get("/v1/admin/mqtt").await["retained_messages"], 3);
    admin.ask(Method::GET, "/v1/admin/mqtt/retained?filter=a%23").await.problem_with(400, "filter");
}

#[tokio::test]
async fn a_retained_message_that_is_cleared_does_not_come_back_after_a_crash() {
    let mut admin = Administered::start();
    for topic in ["cold/1", "cold/2", "/a//b"] {
        admin.retain(topic, "21").await;
    }
    for path in ["cold/1", "cold%2F2", "/a//b"] {
        let path = format!("/v1/admin/mqtt/retained/{path}");
        assert_eq!(admin.ask(Method::DELETE, &path).await.status, 204, "{path}");
        admin.ask(Method::DELETE, &path).await.problem_with(404, "topic");
    }
    admin.ask(Method::DELETE, "/v1/admin/mqtt/retained/cold/%23").await.problem_with(400, "topic");
    admin.node.kill().expect("it ran");
    admin.node.start_again().expect("it serves");
    let page = admin.get("/v1/admin/mqtt/retained").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(0), "{page}");
}
