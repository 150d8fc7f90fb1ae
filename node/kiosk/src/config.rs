//! What an operator can set about the kiosk, and the zone that its clock times are written in.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the kiosk. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The shop's name, at the top of every page.
    pub store_name: String,
    /// The zone of the times on pages, as in the IANA database: `Europe/London`.
    #[schemars(with = "String")]
    pub time_zone: Zone,
    /// A page that nobody touches for so many seconds goes back to the start and the basket is emptied.
    pub idle_reset_s: u32,
    /// The shopper is asked whether they are still there so many seconds before that.
    pub idle_warning_s: u32,
    /// The receipt stays on the screen for so many seconds.
    pub thanks_s: u32,
    /// Prices older than so many hours are shown with their age.
    pub prices_stale_after_h: u32,
    /// The largest request body, in bytes; a larger one is answered 413.
    pub body_bytes_max: usize,
    /// A request that takes longer, in milliseconds, is answered 503.
    pub request_timeout_ms: u64,
    /// How many requests are worked on at once; a further one is answered 503.
    pub concurrent_requests_max: usize,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct InvalidConfig {
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub found: String,
    /// What it may hold.
    pub expected: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store_name: "Aisle".into(),
            time_zone: Zone(TimeZone::UTC),
            idle_reset_s: 90,
            idle_warning_s: 15,
            thanks_s: 20,
            prices_stale_after_h: 48,
            body_bytes_max: 64 << 10,
            request_timeout_ms: 10_000,
            concurrent_requests_max: 512,
        }
    }
}

impl Config {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let refuse = |field, found: String, expected| Err(InvalidConfig { field, found, expected });
        if self.store_name.trim().is_empty() {
            return refuse("store_name", format!("{:?}", self.store_name), "a name");
        }
        if self.idle_reset_s < 10 {
            return refuse("idle_reset_s", self.idle_reset_s.to_string(), "at least 10");
        }
        if self.idle_warning_s == 0 || self.idle_warning_s >= self.idle_reset_s {
            return refuse(
                "idle_warning_s",
                self.idle_warning_s.to_string(),
                "at least 1 and less than `idle_reset_s`",
            );
        }
        if self.thanks_s == 0 {
            return refuse("thanks_s", "0".into(), "at least 1");
        }
        if self.body_bytes_max < 1024 {
            return refuse("body_bytes_max", self.body_bytes_max.to_string(), "at least 1024");
        }
        if self.request_timeout_ms < 100 {
            return refuse("request_timeout_ms", self.request_timeout_ms.to_string(), "at least 100");
        }
        if self.concurrent_requests_max == 0 {
            return refuse("concurrent_requests_max", "0".into(), "at least 1");
        }
        Ok(())
    }
}

/// A time zone that exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// Why a text is not a time zone.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{name}` is no time zone that this computer knows: {reason}\nhint: use a name such as `Europe/London` or `UTC`"
)]
pub struct InvalidZone {
    name: String,
    reason: jiff::Error,
}

impl Zone {
    /// The zone itself.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.0
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(name: String) -> Result<Self, InvalidZone> {
        TimeZone::get(&name).map(Self).map_err(|reason| InvalidZone { name, reason })
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.iana_name().unwrap_or("UTC").into()
    }
}
