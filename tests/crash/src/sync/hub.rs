//! What the hub says that it has.

use aisle_harness::hub::HubUnderTest;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::time::Duration;

/// How long a page may take.
const PAGE_MAX: Duration = Duration::from_secs(30);
/// Sales, by the name of their type.
const SALE: &str = "SaleRecorded";

/// Who asks a hub that runs.
#[derive(Debug)]
pub(super) struct Asked {
    http: reqwest::Client,
    url: String,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Row>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: Option<String>,
    payload: serde_json::Value,
}

impl Asked {
    pub(super) fn at(hub: &HubUnderTest) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(PAGE_MAX).build()?;
        Ok(Self { http, url: hub.url(), token: hub.token()? })
    }

    /// The documents of all sales of a store, one for each event; none of a store that never came.
    pub(super) async fn sales(&self, store: &str) -> Result<Vec<String>> {
        let first = format!("{}/v1/stores/{store}/events?limit=1000", self.url);
        let (mut documents, mut page) = (Vec::new(), first.clone());
        loop {
            let answer = self.http.get(&page).bearer_auth(&self.token).send().await?;
            if answer.status() == reqwest::StatusCode::NOT_FOUND {
                return Ok(documents);
            }
            let Page { items, next } = answer.error_for_status()?.json().await?;
            for Row { name, payload } in items {
                if name.as_deref() == Some(SALE) {
                    let document = payload.get("document").and_then(serde_json::Value::as_str);
                    let document =
                        document.with_context(|| format!("a sale at the hub has no document: {payload}"))?;
                    ensure!(!document.is_empty(), "a sale at the hub has an empty document");
                    documents.push(document.to_owned());
                }
            }
            match next {
                Some(next) => page = format!("{first}&after={next}"),
                None => return Ok(documents),
            }
        }
    }
}
