//! What the pages say of a store, its receipts, contents, policies, alerts and the relay.

use super::{Served, content_of, id};
use aisle_content::{Content, Item, Manifest};
use aisle_protocol::{
    ErrorCode,
    hub::{Alert, Objection, Stop},
};

#[tokio::test]
async fn the_page_of_a_store_says_how_it_is_and_how_late_its_batches_came() {
    let served = Served::some().await;
    let page = served.there("/stores/store-1").await;
    assert_eq!(page.all("h1").next().unwrap().text, "store-1");
    let health = &page.by_id("health").text;
    for said in [
        "connected",
        "eu",
        "nothing is known to wait",
        "version 0, version 1 is wanted",
        "nothing is desired",
    ] {
        assert!(health.contains(said), "{said}: {health}");
    }
    let logs = &page.by_id("logs").text;
    assert!(logs.contains("sales") && logs.contains("150") && logs.contains("up to date"), "{logs}");
    let picture = page.all("svg").find(|svg| svg.get("role") == Some("img")).unwrap();
    assert!(
        picture.get("aria-label").unwrap().starts_with("How late the last 2 batches came: from "),
        "{picture:?}"
    );
    let node = &page.by_id("nodes").text;
    assert!(
        node.contains("fibre by quic") && node.contains("10.0.0.1:4") && node.contains("hub-1"),
        "{node}"
    );
    let time = page.all("time").next().unwrap();
    assert!(
        time.get("title") == time.get("datetime") && time.get("title").unwrap().ends_with('Z'),
        "{time:?}"
    );

    let never = served.there("/stores/store-4").await;
    for said in ["never came", "Nothing has come from this store yet.", "No batch has come", "forget nobody"]
    {
        assert!(never.text().contains(said), "{said}");
    }
}

#[tokio::test]
async fn it_says_what_differs_from_what_is_desired_and_why() {
    let served = Served::some().await;
    let item = |name: &str, version: &str| Item {
        name: name.into(),
        version: version.into(),
        content: Content { hash: content_of(name, version), bytes: 9, tree: None },
        deltas: vec![],
    };
    let manifest =
        Manifest::new(2, vec![item("plugin/a", "2"), item("plugin/b", "1"), item("model", "7")]).unwrap();
    served.database.set_desired(&id("store-1"), 2, &manifest.encode()).await.unwrap();
    let drift = served.there("/stores/store-1").await.by_id("drift").text.clone();
    assert!(drift.contains("the node has answered nothing yet"), "{drift}");
    let things = [("plugin/a", "1", ""), ("model", "7", "waits for 40 MB free disk"), ("catalogue", "3", "")];
    served.reports("store-1", 2, &things).await;
    let page = served.there("/stores/store-1").await;
    let drift = &page.by_id("drift").text;
    for said in [
        "Generation 2",
        "refused waits for 40 MB free disk",
        "the node answered, and has another version",
        "the node answered and did not name it",
        "runs, and is left as it is",
    ] {
        assert!(drift.contains(said), "{said}: {drift}");
    }
    assert!(page.by_id("health").text.contains("1 refused"));
}

#[tokio::test]
async fn it_says_what_the_gate_did_to_each_field_by_the_receipts() {
    let served = Served::some().await;
    let page = served.there("/stores/store-1").await;
    let gate = &page.by_id("gate").text;
    assert!(gate.contains("the last 2 batches, under version 1") && gate.contains("SaleRecorded"), "{gate}");
    assert_eq!(page.way("Field by field"), "/stores/store-1/fields");
    let page = served.there("/stores/store-1/fields").await;
    let row = |field: &str| {
        let row =
            page.all("tr").find(|row| row.text.starts_with(field)).unwrap_or_else(|| panic!("no {field}"));
        row.text.clone()
    };
    // Passed, as a token, coarser, kept for an aggregate, dropped.
    assert_eq!(row("SaleRecorded.customer"), "SaleRecorded.customer–150–––");
    assert_eq!(row("SaleRecorded.lines.sku"), "SaleRecorded.lines.sku150––––");
}

