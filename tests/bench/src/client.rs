//! The smallest HTTP client that will do: one request on one connection, blocking.

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

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Its lines, the first of them with the status.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Asks with headers of one's own, each with its line end. HTTP/1.0, so that the body ends with the connection.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Result<Answer> {
    let mut stream = open(address, method, path, headers, body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its head")?;
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    let status = status.context("the answer has no status")?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// The same, and the connection as it is when everything is asked.
pub(crate) fn open(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let request = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\n{headers}{length}\r\n{body}");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// The status and the body of a plain GET.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let Answer { status, body, .. } = ask(address, "GET", path, "", "")?;
    Ok((status, body))
}

/// The body of a 200, as JSON.
pub(crate) fn json(address: SocketAddr, path: &str) -> Result<Value> {
    let (status, body) = get(address, path).with_context(|| format!("cannot get `{path}`"))?;
    if status != 200 {
        bail!("`{path}` is answered {status}: {body}");
    }
    serde_json::from_str(&body).with_context(|| format!("`{path}` is not answered with JSON"))
}
