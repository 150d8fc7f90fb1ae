//! Courses of what happens to an end of a connection, written as bytes.
//!
//! ```text
//! step: what (u8), stream (u8), length (u16 LE), so many bytes
//! ```
//!
//! Time goes on by each step. Not here: what a step means to which machine.

use aisle_protocol::{Hash, LogClass, Stream, frame::frame};

/// The longest course that is played.
pub(super) const STEPS_MAX: usize = 512;

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) what: u8,
    pub(super) stream: Stream,
    pub(super) bytes: &'a [u8],
}

/// The steps of an input; what is cut short at the end is one step still.
pub(super) fn steps(mut input: &[u8]) -> impl Iterator<Item = Step<'_>> {
    std::iter::from_fn(move || {
        let ([what, stream, low, high], rest) = input.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (bytes, rest) = rest.split_at(length);
        input = rest;
        Some(Step { what: *what, stream: stream_of(*stream), bytes })
    })
    .take(STEPS_MAX)
}

fn stream_of(number: u8) -> Stream {
    match number % 8 {
        0..3 => Stream::Control,
        3 => Stream::Up(LogClass::Sales),
        4 => Stream::Up(LogClass::Stock),
        5 => Stream::Down,
        _ => Stream::Chunk(Hash([number; 32])),
    }
}

/// A step of an example: on the stream of that number come these bytes.
pub(super) fn step(what: u8, stream: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a step of an example is short");
    [&[what, stream][..], &length.to_le_bytes(), bytes].concat()
}

/// The same with a frame around the bytes.
pub(super) fn framed(what: u8, stream: u8, content: &[u8]) -> Vec<u8> {
    step(what, stream, &frame(content))
}
