//! The way to the identity provider: bounded answers, in bounded time, over the TLS that the rest of the hub uses.
//!
//! Plain HTTP is taken to this machine only, for development and tests. Redirects are not followed. Not here: what is asked ([`super`]).

use axum::http::{Method, Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{path::Path, sync::Arc, time::Duration};

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 512 << 10;
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// An address that is not called.
    #[error("`{0}` is not called\nhint: it has to begin with `https://`")]
    Address(String),
    /// The roots cannot be used.
    #[error("`oidc.roots`: cannot read `{path}`: {reason}")]
    Roots {
        /// Which file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// No answer, or one that is too long or takes too long.
    #[error("`{url}` does not answer: {reason}")]
    Silent {
        /// Which.
        url: String,
        /// Why not.
        reason: String,
    },
    /// Another answer than was hoped for.
    #[error("`{url}` answers {status}{said}")]
    Status {
        /// Which.
        url: String,
        /// The status.
        status: StatusCode,
        /// What it says, as the end of a sentence.
        said: String,
    },
}

/// The way to the provider. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Whether an address may be called.
pub(crate) fn is_fit(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => matches!(host, "127.0.0.1" | "localhost" | "[::1]"),
        _ => false,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Wire {
    pub(super) fn open(roots_file: Option<&Path>) -> Result<Self, WireError> {
        let mut roots = RootCertStore::empty();
        match roots_file {
            None => {
                // A root that cannot be read is one that is not believed; without any, every server is refused.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Some(path) => {
                let failed = |reason: &dyn std::fmt::Display| WireError::Roots {
                    path: path.display().to_string(),
                    reason: reason.to_string(),
                };
                for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
                    roots
                        .add(certificate.map_err(|error| failed(&error))?)
                        .map_err(|error| failed(&error))?;
                }
            }
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(ANSWER_MAX));
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            // A connection for each question: they are rare, and one that has waited may be gone.
            .pool_max_idle_per_host(0)
            .build(tls.wrap_connector(tcp));
        Ok(Self { client })
    }

    /// Reads.
    pub(super) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Bytes, WireError> {
        let authorization = bearer.map(|token| format!("Bearer {token}"));
        self.call(Method::GET, url, authorization, None).await
    }

    /// Sends a form.
    pub(super) async fn post(
        &self,
        url: &str,
        authorization: Option<String>,
        form: String,
    ) -> Result<Bytes, WireError> {
        self.call(Method::POST, url, authorization, Some(form)).await
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        authorization: Option<String>,
        form: Option<String>,
    ) -> Result<Bytes, WireError> {
        if !is_fit(url) {
            return Err(WireError::Address(url.chars().take(200).collect()));
        }
        let silent = |reason: &dyn std::fmt::Display| WireError::Silent {
            url: url.to_owned(),
            reason: reason.to_string(),
        };
        let mut request =
            Request::builder().method(method).uri(url).header(header::ACCEPT, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request =
            request.body(Full::new(Bytes::from(form.unwrap_or_default()))).map_err(|error| silent(&error))?;
        let answered = async {
            let answer = self.client.request(request).await.map_err(|error| silent(&chain(&error)))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            Ok::<_, WireError>((status, body.map_err(|error| silent(&error))?.to_bytes()))
        };
        let (status, body) =
            tokio::time::timeout(ANSWER_MAX, answered).await.map_err(|error| silent(&error))??;
        if status.is_success() {
            return Ok(body);
        }
        // RFC 6749 has a word for what is wrong; the rest may be anything.
        let word = serde_json::from_slice::<serde_json::Value>(&body).ok();
        let word = word.as_ref().and_then(|value| value.get("error")?.as_str());
        let said =
            word.map_or_else(String::new, |word| format!(": {}", word.chars().take(64).collect::<String>()));
        Err(WireError::Status { url: url.to_owned(), status, said })
    }
}
