//! The hub, asked over its HTTP interface: one request at a time, sent again where that is safe.
//!
//! ```text
//! Ask ─> curl line (--show-request) ─> sent with one Idempotency-Key ─┬─> Answer
//!          ▲                                                         └─> again: unreached, broken off, busy
//!          └── what, where: the verbs
//! ```
//!
//! Not here: which hub and which token ([`super::at`]), when it is asked again ([`super::again`]). Guards: a token goes to the hub that it is for, over TLS or
//! on this machine, and never behind a redirection.

use super::{
    again::{Came, wait},
    ask::{Ask, Body, By, Method, NOTHING},
    error::FleetError,
    problem,
};
use crate::output;
use data_encoding::HEXLOWER;
use rustls::crypto::CryptoProvider;
use serde_json::Value;
use std::{fs, path::PathBuf, sync::Arc, thread, time::Duration};
use ureq::{
    Agent,
    http::{self, HeaderMap, Request, Response},
    tls::{Certificate, PemItem, RootCerts, TlsConfig},
};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take. A preflight of ten thousand nodes and a transaction of a busy database lie within.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 32 << 20;
/// The longest file of roots that is read, in bytes.
const ROOTS_BYTES_MAX: u64 = 1 << 20;

/// Where a hub is, and what opens it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `https://hub.example`, without a slash behind it.
    pub(super) origin: String,
    /// The token; none while somebody signs in.
    pub(super) token: Option<String>,
    /// Whom to believe that it is the hub; whom the system believes, where there is none.
    pub(super) ca_file: Option<PathBuf>,
}

/// A session, by which somebody does what wants a person: for [`super::sign_in`] alone.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) cookie: String,
    pub(super) csrf: String,
}

/// A hub.
pub(super) struct Hub {
    place: Place,
    agent: Agent,
    crypto: Arc<CryptoProvider>,
    session: Option<Session>,
    shows: bool,
}

/// What it answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    /// `name=value` of the cookie that it sets.
    pub(super) cookie: Option<String>,
    /// Null where there is none.
    pub(super) body: Value,
}

impl Answer {
    /// Whether it was not done, because another person has to agree.
    pub(super) const fn waits(&self) -> bool {
        self.status == 202
    }
}

