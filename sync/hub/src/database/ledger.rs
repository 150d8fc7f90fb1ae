//! [`aisle_protocol::hub::Ledger`] over one transaction.
//!
//! Who adds to any log of a store and class first locks its row in `lanes` (on SQLite the whole database is locked anyway): so what is
//! read stays true until the commit, twins of another epoch are found by a question, and two hubs that take the same batch come one
//! after the other. The cursor is moved by compare-and-set all the same.
//!
//! Rows of several batches go together: what is inserted waits until something has to read it, or the cursor moves.

use super::{
    Connection, DatabaseError,
    failure::while_doing,
    over,
    rows::{class_of, damaged, head, now_ms, signed, unsigned},
};
use aisle_event::StoreId;
use aisle_protocol::{
    Chain, Checked, Header, Item, LogClass, LogId, Point,
    hub::{Agreement, Known, Ledger},
};
use bytes::Bytes;
use sqlx::AssertSqlSafe;
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

/// The rows of one statement on SQLite, in falling order: few statements, so that all stay prepared.
const ROWS_TOGETHER: [usize; 3] = [100, 10, 1];
/// The most rows of one statement on PostgreSQL.
const ROWS_TOGETHER_MAX: usize = 5_000;

/// One transaction, and what it has read of the log that it is about.
pub(crate) struct Book<'c> {
    connection: Connection<'c>,
    is_writing: bool,
    log: Option<(LogId, i32)>,
    /// The last place of that log, also what this transaction added.
    tail: Option<Point>,
    /// Whether the class has events of another epoch. The lock keeps it true.
    has_others: Option<bool>,
    /// The time of the last event that was added.
    last_hlc: Option<u64>,
    /// Events of that log that wait for their statement, with whether another epoch holds them too.
    events: Vec<(Item, bool)>,
    /// The same of batches.
    batches: Vec<Taken>,
}

/// A batch, or the part of one that is new, with what is kept of it.
struct Taken {
    after: Point,
    header: Header,
    receipt: Bytes,
}

impl<'c> Book<'c> {
    /// To take batches in.
    pub(crate) const fn writing(connection: Connection<'c>) -> Self {
        Self::new(connection, true)
    }

    /// To answer questions: nothing is locked.
    pub(crate) const fn reading(connection: Connection<'c>) -> Self {
        Self::new(connection, false)
    }

