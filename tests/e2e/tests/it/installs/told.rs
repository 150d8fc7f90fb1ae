//! What the service manager is told, by whoever listens in its place: ready, alive, stopping.

use crate::support::store::Store;
use aisle_harness::node::{NodeOptions, NodeUnderTest};
use std::{
    os::unix::net::UnixDatagram,
    path::Path,
    time::{Duration, Instant},
};

/// How long anything may take that comes about by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the manager waits for a sign of life, in microseconds.
const WATCHDOG_US: &str = "600000";

/// The manager's ear.
struct Ear(UnixDatagram);

impl Ear {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        Self(socket)
    }

    /// Waits for a word, and gives the message that it came in.
    fn hears(&self, word: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        while Instant::now() < deadline {
            let Ok(bytes) = self.0.recv(&mut buffer) else { continue };
            let message = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
            if message.lines().any(|line| line == word) {
                return message;
            }
        }
        panic!("`{word}` was not heard within {PATIENCE:?}");
    }
}

#[test]
fn a_node_says_when_it_serves_that_it_lives_and_when_it_stops() {
    let store = Store::small();
    let socket = store.path("notify");
    let ear = Ear::at(&socket);
    let env =
        vec![("NOTIFY_SOCKET".into(), socket.into_os_string()), ("WATCHDOG_USEC".into(), WATCHDOG_US.into())];
    let mut node = NodeUnderTest::start(NodeOptions { env, ..store.options() }).expect("the node serves");
    let ready = ear.hears("READY=1");
    assert!(ready.contains("STATUS=store store-1") && ready.contains(node.url()), "{ready}");
    for _ in 0..3 {
        ear.hears("WATCHDOG=1");
    }
    let status = node.stop().expect("it stops");
    assert_eq!(status.code(), Some(0), "{:#?}", node.logs());
    let stopping = ear.hears("STOPPING=1");
    assert!(stopping.contains("STATUS=asked to stop"), "{stopping}");
}

#[test]
fn a_node_that_nobody_listens_to_serves_all_the_same() {
    let store = Store::small();
    let env = vec![
        ("NOTIFY_SOCKET".into(), store.path("nobody").into_os_string()),
        ("WATCHDOG_USEC".into(), WATCHDOG_US.into()),
    ];
    let mut node = NodeUnderTest::start(NodeOptions { env, ..store.options() }).expect("the node serves");
    node.check().expect("it runs");
    assert_eq!(node.stop().expect("it stops").code(), Some(0));
}
