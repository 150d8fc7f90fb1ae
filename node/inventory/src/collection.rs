//! Reading shared maps and lists of a snapshot. Guards that a length which damaged bytes only claim is never made room for: `imbl`
//! would, serde's own collections do not.

use imbl::{OrdMap, Vector};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

pub(crate) fn map<'de, D, K, V>(deserializer: D) -> Result<OrdMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + Clone,
    V: Deserialize<'de> + Clone,
{
    Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
}

pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vector<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Clone,
{
    Ok(Vec::deserialize(deserializer)?.into_iter().collect())
}
