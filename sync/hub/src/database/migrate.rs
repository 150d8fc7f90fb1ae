//! The schema and how it came about. A step that was published is never changed; a change is a further step.

use super::failure::{DatabaseError, while_doing};
use sqlx::{
    PgPool, SqlSafeStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

/// A step: its number, which is for ever, its name, what it does. Numbers may have gaps: a step whose number is lower than that of the last
/// one that was done is done all the same.
type Step = (i64, &'static str, &'static str);

const SQLITE: &[Step] = &[
    (1, "first", include_str!("../../migrations/sqlite_1.sql")),
    (2, "deltas", include_str!("../../migrations/sqlite_2.sql")),
    (3, "erasures", include_str!("../../migrations/sqlite_3.sql")),
    (4, "relay", include_str!("../../migrations/sqlite_4.sql")),
    (5, "people", include_str!("../../migrations/sqlite_5.sql")),
    (6, "enrolment", include_str!("../../migrations/sqlite_6.sql")),
    (7, "fleet", include_str!("../../migrations/sqlite_7.sql")),
    (8, "artefacts", include_str!("../../migrations/sqlite_8.sql")),
    (9, "rehearsals", include_str!("../../migrations/sqlite_9.sql")),
    (10, "devices", include_str!("../../migrations/sqlite_10.sql")),
    (11, "presence", include_str!("../../migrations/sqlite_11.sql")),
    (12, "news", include_str!("../../migrations/sqlite_12.sql")),
];
const POSTGRES: &[Step] = &[
    (1, "first", include_str!("../../migrations/postgres_1.sql")),
    (2, "deltas", include_str!("../../migrations/postgres_2.sql")),
    (3, "erasures", include_str!("../../migrations/postgres_3.sql")),
    (4, "relay", include_str!("../../migrations/postgres_4.sql")),
    (5, "people", include_str!("../../migrations/postgres_5.sql")),
    (6, "enrolment", include_str!("../../migrations/postgres_6.sql")),
    (7, "fleet", include_str!("../../migrations/postgres_7.sql")),
    (8, "artefacts", include_str!("../../migrations/postgres_8.sql")),
    (9, "rehearsals", include_str!("../../migrations/postgres_9.sql")),
    (10, "devices", include_str!("../../migrations/postgres_10.sql")),
    (11, "presence", include_str!("../../migrations/postgres_11.sql")),
    (12, "news", include_str!("../../migrations/postgres_12.sql")),
];

fn migrator(steps: &'static [Step]) -> Migrator {
    let migrations = steps.iter().map(|(number, name, sql)| {
        Migration::new(*number, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
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
