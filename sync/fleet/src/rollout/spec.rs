//! A rollout as it is written.

use crate::{
    artefact::{ArtefactSet, fault_of_set},
    gate::Gates,
    group::WHY_BYTES_MAX,
    name::RolloutId,
    selector::Selector,
    wave::WaveSpec,
};
use serde::{Deserialize, Serialize};

/// The most waves of a rollout.
pub const WAVES_MAX: usize = 32;
/// The most people who must approve.
const APPROVALS_MAX: u8 = 10;

/// A rollout as it is written, in YAML or JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RolloutSpec {
    /// Its name. The order of stores follows from it.
    pub rollout: RolloutId,
    /// What it is for, at most 500 bytes.
    pub why: String,
    /// Whom it means.
    pub who: Selector,
    /// What they should run.
    #[cfg_attr(feature = "schema", schema(value_type = std::collections::BTreeMap<String, crate::artefact::Want>))]
    pub set: ArtefactSet,
    /// In which order.
    pub waves: Vec<WaveSpec>,
    /// The gates of every wave that does not name its own.
    #[serde(default)]
    pub gates: Gates,
    /// How many people beside the author must approve.
    #[serde(default)]
    pub approvals: u8,
    /// A node that was not heard of for so long is away, in minutes.
    #[serde(default = "offline_minutes")]
    pub offline_minutes: u32,
}

pub(crate) const fn offline_minutes() -> u32 {
    30
}

/// Why a rollout cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {reason}")]
pub struct InvalidRollout {
    /// Which field.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl RolloutSpec {
    /// # Errors
    /// Names the first field that cannot be.
    pub fn check(&self) -> Result<(), InvalidRollout> {
        let told = |path: String, reason: String| Err(InvalidRollout { path, reason });
        if self.why.trim().is_empty() || self.why.len() > WHY_BYTES_MAX {
            let reason = format!("has {} bytes, expected 1 to {WHY_BYTES_MAX}", self.why.len());
            return told("why".into(), reason);
        }
        if self.set.is_empty() {
            return told("set".into(), "is empty: there is nothing to roll out".into());
        }
        if let Some(fault) = fault_of_set(&self.set) {
            return told("set".into(), fault);
        }
        if self.waves.is_empty() || self.waves.len() > WAVES_MAX {
            return told(
                "waves".into(),
                format!("has {} waves, expected 1 to {WAVES_MAX}", self.waves.len()),
            );
        }
        for (place, wave) in self.waves.iter().enumerate() {
            if self.waves.iter().take(place).any(|earlier| earlier.name == wave.name) {
                let reason = format!("`{}` is the name of an earlier wave", wave.name);
                return told(format!("waves[{place}].name"), reason);
            }
            if let Some(fault) = wave.gates.as_ref().and_then(Gates::fault) {
                return told(format!("waves[{place}].gates"), fault);
            }
        }
        if let Some(fault) = self.gates.fault() {
            return told("gates".into(), fault);
        }
        if self.approvals > APPROVALS_MAX {
            return told("approvals".into(), format!("is {}, at most {APPROVALS_MAX}", self.approvals));
        }
        if self.offline_minutes == 0 {
            return told("offline_minutes".into(), "is 0: everybody would be away".into());
        }
        Ok(())
    }

    /// The gates of a wave.
    #[must_use]
    pub fn gates_of(&self, wave: usize) -> &Gates {
        self.waves.get(wave).and_then(|wave| wave.gates.as_ref()).unwrap_or(&self.gates)
    }

    /// True where a part of it is called, so that calls say something.
    #[must_use]
    pub fn is_called(&self) -> bool {
        use crate::artefact::Kind;
        // Nothing on a node asks models in live traffic yet: a gate for calls would be shut for ever.
        self.set.iter().any(|(slot, want)| slot.kind() == Kind::Plugin && want.release().is_some())
    }
}
