//! What people want of a store at the hub is what the store has: a real hub, a real node, kills in the midst.

use super::{PATIENCE, STORE, line, region};
use crate::support::{api::Api, need, store::Store, wait::eventually};
use aisle_harness::hub::HubUnderTest;
use reqwest::Method;
use serde_json::Value;
use std::fs;

/// Puts a version of the plugin `multi-buy` into a folder, as its author has it.
fn plugin(store: &Store, version: &str, reason: &str) -> String {
    let file = need::plugins().join("multi-buy.wasm");
    let component = fs::read(&file).unwrap_or_else(|error| {
        panic!("there is no component `{}`: {error}\nhint: run `cargo xtask plugins`", file.display())
    });
    let manifest = format!(
        "id = \"multi-buy\"\nversion = \"{version}\"\nhooks = [\"promotion\"]\n\
         [[settings.offers]]\nsku = \"TEA-1\"\nbuy = 3\nreason = \"{reason}\"\n"
    );
    store.file(&format!("v{version}/plugin.toml"), manifest);
    let component = store.file(&format!("v{version}/plugin.wasm"), component);
    component.parent().expect("it lies in a folder").display().to_string()
}

/// Says at the hub what the store is to have; what the hub says to it.
fn want(hub: &HubUnderTest, store: &Store, items: &[(&str, &str, &str)]) -> String {
    let item = |(name, version, hash): &(&str, &str, &str)| {
        format!("[[item]]\nname = \"{name}\"\nversion = \"{version}\"\ncontent = \"{hash}\"\n")
    };
    let list = store.file("list.toml", items.iter().map(item).collect::<String>()).display().to_string();
    hub.ask(&["desired", "set", "--store", STORE, &list]).expect("the hub takes it")
}

/// Waits until an item of a version is so, by what the node says of itself.
async fn is(api: &Api, name: &str, version: &str, state: &str) -> Value {
    eventually(&format!("`{name}` {version} that is {state}"), PATIENCE, async || {
        let sync = api.health().await["sync"].clone();
        let items = sync["desired"]["items"].as_array()?;
        let found = items.iter().find(|item| item["name"] == name && item["version"] == version)?;
        (found["state"] == state).then(|| found.clone())
    })
    .await
}

/// Waits until the hub was told that an item of a version runs, or does not.
async fn reported(hub: &HubUnderTest, name: &str, version: &str, ok: bool) -> Value {
    let api = Api::new(&hub.url());
    eventually(&format!("a report of `{name}` {version}"), PATIENCE, async || {
        let token = hub.token().ok()?;
        let request = api.request(Method::GET, &format!("/v1/stores/{STORE}/reports")).bearer_auth(token);
        let page = Api::try_send(request).await.ok()?.json(200);
        let mut rows = page["items"].as_array()?.iter();
        rows.find(|row| row["name"] == name && row["version"] == version && row["ok"] == ok).cloned()
    })
    .await
}

/// The version of the plugin that the node runs.
async fn runs(api: &Api, store: &Store) -> String {
    let token = fs::read_to_string(store.data().join("admin.token")).expect("a token");
    let request = api.request(Method::GET, "/v1/admin/plugins/multi-buy").bearer_auth(token.trim());
    let plugin = Api::send(request).await.json(200);
    plugin["version"].as_str().expect("a version").to_owned()
}

#[tokio::test]
async fn a_plugin_that_is_published_at_the_hub_runs_in_the_store_whoever_is_killed_meanwhile() {
    let (mut hub, member) = region();
    let store = Store::small();
    let mut node = store.start_with(&member.config);
    let api = Api::new(node.url());
    line(&api, "connected").await;

    // The node is told without a reconnect.
    let first = hub.ask(&["content", "add", &plugin(&store, "1.0.0", "three for two")]).expect("it is kept");
    assert_eq!(want(&hub, &store, &[("plugin/multi-buy", "1.0.0", &first)]), format!("{STORE} generation 1"));
    is(&api, "plugin/multi-buy", "1.0.0", "applied").await;
    assert_eq!(runs(&api, &store).await, "1.0.0");
    reported(&hub, "plugin/multi-buy", "1.0.0", true).await;

    // Only the manifest differs, so the delta is a small part of the component. The node is killed with the work before it.
    let second = plugin(&store, "1.1.0", "buy three, pay two");
    let said = hub.ask(&["content", "add", &second, "--delta-from", &first]).expect("it is kept");
    let hash = said.lines().next().expect("a hash").to_owned();
    assert!(said.contains("bytes instead of"), "{said}");
    want(&hub, &store, &[("plugin/multi-buy", "1.1.0", &hash), ("hologram/window", "1", &first)]);
    node.kill().expect("it runs");
    node.start_again().expect("it starts with what it had");
    let api = Api::new(node.url());
    api.ready().await;
    assert!(
        ["1.0.0", "1.1.0"].contains(&runs(&api, &store).await.as_str()),
        "the old version or the new one"
    );
    is(&api, "plugin/multi-buy", "1.1.0", "applied").await;
    assert_eq!(runs(&api, &store).await, "1.1.0");
    reported(&hub, "plugin/multi-buy", "1.1.0", true).await;
    let strange = reported(&hub, "hologram/window", "1", false).await;
    assert_eq!(strange["reason"], "this node does not know what a `hologram` is", "{strange}");

    // The hub is killed, and the wish is said to the next one that serves.
    hub.kill().expect("it runs");
    let wrong = hub.ask(&["content", "add", &plugin(&store, "1.2.0", "x")]).expect("it is kept");
    want(&hub, &store, &[("plugin/multi-buy", "9.9.9", &wrong)]);
    hub.start_again().expect("the hub serves again");
    let refused = reported(&hub, "plugin/multi-buy", "9.9.9", false).await;
    let reason = refused["reason"].as_str().expect("words");
    assert!(reason.contains("1.2.0") && reason.contains("9.9.9"), "{reason}");
    assert_eq!(runs(&api, &store).await, "1.1.0", "what is refused changes nothing");

    // The content folder holds the version that runs and the one that is wanted, and nothing else.
    let mut files: Vec<String> = fs::read_dir(store.data().join("content"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort_unstable();
    let mut expected = vec![hash, wrong, "kept".to_owned()];
    expected.sort_unstable();
    assert_eq!(files, expected);
}
