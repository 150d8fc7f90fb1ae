//! A profile's file as a profile, or what is wrong with it.
//!
//! Not here: what a profile does with payloads ([`super::hear`]). Guards: a wrong profile is refused whole.

use super::{
    PROFILE_BYTES_MAX, ProfileError,
    code::{LAYOUTS_MAX, Layout},
    command::Command,
    measure::{self, Measure, pointer, unit},
    pattern::{Pattern, Template},
    section::Section,
};
use crate::{heard::StreamSeen, message::StreamKind, nearest::nearest};
use std::sync::Arc;

/// A profile has at most so many messages.
pub const MESSAGES_MAX: usize = 16;
/// A message has at most so many values.
pub const VALUES_MAX: usize = 16;
/// A profile has at most so many commands.
pub const COMMANDS_MAX: usize = 8;

/// A profile that can be used.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) name: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) discovery: Pattern,
    pub(super) messages: Vec<Message>,
    pub(super) commands: Vec<Command>,
    /// The streams whose names have no places in them.
    pub(super) streams: Arc<[StreamSeen]>,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) topic: Pattern,
    pub(super) when: Option<String>,
    pub(super) time: Option<Time>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) struct Time {
    pub(super) pointer: String,
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    UnixSeconds,
    UnixMilliseconds,
    Rfc3339,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Numbers(Vec<Value>),
    Tags { list: String, item: String, stream: Stream, is_complete: bool },
    Code { pointer: Option<String>, stream: Stream, weight: Option<Measure>, layouts: Vec<Layout> },
    Status { pointer: Option<String>, online: String, offline: String },
}

#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) measure: Measure,
    pub(super) stream: Stream,
}

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) name: Template,
    pub(super) interval_s: Option<u32>,
}

impl Profile {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let not_toml = |reason: String| ProfileError::Toml { profile: file.to_owned(), reason };
        if text.len() > PROFILE_BYTES_MAX {
            return Err(not_toml(format!("it has more than {PROFILE_BYTES_MAX} bytes")));
        }
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| not_toml(error.to_string().trim_end().to_owned()))?;
        let root = Section::root(file, &table);
        root.only(&["profile", "model", "match", "message", "command"])?;
        let discovery = pattern(&root, "match")?;
        let sections = root.sections("message", MESSAGES_MAX)?;
        if sections.is_empty() {
            return Err(root.refuse("message", "at least one `[[message]]`"));
        }
        let messages = sections.iter().map(|section| Message::parse(section, &discovery));
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        if !messages.iter().any(|message| message.topic.meets(&discovery)) {
            let hint = "a device appears with a message on a topic that fits `match`, too".to_owned();
            return Err(root.refuse_with("match", "a pattern that the topic of a message fits", Some(hint)));
        }
        let commands = root.sections("command", COMMANDS_MAX)?;
        let commands = commands.iter().map(Command::parse).collect::<Result<Vec<_>, _>>()?;
        for (index, command) in commands.iter().enumerate() {
            if commands.iter().take(index).any(|other| other.name == command.name) {
                return Err(root.refuse("command", format!("one command named `{}`", command.name)));
            }
        }
        let mut streams: Vec<StreamSeen> = Vec::new();
        for seen in
            messages.iter().flat_map(Message::streams).filter(|(stream, ..)| stream.name.place().is_none())
        {
            let seen = seen_as(seen, &[]);
            match streams.iter().find(|other| other.name == seen.name) {
                None => streams.push(seen),
                Some(other) if (other.kind, other.unit) == (seen.kind, seen.unit) => {}
                Some(other) => {
                    let expected = format!("one kind and one unit for the stream `{}`", other.name);
                    return Err(root.refuse("message", expected));
                }
            }
        }
        Ok(Self {
            name: root.name("profile", 32)?.into(),
            model: root.required("model")?.into(),
            discovery,
            messages,
            commands,
            streams: streams.into(),
        })
    }
}

fn pattern(section: &Section<'_>, key: &str) -> Result<Pattern, ProfileError> {
    Pattern::parse(section.required(key)?).map_err(|expected| {
        let hint =
            "a pattern is like `tele/{device}/SENSOR`; `{name}` and `+` stand for one level".to_owned();
        section.refuse_with(key, expected, Some(hint))
    })
}

/// A stream with what comes by it.
pub(super) type Streamed<'a> = (&'a Stream, StreamKind, Option<crate::unit::Unit>);

pub(super) fn seen_as((stream, kind, unit): Streamed<'_>, places: &[(&str, &str)]) -> StreamSeen {
    StreamSeen { name: stream.name.fill(places), kind, unit, interval_s: stream.interval_s }
}

impl Message {
    fn parse(section: &Section<'_>, discovery: &Pattern) -> Result<Self, ProfileError> {
        let kinds = ["number", "tags", "code", "status"];
        let kind = section.required("kind")?;
        // What belongs to a kind stands in a table of its name, but values, of which there are many.
        let own = match kind {
            "number" => "value",
            "tags" | "code" | "status" => kind,
            _ => {
                let near = nearest(kind, kinds.into_iter());
                let hint = near.map(|near| format!("the nearest kind is `{near}`"));
                return Err(section.refuse_with("kind", "`number`, `tags`, `code` or `status`", hint));
            }
        };
        section.only(&["topic", "kind", "when", "time", own])?;
        let topic = if section.has("topic") { pattern(section, "topic")? } else { discovery.clone() };
        let when = pointer(section, "when")?;
        let time = section.section("time")?.map(|time| Time::parse(&time)).transpose()?;
        let kind = if kind == "number" {
            Kind::numbers(section, &topic)?
        } else {
            let own = section.section(own)?.ok_or_else(|| section.refuse(own, "a table"))?;
            match kind {
                "tags" => Kind::tags(&own, &topic)?,
                "code" => Kind::code(&own, &topic)?,
                _ => Kind::status(&own)?,
            }
        };
        Ok(Self { topic, when, time, kind })
    }

