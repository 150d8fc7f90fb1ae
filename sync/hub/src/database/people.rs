//! People and their roles. Each change is one transaction with its row of the audit log, and counts against the version that was looked at.

use super::{
    Database, DatabaseError, Tx, audit,
    failure::while_doing,
    over, reading,
    rows::{damaged, fixed},
};
use crate::people::{
    audit::Line,
    person::{Change, GRANTS_MAX, PEOPLE_MAX, Person, folded},
    role::Grant,
};
use serde_json::{Value, json};

/// Why a person was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// Nobody has this id.
    #[error("there is no such person")]
    Unknown,
    /// Somebody has the name.
    #[error("somebody has this name already")]
    NameTaken,
    /// Somebody else changed them meanwhile.
    #[error("somebody has changed this person meanwhile")]
    Stale,
    /// There are too many people.
    #[error("there are {PEOPLE_MAX} people already")]
    Full,
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Somebody who is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// The id.
    pub id: String,
    /// The name, which was checked.
    pub name: String,
    /// Who they are at the identity provider.
    pub subject: Option<String>,
    /// Their roles.
    pub grants: Vec<Grant>,
    /// The hash of their code to set themselves up, and until when it is good.
    pub setup: Option<([u8; 32], i64)>,
}

type Columns = (String, String, Option<String>, String, i64, bool, i64, i64, i64);

const ACTIVE: &str = "active";
const DISABLED: &str = "disabled";

/// Of `people p`.
macro_rules! person_columns {
    () => {
        "p.person, p.name, p.subject, p.state, p.version, p.password <> '', p.setup_until_ms, p.created_at_ms, p.signed_in_at_ms"
    };
}

pub(super) fn person(columns: Columns, grants: Vec<Grant>) -> Person {
    let (id, name, subject, state, version, has_password, setup_until_ms, created_at_ms, signed_in_at_ms) =
        columns;
    Person {
        id,
        name,
        subject,
        // What is not known is not let in.
        is_disabled: state != ACTIVE,
        version,
        has_password,
        setup_until_ms: Some(setup_until_ms).filter(|until| *until > 0),
        grants,
        created_at_ms,
        signed_in_at_ms,
    }
}

/// Rows of roles. One that this build does not know lets nobody do anything.
fn grants(rows: Vec<(String, String)>) -> Vec<Grant> {
    let grant = |(role, scope): (String, String)| {
        let grant = role.parse().and_then(|role| Ok(Grant { role, scope: scope.parse()? }));
        grant
            .inspect_err(|_| {
                tracing::warn!(role, scope, "a role of a person is not known and counts for nothing");
            })
            .ok()
    };
    rows.into_iter().filter_map(grant).collect()
}

async fn grants_in(tx: &mut Tx, id: &str) -> Result<Vec<Grant>, DatabaseError> {
    let rows: Vec<(String, String)> = over!(&mut tx.connection(), on => {
        sqlx::query_as("SELECT role, scope FROM person_roles WHERE person = $1 ORDER BY role, scope")
            .bind(id).fetch_all(on).await.map_err(while_doing("find the roles of a person"))
    })?;
    Ok(grants(rows))
}

async fn person_in(tx: &mut Tx, id: &str) -> Result<Option<Person>, DatabaseError> {
    let row: Option<Columns> = over!(&mut tx.connection(), on => {
        sqlx::query_as(concat!("SELECT ", person_columns!(), " FROM people p WHERE p.person = $1"))
            .bind(id).fetch_optional(on).await.map_err(while_doing("find a person"))
    })?;
    match row {
        None => Ok(None),
        Some(row) => Ok(Some(person(row, grants_in(tx, id).await?))),
    }
}

/// By what a person can come in, for the audit log.
async fn access_in(tx: &mut Tx, id: &str, now_ms: i64) -> Result<Value, DatabaseError> {
    let failed = while_doing("find by what a person comes in");
    let row: Option<(bool, bool, i64, i64)> = over!(&mut tx.connection(), on => {
        sqlx::query_as("SELECT p.password <> '', p.setup_hash IS NOT NULL AND p.setup_until_ms > $2, \
            (SELECT COUNT(*) FROM sessions s WHERE s.person = p.person AND s.ends_at_ms > $2), \
            (SELECT COUNT(*) FROM api_tokens t WHERE t.person = p.person AND t.revoked_at_ms IS NULL AND t.ends_at_ms > $2) \
            FROM people p WHERE p.person = $1").bind(id).bind(now_ms).fetch_optional(on).await.map_err(failed)
    })?;
    let (password, code, sessions, tokens) = row.unwrap_or_default();
    Ok(json!({ "password": password, "code": code, "sessions": sessions, "tokens": tokens }))
}

async fn set_grants(tx: &mut Tx, id: &str, grants: &[Grant]) -> Result<(), DatabaseError> {
    let failed = while_doing("set the roles of a person");
    over!(&mut tx.connection(), on => {
        sqlx::query("DELETE FROM person_roles WHERE person = $1").bind(id).execute(on).await.map(drop).map_err(failed)
    })?;
    for grant in grants.iter().take(GRANTS_MAX) {
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO person_roles (person, role, scope) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(id).bind(grant.role.as_str()).bind(grant.scope.to_string()).execute(on).await.map(drop).map_err(failed)
        })?;
    }
    Ok(())
}

