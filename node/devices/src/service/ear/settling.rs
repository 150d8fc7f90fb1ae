//! What devices say of themselves, on its way to the journal, and who fell silent.

use super::{BEYOND_RATE, Dropped, Ear, Now};
use crate::{
    registry::{DeviceState, DeviceView, DevicesView},
    service::{Config, batch::Batch, describe, track::Waiting},
};
use aisle_event::{
    DeviceId, Name, Unknown,
    device::{DeviceConnection, DeviceProblem},
};

impl Ear {
    /// Lets the words of the devices that spoke go to the journal, as far as they may.
    pub(in crate::service) fn settle(&mut self, view: &DevicesView, now: Now, out: &mut Batch) {
        self.ended.clear();
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable();
        fresh.dedup();
        self.settle_all(view, fresh, now, out);
    }

    /// About once a second: words that had to wait, and devices that fell silent.
    pub(in crate::service) fn tick(&mut self, view: &DevicesView, now: Now, out: &mut Batch) {
        let waiting = self.tracks.waiting();
        self.settle_all(view, waiting, now, out);
        self.silent(view, now, out);
        self.metrics.tracked(self.tracks.len());
        let is_shown = |device: &String| {
            view.get(device)
                .is_some_and(|known| known.state == DeviceState::Heard || known.suspended.is_some())
        };
        if self.preview.devices.keys().any(|device| !is_shown(device)) {
            self.preview.devices = self
                .preview
                .devices
                .iter()
                .filter(|(device, _)| is_shown(device))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
        }
    }

    fn settle_all(&mut self, view: &DevicesView, devices: Vec<DeviceId>, now: Now, out: &mut Batch) {
        let mut room = view.heard_room;
        for device in devices {
            let known = view.devices.get(&device);
            let Some(track) = self.tracks.get_mut(&device) else { continue };
            if let Some(said) = track.waiting.announced.take() {
                match known {
                    Some(known)
                        if known.state == DeviceState::Retired || describe::is_known(known, &said) => {}
                    Some(_) if track.may_change(now.running_ms) => out.decide(said),
                    Some(_) => track.waiting.announced = Some(said),
                    None if room > 0 || self.beyond.take(BEYOND_RATE, 1.0, false, now.running_ms) => {
                        room = room.saturating_sub(1);
                        out.decide(said);
                    }
                    None => {
                        self.preview.shed += 1;
                        self.metrics.dropped(Dropped::Shed);
                        self.tracks.forget(&device);
                        continue;
                    }
                }
            }
            let Some(known) = known else { continue };
            if known.state == DeviceState::Retired {
                track.waiting = Waiting::default();
            } else if known.is_trusted() && track.waiting.announced.is_none() {
                self.settle_state(view, known, now, out);
            }
        }
    }

    fn settle_state(&mut self, view: &DevicesView, known: &DeviceView, now: Now, out: &mut Batch) {
        let device = &known.device;
        let Some(track) = self.tracks.get_mut(device) else { return };
        if let Some(online) = track.waiting.online.take_if(|online| known.online == Some(*online)) {
            tracing::trace!(%device, online, "no news");
        }
        if track.waiting.online.is_some()
            && track.may_change(now.running_ms)
            && let Some(online) = track.waiting.online.take()
        {
            out.decide(connection(device, online, now));
        }
        track.waiting.reported.take_if(|said| describe::is_reported(known.twin.reported.as_ref(), said));
        if track.waiting.reported.is_none() || !track.may_change(now.running_ms) {
            return;
        }
        let Some(said) = track.waiting.reported.take() else { return };
        let refused_before = known.twin.reported.as_ref().and_then(|it| it.refused.as_ref());
        let is_new = said.refused.is_some() && said.refused != refused_before.map(|it| it.version);
        let refusal = is_new.then(|| {
            let path = said.path.as_ref().map_or("", Name::as_str).to_owned();
            let why = said.reason.as_ref().map_or("no reason given", Name::as_str);
            let version = said.refused.unwrap_or_default();
            (path.clone(), format!("it refused settings {version}, whole: `{path}` {why}"))
        });
        out.decide(said);
        if let Some((path, detail)) = refusal {
            self.fault(view, device, DeviceProblem::Settings, &path, &detail, now, out);
        }
    }

    fn silent(&mut self, view: &DevicesView, now: Now, out: &mut Batch) {
        for known in view.devices.values().filter(|known| known.is_trusted() && known.online == Some(true)) {
            let live_ms = self.tracks.get(&known.device).and_then(|track| track.live_ms);
            let heard_ms = live_ms.unwrap_or(self.started_ms);
            // A device with a last will that spoke itself is watched by the broker.
            if !known.is_foreign() && live_ms.is_some() {
                continue;
            }
            let patience = patience_ms(known, &self.config);
            if patience.is_some_and(|patience| now.running_ms.saturating_sub(heard_ms) > patience) {
                out.decide(connection(&known.device, false, now));
            }
        }
    }
}

/// How long a device may be silent; nothing when that cannot be said.
fn patience_ms(known: &DeviceView, config: &Config) -> Option<u64> {
    let shortest = known.streams.iter().filter(|it| !it.unannounced).filter_map(|it| it.interval_s).min();
    let patience_s = match shortest {
        Some(interval_s) => interval_s.saturating_mul(config.silence_intervals).max(config.silence_s_min),
        None if known.is_foreign() => config.silence_s_default,
        None => return None,
    };
    Some(u64::from(patience_s) * 1_000)
}

fn connection(device: &DeviceId, online: bool, now: Now) -> DeviceConnection {
    DeviceConnection { device: device.clone(), online, at: now.at, unknown: Unknown::default() }
}
