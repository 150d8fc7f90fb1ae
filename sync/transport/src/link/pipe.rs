//! One stream of a connection: its name, what waits to be written to it, and its ends.
//!
//! Not here: the order among streams ([`super::Link`]).

use super::carrier::Opening;
use aisle_protocol::{Stream, frame::UnknownStream};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{AsyncRead, AsyncWrite};
use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

/// The most bytes that are read at once.
const READ_BYTES_MAX: usize = 64 << 10;
/// The same on TLS, where they pass through the stack.
const COPY_BYTES_MAX: usize = 16 << 10;

/// What a stream is made of.
pub(super) enum Io {
    /// It is being opened by this end.
    Opening(Opening),
    /// A stream of QUIC. Where it goes one way only, one end is missing.
    Quic(Option<quinn::SendStream>, Option<quinn::RecvStream>),
    /// A stream over TLS.
    Tls(yamux::Stream),
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening(_) => "Opening",
            Self::Quic(..) => "Quic",
            Self::Tls(_) => "Tls",
        })
    }
}

/// What was read.
pub(super) enum Read {
    /// Bytes of this stream; none when only its name has come.
    Bytes(Stream, Bytes),
    /// No more will come.
    End,
}

#[derive(Debug)]
pub(super) struct Pipe {
    /// `None` while the other end has not said what it is.
    pub(super) name: Option<Stream>,
    pub(super) io: Io,
    opening: BytesMut,
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
    has_ended: bool,
    is_stopped: bool,
}

impl Pipe {
    pub(super) fn new(name: Option<Stream>, io: Io) -> Self {
        Self {
            name,
            io,
            opening: BytesMut::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            has_ended: false,
            is_stopped: false,
        }
    }

    pub(super) fn worth(&self) -> i32 {
        self.name.map_or(i32::MIN, Stream::priority)
    }

    pub(super) const fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// True for a chunk stream that counts against the other end's bound.
    pub(super) const fn is_open_chunk(&self) -> bool {
        matches!(self.name, Some(Stream::Chunk(_))) && !matches!(self.io, Io::Opening(_))
    }

    /// True when nothing comes of it any more.
    pub(super) const fn is_spent(&self) -> bool {
        self.has_ended && self.queued_bytes == 0 && matches!(self.name, None | Some(Stream::Chunk(_)))
    }

    pub(super) const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        self.queued_bytes += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Forgets what waits, and says how much it was.
    pub(super) fn clear(&mut self) -> usize {
        self.queue.clear();
        std::mem::take(&mut self.queued_bytes)
    }

    /// The stream that this end has opened is there.
    pub(super) fn open(&mut self, io: Io) {
        self.io = io;
        self.prefer();
    }

    /// Tells QUIC what the stream is worth.
    pub(super) fn prefer(&self) {
        if let (Io::Quic(Some(send), _), Some(stream)) = (&self.io, self.name) {
            // A stream that is closed already needs no priority.
            let _ = send.set_priority(stream.priority());
        }
    }

    /// Writes what the stream takes now, and says how much it was.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> usize {
        let mut sum = 0;
        while let Some(front) = self.queue.front_mut() {
            let written = match &mut self.io {
                Io::Quic(Some(send), _) => Pin::new(send).poll_write(cx, front).map_err(drop),
                Io::Tls(stream) => Pin::new(stream).poll_write(cx, front).map_err(drop),
                Io::Quic(None, _) => Poll::Ready(Err(())),
                Io::Opening(_) => Poll::Pending,
            };
            match written {
                Poll::Pending => break,
                Poll::Ready(Err(()) | Ok(0)) => {
                    self.is_stopped = true;
                    break;
                }
                Poll::Ready(Ok(count)) => {
                    sum += count;
                    front.advance(count);
                    if front.is_empty() {
                        self.queue.pop_front();
                    }
                }
            }
        }
        self.queued_bytes = self.queued_bytes.saturating_sub(sum);
        sum
    }

    /// Reads what has come, the name first where it is not known.
    pub(super) fn read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Read, UnknownStream>> {
        loop {
            if self.has_ended {
                return Poll::Ready(Ok(Read::End));
            }
            let Some(bytes) = ready!(self.poll_bytes(cx)) else {
                self.has_ended = true;
                continue;
            };
            if let Some(stream) = self.name {
                return Poll::Ready(Ok(Read::Bytes(stream, bytes)));
            }
            self.opening.extend_from_slice(&bytes);
            if let Some(stream) = Stream::read_opening(&mut self.opening)? {
                self.name = Some(stream);
                return Poll::Ready(Ok(Read::Bytes(stream, std::mem::take(&mut self.opening).freeze())));
            }
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.io {
            Io::Opening(_) => Poll::Pending,
            Io::Quic(_, None) => Poll::Ready(None),
            Io::Quic(_, Some(receive)) => {
                // What breaks a stream breaks the connection, and that is told there.
                let chunk = ready!(pin!(receive.read_chunk(READ_BYTES_MAX, true)).poll(cx));
                Poll::Ready(chunk.ok().flatten().map(|chunk| chunk.bytes))
            }
            Io::Tls(stream) => {
                let mut buffer = [0_u8; COPY_BYTES_MAX];
                let count = ready!(Pin::new(stream).poll_read(cx, &mut buffer)).unwrap_or(0);
                Poll::Ready(buffer.get(..count).filter(|bytes| !bytes.is_empty()).map(Bytes::copy_from_slice))
            }
        }
    }
}
