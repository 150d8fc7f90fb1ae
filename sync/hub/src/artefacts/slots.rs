//! Which slot of a node a signed artefact is for, and what is published for each: what people choose from when they write what stores should run.
//!
//! Not here: what a release is made of ([`super::release`]).

use super::{Artefacts, LookError, release::release_of};
use aisle_artefact::{ArtefactId, Kind};
use aisle_fleet::{Release, Slot};

/// A signed artefact that a slot can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its name in the repository: `plugins/buy-two/1.4.0.plugin`.
    pub id: String,
    /// The slot.
    pub slot: Slot,
    /// The release.
    pub release: Release,
}

/// The slot that an artefact is for; none for what no node has a slot for. The way back is [`super::release::kind_of_slot`].
#[must_use]
pub fn slot_of(id: &ArtefactId) -> Option<Slot> {
    let name = id.name();
    let text = match id.kind() {
        Kind::Plugin => format!("plugin/{name}"),
        Kind::Model => format!("model/{name}"),
        Kind::DeviceProfile => format!("device-profiles/{name}"),
        Kind::DeviceSettings => format!("device-settings/{name}"),
        // Of these a node has one, whatever it is called.
        Kind::Catalogue => "catalogue".to_owned(),
        Kind::Prices => "prices".to_owned(),
        Kind::Policy => "policy".to_owned(),
        Kind::Rules => return None,
    };
    text.parse().ok()
}

impl Artefacts {
    /// Everything that is signed and that a slot can hold, by slot, the newest version of each first.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn published(&self) -> Result<Vec<Published>, LookError> {
        let Some(in_force) = self.in_force().await? else { return Ok(Vec::new()) };
        let all = in_force.artefacts();
        let mut found: Vec<Published> = all
            .values()
            .filter_map(|artefact| {
                // What no fleet goes by can be chosen by nobody.
                let release = release_of(artefact).ok()?;
                Some(Published { id: artefact.id.to_string(), slot: slot_of(&artefact.id)?, release })
            })
            .collect();
        found.sort_by(|a, b| {
            a.slot
                .cmp(&b.slot)
                .then_with(|| b.release.version.cmp(&a.release.version))
                .then_with(|| a.id.cmp(&b.id))
        });
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artefacts::release::kind_of_slot;

    #[test]
    fn every_artefact_that_a_node_can_hold_has_the_slot_of_its_kind() {
        for kind in Kind::ALL {
            let id = ArtefactId::new(kind, "buy-two", "1.4.0").unwrap();
            match slot_of(&id) {
                Some(slot) => assert_eq!(kind_of_slot(slot.kind()), kind, "{slot}"),
                None => assert_eq!(kind, Kind::Rules),
            }
        }
    }
}
