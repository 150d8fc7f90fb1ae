//! What a number counts.
//!
//! The names are those that the store's journal knows. Not here: other units that foreign devices use; a profile converts.

use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! units {
    ($($(#[$doc:meta])+ $name:ident $text:literal,)+) => {
        /// What a number counts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Unit {
            $($(#[$doc])+ #[serde(rename = $text)] $name,)+
        }

        impl Unit {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name in payloads and files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The unit of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

units! {
    /// Degrees Celsius.
    Celsius "celsius",
    /// Relative humidity in percent.
    HumidityPercent "humidity_percent",
    /// Grams.
    Gram "gram",
    /// Watts.
    Watt "watt",
    /// Kilowatt hours.
    KilowattHour "kilowatt_hour",
    /// Volts.
    Volt "volt",
    /// 1 is open, 0 is closed.
    Open "open",
    /// 1 is on, 0 is off.
    On "on",
    /// People, pieces, times.
    Count "count",
    /// Charge or level in percent.
    Percent "percent",
    /// Signal strength in dBm.
    Dbm "dbm",
    /// Seconds.
    Second "second",
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
