//! Numbers as staff see them: never without their age, and how sure the store is.
//!
//! Not here: how a number is arrived at (`aisle-inventory`, `aisle-devices`).
//! Guards the promise to staff: an estimate and a reading cannot be built without their time and their confidence.

use crate::{
    api::views::{as_number, as_time},
    text::Rfc3339,
};
use aisle_event::{Quantity, Timestamp, Unit, device::Measured};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// An amount of goods that the store concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "EstimateView")]
pub struct Estimate {
    /// The best guess.
    pub value: Quantity,
    /// With nine chances in ten there is at least this.
    pub low: Quantity,
    /// With nine chances in ten there is at most this.
    pub high: Quantity,
    /// How sure the store is, from 0 to 1000.
    pub confidence_permille: u16,
    /// The time of the newest thing that it rests on.
    pub as_of: Timestamp,
}

/// A number that a sensor gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(as = StaffReading)]
pub struct Reading {
    /// How much; a finite number.
    pub value: f64,
    /// Of what.
    #[schema(value_type = String, example = "celsius")]
    pub measured: Measured,
    /// How far the sensor is believed, from 0 to 1000: less while it is flagged.
    #[schema(minimum = 0, maximum = 1000)]
    pub confidence_permille: u16,
    /// When it was measured.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// An amount of goods that the store concludes, with the bounds that it lies in nine times out of ten.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffEstimate)]
pub(crate) struct EstimateView {
    /// The best guess, in units.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = f64)]
    value: Quantity,
    /// The lower bound.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = f64)]
    low: Quantity,
    /// The upper bound.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = f64)]
    high: Quantity,
    /// What it is counted in.
    #[schema(value_type = String, example = "each")]
    unit: Unit,
    /// How sure the store is, from 0 to 1000.
    #[schema(minimum = 0, maximum = 1000)]
    confidence_permille: u16,
    /// The time of the newest thing that it rests on.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
}

impl From<Estimate> for EstimateView {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.value,
            low: estimate.low,
            high: estimate.high,
            unit: estimate.value.unit,
            confidence_permille: estimate.confidence_permille,
            as_of: estimate.as_of,
        }
    }
}

/// A quantity with its unit: `6`, `1.5 kg`.
pub(super) fn as_quantity<S: Serializer>(
    quantity: &Option<Quantity>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match quantity {
        Some(quantity) => serializer.collect_str(quantity),
        None => serializer.serialize_none(),
    }
}

pub(super) fn as_time_or_null<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&Rfc3339(*time)),
        None => serializer.serialize_none(),
    }
}
