//! Where objects lie: a folder, or a bucket of S3 or of something that speaks its protocol.
//!
//! For S3 the usual variables say who asks and where: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …. Requests
//! go over the TLS that the rest of the hub uses, believing the system's roots. Not here: what objects are
//! ([`crate::content`], [`crate::export`]).

use http_body_util::BodyExt as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as Tcp},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions, ObjectStore,
    aws::AmazonS3Builder,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
    local::LocalFileSystem,
    path::Path as Prefix,
    prefix::PrefixStore,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{
    fmt,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

/// How long an answer may take to begin.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How long a connection may take to open.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Where objects lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket, below a prefix.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix; empty for the whole bucket.
        prefix: String,
    },
}

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is none.
    #[error("`{0}` is neither a folder nor `s3://BUCKET/PREFIX`")]
    Form(String),
    /// The folder cannot be made or used.
    #[error("cannot use the folder `{folder}`: {reason}")]
    Folder {
        /// Which.
        folder: String,
        /// Why not.
        reason: String,
    },
    /// The bucket cannot be used.
    #[error(
        "cannot use the bucket `{bucket}`\nhint: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION say who asks, AWS_ENDPOINT_URL where"
    )]
    Bucket {
        /// Which.
        bucket: String,
        /// Why not.
        source: object_store::Error,
    },
}

impl Place {
    /// Reads a place. A relative folder is meant from `beside`.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str, beside: &Path) -> Result<Self, PlaceError> {
        let Some(rest) = text.strip_prefix("s3://") else {
            let is_folder = !text.is_empty() && !text.contains("://");
            return if is_folder {
                Ok(Self::Folder(beside.join(text)))
            } else {
                Err(PlaceError::Form(text.to_owned()))
            };
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(PlaceError::Form(text.to_owned()));
        }
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }

    /// Opens it. A folder is made where it is not there; a bucket is not. An endpoint goes over `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(&self, endpoint: Option<&str>) -> Result<Arc<dyn ObjectStore>, PlaceError> {
        match self {
            Self::Folder(folder) => {
                let unusable = |reason: &dyn fmt::Display| PlaceError::Folder {
                    folder: folder.display().to_string(),
                    reason: reason.to_string(),
                };
                std::fs::create_dir_all(folder).map_err(|error| unusable(&error))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| unusable(&error))?;
                Ok(Arc::new(store.with_fsync(true)))
            }
            Self::S3 { bucket, prefix } => {
                let mut builder =
                    AmazonS3Builder::from_env().with_bucket_name(bucket).with_http_connector(OurTls);
                if let Some(endpoint) = endpoint {
                    builder =
                        builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
                }
                let failed = |source| PlaceError::Bucket { bucket: bucket.clone(), source };
                let store = builder.build().map_err(failed)?;
                let prefix = Prefix::parse(prefix).map_err(|error| failed(error.into()))?;
                Ok(if prefix.as_ref().is_empty() {
                    Arc::new(store)
                } else {
                    Arc::new(PrefixStore::new(store, prefix))
                })
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Makes clients that use the hub's TLS.
#[derive(Debug)]
struct OurTls;

impl HttpConnector for OurTls {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let failed =
            |error: rustls::Error| object_store::Error::Generic { store: "S3", source: error.into() };
        let mut roots = RootCertStore::empty();
        // A root that cannot be read is one that is not believed; without any, every server is refused.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_MAX));
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(8)
            .build(tls.wrap_connector(tcp));
        Ok(HttpClient::new(Line(client)))
    }
}

#[derive(Debug)]
struct Line(Client<HttpsConnector<Tcp>, HttpRequestBody>);

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Line {
    fn call<'life0, 'async_trait>(&'life0 self, request: HttpRequest) -> Answer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let answered = tokio::time::timeout(ANSWER_MAX, self.0.request(request)).await;
            let answered = answered.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?;
            let (parts, body) = answered
                .map_err(|error| {
                    let kind =
                        if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
                    HttpError::new(kind, error)
                })?
                .into_parts();
            let body = body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error));
            Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
        })
    }
}
