//! From the bytes of a component to a plugin that can be called.

use super::{
    Host,
    cache::Found,
    compiler::NotCompiled,
    weigh::{TooHeavy, weigh},
};
use crate::{
    hook::Hook,
    manifest::{Grant, Manifest},
    plugin::{Exports, LoadedFrom, Plugin, linker},
};
use std::{sync::Arc, time::Instant};
use wasmtime::component::Component;

/// The package whose interfaces there are, and its version.
const PACKAGE: &str = "aisle:plugin/";
const VERSION: semver::Version = semver::Version::new(0, 1, 0);
/// How much of a component's own names and of what is said about them is told, in characters.
const WORDS_LENGTH_MAX: usize = 300;

/// Why a component did not become a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is larger than it may be.
    #[error("the component of `{id}` is {found} bytes long, expected at most {max}")]
    TooLarge {
        /// The plugin.
        id: String,
        /// Its length, in bytes.
        found: usize,
        /// The longest, in bytes.
        max: usize,
    },
    /// It asks for more than this host gives.
    #[error("`limits.{field}` of `{id}` is {found}, expected at most {max} in this store")]
    Limit {
        /// The plugin.
        id: String,
        /// Which limit.
        field: &'static str,
        /// What it asks for.
        found: u64,
        /// What there is.
        max: u64,
    },
    /// It is no component, or one that this host does not run.
    #[error("`{id}` is no component that this host runs: {reason}\nhint: `aisle plugin build` makes one")]
    Component {
        /// The plugin.
        id: String,
        /// The compiler's words.
        reason: String,
    },
    /// Compiling it would keep the store busy for too long.
    #[error("`{id}` has {found} {what}, expected at most {max}: compiling it would take too long")]
    TooHeavy {
        /// The plugin.
        id: String,
        /// Of what it has too much.
        what: &'static str,
        /// How much it has.
        found: u64,
        /// How much it may have.
        max: u64,
    },
    /// It imports what it was not granted.
    #[error(
        "`{id}` imports `{import}`, which is not granted\nhint: add \"{grant}\" to `grants` in its plugin.toml, or do not use it"
    )]
    NotGranted {
        /// The plugin.
        id: String,
        /// What it imports.
        import: String,
        /// What would let it.
        grant: Grant,
    },
    /// It imports what no plugin gets.
    #[error(
        "`{id}` imports `{import}`, which no plugin gets\nhint: a plugin has no files, no network and no system; see plugins/wit/host.wit for \
         what there is"
    )]
    UnknownImport {
        /// The plugin.
        id: String,
        /// What it imports.
        import: String,
    },
    /// It was built against a contract that this node does not have yet, or has no longer.
    #[error(
        "`{id}` imports `{import}`; this node has version {ours}\nhint: build it against plugins/wit of version {ours}"
    )]
    Contract {
        /// The plugin.
        id: String,
        /// What it imports.
        import: String,
        /// What there is.
        ours: semver::Version,
    },
    /// It does not export a hook of its manifest, or another function under its name.
    #[error("`{id}` has no hook `{hook}`: {reason}\nhint: the world `{hook}` exports `{}`", hook.function())]
    Export {
        /// The plugin.
        id: String,
        /// Which hook.
        hook: Hook,
        /// What is wrong.
        reason: String,
    },
    /// Too many components wait to be compiled.
    #[error("`{id}` was not compiled: {max} components are waiting\nhint: try again later")]
    Busy {
        /// The plugin.
        id: String,
        /// How many wait.
        max: usize,
    },
}

