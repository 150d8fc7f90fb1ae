//! Taking a person out of what is held: their token goes from every event of a store, the chain stays.
//!
//! The value goes, the rest of the event stays: a sale is still a sale. What the payload gave is kept beside it, the head of the chain after
//! the event, so that `verify` goes on over it. Not here: who asks for it, and the store's own erasure.

use super::{
    Database, DatabaseError, Pool,
    ledger::twin,
    over,
    read::{EventRow, LogRow, ROWS_MAX, ReceiptRow},
    reading,
    rows::{class_of, now_ms, signed, unsigned},
};
use crate::database::failure::while_doing;
use aisle_event::StoreId;
use aisle_protocol::{Chain, Hash, Head, Item, Point};
use minicbor::{Decoder, Encoder, data::Type};
use std::collections::{BTreeMap, BTreeSet};

/// Deeper values than any event has.
const DEPTH_MAX: usize = 16;
/// An event of which nothing is left: an empty map.
const NOTHING: [u8; 1] = [0xa0];

/// Where an event stands.
type Place = (i16, i32, i64);

impl Database {
    /// Takes a token out of every event of a store, and says of how many. Those that come later are not among them.
    ///
    /// # Errors
    /// When the database cannot; what was done before stays done.
    pub async fn erase_token(&self, store: &StoreId, token: &str) -> Result<u64, DatabaseError> {
        let mut changed = 0;
        loop {
            let found = self.events_with(store, token).await?;
            if found.is_empty() {
                return Ok(changed);
            }
            let mut by_log: BTreeMap<(i16, i32), BTreeSet<u64>> = BTreeMap::new();
            for (class, log, seq) in found {
                by_log.entry((class, log)).or_default().insert(unsigned(seq));
            }
            let logs = self.logs(store).await?;
            for ((class, number), seqs) in by_log {
                let log = logs.iter().find(|log| class_of(log.class) == class && log.log == number);
                let log = log.ok_or_else(|| DatabaseError::Damaged {
                    table: "events",
                    column: "log",
                    row: format!("{store} {class} {number}"),
                })?;
                changed += self.erase_in(log, seqs, token).await?;
            }
        }
    }

    async fn events_with(&self, store: &StoreId, token: &str) -> Result<Vec<Place>, DatabaseError> {
        let statement = match self.pool {
            Pool::Sqlite { .. } => {
                "SELECT class, log, seq FROM events WHERE store = $1 AND instr(payload, $2) > 0 LIMIT $3"
            }
            Pool::Postgres(_) => {
                "SELECT class, log, seq FROM events WHERE store = $1 AND position($2::bytea IN payload) > 0 LIMIT $3"
            }
        };
        reading!(self, pool => {
            sqlx::query_as(statement)
                .bind(store.as_str()).bind(token.as_bytes()).bind(i64::from(ROWS_MAX))
                .fetch_all(pool).await.map_err(while_doing("find the events of a person"))
        })
    }

    async fn erase_in(
        &self,
        log: &LogRow,
        mut seqs: BTreeSet<u64>,
        token: &str,
    ) -> Result<u64, DatabaseError> {
        let mut changed = 0;
        while let Some(seq) = seqs.first().copied() {
            let batch = self.receipts(log, seq.saturating_sub(1), 1).await?.into_iter().next();
            let batch =
                batch.filter(|batch| batch.first_seq <= seq).ok_or_else(|| DatabaseError::Damaged {
                    table: "receipts",
                    column: "last_seq",
                    row: format!("{} {seq}", log.id()),
                })?;
            let after = seqs.split_off(&batch.last_seq.saturating_add(1));
            let wanted = std::mem::replace(&mut seqs, after);
            changed += self.erase_in_batch(log, &batch, &wanted, token).await?;
        }
        Ok(changed)
    }

