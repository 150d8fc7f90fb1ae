//! Taking batches in: one transaction for each on PostgreSQL, one for all that wait on SQLite.
//!
//! SQLite has one writer, and a commit costs a sync. So admissions queue up, and all that have come while one transaction ran go into
//! the next, each in a savepoint of its own: one that fails takes no other with it. Nobody is answered before the commit.

use super::{Bounds, Connection, Database, DatabaseError, Tx, failure::while_doing, ledger::Book};
use aisle_protocol::{
    Checked, LogId,
    hub::{self, AdmitError, Decision, Gate},
};
use std::sync::Arc;
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

/// Batches of one log that were checked, and the gate that looks at them.
pub struct Admission {
    /// The log.
    pub log: LogId,
    /// Its batches, in order.
    pub batches: Arc<Vec<Checked>>,
    /// May this region hold them?
    pub gate: Arc<dyn Gate>,
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").field("log", &self.log).field("batches", &self.batches.len()).finish()
    }
}

/// Why nothing came of batches. Nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Another hub moved the cursor meanwhile.
    #[error("another hub was faster")]
    Conflict,
    /// Too much waits for the writer.
    #[error("{waiting_max} admissions wait for the database")]
    Full {
        /// The most that may.
        waiting_max: usize,
    },
    /// Another admission's commit failed, and this one was part of it, or the hub goes down.
    #[error("the transaction did not come to its commit")]
    Lost,
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<AdmitError<DatabaseError>> for NotTaken {
    fn from(error: AdmitError<DatabaseError>) -> Self {
        match error {
            AdmitError::Conflict => Self::Conflict,
            AdmitError::Ledger(error) => Self::Database(error),
        }
    }
}

type Job = (Admission, oneshot::Sender<Result<Decision, NotTaken>>);

/// Where admissions wait for SQLite's writer.
#[derive(Debug, Clone)]
pub(super) struct Admissions {
    jobs: mpsc::Sender<Job>,
    waiting_max: usize,
}

impl Admissions {
    /// Ends when the last database handle that can submit is gone.
    pub(super) fn start(database: Database, bounds: &Bounds) -> Self {
        let waiting_max = bounds.admissions_waiting_max.max(1);
        let together_max = bounds.admissions_together_max.max(1);
        let (jobs, mut waiting) = mpsc::channel::<Job>(waiting_max);
        tokio::spawn(async move {
            let mut together = Vec::with_capacity(together_max);
            while waiting.recv_many(&mut together, together_max).await > 0 {
                // Who has gone away meanwhile is not taken in any more.
                let jobs = together.drain(..).filter(|(_, answer)| !answer.is_closed()).collect();
                commit_together(&database, jobs).await;
            }
        });
        Self { jobs, waiting_max }
    }
}

impl Database {
    /// Takes batches in. Ready when they are committed and on the disk.
    ///
    /// # Errors
    /// When nothing came of it: another hub was faster, too much waits, or the database could not.
    pub async fn admit(&self, admission: Admission) -> Result<Decision, NotTaken> {
        let Some(admissions) = &self.admissions else {
            let mut tx = self.begin().await?;
            let decision = take(tx.connection(), &admission).await?;
            tx.commit().await?;
            return Ok(decision);
        };
        let (answer, answered) = oneshot::channel();
        admissions.jobs.try_send((admission, answer)).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full { waiting_max: admissions.waiting_max },
            TrySendError::Closed(_) => NotTaken::Lost,
        })?;
        let answer = answered.await.unwrap_or(Err(NotTaken::Lost));
        if answer.is_err() && self.health.has_failed() {
            // The process ends. Until it has, nobody is told that it goes on.
            std::future::pending::<()>().await;
        }
        answer
    }
}

async fn take(connection: Connection<'_>, admission: &Admission) -> Result<Decision, NotTaken> {
    let mut book = Book::writing(connection);
    Ok(hub::admit(&mut book, admission.gate.as_ref(), &admission.log, &admission.batches).await?)
}

async fn commit_together(database: &Database, jobs: Vec<Job>) {
    let mut tx = match database.begin().await {
        Ok(tx) => tx,
        Err(error) => {
            tracing::warn!(%error, "no admission could begin");
            return;
        }
    };
    let mut done = Vec::with_capacity(jobs.len());
    for (admission, answer) in jobs {
        match in_savepoint(&mut tx, &admission).await {
            Ok(result) => done.push((answer, result)),
            // The transaction itself is no more: who is not answered hears that it was lost.
            Err(error) => {
                tracing::warn!(%error, log = %admission.log, "admissions were rolled back");
                return;
            }
        }
    }
    if let Err(error) = tx.commit().await {
        tracing::warn!(%error, "admissions were not committed");
        return;
    }
    for (answer, result) in done {
        // Who asked may have gone.
        let _ = answer.send(result);
    }
}

async fn in_savepoint(
    tx: &mut Tx,
    admission: &Admission,
) -> Result<Result<Decision, NotTaken>, DatabaseError> {
    say(tx, "SAVEPOINT admission").await?;
    let result = take(tx.connection(), admission).await;
    if result.is_err() {
        say(tx, "ROLLBACK TO admission").await?;
    }
    say(tx, "RELEASE admission").await?;
    Ok(result)
}

async fn say(tx: &mut Tx, sql: &'static str) -> Result<(), DatabaseError> {
    super::over!(&mut tx.connection(), on => {
        sqlx::query(sql).execute(on).await.map(drop).map_err(while_doing("set a savepoint"))
    })
}