pub(super) fn load(host: &Host, manifest: Manifest, bytes: &[u8]) -> Result<Arc<Plugin>, LoadError> {
    let id = || manifest.id.clone();
    let max = host.config.component_bytes_max;
    if bytes.len() > max {
        return Err(LoadError::TooLarge { id: id(), found: bytes.len(), max });
    }
    if let Some((field, found, max)) = manifest.limits.above(&host.config.ceilings) {
        return Err(LoadError::Limit { id: id(), field, found, max });
    }
    let started = Instant::now();
    let hash = blake3::hash(bytes);
    let (component, from) = native(host, &manifest, bytes, &hash)?;
    check_imports(host, &manifest, &component)?;
    let refused = |error: wasmtime::Error| LoadError::Component { id: id(), reason: told(&error) };
    let linker = linker(&host.shared.engine, &manifest.grants).map_err(refused)?;
    let instance = linker.instantiate_pre(&component).map_err(|error| contract(&manifest, &error))?;
    let mut exports = Exports::default();
    for hook in &manifest.hooks {
        let missing = |reason: String| LoadError::Export { id: id(), hook: *hook, reason: told(&reason) };
        exports.find(*hook, &instance).map_err(missing)?;
    }
    // Otherwise the first call would do it.
    component.initialize_copy_on_write_image().map_err(refused)?;
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let hash = hash.to_hex().to_string();
    Ok(Arc::new(Plugin::new(host.shared.clone(), manifest, hash, instance, exports, from, micros)))
}

/// The component in native code.
fn native(
    host: &Host,
    manifest: &Manifest,
    bytes: &[u8],
    hash: &blake3::Hash,
) -> Result<(Component, LoadedFrom), LoadError> {
    let found = host.cache.as_ref().map_or(Found::Nothing, |cache| cache.get(&host.shared.engine, hash));
    let from = match found {
        Found::Ready(component) => return Ok((component, LoadedFrom::Cache)),
        Found::Nothing => LoadedFrom::Compiled,
        Found::Bad(reason) => LoadedFrom::Recompiled { reason },
    };
    let id = manifest.id.clone();
    if let Err(TooHeavy { what, found, max }) = weigh(bytes) {
        return Err(LoadError::TooHeavy { id, what, found, max });
    }
    let component = host.compiler.compile(bytes).map_err(|error| match error {
        NotCompiled::Full => LoadError::Busy { id, max: host.config.compile_queue_max },
        NotCompiled::Refused(reason) => LoadError::Component { id, reason: told(&reason) },
    })?;
    let kept = host.cache.as_ref().map_or(Ok(()), |cache| cache.put(hash, &component));
    Ok((component, kept.map_or_else(|reason| LoadedFrom::NotKept { reason }, |()| from)))
}

/// Every import is one of ours, of a version that fits, and granted.
fn check_imports(host: &Host, manifest: &Manifest, component: &Component) -> Result<(), LoadError> {
    let kind = component.component_type();
    for (import, _) in kind.imports(&host.shared.engine) {
        check_import(manifest, import)?;
    }
    Ok(())
}

fn check_import(manifest: &Manifest, import: &str) -> Result<(), LoadError> {
    let unknown = || LoadError::UnknownImport { id: manifest.id.clone(), import: told(&import) };
    let name = import.strip_prefix(PACKAGE).ok_or_else(unknown)?;
    let (interface, version) = name.split_once('@').ok_or_else(unknown)?;
    let version: semver::Version = version.parse().map_err(|_| unknown())?;
    // Before 1.0 a minor version is what a major one is later.
    if version.major != VERSION.major || version.minor != VERSION.minor || version.patch > VERSION.patch {
        return Err(LoadError::Contract { id: manifest.id.clone(), import: told(&import), ours: VERSION });
    }
    if interface == "types" || interface.ends_with("-types") {
        return Ok(());
    }
    let grant = Grant::ALL.into_iter().find(|grant| grant.as_str() == interface).ok_or_else(unknown)?;
    if manifest.grants.contains(&grant) {
        return Ok(());
    }
    Err(LoadError::NotGranted { id: manifest.id.clone(), import: told(&import), grant })
}

/// The import's name is known, its type is another.
fn contract(manifest: &Manifest, error: &wasmtime::Error) -> LoadError {
    LoadError::Component { id: manifest.id.clone(), reason: told(error) }
}

/// Words about a component, which may hold as much of its own text as it likes: one line, and not too long.
fn told(words: &dyn std::fmt::Display) -> String {
    let words = format!("{words:#}");
    let letters = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    letters.take(WORDS_LENGTH_MAX).collect()
}
