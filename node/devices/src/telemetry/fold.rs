//! [`Telemetry`]: the fold of readings into minutes, habits and what is odd.
//!
//! Not here: one stream (`stream`), the bytes of a snapshot (`snapshot`).
//! Guards invariant 2: the same records give the same state, whatever was kept in files meanwhile.

use super::{
    archive::{Archive, ArchiveError, Kept, Rows},
    bytes::{Damaged, Reader, Writer},
    config::Config,
    stream::{Course, Stream, Taken, Told, Verdict, hour_of},
    view::{StreamKey, View},
};
use aisle_event::{
    DeviceId, Event, Name, Sku, Timestamp, Unknown,
    device::{
        AnomalyClosed, AnomalyKind, AnomalyOpened, DeviceAnnounced, DevicePlaced, Measured, Place, Reading,
        StreamKind,
    },
};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// At most so many events at a time.
const DUE_MAX: usize = 256;

/// What was left out, since the beginning of the journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TelemetryCounters)]
pub struct Counters {
    /// Readings too late for their minute.
    pub late: u64,
    /// Readings far from the time of their stream, which nothing else agreed with.
    pub far: u64,
    /// Readings that had come before.
    pub twice: u64,
    /// Minutes that were dropped from memory before they were in a file.
    pub shed: u64,
    /// Readings of streams beyond `streams_max`.
    pub refused: u64,
}

impl Counters {
    fn add_since(&mut self, now: Self, before: Self) {
        self.late += now.late - before.late;
        self.far += now.far - before.far;
        self.twice += now.twice - before.twice;
        self.shed += now.shed - before.shed;
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        for number in [self.late, self.far, self.twice, self.shed, self.refused] {
            writer.number(number);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut counters = Self::default();
        let Self { late, far, twice, shed, refused } = &mut counters;
        for number in [late, far, twice, shed, refused] {
            *number = reader.counter()?;
        }
        Ok(counters)
    }
}

/// What a device said of one of its streams.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Announced {
    pub(super) stream: Name,
    pub(super) unit: Option<Measured>,
    pub(super) interval_s: Option<u32>,
}

/// The fold. It does no IO and reads no clock.
#[derive(Debug, Clone)]
pub struct Telemetry {
    pub(super) config: Arc<Config>,
    pub(super) streams: OrdMap<StreamKey, Arc<Stream>>,
    /// What devices said of themselves, heard at which record. Bounded by `streams_max`.
    pub(super) announced: OrdMap<DeviceId, (u64, Arc<[Announced]>)>,
    /// All together, streams that are gone included.
    pub(super) counters: Counters,
    /// What the node's own clock said last.
    pub(super) clock: Option<Timestamp>,
    /// How often the node was started, and when last.
    pub(super) start: u64,
    pub(super) awake: Timestamp,
}

