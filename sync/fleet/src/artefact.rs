//! What is released to nodes: slots, and what a slot should hold.
//!
//! A slot is a place of which a node has one: `catalogue`, or `plugin/multi-buy`. Its text is the name that an item of a content manifest has.
//! Not here: bytes, signatures (who publishes), fetching (`aisle-content`).

use crate::{
    hash::ContentHash,
    name::{Grant, InvalidName, NAME_BYTES_MAX, is_plain},
    text::{hint, nearest, shown, text_form},
    version::Version,
};
use compact_str::CompactString;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// The most bytes of an artefact.
pub const ARTEFACT_BYTES_MAX: u64 = 2 << 30;
/// The most slots of one node, of a group, or of a rollout.
pub const SLOTS_MAX: usize = 256;
/// The most grants that an artefact may need.
pub const GRANTS_MAX: usize = 32;

/// What kind of thing a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Kind {
    /// A residency policy.
    Policy,
    /// Everything that can be sold.
    Catalogue,
    /// What it costs.
    Prices,
    /// How foreign devices speak.
    DeviceProfiles,
    /// What devices are set to.
    DeviceSettings,
    /// A model of the recommender.
    Model,
    /// A plugin.
    Plugin,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Policy,
        Self::Catalogue,
        Self::Prices,
        Self::DeviceProfiles,
        Self::DeviceSettings,
        Self::Model,
        Self::Plugin,
    ];

    /// Its name, in slots and manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Catalogue => "catalogue",
            Self::Prices => "prices",
            Self::DeviceProfiles => "device-profiles",
            Self::DeviceSettings => "device-settings",
            Self::Model => "model",
            Self::Plugin => "plugin",
        }
    }

    /// True for what only goes forward: once a version is in force, none before it can be put back, and none in its place but a later one. A residency policy is such, for its
    /// versions only go up, whoever wants it otherwise.
    #[must_use]
    pub const fn goes_only_forward(self) -> bool {
        matches!(self, Self::Policy)
    }

    /// Whether a node may have several of them, told apart by a name.
    const fn naming(self) -> Naming {
        match self {
            Self::Plugin => Naming::Always,
            Self::Model | Self::DeviceProfiles | Self::DeviceSettings => Naming::Maybe,
            Self::Policy | Self::Catalogue | Self::Prices => Naming::Never,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(PartialEq, Eq)]
enum Naming {
    Always,
    Maybe,
    Never,
}

/// A place of which a node has one: a kind, or a kind and a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    kind: Kind,
    name: Option<CompactString>,
}

/// Why a text is no slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlot {
    /// Its kind is not known.
    #[error("there is no kind `{kind}`{}", hint(nearest.as_deref()))]
    Kind {
        /// What stands there.
        kind: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// It lacks a name, or has one too many.
    #[error("a slot of this kind is written `{form}`")]
    Naming {
        /// How it is written.
        form: &'static str,
    },
    /// Its name is none.
    #[error(transparent)]
    Name(InvalidName),
}

impl Slot {
    /// What it holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Which one of its kind.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.kind),
            None => f.write_str(self.kind.as_str()),
        }
    }
}

impl FromStr for Slot {
    type Err = InvalidSlot;

    fn from_str(text: &str) -> Result<Self, InvalidSlot> {
        let (kind, name) = text.split_once('/').map_or((text, None), |(kind, name)| (kind, Some(name)));
        let found = Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(|| {
            let kind = shown(kind, NAME_BYTES_MAX);
            let nearest = nearest(&kind, Kind::ALL.map(Kind::as_str)).map(str::to_owned);
            InvalidSlot::Kind { kind, nearest }
        })?;
        match (found.naming(), name) {
            (Naming::Always, None) => return Err(InvalidSlot::Naming { form: "plugin/NAME" }),
            (Naming::Never, Some(_)) => return Err(InvalidSlot::Naming { form: found.as_str() }),
            _ => {}
        }
        if let Some(name) = name.filter(|name| !is_plain(name, NAME_BYTES_MAX)) {
            let text = shown(name, NAME_BYTES_MAX);
            return Err(InvalidSlot::Name(InvalidName { what: "slot", text }));
        }
        Ok(Self { kind: found, name: name.map(CompactString::new) })
    }
}

