//! [`Devices`]: the fold itself.

use super::{
    config::Config,
    view::{Counts, DeviceState, DeviceView, DevicesView, Placement, ProblemView, StreamView, Twin, Unsaid},
};
use crate::words::name;
use aisle_event::{
    DeviceId, Event, Name, Timestamp, Unknown,
    device::{
        CommandEnd, CommandEnded, DeviceAnnounced, DeviceApproved, DeviceConnection, DeviceFaulted,
        DevicePlaced, DeviceProblem, DeviceRetired, Reading, StreamKind,
    },
};
use imbl::OrdMap;
use std::{collections::BTreeSet, sync::Arc};

/// What one call of [`Devices::due`] gives at most.
const DUE_MAX: usize = 256;
/// Readings are no older than a week, so a step back beyond this is the node's clock being put right.
const LATEST_BACK_MS: u64 = 8 * 86_400_000;
/// A command that was sent so far in the future was sent by a clock that has been put right since.
const SENT_AHEAD_MS: i64 = 3_600_000;

/// The register.
#[derive(Debug, Clone)]
pub struct Devices {
    pub(super) config: Config,
    pub(super) applied: u64,
    pub(super) devices: OrdMap<DeviceId, Arc<DeviceView>>,
    pub(super) counts: Counts,
    pub(super) shed: u64,
    pub(super) ignored: u64,
    /// Commands that have not ended, by when they do.
    pub(super) deadlines: BTreeSet<(Timestamp, DeviceId, Name)>,
    /// Devices with something that must be said.
    pub(super) unsaid: BTreeSet<DeviceId>,
}

