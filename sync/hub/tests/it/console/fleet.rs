//! The grid of the fleet: what a filter finds, what is counted, and that ten thousand stores are paged to the end.

use super::{
    Served, content_of,
    html::Html,
    id,
    programs::{named, says, told},
};
use crate::{
    postgres::Server,
    shop::{Outbox, hello},
};
use aisle_content::{Content, Item, Manifest};
use aisle_hub::database::Location;
use reqwest::Method;
use serde_json::json;
use sqlx::PgPool;
use std::{collections::BTreeSet, time::Instant};

/// The stores on a page.
fn stores(page: &Html) -> Vec<String> {
    let rows = page.all("th").filter(|head| head.get("scope") == Some("row"));
    rows.map(|head| head.text.split_whitespace().next().unwrap().to_owned()).collect()
}

/// What the page says of a store.
fn row<'a>(page: &'a Html, store: &str) -> &'a str {
    let row = page.all("tr").find(|row| row.text.trim_start().starts_with(store));
    &row.unwrap_or_else(|| panic!("no row of {store}")).text
}

async fn filtered(served: &Served, filter: &str) -> Vec<String> {
    let query: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let page = served.there(&format!("/?q={query}")).await;
    assert!(!page.text().contains("did you mean"), "{filter}");
    let found = stores(&page);
    assert_eq!(named(&told(served, &format!("/v1/stores?q={query}")).await, "store"), found, "{filter}");
    found
}

/// What a store is to have.
async fn desires(served: &Served, store: &str, generation: u64, name: &str, version: &str) {
    let content = Content { hash: content_of(name, version), bytes: 9, tree: None };
    let item = Item { name: name.into(), version: version.into(), content, deltas: vec![] };
    let manifest = Manifest::new(generation, vec![item]).unwrap().encode();
    assert!(served.database.set_desired(&id(store), generation, &manifest).await.unwrap());
}

pub async fn differing(served: Served) -> Served {
    let served = served.filled().await;
    // One runs what it is to run, one refuses it, one has not answered.
    for store in ["store-1", "store-2", "store-3"] {
        desires(&served, store, 1, "plugin/multi-buy", "1.2.0").await;
    }
    served.reports("store-1", 1, &[("plugin/multi-buy", "1.2.0", "")]).await;
    served.reports("store-2", 1, &[("plugin/multi-buy", "1.2.0", "needs 40 MB more")]).await;
    // One had more when it came last than is here.
    let mut shop = Outbox::new("store-3", 1);
    shop.sales(0, 200);
    served.comes(&shop, &hello(&shop, "cn")).await;
    served.database.request_erasure(&id("store-3"), &content_of("a", "b"), b"t1.x").await.unwrap();
    for (store, labels) in [
        ("store-1", json!({ "land": "de", "pilot": "" })),
        ("store-2", json!({ "land": "dk", "say": "de" })),
        ("store-4", json!({ "land": "de" })),
    ] {
        says(&served, Method::PATCH, &format!("/v1/stores/{store}/labels"), &json!({ "set": labels })).await;
    }
    for (name, who) in [("german", "land=de"), ("labelled", "land")] {
        let filter = json!({ "name": name, "who": who });
        says(&served, Method::PUT, &format!("/v1/filters/{name}"), &filter).await;
    }
    // In the words of both databases.
    for statement in [
        "UPDATE logs SET is_quarantined = (1 = 1) WHERE store = 'store-2'",
        "INSERT INTO quarantines SELECT store, class, log, 1780272000000, 7, 3, through_head, through_head, 1, through_head, \
         through_head FROM logs WHERE store = 'store-2'",
        "UPDATE nodes SET policy_version = 1 WHERE store = 'store-1'",
    ] {
        match served.database.location() {
            Location::Sqlite(_) => {
                sqlx::query(statement).execute(&served.behind().await).await.unwrap();
            }
            Location::Postgres(url) => {
                sqlx::query(statement).execute(&PgPool::connect(url).await.unwrap()).await.unwrap();
            }
        }
    }
    served
}

#[tokio::test]
async fn an_empty_hub_says_how_the_first_store_comes() {
    let served = Served::empty().await;
    let page = served.there("/").await;
    assert!(page.text().contains("No store is registered at this hub yet."));
    assert_eq!(page.by_id("stores-heading").text, "No stores");
}

