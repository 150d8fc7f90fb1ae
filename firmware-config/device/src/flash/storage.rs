//! The two parts of the chip, as maps and queues.
//!
//! Guards the two promises that a device makes about its flash: a value of the map is the old or the new one, never half; and a
//! sample that [`Storage::push`] has taken stays until it is removed, or until the ring is full and it is the oldest.

use super::{Flash, Layout};
use crate::record::{RECORD_BYTES, Record};
use aisle_firmware_config::twin::TWIN_BYTES_MAX;
use core::ops::Deref;
use heapless::Vec;
use sequential_storage::{
    Error,
    cache::{self, Cache},
    map::{MapConfig, MapStorage},
    queue::{QueueConfig, QueueStorage},
};

/// All of it is read from the flash each time: a kilobyte of memory less for each device, and a page is searched in microseconds.
type Uncached<K> = Cache<cache::Uncached, cache::Uncached, cache::Uncached, K>;

/// Samples that go to the node in one message.
pub(crate) const BATCH_MAX: usize = 16;
/// The ring is searched so far from its oldest sample for others of the same stream.
const SEARCH_RECORDS_MAX: u32 = 128;
/// Room for the largest value of the map and its key, in whole words.
const VALUE_BYTES_MAX: usize = (1 + TWIN_BYTES_MAX).next_multiple_of(WORD_BYTES_MAX);
/// Room for a record, in whole words.
const RECORD_ROOM: usize = RECORD_BYTES.next_multiple_of(WORD_BYTES_MAX);
/// The largest word of a flash, in bytes.
const WORD_BYTES_MAX: usize = 32;

/// The flash does not do what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("the flash failed")]
    Flash,
    #[error("the flash cannot be read, even after a repair")]
    Corrupted,
    #[error("the layout of the flash is too small")]
    Room,
}

impl<E> From<Error<E>> for StorageError {
    fn from(error: Error<E>) -> Self {
        match error {
            Error::Storage { .. } => Self::Flash,
            Error::FullStorage | Error::ItemTooBig | Error::BufferTooBig | Error::BufferTooSmall(_) => {
                Self::Room
            }
            _ => Self::Corrupted,
        }
    }
}

/// What the map holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Key {
    /// How often the device has started.
    Boots = 1,
    /// Its twin.
    Twin = 2,
    /// The request that it was restarted by.
    Restart = 3,
}

/// A value out of the map.
pub(crate) struct Value {
    bytes: Aligned<VALUE_BYTES_MAX>,
    length: usize,
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.0.get(..self.length).unwrap_or_default()
    }
}

/// Some chips move whole words only.
#[repr(align(4))]
struct Aligned<const BYTES: usize>([u8; BYTES]);

/// What a push did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// Older samples that had to go for it.
    pub(crate) lost: u32,
}

/// The chip, parted.
#[derive(Debug)]
pub(crate) struct Storage<F> {
    flash: F,
    layout: Layout,
    /// Samples in the ring.
    pending: u32,
    /// A part had to be erased.
    erased: bool,
}

impl<F: Flash> Storage<F> {
    /// Opens it. A part that cannot be read even after a repair is erased.
    pub(crate) async fn open(flash: F, layout: Layout) -> Result<Self, StorageError> {
        let mut storage = Self { flash, layout, pending: 0, erased: false };
        for key in [Key::Boots, Key::Twin, Key::Restart] {
            if is_unreadable(&storage.fetch(key).await)? {
                storage.erase_map().await?;
            }
        }
        let counted = storage.count().await;
        if is_unreadable(&counted)? {
            storage.erase_ring().await?;
        }
        storage.pending = counted.unwrap_or(0);
        Ok(storage)
    }

    /// Whether a part could not be read and was erased: settings or samples were lost.
    pub(crate) const fn was_erased(&self) -> bool {
        self.erased
    }

    /// Samples in the ring.
    pub(crate) const fn pending(&self) -> u32 {
        self.pending
    }

    /// Counts this start, durably, and returns its number: greater than that of any sample in the ring, even
    /// when the map was lost.
    pub(crate) async fn count_boot(&mut self) -> Result<u32, StorageError> {
        let counted = self.fetch(Key::Boots).await?;
        let counted = counted.and_then(|bytes| bytes.as_array().copied()).map_or(0, u32::from_le_bytes);
        let mut last = counted;
        let mut bytes = Aligned([0; RECORD_ROOM]);
        let mut queue = self.queue()?;
        let mut records = queue.iter().await?;
        while let Some(entry) = records.next(&mut bytes.0).await? {
            last = last.max(Record::decode(&entry).map_or(0, |record| record.boot));
        }
        let boot = last.saturating_add(1);
        self.keep(Key::Boots, &boot.to_le_bytes()).await?;
        Ok(boot)
    }

    /// The value last kept under a key.
    pub(crate) async fn fetch(&mut self, key: Key) -> Result<Option<Value>, StorageError> {
        let mut bytes = Aligned([0; VALUE_BYTES_MAX]);
        let found = self.map()?.fetch_item::<&[u8]>(&mut bytes.0, &(key as u8)).await?.map(<[u8]>::len);
        let Some(length) = found else { return Ok(None) };
        // The value lies behind its key.
        bytes.0.copy_within(1..=length, 0);
        Ok(Some(Value { bytes, length }))
    }

