//! What a node is sent, and how its answers look. The node is a listener here: which plugins it takes is tested with the node.

use crate::aisle::{aisle, component, shipped, template};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const DETAIL: &str = r#"{"plugin": "a-promotion", "version": "0.1.0", "hooks": ["promotion"], "order": 0, "state": "runs",
    "problem": null, "installed_at": "2026-11-21T12:00:00Z", "calls": 0, "failed": 0, "hash": "ab", "previous": {"version": "0.0.9"}}"#;

struct Asked {
    request: String,
    authorization: String,
    body: String,
}

/// Answers one request, and says what it was.
fn node(status: &'static str, body: String) -> (String, JoinHandle<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut request, mut authorization, mut length) = (String::new(), String::new(), 0);
        reader.read_line(&mut request).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            match name.to_lowercase().as_str() {
                "authorization" => authorization = value.to_owned(),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut sent = vec![0; length];
        reader.read_exact(&mut sent).unwrap();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        (&stream).write_all((head + &body).as_bytes()).unwrap();
        Asked { request, authorization, body: String::from_utf8(sent).unwrap() }
    });
    (url, answering)
}

fn token(folder: &Path) -> PathBuf {
    let file = folder.join("admin.token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    file
}

#[test]
fn a_plugin_is_sent_with_its_manifest_and_the_nodes_token() {
    let shipped = shipped(&template("promotion"), str::to_owned);
    let token = token(shipped.path());
    let (url, answering) = node("200 OK", DETAIL.into());
    let arguments = [
        "plugin",
        "install",
        "plugin.wasm",
        "--node",
        &url,
        "--token-file",
        token.to_str().unwrap(),
        "--by",
        "Ada",
    ];
    aisle(shipped.path(), arguments)
        .well()
        .says("a-promotion 0.1.0 runs")
        .says("before  0.0.9; `aisle plugin rollback a-promotion` lets it run again");
    let asked = answering.join().unwrap();
    assert_eq!(asked.request.trim(), "PUT /v1/admin/plugins/a-promotion HTTP/1.1");
    assert_eq!(asked.authorization, format!("Bearer {TOKEN}"));
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["manifest"], fs::read_to_string(shipped.path().join("plugin.toml")).unwrap());
    let sent = data_encoding::BASE64.decode(body["component"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(sent, fs::read(component(&template("promotion"))).unwrap());
    assert_eq!(body["by"], "Ada");
}

#[test]
fn a_refusal_of_the_node_is_told_in_its_words() {
    let shipped = shipped(&template("promotion"), str::to_owned);
    let token = token(shipped.path());
    let refusal = r#"{"title": "The request is malformed", "status": 400,
        "detail": "`a-promotion` imports `x`, which is not granted\nhint: add it", "errors": [{"field": "component", "reason": "is bad"}]}"#;
    let (url, answering) = node("400 Bad Request", refusal.into());
    let arguments =
        ["plugin", "install", "plugin.wasm", "--node", &url, "--token-file", token.to_str().unwrap()];
    aisle(shipped.path(), arguments).ended(1).says("imports `x`, which is not granted").says("hint: add it");
    answering.join().unwrap();
}

#[test]
fn the_plugins_of_a_node_are_listed_rolled_back_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let token = token(folder.path());
    let ask = |words: &[&str], status, body: String| {
        let (url, answering) = node(status, body);
        let rest = ["--node", &url, "--token-file", token.to_str().unwrap()];
        let ran = aisle(folder.path(), ["plugin"].iter().chain(words).chain(&rest)).well();
        (ran, answering.join().unwrap().request)
    };
    let (ran, request) = ask(&["list"], "200 OK", format!("{{\"plugins\": [{DETAIL}], \"suppressed\": []}}"));
    ran.says("plugin ").says("a-promotion  0.1.0    runs");
    assert!(request.starts_with("GET /v1/admin/plugins "), "{request}");
    let (ran, request) = ask(&["rollback", "a-promotion", "--by", "Ada L"], "200 OK", DETAIL.into());
    ran.says("a-promotion 0.1.0 runs");
    assert!(request.starts_with("POST /v1/admin/plugins/a-promotion/rollback?by=Ada%20L "), "{request}");
    let (ran, request) = ask(&["remove", "a-promotion", "--by", "Ada"], "204 No Content", String::new());
    ran.says("a-promotion is removed");
    assert!(request.starts_with("DELETE /v1/admin/plugins/a-promotion?by=Ada "), "{request}");
}

#[test]
fn recordings_of_a_node_are_replayed_as_they_come() {
    let folder = template("promotion");
    let line =
        aisle(&folder, ["plugin", "run", "cases/enough.json", "--json"]).well().json()["call"].to_string();
    let directory = tempfile::tempdir().unwrap();
    let token = token(directory.path());
    let (url, answering) = node("200 OK", format!("{line}\n{line}\n"));
    let (component, token) = (component(&folder), token.to_str().unwrap().to_owned());
    let arguments = ["plugin", "replay", component.to_str().unwrap(), "--node", &url, "--token-file", &token];
    aisle(directory.path(), arguments).well().says("2 replayed, 0 differ");
    assert!(answering.join().unwrap().request.starts_with("GET /v1/admin/plugins/a-promotion/recordings "));
}

#[test]
fn a_node_that_is_not_there_is_an_error_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let token = token(folder.path());
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let list = |url: &str, token: &str| {
        aisle(folder.path(), ["plugin", "list", "--node", url, "--token-file", token])
    };
    list(&url, token.to_str().unwrap()).ended(1).says("no node answers").says("hint: ");
    list("localhost", token.to_str().unwrap()).ended(1).says("is no address of a node");
    list(&url, "none.token").ended(1).says("cannot read `none.token`").says("hint: ");
}
