//! A client of the node's API that keeps every answer as it came.

use super::wait::eventually;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(20);
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one node.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: Client,
    url: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header's text; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Its body, when it has this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Its body, when it is a problem with this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        let problem = self.json(status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:#?}");
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "no `{field}`: {self:#?}");
        }
        assert_eq!(problem["status"], status, "{self:#?}");
        problem
    }

    /// Its body, when it is a problem with this status that names this field with a reason.
    #[track_caller]
    pub(crate) fn problem_with(&self, status: u16, field: &str) -> Value {
        let problem = self.problem(status);
        let named = problem["errors"].as_array().is_some_and(|errors| {
            errors.iter().any(|error| {
                error["field"] == field && error["reason"].as_str().is_some_and(|reason| !reason.is_empty())
            })
        });
        assert!(named, "`{field}` is not named: {self:#?}");
        problem
    }
}

impl Api {
    pub(crate) fn new(url: &str) -> Self {
        let http = Client::builder().timeout(TIMEOUT).no_proxy().build().expect("a client");
        Self { http, url: url.into() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, body: answer.text().await? })
    }

    pub(crate) async fn send(request: RequestBuilder) -> Answer {
        Self::try_send(request).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Self::send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Self::send(self.request(Method::DELETE, path)).await
    }

    /// Begins a session.
    pub(crate) async fn session(&self) -> String {
        let started = self.post("/v1/sessions", &json!({ "language": "en" })).await.json(201);
        started["session"].as_str().expect("a session").to_owned()
    }

    /// Sets how much of a product a basket holds.
    pub(crate) async fn set(&self, session: &str, sku: &str, quantity: u64) -> Answer {
        self.put(&format!("/v1/sessions/{session}/basket/{sku}"), &json!({ "quantity": quantity })).await
    }

    /// How much of a product a basket holds.
    pub(crate) async fn held(&self, session: &str, sku: &str) -> f64 {
        let basket = self.get(&format!("/v1/sessions/{session}/basket")).await.json(200);
        let lines = basket["lines"].as_array().expect("lines");
        let line = lines.iter().find(|line| line["product"]["sku"] == sku);
        line.map_or(0.0, |line| line["quantity"].as_f64().expect("a number"))
    }

    pub(crate) async fn check_out(&self, session: &str, key: &str) -> Answer {
        let path = format!("/v1/sessions/{session}/checkout");
        Self::send(self.request(Method::POST, &path).header("Idempotency-Key", key)).await
    }

    /// Waits until the node knows everything that its journal knows.
    pub(crate) async fn ready(&self) {
        eventually("readiness", READY_TIMEOUT, async || {
            (self.get("/readyz").await.status == 200).then_some(())
        })
        .await;
    }

    pub(crate) async fn health(&self) -> Value {
        self.get("/healthz").await.json(200)
    }

    /// The last sequence number that is durable.
    pub(crate) async fn durable(&self) -> u64 {
        self.health().await["journal"]["durable_seq"].as_u64().expect("a sequence number")
    }

    /// The last sequence number once the node has written what it writes by itself at its start.
    pub(crate) async fn settled(&self) -> u64 {
        let mut last = self.durable().await;
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.durable().await;
            if now == last {
                break;
            }
            last = now;
        }
        last
    }

    /// One sample of `/metrics`, by its name with its labels as they are written there.
    pub(crate) async fn metric(&self, sample: &str) -> Option<f64> {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200);
        answer.body.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
    }
}