    const fn new(connection: Connection<'c>, is_writing: bool) -> Self {
        Self {
            connection,
            is_writing,
            log: None,
            tail: None,
            has_others: None,
            last_hlc: None,
            events: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// What is remembered is of this log from here on.
    fn turn_to(&mut self, log: &LogId, number: i32) {
        if self.log.as_ref().is_none_or(|(of, _)| of != log) {
            (self.tail, self.has_others, self.last_hlc) = (None, None, None);
            self.log = Some((log.clone(), number));
        }
    }

    /// Locks a class of a store until the end of the transaction.
    async fn lock(&mut self, log: &LogId) -> Result<(), DatabaseError> {
        let failed = while_doing("lock a class of a store");
        let (store, class) = (log.store.as_str(), class_of(log.class));
        over!(&mut self.connection, on => {
            sqlx::query("INSERT INTO lanes (store, class, epochs) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING")
                .bind(store).bind(class).execute(on).await.map(drop).map_err(failed)
        })?;
        if let Connection::Postgres(connection) = &mut self.connection {
            sqlx::query("SELECT epochs FROM lanes WHERE store = $1 AND class = $2 FOR UPDATE")
                .bind(store)
                .bind(class)
                .fetch_one(&mut **connection)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    /// The number that stands for the log in rows.
    async fn number(&mut self, log: &LogId) -> Result<Option<i32>, DatabaseError> {
        if let Some((of, number)) = &self.log
            && of == log
        {
            return Ok(Some(*number));
        }
        let found: Option<i32> = over!(&mut self.connection, on => {
            sqlx::query_scalar("SELECT log FROM logs WHERE store = $1 AND class = $2 AND epoch = $3")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.epoch.0.as_slice())
                .fetch_optional(on).await.map_err(while_doing("find a log"))
        })?;
        if let Some(number) = found {
            self.turn_to(log, number);
        }
        Ok(found)
    }

    /// The same, making the log where there is none. Its cursor stands at its start.
    async fn make(&mut self, log: &LogId) -> Result<i32, DatabaseError> {
        if let Some(number) = self.number(log).await? {
            return Ok(number);
        }
        let (store, class) = (log.store.as_str(), class_of(log.class));
        let failed = while_doing("begin a log");
        let number: i32 = over!(&mut self.connection, on => {
            sqlx::query_scalar("UPDATE lanes SET epochs = epochs + 1 WHERE store = $1 AND class = $2 RETURNING epochs")
                .bind(store).bind(class).fetch_one(on).await.map_err(failed)
        })?;
        over!(&mut self.connection, on => {
            sqlx::query("INSERT INTO logs (store, class, log, epoch, through_seq, through_head, mark, last_hlc, is_quarantined, begun_at_ms, moved_at_ms) \
                VALUES ($1, $2, $3, $4, 0, $5, $6, 0, $7, $8, $8)")
                .bind(store).bind(class).bind(number).bind(log.epoch.0.as_slice()).bind(log.genesis().0.to_vec())
                .bind(Vec::<u8>::new()).bind(false).bind(now_ms())
                .execute(on).await.map(drop).map_err(failed)
        })?;
        self.turn_to(log, number);
        Ok(number)
    }

    /// Which of the events another epoch of the store and class holds, each as often as there. Only where there is another epoch.
    async fn twins(
        &mut self,
        log: &LogId,
        number: i32,
        items: &[Item],
    ) -> Result<HashSet<u64>, DatabaseError> {
        let failed = while_doing("look for events of other epochs");
        let (store, class) = (log.store.as_str(), class_of(log.class));
        let has_others = match self.has_others {
            Some(known) => known,
            None => {
                let other: Option<i32> = over!(&mut self.connection, on => {
                    sqlx::query_scalar("SELECT log FROM logs WHERE store = $1 AND class = $2 AND log <> $3 AND through_seq > 0 LIMIT 1")
                        .bind(store).bind(class).bind(number).fetch_optional(on).await.map_err(failed)
                })?;
                *self.has_others.insert(other.is_some())
            }
        };
        let mut again = HashSet::new();
        if !has_others {
            return Ok(again);
        }
        // Twins within this transaction are counted as well.
        self.flush().await?;
        let mut held: HashMap<(u64, i64), Held> = HashMap::new();
        let times: HashSet<u64> = items.iter().map(|item| item.hlc).collect();
        for time in times {
            let rows: Vec<(i32, i64)> = over!(&mut self.connection, on => {
                sqlx::query_as("SELECT log, twin FROM events WHERE store = $1 AND hlc = $2 AND class = $3")
                    .bind(store).bind(signed(time)).bind(class).fetch_all(on).await.map_err(failed)
            })?;
            for (other, twin) in rows {
                let held = held.entry((time, twin)).or_default();
                if other == number { held.own += 1 } else { *held.others.entry(other).or_default() += 1 }
            }
        }
        for item in items {
            if let Some(held) = held.get_mut(&(item.hlc, twin(item))) {
                held.own += 1;
                // The second of two equal events of this epoch is the second of two in another one.
                if held.others.values().any(|there| *there >= held.own) {
                    again.insert(item.seq);
                }
            }
        }
        Ok(again)
    }

    /// Writes what waits.
    async fn flush(&mut self) -> Result<(), DatabaseError> {
        let (events, batches) = (std::mem::take(&mut self.events), std::mem::take(&mut self.batches));
        let Some((log, number)) = self.log.clone() else { return Ok(()) };
        self.insert_events(&log, number, &events).await?;
        self.insert_batches(&log, number, &batches).await
    }

    async fn insert_events(
        &mut self,
        log: &LogId,
        number: i32,
        events: &[(Item, bool)],
    ) -> Result<(), DatabaseError> {
        let failed = while_doing("insert events");
        let (store, class) = (log.store.as_str(), class_of(log.class));
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let mut rest = events;
                while !rest.is_empty() {
                    let count = ROWS_TOGETHER.into_iter().find(|count| *count <= rest.len()).unwrap_or(1);
                    let (now, later) = rest.split_at(count);
                    let sql = AssertSqlSafe(sqlite_insert(count));
                    let mut query = sqlx::query(sql).bind(store).bind(class).bind(number);
                    for (item, is_again) in now {
                        query = query
                            .bind(signed(item.seq))
                            .bind(signed(item.hlc))
                            .bind(i32::from(item.kind))
                            .bind(twin(item))
                            .bind(*is_again)
                            .bind(item.payload.as_ref());
                    }
                    query.execute(&mut **connection).await.map_err(failed)?;
                    rest = later;
                }
            }
            Connection::Postgres(connection) => {
                for events in events.chunks(ROWS_TOGETHER_MAX) {
                    let column = |value: fn(&Item) -> i64| {
                        events.iter().map(|(item, _)| value(item)).collect::<Vec<i64>>()
                    };
                    let kinds: Vec<i32> = events.iter().map(|(item, _)| i32::from(item.kind)).collect();
                    let again: Vec<bool> = events.iter().map(|(_, is_again)| *is_again).collect();
                    let payloads: Vec<&[u8]> = events.iter().map(|(item, _)| item.payload.as_ref()).collect();
                    sqlx::query(
                        "INSERT INTO events (store, class, log, seq, hlc, kind, twin, is_again, payload) \
                         SELECT $1, $2, $3, * FROM UNNEST($4::int8[], $5::int8[], $6::int4[], $7::int8[], $8::bool[], $9::bytea[])",
                    )
                    .bind(store)
                    .bind(class)
                    .bind(number)
                    .bind(column(|item| signed(item.seq)))
                    .bind(column(|item| signed(item.hlc)))
                    .bind(kinds)
                    .bind(column(twin))
                    .bind(again)
                    .bind(payloads)
                    .execute(&mut **connection)
                    .await
                    .map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    async fn insert_batches(
        &mut self,
        log: &LogId,
        number: i32,
        batches: &[Taken],
    ) -> Result<(), DatabaseError> {
        let failed = while_doing("keep a receipt");
        let (store, class) = (log.store.as_str(), class_of(log.class));
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                for Taken { after, header, receipt } in batches {
                    sqlx::query(
                        "INSERT INTO receipts (store, class, log, last_seq, first_seq, head_before, head_after, \
                         batch_first_seq, batch_before, policy_version, policy_hash, receipt, received_at_ms) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                    )
                    .bind(store)
                    .bind(class)
                    .bind(number)
                    .bind(signed(header.end().seq))
                    .bind(signed(after.seq.saturating_add(1)))
                    .bind(after.head.0.as_slice())
                    .bind(header.after.0.as_slice())
                    .bind(signed(header.first_seq))
                    .bind(header.before.0.as_slice())
                    .bind(i64::from(header.policy.version))
                    .bind(header.policy.hash.0.as_slice())
                    .bind(receipt.as_ref())
                    .bind(now_ms())
                    .execute(&mut **connection)
                    .await
                    .map_err(failed)?;
                }
            }
            Connection::Postgres(connection) => {
                for batches in batches.chunks(ROWS_TOGETHER_MAX) {
                    let numbers = |value: fn(&Taken) -> i64| batches.iter().map(value).collect::<Vec<i64>>();
                    let bytes =
                        |value: fn(&Taken) -> &[u8]| batches.iter().map(value).collect::<Vec<&[u8]>>();
                    sqlx::query(
                        "INSERT INTO receipts (store, class, log, received_at_ms, last_seq, first_seq, batch_first_seq, policy_version, \
                         head_before, head_after, batch_before, policy_hash, receipt) SELECT $1, $2, $3, $4, * FROM UNNEST($5::int8[], \
                         $6::int8[], $7::int8[], $8::int8[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[])",
                    )
                    .bind(store)
                    .bind(class)
                    .bind(number)
                    .bind(now_ms())
                    .bind(numbers(|taken| signed(taken.header.end().seq)))
                    .bind(numbers(|taken| signed(taken.after.seq.saturating_add(1))))
                    .bind(numbers(|taken| signed(taken.header.first_seq)))
                    .bind(numbers(|taken| i64::from(taken.header.policy.version)))
                    .bind(bytes(|taken| &taken.after.head.0))
                    .bind(bytes(|taken| &taken.header.after.0))
                    .bind(bytes(|taken| &taken.header.before.0))
                    .bind(bytes(|taken| &taken.header.policy.hash.0))
                    .bind(bytes(|taken| &taken.receipt))
                    .execute(&mut **connection)
                    .await
                    .map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// The head at a place within a batch: from its start on, event by event.
    async fn within(&mut self, log: &LogId, number: i32, seq: u64) -> Result<Option<Point>, DatabaseError> {
        let failed = while_doing("find the head of an event");
        let (store, class) = (log.store.as_str(), class_of(log.class));
        let batch: Option<(i64, i64, Vec<u8>, Vec<u8>)> = over!(&mut self.connection, on => {
            sqlx::query_as("SELECT first_seq, last_seq, head_before, head_after FROM receipts \
                WHERE store = $1 AND class = $2 AND log = $3 AND last_seq >= $4 ORDER BY last_seq LIMIT 1")
                .bind(store).bind(class).bind(number).bind(signed(seq)).fetch_optional(on).await.map_err(failed)
        })?;
        let Some((first, last, before, after)) = batch else { return Ok(None) };
        if unsigned(last) == seq {
            return Ok(Some(Point { seq, head: head(&after, "head_after", log)? }));
        }
        let rows: Vec<Kept> = over!(&mut self.connection, on => {
            sqlx::query_as("SELECT hlc, kind, payload, erased_head FROM events \
                WHERE store = $1 AND class = $2 AND log = $3 AND seq >= $4 AND seq <= $5 ORDER BY seq")
                .bind(store).bind(class).bind(number).bind(first).bind(signed(seq)).fetch_all(on).await.map_err(failed)
        })?;
        let start = unsigned(first).saturating_sub(1);
        let mut chain = Chain::after(Point { seq: start, head: head(&before, "head_before", log)? });
        for (hlc, kind, payload, erased) in &rows {
            let kind = u16::try_from(*kind).map_err(|_| damaged("events", "kind", log))?;
            let point = chain.push(unsigned(*hlc), kind, payload);
            if let Some(erased) = erased {
                // A person was taken out of it: the head is what its payload gave before.
                chain = Chain::after(Point { head: head(erased, "erased_head", log)?, ..point });
            }
        }
        // Events that were dropped after their time have no head any more.
        Ok((chain.point().seq == seq).then(|| chain.point()))
    }
}

/// Time, type, payload, and the head after it where the payload does not give it any more.
type Kept = (i64, i32, Vec<u8>, Option<Vec<u8>>);
type CursorColumns = (i32, i64, Vec<u8>, Vec<u8>, bool);

/// How often an event is there.
#[derive(Debug, Default)]
struct Held {
    own: u32,
    others: HashMap<i32, u32>,
}

/// What tells events of one time apart: eight bytes of a hash of type and payload.
pub(crate) fn twin(item: &Item) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&item.kind.to_le_bytes());
    hasher.update(&item.payload);
    hasher.finalize().as_bytes().first_chunk().map_or(0, |first| i64::from_le_bytes(*first))
}

fn sqlite_insert(rows: usize) -> String {
    let mut sql = String::with_capacity(128 + rows * 48);
    sql.push_str("INSERT INTO events (store, class, log, seq, hlc, kind, twin, is_again, payload) VALUES ");
    for row in 0..rows {
        let at = 4 + row * 6;
        let comma = if row == 0 { "" } else { "," };
        // Writing to a `String` has no way to fail.
        let _ = write!(
            sql,
            "{comma}(?1,?2,?3,?{},?{},?{},?{},?{},?{})",
            at,
            at + 1,
            at + 2,
            at + 3,
            at + 4,
            at + 5
        );
    }
    sql
}

impl Ledger for Book<'_> {
    type Error = DatabaseError;

    async fn known(&mut self, log: &LogId) -> Result<Option<Known>, DatabaseError> {
        if self.is_writing {
            self.lock(log).await?;
        }
        let row: Option<CursorColumns> = over!(&mut self.connection, on => {
            sqlx::query_as("SELECT log, through_seq, through_head, mark, is_quarantined FROM logs \
                WHERE store = $1 AND class = $2 AND epoch = $3")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.epoch.0.as_slice())
                .fetch_optional(on).await.map_err(while_doing("read a cursor"))
        })?;
        let Some((number, seq, through, mark, quarantined)) = row else { return Ok(None) };
        self.turn_to(log, number);
        let through = Point { seq: unsigned(seq), head: head(&through, "through_head", log)? };
        self.tail = Some(through);
        Ok(Some(Known { through, mark: mark.into(), quarantined }))
    }

    async fn epochs(&mut self, store: &StoreId, class: LogClass) -> Result<u32, DatabaseError> {
        let epochs: Option<i32> = over!(&mut self.connection, on => {
            sqlx::query_scalar("SELECT epochs FROM lanes WHERE store = $1 AND class = $2")
                .bind(store.as_str()).bind(class_of(class))
                .fetch_optional(on).await.map_err(while_doing("count the epochs of a class"))
        })?;
        Ok(epochs.and_then(|epochs| epochs.try_into().ok()).unwrap_or(0))
    }

    async fn holds(&mut self, log: &LogId, point: Point) -> Result<Agreement, DatabaseError> {
        let Some(number) = self.number(log).await? else { return Ok(Agreement::Unknown) };
        if let Some(tail) = self.tail
            && tail.seq == point.seq
        {
            return Ok(if tail == point { Agreement::Same } else { Agreement::Different });
        }
        self.flush().await?;
        Ok(match self.within(log, number, point.seq).await? {
            None => Agreement::Unknown,
            Some(held) if held == point => Agreement::Same,
            Some(_) => Agreement::Different,
        })
    }

    async fn insert(
        &mut self,
        log: &LogId,
        after: Point,
        header: &Header,
        receipt: &Bytes,
        items: &[Item],
    ) -> Result<(), DatabaseError> {
        let number = self.make(log).await?;
        let again = self.twins(log, number, items).await?;
        self.events.extend(items.iter().map(|item| (item.clone(), again.contains(&item.seq))));
        self.batches.push(Taken { after, header: *header, receipt: receipt.clone() });
        if self.events.len() >= ROWS_TOGETHER_MAX {
            self.flush().await?;
        }
        self.tail = Some(header.end());
        self.last_hlc = items.last().map(|item| item.hlc);
        Ok(())
    }

    async fn advance(
        &mut self,
        log: &LogId,
        from: Option<Point>,
        to: Point,
        mark: &Bytes,
    ) -> Result<bool, DatabaseError> {
        self.flush().await?;
        // A log that was not there has been made by this transaction, with its cursor at its start.
        let from = from.unwrap_or_else(|| log.start());
        let last_hlc = signed(self.last_hlc.unwrap_or(0));
        let moved = over!(&mut self.connection, on => {
            sqlx::query("UPDATE logs SET through_seq = $4, through_head = $5, mark = $6, moved_at_ms = $7, last_hlc = $10 \
                WHERE store = $1 AND class = $2 AND epoch = $3 AND through_seq = $8 AND through_head = $9")
                .bind(log.store.as_str()).bind(class_of(log.class)).bind(log.epoch.0.as_slice())
                .bind(signed(to.seq)).bind(to.head.0.as_slice()).bind(mark.as_ref()).bind(now_ms())
                .bind(signed(from.seq)).bind(from.head.0.as_slice()).bind(last_hlc)
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("move a cursor"))
        })?;
        Ok(moved == 1)
    }

    async fn quarantine(&mut self, log: &LogId, offered: &Checked) -> Result<(), DatabaseError> {
        self.flush().await?;
        let number = self.make(log).await?;
        let failed = while_doing("set a log aside");
        let (store, class, header) = (log.store.as_str(), class_of(log.class), offered.header());
        over!(&mut self.connection, on => {
            sqlx::query("UPDATE logs SET is_quarantined = $4 WHERE store = $1 AND class = $2 AND log = $3")
                .bind(store).bind(class).bind(number).bind(true).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut self.connection, on => {
            sqlx::query("INSERT INTO quarantines (store, class, log, at_ms, first_seq, count, head_before, head_after, \
                policy_version, policy_hash, receipt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING")
                .bind(store).bind(class).bind(number).bind(now_ms()).bind(signed(header.first_seq))
                .bind(i32::try_from(header.count).unwrap_or(i32::MAX))
                .bind(header.before.0.as_slice()).bind(header.after.0.as_slice())
                .bind(i64::from(header.policy.version)).bind(header.policy.hash.0.as_slice())
                .bind(offered.batch().receipt().as_ref())
                .execute(on).await.map(drop).map_err(failed)
        })
    }
}
