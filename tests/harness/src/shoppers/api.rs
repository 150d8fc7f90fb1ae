//! The part of the node's API that a shopper touches, and the fields of its answers that a shopper reads.

use super::tally::{Tally, count};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

/// Recommendations asked for at a time.
const COUNT: usize = 6;

/// Why a step came to nothing. Already counted when it is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// The node said no for a reason.
    Refused,
    /// There was no usable answer.
    Broken,
}

#[derive(Debug, Deserialize)]
pub(super) struct Started {
    pub(super) session: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Product {
    pub(super) sku: String,
    pub(super) unit: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Products {
    pub(super) products: Vec<Product>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Recommended {
    pub(super) items: Vec<Item>,
    pub(super) rung: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Item {
    pub(super) product: Product,
}

/// A client of one node.
#[derive(Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    url: String,
    tally: Arc<Tally>,
}

impl Api {
    pub(super) fn new(http: reqwest::Client, url: &str, tally: Arc<Tally>) -> Self {
        Self { http, url: url.trim_end_matches('/').into(), tally }
    }

    pub(super) async fn start(&self, language: &str) -> Result<Started, Failed> {
        let request = self.request(Method::POST, "/v1/sessions");
        self.read(request.json(&json!({ "kiosk": "simulated", "language": language }))).await
    }

    pub(super) async fn leave(&self, session: &str) -> Result<(), Failed> {
        self.done(self.request(Method::DELETE, &format!("/v1/sessions/{session}?reason=left"))).await
    }

    pub(super) async fn search(&self, terms: &str) -> Result<Products, Failed> {
        self.read(self.request(Method::GET, "/v1/search").query(&[("q", terms), ("limit", "12")])).await
    }

    pub(super) async fn recommendations(
        &self,
        slot: &str,
        session: &str,
        sku: Option<&str>,
    ) -> Result<Recommended, Failed> {
        let request = self.request(Method::GET, &format!("/v1/recommendations/{slot}"));
        let request = request.query(&[("session", session), ("count", &COUNT.to_string())]);
        self.read(request.query(&sku.map(|sku| ("sku", sku)).as_slice())).await
    }

    pub(super) async fn product(&self, sku: &str) -> Result<Product, Failed> {
        self.read(self.request(Method::GET, &format!("/v1/products/{sku}"))).await
    }

    pub(super) async fn event(&self, session: &str, event: Value) -> Result<(), Failed> {
        self.done(self.request(Method::POST, &format!("/v1/sessions/{session}/events")).json(&event)).await
    }

    pub(super) async fn put(&self, session: &str, sku: &str, quantity: f64) -> Result<(), Failed> {
        let request = self.request(Method::PUT, &format!("/v1/sessions/{session}/basket/{sku}"));
        self.done(request.json(&json!({ "quantity": quantity }))).await
    }

    pub(super) async fn check_out(&self, session: &str, key: &str) -> Result<(), Failed> {
        let request = self.request(Method::POST, &format!("/v1/sessions/{session}/checkout"));
        self.done(request.header("Idempotency-Key", key)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    async fn done(&self, request: RequestBuilder) -> Result<(), Failed> {
        self.send(request).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failed> {
        let body = self.send(request).await?;
        serde_json::from_slice(&body).map_err(|_| self.broken())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, Failed> {
        let begun = Instant::now();
        let answer = request.send().await.map_err(|_| self.broken())?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|_| self.broken())?;
        let us = begun.elapsed().as_micros() as u64;
        count(&self.tally.requests);
        self.tally.request_us.fetch_add(us, Relaxed);
        self.tally.request_us_max.fetch_max(us, Relaxed);
        if status.is_success() {
            Ok(body.to_vec())
        } else if status.is_client_error() {
            count(&self.tally.refusals);
            Err(Failed::Refused)
        } else {
            Err(self.broken())
        }
    }

    fn broken(&self) -> Failed {
        count(&self.tally.errors);
        Failed::Broken
    }
}