impl Devices {
    /// An empty register.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            applied: 0,
            devices: OrdMap::new(),
            counts: Counts::default(),
            shed: 0,
            ignored: 0,
            deadlines: BTreeSet::new(),
            unsaid: BTreeSet::new(),
        }
    }

    /// Everything up to a record is in, also what is no event of devices: for a caller that does not apply each record.
    pub const fn seen(&mut self, seq: u64) {
        if seq > self.applied {
            self.applied = seq;
        }
    }

    /// Events that spoke of no device here, or of one that they could not apply to.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Applies what happened, in the journal's order.
    pub fn apply(&mut self, seq: u64, event: &Event) {
        self.seen(seq);
        let taken = match event {
            Event::DeviceAnnounced(event) => self.announced(event),
            Event::DeviceApproved(event) => self.approved(event),
            Event::DeviceRetired(event) => self.retired(event),
            Event::DevicePlaced(event) => self.placed(event),
            Event::DeviceConnection(event) => self.connection(event),
            Event::DeviceFaulted(event) => self.faulted(event),
            Event::SettingsDesired(event) => self.with_approved(&event.device, |it| it.twin.desire(event)),
            Event::SettingsReported(event) => self.with_live(&event.device, |it| {
                it.touch(event.at);
                it.twin.report(event);
                true
            }),
            Event::CommandSent(event) => {
                let commands_max = self.config.commands_max;
                let mut dropped = Vec::new();
                let taken = self.with_approved(&event.device, |it| {
                    dropped = it.command_sent(event, commands_max);
                    true
                });
                for gone in dropped {
                    self.deadlines.remove(&(gone.until, event.device.clone(), gone.correlation));
                }
                if taken {
                    self.deadlines.insert((event.until, event.device.clone(), event.correlation.clone()));
                }
                taken
            }
            Event::CommandEnded(event) => {
                let mut until = None;
                self.with_known(&event.device, |it| {
                    until = it.command_ended(event).map(|command| command.until);
                    until.is_some()
                });
                let until = until.map(|until| (until, event.device.clone(), event.correlation.clone()));
                until.is_some_and(|key| self.deadlines.remove(&key))
            }
            Event::ReadingsTaken(event) => {
                event.readings.iter().for_each(|reading| self.reading(reading));
                true
            }
            Event::TagsRead(event) => self.spoke(&event.device, event.at),
            Event::CodeScanned(event) => self.spoke(&event.device, event.at),
            _ => true,
        };
        self.ignored += u64::from(!taken);
    }

    fn with_known(&mut self, device: &DeviceId, change: impl FnOnce(&mut DeviceView) -> bool) -> bool {
        self.devices.get_mut(device).is_some_and(|known| change(Arc::make_mut(known)))
    }

    /// Retired devices do not change by what they say.
    fn with_live(&mut self, device: &DeviceId, change: impl FnOnce(&mut DeviceView) -> bool) -> bool {
        let live = self.devices.get(device).is_some_and(|known| known.state != DeviceState::Retired);
        live && self.with_known(device, change)
    }

    fn with_approved(&mut self, device: &DeviceId, change: impl FnOnce(&mut DeviceView) -> bool) -> bool {
        let approved = self.devices.get(device).is_some_and(|known| known.state == DeviceState::Approved);
        approved && self.with_known(device, change)
    }

    fn announced(&mut self, event: &DeviceAnnounced) -> bool {
        let streams_max = self.config.streams_max;
        if self.devices.contains_key(&event.device) {
            let mut must_say = false;
            let taken = self.with_live(&event.device, |it| {
                it.touch(event.at);
                it.announced(event, streams_max);
                must_say = it.unsaid.is_some();
                true
            });
            if must_say {
                self.unsaid.insert(event.device.clone());
            }
            return taken;
        }
        let is_full =
            self.counts.heard >= self.config.unapproved_max || self.devices.len() >= self.config.devices_max;
        if is_full && !self.forget_silent(event.at) {
            self.shed += 1;
            return true;
        }
        let heard = DeviceView::heard(event, streams_max);
        self.devices.insert(event.device.clone(), Arc::new(heard));
        self.counts.heard += 1;
        true
    }

    /// Makes room: drops the device that waits for approval and was silent longest, if that is long enough.
    fn forget_silent(&mut self, now: Timestamp) -> bool {
        let silent_ms = u64::from(self.config.heard_forget_h) * 3_600_000;
        let longest = self
            .devices
            .values()
            .filter(|known| known.state == DeviceState::Heard && now.ms_since(known.last_heard) > silent_ms)
            .min_by_key(|known| known.last_heard)
            .map(|known| known.device.clone());
        longest.is_some_and(|device| {
            self.unsaid.remove(&device);
            self.counts.heard = self.counts.heard.saturating_sub(1);
            self.devices.remove(&device).is_some()
        })
    }

    fn approved(&mut self, event: &DeviceApproved) -> bool {
        let Some(state) = self.devices.get(&event.device).map(|known| known.state) else {
            return false;
        };
        self.recount(state, DeviceState::Approved);
        self.unsaid.remove(&event.device);
        self.with_known(&event.device, |it| {
            it.state = DeviceState::Approved;
            it.state_by = event.by.clone();
            it.state_at = event.at;
            it.suspended = None;
            it.unsaid = None;
            it.problems.retain(|known| known.problem != DeviceProblem::Model);
            true
        })
    }

    fn retired(&mut self, event: &DeviceRetired) -> bool {
        let Some(state) = self.devices.get(&event.device).map(|known| known.state) else {
            return false;
        };
        self.recount(state, DeviceState::Retired);
        self.unsaid.remove(&event.device);
        self.with_known(&event.device, |it| {
            it.state = DeviceState::Retired;
            it.state_by = event.by.clone();
            it.state_at = event.at;
            it.suspended = None;
            it.unsaid = None;
            it.online = None;
            it.online_since = None;
            it.twin = Twin::new();
            it.problems.clear();
            it.streams.retain(|stream| !stream.unannounced);
            for stream in &mut it.streams {
                stream.placement = None;
            }
            true
        });
        if self.counts.retired > self.config.retired_max {
            self.forget_retired();
        }
        true
    }

    fn forget_retired(&mut self) {
        let oldest = self
            .devices
            .values()
            .filter(|known| known.state == DeviceState::Retired)
            .min_by_key(|known| known.state_at)
            .map(|known| known.device.clone());
        if let Some(gone) = oldest.and_then(|device| self.devices.remove(&device)) {
            self.counts.retired = self.counts.retired.saturating_sub(1);
            for command in gone.commands.iter().filter(|command| command.ended.is_none()) {
                let key = (command.until, gone.device.clone(), command.correlation.clone());
                self.deadlines.remove(&key);
            }
        }
    }

    fn recount(&mut self, from: DeviceState, to: DeviceState) {
        let before = self.counts.of(from);
        *before = before.saturating_sub(1);
        *self.counts.of(to) += 1;
    }

    fn placed(&mut self, event: &DevicePlaced) -> bool {
        let streams_max = self.config.streams_max;
        let is_nowhere = event.place.is_none() && event.sku.is_none() && event.unit.is_none();
        let placement = (!is_nowhere).then(|| Placement {
            place: event.place,
            sku: event.sku.clone(),
            unit_weight: event.unit_weight,
            tare: event.tare,
            unit: event.unit.clone(),
            at: event.at,
        });
        self.with_live(&event.device, |it| {
            if let Some(stream) = it.streams.iter_mut().find(|stream| stream.name == event.stream) {
                stream.placement = placement;
            } else if it.streams.len() < streams_max {
                it.streams.push(StreamView {
                    name: event.stream.clone(),
                    kind: StreamKind::Number,
                    measured: None,
                    interval_s: None,
                    placement,
                    numbers: super::Numbers::default(),
                    unannounced: true,
                });
            } else {
                return false;
            }
            it.streams.retain(|stream| !stream.unannounced || stream.placement.is_some());
            true
        })
    }

    fn connection(&mut self, event: &DeviceConnection) -> bool {
        self.with_live(&event.device, |it| {
            if event.online {
                it.touch(event.at);
            }
            if it.online != Some(event.online) {
                it.online = Some(event.online);
                it.online_since = Some(event.at);
            }
            true
        })
    }

    fn faulted(&mut self, event: &DeviceFaulted) -> bool {
        self.unsaid.remove(&event.device);
        self.with_live(&event.device, |it| {
            if it.unsaid.is_some_and(|unsaid| unsaid.problem() == event.problem) {
                it.unsaid = None;
            }
            let before = it.problems.iter().position(|known| known.problem == event.problem);
            let count = before.map_or(0, |at| it.problems.remove(at).count);
            it.problems.push(ProblemView {
                problem: event.problem,
                path: event.path.clone(),
                detail: event.detail.clone(),
                at: event.at,
                count: count.saturating_add(1),
            });
            true
        });
        if self.devices.get(&event.device).is_some_and(|known| known.unsaid.is_some()) {
            self.unsaid.insert(event.device.clone());
        }
        self.devices.contains_key(&event.device)
    }

    fn spoke(&mut self, device: &DeviceId, at: Timestamp) -> bool {
        self.with_approved(device, |it| {
            it.touch(at);
            true
        })
    }

    fn reading(&mut self, reading: &Reading) {
        let taken = self.with_approved(&reading.device, |it| {
            it.touch(reading.at);
            if let (Some(boot), Some(number)) = (reading.boot, reading.number)
                && let Some(stream) = it.streams.iter_mut().find(|stream| stream.name == reading.stream)
            {
                stream.numbers.see(boot, number);
            }
            true
        });
        self.ignored += u64::from(!taken);
    }

    /// What follows from the state and is not in the journal yet: commands that nobody answered, and what the register itself
    /// found wrong. At most 256 at a time.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Event> {
        let overdue = self.deadlines.iter().filter(|(until, device, correlation)| {
            *until <= now || self.was_sent_by_another_clock(device, correlation, now)
        });
        let timed_out = overdue.map(|(_, device, correlation)| {
            Event::from(CommandEnded {
                device: device.clone(),
                correlation: correlation.clone(),
                end: CommandEnd::TimedOut,
                response: None,
                at: now,
                unknown: Unknown::default(),
            })
        });
        let found = self.unsaid.iter().filter_map(|device| {
            let known = self.devices.get(device)?;
            Some(Event::from(fault_of(known, known.unsaid?, now)))
        });
        timed_out.chain(found).take(DUE_MAX).collect()
    }

    /// A clock that was ahead and was put right must not keep a command open for years.
    fn was_sent_by_another_clock(&self, device: &DeviceId, correlation: &Name, now: Timestamp) -> bool {
        let command = self.devices.get(device).and_then(|known| known.open_command(correlation.as_str()));
        command.is_some_and(|command| command.at > now.saturating_add_ms(SENT_AHEAD_MS))
    }

    /// What readers see.
    #[must_use]
    pub fn view(&self) -> DevicesView {
        DevicesView {
            applied: self.applied,
            devices: self.devices.clone(),
            counts: self.counts,
            shed: self.shed,
            heard_room: (self.config.unapproved_max.saturating_sub(self.counts.heard))
                .min(self.config.devices_max.saturating_sub(self.devices.len())),
            streams_max: self.config.streams_max,
            commands_max: self.config.commands_max,
            alert: self.alert(),
        }
    }

    fn alert(&self) -> Option<String> {
        let Config { devices_max, unapproved_max, .. } = self.config;
        if self.devices.len() >= devices_max {
            Some(format!(
                "{devices_max} devices are known, and no more are taken in; retire those that are gone, or raise `devices_max`"
            ))
        } else if self.counts.heard >= unapproved_max {
            Some(format!(
                "{unapproved_max} devices wait for approval, and no more are taken in; approve or retire some of them"
            ))
        } else {
            None
        }
    }
}

