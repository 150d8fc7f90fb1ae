//! What was issued, to nodes and to devices: kept whole, so that an answer that was lost can be given again.

use super::{
    Database, DatabaseError, Tx, audit,
    enrolments::names,
    failure::while_doing,
    over, reading,
    revocations::revoke_in,
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
    /// When the database cannot take it.
    pub async fn keep_device(
        &self,
        identity: &Identity,
        issued: &Issued,
        line: &Line,
    ) -> Result<(), DatabaseError> {
        let now = Timestamp(line.at_ms);
        let (store, device) = names(identity);
        let mut tx = self.begin().await?;
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
        revoke_in(&mut tx, &old, std::slice::from_ref(identity), now).await?;
        audit::note(&mut tx, line).await?;
        tx.commit().await
    }
}
