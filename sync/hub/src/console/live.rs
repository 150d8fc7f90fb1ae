//! What keeps pages up to date: a pulse of the fleet, and lines of server-sent events (WHATWG HTML, section 9.2) that say when it has changed.
//!
//! A line carries no data: a page that hears of a change fetches itself again, so a slow one asks once for what is newest and nothing piles up for it. The
//! pulse is a hash of the sums of everything that changes, so it is the same at all hubs on one database, and whoever comes back with
//! `Last-Event-ID` is told only whether something changed meanwhile. It is found when somebody looks and kept for a moment for all others.
//!
//! Guards invariant 6: there are at most so many lines; each says something at least every heartbeat and at most every interval, ends after a while, and
//! ends when it is not taken from. When nobody looks, nothing is asked.

use super::{Console, visit::Visit, wrong::Wrong};
use crate::database::{
    DatabaseError,
    glance::{Tide, Wanting},
    grid::GridCounts,
};
use axum::{
    extract::Query,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use serde::Deserialize;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep_until, timeout},
};

/// How often a browser that lost its line asks for another one.
const RETRY: Duration = Duration::from_secs(3);

/// Bounds of the lines to pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The most lines; a further one is told to look by itself.
    pub lines_max: usize,
    /// The least time between two things that a line says, in milliseconds: what changes meanwhile is said together.
    pub interval_ms: u64,
    /// A line that has nothing to say says so after this, in milliseconds.
    pub heartbeat_ms: u64,
    /// A line ends after this, in seconds; the browser takes another one.
    pub line_s_max: u64,
    /// A line that is not taken from ends after this, in seconds.
    pub stalled_s_max: u64,
    /// How long the fleet is believed to be as it was when it was last looked at, in milliseconds.
    pub fresh_ms: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            lines_max: 64,
            interval_ms: 4_000,
            heartbeat_ms: 15_000,
            line_s_max: 900,
            stalled_s_max: 30,
            fresh_ms: 2_000,
        }
    }
}

/// The fleet at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pulse {
    /// Equal for two moments between which nothing changed.
    pub(super) id: String,
    /// How many stores are so and so.
    pub(super) counts: GridCounts,
    /// How many things want somebody.
    pub(super) wanting: Wanting,
}

#[derive(Debug)]
pub(super) struct Live {
    bounds: Bounds,
    lines: Arc<Semaphore>,
    latest: Mutex<Option<(Instant, Arc<Pulse>)>>,
}

impl Live {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { lines: Arc::new(Semaphore::new(bounds.lines_max)), bounds, latest: Mutex::new(None) }
    }
}

impl Console {
    /// The pulse. Whoever asks while it is being found waits for it, and does not ask the database as well.
    pub(super) async fn pulse(&self) -> Result<Arc<Pulse>, DatabaseError> {
        let live = &self.0.live;
        let mut latest = live.latest.lock().await;
        if let Some((found_at, pulse)) = latest.as_ref()
            && found_at.elapsed() < Duration::from_millis(live.bounds.fresh_ms)
        {
            return Ok(pulse.clone());
        }
        let wanted = self.policy_wanted();
        let counts = self.database().grid_counts(wanted, None).await?;
        let tide = self.database().tide().await?;
        let wanting = self.database().wanting(self.api().now_ms()).await?;
        let refused = self.parts().recent.count();
        let pulse = Arc::new(Pulse { id: id(&counts, tide, wanting, wanted, refused), counts, wanting });
        *latest = Some((Instant::now(), pulse.clone()));
        Ok(pulse)
    }

    /// A page that has heard nothing for so long, in seconds, is not live: two beats may be late.
    pub(super) fn silent_s(&self) -> u64 {
        self.0.live.bounds.heartbeat_ms.saturating_mul(2).div_ceil(1_000).saturating_add(5)
    }
}

fn id(counts: &GridCounts, tide: Tide, wanting: Wanting, wanted: Option<u32>, refused: u64) -> String {
    let text = format!("{counts:?} {tide:?} {wanting:?} {wanted:?} {refused}");
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// The pulse that the page was made at. A browser sends `Last-Event-ID` by itself only when it comes back.
    #[serde(default)]
    after: String,
}

/// Tells a proxy of the nginx kind to hand on what it gets.
const X_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `GET /events`.
pub(super) async fn listen(
    visit: Visit,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Wrong> {
    let console = visit.console;
    let Ok(room) = console.0.live.lines.clone().try_acquire_owned() else {
        let retry = [(header::RETRY_AFTER, "30")];
        return Ok(
            (StatusCode::SERVICE_UNAVAILABLE, retry, "too many pages are kept up to date\n").into_response()
        );
    };
    let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let known = resumed.unwrap_or(asked.after);
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(Line { console, known, sender, _room: room }.tell());
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|event| (Ok::<_, Infallible>(event), receiver))
    });
    let mut response = Sse::new(events).into_response();
    response.headers_mut().insert(X_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

struct Line {
    console: Console,
    /// The pulse that the page knows.
    known: String,
    sender: mpsc::Sender<Event>,
    _room: OwnedSemaphorePermit,
}

impl Line {
    /// Says what there is to say, until the page has gone, the hub goes down or its time is over.
    async fn tell(mut self) {
        let bounds = self.console.0.live.bounds.clone();
        let mut down = self.console.parts().down.clone();
        let begun = Instant::now();
        let ends_at = begun + Duration::from_secs(bounds.line_s_max);
        let interval = Duration::from_millis(bounds.interval_ms);
        let heartbeat = Duration::from_millis(bounds.heartbeat_ms);
        let (mut looks_at, mut beats_at) = (begun, begun);
        loop {
            let sender = self.sender.clone();
            tokio::select! {
                () = sleep_until(looks_at) => {}
                () = sleep_until(ends_at) => return,
                () = sender.closed() => return,
                _ = down.wait_for(|is_down| *is_down) => return,
            }
            looks_at = Instant::now() + interval;
            // What the database cannot say now it may say at the next look.
            let pulse = self.console.pulse().await.ok();
            let is_news = pulse.as_ref().is_some_and(|pulse| pulse.id != self.known);
            let event = match pulse {
                Some(pulse) if is_news => {
                    self.known.clone_from(&pulse.id);
                    Event::default().id(&pulse.id).event("change").data("{}")
                }
                // A page counts silence, so a beat is an event and no comment, which a page cannot see.
                _ if Instant::now() >= beats_at => Event::default().event("beat").data("{}"),
                _ => continue,
            };
            beats_at = Instant::now() + heartbeat;
            let sent =
                timeout(Duration::from_secs(bounds.stalled_s_max), self.sender.send(event.retry(RETRY)));
            if !matches!(sent.await, Ok(Ok(()))) {
                return;
            }
        }
    }
}
