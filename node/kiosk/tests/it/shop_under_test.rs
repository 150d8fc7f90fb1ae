//! A shop with a few products, its kiosk, and ways to ask it.

use aisle_event::{
    Currency, Event, Money, Name, Quantity, Sku, Timestamp, Unit,
    stock::{PriceChanged, ProductDelisted, ProductListed, StockCounted},
};
use aisle_journal::{Entry, Journal, fault::FaultIo};
use aisle_kiosk::{Config, Kiosk, plugins::Plugins, router};
use aisle_recommend::{Recommender, Settings};
use aisle_state::State;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use prometheus_client::registry::Registry;
use serde_json::Value;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use tempfile::TempDir;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

/// 2025-11-20T12:00:00Z.
pub(crate) const NOON: i64 = 1_763_640_000_000;
pub(crate) const HOUR_MS: i64 = 60 * 60 * 1000;

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert!(
            self.header("content-type").contains("json"),
            "{} is no JSON: {}",
            self.header("content-type"),
            self.body
        );
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    /// Checks that it is a problem of this kind with this status, and gives its first field.
    pub(crate) fn problem(&self, status: u16, kind: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["type"], format!("urn:aisle:problem:{kind}"), "{json}");
        assert_eq!(json["status"], status);
        json["errors"][0]["field"].as_str().unwrap_or_default().to_owned()
    }

    /// The cookie that it sets, with its attributes.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .find(|cookie| cookie.starts_with(&format!("{name}=")))
    }
}

pub(crate) struct ShopUnderTest {
    pub(crate) disk: FaultIo,
    pub(crate) journal: Journal,
    pub(crate) state: State,
    pub(crate) router: Router,
    pub(crate) recommender: Arc<Recommender>,
    pub(crate) metrics: Registry,
    clock: Arc<AtomicI64>,
    _dir: TempDir,
}

impl ShopUnderTest {
    /// A shop with tea, cups and loose nuts.
    pub(crate) async fn start() -> Self {
        let shop = Self::empty().await;
        shop.stock_up().await;
        shop
    }

    async fn stock_up(&self) {
        self.list("TEA-1", "Green tea 绿茶", 250, Unit::Each, Some("Tea")).await;
        self.list("TEA-2", "Crème brûlée tea", 399, Unit::Each, Some("Tea")).await;
        self.list("CUP", "Paper cups", 100, Unit::Each, Some("Party & home")).await;
        self.list("NUT", "Loose hazelnuts", 1290, Unit::Kilogram, None).await;
    }

