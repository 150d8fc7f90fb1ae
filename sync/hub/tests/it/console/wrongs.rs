//! What goes wrong is a page like all others, and programs get what they got before there were pages.

use super::{Served, TOKEN, shown};
use reqwest::StatusCode;

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let served = Served::some().await;
    for path in [
        "/nowhere",
        "/stores/store-9",
        "/stores/store-9/receipts?class=sales",
        "/stores/store-1/receipts?class=bulk",
        "/stores/store-1/receipts?class=sales&epoch=00",
        "/stores/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "/contents/abc",
        "/policies/abc",
        "/stores/store-1/nothing",
    ] {
        let page = served.page(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.html.way("To the fleet"), "/");
        assert_eq!(page.html.way("Alerts"), "/alerts", "somebody who is signed in finds their way on");
    }
    for (path, status) in [("/nowhere", 404), ("/v2", 404), ("/v1/stores/store-9", 404)] {
        let asked = served.client.get(format!("{}{path}", served.url)).bearer_auth(TOKEN);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(answer.headers().get("content-security-policy").is_none(), "the interface is as it was");
    }
    // A browser that looks at the interface gets the interface.
    assert_eq!(served.open("/v1/nothing").await.headers()["content-type"], "application/problem+json");
    assert_eq!(served.open("/healthz").await.text().await.unwrap(), "ok\n");
}

#[tokio::test]
async fn what_cannot_be_understood_is_said_on_a_page() {
    let served = Served::some().await;
    for (path, words) in [
        ("/stores/store-1/receipts?class=sale", "`class` is none of"),
        ("/stores/store-1/receipts?class=sales&before=x", "not what belongs there"),
        ("/contents?after=yesterday", "`after` is no place"),
        ("/contents?parts=maybe", "not what belongs there"),
        (&format!("/search?q={}", "x".repeat(65)), "more than 64 characters"),
    ] {
        let page = served.page(path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(page.html.text().contains(words), "{path}: {}", page.html.text());
    }
    let posted =
        served.client.post(format!("{}/stores/store-1", served.url)).header("cookie", &served.me.cookie);
    let page = shown("/stores/store-1", posted.send().await.unwrap()).await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_a_page_that_says_try_again() {
    let served = Served::some().await;
    served.database.close().await;
    for path in ["/", "/stores/store-1", "/contents", "/policies", "/alerts", "/relay", "/search?q=x"] {
        let page = served.page(path).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(page.headers["retry-after"], "2");
        assert!(page.html.text().contains("Try again in a moment"), "{path}");
    }
}
