//! Backup and restore of a SQLite database. PostgreSQL has `pg_dump` and what its operators use.

use super::{Database, DatabaseError, Location, Pool, failure::while_doing};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use std::path::{Path, PathBuf};

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is PostgreSQL.
    #[error(
        "`{0}` is not a file of SQLite's\nhint: use `pg_dump`, `pg_basebackup` or what your operators have"
    )]
    NotSqlite(String),
    /// Something lies there already.
    #[error("`{0}` is there already\nhint: choose another name, or move it away")]
    Exists(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot copy to `{path}`")]
    Copy {
        /// Where to.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// SQLite finds the backup damaged.
    #[error("`{path}` is damaged: {found}\nhint: take another backup")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        found: String,
    },
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Database {
    /// Writes a copy of the database as it is at this moment, while it goes on, and checks the copy.
    ///
    /// # Errors
    /// When it is not SQLite, the file is there already, or the copy is not good.
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        let Pool::Sqlite { reader, .. } = &self.pool else {
            return Err(BackupError::NotSqlite(self.location().to_string()));
        };
        if to.exists() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        // A name in a statement, where no value can be bound: quotes are doubled.
        let name = to.display().to_string().replace('\'', "''");
        sqlx::query(AssertSqlSafe(format!("VACUUM INTO '{name}'")))
            .execute(reader)
            .await
            .map_err(while_doing("copy itself"))?;
        check(to).await?;
        sync(to)
    }
}

/// Puts a backup where the database belongs, after checking it. The hub must not run.
///
/// # Errors
/// When the backup is damaged, a database lies there already, or the file cannot be written.
pub async fn restore(from: &Path, to: &Location) -> Result<(), BackupError> {
    let Location::Sqlite(path) = to else { return Err(BackupError::NotSqlite(to.to_string())) };
    let beside = |suffix: &str| {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    for taken in [path.clone(), beside("-wal"), beside("-shm")] {
        if taken.exists() {
            return Err(BackupError::Exists(taken));
        }
    }
    check(from).await?;
    super::make_folder(path)?;
    let copying = |source| BackupError::Copy { path: path.clone(), source };
    let half = beside(".restoring");
    std::fs::copy(from, &half).map_err(copying)?;
    sync(&half)?;
    std::fs::rename(&half, path).map_err(copying)?;
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => sync(folder),
        None => sync(Path::new(".")),
    }
}

async fn check(path: &Path) -> Result<(), BackupError> {
    let opening = |source| DatabaseError::Open { database: path.display().to_string(), source };
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await.map_err(opening)?;
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(while_doing("check a copy"))?;
    let logs = sqlx::query("SELECT COUNT(*) FROM logs").fetch_one(&mut connection).await;
    connection.close().await.map_err(while_doing("close a copy"))?;
    match (found.as_str(), logs) {
        ("ok", Ok(_)) => Ok(()),
        ("ok", Err(_)) => {
            Err(BackupError::Damaged { path: path.to_owned(), found: "it is no database of a hub".into() })
        }
        _ => Err(BackupError::Damaged { path: path.to_owned(), found }),
    }
}

fn sync(path: &Path) -> Result<(), BackupError> {
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| BackupError::Copy { path: path.to_owned(), source })
}
