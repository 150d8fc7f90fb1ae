//! The database: SQLite beside the hub, or PostgreSQL. One schema, one set of statements.
//!
//! Lives here: opening and migrating, transactions ([`Tx`]), the ledger over one of them ([`ledger`]), what goes down
//! ([`down`]), the fleet's rules ([`fleet`]), and what else is written ([`write`]) and read ([`read`]; for pages [`grid`] and [`glance`]). Not here: what may be taken in (`aisle_protocol::hub::admit`), who asks ([`crate::desk`]).
//!
//! SQLite has one connection that writes (WAL, `synchronous = FULL`) and several that read; what is to be written waits for it in
//! order, and admissions that wait together are committed together ([`admission`]). PostgreSQL has a pool, and any number of hubs.
//! Guards invariant 1 at the hub: what this module says is committed is on the disk.

mod admission;
mod approvals;
mod artefacts;
mod audit;
mod backup;
mod certificates;
mod claims;
mod decisions;
mod down;
mod enrolment_rows;
mod enrolments;
mod erase;
mod failure;
pub mod fleet;
pub mod glance;
pub mod grid;
mod idempotency;
mod ledger;
mod lists;
mod migrate;
mod people;
mod policy;
mod presence;
pub mod read;
pub(crate) mod relay;
mod revocations;
pub(crate) mod rows;
mod sessions;
mod write;

pub use admission::{Admission, NotTaken};
pub use approvals::WAITING_MAX;
pub use artefacts::NotPut;
pub(crate) use artefacts::tree_name;
pub use audit::AuditFilter;
pub use backup::{BackupError, restore};
pub use certificates::{CERTIFICATES_A_DAY_MAX, DEVICES_MAX, DeviceError};
pub use claims::{ClaimNotKept, ClaimRow, KeptClaim, OPEN_CLAIMS_MAX};
pub use down::{DesiredRow, StoredContent};
pub use enrolment_rows::EnrolmentRow;
pub use enrolments::{Asked, By, EnrolError, KeptEnrolment};
pub use failure::DatabaseError;
pub use idempotency::{ANSWERS_MAX, Claim};
pub use people::{NewPerson, PersonError};
pub use policy::{PublishError, Published};
pub use presence::Beat;
pub use relay::{RegisteredRelay, RelayRow};
pub use sessions::TOKENS_MAX;
pub use write::{Contact, NewPolicy, RegisteredNode};

use admission::Admissions;
use aisle_protocol::{LogId, Point, control::Cursor, hub};
use failure::{is_of_disk, while_doing};
use ledger::Book;
use sqlx::{
    PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use tokio::sync::watch;

/// SQLite's code for a database that somebody else holds.
const SQLITE_BUSY: &str = "5";
/// How often a database that is held is tried to be opened, a tenth of a second apart.
const OPEN_ATTEMPTS_MAX: u32 = 100;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of SQLite's.
    Sqlite(PathBuf),
    /// A server that speaks PostgreSQL's protocol, by its URL.
    Postgres(String),
}

impl FromStr for Location {
    type Err = DatabaseError;

    fn from_str(text: &str) -> Result<Self, DatabaseError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text) {
            path if path.is_empty() || path.contains("://") => Err(DatabaseError::Location(text.to_owned())),
            path => Ok(Self::Sqlite(path.into())),
        }
    }
}

/// Without the password that a URL may hold.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => match (url.split_once("://"), url.rsplit_once('@')) {
                (Some((scheme, _)), Some((_, rest))) => write!(f, "{scheme}://{rest}"),
                _ => f.write_str(url),
            },
        }
    }
}

/// Bounds of the database's use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The most connections that read (SQLite), or connections in all (PostgreSQL).
    pub connections_max: u32,
    /// How long a question waits for a connection, in milliseconds; then the node is told to come again.
    pub wait_ms_max: u64,
    /// The most admissions that wait for SQLite's one writer; further ones are told to come again.
    pub admissions_waiting_max: usize,
    /// The most admissions that are committed together in SQLite.
    pub admissions_together_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: 8,
            wait_ms_max: 10_000,
            admissions_waiting_max: 1_024,
            admissions_together_max: 32,
        }
    }
}

/// The hub's database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    admissions: Option<Admissions>,
    location: Location,
    health: Health,
}

/// Whether SQLite's disk has failed while something was committed. Then nothing is begun any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(watch::Sender<bool>);

impl Health {
    fn has_failed(&self) -> bool {
        *self.0.borrow()
    }

    fn note(&self, error: &sqlx::Error) {
        if is_of_disk(error) {
            tracing::error!(%error, "the database's disk has failed: the hub ends");
            self.0.send_replace(true);
        }
    }
}

#[derive(Debug, Clone)]
enum Pool {
    Sqlite { writer: SqlitePool, reader: SqlitePool },
    Postgres(PgPool),
}

/// A transaction that writes. Dropped without a commit, it is rolled back.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>, Health),
    Postgres(Transaction<'static, Postgres>),
}

/// A connection of either kind, for the length of a statement or a transaction.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// Does one thing over either kind of connection.
macro_rules! over {
    ($connection:expr, $name:ident => $body:expr) => {
        match $connection {
            $crate::database::Connection::Sqlite(connection) => {
                let $name = &mut **connection;
                $body
            }
            $crate::database::Connection::Postgres(connection) => {
                let $name = &mut **connection;
                $body
            }
        }
    };
}

/// Reads over either kind of pool.
macro_rules! reading {
    ($database:expr, $name:ident => $body:expr) => {
        match &$database.pool {
            $crate::database::Pool::Sqlite { reader: $name, .. } => $body,
            $crate::database::Pool::Postgres($name) => $body,
        }
    };
}

