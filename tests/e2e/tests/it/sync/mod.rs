//! A node and its hub, as processes: what is sold is at the hub once, whatever happens to either of them.
//!
//! Not here: lines that lose and delay (`aisle-transport`), kills by the minute (`tests/crash`).

mod down;

use crate::support::{
    api::Api,
    command::{aisle, run},
    journal,
    store::Store,
    wait::eventually,
};
use aisle_harness::hub::{Call, HubOptions, HubUnderTest, Member};
use reqwest::Method;
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

/// The store's id; the one that a node has when nothing else is said.
pub(crate) const STORE: &str = "store-1";
/// How long anything may take that comes about by itself. A node that lost its hub waits two seconds at most before it calls again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A hub, and the store's membership.
pub(crate) fn region() -> (HubUnderTest, Member) {
    let hub = HubUnderTest::start(HubOptions::default()).expect("the hub serves");
    let call = Call { quic_port: hub.quic().port(), tls_port: hub.tls().port() };
    let member = Member::join(&hub, STORE, call).expect("the hub takes the store in");
    (hub, member)
}

async fn sell(api: &Api, sku: &str, key: &str) {
    let session = api.session().await;
    api.set(&session, sku, 1).await.json(200);
    api.check_out(&session, key).await.json(201);
}

/// Source and number of a sale.
fn number(fields: &Value) -> String {
    format!("{} {}", fields["source"], fields["document"])
}

/// Every sale of the store's journal, sorted.
fn sold(store: &Store) -> Vec<String> {
    let sales = journal::cat_only(&store.data(), "SaleRecorded");
    let mut sold: Vec<String> = sales.iter().map(|sale| number(&sale["fields"])).collect();
    sold.sort_unstable();
    sold
}

