//! A seller: one basket after the other, each paid until an answer comes, whatever is killed meanwhile.

use super::{
    ledger::Ledger,
    store::{self, Store},
};
use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::sleep};

/// How long a request may take.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// How long a step may come to nothing: a node that starts does not know its sessions at once.
const STEP_MAX: Duration = Duration::from_secs(90);
/// The wait after a step that came to nothing.
const AGAIN: Duration = Duration::from_millis(30);

#[derive(Debug)]
pub(super) struct Seller {
    number: u16,
    http: reqwest::Client,
    url: watch::Receiver<Option<String>>,
    ledger: Arc<Ledger>,
    stopped: watch::Receiver<bool>,
}

impl Seller {
    pub(super) fn new(store: &Store, number: u16, stopped: watch::Receiver<bool>) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(REQUEST_MAX).build()?;
        Ok(Self { number, http, url: store.url(), ledger: store.ledger().clone(), stopped })
    }

    /// Sells until it is told to stop; a basket that has begun is paid first.
    pub(super) async fn sell(mut self) -> Result<()> {
        for turn in 0_u32.. {
            if *self.stopped.borrow() {
                break;
            }
            self.basket(turn).await.with_context(|| format!("seller {}, basket {turn}", self.number))?;
        }
        Ok(())
    }

    async fn basket(&mut self, turn: u32) -> Result<()> {
        let (started, _) = self.step(Method::POST, "/v1/sessions", None, &json!({})).await?;
        let session =
            started.get("session").and_then(Value::as_str).context("a session has no id")?.to_owned();
        for line in 0..=turn % 3 {
            let sku = store::sku(turn.wrapping_mul(7).wrapping_add(line * 3));
            let path = format!("/v1/sessions/{session}/basket/{sku}");
            self.step(Method::PUT, &path, None, &json!({ "quantity": 1 + turn % 4 })).await?;
        }
        let key = format!("{}-{turn}", self.number);
        let path = format!("/v1/sessions/{session}/checkout");
        let (receipt, attempts) = self.step(Method::POST, &path, Some(&key), &json!({})).await?;
        let document =
            receipt.get("document").and_then(Value::as_str).context("a receipt has no document")?;
        self.ledger.sold(document, attempts)
    }

    /// Asks until there is a good answer, of whichever start of the node; gives it, and how often it was asked for.
    async fn step(
        &mut self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<(Value, u32)> {
        let deadline = Instant::now() + STEP_MAX;
        let mut last = String::from("the node was not there");
        for attempt in 1.. {
            let url = self.url.wait_for(Option::is_some).await?.clone().unwrap_or_default();
            let request = self.http.request(method.clone(), format!("{url}{path}")).json(body);
            let request = match key {
                Some(key) => request.header("Idempotency-Key", key),
                None => request,
            };
            match answered(request).await {
                Ok((status, body)) if status.is_success() => {
                    // Not every answer has a body; what is wanted of one is looked for by who wants it.
                    return Ok((serde_json::from_str(&body).unwrap_or_default(), attempt));
                }
                Ok((status, body)) => last = format!("{status}: {body}"),
                Err(error) => last = format!("{error}"),
            }
            if Instant::now() > deadline {
                break;
            }
            sleep(AGAIN).await;
        }
        bail!("`{path}` came to nothing within {STEP_MAX:?}: {last}")
    }
}

async fn answered(request: RequestBuilder) -> reqwest::Result<(StatusCode, String)> {
    let answer = request.send().await?;
    Ok((answer.status(), answer.text().await?))
}
