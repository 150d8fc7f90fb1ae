//! What the service manager is told by a hub, by whoever listens in its place; and the secrets that it hands over.

use crate::running::{Region, Shelf};
use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// How long the manager waits for a sign of life, in microseconds.
const WATCHDOG_US: &str = "600000";

fn ear(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    socket
}

/// Waits for a word, and gives the message that it came in.
fn hears(socket: &UnixDatagram, word: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = [0; 4096];
    while Instant::now() < deadline {
        let Ok(bytes) = socket.recv(&mut buffer) else { continue };
        let message = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
        if message.lines().any(|line| line == word) {
            return message;
        }
    }
    panic!("`{word}` was not heard within {PATIENCE:?}");
}

#[test]
fn a_hub_says_when_it_serves_that_it_lives_and_when_it_stops() {
    let mut region = Region::of(&Shelf::new("store-1"));
    let socket = region.folder.path().join("notify");
    let ear = ear(&socket);
    region.environment.push(("NOTIFY_SOCKET", socket.display().to_string()));
    region.environment.push(("WATCHDOG_USEC", WATCHDOG_US.into()));
    let hub = region.run();
    let ready = hears(&ear, "READY=1");
    assert!(ready.contains("STATUS=region eu, people at 127.0.0.1:"), "{ready}");
    for _ in 0..3 {
        hears(&ear, "WATCHDOG=1");
    }
    hub.end();
    let stopping = hears(&ear, "STOPPING=1");
    assert!(stopping.contains("STATUS=asked to stop"), "{stopping}");
}

#[test]
fn a_hub_takes_its_key_from_the_service_manager() {
    let mut region = Region::of(&Shelf::new("store-1"));
    let file = |name: &str| region.folder.path().join(name);
    let (config, given, socket) = (file("hub.toml"), file("given"), file("notify"));
    fs::create_dir(&given).unwrap();
    fs::rename(file("hub.key"), given.join("aisle_hub.key")).unwrap();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("key = \"hub.key\"", "key = \"credential:hub.key\"")).unwrap();
    let missing = region.ask(&["run"]);
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(1), "{said}");
    assert!(said.contains("credentials/hub.key") && said.contains("`tls.key`"), "{said}");

    let ear = ear(&socket);
    region.environment.push(("NOTIFY_SOCKET", socket.display().to_string()));
    region.environment.push(("CREDENTIALS_DIRECTORY", given.display().to_string()));
    let hub = region.run();
    hears(&ear, "READY=1");
    hub.end();
}
