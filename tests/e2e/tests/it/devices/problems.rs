//! What is wrong with a request is told by its field, and without the token nothing is told at all.

use crate::admin::administrator::Administered;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn nothing_is_told_or_done_without_the_token() {
    let admin = Administered::start();
    let paths = [
        (Method::GET, "/v1/admin/devices"),
        (Method::GET, "/v1/admin/devices/scale-1"),
        (Method::DELETE, "/v1/admin/devices/scale-1"),
        (Method::POST, "/v1/admin/devices/scale-1/approval"),
        (Method::PUT, "/v1/admin/devices/scale-1/placements/weight"),
        (Method::PATCH, "/v1/admin/devices/scale-1/settings"),
        (Method::POST, "/v1/admin/devices/scale-1/commands/identify"),
        (Method::GET, "/v1/admin/device-profiles"),
        (Method::GET, "/v1/admin/telemetry"),
        (Method::GET, "/v1/admin/telemetry/scale-1/weight"),
        (Method::GET, "/v1/admin/telemetry/scale-1/weight/raw"),
        (Method::GET, "/v1/admin/telemetry/scale-1/weight/chart.svg"),
        (Method::GET, "/v1/admin/positions"),
        (Method::GET, "/v1/admin/positions/TEA"),
        (Method::POST, "/v1/admin/positions/TEA/counts"),
        (Method::POST, "/v1/admin/positions/TEA/moves"),
        (Method::GET, "/v1/admin/units"),
        (Method::PUT, "/v1/admin/units/dairy"),
        (Method::DELETE, "/v1/admin/units/dairy"),
        (Method::GET, "/v1/admin/units/dairy/reports/2026-11-21"),
        (Method::POST, "/v1/admin/excursions/one/acknowledgement"),
        (Method::GET, "/v1/admin/tasks"),
        (Method::POST, "/v1/admin/tasks/one/end"),
        (Method::GET, "/v1/admin/plugins"),
        (Method::GET, "/v1/admin/plugins/multi-buy"),
        (Method::PUT, "/v1/admin/plugins/multi-buy"),
        (Method::DELETE, "/v1/admin/plugins/multi-buy"),
        (Method::GET, "/v1/admin/plugins/multi-buy/recordings"),
        (Method::POST, "/v1/admin/plugins/multi-buy/rollback"),
        (Method::GET, "/v1/admin/erasures"),
        (Method::POST, "/v1/admin/erasures"),
        (Method::GET, "/v1/admin/enrolment"),
        (Method::POST, "/v1/admin/enrolment"),
        (Method::POST, "/v1/admin/enrolment/try"),
        (Method::GET, "/v1/admin/horizon"),
        (Method::POST, "/v1/admin/devices/scale-1/certificate"),
        (Method::DELETE, "/v1/admin/devices/scale-1/certificate"),
        (Method::GET, "/v1/admin/fleet"),
        (Method::POST, "/v1/admin/fleet/courier"),
        (Method::POST, "/v1/admin/fleet/root"),
        (Method::GET, "/v1/admin/models"),
        (Method::POST, "/v1/admin/models/ranking/run"),
    ];
    let document = admin.api().get("/openapi.json").await.json(200);
    for (method, path) in &paths {
        let request = admin.api().request(method.clone(), path).bearer_auth("not the token");
        let answer = crate::support::api::Api::send(request).await;
        assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
        answer.problem(401);
    }
    let described = document["paths"].as_object().expect("paths").iter();
    let described = described.filter(|(path, _)| {
        let rest = path.strip_prefix("/v1/admin/").unwrap_or_default();
        !rest.is_empty() && !rest.starts_with("mqtt") && !rest.starts_with("experiments")
    });
    let operations: usize = described.map(|(_, item)| item.as_object().map_or(0, serde_json::Map::len)).sum();
    assert_eq!(operations, paths.len(), "each of them is described, and each that is described is here");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_by_name() {
    let admin = Administered::start();
    for (path, field) in [
        ("/v1/admin/devices/scale-9", "id"),
        ("/v1/admin/telemetry/scale-9/weight", "stream"),
        ("/v1/admin/telemetry/scale-9/weight/raw", "stream"),
        ("/v1/admin/telemetry/scale-9/weight/chart.svg", "stream"),
        ("/v1/admin/positions/NO-TEA", "sku"),
        ("/v1/admin/units/nowhere/reports/2026-11-21", "unit"),
    ] {
        let problem = admin.ask(Method::GET, path).await.problem_with(404, field);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("hint:")), "{problem}");
    }
    for path in ["/v1/admin/units/nowhere", "/v1/admin/devices/scale-9"] {
        admin.ask(Method::DELETE, path).await.problem(404);
    }
    let by = json!({ "by": "Ada" });
    admin
        .send(Method::POST, "/v1/admin/excursions/x/acknowledgement", &by)
        .await
        .problem_with(404, "excursion");
    admin
        .send(Method::POST, "/v1/admin/tasks/x/end", &json!({ "end": "done" }))
        .await
        .problem_with(404, "task");
    let approval = "/v1/admin/devices/scale-9/approval";
    admin.send(Method::POST, approval, &json!({})).await.problem_with(404, "device");
    let count = json!({ "place": "shelf", "quantity": 1 });
    admin.send(Method::POST, "/v1/admin/positions/NO-TEA/counts", &count).await.problem_with(404, "sku");
}

