//! `aisle plugin build`: a plugin's folder becomes a component.
//!
//! The one place that knows how: every other verb, and `cargo xtask plugins`, comes here.

use super::{
    component,
    shared::{self, Turn},
    toolchain::{TARGET, Toolchain},
};
use crate::output;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// Where cargo keeps what it compiles, when every verb that builds is to share it.
const TARGET_DIR: &str = "AISLE_PLUGIN_TARGET_DIR";

/// What plugins depend on.
const SDK: &str = "aisle-plugin-sdk";

/// `plugin build`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  aisle plugin build my-offer --out my-offer.wasm")]
pub(crate) struct Args {
    /// The plugin's folder
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Where the component goes [default: DIR/target/NAME.wasm]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where cargo keeps what it compiles; plugins may share it [env: AISLE_PLUGIN_TARGET_DIR] [default: the workspace's; for a plugin
    /// that stands alone that of the first-party plugins, where they were built beside its SDK]
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
}

/// What was built.
#[derive(Debug, Serialize)]
pub(crate) struct Built {
    /// The package's name.
    pub(crate) name: String,
    /// Where the component lies.
    pub(crate) file: PathBuf,
    /// How long it is.
    pub(crate) bytes: usize,
    /// BLAKE3 of the component.
    pub(crate) hash: String,
    /// How long it took.
    pub(crate) millis: u128,
}

/// Builds, and says what came out.
pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let built = build(&args.directory, args.out.as_deref(), args.target_dir.as_deref())?;
    if json {
        return Ok(output::json(&built)?);
    }
    output::line(format!("{}  {}", built.name, built.file.display()))?;
    output::line(format!("  size  {} bytes", built.bytes))?;
    output::line(format!("  hash  {}", built.hash))?;
    Ok(output::line(format!("  time  {:.1} s", built.millis as f64 / 1000.0))?)
}

/// Builds a plugin's folder.
///
/// # Errors
/// As [`Builder::find`] and [`Builder::build`].
pub(crate) fn build(directory: &Path, out: Option<&Path>, target_directory: Option<&Path>) -> Result<Built> {
    Builder::find(directory, target_directory)?.build(out)
}

/// What it takes to build a plugin's folder, found once and used as often as its sources change.
#[derive(Debug)]
pub(crate) struct Builder {
    directory: PathBuf,
    package: Package,
    toolchain: Toolchain,
    target_directory: PathBuf,
    quiet: bool,
}

impl Builder {
    /// Looks for package and compiler.
    ///
    /// # Errors
    /// When the folder holds no plugin, or there is no compiler for it (with how to install one).
    pub(crate) fn find(directory: &Path, target_directory: Option<&Path>) -> Result<Self> {
        let package = Package::read(directory)?;
        let toolchain = Toolchain::find(directory)?;
        let set = env::var_os(TARGET_DIR);
        let target_directory = match target_directory.or(set.as_deref().map(Path::new)) {
            Some(given) => std::path::absolute(given)?,
            None => package.shared_target().unwrap_or_else(|| package.target_directory.clone()),
        };
        Ok(Self { directory: directory.to_owned(), package, toolchain, target_directory, quiet: false })
    }

    /// Has cargo say only what is wrong, once it was built before: then it takes seconds, and nobody wants to see how far it is.
    pub(crate) fn quiet_when_built(self) -> Self {
        Self { quiet: self.module().is_file(), ..self }
    }

    /// What cargo makes.
    fn module(&self) -> PathBuf {
        self.target_directory.join(TARGET).join("release").join(format!("{}.wasm", self.package.library))
    }

    /// Compiles, and makes the component.
    ///
    /// # Errors
    /// When it does not compile, or asks for what no world has.
    pub(crate) fn build(&self, out: Option<&Path>) -> Result<Built> {
        let begun = Instant::now();
        let Package { name, library, .. } = &self.package;
        let turn = Turn::take(&self.target_directory, name, library, &self.directory)?;
        let mut command = self.toolchain.build(&self.directory, &self.target_directory);
        command.args(["--package", name]).stdout(Stdio::null());
        if self.quiet {
            command.arg("--quiet");
        }
        let status = command
            .status()
            .with_context(|| format!("cannot start `{}`", command.get_program().to_string_lossy()))?;
        if !status.success() {
            bail!("`{name}` does not compile with {}", self.toolchain.name());
        }
        let module = self.module();
        let module = fs::read(&module).with_context(|| format!("cannot read `{}`", module.display()))?;
        drop(turn);
        let component = component::encode(&module).with_context(|| format!("`{name}` is no plugin"))?;
        let file = match out {
            Some(file) => file.to_owned(),
            None => below(&self.directory, &format!("target/{name}.wasm")),
        };
        write(&file, &component)?;
        Ok(Built {
            name: name.clone(),
            file,
            bytes: component.len(),
            hash: blake3::hash(&component).to_hex().to_string(),
            millis: begun.elapsed().as_millis(),
        })
    }
}

/// A path below a folder, as people write it: not `./target`.
pub(crate) fn below(directory: &Path, path: &str) -> PathBuf {
    if directory == Path::new(".") { PathBuf::from(path) } else { directory.join(path) }
}

/// Writes the whole file or nothing: somebody may be watching it.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let beside = file.with_extension("wasm.new");
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, file))
        .with_context(|| format!("cannot write `{}`", file.display()))
}

/// What cargo knows of the package in a folder.
#[derive(Debug)]
struct Package {
    name: String,
    library: String,
    target_directory: PathBuf,
    /// The package has a target folder of its own.
    stands_alone: bool,
    /// The folder of the SDK, where that is none that was published.
    sdk: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<MetadataTarget>,
    dependencies: Vec<MetadataDependency>,
}

#[derive(Deserialize)]
struct MetadataDependency {
    name: String,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    name: String,
    crate_types: Vec<String>,
}

impl Package {
    fn read(directory: &Path) -> Result<Self> {
        let manifest = directory.join("Cargo.toml");
        let manifest = manifest.canonicalize().with_context(|| {
            format!("there is no `{}`\nhint: name the folder of a plugin", manifest.display())
        })?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let answer = Command::new(cargo)
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(&manifest)
            .current_dir(directory)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start `cargo`")?;
        if !answer.status.success() {
            bail!("cargo cannot read `{}`", manifest.display());
        }
        let metadata: Metadata =
            serde_json::from_slice(&answer.stdout).context("cannot read what `cargo metadata` says")?;
        let package = metadata
            .packages
            .into_iter()
            .find(|package| package.manifest_path == manifest)
            .with_context(|| format!("`{}` is a workspace, not a plugin", manifest.display()))?;
        let library = package
            .targets
            .iter()
            .find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
            .with_context(|| {
                format!(
                    "`{}` has no library that can be loaded\nhint: `[lib]` with `crate-type = [\"cdylib\"]` in its Cargo.toml",
                    package.name
                )
            })?;
        let library = library.name.replace('-', "_");
        let stands_alone = manifest.with_file_name("target") == metadata.target_directory;
        let sdk = package.dependencies.into_iter().find(|it| it.name == SDK).and_then(|it| it.path);
        Ok(Self {
            name: package.name,
            library,
            target_directory: metadata.target_directory,
            stands_alone,
            sdk,
        })
    }

    /// What the first-party plugins beside the SDK were built in: it holds the standard library and all that the SDK needs.
    fn shared_target(&self) -> Option<PathBuf> {
        let root = self.sdk.as_deref().filter(|_| self.stands_alone)?.parent()?.parent()?;
        Some(root.join("target/guests")).filter(|target| shared::can_share(target))
    }
}
