//! What devices measured: numbers, tags, scans. Each is checked against what its device announced, and counted once.

use super::{Dropped, Ear, Message, Now, Passes};
use crate::{
    registry::{DeviceView, DevicesView, Seen},
    service::{
        batch::Batch,
        clocks::{believed, off_in_words},
        describe,
    },
    words::name,
};
use aisle_event::{
    DeviceId, Measure, Text, Timestamp, Unknown,
    device::{CodeScanned, DeviceProblem, Measured, Reading, StreamKind, TagsRead},
};
use aisle_firmware_config::heard::{Code, Number, Tags};

impl Ear {
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
    pub(super) fn number(
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
    pub(super) fn tags(
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
    pub(super) fn code(
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
}
