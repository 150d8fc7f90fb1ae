//! Claims and decisions over the HTTP interface.

use super::world::{Hub, World};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn ask(
    world: &World,
    hub: &Hub,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let token = std::fs::read_to_string(&world.config.files.token).unwrap();
    let url = format!("http://{}{path}", hub.http);
    let request = reqwest::Client::new().request(method, url).bearer_auth(token.trim());
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_and_boxes_are_made_listed_and_decided_about() {
    let world = World::new("");
    let hub = world.hub().await;
    let (status, claim) =
        ask(&world, &hub, Method::POST, "/v1/claims", Some(json!({"store": "store-1"}))).await;
    assert_eq!(status, StatusCode::CREATED, "{claim}");
    assert!(claim["qr_svg"].as_str().unwrap().contains("<svg"));
    let code = claim["code"].as_str().unwrap().parse().unwrap();
    let (_, page) = ask(&world, &hub, Method::GET, "/v1/claims?store=store-1", None).await;
    assert_eq!((page["items"][0]["state"].as_str(), page.get("next")), (Some("open"), None));
    assert!(!page.to_string().contains(claim["code"].as_str().unwrap()));

    let carton = world.carton("4711");
    assert_eq!(carton.enroll(&hub, &code).await.status, 202);
    let (_, page) = ask(&world, &hub, Method::GET, "/v1/enrolments?state=pending&limit=1", None).await;
    assert_eq!((&page["items"][0]["node"], &page["next"]), (&"4711".into(), &"store-1/4711".into()));
    let (_, page) = ask(&world, &hub, Method::GET, "/v1/enrolments?limit=1&after=store-1/4711", None).await;
    assert_eq!(page["items"], json!([]));
    let (_, row) = ask(&world, &hub, Method::GET, "/v1/enrolments/store-1/4711", None).await;
    assert_eq!(row["key"], carton.key.fingerprint().to_string());
    let path = "/v1/enrolments/store-1/4711/approve";
    let wrong = json!({"key": "00".repeat(32)});
    assert_eq!(ask(&world, &hub, Method::POST, path, Some(wrong)).await.0, StatusCode::CONFLICT);
    let right = json!({"key": row["key"]});
    let (status, decided) = ask(&world, &hub, Method::POST, path, Some(right.clone())).await;
    assert_eq!((status, decided["state"].as_str()), (StatusCode::OK, Some("active")));
    // What was done is not done again.
    let (status, problem) = ask(&world, &hub, Method::POST, path, Some(right)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert_eq!(carton.enroll(&hub, &code).await.status, 200);
    let ban = Some(json!({"reason": "stolen"}));
    let (_, decided) = ask(&world, &hub, Method::POST, "/v1/enrolments/store-1/4711/ban", ban).await;
    assert_eq!(decided["state"], "banned");
    let locator = claim["locator"].as_str().unwrap();
    let (_, row) = ask(&world, &hub, Method::DELETE, &format!("/v1/claims/{locator}"), None).await;
    assert_eq!((&row["state"], &row["used_by"]), (&"used".into(), &"4711".into()));
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_told_with_its_field_and_names_are_only_names() {
    let world = World::new("");
    let hub = world.hub().await;
    for (method, path, body, status, words) in [
        (Method::POST, "/v1/claims", json!({"store": "x'; DROP TABLE claims; --"}), 400, "`store`"),
        (Method::POST, "/v1/claims", json!({"store": "<script>alert(1)</script>"}), 400, "`store`"),
        (Method::POST, "/v1/claims", json!({"store": "store-1", "serial": "../../etc"}), 400, "`serial`"),
        (Method::POST, "/v1/claims", json!({"store": "store-1", "hours": 0}), 400, "`hours`"),
        (Method::POST, "/v1/claims", json!({"stor": "store-1"}), 400, "stor"),
        (Method::POST, "/v1/enrolments/store-1/x/approve", json!({}), 404, "no node `x`"),
        (Method::POST, "/v1/enrolments/store-1/x/promote", json!({}), 404, "nothing at this path"),
        (Method::POST, "/v1/enrolments/store-1/x/approve", json!({"key": "12"}), 400, "`key`"),
        (Method::POST, "/v1/enrolments/store-1/x/ban", json!({"reason": "x".repeat(5_000)}), 400, "`reason`"),
        (Method::DELETE, "/v1/claims/'OR'1", json!({}), 404, "no claim"),
        (Method::GET, "/v1/enrolments?state=famous", json!({}), 400, "`state`"),
        (Method::GET, "/v1/claims?after=1", json!({}), 400, "`after`"),
        (Method::PUT, "/v1/claims", json!({}), 405, "methods"),
    ] {
        let (found, problem) = ask(&world, &hub, method.clone(), path, Some(body)).await;
        assert_eq!(found.as_u16(), status, "{method} {path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{method} {path}: {problem}");
    }
    // Without the token nobody makes a claim.
    let url = format!("http://{}/v1/claims", hub.http);
    let answer = reqwest::Client::new().post(url).json(&json!({"store": "store-1"})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    hub.end().await;
}
