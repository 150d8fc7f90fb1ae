//! One connection to the hub's enrolment listener: look-up, TCP, TLS, and requests one after the other.
//!
//! Not here: what is asked ([`crate::calls`]). Every wait and every answer has a bound, and whatever goes wrong has a code that says at which
//! of these it was.

use crate::fault::Fault;
use aisle_provisioning::{claim::HubAddress, code::Code};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderMap},
};
use hyper_util::rt::TokioIo;
use rustls::{AlertDescription, ClientConfig};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use std::{error::Error, io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// How long a name may take to be looked up, and an address to be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long TLS may take.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer: a list of who may not come in, as base64. The rest is far below.
const ANSWER_BYTES_MAX: usize = 48 << 20;
/// The most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
/// The longest that a hub may ask to be left alone.
const RETRY_S_MAX: u64 = 6 * 3_600;

/// A connection.
pub(crate) struct Hub {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    authority: String,
    /// What the hub showed, its own certificate first.
    pub(crate) shown: Vec<CertificateDer<'static>>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// An answer that is not an error.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the hub asks to wait, in milliseconds.
    pub(crate) fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        Some(seconds.min(RETRY_S_MAX) * 1_000)
    }
}

/// What an error says of itself.
#[derive(Deserialize)]
struct Problem {
    code: String,
    #[serde(default)]
    detail: String,
}

/// Whether this machine has an address that others can reach.
pub(crate) fn has_network() -> bool {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.iter().any(|interface| !interface.is_loopback() && !is_link_local(interface.ip()))
}

const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Whether the hub is on this machine, which needs no network.
pub(crate) fn is_here(address: &HubAddress) -> bool {
    let host = address.host();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn unreachable(address: &HubAddress, error: &dyn std::fmt::Display) -> Fault {
    if has_network() || is_here(address) {
        Fault::new(Code::HubUnreachable, format!("`{address}`: {error}"))
    } else {
        Fault::new(Code::NoNetwork, format!("`{address}`: {error}"))
    }
}

async fn reach(address: &HubAddress) -> Result<TcpStream, Fault> {
    let looked_up = timeout(CONNECT_TIMEOUT, lookup_host((address.host(), address.port()))).await;
    let not_found = |reason: String| {
        let code = if has_network() || is_here(address) { Code::HubNotFound } else { Code::NoNetwork };
        Fault::new(code, reason)
    };
    let found = match looked_up {
        Ok(Ok(found)) => found.take(ADDRESSES_MAX).collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(not_found(format!("`{}`: {error}", address.host()))),
        Err(_) => return Err(not_found(format!("looking up `{}` took too long", address.host()))),
    };
    let mut last = not_found(format!("`{}` has no address", address.host()));
    for place in found {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(place)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => last = unreachable(address, &error),
            Err(_) => last = unreachable(address, &"no answer"),
        }
    }
    Err(last)
}

/// What a failed handshake means.
fn of_tls(address: &HubAddress, error: &io::Error) -> Fault {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(_)) => Fault::new(Code::HubNotTrusted, error),
        // The hub says that of what this node showed.
        Some(rustls::Error::AlertReceived(alert)) => {
            Fault::new(of_alert(*alert), format!("`{address}` ended TLS: {alert:?}"))
        }
        Some(_) => Fault::new(Code::NoHub, format!("`{address}` speaks no TLS 1.3: {error}")),
        None => unreachable(address, error),
    }
}

impl Hub {
    /// Connects.
    pub(crate) async fn connect(address: &HubAddress, config: Arc<ClientConfig>) -> Result<Self, Fault> {
        let name = address.server_name().map_err(|error| Fault::of(Code::LinkUnreadable, &error))?;
        let socket = reach(address).await?;
        let connecting = TlsConnector::from(config).connect(name, socket);
        let stream = match timeout(TLS_TIMEOUT, connecting).await {
            Ok(connected) => connected.map_err(|error| of_tls(address, &error))?,
            Err(_) => return Err(Fault::new(Code::NoHub, format!("`{address}` does not answer TLS"))),
        };
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let shown = shown.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| Fault::of(Code::NoHub, &error))?;
        let driver = tokio::spawn(async move {
            // Whoever asks over it hears of its end.
            let _ = connection.await;
        });
        Ok(Self { sender, driver, authority: address.to_string(), shown })
    }

    /// Asks. An answer that is an error comes as its fault.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Result<Answer, Fault> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("aisle-node/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| Fault::of(Code::RequestMalformed, &error))?;
        let asking = async {
            self.sender.ready().await.map_err(|error| broken(&error))?;
            let answer = self.sender.send_request(request).await.map_err(|error| broken(&error))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| broken(error.as_ref()))?.to_bytes();
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        let answer = timeout(ANSWER_TIMEOUT, asking).await;
        let late = |_| Err(Fault::new(Code::HubUnreachable, "the hub did not answer in time"));
        let answer = answer.unwrap_or_else(late)?;
        if answer.status < 400 { Ok(answer) } else { Err(refused(&answer)) }
    }
}

