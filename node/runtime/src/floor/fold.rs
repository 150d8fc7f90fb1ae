//! All that the store knows of its floor, as one fold of the journal: devices, telemetry, positions, cold chain, tasks.
//!
//! They are followed together, so that a view is of one moment. What a part concludes becomes events; what several parts want
//! done becomes tasks. Not here: what any of them means (`aisle-devices`, `aisle-inventory`).

use super::Settings;
use aisle_devices::{
    registry::{Devices, DevicesView},
    telemetry::{self, Archive, Telemetry},
};
use aisle_event::{Event, Name, Timestamp, device::AnomalyKind, inventory::TaskKind};
use aisle_inventory::{
    cold_chain::{self, ColdChain},
    position::{self, Positions},
    task::{self, About, Tasks, Wanted},
};
use aisle_state::follow::Fold;
use std::{
    fmt, io,
    sync::Arc,
    time::{Duration, Instant},
};

/// The version of what a snapshot holds.
pub(super) const LAYOUT: u32 = 1;

/// The types that say something of the floor: trade, stock, starts, devices, positions and tasks, cold chain.
const KINDS: [u16; 6] = [0x02, 0x03, 0x04, 0x06, 0x07, 0x08];

/// How often it is asked what staff are to do, at most: it looks at every product.
const WANTED_EVERY: Duration = Duration::from_secs(1);

/// The fold.
pub(super) struct Parts {
    devices: Devices,
    telemetry: Telemetry,
    positions: Positions,
    cold_chain: ColdChain,
    tasks: Tasks,
    archive: Arc<Archive>,
    applied: u64,
    /// When it was last asked what staff are to do. By a clock that nobody sets.
    wanted_at: Option<Instant>,
}

/// The floor as of one record.
#[derive(Debug)]
pub(crate) struct View {
    /// The last record that changed it.
    pub applied: u64,
    /// Devices and their twins.
    pub devices: Arc<DevicesView>,
    /// What sensors measured.
    pub telemetry: telemetry::View,
    /// How much of what is where.
    pub positions: position::View,
    /// Cold chain units.
    pub cold_chain: cold_chain::View,
    /// What staff are asked to do.
    pub tasks: task::View,
}

/// Why a snapshot cannot be used.
#[derive(Debug)]
pub(super) struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Parts {
    pub(super) fn new(settings: &Settings, archive: Arc<Archive>) -> Self {
        Self {
            devices: Devices::new(settings.devices),
            telemetry: Telemetry::new(settings.telemetry.clone()),
            positions: Positions::new(settings.positions.clone()),
            cold_chain: ColdChain::new(settings.cold_chain.clone()),
            tasks: Tasks::new(settings.tasks.clone()),
            archive,
            applied: 0,
            wanted_at: None,
        }
    }

    pub(super) fn decode(settings: &Settings, archive: Arc<Archive>, bytes: &[u8]) -> Result<Self, Unusable> {
        let mut decoder = minicbor::Decoder::new(bytes);
        let mut part = |name: &str| decoder.bytes().map_err(|error| Unusable(format!("{name}: {error}")));
        let in_part = |name: &str, error: &dyn fmt::Display| Unusable(format!("{name}: {error}"));
        let (devices, telemetry) = (part("devices")?, part("telemetry")?);
        let (positions, cold_chain, tasks) = (part("positions")?, part("cold chain")?, part("tasks")?);
        Ok(Self {
            devices: Devices::decode(settings.devices, devices).map_err(|e| in_part("devices", &e))?,
            telemetry: Telemetry::decode(settings.telemetry.clone(), telemetry)
                .map_err(|e| in_part("telemetry", &e))?,
            positions: Positions::decode(settings.positions.clone(), positions)
                .map_err(|e| in_part("positions", &e))?,
            cold_chain: ColdChain::decode(settings.cold_chain.clone(), cold_chain)
                .map_err(|e| in_part("cold chain", &e))?,
            tasks: Tasks::decode(settings.tasks.clone(), tasks).map_err(|e| in_part("tasks", &e))?,
            archive,
            applied: 0,
            wanted_at: None,
        })
    }

    /// What has to be done about devices, which know nothing of tasks.
    fn devices_wanted(&self) -> Vec<Wanted> {
        let view = self.telemetry.view();
        let odd = view.streams().filter_map(|stream| {
            let anomaly = stream.anomalies().into_iter().next()?;
            let why = Name::new(&anomaly.words).ok()?;
            // A silent sensor is certain; the others are judged against its own habits.
            let confidence_permille = if anomaly.kind == AnomalyKind::Silent { 950 } else { 800 };
            let about = About::Device(stream.key().device.clone());
            Some(Wanted { kind: TaskKind::CheckDevice, about, quantity: None, confidence_permille, why })
        });
        odd.collect()
    }
}

impl Fold for Parts {
    type View = View;

    fn wants(&self, kind: u16) -> bool {
        KINDS.contains(&(kind >> 8))
    }

    fn apply(&mut self, seq: u64, event: &Event) {
        self.applied = seq;
        self.devices.apply(seq, event);
        self.telemetry.apply(seq, event);
        self.positions.apply(seq, event);
        self.cold_chain.apply(seq, event);
        self.tasks.apply(seq, event);
    }

    fn due(&mut self, now: Timestamp) -> Vec<Event> {
        let mut events = self.cold_chain.due(now);
        events.extend(self.devices.due(now));
        events.extend(self.telemetry.due(now));
        events.extend(self.positions.due(now));
        if self.wanted_at.is_none_or(|at| at.elapsed() >= WANTED_EVERY) {
            self.wanted_at = Some(Instant::now());
            let mut wanted = self.cold_chain.wanted(now);
            wanted.extend(self.positions.wanted(now));
            wanted.extend(self.devices_wanted());
            events.extend(self.tasks.due_with(now, wanted));
        }
        events
    }

    fn view(&self) -> View {
        View {
            applied: self.applied,
            devices: Arc::new(self.devices.view()),
            telemetry: self.telemetry.view(),
            positions: self.positions.view(),
            cold_chain: self.cold_chain.view(),
            tasks: self.tasks.view(),
        }
    }

    fn put_away(&mut self) -> io::Result<()> {
        // What was refused is in the archive's status, off which `/metrics` and `/healthz` read it.
        self.telemetry.persist(&self.archive).map(drop).map_err(io::Error::other)
    }

    fn encode(&self) -> Vec<u8> {
        let parts = [
            self.devices.encode(),
            self.telemetry.encode(),
            self.positions.encode(),
            self.cold_chain.encode(),
            self.tasks.encode(),
        ];
        let mut encoder = minicbor::Encoder::new(Vec::new());
        for part in &parts {
            // Writing to a `Vec` has no way to fail.
            let _ = encoder.bytes(part);
        }
        encoder.into_writer()
    }
}
