//! What people enter of what happens on the floor: sales at the till, moves, counts.
//!
//! Guards: nothing is entered that nobody saw; thefts and misplaced goods are for the node to find out.

use super::office::{Office, OfficeError};
use aisle_device::{
    floor::{Happening, Place, Told},
    simulator::SimHandle,
};
use rand::RngExt;
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// What was entered so far.
#[derive(Debug, Default)]
pub struct Entered {
    sales: AtomicU64,
    notes: AtomicU64,
    failed: AtomicU64,
}

impl Entered {
    /// Sales that the node took.
    #[must_use]
    pub fn sales(&self) -> u64 {
        self.sales.load(Relaxed)
    }

    /// Moves and counts that it took.
    #[must_use]
    pub fn notes(&self) -> u64 {
        self.notes.load(Relaxed)
    }

    /// What it did not take, or was lost because too much happened at once.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }
}

/// A till did not get its sale entered; why is in no answer that it could use.
struct NotSold;

/// The till, and the people around it.
pub(super) struct Till {
    http: reqwest::Client,
    url: String,
    office: Office,
    floor: SimHandle,
    entered: Arc<Entered>,
    /// Documents of two runs on one store differ.
    run: u64,
}

#[derive(Deserialize)]
struct Started {
    session: String,
}

impl Till {
    pub(super) fn new(
        http: reqwest::Client,
        url: &str,
        office: Office,
        floor: SimHandle,
        entered: Arc<Entered>,
    ) -> Self {
        Self { http, url: url.into(), office, floor, entered, run: rand::rng().random() }
    }

    /// Enters what is told of happenings until there are no more.
    pub(super) async fn run(&self, mut happenings: Receiver<Happening>) {
        loop {
            match happenings.recv().await {
                Ok(happening) => {
                    if let Some(told) = happening.told() {
                        self.enter(told).await;
                    }
                }
                Err(RecvError::Lagged(lost)) => drop(self.entered.failed.fetch_add(lost, Relaxed)),
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn enter(&self, told: Told<'_>) {
        let (noted, count) = match told {
            Told::Sold { document, sku, pieces } => {
                (self.sell(document, sku, pieces).await.is_ok(), &self.entered.sales)
            }
            Told::Moved { sku, from, to, pieces } => {
                (self.office.carry(sku, (from, to), pieces).await.is_ok(), &self.entered.notes)
            }
            Told::Counted { sku, place, pieces } => {
                (self.office.count(sku, place, pieces).await.is_ok(), &self.entered.notes)
            }
            // There is no route for these: whoever has to do with them counts what is there then.
            Told::Received { sku, .. } => {
                (self.count(sku, Place::Backroom).await.is_ok(), &self.entered.notes)
            }
            Told::Returned { sku, .. } | Told::Damaged { sku, .. } => {
                (self.count(sku, Place::Shelf).await.is_ok(), &self.entered.notes)
            }
        };
        if noted { count } else { &self.entered.failed }.fetch_add(1, Relaxed);
    }

    async fn count(&self, sku: &str, place: Place) -> Result<(), OfficeError> {
        let there = self.floor.with_floor(|floor| floor.truth(sku, place)).unwrap_or_default();
        self.office.count(sku, place, there).await
    }

    /// A checkout like any other.
    async fn sell(&self, document: u64, sku: &str, pieces: i64) -> Result<(), NotSold> {
        let start = self.request(Method::POST, "/v1/sessions");
        let start = start.json(&json!({ "kiosk": "till", "language": "en" }));
        let answer = done(start).await?;
        let Started { session } = answer.json().await.map_err(|_| NotSold)?;
        let put = self.request(Method::PUT, &format!("/v1/sessions/{session}/basket/{sku}"));
        let pay = self.request(Method::POST, &format!("/v1/sessions/{session}/checkout"));
        let key = format!("till-{:016x}-{document}", self.run);
        let paid = async {
            done(put.json(&json!({ "quantity": pieces }))).await?;
            done(pay.header("Idempotency-Key", key)).await
        };
        if paid.await.is_ok() {
            return Ok(());
        }
        // What was begun is not left open; that it cannot be sold is told already.
        let leave = self.request(Method::DELETE, &format!("/v1/sessions/{session}?reason=left"));
        drop(done(leave).await);
        Err(NotSold)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }
}

async fn done(request: RequestBuilder) -> Result<reqwest::Response, NotSold> {
    let answer = request.send().await.and_then(reqwest::Response::error_for_status);
    answer.map_err(|_| NotSold)
}
