//! Claims: made, shown, taken back. Of a code only hashes come here.

use super::{
    Database, DatabaseError, Tx, audit,
    failure::while_doing,
    over, reading,
    rows::{damaged, fixed},
};
use crate::people::audit::Line;
use aisle_event::Timestamp;
use aisle_provisioning::{
    claim::{Claim, ClaimState, Locator},
    enrolment::state::Role,
    fingerprint::Fingerprint,
    identity::{Serial, Store},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The most claims of a store that can be used at one time; a further one is refused.
pub const OPEN_CLAIMS_MAX: i64 = 100;

/// A claim and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptClaim {
    /// The claim.
    pub claim: Claim,
    /// Who made it.
    pub made_by: String,
    /// What they are: a claim for a box that was banned wants somebody who may do that.
    pub made_role: Role,
}

/// A claim, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClaimRow {
    /// The part of its code that finds it. Not secret.
    #[schema(example = "7K3QM")]
    pub locator: String,
    /// For which store.
    pub store: String,
    /// For which box; empty for any.
    pub serial: String,
    /// `open`, `used`, `withdrawn` or `expired`.
    pub state: String,
    /// Who made it.
    pub made_by: String,
    /// When, in milliseconds since 1970.
    pub made_at_ms: i64,
    /// Until when it can be used.
    pub expires_at_ms: i64,
    /// Which box used it; empty while none has.
    pub used_by: String,
}

/// Why a claim was not kept.
#[derive(Debug, thiserror::Error)]
pub enum ClaimNotKept {
    /// The store has too many.
    #[error(
        "store `{store}` has {OPEN_CLAIMS_MAX} claims that can be used\nhint: `aisle-hub claim revoke` those that nobody needs"
    )]
    TooMany {
        /// The store.
        store: String,
    },
    /// Its locator is another one's.
    #[error("the code that was drawn is taken\nhint: try again")]
    Taken,
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

type Columns =
    (String, Vec<u8>, Vec<u8>, String, String, i64, String, String, i64, String, i64, String, Vec<u8>);

const OPEN: &str = "open";
const USED: &str = "used";
const WITHDRAWN: &str = "withdrawn";

/// All columns of `claims`, in the order in which they are read.
macro_rules! claim_columns {
    () => {
        "locator, digest, introduction_key, store, serial, made_at_ms, made_by, made_role, expires_at_ms, state, state_at_ms, used_serial, used_key"
    };
}

pub(super) const ROLES: [Role; 5] =
    [Role::Viewer, Role::Operator, Role::PluginAuthor, Role::PrivacyOfficer, Role::Admin];

fn kept(columns: Columns) -> Result<KeptClaim, DatabaseError> {
    let (locator, digest, introduction, store, serial, made, by, role, expires, state, at, used_by, used_key) =
        columns;
    let wrong = |column: &'static str| damaged("claims", column, &locator);
    let state = match state.as_str() {
        OPEN => ClaimState::Open,
        WITHDRAWN => ClaimState::Withdrawn { at: Timestamp(at) },
        USED => ClaimState::Used {
            at: Timestamp(at),
            serial: Serial::new(&used_by).map_err(|_| wrong("used_serial"))?,
            key: Fingerprint(fixed(&used_key, "claims", "used_key", &locator)?),
        },
        _ => return Err(wrong("state")),
    };
    let made_role =
        ROLES.into_iter().find(|known| known.as_str() == role).ok_or_else(|| wrong("made_role"))?;
    let serial = Some(serial).filter(|serial| !serial.is_empty()).map(|serial| Serial::new(&serial));
    let claim = Claim {
        locator: locator.parse().map_err(|_| wrong("locator"))?,
        digest: fixed(&digest, "claims", "digest", &locator)?,
        introduction_key: fixed(&introduction, "claims", "introduction_key", &locator)?,
        store: Store::new(&store).map_err(|_| wrong("store"))?,
        serial: serial.transpose().map_err(|_| wrong("serial"))?,
        made_at: Timestamp(made),
        expires_at: Timestamp(expires),
        state,
    };
    Ok(KeptClaim { claim, made_by: by, made_role })
}

impl KeptClaim {
    /// For people, at a time.
    #[must_use]
    pub fn row(&self, now: Timestamp) -> ClaimRow {
        let Claim { locator, store, serial, made_at, expires_at, state, .. } = &self.claim;
        let (state, used_by) = match state {
            ClaimState::Open if now > *expires_at => ("expired", String::new()),
            ClaimState::Open => (OPEN, String::new()),
            ClaimState::Used { serial, .. } => (USED, serial.to_string()),
            ClaimState::Withdrawn { .. } => (WITHDRAWN, String::new()),
        };
        ClaimRow {
            locator: locator.to_string(),
            store: store.to_string(),
            serial: serial.as_ref().map(ToString::to_string).unwrap_or_default(),
            state: state.to_owned(),
            made_by: self.made_by.clone(),
            made_at_ms: made_at.0,
            expires_at_ms: expires_at.0,
            used_by,
        }
    }
}