impl Database {
    /// A person by id.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn person(&self, id: &str) -> Result<Option<Person>, DatabaseError> {
        let row: Option<Columns> = reading!(self, pool => {
            sqlx::query_as(concat!("SELECT ", person_columns!(), " FROM people p WHERE p.person = $1"))
                .bind(id).fetch_optional(pool).await.map_err(while_doing("find a person"))
        })?;
        match row {
            None => Ok(None),
            Some(row) => Ok(Some(person(row, self.grants_of(id).await?))),
        }
    }

    /// A person by name, in whatever case.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn person_named(&self, name: &str) -> Result<Option<Person>, DatabaseError> {
        // Nobody is called so, and PostgreSQL has no such text.
        if name.contains('\0') {
            return Ok(None);
        }
        let id: Option<String> = reading!(self, pool => {
            sqlx::query_scalar("SELECT person FROM people WHERE folded = $1")
                .bind(folded(name)).fetch_optional(pool).await.map_err(while_doing("find a person by name"))
        })?;
        match id {
            None => Ok(None),
            Some(id) => self.person(&id).await,
        }
    }

    /// A person by who they are at the identity provider.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn person_of(&self, subject: &str) -> Result<Option<Person>, DatabaseError> {
        let id: Option<String> = reading!(self, pool => {
            sqlx::query_scalar("SELECT person FROM people WHERE subject = $1")
                .bind(subject).fetch_optional(pool).await.map_err(while_doing("find a person by subject"))
        })?;
        match id {
            None => Ok(None),
            Some(id) => self.person(&id).await,
        }
    }

    pub(super) async fn grants_of(&self, id: &str) -> Result<Vec<Grant>, DatabaseError> {
        let rows: Vec<(String, String)> = reading!(self, pool => {
            sqlx::query_as("SELECT role, scope FROM person_roles WHERE person = $1 ORDER BY role, scope")
                .bind(id).fetch_all(pool).await.map_err(while_doing("find the roles of a person"))
        })?;
        Ok(grants(rows))
    }

    /// People by name, those behind one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn people(&self, after: &str, rows_max: u32) -> Result<Vec<Person>, DatabaseError> {
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as(concat!("SELECT ", person_columns!(), " FROM people p WHERE p.folded > $1 ORDER BY p.folded LIMIT $2"))
                .bind(folded(after)).bind(super::read::bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list people"))
        })?;
        let mut people = Vec::with_capacity(rows.len());
        for row in rows {
            let grants = self.grants_of(&row.0).await?;
            people.push(person(row, grants));
        }
        Ok(people)
    }

    /// Adds a person.
    ///
    /// # Errors
    /// When the name is taken or there are too many.
    pub async fn add_person(&self, new: &NewPerson, line: Line) -> Result<Person, PersonError> {
        let failed = while_doing("add a person");
        let now_ms = line.at_ms;
        let mut tx = self.begin().await?;
        let count: i64 = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT COUNT(*) FROM people").fetch_one(on).await.map_err(failed)
        })?;
        if count >= PEOPLE_MAX {
            return Err(PersonError::Full);
        }
        let (hash, until_ms) =
            new.setup.map_or((None, 0), |(hash, until_ms)| (Some(hash.to_vec()), until_ms));
        let added = over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO people (person, name, folded, subject, state, version, setup_hash, setup_until_ms, created_at_ms, changed_at_ms) \
                VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $8) ON CONFLICT DO NOTHING")
                .bind(new.id.as_str()).bind(new.name.as_str()).bind(folded(&new.name)).bind(new.subject.as_deref()).bind(ACTIVE)
                .bind(hash).bind(until_ms).bind(now_ms)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if added == 0 {
            return Err(PersonError::NameTaken);
        }
        set_grants(&mut tx, &new.id, &new.grants).await?;
        let added = person_in(&mut tx, &new.id).await?.ok_or(PersonError::Unknown)?;
        audit::note(&mut tx, &line.became(added.shown())).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Changes a person of a version; of any, where none is given. A person who may not come any more is signed out.
    ///
    /// # Errors
    /// When there is none, it is another version, or the name is taken.
    pub async fn change_person(
        &self,
        id: &str,
        version: Option<i64>,
        change: &Change,
        line: Line,
    ) -> Result<Person, PersonError> {
        let failed = while_doing("change a person");
        let mut tx = self.begin().await?;
        let before = person_in(&mut tx, id).await?.ok_or(PersonError::Unknown)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(PersonError::Stale);
        }
        let name = change.name.as_deref().unwrap_or(&before.name);
        if folded(name) != folded(&before.name) {
            let taken: Option<String> = over!(&mut tx.connection(), on => {
                sqlx::query_scalar("SELECT person FROM people WHERE folded = $1")
                    .bind(folded(name)).fetch_optional(on).await.map_err(failed)
            })?;
            if taken.is_some() {
                return Err(PersonError::NameTaken);
            }
        }
        let is_disabled = change.is_disabled.unwrap_or(before.is_disabled);
        let state = if is_disabled { DISABLED } else { ACTIVE };
        let changed = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE people SET name = $3, folded = $4, state = $5, version = version + 1, changed_at_ms = $6 \
                WHERE person = $1 AND version = $2")
                .bind(id).bind(before.version).bind(name).bind(folded(name)).bind(state).bind(line.at_ms)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if changed == 0 {
            return Err(PersonError::Stale);
        }
        if let Some(grants) = &change.grants {
            set_grants(&mut tx, id, grants).await?;
        }
        if is_disabled {
            over!(&mut tx.connection(), on => {
                sqlx::query("DELETE FROM sessions WHERE person = $1").bind(id).execute(on).await.map(drop).map_err(failed)
            })?;
        }
        let after = person_in(&mut tx, id).await?.ok_or(PersonError::Unknown)?;
        audit::note(&mut tx, &line.was(before.shown()).became(after.shown())).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// The hash of a person's password, where they have one.
    pub(crate) async fn password_of(&self, id: &str) -> Result<Option<String>, DatabaseError> {
        let hash: Option<String> = reading!(self, pool => {
            sqlx::query_scalar("SELECT password FROM people WHERE person = $1")
                .bind(id).fetch_optional(pool).await.map_err(while_doing("find a password"))
        })?;
        Ok(hash.filter(|hash| !hash.is_empty()))
    }

    /// Sets a password and ends all sessions. Where a code is given, the password is set only while the code is the person's, and used up by it.
    pub(crate) async fn set_password(
        &self,
        id: &str,
        hash: &str,
        setup: Option<&[u8; 32]>,
        line: &Line,
    ) -> Result<bool, DatabaseError> {
        let failed = while_doing("set a password");
        let mut tx = self.begin().await?;
        let code = setup.map(|hash| hash.to_vec());
        let is_by_code = code.is_some();
        let set = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE people SET password = $2, password_at_ms = $3, setup_hash = NULL, setup_until_ms = 0, version = version + 1, \
                changed_at_ms = $3 WHERE person = $1 AND state = $4 AND ($5 = $6 OR (setup_hash = $7 AND setup_until_ms > $3))")
                .bind(id).bind(hash).bind(line.at_ms).bind(ACTIVE).bind(is_by_code).bind(false).bind(code)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if set == 0 {
            return Ok(false);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM sessions WHERE person = $1").bind(id).execute(on).await.map(drop).map_err(failed)
        })?;
        audit::note(&mut tx, line).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps a hash of the same password that was made with other parameters.
    pub(crate) async fn renew_password(&self, id: &str, old: &str, new: &str) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE people SET password = $3 WHERE person = $1 AND password = $2")
                .bind(id).bind(old).bind(new).execute(on).await.map(drop).map_err(while_doing("renew the hash of a password"))
        })?;
        tx.commit().await
    }

    /// Takes the password away, ends all sessions, revokes all tokens, and keeps the hash of a code instead.
    pub(crate) async fn reset_person(
        &self,
        id: &str,
        code: &[u8; 32],
        until_ms: i64,
        line: &Line,
    ) -> Result<bool, DatabaseError> {
        let failed = while_doing("reset a person");
        let mut tx = self.begin().await?;
        let was = access_in(&mut tx, id, line.at_ms).await?;
        let reset = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE people SET password = '', password_at_ms = 0, setup_hash = $2, setup_until_ms = $3, version = version + 1, \
                changed_at_ms = $4 WHERE person = $1")
                .bind(id).bind(code.as_slice()).bind(until_ms).bind(line.at_ms)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if reset == 0 {
            return Ok(false);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM sessions WHERE person = $1").bind(id).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE api_tokens SET revoked_at_ms = $2 WHERE person = $1 AND revoked_at_ms IS NULL")
                .bind(id).bind(line.at_ms).execute(on).await.map(drop).map_err(failed)
        })?;
        let became = access_in(&mut tx, id, line.at_ms).await?;
        audit::note(&mut tx, &line.clone().was(was).became(became)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The person whose code to set themselves up this is.
    pub(crate) async fn person_with_code(
        &self,
        code: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<Person>, DatabaseError> {
        let id: Option<String> = reading!(self, pool => {
            sqlx::query_scalar("SELECT person FROM people WHERE setup_hash = $1 AND setup_until_ms > $2 AND state = $3")
                .bind(code.as_slice()).bind(now_ms).bind(ACTIVE).fetch_optional(pool).await.map_err(while_doing("find whose code this is"))
        })?;
        match id {
            None => Ok(None),
            Some(id) => self.person(&id).await,
        }
    }
}

/// Thirty-two bytes of a column.
pub(super) fn hash_of(bytes: &[u8], table: &'static str, row: &str) -> Result<[u8; 32], DatabaseError> {
    fixed(bytes, table, "hash", &row).map_err(|_| damaged(table, "hash", &row))
}
