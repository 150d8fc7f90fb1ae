//! One HTTP request over one TLS connection, by hand: so that it can be as slow, as large and as old-fashioned as a test wants.

use aisle_provisioning::{
    Chain, PrivateKey, Roots,
    device::RevocationList,
    time::Floor,
    verify::{FirstContact, HubVerifier},
};
use rustls::{ClientConfig, SupportedProtocolVersion, crypto::ring, version::TLS13};
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub static MODERN: &[&SupportedProtocolVersion] = &[&TLS13];

/// Who calls, and what it believes.
#[derive(Clone)]
pub struct Caller {
    pub hub: SocketAddr,
    pub chain: Chain,
    pub roots: Option<Roots>,
    pub shows: Option<(Vec<CertificateDer<'static>>, Arc<PrivateKey>)>,
    pub versions: &'static [&'static SupportedProtocolVersion],
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The code of a refusal; empty when it is none.
    pub fn code(&self) -> String {
        let said = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        said["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Caller {
    pub async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(self.versions).unwrap();
        let config = config.dangerous();
        let config = match &self.roots {
            None => config.with_custom_certificate_verifier(Arc::new(FirstContact)),
            Some(roots) => {
                let nobody = Arc::new(RevocationList::default());
                let verifier = HubVerifier::new(roots, self.chain.clone(), Floor::default(), nobody).unwrap();
                config.with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let config = match &self.shows {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config.with_client_auth_cert(chain.clone(), key.to_der()).unwrap(),
        };
        let socket = TcpStream::connect(self.hub).await?;
        let name = ServerName::IpAddress(self.hub.ip().into());
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }

    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        let mut stream = self.connect().await?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).await?;
        // The hub may have answered before it has read everything.
        let _ = stream.write_all(body).await;
        let _ = stream.flush().await;
        read(&mut stream).await
    }
}

/// Reads an answer to its end.
pub async fn read(stream: &mut TlsStream<TcpStream>) -> io::Result<Reply> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4_096];
        match stream.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(_) if !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| io::Error::other("no answer"))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Ok(Reply { status: status.unwrap(), headers, body: bytes[end + 4..].to_vec() })
}
