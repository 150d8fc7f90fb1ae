//! Every route, every role: what the table says is what happens.

use super::hall::{Caller, Hall, sent};
use aisle_hub::{
    http::{
        self,
        permits::{Need, ROUTES},
    },
    people::role::Role,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every method of every path of the OpenAPI document, with what it says of who may.
fn documented() -> Vec<(Method, String, String)> {
    let document: Value = serde_json::from_str(&http::openapi().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let permission = operation["x-permission"].as_str().unwrap_or("nothing is said").to_owned();
            assert_eq!(operation["security"].is_null(), permission == "open", "{method} {path}");
            found.push((method, path.clone(), permission));
        }
    }
    found
}

#[test]
fn every_route_has_a_line_and_every_line_a_route() {
    let documented: BTreeSet<_> =
        documented().into_iter().map(|(method, path, needs)| (method.to_string(), path, needs)).collect();
    let lines: BTreeSet<_> = ROUTES
        .iter()
        .map(|(method, path, need)| (method.to_string(), (*path).to_owned(), need.as_str().to_owned()))
        .collect();
    assert_eq!(documented, lines, "http/permits.rs has the lines");
    assert_eq!(ROUTES.len(), lines.len(), "a route has one line");
    for (method, path, need) in ROUTES {
        assert_eq!(
            path.contains("{store}"),
            matches!(need, Need::Store(_)),
            "{method} {path}: of a store, or not"
        );
    }
}

async fn ask(caller: &Caller, method: &Method, path: &str) -> StatusCode {
    let path = path
        .replace("{store}", "store-1")
        .replace("{locator}", "7K3QM")
        .replace("{node}", "4711")
        .replace("{decision}", "approve")
        .replace("{person}", "p-none")
        .replace("{session}", "s-none")
        .replace("{token}", "t-none")
        .replace("{approval}", "a-none")
        .replace("{kind}", "plugin")
        .replace("{name}", "none")
        .replace("{serial}", "none")
        .replace("{group}", "none")
        .replace("{filter}", "none")
        .replace("{rollout}", "none")
        .replace("{verb}", "start")
        .replace("{hash}", &"ab".repeat(32));
    assert!(!path.contains('{'), "{path}: say what stands for it");
    let request = caller.request(method.clone(), &path);
    let request =
        if *method == Method::GET || *method == Method::DELETE { request } else { request.json(&json!({})) };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    assert!(!status.is_server_error(), "{method} {path}: {status} {}", answer.text().await.unwrap());
    status
}

pub async fn every_route_lets_in_whom_the_table_lets(hall: &Hall) {
    // The table of roles and permissions, as it is meant; another one is a decision.
    let table = hall.one.machine().get("/v1/roles").await.json;
    let nobody = hall.one.caller();
    for (method, path, need) in documented() {
        let status = ask(&nobody, &method, &path).await;
        assert_eq!(status != StatusCode::UNAUTHORIZED, need == "open", "{method} {path}: {status}");
    }
    for role in Role::ALL {
        let admin = hall.one.person(&format!("A {role}"), &[role.as_str()]).await;
        for (method, path, needs) in documented() {
            if (&method, path.as_str()) == (&Method::DELETE, "/v1/session") || needs == "open" {
                continue;
            }
            let row =
                table["items"].as_array().unwrap().iter().find(|row| row["permission"] == needs.as_str());
            let may = match needs.as_str() {
                "anyone" | "session" => true,
                _ => row.unwrap()["roles"].as_array().unwrap().contains(&json!(role.as_str())),
            };
            let status = ask(&admin, &method, &path).await;
            let is_let_in = !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            assert_eq!(is_let_in, may, "{role}: {method} {path} wants {needs} and answers {status}");
        }
    }
    // Who has no role may nothing but be somebody.
    let guest = hall.one.person("A guest", &[]).await;
    for (method, path, need) in documented().into_iter().filter(|(.., needs)| needs.contains('.')) {
        assert_eq!(ask(&guest, &method, &path).await, StatusCode::FORBIDDEN, "{method} {path} {need}");
    }
    // What no route takes is told, and what is at no path as well.
    assert_eq!(ask(&guest, &Method::DELETE, "/v1/stores").await, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(&guest, &Method::GET, "/v1/nowhere").await, StatusCode::NOT_FOUND);
    assert_eq!(ask(&nobody, &Method::GET, "/v1/nowhere").await, StatusCode::UNAUTHORIZED);
}

pub async fn a_bounded_role_ends_at_its_region_and_every_refusal_is_written_down(hall: &Hall) {
    for (store, region) in [("store-1", "eu"), ("store-2", "cn"), ("store-3", "eu")] {
        let shop = crate::shop::Outbox::new(store, 1);
        let hello = crate::shop::hello(&shop, region);
        let database = &hall.one.api.database;
        database.register(&shop.node()).await.unwrap();
        let contact = aisle_hub::database::Contact {
            node: "node-1",
            hello: &hello,
            path: "tls",
            address: "",
            hub: "hub-1",
        };
        database.contact(&shop.log.store, &contact).await.unwrap();
    }
    let eu = hall.one.person("Europe", &["operator@region:eu"]).await;
    let page = eu.get("/v1/stores").await.json;
    let stores: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|row| row["store"].as_str().unwrap()).collect();
    assert_eq!(stores, ["store-1", "store-3"]);
    let mut refused = 0;
    for (method, path, need) in ROUTES {
        let Need::Store(permission) = need else { continue };
        let path =
            path.replace("{node}", "node-none").replace("{decision}", "none").replace("{serial}", "none");
        let here = sent(eu.request(method.clone(), &path.replace("{store}", "store-3"))).await.status;
        assert_eq!(here == StatusCode::FORBIDDEN, !Role::Operator.may(*permission), "{method} {path}");
        for store in ["store-2", "store-none", "no%20store"] {
            let reply = sent(eu.request(method.clone(), &path.replace("{store}", store))).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{method} {path} of {store}");
        }
        refused += 3 + usize::from(here == StatusCode::FORBIDDEN);
        // Of one kind so many are written down in a minute.
        hall.pass(60_000);
    }
    assert_eq!(eu.get("/v1/totals").await.status, StatusCode::FORBIDDEN, "it is about all stores");
    let elsewhere = hall.one.person("Germany", &["viewer@label:country=de"]).await;
    assert_eq!(elsewhere.get("/v1/stores").await.json["items"], json!([]), "no store has the label");
    assert_eq!(elsewhere.get("/v1/stores/store-1").await.status, StatusCode::FORBIDDEN);
    // Each refusal stands in the log: who, what, at which store.
    let page = hall
        .one
        .machine()
        .get(&format!("/v1/audit?limit=1000&outcome=refused&actor={}", eu.id().await))
        .await
        .json;
    let rows = page["items"].as_array().unwrap();
    assert_eq!(rows.len(), refused + 1);
    assert!(rows.iter().any(|row| row["action"] == "store.read" && row["object"] == "store-2"));
    // A thousand of one kind fill no log.
    for _ in 0..40 {
        eu.get("/v1/audit").await;
    }
    assert_eq!(hall.audit("audit.read").await.len(), 20);
    hall.pass(60_000);
    eu.get("/v1/audit").await;
    assert_eq!(hall.audit("audit.read").await.len(), 21);
}
