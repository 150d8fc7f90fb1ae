//! The console over a real socket, as a browser without scripts sees it.

mod door;
mod fleet;
mod hostile;
mod html;
mod lines;
mod pages;
mod wrongs;

use crate::shop::{Outbox, hello, policy, region, sqlite};
use aisle_event::StoreId;
use aisle_hub::{
    Database,
    console::{self, Bounds, Console, Parts},
    database::{self, Contact},
    http::{self, Api, Clock, Site, Token},
    people::{People, Settings, telemetry::Telemetry},
    policies::Policies,
    recent::Recent,
};
use aisle_protocol::control::{Applied, Hello, Report};
use html::Html;
use prometheus_client::registry::Registry;
use reqwest::{
    StatusCode,
    header::{HeaderMap, SET_COOKIE},
    redirect,
};
use sqlx::SqlitePool;
use std::sync::{Arc, atomic::AtomicBool};
use tempfile::TempDir;
use tokio::sync::watch;

pub const TOKEN: &str = "a-token-of-sixteen-characters";
/// What no page may exceed.
const PAGE_BYTES_MAX: usize = 100 * 1024;

/// A console that serves.
pub struct Served {
    pub url: String,
    pub client: reqwest::Client,
    pub database: Database,
    pub recent: Recent,
    pub down: watch::Sender<bool>,
    pub cookie: String,
    folder: TempDir,
}

/// A page.
pub struct Shown {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub html: Html,
}

impl Served {
    /// With no store.
    pub async fn empty() -> Self {
        Self::with(Bounds { fresh_ms: 0, ..Bounds::default() }).await
    }

    pub async fn with(bounds: Bounds) -> Self {
        let (folder, database) = sqlite().await;
        Self::over(database, folder, bounds).await
    }

    /// The same on PostgreSQL.
    pub async fn on(url: &str) -> Self {
        let database = Database::open(&url.parse().unwrap(), &database::Bounds::default()).await.unwrap();
        let bounds = Bounds { fresh_ms: 0, ..Bounds::default() };
        Self::over(database, tempfile::tempdir().unwrap(), bounds).await
    }

    async fn over(database: Database, folder: TempDir, bounds: Bounds) -> Self {
        let policies = Policies::new(region("eu"), [policy()], None).unwrap();
        let (recent, down) = (Recent::default(), watch::Sender::new(false));
        let token = Arc::new(Token::of(TOKEN));
        let api = Api {
            database: database.clone(),
            token: token.clone(),
            registry: Arc::new(Registry::default()),
            is_ready: Arc::new(AtomicBool::new(true)),
            enrolment: None,
            people: People::new(database.clone(), "hub-1", Settings::default(), Telemetry::default()),
            site: Arc::new(Site::default()),
            oidc: None,
            policy_keys: Arc::default(),
            clock: Clock::of_machine(),
            wake: aisle_hub::fleet::Wake::default(),
        };
        let parts = Parts {
            hub: "hub-1".into(),
            region: "eu".into(),
            database: database.clone(),
            token,
            policies: watch::Sender::new(Arc::new(policies)).subscribe(),
            recent: recent.clone(),
            down: down.subscribe(),
        };
        let router = console::router(Console::new(parts, bounds), http::router(api));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        let mut served = Self { url, client, database, recent, down, cookie: String::new(), folder };
        served.cookie = served.sign_in().await;
        served
    }

    async fn sign_in(&self) -> String {
        let form = [("token", TOKEN), ("return", "/")];
        let answer = self.client.post(format!("{}/sign-in", self.url)).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    /// With three stores that came and sent, and a fourth that never did.
    pub async fn some() -> Self {
        Self::empty().await.filled().await
    }

    pub async fn filled(self) -> Self {
        let served = self;
        for number in 1..=3 {
            let mut shop = Outbox::new(&format!("store-{number}"), 1);
            served.database.register(&shop.node()).await.unwrap();
            let batches = [shop.sales(0, 100), shop.sales(100, 150)];
            shop.admit(&served.database, &[&batches[0], &batches[1]]).await.unwrap();
            served.comes(&shop, &hello(&shop, if number == 3 { "cn" } else { "eu" })).await;
        }
        served.database.register(&Outbox::new("store-4", 1).node()).await.unwrap();
        served.database.parted(&id("store-2"), "node-1", "hub-1").await.unwrap();
        served
    }

    pub async fn comes(&self, shop: &Outbox, hello: &Hello) {
        let contact = Contact { node: "node-1", hello, path: "quic", address: "10.0.0.1:4", hub: "hub-1" };
        self.database.contact(&shop.log.store, &contact).await.unwrap();
    }

    /// What the store's node says it runs: name, version, why not.
    pub async fn reports(&self, store: &str, generation: u64, things: &[(&str, &str, &str)]) {
        let applied = things.iter().map(|(name, version, reason)| Applied {
            name: (*name).into(),
            version: (*version).into(),
            hash: content_of(name, version),
            ok: reason.is_empty(),
            reason: Some((*reason).to_owned()).filter(|reason| !reason.is_empty()),
        });
        let report = Report { generation, applied: applied.collect(), node: None };
        self.database.report(&id(store), "node-1", &report).await.unwrap();
    }

    /// The database behind the hub's back.
    pub async fn behind(&self) -> SqlitePool {
        let file = self.folder.path().join("hub.db");
        SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap()
    }

    pub async fn open(&self, path: &str) -> reqwest::Response {
        let request = self.client.get(format!("{}{path}", self.url)).header("accept", "text/html,*/*;q=0.8");
        request.header("cookie", &self.cookie).send().await.unwrap()
    }

    /// A page that keeps every promise of pages.
    pub async fn page(&self, path: &str) -> Shown {
        shown(path, self.open(path).await).await
    }

    /// The same of a page that is there.
    pub async fn there(&self, path: &str) -> Html {
        let shown = self.page(path).await;
        assert_eq!(shown.status, StatusCode::OK, "{path}: {}", shown.html.text());
        shown.html
    }
}

pub async fn shown(path: &str, answer: reqwest::Response) -> Shown {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let header =
        |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("content-type"), "text/html; charset=utf-8", "{path}");
    assert_eq!(header("cache-control"), "no-store", "{path}");
    assert_eq!(header("x-frame-options"), "DENY", "{path}");
    let allowed = header("content-security-policy");
    assert!(
        allowed.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
        "{path}: {allowed}"
    );
    assert!(!allowed.contains("unsafe") && !allowed.contains("http"), "{path}: {allowed}");
    let text = answer.text().await.unwrap();
    assert!(text.len() <= PAGE_BYTES_MAX, "{path} has {} bytes", text.len());
    let html = Html::read(&text);
    html.keeps_its_promises(path);
    Shown { status, headers, html }
}

pub fn id(store: &str) -> StoreId {
    StoreId::new(store).unwrap()
}

/// A hash for a thing of a version.
pub fn content_of(name: &str, version: &str) -> aisle_protocol::Hash {
    aisle_protocol::Hash(*blake3::hash(format!("{name} {version}").as_bytes()).as_bytes())
}
