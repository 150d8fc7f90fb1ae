//! The board for programs, and the lines that keep pages up to date.

use crate::{
    made_up_floor::{MadeUpFloor, empty_board, full_board},
    staff_under_test::{NOW, StaffUnderTest},
};
use aisle_kiosk::staff::StaffConfig;
use axum::{
    body::{Body, BodyDataStream},
    http::{Request, StatusCode},
};
use futures_util::StreamExt;
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt;

/// A line as a page holds it.
struct Line(BodyDataStream);

impl Line {
    async fn open(board: &StaffUnderTest, path: &str) -> Result<Self, StatusCode> {
        let request = Request::get(path).header("cookie", &board.cookie).body(Body::empty()).unwrap();
        let response = board.shop.router.clone().oneshot(request).await.unwrap();
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Ok(Self(response.into_body().into_data_stream()))
    }

    /// What comes next; nothing when the line has ended.
    async fn next(&mut self) -> Option<String> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.next())
            .await
            .expect("a line says something");
        next.map(|text| String::from_utf8(text.unwrap().to_vec()).unwrap())
    }

    /// The number of the next board.
    async fn board(&mut self) -> u64 {
        loop {
            let text = self.next().await.expect("the line stays");
            if let Some((_, data)) = text.split_once("event: board\ndata: ") {
                return serde_json::from_str::<Value>(data.trim_end()).unwrap()["seq"].as_u64().unwrap();
            }
        }
    }
}

async fn start(config: StaffConfig) -> StaffUnderTest {
    StaffUnderTest::with(full_board(NOW), config).await
}

#[tokio::test]
async fn the_board_is_json_with_an_age_and_a_confidence_beside_every_number() {
    let board = StaffUnderTest::start().await;
    let json = board.page("/v1/staff/board", "en").await;
    assert_eq!(json.header("cache-control"), "no-store");
    let json = json.json();
    assert_eq!(json["seq"], 42);
    assert_eq!(json["as_of"], "2025-11-20T12:00:00Z");
    assert_eq!(json["tasks"][0]["quantity"], "12");
    assert_eq!(json["gaps"][0]["shelf"]["high"], 1);
    assert_eq!(json["units"][0]["reading"]["measured"], "celsius");
    let mut estimates = 0;
    let mut values = vec![&json];
    while let Some(value) = values.pop() {
        match value {
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => {
                if fields.contains_key("value") {
                    estimates += 1;
                    let has = |field: &str| fields.contains_key(field);
                    assert!(has("as_of") && has("confidence_permille"), "{value}");
                    assert!(has("measured") || has("low") && has("high") && has("unit"), "{value}");
                }
                values.extend(fields.values());
            }
            _ => {}
        }
    }
    assert_eq!(estimates, 7);
}