#[tokio::test]
async fn every_question_finds_the_stores_that_are_so_and_its_opposite_the_others() {
    every_question_finds(&differing(Served::empty().await).await).await;
}

async fn every_question_finds(served: &Served) {
    let hash = content_of("plugin/multi-buy", "1.2.0");
    let all = ["store-1", "store-2", "store-3", "store-4"];
    for (filter, found) in [
        ("", &all[..]),
        ("store", &all),
        ("ORE-2", &["store-2"]),
        ("e-1 store", &["store-1"]),
        ("%", &[]),
        ("_", &[]),
        ("is:connected", &["store-1", "store-3"]),
        ("is:away", &["store-2"]),
        ("is:never", &["store-4"]),
        ("is:behind", &["store-3"]),
        ("is:forked", &["store-2"]),
        ("is:refused", &["store-2"]),
        ("is:waiting", &["store-3"]),
        ("is:drifting", &["store-2", "store-3"]),
        ("is:old-policy", &["store-2", "store-3"]),
        ("is:erasing", &["store-3"]),
        ("is:banned", &[]),
        ("region:eu", &["store-1", "store-2"]),
        ("region:eu region:cn", &["store-1", "store-2", "store-3"]),
        ("region:eu is:connected", &["store-1"]),
        ("runs:plugin/multi-buy", &["store-1"]),
        ("runs:plugin/multi-buy@1.2.0", &["store-1"]),
        ("runs:plugin/multi-buy@1.2.1", &[]),
        (&format!("has:{hash}"), &["store-1"]),
        ("policy:1", &["store-1"]),
        ("software:TES", &["store-1", "store-2", "store-3"]),
        ("label:land=de", &["store-1", "store-4"]),
        ("label:land", &["store-1", "store-2", "store-4"]),
        ("label:pilot", &["store-1"]),
        ("label:pilot=", &["store-1"]),
        ("label:de", &[]),
        ("label:region=cn", &["store-3"]),
        ("@german", &["store-1", "store-4"]),
        ("@labelled region:eu", &["store-1", "store-2"]),
        ("@labelled -@german", &["store-2"]),
    ] {
        assert_eq!(filtered(served, filter).await, found, "{filter}");
        if !filter.contains(' ') && !filter.is_empty() {
            let others: Vec<&str> = all.into_iter().filter(|store| !found.contains(store)).collect();
            assert_eq!(filtered(served, &format!("-{filter}")).await, others, "-{filter}");
        }
    }
}

#[tokio::test]
async fn a_saved_filter_that_is_not_there_is_told_and_left_out() {
    let served = Served::some().await;
    let page = served.there("/?q=%40nobody+is%3Aaway").await;
    assert!(page.by_id("q-faults").text.contains("no saved filter is called `nobody`"));
    assert_eq!(stores(&page), ["store-2"]);
}

#[tokio::test]
async fn what_is_counted_is_what_is_listed() {
    is_counted(&differing(Served::empty().await).await).await;
}

async fn is_counted(served: &Served) {
    let page = served.there("/").await;
    let counts: Vec<_> =
        page.all("a").filter(|link| link.get("href").is_some_and(|to| to.starts_with("/?q=is%3A"))).collect();
    assert_eq!(counts.len(), 10);
    for link in counts {
        let count: usize = link.text.split_whitespace().next().unwrap().parse().unwrap();
        let found = stores(&served.there(link.get("href").unwrap()).await);
        assert_eq!(found.len(), count, "{}", link.text);
    }
    assert_eq!(page.way("Alerts 2"), "/alerts", "a fork and a refusal want somebody");
}

