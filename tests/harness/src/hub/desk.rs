//! What a hub tells over HTTP, for whoever has its token.

use super::{HubError, HubUnderTest, Removed};
use data_encoding::HEXLOWER_PERMISSIVE;
use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;

/// How long an answer may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The most rows of a page.
const ROWS: &str = "1000";

/// Who asks the hub.
#[derive(Debug, Clone)]
pub struct Desk {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// How far a log of a store is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cursor {
    /// `sales`, `stock`, `telemetry`, `bulk`.
    pub class: String,
    /// The epoch, in hexadecimal digits.
    pub epoch: String,
    /// The last event that is there.
    pub through: u64,
    /// True when nothing more of it is taken.
    pub quarantined: bool,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Receipt {
    last_seq: u64,
    receipt: String,
}

#[derive(Deserialize)]
struct Event {
    name: Option<String>,
}

impl Desk {
    /// At a hub that runs.
    ///
    /// # Errors
    /// When its token cannot be read, or no HTTP client can be made.
    pub fn at(hub: &HubUnderTest) -> Result<Self, HubError> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build();
        let http = http.map_err(|source| HubError::NoAnswer { path: hub.url(), source })?;
        Ok(Self { http, url: hub.url(), token: hub.token()? })
    }

    /// How far the logs of a store are; none for a store that never came.
    ///
    /// # Errors
    /// When there is no answer, or it says no.
    pub async fn cursors(&self, store: &str) -> Result<Vec<Cursor>, HubError> {
        let page: Option<Page<Cursor>> = self.get(&format!("/v1/stores/{store}/cursors"), &[]).await?;
        Ok(page.map(|page| page.items).unwrap_or_default())
    }

    /// What the receipts of a log after an event say became of fields, and the last event that they cover. Receipts of which nobody can
    /// make anything count for nothing.
    ///
    /// # Errors
    /// When there is no answer, or it says no.
    pub async fn receipts(
        &self,
        store: &str,
        log: &Cursor,
        mut after: u64,
    ) -> Result<(Removed, u64), HubError> {
        let path = format!("/v1/stores/{store}/receipts");
        let mut removed = Removed::default();
        loop {
            let last = after.to_string();
            let asked = [
                ("class", log.class.as_str()),
                ("epoch", log.epoch.as_str()),
                ("after", last.as_str()),
                ("limit", ROWS),
            ];
            let Some(page) = self.get::<Page<Receipt>>(&path, &asked).await? else { break };
            for row in &page.items {
                let bytes = HEXLOWER_PERMISSIVE.decode(row.receipt.as_bytes()).unwrap_or_default();
                removed += Removed::read(&bytes).unwrap_or_default();
                after = after.max(row.last_seq);
            }
            if page.next.is_none() {
                break;
            }
        }
        Ok((removed, after))
    }

    /// How many events of a type a store has sent that happened since a time, in milliseconds since 1970.
    ///
    /// # Errors
    /// When there is no answer, or it says no.
    pub async fn count(&self, store: &str, name: &str, from_ms: i64) -> Result<u64, HubError> {
        let path = format!("/v1/stores/{store}/events");
        let from = from_ms.max(0).to_string();
        let (mut count, mut after): (u64, Option<String>) = (0, None);
        loop {
            let mut asked = vec![("from_ms", from.as_str()), ("limit", ROWS)];
            asked.extend(after.as_deref().map(|after| ("after", after)));
            let Some(page) = self.get::<Page<Event>>(&path, &asked).await? else { return Ok(count) };
            count += page.items.iter().filter(|event| event.name.as_deref() == Some(name)).count() as u64;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(count),
            }
        }
    }

    /// `None` where there is no such thing.
    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<T>, HubError> {
        let no_answer = |source| HubError::NoAnswer { path: path.into(), source };
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).query(query);
        let answer = request.send().await.map_err(no_answer)?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => answer.json().await.map(Some).map_err(no_answer),
            status => Err(HubError::Refused { path: path.into(), status }),
        }
    }
}
