//! Export for analysts: Parquet files by store and day, `store=…/date=…/events-….parquet`, as most tools read partitions.
//!
//! One row for each event that is shown; the payload is JSON with the names of its fields. Files are written whole: who reads the folder
//! while it is filled sees finished ones only. Not here: where they go (any [`ObjectStore`]), what may be exported (all that is held).

use crate::{
    database::{
        Database, DatabaseError,
        read::{After, EventRow, ROWS_MAX, kind_name},
    },
    payload,
};
use aisle_event::StoreId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, path::Path as Place};
use parquet::{
    basic::{Compression, ZstdLevel},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};

/// The most rows of a file: what is held in memory while it is made.
pub const FILE_ROWS_MAX: usize = 200_000;
/// The most bytes of payloads of a file.
pub const FILE_BYTES_MAX: usize = 64 << 20;
const GROUP_ROWS: usize = 50_000;

const SCHEMA: &str = "message event {
    required binary store (STRING);
    required binary class (STRING);
    required binary epoch (STRING);
    required int64 seq (INTEGER(64, true));
    required int64 at (TIMESTAMP(MILLIS, true));
    required int32 counter (INTEGER(32, true));
    required int32 kind (INTEGER(32, true));
    required binary name (STRING);
    required binary payload (JSON);
}";

/// What is exported.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The stores; all, where there is none.
    pub stores: Vec<StoreId>,
    /// From this time on, in milliseconds since 1970.
    pub from_ms: u64,
    /// Before this time.
    pub before_ms: Option<u64>,
}

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Stores that had events.
    pub stores: u64,
    /// Files.
    pub files: u64,
    /// Events.
    pub events: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Why nothing was exported, or not all.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A file cannot be made.
    #[error("cannot make the Parquet file `{file}`")]
    Parquet {
        /// Which.
        file: String,
        /// Why not.
        source: ParquetError,
    },
    /// A file cannot be put where it belongs.
    #[error("cannot write `{file}`\nhint: is there room, and may this user write there?")]
    Put {
        /// Which.
        file: String,
        /// Why not.
        source: object_store::Error,
    },
}

/// Writes what is wanted, and tells of each file when it is there.
///
/// # Errors
/// When the database cannot say, or a file cannot be written. Files that are there stay.
pub async fn export(
    database: &Database,
    to: &dyn ObjectStore,
    wanted: &Wanted,
    mut done: impl FnMut(&str, &Exported),
) -> Result<Exported, ExportError> {
    let mut exported = Exported::default();
    if !wanted.stores.is_empty() {
        for store in &wanted.stores {
            one(database, to, wanted, store, &mut exported, &mut done).await?;
        }
        return Ok(exported);
    }
    let mut after = String::new();
    loop {
        let stores = database.stores(None, &after, ROWS_MAX).await?;
        let Some(last) = stores.last() else { return Ok(exported) };
        after.clone_from(&last.store);
        for row in stores {
            let Ok(store) = StoreId::new(row.store.as_str()) else { continue };
            one(database, to, wanted, &store, &mut exported, &mut done).await?;
        }
    }
}

async fn one(
    database: &Database,
    to: &dyn ObjectStore,
    wanted: &Wanted,
    store: &StoreId,
    exported: &mut Exported,
    done: &mut impl FnMut(&str, &Exported),
) -> Result<(), ExportError> {
    let logs = database.logs(store).await?;
    let epochs = logs.into_iter().map(|log| ((log.class, log.log), log.epoch.to_string())).collect();
    let mut sheet = Sheet { store, epochs, date: None, part: 0, rows: Vec::new(), bytes: 0 };
    let mut after = After::time(wanted.from_ms);
    let before_ms = wanted.before_ms.unwrap_or(u64::MAX);
    let mut any = false;
    loop {
        let rows = database.events_by_time(store, after, before_ms, ROWS_MAX).await?;
        let Some(last) = rows.last() else { break };
        after = After::event(last);
        any = true;
        for row in rows {
            let date = date_of(row.hlc);
            let is_full = sheet.rows.len() >= FILE_ROWS_MAX || sheet.bytes >= FILE_BYTES_MAX;
            if sheet.date != Some(date) || is_full {
                sheet.put(to, exported, done).await?;
                sheet.part = if sheet.date == Some(date) { sheet.part + 1 } else { 0 };
                sheet.date = Some(date);
            }
            sheet.bytes = sheet.bytes.saturating_add(row.payload.len());
            sheet.rows.push(row);
        }
    }
    sheet.put(to, exported, done).await?;
    exported.stores += u64::from(any);
    Ok(())
}