#[tokio::test]
async fn a_program_is_told_what_it_does_wrong() {
    let board = StaffUnderTest::start().await;
    let answer = board.form("/v1/staff/board", "").await;
    answer.problem(405, "method");
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_line_tells_of_every_newer_board() {
    let board = start(StaffConfig { live_interval_ms: 20, ..StaffConfig::default() }).await;
    for path in ["/staff/events", "/v1/staff/events"] {
        let mut line = Line::open(&board, path).await.unwrap();
        let first = line.next().await.unwrap();
        assert!(first.starts_with("retry: "), "{first}");
        let before = board_seq(&board.floor);
        assert!(first.contains(&format!("\"seq\":{before}")), "{first}");
        board.floor.change(|_| ());
        assert_eq!(line.board().await, before + 1);
    }
}

fn board_seq(floor: &MadeUpFloor) -> u64 {
    aisle_kiosk::staff::Floor::board(floor).seq
}

#[tokio::test]
async fn a_slow_page_is_told_once_of_what_is_newest() {
    let board = start(StaffConfig { live_interval_ms: 20, ..StaffConfig::default() }).await;
    let mut line = Line::open(&board, "/staff/events").await.unwrap();
    line.board().await;
    for _ in 0..1000 {
        board.floor.change(|_| ());
    }
    assert_eq!(line.board().await, 1042);
    board.floor.change(|_| ());
    assert_eq!(line.board().await, 1043);
}

#[tokio::test]
async fn a_quiet_line_beats() {
    let board = start(StaffConfig { live_heartbeat_s: 1, ..StaffConfig::default() }).await;
    let mut line = Line::open(&board, "/staff/events").await.unwrap();
    line.board().await;
    assert_eq!(line.next().await.as_deref(), Some("event: beat\ndata: {}\n\n"));
    assert_eq!(line.next().await.as_deref(), Some("event: beat\ndata: {}\n\n"));
}

#[tokio::test]
async fn a_line_that_nobody_takes_from_is_cut() {
    let board = start(StaffConfig { live_stalled_max_s: 1, ..StaffConfig::default() }).await;
    let mut line = Line::open(&board, "/staff/events").await.unwrap();
    line.board().await;
    board.floor.change(|_| ());
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(line.next().await, None);
    assert!(board.shop.metrics_text().contains("staff_lines_stalled_total 1"));
}

#[tokio::test]
async fn there_are_so_many_lines_and_no_more() {
    let board = start(StaffConfig { live_lines_max: 2, ..StaffConfig::default() }).await;
    let first = Line::open(&board, "/staff/events").await.unwrap();
    let _second = Line::open(&board, "/v1/staff/events").await.unwrap();
    assert_eq!(Line::open(&board, "/staff/events").await.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let refused = board.page("/v1/staff/events", "en").await;
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "30");
    assert!(board.shop.metrics_text().contains("staff_lines 2"), "{}", board.shop.metrics_text());
    drop(first);
    assert!(Line::open(&board, "/staff/events").await.is_ok(), "who leaves makes room");
}

#[tokio::test]
async fn lines_end_when_the_node_stops_and_when_their_time_is_over() {
    let board = StaffUnderTest::start().await;
    let mut line = Line::open(&board, "/staff/events").await.unwrap();
    line.board().await;
    board.stop.send_replace(true);
    assert_eq!(line.next().await, None);
    let board = start(StaffConfig { live_line_max_min: 0, ..StaffConfig::default() }).await;
    let mut line = Line::open(&board, "/staff/events").await.unwrap();
    line.board().await;
    assert_eq!(line.next().await, None);
}

#[tokio::test]
async fn a_new_line_gives_the_board_that_is_there() {
    let board = StaffUnderTest::with(empty_board(NOW), StaffConfig::default()).await;
    board.floor.change(|_| ());
    assert_eq!(Line::open(&board, "/staff/events").await.unwrap().board().await, 2);
}

#[test]
fn a_setting_that_leaves_no_room_is_refused_by_name() {
    let ok = StaffConfig::default;
    assert!(ok().validate().is_ok());
    for (config, field) in [
        (StaffConfig { signed_in_h: 0, ..ok() }, "signed_in_h"),
        (StaffConfig { signed_in_h: 169, ..ok() }, "signed_in_h"),
        (StaffConfig { wrong_pins_free: 0, ..ok() }, "wrong_pins_free"),
        (StaffConfig { wrong_pin_wait_max_s: 0, ..ok() }, "wrong_pin_wait_max_s"),
        (StaffConfig { live_lines_max: 0, ..ok() }, "live_lines_max"),
        (StaffConfig { live_heartbeat_s: 0, ..ok() }, "live_heartbeat_s"),
        (StaffConfig { live_interval_ms: 0, ..ok() }, "live_interval_ms"),
        (StaffConfig { live_stalled_max_s: 10, ..ok() }, "live_stalled_max_s"),
        (StaffConfig { live_line_max_min: 0, ..ok() }, "live_line_max_min"),
    ] {
        assert_eq!(config.validate().unwrap_err().field, field);
    }
}
