//! Documents: applied, tried, written over; and names that would do harm.

use super::world::{SLOT, World, spec};
use crate::people::hall::{Hall, Reply, sent};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub async fn apply(world: &World<'_>, text: &str, is_dry: bool) -> Reply {
    let path = if is_dry { "/v1/apply?dry_run=true" } else { "/v1/apply" };
    sent(
        world
            .machine
            .request(Method::POST, path)
            .header("content-type", "application/yaml")
            .body(text.to_owned()),
    )
    .await
}

pub async fn documents_are_applied_all_or_none_and_a_dry_run_changes_nothing(hall: &Hall) {
    let mut world = World::new(hall, 3).await;
    let old = world.release("1.0.0").await;
    let release = serde_json::to_string(&old).unwrap();
    let text = format!(
        "group: {{ name: pilots, who: 'store in (store-00,store-01)', says: {{ artefacts: {{ {SLOT}: {release} }} }} }}\n\
         ---\nfilter: {{ name: late, who: version<1.4 }}\n\
         ---\noverride: {{ store: store-01, why: old till, says: {{ artefacts: {{ {SLOT}: absent }} }} }}\n\
         ---\nrollout: {{ rollout: spring, why: it sells, who: '*', set: {{ {SLOT}: {release} }}, waves: [{{ name: all }}] }}\n"
    );
    let audit = |action: &'static str| hall.audit(action);
    let tried = apply(&world, &text, true).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.json);
    assert_eq!((&tried.json["dry_run"], &tried.json["nodes"]), (&json!(true), &json!(2)));
    let differs: Vec<&str> = tried.json["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["differs"].as_str().unwrap())
        .collect();
    assert_eq!(differs, ["created"; 4]);
    for path in ["/v1/groups", "/v1/filters", "/v1/overrides", "/v1/rollouts"] {
        assert_eq!(world.machine.get(path).await.json["items"], json!([]), "{path}");
    }
    assert!(audit("group.put").await.is_empty(), "what was only tried was not done");
    assert_eq!(world.engine.look().await.unwrap().orders, 0);

    let done = apply(&world, &text, false).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.json);
    assert_eq!(audit("group.put").await.len(), 1);
    assert_eq!(audit("rollout.draft").await.len(), 1);
    let again = apply(&world, &text, false).await;
    assert!(
        again.json["documents"].as_array().unwrap().iter().all(|one| one["differs"] == "unchanged"),
        "{}",
        again.json
    );
    assert_eq!(audit("group.put").await.len(), 1, "what is as it is is not done again");

    // The last document cannot be; the first is not done either.
    let half = "group: { name: others, who: '*' }\n---\nrollout: { rollout: spring, why: '', who: '*', set: {}, waves: [] }\n";
    assert_eq!(apply(&world, half, false).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.machine.get("/v1/groups/others").await.status, StatusCode::NOT_FOUND);
    // What has begun is not written anew, and what stood before it in the text is not done.
    for verb in ["preflight", "approve", "start"] {
        assert!(world.say("spring", verb, &json!({})).await.status.is_success(), "{verb}");
    }
    let anew = text.replace("it sells", "it sells more").replace("name: late", "name: later");
    let refused = apply(&world, &anew, false).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.json);
    assert_eq!(world.machine.get("/v1/filters/later").await.status, StatusCode::NOT_FOUND);
    for (text, told) in [
        ("group: { name: a, hoo: '*' }", "hoo"),
        ("group: { name: a, who: 'region ==== eu' }", "at character 10"),
        ("a: &a [x]\nb: *a", ""),
        ("", "0 documents"),
    ] {
        let refused = apply(&world, text, true).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{text}");
        assert!(refused.json["detail"].as_str().unwrap().contains(told), "{text}: {}", refused.json);
    }
}

