//! What becomes of a message: events, words that wait, or nothing.
//!
//! No IO and no clock: messages and times come in, a [`Batch`] goes out. What one device sends changes nothing of another.
//!
//! Rules:
//! - Of a device that is not approved nothing but its announcement goes to the journal.
//! - What the broker had retained is no news: it says what a device is, whether it was there, and how it was set. It is no reading.
//! - A device is there while its last will has not said otherwise. One that has none, or of which only retained words were heard
//!   since the start, is gone after some of its intervals without a word. So nothing is online for ever.
//! - What a device says of itself waits in memory, the newest of each kind, until it may go to the journal: when the device is
//!   approved, and not too often. It is retained, so a restart does not lose it.

use super::{
    Config,
    batch::Batch,
    bucket::{Bucket, Rate},
    clocks::{believed, off_in_words},
    describe,
    preview::Preview,
    telemetry::{Dropped, Metrics},
    track::Tracks,
};
use crate::{
    registry::{DeviceState, DeviceView, DevicesView, Seen},
    words::name,
};
use aisle_event::{
    DeviceId, Measure, Name, Text, Timestamp, Unknown,
    device::{
        CodeScanned, CommandEnd, CommandEnded, DeviceAnnounced, DeviceConnection, DeviceFaulted,
        DeviceProblem, DeviceStream, Measured, Reading, StreamKind, TagsRead,
    },
};
use aisle_firmware_config::{
    heard::{Code, Heard, Number, Problem, Refusal, Tags, What},
    message::Response,
    profile::Profiles,
    topic::Topic,
};
use std::{collections::HashSet, sync::Arc};

const BEYOND_RATE: Rate = Rate { per_s: 1.0 / 60.0, most: 1.0 };

/// A message as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub topic: &'a str,
    pub payload: &'a [u8],
    /// The broker had kept it.
    pub is_retained: bool,
}

/// The time, as it is given in and as it is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// What goes into events.
    pub at: Timestamp,
    /// A clock that only runs: what rates and silences are counted by.
    pub running_ms: u64,
}

/// What listens.
pub(super) struct Ear {
    pub config: Config,
    pub profiles: Arc<Profiles>,
    pub preview: Preview,
    store: String,
    metrics: Metrics,
    tracks: Tracks,
    started_ms: u64,
    /// Devices with words that came in this batch.
    fresh: Vec<DeviceId>,
    /// Commands that ended in this batch.
    ended: HashSet<Name>,
    /// Announcements beyond the bound that the register may look at: it knows who was silent long enough to make room.
    beyond: Bucket,
    /// Retired devices that speak again of themselves.
    pub returned: HashSet<DeviceId>,
}

impl Ear {
    pub(super) fn new(
        config: Config,
        store: String,
        profiles: Arc<Profiles>,
        metrics: Metrics,
        started_ms: u64,
    ) -> Self {
        Self {
            config,
            profiles,
            preview: Preview::default(),
            store,
            metrics,
            tracks: Tracks::default(),
            started_ms,
            fresh: Vec::new(),
            ended: HashSet::new(),
            beyond: Bucket::full(BEYOND_RATE, started_ms),
            returned: HashSet::new(),
        }
    }

    /// A message came.
    pub(super) fn hear(&mut self, view: &DevicesView, message: Message<'_>, now: Now, out: &mut Batch) {
        if message.payload.is_empty() {
            // Something retained was cleared. That says nothing of the device.
            return;
        }
        if message.payload.len() > self.config.payload_bytes_max {
            let refusal = Refusal {
                device: Topic::parse(message.topic).map(|topic| topic.device.to_owned()),
                path: String::new(),
                reason: format!(
                    "the payload has {} bytes; `payload_bytes_max` is {}",
                    message.payload.len(),
                    self.config.payload_bytes_max
                ),
                hint: None,
                problem: Problem::Payload,
            };
            self.refused(view, &refusal, message, now, out);
            return;
        }
        let profiles = Arc::clone(&self.profiles);
        match profiles.hear(&self.store, message.topic, message.payload) {
            None => {}
            Some(Err(refusal)) => self.refused(view, &refusal, message, now, out),
            Some(Ok(heard)) => {
                let mut passes = Passes::default();
                for heard in heard {
                    self.take(view, heard, message, &mut passes, now, out);
                }
            }
        }
    }

