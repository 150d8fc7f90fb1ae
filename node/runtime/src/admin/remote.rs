//! A node that runs, asked over HTTP with the token of its data directory.

use super::{place, token, view::Page};
use aisle_event::Timestamp;
use anyhow::{Context, bail};
use axum::{
    body::{Body, BodyDataStream, Bytes, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt::Write, path::Path, time::Duration};
use tokio::time::timeout;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer: a page of the longest there are.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The node.
pub(crate) struct Remote {
    url: String,
    token: String,
    client: Client<HttpConnector, Body>,
}

/// What a refusal says of itself.
#[derive(Deserialize)]
struct Problem {
    title: String,
    detail: String,
}

impl Remote {
    /// The node at an address, or the one that runs on a data directory.
    pub(crate) fn find(data: &Path, url: Option<&str>) -> anyhow::Result<Self> {
        let url = match url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => place::find(data)?,
        };
        if !url.starts_with("http://") {
            bail!("`{url}` is no address of a node\nhint: it looks like `http://127.0.0.1:8480`");
        }
        let path = token::path(data);
        let Some(token) = token::read(data).with_context(|| {
            let path = path.display();
            format!("cannot read the token `{path}`\nhint: run this as the user that the node runs as, with `--data` of the node")
        })?
        else {
            bail!("`{}` holds no token\nhint: remove it and start the node again: it makes one", path.display());
        };
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Ok(Self { url, token, client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let body = self.whole(Method::GET, path, None).await?;
        self.parsed(&body)
    }

    fn parsed<T: DeserializeOwned>(&self, body: &[u8]) -> anyhow::Result<T> {
        serde_json::from_slice(body)
            .with_context(|| format!("the node at `{}` answers something else", self.url))
    }

    /// Reads a list to its end. The path has a query already.
    pub(crate) async fn pages<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page: Page<T> = self.get(&format!("{path}&after={}", encoded(&after))).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return Ok(items),
            }
        }
    }

    /// Sends something, and reads what comes of it.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let body = self.whole(method, path, Some(serde_json::to_vec(body)?)).await?;
        self.parsed(&body)
    }

    /// Sends something that is answered without a body.
    pub(crate) async fn tell(&self, method: Method, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        self.whole(method, path, Some(serde_json::to_vec(body)?)).await.map(drop)
    }

    /// Reads a text, such as a drawing.
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let body = self.whole(Method::GET, path, None).await?;
        String::from_utf8(body.into())
            .with_context(|| format!("the node at `{}` answers something else", self.url))
    }

    /// Removes something.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.whole(Method::DELETE, path, None).await.map(drop)
    }

    /// Reads something that has no end.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<BodyDataStream> {
        let (status, body) = self.ask(Method::GET, path, None).await?;
        if status.is_success() {
            return Ok(body.into_data_stream());
        }
        let body = self.read(body).await?;
        Err(self.refused(status, &body))
    }

    async fn whole(&self, method: Method, path: &str, json: Option<Vec<u8>>) -> anyhow::Result<Bytes> {
        let (status, body) = self.ask(method, path, json).await?;
        let body = self.read(body).await?;
        if status.is_success() { Ok(body) } else { Err(self.refused(status, &body)) }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        json: Option<Vec<u8>>,
    ) -> anyhow::Result<(StatusCode, Body)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if json.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(json.map_or_else(Body::empty, Body::from))
            .with_context(|| format!("`{}` is no address of a node", self.url))?;
        let answer = timeout(ANSWER_TIMEOUT, self.client.request(request)).await;
        let answer = answer.with_context(|| self.silent())?.with_context(|| {
            format!("no node answers at `{}`\nhint: start it with `aisle-node run`, or say where it is with `--url`", self.url)
        })?;
        Ok((answer.status(), Body::new(answer.into_body())))
    }

    async fn read(&self, body: Body) -> anyhow::Result<Bytes> {
        let read = timeout(ANSWER_TIMEOUT, to_bytes(body, ANSWER_BYTES_MAX)).await;
        read.with_context(|| self.silent())?
            .with_context(|| format!("the answer of `{}` broke off", self.url))
    }

    fn silent(&self) -> String {
        format!("the node at `{}` does not answer within {} s", self.url, ANSWER_TIMEOUT.as_secs())
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> anyhow::Error {
        let Ok(Problem { title, detail }) = serde_json::from_slice(body) else {
            return anyhow::anyhow!("the node at `{}` answered {status}", self.url);
        };
        let hint = if status == StatusCode::UNAUTHORIZED {
            "\nhint: the token is taken from `--data`; give the data directory of that node"
        } else {
            ""
        };
        anyhow::anyhow!("{title}: {detail}{hint}")
    }
}

/// A text as part of a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// How long ago something was, as people say it.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.ms_since(at) / 1000 {
        0 => "now".into(),
        seconds => format!("{} ago", duration(seconds)),
    }
}

/// Seconds as people say them: the two largest units.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}
