//! mosquitto's clients as child processes; of `mosquitto_sub`, what it hears, line by line.
//!
//! Guards: a subscriber is waited for until the broker has confirmed its subscriptions, and killed by its own id.

use crate::support::{
    command::{self, Outcome},
    need,
};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must come for it to be nothing.
pub(crate) const QUIET: Duration = Duration::from_millis(300);
/// What a line with a message begins with; others are mosquitto_sub's own.
const MESSAGE: &str = "heard ";

/// One of mosquitto's clients, which is to go to this broker with these arguments.
pub(crate) fn client(program: &str, broker: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(need::program(program, "mosquitto-clients"));
    command.args(["-h", &broker.ip().to_string(), "-p", &broker.port().to_string()]).args(arguments);
    command
}

/// `mosquitto_pub`, run to its end.
pub(crate) fn publish(broker: SocketAddr, arguments: &[&str]) -> Outcome {
    command::run(&mut client("mosquitto_pub", broker, arguments))
}

/// A `mosquitto_sub` that runs.
#[derive(Debug)]
pub(crate) struct Subscriber {
    child: Child,
    lines: Receiver<String>,
}

impl Subscriber {
    /// Starts one and waits until it has subscribed.
    #[track_caller]
    pub(crate) fn start(broker: SocketAddr, arguments: &[&str]) -> Self {
        let subscriber = client("mosquitto_sub", broker, arguments);
        // Into a pipe it would write whole blocks; stdbuf becomes the program it is given.
        let mut child = Command::new(need::program("stdbuf", "coreutils"))
            .arg("-oL")
            .arg(subscriber.get_program())
            .args(subscriber.get_args())
            .args(["-d", "-F", &format!("{MESSAGE}%t|%q|%r|%p")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let subscriber = Self { child, lines };
        let subscribed = |line: &str| line.starts_with("Subscribed").then_some(());
        if let Err(said) = subscriber.line(PATIENCE, subscribed) {
            panic!("mosquitto_sub did not get to subscribe; it said {said:#?}");
        }
        subscriber
    }

    /// The next message, as `TOPIC|QOS|RETAIN|PAYLOAD`.
    #[track_caller]
    pub(crate) fn hears(&self) -> String {
        self.line(PATIENCE, message).unwrap_or_else(|said| panic!("no message came; it said {said:#?}"))
    }

    /// Nothing for a while.
    #[track_caller]
    pub(crate) fn hears_nothing(&self) {
        if let Ok(message) = self.line(QUIET, message) {
            panic!("nothing was expected, `{message}` came");
        }
    }

    /// This message and then no more.
    #[track_caller]
    pub(crate) fn hears_only(&self, message: &str) {
        assert_eq!(self.hears(), message);
        self.hears_nothing();
    }

    /// SIGKILL: it says goodbye to nobody.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
    }

    /// The first line that is looked for; else what came instead.
    fn line<T>(&self, within: Duration, looked_for: impl Fn(&str) -> Option<T>) -> Result<T, Vec<String>> {
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(within) {
                Ok(line) => match looked_for(&line) {
                    Some(found) => return Ok(found),
                    None => said.push(line),
                },
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(said),
            }
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn message(line: &str) -> Option<String> {
    line.strip_prefix(MESSAGE).map(str::to_owned)
}