    /// Keeps a value; when this returns it is durable. In a map that takes no more, because rubbish is in it, the value
    /// is the only one that is left.
    pub(crate) async fn keep(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError> {
        let kept = self.try_keep(key, value).await;
        if !is_unreadable(&kept)? {
            return Ok(());
        }
        self.erase_map().await?;
        self.try_keep(key, value).await
    }

    async fn try_keep(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError> {
        let mut bytes = Aligned([0; VALUE_BYTES_MAX]);
        Ok(self.map()?.store_item(&mut bytes.0, &(key as u8), &value).await?)
    }

    /// Adds a sample; when this returns it is durable. In a full ring the oldest make room; in one with rubbish in it, all.
    pub(crate) async fn push(&mut self, record: &Record) -> Result<Pushed, StorageError> {
        let bytes = record.encode();
        let before = self.pending + 1;
        let pushed = match self.queue()?.push(&bytes, false).await {
            Ok(()) => {
                self.pending = before;
                return Ok(Pushed { lost: 0 });
            }
            Err(Error::FullStorage) => self.queue()?.push(&bytes, true).await.map_err(StorageError::from),
            Err(error) => Err(error.into()),
        };
        if is_unreadable(&pushed)? {
            self.erase_ring().await?;
            self.queue()?.push(&bytes, false).await?;
        }
        self.pending = self.count().await?;
        Ok(Pushed { lost: before.saturating_sub(self.pending) })
    }

    async fn erase_map(&mut self) -> Result<(), StorageError> {
        self.erased = true;
        Ok(self.map()?.erase_all().await?)
    }

    async fn erase_ring(&mut self) -> Result<(), StorageError> {
        self.erased = true;
        Ok(self.queue()?.erase_all().await?)
    }

    /// The oldest sample and those of the same stream and boot that follow it. They stay.
    pub(crate) async fn batch(&mut self) -> Result<Vec<Record, BATCH_MAX>, StorageError> {
        let mut batch = Vec::<Record, BATCH_MAX>::new();
        let mut removed = 0;
        let mut bytes = Aligned([0; RECORD_ROOM]);
        let mut queue = self.queue()?;
        let mut records = queue.iter().await?;
        for _ in 0..SEARCH_RECORDS_MAX {
            let Some(entry) = records.next(&mut bytes.0).await? else { break };
            let Some(record) = Record::decode(&entry) else {
                // Of a format that this software does not know: nobody will ever send it.
                entry.pop().await?;
                removed += 1;
                continue;
            };
            let belongs =
                batch.first().is_none_or(|first| (first.stream, first.boot) == (record.stream, record.boot));
            if belongs && batch.push(record).is_err() {
                break;
            }
        }
        self.pending = self.pending.saturating_sub(removed);
        Ok(batch)
    }

    /// Removes samples that were acknowledged. Returns how many of them were not there any more.
    pub(crate) async fn remove(&mut self, batch: &[Record]) -> Result<u32, StorageError> {
        let mut missing = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        let mut bytes = Aligned([0; RECORD_ROOM]);
        let mut removed = 0;
        let mut queue = self.queue()?;
        let mut records = queue.iter().await?;
        for _ in 0..SEARCH_RECORDS_MAX {
            if missing == 0 {
                break;
            }
            let Some(entry) = records.next(&mut bytes.0).await? else { break };
            let id = Record::decode(&entry).map(|record| record.id());
            if batch.iter().any(|record| Some(record.id()) == id) {
                entry.pop().await?;
                removed += 1;
                missing -= 1;
            }
        }
        self.pending = self.pending.saturating_sub(removed);
        Ok(missing)
    }

    async fn count(&mut self) -> Result<u32, StorageError> {
        let mut bytes = Aligned([0; RECORD_ROOM]);
        let mut queue = self.queue()?;
        let mut records = queue.iter().await?;
        let mut count = 0;
        while records.next(&mut bytes.0).await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    fn map(&mut self) -> Result<MapStorage<u8, &mut F, Uncached<u8>>, StorageError> {
        let config = MapConfig::try_new(self.layout.settings.clone()).map_err(|_| StorageError::Room)?;
        Ok(MapStorage::new(&mut self.flash, config, Cache::new_uncached()))
    }

    fn queue(&mut self) -> Result<QueueStorage<&mut F, Uncached<()>>, StorageError> {
        let config = QueueConfig::try_new(self.layout.ring.clone()).map_err(|_| StorageError::Room)?;
        Ok(QueueStorage::new(&mut self.flash, config, Cache::new_uncached()))
    }
}

/// Whether there is something that nobody can have written. A flash that fails is another matter.
fn is_unreadable<T>(outcome: &Result<T, StorageError>) -> Result<bool, StorageError> {
    match outcome {
        Ok(_) => Ok(false),
        Err(StorageError::Flash) => Err(StorageError::Flash),
        Err(StorageError::Corrupted | StorageError::Room) => Ok(true),
    }
}

#[cfg(test)]
mod tests;
