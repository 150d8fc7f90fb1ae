//! A mosquitto of our own: a child process on a free port of the loopback, with its files in a temporary directory.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub struct Mosquitto {
    pub port: u16,
    pub dir: TempDir,
    child: Option<Child>,
}

impl Mosquitto {
    /// Lets anybody in, and keeps sessions over a restart.
    pub fn start() -> Self {
        Self::with("allow_anonymous true\npersistence true\n", |_| String::new())
    }

    /// With more lines in its configuration; `files` writes what they name into the directory and gives more lines.
    pub fn with(lines: &str, files: impl FnOnce(&TempDir) -> String) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let more = files(&dir);
        let user = if is_root() { "user root\n" } else { "" };
        let config = format!(
            "listener {port} 127.0.0.1\n{user}{lines}{more}persistence_location {}/\nmax_queued_messages 0\nlog_dest file {}\nlog_type all\n",
            dir.path().display(),
            dir.path().join("log").display()
        );
        fs::write(dir.path().join("mosquitto.conf"), config).expect("written");
        let mut this = Self { port, dir, child: None };
        this.run();
        this
    }

    pub fn run(&mut self) {
        let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
            .iter()
            .map(PathBuf::from)
            .find(|it| it.exists());
        let child = Command::new(program.unwrap_or_else(|| "mosquitto".into()))
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed");
        self.child = Some(child);
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not listen: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends it in order: it writes its sessions down, if it is to.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let asked = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
        assert!(asked.expect("kill runs").success());
        child.wait().expect("ends");
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("mosquitto said:\n{}", self.log());
        }
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
