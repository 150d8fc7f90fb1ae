//! The register as bytes, for a checkpoint that bounds what a start replays.

use super::{
    Devices,
    config::Config,
    view::{Counts, DeviceView},
};
use minicbor::{Decode, Encode};
use std::{collections::BTreeSet, sync::Arc};

/// Counts up when the layout changes; another one is refused, and the journal is replayed instead.
const LAYOUT: u32 = 1;

/// Why a snapshot was refused.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is none.
    #[error("the register of devices does not decode: {0}")]
    Malformed(minicbor::decode::Error),
    /// Another build wrote it.
    #[error("the register of devices has layout {found}; this build knows {LAYOUT}")]
    Layout {
        /// What it has.
        found: u32,
    },
}

#[derive(Encode, Decode)]
struct Image {
    #[n(0)]
    layout: u32,
    #[n(1)]
    applied: u64,
    #[n(2)]
    shed: u64,
    #[n(3)]
    ignored: u64,
    #[n(4)]
    devices: Vec<DeviceView>,
}

impl Devices {
    /// The register as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let image = Image {
            layout: LAYOUT,
            applied: self.applied,
            shed: self.shed,
            ignored: self.ignored,
            devices: self.devices.values().map(|device| DeviceView::clone(device)).collect(),
        };
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(image).unwrap_or_default()
    }

    /// The register that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are no register of this layout.
    pub fn decode(config: Config, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let image: Image = minicbor::decode(bytes).map_err(SnapshotError::Malformed)?;
        if image.layout != LAYOUT {
            return Err(SnapshotError::Layout { found: image.layout });
        }
        let mut this = Self::new(config);
        (this.applied, this.shed, this.ignored) = (image.applied, image.shed, image.ignored);
        let mut deadlines = BTreeSet::new();
        for device in image.devices {
            for command in device.commands.iter().filter(|command| command.ended.is_none()) {
                deadlines.insert((command.until, device.device.clone(), command.correlation.clone()));
            }
            if device.unsaid.is_some() {
                this.unsaid.insert(device.device.clone());
            }
            this.devices.insert(device.device.clone(), Arc::new(device));
        }
        this.deadlines = deadlines;
        let mut counts = Counts::default();
        for device in this.devices.values() {
            *counts.of(device.state) += 1;
        }
        this.counts = counts;
        Ok(this)
    }
}
