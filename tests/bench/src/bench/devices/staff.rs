//! Somebody at the staff board: signs in with the PIN, looks at it, follows its line, approves devices.

use crate::client::{self, Answer};
use aisle_harness::node::NodeUnderTest;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
/// How long devices may take to be heard and approved.
const APPROVING_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(200);

/// Who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Staff {
    address: SocketAddr,
    cookie: String,
}

impl Staff {
    pub(super) fn sign_in(node: &NodeUnderTest) -> Result<Self> {
        let address = client::address(node.url())?;
        let file = node.data().join("staff.pin");
        let pin = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let form = format!("name=Bench&pin={}", pin.trim());
        let Answer { status, head, .. } = client::ask(address, "POST", "/staff/sign-in", FORM, &form)?;
        let cookie = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap_or_default())
        });
        let cookie = cookie.with_context(|| format!("signing in was answered {status} without a pass"))?;
        Ok(Self { address, cookie: format!("Cookie: {cookie}\r\n") })
    }

    /// The board as it is now.
    pub(super) fn board(&self) -> Result<Value> {
        let Answer { status, body, .. } =
            client::ask(self.address, "GET", "/v1/staff/board", &self.cookie, "")?;
        ensure!(status == 200, "the board is answered {status}: {body}");
        serde_json::from_str(&body).context("the board is not JSON")
    }

    /// The line that says when there is a newer board.
    pub(super) fn line(&self) -> Result<Line> {
        let stream = client::open(self.address, "GET", "/v1/staff/events", &self.cookie, "")?;
        Ok(Line(BufReader::new(stream)))
    }

    /// Approves whatever waits for approval until so many devices are there and none waits.
    pub(super) fn approve_all(&self, devices: u64) -> Result<()> {
        let deadline = Instant::now() + APPROVING_MAX;
        loop {
            let board = self.board()?;
            let rows = board.get("devices").and_then(Value::as_array).context("the board has no devices")?;
            let text = |row: &Value, field: &str| row.get(field).and_then(Value::as_str).map(str::to_owned);
            let waiting: Vec<String> = rows
                .iter()
                .filter(|row| text(row, "state").as_deref() == Some("pending"))
                .filter_map(|row| text(row, "device"))
                .collect();
            let known = board.pointer("/totals/devices").and_then(Value::as_u64).unwrap_or_default();
            if waiting.is_empty() && known >= devices {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{known} of {devices} devices were heard, {} wait",
                waiting.len()
            );
            if waiting.is_empty() {
                thread::sleep(POLL);
            }
            let headers = format!("{FORM}{}", self.cookie);
            for device in waiting {
                let path = format!("/staff/devices/{device}");
                let Answer { status, body, .. } =
                    client::ask(self.address, "POST", &path, &headers, "do=approve")?;
                ensure!(status == 303, "approving `{device}` is answered {status}: {body}");
            }
        }
    }
}

/// A line to a page.
#[derive(Debug)]
pub(super) struct Line(BufReader<TcpStream>);

impl Line {
    /// Waits until there is a newer board, or the line says that there is none.
    pub(super) fn wait(&mut self) -> Result<()> {
        let mut text = String::new();
        loop {
            text.clear();
            ensure!(self.0.read_line(&mut text)? > 0, "the line to the board ended");
            if matches!(text.trim_end(), "event: board" | "event: beat") {
                return Ok(());
            }
        }
    }
}
