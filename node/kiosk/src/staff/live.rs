//! The line to a page: server-sent events (WHATWG HTML, section 9.2) that say that there is a new board.
//!
//! A line carries versions, not boards: a page that is slow or was away asks once for what is newest, so nothing piles up for it.
//! Guards invariant 6: there are at most so many lines, each says something at least every heartbeat, each ends after a while, and
//! one that is not taken from is cut.

use super::{desk::Desk, telemetry::Telemetry};
use crate::{http::problem::Problem, text::Rfc3339};
use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use std::{convert::Infallible, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep_until},
};

/// What a browser waits before it takes a new line, in milliseconds.
const RETRY_MS: u32 = 2_000;

struct Line {
    desk: Desk,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// When something was last given to the connection.
    given_at: Instant,
    ends_at: Instant,
    greeted: bool,
    _counted: Counted,
    _room: OwnedSemaphorePermit,
}

/// Counts a line while it is there.
struct Counted(Telemetry);

impl Counted {
    fn new(telemetry: &Telemetry) -> Self {
        telemetry.lines.inc();
        Self(telemetry.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.lines.dec();
    }
}

/// What happened on a line.
enum Next {
    Changed,
    Quiet,
    Over,
}

/// An answer that stays open.
pub(super) fn line(desk: &Desk) -> Result<Response, Problem> {
    let Ok(room) = desk.lines.clone().try_acquire_owned() else {
        desk.telemetry.lines_refused.inc();
        return Err(
            Problem::busy("too many pages are kept up to date; look again yourself").retry_after_s(30)
        );
    };
    let now = Instant::now();
    let line = Line {
        changes: desk.floor.changes(),
        stopping: desk.stopping.clone(),
        given_at: now,
        ends_at: now + Duration::from_secs(60 * u64::from(desk.config.live_line_max_min)),
        greeted: false,
        _counted: Counted::new(&desk.telemetry),
        _room: room,
        desk: desk.clone(),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (X_BUFFERING, "no"),
    ];
    Ok((headers, Body::from_stream(stream::unfold(line, next))).into_response())
}

/// Tells a proxy of the nginx kind to hand on what it gets.
const X_BUFFERING: header::HeaderName = header::HeaderName::from_static("x-accel-buffering");

async fn next(mut line: Line) -> Option<(Result<String, Infallible>, Line)> {
    let config = &line.desk.config;
    let asked_at = Instant::now();
    // A connection that takes what it is given asks for more at once; this one was full for so long.
    if asked_at.saturating_duration_since(line.given_at)
        > Duration::from_secs(config.live_stalled_max_s.into())
    {
        line.desk.telemetry.lines_stalled.inc();
        return None;
    }
    let quiet_at = asked_at + Duration::from_secs(config.live_heartbeat_s.into());
    let earliest = line.given_at + Duration::from_millis(config.live_interval_ms);
    let next = if line.greeted { line.wait(earliest, quiet_at).await } else { Next::Changed };
    let text = match next {
        Next::Over => return None,
        // A page counts silence, so a beat is an event and not a comment, which a page cannot see.
        Next::Quiet => "event: beat\ndata: {}\n\n".to_owned(),
        Next::Changed => {
            line.changes.mark_unchanged();
            let board = line.desk.floor.board();
            let greeting = if line.greeted { String::new() } else { format!("retry: {RETRY_MS}\n") };
            let as_of = Rfc3339(board.as_of);
            format!(
                "{greeting}id: {0}\nevent: board\ndata: {{\"seq\":{0},\"as_of\":\"{as_of}\"}}\n\n",
                board.seq
            )
        }
    };
    line.greeted = true;
    line.given_at = Instant::now();
    Some((Ok(text), line))
}

impl Line {
    async fn wait(&mut self, earliest: Instant, quiet_at: Instant) -> Next {
        let ends_at = self.ends_at;
        let changed = async {
            sleep_until(earliest).await;
            self.changes.changed().await
        };
        tokio::select! {
            changed = changed => if changed.is_ok() { Next::Changed } else { Next::Over },
            () = sleep_until(quiet_at) => Next::Quiet,
            () = sleep_until(ends_at) => Next::Over,
            _ = self.stopping.wait_for(|stop| *stop) => Next::Over,
        }
    }
}
