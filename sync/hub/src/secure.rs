//! The pages and the interface over TLS (`listen.https`), by the certificate that stores know the hub by.
//!
//! Nobody needs a certificate to come here: people sign in and programs have tokens. Not here: the routes, how callers are let in ([`crate::callers`]), and boxes ([`crate::enrol`]),
//! whose port asks for certificates. Guards: a caller has so long for its handshake, each request's head and each piece of its body.

use crate::callers::{Bounds, Host, Port, Refusals, Shown};
use aisle_transport::Credentials;
use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request},
    middleware::map_request,
};
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use rustls::{ServerConfig, ServerConnection, crypto::ring, version::TLS13};
use std::{
    future::Future as _,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, Sleep, sleep},
};

/// Callers at once; further ones are not taken until some have gone.
const CALLERS_MAX: usize = 1_024;
/// How long a caller may take for its handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the next piece of a request's body may take, and the whole body.
const PIECE: Duration = Duration::from_secs(30);
const BODY: Duration = Duration::from_secs(600);
/// When the hub goes down, requests that have begun are given so long.
const PARTING: Duration = Duration::from_secs(10);

/// The port, open.
#[derive(Debug)]
pub(crate) struct Secure(Port);

fn settings(credentials: &Credentials) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(credentials.chain.clone(), credentials.key.clone_key())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Shows another certificate from now on. Connections that are open stay.
///
/// # Errors
/// When it cannot be used; then nothing changes.
pub(crate) fn renew(shown: &Shown, credentials: &Credentials) -> Result<(), rustls::Error> {
    shown.renew(settings(credentials)?);
    Ok(())
}

impl Secure {
    /// Listens; nobody is served before [`Secure::run`].
    ///
    /// # Errors
    /// When the address is taken, or the certificate cannot be used.
    pub(crate) async fn open(
        address: SocketAddr,
        credentials: &Credentials,
        refusals: Refusals,
    ) -> io::Result<Self> {
        let tls = settings(credentials).map_err(io::Error::other)?;
        Ok(Self(Port::open("https", address, tls, refusals).await?))
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// What it shows.
    pub(crate) fn shown(&self) -> Shown {
        self.0.shown()
    }

    /// Serves until the hub goes down, and lets requests that have begun come to an end then.
    pub(crate) async fn run(self, interface: Router, down: watch::Receiver<bool>) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        let bounds = Bounds {
            callers_max: CALLERS_MAX,
            handshake: PATIENCE,
            // A page hears for as long as somebody looks at it.
            call: Duration::MAX,
            parting: PARTING,
            http,
        };
        self.0.serve(Public, interface.layer(map_request(bounded)), bounds, down).await;
    }
}

/// Whoever comes here.
struct Public;

impl Host for Public {
    type Caller = ConnectInfo<SocketAddr>;

    fn caller(&self, from: SocketAddr, _: &ServerConnection) -> Self::Caller {
        ConnectInfo(from)
    }

    /// Every port scan is one of these, and browsers that do not know the root: counting them is enough.
    async fn turned_away(&self, _: SocketAddr, _: &'static str, _: &str) {}
}

/// The same request, whose body has to come in time.
async fn bounded(request: Request) -> Request {
    request.map(|body| Body::new(Timed::new(body)))
}

/// A body that ends with an error when it dawdles: whoever says nothing holds nobody's place.
struct Timed {
    body: Body,
    piece: Pin<Box<Sleep>>,
    end: Instant,
}

impl Timed {
    fn new(body: Body) -> Self {
        Self { body, piece: Box::pin(sleep(PIECE)), end: Instant::now() + BODY }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, BoxError>>> {
        if Instant::now() < self.end
            && let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context)
        {
            let next = (Instant::now() + PIECE).min(self.end);
            self.piece.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        match self.piece.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err("the body took too long".into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
