//! A hub that gives the answers that it was told, in their order, and keeps what it was asked.

use crate::aisle::{Ran, command};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};
use tempfile::TempDir;

pub const TOKEN: &str = "aisle_t1_0123456789abcdef";

/// What it was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What it answers.
#[derive(Clone)]
pub enum Answer {
    /// A status, headers and a body.
    Says(&'static str, Vec<(&'static str, String)>, String),
    /// It takes the request and hangs up.
    HangsUp,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a value that was just made is read better without a sign before it"
)]
pub fn says(status: &'static str, body: impl ToString) -> Answer {
    Answer::Says(status, Vec::new(), body.to_string())
}

/// What a hub says when it refuses.
pub fn refuses(status: &'static str, problem: &str, title: &str) -> Answer {
    let body =
        serde_json::json!({ "type": format!("urn:aisle:problem:{problem}"), "title": title, "detail": "" });
    let headers = vec![("content-type", "application/problem+json".to_owned())];
    Answer::Says(status, headers, body.to_string())
}

pub fn well(body: impl ToString) -> Answer {
    says("200 OK", body)
}

/// The hub, and a home for whoever asks.
pub struct Hub {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub home: TempDir,
}

impl Hub {
    /// One that gives these answers, then none any more.
    pub fn that(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answers): (_, Vec<Answer>) = (Arc::clone(&asked), answers.into_iter().collect());
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let one = heard(&stream).unwrap();
                kept.lock().unwrap().push(one);
                if let Answer::Says(status, headers, body) = answer {
                    let headers: String =
                        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                    let head = format!(
                        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    (&stream).write_all((head + &body).as_bytes()).unwrap();
                }
            }
        });
        Self { url, asked, home: tempfile::tempdir().unwrap() }
    }

    /// What it was asked until now.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What it was asked, when that was one thing.
    #[track_caller]
    pub fn asked_once(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }

    /// Runs `aisle fleet …` against it, with a token.
    pub fn fleet<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        self.run(arguments, Some(TOKEN), "")
    }

    /// The same with what is said on standard input, and with a token or without.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        token: Option<&str>,
        input: &str,
    ) -> Ran {
        let mut fleet = command(self.home.path(), [OsStr::new("fleet")]);
        fleet.args(arguments).env("HOME", self.home.path()).env("AISLE_HUB", &self.url).env("NO_PROXY", "*");
        for own in [
            "XDG_CONFIG_HOME",
            "AISLE_FLEET_CONFIG",
            "AISLE_FLEET_PROFILE",
            "AISLE_HUB_CA_FILE",
            "AISLE_TOKEN",
        ] {
            fleet.env_remove(own);
        }
        if let Some(token) = token {
            fleet.env("AISLE_TOKEN", token);
        }
        let mut child =
            fleet.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        Ran {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// A file in the home.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn profiles(&self) -> PathBuf {
        self.home.path().join(".config/aisle/fleet.toml")
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}

/// One request; nothing where whoever asks hangs up before it is whole.
pub fn heard(stream: impl Read) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { line: line.trim().to_owned(), headers, body: String::from_utf8(body).unwrap() })
}
