//! What the fleet's rules go by, in rows: what people say ([`words`]), rollouts ([`rollouts`]), nodes and what they say of themselves ([`members`]), what each
//! store was given ([`orders`]), what rehearsals found ([`rehearsals`]), what became of settings at devices ([`devices`]), what stores sold ([`sales`]), and which hub lets the rules work ([`lease`]).
//!
//! People change things in a [`Change`]: it locks one row first, so that changes of all hubs come one after the other, and what was read in it holds until
//! its commit. The rules write in a [`Rule`], which looks first whether their hub still has the lease. Not here: what any of it means ([`crate::fleet`]).
//! Guards: what is done and its rows of the audit log are one transaction.

mod devices;
mod lease;
mod members;
mod orders;
mod rehearsals;
mod rollouts;
mod sales;
mod words;

pub use devices::{DeviceCounts, DevicesAsked, DevicesRow};
pub use lease::Lease;
pub(crate) use members::keep_says;
pub use members::{FleetNode, MemberRow};
pub use orders::NewOrder;
pub use rehearsals::KeptRehearsal;
pub use rollouts::{EventRow, KeptRollout, RolloutRow};
pub use words::{Word, WordKind};

use super::{Database, DatabaseError, Tx, audit, failure::while_doing, over, reading};
use crate::people::audit::Line;

/// A change that a person makes, and its number. Dropped without a commit, it was none.
pub(crate) struct Change(Tx, Dry, i64);

/// Whether it is only tried what a change would come to: then nothing is said to the audit log, of which the hub's own log has every row.
type Dry = bool;

/// Something that the rules do.
pub(crate) struct Rule(Tx);

impl Database {
    /// Begins a change, behind all others. A dry one is not to be committed.
    pub(crate) async fn change_fleet(&self, is_dry: bool) -> Result<Change, DatabaseError> {
        let mut tx = self.begin().await?;
        let number = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("UPDATE fleet_changes SET number = number + 1 WHERE one = 1 RETURNING number")
                .fetch_one(on).await.map_err(while_doing("begin a change of the fleet"))
        })?;
        Ok(Change(tx, is_dry, number))
    }

    /// How many changes people have made.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_changes(&self) -> Result<i64, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT number FROM fleet_changes WHERE one = 1").fetch_one(pool).await
                .map_err(while_doing("look for changes of the fleet"))
        })
    }
}

impl Change {
    /// True where nobody has made a change since there were so many ([`Database::fleet_changes`]): what people say is as it was then.
    pub(crate) const fn is_next(&self, changes: i64) -> bool {
        self.2 == changes.saturating_add(1)
    }

    /// A row of the audit log.
    pub(crate) async fn audit(&mut self, line: &Line) -> Result<(), DatabaseError> {
        if self.1 { Ok(()) } else { audit::note(&mut self.0, line).await.map(drop) }
    }

    /// Ready when it is on the disk.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        self.0.commit().await
    }
}

impl Rule {
    /// A row of the audit log.
    pub(crate) async fn audit(&mut self, line: &Line) -> Result<(), DatabaseError> {
        audit::note(&mut self.0, line).await.map(drop)
    }

    /// Ready when it is on the disk.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        self.0.commit().await
    }
}