/// What a connection that broke off means. A hub that does not take the node's certificate says so by an alert of TLS, after the handshake.
fn broken(error: &(dyn Error + 'static)) -> Fault {
    let mut next = Some(error);
    while let Some(cause) = next {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(rustls::Error::AlertReceived(alert)) = inner.and_then(|inner| inner.downcast_ref()) {
            return Fault::new(of_alert(*alert), format!("the hub does not take the certificate: {alert:?}"));
        }
        next = cause.source();
    }
    Fault::of(Code::HubUnreachable, error)
}

const fn of_alert(alert: AlertDescription) -> Code {
    match alert {
        AlertDescription::CertificateRevoked => Code::Banned,
        AlertDescription::CertificateExpired => Code::CertificateExpired,
        AlertDescription::UnknownCA
        | AlertDescription::CertificateUnknown
        | AlertDescription::BadCertificate => Code::NodeUnknown,
        _ => Code::HubUnreachable,
    }
}

/// What an answer that is an error means: what it says itself, as a problem or as a text that begins with a code; else what its status says.
pub(crate) fn refused(answer: &Answer) -> Fault {
    let problem: Option<Problem> = serde_json::from_slice(&answer.body).ok();
    let text = str::from_utf8(&answer.body).unwrap_or_default();
    let said = problem.as_ref().map_or(text, |problem| problem.code.as_str());
    let known = said.parse::<Code>().ok();
    let by_status = match answer.status {
        401 => Code::ClaimNeeded,
        429 => Code::TooManyTries,
        500..=599 => Code::HubBusy,
        _ => Code::NoHub,
    };
    let of_text = || text.split_once(" Reason: ").map(|(_, reason)| reason.trim().to_owned());
    let said = problem.map(|problem| problem.detail).or_else(of_text).filter(|detail| !detail.is_empty());
    let detail = said.unwrap_or_else(|| format!("the hub answered {}", answer.status));
    Fault::new(known.unwrap_or(by_status), detail).not_before(answer.retry_after_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str, retry_after: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", text.parse().unwrap());
        }
        Answer { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[test]
    fn a_refusal_says_its_own_code_and_else_that_of_its_status() {
        let said =
            refused(&answer(403, r#"{"code":"E-203","title":"","detail":"by box 7","hint":""}"#, None));
        assert_eq!((said.code, said.detail.as_str()), (Code::ClaimUsed, "by box 7"));
        let busy = refused(&answer(503, "<html>", Some("120")));
        assert_eq!((busy.code, busy.retry_after_ms), (Code::HubBusy, Some(120_000)));
        assert_eq!(refused(&answer(404, "", None)).code, Code::NoHub);
        let text =
            refused(&answer(403, "E-502 Headquarters rejected the box. Ask. Reason: not ours\n", None));
        assert_eq!((text.code, text.detail.as_str()), (Code::Rejected, "not ours"));
        assert_eq!(refused(&answer(429, r#"{"code":"nonsense"}"#, None)).code, Code::TooManyTries);
    }

    #[test]
    fn a_hub_cannot_ask_to_be_left_alone_for_ever() {
        assert_eq!(answer(503, "", Some("99999999")).retry_after_ms(), Some(RETRY_S_MAX * 1_000));
        assert_eq!(answer(503, "", Some("Tue, 01 Jan 2030 00:00:00 GMT")).retry_after_ms(), None);
    }

    #[tokio::test]
    async fn nobody_who_answers_is_told_apart_from_a_name_that_is_not_known() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = crate::tls::config(Arc::new(aisle_provisioning::verify::FirstContact), None).unwrap();
        let address: HubAddress = closed.to_string().parse().unwrap();
        let fault = Hub::connect(&address, config.clone()).await.err().unwrap();
        assert_eq!(fault.code, Code::HubUnreachable, "{fault}");
        let address: HubAddress = "hub.invalid:8444".parse().unwrap();
        let fault = Hub::connect(&address, config).await.err().unwrap();
        assert!(matches!(fault.code, Code::HubNotFound | Code::NoNetwork), "{fault}");
    }
}