#[tokio::test]
async fn all_of_it_is_the_same_on_postgresql() {
    let server = Server::start();
    let served = differing(Served::on(&server.database("console")).await).await;
    every_question_finds(&served).await;
    is_counted(&served).await;
    let hash = content_of("plugin/multi-buy", "1.2.0");
    served.database.add_content(&hash, 9, "multi-buy.zip").await.unwrap();
    for (path, said) in [
        ("/".into(), "refuses 1"),
        ("/stores/store-2".into(), "needs 40 MB more"),
        ("/stores/store-1/fields".into(), "SaleRecorded.customer"),
        ("/stores/store-1/receipts?class=sales".into(), "101 to 150"),
        ("/contents".into(), "multi-buy.zip"),
        ("/contents?parts=true".into(), "multi-buy.zip"),
        (format!("/contents/{hash}"), "store-1"),
        ("/policies".into(), "3 logs with 450 events. covered"),
        ("/alerts".into(), "store-2 forked"),
        ("/relay".into(), "No hub relays these stores"),
        ("/search?q=ODE-1".into(), "node-1 of store-1"),
        (format!("/search?q={}", &hash.to_string()[..8]), "multi-buy.zip"),
    ] {
        let path: String = path;
        let page = served.there(&path).await;
        assert!(page.text().contains(said), "{path}: {}", page.text());
    }
    for path in [
        "/enrolments",
        "/enrolments?state=all",
        "/claims",
        "/approvals",
        "/approvals?state=all",
        "/people",
        "/me",
        "/audit?outcome=refused&from=2026-01-01&until=2026-12-31",
        "/rollouts",
        "/groups",
        "/artefacts",
    ] {
        served.there(path).await;
    }
    super::rollouts::is_labelled(&served).await;
    let eu = served.person("Europe", &["viewer@region:eu"]).await;
    let found = served.open_as(&eu, "/search?q=node-1").await.text().await.unwrap();
    assert!(found.contains("store-1") && !found.contains("store-3"), "{found}");
}

#[tokio::test]
async fn a_row_says_how_a_store_is() {
    let served = differing(Served::empty().await).await;
    let page = served.there("/").await;
    let row = |store| row(&page, store);
    assert!(
        row("store-1").contains("connected") && row("store-1").contains("as desired, 1"),
        "{}",
        row("store-1")
    );
    assert!(row("store-1").contains("plugin/multi-buy 1.2.0"), "{}", row("store-1"));
    for said in ["forked", "away", "refuses 1", "refused"] {
        assert!(row("store-2").contains(said), "{}", row("store-2"));
    }
    assert!(row("store-3").contains("cn") && row("store-3").contains("50"), "{}", row("store-3"));
    assert!(row("store-3").contains("waits for 1"), "{}", row("store-3"));
    assert!(row("store-4").contains("never came"), "{}", row("store-4"));
}

#[tokio::test]
async fn what_a_filter_cannot_ask_is_said_beside_the_field() {
    let served = Served::some().await;
    let page = served.there("/?q=store-1+is%3Aconected").await;
    assert_eq!(stores(&page), ["store-1"], "the rest of it counts");
    assert!(page.by_id("q-faults").text.contains("did you mean `is:connected`?"));
    assert_eq!(page.by_id("q").get("aria-invalid"), Some("true"));
    let page = served.there("/?q=berlin").await;
    assert!(page.text().contains("No store is like this."));
}

#[tokio::test]
async fn what_a_node_lies_about_breaks_no_sum() {
    let served = Served::some().await;
    let raw = served.behind().await;
    for class in [1, 2, 3] {
        let log = sqlx::query(
            "INSERT INTO logs SELECT store, $1, log, epoch, through_seq, through_head, mark, last_hlc, $2, is_quarantined, begun_at_ms, moved_at_ms \
             FROM logs WHERE store = 'store-1' AND class = 0",
        );
        log.bind(class).bind(i64::MAX).execute(&raw).await.unwrap();
    }
    for statement in [
        "UPDATE nodes SET generation = -1, policy_version = 4294967295, last_seen_ms = 9223372036854775807 WHERE store = 'store-2'",
    ] {
        sqlx::query(statement).execute(&raw).await.unwrap();
    }
    let page = served.there("/?q=is%3Abehind").await;
    assert!(row(&page, "store-1").contains("3,000,000,000,000"), "{}", row(&page, "store-1"));
    served.there("/stores/store-1").await;
    served.there("/stores/store-2").await;
}