    /// A shop with nothing on offer.
    pub(crate) async fn empty() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::with_journal(config, aisle_journal::Config { segment_bytes: 1 << 20, ..Default::default() })
            .await
    }

    pub(crate) async fn with_journal(config: Config, journal: aisle_journal::Config) -> Self {
        Self::with_staff(config, journal, None).await
    }

    pub(crate) async fn with_staff(
        config: Config,
        journal: aisle_journal::Config,
        staff: Option<aisle_kiosk::staff::Staff>,
    ) -> Self {
        Self::with_parts(config, journal, staff, None).await
    }

    /// The shop with tea, cups and loose nuts, and with plugins.
    pub(crate) async fn with_plugins(plugins: Arc<dyn Plugins>) -> Self {
        let journal = aisle_journal::Config { segment_bytes: 1 << 20, ..Default::default() };
        let shop = Self::with_parts(Config::default(), journal, None, Some(plugins)).await;
        shop.stock_up().await;
        shop
    }

    async fn with_parts(
        config: Config,
        journal: aisle_journal::Config,
        staff: Option<aisle_kiosk::staff::Staff>,
        plugins: Option<Arc<dyn Plugins>>,
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let disk = FaultIo::new(7);
        let mut metrics = Registry::default();
        let (journal, _) = Journal::open(Path::new("/journal"), journal, disk.io(), &mut metrics).unwrap();
        let (state, _) = State::open(dir.path(), Default::default(), &journal, &mut metrics).unwrap();
        let clock = Arc::new(AtomicI64::new(NOON));
        let ticking = clock.clone();
        let recommender = Arc::new(Recommender::new(Settings::default(), &mut metrics));
        let kiosk = Kiosk {
            state: state.clone(),
            journal: journal.clone(),
            recommender: recommender.clone(),
            // A clock before 1970 panics, which stands for any fault inside a handler.
            now: Arc::new(move || {
                let ms = ticking.load(Ordering::Relaxed);
                assert!(ms >= 0, "the secret clock broke");
                Timestamp(ms)
            }),
            config,
            plugins,
            staff,
            more: OpenApiRouter::new(),
        };
        let router = router(kiosk, &mut metrics);
        Self { disk, journal, state, router, recommender, metrics, clock, _dir: dir }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn advance_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// Records an event as an import or another part of the node would.
    pub(crate) async fn record(&self, event: impl Into<Event>) {
        let event = event.into();
        let entry = Entry { kind: event.kind().0, payload: event.encode() };
        let committed = self.journal.submit(vec![entry]).unwrap().await.unwrap();
        self.state.wait_applied(committed.last).await.unwrap();
    }

    pub(crate) async fn list(&self, sku: &str, name: &str, minor: i64, unit: Unit, category: Option<&str>) {
        self.record(ProductListed {
            sku: Sku::new(sku).unwrap(),
            name: Name::new(name).unwrap(),
            price: Money::new(minor, Currency::GBP),
            unit,
            gtin: None,
            category: category.map(|category| Name::new(category).unwrap()),
            at: self.now(),
            unknown: Default::default(),
        })
        .await;
    }

    pub(crate) async fn delist(&self, sku: &str) {
        self.record(ProductDelisted {
            sku: Sku::new(sku).unwrap(),
            at: self.now(),
            unknown: Default::default(),
        })
        .await;
    }

    pub(crate) async fn price(&self, sku: &str, minor: i64, valid_until: Option<Timestamp>) {
        self.record(PriceChanged {
            sku: Sku::new(sku).unwrap(),
            price: Money::new(minor, Currency::GBP),
            at: self.now(),
            valid_until,
            unknown: Default::default(),
        })
        .await;
    }

    pub(crate) async fn count(&self, sku: &str, pieces: i64) {
        self.record(StockCounted {
            sku: Sku::new(sku).unwrap(),
            on_hand: Quantity::each(pieces),
            at: self.now(),
            unknown: Default::default(),
        })
        .await;
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Request::delete(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send_json("POST", path, &[], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send_json("PUT", path, &[], body.to_string()).await
    }

    pub(crate) async fn send_json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Begins a session by the API.
    pub(crate) async fn session(&self) -> String {
        let answer = self.post("/v1/sessions", serde_json::json!({})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.json()["session"].as_str().unwrap().to_owned()
    }

    /// Puts something into the basket by the API.
    pub(crate) async fn put_in_basket(&self, session: &str, sku: &str, quantity: u32) {
        let path = format!("/v1/sessions/{session}/basket/{sku}");
        let answer = self.put(&path, serde_json::json!({ "quantity": quantity })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    pub(crate) async fn checkout(&self, session: &str, key: &str) -> Answer {
        let request =
            Request::post(format!("/v1/sessions/{session}/checkout")).header("idempotency-key", key);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Gets a page as a browser with these cookies.
    pub(crate) async fn page(&self, path: &str, cookies: &str, language: &str) -> Answer {
        let request = Request::get(path).header("cookie", cookies).header("accept-language", language);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form as a page of this kiosk does.
    pub(crate) async fn form(&self, path: &str, cookies: &str, fields: &str) -> Answer {
        let request = Request::post(path)
            .header("cookie", cookies)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(fields.to_owned())).unwrap()).await
    }

    /// Looks at a product as a shopper without a cookie, and gives the cookie.
    pub(crate) async fn shopper(&self) -> String {
        let answer = self.page("/product/TEA-1", "", "en").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let cookie = answer.cookie("aisle_session").expect("a session begins");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Every event in the journal.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.journal
            .read(1)
            .unwrap()
            .map(|record| {
                let record = record.unwrap();
                Event::decode(aisle_event::EventType(record.kind), &record.payload).unwrap()
            })
            .collect()
    }

    pub(crate) fn metrics_text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).unwrap();
        text
    }
}
