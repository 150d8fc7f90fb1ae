//! The HTTP interface of signed artefacts.

use super::world::*;
use crate::people::hall::{Caller, Hall, Reply, sent};
use aisle_artefact::Draft;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn post_content(who: &Caller, asked: &str, content: Vec<u8>) -> Reply {
    let request = who.request(Method::POST, &format!("/v1/artefacts?{asked}"));
    sent(request.header("content-type", "application/octet-stream").body(content)).await
}

/// What its holders do elsewhere.
fn sign(draft: &Value, by: &[u8]) -> Value {
    let draft = Draft::read(&serde_json::to_vec(draft).unwrap()).unwrap();
    serde_json::from_slice(&signed(draft, by).write().unwrap()).unwrap()
}

fn values(drafts: &[Draft]) -> Vec<Value> {
    drafts.iter().map(|draft| serde_json::from_slice(&draft.write().unwrap()).unwrap()).collect()
}

pub async fn whoever_brings_a_plugin_gets_a_draft_and_publishes_what_comes_back_signed(hall: &Hall) {
    let (author, viewer) =
        (hall.one.person("Ada", &["plugin-author"]).await, hall.one.person("Vera", &["viewer"]).await);
    let content = package("buy-two", "1.4.0", 40_000);
    let asked = "kind=plugin&name=buy-two&version=1.4.0&node_min=0.3.0&disk_bytes=7";
    let early = post_content(&author, asked, content.clone()).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.json);
    assert_eq!(viewer.get("/v1/metadata").await.json, json!({ "is_begun": false, "roles": [] }));
    begin(hall).await;
    assert_eq!(post_content(&viewer, asked, content.clone()).await.status, StatusCode::FORBIDDEN);
    let brought = post_content(&author, asked, content.clone()).await;
    assert_eq!(brought.status, StatusCode::CREATED, "{}", brought.json);
    assert_eq!(brought.json["artefact"]["grants"], json!(["stock", "kv"]));
    assert_eq!(brought.json["artefact"]["disk_bytes"], 7);
    // Nobody has signed it: it is nowhere.
    assert_eq!(viewer.get("/v1/artefacts").await.json["items"], json!([]));
    let unsigned = author.post("/v1/metadata", &json!({ "drafts": [brought.json["draft"]] })).await;
    assert_eq!(unsigned.status, StatusCode::CONFLICT, "{}", unsigned.json);
    let draft = sign(&brought.json["draft"], &[PLUGINS]);
    let published = author.post("/v1/metadata", &json!({ "drafts": [draft] })).await;
    assert_eq!((published.status, &published.json["timestamp"]), (StatusCode::CREATED, &json!(2)));
    let shown = viewer.get("/v1/artefacts/plugin/buy-two").await;
    assert_eq!(shown.json["versions"][0]["path"], "plugins/buy-two/1.4.0.plugin");
    assert_eq!(shown.json["versions"][0]["bytes"], content.len());
    assert_eq!(viewer.get("/v1/artefacts/plugin/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(viewer.get("/v1/artefacts/none/buy-two").await.status, StatusCode::NOT_FOUND);
    // The log has who brought, who published, and what was refused.
    let bring = hall.audit("artefact.bring").await;
    let outcomes: Vec<_> = bring.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "refused"], "too early, then in its time: {bring:?}");
    assert_eq!(bring[0]["object"], "plugins/buy-two/1.4.0.plugin");
    let publish = hall.audit("artefact.publish").await;
    let outcomes: Vec<_> = publish.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    // What came first is last: Vera may not, the draft was not signed, it was.
    assert_eq!(outcomes, ["done", "refused", "refused"], "{publish:?}");
    assert_eq!(publish[0]["actor_name"], "Ada");
    assert!(publish[0]["became"].as_str().unwrap().contains("2.plugins.json"), "{publish:?}");
    // It goes again with a draft of the hub, by whoever signs the kind.
    let draft = json!({ "of": "plugin", "remove": ["plugins/buy-two/1.4.0.plugin"] });
    let drafted = author.post("/v1/metadata/drafts", &draft).await;
    assert_eq!(drafted.status, StatusCode::OK, "{}", drafted.json);
    let gone = json!({ "drafts": [sign(&drafted.json["drafts"][0], &[PLUGINS])] });
    assert_eq!(author.post("/v1/metadata", &gone).await.status, StatusCode::CREATED);
    assert_eq!(viewer.get("/v1/artefacts").await.json["items"], json!([]));
}

