//! WebSocket as a stream of bytes (MQTT 5, §6).
//!
//! Packets may begin and end anywhere in binary messages, so what comes in is joined, and all that is written up to a flush goes out
//! as one message. Nothing is allocated for reading here; tungstenite's own buffer is kept small.
//!
//! Guards: no text frames, no upgrade without the `mqtt` subprotocol, a bound on every message both ways.

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Sink, Stream};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Error, Message,
        handshake::server::{Callback, ErrorResponse, Request, Response},
        http::{HeaderMap, HeaderValue, StatusCode, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

/// The one subprotocol.
const SUBPROTOCOL: &str = "mqtt";

/// What one read from the socket can bring.
const READ_BYTES: usize = 2 * 1_024;

/// What is gathered before it is sent without a flush.
const GATHERED_BYTES_MAX: usize = 64 * 1_024;

/// A WebSocket connection, as its bytes.
#[derive(Debug)]
pub struct WebSocketBytes<S> {
    socket: WebSocketStream<S>,
    /// What is left of the last message.
    incoming: Bytes,
    /// What was written since the last flush.
    outgoing: BytesMut,
    /// A message was refused; its answer is on the way.
    refused: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketBytes<S> {
    /// Answers the upgrade.
    pub(super) async fn accept(stream: S, message_bytes_max: usize) -> Result<Self, Error> {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * GATHERED_BYTES_MAX)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        let socket = accept_hdr_async_with_config(stream, OnlyMqtt, Some(config)).await?;
        Ok(Self { socket, incoming: Bytes::new(), outgoing: BytesMut::new(), refused: false })
    }

    /// Hands what was gathered to the socket as one message.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.outgoing.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(to_io)?;
            // Taken whole, not split off: an idle connection keeps no buffer.
            let message = Message::Binary(std::mem::take(&mut self.outgoing).freeze());
            Pin::new(&mut self.socket).start_send(message).map_err(to_io)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Says why the connection ends, as far as the socket takes it, and ends it.
    fn poll_refuse(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.refused {
            ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(to_io)?;
            let why = CloseFrame { code: CloseCode::Unsupported, reason: "binary messages only".into() };
            Pin::new(&mut self.socket).start_send(Message::Close(Some(why))).map_err(to_io)?;
            self.refused = true;
        }
        ready!(Pin::new(&mut self.socket).poll_flush(context)).map_err(to_io)?;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a text message on a binary WebSocket")))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocketBytes<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.refused {
            return this.poll_refuse(context);
        }
        while this.incoming.is_empty() {
            match ready!(Pin::new(&mut this.socket).poll_next(context)) {
                Some(Ok(Message::Binary(bytes))) => this.incoming = bytes,
                Some(Ok(Message::Text(_))) => return this.poll_refuse(context),
                // Answered by tungstenite.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_) | Message::Close(_))) => {}
                Some(Err(error)) => return Poll::Ready(ended(error)),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.incoming.len().min(buffer.remaining());
        buffer.put_slice(this.incoming.get(..count).unwrap_or_default());
        this.incoming.advance(count);
        if this.incoming.is_empty() {
            // Otherwise the message would be kept until the next one.
            this.incoming = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocketBytes<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outgoing.len() >= GATHERED_BYTES_MAX {
            ready!(this.poll_send(context))?;
        }
        let count = bytes.len().min(GATHERED_BYTES_MAX - this.outgoing.len());
        this.outgoing.extend_from_slice(bytes.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.socket).poll_flush(context).map_err(to_io)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(context))?;
        match ready!(Pin::new(&mut this.socket).poll_close(context)) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(to_io(error))),
        }
    }
}

/// Agrees to an upgrade only for MQTT.
struct OnlyMqtt;

impl Callback for OnlyMqtt {
    fn on_request(self, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        if offers_mqtt(request.headers()) {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(Some("the subprotocol must be `mqtt`\n".into()));
        *refusal.status_mut() = StatusCode::BAD_REQUEST;
        Err(refusal)
    }
}

fn offers_mqtt(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|offered| offered.to_str().ok())
        .flat_map(|offered| offered.split(','))
        .any(|offered| offered.trim() == SUBPROTOCOL)
}

/// How a connection ends: in order, as the end of its bytes, or with an error.
fn ended(error: Error) -> io::Result<()> {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Ok(()),
        error => Err(to_io(error)),
    }
}

fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}