    async fn erase_in_batch(
        &self,
        log: &LogRow,
        batch: &ReceiptRow,
        wanted: &BTreeSet<u64>,
        token: &str,
    ) -> Result<u64, DatabaseError> {
        let events = self.events_of(log, batch.first_seq, batch.last_seq).await?;
        let erased = self.erased_heads(log, batch.first_seq, batch.last_seq).await?;
        let heads = heads(log, batch, &events, &erased)?;
        let mut tx = self.begin().await?;
        let mut changed = 0;
        for event in events.iter().filter(|event| wanted.contains(&event.seq)) {
            let Some(head) = heads.get(&event.seq) else { continue };
            let payload = without(&event.payload, token);
            // As the store makes the event from now on, should it have to send it again in another epoch.
            let left =
                Item { seq: event.seq, hlc: event.hlc, kind: event.kind, payload: payload.clone().into() };
            // Only where nobody else changed it meanwhile; otherwise it is met again.
            changed += over!(&mut tx.connection(), on => {
                sqlx::query("UPDATE events SET payload = $5, erased_head = $6, twin = $8 \
                    WHERE store = $1 AND class = $2 AND log = $3 AND seq = $4 AND payload = $7")
                    .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.log).bind(signed(event.seq))
                    .bind(payload).bind(head.0.as_slice()).bind(event.payload.as_slice()).bind(twin(&left))
                    .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("take a person out of an event"))
            })?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// The heads after those events of a part of a log that are not as they came any more, by their numbers.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn erased_heads(
        &self,
        log: &LogRow,
        from: u64,
        to: u64,
    ) -> Result<BTreeMap<u64, Head>, DatabaseError> {
        let rows: Vec<(i64, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT seq, erased_head FROM events WHERE store = $1 AND class = $2 AND log = $3 \
                AND seq >= $4 AND seq <= $5 AND erased_head IS NOT NULL ORDER BY seq")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.log).bind(signed(from)).bind(signed(to))
                .fetch_all(pool).await.map_err(while_doing("read where a person was taken out"))
        })?;
        let head = |(seq, bytes): (i64, Vec<u8>)| match <[u8; 32]>::try_from(bytes) {
            Ok(bytes) => Ok((unsigned(seq), Head(bytes))),
            Err(_) => Err(super::rows::damaged("events", "erased_head", &log.id())),
        };
        rows.into_iter().map(head).collect()
    }

    /// Who an erasure is about that is not done yet: the token.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn erasure_subject(
        &self,
        store: &StoreId,
        id: &Hash,
    ) -> Result<Option<Vec<u8>>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT subject FROM erasures WHERE store = $1 AND id = $2 AND done_at_ms IS NULL")
                .bind(store.as_str()).bind(id.0.as_slice()).fetch_optional(pool).await
                .map_err(while_doing("find who is to be forgotten"))
        })
    }

    /// Adds to what the hub itself has taken out for an erasure, and keeps its own receipt where there is one.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn note_erased(
        &self,
        store: &StoreId,
        id: &Hash,
        events: u64,
        receipt: Option<&[u8]>,
    ) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE erasures SET events = events + $3, hub_receipt = COALESCE($4, hub_receipt) \
                WHERE store = $1 AND id = $2")
                .bind(store.as_str()).bind(id.0.as_slice()).bind(signed(events)).bind(receipt)
                .execute(on).await.map(drop).map_err(while_doing("note what was erased"))
        })?;
        tx.commit().await
    }

    /// The time of this machine, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms() -> i64 {
        now_ms()
    }
}

/// The head after each event of a batch.
fn heads(
    log: &LogRow,
    batch: &ReceiptRow,
    events: &[EventRow],
    erased: &BTreeMap<u64, Head>,
) -> Result<BTreeMap<u64, Head>, DatabaseError> {
    let damaged = |column| super::rows::damaged("receipts", column, &log.id());
    let start = <[u8; 32]>::try_from(batch.head_before.as_slice()).map_err(|_| damaged("head_before"))?;
    let mut chain = Chain::after(Point { seq: batch.first_seq.saturating_sub(1), head: Head(start) });
    let mut heads = BTreeMap::new();
    for event in events {
        match erased.get(&event.seq) {
            Some(head) => chain = Chain::after(Point { seq: event.seq, head: *head }),
            None => drop(chain.push(event.hlc, event.kind, &event.payload)),
        }
        heads.insert(event.seq, chain.point().head);
    }
    // What somebody else changed is not built upon: the heads would hide it from `verify`.
    if chain.point().head.0.as_slice() == batch.head_after.as_slice() {
        Ok(heads)
    } else {
        Err(damaged("head_after"))
    }
}

