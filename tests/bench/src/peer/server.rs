//! The node's peer over HTTP: a handler that gives the same bytes from memory every time. No shop, no model, no metrics.

use crate::{client, screen};
use anyhow::{Context, Result, bail};
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use bytes::Bytes;
use std::{
    env,
    future::Future,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Instant,
};
use tokio::{net::TcpListener, runtime::Runtime};

/// What the server of [`serve_until_killed`] answers with.
const BODY: &str = r#"{"products":[]}"#;

/// A server in this process, with as many threads as the node has; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    /// Serves a body of so many bytes.
    pub(crate) fn start(body_bytes: usize) -> Result<Self> {
        let body = Bytes::from(format!("{:<body_bytes$}", "{}"));
        let (runtime, address, serving) = bind(body)?;
        runtime.spawn(serving);
        Ok(Self { address, _runtime: runtime })
    }
}

/// Seconds from spawning a bare server of its own process to its first answer.
pub(crate) fn first_answer() -> Result<f64> {
    let started = Instant::now();
    let mut child = Command::new(env::current_exe()?).arg("bare-server").stdout(Stdio::piped()).spawn()?;
    let answered = ask(&mut child).map(|()| started.elapsed().as_secs_f64());
    child.kill()?;
    child.wait()?;
    answered
}

fn ask(child: &mut Child) -> Result<()> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("the bare server has no stdout")?).read_line(&mut line)?;
    let url = line.trim().strip_prefix("listening on ").context("the bare server does not listen")?;
    let (status, _) = client::get(client::address(url)?, "/")?;
    if status != 200 {
        bail!("the bare server answers {status}");
    }
    Ok(())
}

/// Serves, and says where as the node does.
pub(crate) fn serve_until_killed() -> Result<()> {
    let (runtime, address, serving) = bind(Bytes::from_static(BODY.as_bytes()))?;
    screen::line(&format_args!("listening on http://{address}"));
    runtime.block_on(serving)
}

fn bind(body: Bytes) -> Result<(Runtime, SocketAddr, impl Future<Output = Result<()>> + Send)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("cannot listen")?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/", get(move || async move { ([(CONTENT_TYPE, "application/json")], body.clone()) }));
    let serving = async { axum::serve(listener, router).await.context("the bare server stopped") };
    Ok((runtime, address, serving))
}