pub async fn a_saved_filter_that_documents_name_is_kept_as_what_it_says(hall: &Hall) {
    let world = World::new(hall, 3).await;
    let old = world.release("1.0.0").await;
    let release = serde_json::to_string(&old).unwrap();
    let text = format!(
        "group: {{ name: pilots, who: '@some', says: {{ minimums: {{ {SLOT}: '1.0' }} }} }}\n\
         ---\nrollout: {{ rollout: spring, why: it sells, who: '@some', set: {{ {SLOT}: {release} }}, waves: [{{ name: one, who: '@one' }}, {{ name: all }}] }}\n\
         ---\nfilter: {{ name: one, who: store=store-00 }}\n"
    );
    let differs = |reply: &Reply| -> Vec<String> {
        let documents = reply.json["documents"].as_array().unwrap();
        documents.iter().map(|one| one["differs"].as_str().unwrap().to_owned()).collect()
    };
    let refused = apply(&world, &text, true).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.json);
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(detail.contains("no saved filter is called `some`"), "{detail}");

    let two = "store in (store-00,store-01)";
    let saved = world.put("/v1/filters/some", &json!({ "name": "some", "who": two })).await;
    assert_eq!(saved.status, StatusCode::CREATED, "{}", saved.json);
    let tried = apply(&world, &text, true).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.json);
    assert_eq!(differs(&tried), ["created"; 3]);
    let becomes = |reply: &Reply, path: &str| reply.json["documents"].pointer(path).cloned().unwrap();
    assert_eq!(becomes(&tried, "/0/becomes/who"), two);
    assert_eq!(becomes(&tried, "/1/becomes/who"), two);
    assert_eq!(becomes(&tried, "/1/becomes/waves/0/who"), "store=store-00", "the text itself saves it");
    assert_eq!(apply(&world, &text, false).await.status, StatusCode::OK);
    assert_eq!(differs(&apply(&world, &text, true).await), ["unchanged"; 3]);

    // Whoever changes the filter moves nobody; the same text says something else then, and that it does is seen before it is done.
    let third = json!({ "name": "some", "who": "store=store-02" });
    assert_eq!(world.put("/v1/filters/some", &third).await.status, StatusCode::OK);
    assert_eq!(world.machine.get("/v1/groups/pilots").await.json["document"]["who"], two);
    let tried = apply(&world, &text, true).await;
    assert_eq!(differs(&tried), ["changed", "changed", "unchanged"]);
    assert_eq!(becomes(&tried, "/0/was/who"), two);
    assert_eq!(becomes(&tried, "/0/becomes/who"), "store=store-02");

    // One by one as well.
    let others = world.put("/v1/groups/others", &json!({ "name": "others", "who": "@some" })).await;
    assert_eq!(others.status, StatusCode::CREATED, "{}", others.json);
    assert_eq!(world.machine.get("/v1/groups/others").await.json["document"]["who"], "store=store-02");
    let mut summer = spec("summer", &old, json!([{ "name": "all", "who": "@one" }]));
    summer["who"] = json!("@some");
    world.draft(&summer).await;
    let kept = world.machine.get("/v1/rollouts/summer").await.json;
    assert_eq!(
        (&kept["spec"]["who"], &kept["spec"]["waves"][0]["who"]),
        (&json!("store=store-02"), &json!("store=store-00"))
    );
    summer["who"] = json!("@nobody");
    assert_eq!(world.machine.post("/v1/rollouts", &summer).await.status, StatusCode::BAD_REQUEST);
}

