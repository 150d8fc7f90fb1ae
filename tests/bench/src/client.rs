//! The smallest HTTP client that will do: one GET on one connection, blocking.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Where a URL of the form `http://ADDRESS` points.
pub(crate) fn address(url: &str) -> Result<SocketAddr> {
    let address = url.strip_prefix("http://").with_context(|| format!("`{url}` is no http URL"))?;
    address.parse().with_context(|| format!("`{url}` names no address"))
}

/// The status and the body. HTTP/1.0, so that the body ends with the connection.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its head")?;
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    Ok((status.context("the answer has no status")?, body.to_owned()))
}

/// The body of a 200, as JSON.
pub(crate) fn json(address: SocketAddr, path: &str) -> Result<Value> {
    let (status, body) = get(address, path).with_context(|| format!("cannot get `{path}`"))?;
    if status != 200 {
        bail!("`{path}` is answered {status}: {body}");
    }
    serde_json::from_str(&body).with_context(|| format!("`{path}` is not answered with JSON"))
}
