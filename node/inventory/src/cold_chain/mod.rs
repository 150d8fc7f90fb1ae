//! Whether food was kept as it must be: units, probes, time outside, excursions, and the evidence of all that.
//!
//! # The rules
//! From the FDA Food Code 2022, chapter 3; a unit can have a limit of its own.
//!
//! | food | must be | section |
//! |---|---|---|
//! | chilled | at 5 °C (41 °F) or less | 3-501.16(A)(2) |
//! | hot | at 57 °C (135 °F) or more | 3-501.16(A)(1) |
//! | frozen | frozen; held here to −18 °C (0 °F), which is Codex Alimentarius CXC 8, since the Food Code names no number | 3-501.11 |
//!
//! *Limit*: food outside for longer than the grace (a door, a defrost) opens an excursion.
//!
//! *Cumulative*: time is the control only for so long. Food that left the limit must be used up or thrown away within four hours
//! (3-501.19(B)); chilled food that began at 5 °C or less and never passes 21 °C (70 °F) within six (3-501.19(C)), and must go at
//! once when it does. The six hours are a setting, because 3-501.19(A) wants written procedures for them. Time outside is summed up over
//! a rolling window (24 h), and not per excursion: food that is warm for an hour five times a day is warm for five hours. It
//! starts again from nothing when a cumulative excursion closes, for that takes a person who says what was done with the food, and
//! until then it stays open however cold the unit is again. Frozen food counts from where it would be too warm as chilled food; what
//! thawed and stayed below that is for a person to judge.
//!
//! *Unknown*: no probe of the unit has spoken for longer than the bound of silence, now or in a gap of the past.
//!
//! # What is food, what is air
//! Probes measure air; the rules are about food. `minutes` has the filter between them. Of several probes the worst counts, also
//! between two of its readings (`share`).
//!
//! # What is not known
//! Missing readings are never taken for safe. A verdict is [`Safe`](aisle_event::cold_chain::ColdVerdict::Safe) only if every minute of the excursion is known, no
//! probe of it was in doubt, and the time outside would have been allowed even if all that is unknown in the window had been
//! outside. A probe is in doubt while it is stuck, or drifting since a time when the air was inside; a drift that begins with the
//! air outside is what a failing fridge looks like, and takes nothing from the evidence. Food is condemned
//! ([`Discard`](aisle_event::cold_chain::ColdVerdict::Discard)) only by a probe that is not in doubt.
//!
//! # Time
//! All times are those of the readings ([`Timestamp`]s as believed); what they add up to does not hang on the order in
//! which they came. `now` is only written into events and compared with the newest reading for silence. See `clock` for clocks that
//! lie.
//!
//! Not here: which readings are trusted (only those of approved devices are in the journal), pages, the journal.
//! Guards invariants 2 (everything is made of events), 6 (every list has a bound in [`Config`]) and 7.

mod clock;
mod config;
mod due;
mod excursion;
mod history;
mod lots;
mod minutes;
pub mod report;
mod rule;
mod share;
mod snapshot;
mod unit;
mod verify;
mod view;

pub use config::{Config, InvalidConfig};
pub use excursion::{Action, Closed, Excursion};
pub use history::{History, SLOT_MS, Slot, digest};
pub use rule::{CHILLED_MILLI, FROZEN_MILLI, HOT_MILLI, Limit, MILLI_MAX, MILLI_MIN, milli};
pub use snapshot::SnapshotError;
pub use unit::Watch;
pub use verify::{Difference, Outcome, ReadError, embedded, verify};
pub use view::{ProbeView, Run, State, UnitView, View};

use aisle_event::{
    DeviceId, Event, Name, Sku, Timestamp,
    cold_chain::{ColdRule, ExcursionAcknowledged, ExcursionClosed, ExcursionOpened, UnitDefined},
    device::{AnomalyKind, AnomalyOpened, DeviceAnnounced, DevicePlaced, DeviceRetired, Measured, Reading},
};
use clock::{Clock, Heard};
use history::Canonical;
use lots::Lots;
use minutes::{MINUTE_MS, Taken};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use unit::{Probe, Unit};

