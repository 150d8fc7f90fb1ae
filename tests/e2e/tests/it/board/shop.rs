//! A node with a shop floor: sixty simulated devices, the page that doors are opened from, and a telephone with the staff board.

use crate::support::{
    api::Api,
    browser::{Browser, Setup},
    store::Store,
    wait::eventually,
};
use aisle_event::Timestamp;
use aisle_harness::{
    floor::{self, CONFIG, Floor, FloorError, Home, Scene},
    node::NodeUnderTest,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// A telephone that is not large.
pub(super) const PHONE: (u32, u32) = (360, 740);
/// Until all devices are heard and approved.
const SET_UP: Duration = Duration::from_secs(90);
/// What happens on the floor shows on the board within this.
pub(super) const LIVE: Duration = Duration::from_secs(10);
/// Where everything random comes from.
const SEED: u64 = 60;

/// A store that lives.
pub(super) struct Shop {
    pub(super) home: Home,
    /// Where doors are opened from.
    pub(super) page: String,
    http: reqwest::Client,
    stop: watch::Sender<bool>,
    living: JoinHandle<Result<(), FloorError>>,
    _node: NodeUnderTest,
    _store: Store,
}

impl Shop {
    /// A floor whose devices are set up.
    pub(super) async fn open() -> Self {
        eprintln!("the floor lives from seed {SEED}");
        let (store, scene) = (Store::empty(), Scene::new().expect("a scene"));
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970");
        let now = Timestamp(i64::try_from(since.as_millis()).expect("a clock before the end of time"));
        floor::write(&store.data(), &scene, now).expect("a journal");
        let node = store.start_with(&format!(
            "[store]\nid = \"demo\"\n[mqtt]\ntls_listen = \"off\"\ntcp_listen = \"127.0.0.1:0\"\n{CONFIG}"
        ));
        Api::new(node.url()).ready().await;
        let broker = node.mqtt().expect("a broker");
        let home = Home::new(node.url(), broker, "demo", &store.data()).expect("secrets");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let page = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = watch::channel(false);
        let floor = Floor::new(scene, home.clone(), SEED);
        let living = tokio::spawn(async move { floor.live(listener, stopped).await.map(drop) });
        let http = reqwest::Client::builder().cookie_store(true).build().expect("a client");
        let shop = Self { home, page, http, stop, living, _node: node, _store: store };
        shop.sign_in().await;
        eventually("sixty devices that are there", SET_UP, async || {
            assert!(!shop.living.is_finished(), "the floor came to an end");
            let board = shop.board().await;
            let pending = count(&board, "devices", |device| device["state"] == "pending");
            let read = count(&board, "units", |unit| unit["state"] == "fine");
            (board["totals"]["devices"] == 60 && pending == 1 && read == 8).then_some(())
        })
        .await;
        shop
    }

    async fn sign_in(&self) {
        let fields = [("name", "Till"), ("pin", &self.home.pin), ("return", "/staff")];
        let answer = self.http.post(format!("{}/staff/sign-in", self.home.url)).form(&fields).send().await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    }

    /// The board as programs get it.
    pub(super) async fn board(&self) -> Value {
        let answer = self.http.get(format!("{}/v1/staff/board", self.home.url)).send().await;
        answer.expect("an answer").json().await.expect("a board")
    }

    /// Does something on the floor's page.
    pub(super) async fn does(&self, what: &str) -> Instant {
        let begun = Instant::now();
        let answer = self.http.post(format!("{}{what}", self.page)).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{what}");
        begun
    }

    /// Holds a unit to another limit, as an administrator.
    pub(super) async fn limits(&self, unit: &str, celsius: f64) {
        let to = format!("{}/v1/admin/units/{unit}", self.home.url);
        let body = json!({ "group": "chilled", "limit_celsius": celsius, "grace_s": 0 });
        let request = self.http.put(to).bearer_auth(&self.home.token).json(&body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }

    /// A telephone on which somebody signed in.
    pub(super) async fn phone(&self, name: &str) -> Browser {
        let browser = Browser::open(Setup { screen: PHONE, ..Setup::default() }).await;
        browser.resize(PHONE).await;
        browser.goto(&format!("{}/staff", self.home.url)).await;
        browser.arrives("/staff/sign-in").await;
        for (field, text) in [("#name", name), ("#pin", &self.home.pin)] {
            browser.find(field).await.send_keys(text).await.expect("the field takes text");
        }
        browser.touch("Sign in").await;
        browser.arrives("/staff").await;
        browser
    }

    /// Opens a page of the board that is kept up to date, and marks it, so that a page that is loaded anew is found out.
    pub(super) async fn watch(&self, browser: &Browser, place: &str) {
        browser.goto(&format!("{}{place}", self.home.url)).await;
        browser.find("#live.on").await;
        browser.script("window.sameAsBefore = true", Vec::new()).await;
    }

    /// Ends it in order.
    pub(super) async fn close(self) {
        self.stop.send_replace(true);
        self.living.await.expect("no panic").expect("a floor that ends well");
    }
}

/// What an element says now; nothing when it is not there. Asked in one go, because a live page changes between two questions.
pub(super) async fn says(browser: &Browser, element: &str) -> String {
    let script = "const found = document.querySelector(arguments[0]); return found ? found.textContent : '';";
    browser.script(script, vec![json!(element)]).await.as_str().unwrap_or_default().to_owned()
}

/// Changes the language of a page, by the button that may lie below the tabs at the bottom.
pub(super) async fn speak(browser: &Browser, language: &str, tag: &str) {
    let script = "document.querySelector(`button[name=language][value=${arguments[0]}]`).click()";
    browser.script(script, vec![json!(language)]).await;
    browser.find(&format!("html[lang={tag}]")).await;
}

/// Waits until an element says this, on the page that is shown already, and prints how long that took.
pub(super) async fn shows(browser: &Browser, element: &str, text: &str, since: Instant) {
    eventually(&format!("`{text}` in `{element}`"), LIVE, async || {
        says(browser, element).await.contains(text).then_some(())
    })
    .await;
    eprintln!("`{text}` was on the board after {:.2} s", since.elapsed().as_secs_f64());
    let same = browser.script("return window.sameAsBefore === true", Vec::new()).await;
    assert_eq!(same, json!(true), "the page was loaded anew");
}

fn count(board: &Value, list: &str, is_it: impl Fn(&Value) -> bool) -> usize {
    board[list].as_array().map_or(0, |rows| rows.iter().filter(|row| is_it(row)).count())
}
