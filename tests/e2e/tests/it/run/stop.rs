//! An orderly stop: what is under way is finished, the end stands in the journal, the exit code is 0.

use crate::support::{api::Api, journal, store::Store, wait::until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

fn signal(pid: Option<u32>, signal: Signal) {
    let pid = Pid::from_raw(pid.expect("it runs").cast_signed()).expect("a process id");
    kill_process(pid, signal).expect("it can be signalled");
}

fn last(store: &Store) -> Value {
    journal::cat(&store.data()).pop().expect("the journal has records")
}

#[tokio::test]
async fn sigterm_ends_in_order_and_leaves_the_end_as_the_last_event() {
    let store = Store::small();
    let mut node = store.start();
    let api = Api::new(node.url());
    let session = api.session().await;
    api.set(&session, "TEA-1", 2).await.json(200);
    let begun = Instant::now();
    let status = node.stop().expect("it stops");
    assert_eq!(status.code(), Some(0), "{:#?}", node.logs());
    // A client that keeps its connection open does not keep the node from stopping.
    assert!(begun.elapsed() < Duration::from_secs(8), "it took {:?}", begun.elapsed());
    let last = last(&store);
    assert_eq!(last["event"], "NodeStopped", "{last}");
    assert_eq!(last["fields"]["reason"], "requested", "{last}");
}

#[test]
fn ctrl_c_ends_in_order_too() {
    let store = Store::small();
    let mut node = store.start();
    signal(node.pid(), Signal::INT);
    let status = node.wait(Duration::from_secs(15)).expect("it stops");
    assert_eq!(status.code(), Some(0), "{:#?}", node.logs());
    assert_eq!(last(&store)["event"], "NodeStopped");
}

#[test]
fn a_request_under_way_is_finished_before_the_end() {
    let store = Store::small();
    let mut node = store.start();
    let address = node.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).expect("the node listens");
    connection.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let body = br#"{"language":"en"}"#;
    let head = format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).expect("the node reads");
    connection.write_all(&body[..5]).expect("the node reads");
    until("the request to be under way", Duration::from_secs(5), || {
        // A second connection is answered, so the first one, which came before it, has been taken up.
        TcpStream::connect(&address).ok()
    });
    std::thread::sleep(Duration::from_millis(200));
    signal(node.pid(), Signal::TERM);
    until("the end of listening", Duration::from_secs(5), || {
        TcpStream::connect(&address).is_err().then_some(())
    });
    connection.write_all(&body[5..]).expect("the node reads on");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("the node answers");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(node.wait(Duration::from_secs(15)).expect("it stops").code(), Some(0));

    let records = journal::cat(&store.data());
    assert!(records.iter().any(|record| record["event"] == "SessionStarted"), "what was answered is there");
    assert_eq!(records.last().expect("a record")["event"], "NodeStopped");
}

#[test]
fn a_request_that_never_ends_is_cut_off_after_the_time_that_is_set() {
    let store = Store::small();
    let mut node = store.start_with("[http]\nshutdown_timeout_ms = 500\n");
    let address = node.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).expect("the node listens");
    let head = format!("POST /v1/sessions HTTP/1.1\r\nHost: {address}\r\nContent-Length: 17\r\n\r\n");
    connection.write_all(head.as_bytes()).expect("the node reads");
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    let status = node.stop().expect("it stops");
    assert_eq!(status.code(), Some(0), "{:#?}", node.logs());
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert_eq!(last(&store)["event"], "NodeStopped");
}