pub async fn what_is_written_over_is_what_was_looked_at(hall: &Hall) {
    let world = World::new(hall, 1).await;
    let group = |priority: i32| json!({ "name": "pilots", "who": "*", "priority": priority });
    let with = |tag: &'static str, priority: i32| {
        sent(
            world
                .machine
                .request(Method::PUT, "/v1/groups/pilots")
                .header("if-match", tag)
                .json(&group(priority)),
        )
    };
    assert_eq!(with("\"7\"", 1).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(with("\"0\"", 1).await.status, StatusCode::CREATED, "there is none, as was seen");
    let seen = world.machine.get("/v1/groups/pilots").await;
    assert_eq!((seen.headers["etag"].to_str().unwrap(), &seen.json["version"]), ("\"1\"", &json!(1)));
    assert_eq!(with("\"1\"", 2).await.status, StatusCode::OK);
    assert_eq!(with("\"1\"", 3).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.machine.get("/v1/groups/pilots").await.json["document"]["priority"], 2);
    assert_eq!(world.put("/v1/groups/another", &group(1)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.machine.delete("/v1/groups/pilots").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.machine.delete("/v1/groups/pilots").await.status, StatusCode::NOT_FOUND);
    // The same request again is answered again, and done once.
    let once = || {
        let request = world
            .machine
            .request(Method::PUT, "/v1/groups/pilots")
            .header("idempotency-key", "a-key-of-sixteen-signs");
        sent(request.json(&group(5)))
    };
    assert_eq!((once().await.status, once().await.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(world.machine.get("/v1/groups/pilots").await.json["version"], 1);
    let page = world.machine.get("/v1/groups?limit=1").await.json;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &json!("pilots")));
    assert_eq!(world.machine.get("/v1/groups?limit=1&after=pilots").await.json["items"], json!([]));
}

pub async fn names_that_would_do_harm_do_none(hall: &Hall) {
    let mut world = World::new(hall, 1).await;
    let harm = "x'); DROP TABLE rollouts; --<script>alert(1)</script>";
    // No certificate has such a store; one that is made known by hand may.
    world.database().register(&crate::shop::Outbox::new(harm, 1).node()).await.unwrap();
    let encoded: String = form_urlencoded_path(harm);
    let old = world.release("1.0.0").await;
    // A store may be called anything; it is a value, and nothing else.
    let one = json!({ "store": harm, "why": harm, "says": { "artefacts": { (SLOT): old } } });
    assert_eq!(world.put(&format!("/v1/overrides/{encoded}"), &one).await.status, StatusCode::CREATED);
    let shown = world.machine.get(&format!("/v1/overrides/{encoded}")).await.json;
    assert_eq!((&shown["document"]["store"], &shown["document"]["why"]), (&json!(harm), &json!(harm)));
    assert_eq!(world.engine.look().await.unwrap().orders, 1);
    let given = world.database().desired(&aisle_event::StoreId::new(harm).unwrap()).await.unwrap().unwrap();
    assert_eq!(aisle_content::Order::own(&given.manifest).unwrap().nodes.len(), 1);
    let member = world.machine.get(&format!("/v1/members/{encoded}/node-1")).await.json;
    assert_eq!(member["desired"]["why"][SLOT]["source"]["why"], harm);
    let filter = form_urlencoded_path(&format!("store=\"{harm}\""));
    let found = world.machine.get(&format!("/v1/members?filter={filter}")).await;
    assert_eq!(found.json["items"].as_array().map(Vec::len), Some(1), "{}", found.json);
    // What is no name is none anywhere.
    let refused = |reply: Reply| assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.json);
    let name = form_urlencoded_path("a'; DROP TABLE stores");
    refused(
        world
            .put(&format!("/v1/groups/{name}"), &json!({ "name": "a'; DROP TABLE stores", "who": "*" }))
            .await,
    );
    refused(world.put("/v1/groups/a", &json!({ "name": "<b>", "who": "*" })).await);
    refused(world.put("/v1/filters/a", &json!({ "name": "a", "who": "'; DELETE FROM nodes" })).await);
    refused(world.machine.get("/v1/members?filter=%27%20OR%201%3D1").await);
    refused(world.machine.get("/v1/members?filter=@nothing").await);
    refused(
        world
            .machine
            .post(
                "/v1/rollouts",
                &json!({ "rollout": "../../etc", "why": "x", "who": "*", "set": {}, "waves": [] }),
            )
            .await,
    );
    let patch =
        |body: Value| sent(world.machine.request(Method::PATCH, "/v1/stores/store-00/labels").json(&body));
    refused(patch(json!({ "set": { "a": "<img src=x>" } })).await);
    refused(patch(json!({ "set": { "store": "store-99" } })).await);
    refused(patch(json!({ "set": { "region": "cn" } })).await);
    refused(patch(json!({ "set": { "a\u{0}": "b" } })).await);
    assert_eq!(world.machine.get("/v1/rollouts").await.status, StatusCode::OK, "the tables are there");
    assert_eq!(world.machine.get("/v1/groups").await.json["items"], json!([]));
}

fn form_urlencoded_path(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
