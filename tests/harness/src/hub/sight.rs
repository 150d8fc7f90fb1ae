//! What of several stores is at their hub and what is not, looked at again and again: at the stores' own health, and at the hub.
//!
//! Guards: who looks changes nothing; whoever does not answer is shown as not answering.

use super::{Cursor, Desk, HubError, Lines, Removed};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::interval};

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a store may take to say how it is.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A store that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its id.
    pub store: String,
    /// Where its node serves, as `http://host:port`.
    pub url: String,
}

/// How a store and its hub stand to each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The store.
    pub store: String,
    /// What its node is about: `opening`, `waiting`, `connecting`, `greeting`, `connected`, `stopped`; empty when it does not answer.
    pub phase: String,
    /// How the connection goes: `quic` or `tls`; absent where there is none.
    pub path: Option<String>,
    /// Sealed events that the hub has not acknowledged; absent when the store does not answer.
    pub backlog: Option<u64>,
    /// The same of sales alone.
    pub backlog_of_sales: Option<u64>,
    /// How old the oldest of them is, in milliseconds.
    pub lag_ms: u64,
    /// Events that are at the hub.
    pub at_hub: u64,
    /// What the gate did to them, as the receipts at the hub say.
    pub removed: Removed,
}

impl Standing {
    /// True when the hub knows the node, as far as the node can tell: a line that was cut is found out when nothing has come for a while.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.phase == "connected"
    }
}

/// All of them at one moment.
pub type Picture = Vec<Standing>;

/// What whoever looks on needs: what was seen last, and the lines to cut. Clones share both.
#[derive(Debug, Clone)]
pub struct Sight {
    /// How the stores and the hub stand, kept up to date.
    pub picture: watch::Receiver<Picture>,
    /// The lines between them.
    pub lines: Lines,
}

/// The part of `/healthz` that speaks of the hub.
#[derive(Debug, Default, Deserialize)]
struct Health {
    sync: Option<Line>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    phase: String,
    path: Option<String>,
    backlog: Vec<Waiting>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    class: String,
    events: u64,
    lag_ms: u64,
}

impl Line {
    /// Events that wait, of the classes that are meant.
    fn waiting(&self, is_meant: fn(&str) -> bool) -> u64 {
        self.backlog.iter().filter(|waiting| is_meant(&waiting.class)).map(|waiting| waiting.events).sum()
    }
}

/// Somebody who looks. Stops when this is dropped.
#[derive(Debug)]
pub struct Watcher {
    picture: watch::Receiver<Picture>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Begins to look.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn start(desk: Desk, stores: Vec<Watched>) -> Result<Self, HubError> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build();
        let http = http.map_err(|source| HubError::NoAnswer { path: "/healthz".into(), source })?;
        let mut looked: Vec<Looked> = stores.into_iter().map(Looked::new).collect();
        let seen = looked.iter().map(|looked| looked.standing.clone()).collect();
        let (sender, picture) = watch::channel(seen);
        let task = tokio::spawn(async move {
            let mut clock = interval(LOOK_EVERY);
            clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                clock.tick().await;
                for looked in &mut looked {
                    looked.look_at_store(&http).await;
                    // What the hub said before still holds when it does not answer now.
                    let _ = looked.look_at_hub(&desk).await;
                }
                sender.send_replace(looked.iter().map(|looked| looked.standing.clone()).collect());
            }
        });
        Ok(Self { picture, task })
    }

    /// What was seen last; it is kept up to date.
    #[must_use]
    pub fn picture(&self) -> watch::Receiver<Picture> {
        self.picture.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A store with how far its receipts were read: by class and epoch the last event that they cover, and what they said.
struct Looked {
    url: String,
    standing: Standing,
    read: BTreeMap<(String, String), u64>,
}

impl Looked {
    fn new(watched: Watched) -> Self {
        let standing = Standing { store: watched.store, ..Standing::default() };
        Self { url: watched.url, standing, read: BTreeMap::new() }
    }

    async fn look_at_store(&mut self, http: &reqwest::Client) {
        let answer = http.get(format!("{}/healthz", self.url)).send().await;
        let line = match answer {
            Ok(answer) => answer.json::<Health>().await.ok().and_then(|health| health.sync),
            Err(_) => None,
        };
        let standing = &mut self.standing;
        standing.backlog = line.as_ref().map(|line| line.waiting(|_| true));
        standing.backlog_of_sales = line.as_ref().map(|line| line.waiting(|class| class == "sales"));
        let Line { phase, path, backlog } = line.unwrap_or_default();
        standing.lag_ms = backlog.iter().map(|waiting| waiting.lag_ms).max().unwrap_or(0);
        standing.phase = phase;
        standing.path = path.filter(|_| standing.is_connected());
    }

    async fn look_at_hub(&mut self, desk: &Desk) -> Result<(), HubError> {
        let cursors = desk.cursors(&self.standing.store).await?;
        let mut through: BTreeMap<&str, u64> = BTreeMap::new();
        for cursor in &cursors {
            // An epoch goes on where the one before it was good.
            let last = through.entry(&cursor.class).or_default();
            *last = cursor.through.max(*last);
        }
        self.standing.at_hub = through.values().sum();
        for cursor in &cursors {
            let Cursor { class, epoch, through, .. } = cursor;
            let read = self.read.entry((class.clone(), epoch.clone())).or_default();
            if *read < *through {
                let (removed, last) = desk.receipts(&self.standing.store, cursor, *read).await?;
                self.standing.removed += removed;
                *read = last;
            }
        }
        Ok(())
    }
}
