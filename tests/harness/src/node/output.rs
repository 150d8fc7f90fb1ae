//! What a node or a hub writes: the lines that say where it serves, and the last lines for those who look for a reason.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    mem,
    net::SocketAddr,
    process::Child,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Lines kept; older ones make room.
const LINES_MAX: usize = 5_000;
/// Lines in an error.
const TAIL_LINES: usize = 30;
/// How long the last lines of a child may take; a grandchild may hold the pipe open for ever.
const SETTLE: Duration = Duration::from_millis(500);
const LISTENING: &str = "listening on ";
/// Comes before [`LISTENING`], once for each address.
const MQTT: &str = "mqtt on ";

/// Where a node serves.
#[derive(Debug, Default)]
pub(super) struct Serving {
    /// Of the HTTP API.
    pub(super) url: String,
    /// Of the broker, each with its scheme: `tcp`, `mqtts`, `ws` or `wss`.
    pub(super) mqtt: Vec<(String, SocketAddr)>,
}

/// The last lines of a child.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    /// Reads a child's stdout and stderr to their ends, on threads; where it serves comes when stdout names the URL.
    pub(super) fn follow(&self, child: &mut Child) -> mpsc::Receiver<Serving> {
        let mut mqtt = Vec::new();
        self.follow_until(child, move |line| {
            if let Some(url) = line.strip_prefix(MQTT) {
                mqtt.extend(scheme_and_address(url));
            }
            let url = line.strip_prefix(LISTENING)?;
            Some(Serving { url: url.trim().into(), mqtt: mem::take(&mut mqtt) })
        })
    }

    /// The same for whoever says it in other words: what is made of the first line that anything can be made of.
    pub(crate) fn follow_until<T: Send + 'static>(
        &self,
        child: &mut Child,
        mut serving: impl FnMut(&str) -> Option<T> + Send + 'static,
    ) -> mpsc::Receiver<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        if let Some(stdout) = child.stdout.take() {
            self.read(stdout, move |line| {
                if let Some(found) = serving(line) {
                    // Only the first line counts; later ones find the channel full or closed.
                    drop(sender.try_send(found));
                }
            });
        }
        if let Some(stderr) = child.stderr.take() {
            self.read(stderr, |_| {});
        }
        receiver
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// The last lines of a child that is gone, when they have all been read.
    pub(crate) fn last_words(&self) -> String {
        let deadline = Instant::now() + SETTLE;
        // Each reader holds the lines until the pipe is empty and closed.
        while Arc::strong_count(&self.lines) > 1 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        self.tail()
    }

    pub(crate) fn tail(&self) -> String {
        let lines = self.lock();
        let tail: Vec<&str> =
            lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)).map(String::as_str).collect();
        tail.join("\n")
    }

    fn read(&self, stream: impl Read + Send + 'static, mut seen: impl FnMut(&str) + Send + 'static) {
        let output = self.clone();
        thread::spawn(move || {
            for bytes in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&bytes).into_owned();
                seen(&line);
                let mut lines = output.lock();
                if lines.len() == LINES_MAX {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn scheme_and_address(url: &str) -> Option<(String, SocketAddr)> {
    let (scheme, address) = url.trim().split_once("://")?;
    Some((scheme.into(), address.trim_end_matches('/').parse().ok()?))
}
