//! Tells stores that are connected what they are to become, soon after anybody has said so.
//!
//! The database is looked at now and then: who sets something is another process, and may sit at another hub. A store that is not connected hears
//! it with WELCOME. What is told twice is nothing to a node. Not here: making it ([`crate::publish`]).

use crate::database::{Database, DatabaseError, read::ROWS_MAX};
use aisle_event::StoreId;
use aisle_protocol::control::{Desired, Octets};
use aisle_transport::{desk::Errand, server::Connections};
use std::{collections::HashMap, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(2);
/// Clocks of hubs that share a database may differ by so much; so far back is looked again.
const SKEW_MS_MAX: i64 = 600_000;

/// Tells stores what they are to become, for as long as the hub serves.
pub(crate) async fn run(database: Database, connections: Connections) {
    let mut herald = Herald { database, connections, told: HashMap::new() };
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        if let Err(error) = herald.look().await {
            tracing::warn!(%error, "stores are not told what they are to become; it is tried again");
        }
    }
}

struct Herald {
    database: Database,
    connections: Connections,
    /// What was told of what was set lately.
    told: HashMap<StoreId, u64>,
}

impl Herald {
    async fn look(&mut self) -> Result<(), DatabaseError> {
        let since_ms = jiff::Timestamp::now().as_millisecond().saturating_sub(SKEW_MS_MAX);
        let (mut after, mut told) = (String::new(), HashMap::new());
        loop {
            let page = self.database.desired_since(since_ms, &after, ROWS_MAX).await?;
            let is_last = page.len() < ROWS_MAX as usize;
            for (name, generation) in page {
                after.clone_from(&name);
                let Ok(store) = StoreId::new(name) else { continue };
                if self.told.get(&store) == Some(&generation) || self.tell(&store).await? {
                    told.insert(store, generation);
                }
            }
            if is_last {
                break;
            }
        }
        self.told = told;
        Ok(())
    }

    /// False when the store could not be told now. One that is not connected is told when it is.
    async fn tell(&self, store: &StoreId) -> Result<bool, DatabaseError> {
        let connected = self.connections.of(store).len();
        if connected == 0 {
            return Ok(true);
        }
        let Some(row) = self.database.desired(store).await? else { return Ok(true) };
        let generation = row.generation;
        let errand = Errand::Desired(Desired { generation, manifest: Octets(row.manifest.into()) });
        let told = self.connections.tell(store, &errand);
        tracing::info!(%store, generation, told, "a store is told what it is to become");
        Ok(told >= connected)
    }
}
