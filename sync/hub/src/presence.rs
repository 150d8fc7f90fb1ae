//! Hubs that serve say so, and one that died is found out: nodes are not taken for connected to it for ever.
//!
//! Every hub grows its number in the database and looks at those of the others. By its own clock it knows for how long a number has stood still, so clocks of hubs need not agree. A
//! hub that comes up again under its name says at its start that nobody is connected; this is for those that do not come up again. Guards: a hub that was only held up says
//! who is connected to it as soon as it goes on.

use crate::database::{Database, DatabaseError};
use aisle_transport::server::Connections;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};

/// How often a hub says that it serves.
const BEAT: Duration = Duration::from_secs(10);
/// A number that stands still for so long is of a hub that is gone, in milliseconds: five beats may be late.
pub const GONE_MS: u64 = 60_000;

/// What a hub does about it.
#[derive(Debug)]
pub struct Presence {
    database: Database,
    hub: String,
    /// The number that each other hub had last, and since when it has it. As many as hubs that nodes are connected to.
    seen: HashMap<String, (i64, u64)>,
}

impl Presence {
    /// Of a hub.
    #[must_use]
    pub fn new(database: Database, hub: String) -> Self {
        Self { database, hub, seen: HashMap::new() }
    }

    /// Says and looks, for as long as the hub serves.
    pub async fn run(mut self, connections: Connections) {
        let started = Instant::now();
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let running_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let here = || {
                let all = connections.list().into_iter();
                all.map(|connected| (connected.store.to_string(), connected.node)).collect()
            };
            if let Err(error) = self.look(running_ms, here).await {
                tracing::warn!(%error, "it was not said that this hub serves; it is tried again");
            }
        }
    }

    /// Says that this hub serves, and looks once for those that do not any more; `here` are the nodes that are connected to it. Says how many nodes were taken for connected and are not.
    ///
    /// # Errors
    /// When the database cannot say or take it.
    pub async fn look(
        &mut self,
        running_ms: u64,
        here: impl FnOnce() -> Vec<(String, String)>,
    ) -> Result<u64, DatabaseError> {
        if !self.database.beat(&self.hub).await? {
            self.database.are_here(&self.hub, &here()).await?;
        }
        let mut beats = self.database.beats().await?;
        beats.retain(|(hub, _)| *hub != self.hub);
        self.seen.retain(|hub, _| beats.iter().any(|(known, _)| known == hub));
        let mut parted = 0_u64;
        for beat in beats {
            let (number, since) = *self.seen.entry(beat.0.clone()).or_insert((beat.1, running_ms));
            if number != beat.1 {
                self.seen.insert(beat.0, (beat.1, running_ms));
            } else if running_ms.saturating_sub(since) >= GONE_MS {
                let nodes = self.database.hub_is_gone(&beat).await?;
                tracing::warn!(hub = beat.0, nodes, "a hub is gone: nobody is connected to it");
                self.seen.remove(&beat.0);
                parted = parted.saturating_add(nodes);
            }
        }
        Ok(parted)
    }
}