text_form!(Slot);

/// What a node must have before an artefact is of any use there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode)]
#[serde(deny_unknown_fields, default)]
#[cbor(map)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Needs {
    /// The earliest version of Aisle.
    #[n(1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_version_min: Option<Version>,
    /// What the node must grant.
    #[n(2)]
    #[cbor(default)]
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub grants: BTreeSet<Grant>,
    /// Room on the disk beside the artefact itself, in bytes: for unpacking, compiling, indices.
    #[n(3)]
    #[cbor(default)]
    pub disk_bytes: u64,
}

/// An artefact in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(deny_unknown_fields)]
#[cbor(map)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Release {
    /// Its version.
    #[n(1)]
    pub version: Version,
    /// BLAKE3 of its bytes. Two releases are the same when this is.
    #[n(2)]
    pub hash: ContentHash,
    /// How many bytes it has, 1 to [`ARTEFACT_BYTES_MAX`].
    #[n(3)]
    pub bytes: u64,
    /// What a node needs for it.
    #[n(4)]
    #[cbor(default)]
    #[serde(default)]
    pub needs: Needs,
}

impl Release {
    /// Room that it takes while it is brought in, in bytes.
    #[must_use]
    pub const fn room_bytes(&self) -> u64 {
        self.bytes.saturating_add(self.needs.disk_bytes)
    }

    pub(crate) fn fault(&self) -> Option<String> {
        if self.bytes == 0 || self.bytes > ARTEFACT_BYTES_MAX {
            return Some(format!("`bytes` is {}, expected 1 to {ARTEFACT_BYTES_MAX}", self.bytes));
        }
        let grants = self.needs.grants.len();
        (grants > GRANTS_MAX).then(|| format!("`needs.grants` has {grants} entries, at most {GRANTS_MAX}"))
    }
}

/// What a slot should hold. In documents an artefact, or the word `absent`.
#[expect(clippy::large_enum_variant, reason = "nearly every slot should hold something")]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Want {
    /// Nothing.
    #[n(0)]
    Absent,
    /// This.
    #[n(1)]
    Release(#[n(0)] Release),
}

impl Want {
    /// The artefact, where there should be one.
    #[must_use]
    pub const fn release(&self) -> Option<&Release> {
        match self {
            Self::Absent => None,
            Self::Release(release) => Some(release),
        }
    }

    /// For people: its version, or `absent`.
    #[must_use]
    pub fn told(&self) -> String {
        self.release().map_or_else(|| "absent".into(), |release| release.version.to_string())
    }
}

impl Serialize for Want {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_str("absent"),
            Self::Release(release) => release.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Want {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Want;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an artefact with `version`, `hash` and `bytes`, or the word `absent`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Want, E> {
                if text == "absent" {
                    return Ok(Want::Absent);
                }
                Err(E::invalid_value(de::Unexpected::Str(&shown(text, NAME_BYTES_MAX)), &self))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Want, A::Error> {
                Release::deserialize(de::value::MapAccessDeserializer::new(map)).map(Want::Release)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Want {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let absent = utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some(["absent"]));
        let release = utoipa::openapi::Ref::from_schema_name("Release");
        utoipa::openapi::schema::OneOfBuilder::new().item(absent).item(release).into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Want {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        schemas.push(("Release".into(), <Release as utoipa::PartialSchema>::schema()));
        <Release as utoipa::ToSchema>::schemas(schemas);
    }
}

/// What some slots should hold.
pub type ArtefactSet = BTreeMap<Slot, Want>;

/// What is wrong with a set, told by its path.
pub(crate) fn fault_of_set(set: &ArtefactSet) -> Option<String> {
    if set.len() > SLOTS_MAX {
        return Some(format!("has {} slots, at most {SLOTS_MAX} may be", set.len()));
    }
    set.iter().find_map(|(slot, want)| want.release()?.fault().map(|fault| format!("`{slot}`: {fault}")))
}
