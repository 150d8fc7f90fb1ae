//! Whether a node is ready for shoppers: the status of `/readyz`, asked without a client library or a runtime.

use super::{NodeError, NodeUnderTest};
use std::{
    io::{self, BufRead, BufReader, Write},
    net::{TcpStream, ToSocketAddrs},
    thread,
    time::{Duration, Instant},
};

const EVERY: Duration = Duration::from_millis(20);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

impl NodeUnderTest {
    /// Waits until `/readyz` says yes: what the journal holds is applied, and shoppers can be served.
    ///
    /// # Errors
    /// When the node exits, or is not ready in time; then it runs on.
    pub fn wait_until_ready(&mut self, timeout: Duration) -> Result<(), NodeError> {
        let deadline = Instant::now() + timeout;
        loop {
            self.check()?;
            let answer = match status_line(self.url(), "/readyz") {
                Ok(line) if line.contains(" 200 ") => return Ok(()),
                Ok(line) => line,
                Err(error) => error.to_string(),
            };
            if Instant::now() >= deadline {
                return Err(NodeError::NotReady { timeout, answer, log: self.output.tail() });
            }
            thread::sleep(EVERY);
        }
    }
}

fn status_line(url: &str, path: &str) -> io::Result<String> {
    let host = url.trim_start_matches("http://");
    let address = host.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
