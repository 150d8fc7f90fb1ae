//! Boxes out of the carton, at the real port: whom to believe is found out with the claim, then a certificate is asked for with it.
//!
//! Each box calls from an address of its own on this machine, as boxes of many shops do: a hub holds back whoever asks too much from one.

use aisle_event::Timestamp;
use aisle_provisioning::{
    Chain, Fingerprint, PrivateKey, Roots, SystemEntropy,
    claim::{ClaimInput, Introduction, Nonce},
    device::RevocationList,
    est::{self, Heard},
    request,
    time::Floor,
    verify::{FirstContact, HubVerifier},
};
use anyhow::{Context, Result, anyhow, bail};
use data_encoding::{BASE64, HEXLOWER};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, client::danger::ServerCertVerifier, crypto::ring, pki_types::ServerName, version::TLS13,
    },
};

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// A box: its key is made before anything is measured, as a box makes it on its own processor.
pub(super) struct Carton {
    serial: String,
    claim: ClaimInput,
    key: Arc<PrivateKey>,
    fingerprint: Fingerprint,
    request: Vec<u8>,
    receipt_key: String,
    from: Ipv4Addr,
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Carton {
    /// The box of this number, with the claim that it was given.
    pub(super) fn new(number: usize, link: &str) -> Result<Self> {
        let key = PrivateKey::generate().map_err(|error| anyhow!("no key: {error}"))?;
        let serial = format!("BX{number:06}");
        let request = request::make(&key, &serial, None)?;
        let [.., high, low] = number.to_be_bytes();
        Ok(Self {
            claim: link.parse()?,
            fingerprint: key.fingerprint(),
            receipt_key: HEXLOWER.encode(&receipt_key(number)?),
            // 127.1.0.1 and on: this machine, too.
            from: Ipv4Addr::new(127, 1, high, low.max(1)),
            key: Arc::new(key),
            serial,
            request,
        })
    }

    /// Enrols. Fails unless it has its certificate at the end, and one that comes from whom the claim names.
    pub(super) async fn enrol(&self, hub: SocketAddr, chain: &Chain, now: Timestamp) -> Result<()> {
        let nonce = Nonce::draw(&mut SystemEntropy::default())?;
        let ask = nonce.ask(self.claim.code());
        let path = format!("{}/cacerts", est::PATH);
        let reply =
            self.ask(hub, Arc::new(FirstContact), ("GET", &path), &[("aisle-claim", &ask)], b"").await?;
        let proof = reply.header("aisle-introduction").map(str::parse).transpose();
        let proof = proof.map_err(|_| anyhow!("the hub's proof cannot be read"))?;
        let roots = Introduction::accept(&self.claim, &nonce, &reply.body, proof.as_ref())?;
        let verifier =
            HubVerifier::new(&roots, chain.clone(), Floor::default(), Arc::new(RevocationList::default()))?;
        let basic = est::basic(self.claim.code());
        let headers = [
            ("authorization", basic.as_str()),
            ("aisle-receipt-key", &self.receipt_key),
            ("content-type", est::PKCS10),
        ];
        let path = format!("{}/simpleenroll", est::PATH);
        let body = BASE64.encode(&self.request);
        let reply = self.ask(hub, Arc::new(verifier), ("POST", &path), &headers, body.as_bytes()).await?;
        self.accept(&reply, &roots, now)
    }

    fn accept(&self, reply: &Reply, roots: &Roots, now: Timestamp) -> Result<()> {
        let heard = Heard::read(reply.status, reply.header("retry-after"), &reply.body, &self.fingerprint);
        let Ok(Heard::Issued(chain)) = heard else {
            bail!(
                "box {} was answered {}: {}",
                self.serial,
                reply.status,
                String::from_utf8_lossy(&reply.body)
            )
        };
        roots.verify(&chain, now)?;
        // Without its key it were worth nothing.
        std::hint::black_box(&self.key);
        Ok(())
    }

    async fn ask(
        &self,
        hub: SocketAddr,
        verifier: Arc<dyn ServerCertVerifier>,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply> {
        let mut stream = self.connect(hub, verifier).await?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {hub}\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        stream.flush().await?;
        let mut bytes = Vec::new();
        // A hub that hangs up without saying goodbye has said everything all the same.
        let read = (&mut stream).take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end else {
            read.context("the connection to the hub broke off")?;
            bail!("the hub's answer has no end of its head");
        };
        let (head, body) = bytes.split_at(end);
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.context("the hub's answer has no status")?;
        Ok(Reply { status, head, body: body.get(4..).unwrap_or_default().to_vec() })
    }

    async fn connect(
        &self,
        hub: SocketAddr,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.from, 0).into())?;
        let stream = socket.connect(hub).await?;
        stream.set_nodelay(true)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config))
            .connect(ServerName::IpAddress(hub.ip().into()), stream)
            .await?)
    }
}

/// The public half of what a box signs its receipts with.
fn receipt_key(number: usize) -> Result<[u8; 32]> {
    let mut seed = [7; 32];
    for (byte, of) in seed.iter_mut().zip(number.to_be_bytes()) {
        *byte = of;
    }
    Ok(aisle_residency::signing::SigningKey::from_seed(&seed)?.verifying_key().0)
}