#[tokio::test]
async fn receipts_are_paged_and_one_that_is_missing_is_seen() {
    let served = Served::some().await;
    let path = "/stores/store-1/receipts?class=sales";
    let page = served.there(path).await;
    let said = &page.by_id("receipts").text;
    for part in [
        "101 to 150",
        "1 to 100",
        "Each receipt that is shown goes on",
        "ends where the log ends",
        "All of them are for eu",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let policy = page.way("version 1").to_owned();
    assert!(
        served.page(&policy).await.html.text().contains("no such policy"),
        "it is in force, and not in this database"
    );
    let before = served.there(&format!("{path}&before=101")).await;
    assert!(!before.by_id("receipts").text.contains("101 to 150"));
    assert!(before.way("To the beginning").starts_with(path));

    let raw = served.behind().await;
    sqlx::query("DELETE FROM receipts WHERE store = 'store-1' AND first_seq = 1")
        .execute(&raw)
        .await
        .unwrap();
    let said = served.there(path).await.by_id("receipts").text.clone();
    assert!(said.contains("broken") && said.contains("the one before it is missing"), "{said}");
    sqlx::query("DELETE FROM receipts WHERE store = 'store-2' AND first_seq = 101")
        .execute(&raw)
        .await
        .unwrap();
    sqlx::query("UPDATE receipts SET receipt = x'0102' WHERE store = 'store-3'").execute(&raw).await.unwrap();
    let said = served.there("/stores/store-2/receipts?class=sales").await.by_id("receipts").text.clone();
    assert!(said.contains("incomplete"), "{said}");
    let said = served.there("/stores/store-3/receipts?class=sales").await.by_id("receipts").text.clone();
    assert!(said.contains("this build cannot read the receipt"), "{said}");
    let page = served.there("/policies").await;
    assert!(
        page.by_id("receipts").text.contains("store-2, sales, through event 150"),
        "{}",
        page.by_id("receipts").text
    );
}

#[tokio::test]
async fn erasures_are_shown_by_number_with_both_receipts() {
    let served = Served::some().await;
    let store = id("store-1");
    let (first, second) = (content_of("a", "1"), content_of("b", "1"));
    for erasure in [&first, &second] {
        served.database.request_erasure(&store, erasure, b"t1.secret-token").await.unwrap();
    }
    served.database.erased(&store, &first, &[7; 40]).await.unwrap();
    let page = served.there("/stores/store-1").await;
    let said = &page.by_id("persons").text;
    assert!(said.contains("done") && said.contains("waits for the store") && said.contains("40 B"), "{said}");
    assert!(!page.text().contains("t1.secret-token"), "nobody is shown whose it is");
    let found = served.there(&format!("/search?q={}", &first.to_string()[..8])).await;
    assert!(found.by_id("erasures").text.contains("of store-1, done"));
}

#[tokio::test]
async fn contents_say_where_they_run_and_how_else_they_are_fetched() {
    let served = Served::some().await;
    assert!(served.there("/contents").await.text().contains("There are no contents here."));
    let (old, new) = (content_of("plugin/a", "1"), content_of("plugin/a", "2"));
    served.database.add_content(&old, 4_200_000, "a-1.zip").await.unwrap();
    served.database.add_content(&new, 4_300_000, "a-2.zip").await.unwrap();
    let delta = Content { hash: content_of("delta", "1"), bytes: 900, tree: None };
    served.database.add_content(&delta.hash, delta.bytes, &format!("delta from {old}")).await.unwrap();
    served.database.add_delta(&new, &old, &delta).await.unwrap();
    served.reports("store-1", 1, &[("plugin/a", "2", "")]).await;
    served.reports("store-2", 1, &[("plugin/a", "2", "no room")]).await;
    let page = served.there("/contents").await;
    let said = &page.by_id("contents").text;
    assert!(said.contains("a-2.zip") && said.contains("4.3 MB") && said.contains("plugin/a 2"), "{said}");
    assert!(said.contains("1 store refused by 1") && said.contains("no store"), "{said}");
    assert!(!said.contains("delta from") && page.text().contains("3 contents with 8.5 MB"), "{said}");
    assert!(served.there("/contents?parts=true").await.by_id("contents").text.contains("delta from"));
    let page = served.there(&format!("/contents/{new}")).await;
    assert!(
        page.by_id("deltas").text.contains("with 900 B") && page.by_id("stores").text.contains("store-1")
    );
    assert_eq!(page.way("1 store"), format!("/?q=has%3A{new}"));
    // Held no more, and still run.
    let page = served.there(&format!("/contents/{}", content_of("plugin/a", "2"))).await;
    assert!(page.by_id("about").text.contains("plugin/a 2"));
    assert!(served.there("/search?q=A-2.z").await.by_id("contents").text.contains("a-2.zip"));
}

#[tokio::test]
async fn policies_say_who_follows_which_and_what_they_say() {
    let served = Served::some().await;
    let page = served.there("/policies").await;
    assert!(page.by_id("policies").text.contains("No policy is in force"), "none is in this database");
    assert!(
        page.by_id("followers").text.contains("Version 0")
            && page.by_id("followers").text.contains("3 stores")
    );
    assert!(page.by_id("receipts").text.contains("3 logs with 450 events. covered"));
    let policy = crate::shop::policy();
    let document = crate::shop::POLICY.as_bytes();
    let signature = crate::shop::officer().sign(document);
    let new = aisle_hub::database::NewPolicy { policy: &policy, document, signature: &signature };
    served.database.accept_policy(&new).await.unwrap();
    let page = served.there("/policies").await;
    assert!(page.by_id("policies").text.contains("wanted"), "{}", page.by_id("policies").text);
    let page = served.there(page.way("test")).await;
    assert!(
        page.by_id("document").text.contains("aisle_policy = 1\nname = \"test\""),
        "{}",
        page.by_id("document").text
    );
    assert!(page.by_id("about").text.contains(&policy.id().hash.to_string()));
}

#[tokio::test]
async fn alerts_say_what_forked_what_was_refused_and_what_cannot_run() {
    let served = Served::some().await;
    let page = served.there("/alerts").await;
    for said in ["No log is in quarantine.", "Nothing was refused.", "Every node runs what it was to run"] {
        assert!(page.text().contains(said), "{said}");
    }
    let store = id("store-1");
    let log = crate::shop::Outbox::new("store-1", 1).log;
    let stop = Stop::Refused(Objection::Residency("`SaleRecorded.customer` may not be here".into()));
    served.recent.note(1_780_272_000_000, &store, &Alert::Refused { log, stop });
    let cut = Alert::CutOff { store: None, code: ErrorCode::FORK, text: "go away".into() };
    served.recent.note(1_780_272_000_000, &store, &cut);
    served.reports("store-2", 1, &[("plugin/a", "2", "its manifest grants nothing")]).await;
    let raw = served.behind().await;
    sqlx::query(
        "INSERT INTO quarantines VALUES ('store-3', 0, 1, 1780272000000, 101, 17, x'', x'', 1, x'', x'')",
    )
    .execute(&raw)
    .await
    .unwrap();
    let page = served.there("/alerts").await;
    assert!(page.by_id("forks").text.contains("store-3 forked") && page.by_id("forks").text.contains("17"));
    let refused = &page.by_id("refused").text;
    assert!(
        refused.contains("sales: `SaleRecorded.customer` may not be here") && refused.contains("go away"),
        "{refused}"
    );
    assert!(page.by_id("refusals").text.contains("its manifest grants nothing"));
}

#[tokio::test]
async fn the_relay_says_how_far_each_store_is_and_what_keeps_it() {
    let served = Served::some().await;
    assert!(served.there("/relay").await.text().contains("No hub relays these stores"));
    let raw = served.behind().await;
    sqlx::query("INSERT INTO relay_leases VALUES ('store-1', 'hub-1', 1, 9999999999999, ''), ('store-2', 'hub-2', 1, 1, 'the gate says no')")
        .execute(&raw)
        .await
        .unwrap();
    let page = served.there("/relay").await;
    let said = &page.by_id("stores").text;
    for part in ["hub-1", "150", "lease over", "problem the gate says no", "nobody yet"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(page.by_id("below").text.contains("None."));
}

#[tokio::test]
async fn a_search_finds_stores_nodes_contents_and_policies_by_a_part() {
    let served = Served::some().await;
    let page = served.there("/search?q=ORE-2").await;
    assert_eq!(page.way("store-2"), "/stores/store-2");
    assert!(page.text().contains("1 found for “ORE-2”"));
    let page = served.there("/search?q=10.0.0.1").await;
    assert!(page.by_id("nodes").text.contains("node-1 of store-1, active, from 10.0.0.1:4"));
    let page = served.there("/search?q=nobody").await;
    assert!(page.text().contains("Nothing found for “nobody”"));
    assert!(served.there("/search").await.text().contains("Look for"));
}
