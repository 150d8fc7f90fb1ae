//! Plugins that are ordered: `plugin/<id>`, as a package of manifest and component.
//!
//! Not here: installing and loading (`crate::plugin`).

use super::BY;
use crate::plugin::{ChangeError, Plugins};
use aisle_artefact::Kind as Listed;
use aisle_content::PluginPackage;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never, not_now},
};
use aisle_event::Name;
use aisle_fleet::{ContentHash, Health, Kind, Slot, Version, converge::Trouble, rehearsal::Findings};
use aisle_plugin_host::Manifest;
use tokio::runtime::Handle;

pub(super) struct OfPlugins {
    plugins: Plugins,
    runtime: Handle,
}

impl OfPlugins {
    pub(super) const fn new(plugins: Plugins, runtime: Handle) -> Self {
        Self { plugins, runtime }
    }

    fn install(&self, piece: &Piece) -> Outcome {
        let (id, _, PluginPackage { manifest, component }) = package(piece)?;
        let hex = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        let is_held_back = self.plugins.runs(&id).is_none_or(|(of_component, of_manifest)| {
            of_component != hex(&component) || of_manifest != hex(manifest.as_bytes())
        });
        if is_held_back {
            self.plugins.begin_anew(&id);
        }
        self.plugins.let_go(&id);
        let by = Name::new(BY).ok();
        // One that is there already stays as it is, and is loaded where it is not.
        let installed = self.runtime.block_on(self.plugins.install(&id, manifest, component, by));
        installed.map(drop).map_err(|error| told(&error))
    }

    fn uninstall(&self, slot: &Slot) -> Outcome {
        let Some(id) = slot.name() else { return Ok(()) };
        self.plugins.let_go(id);
        match self.runtime.block_on(self.plugins.remove(id, Name::new(BY).ok())) {
            Ok(()) | Err(ChangeError::Unknown { .. }) => Ok(()),
            Err(error) => Err(told(&error)),
        }
    }
}

/// What does not go away by itself is the plugin's.
fn told(error: &ChangeError) -> Trouble {
    match error {
        ChangeError::Manifest(_)
        | ChangeError::Another { .. }
        | ChangeError::TooLong { .. }
        | ChangeError::BelowMinimum { .. }
        | ChangeError::NotGranted { .. } => never(error.to_string()),
        error => not_now(error.to_string()),
    }
}

/// The plugin in a package, which is the one that was ordered.
fn package(piece: &Piece) -> Result<(String, Manifest, PluginPackage), Trouble> {
    let Piece { slot, release, bytes } = piece;
    let id = slot.name().ok_or_else(|| never("a plugin is named `plugin/<id>`"))?;
    let package = PluginPackage::decode(bytes).map_err(|error| never(error.to_string()))?;
    let manifest = Manifest::parse(&package.manifest);
    let manifest = manifest.map_err(|error| never(format!("`manifest`: {error}")))?;
    if manifest.id != id {
        return Err(never(format!("the package is of the plugin `{}`", manifest.id)));
    }
    if manifest.version.to_string() != release.version.as_str() {
        return Err(never(format!("the package is of version {}", manifest.version)));
    }
    Ok((id.to_owned(), manifest, package))
}

impl Applier for OfPlugins {
    fn kind(&self) -> Kind {
        Kind::Plugin
    }

    fn bytes_max(&self) -> u64 {
        Listed::Plugin.bytes_max().min(self.plugins.package_bytes_max() as u64)
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        let (_, manifest, package) = package(piece)?;
        self.plugins.try_out(manifest, &package.component).map_err(never)
    }

    fn rehearse(&self, piece: &Piece) -> Result<Findings, Trouble> {
        let (_, manifest, package) = package(piece)?;
        self.plugins.rehearse(manifest, &package.component)
    }

    fn activate(&self, piece: &Piece, _: Option<&Piece>) -> Outcome {
        self.install(piece)
    }

    fn revert(&self, slot: &Slot, _: Option<&Piece>, to: Option<&Piece>) -> Outcome {
        match to {
            Some(piece) => self.install(piece),
            None => self.uninstall(slot),
        }
    }

    fn remove(&self, slot: &Slot, _: Option<&Piece>) -> Outcome {
        self.uninstall(slot)
    }

    fn minimum(&self, slot: &Slot, minimum: &Version) {
        if let Some(id) = slot.name() {
            // Nobody waits for it.
            drop(self.plugins.minimum(id, minimum, &self.runtime));
        }
    }

    fn health(&self, slot: &Slot, _: &ContentHash) -> Option<Health> {
        self.plugins.health(slot.name()?)
    }
}
