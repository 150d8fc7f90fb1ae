//! What the console shows is there for programs as well: the same stores by the same filter, alerts, contents, policies, fields, the search; each list page by page.

use super::{Served, TOKEN, content_of, fleet::differing, id};
use crate::{
    postgres::Server,
    shop::{Outbox, officer, signed},
};
use aisle_hub::database::{NewPolicy, RegisteredNode, RegisteredRelay};
use aisle_protocol::{ErrorCode, hub::Alert};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Asks as a program.
pub async fn told(served: &Served, path: &str) -> Value {
    let (status, json) = asked(served, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {json}");
    json
}

async fn asked(served: &Served, path: &str) -> (StatusCode, Value) {
    let answer = served.client.get(format!("{}{path}", served.url)).bearer_auth(TOKEN).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Says something as a program.
pub async fn says(served: &Served, method: Method, path: &str, body: &Value) {
    let request = served.client.request(method, format!("{}{path}", served.url)).bearer_auth(TOKEN);
    let answer = request.json(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
}

/// The names in a list.
pub fn named<'v>(page: &'v Value, field: &str) -> Vec<&'v str> {
    page["items"].as_array().unwrap().iter().map(|row| row[field].as_str().unwrap_or_default()).collect()
}

/// Without what grows from one question to the next.
fn timeless(row: &mut Value) {
    row.as_object_mut().map(|row| row.remove("lag_ms"));
}

/// All rows of a list by pages of two are those of a single page, in the same order.
async fn is_paged(served: &Served, path: &str, rows: usize) {
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut whole = told(served, &format!("{path}{joint}limit=1000")).await;
    let whole = whole["items"].as_array_mut().unwrap();
    whole.iter_mut().for_each(timeless);
    assert_eq!(whole.len(), rows, "{path}: {whole:#?}");
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = told(served, &format!("{path}{joint}limit=2{after}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2, "{path}: {page}");
        seen.extend(items.iter().cloned());
        seen.iter_mut().for_each(timeless);
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(items.len(), 2, "{path} goes on behind a full page only");
        after = format!("&after={}", next.replace('/', "%2F"));
        assert!(seen.len() <= rows, "{path} leads in a circle");
    }
    assert_eq!(&seen, whole, "{path}");
    let (status, _) = asked(served, &format!("{path}{joint}limit=0")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
}

async fn lists_go_on_behind_their_last_row(served: &Served) {
    let store = id("store-1");
    for serial in ["node-2", "node-3", "node-4", "node-5"] {
        let node = RegisteredNode { node: serial.into(), ..Outbox::new("store-1", 1).node() };
        served.database.register(&node).await.unwrap();
    }
    let things: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| (name, "2", "it is too big")).to_vec();
    served.reports("store-1", 2, &things).await;
    for number in 0..5 {
        served
            .database
            .request_erasure(&store, &content_of("person", &number.to_string()), b"t1")
            .await
            .unwrap();
        served.database.add_content(&content_of("c", &number.to_string()), 9, "one.zip").await.unwrap();
        let relay = RegisteredRelay {
            relay: format!("below-{number}"),
            regions: vec![crate::shop::region("eu")],
            receipt_key: officer().verifying_key(),
            is_banned: number == 0,
        };
        served.database.register_relay(&relay).await.unwrap();
        let document = crate::shop::POLICY.replace("version = 1", &format!("version = {}", 2 + number));
        let (policy, signature) = (signed(&document), officer().sign(document.as_bytes()));
        let new = NewPolicy { policy: &policy, document: document.as_bytes(), signature: &signature };
        served.database.accept_policy(&new).await.unwrap();
        let cut = Alert::CutOff { store: None, code: ErrorCode::FORK, text: format!("go away {number}") };
        served.recent.note(1_780_272_000_000 + number, &store, &cut);
        let token = json!({ "name": format!("program {number}"), "permissions": ["store.read"], "days": 1 });
        let request =
            served.client.post(format!("{}/v1/me/tokens", served.url)).header("origin", &served.url);
        let request = request.header("cookie", &served.me.cookie).header("x-csrf-token", &served.me.csrf);
        assert_eq!(request.json(&token).send().await.unwrap().status(), StatusCode::CREATED);
    }
    for (path, rows) in [
        ("/v1/stores", 3),
        ("/v1/stores?q=", 4),
        ("/v1/stores?q=@labelled", 3),
        ("/v1/stores/store-1/nodes", 5),
        ("/v1/stores/store-1/reports", 5),
        ("/v1/stores/store-1/erasures", 5),
        ("/v1/policies", 5),
        ("/v1/followers", 2),
        ("/v1/unproven", 0),
        ("/v1/contents", 5),
        ("/v1/relay", 3),
        ("/v1/relays", 5),
        ("/v1/tokens", 5),
        // Five that this hub refused, a fork, a refusal of before and five of now.
        ("/v1/alerts", 12),
    ] {
        is_paged(served, path, rows).await;
    }
}

async fn programs_are_told_what_pages_show(served: &Served) {
    let store = &told(served, "/v1/stores?q=is:behind").await["items"][0];
    assert_eq!(
        (&store["store"], &store["backlog"], &store["region"]),
        (&json!("store-3"), &json!(50), &json!("cn"))
    );
    assert_eq!(store["software"], json!(["test"]), "{store}");
    assert!(store["lag_ms"].as_i64().unwrap() > 0, "{store}");
    let runs = &told(served, "/v1/stores?q=runs:plugin/multi-buy").await["items"][0];
    assert_eq!(runs["applied"][0], json!({ "name": "plugin/multi-buy", "version": "1.2.0", "ok": true }));
    let counts = told(served, "/v1/counts").await;
    assert_eq!(
        (&counts["stores"], &counts["is"]["connected"], &counts["is"]["never"]),
        (&json!(4), &json!(2), &json!(1))
    );

    let fields = told(served, "/v1/stores/store-1/fields").await;
    let customer =
        fields["fields"].as_array().unwrap().iter().find(|row| row["field"] == "SaleRecorded.customer");
    assert!(customer.unwrap()["tokened"].as_u64().unwrap() > 0, "{fields}");
    assert_eq!((&fields["receipts"], &fields["policies"]), (&json!(2), &json!([1])));

    let hash = content_of("plugin/multi-buy", "1.2.0");
    served.database.add_content(&hash, 9, "multi-buy.zip").await.unwrap();
    let content = told(served, &format!("/v1/contents/{hash}")).await;
    assert_eq!(
        (&content["name"], &content["known_as"], &content["runs"], &content["refused"]),
        (&json!("multi-buy.zip"), &json!("plugin/multi-buy"), &json!(1), &json!(1))
    );
    let (status, _) = asked(served, &format!("/v1/contents/{}", "0".repeat(64))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let document = crate::shop::POLICY.as_bytes();
    let (policy, signature) = (crate::shop::policy(), officer().sign(document));
    served
        .database
        .accept_policy(&NewPolicy { policy: &policy, document, signature: &signature })
        .await
        .unwrap();
    let shown = told(served, &format!("/v1/policies/{}", policy.id().hash)).await;
    assert_eq!((&shown["document"], &shown["is_wanted"]), (&json!(crate::shop::POLICY), &json!(true)));
    let listed = told(served, "/v1/policies").await;
    assert_eq!(listed["items"][0]["hash"], json!(policy.id().hash.to_string()));
    let followers = told(served, "/v1/followers").await;
    assert_eq!(followers["items"][1]["version"], json!(0), "{followers}");

    let alerts = told(served, "/v1/alerts").await;
    assert_eq!(named(&alerts, "kind"), ["fork", "cannot-run"], "{alerts}");
    assert_eq!(alerts["items"][1]["reason"], "needs 40 MB more");

    let found = told(served, "/v1/search?q=multi").await;
    assert_eq!(named(&found, "kind"), ["content"], "{found}");
    let found = told(served, "/v1/search?q=ORE-2").await;
    assert_eq!(named(&found, "name"), ["store-2"]);
}

async fn what_a_program_asks_wrongly_is_told_and_never_guessed(served: &Served) {
    for (path, said) in [
        ("/v1/stores?q=is:conected", "did you mean `is:connected`?"),
        ("/v1/stores?q=@nobody", "no saved filter is called `nobody`"),
        ("/v1/stores?q=region:eu&region=cn", "say it once"),
        ("/v1/search?q=", "has no characters"),
        ("/v1/alerts?after=x", "is no `next` of a page"),
        ("/v1/policies?after=7", "is no `next` of a page"),
        ("/v1/tokens?after=x", "is no `next` of a page"),
        ("/v1/contents/abc", "64 hexadecimal digits"),
        ("/v1/policies/abc", "64 hexadecimal digits"),
    ] {
        let (status, problem) = asked(served, path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{path}: {problem}");
    }
}

async fn who_is_bounded_is_shown_what_lies_within(served: &Served) {
    let eu = served.person("Europa", &["viewer@region:eu"]).await;
    let get = async |path: &str| {
        let request = served.client.get(format!("{}{path}", served.url)).header("cookie", &eu.cookie);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let (_, page) = get("/v1/stores?q=store").await;
    assert_eq!(named(&page, "store"), ["store-1", "store-2"]);
    assert_eq!(get("/v1/counts").await.1["stores"], 2);
    assert!(!get("/v1/search?q=node-1").await.1.to_string().contains("store-3"));
    assert_eq!(get("/v1/stores/store-3/fields").await.0, StatusCode::FORBIDDEN);
    assert_eq!(get("/v1/alerts").await.0, StatusCode::FORBIDDEN);
}

async fn all(served: &Served) {
    programs_are_told_what_pages_show(served).await;
    what_a_program_asks_wrongly_is_told_and_never_guessed(served).await;
    who_is_bounded_is_shown_what_lies_within(served).await;
}

#[tokio::test]
async fn programs_are_told_what_people_are_shown() {
    all(&differing(Served::empty().await).await).await;
}

#[tokio::test]
async fn every_list_goes_on_behind_its_last_row() {
    lists_go_on_behind_their_last_row(&differing(Served::empty().await).await).await;
}

#[tokio::test]
async fn programs_are_told_the_same_on_postgresql() {
    let server = Server::start();
    all(&differing(Served::on(&server.database("programs")).await).await).await;
    let served = differing(Served::on(&server.database("lists")).await).await;
    lists_go_on_behind_their_last_row(&served).await;
}
