//! Signing in at an identity provider: a real one, `oidc-provider` on Node.js. `cargo xtask test` installs it; `AISLE_OIDC_PROVIDER` names another folder of it.

use super::hall::{CHEAP, Caller, House, Reply, sent};
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
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::AtomicI64},
};
use tempfile::TempDir;

const CLIENT: &str = "aisle hub";
const CLIENT_SECRET: &str = "a secret: with signs/+ & spaces";

struct Provider {
    process: Child,
    issuer: String,
}

fn folder() -> PathBuf {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/npm/node_modules/oidc-provider");
    let folder = std::env::var_os("AISLE_OIDC_PROVIDER").map_or(beside, PathBuf::from);
    assert!(
        folder.is_dir(),
        "no oidc-provider: `{}` is missing\nhint: `cargo xtask test` installs it",
        folder.display()
    );
    folder
}

impl Provider {
    fn start(redirect: &str, algorithm: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/people/provider.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .args([redirect, algorithm])
            .env("AISLE_OIDC_PROVIDER", folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node.js is there\nhint: apt-get install nodejs");
        let mut issuer = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut issuer).unwrap();
        let issuer = issuer.trim().to_owned();
        assert!(issuer.starts_with("http://127.0.0.1:"), "the provider has started: `{issuer}`");
        Self { process, issuer }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A hub that knows a provider.
struct Stage {
    house: House,
    provider: Provider,
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
        let provider = Provider::start(&redirect, algorithm);
        let role = |group: &str, grant: &str| (group.to_owned(), grant.parse().unwrap());
        let mut config = OidcConfig {
            issuer: provider.issuer.clone(),
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
        let house = House::serve(house.api, listener, url);
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
            assert!(place.starts_with(&self.provider.issuer), "{place}");
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
            place = if next.starts_with('/') { format!("{}{next}", self.provider.issuer) } else { next };
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
    stage.provider.process.kill().unwrap();
    stage.provider.process.wait().unwrap();
    let reply = stage.house.caller().get("/v1/oidc/start").await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    // Without one there is no such page; and everybody else signs in as before.
    let local = stage.house.person("Dora", &["viewer"]).await;
    assert_eq!(local.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(sent(local.request(Method::GET, "/v1/stores")).await.status, StatusCode::OK);
}
