//! Waves: who is in which, chosen by hash, so that everybody who asks gets the same answer, and the first stores are not always the same ones.
//!
//! Not here: how a wave goes ([`crate::rollout`]).

use crate::{
    desired::{Index, Work},
    gate::Gates,
    name::{RolloutId, WaveName},
    node::{Member, NodeId},
    selector::Selector,
    text::shown,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// How many nodes a wave takes: a number, a share of those that it means in per cent, or all that are left. Written `5`, `"10%"`, `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Size {
    /// So many.
    Count(u32),
    /// So many of a hundred of the nodes that its selector means, rounded up; at least one.
    Percent(u8),
    /// All that are in no earlier wave.
    #[default]
    All,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::All => f.write_str("all"),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            size => serializer.collect_str(size),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of nodes from 1, a share such as \"10%\", or \"all\"")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Size, E> {
                let fit = u32::try_from(count).ok().filter(|count| *count > 0);
                fit.map(Size::Count).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(count), &self))
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Size, E> {
                match u64::try_from(count) {
                    Ok(count) => self.visit_u64(count),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(count), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                if text == "all" {
                    return Ok(Size::All);
                }
                let percent = text.strip_suffix('%').and_then(|percent| percent.trim().parse().ok());
                let fit = percent.filter(|percent| (1..=100).contains(percent)).map(Size::Percent);
                fit.or_else(|| text.parse().ok().filter(|count| *count > 0).map(Size::Count))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(&shown(text, 32)), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Size {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(all|[0-9]+%?)$"));
        OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Integer)).item(text).into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Size {}

/// What happens when a gate does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum OnFailure {
    /// Nothing new begins, and people decide.
    Pause,
    /// Everything goes back, everywhere.
    #[default]
    Rollback,
}

/// A wave as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WaveSpec {
    /// Its name.
    pub name: WaveName,
    /// Whom it means, among those that the rollout means; all of them where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Selector>,
    /// How many of them.
    #[serde(default)]
    pub size: Size,
    /// How long it is looked at after enough nodes have run it, in minutes.
    #[serde(default)]
    pub soak_minutes: u32,
    /// Its gates, where they differ from the rollout's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// What happens when one does not hold.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// True where a person has to say that the next wave may begin.
    #[serde(default)]
    pub asks: bool,
}

/// Who is in which wave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The nodes of each wave, in the order of the waves.
    pub waves: Vec<Vec<NodeId>>,
    /// Nodes that the rollout means and that are in no wave: they stay as they are, to be compared with.
    pub left: Vec<NodeId>,
    /// The waves that name whom they mean, and whom: a bit for each wave, from 0; nodes that no such wave means are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, u32>))]
    pub named: BTreeMap<NodeId, u32>,
}

impl Plan {
    /// How many nodes are in a wave.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.waves.iter().map(Vec::len).sum()
    }
}

/// A node's place in the order of a rollout: the first bytes of BLAKE3 over both names.
fn rank(rollout: &RolloutId, node: &NodeId) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(rollout.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(node.store.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(node.serial.as_str().as_bytes());
    let mut rank = [0; 16];
    hasher.finalize_xof().fill(&mut rank);
    rank
}

/// The waves that name whom they mean and mean a node, a bit each.
pub(crate) fn named(waves: &[WaveSpec], member: &Member) -> u32 {
    let bits = waves.iter().zip(0_u32..).filter_map(|(wave, place)| {
        let is_meant = wave.who.as_ref().is_some_and(|who| who.matches(member));
        is_meant.then(|| bit(place))
    });
    bits.fold(0, |all, bit| all | bit)
}

/// The bit of a wave; there are no more waves than bits.
pub(crate) const fn bit(place: u32) -> u32 {
    match 1_u32.checked_shl(place) {
        Some(bit) => bit,
        None => 0,
    }
}

/// Puts nodes into waves. `who` is whom the rollout means.
#[must_use]
pub fn plan(
    rollout: &RolloutId,
    who: &Selector,
    waves: &[WaveSpec],
    index: &Index<'_>,
    work: &mut Work,
) -> Plan {
    let meant = index.select(who, work);
    let mut ranked: Vec<([u8; 16], u32, &Member)> = meant
        .into_iter()
        .filter_map(|place| index.member(place).map(|member| (rank(rollout, &member.id), place, member)))
        .collect();
    ranked.sort_unstable_by_key(|(rank, place, _)| (*rank, *place));
    let mut taken: BTreeSet<u32> = BTreeSet::new();
    let mut plan = Plan::default();
    for (wave, place) in waves.iter().zip(0_u32..) {
        let in_wave: Option<BTreeSet<u32>> =
            wave.who.as_ref().map(|who| index.select(who, work).into_iter().collect());
        for member in in_wave.iter().flatten().filter_map(|member| index.member(*member)) {
            *plan.named.entry(member.id.clone()).or_default() |= bit(place);
        }
        let is_meant = |place: &u32| in_wave.as_ref().is_none_or(|in_wave| in_wave.contains(place));
        let all = ranked.iter().filter(|(_, place, _)| is_meant(place)).count();
        let wanted = match wave.size {
            Size::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Size::Percent(percent) => (all * usize::from(percent)).div_ceil(100),
            Size::All => usize::MAX,
        };
        let free = ranked.iter().filter(|(_, place, _)| is_meant(place) && !taken.contains(place));
        let chosen: Vec<(u32, &NodeId)> =
            free.take(wanted).map(|(_, place, member)| (*place, &member.id)).collect();
        taken.extend(chosen.iter().map(|(place, _)| *place));
        plan.waves.push(chosen.into_iter().map(|(_, node)| node.clone()).collect());
    }
    let left = ranked.iter().filter(|(_, place, _)| !taken.contains(place));
    plan.left = left.map(|(_, _, member)| member.id.clone()).collect();
    plan
}