pub async fn a_root_wants_two_persons_and_the_log_has_all_of_it(hall: &Hall) {
    let (ada, olga) =
        (hall.one.person("Ada", &["admin"]).await, hall.two.person("Olga", &["operator"]).await);
    // Already the first ones.
    let first = json!({ "drafts": values(&first_drafts(hall)) });
    let asked = ada.post("/v1/metadata", &first).await;
    assert_eq!((asked.status, &asked.json["kind"]), (StatusCode::ACCEPTED, &json!("artefact.publish")));
    assert_eq!(asked.json["summary"], "signed metadata: root 1, targets 1, plugins 1, prices 1");
    assert_eq!(ada.get("/v1/metadata").await.json["is_begun"], false);
    let with = |body: &Value, asked: &Value| {
        let mut body = body.clone();
        body["approval"] = asked["approval"].clone();
        body
    };
    let decide = async |who: &Caller, asked: &Value| {
        let body = json!({ "hash": asked["hash"], "agrees": true });
        who.post(&format!("/v1/approvals/{}/decision", asked["approval"].as_str().unwrap()), &body).await
    };
    assert_eq!(decide(&ada, &asked.json).await.status, StatusCode::FORBIDDEN, "nobody agrees to their own");
    let seen = olga.get(&format!("/v1/approvals/{}", asked.json["approval"].as_str().unwrap())).await.json;
    assert!(
        seen["request"]["drafts"][0]["says"][0].as_str().unwrap().starts_with("root, version 1"),
        "{seen}"
    );
    assert_eq!(decide(&olga, &asked.json).await.status, StatusCode::OK);
    // Something else is not what was agreed to.
    let mut other = first.clone();
    other["drafts"].as_array_mut().unwrap().pop();
    assert_eq!(ada.post("/v1/metadata", &with(&other, &asked.json)).await.status, StatusCode::CONFLICT);
    let begun = ada.post("/v1/metadata", &with(&first, &asked.json)).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.json);
    let roles = olga.get("/v1/metadata").await.json;
    let roots: Vec<_> =
        roles["roles"].as_array().unwrap().iter().filter(|role| role["role"] == "root").collect();
    assert_eq!((&roots[0]["threshold"], roots[0]["keys"].as_array().unwrap().len()), (&json!(2), 3));
    assert_eq!((&roots[0]["days"], roots[0]["signed_by"].as_array().unwrap().len()), (&json!(730.0), 2));
    // Another key for plugins: targets want two persons, with the list that goes along.
    let asked = json!({ "of": "targets", "keys": { "plugin": { "keys": [digits(33)] } } });
    let targets = ada.post("/v1/metadata/drafts", &asked).await.json["drafts"][0].clone();
    let list = ada.post("/v1/metadata/drafts", &json!({ "of": "plugin" })).await.json["drafts"][0].clone();
    let both = json!({ "drafts": [sign(&targets, &TARGETS), sign(&list, &[33])] });
    let asked = ada.post("/v1/metadata", &both).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    decide(&olga, &asked.json).await;
    assert_eq!(ada.post("/v1/metadata", &with(&both, &asked.json)).await.status, StatusCode::CREATED);
    // What two have agreed to and nodes could not follow is refused all the same, and told.
    let root = json!({ "of": "root", "keys": { "root": { "keys": [digits(41), digits(42)] } } });
    let root = ada.post("/v1/metadata/drafts", &root).await.json["drafts"][0].clone();
    let stolen = json!({ "drafts": [sign(&root, &[41, 42])] });
    let asked = ada.post("/v1/metadata", &stolen).await;
    decide(&olga, &asked.json).await;
    let refused = ada.post("/v1/metadata", &with(&stolen, &asked.json)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.json);
    let outcomes: Vec<_> =
        hall.audit("artefact.publish").await.iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "done").count(), 2, "{outcomes:?}");
    assert!(outcomes.contains(&json!("failed")), "{outcomes:?}");
    Node::new(&hall.two.api.artefacts).await.update(&hall.two.api.artefacts, now(hall)).await;
}

