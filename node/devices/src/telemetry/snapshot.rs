//! Telemetry as bytes, for a snapshot file (`aisle_state::snapshot_file`).
//!
//! Not here: checksums and journals; the file has them. What is read may still be any bytes.

use super::{
    bytes::{Damaged, Reader, Writer},
    config::Config,
    fold::{Announced, Counters, Telemetry},
    stream::Stream,
    view::StreamKey,
};
use aisle_event::{DeviceId, Name, Timestamp, device::Measured};
use std::sync::Arc;

const LAYOUT: u64 = 2;

/// Why bytes are not telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Another version wrote them.
    #[error("the snapshot has layout {found}, expected {LAYOUT}")]
    Layout {
        /// Its layout.
        found: u64,
    },
    /// They are cut, changed or something else.
    #[error("the snapshot cannot be read")]
    Damaged(#[from] Damaged),
}

impl Telemetry {
    /// The whole state as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(LAYOUT);
        self.counters.write(&mut writer);
        writer.number(self.start);
        writer.maybe_signed(self.clock.map(|clock| clock.0));
        writer.signed(self.awake.0);
        writer.len(self.announced.len());
        for (device, (seq, streams)) in &self.announced {
            writer.sized(device.as_str().as_bytes());
            writer.number(*seq);
            writer.len(streams.len());
            for said in streams.iter() {
                writer.sized(said.stream.as_str().as_bytes());
                writer.sized(said.unit.map_or("", Measured::as_str).as_bytes());
                writer.maybe_signed(said.interval_s.map(i64::from));
            }
        }
        writer.len(self.streams.len());
        for (key, stream) in &self.streams {
            key.write(&mut writer);
            stream.write(&mut writer);
        }
        writer.into_vec()
    }

    /// The state that [`Telemetry::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are of another layout or are not what was written.
    pub fn decode(config: Config, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut reader = Reader::new(bytes);
        let found = reader.number()?;
        if found != LAYOUT {
            return Err(SnapshotError::Layout { found });
        }
        let mut telemetry = Self::new(config);
        telemetry.fill(&mut reader)?;
        reader.end()?;
        Ok(telemetry)
    }

    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        self.counters = Counters::read(reader)?;
        self.start = reader.counter()?;
        self.clock = reader.maybe_signed()?.map(Timestamp);
        self.awake = Timestamp(reader.signed()?);
        for _ in 0..reader.len()? {
            let device = DeviceId::new(reader.text()?).map_err(|_| Damaged)?;
            let seq = reader.number()?;
            let mut streams = Vec::new();
            for _ in 0..reader.len()? {
                streams.push(announced(reader)?);
            }
            self.announced.insert(device, (seq, streams.into()));
        }
        for _ in 0..reader.len()? {
            let key = StreamKey::read(reader)?;
            let stream = Stream::read(reader, &self.config)?;
            self.streams.insert(key, Arc::new(stream));
        }
        Ok(())
    }
}

fn announced(reader: &mut Reader<'_>) -> Result<Announced, Damaged> {
    let stream = Name::new(reader.text()?).map_err(|_| Damaged)?;
    let unit = match reader.text()? {
        "" => None,
        text => Some(*Measured::ALL.iter().find(|unit| unit.as_str() == text).ok_or(Damaged)?),
    };
    let interval_s = reader.maybe_signed()?.map(u32::try_from).transpose().map_err(|_| Damaged)?;
    Ok(Announced { stream, unit, interval_s })
}
