//! What a sample becomes by a profile: for whoever writes one.
//!
//! Not here: reading files, printing. A sample is lines of `topic payload`, or one JSON document for the first message.

use super::{ProfileError, Profiles, parse::Profile};
use crate::heard::{Heard, Refusal, What};
use serde::Serialize;
use std::fmt;

/// More lines of a sample are not looked at.
pub const LINES_MAX: usize = 1000;

/// What became of a sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The profile.
    pub profile: String,
    /// What it is for.
    pub model: String,
    /// What became of each line.
    pub lines: Vec<Line>,
}

/// One message of a sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its number in the sample, from 1.
    pub number: usize,
    /// Its topic.
    pub topic: String,
    /// What it says, or why it was refused. Neither: the profile does not hear such a topic or such a payload.
    pub heard: Vec<Said>,
    /// Why it was refused, whole.
    pub refused: Option<Refusal>,
}

/// One thing that was said, as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// By which device.
    pub device: String,
    /// `number`, `tags`, `code`, `status` or `model`.
    pub kind: &'static str,
    /// The stream, where there is one.
    pub stream: Option<String>,
    /// The value with its unit, the tags, the code with its weight, or the streams of the model.
    pub value: String,
    /// When, in milliseconds since 1970, as far as the payload says.
    pub at_ms: Option<i64>,
}

impl Report {
    /// Every line says something.
    #[must_use]
    pub fn is_good(&self) -> bool {
        !self.lines.is_empty()
            && self.lines.iter().all(|line| line.refused.is_none() && !line.heard.is_empty())
    }
}

/// Tries a profile on a sample.
///
/// # Errors
/// What is wrong with the profile. What is wrong with the sample stands in the report.
pub fn check(toml_text: &str, sample: &str) -> Result<Report, ProfileError> {
    let profile = Profile::parse("profile", toml_text)?;
    let (name, model) = (profile.name.to_string(), profile.model.to_string());
    let mut lines = messages(&profile, sample);
    let profiles = Profiles::of(profile);
    let lines = lines.drain(..).map(|(number, topic, payload)| {
        let (heard, refused) = match profiles.hear("store", &topic, payload.as_bytes()) {
            Some(Ok(heard)) => (heard.into_iter().filter_map(said).collect(), None),
            Some(Err(refusal)) => (Vec::new(), Some(refusal)),
            None => (Vec::new(), None),
        };
        Line { number, topic, heard, refused }
    });
    Ok(Report { profile: name, model, lines: lines.collect() })
}

fn messages(profile: &Profile, sample: &str) -> Vec<(usize, String, String)> {
    // A document of its own begins as one; topics do not.
    if sample.trim_start().starts_with(['{', '[']) {
        let topic = profile.messages.first().map(|message| message.topic.example());
        return topic.map(|topic| (1, topic, sample.trim().to_owned())).into_iter().collect();
    }
    let lines = sample.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .take(LINES_MAX)
        .map(|(number, line)| {
            let (topic, payload) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            (number, topic.to_owned(), payload.trim().to_owned())
        })
        .collect()
}

fn said(heard: Heard) -> Option<Said> {
    let Heard { device, what } = heard;
    let (kind, stream, value, at_ms) = match what {
        What::Number(number) => {
            let value = format!("{} {}", rounded(number.value), number.unit);
            ("number", Some(number.stream), value, number.at_ms)
        }
        What::Tags(tags) => {
            let complete = if tags.complete { ", the whole zone" } else { "" };
            let others = match tags.others {
                0 => String::new(),
                others => format!(", {others} without"),
            };
            let value =
                format!("{} with SGTIN-96{others}{complete}: {}", tags.tags.len(), tags.tags.join(" "));
            ("tags", Some(tags.stream), value.trim_end_matches([':', ' ']).to_owned(), tags.at_ms)
        }
        What::Code(code) => {
            let weight =
                code.weight_g.map_or_else(String::new, |weight| format!(", {} gram", rounded(weight)));
            ("code", Some(code.stream), format!("{}{weight}", code.code), code.at_ms)
        }
        What::Status { online, .. } => {
            ("status", None, if online { "online" } else { "offline" }.to_owned(), None)
        }
        What::Model { model, streams, .. } => {
            let streams: Vec<&str> = streams.iter().map(|stream| stream.name.as_str()).collect();
            ("model", None, format!("{model}: {}", streams.join(", ")), None)
        }
        // Only devices of the contract say such things.
        What::Announce(..) | What::Reported(_) | What::Response { .. } => return None,
    };
    Some(Said { device, kind, stream, value, at_ms })
}

/// To millionths, as a store keeps it.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// For a terminal: a line for each thing that was said.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile `{}` for {}", self.profile, self.model)?;
        for line in &self.lines {
            writeln!(f, "{:>4}  {}", line.number, line.topic)?;
            if line.heard.is_empty() && line.refused.is_none() {
                writeln!(f, "      not heard: no message of the profile fits the topic and the payload")?;
            }
            for said in &line.heard {
                let stream = said.stream.as_deref().unwrap_or("-");
                write!(f, "      {:<16} {:<7} {:<20} {}", said.device, said.kind, stream, said.value)?;
                match said.at_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
                    Some(at) => writeln!(f, "  at {at}")?,
                    None => writeln!(f)?,
                }
            }
            if let Some(refusal) = &line.refused {
                writeln!(f, "      refused: {}", refusal.to_string().replace('\n', "\n      "))?;
            }
        }
        Ok(())
    }
}
