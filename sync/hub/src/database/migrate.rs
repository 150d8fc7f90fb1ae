//! The schema and how it came about. A step that was published is never changed; a change is a further step.

use super::failure::{DatabaseError, while_doing};
use sqlx::{
    PgPool, SqlSafeStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

const SQLITE: &[(&str, &str)] = &[
    ("first", include_str!("../../migrations/sqlite_1.sql")),
    ("deltas", include_str!("../../migrations/sqlite_2.sql")),
    ("erasures", include_str!("../../migrations/sqlite_3.sql")),
    ("relay", include_str!("../../migrations/sqlite_4.sql")),
    ("people", include_str!("../../migrations/sqlite_5.sql")),
];
const POSTGRES: &[(&str, &str)] = &[
    ("first", include_str!("../../migrations/postgres_1.sql")),
    ("deltas", include_str!("../../migrations/postgres_2.sql")),
    ("erasures", include_str!("../../migrations/postgres_3.sql")),
    ("relay", include_str!("../../migrations/postgres_4.sql")),
    ("people", include_str!("../../migrations/postgres_5.sql")),
];

fn migrator(steps: &'static [(&'static str, &'static str)]) -> Migrator {
    let migrations = steps.iter().zip(1..).map(|((name, sql), version)| {
        Migration::new(version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// SQLite's migrations know no lock: the database is held while they run.
pub(super) async fn sqlite(pool: &SqlitePool) -> Result<(), DatabaseError> {
    let failed = while_doing("bring its schema up to date");
    let mut held = pool.begin_with("BEGIN EXCLUSIVE").await.map_err(failed)?;
    migrator(SQLITE).run(&mut *held).await.map_err(DatabaseError::Migrate)?;
    held.commit().await.map_err(failed)
}

/// Hubs that start at the same time wait for each other.
pub(super) async fn postgres(pool: &PgPool) -> Result<(), DatabaseError> {
    migrator(POSTGRES).run(pool).await.map_err(DatabaseError::Migrate)
}
