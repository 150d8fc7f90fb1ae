//! A hub and three stores that sell, and people who come in at the hub's console.

use crate::support::{
    api::Api,
    browser::{Browser, Setup},
    store::Store,
    wait::eventually,
};
use aisle_harness::{
    hub::{Call, HubOptions, HubUnderTest, Member},
    node::NodeUnderTest,
};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

/// What comes about by itself is there within this. A node that lost its hub waits two seconds at most before it calls again.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The stores.
pub(super) const STORES: [&str; 3] = ["store-1", "store-2", "store-3"];

/// All of them, and their nodes in the same order.
pub(super) struct Region {
    pub(super) hub: HubUnderTest,
    pub(super) nodes: Vec<NodeUnderTest>,
    _stores: Vec<Store>,
}

impl Region {
    /// Opens the stores, and waits until the hub has a sale of each.
    pub(super) async fn open() -> Self {
        let hub = HubUnderTest::start(HubOptions::default()).expect("the hub serves");
        let call = || Call { quic_port: hub.quic().port(), tls_port: hub.tls().port() };
        let (mut nodes, mut stores) = (Vec::new(), Vec::new());
        for name in STORES {
            let member = Member::join(&hub, name, call()).expect("the hub takes the store in");
            let store = Store::small();
            let node = store.start_with(&format!("[store]\nid = \"{name}\"\n{}", member.config));
            sell(node.url(), "one").await;
            nodes.push(node);
            stores.push(store);
        }
        let region = Self { hub, nodes, _stores: stores };
        for name in STORES {
            region.holds(name, 1).await;
        }
        region
    }

    /// Waits until the hub has so many events of a store at least.
    pub(super) async fn holds(&self, store: &str, events: u64) {
        let (api, token) = (Api::new(&self.hub.url()), self.hub.token().expect("a token"));
        eventually(&format!("{events} events of `{store}`"), PATIENCE, async || {
            let request =
                api.request(Method::GET, &format!("/v1/stores/{store}/cursors")).bearer_auth(&token);
            let answer = Api::try_send(request).await.ok().filter(|answer| answer.status == 200)?;
            let cursors = answer.json(200);
            let through = |cursor: &Value| cursor["through"].as_u64().unwrap_or_default();
            let all: u64 = cursors["items"].as_array()?.iter().map(through).sum();
            (all >= events).then_some(())
        })
        .await;
    }

    /// A browser in which an admin has chosen a password and come in.
    pub(super) async fn browser(&self, setup: Setup) -> Browser {
        let browser = enter(&self.hub, setup).await;
        browser.find("#stores").await;
        browser
    }

    /// The address of a page.
    pub(super) fn at(&self, place: &str) -> String {
        format!("{}{place}", self.hub.url())
    }
}

/// What new people choose.
const PASSWORD: &str = "correct horse battery";

/// Adds a person at the hub's command line, and gives their code.
pub(super) fn add(hub: &HubUnderTest, name: &str, role: &str) -> String {
    let said = hub.ask(&["--json", "person", "add", name, "--role", role]).expect("the hub adds them");
    let added: Value = serde_json::from_str(&said).expect("JSON");
    added["code"].as_str().expect("a code").to_owned()
}

/// Chooses a password with a code, on the page that asks who somebody is.
pub(super) async fn come_in(browser: &Browser, code: &str) {
    browser.touch("You were given a code: choose a password").await;
    browser.arrives("/set-up").await;
    for (field, text) in [("#code", code), ("#password", PASSWORD), ("#again", PASSWORD)] {
        browser.find(field).await.send_keys(text).await.expect("the field takes text");
    }
    browser.touch("Choose it and sign in").await;
    browser.arrives("/").await;
    browser.find("#counts").await;
}

/// A browser in which an admin of a hub has come in.
pub(super) async fn enter(hub: &HubUnderTest, setup: Setup) -> Browser {
    let code = add(hub, "Ada", "admin");
    let browser = Browser::open(setup).await;
    browser.goto(&hub.url()).await;
    browser.arrives("/sign-in").await;
    come_in(&browser, &code).await;
    browser
}

/// Sells something in a store.
pub(super) async fn sell(url: &str, key: &str) {
    let api = Api::new(url);
    api.ready().await;
    let session = api.session().await;
    api.set(&session, "TEA-1", 1).await.json(200);
    api.check_out(&session, key).await.json(201);
}
