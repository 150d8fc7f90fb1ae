//! What a node hears from devices, whatever they speak: the contract ([`contract`]) or something foreign
//! ([`crate::profile`]).
//!
//! Not here: whether a device is known or trusted, and what a reading means. Guards invariant 10: a payload is heard whole or
//! refused whole, with a path, a reason and what is wrong in kind.

pub(crate) mod contract;

use crate::{
    message::{Announce, Encoding, Reported, Response, StreamKind},
    unit::Unit,
};
use serde::Serialize;
use std::{fmt, sync::Arc};

/// Lighter than this, in grams, no scale is by its drift alone: a reading below is refused as a value.
pub const WEIGHT_BELOW_ZERO_MAX_G: f64 = 50.0;

/// Something that a device said.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Which device.
    pub device: String,
    /// What it said.
    pub what: What,
}

/// What can be said.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A device of the contract describes itself.
    Announce(Box<Announce>, Encoding),
    /// A foreign device was seen by a topic that tells what it is. Comes with each such message; the streams are those that
    /// the profile always has and those in this message, so what is known of a device is the union.
    Model {
        /// What it is.
        model: Arc<str>,
        /// The profile that understands it.
        profile: Arc<str>,
        /// What it measures.
        streams: Arc<[StreamSeen]>,
    },
    /// It came or went.
    Status {
        /// It is there.
        online: bool,
        /// How often it has started; only the contract says.
        boots: Option<u32>,
        /// Why, in the device's words.
        reason: Option<String>,
    },
    /// It measured a number.
    Number(Number),
    /// It read RFID tags.
    Tags(Tags),
    /// It scanned a code.
    Code(Code),
    /// It says what it is set to.
    Reported(Box<Reported>),
    /// It answers a request.
    Response {
        /// The command.
        command: String,
        /// The answer.
        response: Box<Response>,
    },
}

/// A stream of a foreign device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamSeen {
    /// Its name.
    pub name: String,
    /// What comes by it.
    pub kind: StreamKind,
    /// What its numbers count.
    pub unit: Option<Unit>,
    /// How often it speaks when all is well, in seconds.
    pub interval_s: Option<u32>,
}

/// A number that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// By which stream.
    pub stream: String,
    /// What it counts.
    pub unit: Unit,
    /// How much: always finite, and possible for its unit.
    pub value: f64,
    /// When, in milliseconds since 1970, as far as the device says.
    pub at_ms: Option<i64>,
    /// The start of the device that `n` belongs to.
    pub boot: Option<u32>,
    /// Its number among those of the stream since then.
    pub n: Option<u32>,
}

/// Tags that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// By which stream.
    pub stream: String,
    /// The tags with an SGTIN-96, each once, as 24 hexadecimal digits in capitals.
    pub tags: Vec<String>,
    /// How many others there were: badges, other numbers.
    pub others: usize,
    /// The whole zone was looked at.
    pub complete: bool,
    /// When, in milliseconds since 1970, as far as the device says.
    pub at_ms: Option<i64>,
    /// The start of the device that `n` belongs to.
    pub boot: Option<u32>,
    /// The message's number since then.
    pub n: Option<u32>,
}

/// A code that was scanned.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// By which stream.
    pub stream: String,
    /// What was read. Of a code with a weight in it: the code of the goods, with zeros for the weight.
    pub code: String,
    /// What lay on the scale, in grams.
    pub weight_g: Option<f64>,
    /// When, in milliseconds since 1970, as far as the device says.
    pub at_ms: Option<i64>,
    /// The start of the device that `n` belongs to.
    pub boot: Option<u32>,
    /// The message's number since then.
    pub n: Option<u32>,
}

/// What kind of wrong a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// It cannot be read.
    Payload,
    /// A number that is none, or that cannot be.
    Value,
    /// A unit that is not known, or not the stream's.
    Unit,
}

/// Why a payload was refused, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Whose, where the topic says.
    pub device: Option<String>,
    /// Where in the payload; empty for the whole.
    pub path: String,
    /// Why, going on from the path.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// In kind.
    pub problem: Problem,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the payload {}", self.reason)?,
            path => write!(f, "`{path}` {}", self.reason)?,
        }
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl std::error::Error for Refusal {}

/// A number that can be of its unit, or why it cannot: nothing is colder than absolute zero, nothing weighs less than nothing.
pub(crate) fn possible(unit: Unit, value: f64) -> Result<f64, String> {
    // What a store's journal holds of any measure, in units.
    const ANY: f64 = 9.0e12;
    let (least, most) = match unit {
        Unit::Celsius => (-273.15, 2000.0),
        // Sensors stray a little beyond both ends.
        Unit::HumidityPercent | Unit::Percent => (-1.0, 110.0),
        Unit::Gram => (-WEIGHT_BELOW_ZERO_MAX_G, 1e9),
        Unit::Open | Unit::On => (0.0, 1.0),
        Unit::Dbm => (-250.0, 100.0),
        Unit::Watt | Unit::KilowattHour | Unit::Volt | Unit::Count | Unit::Second => (-ANY, ANY),
    };
    if !value.is_finite() {
        Err(format!("is {value}, expected a finite number"))
    } else if value < least || value > most {
        Err(format!("is {value} {unit}, expected {least} to {most}"))
    } else {
        Ok(value)
    }
}

/// Sorts what a reader read into pieces of goods and the rest.
pub(crate) fn goods<'a>(tags: impl Iterator<Item = &'a str>) -> (Vec<String>, usize) {
    let mut goods = std::collections::BTreeSet::new();
    let mut others = 0;
    for tag in tags {
        let tag = tag.trim().to_ascii_uppercase();
        if crate::epc::Sgtin96::parse(&tag).is_ok() {
            goods.insert(tag);
        } else {
            others += 1;
        }
    }
    (goods.into_iter().collect(), others)
}