/// The day of a hybrid time, in UTC. A time beyond any calendar falls on its last day.
fn date_of(hlc: u64) -> Date {
    let ms = i64::try_from(hlc >> 16).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).map_or(Date::MAX, |at| at.to_zoned(TimeZone::UTC).date())
}

/// The rows of a file that is being gathered.
struct Sheet<'a> {
    store: &'a StoreId,
    epochs: HashMap<(aisle_protocol::LogClass, i32), String>,
    date: Option<Date>,
    part: u32,
    rows: Vec<EventRow>,
    bytes: usize,
}

impl Sheet<'_> {
    async fn put(
        &mut self,
        to: &dyn ObjectStore,
        exported: &mut Exported,
        done: &mut impl FnMut(&str, &Exported),
    ) -> Result<(), ExportError> {
        let (Some(date), false) = (self.date, self.rows.is_empty()) else { return Ok(()) };
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let place = Place::from_iter([
            format!("store={}", self.store),
            format!("date={date}"),
            format!("events-{}.parquet", self.part),
        ]);
        let file = place.to_string();
        let bytes =
            self.write(&rows).map_err(|source| ExportError::Parquet { file: file.clone(), source })?;
        exported.files += 1;
        exported.events += rows.len() as u64;
        exported.bytes += bytes.len() as u64;
        let put = to.put(&place, PutPayload::from(bytes)).await;
        put.map_err(|source| ExportError::Put { file: file.clone(), source })?;
        done(&file, exported);
        Ok(())
    }

    fn write(&self, rows: &[EventRow]) -> Result<Vec<u8>, ParquetError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
        for rows in rows.chunks(GROUP_ROWS) {
            let mut group = writer.next_row_group()?;
            let mut index = 0;
            while let Some(mut column) = group.next_column()? {
                self.column(rows, index, column.untyped())?;
                column.close()?;
                index += 1;
            }
            group.close()?;
        }
        writer.into_inner()
    }

    /// The values of a column by its place in the schema.
    fn column(
        &self,
        rows: &[EventRow],
        index: usize,
        writer: &mut ColumnWriter<'_>,
    ) -> Result<(), ParquetError> {
        match writer {
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                let text = |row: &EventRow| match index {
                    0 => self.store.to_string(),
                    1 => row.class.as_str().to_owned(),
                    2 => self.epochs.get(&(row.class, row.log)).cloned().unwrap_or_default(),
                    7 => kind_name(row.kind).unwrap_or_default().to_owned(),
                    _ => payload::to_json(row.kind, &row.payload).to_string(),
                };
                let values: Vec<ByteArray> =
                    rows.iter().map(|row| ByteArray::from(text(row).into_bytes())).collect();
                writer.write_batch(&values, None, None)?;
            }
            ColumnWriter::Int64ColumnWriter(writer) => {
                let number = |row: &EventRow| if index == 3 { row.seq } else { row.hlc >> 16 };
                let values: Vec<i64> = rows.iter().map(|row| number(row).cast_signed()).collect();
                writer.write_batch(&values, None, None)?;
            }
            ColumnWriter::Int32ColumnWriter(writer) => {
                let counter = |row: &EventRow| (row.hlc & 0xffff) as i32;
                let number = |row: &EventRow| if index == 5 { counter(row) } else { i32::from(row.kind) };
                let values: Vec<i32> = rows.iter().map(number).collect();
                writer.write_batch(&values, None, None)?;
            }
            _ => return Err(ParquetError::General("a column has a type that the schema does not".into())),
        }
        Ok(())
    }
}
