//! A node that runs, asked over its admin API with the token of its data directory.
//!
//! An answer is read as a stream where it may be long, and up to a bound where it is one thing.

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};
use ureq::{Agent, Body, http::Response};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may be awaited. A node compiles a component before it answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long one read of an answer may take: a node that has stopped in the middle is not waited for.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer that is read as one thing.
const ANSWER_BYTES_MAX: u64 = 8 << 20;
/// So much of a token file is read.
const TOKEN_BYTES_MAX: u64 = 1_024;

/// Which node, and what opens it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct At {
    /// Address of the node, such as `http://127.0.0.1:8480`
    #[arg(long, value_name = "URL", env = "AISLE_NODE")]
    node: String,
    /// File with the token of the node's administrators: `admin.token` in its data directory
    #[arg(long, value_name = "FILE", env = "AISLE_TOKEN_FILE")]
    token_file: PathBuf,
}

/// The node.
#[derive(Debug)]
pub(crate) struct Node {
    url: String,
    bearer: String,
    agent: Agent,
}

/// What a refusal says of itself (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Wrong {
    field: String,
    reason: String,
}

impl Node {
    /// The node at an address.
    ///
    /// # Errors
    /// When the address is none, or the token cannot be read.
    pub(crate) fn at(at: &At) -> Result<Self> {
        Self::new(&at.node, &at.token_file)
    }

    /// The node at a URL, with a file that holds its token.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub(crate) fn new(url: &str, token_file: &Path) -> Result<Self> {
        let url = url.trim_end_matches('/');
        if !url.starts_with("http://") {
            bail!(
                "`--node` is `{url}`, which is no address of a node\nhint: it looks like `http://127.0.0.1:8480`"
            );
        }
        let mut token = String::new();
        File::open(token_file)
            .and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut token))
            .with_context(|| {
                format!(
                    "`--token-file`: cannot read `{}`\nhint: it is `admin.token` in the node's data directory, readable by the node's user",
                    token_file.display()
                )
            })?;
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("`--token-file`: `{}` holds no token", token_file.display());
        }
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            // Not the whole answer: a long one is worked through while it comes.
            .timeout_per_read(Some(READ_TIMEOUT))
            .http_status_as_error(false)
            // A token goes to nobody else than whom it was meant for.
            .max_redirects(0)
            .proxy(None)
            .build()
            .new_agent();
        Ok(Self { url: url.to_owned(), bearer: format!("Bearer {token}"), agent })
    }

    /// Reads something.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.whole(self.agent.get(self.to(path)).header("authorization", &self.bearer).call())
    }

    /// Reads something that may be long.
    pub(crate) fn stream(&self, path: &str) -> Result<impl Read + Send + use<>> {
        let answer = self.agent.get(self.to(path)).header("authorization", &self.bearer).call();
        Ok(self.granted(answer)?.into_body().into_reader())
    }

    /// Puts something in the place of what is there.
    pub(crate) fn put<T: DeserializeOwned>(&self, path: &str, body: &impl serde::Serialize) -> Result<T> {
        let body = serde_json::to_vec(body)?;
        let request = self.agent.put(self.to(path)).header("authorization", &self.bearer);
        self.whole(request.header("content-type", "application/json").send(&body[..]))
    }

    /// Has something done.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.agent.post(self.to(path)).header("authorization", &self.bearer);
        self.whole(request.header("content-type", "application/json").send(&b"{}"[..]))
    }

    /// Removes something.
    pub(crate) fn delete(&self, path: &str) -> Result<()> {
        let answer = self.agent.delete(self.to(path)).header("authorization", &self.bearer).call();
        self.granted(answer).map(drop)
    }

    fn to(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn whole<T: DeserializeOwned>(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<T> {
        let body = self.read(self.granted(answer)?)?;
        serde_json::from_slice(&body)
            .with_context(|| format!("the node at `{}` answers something else", self.url))
    }

    fn granted(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>> {
        let answer = answer.map_err(|error| self.silent(&error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(answer)) }
    }

    fn read(&self, answer: Response<Body>) -> Result<Vec<u8>> {
        let body = answer.into_body().into_with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        body.with_context(|| format!("the answer of `{}` broke off", self.url))
    }

    fn silent(&self, error: &ureq::Error) -> anyhow::Error {
        anyhow!(
            "no node answers at `{}`: {error}\nhint: start it with `aisle-node run`, or say where it is with `--node`",
            self.url
        )
    }

    fn refused(&self, answer: Response<Body>) -> anyhow::Error {
        let status = answer.status();
        let hint = match status.as_u16() {
            401 => {
                "\nhint: the token is that of another node; take `admin.token` from this node's data directory"
            }
            404 => "\nhint: see `aisle plugin list`",
            _ => "",
        };
        let problem = self.read(answer).ok().and_then(|body| serde_json::from_slice::<Problem>(&body).ok());
        let Some(Problem { title, detail, errors }) = problem else {
            return anyhow!("the node at `{}` answered {status}{hint}", self.url);
        };
        let mut text = if detail.is_empty() { title } else { format!("{title}: {detail}") };
        for Wrong { field, reason } in errors {
            if !text.contains(&reason) {
                text.push_str(&format!("; `{field}` {reason}"));
            }
        }
        // What a node says is shown on a terminal; its own hint stays a line of its own.
        let (said, own) =
            text.split_once("\nhint: ").map_or((text.as_str(), None), |(said, own)| (said, Some(own)));
        let said = crate::output::plain(said);
        match own {
            Some(own) => anyhow!("{said}\nhint: {}", crate::output::plain(own)),
            None => anyhow!("{said}{hint}"),
        }
    }
}

/// A text as part of a path.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn what_would_lead_elsewhere_is_encoded() {
        assert_eq!(encoded("multi-buy"), "multi-buy");
        assert_eq!(encoded("a/../b?c d"), "a%2F..%2Fb%3Fc%20d");
    }
}
