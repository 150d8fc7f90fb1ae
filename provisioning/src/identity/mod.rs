//! Who somebody is: one URI in a certificate (SPIFFE X.509-SVID, section 2).
//!
//! ```text
//! spiffe://<chain>/store/<store>/node/<serial>      a box
//! spiffe://<chain>/store/<store>/device/<device>    what speaks MQTT to it
//! spiffe://<chain>/hub/<name>                       a hub, called by its DNS name or address too
//! spiffe://<chain>/relay/<name>                     a hub that calls another one for its stores
//! ```
//!
//! Not here: whether a certificate holds (`verify`), what it is made of (`issue`).
//! Guards: a name is read whole or not at all, and two ways to write one name do not exist. What is written here is read by
//! `aisle-transport` and `aisle-broker`, which have narrower readers of their own.

mod name;

pub(crate) use name::shown;
pub use name::{
    CHAIN_BYTES_MAX, Chain, Device, HubName, InvalidName, NameFault, PART_BYTES_MAX, Serial, Store,
};

use minicbor::{Decode, Decoder, Encode, Encoder};
use std::{fmt, str::FromStr};

/// The most bytes of a name, as SPIFFE has it (section 2.3 of SPIFFE-ID).
pub const IDENTITY_BYTES_MAX: usize = 2048;

const SCHEME: &str = "spiffe://";

/// Who holds a certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A box in a store.
    Node {
        /// Whose.
        chain: Chain,
        /// Where it stands.
        store: Store,
        /// Which one.
        serial: Serial,
    },
    /// A device in a store.
    Device {
        /// Whose.
        chain: Chain,
        /// Where it is.
        store: Store,
        /// Which one.
        device: Device,
    },
    /// A hub.
    Hub {
        /// Whose.
        chain: Chain,
        /// Which one.
        name: HubName,
    },
    /// A hub that speaks for its stores to a hub above.
    Relay {
        /// Whose.
        chain: Chain,
        /// Which one.
        name: HubName,
    },
}

/// What an identity is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A box in a store.
    Node,
    /// What speaks MQTT to it.
    Device,
    /// A hub.
    Hub,
    /// A hub that calls another one.
    Relay,
}

impl Kind {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Device => "device",
            Self::Hub => "hub",
            Self::Relay => "relay",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    /// It does not begin as it must.
    #[error("`{found}` is no identity: it does not begin with `spiffe://`\nhint: {hint}")]
    Scheme {
        /// The text, cut.
        found: String,
        /// What to do.
        hint: String,
    },
    /// It has more bytes than a name may have.
    #[error("an identity has at most {IDENTITY_BYTES_MAX} bytes; this has {bytes}")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// The path is none that is known.
    #[error("`{found}` is no identity: its path is not one of four\nhint: {hint}")]
    Path {
        /// The text, cut.
        found: String,
        /// The nearest of the four, or all.
        hint: String,
    },
    /// A part of it cannot be.
    #[error(transparent)]
    Part(#[from] InvalidName),
}

impl Identity {
    /// A box in a store.
    #[must_use]
    pub const fn node(chain: Chain, store: Store, serial: Serial) -> Self {
        Self::Node { chain, store, serial }
    }

    /// A device in a store.
    #[must_use]
    pub const fn device(chain: Chain, store: Store, device: Device) -> Self {
        Self::Device { chain, store, device }
    }

    /// A hub.
    #[must_use]
    pub const fn hub(chain: Chain, name: HubName) -> Self {
        Self::Hub { chain, name }
    }

    /// A hub that calls another one.
    #[must_use]
    pub const fn relay(chain: Chain, name: HubName) -> Self {
        Self::Relay { chain, name }
    }

    /// What it is of.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Node { .. } => Kind::Node,
            Self::Device { .. } => Kind::Device,
            Self::Hub { .. } => Kind::Hub,
            Self::Relay { .. } => Kind::Relay,
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        match self {
            Self::Node { chain, .. }
            | Self::Device { chain, .. }
            | Self::Hub { chain, .. }
            | Self::Relay { chain, .. } => chain,
        }
    }