    fn refused(
        &mut self,
        view: &DevicesView,
        refusal: &Refusal,
        message: Message<'_>,
        now: Now,
        out: &mut Batch,
    ) {
        self.metrics.dropped(Dropped::Refused);
        let problem = match refusal.problem {
            Problem::Payload => DeviceProblem::Payload,
            Problem::Value => DeviceProblem::Value,
            Problem::Unit => DeviceProblem::Unit,
        };
        let Some(device) = refusal.device.as_deref().and_then(|device| DeviceId::new(device).ok()) else {
            return;
        };
        let hint = refusal.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
        let place = if refusal.path.is_empty() { String::new() } else { format!("`{}` ", refusal.path) };
        let channel = message.topic.rsplit('/').next().unwrap_or_default();
        let detail = format!("in `{channel}`: {place}{}{hint}", refusal.reason);
        self.fault(view, &device, problem, &refusal.path, &detail, now, out);
    }

    fn take(
        &mut self,
        view: &DevicesView,
        heard: Heard,
        message: Message<'_>,
        passes: &mut Passes,
        now: Now,
        out: &mut Batch,
    ) {
        let Ok(device) = DeviceId::new(&heard.device) else {
            self.metrics.dropped(Dropped::Refused);
            return;
        };
        let known = view.devices.get(&device);
        let standing = known.map(|known| known.state);
        if standing == Some(DeviceState::Retired) {
            self.metrics.dropped(Dropped::Retired);
            if matches!(heard.what, What::Announce(..) | What::Reported(..)) {
                self.returned.insert(device);
            }
            return;
        }
        let is_kept = standing == Some(DeviceState::Approved);
        let Some(track) = self.tracks.of(&device, is_kept, &self.config, now.running_ms) else {
            self.metrics.dropped(Dropped::Shed);
            return;
        };
        if !message.is_retained {
            track.live_ms = Some(now.running_ms);
        }
        match heard.what {
            What::Announce(announce, encoding) => {
                let said = describe::announced(&device, &announce, encoding, now.at);
                let is_two = !message.is_retained && track.falls(announce.boots, now.running_ms);
                self.announce(view, known, said);
                if is_two {
                    self.two(view, &device, now, out);
                }
            }
            What::Model { model, profile, streams } => {
                let waiting = track.waiting.announced.as_ref().filter(|said| said.profile.is_some());
                let same =
                    known.filter(|known| known.profile.as_ref().is_some_and(|it| it.as_str() == &*profile));
                let before: Vec<DeviceStream> = match (waiting, same) {
                    (Some(said), _) => said.streams.clone(),
                    (None, Some(known)) => describe::streams_of(known).collect(),
                    (None, None) => Vec::new(),
                };
                let said = describe::matched(&device, &model, &profile, &streams, before.into_iter(), now.at);
                self.announce(view, known, said);
            }
            What::Status { online, boots, .. } => {
                track.waiting.online = Some(online);
                let is_two =
                    !message.is_retained && boots.is_some_and(|boots| track.falls(boots, now.running_ms));
                self.preview(known, &device, message, |it| it.online = Some(online));
                if is_two {
                    self.two(view, &device, now, out);
                }
                self.fresh.push(device);
            }
            What::Reported(reported) => {
                if let Some(said) = describe::reported(&device, &reported, now.at) {
                    track.waiting.reported = Some(said);
                    self.fresh.push(device);
                }
            }
            What::Number(number) => self.number(view, &device, &number, message, passes, now, out),
            What::Tags(tags) => self.tags(view, &device, &tags, message, passes, now, out),
            What::Code(code) => self.code(view, &device, &code, message, passes, now, out),
            What::Response { response, .. } => self.response(known, &device, &response, message, now, out),
        }
    }

    fn announce(&mut self, view: &DevicesView, known: Option<&Arc<DeviceView>>, mut said: DeviceAnnounced) {
        said.streams.truncate(view.streams_max);
        let Some(track) = self.tracks.get_mut(&said.device) else { return };
        if known.is_some_and(|known| describe::is_known(known, &said)) {
            // It may take back what waits.
            track.waiting.announced = None;
        } else {
            self.fresh.push(said.device.clone());
            track.waiting.announced = Some(said);
        }
    }

