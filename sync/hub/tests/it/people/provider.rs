//! Signing in at an identity provider: a real one.

use super::hall::{CHEAP, Caller, House, Reply, sent};
use crate::identity::{CLIENT, CLIENT_SECRET, IdentityProvider};
use aisle_hub::{
    http::{Clock, Site},
    people::{
        oidc::{Oidc, OidcConfig},
        person::Change,
        secret::Secret,
        who::Who,
    },
};
use reqwest::{Client, Method, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicI64},
};
use tempfile::TempDir;

/// A hub that knows a provider.
struct Stage {
    house: House,
    provider: IdentityProvider,
    _folder: TempDir,
}

impl Stage {
    async fn set(algorithm: &str, change: impl FnOnce(&mut OidcConfig)) -> Self {
        let (folder, database) = crate::shop::sqlite().await;
        let time = Arc::new(AtomicI64::new(0));
        let mut house = House::open(database, "hub-1", time, Site::default(), CHEAP).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let redirect = format!("{url}/v1/oidc/callback");
        let provider =
            IdentityProvider::start(&redirect, algorithm, "127.0.0.1").expect("the provider starts");
        let role = |group: &str, grant: &str| (group.to_owned(), grant.parse().unwrap());
        let mut config = OidcConfig {
            issuer: provider.issuer().into(),
            client: CLIENT.into(),
            client_secret: Some(Secret::given(CLIENT_SECRET)),
            redirect,
            scopes: vec!["profile".into()],
            groups_claim: "groups".into(),
            name_claim: "preferred_username".into(),
            roles: vec![role("fleet", "operator@region:eu"), role("privacy", "privacy-officer")],
            roots: None,
        };
        change(&mut config);
        house.api.oidc = Some(Oidc::new(config).unwrap());
        // The provider has the time of the machine.
        house.api.clock = Clock::of_machine();
        // People come by the console, whose pages stand before the interface.
        let down = tokio::sync::watch::Sender::new(false);
        let bounds = aisle_hub::console::Bounds { fresh_ms: 0, ..Default::default() };
        let pages = crate::console::router(&house.api, &aisle_hub::recent::Recent::default(), &down, bounds);
        let house = House::serve_pages(house.api, pages, listener, url);
        Self { house, provider, _folder: folder }
    }

    /// A browser that goes where it is led, signs in as somebody when it is asked, and stops at the hub's callback.
    async fn led_back(&self, start: &Reply, login: &str) -> String {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut jar = BTreeMap::new();
        let mut place = location(&start.headers);
        for _ in 0..10 {
            if place.starts_with(&self.house.url) {
                return place[self.house.url.len()..].to_owned();
            }
            assert!(place.starts_with(self.provider.issuer()), "{place}");
            let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = client
                .get(&place)
                .header("cookie", cookies.join("; "))
                .header("x-login", login)
                .send()
                .await
                .unwrap();
            for cookie in answer.headers().get_all("set-cookie") {
                let (name, value) =
                    cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                jar.insert(name.to_owned(), value.to_owned());
            }
            assert!(
                answer.status().is_redirection(),
                "{place}: {} {}",
                answer.status(),
                answer.text().await.unwrap()
            );
            let next = location(answer.headers());
            place = if next.starts_with('/') { format!("{}{next}", self.provider.issuer()) } else { next };
        }
        panic!("it is led about without end");
    }

    async fn start(&self, to: &str) -> (Caller, Reply) {
        let browser = self.house.caller();
        let reply = browser.get(&format!("/v1/oidc/start?to={to}")).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.json);
        (Caller { cookie: cookies(&reply.headers).into_iter().next(), ..browser }, reply)
    }

    async fn sign_in(&self, login: &str) -> (Caller, Reply) {
        let (browser, start) = self.start("/stores?region=eu").await;
        let path = self.led_back(&start, login).await;
        let reply = browser.get(&path).await;
        let session = cookies(&reply.headers).into_iter().find(|cookie| cookie.starts_with("aisle-local="));
        (Caller { cookie: session, ..browser }, reply)
    }
}

