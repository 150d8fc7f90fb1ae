//! From columns to values and back. A database has no unsigned numbers: they are kept as signed ones of the same bits.

use super::DatabaseError;
use aisle_protocol::{Epoch, Hash, Head, LogClass, LogId};

/// Milliseconds since 1970 by this machine's clock. Shown to people; nothing is decided by it.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The same bits.
pub(crate) const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// The same bits.
pub(crate) const fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

pub(crate) fn class_of(class: LogClass) -> i16 {
    i16::from(class.number())
}

/// Says that a row is not what a hub writes.
pub(crate) fn damaged(table: &'static str, column: &'static str, row: &impl ToString) -> DatabaseError {
    DatabaseError::Damaged { table, column, row: row.to_string() }
}

pub(crate) fn fixed<const N: usize>(
    bytes: &[u8],
    table: &'static str,
    column: &'static str,
    row: &impl ToString,
) -> Result<[u8; N], DatabaseError> {
    bytes.try_into().map_err(|_| damaged(table, column, row))
}

pub(crate) fn head(bytes: &[u8], column: &'static str, log: &LogId) -> Result<Head, DatabaseError> {
    fixed(bytes, "logs", column, log).map(Head)
}

pub(crate) fn epoch(bytes: &[u8], store: &str) -> Result<Epoch, DatabaseError> {
    fixed(bytes, "logs", "epoch", &store).map(Epoch)
}

pub(crate) fn hash(bytes: &[u8], table: &'static str, row: &str) -> Result<Hash, DatabaseError> {
    fixed(bytes, table, "hash", &row).map(Hash)
}

pub(crate) fn class(number: i16, store: &str) -> Result<LogClass, DatabaseError> {
    u8::try_from(number).ok().and_then(LogClass::from_number).ok_or_else(|| damaged("logs", "class", &store))
}
