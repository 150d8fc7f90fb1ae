//! The pages and the interface over TLS (`listen.https`), by the certificate that stores know the hub by.
//!
//! Nobody needs a certificate to come here: people sign in and programs have tokens. Not here: the routes, and boxes ([`crate::enrol`]), whose port asks for
//! certificates. Guards: a caller has so long for its handshake, each request's head and each piece of its body, and there are so many, and so many from one address.

use aisle_transport::Credentials;
use axum::{
    BoxError, Extension, Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request},
    middleware::map_request,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::{ServerConfig, crypto::ring, version::TLS13};
use std::{
    future::Future as _,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::enrol::Addresses;

/// Callers at once; further ones are not taken until some have gone.
const CALLERS_MAX: usize = 1_024;
/// How long a caller may take for its handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the next piece of a request's body may take, and the whole body.
const PIECE: Duration = Duration::from_secs(30);
const BODY: Duration = Duration::from_secs(600);
/// After an error of accepting (no file handles, say) it is tried again this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// When the hub goes down, requests that have begun are given so long.
const PARTING: Duration = Duration::from_secs(10);

/// The port, open.
#[derive(Debug)]
pub(crate) struct Secure {
    listener: TcpListener,
    address: SocketAddr,
    shown: Shown,
}

/// What callers are shown.
#[derive(Clone)]
pub(crate) struct Shown(Arc<Mutex<TlsAcceptor>>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

fn acceptor(credentials: &Credentials) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(credentials.chain.clone(), credentials.key.clone_key())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Shown {
    /// Shows another certificate from now on. Connections that are open stay.
    ///
    /// # Errors
    /// When it cannot be used; then nothing changes.
    pub(crate) fn renew(&self, credentials: &Credentials) -> Result<(), rustls::Error> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = acceptor(credentials)?;
        Ok(())
    }
}

impl Secure {
    /// Listens; nobody is served before [`Secure::run`].
    ///
    /// # Errors
    /// When the address is taken, or the certificate cannot be used.
    pub(crate) async fn open(address: SocketAddr, credentials: &Credentials) -> io::Result<Self> {
        let acceptor = acceptor(credentials).map_err(io::Error::other)?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, shown: Shown(Arc::new(Mutex::new(acceptor))) })
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it shows.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// Serves until the hub goes down, and lets requests that have begun come to an end then.
    pub(crate) async fn run(self, interface: Router, mut down: watch::Receiver<bool>) {
        let Self { listener, shown, .. } = self;
        let interface = interface.layer(map_request(bounded));
        let (places, addresses) = (Arc::new(Semaphore::new(CALLERS_MAX)), Addresses::default());
        let mut callers = JoinSet::new();
        loop {
            let place = places.clone().acquire_owned();
            let accepted = tokio::select! {
                _ = down.wait_for(|is_down| *is_down) => break,
                Some(_) = callers.join_next(), if !callers.is_empty() => continue,
                accepted = async { (place.await, listener.accept().await) } => accepted,
            };
            match accepted {
                (Ok(place), Ok((socket, from))) => {
                    let Some(seat) = addresses.take(from.ip()) else { continue };
                    let acceptor = shown.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let router = interface.clone().layer(Extension(ConnectInfo(from)));
                    let down = down.clone();
                    callers.spawn(async move {
                        call(socket, from, &acceptor, router, down).await;
                        drop((place, seat));
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!("cannot accept a connection over TLS: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
                // The semaphore is never closed.
                (Err(_), _) => break,
            }
        }
        drop(listener);
        // Whoever is cut here had its time.
        let _ = timeout(PARTING, async { while callers.join_next().await.is_some() {} }).await;
        callers.shutdown().await;
    }
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

async fn call(
    socket: TcpStream,
    from: SocketAddr,
    acceptor: &TlsAcceptor,
    router: Router,
    mut down: watch::Receiver<bool>,
) {
    let _ = socket.set_nodelay(true);
    let stream = match timeout(PATIENCE, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%from, %error, "a handshake failed"),
        Err(_) => return tracing::debug!(%from, "a handshake was too slow"),
    };
    let mut served = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    let is_down = async {
        // A sender that is gone is down as well.
        let _ = down.wait_for(|is_down| *is_down).await;
    };
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = is_down => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%from, %error, "a connection ended");
    }
}
