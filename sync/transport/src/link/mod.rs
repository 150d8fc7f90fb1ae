//! A connection as both drivers see it: named streams, bytes that come, frames that go, and one end of all of it.
//!
//! [`Link`] is polled by the task that owns it and spawns none, so an idle connection costs what lies in it and nothing else. What is
//! written goes out in the order of the streams' worth: QUIC orders packets by the priority of their stream; on TLS, where all streams share
//! one pipe, a stream is written to only while none of more worth has anything to say.
//!
//! Not here: what bytes mean, when to give up a connection that is silent. Guards: a peer may open so many streams and no more, and
//! only those that are its own to open.

mod carrier;
mod pipe;

pub(crate) use carrier::{Carrier, End, quic_chain};

use aisle_protocol::{ErrorCode, Stream, frame::UnknownStream};
use bytes::Bytes;
use carrier::Opening;
use pipe::{Io, Pipe, Read};
use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It called.
    Node,
    /// It was called.
    Hub,
}

impl Side {
    /// Whether this end opens a stream; else the other one does.
    const fn opens(self, stream: Stream) -> bool {
        matches!((self, stream), (Self::Hub, Stream::Down))
            || (matches!(self, Self::Node) && !matches!(stream, Stream::Down))
    }
}

/// Whether bytes go both ways on a stream.
const fn is_both_ways(stream: Stream) -> bool {
    matches!(stream, Stream::Control | Stream::Chunk(_))
}

/// What happens on a connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// Bytes came, without those that open the stream.
    Bytes(Stream, Bytes),
    /// The other end does not keep to how streams are opened.
    Broken(ErrorCode, String),
    /// It is over.
    Ended(End),
}

/// The most chunk streams that are open at once; the next one waits.
pub(crate) const CHUNK_STREAMS_MAX: usize = 8;
/// The most streams of a connection that are open at once, whoever opened them: control, four up, down and chunks are fourteen; on TLS
/// others may come before those are gone that have ended.
pub(crate) const STREAMS_MAX: usize = 32;

/// A connection.
#[derive(Debug)]
pub(crate) struct Link {
    carrier: Carrier,
    side: Side,
    /// Those of more worth first; those whose name has not been read yet last.
    pipes: Vec<Pipe>,
    /// Where reading goes on, so that none waits for ever behind another.
    turn: usize,
    /// What waits to be written, on all streams.
    queued_bytes: usize,
    /// When bytes last went on their way, or began to wait.
    moved_at: Instant,
    ended: Option<End>,
}

impl Link {
    pub(crate) fn new(carrier: Carrier, side: Side) -> Self {
        Self {
            carrier,
            side,
            pipes: Vec::new(),
            turn: 0,
            queued_bytes: 0,
            moved_at: Instant::now(),
            ended: None,
        }
    }

    pub(crate) const fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// When the other end will have taken nothing for so long although something waits.
    pub(crate) fn stalls_at(&self, after: Duration) -> Option<Instant> {
        (self.queued_bytes > 0).then(|| self.moved_at + after)
    }

    /// Puts a frame behind what waits on its stream, which is opened where it is not open.
    pub(crate) fn send(&mut self, stream: Stream, bytes: Bytes) {
        if self.queued_bytes == 0 {
            self.moved_at = Instant::now();
        }
        let at = match self.pipes.iter().position(|pipe| pipe.name == Some(stream)) {
            Some(at) => at,
            // The other end has not opened it, so it has nobody who listens.
            None if !self.side.opens(stream) => return,
            None => {
                let mut pipe = Pipe::new(Some(stream), Io::Opening(Opening::default()));
                pipe.push(stream.opening());
                self.queued_bytes += pipe.queued_bytes();
                self.insert(pipe)
            }
        };
        if let Some(pipe) = self.pipes.get_mut(at)
            && !pipe.is_stopped()
        {
            self.queued_bytes += bytes.len();
            pipe.push(bytes);
        }
    }

    /// Ends a stream that this end has opened and has no more use for.
    pub(crate) fn close_stream(&mut self, stream: Stream) {
        let is_meant = |pipe: &Pipe| pipe.name == Some(stream);
        let queued: usize = self.pipes.iter().filter(|pipe| is_meant(pipe)).map(Pipe::queued_bytes).sum();
        self.queued_bytes = self.queued_bytes.saturating_sub(queued);
        self.pipes.retain(|pipe| !is_meant(pipe));
    }

    fn insert(&mut self, pipe: Pipe) -> usize {
        let worth = pipe.worth();
        let at = self.pipes.iter().position(|other| other.worth() < worth).unwrap_or(self.pipes.len());
        self.pipes.insert(at, pipe);
        at
    }

    /// What happens next. Nothing is lost when the future is dropped.
    pub(crate) async fn event(&mut self) -> Event {
        self.event_below(usize::MAX).await
    }

