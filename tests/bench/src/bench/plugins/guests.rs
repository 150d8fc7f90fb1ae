//! The first-party plugins, as `cargo xtask plugins` built them, and the basket that they are asked about.

use aisle_plugin_host::{
    EmptyShop, Host, HostConfig, Input, KvLimits, KvStore, Manifest, Plugin, Scene,
    types::{Context as At, Line, Product, PromotionInput, Setting, Unit},
};
use anyhow::{Context, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The plugin whose calls are measured: offers on several of one product.
pub(super) const MEASURED: &str = "multi-buy";
/// All that come along, but for those that misbehave on purpose.
pub(super) const ALL: [&str; 8] = [
    MEASURED,
    "basket-coupon",
    "cold-chain-reaction",
    "fresh-markdown",
    "loyalty",
    "price-floor",
    "stock-aware-ranking",
    "substitution",
];
/// The one with an interpreter in it, and its folder.
const JAVASCRIPT: (&str, &str) = ("happy-hour", "other-languages/javascript");
const LINES: u32 = 10;
/// Three of each, in thousandths.
const QUANTITY: i64 = 3_000;

/// A component with its manifest.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) manifest: Manifest,
    pub(super) component: Vec<u8>,
    folder: PathBuf,
}

impl Guest {
    /// One of [`ALL`].
    pub(super) fn find(name: &str) -> Result<Self> {
        Self::read(name, name)
    }

    /// The one in JavaScript, where it was built.
    pub(super) fn javascript() -> Result<Option<Self>> {
        let (name, folder) = JAVASCRIPT;
        component(name).is_file().then(|| Self::read(name, folder)).transpose()
    }

    fn read(name: &str, folder: &str) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/guests").join(folder);
        let (file, toml) = (component(name), folder.join("plugin.toml"));
        let component = fs::read(&file)
            .with_context(|| format!("cannot read `{}`; hint: `cargo xtask plugins`", file.display()))?;
        let toml = fs::read_to_string(&toml).with_context(|| format!("cannot read `{}`", toml.display()))?;
        Ok(Self { manifest: Manifest::parse(&toml)?, component, folder })
    }

    pub(super) fn load(&self, host: &Host) -> Result<Arc<Plugin>> {
        Ok(host.load(self.manifest.clone(), &self.component)?)
    }

    /// One of its author's examples, as text.
    pub(super) fn case(&self) -> Result<String> {
        let folder = self.folder.join("cases");
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.sort();
        let file = files.first().with_context(|| format!("there is nothing in `{}`", folder.display()))?;
        fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))
    }
}

fn component(name: &str) -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
    env::var_os("AISLE_PLUGINS_DIR").map_or_else(built, PathBuf::from).join(format!("{name}.wasm"))
}

/// A sandbox as the node has it, except that nothing else is to be served while it compiles.
pub(super) fn config() -> HostConfig {
    HostConfig { compile_niceness: 0, ..HostConfig::default() }
}

/// Ten lines of three pieces.
pub(super) fn basket(settings: Vec<Setting>) -> PromotionInput {
    let line = |number| Line {
        number,
        product: Product {
            sku: format!("SKU-{number}"),
            name: format!("SKU-{number} of the shop"),
            category: Some("fruit".into()),
            unit: Unit::Each,
            price: 295,
            expires_in_days: Some(3),
            in_stock: true,
        },
        quantity: QUANTITY,
        unit_price: 295,
    };
    let context = At {
        store: "store-1".into(),
        currency: "GBP".into(),
        now: 0,
        minute_of_day: 600,
        weekday: 3,
        day: 20_000,
        settings,
    };
    let lines = (1..=LINES).map(line).collect();
    PromotionInput { context, customer: None, coupons: Vec::new(), lines, so_far: Vec::new() }
}

/// The same as the host's input, with the plugin's own settings.
pub(super) fn asked(guest: &Guest) -> Input {
    Input::Promotion(basket(guest.manifest.settings.clone()))
}

/// A shop that answers nothing: the measured plugins ask nothing.
pub(super) fn scene() -> Scene {
    let kv = Arc::new(KvStore::new(KvLimits::default()));
    Scene { now: 0, seed: 0, shop: Arc::new(EmptyShop), kv }
}