impl Telemetry {
    /// Nothing was measured yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            streams: OrdMap::new(),
            announced: OrdMap::new(),
            counters: Counters::default(),
            clock: None,
            start: 0,
            awake: Timestamp(i64::MIN),
        }
    }

    /// Takes the next record in. What says nothing here is passed over.
    pub fn apply(&mut self, seq: u64, event: &Event) {
        match event {
            Event::ReadingsTaken(taken) => {
                for reading in &taken.readings {
                    self.take(reading);
                }
            }
            Event::NodeStarted(started) => {
                self.clock = Some(started.at);
                self.awake = started.at;
                self.start += 1;
            }
            Event::DeviceAnnounced(announced) => {
                self.clock = Some(announced.at);
                self.announce(seq, announced);
            }
            Event::DeviceConnection(connection) => self.clock = Some(connection.at),
            Event::DeviceApproved(approved) => {
                self.clock = Some(approved.at);
                self.each_of(&approved.device, |stream| stream.retired = false);
            }
            Event::DeviceRetired(retired) => {
                self.clock = Some(retired.at);
                self.announced.remove(&retired.device);
                self.each_of(&retired.device, |stream| stream.retired = true);
            }
            Event::DevicePlaced(placed) => {
                self.clock = Some(placed.at);
                self.place(placed);
            }
            Event::AnomalyOpened(opened) => {
                let told = Told { since: opened.since, at: opened.at, words: opened.detail.as_str().into() };
                self.change(&opened.device, &opened.stream, |stream| stream.tell(opened.kind, told));
            }
            Event::AnomalyClosed(closed) => {
                self.change(&closed.device, &closed.stream, |stream| {
                    stream.tell_over(closed.kind, closed.at);
                });
            }
            _ => {}
        }
    }

    fn take(&mut self, reading: &Reading) {
        let key = StreamKey { device: reading.device.clone(), stream: reading.stream.clone() };
        let course = Course { config: &self.config, clock: self.clock, start: self.start };
        if let Some(stream) = self.streams.get_mut(&key) {
            let stream = Arc::make_mut(stream);
            stream.retired = false;
            let before = stream.left_out;
            stream.take(reading, course);
            self.counters.add_since(stream.left_out, before);
            return;
        }
        if self.streams.len() >= self.config.streams_max && !self.make_room() {
            self.counters.refused += 1;
            return;
        }
        let mut stream = Stream::default();
        if let Some((_, announced)) = self.announced.get(&key.device)
            && let Some(announced) = announced.iter().find(|announced| announced.stream == key.stream)
        {
            (stream.unit, stream.interval_s) = (announced.unit, announced.interval_s);
        }
        let course = Course { config: &self.config, clock: self.clock, start: self.start };
        let taken = stream.take(reading, course);
        self.counters.add_since(stream.left_out, Counters::default());
        // A time of no shop begins no stream.
        if taken != Taken::Far {
            self.streams.insert(key, Arc::new(stream));
        }
    }

    /// Lets a stream of a retired device go.
    fn make_room(&mut self) -> bool {
        let retired = self.streams.iter().find(|(_, stream)| stream.retired).map(|(key, _)| key.clone());
        retired.is_some_and(|key| {
            self.let_go(&key);
            true
        })
    }

    fn let_go(&mut self, key: &StreamKey) {
        if let Some(stream) = self.streams.remove(key) {
            self.counters.shed += stream.minutes.len() as u64;
        }
    }

    fn announce(&mut self, seq: u64, announced: &DeviceAnnounced) {
        let numbers: Arc<[Announced]> = announced
            .streams
            .iter()
            .filter(|stream| stream.kind == StreamKind::Number)
            .take(64)
            .map(|stream| Announced {
                stream: stream.name.clone(),
                unit: stream.measured,
                interval_s: stream.interval_s,
            })
            .collect();
        for said in numbers.iter() {
            let key = StreamKey { device: announced.device.clone(), stream: said.stream.clone() };
            if let Some(stream) = self.streams.get_mut(&key) {
                let stream = Arc::make_mut(stream);
                (stream.unit, stream.interval_s) = (said.unit, said.interval_s);
            }
        }
        if !self.announced.contains_key(&announced.device) && self.announced.len() >= self.config.streams_max
        {
            // The one that was heard the longest ago and never measured anything.
            let silent = self.announced.iter().filter(|(device, _)| self.of(device).next().is_none());
            let Some(oldest) = silent.min_by_key(|(_, (seq, _))| *seq).map(|(device, _)| device.clone())
            else {
                return;
            };
            self.announced.remove(&oldest);
        }
        self.announced.insert(announced.device.clone(), (seq, numbers));
    }

    fn of<'a>(&'a self, device: &'a DeviceId) -> impl Iterator<Item = &'a StreamKey> {
        streams_of(&self.streams, device).map(|(key, _)| key)
    }

    fn each_of(&mut self, device: &DeviceId, change: impl Fn(&mut Stream)) {
        let keys: Vec<StreamKey> = self.of(device).cloned().collect();
        for key in keys {
            if let Some(stream) = self.streams.get_mut(&key) {
                change(Arc::make_mut(stream));
            }
        }
    }

    fn place(&mut self, placed: &DevicePlaced) {
        let key = StreamKey { device: placed.device.clone(), stream: placed.stream.clone() };
        if let Some(stream) = self.streams.get_mut(&key) {
            let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let spot = [
                part(placed.place.map(Place::as_str)),
                part(placed.sku.as_ref().map(Sku::as_str)),
                part(placed.unit.as_ref().map(Name::as_str)),
            ];
            Arc::make_mut(stream).move_to(spot.join("\n"));
        }
    }

    fn change(&mut self, device: &DeviceId, stream: &Name, change: impl FnOnce(&mut Stream)) {
        let key = StreamKey { device: device.clone(), stream: stream.clone() };
        if let Some(stream) = self.streams.get_mut(&key) {
            change(Arc::make_mut(stream));
        }
    }

    /// What became odd, and what is as usual again, as of `now`: at most 256 events. The same again until they are applied.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Event> {
        let verdicts = self.streams.iter().flat_map(|(key, stream)| {
            AnomalyKind::ALL.iter().filter_map(move |kind| {
                match stream.verdict(*kind, now, self.awake, &self.config) {
                    Verdict::Odd(odd) => Some(Event::AnomalyOpened(AnomalyOpened {
                        device: key.device.clone(),
                        stream: key.stream.clone(),
                        kind: *kind,
                        detail: Name::new(odd.words(*kind, stream.unit)).ok()?,
                        since: odd.since,
                        at: now,
                        unknown: Unknown::default(),
                    })),
                    Verdict::Over => Some(Event::AnomalyClosed(AnomalyClosed {
                        device: key.device.clone(),
                        stream: key.stream.clone(),
                        kind: *kind,
                        at: now,
                        unknown: Unknown::default(),
                    })),
                    Verdict::AsItWas => None,
                }
            })
        });
        verdicts.take(DUE_MAX).collect()
    }

    /// Everything as of now, for readers. Costs a few pointers.
    #[must_use]
    pub fn view(&self) -> View {
        View { config: Arc::clone(&self.config), streams: self.streams.clone(), counters: self.counters }
    }

    /// Writes the hours that are over into the archive and lets them go from memory. To be called before each snapshot, and so
    /// that no hour waits for long. Blocks.
    ///
    /// A crash between the two, or a replay from an older snapshot, makes the same minutes again and writes them again: the archive
    /// is the same after it.
    ///
    /// Minutes of an hour whose file is refused stay in memory, up to `minutes_max` as all do.
    ///
    /// # Errors
    /// When the file system takes no files. Then everything stays in memory.
    pub fn persist(&mut self, archive: &Archive) -> Result<Kept, ArchiveError> {
        let mut rows = Rows::new();
        for (key, stream) in &self.streams {
            let closed = stream.closed(&self.config);
            if !closed.is_empty() {
                rows.insert(key.clone(), closed);
            }
        }
        let kept = archive.keep(&rows)?;
        for (key, minutes) in rows {
            if let Some(stream) = self.streams.get_mut(&key) {
                let stream = Arc::make_mut(stream);
                let written = minutes.iter().filter(|(number, _)| !kept.refused.contains(&hour_of(*number)));
                for (number, _) in written {
                    stream.minutes.remove(number);
                }
            }
        }
        let over: Vec<StreamKey> = self
            .streams
            .iter()
            .filter(|(_, stream)| {
                stream.retired && stream.minutes.is_empty() && stream.told.iter().all(Option::is_none)
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            self.let_go(&key);
        }
        Ok(kept)
    }
}

/// The streams of a device.
pub(super) fn streams_of<'a>(
    streams: &'a OrdMap<StreamKey, Arc<Stream>>,
    device: &'a DeviceId,
) -> impl Iterator<Item = (&'a StreamKey, &'a Arc<Stream>)> {
    // No name comes before this one: none begins with white space or a control character.
    let least = Name::new("!").ok().map(|stream| StreamKey { device: device.clone(), stream });
    let from = least.into_iter().flat_map(|least| streams.range(least..));
    from.take_while(move |(key, _)| key.device == *device)
}
