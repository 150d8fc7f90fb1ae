//! Why the database could not.

/// Why the database could not.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No place that this build knows.
    #[error(
        "`database` is `{0}`, which is neither a file nor a URL\nhint: `data/hub.db`, or `postgres://user@host/name`"
    )]
    Location(String),
    /// The folder of the file cannot be made.
    #[error("cannot make the folder `{folder}`")]
    Folder {
        /// The folder.
        folder: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It cannot be reached or opened.
    #[error(
        "cannot open the database `{database}`\nhint: does the folder or the server exist, and may this user write to it?"
    )]
    Open {
        /// Which, without a password.
        database: String,
        /// Why not.
        source: sqlx::Error,
    },
    /// Its schema cannot be brought up to date.
    #[error(
        "cannot bring the database's schema up to date\nhint: a database of a later version needs a later hub"
    )]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the database could not {what}")]
    Statement {
        /// What it was to do.
        what: &'static str,
        /// Why not.
        source: sqlx::Error,
    },
    /// Its disk failed before.
    #[error("the database's disk has failed\nhint: look at the disk, then start the hub again")]
    Disk,
    /// The list of who may not come in takes no more of these.
    #[error(
        "the list of who may not come in has {most} entries or more, and no further {what} get onto it; {frees}\nhint: `aisle-hub audit --action device.ban` and `--action certificate.issue` say who filled it; ban that box"
    )]
    ListFull {
        /// What was to get onto it.
        what: &'static str,
        /// How many there may be before.
        most: usize,
        /// When it gets room by itself, in words.
        frees: String,
    },
    /// Something in it is not what the hub wrote.
    #[error(
        "`{table}.{column}` of {row} is not what a hub writes\nhint: run `aisle-hub verify`, and restore a backup"
    )]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Which row.
        row: String,
    },
}

impl DatabaseError {
    /// True when trying again may help: nothing is wrong with what was asked.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Statement { .. })
    }
}

/// The primary code of SQLite's input and output errors; the extended ones (1034: a failed fsync, 1290: of a folder, 778: a write) have
/// it in their lowest byte.
const SQLITE_IOERR: u32 = 10;

/// Whether SQLite's disk failed. After a failed fsync the system may have thrown away what it could not write, and a second try that
/// succeeds would prove nothing.
pub(super) fn is_of_disk(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_IOERR)
}

/// Names what was being done when a statement failed.
pub(super) fn while_doing(what: &'static str) -> impl FnOnce(sqlx::Error) -> DatabaseError + Copy {
    move |source| DatabaseError::Statement { what, source }
}
