//! What was issued, to nodes and to devices: kept whole, so that an answer that was lost can be given again.

use super::{
    Database, DatabaseError, Tx, audit,
    enrolments::names,
    failure::while_doing,
    over, reading,
    revocations::{Room, list_in, revoke_in},
    rows::{damaged, fixed},
};
use crate::people::audit::Line;
use aisle_event::Timestamp;
use aisle_provisioning::{
    certificate::CertificateNumber,
    device::{Entry, What},
    enrolment::Credential,
    fingerprint::Fingerprint,
    identity::Identity,
    issue::Issued,
    moment::Validity,
};
use data_encoding::HEXLOWER;

/// Certificates that ended so long ago are forgotten, unless a node still has them as its own: a year, in milliseconds.
const KEPT_MS: i64 = 365 * 24 * 3_600_000;

/// The most devices of a store that have certificates.
pub const DEVICES_MAX: i64 = 500;
/// The most certificates of a store's devices that have not ended, replaced ones among them.
const DEVICE_CERTIFICATES_MAX: i64 = 5_000;
/// The most certificates that a store's devices get within a day: all of them can be set up anew.
const STORE_CERTIFICATES_A_DAY_MAX: i64 = 600;
/// The most certificates that one node or one device gets within a day.
pub const CERTIFICATES_A_DAY_MAX: i64 = 16;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// Why nothing was changed about a device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// It never had a certificate, or that ended long ago.
    #[error(
        "this hub has given the device `{device}` of store `{store}` no certificate, so there is none to take back\nhint: compare the device's name with the list at the box"
    )]
    Unknown {
        /// The store.
        store: String,
        /// The device.
        device: String,
    },
    /// The store has enough of them.
    #[error(
        "store `{store}` has {DEVICES_MAX} devices with certificates, and no more get one\nhint: certificates of devices that are gone end by themselves"
    )]
    TooMany {
        /// The store.
        store: String,
    },
    /// It, or its store, asks again and again.
    #[error(
        "`{device}` of store `{store}` gets no certificate today: one device gets {CERTIFICATES_A_DAY_MAX} within a day, those of a store {STORE_CERTIFICATES_A_DAY_MAX} together, and no more than {DEVICE_CERTIFICATES_MAX} that have not ended\nhint: if nobody of the store sets devices up, ban its box: somebody may have got hold of it"
    )]
    TooOften {
        /// The store.
        store: String,
        /// The device.
        device: String,
    },
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

pub(super) async fn credential_in(tx: &mut Tx, number: &[u8]) -> Result<Option<Credential>, DatabaseError> {
    if number.is_empty() {
        return Ok(None);
    }
    let row: Option<(Vec<u8>, i64, i64)> = over!(&mut tx.connection(), on => {
        sqlx::query_as("SELECT key, not_before_ms, not_after_ms FROM certificates WHERE number = $1")
            .bind(number).fetch_optional(on).await.map_err(while_doing("find a certificate"))
    })?;
    let name = HEXLOWER.encode(number);
    let (key, not_before, not_after) = row.ok_or_else(|| damaged("enrolments", "current_number", &name))?;
    Ok(Some(Credential {
        number: CertificateNumber::new(number).ok_or_else(|| damaged("certificates", "number", &name))?,
        key: Fingerprint(fixed(&key, "certificates", "key", &name)?),
        validity: Validity { not_before: Timestamp(not_before), not_after: Timestamp(not_after) },
    }))
}

pub(super) async fn keep_certificate_in(
    tx: &mut Tx,
    identity: &Identity,
    credential: &Credential,
    der: &[u8],
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let failed = while_doing("keep what was issued");
    let (store, holder) = names(identity);
    over!(&mut tx.connection(), on => {
        sqlx::query("INSERT INTO certificates (number, kind, store, holder, key, not_before_ms, not_after_ms, issued_at_ms, der) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING")
            .bind(credential.number.as_bytes()).bind(identity.kind().as_str()).bind(store).bind(holder)
            .bind(credential.key.0.as_slice()).bind(credential.validity.not_before.0).bind(credential.validity.not_after.0)
            .bind(now.0).bind(der).execute(on).await.map(drop).map_err(failed)
    })?;
    over!(&mut tx.connection(), on => {
        sqlx::query("DELETE FROM certificates WHERE not_after_ms < $1 AND NOT EXISTS (SELECT 1 FROM enrolments \
            WHERE enrolments.store = certificates.store AND enrolments.node = certificates.holder AND \
            (enrolments.current_number = certificates.number OR enrolments.next_number = certificates.number))")
            .bind(now.0.saturating_sub(KEPT_MS)).execute(on).await.map(drop).map_err(failed)
    })
}

/// The certificate itself.
pub(super) fn leaf(issued: &Issued) -> &[u8] {
    issued.chain.first().map(AsRef::as_ref).unwrap_or_default()
}

