//! Streams: their first bytes, and the frames on them.

use aisle_protocol::{
    LogClass, Stream,
    frame::{FrameError, Frames, frame},
};
use bytes::{Bytes, BytesMut};

/// The input is what comes on a stream from its first byte on.
///
/// # Panics
/// When a stream that was read opens otherwise, a frame is longer than its stream allows, or bytes in pieces are other frames than the
/// same bytes at once.
pub fn sync_frames(input: &[u8]) {
    let mut buffer = BytesMut::from(input);
    let Ok(Some(stream)) = Stream::read_opening(&mut buffer) else {
        return;
    };
    let opening = stream.opening();
    assert!(input.starts_with(&opening) && buffer.len() == input.len() - opening.len(), "{stream:?}");
    let at_once = read(stream, [&buffer[..]]);
    assert_eq!(read(stream, buffer.chunks(1)), at_once, "{stream:?}, byte by byte");
    assert_eq!(read(stream, buffer.chunks(7)), at_once, "{stream:?}, by sevens");
}

fn read<'a>(stream: Stream, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Bytes>, Option<FrameError>) {
    let (mut frames, mut found) = (Frames::of(stream), Vec::new());
    for piece in pieces {
        frames.push(piece);
        loop {
            match frames.next_frame() {
                Ok(Some(content)) => {
                    assert!((1..=stream.frame_bytes_max()).contains(&content.len()), "{stream:?}");
                    found.push(content);
                }
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

/// One stream of each kind, with frames on it.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let hash = aisle_protocol::Hash([6; 32]);
    let streams = [Stream::Control, Stream::Up(LogClass::Stock), Stream::Down, Stream::Chunk(hash)];
    let frames = [&frame(b"one")[..], &frame(&[2; 200]), &frame(&[3; 3])].concat();
    streams.map(|stream| [&stream.opening()[..], &frames].concat()).into()
}
