//! Two hubs on one database, a clock that a test turns, and browsers.

use aisle_hub::{
    Database,
    database::{Bounds, Location},
    http::{self, Api, Clock, Site, Token},
    people::{
        People, Settings,
        password::Cost,
        role::Grant,
        telemetry::Telemetry,
        who::{Origin, Who},
    },
};
use prometheus_client::registry::Registry;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tempfile::TempDir;

pub const MACHINE: &str = "a-token-of-sixteen-characters";
pub const PASSWORD: &str = "correct horse battery";
/// 1 June 2026.
const NOW_MS: i64 = 1_780_272_000_000;
/// Tests check many passwords.
pub const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

pub struct Hall {
    pub one: House,
    pub two: House,
    pub time: Arc<AtomicI64>,
}

/// A hub's HTTP interface over a real socket.
pub struct House {
    pub url: String,
    pub api: Api,
    /// Where the contents and the online keys of artefacts lie.
    _folder: Option<Arc<TempDir>>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

/// Somebody at a browser, or a program.
#[derive(Clone)]
pub struct Caller {
    pub client: Client,
    pub url: String,
    pub address: &'static str,
    pub cookie: Option<String>,
    pub csrf: Option<String>,
    pub bearer: Option<String>,
    /// Sent with what changes something.
    pub origin: Option<String>,
}

impl Hall {
    pub async fn over(location: &Location) -> Self {
        let time = Arc::new(AtomicI64::new(NOW_MS));
        let bounds = Bounds::default();
        // At the same time, as several hubs start on a new database.
        let (one, two) = tokio::join!(Database::open(location, &bounds), Database::open(location, &bounds));
        let one = House::open(one.unwrap(), "hub-1", time.clone(), Site::default(), CHEAP).await;
        let two = House::open(two.unwrap(), "hub-2", time.clone(), Site::default(), CHEAP).await;
        Self { one, two, time }
    }

    pub async fn close(&self) {
        self.one.api.database.close().await;
        self.two.api.database.close().await;
    }

    pub fn now(&self) -> i64 {
        self.time.load(Ordering::SeqCst)
    }

    pub fn pass(&self, ms: i64) {
        self.time.fetch_add(ms, Ordering::SeqCst);
    }

    /// The audit log of an action, the latest first.
    pub async fn audit(&self, action: &str) -> Vec<Value> {
        let page = self.one.machine().get(&format!("/v1/audit?limit=1000&action={action}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.json);
        page.json["items"].as_array().unwrap().clone()
    }
}

impl House {
    pub async fn open(database: Database, hub: &str, time: Arc<AtomicI64>, site: Site, cost: Cost) -> Self {
        let settings = Settings { cost, ..Settings::default() };
        let mut registry = Registry::default();
        let telemetry = Telemetry::register(&mut registry);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // The tests' own addresses come through a proxy on this machine.
        let site = Site { proxies: vec!["127.0.0.1".parse().unwrap()], ..site };
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let api = Api {
            artefacts: crate::shop::artefacts(&database, folder.path()),
            people: People::new(database.clone(), hub, settings, telemetry),
            database,
            token: Arc::new(Token::of(MACHINE)),
            enrolment: None,
            registry: Arc::new(registry),
            is_ready: Arc::new(AtomicBool::new(true)),
            site: Arc::new(site),
            oidc: None,
            policy_keys: Arc::new(vec![crate::shop::officer().verifying_key()]),
            clock: Clock::new(move || time.load(Ordering::SeqCst)),
            wake: aisle_hub::fleet::Wake::default(),
            policies: crate::shop::in_force(),
            recent: aisle_hub::recent::Recent::default(),
        };
        Self { _folder: Some(folder), ..Self::serve(api, listener, url) }
    }

    pub fn serve(api: Api, listener: tokio::net::TcpListener, url: String) -> Self {
        let router = http::router(api.clone());
        Self::serve_pages(api, router, listener, url)
    }

    /// The same with pages before the interface.
    pub fn serve_pages(
        api: Api,
        router: axum::Router,
        listener: tokio::net::TcpListener,
        url: String,
    ) -> Self {
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, api, _folder: None }
    }

    /// How many refusals this hub has counted of an action.
    pub async fn refusals(&self, action: &str) -> u64 {
        let text =
            self.machine().request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
        let line = format!("aisle_hub_refusals_total{{reason=\"{action}\"}} ");
        text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }

    pub fn caller(&self) -> Caller {
        Caller {
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
            url: self.url.clone(),
            address: "192.0.2.1",
            cookie: None,
            csrf: None,
            bearer: None,
            origin: Some(self.url.clone()),
        }
    }

    pub fn machine(&self) -> Caller {
        self.with_token(MACHINE)
    }

    pub fn with_token(&self, token: &str) -> Caller {
        Caller { bearer: Some(token.to_owned()), origin: None, ..self.caller() }
    }

    /// Makes a person of these roles, who has set themselves up and signed in. The name's password is [`PASSWORD`].
    pub async fn person(&self, name: &str, roles: &[&str]) -> Caller {
        let now_ms = self.api.now_ms();
        let grants = roles.iter().map(|role| role.parse::<Grant>().unwrap()).collect();
        let (_, code) =
            self.api.people.add(&Who::machine("test", "local"), name, grants, now_ms).await.unwrap();
        let from = Origin { address: "192.0.2.1".into(), agent: "test".into() };
        let done = self.api.people.set_up(&code, PASSWORD, &from, now_ms).await.unwrap();
        Caller {
            cookie: Some(format!("aisle-local={}", done.secret.reveal())),
            csrf: Some(done.csrf()),
            ..self.caller()
        }
    }
}

impl Caller {
    pub fn at(&self, house: &House) -> Self {
        let origin = self.origin.as_ref().map(|_| house.url.clone());
        Self { url: house.url.clone(), origin, ..self.clone() }
    }

    pub fn from(&self, address: &'static str) -> Self {
        Self { address, ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let changes = method != Method::GET;
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.header("x-forwarded-for", self.address);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer);
        }
        if changes {
            if let Some(origin) = &self.origin {
                request = request.header("origin", origin);
            }
            if let Some(csrf) = &self.csrf {
                request = request.header("x-csrf-token", csrf);
            }
        }
        request
    }

    pub async fn get(&self, path: &str) -> Reply {
        sent(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        sent(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        sent(self.request(Method::POST, path).json(body)).await
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> Reply {
        self.post("/v1/session", &json!({ "name": name, "password": password })).await
    }

    /// The same browser after an answer that signs in.
    pub fn signed_in(&self, reply: &Reply) -> Self {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json);
        let cookie = reply.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let csrf = reply.json["csrf"].as_str().unwrap().to_owned();
        Self { cookie: Some(cookie), csrf: Some(csrf), ..self.clone() }
    }

    pub async fn id(&self) -> String {
        self.get("/v1/me").await.json["person"].as_str().unwrap().to_owned()
    }
}

pub async fn sent(request: RequestBuilder) -> Reply {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.unwrap();
    let json =
        if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or(Value::Null) };
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(headers["content-type"], "application/problem+json", "{status}");
        assert_eq!(json["status"], status.as_u16());
    }
    Reply { status, headers, json }
}