pub async fn what_cannot_be_is_told_by_its_field(hall: &Hall) {
    begin(hall).await;
    let author = hall.one.person("Ada", &["plugin-author"]).await;
    let plugin = || package("buy-two", "1.4.0", 100);
    for (asked, field) in [
        ("kind=none&name=a&version=1.0.0", "kind"),
        ("kind=plugin&name=buy-two&version=1.4.0&node_min=new", "node_min"),
        ("kind=plugin&name=buy-two&version=1.4.0&days=0", "days"),
        ("kind=plugin&name=buy-two&version=1.4.0&days=9999", "days"),
    ] {
        let reply = post_content(&author, asked, plugin()).await;
        assert_eq!(
            (reply.status, &reply.json["errors"][0]["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{asked}"
        );
    }
    for (asked, content) in [
        ("kind=plugin&name=..%2F..%2Fetc&version=1.0.0", plugin()),
        ("kind=plugin&name=buy-two&version=1", plugin()),
        ("kind=plugin&name=buy-two&version=1.4.0", b"no package".to_vec()),
        ("kind=plugin&name=buy-two&version=1.4.0", Vec::new()),
        ("kind=plugin&name=other&version=1.4.0", plugin()),
        ("kind=prices&name=main&version=1.4.0", Vec::new()),
        ("kind=prices&name=main&version=1.4.0&grants=a%20b", vec![1]),
        ("kind=prices&name=main", vec![1]),
        ("kind=prices&name=main&version=1.0.0&more=1", vec![1]),
    ] {
        let reply = post_content(&author, asked, content).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{asked}: {}", reply.json);
    }
    let huge = post_content(&author, "kind=prices&name=main&version=1.0.0", vec![7; (32 << 20) + 1]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Each is counted, and stands in the log with who brought it and why not.
    let rows = hall.audit("artefact.bring").await;
    assert!(rows.iter().all(|row| row["outcome"] == "refused" && row["actor_name"] == "Ada"), "{rows:?}");
    assert_eq!((rows.len(), hall.one.refusals("artefact.bring").await), (14, 14));
    assert_eq!(rows[0]["object"], "prices/main/1.0.0");
    for body in [
        json!({ "of": "evil" }),
        json!({ "of": "root", "keys": { "snapshot": { "keys": [] } } }),
        json!({ "of": "root", "keys": { "root": { "keys": ["/etc/passwd"] } } }),
        json!({ "of": "root", "keys": { "root": { "keys": [digits(1)], "threshold": 2 } } }),
        json!({ "of": "plugin", "remove": ["/etc/passwd"] }),
        json!({ "of": "plugin", "days": 0 }),
        json!({ "of": "plugin", "more": 1 }),
    ] {
        let reply = author.post("/v1/metadata/drafts", &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}: {}", reply.json);
    }
    let unknown = author
        .post("/v1/metadata/drafts", &json!({ "of": "plugin", "remove": ["plugins/a/1.0.0.plugin"] }))
        .await;
    assert_eq!(unknown.status, StatusCode::CONFLICT, "{}", unknown.json);
    for body in [
        json!({ "drafts": [] }),
        json!({ "drafts": [{}] }),
        json!({ "drafts": ["text"] }),
        json!({ "drafts": vec![json!({}); 17] }),
        json!({ "drafts": [{ "draft": "../plugins", "signed": {}, "signatures": [] }] }),
    ] {
        let reply = author.post("/v1/metadata", &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}: {}", reply.json);
    }
    let added = bring(hall, "buy-two", "1.4.0").await;
    let draft = values(&[signed(added.draft, &[PLUGINS])]);
    let odd = author.post("/v1/metadata", &json!({ "drafts": draft, "approval": "a-none" })).await;
    assert_eq!((odd.status, &odd.json["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &json!("approval")));
    // Sent twice with one key, it is done once.
    let body = json!({ "drafts": draft });
    let send = || {
        let request = author.request(Method::POST, "/v1/metadata").header("idempotency-key", "k".repeat(20));
        sent(request.json(&body))
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED), "{}", again.json);
    assert_eq!(
        (&first.json, &again.headers["idempotency-replayed"]),
        (&again.json, &"true".parse().unwrap())
    );
}

pub async fn artefacts_are_paged_and_told_with_their_end(hall: &Hall) {
    begin(hall).await;
    for version in ["1.0.0", "1.2.0", "1.10.0"] {
        release(hall, "buy-two", version).await;
    }
    release(hall, "coupons", "2.0.0").await;
    let viewer = hall.two.person("Vera", &["viewer"]).await;
    let (mut seen, mut path) = (Vec::new(), "/v1/artefacts?limit=3&kind=plugin".to_owned());
    loop {
        let page = viewer.get(&path).await.json;
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|row| row["version"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/artefacts?limit=3&kind=plugin&after={next}");
    }
    assert_eq!(seen, ["1.0.0", "1.2.0", "1.10.0", "2.0.0"], "versions go by number");
    let versions = viewer.get("/v1/artefacts/plugin/buy-two").await.json["versions"].clone();
    let versions: Vec<_> = versions.as_array().unwrap().iter().map(|row| row["version"].clone()).collect();
    assert_eq!(versions, ["1.10.0", "1.2.0", "1.0.0"], "the latest first");
    let row = viewer.get("/v1/artefacts?limit=1").await.json["items"][0].clone();
    assert_eq!(
        (row["role"].as_str(), row["expires_at_ms"].as_i64()),
        (Some("plugins"), Some(hall.now() + 7 * DAY_MS))
    );
    assert_eq!(viewer.get("/v1/artefacts?kind=prices").await.json["items"], json!([]));
    for wrong in ["kind=none", "after=none", "limit=0", "more=1"] {
        assert_eq!(
            viewer.get(&format!("/v1/artefacts?{wrong}")).await.status,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }
}
