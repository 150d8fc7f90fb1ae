//! Hosts, components and inputs that tests begin with.

use aisle_plugin_host::{
    Call, Case, CaseShop, EmptyShop, Hook, Host, HostConfig, Input, KvLimits, KvStore, Limits, LoadError,
    Manifest, Plugin, Scene,
    types::{Context, Line, PricingInput, Product, PromotionInput, Unit},
};
use std::{
    env, fs,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

pub const NOW: i64 = 1_790_000_000_000;

/// A host that keeps native code from test to test, as the compiler is not optimised here.
pub fn config() -> HostConfig {
    let cache_dir = Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plugin-host-native"));
    HostConfig { cache_dir, compile_niceness: 0, ..HostConfig::default() }
}

/// One sandbox for all tests that do not want one of their own.
pub fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::new(config()).expect("a host"))
}

/// A component that `cargo xtask plugins` has built.
pub fn component(name: &str) -> Vec<u8> {
    let dir = env::var_os("AISLE_PLUGINS_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins"),
        PathBuf::from,
    );
    let path = dir.join(format!("{name}.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("`{}`: {error}\nhint: cargo xtask plugins", path.display()))
}

/// The manifest of a plugin that comes along.
pub fn manifest_of(name: &str) -> Manifest {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../guests").join(name).join("plugin.toml");
    Manifest::parse(&fs::read_to_string(path).expect("a manifest")).expect("a good manifest")
}

/// What does everything that it must not.
pub fn misbehaving() -> Arc<Plugin> {
    static PLUGIN: OnceLock<Arc<Plugin>> = OnceLock::new();
    PLUGIN.get_or_init(|| misbehaving_with(|_| {})).clone()
}

/// The same with other limits.
pub fn misbehaving_with(change: impl FnOnce(&mut Limits)) -> Arc<Plugin> {
    let mut manifest = manifest_of("misbehaving");
    // A test machine is busier than a store's.
    manifest.limits.time_ms_max = 5_000;
    change(&mut manifest.limits);
    host().load(manifest, &component("misbehaving")).expect("loads")
}

/// A manifest for a component made here.
pub fn manifest(hook: Hook) -> Manifest {
    let mut manifest =
        Manifest::parse(&format!("id = \"made-here\"\nversion = \"1.0.0\"\nhooks = [\"{hook}\"]")).unwrap();
    manifest.limits.time_ms_max = 5_000;
    manifest
}

pub fn load(hook: Hook, component: &[u8]) -> Result<Arc<Plugin>, LoadError> {
    host().load(manifest(hook), component)
}

pub fn product(sku: &str, price: i64) -> Product {
    Product {
        sku: sku.into(),
        name: format!("{sku} of the shop"),
        category: Some("fruit".into()),
        unit: Unit::Each,
        price,
        expires_in_days: Some(3),
        in_stock: true,
    }
}

pub fn line(number: u32, sku: &str, price: i64, quantity: i64) -> Line {
    Line { number, product: product(sku, price), quantity, unit_price: price }
}

pub fn context() -> Context {
    Context {
        store: "store-1".into(),
        currency: "GBP".into(),
        now: NOW,
        minute_of_day: 600,
        weekday: 3,
        day: 20_717,
        settings: Vec::new(),
    }
}

pub fn pricing(lines: Vec<Line>) -> Input {
    Input::Pricing(PricingInput { context: context(), customer: None, lines })
}

pub fn promotion(lines: Vec<Line>) -> Input {
    Input::Promotion(PromotionInput {
        context: context(),
        customer: None,
        coupons: Vec::new(),
        lines,
        so_far: Vec::new(),
    })
}

/// A basket of one line of this product.
pub fn one(sku: &str) -> Vec<Line> {
    vec![line(1, sku, 295, 3000)]
}

pub fn scene() -> Scene {
    Scene { now: NOW, seed: 7, shop: Arc::new(EmptyShop), kv: Arc::new(KvStore::new(KvLimits::default())) }
}

/// A scene with a shop as cases have it.
pub fn scene_of(shop: CaseShop) -> Scene {
    Scene { shop: Arc::new(shop), ..scene() }
}

/// Asks what misbehaves for prices of a basket that begins with this product.
pub fn ask(plugin: &Plugin, sku: &str) -> Call {
    plugin.call(&scene(), &pricing(one(sku)))
}

pub fn case(json: &str) -> Case {
    Case::parse(json).unwrap_or_else(|error| panic!("{error}\n{json}"))
}
