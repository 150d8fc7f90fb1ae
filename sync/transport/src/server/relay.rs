//! What a hub that calls on behalf of a store says first: its HELLO, which names the store.
//!
//! A node's certificate names its store, so the machine is opened with it. A relay's does not: its HELLO is read before the desk is asked,
//! and what came until then is kept for the machine. Guards: so much is kept and no more of somebody who has not said for whom they speak.

use crate::link::{Event, Link};
use aisle_protocol::{Message, Stream, control::Hello, frame::Frames};
use bytes::Bytes;

/// The most bytes that are kept: a control message, and the batches that every hub grants before WELCOME.
const EARLY_BYTES_MAX: usize = 6 << 20;

/// What came before the machine was there, in order.
pub(super) type Early = Vec<(Stream, Bytes)>;

/// Reads until HELLO is whole.
pub(super) async fn introduced(link: &mut Link) -> Result<(Hello, Early), String> {
    let (mut frames, mut early, mut kept_bytes) = (Frames::of(Stream::Control), Early::new(), 0_usize);
    loop {
        let (stream, bytes) = match link.event().await {
            Event::Bytes(stream, bytes) => (stream, bytes),
            Event::Broken(_, text) => return Err(text),
            Event::Ended(end) => return Err(end.text),
        };
        kept_bytes = kept_bytes.saturating_add(bytes.len());
        if kept_bytes > EARLY_BYTES_MAX {
            return Err("a relay sent too much before its HELLO".into());
        }
        if stream == Stream::Control {
            frames.push(&bytes);
        }
        early.push((stream, bytes));
        match frames.next_frame() {
            Ok(None) => {}
            Ok(Some(content)) => {
                return match Message::decode(&content) {
                    Ok(Message::Hello(hello)) => Ok((hello, early)),
                    Ok(message) => Err(format!("message {} stands where HELLO belongs", message.number())),
                    Err(error) => Err(error.to_string()),
                };
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
