//! The HTTP interface over a real socket.

use crate::shop::{AT_MS, Outbox, sqlite};
use aisle_hub::{
    http::{self, Api, Clock, Site, Token},
    people::{People, Settings, telemetry::Telemetry},
};
use prometheus_client::registry::Registry;
use reqwest::StatusCode;
use serde_json::Value;
use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, atomic::AtomicBool},
};

const TOKEN: &str = "a-token-of-sixteen-characters";

struct Served {
    url: String,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Served {
    async fn start() -> Self {
        let (folder, database) = sqlite().await;
        for number in 1..=3 {
            let mut shop = Outbox::new(&format!("store-{number}"), 1);
            database.register(&shop.node()).await.unwrap();
            let batches = [shop.sales(0, 100), shop.sales(100, 150)];
            shop.admit(&database, &[&batches[0], &batches[1]]).await.unwrap();
            let hello = crate::shop::hello(&shop, if number == 3 { "cn" } else { "eu" });
            let contact = aisle_hub::database::Contact {
                node: "node-1",
                hello: &hello,
                path: "tls",
                address: "10.0.0.1:4",
                hub: "hub-1",
            };
            database.contact(&shop.log.store, &contact).await.unwrap();
        }
        let api = Api {
            artefacts: crate::shop::artefacts(&database, folder.path()),
            people: People::new(database.clone(), "hub-1", Settings::default(), Telemetry::default()),
            site: Arc::new(Site::default()),
            oidc: None,
            policy_keys: Arc::default(),
            clock: Clock::of_machine(),
            wake: aisle_hub::fleet::Wake::default(),
            policies: crate::shop::in_force(),
            recent: aisle_hub::recent::Recent::default(),
            database,
            token: Arc::new(Token::of(TOKEN)),
            enrolment: None,
            registry: Arc::new(Registry::default()),
            is_ready: Arc::new(AtomicBool::new(true)),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, http::router(api)).await.unwrap() });
        Self { url, client: reqwest::Client::new(), _folder: folder }
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.client.get(format!("{}{path}", self.url)).bearer_auth(TOKEN).send().await.unwrap();
        let status = answer.status();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind == "application/problem+json", !status.is_success(), "{path}: {kind}");
        (status, answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn nobody_reads_anything_without_the_token_but_health() {
    let served = Served::start().await;
    let get = |path: &str, token: &'static str| {
        served.client.get(format!("{}{path}", served.url)).bearer_auth(token).send()
    };
    for path in ["/v1/stores", "/v1/totals", "/metrics", "/v1/stores/store-1/events", "/nowhere"] {
        for token in ["", "another-token-of-sixteen", "a-token-of-sixteen-character"] {
            let answer = get(path, token).await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(path, "").await.unwrap().status(), StatusCode::OK);
    }
    let metrics = get("/metrics", TOKEN).await.unwrap();
    assert!(metrics.text().await.unwrap().ends_with("# EOF\n"));
    let posted =
        served.client.post(format!("{}/v1/stores", served.url)).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn stores_cursors_events_and_receipts_are_paged_to_the_end() {
    let served = Served::start().await;
    let (_, totals) = served.get("/v1/totals").await;
    assert_eq!(
        (&totals["stores"], &totals["events"], &totals["connected"]),
        (&3.into(), &450.into(), &3.into())
    );
    let (_, page) = served.get("/v1/stores?limit=2").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let (_, page) = served.get(&format!("/v1/stores?limit=2&after={}", page["next"].as_str().unwrap())).await;
    assert_eq!((&page["items"][0]["store"], &page["next"]), (&"store-3".into(), &Value::Null));
    let (_, page) = served.get("/v1/stores?region=cn").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let (_, store) = served.get("/v1/stores/store-2").await;
    assert_eq!((&store["region"], &store["nodes"]), (&"eu".into(), &1.into()));
    let (_, page) = served.get("/v1/stores/store-2/nodes").await;
    assert_eq!(page["items"][0]["address"], "10.0.0.1:4");
    let (_, page) = served.get("/v1/stores/store-2/cursors").await;
    assert_eq!((&page["items"][0]["through"], &page["items"][0]["class"]), (&150.into(), &"sales".into()));

    let (mut path, mut seen) = ("/v1/stores/store-2/events?limit=40".to_owned(), Vec::new());
    loop {
        let (_, page) = served.get(&path).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/stores/store-2/events?limit=40&after={next}");
    }
    assert_eq!(seen, (1..=150).collect::<Vec<_>>());
    let (from, before) = (AT_MS + 10_000, AT_MS + 12_000);
    let (_, page) = served.get(&format!("/v1/stores/store-2/events?from_ms={from}&before_ms={before}")).await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(
        (items.len(), &items[0]["name"], &items[0]["at_ms"]),
        (2, &"SaleRecorded".into(), &from.into())
    );
    assert_eq!(items[0]["payload"]["document"], "T-0000010");

    let (_, page) = served.get("/v1/stores/store-2/receipts?class=sales&limit=1").await;
    assert_eq!((&page["items"][0]["last_seq"], &page["next"]), (&100.into(), &"100".into()));
    let (_, page) = served.get("/v1/stores/store-2/receipts?class=sales&after=100").await;
    assert_eq!((&page["items"][0]["first_seq"], &page["items"][0]["last_seq"]), (&101.into(), &150.into()));
    for path in ["/v1/policies", "/v1/stores/store-1/erasures", "/v1/stores/store-1/reports"] {
        assert_eq!(served.get(path).await.1["items"], Value::Array(vec![]));
    }
}

#[tokio::test]
async fn a_wrong_question_is_told_what_is_wrong() {
    let served = Served::start().await;
    for (path, status, words) in [
        ("/v1/stores/store-9", 404, "no store `store-9`"),
        ("/v1/stores/store-9/events", 404, "no store `store-9`"),
        (
            "/v1/stores/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            400,
            "`store` is not the id of a store",
        ),
        ("/v1/stores?limit=0", 400, "`limit` is 0"),
        ("/v1/stores?limit=5000", 400, "`limit` is 5000"),
        ("/v1/stores?limt=5", 400, "limt"),
        ("/v1/stores/store-1/events?after=1.2.3", 400, "`after` is no `next`"),
        ("/v1/stores/store-1/events?from_ms=x", 400, "from_ms"),
        ("/v1/stores/store-1/receipts", 400, "class"),
        ("/v1/stores/store-1/receipts?class=sale", 400, "`class` is none of"),
        ("/v1/stores/store-1/receipts?class=bulk", 404, "no log"),
        ("/v2", 404, "nothing at this path"),
    ] {
        let (found, problem) = served.get(path).await;
        assert_eq!(found.as_u16(), status, "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{path}: {problem}");
    }
}

#[test]
fn a_token_is_made_once_and_only_the_user_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/hub.token");
    Token::from_file(&file).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Token::from_file(&file).unwrap().is(text.trim()));
    std::fs::write(&file, "short").unwrap();
    assert!(Token::from_file(&file).unwrap_err().to_string().contains("fewer than 16 characters"));
}