pub(crate) use {over, reading};

impl Database {
    /// Opens the database, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be reached or opened, or is of a later version.
    pub async fn open(location: &Location, bounds: &Bounds) -> Result<Self, DatabaseError> {
        let opening = |source| DatabaseError::Open { database: location.to_string(), source };
        let wait = Duration::from_millis(bounds.wait_ms_max);
        let pool = match location {
            Location::Sqlite(path) => {
                make_folder(path)?;
                let options = sqlite_options(path).create_if_missing(true);
                let writer = SqlitePoolOptions::new()
                    .max_connections(1)
                    .min_connections(1)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .acquire_timeout(wait);
                let writer = patiently(&writer, &options).await.map_err(opening)?;
                migrate::sqlite(&writer).await?;
                let reader =
                    SqlitePoolOptions::new().max_connections(bounds.connections_max).acquire_timeout(wait);
                let reader = reader.connect_with(options.read_only(true)).await.map_err(opening)?;
                Pool::Sqlite { writer, reader }
            }
            Location::Postgres(url) => {
                let pool = PgPoolOptions::new().max_connections(bounds.connections_max).acquire_timeout(wait);
                let pool = pool.connect(url).await.map_err(opening)?;
                migrate::postgres(&pool).await?;
                Pool::Postgres(pool)
            }
        };
        let mut database =
            Self { pool, admissions: None, location: location.clone(), health: Health::default() };
        if let Pool::Sqlite { .. } = &database.pool {
            database.admissions = Some(Admissions::start(database.clone(), bounds));
        }
        Ok(database)
    }

    /// Where it is.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// Begins to write.
    pub(crate) async fn begin(&self) -> Result<Tx, DatabaseError> {
        if self.health.has_failed() {
            return Err(DatabaseError::Disk);
        }
        let failed = while_doing("begin a transaction");
        match &self.pool {
            Pool::Sqlite { writer, .. } => {
                let begun = writer.begin_with("BEGIN IMMEDIATE").await;
                begun.map(|tx| Tx::Sqlite(tx, self.health.clone())).map_err(failed)
            }
            Pool::Postgres(pool) => pool.begin().await.map(Tx::Postgres).map_err(failed),
        }
    }

    /// Begins to read: everything from one moment on SQLite, each statement from its own on PostgreSQL.
    pub(crate) async fn begin_reading(&self) -> Result<Tx, DatabaseError> {
        let failed = while_doing("begin to read");
        match &self.pool {
            Pool::Sqlite { reader, .. } => {
                reader.begin().await.map(|tx| Tx::Sqlite(tx, self.health.clone())).map_err(failed)
            }
            Pool::Postgres(pool) => pool.begin().await.map(Tx::Postgres).map_err(failed),
        }
    }

    /// Closes every connection, once what runs has ended.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    /// Ready when its disk has failed while something was committed: what it has kept is not known, and whoever runs the hub has to end it.
    pub async fn fails(&self) {
        let mut health = self.health.0.subscribe();
        if health.wait_for(|has_failed| *has_failed).await.is_err() {
            // The sender is in this database.
            std::future::pending::<()>().await;
        }
    }

    /// True when the database answers.
    pub async fn is_well(&self) -> bool {
        reading!(self, pool => sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(pool).await.is_ok())
    }
}

impl Tx {
    /// What statements run on.
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(transaction, _) => Connection::Sqlite(transaction),
            Self::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }

    /// Ready when it is on the disk.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        let failed = while_doing("commit");
        match self {
            Self::Sqlite(transaction, health) => {
                transaction.commit().await.inspect_err(|error| health.note(error)).map_err(failed)
            }
            Self::Postgres(transaction) => transaction.commit().await.map_err(failed),
        }
    }
}

/// Opens SQLite's writer. Another process that makes the same new database just now holds it, and SQLite does not wait for that.
async fn patiently(
    writer: &SqlitePoolOptions,
    options: &SqliteConnectOptions,
) -> Result<SqlitePool, sqlx::Error> {
    let mut attempts = 0;
    loop {
        let opened = writer.clone().connect_with(options.clone()).await;
        attempts += 1;
        let is_held = |error: &sqlx::Error| {
            error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .is_some_and(|code| code == SQLITE_BUSY)
        };
        match opened {
            Err(error) if is_held(&error) && attempts < OPEN_ATTEMPTS_MAX => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            opened => return opened,
        }
    }
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(false)
        // What is taken out is overwritten.
        .pragma("secure_delete", "ON")
        // Kibibytes: the upper levels of the indices of a chain of stores.
        .pragma("cache_size", "-65536")
        .pragma("wal_autocheckpoint", "4000")
        .statement_cache_capacity(128)
}

fn make_folder(path: &Path) -> Result<(), DatabaseError> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder)
            .map_err(|source| DatabaseError::Folder { folder: folder.display().to_string(), source }),
        None => Ok(()),
    }
}

impl Database {
    /// How some logs stand, in their order, all of one moment on SQLite.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn resume(&self, logs: &[LogId]) -> Result<Vec<Cursor>, DatabaseError> {
        let mut tx = self.begin_reading().await?;
        let mut cursors = Vec::with_capacity(logs.len());
        for log in logs {
            cursors.push(hub::resume(&mut Book::reading(tx.connection()), log).await?);
        }
        Ok(cursors)
    }

    /// The highest of some places of a log that is there with the same head.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn locate(&self, log: &LogId, points: &[Point]) -> Result<Option<u64>, DatabaseError> {
        let mut tx = self.begin_reading().await?;
        hub::locate(&mut Book::reading(tx.connection()), log, points).await
    }
}