    /// The store, of what is in one.
    #[must_use]
    pub const fn store(&self) -> Option<&Store> {
        match self {
            Self::Node { store, .. } | Self::Device { store, .. } => Some(store),
            Self::Hub { .. } | Self::Relay { .. } => None,
        }
    }

    /// What comes last: the serial, the device, the name. It is the common name of a request.
    #[must_use]
    pub fn last(&self) -> &str {
        match self {
            Self::Node { serial, .. } => serial.as_str(),
            Self::Device { device, .. } => device.as_str(),
            Self::Hub { name, .. } | Self::Relay { name, .. } => name.as_str(),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { chain, store, serial } => write!(f, "{SCHEME}{chain}/store/{store}/node/{serial}"),
            Self::Device { chain, store, device } => {
                write!(f, "{SCHEME}{chain}/store/{store}/device/{device}")
            }
            Self::Hub { chain, name } => write!(f, "{SCHEME}{chain}/hub/{name}"),
            Self::Relay { chain, name } => write!(f, "{SCHEME}{chain}/relay/{name}"),
        }
    }
}

impl FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        if text.len() > IDENTITY_BYTES_MAX {
            return Err(InvalidIdentity::TooLong { bytes: text.len() });
        }
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| wrong_scheme(text))?;
        let steps: Vec<&str> = rest.split('/').collect();
        match steps.as_slice() {
            [chain, "store", store, "node", serial] => {
                Ok(Self::node(Chain::new(chain)?, Store::new(store)?, Serial::new(serial)?))
            }
            [chain, "store", store, "device", device] => {
                Ok(Self::device(Chain::new(chain)?, Store::new(store)?, Device::new(device)?))
            }
            [chain, "hub", name] => Ok(Self::hub(Chain::new(chain)?, HubName::new(name)?)),
            [chain, "relay", name] => Ok(Self::relay(Chain::new(chain)?, HubName::new(name)?)),
            _ => Err(InvalidIdentity::Path { found: shown(text), hint: nearest_path(&steps) }),
        }
    }
}

fn wrong_scheme(text: &str) -> InvalidIdentity {
    let scheme = text.split("//").next().unwrap_or_default();
    let hint = if text.contains("//") && is_near(scheme, "spiffe:") {
        "write `spiffe://` in small letters".to_owned()
    } else {
        "an identity is a URI, e.g. `spiffe://shops.example/store/berlin-12/node/4711`".to_owned()
    };
    InvalidIdentity::Scheme { found: shown(text), hint }
}

/// The path that was perhaps meant: the words are compared, and what belongs between them is left as it is.
fn nearest_path(steps: &[&str]) -> String {
    let meant = match steps {
        [_, first, store, second, last] if is_near(first, "store") => ["node", "device"]
            .into_iter()
            .find(|word| is_near(second, word))
            .map(|word| format!("store/{}/{word}/{}", shown(store), shown(last))),
        [_, first, last] => ["hub", "relay"]
            .into_iter()
            .find(|word| is_near(first, word))
            .map(|word| format!("{word}/{}", shown(last))),
        _ => None,
    };
    meant.map_or_else(
        || "`store/<store>/node/<serial>`, `store/<store>/device/<device>`, `hub/<name>` or `relay/<name>` follows the chain".to_owned(),
        |meant| format!("was `{meant}` meant?"),
    )
}

/// At most two letters from being the same.
fn is_near(text: &str, word: &str) -> bool {
    text.len() <= word.len() + 2 && strsim::osa_distance(&text.to_lowercase(), word) <= 2
}

impl<C> Encode<C> for Identity {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(&self.to_string()).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Identity {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        decoder
            .str()?
            .parse()
            .map_err(|error: InvalidIdentity| minicbor::decode::Error::message(error.to_string()))
    }
}