/// Ten thousand stores with a node, four logs, five reports and a desired state each.
async fn many() -> Served {
    let served = Served::empty().await;
    let raw = served.behind().await;
    let manifest = Manifest::new(1, vec![]).unwrap().encode();
    let mut tx = raw.begin().await.unwrap();
    for (statement, bytes) in [
        (
            "INSERT INTO stores SELECT printf('store-%05d', i), CASE i % 3 WHEN 0 THEN 'cn' ELSE 'eu' END, 1700000000000, 1780000000000 + i FROM n",
            &[][..],
        ),
        (
            "INSERT INTO nodes SELECT printf('store-%05d', i), 'node-1', 'active', zeroblob(32), 'aisle-node 1.' || (i % 4), 'fibre', 'quic', \
             '10.0.0.1:' || i, i % 2, x'', 1, i % 5 > 0, 'hub-1', 1780000000000, 1780000000000 + i, 0 FROM n",
            &[],
        ),
        (
            "INSERT INTO logs SELECT printf('store-%05d', i), c, 1, zeroblob(16), 1000, zeroblob(32), zeroblob(64), 116654080000000000, \
             CASE i % 7 WHEN 0 THEN 1200 ELSE 1000 END, i % 997 = 0, 1, 1780000000000 FROM n, (SELECT 0 AS c UNION SELECT 1 UNION SELECT 2 UNION SELECT 3)",
            &[],
        ),
        (
            "INSERT INTO reports SELECT printf('store-%05d', i), 'node-1', 'plugin/thing-' || c, '1.' || (i % 3), zeroblob(32), \
             NOT (i % 50 = 0 AND c = 1), '', 1, 1780000000000 FROM n, (SELECT 0 AS c UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4)",
            &[],
        ),
        (
            "INSERT INTO desired SELECT printf('store-%05d', i), 1 + (i % 10 = 0), $1, 1780000000000 FROM n",
            &manifest,
        ),
    ] {
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) {statement}"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let query = if bytes.is_empty() { query } else { query.bind(bytes) };
        query.execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    served
}

#[tokio::test]
async fn ten_thousand_stores_are_counted_filtered_and_paged_and_no_page_is_large() {
    let served = many().await;
    for (path, heading) in [
        ("/", "The first 50 stores"),
        ("/?q=is%3Aaway", "The first 50 stores"),
        ("/?q=is%3Aforked", "10 stores"),
        ("/?q=is%3Adrifting+region%3Acn", "The first 50 stores"),
        ("/?q=software%3A1.3+runs%3Aplugin%2Fthing-4%401.2+-is%3Abehind", "The first 50 stores"),
        ("/?q=store-0999", "10 stores"),
        ("/?q=nothing", "No stores"),
    ] {
        let begun = Instant::now();
        let page = served.there(path).await;
        println!("{path} took {} ms", begun.elapsed().as_millis());
        assert_eq!(page.by_id("stores-heading").text, heading, "{path}");
    }
    let page = served.there("/").await;
    for (name, count) in [
        ("10,000 Stores", "10,000"),
        ("8,000 Connected", "8,000"),
        ("2,000 Away", "2,000"),
        ("1,428 Behind", "1,428"),
        ("10 Forked", "10"),
        ("200 Refuse something", "200"),
        ("1,000 Waiting for a change", "1,000"),
        ("5,000 Old policy", "5,000"),
    ] {
        assert!(page.way(name).starts_with('/'), "{count}");
    }
    let (mut path, mut seen) = ("/?q=region%3Acn".to_owned(), BTreeSet::new());
    loop {
        let page = served.there(&path).await;
        let found = stores(&page);
        let before = seen.len();
        seen.extend(found.iter().cloned());
        assert_eq!(seen.len(), before + found.len(), "no store comes twice");
        let Some(next) = page.all("a").find(|link| link.get("rel") == Some("next")) else { break };
        path = next.get("href").unwrap().to_owned();
    }
    assert_eq!(seen.len(), 3_333);
    for path in [
        "/alerts",
        "/relay",
        "/policies",
        "/contents",
        "/enrolments?state=all",
        "/claims",
        "/approvals",
        "/people",
        "/audit",
        "/rollouts",
        "/groups",
        "/artefacts",
        "/search?q=store-0",
        "/stores/store-00050",
        "/stores/store-00050/fields",
    ] {
        let begun = Instant::now();
        served.there(path).await;
        println!("{path} took {} ms", begun.elapsed().as_millis());
    }
    let hash = "0".repeat(64);
    let page = served.there(&format!("/contents/{hash}")).await;
    assert_eq!(page.way("10,000 stores"), format!("/?q=has%3A{hash}"));
}
