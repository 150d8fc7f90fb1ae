//! A TCP socket as the transport of an MQTT client that was made for boards.
//!
//! The client writes a packet field by field; the fields gather here and leave with one call. It reads byte by byte; what came with
//! one call waits here.

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use std::io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What is read at once, in bytes. A device is told little: settings of a few hundred bytes, acknowledgements of four.
const READ_BYTES: usize = 128;
/// A packet longer than this leaves in several calls, in bytes.
const WRITE_BYTES_MAX: usize = 4096;
/// A buffer that grew beyond this for one packet is given back afterwards, in bytes.
const WRITE_BYTES_KEPT_MAX: usize = 512;

pub(super) struct Socket {
    stream: TcpStream,
    read: [u8; READ_BYTES],
    read_from: usize,
    read_to: usize,
    write: Vec<u8>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        // A device waits for acknowledgements: what it writes should leave at once. Where that cannot be had, it leaves later.
        drop(stream.set_nodelay(true));
        Self { stream, read: [0; READ_BYTES], read_from: 0, read_to: 0, write: Vec::new() }
    }
}

impl ErrorType for Socket {
    type Error = ErrorKind;
}

impl Read for Socket {
    async fn read(&mut self, into: &mut [u8]) -> Result<usize, ErrorKind> {
        if self.read_from == self.read_to {
            self.read_to = 0;
            self.read_from = 0;
            self.read_to = self.stream.read(&mut self.read).await.map_err(kind)?;
        }
        let waiting = self.read.get(self.read_from..self.read_to).unwrap_or_default();
        let length = waiting.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..length), waiting.get(..length)) {
            to.copy_from_slice(from);
        }
        self.read_from += length;
        Ok(length)
    }
}

impl Write for Socket {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if self.write.len() >= WRITE_BYTES_MAX {
            self.flush().await?;
        }
        let length = bytes.len().min(WRITE_BYTES_MAX);
        self.write.extend_from_slice(bytes.get(..length).unwrap_or_default());
        Ok(length)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        let written = self.stream.write_all(&self.write).await.map_err(kind);
        self.write.clear();
        self.write.shrink_to(WRITE_BYTES_KEPT_MAX);
        written
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as the function of a map_err")]
fn kind(error: io::Error) -> ErrorKind {
    ErrorKind::from(error.kind())
}