/// A payload without a text: out of maps with its key, out of lists. Where it stands otherwise, nothing of the payload is left.
fn without(payload: &[u8], text: &str) -> Vec<u8> {
    let mut decoder = Decoder::new(payload);
    let mut out = Vec::with_capacity(payload.len());
    let kept = copy(&mut decoder, text, DEPTH_MAX, &mut out);
    let is_clean = !out.windows(text.len().max(1)).any(|window| window == text.as_bytes());
    if kept == Some(true) && is_clean && decoder.position() == payload.len() { out } else { NOTHING.to_vec() }
}

/// Copies one item; false when it is the text, `None` when the bytes are not what an event has.
fn copy(decoder: &mut Decoder<'_>, text: &str, depth: usize, out: &mut Vec<u8>) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    let start = decoder.position();
    match decoder.datatype().ok()? {
        Type::Map => {
            let (count, mut body, mut left) = (decoder.map().ok()??, Vec::new(), 0);
            for _ in 0..count {
                let mut entry = Vec::new();
                let keep = copy(decoder, text, depth, &mut entry)? & copy(decoder, text, depth, &mut entry)?;
                if keep {
                    body.extend_from_slice(&entry);
                    left += 1;
                }
            }
            Encoder::new(&mut *out).map(left).ok()?;
            out.extend_from_slice(&body);
            Some(true)
        }
        Type::Array => {
            let (count, mut body, mut left) = (decoder.array().ok()??, Vec::new(), 0);
            for _ in 0..count {
                let mut item = Vec::new();
                if copy(decoder, text, depth, &mut item)? {
                    body.extend_from_slice(&item);
                    left += 1;
                }
            }
            Encoder::new(&mut *out).array(left).ok()?;
            out.extend_from_slice(&body);
            Some(true)
        }
        Type::String if decoder.str().ok()? == text => Some(false),
        Type::String => {
            out.extend_from_slice(decoder.input().get(start..decoder.position())?);
            Some(true)
        }
        _ => {
            decoder.skip().ok()?;
            out.extend_from_slice(decoder.input().get(start..decoder.position())?);
            Some(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(build: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut out = Vec::new();
        build(&mut Encoder::new(&mut out));
        out
    }

    #[test]
    fn a_text_goes_from_maps_and_lists_and_the_rest_stays_to_the_byte() {
        let before = bytes(|it| {
            it.map(3).unwrap().u8(1).unwrap().str("till").unwrap().u8(6).unwrap().str("t1.abc").unwrap();
            it.u8(7).unwrap().array(2).unwrap().str("t1.abc").unwrap().i64(-5).unwrap();
        });
        let after = bytes(|it| {
            it.map(2).unwrap().u8(1).unwrap().str("till").unwrap();
            it.u8(7).unwrap().array(1).unwrap().i64(-5).unwrap();
        });
        assert_eq!(without(&before, "t1.abc"), after);
        assert_eq!(without(&after, "t1.abc"), after);
    }

    #[test]
    fn where_a_text_stands_otherwise_nothing_is_left() {
        let inside = bytes(|it| {
            it.map(1).unwrap().u8(1).unwrap().str("see t1.abc").unwrap();
        });
        assert_eq!(without(&inside, "t1.abc"), NOTHING);
        assert_eq!(without(b"t1.abc", "t1.abc"), NOTHING);
        assert_eq!(without(b"\xbf\x01\x66t1.abc\xff", "t1.abc"), NOTHING);
    }
}
