//! What a foreign payload says by a profile.
//!
//! Not here: which topics there are to hear. Guards invariant 10: all of a payload or nothing of it.

use super::{
    parse::{Format, Kind, Message, Profile, Stream, Time, seen_as},
    pattern::{DEVICE, Places},
    payload::{Found, Payload, Wrong, find},
};
use crate::heard::{Code, Heard, Number, Problem, Refusal, Tags, What, goods};
use serde_json::Value as Json;

/// More tags in one message are refused.
pub const TAGS_MAX: usize = 4096;
/// A longer code is refused, in bytes.
pub const CODE_BYTES_MAX: usize = 128;

/// What a topic and a payload say; nothing when the profile does not know such a topic, or such a payload.
pub(super) fn hear(
    profile: &Profile,
    topic: &str,
    payload: &Payload<'_>,
) -> Option<Result<Vec<Heard>, Refusal>> {
    let mut heard: Option<Vec<Heard>> = None;
    for message in &profile.messages {
        let Some(places) = message.topic.find(topic) else { continue };
        let Some((_, device)) = places.iter().find(|(place, _)| *place == DEVICE) else { continue };
        let refused = |wrong: Wrong| {
            let Wrong { path, reason, hint, problem } = wrong;
            Some(Err(Refusal { device: Some((*device).to_owned()), path, reason, hint, problem }))
        };
        if let Some(when) = message.when.as_deref() {
            match payload.json() {
                Ok(json) if find(json, when).is_none() => continue,
                Ok(_) => {}
                Err(wrong) => return refused(wrong),
            }
        }
        let whats = match message.hear(&places, payload) {
            Ok(whats) => whats,
            Err(wrong) => return refused(wrong),
        };
        let is_discovery = heard.is_none() && profile.discovery.find(topic).is_some();
        let model = is_discovery.then(|| profile.model(message, &places));
        let all = heard.get_or_insert_default();
        all.extend(model.into_iter().chain(whats).map(|what| Heard { device: (*device).to_owned(), what }));
    }
    heard.map(Ok)
}

impl Profile {
    fn model(&self, message: &Message, places: &Places<'_>) -> What {
        let streams = message.streams();
        let named = streams.into_iter().filter(|(stream, ..)| stream.name.place().is_some());
        let named: Vec<_> = named.map(|stream| seen_as(stream, places)).collect();
        let streams = if named.is_empty() {
            self.streams.clone()
        } else {
            self.streams.iter().cloned().chain(named).collect()
        };
        What::Model { model: self.model.clone(), profile: self.name.clone(), streams }
    }
}

impl Message {
    fn hear(&self, places: &Places<'_>, payload: &Payload<'_>) -> Result<Vec<What>, Wrong> {
        let at_ms = self.time.as_ref().and_then(|time| time.read(payload));
        match &self.kind {
            Kind::Numbers(values) => {
                let mut whats = Vec::new();
                for value in values {
                    let Some(number) = value.measure.read(payload)? else { continue };
                    whats.push(What::Number(Number {
                        stream: value.stream.fill(places)?,
                        unit: value.measure.unit.unit,
                        value: number,
                        at_ms,
                        boot: None,
                        n: None,
                    }));
                }
                if whats.is_empty() {
                    return Err(Wrong::new("", "has none of the values of its profile", Problem::Payload));
                }
                Ok(whats)
            }
            Kind::Tags { list, item, stream, is_complete } => {
                let tags = tags(payload, list, item)?;
                let (tags, others) = goods(tags.into_iter());
                let (stream, complete) = (stream.fill(places)?, *is_complete);
                Ok(vec![What::Tags(Tags { stream, tags, others, complete, at_ms, boot: None, n: None })])
            }
            Kind::Code { pointer, stream, weight, layouts } => {
                let path = pointer.as_deref().unwrap_or_default();
                let found = payload.find(pointer.as_deref())?.and_then(Found::text);
                let mut code = found.ok_or_else(|| Wrong::new(path, "is missing", Problem::Payload))?;
                if code.is_empty() || code.len() > CODE_BYTES_MAX || code.contains(char::is_control) {
                    let reason = format!("is no code of 1 to {CODE_BYTES_MAX} bytes");
                    return Err(Wrong::new(path, reason, Problem::Value));
                }
                let mut weight_g = weight.as_ref().map(|weight| weight.read(payload)).transpose()?.flatten();
                for layout in layouts {
                    let read =
                        layout.read(&code).map_err(|wrong| Wrong { path: path.to_owned(), ..wrong })?;
                    if let Some((goods, weight)) = read {
                        // What the scale shows now is nearer to the truth than what was printed.
                        weight_g = weight_g.or(Some(weight));
                        code = goods;
                        break;
                    }
                }
                let stream = stream.fill(places)?;
                Ok(vec![What::Code(Code { stream, code, weight_g, at_ms, boot: None, n: None })])
            }
            Kind::Status { pointer, online, offline } => {
                let path = pointer.as_deref().unwrap_or_default();
                // Some say it in JSON or as a word, by their version.
                let said = match payload.find(pointer.as_deref()) {
                    Ok(found) => found.and_then(Found::text),
                    Err(_) => payload.text().ok().map(str::to_owned),
                };
                let online = match said {
                    Some(said) if said == *online => true,
                    Some(said) if said == *offline => false,
                    _ => {
                        let reason = format!("is neither `{online}` nor `{offline}`");
                        return Err(Wrong::new(path, reason, Problem::Payload));
                    }
                };
                Ok(vec![What::Status { online, boots: None, reason: None }])
            }
        }
    }
}

impl Stream {
    /// The stream's name for a topic: what stands in the topic may be no name.
    fn fill(&self, places: &Places<'_>) -> Result<String, Wrong> {
        let name = self.name.fill(places);
        if crate::topic::is_name(&name) {
            Ok(name)
        } else {
            let reason = "came on a topic that makes no name of a stream of 1 to 64 bytes";
            Err(Wrong::new("", reason, Problem::Payload))
        }
    }
}

/// The texts at `item` of each entry of the list at `list`; one entry may stand without a list.
fn tags<'a>(payload: &'a Payload<'_>, list: &str, item: &str) -> Result<Vec<&'a str>, Wrong> {
    let found = payload.json()?.pointer(list);
    let found = found.ok_or_else(|| Wrong::new(list, "is missing", Problem::Payload))?;
    let items = match found {
        Json::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    if items.len() > TAGS_MAX {
        return Err(Wrong::new(list, format!("has more than {TAGS_MAX} tags"), Problem::Payload));
    }
    let text = |(index, entry): (usize, &'a Json)| {
        entry.pointer(item).and_then(Json::as_str).ok_or_else(|| {
            Wrong::new(&format!("{list}/{index}{item}"), "is no text with a tag", Problem::Payload)
        })
    };
    items.iter().enumerate().map(text).collect()
}

impl Time {
    /// Milliseconds since 1970; nothing when there is none, or none that can be: a reading is not lost by a bad clock.
    fn read(&self, payload: &Payload<'_>) -> Option<i64> {
        // 2020 to 2100.
        const SANE_MS: std::ops::Range<i64> = 1_577_836_800_000..4_102_444_800_000;
        let value = payload.json().ok()?.pointer(&self.pointer)?;
        let ms = match self.format {
            Format::UnixSeconds => (value.as_f64()? * 1e3) as i64,
            Format::UnixMilliseconds => value.as_f64()? as i64,
            Format::Rfc3339 => value.as_str()?.trim().parse::<jiff::Timestamp>().ok()?.as_millisecond(),
        };
        SANE_MS.contains(&ms).then_some(ms)
    }
}
