//! Another page in the same browser, and names that lead here.

use super::hall::{CHEAP, Caller, Hall, House, PASSWORD, sent};
use aisle_hub::http::Site;
use reqwest::{Method, StatusCode};
use serde_json::json;

pub async fn a_request_by_a_cookie_carries_what_only_our_page_knows(hall: &Hall) {
    let ada = hall.one.person("Ada", &["admin"]).await;
    let body = json!({ "name": "Mallory", "roles": ["admin"] });
    let other = hall.two.person("Other", &["admin"]).await;
    let with = |origin: Option<&str>, csrf: Option<&str>| Caller {
        origin: origin.map(str::to_owned),
        csrf: csrf.map(str::to_owned),
        ..ada.clone()
    };
    let (own, token) = (ada.origin.as_deref(), ada.csrf.as_deref());
    let forged = [
        (with(own, None), "missing"),
        (with(own, Some("")), "not this session's"),
        (with(own, other.csrf.as_deref()), "not this session's"),
        (with(None, token), "`Origin`"),
        (with(Some("null"), token), "`Origin`"),
        (with(Some("https://evil.example"), token), "`Origin`"),
        (with(Some("http://127.0.0.1:1"), token), "`Origin`"),
    ];
    for (caller, words) in &forged {
        let reply = caller.post("/v1/people", &body).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{words}");
        assert_eq!(reply.json["type"], "urn:aisle:problem:forged");
        assert!(reply.json["detail"].as_str().unwrap().contains(words), "{}", reply.json);
    }
    // A foreign page can send a form, and no header of its own.
    let form = [("name", "Mallory"), ("csrf", "guess")];
    let posted = with(own, None).request(Method::POST, "/v1/people").form(&form);
    assert_eq!(sent(posted).await.status, StatusCode::FORBIDDEN);
    assert_eq!(hall.one.api.database.person_named("Mallory").await.unwrap(), None);
    let rows = hall.audit("request.forged").await;
    assert_eq!(rows.len(), forged.len() + 1, "each stands in the log");
    assert_eq!((&rows[0]["actor_name"], &rows[0]["outcome"]), (&json!("Ada"), &json!("refused")));
    // Our own form goes through to the route, which wants JSON.
    let form = [("csrf", token.unwrap())];
    let posted = with(own, None).request(Method::POST, "/v1/people").form(&form);
    assert_eq!(sent(posted).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // A browser that sends no `Origin` says in another way where it is.
    let posted =
        with(None, token).request(Method::POST, "/v1/people").header("sec-fetch-site", "same-origin");
    assert_eq!(sent(posted.json(&body)).await.status, StatusCode::CREATED);
    // Signing out and signing in are requests like any other.
    assert_eq!(
        with(Some("https://evil.example"), token).delete("/v1/session").await.status,
        StatusCode::FORBIDDEN
    );
    let foreign = Caller { origin: Some("https://evil.example".into()), ..hall.one.caller() };
    let before = (hall.one.refusals("request.forged").await, hall.audit("request.forged").await.len());
    assert_eq!(foreign.sign_in("ada", PASSWORD).await.status, StatusCode::FORBIDDEN);
    let code = json!({ "code": "guess", "password": PASSWORD });
    assert_eq!(foreign.post("/v1/setup", &code).await.status, StatusCode::FORBIDDEN);
    let rows = hall.audit("request.forged").await;
    assert_eq!((hall.one.refusals("request.forged").await, rows.len()), (before.0 + 2, before.1 + 2));
    assert_eq!((&rows[0]["object"], &rows[1]["object"]), (&json!("/v1/setup"), &json!("/v1/session")));
    // A token is sent by no browser of itself.
    let program = hall.one.machine();
    assert_eq!(
        program.post("/v1/people", &json!({ "name": "Program's", "roles": [] })).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn a_foreign_name_that_leads_to_this_machine_signs_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let hall = Hall::over(&aisle_hub::database::Location::Sqlite(folder.path().join("hub.db"))).await;
    hall.one.person("Ada", &["admin"]).await;
    let body = json!({ "name": "ada", "password": PASSWORD });
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""] {
        let request = hall.one.caller().request(Method::POST, "/v1/session").header("host", host).json(&body);
        let reply = sent(request.header("origin", format!("http://{host}"))).await;
        assert!(
            reply.status.is_client_error() && reply.headers.get("set-cookie").is_none(),
            "{host}: {}",
            reply.json
        );
    }
}

#[tokio::test]
async fn with_an_origin_cookies_are_for_it_alone() {
    let (_folder, database) = crate::shop::sqlite().await;
    let time = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(1_780_272_000_000));
    let site = Site { origin: Some("https://hub.example".into()), ..Site::default() };
    let house = House::open(database, "hub-1", time, site, CHEAP).await;
    let local = house.person("Ada", &["admin"]).await;
    assert_eq!(local.get("/v1/me").await.status, StatusCode::UNAUTHORIZED, "a cookie of another name");
    let browser = Caller { origin: Some("https://hub.example".into()), ..house.caller() };
    let reply = browser.sign_in("ada", PASSWORD).await;
    let cookie = reply.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-aisle="), "{cookie}");
    for part in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let signed_in = browser.signed_in(&reply);
    assert_eq!(signed_in.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(reply.headers["cache-control"], "no-store");
    // The address that a proxy says counts only from the proxy.
    let direct = house.caller().from("198.51.100.9");
    direct.sign_in("ada", "a wrong password").await;
    let plain = Caller { origin: Some(house.url.clone()), ..house.caller() };
    assert_eq!(plain.sign_in("ada", PASSWORD).await.status, StatusCode::FORBIDDEN, "not from the origin");
}
