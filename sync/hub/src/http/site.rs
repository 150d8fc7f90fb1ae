//! Where the hub's pages are, as browsers see them: cookies, origins, and from where a request comes.
//!
//! With `http.origin` (`https://hub.example`) cookies are `__Host-…`, `Secure`, and a request that changes something by a cookie has to come from a page of exactly that
//! origin. Without it there are sessions on this machine only (`http://127.0.0.1:8490`), under another name, so that what is meant for development is never
//! taken for the real thing. Not here: who somebody is ([`super::access`]).

use axum::http::{HeaderMap, HeaderValue, header};
use std::net::{IpAddr, SocketAddr};

/// The longest value of a header that is looked at, in bytes.
const HEADER_BYTES_MAX: usize = 4_096;

/// The longest path to come back to, in bytes.
const PATH_BYTES_MAX: usize = 1_024;

/// Whether this is a path of the hub: nothing that a browser could take for another place, or a header for its end.
pub(crate) fn is_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"');
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= PATH_BYTES_MAX
        && path.bytes().all(is_plain)
}

/// Where the pages are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Their origin; none where the hub is only used on this machine.
    pub origin: Option<String>,
    /// Proxies that are believed in whom they forward for.
    pub proxies: Vec<IpAddr>,
}

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// A session.
    Session,
    /// A pass of whoever runs the hub, to its pages.
    Machine,
    /// A sign-in elsewhere that has begun.
    Oidc,
}

impl Site {
    const fn name(&self, cookie: Cookie) -> &'static str {
        match (self.origin.is_some(), cookie) {
            (true, Cookie::Session) => "__Host-aisle",
            (true, Cookie::Machine) => "__Host-aisle-machine",
            (true, Cookie::Oidc) => "__Host-aisle-oidc",
            (false, Cookie::Session) => "aisle-local",
            (false, Cookie::Machine) => "aisle-local-machine",
            (false, Cookie::Oidc) => "aisle-local-oidc",
        }
    }

    /// The value of a cookie. Of two of one name neither is taken: somebody else has put one there.
    pub(crate) fn cookie<'h>(&self, headers: &'h HeaderMap, cookie: Cookie) -> Option<&'h str> {
        let wanted = self.name(cookie);
        let values = headers.get_all(header::COOKIE).into_iter();
        let mut found = values
            .filter_map(|value| value.to_str().ok().filter(|value| value.len() <= HEADER_BYTES_MAX))
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == wanted)
            .map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }

    /// A header that sets a cookie for so many seconds; 0 takes it away.
    pub(crate) fn set_cookie(&self, cookie: Cookie, value: &str, seconds: i64) -> Option<HeaderValue> {
        let secure = if self.origin.is_some() { "; Secure" } else { "" };
        let name = self.name(cookie);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The origin of the hub's own pages. Without a configured one, that of the address on this machine that is asked; none from elsewhere.
    pub(crate) fn own(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(origin) = &self.origin {
            return Some(origin.clone());
        }
        let host = headers.get(header::HOST)?.to_str().ok()?;
        // A foreign name that leads here (DNS rebinding) is no name of this machine.
        is_local(host).then(|| format!("http://{host}"))
    }

    /// Whether a request comes from one of the hub's own pages. Browsers say so with everything that changes something.
    pub(crate) fn is_own(&self, headers: &HeaderMap) -> bool {
        let Some(own) = self.own(headers) else { return false };
        match headers.get(header::ORIGIN) {
            Some(origin) => origin.as_bytes() == own.as_bytes(),
            None => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
        }
    }

    /// The address that a request comes from: behind proxies that are believed, the last one that they did not make up.
    pub(crate) fn address(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> String {
        let Some(peer) = peer.map(|peer| peer.ip().to_canonical()) else { return String::new() };
        let mut address = peer;
        let forwarded = headers.get_all("x-forwarded-for").into_iter();
        let forwarded: Vec<&str> =
            forwarded.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
        for hop in forwarded.iter().rev().take(16) {
            if !self.proxies.contains(&address) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(hop) => address = hop.to_canonical(),
                Err(_) => break,
            }
        }
        address.to_string()
    }
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}
