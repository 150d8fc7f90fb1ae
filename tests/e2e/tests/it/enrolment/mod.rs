//! A box out of the carton becomes its store's node: the real node, the real hub, the claim that the hub has printed.
//!
//! Not here: what is asked in which order (`aisle-enrolment`), attacks on the hub (`aisle-hub`).

mod claim;
mod devices;
mod first_boot;
mod standing;

use crate::support::{
    api::Api,
    command::{Running, aisle, start},
    journal,
    store::Store,
    wait::eventually,
};
use aisle_harness::{
    hub::{Approval, HubOptions, HubUnderTest},
    node::{NodeOptions, NodeUnderTest},
};
use reqwest::Method;
use serde_json::Value;
use std::{fs, path::Path, time::Duration};

/// The store of the claims.
pub(crate) const STORE: &str = "berlin-12";
/// What is printed on the box.
pub(crate) const SERIAL: &str = "box-1";
/// How long anything may take that comes about by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// A box that knows its serial, and a line that comes back quickly.
const CONFIG: &str = "[node]\nserial = \"box-1\"\n[sync.line]\nreconnect_ms_max = 2000\n\
                      [sync.outbox]\nsales_age_ms_max = 1000\n";

fn hub(approval: Approval) -> HubUnderTest {
    HubUnderTest::start(HubOptions { enrolment: Some(approval), ..HubOptions::default() })
        .expect("the hub serves")
}

/// A box with goods to sell, which belongs to nobody.
pub(crate) fn unclaimed() -> (Store, NodeUnderTest) {
    let store = Store::small();
    let node = store.start_with(CONFIG);
    (store, node)
}

/// `aisle-node claim …` on the data of a box.
pub(crate) fn claiming(store: &Store, arguments: &[&str]) -> Running {
    let config = store.file("claim.toml", CONFIG).display().to_string();
    let mut command = aisle(&store.data(), ["claim", "--config", &config]);
    start(command.args(arguments))
}

fn token(data: &Path) -> String {
    fs::read_to_string(data.join("admin.token")).expect("a token").trim().to_owned()
}

/// How the node says that it stands; nothing while it starts anew.
pub(crate) async fn standing(node: &NodeUnderTest) -> Option<Value> {
    let api = Api::new(node.url());
    let request = api.request(Method::GET, "/v1/admin/enrolment").bearer_auth(token(node.data()));
    let answer = Api::try_send(request).await.ok()?;
    (answer.status == 200).then(|| answer.json(200)["status"].clone())
}

/// Waits until the node says this of itself.
pub(crate) async fn stands(node: &NodeUnderTest, field: &str, expected: &str) -> Value {
    eventually(&format!("`{field}` is `{expected}`"), PATIENCE, async || {
        standing(node).await.filter(|status| status[field] == expected)
    })
    .await
}

/// Has the node ask the hub now rather than in its own time.
async fn try_now(node: &NodeUnderTest) {
    let api = Api::new(node.url());
    let request = api.request(Method::POST, "/v1/admin/enrolment/try").bearer_auth(token(node.data()));
    // It may be starting anew.
    drop(Api::try_send(request).await);
}

async fn sell(api: &Api, sku: &str, key: &str) {
    let session = api.session().await;
    api.set(&session, sku, 1).await.json(200);
    api.check_out(&session, key).await.json(201);
}

/// How many sales of the store the hub has.
async fn sales_at(hub: &HubUnderTest) -> usize {
    let Ok(token) = hub.token() else { return 0 };
    let api = Api::new(&hub.url());
    let path = format!("/v1/stores/{STORE}/events?limit=1000");
    let request = api.request(Method::GET, &path).bearer_auth(token);
    let Ok(answer) = Api::try_send(request).await else { return 0 };
    if answer.status != 200 {
        return 0;
    }
    let page = answer.json(200);
    page["items"]
        .as_array()
        .map_or(0, |items| items.iter().filter(|event| event["name"] == "SaleRecorded").count())
}

/// How many sales the store's journal has.
fn sold(store: &Store) -> usize {
    journal::cat_only(&store.data(), "SaleRecorded").len()
}

/// Waits until the hub has every sale of the store, each once.
async fn has_sales(hub: &HubUnderTest, store: &Store) {
    let sold = sold(store);
    assert!(sold > 0, "something was sold");
    eventually("the sales at the hub", PATIENCE, async || (sales_at(hub).await == sold).then_some(())).await;
}

fn options(store: &Store, env: Vec<(std::ffi::OsString, std::ffi::OsString)>) -> NodeOptions {
    NodeOptions { config: CONFIG.into(), env, ..store.options() }
}
