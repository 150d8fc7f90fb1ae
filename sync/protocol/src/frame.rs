//! Streams and the frames on them: a stream begins with what it is for, a frame with its length.
//!
//! Not here: what a frame holds ([`crate::batch`], [`crate::control`]). Guards: a length that is only claimed costs nothing, and
//! one beyond the stream's bound ends the stream.

use crate::{
    limits::{BATCH_BYTES_MAX, DOWN_BYTES_MAX, MESSAGE_BYTES_MAX},
    log::{Hash, LogClass},
    varint::put,
};
use bytes::{Buf, Bytes, BytesMut};

/// A logical stream of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Both ways, opened by the node: control messages.
    Control,
    /// To the hub: batches of one class.
    Up(LogClass),
    /// To the node, opened by the hub: what the store should be.
    Down,
    /// Both ways, opened by the node: pieces of one content.
    Chunk(Hash),
}

/// The bytes that open a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stream opens with {0}, which nobody knows")]
pub struct UnknownStream(
    /// Its first byte.
    pub u8,
);

impl Stream {
    /// The most bytes of a frame on it.
    #[must_use]
    pub const fn frame_bytes_max(self) -> usize {
        match self {
            Self::Control => MESSAGE_BYTES_MAX,
            Self::Up(_) => BATCH_BYTES_MAX,
            Self::Down | Self::Chunk(_) => DOWN_BYTES_MAX,
        }
    }

    /// How it is preferred where bytes wait: a higher number first.
    #[must_use]
    pub const fn priority(self) -> i32 {
        match self {
            Self::Control => 100,
            Self::Up(LogClass::Sales) => 80,
            Self::Up(LogClass::Stock) => 60,
            Self::Up(LogClass::Telemetry) => 40,
            Self::Down => 30,
            Self::Up(LogClass::Bulk) => 20,
            Self::Chunk(_) => 10,
        }
    }

    /// The bytes that open it: one for what it is, then the class or the hash.
    #[must_use]
    pub fn opening(self) -> Bytes {
        match self {
            Self::Control => Bytes::from_static(&[0]),
            Self::Up(class) => Bytes::copy_from_slice(&[1, class.number()]),
            Self::Down => Bytes::from_static(&[2]),
            Self::Chunk(hash) => {
                let mut opening = vec![3];
                opening.extend_from_slice(&hash.0);
                opening.into()
            }
        }
    }

    /// Reads the bytes that open a stream off the front of what has come; `None` when more must come.
    ///
    /// # Errors
    /// When no stream opens like this.
    pub fn read_opening(buffer: &mut BytesMut) -> Result<Option<Self>, UnknownStream> {
        let Some(first) = buffer.first().copied() else { return Ok(None) };
        let (stream, length) = match first {
            0 => (Some(Self::Control), 1),
            1 => match buffer.get(1) {
                None => (None, 2),
                Some(class) => match LogClass::from_number(*class) {
                    Some(class) => (Some(Self::Up(class)), 2),
                    None => return Err(UnknownStream(first)),
                },
            },
            2 => (Some(Self::Down), 1),
            3 => {
                let hash = buffer.get(1..33).and_then(|hash| hash.try_into().ok());
                (hash.map(|hash| Self::Chunk(Hash(hash))), 33)
            }
            _ => return Err(UnknownStream(first)),
        };
        if stream.is_some() {
            buffer.advance(length);
        }
        Ok(stream)
    }
}

/// Puts the length in front of a frame's content.
#[must_use]
pub fn frame(content: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(content.len() + 4);
    put(&mut out, content.len() as u64);
    out.extend_from_slice(content);
    out.into()
}

/// Why frames cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame is longer than its stream allows.
    #[error("a frame of more than {bytes_max} bytes")]
    TooLong {
        /// How long it may be.
        bytes_max: usize,
    },
    /// A frame without content.
    #[error("an empty frame")]
    Empty,
}

/// Takes bytes as they come and gives frames as they are whole. Holds at most one unfinished frame beside what was pushed last.
#[derive(Debug)]
pub struct Frames {
    buffer: BytesMut,
    bytes_max: usize,
}

/// The longest length of a frame takes so many bytes: three times seven bits hold 2^21.
const LENGTH_BYTES_MAX: usize = 3;

impl Frames {
    /// The reader of a stream's frames.
    #[must_use]
    pub fn of(stream: Stream) -> Self {
        Self { buffer: BytesMut::new(), bytes_max: stream.frame_bytes_max() }
    }

    /// Takes bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// True when a frame has begun and is not whole.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next frame that is whole.
    ///
    /// # Errors
    /// When the frame that begins here cannot be one. The stream is of no use then.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let mut length = 0_usize;
        for (at, byte) in self.buffer.iter().take(LENGTH_BYTES_MAX).enumerate() {
            length |= usize::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 != 0 {
                continue;
            }
            if length == 0 {
                return Err(FrameError::Empty);
            }
            if length > self.bytes_max {
                return Err(FrameError::TooLong { bytes_max: self.bytes_max });
            }
            if self.buffer.len() < at + 1 + length {
                return Ok(None);
            }
            self.buffer.advance(at + 1);
            return Ok(Some(self.buffer.split_to(length).freeze()));
        }
        if self.buffer.len() >= LENGTH_BYTES_MAX {
            return Err(FrameError::TooLong { bytes_max: self.bytes_max });
        }
        Ok(None)
    }
}
