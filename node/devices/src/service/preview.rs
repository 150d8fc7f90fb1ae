//! What devices say that are not approved: the last value of each stream, for whoever is to approve them. In memory only.

use aisle_event::Timestamp;
use imbl::OrdMap;
use serde::{Deserialize, Serialize, Serializer};
use std::sync::Arc;
use utoipa::ToSchema;

/// Streams of one device that are shown.
const STREAMS_MAX: usize = 16;

/// What was heard and is not trusted. A clone shares everything.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Preview {
    /// By device.
    #[serde(serialize_with = "by_name")]
    pub devices: OrdMap<String, Arc<HeardDevice>>,
    /// Announcements that found no room since the service started.
    pub shed: u64,
}

/// What one unapproved device says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeardDevice {
    /// By stream, the last value.
    pub streams: Vec<HeardStream>,
    /// Whether it says that it is there.
    pub online: Option<bool>,
    /// What was wrong with its last message that could not be used, in words.
    pub problem: Option<String>,
    /// It was heard only by what the broker had kept: it may be long gone.
    pub is_only_retained: bool,
}

/// The last value of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeardStream {
    /// The stream.
    pub stream: String,
    /// The value with its unit, in words.
    pub value: String,
    /// When it was heard.
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

fn by_name<S: Serializer>(
    devices: &OrdMap<String, Arc<HeardDevice>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(devices.iter().map(|(name, device)| (name, &**device)))
}

impl Preview {
    /// Changes what is known of a device; a further device beyond the bound is not shown.
    pub(super) fn change(&mut self, device: &str, devices_max: usize, change: impl FnOnce(&mut HeardDevice)) {
        if let Some(known) = self.devices.get_mut(device) {
            change(Arc::make_mut(known));
        } else if self.devices.len() < devices_max {
            let mut heard = HeardDevice { is_only_retained: true, ..HeardDevice::default() };
            change(&mut heard);
            self.devices.insert(device.to_owned(), Arc::new(heard));
        }
    }
}

impl HeardDevice {
    pub(super) fn stream(&mut self, stream: &str, value: String, at: Timestamp) {
        if let Some(known) = self.streams.iter_mut().find(|known| known.stream == stream) {
            (known.value, known.at) = (value, at);
        } else if self.streams.len() < STREAMS_MAX {
            self.streams.push(HeardStream { stream: stream.to_owned(), value, at });
        }
    }
}
