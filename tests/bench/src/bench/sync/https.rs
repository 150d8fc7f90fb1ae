//! The usual way: one body after the other over one HTTPS connection, each answered before the next is sent.

use super::runtime;
use aisle_harness::link::{Passed, TcpLink};
use anyhow::{Context, Result, bail, ensure};
use std::{net::Ipv4Addr, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
        version::TLS13,
    },
};

const NAME: &str = "localhost";
/// As long as a token is.
const TOKEN: &str = "b1e5c2f09a7d4d3c8e6f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d";
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\nDate: Mon, 01 Jun 2026 00:00:00 GMT\r\n\r\n";
/// The most bytes of a request's head, and of a body.
const HEAD_BYTES_MAX: usize = 16 << 10;
const BODY_BYTES_MAX: usize = 8 << 20;

/// Sends bodies; what went over the line.
pub(super) fn send(bodies: &[Vec<u8>]) -> Result<Passed> {
    runtime()?.block_on(sent(bodies))
}

async fn sent(bodies: &[Vec<u8>]) -> Result<Passed> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).context("cannot make a certificate")?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let link = TcpLink::start(listener.local_addr()?, 1).await?;
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        answer_all(acceptor.accept(stream).await?).await
    });
    let stream = TcpStream::connect(link.address()).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(Arc::new(client)).connect(ServerName::try_from(NAME)?, stream).await?;
    let mut stream = BufReader::new(stream);
    for body in bodies {
        let head = format!(
            "POST /v1/stores/{}/events HTTP/1.1\r\nHost: hub.example\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Encoding: zstd\r\nContent-Length: {}\r\n\r\n",
            super::member::STORE,
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        stream.get_mut().write_all(&request).await?;
        stream.get_mut().flush().await?;
        let mut answer = vec![0; ANSWER.len()];
        stream.read_exact(&mut answer).await?;
        ensure!(answer == ANSWER, "a body was not answered as it should be");
    }
    stream.get_mut().shutdown().await?;
    serving.await??;
    Ok(link.passed())
}

/// Reads requests and answers each, until there are no more.
async fn answer_all(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head_bytes, mut body_bytes) = (0, None);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            head_bytes += line.len();
            ensure!(head_bytes <= HEAD_BYTES_MAX, "the head of a request is too long");
            if let Some(length) = line.strip_prefix("Content-Length: ") {
                body_bytes = Some(length.trim().parse::<usize>()?);
            }
            if line == "\r\n" {
                break;
            }
        }
        let Some(length) = body_bytes.filter(|length| *length <= BODY_BYTES_MAX) else {
            bail!("a request has no body, or one that is too long");
        };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        stream.get_mut().write_all(ANSWER).await?;
        stream.get_mut().flush().await?;
    }
}