#[tokio::test]
async fn a_wrong_field_is_named_by_its_path_and_nothing_is_changed() {
    let admin = Administered::start();
    let mut scale = admin.scale("scale-1").await;
    admin.device("scale-1").await;
    let approval = "/v1/admin/devices/scale-1/approval";
    for (placement, field, status) in [
        (json!({ "stream": "weight", "sku": "NO-TEA" }), "placements[0].sku", 400),
        (json!({ "stream": "weight", "unit_weight_g": 0 }), "placements[0].unit_weight_g", 400),
        (json!({ "stream": "weight", "place": "roof" }), "placements[0].place", 400),
        (json!({ "stream": "weight", "weight": 7 }), "placements[0].weight", 400),
        (json!({ "stream": "temperature", "unit": "nowhere" }), "placements[0].unit", 400),
        (json!({ "stream": "noise" }), "stream", 404),
    ] {
        let body = json!({ "placements": [placement] });
        admin.send(Method::POST, approval, &body).await.problem_with(status, field);
    }
    admin.send(Method::POST, approval, &json!({ "by": "" })).await.problem_with(400, "by");
    assert_eq!(admin.device("scale-1").await["state"], "heard");
    admin.ask(Method::GET, "/v1/admin/devices?limit=0").await.problem_with(400, "limit");
    admin.ask(Method::GET, "/v1/admin/devices?state=lost").await.problem_with(400, "state");
    admin.approve("scale-1", &json!({})).await;
    scale.measure("weight", "gram", 1.0).await;
    admin.device_that("a reading", "scale-1", |it| it["telemetry"][0]["last"]["value"] == 1.0).await;
    for (query, field) in [
        ("resolution=week", "resolution"),
        ("points_max=0", "points_max"),
        ("resolution=day&points_max=9", "points_max"),
        ("from=yesterday", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("from=2001-01-01T00:00:00Z&resolution=minute", "resolution"),
    ] {
        let path = format!("/v1/admin/telemetry/scale-1/weight?{query}");
        admin.ask(Method::GET, &path).await.problem_with(400, field);
    }
    let chart = "/v1/admin/telemetry/scale-1/weight/chart.svg?hours=0";
    admin.ask(Method::GET, chart).await.problem_with(400, "hours");
    let unit = "/v1/admin/units/dairy";
    for (body, field) in [
        (json!({ "group": "lukewarm" }), "group"),
        (json!({ "group": "chilled", "limit_celsius": 1000 }), "limit_celsius"),
        (json!({ "group": "chilled", "skus": ["NO-TEA"] }), "skus[0]"),
        (json!({ "group": "chilled", "grace": 7 }), "grace"),
    ] {
        admin.send(Method::PUT, unit, &body).await.problem_with(400, field);
    }
    assert_eq!(admin.get("/v1/admin/units").await, json!([]));
}
