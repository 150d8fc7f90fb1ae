//! Names as people have them and as attackers write them, and two who edit at once.

use super::hall::{Hall, PASSWORD, sent};
use reqwest::{Method, StatusCode};
use serde_json::json;

const NAMES: [&str; 7] = [
    "Robert'); DROP TABLE people;--",
    "<script>alert(document.cookie)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' OR '1'='1",
    "Zoë 王小明 \\u0000 %00 ${jndi:ldap://x}",
    "../../etc/passwd",
    "{{7*7}} %s %n",
];

pub async fn what_a_name_looks_like_changes_nothing(hall: &Hall) {
    let ada = hall.one.person("Ada", &["admin"]).await;
    for name in NAMES {
        let added = ada.post("/v1/people", &json!({ "name": name, "roles": ["viewer"] })).await;
        assert_eq!((added.status, &added.json["name"]), (StatusCode::CREATED, &json!(name)));
        assert_eq!(added.headers["content-type"], "application/json");
        let id = added.json["person"].as_str().unwrap();
        assert_eq!(
            ada.get(&format!("/v1/people/{id}")).await.json["name"],
            name,
            "given back as it was written"
        );
        let code = added.json["code"].as_str().unwrap();
        let browser = hall.two.caller();
        browser.signed_in(&browser.post("/v1/setup", &json!({ "code": code, "password": PASSWORD })).await);
        let browser = browser.signed_in(&browser.sign_in(name, PASSWORD).await);
        assert_eq!(browser.get("/v1/me").await.json["name"], name);
        assert_eq!(browser.get("/v1/people").await.status, StatusCode::FORBIDDEN);
        let row = &hall.audit("session.begin").await[0];
        assert_eq!(row["actor_name"], name);
    }
    // As a page goes on, as a filter, as a path.
    let (mut seen, mut path) = (Vec::new(), "/v1/people?limit=3".to_owned());
    loop {
        let page = ada.get(&path).await.json;
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        let next: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        path = format!("/v1/people?limit=3&after={next}");
    }
    assert_eq!(seen.len(), NAMES.len() + 1);
    assert_eq!(ada.get("/v1/people/'%20OR%20'1'='1").await.status, StatusCode::NOT_FOUND);
    for name in ["' OR ''='", "Ada'--", "Ada\"; --", "ada' UNION SELECT 1--"] {
        assert_eq!(
            hall.one.caller().from("203.0.113.77").sign_in(name, PASSWORD).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    // A sign that PostgreSQL keeps in no text.
    assert_eq!(ada.get("/v1/people/%00").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ada.get("/v1/stores?after=%00").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        hall.one.caller().from("203.0.113.77").sign_in("a\0da", "\0").await.status,
        StatusCode::UNAUTHORIZED
    );
    let body = json!({ "hash": "\0", "agrees": true, "reason": "\0" });
    assert_eq!(ada.post("/v1/approvals/a-none/decision", &body).await.status, StatusCode::NOT_FOUND);
    // What cannot be told from another name by looking is none.
    let long = "x".repeat(65);
    for name in ["", " Ada", "Ada ", "A\u{200b}da", "Ada\u{202e}", "A\nda", "A\0da", long.as_str()] {
        let reply = ada.post("/v1/people", &json!({ "name": name, "roles": [] })).await;
        assert_eq!(
            (reply.status, &reply.json["errors"][0]["field"]),
            (StatusCode::BAD_REQUEST, &json!("name")),
            "{name:?}"
        );
    }
    let taken = ada.post("/v1/people", &json!({ "name": "aDA", "roles": [] })).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    for roles in [json!(["root"]), json!(["viewer@"]), json!(["viewer' OR 1=1"])] {
        let reply = ada.post("/v1/people", &json!({ "name": "Somebody", "roles": roles })).await;
        assert_eq!(
            (reply.status, &reply.json["errors"][0]["field"]),
            (StatusCode::BAD_REQUEST, &json!("roles"))
        );
    }
    // A body that is none says nothing of what was in it.
    let wrong =
        sent(ada.request(Method::POST, "/v1/session").json(&json!({ "name": "ada", "password": 17_850 })))
            .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let wrong = sent(
        ada.request(Method::POST, "/v1/session").json(&json!({ "name": "ada", "pasword": "hunter2hunter2" })),
    )
    .await;
    assert!(
        wrong.status == StatusCode::BAD_REQUEST && !wrong.json.to_string().contains("hunter2"),
        "{}",
        wrong.json
    );
}

pub async fn what_is_edited_is_what_was_looked_at(hall: &Hall) {
    let ada = hall.one.person("Ada", &["admin"]).await;
    let bob = hall.one.person("Bob", &["viewer"]).await;
    let path = format!("/v1/people/{}", bob.id().await);
    let tag = ada.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    let edit = async |tag: Option<&str>, body: serde_json::Value| {
        let request = ada.request(Method::PATCH, &path);
        let request = match tag {
            Some(tag) => request.header("if-match", tag),
            None => request,
        };
        sent(request.json(&body)).await
    };
    assert_eq!(edit(None, json!({ "name": "Robert" })).await.status, StatusCode::PRECONDITION_REQUIRED);
    let edited = edit(Some(&tag), json!({ "roles": ["operator"] })).await;
    assert_eq!((edited.status, &edited.json["roles"]), (StatusCode::OK, &json!(["operator"])));
    for stale in [tag.as_str(), "*", "\"99\"", "W/\"2\"", "nonsense"] {
        let reply = edit(Some(stale), json!({ "roles": ["admin"] })).await;
        assert_eq!(reply.status, StatusCode::PRECONDITION_FAILED, "{stale}");
    }
    let tag = edited.headers["etag"].to_str().unwrap();
    let renamed = edit(Some(tag), json!({ "name": "Robert" })).await;
    assert_eq!((&renamed.json["name"], &renamed.json["roles"]), (&json!("Robert"), &json!(["operator"])));
    let tag = renamed.headers["etag"].to_str().unwrap();
    assert_eq!(edit(Some(tag), json!({ "name": "ada" })).await.status, StatusCode::CONFLICT);
    assert_eq!(edit(Some(tag), json!({ "nmae": "x" })).await.status, StatusCode::BAD_REQUEST);
    // Two at once: one of them looked at something else.
    let both = [&hall.one, &hall.two].map(|house| {
        let request = ada.at(house).request(Method::PATCH, &path).header("if-match", tag);
        tokio::spawn(sent(request.json(&json!({ "roles": ["viewer"] }))))
    });
    let mut statuses = Vec::new();
    for reply in both {
        statuses.push(reply.await.unwrap().status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}
