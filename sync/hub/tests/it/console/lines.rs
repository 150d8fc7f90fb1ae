//! Lines to pages: they say what changed, together, to whoever missed it, and there are not more than there may be.

use super::Served;
use crate::{running::eventually, shop::Outbox};
use aisle_hub::console::Bounds;
use reqwest::{RequestBuilder, Response, StatusCode};

const BOUNDS: Bounds = Bounds {
    lines_max: 2,
    interval_ms: 50,
    heartbeat_ms: 100,
    line_s_max: 900,
    stalled_s_max: 30,
    fresh_ms: 0,
};

/// A line as a browser holds it.
struct Line {
    answer: Response,
    heard: String,
}

/// Something that a line said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    event: String,
    id: Option<String>,
}

impl Line {
    async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, heard: String::new() }
    }

    async fn open(served: &Served) -> Self {
        Self::of(asked(served, "/events")).await
    }

    /// What comes next; nothing when the line has ended.
    async fn next(&mut self) -> Option<Said> {
        loop {
            if let Some((said, rest)) = self.heard.split_once("\n\n") {
                let field = |name: &str| {
                    said.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned())
                };
                let said = Said { event: field("event:").unwrap(), id: field("id:") };
                self.heard = rest.to_owned();
                return Some(said);
            }
            let chunk = self.answer.chunk().await.ok()??;
            self.heard.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next change that it tells of.
    async fn change(&mut self) -> String {
        loop {
            let said = self.next().await.expect("the line stays");
            if said.event == "change" {
                return said.id.unwrap();
            }
        }
    }
}

fn asked(served: &Served, path: &str) -> RequestBuilder {
    served.client.get(format!("{}{path}", served.url)).header("cookie", &served.me.cookie)
}

/// The pulse that a page was made at.
async fn pulse(served: &Served) -> String {
    let page = served.there("/").await;
    page.all("body").next().unwrap().get("data-pulse").unwrap().to_owned()
}

async fn register(served: &Served, number: u32) {
    served.database.register(&Outbox::new(&format!("store-{number}"), 1).node()).await.unwrap();
}

#[tokio::test]
async fn a_line_says_what_changed_and_beats_while_nothing_does() {
    let served = Served::with(BOUNDS).await;
    let mut line = Line::open(&served).await;
    let first = line.change().await;
    assert_eq!(first, pulse(&served).await);
    assert_eq!(line.next().await.unwrap(), Said { event: "beat".into(), id: None });
    register(&served, 1).await;
    let second = line.change().await;
    assert_ne!(first, second);
    assert_eq!(second, pulse(&served).await);
}

#[tokio::test]
async fn who_comes_back_hears_only_of_what_they_missed() {
    let served = Served::with(BOUNDS).await;
    let known = pulse(&served).await;
    for request in [
        asked(&served, "/events").header("last-event-id", &known),
        asked(&served, &format!("/events?after={known}")),
        // What the browser heard last goes over what the page was made at.
        asked(&served, "/events?after=older").header("last-event-id", &known),
    ] {
        assert_eq!(Line::of(request).await.next().await.unwrap().event, "beat");
    }
    register(&served, 1).await;
    let mut line = Line::of(asked(&served, "/events").header("last-event-id", &known)).await;
    assert_eq!(line.next().await.unwrap().event, "change");
}

#[tokio::test]
async fn many_changes_are_said_together() {
    let served = Served::with(Bounds { interval_ms: 400, ..BOUNDS }).await;
    let mut line = Line::open(&served).await;
    line.change().await;
    for number in 1..=40 {
        register(&served, number).await;
    }
    let last = pulse(&served).await;
    let mut changes = 1;
    while line.change().await != last {
        changes += 1;
    }
    println!("40 changes were said in {changes}");
    assert!(changes < 20);
}

#[tokio::test]
async fn there_are_no_more_lines_than_there_may_be_and_one_that_ends_makes_room() {
    let served = Served::with(BOUNDS).await;
    let mut lines = vec![Line::open(&served).await, Line::open(&served).await];
    for line in &mut lines {
        line.change().await;
    }
    let refused = asked(&served, "/events").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "30");
    served.there("/").await;
    lines.pop();
    eventually("there is room again", async || {
        asked(&served, "/events").send().await.unwrap().status() == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn lines_end_with_the_hub_and_by_themselves_and_are_for_nobody_else() {
    let served = Served::with(BOUNDS).await;
    let stranger = served.client.get(format!("{}/events", served.url)).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let mut line = Line::open(&served).await;
    line.change().await;
    served.down.send_replace(true);
    while let Some(said) = line.next().await {
        assert_eq!(said.event, "beat");
    }
    let served = Served::with(Bounds { line_s_max: 1, ..BOUNDS }).await;
    let mut line = Line::open(&served).await;
    line.change().await;
    while let Some(said) = line.next().await {
        assert_eq!(said.event, "beat");
    }
}
