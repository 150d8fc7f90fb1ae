//! Who applies what the hub wants the store to have: an [`Applier`] for each kind of item.
//!
//! An applier is told a whole content, and is told it again after every start: it changes nothing where nothing differs, and whatever kills the node
//! in its midst leaves the version before or the new one. What has no applier is reported as not known. Not here: fetching (`aisle-content`).

use crate::plugin::Plugins;
use aisle_content::{Item, PluginPackage, plan::Kind};
use aisle_converge::{Fleet, fleet::METADATA, signed::listed};
use aisle_event::Name;
use aisle_fleet::says::Facts;
use aisle_plugin_host::Manifest;
use std::{pin::Pin, sync::Arc};

/// What came of it; the reason is for people.
pub(crate) type Outcome = Result<(), String>;

/// Who applies which kind.
pub(crate) type Appliers = Arc<[Arc<dyn Applier>]>;

/// Who takes what the hub wants: an order goes to the fleet, a plain manifest to appliers.
#[derive(Clone)]
pub(crate) struct Hands {
    /// Of a plain manifest.
    pub(crate) plain: Appliers,
    /// Of orders; absent where it cannot be used.
    pub(crate) fleet: Option<Fleet>,
    /// What headquarters hears of the node beside its report.
    pub(crate) facts: Arc<dyn Fn() -> Facts + Send + Sync>,
}

/// The longest bundle of signed metadata, in bytes: the line brings no more at once than is held in memory.
const METADATA_BYTES_MAX: u64 = 64 << 20;

impl Hands {
    /// The kinds of a plain manifest, or those of an order.
    pub(super) fn kinds(&self, is_ordered: bool) -> Vec<Kind> {
        if !is_ordered {
            return self.plain.iter().map(|applier| applier.kind()).collect();
        }
        let of_fleet = crate::fleet::KINDS.into_iter().map(|kind| {
            let bytes_max = listed(kind).bytes_max();
            Kind { name: kind.as_str().into(), bytes_max }
        });
        let metadata = Kind { name: METADATA.into(), bytes_max: METADATA_BYTES_MAX };
        of_fleet.chain([metadata]).collect()
    }
}

/// Applies the items of one kind.
pub(crate) trait Applier: Send + Sync {
    /// Which kind, and how long an item of it may be.
    fn kind(&self) -> Kind;

    /// Makes the node have this.
    fn apply(&self, item: Item, content: Vec<u8>) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;
}

/// Installs plugins: `plugin/<id>`, as a package of manifest and component.
struct OfPlugins(Plugins);

/// An applier of plugins.
pub(crate) fn plugins(plugins: Plugins) -> Arc<dyn Applier> {
    Arc::new(OfPlugins(plugins))
}

impl Applier for OfPlugins {
    fn kind(&self) -> Kind {
        Kind { name: "plugin".into(), bytes_max: self.0.package_bytes_max() as u64 }
    }

    fn apply(&self, item: Item, content: Vec<u8>) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let plugins = self.0.clone();
        Box::pin(async move { install(&plugins, &item, &content).await })
    }
}

async fn install(plugins: &Plugins, item: &Item, content: &[u8]) -> Outcome {
    let id = item.which().ok_or("a plugin is named `plugin/<id>`")?;
    let PluginPackage { manifest, component } =
        PluginPackage::decode(content).map_err(|error| error.to_string())?;
    let parsed = Manifest::parse(&manifest).map_err(|error| format!("`manifest`: {error}"))?;
    let version = parsed.version.to_string();
    if version != item.version {
        return Err(format!("the package is of version {version}, and version {} is wanted", item.version));
    }
    let hex = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let runs = plugins.view().plugin(id).is_some_and(|known| {
        let current = &known.current;
        current.hash.as_str() == hex(&component) && current.manifest_hash.as_str() == hex(manifest.as_bytes())
    });
    if runs {
        return Ok(());
    }
    let by = Name::new("hub").ok();
    plugins.install(id, manifest, component, by).await.map(drop).map_err(|error| error.to_string())
}
