//! What a verb is about: a plugin's folder, which is built first, or a component with its `plugin.toml`.

use super::build;
use aisle_plugin_host::{Host, HostConfig, HostError, Limits, Manifest, Plugin};
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The name of a manifest in a plugin's folder.
pub(crate) const MANIFEST: &str = "plugin.toml";
/// So much of a manifest is read; a longer one is refused by the host.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// So much of a component is read; a longer one is refused by the host.
pub(crate) const COMPONENT_BYTES_MAX: u64 = 64 << 20;
/// Calls are made one after the other here.
const CALLS_MAX: u32 = 2;

/// A component and what its manifest says.
#[derive(Debug)]
pub(crate) struct Subject {
    /// What it may, and with which settings.
    pub(crate) manifest: Manifest,
    /// The text of the manifest.
    pub(crate) text: String,
    /// The component.
    pub(crate) component: Vec<u8>,
}

impl Subject {
    /// Reads a component, building it first where a folder is named.
    ///
    /// # Errors
    /// When it does not build, or a file cannot be read, or the manifest is refused: by its field.
    pub(crate) fn read(path: &Path, manifest: Option<&Path>) -> Result<Self> {
        if path.is_dir() {
            // What is wrong with the manifest is said before the minute that a first build takes.
            let (manifest, text) =
                read_manifest(&manifest.map_or_else(|| path.join(MANIFEST), Path::to_owned))?;
            let built = build::Builder::find(path, None)?.quiet_when_built().build(None)?;
            return Self::of(manifest, text, &built.file);
        }
        if !path.exists() {
            bail!(
                "there is no `{}`\nhint: name a plugin's folder, or a component with its `{MANIFEST}` beside it",
                path.display()
            );
        }
        let (manifest, text) = match manifest {
            Some(given) => read_manifest(given)?,
            None => read_manifest(&beside(path).with_context(|| {
                let file = path.display();
                format!("there is no `{MANIFEST}` beside `{file}`, so nobody knows what it may\nhint: name it with `--manifest`, or the plugin's folder instead")
            })?)?,
        };
        Self::of(manifest, text, path)
    }

    /// A component that was built, with its manifest.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn of(manifest: Manifest, text: String, file: &Path) -> Result<Self> {
        let component = bounded(file, COMPONENT_BYTES_MAX)?;
        Ok(Self { manifest, text, component })
    }

    /// Makes it ready to be called. It gets all the time that there is: how fast an author's machine is, and what else it does,
    /// must not change what a plugin decides. Fuel ends what has no end, on every machine alike; who measures time holds it to
    /// the limit that the manifest has ([`Self::late_micros`]).
    ///
    /// # Errors
    /// When the host refuses it: no component, an import that is not granted, a hook that it does not have.
    pub(crate) fn load(&self, host: &Host) -> Result<Arc<Plugin>> {
        let mut manifest = self.manifest.clone();
        manifest.limits.time_ms_max = Limits::CEILING.time_ms_max;
        Ok(host.load(manifest, &self.component)?)
    }

    /// A call that takes longer than this would fail in the shop, in microseconds.
    pub(crate) fn late_micros(&self) -> u64 {
        u64::from(self.manifest.limits.time_ms_max) * 1_000
    }
}

/// Where compiled components are kept from run to run, when not in the user's own cache. Belongs to the user alone: what lies
/// there is run.
const CACHE_DIR: &str = "AISLE_PLUGIN_CACHE_DIR";

/// The sandbox, as a node has it.
///
/// # Errors
/// When this machine cannot have one.
pub(crate) fn host() -> Result<Host> {
    // Here somebody waits for the compiler, and nobody else is to be served.
    let config = |cache_dir| HostConfig {
        calls_max: CALLS_MAX,
        compile_niceness: 0,
        cache_dir,
        ..HostConfig::default()
    };
    match Host::new(config(cache_dir())) {
        // Compiling again costs a moment; not working because of a cache would cost more.
        Err(HostError::Cache { .. }) => Ok(Host::new(config(None))?),
        made => Ok(made?),
    }
}

fn cache_dir() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let below = |folder: PathBuf| folder.join("aisle").join("plugins");
    set(CACHE_DIR)
        .or_else(|| set("XDG_CACHE_HOME").map(below))
        .or_else(|| set("HOME").map(|home| below(home.join(".cache"))))
}

/// Reads a manifest and keeps its text.
///
/// # Errors
/// When it cannot be read, or is refused: by its field.
pub(crate) fn read_manifest(file: &Path) -> Result<(Manifest, String)> {
    let bytes = bounded(file, MANIFEST_BYTES_MAX).map_err(|error| {
        if file.exists() { error } else { error.context(format!("a plugin has a `{MANIFEST}`, which says what it is and what it may\nhint: `aisle plugin new` makes one")) }
    })?;
    let text = String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", file.display()))?;
    let manifest = Manifest::parse(&text).with_context(|| format!("`{}` is refused", file.display()))?;
    Ok((manifest, text))
}

/// Reads a file up to a bound.
///
/// # Errors
/// When it cannot be read or is longer.
pub(crate) fn bounded(file: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|open| open.take(bytes_max + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read `{}`", file.display()))?;
    if bytes.len() as u64 > bytes_max {
        bail!("`{}` is longer than {bytes_max} bytes", file.display());
    }
    Ok(bytes)
}

/// The manifest of a component: under its own name, in its folder, or in the plugin's folder above `target`.
pub(crate) fn beside(component: &Path) -> Option<PathBuf> {
    let candidates = [
        Some(component.with_extension("toml")),
        Some(component.with_file_name(MANIFEST)),
        component
            .parent()
            .and_then(|folder| Some(folder.parent()?.join(MANIFEST)))
            .filter(|_| component.parent().and_then(Path::file_name).is_some_and(|name| name == "target")),
    ];
    candidates.into_iter().flatten().find(|file| file.is_file())
}
