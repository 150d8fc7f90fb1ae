//! Load over HTTP that arrives when it arrives: an open loop, so many requests a second whatever the server does.
//!
//! The time of an answer is counted from when its request was due, so a server that stalls pays for everything that came meanwhile, and a
//! generator that is late makes figures worse and never better. Not here: closed loops, in which requests wait for answers (`load`).

use anyhow::{Context, Result, anyhow, bail, ensure};
use hdrhistogram::Histogram;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    num::NonZeroU64,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// Requests that can be on their way at once: more than a shop has kiosks. A further one is sent when there is an answer, and late.
const CONNECTIONS: usize = 32;
/// All connections are there by then.
const HEAD_START: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that is told from a longer one: a minute.
const LATENCY_NS_MAX: u64 = 60_000_000_000;
const ANSWER_BYTES_MAX: usize = 256 << 10;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Requests to a server, sent in turn, over and over.
#[derive(Debug)]
pub(crate) struct Arrivals {
    address: SocketAddr,
    requests: Vec<String>,
}

/// What a run gave. Times are seconds from when a request was due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
    /// Until a request was sent: how late the generator itself was, waiting for a free connection included.
    pub(crate) late_p99: f64,
}

/// What one connection saw, in nanoseconds.
#[derive(Debug)]
struct Seen {
    answered: Histogram<u64>,
    late: Histogram<u64>,
}

impl Arrivals {
    /// GETs of these paths.
    pub(crate) fn new(address: SocketAddr, paths: &[String]) -> Self {
        let request = |path: &String| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        Self { address, requests: paths.iter().map(request).collect() }
    }

    /// Sends so many a second for so long.
    ///
    /// # Errors
    /// When a connection breaks, and when any answer is not a good one.
    pub(crate) fn run(&self, per_second: u32, length: Duration) -> Result<Figures> {
        let gap = Duration::from_secs(1) / per_second;
        let due = AtomicU32::new(0);
        let (begins, count) =
            (Instant::now() + HEAD_START, (length.as_secs_f64() * f64::from(per_second)) as u32);
        let mut all = Seen::new()?;
        thread::scope(|scope| {
            let connection = || self.connection(begins, gap, count, &due);
            let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(connection)).collect();
            threads.into_iter().try_for_each(|thread| {
                let seen = thread.join().map_err(|_| anyhow!("a connection panicked"))??;
                all.answered.add(seen.answered)?;
                all.late.add(seen.late)?;
                Ok::<_, anyhow::Error>(())
            })
        })?;
        ensure!(all.answered.len() == u64::from(count), "{} of {count} answered", all.answered.len());
        let quantile = |times: &Histogram<u64>, share: f64| times.value_at_quantile(share) as f64 / 1e9;
        Ok(Figures {
            p50: quantile(&all.answered, 0.5),
            p99: quantile(&all.answered, 0.99),
            longest: all.answered.max() as f64 / 1e9,
            late_p99: quantile(&all.late, 0.99),
        })
    }

    /// Takes whatever is due next, as long as anything is.
    fn connection(&self, begins: Instant, gap: Duration, count: u32, next: &AtomicU32) -> Result<Seen> {
        // By itself the kernel wakes a thread up to 50 µs late, to wake several at once.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let (mut seen, mut answer) = (Seen::new()?, Vec::new());
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= count {
                return Ok(seen);
            }
            let due = begins + gap * number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let request = self.requests.get(number as usize % self.requests.len());
            seen.late.saturating_record(nanoseconds(due.elapsed()));
            stream.write_all(request.context("there are no requests")?.as_bytes())?;
            read(&mut stream, &mut answer)?;
            seen.answered.saturating_record(nanoseconds(due.elapsed()));
        }
    }
}

impl Seen {
    fn new() -> Result<Self> {
        let times = || Histogram::new_with_bounds(1_000, LATENCY_NS_MAX, 3);
        Ok(Self { answered: times()?, late: times()? })
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads one answer, which must be a good one and say how long it is.
fn read(stream: &mut impl Read, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    let mut part = [0; 16 << 10];
    let mut whole = None;
    while whole.is_none_or(|whole| answer.len() < whole) {
        let length = stream.read(&mut part)?;
        ensure!(length > 0, "the connection ended within an answer");
        answer.extend_from_slice(part.get(..length).unwrap_or_default());
        ensure!(answer.len() <= ANSWER_BYTES_MAX, "an answer is longer than {ANSWER_BYTES_MAX} bytes");
        if whole.is_none() {
            whole = answer
                .windows(HEAD_END.len())
                .position(|bytes| bytes == HEAD_END)
                .map(|head| Ok::<_, anyhow::Error>(head + HEAD_END.len() + body_bytes(answer.get(..head))?))
                .transpose()?;
        }
    }
    Ok(())
}

/// How long the body behind the head of a good answer is.
fn body_bytes(head: Option<&[u8]>) -> Result<usize> {
    let head = std::str::from_utf8(head.unwrap_or_default())?;
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    if first.split(' ').nth(1) != Some("200") {
        bail!("answered `{first}`");
    }
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.context("an answer does not say how long it is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
    };

    #[test]
    fn an_answer_is_read_to_its_end_and_refused_when_it_is_no_good_one() {
        let two = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 404 Not Found\r\n\r\n";
        let mut answer = Vec::new();
        read(&mut &two[..41], &mut answer).unwrap();
        assert!(answer.ends_with(b"abc"));
        let refused = read(&mut &two[41..], &mut answer).unwrap_err().to_string();
        assert!(refused.contains("404"), "{refused}");
    }

    #[test]
    fn what_waits_for_a_server_that_stalls_is_counted_from_when_it_was_due() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stall = Duration::from_millis(200);
        // Each connection's first answer comes late; there are more requests than connections.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                thread::spawn(move || {
                    let (mut line, mut is_first) = (String::new(), true);
                    while stream.read_line(&mut line).unwrap_or(0) > 0 {
                        if line == "\r\n" {
                            thread::sleep(if is_first { stall } else { Duration::ZERO });
                            is_first = false;
                            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                            stream.get_mut().write_all(answer).unwrap();
                        }
                        line.clear();
                    }
                });
            }
        });
        let arrivals = Arrivals::new(address, &["/".into()]);
        // All that are due within the stall wait for it, though only one in three was sent before it.
        let figures = arrivals.run(1_000, Duration::from_millis(100)).unwrap();
        assert!(figures.p50 > figures.longest / 4.0, "{figures:?}");
        assert!(figures.longest >= stall.as_secs_f64() && figures.late_p99 > 0.0, "{figures:?}");
    }
}
