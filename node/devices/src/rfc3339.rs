//! Times in JSON as RFC 3339 in UTC, `2026-11-21T08:15:00.25Z`, for `#[serde(with = "…")]`. What is no time of the calendar is
//! written as its nearest end.

use aisle_event::Timestamp;
use jiff::Timestamp as Instant;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

fn instant(at: Timestamp) -> Instant {
    let end = if at.0 < 0 { Instant::MIN } else { Instant::MAX };
    Instant::from_millisecond(at.0).unwrap_or(end)
}

/// Writes a time.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&instant(*at))
}

/// Reads a time.
///
/// # Errors
/// When it is no RFC 3339 time.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let at: Instant = text.parse().map_err(D::Error::custom)?;
    Ok(Timestamp(at.as_millisecond()))
}

/// The same where there may be none.
pub mod option {
    use super::instant;
    use aisle_event::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes a time, or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.collect_str(&instant(*at)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a time, or null.
    ///
    /// # Errors
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        #[derive(Deserialize)]
        struct At(#[serde(with = "super")] Timestamp);
        Ok(Option::<At>::deserialize(deserializer)?.map(|at| at.0))
    }
}