/// Every sale that the hub shows, sorted; nothing when it does not answer.
async fn at_hub(hub: &HubUnderTest) -> Option<Vec<String>> {
    let (api, token) = (Api::new(&hub.url()), hub.token().ok()?);
    let (mut sales, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/stores/{STORE}/events?limit=1000{after}");
        let answer = Api::try_send(api.request(Method::GET, &path).bearer_auth(&token)).await.ok()?;
        if answer.status == 404 {
            return Some(sales);
        }
        let page = answer.json(200);
        let items = page["items"].as_array().expect("events");
        let of_sales = items.iter().filter(|event| event["name"] == "SaleRecorded");
        sales.extend(of_sales.map(|event| number(&event["payload"])));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    sales.sort_unstable();
    Some(sales)
}

pub(crate) async fn everything_is_there_once(hub: &HubUnderTest, store: &Store) {
    let sold = sold(store);
    let mut seen = Vec::new();
    let waited = async {
        loop {
            if let Some(found) = at_hub(hub).await {
                seen = found;
            }
            if seen == sold {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let is_there = tokio::time::timeout(PATIENCE, waited).await.is_ok();
    assert!(is_there, "{} sales at the hub, {} in the journal: {seen:?}, {sold:?}", seen.len(), sold.len());
}

/// Waits until the node says this of the line, and gives the whole of it.
async fn line(api: &Api, phase: &str) -> Value {
    eventually(&format!("the phase `{phase}`"), PATIENCE, async || {
        let sync = api.health().await["sync"].clone();
        (sync["phase"] == phase).then_some(sync)
    })
    .await
}

#[tokio::test]
async fn what_is_sold_is_at_the_hub_once_though_both_are_killed() {
    let (mut hub, member) = region();
    let store = Store::small();
    let mut node = store.start_with(&member.config);
    let api = Api::new(node.url());
    sell(&api, "TEA-1", "one").await;
    let sync = line(&api, "connected").await;
    assert_eq!((&sync["region"], &sync["link"]), (&"eu".into(), &"fibre".into()), "{sync}");
    assert_eq!((&sync["hub"], &sync["policy"]["version"]), (&"hub-1".into(), &1.into()), "{sync}");
    assert!(sync["problems"].as_array().is_some_and(Vec::is_empty), "{sync}");
    assert_eq!(sync["receipt_key"].as_str().map(str::len), Some(64), "{sync}");
    everything_is_there_once(&hub, &store).await;

    // The shop does not notice that the hub is gone.
    hub.kill().expect("it runs");
    sell(&api, "TEA-2", "two").await;
    sell(&api, "CUP-1", "three").await;
    eventually("sales that wait", PATIENCE, async || {
        let sync = api.health().await["sync"].clone();
        let sales = sync["backlog"].as_array()?.iter().find(|backlog| backlog["class"] == "sales")?;
        (sales["events"].as_u64()? >= 2).then_some(())
    })
    .await;
    node.kill().expect("it runs");
    node.start_again().expect("it starts without a hub");
    let api = Api::new(node.url());
    api.ready().await;
    sell(&api, "JAM-1", "four").await;

    hub.start_again().expect("the hub serves again");
    everything_is_there_once(&hub, &store).await;
    line(&api, "connected").await;
    eventually("an empty outbox", PATIENCE, async || {
        let sync = api.health().await["sync"].clone();
        sync["backlog"].as_array()?.iter().all(|backlog| backlog["events"] == 0).then_some(())
    })
    .await;
    assert_eq!(api.metric("aisle_sync_policy_version").await, Some(1.0));
    assert_eq!(node.stop().expect("it stops").code(), Some(0), "{:#?}", node.logs());
    let checked = hub.ask(&["verify"]).expect("every chain and receipt holds");
    assert!(!checked.is_empty());
}

#[tokio::test]
async fn a_shop_sells_without_its_certificate_and_says_what_is_missing() {
    let (hub, member) = region();
    let store = Store::small();
    let folder = hub.folder().join("stores").join(STORE);
    let (certificate, away) = (folder.join("node.pem"), folder.join("away.pem"));
    fs::rename(&certificate, &away).expect("a file can be moved");
    let node = store.start_with(&member.config);
    let api = Api::new(node.url());
    sell(&api, "TEA-1", "one").await;
    let problem = eventually("a problem", PATIENCE, async || {
        let health = api.health().await;
        assert_ne!(health["status"], "failed", "{health}");
        health["sync"]["problems"][0].as_str().map(str::to_owned)
    })
    .await;
    assert!(problem.contains("node.pem"), "{problem}");
    for name in ["token.secret", "store.secret"] {
        let mode =
            fs::metadata(store.data().join("sync").join(name)).expect("it is made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    // It is tried again by itself.
    fs::rename(&away, &certificate).expect("a file can be moved");
    everything_is_there_once(&hub, &store).await;
}

#[test]
fn the_doctor_tries_the_hub_both_ways_and_names_what_is_wrong() {
    let (mut hub, member) = region();
    let store = Store::empty();
    let config = store.file("aisle.toml", &member.config).display().to_string();
    let findings = |code| {
        let mut command = aisle(&store.data(), ["doctor", "--json", "--config", &config]);
        command.env("AISLE_HTTP__LISTEN", "127.0.0.1:0").env("AISLE_MQTT__TLS_LISTEN", "off");
        let findings = run(&mut command).exits(code).json();
        ["sync-files", "sync-tls", "sync-policy", "sync-hub"].map(|id| {
            let all = findings.as_array().expect("a list");
            let found = all.iter().find(|finding| finding["id"] == id);
            found.unwrap_or_else(|| panic!("no `{id}` in {findings}")).clone()
        })
    };
    for finding in findings(0) {
        assert_eq!(finding["outcome"], "ok", "{finding}");
    }
    hub.stop().expect("it stops");
    let [files, certificate, policy, reached] = findings(1);
    for finding in [files, certificate, policy] {
        assert_eq!(finding["outcome"], "ok", "{finding}");
    }
    assert_eq!(reached["outcome"], "fail", "{reached}");
    let found = reached["found"].as_str().expect("words");
    assert!(found.contains("over quic") && found.contains("over tls"), "{found}");
    assert!(!store.data().exists(), "the doctor changes nothing");
}

#[test]
fn what_sync_cannot_be_told_is_refused_by_its_key() {
    let store = Store::empty();
    let check = |text: &str| {
        let file = store.file("aisle.toml", text).display().to_string();
        run(&mut aisle(&store.data(), ["config", "check", "--config", &file])).exits(78)
    };
    check("[sync]\nregon = \"eu\"\n").complains_about(&["`sync.regon`", "`region`"]);
    check("[sync.outbox]\nkeep_hours = 1\n").complains_about(&["`sync.outbox.keep_hours`", "`keep_h`"]);
    check("[sync]\nregion = \"eu\"\ncertificate_file = \"node.pem\"\n")
        .complains_about(&["`sync.hub`", "hint: "]);
    check("[sync]\nlink = \"pigeon\"\n").complains_about(&["sync.link", "pigeon"]);
}