impl Counts {
    pub(super) const fn of(&mut self, state: DeviceState) -> &mut usize {
        match state {
            DeviceState::Heard => &mut self.heard,
            DeviceState::Approved => &mut self.approved,
            DeviceState::Retired => &mut self.retired,
        }
    }
}

impl Unsaid {
    const fn problem(self) -> DeviceProblem {
        match self {
            Self::Model => DeviceProblem::Model,
            Self::TwoDevices => DeviceProblem::TwoDevices,
        }
    }
}

fn fault_of(known: &DeviceView, unsaid: Unsaid, now: Timestamp) -> DeviceFaulted {
    let (path, detail) = match unsaid {
        Unsaid::Model => (
            "model",
            known.suspended.as_ref().map_or_else(|| name("it is another model"), |it| it.detail.clone()),
        ),
        Unsaid::TwoDevices => (
            "serial",
            name(&format!(
                "the serial numbers {} and {} take turns under this id: two devices use it; give one of them another id",
                known.serial.as_ref().map_or("-", Name::as_str),
                known.serial_before.as_ref().map_or("-", Name::as_str),
            )),
        ),
    };
    DeviceFaulted {
        device: known.device.clone(),
        problem: unsaid.problem(),
        path: Some(name(path)),
        detail,
        at: now,
        unknown: Unknown::default(),
    }
}

impl DeviceView {
    /// It was heard. A step far back is a clock that was put right.
    pub(super) fn touch(&mut self, at: Timestamp) {
        if at > self.last_heard || self.last_heard.ms_since(at) > LATEST_BACK_MS {
            self.last_heard = at;
        }
    }
}
