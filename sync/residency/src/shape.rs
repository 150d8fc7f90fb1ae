//! What kind of value a field holds, read from its type as the definition writes it. Says what a policy can do with it, and guards
//! that a value which passes is what the definition promises.

use crate::cbor;
use aisle_event::{Currency, Money, Quantity};
use std::fmt;

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Milliseconds since 1970.
    Time,
    /// A day of the calendar.
    Day,
    /// Minor units of a currency.
    Money,
    /// Thousandths of a unit.
    Quantity,
    /// Millionths of a unit.
    Measure,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// One of a fixed set, or a number that only names.
    Code,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A type that this crate does not know. Nothing of it leaves.
    Unknown,
}

impl Shape {
    /// True when the bytes are exactly one value of this kind.
    #[must_use]
    pub fn admits(self, value: &[u8]) -> bool {
        match self {
            Self::Time | Self::Day | Self::Measure | Self::Number => {
                cbor::only::<i64>(value).is_some() || cbor::only::<u64>(value).is_some()
            }
            Self::Money => cbor::only::<Money>(value).is_some(),
            Self::Quantity => cbor::only::<Quantity>(value).is_some(),
            Self::Flag => cbor::only::<bool>(value).is_some(),
            Self::Code => cbor::only::<u64>(value).is_some() || cbor::only::<Currency>(value).is_some(),
            Self::Text => cbor::only::<&str>(value).is_some(),
            Self::Bytes => cbor::only_bytes(value).is_some(),
            Self::Unknown => false,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "a time",
            Self::Day => "a day",
            Self::Money => "money",
            Self::Quantity => "a quantity",
            Self::Measure => "a measure",
            Self::Number => "a number",
            Self::Flag => "yes or no",
            Self::Code => "one of a set",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Unknown => "of an unknown type",
        })
    }
}

/// How many values a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Many {
    One,
    AtMostOne,
    List,
}

/// A field's type: how many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    pub(crate) many: Many,
    pub(crate) shape: Shape,
    /// The inner type's name: tokens of one type can be brought together, those of two cannot.
    pub(crate) domain: &'static str,
}

impl Holds {
    pub(crate) fn read(holds: &'static str) -> Self {
        let inside = |outer: &str| holds.strip_prefix(outer)?.strip_prefix('<')?.strip_suffix('>');
        let (many, domain) = match (inside("Option"), inside("Vec")) {
            (Some(inner), _) => (Many::AtMostOne, inner),
            (_, Some(inner)) => (Many::List, inner),
            _ => (Many::One, holds),
        };
        Self { many, shape: shape_of(domain), domain }
    }
}

fn shape_of(type_name: &str) -> Shape {
    match type_name {
        "Timestamp" => Shape::Time,
        "Day" => Shape::Day,
        "Money" => Shape::Money,
        "Quantity" => Shape::Quantity,
        "Measure" => Shape::Measure,
        "u16" | "u32" | "u64" | "i64" => Shape::Number,
        "bool" => Shape::Flag,
        "Name" | "Text" | "Sku" | "LotId" | "SessionId" | "CustomerRef" | "DeviceId" | "SourceName"
        | "DocumentId" | "StoreId" => Shape::Text,
        "Blob" => Shape::Bytes,
        "Gtin" | "Currency" | "Unit" | "AdjustmentKind" | "Slot" | "Rung" | "EndReason" | "AdjustReason"
        | "StopReason" | "MqttQos" | "MqttSessionEnd" | "Measured" | "StreamKind" | "Place"
        | "DeviceProblem" | "AnomalyKind" | "CommandEnd" | "TaskKind" | "TaskEnd" | "ColdGroup"
        | "ColdRule" | "ColdVerdict" | "PluginHook" | "PluginAction" | "ErasureStep" => Shape::Code,
        _ => Shape::Unknown,
    }
}