/// Locks a claim on PostgreSQL until the transaction is over; SQLite has one writer.
pub(super) async fn claim_in(tx: &mut Tx, locator: &Locator) -> Result<Option<KeptClaim>, DatabaseError> {
    let failed = while_doing("find a claim");
    let row: Option<Columns> = match tx.connection() {
        super::Connection::Sqlite(on) => {
            sqlx::query_as(concat!("SELECT ", claim_columns!(), " FROM claims WHERE locator = $1"))
                .bind(locator.as_str())
                .fetch_optional(on)
                .await
        }
        super::Connection::Postgres(on) => {
            sqlx::query_as(concat!("SELECT ", claim_columns!(), " FROM claims WHERE locator = $1 FOR UPDATE"))
                .bind(locator.as_str())
                .fetch_optional(on)
                .await
        }
    }
    .map_err(failed)?;
    row.map(kept).transpose()
}

/// Writes what became of a claim.
pub(super) async fn settle_in(tx: &mut Tx, claim: &Claim) -> Result<(), DatabaseError> {
    let (state, at, serial, key) = match &claim.state {
        ClaimState::Open => (OPEN, 0, "", [].as_slice()),
        ClaimState::Withdrawn { at } => (WITHDRAWN, at.0, "", [].as_slice()),
        ClaimState::Used { at, serial, key } => (USED, at.0, serial.as_str(), key.0.as_slice()),
    };
    over!(&mut tx.connection(), on => {
        sqlx::query("UPDATE claims SET state = $2, state_at_ms = $3, used_serial = $4, used_key = $5 WHERE locator = $1")
            .bind(claim.locator.as_str()).bind(state).bind(at).bind(serial).bind(key)
            .execute(on).await.map(drop).map_err(while_doing("settle a claim"))
    })
}

impl Database {
    /// Keeps a new claim.
    ///
    /// # Errors
    /// When the store has too many that can be used, or the database cannot take it.
    pub async fn keep_claim(&self, kept: &KeptClaim, line: &Line) -> Result<(), ClaimNotKept> {
        let failed = while_doing("keep a claim");
        let KeptClaim { claim, made_by, made_role } = kept;
        let mut tx = self.begin().await?;
        let open: i64 = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT COUNT(*) FROM claims WHERE store = $1 AND state = $2 AND expires_at_ms > $3")
                .bind(claim.store.as_str()).bind(OPEN).bind(claim.made_at.0).fetch_one(on).await.map_err(failed)
        })?;
        if open >= OPEN_CLAIMS_MAX {
            return Err(ClaimNotKept::TooMany { store: claim.store.to_string() });
        }
        let serial = claim.serial.as_ref().map_or("", Serial::as_str);
        let added = over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO claims (locator, digest, introduction_key, store, serial, made_at_ms, made_by, made_role, expires_at_ms, state) \
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING")
                .bind(claim.locator.as_str()).bind(claim.digest.as_slice()).bind(claim.introduction_key.as_slice())
                .bind(claim.store.as_str()).bind(serial).bind(claim.made_at.0).bind(made_by.as_str()).bind(made_role.as_str())
                .bind(claim.expires_at.0).bind(OPEN)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if added == 0 {
            return Err(ClaimNotKept::Taken);
        }
        let became =
            json!({ "store": claim.store.as_str(), "serial": serial, "expires_at_ms": claim.expires_at.0 });
        audit::note(&mut tx, &line.clone().became(became)).await?;
        Ok(tx.commit().await?)
    }

    /// A claim by its locator.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn claim(&self, locator: &Locator) -> Result<Option<KeptClaim>, DatabaseError> {
        let row: Option<Columns> = reading!(self, pool => {
            sqlx::query_as(concat!("SELECT ", claim_columns!(), " FROM claims WHERE locator = $1"))
                .bind(locator.as_str()).fetch_optional(pool).await.map_err(while_doing("find a claim"))
        })?;
        row.map(kept).transpose()
    }

    /// Claims after a place (store, then locator), in their order; all stores where none is named.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn claims(
        &self,
        store: Option<&str>,
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<KeptClaim>, DatabaseError> {
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as(concat!("SELECT ", claim_columns!(), " FROM claims WHERE ($1 = '' OR store = $1) \
                AND (store > $2 OR (store = $2 AND locator > $3)) ORDER BY store, locator LIMIT $4"))
                .bind(store.unwrap_or_default()).bind(after.0).bind(after.1).bind(super::read::bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list claims"))
        })?;
        rows.into_iter().map(kept).collect()
    }

    /// Takes a claim back. Gives it as it is then; one that was used stays used.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn withdraw_claim(
        &self,
        locator: &Locator,
        line: &Line,
    ) -> Result<Option<KeptClaim>, DatabaseError> {
        let now = Timestamp(line.at_ms);
        let mut tx = self.begin().await?;
        let Some(kept) = claim_in(&mut tx, locator).await? else { return Ok(None) };
        let was = json!({ "state": kept.row(now).state });
        let claim = kept.claim.withdrawn(now);
        settle_in(&mut tx, &claim).await?;
        let kept = KeptClaim { claim, ..kept };
        audit::note(&mut tx, &line.clone().was(was).became(json!({ "state": kept.row(now).state }))).await?;
        tx.commit().await?;
        Ok(Some(kept))
    }
}
