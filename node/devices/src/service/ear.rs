//! What becomes of a message: events, words that wait, or nothing.
//!
//! What devices measured is in `reading`, what they say of themselves in `settling`. No IO and no clock: messages and times come in, a [`Batch`] goes out. What one device sends changes nothing of another.
//!
//! Rules:
//! - Of a device that is not approved nothing but its announcement goes to the journal.
//! - What the broker had retained is no news: it says what a device is, whether it was there, and how it was set. It is no reading.
//! - A device is there while its last will has not said otherwise. One that has none, or of which only retained words were heard
//!   since the start, is gone after some of its intervals without a word. So nothing is online for ever.
//! - What a device says of itself waits in memory, the newest of each kind, until it may go to the journal: when the device is
//!   approved, and not too often. It is retained, so a restart does not lose it.

mod reading;
mod settling;

use super::{
    Config,
    batch::Batch,
    bucket::{Bucket, Rate},
    describe,
    preview::Preview,
    telemetry::{Dropped, Metrics},
    track::Tracks,
};
use crate::{
    registry::{DeviceState, DeviceView, DevicesView},
    words::name,
};
use aisle_event::{
    DeviceId, Name, Text, Timestamp, Unknown,
    device::{CommandEnd, CommandEnded, DeviceAnnounced, DeviceFaulted, DeviceProblem, DeviceStream},
};
use aisle_firmware_config::{
    heard::{Heard, Problem, Refusal, What},
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

    fn two(&mut self, view: &DevicesView, device: &DeviceId, now: Now, out: &mut Batch) {
        let detail =
            "its count of starts goes up and down: two devices use this id; give one of them another id";
        self.fault(view, device, DeviceProblem::TwoDevices, "boots", detail, now, out);
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
}

/// Whether the message at hand may pass: asked once, however many readings are in it.
#[derive(Debug, Default)]
struct Passes(Option<bool>);
