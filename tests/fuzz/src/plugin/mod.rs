//! Plugins: what authors and fleet managers bring (manifests, components, cases), what a plugin answers, and what the node leaves for
//! itself (native code, recordings, what plugins keep).
//!
//! Not here: snapshots of which plugins are installed; only the node's binary reads them.

mod answer;
mod ask;
mod basket;
mod case;
mod component;
mod draw;
mod kept;
mod manifest;
mod native;
mod recording;

#[allow(dead_code, unreachable_pub, reason = "it is shared by its path, and not all of it is needed here")]
#[path = "../../../../plugins/host/tests/made/mod.rs"]
mod made;

pub use answer::plugin_answer;
pub use basket::plugin_basket;
pub(crate) use case::examples as case_examples;
pub use case::plugin_case;
pub(crate) use component::examples as component_examples;
pub use component::plugin_component;
pub(crate) use draw::examples as drawn_examples;
pub(crate) use kept::examples as kept_examples;
pub use kept::plugin_kept;
pub(crate) use manifest::examples as manifest_examples;
pub use manifest::plugin_manifest;
pub(crate) use native::examples as native_examples;
pub use native::plugin_native;
pub(crate) use recording::examples as recording_examples;
pub use recording::plugin_recording;

use aisle_plugin_host::{Grant, Hook, Host, HostConfig, Manifest, Plugin};
use made::{EMPTY_ANSWER, made_of, pricing_module};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// One for all.
fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::new(config(None)).expect("a host"))
}

fn config(cache_dir: Option<PathBuf>) -> HostConfig {
    HostConfig { cache_dir, calls_max: 1, compile_niceness: 0, ..HostConfig::default() }
}

/// The manifest of a component made here, with every grant and narrow limits.
fn narrow(hook: Hook) -> Manifest {
    let text = format!("id = \"made-here\"\nversion = \"1.0.0\"\nhooks = [\"{hook}\"]");
    let mut manifest = Manifest::parse(&text).expect("a good manifest");
    manifest.grants = Grant::ALL.into();
    manifest.limits.fuel_max = 200_000;
    manifest.limits.memory_bytes_max = 4 << 20;
    // A machine that fuzzes is busy; it is the fuel that ends a call here.
    manifest.limits.time_ms_max = 5_000;
    manifest
}

/// A component that leaves every price as it is.
fn quiet_component() -> Vec<u8> {
    made_of("pricing", &pricing_module("1", EMPTY_ANSWER))
}

/// The same, loaded.
fn quiet() -> &'static Plugin {
    static QUIET: OnceLock<Arc<Plugin>> = OnceLock::new();
    QUIET.get_or_init(|| host().load(narrow(Hook::Pricing), &quiet_component()).expect("it loads"))
}

/// The files below the guests' folders whose path ends so, in order.
fn guests_files(ending: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/guests"), &mut paths);
    paths.retain(|path| path.to_str().is_some_and(|path| path.ends_with(ending)));
    paths.sort_unstable();
    assert!(!paths.is_empty(), "plugins that come along have files `{ending}`");
    paths.iter().map(|path| fs::read(path).expect("a file that was listed")).collect()
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the guests' folder") {
        let path = entry.expect("an entry").path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("target" | "node_modules") => {}
            _ if path.is_dir() => walk(&path, files),
            _ => files.push(path),
        }
    }
}
