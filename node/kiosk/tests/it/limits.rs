//! Bad input and too much of it: a 4xx or a 503 that is a problem, and nothing changes.

use crate::shop_under_test::{NOON, ShopUnderTest};
use aisle_kiosk::Config;
use axum::{body::Body, http::Request};
use serde_json::json;
use std::time::Duration;
use tower::ServiceExt;

#[tokio::test]
async fn a_body_of_ten_megabytes_is_413() {
    let shop = ShopUnderTest::start().await;
    let body = vec![b' '; 10 << 20];
    for request in [
        Request::post("/v1/sessions")
            .header("content-length", body.len())
            .body(Body::from(body.clone()))
            .unwrap(),
        Request::post("/v1/sessions")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap(),
    ] {
        assert_eq!(shop.send(request).await.problem(413, "too-large"), "body");
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_415() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let request = Request::put(format!("/v1/sessions/{session}/basket/CUP"))
            .header("content-type", content_type)
            .body(Body::from(r#"{"quantity":1}"#))
            .unwrap();
        assert_eq!(shop.send(request).await.problem(415, "media-type"), "content-type");
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_is_405_and_lists_those_that_are() {
    let shop = ShopUnderTest::start().await;
    let answer = shop.send(Request::patch("/v1/products").body(Body::empty()).unwrap()).await;
    answer.problem(405, "method");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    let page = shop.send(Request::delete("/basket").body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, 405);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn a_path_that_is_not_there_is_a_problem_of_the_api_or_a_page() {
    let shop = ShopUnderTest::start().await;
    shop.get("/v1/unicorns").await.problem(404, "unknown-path");
    let page = shop.get("/unicorns").await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("There is nothing here"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_bound_are_shed_and_counted() {
    let config = Config { concurrent_requests_max: 1, ..Config::default() };
    let shop = ShopUnderTest::with(config).await;
    shop.disk.hold_syncs();
    let request = Request::post("/v1/sessions").body(Body::empty()).unwrap();
    let first = tokio::spawn(shop.router.clone().oneshot(request));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = shop.get("/v1/products").await;
    answer.problem(503, "busy");
    assert_eq!(answer.header("retry-after"), "1");
    let page = shop.get("/").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("One moment, please"));
    shop.disk.release_syncs();
    assert_eq!(first.await.unwrap().unwrap().status(), 201);
    assert_eq!(shop.get("/v1/products").await.status, 200);
    assert!(shop.metrics_text().contains("kiosk_http_shed_total 2"), "{}", shop.metrics_text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_503() {
    let shop = ShopUnderTest::with(Config { request_timeout_ms: 100, ..Config::default() }).await;
    shop.disk.hold_syncs();
    shop.post("/v1/sessions", json!({})).await.problem(503, "busy");
    shop.disk.release_syncs();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_writes_and_drops_observations_but_serves_pages() {
    let journal = aisle_journal::Config {
        segment_bytes: 1 << 20,
        queue_bytes_max: 600,
        ..aisle_journal::Config::default()
    };
    let shop = ShopUnderTest::with_journal(Config::default(), journal).await;
    shop.list("CUP", "Paper cups", 100, aisle_event::Unit::Each, None).await;
    let session = shop.session().await;
    shop.disk.hold_syncs();
    let router = shop.router.clone();
    let writes: Vec<_> = (0..16)
        .map(|_| {
            let request = Request::post("/v1/sessions").body(Body::empty()).unwrap();
            tokio::spawn(router.clone().oneshot(request))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let refused = shop.post("/v1/sessions", json!({})).await;
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "1");
    let page = shop.page("/product/CUP", &format!("aisle_session={session}"), "en").await;
    assert_eq!(page.status, 200);
    assert!(!shop.metrics_text().contains("kiosk_observations_dropped_total 0"));
    shop.disk.release_syncs();
    for write in writes {
        let status = write.await.unwrap().unwrap().status().as_u16();
        assert!([201, 503].contains(&status), "{status}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_class() {
    let shop = ShopUnderTest::start().await;
    shop.get("/v1/products/CUP").await;
    shop.get("/v1/products/NOPE").await;
    shop.get("/secret-of-a-shopper").await;
    let metrics = shop.metrics_text();
    assert!(
        metrics.contains(r#"kiosk_http_requests_total{route="/v1/products/{sku}",status="2xx"} 1"#),
        "{metrics}"
    );
    assert!(metrics.contains(r#"kiosk_http_requests_total{route="/v1/products/{sku}",status="4xx"} 1"#));
    assert!(metrics.contains(r#"kiosk_http_requests_total{route="unmatched",status="4xx"} 1"#));
    assert!(metrics.contains(r#"kiosk_http_duration_seconds_count{route="/v1/products/{sku}"} 2"#));
    assert!(!metrics.contains("secret"), "paths are not labels");
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_that_tells_nothing_of_the_inside() {
    let shop = ShopUnderTest::start().await;
    shop.advance_ms(-2 * NOON);
    let answer = shop.get("/v1/recommendations/home").await;
    answer.problem(500, "internal");
    assert!(!answer.body.contains("secret"), "{}", answer.body);
    let added = shop.post("/v1/sessions", json!({})).await;
    added.problem(500, "internal");
    assert!(shop.metrics_text().contains("kiosk_http_panics_total 2"), "{}", shop.metrics_text());
    assert!(shop.metrics_text().contains(r#"kiosk_http_in_flight 0"#), "what panicked is over");
    shop.advance_ms(2 * NOON);
    assert_eq!(shop.get("/").await.status, 200);
}