impl Database {
    /// A certificate that was issued, by its number, in DER.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn issued(&self, number: &CertificateNumber) -> Result<Option<Vec<u8>>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT der FROM certificates WHERE number = $1").bind(number.as_bytes())
                .fetch_optional(pool).await.map_err(while_doing("find a certificate"))
        })
    }

    /// Keeps what was issued to a device. What it had before is not believed any more, nor is it banned.
    ///
    /// # Errors
    /// When the store has as many devices, or has had as many certificates for them, as one may; or the database cannot take it.
    pub async fn keep_device(
        &self,
        identity: &Identity,
        issued: &Issued,
        line: &Line,
    ) -> Result<(), DeviceError> {
        let now = Timestamp(line.at_ms);
        let (store, device) = names(identity);
        let mut tx = self.begin().await?;
        bound_in(&mut tx, identity, now).await?;
        let old: Vec<(Vec<u8>, i64)> = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT number, not_after_ms FROM certificates WHERE store = $1 AND kind = $2 AND holder = $3 \
                AND not_after_ms > $4 ORDER BY issued_at_ms DESC LIMIT 100")
                .bind(store).bind(identity.kind().as_str()).bind(device).bind(now.0).fetch_all(on).await
                .map_err(while_doing("find the certificates of a device"))
        })?;
        let old = old.into_iter().filter_map(|(number, end)| {
            let what = What::Certificate(CertificateNumber::new(&number)?);
            Some(Entry { what, since: now, until: Some(Timestamp(end)) })
        });
        let old: Vec<Entry> = old.collect();
        keep_certificate_in(&mut tx, identity, &Credential::from(&issued.facts), leaf(issued), now).await?;
        revoke_in(&mut tx, &old, std::slice::from_ref(identity), Room::Devices, now).await?;
        audit::note(&mut tx, line).await?;
        Ok(tx.commit().await?)
    }

    /// A device that has certificates is not to come in any more, until the last of them has ended or it gets another one. Once more changes nothing.
    ///
    /// # Errors
    /// When it has none, there is no more room for devices, or the database cannot take it.
    pub async fn ban_device(&self, identity: &Identity, line: &Line) -> Result<(), DeviceError> {
        let now = Timestamp(line.at_ms);
        let (store, device) = names(identity);
        let mut tx = self.begin().await?;
        let end: Option<i64> = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT MAX(not_after_ms) FROM certificates WHERE store = $1 AND kind = $2 AND holder = $3")
                .bind(store).bind(identity.kind().as_str()).bind(device).fetch_one(on).await
                .map_err(while_doing("find the certificates of a device"))
        })?;
        let unknown = || DeviceError::Unknown { store: store.to_owned(), device: device.to_owned() };
        let end = end.ok_or_else(unknown)?;
        if end <= now.0 || list_in(&mut tx).await?.bans(identity) {
            return Ok(());
        }
        let ban = Entry { what: What::Identity(identity.clone()), since: now, until: Some(Timestamp(end)) };
        revoke_in(&mut tx, &[ban], &[], Room::Devices, now).await?;
        audit::note(&mut tx, line).await?;
        Ok(tx.commit().await?)
    }
}

/// Holds a store, and each of its devices, to what one may have. Certificates that were replaced stand on the list of who may not come in until they end:
/// whoever has got hold of one box must not fill it.
async fn bound_in(tx: &mut Tx, identity: &Identity, now: Timestamp) -> Result<(), DeviceError> {
    let (store, device) = names(identity);
    let (all, others, of_day, own_of_day): (i64, i64, i64, i64) = over!(&mut tx.connection(), on => {
        sqlx::query_as("SELECT COUNT(*), COUNT(DISTINCT CASE WHEN holder <> $3 THEN holder END), \
            COUNT(CASE WHEN issued_at_ms > $5 THEN 1 END), COUNT(CASE WHEN issued_at_ms > $5 AND holder = $3 THEN 1 END) \
            FROM certificates WHERE store = $1 AND kind = $2 AND not_after_ms > $4")
            .bind(store).bind(identity.kind().as_str()).bind(device).bind(now.0).bind(now.0.saturating_sub(DAY_MS))
            .fetch_one(on).await.map_err(while_doing("count the certificates of a store's devices"))
    })?;
    if others >= DEVICES_MAX {
        return Err(DeviceError::TooMany { store: store.to_owned() });
    }
    let is_too_often = all >= DEVICE_CERTIFICATES_MAX
        || of_day >= STORE_CERTIFICATES_A_DAY_MAX
        || own_of_day >= CERTIFICATES_A_DAY_MAX;
    if is_too_often {
        return Err(DeviceError::TooOften { store: store.to_owned(), device: device.to_owned() });
    }
    Ok(())
}

/// Whether a node got as many certificates within a day as one may.
pub(super) async fn is_too_often_in(
    tx: &mut Tx,
    identity: &Identity,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    let (store, holder) = names(identity);
    let of_day: i64 = over!(&mut tx.connection(), on => {
        sqlx::query_scalar("SELECT COUNT(*) FROM certificates WHERE store = $1 AND kind = $2 AND holder = $3 AND issued_at_ms > $4")
            .bind(store).bind(identity.kind().as_str()).bind(holder).bind(now.0.saturating_sub(DAY_MS))
            .fetch_one(on).await.map_err(while_doing("count the certificates of a node"))
    })?;
    Ok(of_day >= CERTIFICATES_A_DAY_MAX)
}
