//! The console over a real socket, as a browser without scripts sees it.

mod door;
mod enrolling;
mod fleet;
mod hostile;
mod html;
mod lines;
mod pages;
mod persons;
mod programs;
mod real;
mod rights;
mod rollouts;
mod writing;
mod wrongs;

courses! {
    real::the_grid_and_a_stores_page_show_what_nodes_say_of_themselves
    real::a_rollout_that_failed_shows_its_causes_and_its_gates
    real::a_store_runs_out_of_everything_that_its_node_named_while_nobody_hears_it
    real::names_that_would_do_harm_do_none_where_the_rules_show_them
    writing::a_rollout_is_written_on_a_page_and_waits_for_a_second_person
    writing::a_group_is_written_changed_and_taken_away
}

use crate::{
    enrolling::world::World,
    people::hall::{CHEAP, Hall, PASSWORD},
    shop::{Outbox, hello, sqlite},
};
use aisle_event::StoreId;
use aisle_hub::{
    Database,
    config::Enrolment,
    console::{self, Bounds, Console, Parts},
    database::{self, Contact},
    http::{self, Api, Clock, Site, Token},
    people::{
        People, Settings,
        role::Grant,
        telemetry::Telemetry,
        who::{Origin, Who},
    },
    recent::Recent,
};
use aisle_protocol::control::{Applied, Hello, Report};
use html::Html;
use prometheus_client::registry::Registry;
use reqwest::{StatusCode, header::HeaderMap, redirect};
use sqlx::SqlitePool;
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};
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
    pub api: Api,
    /// Who looks at pages where nobody else is named: an admin.
    pub me: Person,
    folder: TempDir,
}

/// Somebody who has signed in.
#[derive(Debug, Clone, Default)]
pub struct Person {
    pub id: String,
    pub cookie: String,
    pub csrf: String,
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
        Self::over(database, Some(folder), bounds, None).await
    }

    /// Of a chain whose boxes enrol.
    pub async fn of(world: &World) -> Self {
        let database = Database::open(&world.config.database, &database::Bounds::default()).await.unwrap();
        let bounds = Bounds { fresh_ms: 0, ..Bounds::default() };
        Self::over(database, None, bounds, world.config.enrolment.clone()).await
    }

    /// The same on PostgreSQL.
    pub async fn on(url: &str) -> Self {
        let database = Database::open(&url.parse().unwrap(), &database::Bounds::default()).await.unwrap();
        let bounds = Bounds { fresh_ms: 0, ..Bounds::default() };
        Self::over(database, Some(tempfile::tempdir().unwrap()), bounds, None).await
    }

    async fn over(
        database: Database,
        folder: Option<TempDir>,
        bounds: Bounds,
        enrolment: Option<Enrolment>,
    ) -> Self {
        let folder = folder.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let mut registry = Registry::default();
        let telemetry = Telemetry::register(&mut registry);
        let api = Api {
            artefacts: crate::shop::artefacts(&database, folder.path()),
            database: database.clone(),
            token: Arc::new(Token::of(TOKEN)),
            registry: Arc::new(registry),
            is_ready: Arc::new(AtomicBool::new(true)),
            enrolment: enrolment.map(Arc::new),
            people: People::new(
                database.clone(),
                "hub-1",
                Settings { cost: CHEAP, ..Settings::default() },
                telemetry,
            ),
            site: Arc::new(Site::default()),
            oidc: None,
            policy_keys: Arc::new(vec![crate::shop::officer().verifying_key()]),
            clock: Clock::of_machine(),
            wake: aisle_hub::fleet::Wake::default(),
            policies: crate::shop::in_force(),
            recent: Recent::default(),
        };
        Self::around(api, folder, bounds).await
    }

    /// Over the database, the people and the clock of a hall.
    pub async fn of_hall(hall: &Hall) -> Self {
        let bounds = Bounds { fresh_ms: 0, ..Bounds::default() };
        Self::around(hall.one.api.clone(), tempfile::tempdir().unwrap(), bounds).await
    }

    async fn around(api: Api, folder: TempDir, bounds: Bounds) -> Self {
        let (recent, down) = (api.recent.clone(), watch::Sender::new(false));
        let router = router(&api, &recent, &down, bounds);
        let database = api.database.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        let mut served = Self { url, client, database, recent, down, api, me: Person::default(), folder };
        served.me = served.person("Ada", &["admin"]).await;
        served
    }
    /// Makes a person of these roles, who has set themselves up and signed in. The password is [`PASSWORD`].
    pub async fn person(&self, name: &str, roles: &[&str]) -> Person {
        let now_ms = self.api.now_ms();
        let grants = roles.iter().map(|role| role.parse::<Grant>().unwrap()).collect();
        let by = Who::machine("test", "local");
        let (person, code) = self.api.people.add(&by, name, grants, now_ms).await.unwrap();
        let from = Origin { address: "192.0.2.1".into(), agent: "test".into() };
        let done = self.api.people.set_up(&code, PASSWORD, &from, now_ms).await.unwrap();
        Person { id: person.id, cookie: format!("aisle-local={}", done.secret.reveal()), csrf: done.csrf() }
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
        self.open_as(&self.me, path).await
    }

    pub async fn open_as(&self, person: &Person, path: &str) -> reqwest::Response {
        let request = self.client.get(format!("{}{path}", self.url)).header("accept", "text/html,*/*;q=0.8");
        request.header("cookie", &person.cookie).send().await.unwrap()
    }

    /// A form as a browser sends it from a page of the hub.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.url)).header("accept", "text/html,*/*;q=0.8");
        request.header("origin", &self.url).form(fields)
    }

    /// A form of somebody, with what only their page knows.
    pub async fn send_as(&self, person: &Person, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let mut all = fields.to_vec();
        all.push(("csrf", person.csrf.as_str()));
        self.form(path, &all).header("cookie", &person.cookie).send().await.unwrap()
    }

    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        self.send_as(&self.me, path, fields).await
    }

    /// Sends a form and follows to where it leads.
    pub async fn sent(&self, path: &str, fields: &[(&str, &str)]) -> Html {
        let answer = self.send(path, fields).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}: {}", answer.text().await.unwrap());
        self.there(answer.headers()["location"].to_str().unwrap()).await
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

/// The pages of a hub, with its interface behind them.
pub fn router(api: &Api, recent: &Recent, down: &watch::Sender<bool>, bounds: Bounds) -> axum::Router {
    let parts = Parts {
        hub: "hub-1".into(),
        region: "eu".into(),
        api: api.clone(),
        policies: crate::shop::in_force(),
        recent: recent.clone(),
        down: down.subscribe(),
    };
    console::router(Console::new(parts, bounds), http::router(api.clone()))
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