/// Devices with streams that are not temperatures, remembered so that one placed at a unit is not taken for a thermometer. A
/// further one is not remembered.
const OTHER_DEVICES_MAX: usize = 16_384;
/// Anomalies remembered of one probe; there are as many kinds.
const DOUBTS_MAX: usize = 8;

/// What the store knows of its cold chain. A pure fold: see the module.
#[derive(Debug, Clone)]
pub struct ColdChain {
    config: Config,
    state: Known,
    /// Of each unit the streams that are placed at it, as `state.probes` has them: a reading must not look through all probes.
    watching: BTreeMap<Name, BTreeSet<(DeviceId, Name)>>,
    view: imbl::OrdMap<Name, Arc<UnitView>>,
}

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Known {
    units: BTreeMap<Name, Unit>,
    probes: BTreeMap<DeviceId, BTreeMap<Name, Probe>>,
    probes_ever: u32,
    /// Streams that are announced as something else than degrees.
    others: BTreeMap<DeviceId, Vec<Name>>,
    lots: Lots,
    clock: Clock,
    ignored: u64,
}

impl ColdChain {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::of(config, Known::default())
    }

    /// Of what is known. Readers see nothing of it before it is shown.
    fn of(config: Config, state: Known) -> Self {
        let mut watching: BTreeMap<Name, BTreeSet<(DeviceId, Name)>> = BTreeMap::new();
        for (device, of) in &state.probes {
            for (stream, probe) in of {
                watching.entry(probe.unit.clone()).or_default().insert((device.clone(), stream.clone()));
            }
        }
        Self { config, state, watching, view: imbl::OrdMap::new() }
    }

    /// Takes the next event of the journal. Never fails: what contradicts what is known, or is beyond a bound, is counted.
    pub fn apply(&mut self, seq: u64, event: &Event) {
        match event {
            Event::ReadingsTaken(taken) => self.readings(seq, &taken.readings),
            Event::UnitDefined(event) => self.defined(seq, event),
            Event::DevicePlaced(event) => self.placed(seq, event),
            Event::DeviceAnnounced(event) => self.announced(event),
            Event::DeviceRetired(event) => self.retired(seq, event),
            Event::DeviceConnection(event) => self.connected(&event.device, event.online),
            Event::AnomalyOpened(event) => self.doubted(event),
            Event::AnomalyClosed(event) => {
                self.change_probe(&event.device, &event.stream, |probe| {
                    probe.doubts.retain(|(kind, _)| *kind != event.kind);
                });
            }
            Event::ExcursionOpened(event) => self.opened(seq, event),
            Event::ExcursionAcknowledged(event) => self.acknowledged(seq, event),
            Event::ExcursionClosed(event) => self.closed(seq, event),
            Event::StockReceived(event) => {
                let thousandths = event.quantity.thousandths;
                let known =
                    self.state.lots.received(&event.sku, event.lot.as_ref(), thousandths, &self.config);
                self.state.ignored += u64::from(!known);
            }
            Event::SaleRecorded(event) => {
                for line in &event.lines {
                    self.state.lots.went(&line.sku, line.quantity.thousandths);
                }
            }
            Event::StockAdjusted(event) => {
                self.state.lots.went(&event.sku, event.delta.thousandths.saturating_neg());
            }
            Event::StockCounted(event) => self.state.lots.counted(&event.sku, event.on_hand.thousandths),
            _ => {}
        }
    }

    /// What is known, for readers. Cheap: only what changed was made again.
    #[must_use]
    pub fn view(&self) -> View {
        View { units: self.view.clone(), ignored: self.state.ignored, silent_s: self.config.silent_s }
    }

    fn readings(&mut self, seq: u64, readings: &[Reading]) {
        let mut touched: Vec<Name> = Vec::new();
        for reading in readings {
            if let Some(unit) = self.reading(seq, reading)
                && touched.last() != Some(&unit)
            {
                touched.push(unit);
            }
        }
        touched.sort();
        touched.dedup();
        for unit in touched {
            self.show(&unit);
        }
    }

    /// Takes one reading; the unit that it is of, when it watches one.
    fn reading(&mut self, seq: u64, reading: &Reading) -> Option<Name> {
        let is_other = self.state.others.get(&reading.device).is_some_and(|of| of.contains(&reading.stream));
        let name = self.state.probes.get(&reading.device)?.get(&reading.stream)?.unit.clone();
        let unit = self.state.units.get_mut(&name).filter(|unit| !unit.removed && !is_other)?;
        let Some(milli) = milli(reading.value) else {
            unit.implausible = unit.implausible.saturating_add(1);
            return Some(name);
        };
        let at_ms = reading.at.0;
        let (device, stream) = (reading.device.as_str(), reading.stream.as_str());
        let heard = self.state.clock.hear(at_ms, self.config.days_max);
        let canonical = Canonical { seq, device, stream, at_ms, milli };
        unit.history.take(&canonical, self.state.clock.now_ms(), self.config.days_max.into());
        match heard {
            Heard::Believed => {}
            Heard::Doubted => {
                self.state.ignored += 1;
                return Some(name);
            }
            Heard::WentBack => self.go_back(at_ms),
        }
        let probe = self.state.probes.get_mut(&reading.device)?.get_mut(&reading.stream)?;
        if probe.last.is_none_or(|(last, _)| last <= at_ms) {
            probe.last = Some((at_ms, milli));
        }
        let taken = Taken { seq, at_ms, milli, probe: probe.number, doubtful: probe.is_doubtful(at_ms) };
        let unit = self.state.units.get_mut(&name)?;
        if !unit.minutes.take(taken, unit.limit, &self.config) {
            self.state.ignored += 1;
            return Some(name);
        }
        let limit = unit.limit;
        for place in 0..unit.excursions.len() {
            let open = unit.excursions.get(place).filter(|one| one.is_open() && one.since.0 <= at_ms);
            if let Some(peak) = open.and_then(|one| one.higher_peak(milli, limit))
                && let Some(excursion) = unit.excursions.get_mut(place)
            {
                Arc::make_mut(excursion).peak_milli = Some(peak);
            }
        }
        Some(name)
    }

    /// What was taken for later than now was a lie.
    fn go_back(&mut self, at_ms: i64) {
        for unit in self.state.units.values_mut() {
            unit.minutes.forget_after(at_ms);
            unit.counted_from = unit.counted_from.min(at_ms.div_euclid(MINUTE_MS));
        }
        for probe in self.state.probes.values_mut().flat_map(BTreeMap::values_mut) {
            probe.last = probe.last.filter(|(last, _)| *last <= at_ms);
        }
        let names: Vec<Name> = self.state.units.keys().cloned().collect();
        for name in names {
            self.show(&name);
        }
    }

    fn defined(&mut self, seq: u64, event: &UnitDefined) {
        let units = &mut self.state.units;
        let was_watched = units.get(&event.unit).is_some_and(|unit| !unit.removed);
        if !units.contains_key(&event.unit) && units.len() >= self.config.units_max {
            // A unit that is no more makes room.
            let Some(gone) = units.iter().find(|(_, unit)| unit.removed).map(|(name, _)| name.clone()) else {
                self.state.ignored += 1;
                return;
            };
            units.remove(&gone);
            self.view.remove(&gone);
        }
        let config = &self.config;
        let unit = units.entry(event.unit.clone()).or_insert_with(|| Unit::new(event));
        unit.redefine(event, config);
        let of_it = |probe: &&mut Probe| probe.unit == event.unit;
        for probe in self.state.probes.values_mut().flat_map(BTreeMap::values_mut).filter(of_it) {
            if was_watched && unit.removed {
                unit.end_watch(&probe.watch, seq);
            } else if !was_watched && !unit.removed {
                probe.watch.from_seq = seq;
            }
        }
        self.show(&event.unit);
    }

    fn placed(&mut self, seq: u64, event: &DevicePlaced) {
        let Some(name) = &event.unit else {
            self.unplace(seq, &event.device, &event.stream, event.at);
            return;
        };
        let state = &self.state;
        let before = state.probes.get(&event.device).and_then(|of| of.get(&event.stream));
        if before.is_none()
            && state.probes.values().map(BTreeMap::len).sum::<usize>() >= self.config.probes_max
        {
            self.state.ignored += 1;
            return;
        }
        let (online, doubts) = before.map(|probe| (probe.online, probe.doubts.clone())).unwrap_or_default();
        self.unplace(seq, &event.device, &event.stream, event.at);
        self.state.probes_ever = self.state.probes_ever.wrapping_add(1);
        let watch = Watch {
            device: event.device.clone(),
            stream: event.stream.clone(),
            placed_at: event.at,
            from_seq: seq,
            to_seq: None,
        };
        let probe =
            Probe { number: self.state.probes_ever, unit: name.clone(), watch, last: None, online, doubts };
        self.state.probes.entry(event.device.clone()).or_default().insert(event.stream.clone(), probe);
        let watching = self.watching.entry(name.clone()).or_default();
        watching.insert((event.device.clone(), event.stream.clone()));
        self.show(name);
    }

    fn unplace(&mut self, seq: u64, device: &DeviceId, stream: &Name, at: Timestamp) {
        let Some(of) = self.state.probes.get_mut(device) else { return };
        let gone = of.remove(stream);
        if of.is_empty() {
            self.state.probes.remove(device);
        }
        let Some(gone) = gone else { return };
        if let Some(watching) = self.watching.get_mut(&gone.unit) {
            watching.remove(&(device.clone(), stream.clone()));
            if watching.is_empty() {
                self.watching.remove(&gone.unit);
            }
        }
        if let Some(unit) = self.state.units.get_mut(&gone.unit) {
            unit.minutes.end(gone.number, at.0);
            if !unit.removed {
                unit.end_watch(&gone.watch, seq);
            }
        }
        self.show(&gone.unit);
    }

    fn retired(&mut self, seq: u64, event: &DeviceRetired) {
        let device = &event.device;
        self.state.others.remove(device);
        let streams: Vec<Name> =
            self.state.probes.get(device).into_iter().flat_map(BTreeMap::keys).cloned().collect();
        for stream in streams {
            self.unplace(seq, device, &stream, event.at);
        }
    }

    fn announced(&mut self, event: &DeviceAnnounced) {
        let is_other = |measured: Option<Measured>| measured.is_some_and(|of| of != Measured::Celsius);
        let others: Vec<Name> = event
            .streams
            .iter()
            .filter(|stream| is_other(stream.measured))
            .map(|stream| stream.name.clone())
            .collect();
        let known = self.state.others.contains_key(&event.device);
        if others.is_empty() {
            self.state.others.remove(&event.device);
        } else if known || self.state.others.len() < OTHER_DEVICES_MAX {
            self.state.others.insert(event.device.clone(), others);
        } else {
            self.state.ignored += 1;
        }
        self.show_units_of(&event.device);
    }

    fn connected(&mut self, device: &DeviceId, online: bool) {
        for probe in self.state.probes.get_mut(device).into_iter().flat_map(BTreeMap::values_mut) {
            probe.online = Some(online);
        }
        self.show_units_of(device);
    }

    fn doubted(&mut self, event: &AnomalyOpened) {
        let state = &mut self.state;
        let Some(probe) = state.probes.get_mut(&event.device).and_then(|of| of.get_mut(&event.stream)) else {
            return;
        };
        let Some(unit) = state.units.get_mut(&probe.unit) else { return };
        let air_is_outside = unit.minutes.last().is_some_and(|minute| unit.limit.outside(minute.air));
        let doubtful = match event.kind {
            AnomalyKind::Stuck => true,
            AnomalyKind::Drift => !air_is_outside,
            // Out of range is either implausible, and no reading, or what the limit is for; silence is seen here anyway.
            AnomalyKind::Range | AnomalyKind::Silent => false,
        };
        if !doubtful {
            return;
        }
        probe.doubts.retain(|(kind, _)| *kind != event.kind);
        probe.doubts.truncate(DOUBTS_MAX - 1);
        probe.doubts.push((event.kind, event.since));
        unit.minutes.doubt(probe.number, event.since.0, unit.limit, &self.config);
        let name = probe.unit.clone();
        self.show(&name);
    }

    fn change_probe(&mut self, device: &DeviceId, stream: &Name, change: impl FnOnce(&mut Probe)) {
        if let Some(probe) = self.state.probes.get_mut(device).and_then(|of| of.get_mut(stream)) {
            change(probe);
            let unit = probe.unit.clone();
            self.show(&unit);
        }
    }

    fn opened(&mut self, seq: u64, event: &ExcursionOpened) {
        let Some(unit) = self.state.units.get_mut(&event.unit) else {
            self.state.ignored += 1;
            return;
        };
        if unit.excursions.iter().any(|known| known.name == event.excursion) {
            self.state.ignored += 1;
            return;
        }
        let lots = self.state.lots.of(&unit.skus);
        let from = event.since.0.div_euclid(MINUTE_MS);
        let mark = unit.minutes.totals_at(from.saturating_sub(1));
        unit.excursions.push_back(Arc::new(Excursion::opened(seq, event, lots, mark)));
        while unit.excursions.len() > self.config.excursions_per_unit_max {
            // At most one of each rule is open, so an old one is closed unless somebody wrote events by hand.
            let place = unit.excursions.iter().position(|known| !known.is_open()).unwrap_or(0);
            unit.excursions.remove(place);
        }
        self.show(&event.unit);
    }

    fn acknowledged(&mut self, seq: u64, event: &ExcursionAcknowledged) {
        match self.find(&event.excursion) {
            Some((name, excursion)) => {
                excursion.acknowledge(seq, event);
                self.show(&name);
            }
            None => self.state.ignored += 1,
        }
    }

    fn closed(&mut self, seq: u64, event: &ExcursionClosed) {
        let config = self.config.clone();
        let Some((name, place)) = self.place_of(&event.excursion) else {
            self.state.ignored += 1;
            return;
        };
        let Some(unit) = self.state.units.get_mut(&name) else { return };
        let Some(excursion) = unit.excursions.get(place).filter(|excursion| excursion.is_open()).cloned()
        else {
            self.state.ignored += 1;
            return;
        };
        let newest = unit.minutes.last().map(|minute| minute.at);
        let since = excursion.since.0.div_euclid(MINUTE_MS);
        let until = match excursion.rule {
            ColdRule::Cumulative => newest,
            rule => unit.well_from(since, rule == ColdRule::Limit, &config).or(newest),
        };
        if excursion.rule == ColdRule::Cumulative {
            unit.counted_from = newest.unwrap_or(unit.counted_from);
        }
        let until = until.map_or(event.at, |minute| Timestamp(minute.saturating_mul(MINUTE_MS)));
        if let Some(excursion) = unit.excursions.get_mut(place) {
            Arc::make_mut(excursion).close(seq, event, until);
        }
        self.show(&name);
    }

    fn place_of(&self, excursion: &Name) -> Option<(Name, usize)> {
        self.state.units.iter().find_map(|(name, unit)| {
            let place = unit.excursions.iter().position(|known| known.name == *excursion)?;
            Some((name.clone(), place))
        })
    }

    fn find(&mut self, excursion: &Name) -> Option<(Name, &mut Excursion)> {
        let (name, place) = self.place_of(excursion)?;
        let unit = self.state.units.get_mut(&name)?;
        unit.excursions.get_mut(place).map(|excursion| (name, Arc::make_mut(excursion)))
    }

    /// The probes that measure degrees in a unit now.
    fn probes_of(&self, unit: &Name) -> impl Iterator<Item = &Probe> {
        self.watching.get(unit).into_iter().flatten().filter_map(|(device, stream)| {
            let is_other = self.state.others.get(device).is_some_and(|others| others.contains(stream));
            self.state.probes.get(device)?.get(stream).filter(|_| !is_other)
        })
    }

    /// The lots of products, as far as receipts say.
    #[must_use]
    pub fn lots(&self, skus: &[Sku]) -> Vec<aisle_event::LotId> {
        self.state.lots.of(skus)
    }

    fn show_units_of(&mut self, device: &DeviceId) {
        let units: Vec<Name> = self
            .state
            .probes
            .get(device)
            .into_iter()
            .flat_map(BTreeMap::values)
            .map(|probe| probe.unit.clone())
            .collect();
        for unit in units {
            self.show(&unit);
        }
    }

    /// Makes what readers see of a unit again.
    fn show(&mut self, name: &Name) {
        if let Some(unit) = self.state.units.get(name) {
            let view = UnitView::of(name, unit, self.probes_of(name), &self.config);
            self.view.insert(name.clone(), Arc::new(view));
        }
    }
}