fn location(headers: &HeaderMap) -> String {
    headers["location"].to_str().unwrap().to_owned()
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all("set-cookie").into_iter();
    all.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_at_the_provider_gets_the_roles_of_their_groups() {
    let stage = Stage::set("RS256", |_| {}).await;
    let (alice, reply) = stage.sign_in("alice").await;
    assert_eq!(
        (reply.status, location(&reply.headers).as_str()),
        (StatusCode::SEE_OTHER, "/stores?region=eu"),
        "{}",
        reply.json
    );
    let me = alice.get("/v1/me").await.json;
    assert_eq!(
        (&me["name"], &me["roles"], &me["way"]),
        (&json!("Alice <b>"), &json!(["operator@region:eu"]), &json!("session"))
    );
    let id = me["person"].as_str().unwrap().to_owned();
    // Another sign-in is the same person; roles are what the groups give.
    let owner = Who::machine("test", "local");
    let now = stage.house.api.now_ms();
    let change = Change { grants: Some(vec!["admin".parse().unwrap()]), ..Change::default() };
    stage.house.api.people.change(&owner, &id, None, &change, now).await.unwrap();
    let (again, _) = stage.sign_in("alice").await;
    let me = again.get("/v1/me").await.json;
    assert_eq!((&me["person"], &me["roles"]), (&json!(id), &json!(["operator@region:eu"])));
    let machine = stage.house.machine();
    let rows = machine.get(&format!("/v1/audit?actor={id}&action=session.begin")).await.json;
    assert_eq!((&rows["items"][0]["way"], &rows["items"][0]["outcome"]), (&json!("oidc"), &json!("done")));
    // They have no password here, so nobody signs in by one.
    assert_eq!(stage.house.caller().sign_in("Alice <b>", "").await.status, StatusCode::UNAUTHORIZED);
    // Who is disabled here stays out, whatever the provider says.
    let change = Change { is_disabled: Some(true), ..Change::default() };
    stage.house.api.people.change(&owner, &id, None, &change, now).await.unwrap();
    let (_, reply) = stage.sign_in("alice").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert!(reply.json["detail"].as_str().unwrap().contains("may not come"), "{}", reply.json);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_somebody_has_makes_nobody_them() {
    let stage = Stage::set("ES256", |_| {}).await;
    let local = stage.house.person("carol", &["admin"]).await;
    let (carol, reply) = stage.sign_in("carol").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.json);
    let me = carol.get("/v1/me").await.json;
    assert_ne!(me["person"], local.get("/v1/me").await.json["person"]);
    assert!(me["name"].as_str().unwrap().starts_with("Carol ("), "{me}");
    assert_eq!(me["roles"], json!(["privacy-officer"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_group_here_or_gives_up_is_not_let_in() {
    let stage = Stage::set("PS256", |_| {}).await;
    let (_, reply) = stage.sign_in("nobody").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert!(reply.json["detail"].as_str().unwrap().contains("none of your groups"), "{}", reply.json);
    let (_, reply) = stage.sign_in("").await;
    assert!(reply.json["detail"].as_str().unwrap().contains("access_denied"), "{}", reply.json);
    assert_eq!(stage.house.machine().get("/v1/people").await.json["items"], json!([]), "nobody was made");
    let rows = stage.house.machine().get("/v1/audit?action=session.begin&outcome=refused").await.json;
    assert_eq!(rows["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let stage = Stage::set("RS256", |_| {}).await;
    let (attacker, start) = stage.start("/").await;
    let answer = stage.led_back(&start, "alice").await;
    // The attacker's answer in the victim's browser: with another cookie, with none, with one made up.
    let (victim, _) = stage.start("/").await;
    let made_up = Caller { cookie: Some("aisle-local-oidc=.".into()), ..victim.clone() };
    for browser in [&victim, &stage.house.caller(), &made_up] {
        let reply = browser.get(&answer).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{}", reply.json);
        assert!(cookies(&reply.headers).is_empty());
    }
    // Another state, another issuer, another code.
    for (from, to) in [("state=", "state=x"), ("iss=", "iss=x"), ("code=", "code=x")] {
        let reply = attacker.get(&answer.replace(from, to)).await;
        assert!(!reply.status.is_redirection(), "{from}: {}", reply.status);
    }
    // A code is good once; the provider says so.
    let reply = attacker.get(&answer).await;
    let first = reply.status;
    let second = attacker.get(&answer).await;
    assert!(!second.status.is_redirection(), "{first} and {}", second.status);
    // Nobody is led elsewhere.
    for to in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/x%0d%0aset-cookie:y=z",
        "%2f%2fevil.example",
    ] {
        let reply = stage.house.caller().get(&format!("/v1/oidc/start?to={to}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_not_who_we_know_or_away_signs_nobody_in() {
    let stage = Stage::set("RS256", |config| config.issuer.push('/')).await;
    let reply = stage.house.caller().get("/v1/oidc/start").await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY, "it calls itself otherwise: {}", reply.json);
    let stage = Stage::set("RS256", |config| config.client_secret = Some(Secret::given("another"))).await;
    let (_, reply) = stage.sign_in("alice").await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    assert!(reply.json["detail"].as_str().unwrap().contains("invalid_client"), "{}", reply.json);
    let mut stage = Stage::set("RS256", |_| {}).await;
    stage.provider.stop().unwrap();
    let reply = stage.house.caller().get("/v1/oidc/start").await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    // Without one there is no such page; and everybody else signs in as before.
    let local = stage.house.person("Dora", &["viewer"]).await;
    assert_eq!(local.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(sent(local.request(Method::GET, "/v1/stores")).await.status, StatusCode::OK);
}

/// A page as a browser asks for it, with its status, its text and where it leads.
async fn page(browser: &Caller, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = browser.request(Method::GET, path).header("accept", "text/html,*/*;q=0.8");
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.text().await.unwrap())
}

/// A browser that was led to the provider from the page that asks who somebody is, and back.
async fn led_there_and_back(stage: &Stage, login: &str) -> (Caller, String) {
    let browser = stage.house.caller();
    let (status, headers, _) = page(&browser, "/stores/store-1?x=1:2,3;4").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, _, asks) = page(&browser, &location(&headers)).await;
    let way =
        asks.split("href=\"").find(|part| part.starts_with("/v1/oidc/start")).expect("a way to the provider");
    let way = way.split('"').next().unwrap().replace("&amp;", "&");
    let (status, headers, text) = page(&browser, &way).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    let start = Reply { status, headers: headers.clone(), json: serde_json::Value::Null };
    let back = stage.led_back(&start, login).await;
    (Caller { cookie: cookies(&headers).into_iter().next(), ..browser }, back)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_at_a_browser_comes_in_by_the_provider_to_the_page_that_they_asked_for() {
    let stage = Stage::set("RS256", |_| {}).await;
    let (browser, back) = led_there_and_back(&stage, "alice").await;
    let (status, headers, text) = page(&browser, &back).await;
    assert_eq!(
        (status, location(&headers).as_str()),
        (StatusCode::SEE_OTHER, "/stores/store-1?x=1:2%2C3%3B4"),
        "{text}"
    );
    let session = cookies(&headers).into_iter().find(|cookie| cookie.starts_with("aisle-local="));
    let inside = Caller { cookie: session, ..browser };
    let (status, _, text) = page(&inside, "/me").await;
    assert!(
        status == StatusCode::OK && text.contains("Alice &lt;b&gt;") && text.contains("operator@region:eu"),
        "{text}"
    );
    // The same address once more, as with the browser's way back: the code was good once.
    let (status, headers, text) = page(&inside, &back).await;
    assert!(status.is_client_error() || status == StatusCode::BAD_GATEWAY, "{status}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert!(text.contains("href=\"/sign-in\"") && text.contains("Try the identity provider again"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_at_the_provider_is_a_page_with_what_to_do_next() {
    let stage = Stage::set("RS256", |_| {}).await;
    let told = async |browser: &Caller, path: &str, status: StatusCode, said: &[&str]| {
        let (found, headers, text) = page(browser, path).await;
        assert_eq!(found, status, "{path}: {text}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        for said in said {
            assert!(text.contains(said), "{path}: {said}: {text}");
        }
        assert!(text.contains("href=\"/sign-in\"") && !text.contains("urn:aisle:problem"), "{text}");
    };
    let (browser, back) = led_there_and_back(&stage, "nobody").await;
    told(
        &browser,
        &back,
        StatusCode::UNAUTHORIZED,
        &["You were not signed in", "none of your groups", "role `admin` can help"],
    )
    .await;
    let (browser, back) = led_there_and_back(&stage, "").await;
    told(&browser, &back, StatusCode::UNAUTHORIZED, &["access_denied", "Begin again from here"]).await;
    // Another browser than the one that began, a provider's answer with markup in it, no answer at all.
    let stranger = stage.house.caller();
    told(&stranger, &back, StatusCode::UNAUTHORIZED, &["You were not signed in"]).await;
    let (browser, _) = led_there_and_back(&stage, "alice").await;
    let hostile = "/v1/oidc/callback?error=%3Cscript%3Ealert(1)%3C%2Fscript%3E&state=x";
    let (_, _, text) = page(&browser, hostile).await;
    assert!(!text.contains("<script>alert"), "{text}");
    told(&stranger, "/v1/oidc/callback", StatusCode::UNAUTHORIZED, &[]).await;
    told(
        &stranger,
        "/v1/oidc/callback?code=1&code=2",
        StatusCode::BAD_REQUEST,
        &["The sign-in was not understood"],
    )
    .await;
    told(&stranger, "/v1/oidc/start?to=//evil.example", StatusCode::BAD_REQUEST, &["Begin again"]).await;
    // A program is told as before.
    let reply = stage.house.caller().get("/v1/oidc/callback").await;
    assert_eq!(
        (reply.status, &reply.json["type"]),
        (StatusCode::UNAUTHORIZED, &json!("urn:aisle:problem:sign-in"))
    );
    let mut stage = Stage::set("RS256", |_| {}).await;
    stage.provider.stop().unwrap();
    told(
        &stage.house.caller(),
        "/v1/oidc/start",
        StatusCode::BAD_GATEWAY,
        &["The identity provider could not be asked", "sign in with it meanwhile"],
    )
    .await;
}
