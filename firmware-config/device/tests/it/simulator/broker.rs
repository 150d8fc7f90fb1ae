//! Eclipse Mosquitto with its own tools, as a broker that is not ours and a listener that is not ours.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// A mosquitto of its own; killed with the test.
pub struct Mosquitto {
    scratch: TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Mosquitto {
    /// One that lets anybody in and keeps what is retained.
    pub fn start() -> Self {
        Self::start_with(
            "allow_anonymous true\npersistence true\nautosave_interval 1\nautosave_on_changes true\n",
        )
    }

    pub fn start_with(config: &str) -> Self {
        let scratch = tempfile::Builder::new().prefix("aisle-simulator-").tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = format!(
            "user root\nlistener {} 127.0.0.1\nmax_connections -1\npersistence_location {}/\nlog_dest none\n{config}",
            address.port(),
            scratch.path().display(),
        );
        fs::write(scratch.path().join("mosquitto.conf"), text).unwrap();
        let mut mosquitto = Self { scratch, address, child: None };
        mosquitto.start_again();
        mosquitto
    }

    pub fn start_again(&mut self) {
        let program = installed("mosquitto");
        let log = File::options().create(true).append(true).open(self.scratch.path().join("log")).unwrap();
        let child = Command::new(program)
            .args(["-c", "mosquitto.conf"])
            .current_dir(self.scratch.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not listen on {}", self.address);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// It ends as it is told to, and keeps what it has acknowledged.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
            assert!(told.success());
            child.wait().unwrap();
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// All messages of a topic filter, from now on, also across restarts of the broker.
    pub fn listen(&self, filter: &str) -> Listener {
        static LISTENERS: AtomicU32 = AtomicU32::new(0);
        let id = format!("listener-{}", LISTENERS.fetch_add(1, Ordering::Relaxed));
        // It does not say when it has subscribed: a retained message of its own comes then.
        let ready = format!("ready/{id}");
        self.publish(&ready, "ready", true);
        let mut child = Command::new(installed("mosquitto_sub"))
            .args(["-h", "127.0.0.1", "-p", &self.port().to_string(), "-q", "1", "-t", filter])
            .args(["-t", &ready, "-F", "%r %t %x", "-c", "-i", &id])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (heard, messages) = channel();
        let (tell, is_ready) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut words = line.split(' ');
                let (Some(retained @ ("0" | "1")), Some(topic), Some(hex)) =
                    (words.next(), words.next(), words.next())
                else {
                    continue;
                };
                let payload = hex
                    .as_bytes()
                    .chunks(2)
                    .filter_map(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
                let message =
                    Heard { topic: topic.into(), payload: payload.collect(), retained: retained == "1" };
                if message.topic == ready {
                    let _ = tell.send(());
                } else if !message.topic.starts_with("ready/") && heard.send(message).is_err() {
                    return;
                }
            }
        });
        is_ready.recv_timeout(PATIENCE).expect("mosquitto_sub subscribes");
        Listener { child, messages }
    }

    pub fn publish(&self, topic: &str, payload: &str, retain: bool) {
        let mut command = Command::new(installed("mosquitto_pub"));
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port().to_string(),
            "-q",
            "1",
            "-t",
            topic,
            "-m",
            payload,
        ]);
        if retain {
            command.arg("-r");
        }
        assert!(command.status().unwrap().success());
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A message that the listener got.
#[derive(Debug, Clone)]
pub struct Heard {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

impl Heard {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.payload).unwrap_or_else(|error| {
            panic!("{}: {error}: {}", self.topic, String::from_utf8_lossy(&self.payload))
        })
    }
}

/// Somebody who listens to the broker.
pub struct Listener {
    child: Child,
    messages: Receiver<Heard>,
}

impl Listener {
    /// Waits for a message that fits, passing over others.
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Heard) -> bool) -> Heard {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).unwrap_or_else(|_| panic!("nobody said {what}"));
            if fits(&message) {
                return message;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn installed(program: &str) -> PathBuf {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|place| Path::new(place).join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("`{program}` is not installed: `apt-get install mosquitto mosquitto-clients`")
        })
}
