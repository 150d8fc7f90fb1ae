//! What a call costs beside the least that it can cost: a fresh instance and a call by bare wasmtime, of the same component with the same
//! basket of ten lines, in the same run.
//!
//! ```text
//! cargo xtask plugins
//! cargo run --release -p aisle-plugin-host --example call_cost
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a measurement says what it expects by failing"
)]

use aisle_plugin_host as ours;
use std::{
    env, fs,
    hint::black_box,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, ComponentExportIndex, InstancePre, Linker},
};

type Answer = (Result<Vec<ours::types::Adjustment>, ours::types::Unable>,);

const PLUGIN: &str = "multi-buy";
const ROUNDS: usize = 31;
const CALLS: u32 = 1_000;
const LOADED: u64 = 32;

fn main() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = env::var_os("AISLE_PLUGINS_DIR").map_or_else(|| root.join("target/plugins"), PathBuf::from);
    let bytes = fs::read(folder.join(format!("{PLUGIN}.wasm"))).expect("built by `cargo xtask plugins`");
    let toml = root.join("plugins/guests").join(PLUGIN).join("plugin.toml");
    let manifest = ours::Manifest::parse(&fs::read_to_string(toml).unwrap()).unwrap();
    let input = input(manifest.settings.clone());

    let host = ours::Host::new(ours::HostConfig::default()).unwrap();
    let plugin = host.load(manifest.clone(), &bytes).unwrap();
    let scene = ours::Scene {
        now: 0,
        seed: 0,
        shop: Arc::new(ours::EmptyShop),
        kv: Arc::new(ours::KvStore::new(ours::KvLimits::default())),
    };
    let asked = ours::Input::Promotion(input.clone());
    let call = || assert!(black_box(plugin.call(&scene, black_box(&asked))).outcome.is_ok());

    let (plain, warm) = (Bare::new(&bytes, false), Bare::new(&bytes, true));
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        times[0].push(time(call));
        times[1].push(time(|| plain.call(&input)));
        times[2].push(time(|| warm.call(&input)));
    }
    let [ours, plain, warm] = times.map(median);
    println!("a call of `{PLUGIN}` with ten lines:             {ours:>9.2?}");
    println!(
        "bare wasmtime, no limits:                       {plain:>9.2?}  ratio {:.2}",
        ratio(ours, plain)
    );
    println!("bare wasmtime, memory kept as here, no limits:  {warm:>9.2?}  ratio {:.2}", ratio(ours, warm));
    loading(&manifest, &bytes);
}

/// What it costs to have a plugin: time and memory, its native code being in the cache.
fn loading(manifest: &ours::Manifest, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let config = || ours::HostConfig { cache_dir: Some(folder.path().into()), ..ours::HostConfig::default() };
    ours::Host::new(config()).unwrap().load(manifest.clone(), bytes).unwrap();
    let host = ours::Host::new(config()).unwrap();
    let before = resident_bytes();
    let plugins: Vec<_> = (0..LOADED).map(|_| host.load(manifest.clone(), bytes).unwrap()).collect();
    let each = resident_bytes().saturating_sub(before) / LOADED;
    assert!(plugins.iter().all(|plugin| *plugin.loaded_from() == ours::LoadedFrom::Cache));
    let micros = median(plugins.iter().map(|plugin| Duration::from_micros(plugin.load_micros())).collect());
    println!("loading it from the cache:                      {micros:>9.2?}");
    println!("memory for each of {LOADED} that are loaded:            {} KiB", each >> 10);
}

fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn input(settings: Vec<ours::types::Setting>) -> ours::types::PromotionInput {
    let product = |sku: String| ours::types::Product {
        name: format!("{sku} of the shop"),
        sku,
        category: Some("fruit".into()),
        unit: ours::types::Unit::Each,
        price: 295,
        expires_in_days: Some(3),
        in_stock: true,
    };
    let line = |number| ours::types::Line {
        number,
        product: product(format!("SKU-{number}")),
        quantity: 3000,
        unit_price: 295,
    };
    let context = ours::types::Context {
        store: "store-1".into(),
        currency: "GBP".into(),
        now: 0,
        minute_of_day: 600,
        weekday: 3,
        day: 20_000,
        settings,
    };
    let lines = (1..=10).map(line).collect();
    ours::types::PromotionInput { context, customer: None, coupons: Vec::new(), lines, so_far: Vec::new() }
}

/// Wasmtime as its book has it: pooled instances, nothing limited or looked at; with or without the pool wiping memory by hand.
struct Bare {
    engine: Engine,
    pre: InstancePre<()>,
    promote: ComponentExportIndex,
}

impl Bare {
    fn new(bytes: &[u8], warm: bool) -> Self {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(32).total_core_instances(512).total_memories(128).total_tables(256);
        if warm {
            pool.linear_memory_keep_resident(256 << 10)
                .table_keep_resident(16 << 10)
                .pagemap_scan(Enabled::Auto);
        }
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config).unwrap();
        let component = Component::from_binary(&engine, bytes).unwrap();
        let promote = component.get_export_index(None, "promote").unwrap();
        let pre = Linker::new(&engine).instantiate_pre(&component).unwrap();
        Self { engine, pre, promote }
    }

    fn call(&self, input: &ours::types::PromotionInput) {
        let mut store = Store::new(&self.engine, ());
        let instance = self.pre.instantiate(&mut store).unwrap();
        let promote = instance
            .get_typed_func::<(&ours::types::PromotionInput,), Answer>(&mut store, &self.promote)
            .unwrap();
        let (answer,) = promote.call(&mut store, (black_box(input),)).unwrap();
        assert!(black_box(answer).is_ok());
    }
}

fn time(work: impl Fn()) -> Duration {
    let started = Instant::now();
    (0..CALLS).for_each(|_| work());
    started.elapsed() / CALLS
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
