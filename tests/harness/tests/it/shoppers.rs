//! Simulated shoppers, in front of a closed door and of a listener that answers with nonsense.

use aisle_harness::shoppers::{Counts, Crowd, Tally};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    time::{sleep, timeout},
};

async fn shop(url: String) -> Counts {
    let crowd = Crowd { think_ms: 1..5, ..Crowd::new(url, 4, 1) };
    let (tally, (stop, stopped)) = (Arc::new(Tally::default()), watch::channel(false));
    let shared = Arc::clone(&tally);
    let shopping = tokio::spawn(async move { crowd.shop(shared, stopped).await });
    sleep(Duration::from_millis(300)).await;
    stop.send(true).unwrap();
    timeout(Duration::from_secs(5), shopping).await.expect("all leave").unwrap().unwrap();
    tally.counts()
}

#[tokio::test]
async fn shoppers_before_a_closed_door_count_errors_and_leave_when_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let counts = shop(format!("http://{address}")).await;
    assert!(counts.errors > 0);
    assert_eq!((counts.sessions, counts.active), (0, 0));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error_and_a_refusal_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let answers = ["200 OK\r\ncontent-length: 2\r\n\r\n[]", "429 No\r\ncontent-length: 0\r\n\r\n"];
        for answer in answers.iter().cycle() {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            let answer = format!("HTTP/1.1 {answer}").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    let counts = shop(format!("http://{address}")).await;
    assert!(counts.errors > 0 && counts.refusals > 0, "{counts:?}");
    assert_eq!(counts.errors + counts.refusals, counts.requests);
    assert_eq!(counts.sessions, 0);
}
