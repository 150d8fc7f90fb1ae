//! WebSocket as bytes: packets in pieces, what is refused, and how an answer is sent.

use crate::transport_support::{Data, Reached, config, connect, listening};
use aisle_broker::transport::{Transport, TransportConfig};
use futures_util::{SinkExt, StreamExt};
use std::{fs, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::HeaderValue,
        protocol::frame::{
            Frame,
            coding::{CloseCode, Data as Opcode, OpCode},
        },
    },
};

fn plain() -> TransportConfig {
    TransportConfig { websocket_listen: "127.0.0.1:0".into(), websocket_tls: false, ..config() }
}

async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    subprotocol: Option<&'static str>,
) -> Result<WebSocketStream<S>, Error> {
    let mut request = "ws://localhost/mqtt".into_client_request().unwrap();
    if let Some(subprotocol) = subprotocol {
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(subprotocol));
    }
    client_async(request, stream).await.map(|(socket, _)| socket)
}

async fn client(address: SocketAddr) -> WebSocketStream<TcpStream> {
    upgrade(TcpStream::connect(address).await.unwrap(), Some("mqtt")).await.unwrap()
}

async fn pair() -> (Data, Reached, WebSocketStream<TcpStream>, aisle_broker::transport::Stream) {
    let data = Data::new();
    let mut reached = listening(&plain(), &data);
    let client = client(reached.address(Transport::WebSocket)).await;
    let accepted = reached.next().await;
    assert_eq!(accepted.transport, Transport::WebSocket);
    (data, reached, client, accepted.stream)
}

#[tokio::test]
async fn packets_may_be_cut_and_joined_anywhere() {
    let (_data, _reached, mut client, mut server) = pair().await;
    for piece in [&b"ab"[..], b"", b"cdef", b"g"] {
        client.send(Message::binary(piece.to_vec())).await.unwrap();
    }
    // One message in three frames, with a ping between them.
    for (bytes, opcode, last) in [("hi", Opcode::Binary, false), ("jk", Opcode::Continue, false)] {
        client.send(Message::Frame(Frame::message(bytes, OpCode::Data(opcode), last))).await.unwrap();
    }
    client.send(Message::Ping("there?".into())).await.unwrap();
    client.send(Message::Frame(Frame::message("l", OpCode::Data(Opcode::Continue), true))).await.unwrap();

    let mut got = [0; 12];
    for byte in &mut got {
        *byte = server.read_u8().await.unwrap();
    }
    assert_eq!(&got, b"abcdefghijkl");
    server.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong("there?".into()));
}

#[tokio::test]
async fn what_is_written_up_to_a_flush_is_one_message() {
    let (_data, _reached, mut client, mut server) = pair().await;
    for piece in [&b"one "[..], b"two ", b"three"] {
        server.write_all(piece).await.unwrap();
    }
    server.flush().await.unwrap();
    server.write_all(b"four").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(&b"one two three"[..]));
    assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(&b"four"[..]));
}

#[tokio::test]
async fn a_megabyte_goes_through_in_bounded_messages() {
    let (_data, _reached, mut client, mut server) = pair().await;
    let sent: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        server.write_all(&sent).await.unwrap();
        server.shutdown().await.unwrap();
    });
    let mut got = Vec::new();
    while let Some(Ok(message)) = client.next().await {
        if let Message::Binary(bytes) = message {
            assert!(bytes.len() <= 64 * 1_024, "{}", bytes.len());
            got.extend_from_slice(&bytes);
        }
    }
    assert!(got == expected, "{} of {} bytes", got.len(), expected.len());
    writing.await.unwrap();
}

#[tokio::test]
async fn a_text_message_ends_the_connection_with_the_reason() {
    let (_data, _reached, mut client, mut server) = pair().await;
    client.send(Message::text("hello")).await.unwrap();
    let read = server.read_u8().await.unwrap_err();
    assert_eq!(read.kind(), std::io::ErrorKind::InvalidData);
    match client.next().await.unwrap().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Unsupported),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_close_is_the_end_of_the_bytes() {
    let (_data, _reached, mut client, mut server) = pair().await;
    client.send(Message::binary(&b"bye"[..])).await.unwrap();
    client.close(None).await.unwrap();
    let mut got = Vec::new();
    server.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"bye");
}

#[tokio::test]
async fn a_message_beyond_the_bound_ends_the_connection() {
    let data = Data::new();
    let mut reached = listening(&TransportConfig { websocket_message_bytes_max: 1_000, ..plain() }, &data);
    let mut client = client(reached.address(Transport::WebSocket)).await;
    let mut server = reached.next().await.stream;
    client.send(Message::binary(vec![0; 1_000])).await.unwrap();
    server.read_exact(&mut [0; 1_000]).await.unwrap();
    client.send(Message::binary(vec![0; 1_001])).await.unwrap();
    assert!(server.read_u8().await.is_err());
}

#[tokio::test]
async fn an_upgrade_needs_the_mqtt_subprotocol() {
    let data = Data::new();
    let mut reached = listening(&plain(), &data);
    let address = reached.address(Transport::WebSocket);
    for offered in [None, Some("chat"), Some("mqttx, amqp")] {
        let stream = TcpStream::connect(address).await.unwrap();
        match upgrade(stream, offered).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 400),
            other => panic!("{offered:?} gave {other:?}"),
        }
    }
    let stream = TcpStream::connect(address).await.unwrap();
    assert!(upgrade(stream, Some("mqtt")).await.is_ok());
    reached.next().await;
    reached.metric_becomes("mqtt_transport_refused_total{transport=\"ws\",reason=\"websocket\"}", "3").await;
}

#[tokio::test]
async fn what_is_no_http_is_closed() {
    let data = Data::new();
    let reached = listening(&TransportConfig { handshake_timeout_ms: 500, ..plain() }, &data);
    for bytes in [&b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02ab\r\n\r\n"[..], b"GET / HT"] {
        let mut client = TcpStream::connect(reached.address(Transport::WebSocket)).await.unwrap();
        client.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        drop(timeout(Duration::from_secs(5), client.read_to_end(&mut rest)).await.unwrap());
        assert!(!rest.starts_with(b"HTTP/1.1 101"));
    }
}

#[tokio::test]
async fn websocket_goes_over_tls_too() {
    let data = Data::new();
    let mut reached =
        listening(&TransportConfig { websocket_listen: "127.0.0.1:0".into(), ..config() }, &data);
    let made = fs::read_to_string(data.path().join("mqtt/certificate.pem")).unwrap();
    let stream = connect(reached.address(Transport::WebSocketTls), &made, None).await.unwrap();
    let mut client = upgrade(stream, Some("mqtt")).await.unwrap();
    let mut server = reached.next().await.stream;
    client.send(Message::binary(&b"ping"[..])).await.unwrap();
    let mut got = [0; 4];
    server.read_exact(&mut got).await.unwrap();
    server.write_all(&got).await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(&b"ping"[..]));
}