impl Hub {
    /// At a place. `shows`: each request is shown before it is sent.
    ///
    /// # Errors
    /// When the file of roots cannot be read, or holds none.
    pub(super) fn at(place: Place, shows: bool) -> Result<Self, FleetError> {
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_recv_body(Some(ANSWER_TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("aisle/", env!("CARGO_PKG_VERSION")));
        let config = if place.origin.starts_with("https://") {
            let tls = TlsConfig::builder().root_certs(roots(&place)?);
            config.tls_config(tls.unversioned_rustls_crypto_provider(Arc::clone(&crypto)).build())
        } else {
            // What goes to this machine goes by no other one.
            config.proxy(None)
        };
        Ok(Self { agent: config.build().new_agent(), place, crypto, session: None, shows })
    }

    pub(super) fn origin(&self) -> &str {
        &self.place.origin
    }

    /// The same hub for somebody who is to sign in.
    ///
    /// # Errors
    /// When the file of roots cannot be read any more.
    pub(super) fn without_token(&self) -> Result<Self, FleetError> {
        Self::at(Place { token: None, ..self.place.clone() }, self.shows)
    }

    /// From now on by a session.
    pub(super) fn with_session(mut self, session: Session) -> Self {
        self.session = Some(session);
        self
    }

    /// Asks, and again where that is safe and may help.
    ///
    /// # Errors
    /// When the hub refuses, or does not answer.
    pub(super) fn ask(&self, ask: &Ask) -> Result<Answer, FleetError> {
        // A sign-in has no key: nobody is known yet whose key it could be.
        let keyed = ask.method.changes() && (self.place.token.is_some() || self.session.is_some());
        let key = keyed.then(|| self.key()).transpose()?;
        if self.shows {
            let ca = self.place.ca_file.as_ref().map(|file| file.display().to_string());
            output::aside(ask.curl(&self.place.origin, self.by(), key.as_deref(), ca.as_deref()));
        }
        let is_once = !ask.method.changes() || key.is_some();
        let mut tries = 1;
        loop {
            let sent = self.send(ask, key.as_deref());
            let came = match &sent {
                Ok((status, headers, _)) => Came::Answered(*status, seconds(headers)),
                Err(error) => came(error),
            };
            if let Some(pause) = wait(came, is_once, tries) {
                thread::sleep(pause);
                tries += 1;
                continue;
            }
            return match sent {
                Ok((status, headers, body)) => self.answer(status, &headers, &body),
                Err(error) => Err(self.silent(&error, tries)),
            };
        }
    }

    const fn by(&self) -> By {
        match (&self.place.token, &self.session) {
            (Some(_), _) => By::Token,
            (None, Some(_)) => By::Session,
            (None, None) => By::Nobody,
        }
    }

    fn send(&self, ask: &Ask, key: Option<&str>) -> Result<(u16, HeaderMap, Vec<u8>), ureq::Error> {
        let mut request = Request::builder()
            .method(ask.method.as_str())
            .uri(format!("{}{}", self.place.origin, ask.target()))
            .header("accept", "application/json");
        if let Some(token) = &self.place.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(session) = &self.session {
            request = request.header("cookie", &session.cookie).header("x-csrf-token", &session.csrf);
        }
        if self.place.token.is_none() {
            request = request.header("origin", &self.place.origin);
        }
        let headers = [
            ("content-type", ask.body.media_type()),
            ("if-match", ask.if_match.as_deref()),
            ("idempotency-key", key),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let response = match (ask.method, &ask.body) {
            (Method::Get | Method::Delete, _) => self.agent.run(built(request.body(()))?)?,
            (_, Body::None) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(built(request.body(NOTHING.as_bytes()))?)?
            }
            (_, body) => self.agent.run(built(request.body(body.bytes()))?)?,
        };
        read(response)
    }

    fn answer(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Answer, FleetError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        match status {
            200..=299 => {}
            300..=399 => {
                let to = text("location").unwrap_or_default();
                let why = format!("it leads on to `{}`", output::plain(&to));
                return Err(FleetError::Strange { hub: self.place.origin.clone(), why });
            }
            _ => {
                let problem = text("content-type").and_then(|media_type| problem::of_hub(&media_type, body));
                return Err(FleetError::Refused { said: problem::said(status, body), status, problem });
            }
        }
        let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
        let body = body.map_err(|_| FleetError::Strange {
            hub: self.place.origin.clone(),
            why: "that is no JSON".to_owned(),
        })?;
        let cookie = text("set-cookie").and_then(|set| Some(set.split(';').next()?.trim().to_owned()));
        Ok(Answer { status, etag: text("etag"), cookie, body })
    }

    fn silent(&self, error: &ureq::Error, tries: u32) -> FleetError {
        let hint = match error {
            ureq::Error::HostNotFound => "\nhint: is the name right?",
            error if is_tls(error) => {
                "\nhint: where the hub's certificate comes from a root of your own, name it with `--ca-file`"
            }
            _ => "\nhint: does the hub run, and does `--hub` name the port of its interface?",
        };
        let why = output::plain(&error.to_string());
        FleetError::NoAnswer { hub: self.place.origin.clone(), tries, why, hint }
    }

    /// A key that nobody else has.
    fn key(&self) -> Result<String, FleetError> {
        let mut bytes = [0; 16];
        self.crypto.secure_random.fill(&mut bytes).map_err(|_| FleetError::NoRandomness)?;
        Ok(HEXLOWER.encode(&bytes))
    }
}

fn built<T>(request: Result<Request<T>, http::Error>) -> Result<Request<T>, ureq::Error> {
    request.map_err(ureq::Error::Http)
}

fn read(response: Response<ureq::Body>) -> Result<(u16, HeaderMap, Vec<u8>), ureq::Error> {
    let (parts, body) = response.into_parts();
    let bytes = body.into_with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
    Ok((parts.status.as_u16(), parts.headers, bytes))
}

/// In how many seconds a hub wants to be asked again.
fn seconds(headers: &HeaderMap) -> Option<u64> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()
}

/// What follows from an error.
fn came(error: &ureq::Error) -> Came {
    match error {
        ureq::Error::ConnectionFailed | ureq::Error::Timeout(ureq::Timeout::Connect) => Came::Unreached,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Came::Unreached,
        ureq::Error::HostNotFound => Came::Hopeless,
        error if is_tls(error) => Came::Hopeless,
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::BodyExceedsLimit(_) => Came::Hopeless,
        _ => Came::Broken,
    }
}

/// Whether the two could not agree on TLS, or one does not believe the other. In a handshake that comes as an error of reading or writing.
fn is_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Io(error) => {
            error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
        }
        _ => false,
    }
}

fn roots(place: &Place) -> Result<RootCerts, FleetError> {
    let Some(file) = &place.ca_file else {
        let found = rustls_native_certs::load_native_certs().certs;
        let certificates: Vec<_> = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        return Ok(RootCerts::new_with_certs(&certificates));
    };
    let is_long = fs::metadata(file).is_ok_and(|about| about.len() > ROOTS_BYTES_MAX);
    let content = |why: &str| FleetError::Content { path: file.clone(), why: why.to_owned() };
    if is_long {
        return Err(content("is too long for a file of certificates"));
    }
    let pem =
        fs::read(file).map_err(|source| FleetError::File { what: "read", path: file.clone(), source })?;
    let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(content("holds no certificate in PEM"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
