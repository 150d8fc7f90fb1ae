//! A shop with plugins, and somebody who installs them.

use crate::support::{
    api::{Answer, Api},
    invoices::{DAY, HEADER},
    need,
    store::Store,
    wait::eventually,
};
use aisle_harness::node::NodeUnderTest;
use reqwest::Method;
use serde_json::{Value, json};
use std::{fmt::Write as _, fs, time::Duration};

/// What comes about by itself does so within this.
const SOON: Duration = Duration::from_secs(60);

/// A component that `cargo xtask plugins` built.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let file = need::plugins().join(format!("{name}.wasm"));
    fs::read(&file).unwrap_or_else(|error| {
        panic!("there is no component `{}`: {error}\nhint: run `cargo xtask plugins`", file.display())
    })
}

/// A manifest with these settings.
pub(crate) fn manifest(id: &str, version: &str, hook: &str, more: &str) -> String {
    format!("id = \"{id}\"\nversion = \"{version}\"\nhooks = [\"{hook}\"]\n{more}\n")
}

/// Three for two on a product.
pub(crate) fn three_for_two(version: &str, sku: &str) -> String {
    let settings = format!("[[settings.offers]]\nsku = \"{sku}\"\nbuy = 3\nreason = \"3 for 2 on {sku}\"");
    manifest("multi-buy", version, "promotion", &settings)
}

/// Orders that stand: what is done each time something happens. Each is the lines of one entry.
pub(super) fn standing_orders(version: &str, orders: &[&str]) -> String {
    let orders: String = orders.iter().map(|order| format!("[[settings.orders]]\n{order}\n")).collect();
    manifest("standing-orders", version, "reaction", &format!("grants = [\"kv\"]\n{orders}"))
}

/// Settings with which every count is told to plugins, however soon it follows another.
pub(super) const EVERY_COUNT: &str = "[inventory]\nsensed_interval_s = 1\n";

/// A shop, its node, and an administrator.
pub(super) struct PluggedShop {
    pub(super) store: Store,
    pub(super) node: NodeUnderTest,
}

impl PluggedShop {
    /// The small shop, and a product for each of these numbers at 1.00.
    pub(super) fn with(skus: &[&str]) -> Self {
        Self::configured(skus, "")
    }

    /// The same with this configuration.
    pub(super) fn configured(skus: &[&str], config: &str) -> Self {
        let store = Store::small();
        if !skus.is_empty() {
            let mut text = format!("{HEADER}\n");
            for (place, sku) in skus.iter().enumerate() {
                let invoice = 800_000 + place;
                writeln!(text, "{invoice},{sku},{sku} THING,1,{DAY} 12:00:00,1.00,,United Kingdom").unwrap();
            }
            let file = store.file("more.csv", text);
            store.import(&file, &[]).exits(0);
        }
        let node = store.start_with(config);
        Self { store, node }
    }

    pub(super) fn api(&self) -> Api {
        Api::new(self.node.url())
    }

    pub(super) fn token(&self) -> String {
        fs::read_to_string(self.node.data().join("admin.token")).expect("a token").trim().to_owned()
    }

    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.api().request(method, path).bearer_auth(self.token());
        Api::send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    pub(super) async fn try_install(&self, id: &str, manifest: &str, component: &[u8]) -> Answer {
        let body = json!({ "manifest": manifest, "component": base64(component), "by": "Ana" });
        self.ask(Method::PUT, &format!("/v1/admin/plugins/{id}"), Some(&body)).await
    }

    pub(super) async fn install(&self, id: &str, manifest: &str, component: &[u8]) -> Value {
        self.try_install(id, manifest, component).await.json(200)
    }

    pub(super) async fn plugin(&self, id: &str) -> Value {
        self.ask(Method::GET, &format!("/v1/admin/plugins/{id}"), None).await.json(200)
    }

    /// What stands of all plugins: the list of them, what they keep from being sold, what staff are told.
    pub(super) async fn plugins(&self) -> Value {
        self.ask(Method::GET, "/v1/admin/plugins", None).await.json(200)
    }

    /// Somebody counts what is on a shelf, from which follows how much of it there is.
    pub(super) async fn count(&self, sku: &str, quantity: u32) {
        let body = json!({ "place": "shelf", "quantity": quantity, "by": "Ana" });
        let path = format!("/v1/admin/positions/{sku}/counts");
        self.ask(Method::POST, &path, Some(&body)).await.json(200);
    }

    /// Waits until a product is as it is to be.
    pub(super) async fn product_that(&self, what: &str, sku: &str, is: impl Fn(&Value) -> bool) -> Value {
        let api = self.api();
        let path = format!("/v1/products/{sku}");
        eventually(what, SOON, async || Some(api.get(&path).await.json(200)).filter(|product| is(product)))
            .await
    }

    /// Waits until a plugin has answered so often since the node was started.
    pub(super) async fn answered(&self, id: &str, calls: u64) {
        let answers = async || {
            let plugin = self.plugin(id).await;
            plugin["at_hooks"][0]["calls"]["ok"].as_u64().filter(|ok| *ok >= calls).map(drop)
        };
        eventually("answers of a plugin", SOON, answers).await;
    }

    pub(super) async fn basket(&self, session: &str) -> Value {
        self.api().get(&format!("/v1/sessions/{session}/basket")).await.json(200)
    }
}

/// Base64 (RFC 4648, section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| usize::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[bits >> (18 - 6 * place) & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
