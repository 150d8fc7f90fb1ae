//! Bad requests: a 4xx that names the field, and nothing has changed.

use crate::support::{api::Api, store::Store};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_body_of_ten_megabytes_is_too_large() {
    let store = Store::small();
    let node = store.start();
    let api = Api::new(node.url());
    let session = api.session().await;
    let body = format!("{{\"quantity\": {}}}", "1".repeat(10 << 20));
    let request = api.request(Method::PUT, &format!("/v1/sessions/{session}/basket/TEA-1"));
    let answer = Api::send(request.header("content-type", "application/json").body(body)).await;
    answer.problem_with(413, "body");
    assert_eq!(api.set(&session, "TEA-1", 1).await.status, 200, "the next request is served");
}

#[tokio::test]
async fn malformed_json_is_refused_with_its_field() {
    let store = Store::small();
    let node = store.start();
    let api = Api::new(node.url());
    let session = api.session().await;
    let path = format!("/v1/sessions/{session}/basket/TEA-1");
    let before = api.settled().await;
    for (body, field) in [
        ("{\"quantity\": ", "quantity"),
        ("{\"quantity\": \"two\"}", "quantity"),
        ("{\"quantity\": -1}", "quantity"),
        ("{\"quantity\": 1e300}", "quantity"),
        ("{\"quantity\": null}", "quantity"),
        ("{\"amount\": 2}", "body"),
        ("[]", "body"),
        ("", "body"),
        ("{\"quantity\": 1} and more", "body"),
    ] {
        let request = api.request(Method::PUT, &path).header("content-type", "application/json").body(body);
        let answer = Api::send(request).await;
        let problem = answer.problem(400);
        let errors = problem["errors"].as_array().expect("errors");
        assert!(!errors.is_empty(), "`{body}`: {answer:?}");
        let named = errors[0]["field"].as_str().expect("a field");
        assert!(named == field || named == "body" || field == "body", "`{body}`: {answer:?}");
    }
    assert_eq!(api.durable().await, before, "nothing was written");
    assert_eq!(api.held(&session, "TEA-1").await, 0.0);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_by_name() {
    let store = Store::small();
    let node = store.start();
    let api = Api::new(node.url());
    let session = api.session().await;
    let before = api.settled().await;
    let basket = |sku: &str| format!("/v1/sessions/{session}/basket/{sku}");

    let problem = api.get("/v1/products/NO-SUCH-THING").await.problem_with(404, "sku");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("`NO-SUCH-THING`")), "{problem}");
    api.put(&basket("NO-SUCH-THING"), &json!({ "quantity": 1 })).await.problem_with(404, "sku");
    let view = json!({ "kind": "view", "sku": "NO-SUCH-THING" });
    api.post(&format!("/v1/sessions/{session}/events"), &view).await.problem_with(404, "sku");
    let shown = json!({ "kind": "impression", "slot": "home", "rung": "popular", "skus": ["TEA-1", "NO-SUCH-THING"] });
    api.post(&format!("/v1/sessions/{session}/events"), &shown).await.problem_with(404, "skus[1]");
    api.get("/v1/recommendations/product?sku=NO-SUCH-THING").await.problem_with(404, "sku");
    api.get("/v1/sessions/no-such-session/basket").await.problem_with(404, "session");
    api.put("/v1/sessions/no-such-session/basket/TEA-1", &json!({ "quantity": 1 }))
        .await
        .problem_with(404, "session");
    api.check_out("no-such-session", "key").await.problem_with(404, "session");
    api.get("/v1/receipts/no-such-receipt").await.problem_with(404, "document");
    api.get("/v1/nowhere").await.problem(404);
    assert_eq!(api.durable().await, before, "nothing was written");
}

#[tokio::test]
async fn parameters_out_of_range_are_refused_by_name() {
    let store = Store::small();
    let node = store.start();
    let api = Api::new(node.url());
    let session = api.session().await;
    let before = api.settled().await;
    for (path, field) in [
        ("/v1/products?limit=0", "limit"),
        ("/v1/products?limit=many", "limit"),
        ("/v1/search", "q"),
        ("/v1/search?q=", "q"),
        ("/v1/recommendations/nowhere", "slot"),
        ("/v1/recommendations/home?count=51", "count"),
        ("/v1/recommendations/home?lang=tlh", "lang"),
    ] {
        api.get(path).await.problem_with(400, field);
    }
    api.delete(&format!("/v1/sessions/{session}?reason=bored")).await.problem_with(400, "reason");
    api.post("/v1/sessions", &json!({ "language": "tlh" })).await.problem_with(400, "language");
    Api::send(api.request(Method::POST, &format!("/v1/sessions/{session}/checkout")))
        .await
        .problem_with(400, "Idempotency-Key");
    api.check_out(&session, "key-1").await.problem(409);
    api.set(&session, "TEA-1", 1_000_000).await.problem_with(400, "quantity");
    let half = api.put(&format!("/v1/sessions/{session}/basket/TEA-1"), &json!({ "quantity": 0.5 })).await;
    half.problem_with(409, "quantity");
    assert_eq!(api.put("/v1/products", &json!({})).await.status, 405);
    let request =
        api.request(Method::POST, "/v1/sessions").header("content-type", "text/plain").body("hello");
    Api::send(request).await.problem(415);
    assert_eq!(api.durable().await, before, "nothing was written");
}

#[tokio::test]
async fn another_site_cannot_make_a_browser_write() {
    let store = Store::small();
    let node = store.start();
    let api = Api::new(node.url());
    let before = api.settled().await;
    for path in ["/basket", "/checkout", "/leave", "/v1/sessions"] {
        let request = api.request(Method::POST, path).header("origin", "http://elsewhere.example");
        assert_eq!(Api::send(request).await.status, 403, "{path}");
    }
    assert_eq!(api.durable().await, before, "nothing was written");
}
