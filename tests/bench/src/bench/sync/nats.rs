//! NATS as others would use it here: a leaf node in the store, a hub, JetStream on both, the hub's stream sourced from the store's.
//!
//! Both are the real `nats-server`, spoken to by the text protocol of its clients (docs.nats.io, "Client Protocol") over plain TCP.

use super::runtime;
use aisle_harness::link::{Passed, TcpLink};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const START_MAX: Duration = Duration::from_secs(20);
const ARRIVED_MAX: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(20);
/// What still comes after the last message is waited for.
const SETTLING: Duration = Duration::from_millis(500);
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Messages that are published before their acknowledgements are read.
const TOGETHER: usize = 256;
/// The longest answer.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Debian keeps it where only root looks for programs.
const PLACES: [&str; 2] = ["/usr/sbin", "/usr/local/bin"];
const INBOX: &str = "_INBOX.bench";

/// Which server it is.
#[derive(Debug)]
pub(super) struct Version {
    /// As it calls itself.
    pub(super) name: String,
    /// Whether it can compress what goes over a leaf connection: from 2.10 on.
    pub(super) compresses: bool,
}

/// Asks the program.
pub(super) fn version() -> Result<Version> {
    let said = Command::new(program()?).arg("--version").output().context("cannot run nats-server")?;
    // `nats-server: v2.9.10`
    let name = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let numbers = name.rsplit_once('v').map(|(_, numbers)| numbers).unwrap_or_default();
    let mut numbers = numbers.split('.').map_while(|number| number.parse::<u32>().ok());
    let compresses = (numbers.next(), numbers.next()) >= (Some(2), Some(10));
    Ok(Version { name, compresses })
}

/// Publishes messages in the store while there is no hub's stream, then lets the hub take them; what went over the line between the two.
pub(super) fn send(dir: &Path, messages: &[Vec<u8>]) -> Result<Passed> {
    let runtime = runtime()?;
    let (hub_port, leaf_port, join_port) = (free_port()?, free_port()?, free_port()?);
    let compression = if version()?.compresses { "compression: s2_best" } else { "" };
    let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let jetstream = |name: &str| format!("jetstream {{ store_dir: {:?}, domain: {name} }}\n", dir.join(name));
    let head = |name: &str, port: u16| {
        format!("listen: \"127.0.0.1:{port}\"\nserver_name: {name}\n{}", jetstream(name))
    };
    let hub = format!(
        "{}leafnodes {{\nlisten: \"127.0.0.1:{join_port}\"\n{compression}\n}}\n",
        head("hub", hub_port)
    );
    let _hub = Server::start(dir, "hub", &hub, local(hub_port))?;
    let link = runtime.block_on(TcpLink::start(local(join_port), 1))?;
    let leaf = format!(
        "{}leafnodes {{\nremotes: [\n{{\nurl: \"nats-leaf://{}\"\n{compression}\n}}\n]\n}}\n",
        head("leaf", leaf_port),
        link.address()
    );
    let _leaf = Server::start(dir, "leaf", &leaf, local(leaf_port))?;
    let mut store = Client::connect(local(leaf_port))?;
    let stream = json!({ "name": "SALES", "subjects": ["sales"], "storage": "file", "retention": "limits", "num_replicas": 1 });
    store.ask("$JS.API.STREAM.CREATE.SALES", &stream)?;
    for together in messages.chunks(TOGETHER) {
        for message in together {
            store.publish("sales", message)?;
        }
        for _ in together {
            store.answer()?;
        }
    }
    let mut there = Client::connect(local(hub_port))?;
    let source = json!({ "name": "SALES", "external": { "api": "$JS.leaf.API" } });
    let stream = json!({ "name": "ALL", "storage": "file", "retention": "limits", "num_replicas": 1, "sources": [source] });
    there.ask("$JS.API.STREAM.CREATE.ALL", &stream)?;
    let deadline = Instant::now() + ARRIVED_MAX;
    loop {
        let about = there.ask("$JS.API.STREAM.INFO.ALL", &json!({}))?;
        let arrived =
            about.pointer("/state/messages").and_then(Value::as_u64).context("a stream has no state")?;
        if arrived as usize >= messages.len() {
            break;
        }
        if Instant::now() > deadline {
            bail!("{arrived} of {} messages are at the hub after {ARRIVED_MAX:?}", messages.len());
        }
        thread::sleep(POLL);
    }
    thread::sleep(SETTLING);
    Ok(link.passed())
}

/// A server, killed when it is dropped.
#[derive(Debug)]
struct Server(Child);

impl Server {
    fn start(dir: &Path, name: &str, config: &str, address: SocketAddr) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        let (file, log) = (dir.join(format!("{name}.conf")), dir.join(format!("{name}.log")));
        fs::write(&file, config).with_context(|| format!("cannot write `{}`", file.display()))?;
        let child = Command::new(program()?)
            .arg("-c")
            .arg(&file)
            .arg("-l")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start nats-server")?;
        let mut server = Self(child);
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(address).is_err() {
            let ended = server.0.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                bail!(
                    "nats-server `{name}` does not listen: {}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            thread::sleep(POLL);
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; there is nobody left to tell.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn program() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(PLACES.map(PathBuf::from));
    places
        .map(|place| place.join("nats-server"))
        .find(|program| program.is_file())
        .context("nats-server is not installed\nhint: `cargo xtask bench sync` installs it")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A client that waits for each answer.
#[derive(Debug)]
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        let mut client = Self { stream: BufReader::new(stream) };
        let hello = json!({ "verbose": false, "pedantic": false, "lang": "rust", "version": "1", "name": "bench", "protocol": 1 });
        client.write(format!("CONNECT {hello}\r\nSUB {INBOX} 1\r\nPING\r\n").as_bytes())?;
        while client.line()? != "PONG" {}
        Ok(client)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("nats-server has hung up");
        }
        if line.starts_with("-ERR") {
            bail!("nats-server says `{}`", line.trim());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Publishes, and asks for an acknowledgement.
    fn publish(&mut self, subject: &str, payload: &[u8]) -> Result<()> {
        let head = format!("PUB {subject} {INBOX} {}\r\n", payload.len());
        self.write(&[head.as_bytes(), payload, b"\r\n"].concat())
    }

    /// The next answer.
    fn answer(&mut self) -> Result<Value> {
        loop {
            let line = self.line()?;
            if line == "PING" {
                self.write(b"PONG\r\n")?;
            }
            let Some(head) = line.strip_prefix("MSG ") else { continue };
            let length: usize = head.split(' ').next_back().unwrap_or_default().parse()?;
            if length > MESSAGE_BYTES_MAX {
                bail!("an answer of nats-server has {length} bytes");
            }
            let mut body = vec![0; length + 2];
            self.stream.read_exact(&mut body)?;
            let answer: Value = serde_json::from_slice(body.get(..length).unwrap_or_default())?;
            if let Some(error) = answer.get("error") {
                bail!("nats-server refuses: {error}");
            }
            return Ok(answer);
        }
    }

    fn ask(&mut self, subject: &str, question: &Value) -> Result<Value> {
        self.publish(subject, question.to_string().as_bytes())?;
        self.answer()
    }
}
