//! Names that are markup, statements, paths or signs that turn the direction of writing: each is shown as it is and does nothing.

use super::{Served, id};
use crate::shop::{Outbox, hello};
use aisle_hub::database::{Contact, RegisteredNode};

const STORES: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "'; DROP TABLE stores; --",
    "a/b?c=d&e#f%2e%00",
    "</title></main><h1>owned",
    "{{7*7}} ${7*7} <%= 7 %>",
    "\u{202e}evil.example/\u{202c}",
    "javascript:alert(1)",
];
const NODE: &str = "\"><img src=x onerror=alert(1)>";
const REASON: &str = "<b onmouseover=alert(1)>no</b> & <!-- \"'` -->";

async fn hostile() -> Served {
    let served = Served::empty().await;
    for store in STORES {
        let mut shop = Outbox::new(store, 1);
        let batch = shop.sales(0, 10);
        let node = RegisteredNode { node: NODE.into(), ..shop.node() };
        served.database.register(&node).await.unwrap();
        shop.admit(&served.database, &[&batch]).await.unwrap();
        let mut hello = hello(&shop, "<region>");
        hello.software = "</td><script src=//evil.example/x.js></script>".into();
        let contact = Contact { node: NODE, hello: &hello, path: "quic", address: "<a>", hub: "<hub>" };
        served.database.contact(&id(store), &contact).await.unwrap();
        let applied = aisle_protocol::control::Applied {
            name: "plugin/<iframe src=//evil>".into(),
            version: "1\" onclick=\"x".into(),
            hash: super::content_of("x", "1"),
            ok: false,
            reason: Some(REASON.into()),
        };
        let report = aisle_protocol::control::Report { generation: 0, applied: vec![applied], node: None };
        served.database.report(&id(store), NODE, &report).await.unwrap();
    }
    served
        .database
        .add_content(&super::content_of("x", "1"), 9, "<style>*{display:none}</style>")
        .await
        .unwrap();
    let raw = served.behind().await;
    let holder = "UPDATE relay_leases SET holder = '<u>', problem = '<script>x</script>'";
    sqlx::query("INSERT INTO relay_leases SELECT store, 'x', 1, 1, '' FROM stores")
        .execute(&raw)
        .await
        .unwrap();
    sqlx::query(holder).execute(&raw).await.unwrap();
    served
}

#[tokio::test]
async fn a_hostile_name_is_text_on_every_page_and_leads_to_its_own() {
    let served = hostile().await;
    // Every page that is shown here is read back and held to its promises: nothing runs, nothing leads elsewhere, all of it nests.
    let fleet = served.there("/").await;
    assert!(fleet.text().contains("8 stores"), "nobody has dropped a table");
    for store in STORES {
        let way = fleet.way(store).to_owned();
        assert!(
            way.starts_with("/stores/") && way[8..].bytes().all(|byte| byte != b'/' && byte != b'?'),
            "{way}"
        );
        let page = served.there(&way).await;
        assert_eq!(page.all("h1").next().unwrap().text, store);
        assert!(page.by_id("nodes").text.contains(NODE), "{}", page.by_id("nodes").text);
        assert!(page.by_id("drift").text.contains(REASON), "{}", page.by_id("drift").text);
        served.there(&format!("{way}/fields")).await;
        served.there(&format!("{way}/receipts?class=sales")).await;
    }
    for path in ["/contents", "/alerts", "/relay", "/policies"] {
        let page = served.there(path).await;
        assert!(page.text().contains(STORES[0]) || ["/contents", "/policies"].contains(&path), "{path}");
    }
    let content = super::content_of("x", "1").to_string();
    assert!(
        served.there(&format!("/contents/{content}")).await.text().contains("<style>*{display:none}</style>")
    );
}

#[tokio::test]
async fn a_hostile_question_is_text_too() {
    let served = hostile().await;
    for question in STORES.into_iter().chain([
        NODE,
        "\"<script>\"",
        "region:<region>",
        "is:<b>",
        "has:<b>",
        "policy:\"><b>",
        "\\",
        "%_",
    ]) {
        let query: String = question.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let page = served.there(&format!("/?q={query}")).await;
        assert_eq!(page.by_id("q").get("value"), Some(question), "what was asked stands in the field");
        let page = served.there(&format!("/search?q={query}")).await;
        assert!(page.text().contains(&format!("found for “{question}”")), "{question}");
        let missing = served.page(&format!("/stores/{query}x")).await;
        assert_eq!(missing.status.as_u16(), 404);
        served.there(&format!("/?after={query}")).await;
        served.there(&format!("/relay?after={query}")).await;
    }
    let found = served.there("/search?q=%3Cscript%3E").await;
    assert_eq!(found.way(STORES[0]), served.there("/").await.way(STORES[0]));
}

#[tokio::test]
async fn the_longest_names_make_no_page_too_large() {
    let served = Served::empty().await;
    // Each sign becomes six in a page.
    let long = "\"".repeat(500);
    let raw = served.behind().await;
    for number in 0..400 {
        let store = format!("{number:03}{}", "\"".repeat(60));
        let shop = Outbox::new(&store, 1);
        let node = RegisteredNode { node: "node-1".into(), ..shop.node() };
        served.database.register(&node).await.unwrap();
        if number > 60 {
            continue;
        }
        let mut hello = hello(&shop, &long);
        hello.software.clone_from(&long);
        served.comes(&shop, &hello).await;
        let names: Vec<String> = (0..60).map(|thing| format!("{thing:02}{long}")).collect();
        let things: Vec<_> = names.iter().map(|name| (name.as_str(), long.as_str(), long.as_str())).collect();
        served.reports(&store, 1, &things).await;
        served.database.add_content(&super::content_of(&store, "1"), 9, &long).await.unwrap();
    }
    sqlx::query("INSERT INTO relay_leases SELECT store, $1, 1, 1, $1 FROM stores")
        .bind(&long)
        .execute(&raw)
        .await
        .unwrap();
    let store = format!("/stores/000{}", "%22".repeat(60));
    for path in
        ["/", "/contents", "/alerts", "/relay", "/policies", "/search?q=%22%22", "/search?q=0", &store]
    {
        served.there(path).await;
    }
    // A page that is full goes on where it ended.
    let (mut path, mut seen) = ("/".to_owned(), 0);
    loop {
        let page = served.there(&path).await;
        seen += page.all("th").filter(|head| head.get("scope") == Some("row")).count();
        let Some(next) = page.all("a").find(|link| link.get("rel") == Some("next")) else { break };
        path = next.get("href").unwrap().to_owned();
    }
    assert_eq!(seen, 400);
}
