//! A line that can be cut: a relay between the bridge and the other broker.
//!
//! What the other broker has on its way then goes nowhere, as on a cable: it is told of the end, and of no failure to write. That counts with mosquitto. Where it cannot write to two
//! connections one after the other, it publishes a QoS 2 message again that was released (`db__message_reconnect_reset_outgoing` of 2.0 makes a release that it could not send a message).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt as _, copy, copy_bidirectional, sink},
    net::{TcpListener, TcpStream},
    sync::broadcast,
    time::timeout,
};

/// The other broker hangs up within this, once the line is cut.
const DRAIN_MAX: Duration = Duration::from_secs(10);

pub struct Line {
    pub port: u16,
    cut: broadcast::Sender<()>,
    connections: Arc<AtomicUsize>,
}

impl Line {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address").port();
        let (cut, _) = broadcast::channel(1);
        let connections = Arc::new(AtomicUsize::new(0));
        let (cuts, count) = (cut.clone(), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = cuts.subscribe();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.recv() => {
                            drop(near);
                            drop(far.shutdown().await);
                            drop(timeout(DRAIN_MAX, copy(&mut far, &mut sink())).await);
                        }
                    }
                });
            }
        });
        Self { port: here, cut, connections }
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub fn cut(&self) {
        drop(self.cut.send(()));
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Cuts it so many times, with short pauses that are never the same.
    pub async fn cut_often(&self, times: u64) {
        for turn in 0..times {
            tokio::time::sleep(Duration::from_millis(30 + turn * 37 % 50)).await;
            self.cut();
        }
    }
}
