//! Ends connections of nodes that may not come in any more, whoever said so and wherever.
//!
//! A ban is a row in the database, written by a command, another hub, or this one. Each hub looks every few seconds: at the list of who may not come in, which has a
//! number, and at the nodes whose state has changed lately. What it looks at again costs nothing; a look that fails is made again. So a ban holds at every hub within
//! three looks at most, far below the minute that was promised. Who calls again is turned away by the desk.
//!
//! Not here: who decides ([`super::decide`]).

use super::telemetry::Telemetry;
use crate::database::{Database, DatabaseError, read::ROWS_MAX};
use aisle_event::{StoreId, Timestamp};
use aisle_provisioning::{
    certificate::Facts,
    device::{RevocationBoard, Revocations as _},
};
use aisle_transport::{desk::Peer, server::Connections};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};

/// Clocks of hubs that share a database may differ by so much; so far before the last good look is looked again.
const SKEW_MS_MAX: i64 = 600_000;

/// The nodes that are connected here with the certificates that they showed. As many as connections, so it has their bound. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<u64, Session>>>);

#[derive(Debug, Clone)]
struct Session {
    store: StoreId,
    node: String,
    /// Absent where the certificate is none that an authority of ours makes.
    facts: Option<Arc<Facts>>,
}

impl Sessions {
    pub(crate) fn enter(&self, peer: &Peer, facts: Option<Arc<Facts>>) {
        let session = Session { store: peer.store().clone(), node: peer.identity.node.clone(), facts };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(peer.connection, session);
    }

    pub(crate) fn leave(&self, peer: &Peer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&peer.connection);
    }

    /// Those whose certificate is refused.
    fn refused(&self, board: &RevocationBoard) -> Vec<(StoreId, String)> {
        let list = board.get();
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_refused =
            |session: &&Session| session.facts.as_ref().is_some_and(|facts| list.refuses(facts, &[]));
        sessions
            .values()
            .filter(is_refused)
            .map(|session| (session.store.clone(), session.node.clone()))
            .collect()
    }
}

/// When it was last looked without a fault; of a first look that fails, when it was first tried.
#[derive(Debug, Default)]
struct Good(Option<Timestamp>);

impl Good {
    /// From when on it is looked now: what changed while looks failed is not passed over. A clock that went back makes it look further.
    fn since(&mut self, now: Timestamp) -> Timestamp {
        let good = *self.0.get_or_insert(now);
        Timestamp(now.0.min(good.0).saturating_sub(SKEW_MS_MAX))
    }

    const fn went_well(&mut self, now: Timestamp) {
        self.0 = Some(now);
    }
}

/// Who looks.
#[derive(Debug, Clone)]
pub struct Warden {
    /// Where it is written.
    pub database: Database,
    /// Who is connected here.
    pub connections: Connections,
    /// With which certificates.
    pub sessions: Sessions,
    /// The list as this hub has it.
    pub board: RevocationBoard,
    /// Its metrics.
    pub telemetry: Telemetry,
}

impl Warden {
    /// Looks, for as long as the hub serves. A look that fails is made up for by the next one, which begins where the last good one did.
    pub async fn run(self, every: Duration) {
        let mut good = Good::default();
        let mut look = interval(every);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let now = super::now();
            match self.look(good.since(now)).await {
                Ok(_) => good.went_well(now),
                Err(error) => {
                    tracing::warn!(%error, "it was not looked who may not come in any more; it is tried again");
                }
            }
        }
    }

    /// Looks once, at what has changed since then, and says how many connections were ended.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn look(&self, since: Timestamp) -> Result<usize, DatabaseError> {
        let mut cut = 0_usize;
        if self.database.revocation_number().await? != self.board.get().number() {
            // False when another look was faster; then that is the newer one.
            let _ = self.board.set(self.database.revocations().await?);
        }
        for (store, node) in self.sessions.refused(&self.board) {
            cut += self.end(&store, &node, "its certificate is not good any more");
        }
        let mut after = (String::new(), String::new());
        loop {
            let page = self.database.shut_since(since, (&after.0, &after.1), ROWS_MAX).await?;
            let is_last = page.len() < ROWS_MAX as usize;
            for (name, node, state) in page {
                if let Ok(store) = StoreId::new(name.as_str()) {
                    cut += self.end(&store, &node, &format!("it is {state}"));
                }
                after = (name, node);
            }
            if is_last {
                break;
            }
        }
        self.telemetry.cut(cut);
        Ok(cut)
    }

    fn end(&self, store: &StoreId, node: &str, why: &str) -> usize {
        let cut = self.connections.cut(store, Some(node), why);
        if cut > 0 {
            tracing::warn!(%store, node, why, "a node's connection was ended");
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    #[test]
    fn a_look_after_many_that_failed_begins_where_the_last_good_one_did() {
        let mut good = Good::default();
        let at = |minute: i64| Timestamp(minute * MINUTE_MS);
        assert_eq!(good.since(at(100)), at(90), "the first one");
        good.went_well(at(100));
        // The database is away for an hour; a node is suspended in its first minute.
        let suspended = at(101);
        for minute in 101..160 {
            assert!(good.since(at(minute)) < suspended, "{minute}");
        }
        good.went_well(at(160));
        assert_eq!(good.since(at(161)), at(150));
        assert_eq!(good.since(at(120)), at(110), "a clock that went back");
        // One that never went well begins where it was first tried.
        let mut good = Good::default();
        good.since(at(100));
        assert_eq!(good.since(at(160)), at(90));
    }
}