    /// What every reading goes through: gives the device when it is trusted and its message may pass.
    #[expect(clippy::too_many_arguments, reason = "all of one message")]
    fn admit<'v>(
        &mut self,
        view: &'v DevicesView,
        device: &DeviceId,
        message: Message<'_>,
        passes: &mut Passes,
        is_stock: bool,
        now: Now,
        out: &mut Batch,
    ) -> Option<&'v DeviceView> {
        let Some(known) = view.devices.get(device) else {
            self.metrics.dropped(Dropped::Unknown);
            return None;
        };
        if !known.is_trusted() {
            self.metrics.dropped(Dropped::Untrusted);
            return None;
        }
        if message.is_retained {
            self.metrics.dropped(Dropped::Retained);
            return None;
        }
        let track = self.tracks.get_mut(device)?;
        // What it says of itself in the same breath comes first: it may be another device by now.
        if track.waiting.announced.as_ref().is_some_and(|said| said.model != known.model) {
            self.metrics.dropped(Dropped::Untrusted);
            return None;
        }
        let size = message.payload.len();
        let may_pass = match passes.0 {
            Some(passed) => passed,
            None => track.may_pass(&self.config, size, is_stock, now.running_ms),
        };
        passes.0 = Some(may_pass);
        if known.online != Some(true) || track.waiting.online == Some(false) {
            track.waiting.online = Some(true);
            self.fresh.push(device.clone());
        }
        if !may_pass {
            self.metrics.dropped(Dropped::Flood);
            let detail = format!(
                "it sends more than {} messages or {} bytes a second, and what is beyond that is dropped; let it speak less often",
                self.config.device_messages_per_s_max, self.config.device_bytes_per_s_max
            );
            self.fault(view, device, DeviceProblem::Flood, "", &detail, now, out);
            return None;
        }
        Some(known)
    }

    /// The unit of a stream that the device has announced; `Err` when it has no such stream.
    fn stream(&self, known: &DeviceView, stream: &str, kind: StreamKind) -> Result<Option<Measured>, ()> {
        let waiting = self.tracks.get(&known.device).and_then(|track| track.waiting.announced.as_ref());
        match waiting {
            Some(said) => said
                .streams
                .iter()
                .find(|it| it.name.as_str() == stream && it.kind == kind)
                .map(|it| it.measured)
                .ok_or(()),
            None => known.stream(stream).filter(|it| it.kind == kind).map(|it| it.measured).ok_or(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of one message")]
    fn number(
        &mut self,
        view: &DevicesView,
        device: &DeviceId,
        number: &Number,
        message: Message<'_>,
        passes: &mut Passes,
        now: Now,
        out: &mut Batch,
    ) {
        let measured = describe::measured(number.unit);
        let known = view.devices.get(device);
        self.preview(known, device, message, |it| {
            it.stream(&number.stream, format!("{} {measured}", number.value), now.at);
        });
        let Some(known) = self.admit(view, device, message, passes, false, now, out) else { return };
        let stream = &number.stream;
        match self.stream(known, stream, StreamKind::Number) {
            Err(()) => return self.unannounced(view, device, stream, now, out),
            Ok(Some(announced)) if announced != measured => {
                self.metrics.dropped(Dropped::Refused);
                let detail = format!(
                    "`{stream}` was announced in {announced} and speaks in {measured}; set its unit, or let it announce the new one"
                );
                return self.fault(view, device, DeviceProblem::Unit, stream, &detail, now, out);
            }
            Ok(_) => {}
        }
        let value = match Measure::new(number.value) {
            Ok(value) => value,
            Err(error) => {
                self.metrics.dropped(Dropped::Refused);
                let detail = format!("`{stream}`: {error}");
                return self.fault(view, device, DeviceProblem::Value, stream, &detail, now, out);
            }
        };
        if !self.is_first(view, known, stream, number.boot.zip(number.n), now, out) {
            return;
        }
        let at = self.time(view, device, number.at_ms, now, out);
        out.reading(Reading {
            device: device.clone(),
            stream: name(stream),
            value,
            at,
            number: number.n,
            boot: number.boot,
            unknown: Unknown::default(),
        });
    }

    #[expect(clippy::too_many_arguments, reason = "all of one message")]
    fn tags(
        &mut self,
        view: &DevicesView,
        device: &DeviceId,
        tags: &Tags,
        message: Message<'_>,
        passes: &mut Passes,
        now: Now,
        out: &mut Batch,
    ) {
        let stream = tags.stream.as_str();
        self.preview(view.devices.get(device), device, message, |it| {
            it.stream(stream, format!("{} tags", tags.tags.len()), now.at);
        });
        let Some(known) = self.admit(view, device, message, passes, true, now, out) else { return };
        if self.stream(known, stream, StreamKind::Tags).is_err() {
            return self.unannounced(view, device, stream, now, out);
        }
        if !self.is_first(view, known, stream, tags.boot.zip(tags.n), now, out) {
            return;
        }
        let at = self.time(view, device, tags.at_ms, now, out);
        out.observe(TagsRead {
            device: device.clone(),
            stream: name(stream),
            tags: tags.tags.iter().filter_map(|tag| Text::new(tag.as_str()).ok()).collect(),
            complete: tags.complete,
            at,
            unknown: Unknown::default(),
        });
    }

    #[expect(clippy::too_many_arguments, reason = "all of one message")]
    fn code(
        &mut self,
        view: &DevicesView,
        device: &DeviceId,
        code: &Code,
        message: Message<'_>,
        passes: &mut Passes,
        now: Now,
        out: &mut Batch,
    ) {
        let stream = code.stream.as_str();
        self.preview(view.devices.get(device), device, message, |it| {
            it.stream(stream, "a code was scanned".into(), now.at);
        });
        let Some(known) = self.admit(view, device, message, passes, true, now, out) else { return };
        if self.stream(known, stream, StreamKind::Code).is_err() {
            return self.unannounced(view, device, stream, now, out);
        }
        let weight = match code.weight_g.map(Measure::new).transpose() {
            Ok(weight) => weight,
            Err(error) => {
                self.metrics.dropped(Dropped::Refused);
                let detail = format!("`{stream}`: {error}");
                return self.fault(view, device, DeviceProblem::Value, "weight_g", &detail, now, out);
            }
        };
        let Ok(text) = Text::new(code.code.as_str()) else { return };
        if !self.is_first(view, known, stream, code.boot.zip(code.n), now, out) {
            return;
        }
        let at = self.time(view, device, code.at_ms, now, out);
        out.observe(CodeScanned {
            device: device.clone(),
            stream: name(stream),
            code: text,
            weight,
            at,
            unknown: Unknown::default(),
        });
    }

    fn response(
        &mut self,
        known: Option<&Arc<DeviceView>>,
        device: &DeviceId,
        response: &Response,
        message: Message<'_>,
        now: Now,
        out: &mut Batch,
    ) {
        let open = known.filter(|known| known.is_trusted() && !message.is_retained);
        let open = open.and_then(|known| known.open_command(&response.id));
        let Some(command) = open.filter(|command| !self.ended.contains(&command.correlation)) else {
            self.metrics.dropped(Dropped::Unasked);
            return;
        };
        let body = match &response.reason {
            Some(reason) => serde_json::json!({ "reason": reason.as_str(), "result": response.result }),
            None => serde_json::json!(response.result),
        };
        self.ended.insert(command.correlation.clone());
        out.decide(CommandEnded {
            device: device.clone(),
            correlation: command.correlation.clone(),
            end: if response.ok { CommandEnd::Done } else { CommandEnd::Refused },
            response: Text::new(body.to_string()).ok(),
            at: now.at,
            unknown: Unknown::default(),
        });
    }

    /// Whether a numbered message came for the first time. Late ones do; what came before is dropped.
    fn is_first(
        &mut self,
        view: &DevicesView,
        known: &DeviceView,
        stream: &str,
        number: Option<(u32, u32)>,
        now: Now,
        out: &mut Batch,
    ) -> bool {
        let (Some((boot, n)), Some(track)) = (number, self.tracks.get_mut(&known.device)) else {
            return true;
        };
        let is_two = track.falls(boot, now.running_ms);
        let seen = track.number(known, stream, boot, n);
        if is_two {
            self.two(view, &known.device, now, out);
        }
        if seen == Seen::Again {
            self.metrics.dropped(Dropped::Duplicate);
        }
        seen != Seen::Again
    }

    fn two(&mut self, view: &DevicesView, device: &DeviceId, now: Now, out: &mut Batch) {
        let detail =
            "its count of starts goes up and down: two devices use this id; give one of them another id";
        self.fault(view, device, DeviceProblem::TwoDevices, "boots", detail, now, out);
    }

    fn time(
        &mut self,
        view: &DevicesView,
        device: &DeviceId,
        at_ms: Option<i64>,
        now: Now,
        out: &mut Batch,
    ) -> Timestamp {
        let believed = believed(at_ms, now.at, &self.config);
        if let Some(off_ms) = believed.off_ms {
            let detail = format!(
                "its clock is {}; its readings carry the store's time until it is set",
                off_in_words(off_ms)
            );
            self.fault(view, device, DeviceProblem::Clock, "at_ms", &detail, now, out);
        }
        believed.at
    }

    fn unannounced(
        &mut self,
        view: &DevicesView,
        device: &DeviceId,
        stream: &str,
        now: Now,
        out: &mut Batch,
    ) {
        self.metrics.dropped(Dropped::Refused);
        let detail = format!("it sends `{stream}`, which it has not announced; let it announce its streams");
        self.fault(view, device, DeviceProblem::Payload, stream, &detail, now, out);
    }

    /// Says that something is wrong: of an approved device in the journal, at most once an hour of each kind; of another one to
    /// whoever looks at the preview.
    #[expect(clippy::too_many_arguments, reason = "all of one fault")]
    fn fault(
        &mut self,
        view: &DevicesView,
        device: &DeviceId,
        problem: DeviceProblem,
        path: &str,
        detail: &str,
        now: Now,
        out: &mut Batch,
    ) {
        self.metrics.problem(problem);
        let Some(known) = view.devices.get(device) else { return };
        match known.state {
            DeviceState::Retired => return,
            DeviceState::Heard => {
                self.preview.change(device.as_str(), self.config.preview_max, |it| {
                    it.problem = Some(detail.to_owned());
                });
                return;
            }
            DeviceState::Approved => {}
        }
        let again_ms = u64::from(self.config.fault_again_s) * 1_000;
        let said_lately = known
            .problems
            .iter()
            .any(|said| said.problem == problem && said.at.0.abs_diff(now.at.0) < again_ms);
        let Some(track) = self.tracks.of(device, true, &self.config, now.running_ms) else { return };
        if said_lately || !track.may_say(problem, &self.config, now.running_ms) {
            return;
        }
        self.metrics.fault(device.as_str(), problem, detail);
        out.decide(DeviceFaulted {
            device: device.clone(),
            problem,
            path: (!path.is_empty()).then(|| name(path)),
            detail: name(detail),
            at: now.at,
            unknown: Unknown::default(),
        });
    }

    fn preview(
        &mut self,
        known: Option<&Arc<DeviceView>>,
        device: &DeviceId,
        message: Message<'_>,
        change: impl FnOnce(&mut super::preview::HeardDevice),
    ) {
        if known.is_some_and(|known| known.is_trusted()) {
            return;
        }
        self.preview.change(device.as_str(), self.config.preview_max, |it| {
            it.is_only_retained &= message.is_retained;
            change(it);
        });
    }

    /// Lets the words of the devices that spoke go to the journal, as far as they may.
    pub(super) fn settle(&mut self, view: &DevicesView, now: Now, out: &mut Batch) {
        self.ended.clear();
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.sort_unstable();
        fresh.dedup();
        self.settle_all(view, fresh, now, out);
    }

    /// About once a second: words that had to wait, and devices that fell silent.
    pub(super) fn tick(&mut self, view: &DevicesView, now: Now, out: &mut Batch) {
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
                track.waiting = super::track::Waiting::default();
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

/// Whether the message at hand may pass: asked once, however many readings are in it.
#[derive(Debug, Default)]
struct Passes(Option<bool>);
