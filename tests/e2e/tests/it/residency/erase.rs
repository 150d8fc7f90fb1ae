//! A customer is forgotten: sealed from the first sale on, and gone from every file when all is done.

use super::{CUSTOMER, residency, sold};
use crate::{
    support::{api::Api, journal, store::Store, wait::eventually},
    sync::{STORE, region},
};
use reqwest::Method;
use serde_json::Value;
use std::{fs, path::Path, time::Duration};

const SOON: Duration = Duration::from_secs(60);

/// The files below a directory that have a text in them.
fn files_with(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
        {
            found.push(path.display().to_string());
        }
    }
    found
}

/// The one erasure, once something is true of it.
async fn once(store: &Store, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, SOON, async || {
        let said = residency(store, &["erasures", "--json"]);
        let line = (said.code() == 0).then(|| said.json_lines())?.into_iter().next()?;
        is_so(&line).then_some(line)
    })
    .await
}

#[tokio::test]
async fn a_customer_who_asks_for_it_is_in_no_file_any_more() {
    let store = sold();
    assert_eq!(files_with(&store.data(), CUSTOMER), Vec::<String>::new(), "sealed at rest");
    let sale = &journal::cat_only(&store.data(), "SaleRecorded")[0];
    assert_eq!(sale["fields"]["customer"], CUSTOMER, "who runs the store reads what it has");

    let mut node = store.start();
    Api::new(node.url()).ready().await;
    let said = residency(&store, &["erase", CUSTOMER, "--reason", "asked at the desk", "--json"]).exits(0);
    let name = said.json()["erasure"].as_str().expect("a name").to_owned();
    let line = once(&store, "the keys to be destroyed", |line| !line["keys"].is_null()).await;
    assert_eq!((line["erasure"].as_str(), line["keys"].as_u64()), (Some(name.as_str()), Some(1)));
    assert_eq!(line["complete"], false);
    assert!(line["waits_for"][0].as_str().is_some_and(|what| what.contains("next start")), "{line}");
    let sale = &journal::cat_only(&store.data(), "SaleRecorded")[0];
    assert!(sale["fields"]["customer"].is_null(), "{sale}");
    node.stop().expect("it stops");

    let mut node = store.start();
    Api::new(node.url()).ready().await;
    let line = once(&store, "the erasure to be complete", |line| line["complete"] == true).await;
    assert!(line["receipt"].as_str().is_some_and(|receipt| receipt.len() > 128), "{line}");
    let said = residency(&store, &["erasures"]).exits(0).stdout;
    assert!(said.contains(&name) && said.contains("complete"), "{said}");
    node.stop().expect("it stops");
    assert_eq!(files_with(&store.data(), CUSTOMER), Vec::<String>::new());
    assert_eq!(journal::cat_only(&store.data(), "ErasureRequested").len(), 1);
    let steps = journal::cat_only(&store.data(), "ErasureAdvanced");
    let steps: Vec<&str> = steps.iter().filter_map(|step| step["fields"]["step"].as_str()).collect();
    assert_eq!(steps, ["key-destroyed", "derived-rewritten", "retention-ended", "completed"]);
}

#[tokio::test]
async fn the_hub_forgets_whom_the_store_forgets() {
    let (hub, member) = region();
    let store = sold();
    let mut node = store.start_with(&member.config);
    Api::new(node.url()).ready().await;
    let customers = async || {
        let (api, token) = (Api::new(&hub.url()), hub.token().ok()?);
        let path = format!("/v1/stores/{STORE}/events?limit=1000");
        let answer = Api::try_send(api.request(Method::GET, &path).bearer_auth(&token)).await.ok()?;
        let page = (answer.status == 200).then(|| answer.json(200))?;
        let items = page["items"].as_array()?;
        let sales: Vec<&Value> = items.iter().filter(|event| event["name"] == "SaleRecorded").collect();
        let named = sales.iter().filter(|sale| sale["payload"]["customer"].is_string()).count();
        Some((sales.len(), named))
    };
    eventually("the sale with its token", SOON, async || {
        customers().await.filter(|(sales, named)| *sales > 0 && sales == named)
    })
    .await;
    residency(&store, &["erase", CUSTOMER]).exits(0);
    eventually("the sale without its token", SOON, async || {
        customers().await.filter(|(sales, named)| *sales > 0 && *named == 0)
    })
    .await;
    let at_hub = hub.ask(&["erasures", STORE, "--json"]).expect("the hub's erasures");
    assert!(at_hub.contains("\"events\":"), "{at_hub}");
    eventually("the hub's receipt", SOON, async || {
        let steps = journal::cat_only(&store.data(), "ErasureAdvanced");
        steps.iter().any(|step| step["fields"]["step"] == "hub-erased").then_some(())
    })
    .await;
    node.stop().expect("it stops");

    // The rest is for the next start.
    let mut node = store.start_with(&member.config);
    Api::new(node.url()).ready().await;
    once(&store, "the erasure to be complete", |line| line["complete"] == true).await;
    node.stop().expect("it stops");
}

#[tokio::test]
async fn what_is_no_customer_and_no_time_is_refused() {
    let store = sold();
    residency(&store, &["erase", CUSTOMER]).exits(1).complains_about(&["hint:"]);
    residency(&store, &["erase", CUSTOMER, "--retain-until", "soon"]).exits(2);
    let mut node = store.start();
    Api::new(node.url()).ready().await;
    residency(&store, &["erase", &"9".repeat(65)]).exits(1).complains_about(&["customer"]);
    let said = residency(&store, &["erasures"]).exits(0).stdout;
    assert!(said.contains("nobody was erased"), "{said}");
    node.stop().expect("it stops");
}
