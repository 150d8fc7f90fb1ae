//! The port where boxes enrol: TLS 1.3, HTTP/1.1, a bound on everything that a stranger can make it do.
//!
//! A certificate is asked for and may be left out; one that has run out is let through to be judged by what it is used for. Not here: the routes ([`super::est`]), and how callers are
//! let in ([`crate::callers`]). Guards: a caller has so long for its handshake, for its headers and in all; whoever gets no further stands in the audit log.

use super::{
    est,
    office::{Caller, Office},
    own::Own,
};
use crate::callers::{Bounds, Host, Port, Shown};
use aisle_provisioning::{authority::Unlocked, device::RevocationList, identity::Kind, verify::PeerVerifier};
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use rustls::{ServerConfig, ServerConnection, crypto::ring, server::NoServerSessionStorage, version::TLS13};
use std::{future::pending, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Callers at once; further ones are not taken until some have gone.
const CALLERS_MAX: usize = 512;
/// What is kept of a request's head, in bytes, and how many headers it may have.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// How long a caller may take for things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Its handshake.
    pub handshake: Duration,
    /// The head of a request.
    pub head: Duration,
    /// The body of a request.
    pub body: Duration,
    /// All together: then it is hung up on, whatever it does.
    pub call: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let a_while = Duration::from_secs(10);
        Self { handshake: a_while, head: a_while, body: a_while, call: Duration::from_secs(60) }
    }
}

/// Why the port is not open.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken.
    #[error("cannot listen for boxes on {address} (`enrolment.listen`)")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("what this hub shows to boxes cannot be used")]
    Tls(#[from] rustls::Error),
}

/// The port, open.
#[derive(Debug)]
pub struct Door {
    port: Port,
    office: Office,
    patience: Patience,
}

/// What is shown, and who may come.
fn settings(office: &Office, own: &Own, unlocked: &Unlocked) -> Result<ServerConfig, rustls::Error> {
    let mut chain = own.chain.clone();
    // The root too: a box that comes with its fingerprint has to find it.
    chain.extend(unlocked.roots.certificates().iter().cloned());
    let chain_of = office.config().chain.clone();
    // Who was banned is told so in words, and not by an alert.
    let nobody = Arc::new(RevocationList::default());
    let verifier = PeerVerifier::new(&unlocked.roots, chain_of, vec![Kind::Node], nobody);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(verifier.recovering().optional()))
        .with_single_cert(chain, own.key.to_der())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session would not be looked at again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

impl Door {
    /// Listens; nobody is let in before [`Door::run`].
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn open(office: Office, patience: Patience) -> Result<Self, ListenError> {
        let address = office.config().listen;
        let tls = settings(&office, &office.own(), &office.unlocked())?;
        let port = Port::open("enrolment", address, tls, office.telemetry().callers()).await;
        let port = port.map_err(|source| ListenError::Bind { address, source })?;
        Ok(Self { port, office, patience })
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Lets boxes in until the hub goes down.
    pub async fn run(self, down: watch::Receiver<bool>) {
        let Self { port, office, patience } = self;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(patience.head)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX);
        let bounds = Bounds {
            callers_max: CALLERS_MAX,
            handshake: patience.handshake,
            call: patience.call,
            // A box asks again.
            parting: Duration::ZERO,
            http,
        };
        let router = est::router(office.clone(), patience.body);
        let renewing = renew(&office, port.shown());
        tokio::select! {
            () = port.serve(Boxes(office.clone()), router, bounds, down) => {}
            () = renewing => {}
        }
    }
}

/// Shows what the office shows, for as long as there is one.
async fn renew(office: &Office, shown: Shown) {
    let mut follow = office.follow();
    while follow.changed().await.is_ok() {
        match settings(office, &office.own(), &office.unlocked()) {
            Ok(tls) => shown.renew(tls),
            Err(error) => tracing::error!(%error, "boxes are shown the old certificate still"),
        }
    }
    pending::<()>().await;
}

/// Who comes here.
struct Boxes(Office);

impl Host for Boxes {
    type Caller = Caller;

    fn caller(&self, from: SocketAddr, tls: &ServerConnection) -> Caller {
        let chain = tls.peer_certificates().unwrap_or_default();
        Caller {
            address: from,
            chain: chain.iter().map(|certificate| certificate.clone().into_owned()).collect(),
        }
    }

    async fn turned_away(&self, from: SocketAddr, reason: &'static str, detail: &str) {
        self.0.turned_away(from, reason, detail).await;
    }
}
