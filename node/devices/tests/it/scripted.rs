//! A broker that answers by a script: it remembers every session, refuses some topics by their last level, and says of every release that it
//! knows nothing of it unless it does.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[derive(Clone)]
pub struct Scripted {
    pub port: u16,
    /// What it was told, in order: `publish TOPIC`, `release ID`.
    told: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// MQTT 5.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let this = Self { port, told: Arc::default() };
        let broker = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let broker = broker.clone();
                tokio::spawn(async move { broker.serve(stream).await });
            }
        });
        this
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    fn is_told_often(&self, topic: &str) -> bool {
        self.told().iter().filter(|it| it.ends_with(topic)).count() > 3
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut received = BTreeSet::new();
        loop {
            let first = stream.read_u8().await.ok()?;
            let (mut length, mut shift) = (0, 0);
            loop {
                let byte = stream.read_u8().await.ok()?;
                length |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.ok()?;
            let answer = match first >> 4 {
                1 => vec![0x20, 3, 1, 0, 0],
                3 => {
                    let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                    let topic = String::from_utf8_lossy(&body[2..end]).into_owned();
                    let id = [body[end], body[end + 1]];
                    self.told.lock().unwrap().push(format!("publish {topic}"));
                    if topic.ends_with("refused") {
                        vec![0x50, 3, id[0], id[1], 0x87]
                    } else if topic.ends_with("poison")
                        || (topic.ends_with("later") && !self.is_told_often(&topic))
                    {
                        vec![0x50, 3, id[0], id[1], 0x80]
                    } else {
                        received.insert(id);
                        vec![0x50, 2, id[0], id[1]]
                    }
                }
                6 => {
                    let id = [body[0], body[1]];
                    self.told.lock().unwrap().push(format!("release {}", u16::from_be_bytes(id)));
                    if received.remove(&id) {
                        vec![0x70, 2, id[0], id[1]]
                    } else {
                        vec![0x70, 3, id[0], id[1], 0x92]
                    }
                }
                12 => vec![0xd0, 0],
                _ => return None,
            };
            stream.write_all(&answer).await.ok()?;
        }
    }
}