    pub(super) fn streams(&self) -> Vec<Streamed<'_>> {
        match &self.kind {
            Kind::Numbers(values) => values
                .iter()
                .map(|value| (&value.stream, StreamKind::Number, Some(value.measure.unit.unit)))
                .collect(),
            Kind::Tags { stream, .. } => vec![(stream, StreamKind::Tags, None)],
            Kind::Code { stream, .. } => vec![(stream, StreamKind::Code, None)],
            Kind::Status { .. } => Vec::new(),
        }
    }
}

impl Time {
    fn parse(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["pointer", "format"])?;
        let format = match section.required("format")? {
            "unix_s" => Format::UnixSeconds,
            "unix_ms" => Format::UnixMilliseconds,
            "rfc3339" => Format::Rfc3339,
            _ => return Err(section.refuse("format", "`unix_s`, `unix_ms` or `rfc3339`")),
        };
        let pointer = pointer(section, "pointer")?;
        Ok(Self { pointer: pointer.ok_or_else(|| section.refuse("pointer", "a JSON pointer"))?, format })
    }
}

impl Stream {
    fn parse(section: &Section<'_>, topic: &Pattern) -> Result<Self, ProfileError> {
        let text = section.required("stream")?;
        let name = Template::parse(text).map_err(|expected| section.refuse("stream", expected))?;
        if text.len() > 24 || !crate::topic::is_name(&text.replace(['{', '}'], "")) {
            return Err(section.refuse("stream", "a name of 1 to 24 bytes without `/`, `+`, `#`"));
        }
        if let Some(place) = name.place()
            && !topic.places().any(|other| other == place)
        {
            return Err(section.refuse("stream", "a place that its topic has"));
        }
        let mut interval_s = None;
        if let Some(sampling) = section.section("sampling")? {
            sampling.only(&["interval_s"])?;
            let interval = sampling.integer("interval_s")?.map(u32::try_from);
            interval_s = match interval {
                Some(Ok(interval @ 1..)) => Some(interval),
                None => None,
                Some(_) => return Err(sampling.refuse("interval_s", "a whole number of seconds from 1")),
            };
        }
        Ok(Self { name, interval_s })
    }
}

impl Kind {
    fn numbers(section: &Section<'_>, topic: &Pattern) -> Result<Self, ProfileError> {
        let sections = section.sections("value", VALUES_MAX)?;
        if sections.is_empty() {
            return Err(section.refuse("value", "at least one `[[message.value]]`"));
        }
        let value = |section: &Section<'_>| {
            section.only(&[&measure::KEYS[..], &["stream", "sampling"]].concat())?;
            Ok(Value { measure: Measure::parse(section)?, stream: Stream::parse(section, topic)? })
        };
        sections.iter().map(value).collect::<Result<_, _>>().map(Self::Numbers)
    }

    fn tags(section: &Section<'_>, topic: &Pattern) -> Result<Self, ProfileError> {
        section.only(&["list", "item", "stream", "complete", "sampling"])?;
        Ok(Self::Tags {
            list: pointer(section, "list")?.unwrap_or_default(),
            item: pointer(section, "item")?.unwrap_or_default(),
            stream: Stream::parse(section, topic)?,
            is_complete: section.flag("complete")?.unwrap_or(false),
        })
    }

    fn code(section: &Section<'_>, topic: &Pattern) -> Result<Self, ProfileError> {
        section.only(&["pointer", "stream", "weight", "variable_measure", "sampling"])?;
        let weight = match section.section("weight")? {
            None => None,
            Some(weight) => {
                weight.only(&measure::KEYS)?;
                let measure = Measure::parse(&weight)?;
                if measure.unit.unit != crate::unit::Unit::Gram {
                    return Err(weight.refuse("unit", "a unit of weight"));
                }
                Some(measure)
            }
        };
        let layout = |section: &Section<'_>| {
            section.only(&["layout", "unit"])?;
            let unit = unit(section)?;
            if unit.unit != crate::unit::Unit::Gram {
                return Err(section.refuse("unit", "a unit of weight"));
            }
            Layout::parse(section.required("layout")?, unit)
                .ok_or_else(|| section.refuse("layout", "13 marks such as `28IIIIIWWWWWC`"))
        };
        let layouts = section.sections("variable_measure", LAYOUTS_MAX)?;
        Ok(Self::Code {
            pointer: pointer(section, "pointer")?,
            stream: Stream::parse(section, topic)?,
            weight,
            layouts: layouts.iter().map(layout).collect::<Result<_, _>>()?,
        })
    }

    fn status(section: &Section<'_>) -> Result<Self, ProfileError> {
        section.only(&["pointer", "online", "offline"])?;
        let (online, offline) = (section.required("online")?, section.required("offline")?);
        if online == offline {
            return Err(section.refuse("offline", "another word than `online`"));
        }
        let pointer = pointer(section, "pointer")?;
        Ok(Self::Status { pointer, online: online.to_owned(), offline: offline.to_owned() })
    }
}