    /// The same, but nothing is read while so much waits to be written: then the other end stops sending when its windows are used up. With
    /// 0 nothing is read at all.
    pub(crate) async fn event_below(&mut self, queued_bytes_max: usize) -> Event {
        poll_fn(|cx| self.poll_event(cx, queued_bytes_max)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>, queued_bytes_max: usize) -> Poll<Event> {
        if let Poll::Ready(event) = self.poll_incoming(cx) {
            return Poll::Ready(event);
        }
        if let Err(end) = self.write(cx) {
            return Poll::Ready(Event::Ended(end));
        }
        if self.queued_bytes < queued_bytes_max { self.poll_read(cx) } else { Poll::Pending }
    }

    /// Takes the streams that the other end opens. On TLS this is also what moves all bytes.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            match self.carrier.poll_incoming(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(end)) => {
                    let end = self.ended.get_or_insert(end).clone();
                    // What has come before the end is still worth reading: it says why, often.
                    return Poll::Ready(match self.poll_read(cx) {
                        Poll::Ready(event) => event,
                        Poll::Pending => Event::Ended(end),
                    });
                }
                Poll::Ready(Ok(io)) => {
                    if self.pipes.len() >= STREAMS_MAX {
                        return Poll::Ready(Event::Broken(ErrorCode::FLOOD, "too many streams".into()));
                    }
                    self.insert(Pipe::new(None, io));
                }
            }
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let is_strict = self.carrier.is_one_pipe();
        let mut chunks = self.pipes.iter().filter(|pipe| pipe.is_open_chunk()).count();
        for pipe in &mut self.pipes {
            if pipe.queued_bytes() == 0 {
                continue;
            }
            if let Io::Opening(opening) = &mut pipe.io {
                let Some(stream) = pipe.name else { continue };
                if matches!(stream, Stream::Chunk(_)) && chunks >= CHUNK_STREAMS_MAX {
                    continue;
                }
                match self.carrier.poll_open(cx, opening, is_both_ways(stream)) {
                    Poll::Pending => continue,
                    Poll::Ready(opened) => pipe.open(opened?),
                }
                chunks += usize::from(pipe.is_open_chunk());
            }
            let written = pipe.write(cx);
            if written > 0 {
                if is_strict {
                    // The multiplexer was polled before there was something to carry.
                    cx.waker().wake_by_ref();
                }
                self.queued_bytes = self.queued_bytes.saturating_sub(written);
                self.moved_at = Instant::now();
            }
            if pipe.is_stopped() {
                // Nobody reads it any more; what waits on it has nowhere to go.
                self.queued_bytes = self.queued_bytes.saturating_sub(pipe.clear());
            }
            if is_strict && pipe.queued_bytes() > 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let count = self.pipes.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            let Some(pipe) = self.pipes.get_mut(at) else { continue };
            let was_named = pipe.name.is_some();
            match pipe.read(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(Read::Bytes(stream, bytes))) => {
                    self.turn = at + 1;
                    if !was_named && let Err(event) = self.named(at, stream) {
                        return Poll::Ready(event);
                    }
                    if bytes.is_empty() {
                        // Only the name has come: look at the rest again, now that the order may be another.
                        return self.poll_read(cx);
                    }
                    return Poll::Ready(Event::Bytes(stream, bytes));
                }
                Poll::Ready(Ok(Read::End)) => {}
                Poll::Ready(Err(UnknownStream(first))) => {
                    let text = format!("a stream opens with {first}, which nobody knows");
                    return Poll::Ready(Event::Broken(ErrorCode::MALFORMED, text));
                }
            }
        }
        // Who has ended a chunk stream wants no more of it.
        self.pipes.retain(|pipe| !pipe.is_spent());
        Poll::Pending
    }

    /// A stream has said what it is.
    fn named(&mut self, at: usize, stream: Stream) -> Result<(), Event> {
        if self.side.opens(stream) {
            let text = "a stream that is not its to open".to_owned();
            return Err(Event::Broken(ErrorCode::UNEXPECTED, text));
        }
        if self.pipes.iter().enumerate().any(|(other, pipe)| other != at && pipe.name == Some(stream)) {
            return Err(Event::Broken(ErrorCode::UNEXPECTED, "a stream that is open already".into()));
        }
        let pipe = self.pipes.remove(at);
        pipe.prefer();
        self.insert(pipe);
        Ok(())
    }

    fn control(&self) -> Option<&Pipe> {
        self.pipes.iter().find(|pipe| pipe.name == Some(Stream::Control))
    }

    /// Ends a connection with one word, before anything else was said on it. The control stream is the node's to open.
    pub(crate) async fn turn_away(mut self, code: ErrorCode, word: Bytes, text: &str, patience: Duration) {
        let opened = async {
            while self.control().is_none() {
                if matches!(self.event().await, Event::Ended(_)) {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(patience, opened).await;
        self.send(Stream::Control, word);
        self.finish(code, text, patience).await;
    }

    /// Ends the connection: what waits on the control stream goes out, the other end gets so long to hear it and to hang up, then it is cut.
    pub(crate) async fn finish(mut self, code: ErrorCode, text: &str, patience: Duration) {
        // A hub always has a last word; a node that has none hangs up at once.
        if self.control().is_some_and(|pipe| self.side == Side::Hub || pipe.queued_bytes() > 0) {
            for pipe in &mut self.pipes {
                if pipe.name != Some(Stream::Control) {
                    self.queued_bytes = self.queued_bytes.saturating_sub(pipe.clear());
                }
            }
            // A closed connection drops what the other end has not read. Who is told to go hangs up by itself.
            let heard = async { while !matches!(self.event().await, Event::Ended(_)) {} };
            let _ = tokio::time::timeout(patience, heard).await;
        }
        self.carrier.close(code, text, patience).await;
    }
}
